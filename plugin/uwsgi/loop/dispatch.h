/* SPDX-License-Identifier: Apache-2.0 */
/* The event dispatcher: which connections epoll watches, their timeouts, accepting, and eviction at
 * the bound. */
/* Runs in: a worker, the loop's thread. */
#ifndef AM_UWSGI_LOOP_DISPATCH_H
#define AM_UWSGI_LOOP_DISPATCH_H

#include "../../publish/metrics.h"
#include "connection.h"

/* Starts without connections. `queue` is the epoll set; keys of connections are below 1 << 63.
 * `capacity`: the most connections. `now`: as below. `metrics`: the counters of all workers, or
 * NULL. False: out of memory. Once in each process. */
bool am_loop_dispatch_start(int queue, uint32_t capacity, int64_t now, struct am_metrics *metrics);

/* Milliseconds of CLOCK_MONOTONIC. At the beginning of each turn. */
void am_loop_dispatch_set_time(int64_t now);

/* Starts or stops accepting on all sockets; their keys are 1 << 63 | index. Accepting pauses by
 * itself at the bound and without file descriptors. */
void am_loop_dispatch_listen(bool listen);

/* Accepts connections of a readable socket, and serves them. `alone`: the turn has no other event.
 */
void am_loop_dispatch_accept(unsigned listener, bool alone);

/* Handles an event of a connection. */
void am_loop_dispatch_event(uint64_t key, uint32_t events);

/* Serves connections whose next request is buffered already. True: some still are. */
bool am_loop_dispatch_ready(void);

/* Takes connections back from blocking threads. */
void am_loop_dispatch_collect(void);

/* Connections that blocking threads have. */
uint32_t am_loop_dispatch_blocking(void);

/* Once a second: timeouts, overlooked connections, balance between processes. */
void am_loop_dispatch_tick(void);

/* At the end of each turn: resumes accepting, and publishes gauges. */
void am_loop_dispatch_end_turn(void);

/* Closes all idle connections; a request that has arrived meanwhile is still answered. */
void am_loop_dispatch_close_idle(void);

/* Before the process exits: its gauges become 0. */
void am_loop_dispatch_stop(void);

#endif
