/* SPDX-License-Identifier: Apache-2.0 */
/* Broad keywords of words that have several readings.
 *
 * search_broad.c takes each word for its first reading. What it cannot find are keywords of which
 * some word is another reading; they are found here, from each rarest word that has such a reading
 * near it, or is one. Few words of few texts have several, so this is done one by one. */
#include "search_trie.h"

struct further {
    struct am_search *search;
    struct am_search_trie_walk walk;
    const struct am_match_further_reading *items; /* of the field */
    uint32_t count;
    uint32_t field_first, field_end; /* word indexes */
};

/* A Shell sort: a window may hold thousands of readings, and libc's may allocate. */
static void sort_near(struct am_search_trie_walk *walk) {
    static const uint32_t gaps[] = {10387, 4025, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < AM_COUNT_OF(gaps); g++)
        for (uint32_t i = gaps[g]; i < walk->count; i++) {
            struct am_search_trie_near moved = walk->near[i];
            uint32_t at = i;
            for (; at >= gaps[g] && walk->near[at - gaps[g]].id > moved.id; at -= gaps[g])
                walk->near[at] = walk->near[at - gaps[g]];
            walk->near[at] = moved;
        }
}

static bool follows(struct am_match_reading reading, uint32_t least) {
    return reading.flags & AM_WORD_CONTINUES_BROAD && reading.id > least;
}

/* Lists all readings of the words [first, last] that may follow the word of id `least`. Returns
 * whether some is not its word's first. */
static bool list_near(struct further *further, uint32_t least, uint32_t first, uint32_t last) {
    const struct am_match_words *words = further->search->words;
    struct am_search_trie_near *near = further->walk.near;
    uint32_t count = 0, firsts;
    for (uint32_t i = first; i <= last; i++)
        if (am_match_words_follows(words, i, least))
            near[count++] = (struct am_search_trie_near){words->broad_ids[i], i - first};
    firsts = count;
    for (uint32_t n = am_match_further_from(further->items, further->count, first);
         n < further->count && further->items[n].word <= last; n++)
        if (follows(further->items[n].reading, least))
            near[count++] = (struct am_search_trie_near){further->items[n].reading.id,
                                                         further->items[n].word - first};
    further->walk.count = count;
    return count > firsts;
}

/* Finds the keywords whose rarest word is this reading of word `root`. */
static void walk_from(struct further *further, uint32_t root, uint32_t id, bool is_first_reading) {
    uint32_t first, last;
    am_search_trie_reach(further->walk.window, further->field_first, further->field_end, root,
                         &first, &last);
    if (!am_search_takes(further->search, last - first + 1))
        return;
    if (!list_near(further, id, first, last) && is_first_reading)
        return;
    sort_near(&further->walk);
    const struct am_search_trie_extent extent = {(uint8_t)(root - first), (uint8_t)(root - first)};
    further->walk.root = root;
    further->walk.path[0] = id;
    am_search_trie_follow(&further->walk, AM_NODE_OF_BROAD(further->search->image->settings, id), 0,
                          &extent, 1, 2);
}

/* Walks from the words around a further reading that goes on with keywords; returns the word after
 * those. No word before `from` is walked from: that has been done. */
static uint32_t walk_around(struct further *further, uint32_t word, uint32_t from) {
    const struct am_match_words *words = further->search->words;
    uint32_t first, last;
    am_search_trie_reach(further->walk.window, further->field_first, further->field_end, word,
                         &first, &last);
    for (uint32_t i = first < from ? from : first; i <= last; i++)
        if (words->broad_flags[i] & AM_WORD_BEGINS_BROAD)
            walk_from(further, i, words->broad_ids[i], true);
    return last + 1;
}

static void search_field(struct further *further) {
    struct am_search *search = further->search;
    uint32_t done = further->field_first;
    for (uint32_t n = 0; n < further->count; n++) {
        const struct am_match_further_reading *item = &further->items[n];
        if (item->reading.flags & AM_WORD_IS_BROAD)
            am_search_trie_emit(search, search->image->words[item->reading.id].broad_terminal,
                                item->word, &item->reading.id, 1);
        if (item->reading.flags & AM_WORD_BEGINS_BROAD)
            walk_from(further, item->word, item->reading.id, false);
        if (item->reading.flags & AM_WORD_CONTINUES_BROAD)
            done = walk_around(further, item->word, done);
    }
}

void am_search_further(struct am_search *search) {
    const struct am_match_words *words = search->words;
    struct further further;
    further.search = further.walk.search = search;
    further.walk.window = search->image->settings->broad_window;
    further.walk.near = search->near;
    further.field_first = 0;
    for (uint32_t field = 0, from = 0; from < words->further.count; field++) {
        uint32_t to = from;
        further.field_end = words->field_first[field + 1] - 1;
        while (to < words->further.count && words->further.items[to].word < further.field_end)
            to++;
        further.items = words->further.items + from;
        further.count = to - from;
        search_field(&further);
        further.field_first = further.field_end + 1;
        from = to;
    }
}
