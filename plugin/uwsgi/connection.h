/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of HTTP clients, as uWSGI's own loop keeps and closes them. */
/* Runs in: the worker's thread that serves the request. */
#ifndef AM_UWSGI_CONNECTION_H
#define AM_UWSGI_CONNECTION_H

#include <stdbool.h>

struct wsgi_request;

/* Whether the client speaks HTTP with this socket, not with a proxy that speaks the uwsgi protocol
 * to it. */
bool am_uwsgi_connection_is_http(const struct wsgi_request *request);

/* Whether the client asks for the end of the connection after this request. */
/* Such a connection ends with its answer, whatever the client asks for. */
bool am_uwsgi_connection_is_http10(const struct wsgi_request *request);
bool am_uwsgi_connection_asks_to_close(struct wsgi_request *request);

/* Whether the connection ends after this request, so that the answer must say so (RFC 9112, section
 * 9.6). Once the body has been read. */
bool am_uwsgi_connection_ends(struct wsgi_request *request);

/* Sends "100 Continue" to a client that waits with its body (Expect: 100-continue). */
void am_uwsgi_connection_continue(struct wsgi_request *request);

/* Whether the client waits for that. */
bool am_uwsgi_connection_expects(struct wsgi_request *request);

/* Before the connection is closed: drops what has come already and nobody will read. The kernel
 * would answer it with a reset, which can overtake the answer. */
void am_uwsgi_connection_drain(const struct wsgi_request *request);

#endif
