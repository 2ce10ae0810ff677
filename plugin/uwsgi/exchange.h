/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, from the parsed head to the access log; one for each core. */
/* Runs in: the master before its first fork (start); the worker's thread that serves the request
 * (add). */
#ifndef AM_UWSGI_EXCHANGE_H
#define AM_UWSGI_EXCHANGE_H

#include "../publish/server.h"
#include "body.h"

struct am_uwsgi_exchange {
    struct wsgi_request *request; /* NULL between requests */
    struct am_uwsgi_body body;
    struct am_server_exchange server;
};

/* Whether log-format names a variable of ours, so that they are worth adding. Set by
 * am_uwsgi_log_variables_start, before the first fork. */
extern bool am_uwsgi_log_variables_wanted;
void am_uwsgi_log_variables_start(void);

/* Adds admatch.ad, admatch.generation, ... for log-format. In the thread that serves the request.
 */
void am_uwsgi_log_variables_add(struct am_uwsgi_exchange *exchange);

#endif
