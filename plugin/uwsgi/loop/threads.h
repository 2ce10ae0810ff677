/* Blocking threads: cores 1 and up run what may block, such as requests of other plugins, and
 * routes. A connection goes there with its parsed head and whatever else has been read, for one
 * request, and comes back after it. */
#ifndef AM_UWSGI_LOOP_THREADS_H
#define AM_UWSGI_LOOP_THREADS_H

#include "connection.h"

/* Starts a thread for each core but the first, which is the loop's. `wake` is an eventfd that is
 * written to when a connection has come back. False: no thread could be started, although there
 * are more cores than one; logged. */
bool am_loop_threads_start(int wake);

/* Whether there is one. Any thread. */
bool am_loop_threads_running(void);

/* Gives a connection (AWAY) to the next thread that is free; where there is only one core, runs its
 * request here and now. The loop's thread. */
void am_loop_threads_give(struct am_loop_connection *connection);

/* All that have come back, linked by `queued`. The loop's thread. */
struct am_loop_connection *am_loop_threads_take_back(void);

#endif
