/* SPDX-License-Identifier: Apache-2.0 */
/* What writing adds to letters: ornaments, which never make another word, and accents, which do not
 * where an inventory folds them. Both work on decomposed, case-folded characters in canonical
 * order. docs/WORDS.md lists what they are. */
#ifndef AM_TEXT_FOLDING_H
#define AM_TEXT_FOLDING_H

#include "words.h"

/* Takes the ornaments out of a word; returns how many characters are left. */
size_t am_text_remove_ornaments(int32_t *characters, size_t count);

/* Writes the word without its accents to `folded`, which has room for twice as many characters;
 * returns how many they are. */
size_t am_text_fold_accents(const struct am_text_word_rules *rules,
                            const int32_t *characters,
                            size_t count,
                            int32_t *folded);

/* Writes characters as NFC, composed in place and then to `to`, which has room for
 * AM_WORD_MAX_BYTES and 4 more; returns the bytes, 0 when they are more than AM_WORD_MAX_BYTES. */
uint32_t am_text_compose(int32_t *characters, size_t count, char *to);

/* What folding a whole word takes. */
struct am_text_fold_memory {
    int32_t characters[4 * AM_WORD_MAX_BYTES], folded[8 * AM_WORD_MAX_BYTES];
    char text[AM_WORD_MAX_BYTES + 4 + AM_WORD_PADDING];
};

/* A composed word of at most AM_WORD_MAX_BYTES without its accents: itself, or in `memory`, where
 * AM_WORD_PADDING readable bytes follow it. */
struct am_view am_text_fold_word(const struct am_text_word_rules *rules,
                                 struct am_view word,
                                 struct am_text_fold_memory *memory);

#endif
