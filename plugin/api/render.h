/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: answers as JSON. docs/HTTP.md shows them. */
#ifndef AM_API_RENDER_H
#define AM_API_RENDER_H

#include "../base/buffer.h"
#include "../match/match.h"
#include "delivery.h"
#include "placements.h"

/* Whether it fitted is for the caller to ask: out->overflowed. `placements`, begun: numbers each ad
 * and gives it its URLs; NULL: nothing is counted. `prices`: ads have theirs. */
void am_api_render_decision(struct am_buffer *out,
                            const struct am_image *image,
                            const struct am_match_request *request,
                            const struct am_match_decision *decision,
                            struct am_api_placements *placements,
                            struct am_api_delivery *delivery,
                            bool prices);

/* "explain":{...}, of a decision with it. */
void am_api_render_explain(struct am_buffer *out,
                           const struct am_image *image,
                           const struct am_match_request *request,
                           const struct am_match_decision *decision);

/* `where` may be empty and is then left out. */
void am_api_render_error(struct am_buffer *out,
                         unsigned status,
                         struct am_view reason,
                         struct am_view where);

#endif
