/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP as the endpoints see it: a request in memory, an answer in memory. Knows no server; a server
 * (plugin/uwsgi), a fuzzer or a library fills the request and writes the response. */
#ifndef AM_API_HTTP_H
#define AM_API_HTTP_H

#include "../events/judge.h"
#include "api.h"
#include "endpoints.h"

struct am_api_http_request {
    struct am_view method, path;
    struct am_view query; /* raw, without the '?' */
    struct am_view body;  /* whole, as sent */
    bool has_length;      /* the client framed a body: Content-Length, or chunked */
    unsigned refused;     /* not 0: the server could not take the body; the status to answer */
    const char *reason;   /* with it: why */
    int64_t now;          /* the server's clock, seconds since the epoch */
    struct am_view peer;  /* address of whoever opened the connection; empty: a Unix socket */
    bool is_public;       /* it came by a socket that anybody may reach (admatch-public) */
    bool ignored;         /* the server's own rules say that its events do not count */
    bool transformed;     /* the server packs answers itself */
    /* The value of a header ("Content-Encoding"), or an empty view. */
    struct am_view (*header)(const void *context, const char *name);
    const void *header_context;
};

struct am_api_http_header {
    const char *name, *value; /* neither has control characters */
};

enum { AM_API_HTTP_HEADERS = 16 };

/* `body` belongs to the api and lives until its next call, unless `owned` is set. */
struct am_api_http_response {
    unsigned status;
    const char *type; /* Content-Type; 204 has neither a type nor a length */
    struct am_view body;
    void *owned; /* memory of the body, freed by am_api_http_response_free; or NULL */
    struct am_api_http_header headers[AM_API_HTTP_HEADERS];
    unsigned header_count;
    enum am_api_endpoint endpoint;
    /* What counters and access logs want to know; NULL and 0 where nothing was decided. */
    const struct am_match_decision *decision;
    const struct am_match_request *request;
    enum am_openrtb_no_bid no_bid;           /* as of struct am_api_response */
    const struct am_openrtb_member_set *odd; /* the same */
    uint64_t decide_nanoseconds;             /* to read, decide and render */
    bool has_event;                          /* an event was handled: its kind and outcome */
    enum am_journal_kind event;
    enum am_event_outcome outcome;
};

/* What a server switches on, and what endpoints need of it. */
struct am_api_http_settings {
    bool test;    /* requests may set the time by `now` */
    bool preview; /* /preview answers */
    bool events;  /* the endpoints of events answer: the api counts (counting.h) */
    size_t gzip;  /* answers of more bytes are packed for clients that take gzip; 0: none is */
    /* Of pages whose scripts may ask, as browsers write them ("https://a.example"); "*": any. Ends
     * with NULL. NULL: none. */
    const char *const *origins;
    const struct am_api_deriving *deriving; /* NULL: nothing is derived of visitors */
    /* Appends the metrics in the text format of Prometheus. */
    void (*metrics)(const void *context, struct am_buffer *out, int64_t now);
    const void *metrics_context;
};

/* Finds the endpoint, checks the method, answers. Never fails: errors are answers. Allocates for
 * /metrics only. One thread at a time for each `api`. */
void am_api_http_answer(struct am_api *api,
                        const struct am_api_http_settings *settings,
                        const struct am_api_http_request *request,
                        struct am_api_http_response *response);
void am_api_http_response_free(struct am_api_http_response *response);

/* Whether a text is "*" or an origin as browsers write it: SCHEME://HOST, with :PORT perhaps. */
bool am_api_http_is_origin(const char *text);

/* Whether a Content-Type names that media type: "application/json; charset=utf-8" is
 * "application/json". */
bool am_api_http_is_media_type(struct am_view given, const char *type);

#endif
