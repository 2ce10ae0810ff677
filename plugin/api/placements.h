/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the placements of one decision, their URLs, and the decision's line in
 * the log. */
#ifndef AM_API_PLACEMENTS_H
#define AM_API_PLACEMENTS_H

#include "../events/handle.h"
#include "../text/words.h"
#include "counting.h"

/* Room for a landing page with its macros filled; and for that, and for its click URL, whose bytes
 * are percent-encoded. */
enum { AM_PLACEMENT_URL_BYTES = 64 << 10, AM_PLACEMENT_MEMORY = 5 * AM_PLACEMENT_URL_BYTES };

/* Of a query, how much is looked at for its normalised words in the log, which has less. */
enum { AM_PLACEMENT_QUERY_BYTES = 4 << 10 };

struct am_api_placements {
    const struct am_api_counting *counting; /* NULL: nothing is counted */
    struct am_event_worker *worker;
    struct am_event_decided_ad *ads;         /* AM_MAX_ADS_PER_REQUEST */
    char *url_memory;                        /* AM_PLACEMENT_MEMORY */
    struct am_text_splitter_memory splitter; /* for AM_PLACEMENT_QUERY_BYTES */

    /* One decision. */
    const struct am_image *image;
    const struct am_match_request *request;
    uint32_t count;
    int64_t now; /* the server's clock, whatever the request says */

    /* The placement that is rendered; valid until the next one begins. */
    const struct am_match_winner *placed;
    struct am_view url; /* the landing page, filled; `{click_id}` as it is written */
    bool has_click;     /* it can be clicked: there is a landing page that a redirect may name */
    char id[AM_EVENT_ID_SIZE]; /* the log's id */
    size_t id_size;
    char shown[AM_TOKEN_TEXT_SIZE], click[AM_TOKEN_TEXT_SIZE];
};

/* "line", "lead"; empty for an ad without a budget. */
struct am_view am_api_pace_name(enum am_match_pace pace);

/* Begins a decision that was made at `now`. */
void am_api_placements_begin(struct am_api_placements *placements,
                             const struct am_image *image,
                             const struct am_match_request *request,
                             int64_t now);

/* Numbers the next placement and signs its URLs. */
void am_api_placements_next(struct am_api_placements *placements,
                            const struct am_match_winner *placed,
                            struct am_view slot,
                            uint32_t position);

/* Of that placement: its landing page as a page may link to it, its creative with all macros
 * filled, its URLs as the member `urls`. */
void am_api_placements_put_url(const struct am_api_placements *placements, struct am_buffer *out);
void am_api_placements_put_creative(const struct am_api_placements *placements,
                                    struct am_buffer *out);
void am_api_placements_put_urls(const struct am_api_placements *placements, struct am_buffer *out);

/* Appends a landing page with `click_id` in the place of each `{click_id}`. */
void am_api_placements_fill_click_id(struct am_buffer *out,
                                     struct am_view url,
                                     struct am_view click_id);

/* Logs the decision, once it has been rendered. */
void am_api_placements_log(struct am_api_placements *placements,
                           const struct am_match_decision *decision);

#endif
