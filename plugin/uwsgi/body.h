/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: read whole or refused, and in any case consumed before the next request of the
 * connection. All but am_uwsgi_bodies_start run in the thread that serves the request. */
/* Runs in: the master before its first fork (start); the worker's thread that serves the request
 * (the rest). */
#ifndef AM_UWSGI_BODY_H
#define AM_UWSGI_BODY_H

#include "../base/bytes.h"

struct wsgi_request;

struct am_uwsgi_body {
    struct am_view bytes; /* lives until the request ends */
    bool has_length;      /* Content-Length or Transfer-Encoding was given */
    unsigned refused;     /* 0, or the status to answer: 400, 413 */
    const char *reason;   /* why, for the answer */
    bool close;           /* the connection cannot be reused */
    size_t unchunked;     /* bytes of memory that chunks were put together in */
};

/* Reserves address space for chunked bodies of up to `limit` bytes in each core. Once, in the
 * master, before the first fork. False: out of memory. */
bool am_uwsgi_bodies_start(unsigned cores, size_t limit);

/* Reads the body, up to the limit; above it, reads and drops a bounded amount. */
void am_uwsgi_body_read(struct wsgi_request *request, struct am_uwsgi_body *body);

/* After the answer has been written: makes uWSGI close the connection where the body says so. */
void am_uwsgi_body_finish(struct wsgi_request *request, const struct am_uwsgi_body *body);

#endif
