/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the working memory of one context, step by step. decide.c runs the
 * steps. */
#ifndef AM_MATCH_MATCHER_H
#define AM_MATCH_MATCHER_H

#include "explain.h"
#include "gate.h"
#include "rank.h"
#include "search.h"
#include "spans.h"
#include "words.h"

/* For requests that ask why (why.h). */
struct am_match_why_memory {
    struct am_match_idmap written, counted; /* words of the request */
    struct am_text_fold_memory *fold;       /* NULL unless queries have twins (words.c) */
};

struct am_matcher {
    const struct am_image *image;          /* NULL: none is attached */
    const struct am_search_kernel *kernel; /* the best of this machine; a test may set another */

    void *fixed_memory; /* sized by the limits */
    size_t fixed_size;
    void *image_memory; /* sized by the image */
    size_t image_size;

    struct am_match_work work; /* of the request that is being decided */
    bool ranked_all;           /* the walk of a slot has seen every candidate */
    struct am_match_words words;
    struct am_search search;
    struct am_rank rank;
    struct am_gates gates;
    struct am_match_spans spans;
    struct am_explain explain;
    struct am_match_why_memory why_memory;
    struct am_match_why why;
};

/* Makes all steps use that kernel. */
void am_matcher_set_kernel(struct am_matcher *matcher, const struct am_search_kernel *kernel);

#endif
