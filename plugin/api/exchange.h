/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: one request on its way to its answer, as the handlers of endpoints see
 * it. */
#ifndef AM_API_EXCHANGE_H
#define AM_API_EXCHANGE_H

#include "../base/address.h"
#include "http.h"

struct am_api_exchange {
    struct am_api *api;
    const struct am_api_http_settings *settings;
    const struct am_api_http_request *request;
    struct am_api_http_response *response;
    struct am_view token; /* what follows the path of an endpoint that takes one */
};

typedef void am_api_handler(struct am_api_exchange *exchange);

static inline bool am_api_exchange_is(const struct am_api_exchange *exchange, const char *method) {
    return am_view_equal(exchange->request->method, am_view_of(method));
}

static inline struct am_view am_api_exchange_header(const struct am_api_exchange *exchange,
                                                    const char *name) {
    return exchange->request->header(exchange->request->header_context, name);
}

static inline void
am_api_exchange_add(struct am_api_exchange *exchange, const char *name, const char *value) {
    struct am_api_http_response *response = exchange->response;
    response->headers[response->header_count++] = (struct am_api_http_header){name, value};
}

static inline void
am_api_exchange_error(struct am_api_exchange *exchange, unsigned status, const char *reason) {
    struct am_api_response made;
    am_api_error(exchange->api, status, am_view_of(reason), AM_VIEW(""), &made);
    exchange->response->status = made.status;
    exchange->response->type = "application/json";
    exchange->response->body = made.body;
}

/* client.c: whose request it is, behind proxies that are trusted. With an api that counts. */
struct am_address am_api_exchange_client(const struct am_api_exchange *exchange);

/* ---- event_endpoints.c: what browsers and advertisers report ------------------------------------
 */

am_api_handler am_api_answer_impression, am_api_answer_view, am_api_answer_event,
    am_api_answer_click, am_api_answer_conversion;

#endif
