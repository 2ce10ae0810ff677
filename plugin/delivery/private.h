/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in private memory with the records of one image, for simulations and given states:
 * decisions ask it by the code that asks a server's.
 *
 * Thread rule: no shared state; one thread at a time for each. */
#ifndef AM_DELIVERY_PRIVATE_H
#define AM_DELIVERY_PRIVATE_H

#include "delivery.h"
#include "image_terms.h"

struct am_delivery_private {
    struct am_timezones *zones; /* those of the image */
    struct am_ledger *ledger;
    struct am_ledger_worker *worker;
    struct am_delivery_map *map; /* from am_delivery_private_publish on */
};

struct am_delivery_private_options {
    int64_t now;         /* of the first step */
    uint32_t placements; /* that may be in flight */
    uint64_t caps_bytes; /* of the table of frequency caps */
};

/* Makes the ledger, without any record, and steps it once. Close it also after a failure.
 * AM_E_MEMORY, AM_E_LIMIT. */
enum am_code am_delivery_private_open(struct am_delivery_private *opened,
                                      const struct am_image *image,
                                      const struct am_delivery_private_options *options,
                                      struct am_error *error);

/* Publishes the image at `now`, and maps its ads. `adjust` (may be NULL) overrides terms. Errors as
 * of am_delivery_put_image and am_delivery_map_image. */
enum am_code am_delivery_private_publish(struct am_delivery_private *opened,
                                         const struct am_image *image,
                                         int64_t now,
                                         am_delivery_adjust *adjust,
                                         void *context,
                                         struct am_error *error);
void am_delivery_private_close(struct am_delivery_private *opened); /* zeroed is fine */

#endif
