/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the words of a request, split and looked up.
 *
 * Step 1 of a decision: texts to word ids. */
#ifndef AM_MATCH_WORDS_H
#define AM_MATCH_WORDS_H

#include "../text/folding.h"
#include "kernels/kernels.h"
#include "match.h"
#include "memory.h"
#include "readings.h"
#include "spelling.h"

/* The words of all fields of a request, field after field, each followed by one empty word that no
 * keyword can cross. What no request has filled since the last am_match_words_read is poisoned. */
struct am_match_words {
    /* Set by the matcher. */
    struct am_matcher_limits limits;
    const struct am_image *image;
    const struct am_search_kernel *kernel;
    struct am_match_work *work;
    struct am_match_readings readings;
    struct am_text_word_rules rules; /* of the image */

    struct am_text_splitter_memory splitter_memory;
    uint32_t *ids;        /* word id, or AM_NONE */
    uint8_t *flags;       /* enum am_image_word_flags of the word; 0 when unknown */
    uint32_t *broad_ids;  /* first reading; the same array as ids where words have no other */
    uint8_t *broad_flags; /* likewise */
    struct am_match_further further; /* readings beside the first; none as a rule */
    struct am_match_spelling spelling;
    struct am_text_fold_memory *fold;        /* scratch; NULL without spelling */
    struct am_text_word *split;              /* span in the field's bytes; its text is gone */
    uint32_t count;                          /* empty words included */
    uint32_t real_count;                     /* without them */
    bool is_ascii;                           /* all fields are; false where that is not known */
    uint32_t field_first[AM_MAX_FIELDS + 1]; /* field f: [field_first[f], field_first[f + 1] - 1) */
};

/* Take the memory that the limits, and the image, ask for. */
void am_match_words_size(struct am_match_words *words, struct am_match_memory *memory);
void am_match_words_size_for_image(struct am_match_words *words,
                                   const struct am_image *image,
                                   struct am_match_memory *memory);

/* Splits and looks up all fields; stems and corrects words as far as the budget, which has been
 * started, goes. AM_E_LIMIT when they are too large. */
enum am_code am_match_words_read(struct am_match_words *words,
                                 const struct am_match_request *request,
                                 struct am_error *error);

/* Words of the field, the empty one apart. */
static inline uint32_t am_match_words_of_field(const struct am_match_words *words, uint32_t field) {
    return words->field_first[field + 1] - 1 - words->field_first[field];
}

/* 1 when word i can follow, in a broad keyword, the word of id `least`; else 0. */
static inline uint32_t
am_match_words_follows(const struct am_match_words *words, uint32_t i, uint32_t least) {
    return (words->broad_flags[i] / AM_WORD_CONTINUES_BROAD) & (words->broad_ids[i] > least);
}

#endif
