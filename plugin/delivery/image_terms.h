/* SPDX-License-Identifier: Apache-2.0 */
/* What an image says about budgets and caps, for the ledger: the terms of its records, and the map
 * of its ads. The server, a simulation and a given state all publish an image by these.
 *
 * Thread rule: as am_ledger_put and am_delivery_map_begin have it: the publisher. */
#ifndef AM_DELIVERY_IMAGE_TERMS_H
#define AM_DELIVERY_IMAGE_TERMS_H

#include "../index/image.h"
#include "ledger.h"
#include "map.h"

/* Overrides the terms that an image has for a record; for simulation. */
typedef void am_delivery_adjust(void *context, struct am_ledger_terms *terms);

/* Records that found no room in the ledger: with a budget they do not run. */
struct am_delivery_lack {
    uint32_t records;
    struct am_error error; /* of the first one */
};

struct am_delivery_publishing {
    struct am_ledger *ledger;
    int64_t now;       /* of the whole publication */
    bool missing_only; /* outside of a publication: only makes records that the ledger lacks */
    struct am_delivery_lack *lack; /* NULL: the first record without room ends it */
    am_delivery_adjust *adjust;    /* may be NULL */
    void *context;
};

/* Puts the terms of every advertiser and campaign of the image, and of each ad that has a budget or
 * a record already: between am_ledger_publish_begin and am_ledger_publish_end, unless
 * `missing_only`. Errors as of am_ledger_put. */
enum am_code am_delivery_put_image(const struct am_delivery_publishing *publishing,
                                   const struct am_image *image,
                                   struct am_error *error);

/* Makes the map of an image whose records have been put, named by its generation; it can be used at
 * once, and is the caller's to close. Errors as of am_delivery_map_begin. */
enum am_code am_delivery_map_image(struct am_ledger *ledger,
                                   const struct am_image *image,
                                   struct am_delivery_map **made,
                                   struct am_error *error);

/* The terms of a record without limits; `id` is kept as a view. */
struct am_ledger_terms am_delivery_terms_of(enum am_ledger_kind kind, struct am_view id);

/* The currency of the image, NUL-terminated. */
void am_delivery_currency(const struct am_image *image, char currency[4]);

/* The number by which maps know an image: that of its generation. */
uint64_t am_delivery_generation(const struct am_image *image);

#endif
