/* SPDX-License-Identifier: Apache-2.0 */
/* Broad keywords: a set trie, each keyword's words in order of rarity, rarest first (Rivest 1976
 * for the trie of sorted sets; rarest first after inverted-index practice). A keyword is found from
 * its rarest word; the others are sought in the window around it.
 *
 * Most work is the first step, from each word to each less rare one near it, and most of it is in
 * vain. So these pairs are collected and tried many at a time, as phrases are (search.c); only what
 * goes on from a pair is walked depth first (search_trie.c). */
#include "edges.h"
#include "search_trie.h"

/* ---- pairs: a keyword's rarest word, and its second -------------------------------------------
 */

struct broad {
    struct am_search *search;
    struct am_search_trie_walk around;
    struct am_search_trie_near near[AM_SEARCH_TRIE_PLACES];
    struct am_search_pairs pairs;
    uint32_t field_first, field_end; /* word indexes */
};

static void reach_of(const struct broad *broad, uint32_t root, uint32_t *first, uint32_t *last) {
    am_search_trie_reach(broad->around.window, broad->field_first, broad->field_end, root, first,
                         last);
}

static void sort_near(struct am_search_trie_walk *walk) {
    for (uint32_t i = 1; i < walk->count; i++) {
        struct am_search_trie_near moved = walk->near[i];
        uint32_t at = i;
        for (; at > 0 && walk->near[at - 1].id > moved.id; at--)
            walk->near[at] = walk->near[at - 1];
        walk->near[at] = moved;
    }
}

/* Lists the words of [first, last] that may follow `other`, places counted from `first`. */
static void look_around(struct broad *broad, uint32_t other, uint32_t first, uint32_t last) {
    const struct am_match_words *words = broad->search->words;
    struct am_search_trie_walk *around = &broad->around;
    uint32_t least = words->broad_ids[other], count = 0;
    for (uint32_t i = first; i <= last; i++) {
        around->near[count] = (struct am_search_trie_near){words->broad_ids[i], i - first};
        count += am_match_words_follows(words, i, least);
    }
    around->count = count;
    sort_near(around);
}

/* Goes on from the node of a pair. */
static void go_on(struct broad *broad, uint32_t node, uint32_t root, uint32_t other) {
    const uint32_t *ids = broad->search->words->broad_ids;
    uint32_t first, last;
    reach_of(broad, root, &first, &last);
    if (!am_search_takes(broad->search, (last - first + 1) / 2))
        return;
    look_around(broad, other, first, last);
    struct am_search_trie_extent extents[AM_SEARCH_TRIE_PLACES];
    uint32_t count = 0;
    for (uint32_t i = other; i <= last; i++)
        if (ids[i] == ids[other])
            count = am_search_trie_add_extent(
                extents, count,
                (struct am_search_trie_extent){(uint8_t)((i < root ? i : root) - first),
                                               (uint8_t)((i > root ? i : root) - first)});
    broad->around.root = root;
    broad->around.path[0] = ids[root];
    broad->around.path[1] = ids[other];
    am_search_trie_follow(&broad->around, node, 0, extents, count, 3);
}

/* Where the second word of a pair stands near the first one several times, its first place stands
 * for all. */
static bool is_first_place(const uint32_t *ids, uint32_t first, uint32_t other) {
    for (uint32_t i = first; i < other; i++)
        if (ids[i] == ids[other])
            return false;
    return true;
}

/* Whether a third word may follow a pair, as far as the filter knows. */
static bool may_go_on(const struct broad *broad, uint32_t node, uint32_t root, uint32_t other) {
    const struct am_search *search = broad->search;
    uint32_t first, last;
    reach_of(broad, root, &first, &last);
    return search->kernel->may_go_on(&search->filters->later, search->words, node,
                                     search->words->broad_ids[other], first, last) &&
           is_first_place(search->words->broad_ids, first, other);
}

static void prefetch_pairs(const struct broad *broad) {
    for (uint32_t i = 0; i < broad->pairs.count; i++)
        am_search_prefetch_edge(broad->search->image, broad->pairs.hash[i]);
}

/* Emits the pairs that are keywords; lists those that begin longer ones, in `going`. */
static uint32_t emit_pairs(const struct broad *broad, const uint32_t *nodes, uint32_t *going) {
    const struct am_image_settings *settings = broad->search->image->settings;
    const uint32_t *ids = broad->search->words->broad_ids;
    const struct am_search_pairs *pairs = &broad->pairs;
    uint32_t count = 0;
    for (uint32_t i = 0; i < pairs->count; i++) {
        if (nodes[i] < settings->terminal_end) {
            const uint32_t path[2] = {ids[pairs->root[i]], ids[pairs->other[i]]};
            am_search_trie_emit(broad->search, nodes[i], pairs->root[i], path, 2);
        }
        going[count] = i;
        count += (nodes[i] >= settings->leaf_end) & (nodes[i] != AM_NONE);
    }
    return count;
}

/* All that can be asked of memory for several pairs is asked before any of them is gone on from. */
static void take_pairs(struct broad *broad) {
    struct am_search_pairs *pairs = &broad->pairs;
    uint32_t nodes[AM_STEPS], going[AM_STEPS], promising = 0;
    if (pairs->count == 0)
        return;
    if (!am_search_takes(broad->search, pairs->count)) {
        pairs->count = 0;
        return;
    }
    broad->search->kernel->follow_pairs(broad->search->image, pairs, nodes);
    uint32_t count = emit_pairs(broad, nodes, going);
    for (uint32_t n = 0; n < count; n++) {
        uint32_t i = going[n];
        going[promising] = i;
        promising += may_go_on(broad, nodes[i], pairs->root[i], pairs->other[i]);
    }
    if (promising)
        am_search_prefetch_ads(broad->search);
    for (uint32_t n = 0; n < promising; n++)
        go_on(broad, nodes[going[n]], pairs->root[going[n]], pairs->other[going[n]]);
    pairs->count = 0;
}

static void add_pairs(struct broad *broad, uint32_t root) {
    const struct am_search *search = broad->search;
    uint32_t first, last;
    reach_of(broad, root, &first, &last);
    if (broad->pairs.count + (last - first + 1) > AM_STEPS) {
        prefetch_pairs(broad);
        take_pairs(broad);
    }
    search->kernel->add_pairs(search->image, &search->filters->first, search->words, root, first,
                              last, &broad->pairs);
}

/* ---- all words --------------------------------------------------------------------------------
 */

/* Prefetches the records of words that are keywords by themselves. */
static void prefetch_singles(const struct broad *broad, const uint32_t *words, uint32_t count) {
    const struct am_search *search = broad->search;
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&search->image->words[search->words->broad_ids[words[i]]]);
}

static void emit_singles(const struct broad *broad, const uint32_t *words, uint32_t count) {
    const struct am_image_word *records = broad->search->image->words;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *id = &broad->search->words->broad_ids[words[i]];
        am_search_trie_emit(broad->search, records[*id].broad_terminal, words[i], id, 1);
    }
}

/* Steps of a root: the filter is asked about every word in reach, several at a time. */
static uint32_t steps_of_root(const struct broad *broad) {
    return 1 + broad->around.window / 8;
}

static void add_roots(struct broad *broad, uint32_t from, uint32_t to) {
    const struct am_search *search = broad->search;
    uint32_t roots[AM_STEPS + AM_SPARE], steps = steps_of_root(broad);
    uint32_t count = search->kernel->list_words(search->words->broad_flags, AM_WORD_BEGINS_BROAD,
                                                from, to, roots);
    for (uint32_t i = 0; i < count && am_search_takes(search, steps); i++)
        add_pairs(broad, roots[i]);
}

/* All pairs of a field that one window holds. What cannot be paid for has been read, but has no
 * effect. */
static void add_field(struct broad *broad) {
    const struct am_search *search = broad->search;
    uint32_t roots =
        search->kernel->add_all_pairs(search->image, &search->filters->first, search->words,
                                      broad->field_first, broad->field_end - 1, &broad->pairs);
    if (!am_search_takes(search, roots * steps_of_root(broad)))
        broad->pairs.count = 0;
}

static bool is_few(const struct broad *broad) {
    uint32_t count = broad->field_end - broad->field_first;
    return count <= AM_FEW_WORDS && count <= broad->around.window;
}

/* Most words of a page are of no broad keyword, in inventories with few of them: so the words that
 * matter are listed first. */
static void search_words(struct broad *broad, uint32_t from, uint32_t to) {
    const struct am_search *search = broad->search;
    uint32_t singles[AM_STEPS + AM_SPARE];
    uint32_t count =
        search->kernel->list_words(search->words->broad_flags, AM_WORD_IS_BROAD, from, to, singles);
    prefetch_singles(broad, singles, count);
    if (is_few(broad))
        add_field(broad);
    else
        add_roots(broad, from, to);
    prefetch_pairs(broad);
    emit_singles(broad, singles, count);
}

static void search_field(struct broad *broad) {
    for (uint32_t from = broad->field_first; from < broad->field_end; from += AM_STEPS) {
        uint32_t left = broad->field_end - from;
        search_words(broad, from, from + (left < AM_STEPS ? left : AM_STEPS));
    }
    take_pairs(broad);
}

void am_search_broad(struct am_search *search) {
    if (search->image->settings->broad_terminals == 0)
        return;
    struct broad broad; /* no initialiser: it would clear kilobytes for every query */
    broad.search = broad.around.search = search;
    broad.around.near = broad.near;
    broad.around.window = search->image->settings->broad_window;
    broad.pairs.count = 0;
    broad.field_first = 0;
    for (uint32_t field = 0; broad.field_first < search->words->count; field++) {
        broad.field_end = search->words->field_first[field + 1] - 1;
        search_field(&broad);
        broad.field_first = broad.field_end + 1;
    }
    if (__builtin_expect(search->words->further.count > 0, 0))
        am_search_further(search);
}
