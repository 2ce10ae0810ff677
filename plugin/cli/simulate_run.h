/* SPDX-License-Identifier: Apache-2.0 */
/* A simulation: requests decided in simulated time by the code of the server, with a ledger in
 * private memory that steps when a second begins in which something happens. What happens, happens
 * in order of time: steps first, then events by placement, then the request.
 *
 * Thread rule: one thread at a time for each. */
#ifndef AM_CLI_SIMULATE_RUN_H
#define AM_CLI_SIMULATE_RUN_H

#include "../api/api.h"
#include "../base/vector.h"
#include "../delivery/private.h"
#include "simulate_chance.h"
#include "simulate_heap.h"

struct am_cli_simulation_options {
    struct am_cli_chance chance;
    uint32_t reserve;    /* seconds, 1 to 86,400 */
    uint32_t placements; /* room in flight, of which a quarter is used */
    bool asap;           /* overrides the pacing of every record */
    /* Called after the step at each quarter of an hour; may be NULL. */
    void (*watch)(void *context, const struct am_delivery_private *opened, int64_t now);
    void *watcher;
};

enum { AM_CLI_QUARTER_SECONDS = 900 };

/* What was counted in one quarter of an hour. */
struct am_cli_quarter {
    int64_t number; /* from that of the first request */
    uint64_t impressions;
    int64_t spend; /* nanos */
};

struct am_cli_tally {
    uint64_t decisions, lead;             /* placements; those that the lead let through */
    uint64_t impressions, late, unbilled; /* counted; after the hold had expired, counted or not;
                                             for which there was no room */
    uint64_t clicks, unbilled_clicks;
    int64_t billed;            /* nanos */
    struct am_vector quarters; /* struct am_cli_quarter, ascending, without empty ones */
};

struct am_cli_simulation {
    const struct am_image *image;
    struct am_cli_simulation_options options;
    struct am_api *api;
    struct am_delivery_private opened; /* from the first request on */
    struct am_match_delivery delivery;
    struct am_api_simulation hooks;
    struct am_cli_heap heap;
    int64_t first, now; /* seconds: of the first request, and of the last */
    int64_t stepped, watched;
    bool begun, full, out_of_memory;
    uint64_t in_flight; /* at the last step, and placed since */
    uint64_t requests, filled, placements, expired;
    uint64_t *placed;             /* by ad */
    struct am_cli_tally *tallies; /* by campaign; one more for ads without any */
};

/* Free it also after a failure. AM_E_MEMORY. */
enum am_code am_cli_simulation_open(struct am_cli_simulation *simulation,
                                    const struct am_image *image,
                                    const struct am_cli_simulation_options *options,
                                    struct am_error *error);
void am_cli_simulation_close(struct am_cli_simulation *simulation);

/* Decides one request. AM_E_INVALID: it is refused, or has no `now`, or one before the last
 * request's. AM_E_LIMIT: more are in flight than there is room for; `full` is then set.
 * AM_E_MEMORY. */
enum am_code am_cli_simulation_request(struct am_cli_simulation *simulation,
                                       struct am_view body,
                                       struct am_error *error);

/* After the last request: all that is in flight happens or expires. */
enum am_code am_cli_simulation_finish(struct am_cli_simulation *simulation, struct am_error *error);

/* The tally of an ad's campaign. */
struct am_cli_tally *am_cli_simulation_tally(const struct am_cli_simulation *simulation,
                                             uint32_t ad);

#endif
