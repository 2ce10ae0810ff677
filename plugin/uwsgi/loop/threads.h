/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking threads, on cores 1 and up, run requests that may block: those of other plugins, for
 * instance, or with routes. The loop hands a connection over with its parsed head and all that has
 * been received, for one request. */
/* Runs in: a worker, the loop's thread (start, submit, collect), any thread (running). */
#ifndef AM_UWSGI_LOOP_THREADS_H
#define AM_UWSGI_LOOP_THREADS_H

#include "connection.h"

/* Starts a thread for each core but core 0, the loop's. A returned connection writes to the eventfd
 * `wake`. False: there are more cores than one, but no thread could be started; logged. Once in
 * each process. */
bool am_loop_threads_start(int wake);

/* Whether there is one. Any thread. */
bool am_loop_threads_running(void);

/* Hands a BLOCKING connection over to the next free thread. Without threads, runs its request at
 * once. The loop's thread. */
void am_loop_threads_submit(struct am_loop_connection *connection);

/* All connections returned since the last call, linked by `queued`. The loop's thread. */
struct am_loop_connection *am_loop_threads_collect(void);

#endif
