/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of a search in plain C. A result is written in any case and counted when it is one,
 * since nothing here can be predicted. */
#include "../edges.h"
#include "../words.h"
#include "kernels.h"

/* ---- words ------------------------------------------------------------------------------------
 */

/* Which lane of a bucket has the word, if any, is beyond prediction, so all are compared without a
 * branch. A key of zeros, of a word that is too long for any keyword, finds nothing: what it is
 * equal to are empty places. */
static void find_words(const struct am_image *image,
                       const struct am_search_word_batch *batch,
                       struct am_search_lookup *lookup,
                       uint32_t *ids,
                       uint8_t *flags) {
    uint32_t count = batch->count, listed = 0;
    for (uint32_t i = 0; i < count; i++) {
        lookup->keys[i] =
            am_image_word_key(batch->texts + batch->words[i].text, batch->words[i].size);
        uint64_t hash = lookup->hashes[i] = am_image_word_key_hash(lookup->keys[i]);
        __builtin_prefetch(&image->vocabulary[am_image_bucket(hash, image->vocabulary_buckets)]);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct am_image_word_key key = lookup->keys[i];
        uint64_t hash = lookup->hashes[i];
        const struct am_image_vocabulary_bucket *bucket =
            &image->vocabulary[am_image_bucket(hash, image->vocabulary_buckets)];
        uint32_t first = am_image_word_key_is_in(bucket, 0, key),
                 second = am_image_word_key_is_in(bucket, 1, key),
                 third = am_image_word_key_is_in(bucket, 2, key);
        uint32_t found = first | second | third;
        uint32_t lane = second | (third & ~second) << 1; /* several are empty places */
        flags[i] = bucket->flags[lane] & (uint8_t)am_bytes_mask(found);
        ids[i] = bucket->word[lane] | ~am_bytes_mask(found); /* AM_NONE has all bits */
        lookup->further[listed] = i;
        listed += (~found & ((bucket->displaced & am_image_overflow_word(hash)) != 0)) |
                  am_image_word_key_is_long(key);
    }
    lookup->further_count = listed;
}
_Static_assert(AM_IMAGE_VOCABULARY_LANES == 3, "find_words compares three");

/* ---- phrases ----------------------------------------------------------------------------------
 */

static uint32_t
list_words(const uint8_t *flags, uint8_t bit, uint32_t from, uint32_t to, uint32_t *listed) {
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        listed[count] = i;
        count += (flags[i] & bit) != 0;
    }
    return count;
}

/* The key of a word that is not there is made of AM_NONE, and not counted. */
AM_WRAPS static void first_steps(const struct am_image *image,
                                 const struct am_match_words *words,
                                 uint32_t from,
                                 uint32_t to,
                                 struct am_search_steps *steps) {
    uint32_t root = AM_NODE_OF_PHRASE(image->settings, 0);
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        steps->key[count] = am_image_edge_key(root + words->ids[i], words->ids[i + 1]);
        steps->word[count] = i;
        count += (words->flags[i] / AM_WORD_BEGINS_PHRASE) &
                 (words->flags[i + 1] / AM_WORD_CONTINUES_PHRASE) & 1;
    }
    steps->count = count;
}

static void filter_steps(const struct am_image *image,
                         const struct am_image_filter *filter,
                         struct am_search_steps *steps) {
    for (uint32_t i = 0; i < steps->count; i++) {
        steps->hash[i] = am_image_edge_hash(steps->key[i]);
        am_image_filter_prefetch(filter, steps->hash[i]);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        uint32_t hash = steps->hash[i];
        steps->key[kept] = steps->key[i];
        steps->hash[kept] = hash;
        steps->word[kept] = steps->word[i];
        kept += am_image_filter_has(filter, hash);
    }
    steps->count = kept;
    for (uint32_t i = 0; i < kept; i++)
        am_search_prefetch_edge(image, steps->hash[i]);
}

static void take_steps(const struct am_image *image,
                       const struct am_match_words *words,
                       uint32_t depth,
                       struct am_search_steps *steps,
                       struct am_search_hits *hits) {
    uint32_t leaves = image->settings->leaf_end, terminals = image->settings->terminal_end;
    uint32_t nodes = image->settings->node_end;
    uint32_t count = steps->count, next = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = am_search_edge(image, steps->key[i], steps->hash[i]);
        uint32_t word = steps->word[i];
        hits->terminals[hits->count] = node;
        hits->positions[hits->count] = word;
        hits->count += node < terminals;
        steps->key[next] = am_image_edge_key(node, words->ids[word + depth]);
        steps->word[next] = word;
        next += (node >= leaves) & (node < nodes) &
                ((words->flags[word + depth] & AM_WORD_CONTINUES_PHRASE) != 0);
    }
    steps->count = next;
}

/* ---- broad keywords ---------------------------------------------------------------------------
 */

/* Puts pair i at the index `kept`; returns the index after it when the filter passes it. */
static inline uint32_t keep_passing(const struct am_image_filter *filter,
                                    struct am_search_pairs *pairs,
                                    uint32_t i,
                                    uint32_t root,
                                    uint32_t kept) {
    uint32_t hash = pairs->hash[i];
    pairs->key[kept] = pairs->key[i];
    pairs->hash[kept] = hash;
    pairs->root[kept] = root;
    pairs->other[kept] = pairs->other[i];
    return kept + am_image_filter_has(filter, hash);
}

static void add_pairs(const struct am_image *image,
                      const struct am_image_filter *filter,
                      const struct am_match_words *words,
                      uint32_t root,
                      uint32_t first,
                      uint32_t last,
                      struct am_search_pairs *pairs) {
    uint32_t node = AM_NODE_OF_BROAD(image->settings, words->broad_ids[root]);
    uint32_t from = pairs->count, end = from, kept = from;
    for (uint32_t i = first; i <= last; i++) {
        pairs->other[end] = i;
        end += am_match_words_follows(words, i, words->broad_ids[root]);
    }
    for (uint32_t i = from; i < end; i++) {
        pairs->key[i] = am_image_edge_key(node, words->broad_ids[pairs->other[i]]);
        pairs->hash[i] = am_image_edge_hash(pairs->key[i]);
        am_image_filter_prefetch(filter, pairs->hash[i]);
    }
    for (uint32_t i = from; i < end; i++)
        kept = keep_passing(filter, pairs, i, root, kept);
    pairs->count = kept;
}

/* Lists the pairs of which the filter has not been asked; returns how many there are with those
 * before. */
static uint32_t list_pairs(const struct am_image *image,
                           const struct am_match_words *words,
                           uint32_t root,
                           const uint32_t *others,
                           uint32_t other_count,
                           struct am_search_pairs *pairs,
                           uint32_t count) {
    uint32_t root_id = words->broad_ids[root];
    uint32_t node = AM_NODE_OF_BROAD(image->settings, root_id);
    for (uint32_t n = 0; n < other_count; n++) {
        uint32_t id = words->broad_ids[others[n]];
        pairs->key[count] = am_image_edge_key(node, id);
        pairs->root[count] = root;
        pairs->other[count] = others[n];
        count += id > root_id;
    }
    return count;
}

static uint32_t add_all_pairs(const struct am_image *image,
                              const struct am_image_filter *filter,
                              const struct am_match_words *words,
                              uint32_t first,
                              uint32_t last,
                              struct am_search_pairs *pairs) {
    uint32_t roots[AM_FEW_WORDS + 1], others[AM_FEW_WORDS + 1];
    uint32_t root_count = 0, other_count = 0, from = pairs->count, end = from, kept = from;
    for (uint32_t i = first; i <= last; i++) {
        roots[root_count] = others[other_count] = i;
        root_count += words->broad_flags[i] / AM_WORD_BEGINS_BROAD & 1;
        other_count += words->broad_flags[i] / AM_WORD_CONTINUES_BROAD & 1;
    }
    for (uint32_t n = 0; n < root_count; n++)
        end = list_pairs(image, words, roots[n], others, other_count, pairs, end);
    for (uint32_t i = from; i < end; i++) {
        pairs->hash[i] = am_image_edge_hash(pairs->key[i]);
        am_image_filter_prefetch(filter, pairs->hash[i]);
    }
    for (uint32_t i = from; i < end; i++)
        kept = keep_passing(filter, pairs, i, pairs->root[i], kept);
    pairs->count = kept;
    return root_count;
}

static void
follow_pairs(const struct am_image *image, const struct am_search_pairs *pairs, uint32_t *nodes) {
    for (uint32_t i = 0; i < pairs->count; i++)
        nodes[i] = am_search_edge(image, pairs->key[i], pairs->hash[i]);
}

static bool may_go_on(const struct am_image_filter *filter,
                      const struct am_match_words *words,
                      uint32_t node,
                      uint32_t least,
                      uint32_t first,
                      uint32_t last) {
    bool may = false;
    for (uint32_t i = first; i <= last; i++) {
        uint32_t hash = am_image_edge_hash(am_image_edge_key(node, words->broad_ids[i]));
        may |=
            am_match_words_follows(words, i, least) & (unsigned)am_image_filter_has(filter, hash);
    }
    return may;
}

/* ---- hits -------------------------------------------------------------------------------------
 */

/* Compares distances from `first`, since those of terminals below it are out of range, too. */
AM_WRAPS static uint32_t
find_smallest(const struct am_search_hits *hits, uint32_t first, uint32_t end) {
    const uint64_t none = (uint64_t)(end - first) << 32;
    uint64_t best = none; /* distance, hit */
    for (uint32_t i = 0; i < hits->count; i++) {
        uint64_t next = (uint64_t)(hits->terminals[i] - first) << 32 | i;
        best = next < best ? next : best;
    }
    return best == none ? hits->count : (uint32_t)best;
}

const struct am_search_kernel am_search_portable = {
    find_words, list_words,    first_steps,  filter_steps, take_steps,
    add_pairs,  add_all_pairs, follow_pairs, may_go_on,    find_smallest};
