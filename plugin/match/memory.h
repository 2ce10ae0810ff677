/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: pieces of one reservation, the working memory of one context. */
#ifndef AM_MATCH_MEMORY_H
#define AM_MATCH_MEMORY_H

#include "idmap.h"

/* Gives out pieces of one reservation. With `base` NULL it only adds up their sizes. */
struct am_match_memory {
    char *base;
    size_t used;
    bool overflow; /* the sizes exceed the address space */
};

/* A piece, aligned to a cache line, or to a page when it has many of them: of most, only the
 * beginning is ever touched. It is poisoned (poison.h), as is the gap after it. NULL without
 * `base`. */
void *am_match_memory_take(struct am_match_memory *memory, size_t count, size_t item_size);

/* Memory for a map of up to `keys` keys, which is started with it. */
void am_match_memory_take_map(struct am_match_memory *memory,
                              struct am_match_idmap *map,
                              size_t keys);

#endif
