/* SPDX-License-Identifier: Apache-2.0 */
#include "search.h"

#include "edges.h"
#include "search_trie.h"

void am_search_size(struct am_search *search,
                    const struct am_match_words *words,
                    const struct am_image *image,
                    struct am_match_memory *memory) {
    const struct am_image_settings *settings = image->settings;
    size_t room = (size_t)words->limits.words + AM_MAX_FIELDS + 1;
    size_t hits =
        room * AM_KEYWORD_MAX_WORDS + AM_MAX_FIELDS + settings->broad_terminals + AM_SPARE;
    search->image = image;
    search->hits.count = search->path_count = 0;
    search->hits.terminals = am_match_memory_take(memory, hits, sizeof(uint32_t));
    search->hits.positions = am_match_memory_take(memory, hits, sizeof(uint32_t));
    search->paths =
        am_match_memory_take(memory, (size_t)settings->broad_words + settings->broad_terminals + 1,
                             sizeof *search->paths);
    am_match_memory_take_map(memory, &search->broad_found, settings->terminal_count);
    search->near = NULL;
    if (words->further.room) {
        search->near = am_match_memory_take(memory, AM_SEARCH_NEAR_MOST, sizeof *search->near);
        AM_UNPOISON_ITEMS(search->near, 0, AM_SEARCH_NEAR_MOST);
    }
}

void am_search_start(struct am_search *search, enum am_image_tier tier) {
    search->filters = &search->image->filters[tier];
    AM_POISON_ITEMS(search->hits.terminals, 0, search->hits.count);
    AM_POISON_ITEMS(search->hits.positions, 0, search->hits.count);
    AM_POISON_ITEMS(search->paths, 0, search->path_count);
    search->hits.count = search->path_count = 0;
    am_match_idmap_clear(&search->broad_found);
}

void am_search(struct am_search *search,
               const struct am_match_request *request,
               enum am_image_tier tier) {
    am_search_start(search, tier);
    am_search_exact(search, request);
    am_search_phrases(search);
    am_search_broad(search);
}

/* Splitting a word and finding it in the vocabulary is far less than a step. */
enum { WORDS_A_STEP = 4 };

/* ---- phrases ----------------------------------------------------------------------------------
 */

static void single_words(struct am_search *search, uint32_t from, uint32_t to) {
    const struct am_match_words *words = search->words;
    const struct am_image_word *records = search->image->words;
    uint32_t found[AM_STEPS + AM_SPARE];
    uint32_t count = search->kernel->list_words(words->flags, AM_WORD_IS_PHRASE, from, to, found);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&records[words->ids[found[i]]]);
    for (uint32_t i = 0; i < count; i++)
        am_search_emit(search, records[words->ids[found[i]]].phrase_terminal, found[i]);
}

static void take_steps(struct am_search *search, uint32_t depth, struct am_search_steps *steps) {
    struct am_search_hits *hits = &search->hits;
    uint32_t before = hits->count, room = steps->count + AM_SPARE;
    AM_UNPOISON_ITEMS(hits->terminals, before, room);
    AM_UNPOISON_ITEMS(hits->positions, before, room);
    search->kernel->take_steps(search->image, search->words, depth, steps, hits);
    AM_POISON_ITEMS(hits->terminals, hits->count, before + room - hits->count);
    AM_POISON_ITEMS(hits->positions, hits->count, before + room - hits->count);
}

/* Phrases of several words that begin in [from, to). */
static void longer_phrases(struct am_search *search, uint32_t from, uint32_t to) {
    const struct am_image *image = search->image;
    const struct am_search_kernel *kernel = search->kernel;
    struct am_search_steps steps;
    kernel->first_steps(image, search->words, from, to, &steps);
    for (uint32_t depth = 2; steps.count && depth <= AM_KEYWORD_MAX_WORDS; depth++) {
        if (!am_search_takes(search, steps.count))
            return;
        kernel->filter_steps(image, depth == 2 ? &search->filters->first : &search->filters->later,
                             &steps);
        take_steps(search, depth, &steps);
    }
}

void am_search_phrases(struct am_search *search) {
    if (search->image->settings->longest_phrase == 0)
        return;
    /* The last word of all is an empty one: nothing begins there, and words after any before it
     * stay inside. */
    uint32_t end = search->words->count ? search->words->count - 1 : 0;
    for (uint32_t from = 0; from < end; from += AM_STEPS) {
        uint32_t to = end - from < AM_STEPS ? end : from + AM_STEPS;
        if (!am_search_takes(search, AM_STEPS / WORDS_A_STEP))
            return;
        single_words(search, from, to);
        longer_phrases(search, from, to);
    }
}

/* ---- exact ------------------------------------------------------------------------------------
 */

static void search_exact_field(struct am_search *search, uint32_t first, uint32_t count) {
    const struct am_image *image = search->image;
    const struct am_match_words *words = search->words;
    const struct am_image_filters *filters = &image->filters[AM_TIER_ALL];
    uint32_t node = AM_NODE_OF_EXACT(image->settings);
    for (uint32_t i = first; i < first + count; i++) {
        if (!(words->flags[i] & AM_WORD_IN_EXACT))
            return;
        uint64_t key = am_image_edge_key(node, words->ids[i]);
        uint32_t hash = am_image_edge_hash(key);
        if (!am_image_filter_has(i == first ? &filters->first : &filters->later, hash))
            return;
        node = am_search_edge(image, key, hash);
        if (node == AM_NONE)
            return;
    }
    if (node < image->settings->terminal_end)
        am_search_emit(search, node, first);
}

void am_search_exact(struct am_search *search, const struct am_match_request *request) {
    uint32_t longest = search->image->settings->longest_exact;
    for (uint32_t field = 0; longest && field < request->field_count; field++) {
        if (request->fields[field].kind > AM_FIELD_KEYWORD)
            continue;
        uint32_t first = search->words->field_first[field];
        uint32_t count = am_match_words_of_field(search->words, field);
        if (count > 0 && count <= longest)
            search_exact_field(search, first, count);
    }
}
