/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers as bytes, the same for the server and for the command. Knows HTTP's words
 * but no server.
 *
 * A `struct am_api` is one thread's working memory: request storage, JSON nodes, output buffer,
 * matcher. */
#ifndef AM_API_API_H
#define AM_API_API_H

#include "../base/address.h"
#include "../base/buffer.h"
#include "../match/match.h"
#include "../text/charset.h"
#include "openrtb/members.h"
#include "openrtb/no_bid.h"
#include "visitor.h"

struct am_api;

struct am_api_limits {
    size_t body_bytes; /* of a request body, unpacked; default 1 MiB */
    uint32_t words;    /* default 100,000 */
    uint64_t work;     /* as of struct am_matcher_limits */
    size_t memory;     /* bytes that may stay resident between requests; 0: the default */
};
enum { AM_API_MEMORY_DEFAULT = 1 << 20 };
#define AM_API_LIMITS_DEFAULT                                                                      \
    ((struct am_api_limits){1 << 20, 100000, AM_MATCH_WORK_DEFAULT, AM_API_MEMORY_DEFAULT})

/* Address space is reserved, pages are touched as needed. NULL and AM_E_MEMORY when that fails. */
struct am_api *am_api_new(const struct am_api_limits *limits, struct am_error *error);
void am_api_free(struct am_api *api);

/* As am_matcher_attach. Without an image, am_api_decide answers 503. */
enum am_code
am_api_attach(struct am_api *api, const struct am_image *image, struct am_error *error);

/* The map of the attached image's ads to their budgets, which the requests are decided by from now
 * on; the caller's, as long as the image. NULL: budgets and frequency caps are ignored. */
struct am_delivery_map;
void am_api_deliver(struct am_api *api, const struct am_delivery_map *map);

enum am_api_content {
    AM_CONTENT_JSON,
    AM_CONTENT_TEXT,
    AM_CONTENT_HTML,
    AM_CONTENT_QUERY_STRING,
    AM_CONTENT_OPENRTB, /* a bid request, to be answered with a bid response */
};

/* A simulated server, in place of the api's own ledger and of the clock. */
struct am_api_simulation {
    /* Brings the ledger to the time of a request that was read, which is then decided. An error
     * refuses the request. */
    enum am_code (*advance)(void *context, int64_t now, struct am_error *error);
    void *context;
    const struct am_match_delivery *delivery; /* but for the clock and the user */
};

/* What a request brought, after HTTP. */
struct am_api_request {
    enum am_api_content content;
    enum am_text_charset charset; /* of plain text and HTML, when known */
    struct am_view body;  /* JSON, plain text or HTML; or the raw query string, percent-encoded */
    bool gzip;            /* body is gzip: unpacked here, with a bound on ratio and size */
    int64_t now;          /* server clock, seconds */
    bool test;            /* admatch-test: the request's own `now` counts */
    bool is_public;       /* anybody may ask: explain and now are refused, prices are left out */
    struct am_view state; /* JSON: what was used and seen, of requests that bring none; `.data`
                             NULL: the ledger knows. For tests only */
    const struct am_api_simulation *simulation; /* or NULL */
    bool opted_out;           /* Sec-GPC: no user is known, whatever the request says */
    struct am_address client; /* that asks at a public socket of an api that counts; else zeros */
    bool explain;             /* of a bid request: as if it asked by ext.admatch.explain */
    struct am_api_visitor visitor; /* deriving NULL: nothing is derived */
    bool places; /* what is decided will be shown: an api that counts (counting.h) numbers it and
                    logs it; not of bids */
};

/* An answer; body points into the api and lives until the next call. */
struct am_api_response {
    unsigned status; /* 200, 204 (OpenRTB: no bid, an empty body), 400, 413, 422, 500 (the answer
                        does not fit), 503 */
    struct am_view body;
    const struct am_match_decision *decision; /* if a decision was made and rendered; else NULL */
    const struct am_match_request *request;   /* with it; else NULL */
    enum am_openrtb_no_bid no_bid; /* of a bid request without a bid; else AM_NO_BID_NONE */
    const struct am_openrtb_member_set *odd; /* of a bid request that was read; else NULL */
};

/* Reads the request, decides, renders. Never fails: errors are answers. No allocation (gzip bodies
 * apart: zlib's state is made in am_api_new). */
void am_api_decide(struct am_api *api,
                   const struct am_api_request *request,
                   struct am_api_response *response);

/* The page for people: HTML with a form, and when it was filled in, the decision with its reasons.
 * `content` is AM_CONTENT_QUERY_STRING (a form's body is written the same way). The request's own
 * `now` counts. Errors are pages, too; never fails. */
void am_api_preview(struct am_api *api,
                    const struct am_api_request *request,
                    struct am_api_response *response);
extern const char am_api_page_policy[]; /* Content-Security-Policy of pages for people */

/* Renders {"error":{"status":..,"reason":..,"where":..}}; `where` may be empty and is then left
 * out. */
void am_api_error(struct am_api *api,
                  unsigned status,
                  struct am_view reason,
                  struct am_view where,
                  struct am_api_response *response);

/* After the response has been written: gives memory back to the system when the request may have
 * used more than limits.memory. The response and its decision are gone. */
void am_api_settle(struct am_api *api);
/* Packs an answer by gzip; false: it stays as it is. Valid until the next call of it. */
bool am_api_pack(struct am_api *api, struct am_view plain, struct am_view *packed);

/* Opens the file of addresses that will be asked, before the process that answers is forked. */
void am_api_prepare(struct am_api *api, const struct am_api_deriving *deriving);

/* The image attached, or NULL. */
const struct am_image *am_api_image(const struct am_api *api);

#endif
