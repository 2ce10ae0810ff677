/* SPDX-License-Identifier: Apache-2.0 */
/* Stems of words, by Snowball (libstemmer), with a cache for the words that pages repeat. */
#ifndef AM_TEXT_STEM_H
#define AM_TEXT_STEM_H

#include "../base/bytes.h"
#include "../base/error.h"

struct am_text_stemmer; /* one per thread: libstemmer and the cache are not thread-safe */

/* AM_OK when Snowball knows the language, an ISO 639-1 code ("en") or an English name ("english"),
 * any ASCII case; AM_E_INVALID when not; AM_E_MEMORY when it cannot be told, since Snowball must be
 * started to know. */
enum am_code am_text_stemmer_check(struct am_view language);

/* A stemmer to free with am_text_stemmer_free; NULL when the language is unknown (AM_E_INVALID) or
 * memory runs out (AM_E_MEMORY). */
struct am_text_stemmer *am_text_stemmer_new(struct am_view language, struct am_error *error);
void am_text_stemmer_free(struct am_text_stemmer *stemmer); /* NULL is fine */

/* The stem of a normalised word (am_text_word.text). The view is valid until the next call with the
 * same stemmer, has AM_WORD_PADDING readable bytes after it, and is the word itself where there is
 * nothing to stem. Words that have an ASCII digit,
 * '&', '+', '#', or are longer than AM_WORD_MAX_BYTES, come back as they are. Composes (NFC) what
 * Snowball needs composed. Where memory runs out inside libstemmer: the word itself, and
 * am_text_stemmer_failed tells. */
struct am_view am_text_stem(struct am_text_stemmer *stemmer, struct am_view word);

/* Whether any word so far came back as it was because memory ran out. A request can do without a
 * stem; an image made without one would go on serving without it. */
bool am_text_stemmer_failed(const struct am_text_stemmer *stemmer);

#endif
