/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table that interns: it gives each distinct item an id 0, 1, 2... */
#ifndef AM_BASE_INTERN_H
#define AM_BASE_INTERN_H

#include <stdlib.h>

#include "keyed.h"

struct am_intern_slot {
    uint64_t hash; /* keyed; kept, so that growing needs no keys */
    uint32_t id;   /* UINT32_MAX: empty */
};

/* Open addressing with linear probing, at most two thirds full. Zeroed is a valid empty table. Ids
 * do not depend on the hashes. */
struct am_intern {
    struct am_intern_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* Whether the item with that id is the one that `key` describes. */
typedef bool am_intern_equal(const void *context, uint32_t id, const void *key);

/* Makes room for that many items. False when memory runs out. */
bool am_intern_reserve(struct am_intern *table, size_t count);
/* Loops over millions of items are bound by memory latency, so they prefetch what they need this
 * many iterations later. */
#define AM_FETCH_AHEAD ((size_t)12)

/* Prefetches the slot of that hash. */
static inline void am_intern_fetch(const struct am_intern *table, struct am_keyed_hash hash) {
    if (table->capacity)
        __builtin_prefetch(&table->slots[hash.value & (table->capacity - 1)], 1);
}
/* The slot of the equal item, or the empty slot where it belongs (slot->id is UINT32_MAX then, and
 * the caller sets it to the new item's). NULL when memory runs out. Valid until the next call. */
struct am_intern_slot *am_intern_find(struct am_intern *table,
                                      struct am_keyed_hash hash,
                                      am_intern_equal *equal,
                                      const void *context,
                                      const void *key);
/* The id of the equal item, or UINT32_MAX. */
uint32_t am_intern_get(const struct am_intern *table,
                       struct am_keyed_hash hash,
                       am_intern_equal *equal,
                       const void *context,
                       const void *key);
void am_intern_free(struct am_intern *table);

#endif
