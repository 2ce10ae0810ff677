/* SPDX-License-Identifier: Apache-2.0 */
/* A map from ids to a small value that is emptied in constant time and grows without allocating:
 * what a request has seen.
 *
 * Its tables of 2^n, 2^(n+1), ... entries lie one after the other in reserved memory; a request
 * starts in the smallest one, which stays in the cache, and moves to the next when half full. An
 * entry counts only when it has the current epoch. All tables but the current one are poisoned
 * (poison.h). */
#ifndef AM_MATCH_IDMAP_H
#define AM_MATCH_IDMAP_H

#include "../base/bytes.h"
#include "../base/poison.h"

enum { AM_IDMAP_SMALLEST = 8 }; /* log2 of the first table's entries */

struct am_match_idmap_entry {
    uint32_t key;
    uint32_t epoch;
    uint32_t value;
};

struct am_match_idmap {
    struct am_match_idmap_entry *table;  /* the current one */
    struct am_match_idmap_entry *tables; /* reserved memory, zeroed at first, and poisoned */
    uint32_t bits;                       /* log2 of the current table's entries */
    uint32_t count;
    uint32_t epoch; /* never 0 after am_match_idmap_clear */
    size_t reserved_entries;
};

/* Entries that a map of up to `keys` keys needs reserved. */
static inline size_t am_match_idmap_entries(size_t keys) {
    size_t largest = (size_t)1 << AM_IDMAP_SMALLEST;
    while (largest / 2 < keys + 1)
        largest *= 2;
    return largest * 2 - ((size_t)1 << AM_IDMAP_SMALLEST);
}

/* Makes a table the current one. */
static inline void am_match_idmap_enter(struct am_match_idmap *map,
                                        struct am_match_idmap_entry *table,
                                        uint32_t bits) {
    map->table = table;
    map->bits = bits;
    AM_UNPOISON_ITEMS(table, 0, (size_t)1 << bits);
}

static inline void am_match_idmap_clear(struct am_match_idmap *map) {
    AM_POISON_ITEMS(map->table, 0, (size_t)1 << map->bits);
    if (__builtin_expect(++map->epoch == 0, 0)) {
        AM_UNPOISON_ITEMS(map->tables, 0, map->reserved_entries);
        memset(map->tables, 0, map->reserved_entries * sizeof *map->tables);
        AM_POISON_ITEMS(map->tables, 0, map->reserved_entries);
        map->epoch = 1;
    }
    am_match_idmap_enter(map, map->tables, AM_IDMAP_SMALLEST);
    map->count = 0;
}

static inline void
am_match_idmap_start(struct am_match_idmap *map, void *memory, size_t reserved_entries) {
    *map = (struct am_match_idmap){
        .table = memory, .tables = memory, .reserved_entries = reserved_entries};
    am_match_idmap_clear(map);
}

AM_WRAPS static inline struct am_match_idmap_entry *
am_match_idmap_probe(const struct am_match_idmap *map, uint32_t key) {
    uint32_t mask = (UINT32_C(1) << map->bits) - 1;
    uint32_t at = (key * UINT32_C(0x9E3779B1)) >> (32 - map->bits);
    while (map->table[at].epoch == map->epoch && map->table[at].key != key)
        at = (at + 1) & mask;
    return &map->table[at];
}

/* The value of a key, or NULL. */
static inline uint32_t *am_match_idmap_find(const struct am_match_idmap *map, uint32_t key) {
    struct am_match_idmap_entry *entry = am_match_idmap_probe(map, key);
    return entry->epoch == map->epoch ? &entry->value : NULL;
}

static inline void am_match_idmap_grow(struct am_match_idmap *map) {
    struct am_match_idmap_entry *old = map->table;
    size_t size = (size_t)1 << map->bits;
    am_match_idmap_enter(map, old + size, map->bits + 1);
    for (size_t i = 0; i < size; i++)
        if (old[i].epoch == map->epoch)
            *am_match_idmap_probe(map, old[i].key) = old[i];
    AM_POISON_ITEMS(old, 0, size);
}

/* Adds the key with the value and returns true; or returns false when it is there already (its
 * value stays). */
static inline bool am_match_idmap_add(struct am_match_idmap *map, uint32_t key, uint32_t value) {
    struct am_match_idmap_entry *entry = am_match_idmap_probe(map, key);
    if (entry->epoch == map->epoch)
        return false;
    if (__builtin_expect(map->count >= UINT32_C(1) << (map->bits - 1), 0)) {
        am_match_idmap_grow(map);
        entry = am_match_idmap_probe(map, key);
    }
    *entry = (struct am_match_idmap_entry){key, map->epoch, value};
    map->count++;
    return true;
}

#endif
