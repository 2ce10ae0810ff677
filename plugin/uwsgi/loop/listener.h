/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that a worker accepts connections from. */
/* Runs in: a worker, the loop's thread; any process (refusal). */
#ifndef AM_UWSGI_LOOP_LISTENER_H
#define AM_UWSGI_LOOP_LISTENER_H

#include "../host.h"
#include "connection.h"

enum { AM_LOOP_LISTENERS = 255 }; /* at most */

struct am_loop_listener {
    struct uwsgi_socket inner;    /* for requests that the loop runs (hooks.h) */
    struct uwsgi_socket blocking; /* for those that a blocking thread runs */
    int fd;
    bool http; /* parsed as HTTP, not as uwsgi packets */
    bool persistent;
};

/* NULL when the loop can serve that socket; else why not, and what to do about it. Any process. */
const char *am_loop_listener_refusal(const struct uwsgi_socket *socket);

/* Takes over all sockets of this worker. False: out of memory. Once in each process. */
bool am_loop_listeners_start(void);
unsigned am_loop_listeners_count(void);
struct am_loop_listener *am_loop_listener_at(unsigned index);

/* Accepts a connection; it is IDLE. NULL with errno: EAGAIN when none waits. */
struct am_loop_connection *am_loop_listener_accept(unsigned index);

#endif
