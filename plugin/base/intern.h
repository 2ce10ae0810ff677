/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from anything to ids 0, 1, 2...: finds equal things and gives each one
 * number. */
#ifndef AM_BASE_INTERN_H
#define AM_BASE_INTERN_H

#include <stdlib.h>

#include "keyed.h"

struct am_intern_slot {
    uint64_t hash; /* keyed; kept, to grow without asking for the keys again */
    uint32_t id;   /* UINT32_MAX: empty */
};

/* Open addressing with linear probing, at most two thirds full. Zeroed is a valid empty table. Ids
 * do not depend on the hashes. */
struct am_intern {
    struct am_intern_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* Whether the thing with that id is the one that `key` describes. */
typedef bool am_intern_equal(const void *context, uint32_t id, const void *key);

/* Room for that many things without growing. False when memory runs out. */
bool am_intern_reserve(struct am_intern *table, size_t count);
/* Loops over a million things wait for memory more than for anything else. So they ask for what
 * they will need this many turns later: that takes a twentieth off a build of a million ads. */
#define AM_FETCH_AHEAD ((size_t)12)

/* Prefetches the place of that hash. */
static inline void am_intern_fetch(const struct am_intern *table, struct am_keyed_hash hash) {
    if (table->capacity)
        __builtin_prefetch(&table->slots[hash.value & (table->capacity - 1)], 1);
}
/* The slot of the equal thing, or of the empty place where it belongs (slot->id is UINT32_MAX then:
 * the caller sets it, having made the thing). NULL when memory runs out. The pointer lives until
 * the next call. */
struct am_intern_slot *am_intern_find(struct am_intern *table,
                                      struct am_keyed_hash hash,
                                      am_intern_equal *equal,
                                      const void *context,
                                      const void *key);
/* The id of the equal thing, or UINT32_MAX. */
uint32_t am_intern_get(const struct am_intern *table,
                       struct am_keyed_hash hash,
                       am_intern_equal *equal,
                       const void *context,
                       const void *key);
void am_intern_free(struct am_intern *table);

#endif
