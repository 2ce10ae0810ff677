/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the table of frequency caps. Private to the room. */
#ifndef AM_DELIVERY_CAPS_TABLE_H
#define AM_DELIVERY_CAPS_TABLE_H

#include "caps.h"

enum { AM_CAPS_FORMAT_VERSION = 1, AM_CAPS_MIN_BYTES = 4096 };

/* Begins an empty table in zeroed memory, cache-line aligned, of at least AM_CAPS_MIN_BYTES. */
struct am_caps *am_caps_start(void *memory, size_t size);

/* The table in memory where one was begun; NULL: there is none, or one of another version. */
struct am_caps *am_caps_over(void *memory, size_t size);

/* Entries by place, to keep them over a reboot: false: no window is open there. A place means the
 * same in tables of as many buckets. */
uint64_t am_caps_places(const struct am_caps *caps);
bool am_caps_get(
    const struct am_caps *caps, uint64_t place, int64_t now, uint64_t *key, uint64_t *window);
void am_caps_put(struct am_caps *caps, uint64_t place, uint64_t key, uint64_t window);

#endif
