/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: OpenRTB 2.6 (and 2.5) bid requests in, bid responses out.
 * docs/OPENRTB.md is the mapping, member by member. */
#ifndef AM_API_OPENRTB_H
#define AM_API_OPENRTB_H

#include <strings.h>

#include "../../base/buffer.h"
#include "../../base/decimal.h"
#include "../creative.h"
#include "../request.h"
#include "members.h"
#include "no_bid.h"

/* What impression was read last. */
struct am_openrtb_impression {
    struct am_view floor_currency;
    bool has_sizes, is_private;
    bool is_overlay;       /* a video that is not in the stream */
    bool has_protocols;    /* `vast` is the newest of them */
    struct am_json native; /* the request of a native impression; without nodes: none */
    uint8_t vast;          /* 1 + index into am_openrtb_vasts; 0: none is known */
    bool unreadable;       /* a member that restricts bids */
};

struct am_openrtb_location {
    struct am_view country, region, metro, city; /* .data NULL: not given */
};

/* A list of what is allowed, while it is read: whether it has the name that is looked for. */
struct am_openrtb_allowed {
    struct am_view wanted;
    bool found, restricts; /* an empty list restricts nothing */
};

/* Names that are allowed; none but these when `restricts`. Those beyond the capacity are not: that
 * errs on the side of silence. */
struct am_openrtb_names {
    struct am_view *items;
    uint32_t count, capacity;
    bool restricts;
};

/* What of a bid request is not a part of the request for a decision. Private to the openrtb files.
 */
struct am_openrtb {
    const struct am_image *image;
    struct am_api_creatives *creatives; /* set once by the owner */
    enum am_openrtb_no_bid no_bid;
    struct am_openrtb_member_set odd; /* members that were not as the specification has them */
    bool test, explains;              /* the answer says why ads did not bid */
    bool transparent;                 /* creatives must say what the Digital Services Act asks */
    bool user_is_private;             /* data about the user must not be used */
    const struct am_json_node *user;
    struct am_view app_name;
    struct am_view content_url, site_domain;
    struct am_view key; /* of ext.admatch.kv, that is being read */
    struct am_openrtb_location location;
    const char *device; /* NULL: not given */
    struct am_view os;
    uint32_t impressions; /* that were given */
    struct am_openrtb_impression impression;
    int64_t *sides; /* of the size that is being read */
    struct am_openrtb_allowed allowed;
    struct am_openrtb_names seats, categories; /* of wseat, acat */
    int64_t taxonomy;                          /* of categories: cattax */

    /* Not cleared before each request. */
    struct am_view seat_names[AM_MAX_SEATS];
    struct am_view category_names[AM_MAX_ALLOWED_CATEGORIES];
    struct am_json natives[AM_MAX_SLOTS]; /* by slot, as of struct am_openrtb_impression */
    uint8_t vasts[AM_MAX_SLOTS];          /* by slot, as of struct am_openrtb_impression */
};

/* Versions of VAST: their numbers among protocols, and their names. */
struct am_openrtb_vast {
    int protocol;
    const char *version;
};
enum { AM_OPENRTB_VASTS = 5, AM_OPENRTB_VAST_USUAL = 2 /* index: 4.0 */ };
extern const struct am_openrtb_vast am_openrtb_vasts[AM_OPENRTB_VASTS];

/* After am_api_request_start. On success reader->request holds the request for a decision, with a
 * slot for each impression that may be bid on; when openrtb->no_bid is set, there is nothing to
 * decide. Whatever else is wrong with the request, errors are only these: AM_E_LIMIT for a body
 * that is too long; AM_E_SYNTAX for no JSON; AM_E_INVALID without an id or impressions. */
enum am_code am_openrtb_read(struct am_openrtb *openrtb,
                             struct am_api_request_reader *reader,
                             const struct am_image *image,
                             struct am_view body,
                             struct am_error *error);

/* Writes the bid response. Without any bid, openrtb->no_bid says why, and nothing is written but in
 * test mode. `decision` may be NULL when nothing was decided. */
void am_openrtb_render(struct am_buffer *out,
                       struct am_openrtb *openrtb,
                       const struct am_match_request *request,
                       const struct am_match_decision *decision);

static inline bool am_openrtb_same(struct am_view a, struct am_view b) {
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

#endif
