/* SPDX-License-Identifier: Apache-2.0 */
/* Misspelt words: the words that one slip of the pen, or of the keyboard, turns into another
 * (docs/DECISION.md section 1; Damerau, "A technique for computer detection and correction of
 * spelling errors", 1964). */
#ifndef AM_TEXT_SPELLING_H
#define AM_TEXT_SPELLING_H

#include "words.h"

enum {
    AM_SPELLING_LETTERS_LEAST = 5, /* of a word that is corrected */
    AM_SPELLING_LETTERS_MOST = 20,
    AM_SPELLING_FREE_LETTERS = 8, /* of a word that is meant: any letter of it may be wrong */
    AM_SPELLING_WORD_BYTES = 4 * (AM_SPELLING_LETTERS_MOST + 1),
};

enum am_text_script {
    AM_SCRIPT_OTHER,
    AM_SCRIPT_LATIN,
    AM_SCRIPT_GREEK,
    AM_SCRIPT_CYRILLIC,
};

/* Of a letter, composed and folded to lower case. */
enum am_text_script am_text_script_of(int32_t code);

struct am_text_letters {
    int32_t letters[AM_SPELLING_LETTERS_MOST + 1];
    uint32_t count;
    enum am_text_script script;
};

/* Whether a word consists of `least` to `most` letters of one of the three scripts; `most` is at
 * most AM_SPELLING_LETTERS_MOST + 1. */
bool am_text_letters_of(struct am_view word,
                        uint32_t least,
                        uint32_t most,
                        struct am_text_letters *letters);

/* The words at Damerau-Levenshtein distance 1 that begin with the same letter; of those with fewer
 * than AM_SPELLING_FREE_LETTERS only such in which two neighbours have changed places, or a letter
 * is double that was single, or single that was double. Some come twice. */
struct am_text_edits {
    const struct am_text_letters *word;
    const uint32_t *alphabet; /* letters that may be missing or wrong; of any script, ascending */
    uint32_t alphabet_count;
    uint32_t kind, at, letter; /* the next one */
};

void am_text_edits_start(struct am_text_edits *edits,
                         const struct am_text_letters *word,
                         const uint32_t *alphabet,
                         uint32_t alphabet_count);
/* Writes the next one as UTF-8 to `text`, which has room for AM_SPELLING_WORD_BYTES, and returns
 * its bytes; 0 at the end. */
uint32_t am_text_edits_next(struct am_text_edits *edits, char *text);

#endif
