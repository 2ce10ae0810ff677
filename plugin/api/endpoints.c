/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints: one table of paths, methods and handlers, and the handlers. */
#include "endpoints.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../base/clock.h"
#include "http.h"

enum { METRICS_SIZE = 256 << 10 };

/* One request on its way to its answer. */
struct exchange {
    struct am_api *api;
    const struct am_api_http_settings *settings;
    const struct am_api_http_request *request;
    struct am_api_http_response *response;
};

typedef void handler(struct exchange *exchange);
static handler answer_decide, answer_bid, answer_preview, answer_health, answer_readiness,
    answer_metrics;

struct endpoint {
    const char *path; /* NULL: every other path */
    const char *name;
    bool reads, posts; /* GET and HEAD, POST */
    const char *allow; /* the same as a header's value */
    handler *answer;
};

static const struct endpoint endpoints[AM_ENDPOINTS] = {
    [AM_ENDPOINT_DECIDE] = {"/v1/decide", "decide", true, true, "GET, HEAD, POST", answer_decide},
    [AM_ENDPOINT_OPENRTB] = {"/openrtb2/bid", "openrtb", false, true, "POST", answer_bid},
    [AM_ENDPOINT_PREVIEW] = {"/preview", "preview", true, true, "GET, HEAD, POST", answer_preview},
    [AM_ENDPOINT_HEALTHZ] = {"/healthz", "healthz", true, false, "GET, HEAD", answer_health},
    [AM_ENDPOINT_READYZ] = {"/readyz", "readyz", true, false, "GET, HEAD", answer_readiness},
    [AM_ENDPOINT_METRICS] = {"/metrics", "metrics", true, false, "GET, HEAD", answer_metrics},
    [AM_ENDPOINT_OTHER] = {.name = "other"},
};

const char *am_api_endpoint_name(enum am_api_endpoint endpoint) {
    return endpoints[endpoint].name;
}

/* ---- small helpers ---------------------------------------------------------------------------
 */

static bool is_method(const struct am_api_http_request *request, const char *method) {
    return am_view_equal(request->method, am_view_of(method));
}

static struct am_view header(const struct am_api_http_request *request, const char *name) {
    return request->header(request->header_context, name);
}

bool am_api_http_is_media_type(struct am_view given, const char *type) {
    const char *end = given.size ? memchr(given.data, ';', given.size) : NULL;
    size_t size = end ? (size_t)(end - given.data) : given.size;
    while (size && (given.data[size - 1] == ' ' || given.data[size - 1] == '\t'))
        size--;
    return size == strlen(type) && strncasecmp(given.data, type, size) == 0;
}

static void add_header(struct am_api_http_response *response, const char *name, const char *value) {
    response->headers[response->header_count++] = (struct am_api_http_header){name, value};
}

static void answer_error(struct exchange *exchange, unsigned status, const char *reason) {
    struct am_api_response made;
    am_api_error(exchange->api, status, am_view_of(reason), AM_VIEW(""), &made);
    exchange->response->status = made.status;
    exchange->response->type = "application/json";
    exchange->response->body = made.body;
}

static void take(struct am_api_http_response *response, const struct am_api_response *made) {
    response->status = made->status;
    response->body = made->body;
    response->decision = made->decision;
    response->request = made->request;
}

/* ---- decisions --------------------------------------------------------------------------------
 */

static void decide(struct exchange *exchange, const struct am_api_request *asked) {
    struct am_api_response made;
    uint64_t began = am_clock(CLOCK_MONOTONIC);
    am_api_decide(exchange->api, asked, &made);
    exchange->response->decide_nanoseconds = am_clock(CLOCK_MONOTONIC) - began;
    take(exchange->response, &made);
}

/* Content-Encoding; NULL, or why it is refused. */
static const char *read_encoding(const struct am_api_http_request *request,
                                 struct am_api_request *asked) {
    struct am_view encoding = header(request, "Content-Encoding");
    asked->gzip = am_api_http_is_media_type(encoding, "gzip");
    if (encoding.size && !asked->gzip && !am_api_http_is_media_type(encoding, "identity"))
        return "Content-Encoding: expected gzip, or none";
    return NULL;
}

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

/* Takes what stands before the next semicolon off a header's value, without blanks around it. */
static struct am_view take_part(struct am_view *rest) {
    const char *semicolon = memchr(rest->data, ';', rest->size);
    struct am_view part = {rest->data, semicolon ? (size_t)(semicolon - rest->data) : rest->size};
    size_t taken = part.size + (semicolon != NULL);
    *rest = (struct am_view){rest->data + taken, rest->size - taken};
    for (; part.size && is_blank(part.data[0]); part.size--)
        part.data++;
    while (part.size && is_blank(part.data[part.size - 1]))
        part.size--;
    return part;
}

/* The charset that a Content-Type names, without quotes; empty: none. */
static struct am_view charset_of(struct am_view type) {
    static const struct am_view name = {"charset=", 8};
    while (type.size) {
        struct am_view part = take_part(&type);
        if (part.size < name.size || strncasecmp(part.data, name.data, name.size) != 0)
            continue;
        struct am_view value = {part.data + name.size, part.size - name.size};
        bool quoted = value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
        return quoted ? (struct am_view){value.data + 1, value.size - 2} : value;
    }
    return type;
}

static const char *read_charset(struct am_view type, struct am_api_request *asked) {
    struct am_view charset = charset_of(type);
    asked->charset = charset.size ? am_text_charset_of(charset) : AM_CHARSET_UTF8;
    return asked->charset == AM_CHARSET_UNKNOWN
               ? "Content-Type: expected charset utf-8, iso-8859-1, us-ascii or windows-1252"
               : NULL;
}

/* The kind of a posted body; NULL, or why it is refused. */
static const char *read_content(const struct am_api_http_request *request,
                                struct am_api_request *asked) {
    struct am_view type = header(request, "Content-Type");
    const char *refusal = NULL;
    if (type.size == 0 || am_api_http_is_media_type(type, "application/json"))
        asked->content = AM_CONTENT_JSON;
    else if (am_api_http_is_media_type(type, "text/plain"))
        asked->content = AM_CONTENT_TEXT;
    else if (am_api_http_is_media_type(type, "text/html"))
        asked->content = AM_CONTENT_HTML;
    else
        return "Content-Type: expected application/json, text/plain or text/html";
    if (asked->content != AM_CONTENT_JSON)
        refusal = read_charset(type, asked);
    return refusal ? refusal : read_encoding(request, asked);
}

static const char *read_bid_content(const struct am_api_http_request *request,
                                    struct am_api_request *asked) {
    struct am_view type = header(request, "Content-Type");
    asked->content = AM_CONTENT_OPENRTB;
    if (type.size && !am_api_http_is_media_type(type, "application/json"))
        return "Content-Type: expected application/json";
    return read_encoding(request, asked);
}

static struct am_api_request asked_by(const struct exchange *exchange) {
    return (struct am_api_request){.content = AM_CONTENT_QUERY_STRING,
                                   .body = exchange->request->query,
                                   .now = exchange->request->now,
                                   .test = exchange->settings->test};
}

static void
decide_posted(struct exchange *exchange, struct am_api_request *asked, const char *refusal) {
    asked->body = exchange->request->body;
    if (refusal)
        answer_error(exchange, 415, refusal);
    else
        decide(exchange, asked);
}

static void answer_decide(struct exchange *exchange) {
    struct am_api_request asked = asked_by(exchange);
    if (is_method(exchange->request, "POST"))
        decide_posted(exchange, &asked, read_content(exchange->request, &asked));
    else
        decide(exchange, &asked);
}

static void answer_bid(struct exchange *exchange) {
    struct am_api_request asked = asked_by(exchange);
    add_header(exchange->response, "X-OpenRTB-Version", "2.6");
    decide_posted(exchange, &asked, read_bid_content(exchange->request, &asked));
}

/* ---- the page for people ----------------------------------------------------------------------
 */

/* The page shows bids and how they are chosen: nobody else may keep it or frame it. */
static void add_page_headers(struct am_api_http_response *response) {
    add_header(response, "Content-Security-Policy", am_api_page_policy);
    add_header(response, "Cache-Control", "no-store");
    add_header(response, "Referrer-Policy", "no-referrer");
    add_header(response, "X-Content-Type-Options", "nosniff");
}

static void answer_preview(struct exchange *exchange) {
    const struct am_api_http_request *request = exchange->request;
    struct am_api_request asked = asked_by(exchange);
    struct am_api_response made;
    if (is_method(request, "POST")) {
        asked.body = request->body;
        if (!am_api_http_is_media_type(header(request, "Content-Type"),
                                       "application/x-www-form-urlencoded")) {
            answer_error(exchange, 415, "Content-Type: expected application/x-www-form-urlencoded");
            return;
        }
    }
    am_api_preview(exchange->api, &asked, &made);
    exchange->response->status = made.status;
    exchange->response->body = made.body;
    exchange->response->type = "text/html; charset=utf-8";
    add_page_headers(exchange->response);
}

/* ---- probes and metrics -----------------------------------------------------------------------
 */

static void answer_health(struct exchange *exchange) {
    exchange->response->status = 200;
    exchange->response->body = AM_VIEW("{\"ok\":true}");
}

static void answer_readiness(struct exchange *exchange) {
    if (!am_api_image(exchange->api)) {
        answer_error(exchange, 503, "no inventory is loaded yet");
        return;
    }
    exchange->response->status = 200;
    exchange->response->body = AM_VIEW("{\"ready\":true}");
}

static void answer_metrics(struct exchange *exchange) {
    const struct am_api_http_settings *settings = exchange->settings;
    struct am_api_http_response *response = exchange->response;
    struct am_buffer buffer = am_buffer_over(malloc(METRICS_SIZE), METRICS_SIZE);
    response->owned = buffer.data;
    if (!buffer.data) {
        answer_error(exchange, 503, "out of memory");
        return;
    }
    settings->metrics(settings->metrics_context, &buffer, exchange->request->now);
    if (buffer.overflowed) {
        answer_error(exchange, 500, "answer too large");
        return;
    }
    response->status = 200;
    response->type = "text/plain; version=0.0.4; charset=utf-8";
    response->body = am_buffer_view(&buffer);
}

/* ---- routing ----------------------------------------------------------------------------------
 */

static enum am_api_endpoint find_endpoint(const struct am_api_http_settings *settings,
                                          struct am_view path) {
    for (int i = 0; i < AM_ENDPOINT_OTHER; i++)
        if (am_view_equal(path, am_view_of(endpoints[i].path)) &&
            (i != AM_ENDPOINT_PREVIEW || settings->preview))
            return (enum am_api_endpoint)i;
    return AM_ENDPOINT_OTHER;
}

static bool is_allowed(const struct am_api_http_request *request, const struct endpoint *endpoint) {
    bool reads = is_method(request, "GET") || is_method(request, "HEAD");
    return (endpoint->reads && reads) || (endpoint->posts && is_method(request, "POST"));
}

static void route(struct exchange *exchange) {
    const struct am_api_http_request *request = exchange->request;
    const struct endpoint *endpoint = &endpoints[exchange->response->endpoint];
    if (request->refused) {
        answer_error(exchange, request->refused, request->reason);
    } else if (!endpoint->path) {
        answer_error(exchange, 404, "there is nothing at this path");
    } else if (!is_allowed(request, endpoint)) {
        answer_error(exchange, 405, "method not allowed for this path");
        add_header(exchange->response, "Allow", endpoint->allow);
    } else if (is_method(request, "POST") && !request->has_length) {
        answer_error(exchange, 411, "expected a Content-Length, or a chunked body");
    } else {
        endpoint->answer(exchange);
    }
}

void am_api_http_answer(struct am_api *api,
                        const struct am_api_http_settings *settings,
                        const struct am_api_http_request *request,
                        struct am_api_http_response *response) {
    const struct am_image *image = am_api_image(api);
    struct exchange exchange = {api, settings, request, response};
    *response = (struct am_api_http_response){.type = "application/json",
                                              .endpoint = find_endpoint(settings, request->path)};
    route(&exchange);
    if (image)
        add_header(response, "X-Admatch-Generation", image->generation);
}

void am_api_http_response_free(struct am_api_http_response *response) {
    free(response->owned);
    response->owned = NULL;
}
