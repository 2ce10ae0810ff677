/* SPDX-License-Identifier: Apache-2.0 */
/* From the ads of one image to their cells: a file in the ledger's tmpfs folder, named by the
 * image's generation, mapped shared by every process that serves that image.
 *
 *     header     128 bytes
 *     ads        u32 an ad: its chain
 *     stopped    one bit an ad: certainly stopped until the next step, so that ranking can pass it
 *     chains     64 bytes each: the cells of advertiser, campaign and ad, their caps, their limits,
 *                and what the ads that share the chain cost at least and at most
 *
 * Chain 0 is that of ads that nothing counts. Written by the publisher; then by the holder alone
 * (bits, limits, chains of overrides), word by word.
 *
 * The holder removes the map of a generation that no process has mapped. */
#ifndef AM_DELIVERY_MAP_H
#define AM_DELIVERY_MAP_H

#include "caps.h"
#include "ledger.h"

struct am_delivery_map;

/* What one ad of the image is below, and what it can cost. By kind; a key of 0: there is no such
 * record. */
struct am_delivery_map_ad {
    uint64_t keys[AM_LEDGER_KINDS];
    bool limited[AM_LEDGER_KINDS];            /* has a budget: without a cell it does not run */
    const uint32_t *periods[AM_LEDGER_KINDS]; /* of the caps of each record, minutes */
    uint32_t period_counts[AM_LEDGER_KINDS];  /* at most AM_LEDGER_CAPS_MAX */
    int64_t least_hold;                       /* of money, over its keywords: am_pace_hold */
    int64_t least_price, highest_price;       /* am_pace_price */
};

/* Makes the map of a generation: begin, put each ad in order, commit; or abandon with close. After
 * am_ledger_publish_end, before the image is served. The publisher. AM_E_LIMIT: no room in the
 * tmpfs. AM_E_IO, AM_E_MEMORY. put: [lock]. */
enum am_code am_delivery_map_begin(struct am_ledger *ledger,
                                   uint64_t generation,
                                   uint32_t ads,
                                   struct am_delivery_map **made,
                                   struct am_error *error);
enum am_code am_delivery_map_put(struct am_delivery_map *map,
                                 uint32_t ad,
                                 const struct am_delivery_map_ad *what,
                                 struct am_error *error);
/* The map can be used from here on, in this process too. */
enum am_code am_delivery_map_commit(struct am_delivery_map *map, struct am_error *error);

/* Maps that of a generation, and the table of caps with it. `ads` as the image has them.
 * AM_E_NOT_FOUND: there is none. AM_E_CORRUPT. */
enum am_code am_delivery_map_open(struct am_ledger *ledger,
                                  uint64_t generation,
                                  uint32_t ads,
                                  struct am_delivery_map **opened,
                                  struct am_error *error);
void am_delivery_map_close(struct am_delivery_map *map); /* NULL is fine */

/* The ledger's table of frequency caps, for this process; NULL where no map has had any cap. */
struct am_caps *am_ledger_caps(const struct am_ledger *ledger);

/* Whether the ad is certainly stopped until the next step (paused, used up, above its lead), so
 * that ranking may pass over it; explain asks am_delivery_gate all the same. One load. */
bool am_delivery_map_stopped(const struct am_delivery_map *map, uint32_t ad);

/* Whether a budget limits the ad, its campaign or its advertiser, or would if there were room. Two
 * loads; am_delivery_gate says LINE of any other ad. */
bool am_delivery_map_is_limited(const struct am_delivery_map *map, uint32_t ad);

/* Whether a record of the ad is paused: by its terms, or by an override. */
bool am_delivery_map_paused(const struct am_delivery_map *map, uint32_t ad);

/* Gives an ad a record of its own (am_ledger_set made it), for an override. [holder] */
enum am_code am_delivery_map_limit(struct am_delivery_map *map,
                                   uint32_t ad,
                                   uint32_t cell,
                                   struct am_error *error);

/* Writes limits and `stopped` bits anew, of one map, or of every map in the ledger's folder:
 * after each step, and at once after a pause, a resume or a new limit. [holder] */
void am_delivery_map_refresh(struct am_delivery_map *map);
void am_delivery_maps_refresh(struct am_ledger *ledger, int64_t now);
/* Has the next refresh look for new maps. [holder] */
void am_delivery_maps_look(struct am_ledger *ledger);

#endif
