/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of hanging requests. uWSGI has one for a worker, which the beginning and the end of
 * each request sets and clears for all. The loop keeps one for each core, and sets the worker's to
 * the earliest. */
/* Runs in: a worker, the main thread (start), the thread of the core (begin, end). */
#ifndef AM_UWSGI_LOOP_HARAKIRI_H
#define AM_UWSGI_LOOP_HARAKIRI_H

#include <stdbool.h>

/* Allocates a deadline for each core. False: out of memory. Once in each process. */
bool am_loop_harakiri_start(unsigned cores);

/* Around a request of a core; `end` after uwsgi_close_request. The core's thread. */
void am_loop_harakiri_begin(unsigned core);
void am_loop_harakiri_end(unsigned core);

#endif
