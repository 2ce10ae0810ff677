/* What writing adds to letters: ornaments, which never make another word, and accents, which do not
 * where an inventory folds them. Both work on decomposed, case-folded characters in canonical
 * order. docs/WORDS.md lists what they are. */
#ifndef AM_TEXT_FOLDING_H
#define AM_TEXT_FOLDING_H

#include "language.h"

/* Takes the ornaments out of a word; returns how many characters are left. */
size_t am_text_remove_ornaments(int32_t *characters, size_t count);

/* Writes the word without its accents to `folded`, which has room for twice as many characters;
 * returns how many they are. */
size_t am_text_fold_accents(const struct am_text_word_rules *rules,
                            const int32_t *characters,
                            size_t count,
                            int32_t *folded);

#endif
