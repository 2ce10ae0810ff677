/* SPDX-License-Identifier: Apache-2.0 */
/* From received bytes to an answered request, by uWSGI's parsers and functions, without waiting. */
/* Runs in: a worker, the loop's thread; any process (may_block). */
#ifndef AM_UWSGI_LOOP_SERVE_H
#define AM_UWSGI_LOOP_SERVE_H

#include "connection.h"

/* What to do next with a connection; its state agrees. */
enum am_loop_next {
    AM_LOOP_READ,      /* wait for more bytes (IDLE, HEAD, BODY) */
    AM_LOOP_SERVE,     /* serve it again: the next request is buffered (IDLE) */
    AM_LOOP_WRITE,     /* wait until it takes more of the answer (WRITING) */
    AM_LOOP_HAND_OVER, /* give it to a blocking thread (BLOCKING) */
    AM_LOOP_LINGER,    /* half close it, and drop what it still sends (LINGERING) */
    AM_LOOP_CLOSE,
    AM_LOOP_NO_MEMORY, /* close it: the bound of buffered bytes is reached */
    AM_LOOP_FORGET,    /* free it: its descriptor has another owner */
};

/* Whether uWSGI's configuration lets any request block: routes, static files, a cache, or buffered
 * bodies. Any process. */
bool am_loop_serve_may_block(void);

/* Finds out which requests the loop may run. False, with errno: no descriptors. Once in each
 * process. */
bool am_loop_serve_start(void);

/* IDLE, HEAD or BODY, readable or with input left: reads, and answers at most one request. */
enum am_loop_next am_loop_serve(struct am_loop_connection *connection);

/* BODY: the rest of the body will not come. Runs the request, which refuses it. */
enum am_loop_next am_loop_serve_truncated(struct am_loop_connection *connection);

/* BLOCKING: a blocking thread has run the request. */
enum am_loop_next am_loop_serve_returned(struct am_loop_connection *connection);

/* WRITING: sends more of the answer. */
enum am_loop_next am_loop_serve_flush(struct am_loop_connection *connection);

#endif
