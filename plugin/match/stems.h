/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: words to the ids of their stems, through a cache: Snowball takes far
 * longer than a probe of it, and the words of pages and queries repeat. */
#ifndef AM_MATCH_STEMS_H
#define AM_MATCH_STEMS_H

#include "../text/stem.h"
#include "kernels/kernels.h"
#include "memory.h"

/* A bucket of the cache is laid out as one of the vocabulary, with the stem's id and flags beside
 * the key of the word as the text has it; `displaced` is the lane to be replaced next. Zeroed
 * memory is an empty cache, since no word has a key of zeros. The cache changes no answer. */
struct am_match_stems {
    struct am_text_stemmer *stemmer; /* NULL: no stemming, or no broad keyword to stem for */
    struct am_image_vocabulary_bucket *cache; /* NULL with it */
};

/* Only broad keywords match on stems. */
static inline bool am_match_stems_are_used(const struct am_image *image) {
    return image->settings->stem && image->settings->broad_terminals;
}

void am_match_stems_size(struct am_match_stems *stems,
                         const struct am_image *image,
                         struct am_match_memory *memory);

/* The id of a word's stem, or AM_NONE; *flags gets its flags, or 0. `text` and `size` as
 * am_text_splitter gives them. */
uint32_t am_match_stems_find(const struct am_match_stems *stems,
                             const struct am_image *image,
                             const char *text,
                             uint32_t size,
                             uint8_t *flags);

/* The id and flags of the stem that broad matching compares of each word, or AM_NONE and 0.
 * `word_ids` and `word_flags` are the words' own; `keys` as am_image_word_key makes them. */
void am_match_stems_of_batch(struct am_match_stems *stems,
                             const struct am_image *image,
                             const struct am_search_word_batch *batch,
                             const struct am_image_word_key *keys,
                             const uint32_t *word_ids,
                             const uint8_t *word_flags,
                             uint32_t *ids,
                             uint8_t *flags);

#endif
