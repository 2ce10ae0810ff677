/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: where the keywords of the winners are in the texts.
 *
 * Step 5 of a decision. */
#ifndef AM_MATCH_SPANS_H
#define AM_MATCH_SPANS_H

#include "gate.h"

enum { AM_MATCH_SPAN_ENDS_MOST = 2 * AM_MAX_ADS_PER_REQUEST * AM_KEYWORD_MAX_WORDS };

struct am_match_spans {
    uint64_t *ends; /* scratch, poisoned between decisions */
};

void am_match_spans_size(struct am_match_spans *spans, struct am_match_memory *memory);

/* Fills field and spans of the ads placed. */
void am_match_spans_fill(const struct am_match_spans *spans,
                         const struct am_search *search,
                         const struct am_match_request *request,
                         const struct am_rank *rank,
                         const struct am_gate_placed *placed);

#endif
