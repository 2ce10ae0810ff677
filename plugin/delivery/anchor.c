/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors: where the line of a window begins. With the lock. */
#include "live.h"

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t used_of(const struct am_ledger_limit *limit) {
    int64_t used =
        am_ledger_add_clamped(AM_LEDGER_GET(limit->committed), AM_LEDGER_GET(limit->expected));
    return am_ledger_subtract_clamped(used, limit->base);
}

static int64_t line_of(const struct am_ledger_limit *limit) {
    return am_ledger_subtract_clamped(limit->line, limit->base);
}

/* The end of the window of a paced limit. */
static int64_t window_end(const struct am_ledger *ledger, const struct am_ledger_limit *limit) {
    const struct am_ledger_record *record = &ledger->records[limit->record];
    if (limit->daily == AM_LEDGER_UNLIMITED)
        return record->end;
    return earlier(am_ledger_zone_day_start(ledger, record->zone, record->day + 1), record->end);
}

/* When the window began, or when it opens. */
static int64_t anchor_time(const struct am_ledger *ledger,
                           const struct am_ledger_limit *limit,
                           enum am_ledger_anchor where,
                           int64_t now) {
    const struct am_ledger_record *record = &ledger->records[limit->record];
    if (where == AM_LEDGER_ANCHOR_START)
        return record->start;
    int64_t time = where == AM_LEDGER_ANCHOR_DAY
                       ? am_ledger_zone_day_start(ledger, record->zone, record->day)
                       : now;
    return later(time, record->start);
}

static enum am_pace_kind pacing_of(const struct am_ledger_limit *limit) {
    return (limit->flags & AM_LEDGER_LIMIT_PACING) >> AM_LEDGER_LIMIT_PACING_SHIFT;
}

void am_ledger_limit_anchor(struct am_ledger *ledger,
                            struct am_ledger_limit *limit,
                            enum am_ledger_anchor where,
                            int64_t now) {
    uint32_t index = limit->schedule;
    uint64_t weighed = am_ledger_schedule_weighed(ledger, index, now);
    int64_t t0 = anchor_time(ledger, limit, where, now), b = window_end(ledger, limit);
    int64_t u0 = where == AM_LEDGER_ANCHOR_NOW    ? used_of(limit)
                 : where == AM_LEDGER_ANCHOR_LINE ? line_of(limit)
                                                  : 0;
    uint64_t w0 = t0 == now ? weighed : am_ledger_schedule_weighed_at(ledger, index, t0);
    uint64_t b_weight = b > t0 ? am_ledger_schedule_weighed_at(ledger, index, b) - w0 : 0;
    uint64_t passed = now > t0 ? weighed - w0 : 0;
    int64_t most = am_ledger_subtract_clamped(limit->ceiling, limit->base);
    int64_t line = am_pace_line(pacing_of(limit), most, u0, now >= b ? b_weight : passed, b_weight);
    am_ledger_redo(ledger, limit->u0, u0);
    am_ledger_redo(ledger, limit->w0, w0);
    am_ledger_redo(ledger, limit->b_weight, b_weight);
    am_ledger_redo(ledger, limit->t0, t0);
    am_ledger_redo(ledger, limit->b, b);
    am_ledger_redo(ledger, limit->line, am_ledger_add_clamped(limit->base, line));
    am_ledger_redo(
        ledger, limit->lead,
        am_ledger_add_clamped(limit->base, am_ledger_add_clamped(line, am_pace_lead(most))));
    am_ledger_redo(ledger, limit->flags, limit->flags & ~AM_LEDGER_LIMIT_UNANCHORED);
    am_ledger_redo_commit(ledger);
}

/* A window that is given began with its day, or its flight; without a start it has earned all. */
static void anchor_given(struct am_ledger *ledger, struct am_ledger_limit *limit, int64_t now) {
    bool daily = limit->daily != AM_LEDGER_UNLIMITED;
    if (daily || ledger->records[limit->record].start != INT64_MIN) {
        am_ledger_limit_anchor(ledger, limit, daily ? AM_LEDGER_ANCHOR_DAY : AM_LEDGER_ANCHOR_START,
                               now);
        return;
    }
    AM_LEDGER_SET(limit->flags, limit->flags & ~(uint32_t)AM_LEDGER_LIMIT_PACED);
    AM_LEDGER_SET(limit->line, limit->ceiling);
    AM_LEDGER_SET(limit->lead, limit->ceiling);
}

void am_ledger_give(struct am_ledger *ledger,
                    uint32_t cell,
                    enum am_ledger_unit unit,
                    int64_t total,
                    int64_t today,
                    int64_t line,
                    int64_t now) {
    struct am_ledger_record *record = &ledger->records[cell];
    am_ledger_lock(ledger);
    AM_LEDGER_SET(record->total[unit], total);
    AM_LEDGER_SET(record->before[unit], am_ledger_subtract_clamped(total, today));
    if (record->limits[unit] != AM_LEDGER_NO_INDEX) {
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        struct am_ledger_window window = am_ledger_limit_window(limit);
        int64_t counted = am_ledger_scaled(unit, total),
                before = am_ledger_scaled(unit, record->before[unit]);
        bool given = line != AM_LEDGER_UNLIMITED;
        AM_LEDGER_SET(limit->committed, counted);
        am_ledger_limit_redo(ledger, limit, &window, counted, before, given ? line : INT64_MAX);
        am_ledger_redo_commit(ledger);
        if (given)
            AM_LEDGER_SET(limit->flags, limit->flags & ~(uint32_t)AM_LEDGER_LIMIT_PACED);
        else if (limit->flags & AM_LEDGER_LIMIT_PACED)
            anchor_given(ledger, limit, now);
    }
    am_ledger_unlock(ledger);
}
