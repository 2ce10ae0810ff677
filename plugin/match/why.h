/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: what every gate says of one ad, which need not have been reached; and
 * of one that no keyword reached, what was missing. Runs after the decision, on what it left. */
#ifndef AM_MATCH_WHY_H
#define AM_MATCH_WHY_H

#include "matcher.h"

/* Takes the memory that it needs: nothing is touched unless a request asks. */
void am_match_why_size_for_image(struct am_match_why_memory *memory,
                                 const struct am_match_words *words,
                                 struct am_match_memory *taken);

/* Fills *why for the ad that the request names. */
void am_match_why_find(struct am_matcher *matcher,
                       const struct am_match_request *request,
                       struct am_match_why *why);

#endif
