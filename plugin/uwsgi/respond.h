/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, on any of uWSGI's protocols. */
/* Runs in: the worker's thread that serves the request. */
#ifndef AM_UWSGI_RESPOND_H
#define AM_UWSGI_RESPOND_H

#include "../api/http.h"

struct wsgi_request;

/* Writes head and body; for HEAD, only the head. With `close`, says that the connection will be
 * closed. False: the client is gone. In the worker's thread that serves the request. */
bool am_uwsgi_respond(struct wsgi_request *request,
                      const struct am_api_http_response *response,
                      bool close);

/* Whether the request's method is that one. */
bool am_uwsgi_method_is(const struct wsgi_request *request, const char *method);

#endif
