/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: one step along an edge of the trie, for searches and their kernels. */
#ifndef AM_MATCH_EDGES_H
#define AM_MATCH_EDGES_H

#include "../index/image.h"

/* The child by the edge of that key, or AM_NONE. `hash` is am_image_edge_hash(key). The lanes of a
 * bucket are compared without a branch. */
static inline uint32_t am_search_edge(const struct am_image *image, uint64_t key, uint32_t hash) {
    uint64_t at = am_image_bucket32(hash, image->edge_buckets);
    for (;;) {
        const struct am_image_edge_bucket *bucket = &image->edges[at];
        uint32_t missing = 0; /* ~child */
#pragma GCC unroll 5
        for (int lane = 0; lane < AM_IMAGE_EDGE_LANES; lane++)
            missing |= ~bucket->child[lane] & am_bytes_mask(bucket->key[lane] == key);
        if (__builtin_expect(missing || !(bucket->displaced & am_image_overflow_edge(hash)), 1))
            return ~missing;
        at = at + 1 < image->edge_buckets ? at + 1 : 0;
    }
}

/* Prefetches the bucket of an edge. */
static inline void am_search_prefetch_edge(const struct am_image *image, uint32_t hash) {
    __builtin_prefetch(&image->edges[am_image_bucket32(hash, image->edge_buckets)]);
}

#endif
