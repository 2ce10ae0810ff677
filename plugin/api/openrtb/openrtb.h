/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: OpenRTB 2.6 (and 2.5) bid requests in, bid responses out.
 * docs/OPENRTB.md is the mapping, member by member. */
#ifndef AM_API_OPENRTB_H
#define AM_API_OPENRTB_H

#include <strings.h>

#include "../../base/buffer.h"
#include "../../base/decimal.h"
#include "../json_members.h"

/* Why there is no bid: `nbr` of an answer in test mode. From 500 on, codes are a bidder's own. */
enum am_openrtb_no_bid {
    AM_NO_BID_NONE = 0,          /* nothing is known that forbids a bid */
    AM_NO_BID_NO_AD = 500,       /* no ad fits */
    AM_NO_BID_CURRENCY = 501,    /* `cur` lacks the inventory's */
    AM_NO_BID_IMPRESSIONS = 502, /* no impression is one that we bid on */
    AM_NO_BID_CATEGORIES = 503,  /* `acat`: a list of what is allowed, which is not supported */
    AM_NO_BID_LANGUAGE = 504,    /* `wlang` lacks the inventory's */
};

/* What impression was read last. */
struct am_openrtb_impression {
    struct am_view id; /* .data NULL: not given */
    struct am_view floor_currency;
    bool is_banner, has_sizes, is_private, secure;
};

/* What of a bid request is not a part of the request for a decision. Private to the openrtb files.
 */
struct am_openrtb {
    const struct am_image *image;
    struct am_json_node *creative_nodes; /* AM_CREATIVE_NODES, set once by the owner */
    enum am_openrtb_no_bid no_bid;
    bool test;
    bool found;           /* the name looked for in a list */
    bool user_is_private; /* what is said of the user must not be used */
    const struct am_json_node *user;
    struct am_view app_name;
    uint32_t impressions;
    struct am_openrtb_impression impression;
    int64_t *sides;                     /* of the size that is being read */
    struct am_view placement;           /* tagid of the impression read last */
    struct am_view seats[AM_MAX_SEATS]; /* of wseat */
    uint32_t seat_count;
    bool secure[AM_MAX_SLOTS]; /* by slot */
};

/* After am_api_request_start. On success reader->request holds the request for a decision, with a
 * slot for each impression that may be bid on; when openrtb->no_bid is set, there is nothing to
 * decide. Errors as for the requests of /v1/decide. */
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

/* ---- parts of reading ----------------------------------------------------------------------- */

am_api_member_function am_openrtb_read_impressions; /* imp */
enum am_openrtb_winner { AM_OPENRTB_SITE, AM_OPENRTB_APP, AM_OPENRTB_SCREEN };
am_api_member_function am_openrtb_read_page; /* site, app, dooh: the argument tells which */
am_api_member_function am_openrtb_read_device;
am_api_member_function am_openrtb_read_regulations;
/* After all else, since it depends on the device and the regulations. */
enum am_code am_openrtb_read_user(struct am_api_members *in);

/* Whole numbers where 0 is no and all else is yes. */
enum am_code
am_openrtb_flag(struct am_api_members *in, const struct am_json_node *value, bool *flag);

/* A value of an attribute. One that is longer than any in an inventory is passed over. */
am_api_item_function am_openrtb_add_attribute;
/* A string that is a value of the attribute `argument`. */
am_api_member_function am_openrtb_read_attribute;
/* "running, shoes": items of keywords; what does not fit in is passed over. */
am_api_member_function am_openrtb_read_keywords;
am_api_member_function am_openrtb_read_keyword_list;

static inline bool am_openrtb_same(struct am_view a, struct am_view b) {
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

#endif
