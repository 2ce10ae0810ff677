/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the files of bid responses. */
#ifndef AM_API_OPENRTB_BIDDER_H
#define AM_API_OPENRTB_BIDDER_H

#include "openrtb.h"

/* The writing of one response. */
struct am_openrtb_bidder {
    struct am_buffer *out;
    const struct am_openrtb *openrtb;
    const struct am_image *image;
    const struct am_match_request *request;
    uint32_t bids; /* written so far */
};

/* A winner that is offered. */
struct am_openrtb_offer {
    const struct am_match_winner *placed;
    const struct am_match_slot *slot;
    bool written;
};

/* 16 hexadecimal digits that name the auction, the same whenever it is asked again. */
static inline void am_openrtb_put_auction(const struct am_openrtb_bidder *to) {
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = am_hash_fnv1a(AM_FNV1A_START, to->request->id.data, to->request->id.size);
    char text[16];
    for (int i = 0; i < 16; i++)
        text[i] = digits[hash >> (60 - 4 * i) & 15];
    am_buffer_append(to->out, text, sizeof text);
}

/* A VAST document (IAB Tech Lab, "Digital Video Ad Serving Template" 4.3, section 3) of the files
 * in the creative's `media`, as the value of a JSON member: "<VAST ...>". Returns the version's
 * index in am_openrtb_vasts. */
unsigned am_openrtb_put_vast(const struct am_openrtb_bidder *to,
                             const struct am_openrtb_offer *offer,
                             const struct am_json *creative);

#endif
