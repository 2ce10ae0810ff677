/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator: many small things that live and die together. Not thread-safe. */
#ifndef AM_BASE_ARENA_H
#define AM_BASE_ARENA_H

#include "bytes.h"

struct am_arena_chunk;

struct am_arena {
    struct am_arena_chunk *chunk; /* newest first */
    size_t used;                  /* bytes taken of the newest chunk */
};

#define AM_ARENA_EMPTY ((struct am_arena){NULL, 0})

/* `size` bytes aligned for any object, not zeroed; NULL when memory runs out. Lives until
 * am_arena_free. */
void *am_arena_take(struct am_arena *arena, size_t size);

/* A copy of the bytes with no alignment and no terminator; .data is NULL when memory runs out
 * (an empty view copies to a non-NULL one). */
struct am_view am_arena_copy(struct am_arena *arena, struct am_view bytes);

/* Frees everything taken; the arena is empty and usable again. */
void am_arena_free(struct am_arena *arena);

#endif
