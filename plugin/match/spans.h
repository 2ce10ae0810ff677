/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: where a winning keyword is in the request's own text. */
#ifndef AM_MATCH_SPANS_H
#define AM_MATCH_SPANS_H

#include "candidate.h"
#include "search.h"

/* Fills field and spans of a winner. */
void am_match_spans_fill(const struct am_search *search,
                         const struct am_match_request *request,
                         const struct am_match_candidate *candidate,
                         struct am_match_winner *winner);

#endif
