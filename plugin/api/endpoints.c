/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints: one table of paths, methods and handlers, and the handlers. */
#include "endpoints.h"

#include <stdlib.h>
#include <string.h>

#include "../base/clock.h"
#include "cors.h"
#include "exchange.h"
#include "headers.h"
#include "tag/script.h"

enum { METRICS_SIZE = 256 << 10 };

static am_api_handler answer_decide, answer_bid, answer_preview, answer_health, answer_readiness,
    answer_metrics, answer_tag, answer_demo;

struct endpoint {
    const char *path; /* NULL: every other path; what ends with '/' is followed by a token */
    const char *name;
    bool reads, posts; /* GET and HEAD, POST */
    bool scripts;      /* pages of other origins may ask, see am_api_http_settings.origins */
    bool probes;       /* a cache may keep the answer, but must ask whether it still holds */
    const char *allow; /* `reads` and `posts` as a header's value */
    am_api_handler *answer;
};

static const struct endpoint endpoints[AM_ENDPOINTS] = {
    /* path, name, reads, posts, scripts, probes, allow, answer */
    [AM_ENDPOINT_DECIDE] = {"/v1/decide", "decide", true, true, true, false, "GET, HEAD, POST",
                            answer_decide},
    [AM_ENDPOINT_OPENRTB] = {"/openrtb2/bid", "openrtb", false, true, false, false, "POST",
                             answer_bid},
    [AM_ENDPOINT_PREVIEW] = {"/preview", "preview", true, true, false, false, "GET, HEAD, POST",
                             answer_preview},
    [AM_ENDPOINT_HEALTHZ] = {"/healthz", "healthz", true, false, false, true, "GET, HEAD",
                             answer_health},
    [AM_ENDPOINT_READYZ] = {"/readyz", "readyz", true, false, false, true, "GET, HEAD",
                            answer_readiness},
    [AM_ENDPOINT_METRICS] = {"/metrics", "metrics", true, false, false, true, "GET, HEAD",
                             answer_metrics},
    [AM_ENDPOINT_TAG] = {"/v1/tag.js", "tag", true, false, false, false, "GET, HEAD", answer_tag},
    [AM_ENDPOINT_DEMO] = {"/demo", "demo", true, false, false, false, "GET, HEAD", answer_demo},
    [AM_ENDPOINT_IMPRESSION] = {"/v1/impression/", "impression", true, true, true, false,
                                "GET, HEAD, POST", am_api_answer_impression},
    [AM_ENDPOINT_CLICK] = {"/v1/click/", "click", true, false, false, false, "GET, HEAD",
                           am_api_answer_click},
    [AM_ENDPOINT_VIEW] = {"/v1/view/", "view", true, true, true, false, "GET, HEAD, POST",
                          am_api_answer_view},
    [AM_ENDPOINT_EVENT] = {"/v1/event/", "event", true, true, true, false, "GET, HEAD, POST",
                           am_api_answer_event},
    [AM_ENDPOINT_CONVERSION] = {"/v1/conversion/", "conversion", true, true, true, false,
                                "GET, HEAD, POST", am_api_answer_conversion},
    [AM_ENDPOINT_OTHER] = {.name = "other"},
};

const char *am_api_endpoint_name(enum am_api_endpoint endpoint) {
    return endpoints[endpoint].name;
}

/* ---- small helpers ---------------------------------------------------------------------------
 */

bool am_api_http_is_media_type(struct am_view given, const char *type) {
    return am_api_header_is(am_api_header_name(given), type);
}

static void take(struct am_api_http_response *response, const struct am_api_response *made) {
    response->status = made->status;
    response->body = made->body;
    response->decision = made->decision;
    response->request = made->request;
    response->no_bid = made->no_bid;
    response->odd = made->odd;
}

/* ---- decisions --------------------------------------------------------------------------------
 */

static void decide(struct am_api_exchange *exchange, const struct am_api_request *asked) {
    struct am_api_response made;
    uint64_t began = am_clock(CLOCK_MONOTONIC);
    am_api_decide(exchange->api, asked, &made);
    exchange->response->decide_nanoseconds = am_clock(CLOCK_MONOTONIC) - began;
    take(exchange->response, &made);
}

/* Content-Encoding; NULL, or why it is refused. */
static const char *read_encoding(const struct am_api_exchange *exchange,
                                 struct am_api_request *asked) {
    struct am_view encoding = am_api_exchange_header(exchange, "Content-Encoding");
    asked->gzip = am_api_http_is_media_type(encoding, "gzip") ||
                  am_api_http_is_media_type(encoding, "x-gzip"); /* RFC 9110, section 8.4.1.3 */
    if (encoding.size && !asked->gzip && !am_api_http_is_media_type(encoding, "identity"))
        return "Content-Encoding: expected gzip, or none";
    return NULL;
}

static const char *read_charset(struct am_view type, struct am_api_request *asked) {
    struct am_view charset = am_api_header_parameter(type, "charset");
    asked->charset = charset.size ? am_text_charset_of(charset) : AM_CHARSET_UTF8;
    return asked->charset == AM_CHARSET_UNKNOWN
               ? "Content-Type: expected charset utf-8, iso-8859-1, us-ascii or windows-1252"
               : NULL;
}

/* The kind of a posted body; NULL, or why it is refused. */
static const char *read_content(const struct am_api_exchange *exchange,
                                struct am_api_request *asked) {
    struct am_view type = am_api_exchange_header(exchange, "Content-Type");
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
    return refusal ? refusal : read_encoding(exchange, asked);
}

static const char *read_bid_content(const struct am_api_exchange *exchange,
                                    struct am_api_request *asked) {
    struct am_view type = am_api_exchange_header(exchange, "Content-Type");
    asked->content = AM_CONTENT_OPENRTB;
    /* Some exchanges send text/plain. */
    if (type.size && !am_api_http_is_media_type(type, "application/json") &&
        !am_api_http_is_media_type(type, "text/plain"))
        return "Content-Type: expected application/json";
    return read_encoding(exchange, asked);
}

/* Reads headers only where something is derived from them. */
static struct am_api_visitor visitor_of(const struct am_api_exchange *exchange) {
    if (!exchange->settings->deriving)
        return (struct am_api_visitor){.deriving = NULL};
    return (struct am_api_visitor){
        .deriving = exchange->settings->deriving,
        .peer = exchange->request->peer,
        .forwarded = am_api_exchange_header(exchange, "X-Forwarded-For"),
        .agent = am_api_exchange_header(exchange, "User-Agent"),
        .mobile = am_api_exchange_header(exchange, "Sec-CH-UA-Mobile"),
        .platform = am_api_exchange_header(exchange, "Sec-CH-UA-Platform"),
        .languages = am_api_exchange_header(exchange, "Accept-Language"),
    };
}

static struct am_api_request asked_by(const struct am_api_exchange *exchange) {
    bool is_public = exchange->request->is_public;
    struct am_api_request asked = {
        .content = AM_CONTENT_QUERY_STRING,
        .body = exchange->request->query,
        .now = exchange->request->now,
        .test = exchange->settings->test,
        .is_public = is_public,
        .opted_out = am_view_equal(am_api_exchange_header(exchange, "Sec-GPC"), AM_VIEW("1")),
        .visitor = visitor_of(exchange),
        .places = !am_api_exchange_is(exchange, "HEAD"),
    };
    if (is_public && exchange->settings->events)
        asked.client = am_api_exchange_client(exchange);
    return asked;
}

static void
decide_posted(struct am_api_exchange *exchange, struct am_api_request *asked, const char *refusal) {
    asked->body = exchange->request->body;
    if (refusal)
        am_api_exchange_error(exchange, 415, refusal);
    else
        decide(exchange, asked);
}

static void answer_decide(struct am_api_exchange *exchange) {
    struct am_api_request asked = asked_by(exchange);
    if (am_api_exchange_is(exchange, "POST"))
        decide_posted(exchange, &asked, read_content(exchange, &asked));
    else
        decide(exchange, &asked);
}

static void answer_bid(struct am_api_exchange *exchange) {
    struct am_api_request asked = asked_by(exchange);
    am_api_exchange_add(exchange, "X-OpenRTB-Version", "2.6");
    decide_posted(exchange, &asked, read_bid_content(exchange, &asked));
}

/* ---- the page for people ----------------------------------------------------------------------
 */

/* The page shows bids and how they are chosen: nobody else may keep it or frame it. */
static void add_page_headers(struct am_api_exchange *exchange) {
    am_api_exchange_add(exchange, "Content-Security-Policy", am_api_page_policy);
    am_api_exchange_add(exchange, "Referrer-Policy", "no-referrer");
    am_api_exchange_add(exchange, "X-Content-Type-Options", "nosniff");
}

static void answer_preview(struct am_api_exchange *exchange) {
    const struct am_api_http_request *request = exchange->request;
    struct am_api_request asked = asked_by(exchange);
    struct am_api_response made;
    asked.places = false;
    if (am_api_exchange_is(exchange, "POST")) {
        asked.body = request->body;
        if (!am_api_http_is_media_type(am_api_exchange_header(exchange, "Content-Type"),
                                       "application/x-www-form-urlencoded")) {
            am_api_exchange_error(exchange, 415,
                                  "Content-Type: expected application/x-www-form-urlencoded");
            return;
        }
    }
    am_api_preview(exchange->api, &asked, &made);
    exchange->response->status = made.status;
    exchange->response->body = made.body;
    exchange->response->type = "text/html; charset=utf-8";
    add_page_headers(exchange);
}

/* ---- the page tag -----------------------------------------------------------------------------
 */

/* The same for everybody, and for pages of any origin. */
static void answer_tag(struct am_api_exchange *exchange) {
    exchange->response->status = 200;
    exchange->response->type = "text/javascript; charset=utf-8";
    exchange->response->body = am_api_tag_script;
    am_api_exchange_add(exchange, "Cross-Origin-Resource-Policy", "cross-origin");
    am_api_exchange_add(exchange, "X-Content-Type-Options", "nosniff");
}

static void answer_demo(struct am_api_exchange *exchange) {
    exchange->response->status = 200;
    exchange->response->type = "text/html; charset=utf-8";
    exchange->response->body = am_api_tag_demo;
    am_api_exchange_add(exchange, "Content-Security-Policy", am_api_tag_demo_policy);
    am_api_exchange_add(exchange, "X-Content-Type-Options", "nosniff");
}

/* ---- probes and metrics -----------------------------------------------------------------------
 */

static void answer_health(struct am_api_exchange *exchange) {
    exchange->response->status = 200;
    exchange->response->body = AM_VIEW("{\"ok\":true}");
}

static void answer_readiness(struct am_api_exchange *exchange) {
    if (!am_api_image(exchange->api)) {
        am_api_exchange_error(exchange, 503, "no inventory is loaded yet");
        return;
    }
    exchange->response->status = 200;
    exchange->response->body = AM_VIEW("{\"ready\":true}");
}

static void answer_metrics(struct am_api_exchange *exchange) {
    const struct am_api_http_settings *settings = exchange->settings;
    struct am_api_http_response *response = exchange->response;
    struct am_buffer buffer = am_buffer_over(malloc(METRICS_SIZE), METRICS_SIZE);
    response->owned = buffer.data;
    if (!buffer.data) {
        am_api_exchange_error(exchange, 503, "out of memory");
        return;
    }
    settings->metrics(settings->metrics_context, &buffer, exchange->request->now);
    if (buffer.overflowed) {
        am_api_exchange_error(exchange, 500, "answer too large");
        return;
    }
    response->status = 200;
    response->type = "text/plain; version=0.0.4; charset=utf-8";
    response->body = am_buffer_view(&buffer);
}

/* ---- routing ----------------------------------------------------------------------------------
 */

/* What is for the owner and for exchanges alone. */
static bool is_private(enum am_api_endpoint endpoint) {
    return endpoint == AM_ENDPOINT_PREVIEW || endpoint == AM_ENDPOINT_DEMO ||
           endpoint == AM_ENDPOINT_METRICS || endpoint == AM_ENDPOINT_OPENRTB;
}

static bool is_switched_on(const struct am_api_exchange *exchange, enum am_api_endpoint endpoint) {
    const struct am_api_http_settings *settings = exchange->settings;
    if (exchange->request->is_public && is_private(endpoint))
        return false;
    if (endpoint >= AM_ENDPOINT_IMPRESSION)
        return settings->events;
    return (endpoint != AM_ENDPOINT_PREVIEW && endpoint != AM_ENDPOINT_DEMO) || settings->preview;
}

/* Whether the endpoint's path, or its path and a token, which has no '/'. */
static bool is_at(const struct endpoint *endpoint, struct am_view path, struct am_view *token) {
    size_t size = strlen(endpoint->path);
    *token = AM_VIEW("");
    if (endpoint->path[size - 1] != '/')
        return am_view_equal(path, (struct am_view){endpoint->path, size});
    if (path.size <= size || memcmp(path.data, endpoint->path, size) != 0)
        return false;
    *token = (struct am_view){path.data + size, path.size - size};
    return !memchr(token->data, '/', token->size);
}

/* With and without a slash at the end. */
static struct am_view without_slash(struct am_view path) {
    if (path.size > 1 && path.data[path.size - 1] == '/')
        path.size--;
    return path;
}

static enum am_api_endpoint find_endpoint(struct am_api_exchange *exchange) {
    const struct am_view path = without_slash(exchange->request->path);
    for (int i = 0; i < AM_ENDPOINT_OTHER; i++)
        if (is_switched_on(exchange, (enum am_api_endpoint)i) &&
            is_at(&endpoints[i], path, &exchange->token))
            return (enum am_api_endpoint)i;
    return AM_ENDPOINT_OTHER;
}

static bool is_allowed(const struct am_api_exchange *exchange, const struct endpoint *endpoint) {
    bool reads = am_api_exchange_is(exchange, "GET") || am_api_exchange_is(exchange, "HEAD");
    return (endpoint->reads && reads) || (endpoint->posts && am_api_exchange_is(exchange, "POST"));
}

/* A preflight: the browser asks whether the page may ask. */
static bool asks_first(const struct am_api_exchange *exchange, const struct endpoint *endpoint) {
    return endpoint->scripts && exchange->settings->origins &&
           am_api_exchange_is(exchange, "OPTIONS");
}

static void route(struct am_api_exchange *exchange) {
    const struct am_api_http_request *request = exchange->request;
    const struct endpoint *endpoint = &endpoints[exchange->response->endpoint];
    if (request->refused) {
        am_api_exchange_error(exchange, request->refused, request->reason);
    } else if (!endpoint->path) {
        am_api_exchange_error(exchange, 404, "there is nothing at this path");
    } else if (asks_first(exchange, endpoint)) {
        am_api_cors_preflight(exchange->settings, request, endpoint->allow, exchange->response);
    } else if (!is_allowed(exchange, endpoint)) {
        am_api_exchange_error(exchange, 405, "method not allowed for this path");
        am_api_exchange_add(exchange, "Allow", endpoint->allow);
    } else if (am_api_exchange_is(exchange, "POST") && !request->has_length) {
        am_api_exchange_error(exchange, 411, "expected a Content-Length, or a chunked body");
    } else {
        endpoint->answer(exchange);
    }
}

/* Packs the answer where that is wanted. */
static void pack(struct am_api_exchange *exchange) {
    struct am_api_http_response *response = exchange->response;
    size_t above = exchange->settings->gzip;
    struct am_view packed;
    if (!above || response->body.size <= above || exchange->request->transformed)
        return;
    am_api_exchange_add(exchange, "Vary", "Accept-Encoding");
    if (!am_api_header_accepts(am_api_exchange_header(exchange, "Accept-Encoding"), "gzip") ||
        !am_api_pack(exchange->api, response->body, &packed))
        return;
    am_api_exchange_add(exchange, "Content-Encoding", "gzip");
    response->body = packed;
}

/* Decisions are of the moment, and errors go when their cause does: nobody may keep them. */
static void add_common_headers(struct am_api_exchange *exchange) {
    struct am_api_http_response *response = exchange->response;
    const struct endpoint *endpoint = &endpoints[response->endpoint];
    const struct am_image *image = am_api_image(exchange->api);
    const char *keeping = response->endpoint == AM_ENDPOINT_TAG && response->status == 200
                              ? "public, max-age=3600"
                          : endpoint->probes ? "no-cache"
                                             : "no-store";
    am_api_exchange_add(exchange, "Cache-Control", keeping);
    if (endpoint->scripts && exchange->settings->origins && response->status != 204)
        am_api_cors_allow(exchange->settings, exchange->request, response);
    if (image)
        am_api_exchange_add(exchange, "X-Admatch-Generation", image->generation);
}

void am_api_http_answer(struct am_api *api,
                        const struct am_api_http_settings *settings,
                        const struct am_api_http_request *request,
                        struct am_api_http_response *response) {
    struct am_api_exchange exchange = {api, settings, request, response, AM_VIEW("")};
    *response = (struct am_api_http_response){.type = "application/json"};
    response->endpoint = find_endpoint(&exchange);
    route(&exchange);
    add_common_headers(&exchange);
    pack(&exchange);
}

void am_api_http_response_free(struct am_api_http_response *response) {
    free(response->owned);
    response->owned = NULL;
}
