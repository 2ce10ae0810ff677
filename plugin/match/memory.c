/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

enum { CACHE_LINE = 64, PAGE = 4096 };

void *am_match_memory_take(struct am_match_memory *memory, size_t count, size_t item_size) {
    size_t size, start, end;
    size_t alignment = count < PAGE / item_size ? CACHE_LINE : PAGE;
    if (!am_checked_multiply(count, item_size, &size) ||
        !am_checked_add(memory->used, (alignment - memory->used % alignment) % alignment, &start) ||
        !am_checked_add(start, size, &end)) {
        memory->overflow = true;
        return NULL;
    }
    memory->used = end + AM_REDZONE;
    if (!memory->base)
        return NULL;
    am_poison_region(memory->base + start, size + AM_REDZONE);
    return memory->base + start;
}

void am_match_memory_take_map(struct am_match_memory *memory,
                              struct am_match_idmap *map,
                              size_t keys) {
    size_t entries = am_match_idmap_entries(keys);
    void *taken = am_match_memory_take(memory, entries, sizeof(struct am_match_idmap_entry));
    if (taken)
        am_match_idmap_start(map, taken, entries);
}
