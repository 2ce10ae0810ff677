/* SPDX-License-Identifier: Apache-2.0 */
/* Languages by their names, and the word rules that each has (docs/DECISION.md section 1). */
#ifndef AM_TEXT_LANGUAGE_H
#define AM_TEXT_LANGUAGE_H

#include "../base/bytes.h"

enum { AM_LANGUAGE_BYTES = 32 };

struct am_text_language {
    char code[AM_LANGUAGE_BYTES]; /* lower case, NUL-terminated; empty: none, or longer than any */
    bool listed;                  /* `code` is one of ISO 639-1; else it may still be a name that
                                     only libstemmer knows, such as "porter" */
};

/* Reads a name without regard to case, up to its first '-' or '_': "en-US" and "english" are "en",
 * "nb" is "no". */
struct am_text_language am_text_language_of(struct am_view name);

/* Fills `listed` with the names of languages that are no codes, and NULL at the end. */
enum { AM_LANGUAGE_NAMES_MOST = 80 };
void am_text_language_names(const char *listed[AM_LANGUAGE_NAMES_MOST]);

/* Whether accents make other words of this language, so that an inventory folds them only when it
 * says so. */
bool am_text_keeps_accents(struct am_view name);

enum am_text_elisions {
    AM_ELISIONS_NONE,
    AM_ELISIONS_FRENCH,
    AM_ELISIONS_ITALIAN,
    AM_ELISIONS_CATALAN,
};

/* What of the word rules depends on the inventory. */
struct am_text_word_rules {
    bool fold_accents;
    bool turkish;         /* I is the capital of dotless i; an apostrophe begins a suffix */
    bool keeps_ligatures; /* ae and o with a stroke are letters of their own */
    bool korean;          /* a word may end with a particle */
    bool folds_queries;   /* accents count, but not in queries all in ASCII (Vietnamese) */
    uint8_t elisions;     /* enum am_text_elisions */
};

struct am_text_word_rules am_text_word_rules_of(struct am_view language, bool fold_accents);

/* Whether an apostrophe after these characters of a word, normalised, and before a letter
 * separates, as in "l'eau". */
bool am_text_is_elision(enum am_text_elisions elisions, const int32_t *characters, size_t count);

#endif
