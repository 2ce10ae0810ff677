/* The sockets that a worker accepts connections from.
 *
 * All processes wait for the same sockets; EPOLLEXCLUSIVE wakes one of those that are idle. The
 * kernel asks them in the order in which they began to wait, so who has accepted goes to the end of
 * that order (DESIGN.md). */
#ifndef AM_UWSGI_LOOP_LISTENER_H
#define AM_UWSGI_LOOP_LISTENER_H

#include "../host.h"
#include "connection.h"

enum { AM_LOOP_LISTENERS = 255 }; /* at most */

struct am_loop_listener {
    struct uwsgi_socket inner;    /* for requests that the loop runs (exchange.h) */
    struct uwsgi_socket blocking; /* for those that a blocking thread runs */
    int fd;
    bool http; /* the parser is the one of HTTP, and not of uWSGI's packets */
    bool persistent;
};

/* Whether the loop speaks that socket's protocol; else why not, and what to do. */
const char *am_loop_listener_refusal(const struct uwsgi_socket *socket);

/* Takes all sockets of this worker. False: out of memory. */
bool am_loop_listeners_start(void);
unsigned am_loop_listeners_count(void);
struct am_loop_listener *am_loop_listener_at(unsigned index);

/* A connection that has come in, IDLE; NULL with errno: EAGAIN when there is none. */
struct am_loop_connection *am_loop_listener_accept(unsigned index);

#endif
