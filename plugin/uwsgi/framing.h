/* SPDX-License-Identifier: Apache-2.0 */
/* How the body of a request is framed, by its head: what two readers could understand differently
 * is refused (RFC 9112, sections 2.2, 5 and 6), since one request could hide in another
 * otherwise. */
/* Runs in: the worker's thread that serves the request. */
#ifndef AM_UWSGI_FRAMING_H
#define AM_UWSGI_FRAMING_H

#include <stdbool.h>

struct wsgi_request;

struct am_uwsgi_framing {
    bool has_length;    /* Content-Length or Transfer-Encoding was given */
    bool chunked;       /* else the body has post_cl bytes */
    const char *reason; /* why it is refused (400), for the answer; NULL: it is not */
};

/* Whether the head speaks of a body's length. Cheap. */
bool am_uwsgi_framing_is_given(struct wsgi_request *request);

/* Checks the whole head, where the client speaks HTTP. */
struct am_uwsgi_framing am_uwsgi_framing_of(struct wsgi_request *request);

#endif
