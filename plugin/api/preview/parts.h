/* SPDX-License-Identifier: Apache-2.0 */
/* Private to api/preview: its parts. No shared state: any thread. */
#ifndef AM_API_PREVIEW_PARTS_H
#define AM_API_PREVIEW_PARTS_H

#include "preview.h"

/* A parameter of a query string, percent-encoded. */
struct am_preview_pair {
    struct am_view name, value;
};

/* Takes the next parameter off the front. False at the end. */
bool am_preview_next_pair(struct am_view *rest, struct am_preview_pair *pair);
/* The value given first for a name; empty if there is none. */
struct am_view am_preview_value(struct am_view question, struct am_view name);

/* The form, filled with what was given. */
void am_preview_form(struct am_buffer *out, const struct am_preview *preview);

/* One winner: its creative, its price, and why it was chosen. */
void am_preview_ad(struct am_buffer *out,
                   const struct am_preview *preview,
                   const struct am_match_winner *placed,
                   bool shows_creative);

/* The text around the spans of a winner, with these marked. Spans are ascending, disjoint and
 * inside the text. Should they ever not be, the page shows something odd, but nothing that is not
 * in the text. */
void am_preview_excerpt(struct am_buffer *out,
                        struct am_view text,
                        const struct am_match_winner *placed);

/* The creative as an ad would look, beside its JSON. */
void am_preview_creative(struct am_buffer *out, const struct am_preview *preview, uint32_t ad);
/* The address of a web page as a link; any other as text: never javascript: and the like. */
void am_preview_address(struct am_buffer *out, struct am_view url);

#endif
