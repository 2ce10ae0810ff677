/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the page for people, which asks for a decision by a form and shows it.
 * question.c reads the form, form.c writes it; preview.c writes the page, ad.c, excerpt.c and
 * creative.c the ads in it. */
#ifndef AM_API_PREVIEW_H
#define AM_API_PREVIEW_H

#include "../../base/buffer.h"
#include "../creative.h"
#include "../request.h"
#include "../texts.h"

struct am_preview {
    const struct am_image *image; /* NULL: none is loaded */
    struct am_view question;      /* am_preview_question; empty: nothing is asked */
    char *memory;                 /* question.size bytes, for decoding names and values */
    struct am_api_creatives *creatives;
    const struct am_match_request *request;
    const struct am_match_decision *decision;   /* NULL: nothing was decided */
    const struct am_api_request_reader *reader; /* with it */
    bool time_is_allowed;                       /* admatch-test: /v1/decide would obey `now`, too */
    unsigned status;                            /* of the answer; not 200: why is in the next two */
    struct am_view reason, where;
};

/* Text that `memory` gets: the answer to a form as a query string for a decision. Without the
 * parameters that the form left empty, and without `explain`, which a preview always does; each
 * line KEY=VALUE of `kv` as kv.KEY=VALUE, and a time without a zone as one of UTC. Empty when
 * nothing is asked. AM_E_LIMIT: more than `capacity` bytes. AM_E_INVALID: a line of `kv` that is
 * not KEY=VALUE; *question is whole all the same, so that the form can show it. */
enum am_code am_preview_question(struct am_view given,
                                 char *memory,
                                 size_t capacity,
                                 struct am_view *question,
                                 struct am_error *error);

/* Writes the whole page. Whether it fitted is for the caller to ask: out->overflowed. */
void am_preview_render(struct am_buffer *out, const struct am_preview *preview);

#endif
