/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of budgets: prices, holds, days, weights and lines. Pure functions of their
 * arguments, in integers; products in 128 bits. No state; any thread.
 *
 *     line(t) = u0 + e,  e = (L - u0) x A / B truncated,  A = W(t) - W(t0),  B = W(b) - W(t0)
 *     slack   = max(2 x price, L / 500)
 *     lead    = L / 50
 *
 * (t0, u0) is the anchor, b the end of the window, L its limit, W the integral of the curve's
 * weights over real seconds. */
#ifndef AM_DELIVERY_PACE_H
#define AM_DELIVERY_PACE_H

#include "../base/timezone.h"

enum {
    AM_PACE_HOURS = 168, /* of a week; 0 = Monday 00:00 */
    AM_PACE_WEEK_MINUTES = 10080,
    AM_PACE_WEIGHT_MAX = 36000000, /* keeps W within 64 bits for all times; larger curves are halved
                                      until they fit */
    AM_PACE_MILLION = 1000000,
    AM_PACE_SLACK_PART = 500,
    AM_PACE_LEAD_PART = 50,
};

enum am_pace_kind { AM_PACE_EVEN, AM_PACE_FRONTLOADED, AM_PACE_ASAP };

enum am_pace_curve_kind {
    AM_PACE_TRAFFIC, /* decisions by hour of the week in UTC, as the ledger learns them */
    AM_PACE_FLAT,
    AM_PACE_GIVEN, /* 168 weights by hour of the local week */
};

/* Minutes of the local week in which a record can run: bit m of bits[m / 64]; minute 0 = Monday
 * 00:00. */
struct am_pace_hours {
    uint64_t bits[(AM_PACE_WEEK_MINUTES + 63) / 64];
};

/* The curve of one record, as its terms name it. */
struct am_pace_curve_spec {
    uint8_t kind;                      /* enum am_pace_curve_kind */
    const uint16_t *weights;           /* GIVEN: 168, each 1 to 1000 */
    const struct am_pace_hours *hours; /* NULL: all; other minutes weigh 0 */
    struct am_view hours_zone;         /* of `hours`; empty: UTC */
};

/* ---- prices and holds ---------------------------------------------------------------------------
 */

/* What one event costs, in nanos: a CPM in micros is the nanos of one impression; a CPC in micros x
 * 1000 is the nanos of one click. `bid` is in micros. */
int64_t am_pace_price(bool per_click, int64_t bid);

/* What a placement takes of a budget of money until then: the price, or ceil(price x ctr) where the
 * price is of a click. `ctr` is in millionths. */
int64_t am_pace_hold(bool per_click, int64_t price, uint32_t ctr);

/* ---- lines --------------------------------------------------------------------------------------
 */

/* The line of a window with limit L, anchored at u0, when A of B has passed. L where A >= B or u0
 * >= L, and for AM_PACE_ASAP. 0 <= L. */
int64_t am_pace_line(enum am_pace_kind kind, int64_t limit, int64_t u0, uint64_t a, uint64_t b);

int64_t am_pace_slack(int64_t price, int64_t limit);
int64_t am_pace_lead(int64_t limit);

/* ---- weights ------------------------------------------------------------------------------------
 */

/* The weight of each second: that of its hour of the week in `zone`, 0 outside of `hours`. */
struct am_pace_schedule {
    const uint32_t *weights;              /* AM_PACE_HOURS; NULL: 1 each */
    const struct am_timezone *zone;       /* of the weights; NULL: UTC */
    const struct am_pace_hours *hours;    /* NULL: all */
    const struct am_timezone *hours_zone; /* of `hours`; NULL: UTC */
};

/* The integral of the weight over the real seconds from `from` to `to`; 0 when to <= from. Cost: a
 * few microseconds, and a tenth of one for each change of the clock in between. */
uint64_t am_pace_weigh(const struct am_pace_schedule *schedule, int64_t from, int64_t to);

/* The weight at `time`; it stays the same up to *end, at most an hour later. */
uint32_t am_pace_weight(const struct am_pace_schedule *schedule, int64_t time, int64_t *end);

/* Halves the weights together until none is above AM_PACE_WEIGHT_MAX; none below 1. */
void am_pace_fit(uint32_t weights[AM_PACE_HOURS]);

/* ---- days ---------------------------------------------------------------------------------------
 */

/* The calendar day in a zone (NULL: UTC), in days since 1970-01-01: the last one that has begun. A
 * day begins with the first second of its date, also where 00:00 is skipped; it lasts 23 or 25
 * hours where the clock changes, and none where the date is skipped. */
int64_t am_pace_day(const struct am_timezone *zone, int64_t time);
int64_t am_pace_day_start(const struct am_timezone *zone, int64_t day);

#endif
