/* SPDX-License-Identifier: Apache-2.0 */
/* Stems of words, by Snowball (libstemmer), with a cache for the words that pages repeat. */
#ifndef AM_TEXT_STEM_H
#define AM_TEXT_STEM_H

#include "../base/bytes.h"
#include "../base/error.h"
#include "language.h"
#include "particles.h"

struct am_text_stemmer; /* one per thread: libstemmer and the cache are not thread-safe */

/* AM_OK when Snowball knows the language, named as am_text_language_of reads it; AM_E_INVALID when
 * not; AM_E_MEMORY when that is unknown, since Snowball must be started to know. */
enum am_code am_text_stemmer_check(struct am_view language);

/* AM_OK for a language that an inventory may name, with stems or without: a code of ISO 639-1, or a
 * name that libstemmer knows. Else AM_E_INVALID, or AM_E_MEMORY as above. */
enum am_code am_text_language_check(struct am_view language);

/* A stemmer to free with am_text_stemmer_free; NULL when the language is unknown (AM_E_INVALID) or
 * memory runs out (AM_E_MEMORY). */
struct am_text_stemmer *am_text_stemmer_new(struct am_view language, struct am_error *error);
void am_text_stemmer_free(struct am_text_stemmer *stemmer); /* NULL is fine */

/* The stem of a normalised word (am_text_word.text). The view is valid until the next call with the
 * same stemmer, has AM_WORD_PADDING readable bytes after it, and is the word itself where there is
 * nothing to stem. Words that have a digit, '&', '+', '#', or are longer than AM_WORD_MAX_BYTES,
 * come back as they are. Composes (NFC) what Snowball needs composed. Where memory runs out inside
 * libstemmer: the word itself, and am_text_stemmer_failures counts one more. */
struct am_view am_text_stem(struct am_text_stemmer *stemmer, struct am_view word);

/* What broad matching compares words by (docs/DECISION.md section 1): a text's word counts as a
 * keyword's when their first keys or their second ones are equal, or when the keyword's word is a
 * rest. */
struct am_text_keys {
    struct am_view first;                    /* the word's stem, its accents folded */
    struct am_view second;                   /* the folded word's stem */
    struct am_view rests[AM_PARTICLES_MOST]; /* Korean: the word without a particle */
    uint32_t rest_count;
};

/* The keys of a word in both its forms. `stemmer` may be NULL: both are the folded word then. Valid
 * until the next call with the same stemmer, and as long as the word. */
struct am_text_keys am_text_keys_of(struct am_text_stemmer *stemmer,
                                    const struct am_text_word_rules *rules,
                                    struct am_view written,
                                    struct am_view folded);

/* How many words came back as they were because memory ran out. A request can do without a stem; an
 * image or a cache made without one would go on serving without it. */
uint64_t am_text_stemmer_failures(const struct am_text_stemmer *stemmer);

#endif
