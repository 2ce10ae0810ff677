/* SPDX-License-Identifier: Apache-2.0 */
/* uWSGI's request hooks: fills an am_api_http_request, has it answered, writes the answer. */
/* Runs in: the master before its first fork (start); a worker's main thread (forked); the worker's
 * thread that serves the request (the hooks). */
#ifndef AM_UWSGI_REQUEST_H
#define AM_UWSGI_REQUEST_H

#include "../publish/server.h"

struct wsgi_request;

/* Makes what each core needs. Once, in the master, before the first fork. Without it every request
 * is answered 503. */
enum am_code
am_uwsgi_requests_start(struct am_server *server, unsigned cores, struct am_error *error);

/* uWSGI's hooks, in the worker's thread that serves the request. */
int am_uwsgi_request_serve(struct wsgi_request *request);
void am_uwsgi_request_finished(struct wsgi_request *request);

/* The path below the prefix that admatch is mounted at. Once the variables have been parsed. */
struct am_view am_uwsgi_request_path(const struct wsgi_request *request);

/* In a worker after its fork: its CPU clock starts anew. */
void am_uwsgi_requests_forked(void);

#endif
