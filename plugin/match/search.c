/* Words to hits, for phrase and exact keywords.
 *
 * A page is not walked word by word: each step (hash, look up, filter, follow an edge) is done for
 * many words at once, so that the memory reads of a step are all under way together. That, not
 * instructions, is what the time goes into with a million phrases. */
#include "../index/vocabulary.h"
#include "matcher.h"
#include "search_stems.h"

/* ---- words ------------------------------------------------------------------------------------
 */

static bool
is_same_word(const struct am_image *image, uint32_t id, const char *text, uint32_t size) {
    return am_view_equal(am_image_string(image, image->words[id].text),
                         (struct am_view){text, size});
}

/* The id and flags of one word, AM_NONE and 0 when it is not there. Through all buckets where it
 * may be, and by its text when its key is a hash only. */
static uint32_t find_word(const struct am_image *image,
                          struct am_image_word_key key,
                          const char *text,
                          uint32_t size,
                          uint8_t *flags) {
    uint64_t hash = am_image_word_key_hash(key);
    uint64_t at = am_image_bucket(hash, image->vocabulary_buckets);
    for (;;) {
        const struct am_image_vocabulary_bucket *bucket = &image->vocabulary[at];
        for (int way = 0; way < AM_IMAGE_VOCABULARY_LANES; way++) {
            if (!am_image_word_key_is_in(bucket, way, key))
                continue;
            if (am_image_word_key_is_long(key) &&
                !is_same_word(image, bucket->word[way], text, size))
                continue;
            *flags = bucket->flags[way];
            return bucket->word[way];
        }
        if (!(bucket->displaced & am_image_overflow_word(hash)))
            break;
        at = at + 1 < image->vocabulary_buckets ? at + 1 : 0;
    }
    *flags = 0;
    return AM_NONE;
}

uint32_t
am_search_stem(struct am_matcher *matcher, const char *text, uint32_t size, uint8_t *flags) {
    const struct am_image *image = matcher->image;
    struct am_view stem = am_text_stem(matcher->stemmer, (struct am_view){text, size});
    struct am_image_word_key key = am_image_word_key(stem.data, (uint32_t)stem.size);
    return find_word(image, key, stem.data, (uint32_t)stem.size, flags);
}

/* Opens room for that many words' ids and flags; am_search_words closes it all. */
static void open_words(const struct am_match_words *words, uint32_t count) {
    AM_UNPOISON_ITEMS(words->ids, words->count, count);
    AM_UNPOISON_ITEMS(words->flags, words->count, count);
    AM_UNPOISON_ITEMS(words->broad_ids, words->count, count);
    AM_UNPOISON_ITEMS(words->broad_flags, words->count, count);
}

static void forget_words(const struct am_match_words *words) {
    AM_POISON_ITEMS(words->ids, 0, words->count);
    AM_POISON_ITEMS(words->flags, 0, words->count);
    AM_POISON_ITEMS(words->broad_ids, 0, words->count);
    AM_POISON_ITEMS(words->broad_flags, 0, words->count);
    AM_POISON_ITEMS(words->split, 0, words->count + AM_WORD_BATCH);
}

static void look_up(struct am_matcher *matcher, const struct am_search_word_batch *batch) {
    const struct am_image *image = matcher->image;
    struct am_match_words *words = &matcher->words;
    struct am_search_lookup lookup;
    uint32_t *ids = words->ids + words->count;
    uint8_t *flags = words->flags + words->count;
    open_words(words, batch->count);
    matcher->way->find_words(image, batch, &lookup, ids, flags);
    for (uint32_t n = 0; n < lookup.further_count; n++) {
        uint32_t i = lookup.further[n];
        ids[i] = find_word(image, lookup.keys[i], batch->texts + batch->words[i].text,
                           batch->words[i].size, &flags[i]);
    }
    if (matcher->stemmer)
        am_search_stems(matcher, batch, lookup.keys, ids, flags, words->broad_ids + words->count,
                        words->broad_flags + words->count);
    words->count += batch->count;
    words->real_count += batch->count;
}

static void end_field(struct am_match_words *words) {
    open_words(words, 1);
    words->ids[words->count] = words->broad_ids[words->count] = AM_NONE;
    words->flags[words->count] = words->broad_flags[words->count] = 0;
    words->count++;
}

static enum am_code search_field(struct am_matcher *matcher,
                                 const struct am_match_request *request,
                                 uint32_t field,
                                 struct am_error *error) {
    struct am_match_words *words = &matcher->words;
    struct am_search_word_batch batch;
    struct am_text_splitter splitter;
    am_text_splitter_start(&splitter, request->fields[field].text, &matcher->word_rules,
                           matcher->splitter_memory);
    words->field_first[field] = words->count;
    batch.texts = splitter.texts;
    for (;;) {
        struct am_text_word *next = words->split + words->count;
        batch.words = next;
        AM_UNPOISON_ITEMS(next, 0, AM_WORD_BATCH);
        batch.count = (uint32_t)am_text_splitter_next(&splitter, next, AM_WORD_BATCH);
        AM_POISON_ITEMS(next, batch.count, AM_WORD_BATCH - batch.count);
        if (batch.count == 0)
            break;
        if (words->real_count + batch.count > matcher->limits.words)
            return am_error_set(error, AM_E_LIMIT, "more than %u words in one request",
                                matcher->limits.words);
        look_up(matcher, &batch);
    }
    end_field(words);
    return AM_OK;
}

enum am_code am_search_words(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_error *error) {
    size_t bytes = 0;
    forget_words(&matcher->words);
    matcher->words.count = matcher->words.real_count = 0;
    if (request->field_count > AM_MAX_FIELDS)
        return am_error_set(error, AM_E_LIMIT, "more than %d texts in one request", AM_MAX_FIELDS);
    for (uint32_t field = 0; field < request->field_count; field++) {
        bytes += request->fields[field].text.size;
        if (bytes > matcher->limits.text_bytes)
            return am_error_set(error, AM_E_LIMIT, "more than %zu bytes of text in one request",
                                matcher->limits.text_bytes);
        enum am_code code = search_field(matcher, request, field, error);
        if (code != AM_OK)
            return code;
    }
    matcher->words.field_first[request->field_count] = matcher->words.count;
    return AM_OK;
}

void am_search_start(struct am_matcher *matcher, enum am_image_tier tier) {
    matcher->filters = &matcher->image->filters[tier];
    AM_POISON_ITEMS(matcher->hits.terminals, 0, matcher->hits.count);
    AM_POISON_ITEMS(matcher->hits.places, 0, matcher->hits.count);
    AM_POISON_ITEMS(matcher->paths, 0, matcher->path_count);
    matcher->hits.count = matcher->path_count = 0;
    am_match_idmap_clear(&matcher->terminals_hit);
}

void am_search(struct am_matcher *matcher,
               const struct am_match_request *request,
               enum am_image_tier tier) {
    am_search_start(matcher, tier);
    am_search_exact(matcher, request);
    am_search_phrases(matcher);
    am_search_broad(matcher);
}

/* ---- phrases ----------------------------------------------------------------------------------
 */

static void single_words(struct am_matcher *matcher, uint32_t from, uint32_t to) {
    const struct am_match_words *words = &matcher->words;
    const struct am_image_word *records = matcher->image->words;
    uint32_t found[AM_STEPS + AM_SPARE];
    uint32_t count = matcher->way->list_words(words->flags, AM_WORD_IS_PHRASE, from, to, found);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&records[words->ids[found[i]]]);
    for (uint32_t i = 0; i < count; i++)
        am_search_emit(matcher, records[words->ids[found[i]]].phrase_terminal, found[i]);
}

static void take_steps(struct am_matcher *matcher, uint32_t depth, struct am_search_steps *steps) {
    struct am_search_hits *hits = &matcher->hits;
    uint32_t before = hits->count, room = steps->count + AM_SPARE;
    AM_UNPOISON_ITEMS(hits->terminals, before, room);
    AM_UNPOISON_ITEMS(hits->places, before, room);
    matcher->way->take_steps(matcher->image, &matcher->words, depth, steps, hits);
    AM_POISON_ITEMS(hits->terminals, hits->count, before + room - hits->count);
    AM_POISON_ITEMS(hits->places, hits->count, before + room - hits->count);
}

/* Phrases of several words that begin in [from, to). */
static void longer_phrases(struct am_matcher *matcher, uint32_t from, uint32_t to) {
    const struct am_image *image = matcher->image;
    const struct am_search_kernel *way = matcher->way;
    struct am_search_steps steps;
    way->first_steps(image, &matcher->words, from, to, &steps);
    for (uint32_t depth = 2; steps.count && depth <= AM_KEYWORD_MAX_WORDS; depth++) {
        way->filter_steps(image, depth == 2 ? &matcher->filters->first : &matcher->filters->later,
                          &steps);
        take_steps(matcher, depth, &steps);
    }
}

void am_search_phrases(struct am_matcher *matcher) {
    if (matcher->image->settings->longest_phrase == 0)
        return;
    /* The last word of all is an empty one: nothing begins there, and words after any before it
     * stay inside. */
    uint32_t end = matcher->words.count ? matcher->words.count - 1 : 0;
    for (uint32_t from = 0; from < end; from += AM_STEPS) {
        uint32_t to = end - from < AM_STEPS ? end : from + AM_STEPS;
        single_words(matcher, from, to);
        longer_phrases(matcher, from, to);
    }
}

/* ---- exact ------------------------------------------------------------------------------------
 */

static void search_exact_field(struct am_matcher *matcher, uint32_t first, uint32_t count) {
    const struct am_image *image = matcher->image;
    const struct am_match_words *words = &matcher->words;
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
        am_search_emit(matcher, node, first);
}

void am_search_exact(struct am_matcher *matcher, const struct am_match_request *request) {
    uint32_t longest = matcher->image->settings->longest_exact;
    for (uint32_t field = 0; longest && field < request->field_count; field++) {
        if (request->fields[field].kind > AM_FIELD_KEYWORD)
            continue;
        uint32_t first = matcher->words.field_first[field];
        uint32_t count = matcher->words.field_first[field + 1] - 1 - first;
        if (count > 0 && count <= longest)
            search_exact_field(matcher, first, count);
    }
}

/* ---- ways -------------------------------------------------------------------------------------
 */

const struct am_search_kernel *am_search_kernel(enum am_search_kernel_name name) {
    switch (name) {
    case AM_SEARCH_PORTABLE:
        return &am_search_portable;
#ifdef __x86_64__
    case AM_SEARCH_AVX512:
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")
                   ? &am_search_avx512
                   : NULL;
#endif
    default:
        return NULL;
    }
}

const struct am_search_kernel *am_search_kernel_best(void) {
    const struct am_search_kernel *best = NULL;
    for (int name = AM_SEARCH_KERNELS; !best;)
        best = am_search_kernel((enum am_search_kernel_name)-- name);
    return best;
}
