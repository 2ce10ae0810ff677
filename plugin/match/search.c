/* Words to hits, for phrase and exact keywords.
 *
 * A page is not walked word by word: each step (hash, look up, filter, follow an edge) is done for
 * many words at once, so that the memory reads of a step are all under way together. That, not
 * instructions, is what the time goes into with a million phrases. */
#include "../index/vocabulary.h"
#include "matcher.h"
#include "search_stems.h"

/* Words looked up, and words from which phrases are sought, at a time. The latter are more, because
 * the last steps of long phrases are few and would wait for memory one by one. */
enum { BATCH = AM_STEM_BATCH, PHRASE_BATCH = 512 };

/* ---- words ------------------------------------------------------------------------------------
 */

static bool
is_same_word(const struct am_image *image, uint32_t id, const char *text, uint32_t size) {
    return am_view_equal(am_image_string(image, image->words[id].text),
                         (struct am_view){text, size});
}

/* The rare rest of a lookup: a long word, whose key is a hash only, or one that found its
 * bucket full. */
static uint32_t find_word_further(const struct am_image *image,
                                  struct am_word_key key,
                                  uint64_t at,
                                  const char *text,
                                  uint32_t size,
                                  uint8_t *flags) {
    for (;;) {
        const struct am_vocabulary_bucket *bucket = &image->vocabulary[at];
        for (int way = 0; way < AM_VOCABULARY_WAYS; way++) {
            if (am_load_u64(bucket->key[way]) != key.low ||
                am_load_u64(bucket->key[way] + 8) != key.high)
                continue;
            if (am_word_key_is_long(key) && !is_same_word(image, bucket->word[way], text, size))
                continue;
            *flags = bucket->flags[way];
            return bucket->word[way];
        }
        if (!(bucket->displaced & am_displaced_word(am_word_key_hash(key))))
            break;
        at = at + 1 < image->vocabulary_buckets ? at + 1 : 0;
    }
    *flags = 0;
    return AM_NONE;
}

static inline uint32_t
is_in_way(const struct am_vocabulary_bucket *bucket, int way, struct am_word_key key) {
    return ((am_load_u64(bucket->key[way]) ^ key.low) |
            (am_load_u64(bucket->key[way] + 8) ^ key.high)) == 0;
}

/* The id and flags of the word with that key, or AM_NONE and 0. Which way of the bucket has it, if
 * any, is beyond prediction, so all are compared without a branch: a sixth off the time of
 * splitting and looking up. A key of zeros, of a word that is too long for any keyword, finds
 * nothing: what it is equal to are empty places. */
static inline uint32_t find_word(const struct am_image *image,
                                 struct am_word_key key,
                                 uint64_t hash,
                                 const struct am_word *word,
                                 uint8_t *flags) {
    uint64_t at = am_bucket_of(hash, image->vocabulary_buckets);
    const struct am_vocabulary_bucket *bucket = &image->vocabulary[at];
    uint32_t first = is_in_way(bucket, 0, key), second = is_in_way(bucket, 1, key),
             third = is_in_way(bucket, 2, key);
    uint32_t found = -(first | second | third);
    uint32_t way = second | (third & ~second) << 1; /* several are empty places */
    if (__builtin_expect((!found && (bucket->displaced & am_displaced_word(hash))) ||
                             am_word_key_is_long(key),
                         0))
        return find_word_further(image, key, at, word->text, word->size, flags);
    *flags = bucket->flags[way] & (uint8_t)found;
    return bucket->word[way] | ~found; /* AM_NONE has all bits */
}
_Static_assert(AM_VOCABULARY_WAYS == 3, "find_word compares three");

uint32_t
am_search_stem(struct am_matcher *matcher, const char *text, uint32_t size, uint8_t *flags) {
    const struct am_image *image = matcher->image;
    struct am_view stem = am_stem(matcher->stemmer, (struct am_view){text, size});
    struct am_word_key key = am_word_key(stem.data, (uint32_t)stem.size);
    const struct am_word word = {.text = stem.data, .size = (uint32_t)stem.size};
    return find_word(image, key, am_word_key_hash(key), &word, flags);
}

/* Looks up a batch: first all keys, whose buckets are then on their way, then all buckets. */
static void look_up(struct am_matcher *matcher, const struct am_word *batch, uint32_t count) {
    const struct am_image *image = matcher->image;
    struct am_request_words *words = &matcher->words;
    struct am_word_key keys[BATCH];
    uint64_t hashes[BATCH];
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = am_word_key(batch[i].text, batch[i].size);
        hashes[i] = am_word_key_hash(keys[i]);
        __builtin_prefetch(&image->vocabulary[am_bucket_of(hashes[i], image->vocabulary_buckets)]);
    }
    uint32_t *ids = words->ids + words->count;
    uint8_t *flags = words->flags + words->count;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = find_word(image, keys[i], hashes[i], &batch[i], &flags[i]);
    for (uint32_t i = 0; i < count; i++) {
        words->begins[words->count + i] = batch[i].begin;
        words->ends[words->count + i] = batch[i].end;
    }
    if (matcher->stemmer)
        am_search_stems(matcher, batch, keys, ids, flags, count, words->broad_ids + words->count,
                        words->broad_flags + words->count);
    words->count += count;
    words->real_count += count;
}

static void end_field(struct am_request_words *words) {
    words->ids[words->count] = words->broad_ids[words->count] = AM_NONE;
    words->flags[words->count] = words->broad_flags[words->count] = 0;
    words->count++;
}

static enum am_code search_field(struct am_matcher *matcher,
                                 const struct am_request *request,
                                 uint32_t field,
                                 struct am_error *error) {
    struct am_word batch[BATCH];
    struct am_splitter splitter;
    size_t count;
    am_splitter_start(&splitter, request->fields[field].text,
                      matcher->image->settings->fold_accents, matcher->splitter_memory);
    matcher->words.field_first[field] = matcher->words.count;
    while ((count = am_splitter_next(&splitter, batch, BATCH)) > 0) {
        if (matcher->words.real_count + count > matcher->limits.words)
            return am_error_set(error, AM_E_LIMIT, "more than %u words in one request",
                                matcher->limits.words);
        look_up(matcher, batch, (uint32_t)count);
    }
    end_field(&matcher->words);
    return AM_OK;
}

enum am_code am_search_words(struct am_matcher *matcher,
                             const struct am_request *request,
                             struct am_error *error) {
    size_t bytes = 0;
    matcher->words.count = matcher->words.real_count = 0;
    matcher->hit_count = matcher->path_count = 0;
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

/* ---- phrases ----------------------------------------------------------------------------------
 */

/* Edges to follow, each from a phrase's node by the next word. */
struct steps {
    uint64_t key[PHRASE_BATCH];
    uint64_t hash[PHRASE_BATCH];
    uint32_t word[PHRASE_BATCH]; /* index of the phrase's first word */
    uint32_t count;
};

static void single_words(struct am_matcher *matcher, uint32_t from, uint32_t to) {
    const struct am_request_words *words = &matcher->words;
    uint32_t found[PHRASE_BATCH];
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        found[count] = i;
        count += words->flags[i] & AM_WORD_IS_PHRASE;
    }
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&matcher->image->words[words->ids[found[i]]]);
    for (uint32_t i = 0; i < count; i++)
        am_search_emit(matcher, matcher->image->words[words->ids[found[i]]].phrase_terminal,
                       found[i]);
}

/* Pairs of which the first word begins some phrase and the second goes on with some. */
static void
first_steps(const struct am_matcher *matcher, uint32_t from, uint32_t to, struct steps *steps) {
    const struct am_request_words *words = &matcher->words;
    uint32_t root = AM_NODE_OF_PHRASE(matcher->image->settings, 0);
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        steps->key[count] = am_edge_key(root + words->ids[i], words->ids[i + 1]);
        steps->word[count] = i;
        count += (words->flags[i] / AM_WORD_BEGINS_PHRASE) &
                 (words->flags[i + 1] / AM_WORD_CONTINUES_PHRASE) & 1;
    }
    steps->count = count;
}

/* Drops the steps of which the filter knows that there is no such edge. Nine of ten go here,
 * without the 64 bytes that a look at the edges costs. */
static void filter_steps(const struct am_image *image, struct steps *steps) {
    for (uint32_t i = 0; i < steps->count; i++) {
        steps->hash[i] = am_edge_hash(steps->key[i]);
        __builtin_prefetch(&image->filter[am_bucket_of(steps->hash[i], image->filter_blocks)]);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        uint64_t hash = steps->hash[i];
        steps->key[kept] = steps->key[i];
        steps->hash[kept] = hash;
        steps->word[kept] = steps->word[i];
        kept += am_image_filter_has(image, hash);
    }
    steps->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        __builtin_prefetch(&image->edges[am_bucket_of(steps->hash[i], image->edge_buckets)]);
}

/* Follows the edges: emits the phrases that end there, and leaves in `steps` the next ones.
 * `depth`: words so far, the next one included. What is found is written in any case and counted
 * when it is so, since nothing here can be predicted. */
static void take_steps(struct am_matcher *matcher, struct steps *steps, uint32_t depth) {
    const struct am_image *image = matcher->image;
    const struct am_request_words *words = &matcher->words;
    uint32_t leaves = image->settings->leaf_end, terminals = image->settings->terminal_end;
    uint32_t nodes = image->settings->node_end;
    uint32_t count = steps->count, next = 0;
    size_t hits = matcher->hit_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = am_search_edge(image, steps->key[i], steps->hash[i]);
        uint32_t word = steps->word[i];
        matcher->hits[hits] = (struct am_hit){node, word, AM_NONE};
        hits += node < terminals;
        steps->key[next] = am_edge_key(node, words->ids[word + depth]);
        steps->word[next] = word;
        next += (node >= leaves) & (node < nodes) &
                ((words->flags[word + depth] & AM_WORD_CONTINUES_PHRASE) != 0);
    }
    matcher->hit_count = hits;
    steps->count = next;
}

void am_search_phrases(struct am_matcher *matcher) {
    if (matcher->image->settings->longest_phrase == 0)
        return;
    uint32_t count = matcher->words.count;
    struct steps steps;
    for (uint32_t from = 0; from < count; from += PHRASE_BATCH) {
        uint32_t to = count - from < PHRASE_BATCH ? count : from + PHRASE_BATCH;
        single_words(matcher, from, to);
        /* The last word of all is an empty one, so that i + 1 and word + depth stay inside. */
        first_steps(matcher, from, to, &steps);
        for (uint32_t depth = 2; steps.count && depth <= AM_KEYWORD_MAX_WORDS; depth++) {
            filter_steps(matcher->image, &steps);
            take_steps(matcher, &steps, depth);
        }
    }
}

/* ---- exact ------------------------------------------------------------------------------------
 */

static void search_exact_field(struct am_matcher *matcher, uint32_t first, uint32_t count) {
    const struct am_image *image = matcher->image;
    const struct am_request_words *words = &matcher->words;
    uint32_t node = AM_NODE_OF_EXACT(image->settings);
    for (uint32_t i = first; i < first + count; i++) {
        if (!(words->flags[i] & AM_WORD_IN_EXACT))
            return;
        uint64_t key = am_edge_key(node, words->ids[i]);
        uint64_t hash = am_edge_hash(key);
        if (!am_image_filter_has(image, hash))
            return;
        node = am_search_edge(image, key, hash);
        if (node == AM_NONE)
            return;
    }
    if (node < image->settings->terminal_end)
        am_search_emit(matcher, node, first);
}

void am_search_exact(struct am_matcher *matcher, const struct am_request *request) {
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
