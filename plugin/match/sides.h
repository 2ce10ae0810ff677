/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: both sides of a rule, in words: what an ad wants, and what the request
 * has. Runs after the decision, for ads that are explained. */
#ifndef AM_MATCH_SIDES_H
#define AM_MATCH_SIDES_H

#include "../base/buffer.h"
#include "match.h"

/* Appends a member of a targeting tree that does not hold: "country: wants CA, US; the request has
 * FR". */
void am_match_sides_member(const struct am_image *image,
                           const struct am_match_request *request,
                           const struct am_image_tree_node *node,
                           struct am_buffer *text);

/* "300x250, 728x90; the slot has 160x600" */
void am_match_sides_sizes(const struct am_image *image,
                          am_image_list_ref sizes,
                          const struct am_match_slot *slot,
                          struct am_buffer *text);

#endif
