/* SPDX-License-Identifier: Apache-2.0 */
/* Why a bid request gets no bid: the one table, for answers in test mode and for counters.
 *
 *   REASON(ID, number)
 *
 * ID      enum am_openrtb_no_bid has AM_NO_BID_ID
 * number  `nbr` of the answer. From 500 on, codes are a bidder's own (OpenRTB 2.6, list of no-bid
 *         reasons).
 */
#ifndef AM_API_OPENRTB_NO_BID_H
#define AM_API_OPENRTB_NO_BID_H

#define AM_OPENRTB_NO_BID_TABLE(REASON)                                                            \
    REASON(NO_AD, 500)       /* no ad fits */                                                      \
    REASON(CURRENCY, 501)    /* `cur` lacks the inventory's */                                     \
    REASON(IMPRESSIONS, 502) /* no impression is one that we bid on */                             \
    REASON(TAXONOMY, 503)    /* `cattax` names one that cannot be compared */                      \
    REASON(LANGUAGE, 504)    /* `wlang` or `wlangb` lacks the inventory's */                       \
    REASON(UNREADABLE, 505)  /* a member that restricts bids cannot be read */                     \
    REASON(LIMIT, 506)       /* more than a request may hold, of what cannot be cut */

/* NONE: there is a bid, or nothing is known yet that forbids one. */
#define AM_OPENRTB_NO_BID_ID(ID, number) AM_NO_BID_##ID,
enum am_openrtb_no_bid {
    AM_NO_BID_NONE,
    AM_OPENRTB_NO_BID_TABLE(AM_OPENRTB_NO_BID_ID) AM_NO_BID_REASONS
};
#undef AM_OPENRTB_NO_BID_ID

/* "500"; not of AM_NO_BID_NONE. */
const char *am_openrtb_no_bid_number(enum am_openrtb_no_bid reason);

#endif
