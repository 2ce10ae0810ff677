/* SPDX-License-Identifier: Apache-2.0 */
/* State that is given instead of counted, for tests and replays: a ledger in private memory with
 * the limits of an image and the counts of a document, so that decisions ask it by the code that
 * asks a server's.
 *
 *     {"campaign":{"c1":{"spend":{"total":41.2,"daily":12.1,"line":40.75},"impressions":{...},
 *                        "clicks":{...},"paused":true,
 *                        "caps":{"1d":{"count":3,"opened":"2026-12-01T09:00:00Z"}}}},
 *      "ad":{...},"advertiser":{...}}
 *
 * Used in all and of today, by kind and id: money in units of the currency, at most 9 decimals;
 * impressions and clicks. Without `line`, a budget's line is anchored at (start of its window, 0);
 * of a flight without a start it is the limit. `caps` are those of the user of the request, whoever
 * it is.
 *
 * Thread rule: no shared state; one thread at a time for each. */
#ifndef AM_DELIVERY_GIVEN_H
#define AM_DELIVERY_GIVEN_H

#include "private.h"

struct am_delivery_given {
    struct am_delivery_private opened;
    uint64_t user; /* whose caps they are */
};

/* Makes the ledger as it is at `now`; am_delivery_begin is done. AM_E_INVALID: the document is not
 * of that form, or names what the image lacks; error->where says where. AM_E_MEMORY, AM_E_LIMIT. */
enum am_code am_delivery_given_make(const struct am_image *image,
                                    struct am_view document,
                                    int64_t now,
                                    struct am_delivery_given **made,
                                    struct am_error *error);
void am_delivery_given_free(struct am_delivery_given *given); /* NULL is fine */

#endif
