/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: misspelt words of a query (docs/DECISION.md section 1). */
#ifndef AM_MATCH_SPELLING_H
#define AM_MATCH_SPELLING_H

#include "../index/image.h"
#include "../text/spelling.h"
#include "match.h"
#include "work.h"

/* Bounds what a query costs. */
enum { AM_SPELLING_TRIED_MOST = 32 /* words of a query */ };

struct am_match_spelling {
    const struct am_image *image;
    struct am_match_work *work;
    uint32_t tried;
    struct am_match_correction corrections[AM_MATCH_CORRECTIONS_MOST];
    uint32_t count;
    char texts[AM_MATCH_CORRECTIONS_MOST][AM_SPELLING_WORD_BYTES]; /* of misspelt words */
};

static inline void am_match_spelling_start(struct am_match_spelling *spelling,
                                           const struct am_image *image) {
    spelling->image = image;
    spelling->tried = spelling->count = 0;
}

/* The word of keywords that a word of a query, which counts as none, was meant to be, with its
 * accents, or an empty view; then it is among the corrections. */
struct am_view am_match_spelling_correct(struct am_match_spelling *spelling, struct am_view word);

#endif
