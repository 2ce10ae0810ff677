/* SPDX-License-Identifier: Apache-2.0 */
/* Counting: what an api needs to number the ads that it places, to give them URLs, and to take
 * their events. Without it, answers are the same but for all of that. docs/EVENTS.md. */
#ifndef AM_API_COUNTING_H
#define AM_API_COUNTING_H

#include "../base/address.h"
#include "../events/service.h"
#include "api.h"

enum am_api_log_query { AM_LOG_QUERY_FULL, AM_LOG_QUERY_NORMALISED, AM_LOG_QUERY_NONE };

enum { AM_API_EVENTS_MAX = 12, AM_API_EVENT_NAME_MAX_BYTES = 64 };

/* The same for all processes; outlives every api that counts. */
struct am_api_counting {
    struct am_view public_url; /* "https://ads.example", am_api_public_url_fine; empty: answers have
                                  no URLs, and macros stay as they are written */
    enum am_api_log_query log_query;          /* of decisions */
    struct am_view events[AM_API_EVENTS_MAX]; /* names of custom events */
    uint32_t event_count;
    struct am_address_ranges trusted; /* proxies whose X-Forwarded-For is believed */
};

/* Whether a public URL can be used in answers as it is: "http://" or "https://", a host, maybe a
 * path without a '/' at its end; of RFC 3986's characters but for '?', '#' and quotes. */
bool am_api_public_url_fine(struct am_view url);

/* Has the api count from now on, by a worker of the calling process that the api's thread alone
 * uses. Both outlive the api, or its next am_api_count. `worker` NULL: the process has none (yet),
 * and decisions and events are answered 503, since what is placed must be counted. */
void am_api_count(struct am_api *api,
                  const struct am_api_counting *counting,
                  struct am_event_worker *worker);

#endif
