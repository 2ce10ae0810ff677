/* SPDX-License-Identifier: Apache-2.0 */
#include "intern.h"

#include "large.h"

static bool grow(struct am_intern *table, size_t capacity) {
    size_t bytes;
    if (!am_checked_multiply(capacity, sizeof *table->slots, &bytes))
        return false;
    struct am_intern_slot *slots = am_memory_allocate(bytes);
    if (!slots)
        return false;
    memset(slots, 0xFF, bytes);
    for (size_t old = 0; old < table->capacity; old++) {
        struct am_intern_slot slot = table->slots[old];
        if (slot.id == UINT32_MAX)
            continue;
        size_t at = slot.hash & (capacity - 1);
        while (slots[at].id != UINT32_MAX)
            at = (at + 1) & (capacity - 1);
        slots[at] = slot;
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return true;
}

bool am_intern_reserve(struct am_intern *table, size_t count) {
    size_t capacity = 1024;
    while (capacity / 3 * 2 <= count)
        if (!am_checked_multiply(capacity, 2, &capacity))
            return false;
    return capacity <= table->capacity || grow(table, capacity);
}

/* The slot of the equal item, or the empty slot where it belongs. The table has an empty slot. */
static size_t probe(const struct am_intern *table,
                    uint64_t hash,
                    am_intern_equal *equal,
                    const void *context,
                    const void *key) {
    size_t at = hash & (table->capacity - 1);
    while (table->slots[at].id != UINT32_MAX &&
           (table->slots[at].hash != hash || !equal(context, table->slots[at].id, key)))
        at = (at + 1) & (table->capacity - 1);
    return at;
}

struct am_intern_slot *am_intern_find(struct am_intern *table,
                                      struct am_keyed_hash hash,
                                      am_intern_equal *equal,
                                      const void *context,
                                      const void *key) {
    if (table->count >= table->capacity / 3 * 2 &&
        !grow(table, table->capacity ? table->capacity * 2 : 1024))
        return NULL;
    struct am_intern_slot *slot = &table->slots[probe(table, hash.value, equal, context, key)];
    if (slot->id == UINT32_MAX) {
        slot->hash = hash.value;
        table->count++;
    }
    return slot;
}

uint32_t am_intern_get(const struct am_intern *table,
                       struct am_keyed_hash hash,
                       am_intern_equal *equal,
                       const void *context,
                       const void *key) {
    return table->capacity ? table->slots[probe(table, hash.value, equal, context, key)].id
                           : UINT32_MAX;
}

void am_intern_free(struct am_intern *table) {
    free(table->slots);
    *table = (struct am_intern){0};
}
