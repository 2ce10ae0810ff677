/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the walk of the set trie of broad keywords. */
#ifndef AM_MATCH_SEARCH_TRIE_H
#define AM_MATCH_SEARCH_TRIE_H

#include "search.h"

/* Words that a window can hold together with another one, that one included. */
enum { AM_SEARCH_TRIE_PLACES = 2 * AM_BROAD_WINDOW_MAX };

/* Sound because a place is below 2 x 64. */
static_assert(AM_SEARCH_TRIE_PLACES <= UINT8_MAX, "places fit in a byte");

/* Where the words found so far stand, relative to the window's start: [low, high]. */
struct am_search_trie_extent {
    uint8_t low, high;
};

/* A word of a broad keyword, and a place that counts as it. */
struct am_search_trie_near {
    uint32_t id;
    uint32_t place;
};

/* The words around one rarest word. */
struct am_search_trie_walk {
    struct am_search *search;
    struct am_search_trie_near *near; /* ascending by id, then place */
    uint32_t count;
    uint32_t window;
    uint32_t root;                       /* index of the rarest word in the text */
    uint32_t path[AM_KEYWORD_MAX_WORDS]; /* ids on the way to the node being left */
};

/* Adds an extent unless a narrower one is there; drops those that it is narrower than. What remains
 * is at most a window's worth, which bounds the walk however often a page repeats its words.
 * Returns how many there are. */
uint32_t am_search_trie_add_extent(struct am_search_trie_extent *extents,
                                   uint32_t count,
                                   struct am_search_trie_extent added);

/* Follows every edge from `node` by words near[from...], and emits the keywords found, as far as
 * the budget goes. `extents`:
 * of the words on the way there. `depth`: words so far, the next one included, at least 2; bounded
 * by the words of a keyword. */
void am_search_trie_follow(struct am_search_trie_walk *walk,
                           uint32_t node,
                           uint32_t from,
                           const struct am_search_trie_extent *extents,
                           uint32_t count,
                           uint32_t depth);

/* Appends a broad keyword to the hits, once: it is around word `root` of the text, and its words
 * are ids[0..count). */
static inline void am_search_trie_emit(struct am_search *search,
                                       uint32_t terminal,
                                       uint32_t root,
                                       const uint32_t *ids,
                                       uint32_t count) {
    if (!am_match_idmap_add(&search->broad_found, terminal, 0))
        return;
    am_search_emit(search, terminal, AM_HIT_IS_BROAD | search->path_count);
    AM_UNPOISON_ITEMS(search->paths, search->path_count, 1 + count);
    search->paths[search->path_count++] = root;
    for (uint32_t i = 0; i < count; i++)
        search->paths[search->path_count++] = ids[i];
}

/* The words that a window can hold together with word `root` of the field [begin, end). */
static inline void am_search_trie_reach(
    uint32_t window, uint32_t begin, uint32_t end, uint32_t root, uint32_t *first, uint32_t *last) {
    uint32_t reach = window - 1;
    *first = root - begin < reach ? begin : root - reach;
    *last = end - 1 - root < reach ? end - 1 : root + reach;
}

/* Appends the broad keywords that are there because a word has several readings. */
void am_search_further(struct am_search *search);

#endif
