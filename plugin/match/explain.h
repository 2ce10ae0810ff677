/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: what stopped an ad, in words. Runs after the decision, for the ads
 * that explain lists. */
#ifndef AM_MATCH_EXPLAIN_H
#define AM_MATCH_EXPLAIN_H

#include "gate.h"

struct am_explain {
    const struct am_image *image;
    const struct am_gates *gates;
    const struct am_match_candidate *candidates;
    struct am_match_rejected *rejected; /* AM_MAX_REJECTED_LISTED */
    struct am_buffer details;           /* their texts */
};

void am_explain_size(struct am_explain *explain, struct am_match_memory *memory);
void am_explain_start(struct am_explain *explain);
/* The text of what stopped a candidate; lives until the next am_explain_start. */
struct am_view am_explain_detail(struct am_explain *explain,
                                 const struct am_match_request *request,
                                 const struct am_match_candidate *candidate);
/* What a candidate and the request have where candidate->gate does not stop it; may be empty. */
struct am_view am_explain_passed(struct am_explain *explain,
                                 const struct am_match_request *request,
                                 const struct am_match_candidate *candidate);

#endif
