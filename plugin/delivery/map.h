/* From the ads of one image to their cells: a file in the ledger's tmpfs folder, named by the
 * image's generation, mapped shared by every process that serves that image.
 *
 *     header, 128 bytes
 *     ads        u32 an ad: its chain
 *     stopped    one bit an ad: certainly stopped until the next step, so that ranking can pass it
 *     chains     40 bytes each: the cells of advertiser, campaign and ad, their caps, the least and
 *                the highest price of the ads that share the chain
 *
 * Chain 0 is that of ads that nothing counts. Written by the publisher; then by the holder alone
 * (bits, chains of overrides). */
#ifndef AM_DELIVERY_MAP_H
#define AM_DELIVERY_MAP_H

#include "caps.h"
#include "ledger.h"

struct am_delivery_map;

/* What one ad of the image is below, and what it can cost. */
struct am_delivery_map_ad {
    uint64_t keys[AM_LEDGER_KINDS];     /* of its records; 0 where there is none; the ad's always */
    int64_t least_price, highest_price; /* over its keywords, am_pace_price */
    const uint32_t *periods[AM_LEDGER_KINDS]; /* of the caps of each record, minutes */
    uint32_t period_counts[AM_LEDGER_KINDS];  /* at most AM_LEDGER_CAPS_MAX */
};

/* Makes the map of a generation: begin, put each ad in order, commit. Between am_ledger_publish_end
 * and serving the image. The publisher. AM_E_LIMIT: no room in the tmpfs. AM_E_IO, AM_E_MEMORY.
 * [lock] */
enum am_code am_delivery_map_begin(struct am_ledger *ledger,
                                   uint64_t generation,
                                   uint32_t ads,
                                   struct am_delivery_map **map,
                                   struct am_error *error);
enum am_code am_delivery_map_put(struct am_delivery_map *map,
                                 uint32_t ad,
                                 const struct am_delivery_map_ad *what,
                                 struct am_error *error);
enum am_code am_delivery_map_commit(struct am_delivery_map *map, struct am_error *error);

/* Maps that of a generation, and the table of caps with it. AM_E_STATE: there is none.
 * AM_E_CORRUPT. */
enum am_code am_delivery_map_open(struct am_ledger *ledger,
                                  uint64_t generation,
                                  uint32_t ads,
                                  struct am_delivery_map **map,
                                  struct am_error *error);
void am_delivery_map_close(struct am_delivery_map *map); /* NULL is fine */

/* The table of frequency caps; NULL where no publication had any. */
struct am_caps *am_delivery_map_caps(const struct am_delivery_map *map);

/* Whether the ad is certainly stopped until the next step (paused, used up, far above its lead), so
 * that ranking may pass over it; explain asks am_delivery_gate all the same. One load. */
bool am_delivery_map_stopped(const struct am_delivery_map *map, uint32_t ad);

/* Gives an ad a record of its own, for an override. [holder] */
enum am_code am_delivery_map_limit(struct am_delivery_map *map,
                                   uint32_t ad,
                                   uint32_t cell,
                                   struct am_error *error);

/* Writes all `stopped` bits anew: after each step and after a pause, a resume or a new limit.
 * [holder] */
void am_delivery_map_refresh(struct am_delivery_map *map);

#endif
