/* How a worker comes to its end. uWSGI ends a worker from within a signal handler, or from within
 * the request that was one too many, and with it whatever the worker has begun. The loop notes that
 * it should end, ends when it has nothing in hand, and leaves by the same doors. */
#ifndef AM_UWSGI_LOOP_STOP_H
#define AM_UWSGI_LOOP_STOP_H

#include <stdbool.h>

/* Takes the place of uWSGI's handlers in this process. `wake` is an eventfd that is written to when
 * the loop should look up. */
void am_loop_stop_start(int wake);

/* Whether the worker is to end: no connection is accepted or kept any more. Any thread. */
bool am_loop_stopping(void);

/* Whether it should be over at once: its clients do not get the time to find out. */
bool am_loop_stop_is_brutal(void);

/* Tells the master and the log what uWSGI's handlers would have told them. */
void am_loop_stop_begin(void);

/* Ends the process, as uWSGI would have done. */
_Noreturn void am_loop_stop_finish(void);

#endif
