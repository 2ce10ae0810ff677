/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: what one decision asks of the ledger, and for which user. */
#ifndef AM_API_DELIVERY_H
#define AM_API_DELIVERY_H

#include "../delivery/given.h"
#include "../events/handle.h"
#include "api.h"
#include "request.h"

struct am_api_delivery {
    const struct am_delivery_map *map; /* of the attached image; NULL: nothing is limited */
    struct am_match_delivery match;    /* of the request */
    struct am_event_worker *worker;
    am_caps_mac *mac; /* by which users are known, and what they carry is signed */
    void *mac_key;
    struct am_caps_state carried;    /* the caps of a user who carries them */
    struct am_delivery_given *given; /* of a request that brings its state, or NULL */
    uint64_t numbered;               /* by that state's placements */
};

/* Has the request that was read decided by the ledger, or by the state that it brings, which alone
 * allocates memory. `worker` as am_api_count was given it; NULL: nothing is counted, and nothing
 * limited. Errors as of am_delivery_given_make. */
enum am_code am_api_delivery_begin(struct am_api_delivery *delivery,
                                   const struct am_api_request *request,
                                   struct am_api_request_reader *reader,
                                   struct am_event_worker *worker,
                                   struct am_error *error);
/* Gives back what a given state took. */
void am_api_delivery_end(struct am_api_delivery *delivery);

/* Appends the member `user`, for one who carries the caps. */
void am_api_delivery_put_user(struct am_api_delivery *delivery, struct am_buffer *out);

#endif
