/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include "large.h"
#include "poison.h"

#include <stdalign.h>
#include <stdlib.h>

enum {
    CHUNK_SIZE = AM_BUFFER_SIZE(1 << 20, 256),
    LARGEST_CHUNK_SIZE = AM_BUFFER_SIZE(32 << 20, 4096),
};

struct am_arena_chunk {
    struct am_arena_chunk *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

/* Chunks double, so that large ones can have huge pages. */
static size_t next_chunk_size(const struct am_arena *arena) {
    if (!arena->chunk)
        return CHUNK_SIZE;
    return arena->chunk->size < LARGEST_CHUNK_SIZE / 2 ? arena->chunk->size * 2
                                                       : LARGEST_CHUNK_SIZE;
}

/* Returns `size` aligned bytes at the end of the newest chunk, or of a new one; NULL when memory
 * runs out. Unused bytes and alignment gaps are poisoned. */
static char *take(struct am_arena *arena, size_t size, size_t alignment) {
    size_t start = (arena->used + AM_REDZONE + alignment - 1) & ~(alignment - 1);
    if (!arena->chunk || start > arena->chunk->size || size > arena->chunk->size - start) {
        size_t chunk_size = next_chunk_size(arena);
        size_t needed, total;
        start = AM_REDZONE;
        if (!am_checked_add(start, size, &needed))
            return NULL;
        if (chunk_size < needed)
            chunk_size = needed;
        if (!am_checked_add(chunk_size, sizeof(struct am_arena_chunk), &total))
            return NULL;
        struct am_arena_chunk *chunk = am_memory_allocate(total);
        if (!chunk)
            return NULL;
        chunk->next = arena->chunk;
        chunk->size = chunk_size;
        arena->chunk = chunk;
        am_poison_region(chunk->bytes, chunk_size);
    }
    arena->used = start + size;
    am_poison_clear(arena->chunk->bytes + start, size);
    return arena->chunk->bytes + start;
}

void *am_arena_take(struct am_arena *arena, size_t size) {
    return take(arena, size, alignof(max_align_t));
}

struct am_view am_arena_copy(struct am_arena *arena, struct am_view bytes) {
    char *copy = take(arena, bytes.size, AM_POISONS ? alignof(max_align_t) : 1);
    if (!copy)
        return (struct am_view){NULL, 0};
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return (struct am_view){copy, bytes.size};
}

void am_arena_free(struct am_arena *arena) {
    while (arena->chunk) {
        struct am_arena_chunk *next = arena->chunk->next;
        free(arena->chunk);
        arena->chunk = next;
    }
    arena->used = 0;
}
