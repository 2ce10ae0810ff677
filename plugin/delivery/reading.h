/* SPDX-License-Identifier: Apache-2.0 */
/* What a limit says at one moment, and what an ad asks of it. Private to the room. */
#ifndef AM_DELIVERY_READING_H
#define AM_DELIVERY_READING_H

#include "chains.h"
#include "delivery.h"

struct am_delivery_demand {
    int64_t price, hold;
    bool expected; /* the hold is of a click */
};

static inline struct am_delivery_demand am_delivery_demand_of(const struct am_delivery_ask *ask,
                                                              uint32_t flags) {
    switch ((flags & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT) {
    case AM_LEDGER_MONEY:
        return (struct am_delivery_demand){
            ask->price, am_pace_hold(ask->per_click, ask->price, ask->ctr), ask->per_click};
    case AM_LEDGER_IMPRESSIONS:
        return (struct am_delivery_demand){1, 1, false};
    default:
        return (struct am_delivery_demand){AM_PACE_MILLION, ask->ctr, true};
    }
}

/* Words are read one by one: a day that begins in between gives a moment of odd numbers, whose
 * worst is a wrong slack; the guards hold all the same. */
struct am_delivery_reading {
    int64_t used, counted, base, ceiling, line, lead;
};

static inline struct am_delivery_reading
am_delivery_reading_of(const struct am_ledger_limit *limit) {
    return (struct am_delivery_reading){
        .used =
            am_ledger_add_clamped(AM_LEDGER_GET(limit->committed), AM_LEDGER_GET(limit->expected)),
        .counted = AM_LEDGER_GET(limit->counted),
        .base = AM_LEDGER_GET(limit->base),
        .ceiling = AM_LEDGER_GET(limit->ceiling),
        .line = AM_LEDGER_GET(limit->line),
        .lead = AM_LEDGER_GET(limit->lead),
    };
}

static inline int64_t
am_delivery_reading_allows(const struct am_delivery_reading *reading, int64_t line, int64_t price) {
    int64_t slack =
        am_pace_slack(price, am_ledger_subtract_clamped(reading->ceiling, reading->base));
    int64_t allowed = am_ledger_add_clamped(line, slack);
    return allowed < reading->ceiling ? allowed : reading->ceiling;
}

static inline bool am_delivery_reading_stops(const struct am_delivery_reading *reading,
                                             const struct am_delivery_demand *demand) {
    return am_ledger_add_clamped(reading->used, demand->hold) > reading->ceiling ||
           am_ledger_add_clamped(reading->counted, demand->price) > reading->ceiling;
}

static inline enum am_delivery_verdict am_delivery_stopped(enum am_delivery_reason reason,
                                                           struct am_delivery_detail *detail) {
    if (detail)
        *detail = (struct am_delivery_detail){.reason = reason};
    return AM_DELIVERY_BUDGET;
}

/* The gates over a list of limits; see am_delivery_gate. */
enum am_delivery_verdict am_delivery_ask_limits(const struct am_delivery_map *map,
                                                struct am_ledger_limit *const *list,
                                                uint32_t count,
                                                const struct am_delivery_ask *ask,
                                                struct am_delivery_detail *detail);

#endif
