/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the page for people, which asks for a decision by a form and shows it.
 */
#ifndef AM_API_PREVIEW_H
#define AM_API_PREVIEW_H

#include "../../base/buffer.h"
#include "../request.h"

struct am_preview {
    const struct am_image *image;        /* NULL: none is loaded */
    struct am_view question;             /* am_preview_question; empty: nothing is asked */
    char *memory;                        /* question.size bytes, for decoding a value of it */
    struct am_json_node *creative_nodes; /* AM_CREATIVE_NODES, for reading a creative */
    const struct am_match_request *request;
    const struct am_match_decision *decision;   /* NULL: nothing was decided */
    const struct am_api_request_reader *reader; /* with it */
    unsigned status;                            /* of the answer; not 200: why is told below */
    struct am_view reason, where;
};

/* The parameters as a query string for a decision: without those that the form left empty, and
 * without `explain`, which a preview always does. Empty when nothing is asked. `memory` has
 * given.size bytes. */
struct am_view am_preview_question(struct am_view given, char *memory);

void am_preview_render(struct am_buffer *out, const struct am_preview *preview);

/* The form, filled with what was given. */
void am_preview_form(struct am_buffer *out, const struct am_preview *preview);

#endif
