/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the process that steps or publishes. Private to the room. */
#ifndef AM_DELIVERY_STEP_CACHE_H
#define AM_DELIVERY_STEP_CACHE_H

#include "live.h"

/* The part of a schedule that now is in: the weight is the same from `begin` to `end`. */
struct am_ledger_piece {
    uint64_t hash; /* of the schedule it is of; 0: none */
    int64_t begin, end;
    uint64_t weighed; /* from 1970 to `begin` */
    uint64_t weight;
    int64_t other; /* the last other time that was asked for: windows end together */
    uint64_t other_weighed, other_hash;
};

struct am_ledger_step_cache {
    struct am_ledger_piece *pieces; /* by schedule */
    int32_t *days; /* by zone: that all its records have, unless an event began the next one */
    uint32_t zones;
    /* The traffic curve, interned: that of an hour. */
    int64_t traffic_hour;
    uint64_t traffic_hash;
    uint32_t traffic;
    bool traffic_known;
};

/* Counts decisions, and ends hours. */
void am_ledger_traffic_step(struct am_ledger *ledger, int64_t now);

#endif
