/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: batched search kernels. The portable and the AVX-512 version give
 * identical results; a matcher uses the best that its machine has, and tests compare them. */
#ifndef AM_MATCH_KERNELS_H
#define AM_MATCH_KERNELS_H

#include "../../index/image.h"
#include "../../index/vocabulary.h"

enum {
    AM_WORD_BATCH = 128, /* words looked up at a time */
    /* Words from which phrases are sought, and edges followed, at a time. They are more, because
     * the last steps of long phrases are few and would wait for memory one by one: so many that
     * most pages go through at once. */
    AM_STEPS = 768,
    /* Words of a short text, whose pairs are all tried at once; one register's worth. */
    AM_FEW_WORDS = 16,
    /* Room after all lists: a wide store writes beyond what it keeps. */
    AM_SPARE = 16,
};

/* Words as the splitter gave them. */
struct am_search_word_batch {
    const struct am_text_word *words;
    uint32_t count;    /* at most AM_WORD_BATCH */
    const char *texts; /* that their `text` counts from */
};

/* A batch on the way to ids. */
struct am_search_lookup {
    struct am_image_word_key keys[AM_WORD_BATCH];
    uint64_t hashes[AM_WORD_BATCH]; /* am_image_word_key_hash of the keys */
    /* Indexes of the words that are not done, because their key is a hash or because they may be
     * in another bucket than their own; some twice. */
    uint32_t further[2 * AM_WORD_BATCH];
    uint32_t further_count;
};

/* Edges to follow, each from a phrase's node by the next word. */
struct am_search_steps {
    uint64_t key[AM_STEPS + AM_SPARE];
    uint32_t hash[AM_STEPS + AM_SPARE]; /* am_image_edge_hash of the key, once filtered */
    uint32_t word[AM_STEPS + AM_SPARE]; /* index of the phrase's first word */
    uint32_t count;
};

/* Pairs of words of a field that may begin a broad keyword, with the edges that they stand for. */
struct am_search_pairs {
    uint64_t key[AM_STEPS + AM_SPARE];
    uint32_t hash[AM_STEPS + AM_SPARE];
    uint32_t root[AM_STEPS + AM_SPARE];  /* index of the rarer word */
    uint32_t other[AM_STEPS + AM_SPARE]; /* of the other one */
    uint32_t count;
};

/* Keywords found. */
struct am_search_hits {
    uint32_t *terminals;
    uint32_t *positions; /* index of the first word; of a broad keyword, AM_HIT_IS_BROAD and the
                            index of its word ids in the search's paths */
    uint32_t count;
};
#define AM_HIT_IS_BROAD (UINT32_C(1) << 31)

struct am_match_words;

struct am_search_kernel {
    /* Fills the lookup, and ids and flags of the words: AM_NONE and 0 of those that are not there,
     * unspecified for `further` words. */
    void (*find_words)(const struct am_image *image,
                       const struct am_search_word_batch *batch,
                       struct am_search_lookup *lookup,
                       uint32_t *ids,
                       uint8_t *flags);

    /* Lists the words of [from, to) whose flags have that bit; returns how many. At most AM_STEPS,
     * with room for AM_SPARE more. */
    uint32_t (*list_words)(
        const uint8_t *flags, uint8_t bit, uint32_t from, uint32_t to, uint32_t *listed);
    /* For i in [from, to): the pairs of words i and i + 1 of which the first begins some phrase and
     * the second goes on with some. At most AM_STEPS. */
    void (*first_steps)(const struct am_image *image,
                        const struct am_match_words *words,
                        uint32_t from,
                        uint32_t to,
                        struct am_search_steps *steps);
    /* Fills the hashes, drops the steps whose edge the filter rules out, and prefetches the buckets
     * of the others. Most are dropped here, without reading the 64 bytes of a bucket. */
    void (*filter_steps)(const struct am_image *image,
                         const struct am_image_filter *filter,
                         struct am_search_steps *steps);
    /* Follows the edges: appends the phrases that end there to `hits` (with room for AM_SPARE
     * more), and leaves in `steps` the next ones. `depth`: words so far, the next one included. */
    void (*take_steps)(const struct am_image *image,
                       const struct am_match_words *words,
                       uint32_t depth,
                       struct am_search_steps *steps,
                       struct am_search_hits *hits);

    /* Appends the pairs of `root` and words of [first, last] that are less rare and that the filter
     * of first steps passes. `pairs` has room for last - first + 1 more. */
    void (*add_pairs)(const struct am_image *image,
                      const struct am_image_filter *filter,
                      const struct am_match_words *words,
                      uint32_t root,
                      uint32_t first,
                      uint32_t last,
                      struct am_search_pairs *pairs);
    /* Appends the same pairs of every root in [first, last], at most AM_FEW_WORDS, by root and then
     * by other word. Returns the number of roots. */
    uint32_t (*add_all_pairs)(const struct am_image *image,
                              const struct am_image_filter *filter,
                              const struct am_match_words *words,
                              uint32_t first,
                              uint32_t last,
                              struct am_search_pairs *pairs);
    /* Where the pairs lead, AM_NONE where there is no such edge. */
    void (*follow_pairs)(const struct am_image *image,
                         const struct am_search_pairs *pairs,
                         uint32_t *nodes);
    /* Whether the filter of later steps lets pass some edge from `node` by a word of [first, last]
     * whose id is above `least`. */
    bool (*may_go_on)(const struct am_image_filter *filter,
                      const struct am_match_words *words,
                      uint32_t node,
                      uint32_t least,
                      uint32_t first,
                      uint32_t last);

    /* The hit with the smallest terminal of [first, end), and of several the earliest; the count of
     * hits when there is none. */
    uint32_t (*find_smallest)(const struct am_search_hits *hits, uint32_t first, uint32_t end);
};

/* The kernels, best last. */
enum am_search_kernel_name { AM_SEARCH_PORTABLE, AM_SEARCH_AVX512, AM_SEARCH_KERNELS };

/* NULL where this machine has no such instructions. */
const struct am_search_kernel *am_search_kernel(enum am_search_kernel_name name);
/* The best that this machine has. */
const struct am_search_kernel *am_search_kernel_best(void);

extern const struct am_search_kernel am_search_portable;
#ifdef __x86_64__
extern const struct am_search_kernel am_search_avx512;
#endif

#endif
