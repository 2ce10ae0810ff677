/* SPDX-License-Identifier: Apache-2.0 */
#include "search_trie.h"

#include "edges.h"

uint32_t am_search_trie_add_extent(struct am_search_trie_extent *extents,
                                   uint32_t count,
                                   struct am_search_trie_extent added) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (extents[i].low >= added.low && extents[i].high <= added.high)
            return count;
        if (!(added.low >= extents[i].low && added.high <= extents[i].high))
            extents[kept++] = extents[i];
    }
    extents[kept] = added;
    return kept + 1;
}

/* The extents after a word that stands at the places near[from..to). */
static uint32_t widen(const struct am_search_trie_walk *walk,
                      const struct am_search_trie_extent *extents,
                      uint32_t count,
                      uint32_t from,
                      uint32_t to,
                      struct am_search_trie_extent *wider) {
    uint32_t wider_count = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = from; n < to; n++) {
            uint8_t place = (uint8_t)walk->near[n].place;
            struct am_search_trie_extent extent = {place < extents[i].low ? place : extents[i].low,
                                                   place > extents[i].high ? place
                                                                           : extents[i].high};
            if ((uint32_t)(extent.high - extent.low) < walk->window)
                wider_count = am_search_trie_add_extent(wider, wider_count, extent);
        }
    return wider_count;
}

void am_search_trie_follow(struct am_search_trie_walk *walk,
                           uint32_t node,
                           uint32_t from,
                           const struct am_search_trie_extent *extents,
                           uint32_t count,
                           uint32_t depth) {
    const struct am_image *image = walk->search->image;
    const struct am_image_filters *filters = walk->search->filters;
    const struct am_image_filter *filter = depth == 2 ? &filters->first : &filters->later;
    struct am_search_trie_extent wider[AM_SEARCH_TRIE_PLACES];
    if (!am_search_takes(walk->search, walk->count - from))
        return;
    for (uint32_t to; from < walk->count; from = to) {
        uint32_t id = walk->near[from].id;
        for (to = from + 1; to < walk->count && walk->near[to].id == id;)
            to++;
        uint64_t key = am_image_edge_key(node, id);
        uint32_t hash = am_image_edge_hash(key);
        if (!am_image_filter_has(filter, hash))
            continue;
        uint32_t child = am_search_edge(image, key, hash);
        if (child == AM_NONE)
            continue;
        if (!am_search_takes(walk->search, (uint64_t)count * (to - from)))
            return;
        uint32_t wider_count = widen(walk, extents, count, from, to, wider);
        if (wider_count == 0)
            continue;
        walk->path[depth - 1] = id;
        if (child < image->settings->terminal_end)
            am_search_trie_emit(walk->search, child, walk->root, walk->path, depth);
        if (child >= image->settings->leaf_end && depth < AM_KEYWORD_MAX_WORDS)
            am_search_trie_follow(walk, child, to, wider, wider_count, depth + 1);
    }
}
