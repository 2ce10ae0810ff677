/* All connections of a process at work: which of them epoll waits for, when they time out, which
 * are accepted and which have to make room. The loop's thread. */
#ifndef AM_UWSGI_LOOP_CROWD_H
#define AM_UWSGI_LOOP_CROWD_H

#include "../../publish/metrics.h"
#include "connection.h"

/* Starts with no connection. `queue` is the epoll set; keys of connections are below 1 << 63.
 * `capacity`: connections at most. `now`: as below. `metrics`: where all processes count, or NULL.
 * False: out of memory. */
bool am_loop_crowd_start(int queue, uint32_t capacity, int64_t now, struct am_metrics *metrics);

/* Milliseconds, of CLOCK_MONOTONIC; at the beginning of each turn. */
void am_loop_crowd_set_time(int64_t now);

/* Begins or stops to wait for new connections on all sockets. Keys: 1 << 63 and the socket's
 * index. Without descriptors, or with a full table, waiting goes on at the next tick. */
void am_loop_crowd_listen(bool listen);

/* Takes some of the connections that have come to a socket. `alone`: nothing else is to be done. */
void am_loop_crowd_accept(unsigned listener, bool alone);

/* What epoll says of a connection. */
void am_loop_crowd_event(uint64_t key, uint32_t events);

/* Goes on with connections whose next request has come already. False: there are none. */
bool am_loop_crowd_go_on(void);

/* Takes connections back from blocking threads. */
void am_loop_crowd_take_back(void);

/* Once a second: timeouts, connections that were overlooked, and the balance with others. */
void am_loop_crowd_tick(void);

/* At the end of a turn: listens again where there is room again, and publishes numbers. */
void am_loop_crowd_settle(void);

/* Closes connections on which nothing has been begun, once it is certain that nothing has come. */
void am_loop_crowd_dismiss(void);

/* The process ends: it has no connection any more. */
void am_loop_crowd_leave(void);

/* Connections with blocking threads. */
uint32_t am_loop_crowd_away(void);

#endif
