/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of a search with AVX-512. A bucket is 64 bytes, one register, and is compared at once;
 * lists of words and edges are made sixteen at a time, by compression. */
#include "../edges.h"
#include "../words.h"
#include "kernels.h"

#ifdef __x86_64__
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt")))

/* Lanes of a register, of 8, 32 and 64 bits. */
enum { BYTES = 64, WORDS = 16, LANES = 8 };

/* One bit for each of the lanes that there are data for. */
static inline uint64_t lanes_inside(uint32_t left, uint32_t lanes) {
    return left >= lanes ? UINT64_MAX >> (64 - lanes) : (UINT64_C(1) << left) - 1;
}

AVX512 static inline __m512i set_u64(uint64_t value) {
    return _mm512_set1_epi64((long long)value);
}

AVX512 static inline __m512i set_u32(uint32_t value) {
    return _mm512_set1_epi32((int)value);
}

/* ---- reads ------------------------------------------------------------------------------------
 *
 * Masked loads and gathers. No compiler instruments them all (gcc 12 none), so that these look
 * themselves whether what is read may be. */

static inline void check_lanes(const void *items, uint64_t lanes, size_t item_size) {
    for (; AM_POISONS && lanes; lanes &= lanes - 1)
        am_poison_check_readable((const char *)items + (size_t)__builtin_ctzll(lanes) * item_size,
                                 item_size);
}

AVX512 static inline __m128i load_some_u8(__mmask16 lanes, const uint8_t *bytes) {
    check_lanes(bytes, lanes, sizeof *bytes);
    return _mm_maskz_loadu_epi8(lanes, bytes);
}

AVX512 static inline __m512i load_some_u32(__mmask16 lanes, const uint32_t *items) {
    check_lanes(items, lanes, sizeof *items);
    return _mm512_maskz_loadu_epi32(lanes, items);
}

AVX512 static inline void
check_places(const void *items, __mmask16 lanes, __m512i places, size_t item_size) {
    uint32_t at[WORDS];
    if (!AM_POISONS)
        return;
    _mm512_storeu_si512(at, places);
    for (uint32_t lane = 0; lane < WORDS; lane++)
        if (lanes >> lane & 1)
            am_poison_check_readable((const char *)items + (size_t)at[lane] * item_size, item_size);
}

AVX512 static inline __m512i gather_u32(const uint32_t *items, __mmask16 lanes, __m512i places) {
    check_places(items, lanes, places, sizeof *items);
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes, places, items, 4);
}

/* Bytes, each with what follows it in the upper 24 bits: of that, nothing is to be relied on. */
AVX512 static inline __m512i gather_u8(const uint8_t *bytes, __mmask16 lanes, __m512i places) {
    check_places(bytes, lanes, places, sizeof *bytes);
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes, places, bytes, 1);
}

/* ---- words ------------------------------------------------------------------------------------
 */

enum { FEW_WORDS = 24, NO_LANE = AM_IMAGE_VOCABULARY_LANES };

/* Which lane of a bucket has a key, from the bits of equal halves: the pair of set bits. */
#define LANE(bits) (((bits)&3) == 3 ? 0 : ((bits)&12) == 12 ? 1 : ((bits)&48) == 48 ? 2 : NO_LANE)
#define LANES_4(bits) LANE(bits), LANE((bits) + 1), LANE((bits) + 2), LANE((bits) + 3)
#define LANES_16(bits) LANES_4(bits), LANES_4((bits) + 4), LANES_4((bits) + 8), LANES_4((bits) + 12)
static const uint8_t lane_of_halves[64] = {LANES_16(0), LANES_16(16), LANES_16(32), LANES_16(48)};

struct probes {
    const struct am_image_vocabulary_bucket *bucket[AM_WORD_BATCH];
    uint8_t hash[AM_WORD_BATCH + BYTES]; /* the lowest byte */
    uint8_t lane[AM_WORD_BATCH + BYTES]; /* NO_LANE: not in its bucket */
};

/* Where a bucket has a key. */
AVX512 static inline uint8_t lane_of_key(const struct am_image_vocabulary_bucket *bucket,
                                         const struct am_image_word_key *key) {
    __m512i three = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)key));
    return lane_of_halves[_mm512_mask_cmpeq_epi64_mask(0x3F, three, _mm512_load_si512(bucket))];
}

AVX512 static void fetch_buckets(const struct am_image *image,
                                 const struct am_search_word_batch *batch,
                                 struct am_search_lookup *lookup,
                                 struct probes *probes) {
    const struct am_image_vocabulary_bucket *buckets = image->vocabulary;
    uint64_t bucket_count = image->vocabulary_buckets;
    uint32_t listed = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct am_text_word *word = &batch->words[i];
        if (__builtin_expect(word->size > AM_VOCABULARY_KEY, 0))
            lookup->further[listed++] = i;
        struct am_image_word_key key = am_image_word_key(batch->texts + word->text, word->size);
        uint64_t hash = am_image_word_key_hash(key);
        lookup->keys[i] = key;
        lookup->hashes[i] = hash;
        probes->hash[i] = (uint8_t)hash;
        probes->bucket[i] = buckets + am_image_bucket(hash, bucket_count);
        __builtin_prefetch(probes->bucket[i]);
    }
    lookup->further_count = listed;
}

/* What it writes of a word that is not in its bucket: the bytes after the bucket's ids, which
 * correct_missing replaces; as flags, the bucket's `displaced`. */
AVX512 static void compare_buckets(uint32_t count,
                                   const struct am_search_lookup *lookup,
                                   struct probes *probes,
                                   uint32_t *ids,
                                   uint8_t *flags) {
    for (uint32_t i = 0; i < count; i++) {
        const struct am_image_vocabulary_bucket *bucket = probes->bucket[i];
        uint8_t lane = lane_of_key(bucket, &lookup->keys[i]);
        memcpy(&ids[i], (const char *)bucket->word + lane * sizeof(uint32_t), sizeof(uint32_t));
        memcpy(&flags[i], (const char *)bucket->flags + lane, 1);
        probes->lane[i] = lane;
    }
}
_Static_assert(AM_IMAGE_VOCABULARY_LANES == 3 &&
                   offsetof(struct am_image_vocabulary_bucket, word) == 48 &&
                   offsetof(struct am_image_vocabulary_bucket, flags) == 60 &&
                   offsetof(struct am_image_vocabulary_bucket, displaced) == 63,
               "reads one item past ids and flags");

/* Gives AM_NONE and 0 to the words that are not in their bucket, and lists those that may be in
 * another one. */
AVX512 static void correct_missing(uint32_t count,
                                   struct am_search_lookup *lookup,
                                   const struct probes *probes,
                                   uint32_t *ids,
                                   uint8_t *flags) {
    /* Byte n of each eight: am_image_overflow_word of a hash that ends in n. */
    const __m512i bit_of_hash = set_u64(UINT64_C(0x8040201008040201));
    for (uint32_t i = 0; i < count; i += BYTES) {
        __mmask64 missing = _mm512_mask_cmpeq_epi8_mask(lanes_inside(count - i, BYTES),
                                                        _mm512_loadu_si512(probes->lane + i),
                                                        _mm512_set1_epi8(NO_LANE));
        __m512i hash = _mm512_and_si512(_mm512_loadu_si512(probes->hash + i), _mm512_set1_epi8(7));
        check_lanes(flags + i, missing, sizeof *flags);
        __mmask64 displaced =
            _mm512_mask_test_epi8_mask(missing, _mm512_maskz_loadu_epi8(missing, flags + i),
                                       _mm512_shuffle_epi8(bit_of_hash, hash));
        for (; displaced; displaced &= displaced - 1) {
            uint32_t word = i + (uint32_t)_tzcnt_u64(displaced);
            __builtin_prefetch(probes->bucket[word] + 1);
            lookup->further[lookup->further_count++] = word;
        }
        _mm512_mask_storeu_epi8(flags + i, missing, _mm512_setzero_si512());
        for (uint32_t n = 0; n < BYTES; n += WORDS)
            _mm512_mask_storeu_epi32(ids + i + n, (__mmask16)(missing >> n), set_u32(AM_NONE));
    }
}

/* The same in two loops, for so few words that the lists of three cost more than they save. */
AVX512 static void find_few_words(const struct am_image *image,
                                  const struct am_search_word_batch *batch,
                                  struct am_search_lookup *lookup,
                                  uint32_t *ids,
                                  uint8_t *flags) {
    const struct am_image_vocabulary_bucket *bucket[FEW_WORDS];
    uint32_t count = batch->count, listed = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct am_text_word *word = &batch->words[i];
        lookup->keys[i] = am_image_word_key(batch->texts + word->text, word->size);
        lookup->hashes[i] = am_image_word_key_hash(lookup->keys[i]);
        bucket[i] =
            &image->vocabulary[am_image_bucket(lookup->hashes[i], image->vocabulary_buckets)];
        __builtin_prefetch(bucket[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t lane = lane_of_key(bucket[i], &lookup->keys[i]), flag;
        uint32_t missing = lane == NO_LANE, id;
        memcpy(&id, (const char *)bucket[i]->word + lane * sizeof id, sizeof id);
        memcpy(&flag, (const char *)bucket[i]->flags + lane, sizeof flag);
        ids[i] = id | am_bytes_mask(missing); /* AM_NONE has all bits */
        flags[i] = flag & (uint8_t)~am_bytes_mask(missing);
        lookup->further[listed] = i;
        listed +=
            (missing & ((bucket[i]->displaced & am_image_overflow_word(lookup->hashes[i])) != 0)) |
            am_image_word_key_is_long(lookup->keys[i]);
    }
    lookup->further_count = listed;
}

/* In three loops, so that none branches on what another finds for the same word. */
AVX512 static void find_words(const struct am_image *image,
                              const struct am_search_word_batch *batch,
                              struct am_search_lookup *lookup,
                              uint32_t *ids,
                              uint8_t *flags) {
    struct probes probes;
    if (batch->count < FEW_WORDS) {
        find_few_words(image, batch, lookup, ids, flags);
        return;
    }
    fetch_buckets(image, batch, lookup, &probes);
    compare_buckets(batch->count, lookup, &probes, ids, flags);
    correct_missing(batch->count, lookup, &probes, ids, flags);
}

/* ---- edges ------------------------------------------------------------------------------------
 */

/* am_image_edge_hash. */
AVX512 static inline __m512i hash_edges(__m512i parents, __m512i words) {
    __m512i hash = _mm512_add_epi32(_mm512_mullo_epi32(parents, set_u32(AM_EDGE_HASH_PARENT)),
                                    _mm512_mullo_epi32(words, set_u32(AM_EDGE_HASH_WORD)));
    hash = _mm512_xor_si512(hash, _mm512_srli_epi32(hash, 15));
    return _mm512_mullo_epi32(hash, set_u32(AM_EDGE_HASH_LAST));
}

/* am_image_bucket32, of hashes at even places and at odd ones. */
AVX512 static inline __m512i buckets_of(__m512i hash, uint64_t count) {
    __m512i counts = set_u64(count);
    __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(hash, counts), 32);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(hash, 32), counts);
    return _mm512_mask_mov_epi32(even, 0xAAAA, odd);
}

/* am_image_filter_mask. A rotation takes its distance modulo 32. */
AVX512 static inline __m512i filter_masks(__m512i hash) {
    const __m512i one = set_u32(1);
    __m512i bits = _mm512_mullo_epi32(hash, set_u32(AM_FILTER_HASH));
    return _mm512_or_si512(_mm512_rolv_epi32(one, _mm512_srli_epi32(bits, 27)),
                           _mm512_or_si512(_mm512_rolv_epi32(one, _mm512_srli_epi32(bits, 22)),
                                           _mm512_rolv_epi32(one, _mm512_srli_epi32(bits, 17))));
}

/* Of the edges `asked`: those that the filter lets pass. */
AVX512 static inline __mmask16
passing(const struct am_image_filter *filter, __mmask16 asked, __m512i hash, __m512i block) {
    __m512i has = gather_u32(filter->blocks, asked, block);
    __m512i mask = filter_masks(hash);
    return _mm512_mask_cmpeq_epi32_mask(asked, _mm512_and_si512(has, mask), mask);
}

/* Where edges lead, AM_NONE where there are none. Edges that may be in another bucket than their
 * home come last, once that bucket is cached. */
AVX512 static void follow_edges(const struct am_image *image,
                                const uint64_t *keys,
                                const uint32_t *hashes,
                                uint32_t count,
                                uint32_t *nodes) {
    uint32_t further[AM_STEPS], listed = 0;
    const struct am_image_edge_bucket *buckets = image->edges;
    uint64_t bucket_count = image->edge_buckets;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = hashes[i];
        const struct am_image_edge_bucket *bucket = &buckets[am_image_bucket32(hash, bucket_count)];
        uint32_t lanes = _mm512_mask_cmpeq_epi64_mask((1 << AM_IMAGE_EDGE_LANES) - 1,
                                                      set_u64(keys[i]), _mm512_load_si512(bucket));
        uint32_t missing = lanes == 0;
        uint32_t displaced = missing & ((bucket->displaced & am_image_overflow_edge(hash)) != 0);
        nodes[i] =
            bucket->child[_tzcnt_u32(lanes) & ~am_bytes_mask(missing)] | am_bytes_mask(missing);
        further[listed] = i;
        listed += displaced;
        __builtin_prefetch(bucket + displaced);
    }
    for (uint32_t n = 0; n < listed; n++)
        nodes[further[n]] = am_search_edge(image, keys[further[n]], hashes[further[n]]);
}

/* ---- phrases ----------------------------------------------------------------------------------
 */

AVX512 static inline __m512i indexes_from(uint32_t first) {
    return _mm512_add_epi32(
        set_u32(first), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

AVX512 static uint32_t
list_words(const uint8_t *flags, uint8_t bit, uint32_t from, uint32_t to, uint32_t *listed) {
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i += WORDS) {
        __m128i some = load_some_u8((__mmask16)lanes_inside(to - i, WORDS), flags + i);
        __mmask16 kept = _mm_test_epi8_mask(some, _mm_set1_epi8((char)bit));
        _mm512_storeu_si512(listed + count, _mm512_maskz_compress_epi32(kept, indexes_from(i)));
        count += (uint32_t)_mm_popcnt_u32(kept);
    }
    return count;
}

AVX512 static inline __m512i edge_keys(__m256i parents, __m256i words) {
    return _mm512_or_si512(_mm512_slli_epi64(_mm512_cvtepu32_epi64(parents), 32),
                           _mm512_cvtepu32_epi64(words));
}

/* The keys of sixteen edges. */
AVX512 static inline void store_keys(uint64_t *keys, __m512i parents, __m512i words) {
    _mm512_storeu_si512(keys,
                        edge_keys(_mm512_castsi512_si256(parents), _mm512_castsi512_si256(words)));
    _mm512_storeu_si512(keys + LANES, edge_keys(_mm512_extracti64x4_epi64(parents, 1),
                                                _mm512_extracti64x4_epi64(words, 1)));
}

/* Puts the `kept` of these steps at the index `at`; returns the index after them. */
AVX512 static inline uint32_t store_steps(struct am_search_steps *steps,
                                          uint32_t at,
                                          __mmask16 kept,
                                          __m512i parents,
                                          __m512i next,
                                          __m512i words) {
    store_keys(steps->key + at, _mm512_maskz_compress_epi32(kept, parents),
               _mm512_maskz_compress_epi32(kept, next));
    _mm512_storeu_si512(steps->word + at, _mm512_maskz_compress_epi32(kept, words));
    return at + (uint32_t)_mm_popcnt_u32(kept);
}

AVX512 static void first_steps(const struct am_image *image,
                               const struct am_match_words *words,
                               uint32_t from,
                               uint32_t to,
                               struct am_search_steps *steps) {
    __m512i root = set_u32(AM_NODE_OF_PHRASE(image->settings, 0));
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i += WORDS) {
        __mmask16 inside = (__mmask16)lanes_inside(to - i, WORDS);
        __mmask16 kept = _mm_test_epi8_mask(load_some_u8(inside, words->flags + i),
                                            _mm_set1_epi8(AM_WORD_BEGINS_PHRASE)) &
                         _mm_test_epi8_mask(load_some_u8(inside, words->flags + i + 1),
                                            _mm_set1_epi8(AM_WORD_CONTINUES_PHRASE));
        __m512i parents = _mm512_add_epi32(root, load_some_u32(inside, words->ids + i));
        __m512i next = load_some_u32(inside, words->ids + i + 1);
        count = store_steps(steps, count, kept, parents, next, indexes_from(i));
    }
    steps->count = count;
}

/* The parents, and the words, of sixteen keys. */
AVX512 static inline void load_keys(const uint64_t *keys, __m512i *parents, __m512i *words) {
    const __m512i even = _mm512_slli_epi32(indexes_from(0), 1);
    const __m512i odd = _mm512_or_si512(even, set_u32(1));
    __m512i low = _mm512_loadu_si512(keys), high = _mm512_loadu_si512(keys + LANES);
    *words = _mm512_permutex2var_epi32(low, even, high);
    *parents = _mm512_permutex2var_epi32(low, odd, high);
}

AVX512 static void filter_steps(const struct am_image *image,
                                const struct am_image_filter *filter,
                                struct am_search_steps *steps) {
    uint32_t blocks[AM_STEPS + AM_SPARE], buckets[AM_STEPS + AM_SPARE];
    uint32_t count = steps->count, kept = 0;
    for (uint32_t i = 0; i < count; i += WORDS) {
        __m512i parents, words;
        load_keys(steps->key + i, &parents, &words);
        __m512i hash = hash_edges(parents, words);
        _mm512_storeu_si512(steps->hash + i, hash);
        _mm512_storeu_si512(blocks + i, buckets_of(hash, filter->count));
    }
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&filter->blocks[blocks[i]]);
    for (uint32_t i = 0; i < count; i += WORDS) {
        __m512i hash = _mm512_loadu_si512(steps->hash + i);
        __m512i words = _mm512_loadu_si512(steps->word + i);
        __mmask16 has = passing(filter, (__mmask16)lanes_inside(count - i, WORDS), hash,
                                _mm512_loadu_si512(blocks + i));
        uint32_t low = (uint32_t)_mm_popcnt_u32(has & 0xFF);
        __m512i first = _mm512_loadu_si512(steps->key + i);
        __m512i second = _mm512_loadu_si512(steps->key + i + LANES);
        _mm512_storeu_si512(steps->key + kept, _mm512_maskz_compress_epi64((__mmask8)has, first));
        _mm512_storeu_si512(steps->key + kept + low,
                            _mm512_maskz_compress_epi64((__mmask8)(has >> LANES), second));
        _mm512_storeu_si512(steps->hash + kept, _mm512_maskz_compress_epi32(has, hash));
        _mm512_storeu_si512(steps->word + kept, _mm512_maskz_compress_epi32(has, words));
        _mm512_storeu_si512(buckets + kept, _mm512_maskz_compress_epi32(
                                                has, buckets_of(hash, image->edge_buckets)));
        kept += (uint32_t)_mm_popcnt_u32(has);
    }
    for (uint32_t i = 0; i < kept; i++)
        __builtin_prefetch(&image->edges[buckets[i]]);
    steps->count = kept;
}

/* Of the nodes `found`: those from which an edge may lead on by the word at `places`. */
AVX512 static inline __mmask16 going_on(const struct am_image *image,
                                        const struct am_match_words *words,
                                        __mmask16 found,
                                        __m512i nodes,
                                        __m512i places) {
    __mmask16 inner =
        _mm512_mask_cmpge_epu32_mask(found, nodes, set_u32(image->settings->leaf_end));
    inner = _mm512_mask_cmplt_epu32_mask(inner, nodes, set_u32(image->settings->node_end));
    __m512i flags = gather_u8(words->flags, inner, places);
    return _mm512_mask_test_epi32_mask(inner, flags, set_u32(AM_WORD_CONTINUES_PHRASE));
}

AVX512 static void take_steps(const struct am_image *image,
                              const struct am_match_words *words,
                              uint32_t depth,
                              struct am_search_steps *steps,
                              struct am_search_hits *hits) {
    uint32_t nodes[AM_STEPS + AM_SPARE];
    uint32_t count = steps->count, next = 0;
    follow_edges(image, steps->key, steps->hash, count, nodes);
    for (uint32_t i = 0; i < count; i += WORDS) {
        __mmask16 inside = (__mmask16)lanes_inside(count - i, WORDS);
        __m512i node = _mm512_loadu_si512(nodes + i);
        __m512i word = _mm512_loadu_si512(steps->word + i);
        __m512i place = _mm512_add_epi32(word, set_u32(depth));
        __mmask16 ends =
            _mm512_mask_cmplt_epu32_mask(inside, node, set_u32(image->settings->terminal_end));
        _mm512_storeu_si512(hits->terminals + hits->count, _mm512_maskz_compress_epi32(ends, node));
        _mm512_storeu_si512(hits->positions + hits->count, _mm512_maskz_compress_epi32(ends, word));
        hits->count += (uint32_t)_mm_popcnt_u32(ends);
        __mmask16 kept = going_on(image, words, inside, node, place);
        __m512i id = gather_u32(words->ids, kept, place);
        next = store_steps(steps, next, kept, node, id, word);
    }
    steps->count = next;
}

/* ---- broad keywords ---------------------------------------------------------------------------
 */

/* Of the words from `at` to `last`, up to sixteen: those of broad keywords with an id above
 * `least`.
 */
AVX512 static inline __mmask16 followers(
    const struct am_match_words *words, uint32_t at, uint32_t last, uint32_t least, __m512i *ids) {
    __mmask16 inside = (__mmask16)lanes_inside(last + 1 - at, WORDS);
    __m128i flags = load_some_u8(inside, words->broad_flags + at);
    __mmask16 broad = _mm_test_epi8_mask(flags, _mm_set1_epi8(AM_WORD_CONTINUES_BROAD));
    *ids = load_some_u32(inside, words->broad_ids + at);
    return _mm512_mask_cmpgt_epu32_mask(broad, *ids, set_u32(least));
}

/* No loop depends on what the filter says, so that the reads of several roots overlap. */
AVX512 static void add_pairs(const struct am_image *image,
                             const struct am_image_filter *filter,
                             const struct am_match_words *words,
                             uint32_t root,
                             uint32_t first,
                             uint32_t last,
                             struct am_search_pairs *pairs) {
    uint32_t root_id = words->broad_ids[root], count = pairs->count;
    __m512i node = set_u32(AM_NODE_OF_BROAD(image->settings, root_id));
    for (uint32_t i = first; i <= last; i += WORDS) {
        __m512i ids;
        __mmask16 kept = followers(words, i, last, root_id, &ids);
        __m512i hash = hash_edges(node, ids);
        kept = passing(filter, kept, hash, buckets_of(hash, filter->count));
        store_keys(pairs->key + count, node, _mm512_maskz_compress_epi32(kept, ids));
        _mm512_storeu_si512(pairs->hash + count, _mm512_maskz_compress_epi32(kept, hash));
        _mm512_storeu_si512(pairs->root + count, set_u32(root));
        _mm512_storeu_si512(pairs->other + count,
                            _mm512_maskz_compress_epi32(kept, indexes_from(i)));
        count += (uint32_t)_mm_popcnt_u32(kept);
    }
    pairs->count = count;
}

/* Puts the `kept` of these pairs, and what is known of each, after the others. */
AVX512 static inline void store_pairs(struct am_search_pairs *pairs,
                                      __mmask16 kept,
                                      __m512i nodes,
                                      __m512i ids,
                                      __m512i hashes,
                                      __m512i roots,
                                      __m512i others) {
    uint32_t at = pairs->count;
    store_keys(pairs->key + at, _mm512_maskz_compress_epi32(kept, nodes),
               _mm512_maskz_compress_epi32(kept, ids));
    _mm512_storeu_si512(pairs->hash + at, _mm512_maskz_compress_epi32(kept, hashes));
    _mm512_storeu_si512(pairs->root + at, _mm512_maskz_compress_epi32(kept, roots));
    _mm512_storeu_si512(pairs->other + at, _mm512_maskz_compress_epi32(kept, others));
    pairs->count = at + (uint32_t)_mm_popcnt_u32(kept);
}

/* The words of a field whose flags have a bit, moved together. */
struct few {
    __m512i ids, indexes;
    uint32_t count;
};

AVX512 static inline struct few some_of(__mmask16 chosen, __m512i ids, uint32_t first) {
    return (struct few){_mm512_maskz_compress_epi32(chosen, ids),
                        _mm512_maskz_compress_epi32(chosen, indexes_from(first)),
                        (uint32_t)_mm_popcnt_u32(chosen)};
}

/* Up to four other words are paired with four roots in one register, up to eight with two. */
AVX512 static uint32_t add_all_pairs(const struct am_image *image,
                                     const struct am_image_filter *filter,
                                     const struct am_match_words *words,
                                     uint32_t first,
                                     uint32_t last,
                                     struct am_search_pairs *pairs) {
    __mmask16 inside = (__mmask16)lanes_inside(last + 1 - first, WORDS);
    __m128i flags = load_some_u8(inside, words->broad_flags + first);
    __m512i ids = load_some_u32(inside, words->broad_ids + first);
    struct few roots =
        some_of(_mm_test_epi8_mask(flags, _mm_set1_epi8(AM_WORD_BEGINS_BROAD)), ids, first);
    struct few others =
        some_of(_mm_test_epi8_mask(flags, _mm_set1_epi8(AM_WORD_CONTINUES_BROAD)), ids, first);
    uint32_t shift = others.count <= 4 ? 2 : others.count <= 8 ? 3 : 4;
    __m512i lane = indexes_from(0);
    __m512i root = _mm512_srl_epi32(lane, _mm_cvtsi32_si128((int)shift));
    __m512i other = _mm512_and_si512(lane, set_u32((1U << shift) - 1));
    __m512i other_ids = _mm512_permutexvar_epi32(other, others.ids);
    __m512i other_indexes = _mm512_permutexvar_epi32(other, others.indexes);
    __mmask16 there = _mm512_cmplt_epu32_mask(other, set_u32(others.count));
    for (uint32_t n = 0; n < roots.count; n += WORDS >> shift) {
        __m512i root_ids = _mm512_permutexvar_epi32(root, roots.ids);
        __mmask16 asked = _mm512_mask_cmplt_epu32_mask(there, root, set_u32(roots.count));
        asked = _mm512_mask_cmplt_epu32_mask(asked, root_ids, other_ids);
        __m512i nodes = _mm512_add_epi32(root_ids, set_u32(AM_NODE_OF_BROAD(image->settings, 0)));
        __m512i hash = hash_edges(nodes, other_ids);
        store_pairs(pairs, passing(filter, asked, hash, buckets_of(hash, filter->count)), nodes,
                    other_ids, hash, _mm512_permutexvar_epi32(root, roots.indexes), other_indexes);
        root = _mm512_add_epi32(root, set_u32(WORDS >> shift));
    }
    return roots.count;
}

AVX512 static void
follow_pairs(const struct am_image *image, const struct am_search_pairs *pairs, uint32_t *nodes) {
    follow_edges(image, pairs->key, pairs->hash, pairs->count, nodes);
}

AVX512 static bool may_go_on(const struct am_image_filter *filter,
                             const struct am_match_words *words,
                             uint32_t node,
                             uint32_t least,
                             uint32_t first,
                             uint32_t last) {
    __m512i parent = set_u32(node);
    __mmask16 may = 0;
    for (uint32_t i = first; i <= last; i += WORDS) {
        __m512i ids;
        __mmask16 asked = followers(words, i, last, least, &ids);
        __m512i hash = hash_edges(parent, ids);
        may |= passing(filter, asked, hash, buckets_of(hash, filter->count));
    }
    return may != 0;
}

/* ---- hits -------------------------------------------------------------------------------------
 */

/* Distances from `first` are compared, since those of terminals below it are out of range, too. */
AM_WRAPS AVX512 static uint32_t
find_smallest(const struct am_search_hits *hits, uint32_t first, uint32_t end) {
    const uint32_t *terminals = hits->terminals;
    __m512i nearest = set_u32(end - first);
    for (uint32_t i = 0; i < hits->count; i += WORDS) {
        __mmask16 inside = (__mmask16)lanes_inside(hits->count - i, WORDS);
        __m512i distance = _mm512_sub_epi32(load_some_u32(inside, terminals + i), set_u32(first));
        nearest = _mm512_mask_min_epu32(nearest, inside, nearest, distance);
    }
    uint32_t smallest = first + _mm512_reduce_min_epu32(nearest);
    if (smallest == end)
        return hits->count;
    __m512i terminal = set_u32(smallest);
    for (uint32_t i = 0; i < hits->count; i += WORDS) {
        __mmask16 inside = (__mmask16)lanes_inside(hits->count - i, WORDS);
        __mmask16 equal =
            _mm512_mask_cmpeq_epi32_mask(inside, load_some_u32(inside, terminals + i), terminal);
        if (equal)
            return i + _tzcnt_u32(equal);
    }
    return hits->count;
}

const struct am_search_kernel am_search_avx512 = {
    find_words, list_words,    first_steps,  filter_steps, take_steps,
    add_pairs,  add_all_pairs, follow_pairs, may_go_on,    find_smallest};
#endif
