/* SPDX-License-Identifier: Apache-2.0 */
/* How a worker ends. uWSGI exits inside a signal handler, or inside the request that reaches
 * max-requests, and drops all other requests of the worker. Here handlers only record that the
 * worker is to end; the loop exits later, with uWSGI's own status. */
/* Runs in: a worker, the loop's thread (start, begin, finish), any thread (the questions). */
#ifndef AM_UWSGI_LOOP_STOP_H
#define AM_UWSGI_LOOP_STOP_H

#include <stdbool.h>

/* Replaces uWSGI's handlers in this process. They write to the eventfd `wake`. Once. */
void am_loop_stop_start(int wake);

/* Whether the worker is to end: it accepts and keeps no more connections. Any thread. */
bool am_loop_stopping(void);

/* Whether idle connections are to be closed at once, without time to announce it. */
bool am_loop_stop_is_brutal(void);

/* Informs the master and the log, as uWSGI's handlers do. The loop's thread. */
void am_loop_stop_begin(void);

/* Exits with the status that the master expects. */
_Noreturn void am_loop_stop_finish(void);

#endif
