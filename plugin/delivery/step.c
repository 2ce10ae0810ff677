/* SPDX-License-Identifier: Apache-2.0 */
/* The step: what must happen once a second, of (ledger, now) alone. By the holder. The lock is kept
 * for a batch of cells at a time, so that events are folded in between. */
#include <sys/stat.h>

#include <stdio.h>

#include "repair.h"
#include "step_cache.h"

enum { BATCH = 4096, DAY = 86400 };

/* ---- days -------------------------------------------------------------------------------------
 */

/* The clock was put back by days: the window that runs goes on under the clock's date, with its
 * counts and its line. */
static void put_day_back(struct am_ledger *ledger, struct am_ledger_record *record, int32_t day) {
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        am_ledger_redo(ledger, limit->day, (uint32_t)day);
        am_ledger_redo(ledger, limit->flags, limit->flags | AM_LEDGER_LIMIT_PUT_BACK);
    }
    am_ledger_redo(ledger, record->day, (uint32_t)day);
    am_ledger_redo(ledger, record->day_start, am_ledger_zone_day_start(ledger, record->zone, day));
    am_ledger_redo_commit(ledger);
}

/* A clock that went back by one date leaves the day as it is: the midnight that comes again begins
 * nothing, and am_delivery_charge moves events into the day that runs. */
static void
step_day(struct am_ledger *ledger, uint32_t cell, struct am_ledger_step_report *report) {
    struct am_ledger_record *record = &ledger->records[cell];
    int32_t day = ledger->zones[record->zone].day;
    if (day > record->day) {
        am_ledger_record_begin_day(ledger, cell, day);
        report->days++;
    } else if (day < record->day - 1) {
        put_day_back(ledger, record, day);
    }
}

/* Whether a day of some zone began or was put back since this process looked at all records. */
static bool days_changed(const struct am_ledger *ledger) {
    struct am_ledger_step_cache *cache = ledger->cache;
    uint32_t zones = AM_LEDGER_GET_ACQUIRE(ledger->header->zones_used);
    bool changed = zones != cache->zones;
    for (uint32_t zone = 0; zone < zones; zone++) {
        int32_t day = ledger->zones[zone].day;
        changed |= cache->days[zone] != day;
        cache->days[zone] = day;
    }
    cache->zones = zones;
    return changed;
}

static void step_days(struct am_ledger *ledger, struct am_ledger_step_report *report) {
    for (uint32_t first = 0; first < am_ledger_cells(ledger); first += BATCH) {
        am_ledger_lock(ledger);
        uint32_t end = ledger->header->records_used;
        for (uint32_t cell = first; cell < first + BATCH && cell < end; cell++)
            if (ledger->records[cell].flags & AM_LEDGER_RECORD_USED)
                step_day(ledger, cell, report);
        am_ledger_unlock(ledger);
    }
}

/* ---- lines ------------------------------------------------------------------------------------
 */

/* A clock that was put back lowers no line, until it is where it was. Two words, which need no redo
 * list: the next step writes both again. */
static void move_line(struct am_ledger *ledger, struct am_ledger_limit *limit, int64_t now) {
    uint64_t weighed = am_ledger_schedule_weighed(ledger, limit->schedule, now);
    uint64_t passed = weighed > limit->w0 ? weighed - limit->w0 : 0;
    if (now >= limit->b)
        passed = limit->b_weight;
    int64_t most = am_ledger_subtract_clamped(limit->ceiling, limit->base);
    enum am_pace_kind pacing =
        (limit->flags & AM_LEDGER_LIMIT_PACING) >> AM_LEDGER_LIMIT_PACING_SHIFT;
    int64_t line = am_ledger_add_clamped(
        limit->base, am_pace_line(pacing, most, limit->u0, passed, limit->b_weight));
    if (line == limit->line || (line < limit->line && now < ledger->header->reached))
        return;
    AM_LEDGER_SET(limit->line, line);
    AM_LEDGER_SET(limit->lead, am_ledger_add_clamped(line, am_pace_lead(most)));
}

static void reread_traffic(struct am_ledger *ledger, struct am_ledger_limit *limit) {
    uint32_t schedule =
        am_ledger_schedule_reread(ledger, limit->schedule, am_ledger_traffic_curve(ledger));
    AM_LEDGER_SET(limit->schedule, schedule);
}

static bool is_on_traffic(const struct am_ledger *ledger, const struct am_ledger_limit *limit) {
    return am_ledger_pool_at(ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, limit->schedule)
               ->kind == AM_PACE_TRAFFIC;
}

/* Anchors a limit whose day began, whose publisher was killed, or whose clock was put back. */
static void anchor(struct am_ledger *ledger, struct am_ledger_limit *limit, int64_t now) {
    bool daily = limit->daily != AM_LEDGER_UNLIMITED;
    bool began = limit->flags & AM_LEDGER_LIMIT_DAY_BEGAN;
    if (!daily || !began)
        move_line(ledger, limit, now); /* what goes on, goes on from there */
    if (began)
        reread_traffic(ledger, limit);
    if (limit->flags & AM_LEDGER_LIMIT_CHANGED)
        am_ledger_limit_anchor(ledger, limit, AM_LEDGER_ANCHOR_NOW, now);
    else if (began && daily)
        am_ledger_limit_anchor(ledger, limit, AM_LEDGER_ANCHOR_DAY, now);
    else if (daily || is_on_traffic(ledger, limit))
        am_ledger_limit_anchor(ledger, limit, AM_LEDGER_ANCHOR_LINE, now);
    else
        AM_LEDGER_SET(limit->flags, limit->flags & ~AM_LEDGER_LIMIT_UNANCHORED);
}

static bool step_line(struct am_ledger *ledger, struct am_ledger_limit *limit, int64_t now) {
    if (limit->record == AM_LEDGER_NO_INDEX)
        return false;
    if (!(limit->flags & AM_LEDGER_LIMIT_PACED)) {
        if (limit->flags & AM_LEDGER_LIMIT_UNANCHORED)
            AM_LEDGER_SET(limit->flags, limit->flags & ~AM_LEDGER_LIMIT_UNANCHORED);
        return false;
    }
    if (limit->flags & AM_LEDGER_LIMIT_UNANCHORED)
        anchor(ledger, limit, now);
    else
        move_line(ledger, limit, now);
    return true;
}

static void
step_lines(struct am_ledger *ledger, int64_t now, struct am_ledger_step_report *report) {
    for (uint32_t first = 0; first < AM_LEDGER_GET_ACQUIRE(ledger->header->limits_used);
         first += BATCH) {
        am_ledger_lock(ledger);
        uint32_t end = ledger->header->limits_used;
        for (uint32_t i = first; i < first + BATCH && i < end; i++)
            report->paced += step_line(ledger, &ledger->limits[i], now);
        am_ledger_unlock(ledger);
    }
}

/* ---- placements -------------------------------------------------------------------------------
 */

/* Whether an expiry has passed: modulo 2^20, so half of that ahead is ahead. */
static bool has_passed(uint64_t state, int64_t now) {
    uint64_t expiry = state >> 4 & AM_LEDGER_PLACEMENT_EXPIRY_MASK;
    uint64_t time = (uint64_t)now & AM_LEDGER_PLACEMENT_EXPIRY_MASK;
    uint64_t past =
        (time + AM_LEDGER_PLACEMENT_EXPIRY_MASK + 1 - expiry) & AM_LEDGER_PLACEMENT_EXPIRY_MASK;
    return past != 0 && past <= AM_LEDGER_PLACEMENT_EXPIRY_MASK / 2;
}

static bool expire(struct am_ledger_worker *worker, uint32_t at, int64_t now) {
    struct am_ledger *ledger = worker->ledger;
    struct am_ledger_found found;
    if (!am_ledger_placement_read(ledger, at, &found) || !has_passed(found.state, now))
        return false;
    uint32_t bits = (uint32_t)(found.state & AM_LEDGER_PLACEMENT_BITS);
    am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_EXPIRE,
                                 found.state >> AM_LEDGER_PLACEMENT_SEQUENCE_SHIFT,
                                 found.body.cells);
    bool taken = am_ledger_placement_take(ledger, &found, bits);
    if (taken)
        am_ledger_placement_give_back(ledger, am_ledger_caps(ledger), &found.body, bits, now);
    am_ledger_op_end(worker);
    return taken;
}

static void step_placements(struct am_ledger_worker *worker,
                            int64_t now,
                            struct am_ledger_step_report *report) {
    struct am_ledger *ledger = worker->ledger;
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        uint64_t state = AM_LEDGER_GET(ledger->states[at]);
        if (!state)
            continue;
        if (!(state & AM_LEDGER_PLACEMENT_FILLING) && has_passed(state, now) &&
            expire(worker, at, now))
            report->expired++;
        else
            report->in_flight++;
    }
}

/* The clock was put back: placements of a time to come expire as if they were decided now. */
static void put_placements_back(struct am_ledger *ledger, int64_t now) {
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        struct am_ledger_found found;
        if (!am_ledger_placement_read(ledger, at, &found) || (int64_t)found.body.decided <= now)
            continue;
        uint64_t expiry = (uint64_t)(now + found.body.seconds) & AM_LEDGER_PLACEMENT_EXPIRY_MASK;
        uint64_t state = found.state & ~(AM_LEDGER_PLACEMENT_EXPIRY_MASK << 4);
        __atomic_compare_exchange_n(&ledger->states[at], &found.state, state | expiry << 4, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

/* ---- records that are gone --------------------------------------------------------------------
 */

static bool is_long_gone(const struct am_ledger_record *record, int32_t today) {
    return (record->flags & AM_LEDGER_RECORD_USED) && record->gone &&
           (int64_t)today - record->gone > AM_LEDGER_GONE_DAYS;
}

static void free_one(struct am_ledger *ledger, uint32_t cell) {
    const struct am_ledger_record *record = &ledger->records[cell];
    struct am_view id = am_ledger_record_id(ledger, record);
    char kept[AM_LEDGER_ID_MAX_BYTES];
    struct am_ledger_notice notice = {.what = AM_LEDGER_FREED, .kind = record->kind};
    memcpy(kept, id.data, id.size);
    notice.id = (struct am_view){kept, id.size};
    am_ledger_record_free(ledger, cell);
    am_ledger_unlock(ledger);
    if (ledger->notify)
        ledger->notify(ledger->context, &notice);
    am_ledger_lock(ledger);
}

/* Not while a map of any generation refers to the cell: an instance may still serve it. */
static void step_gone(struct am_ledger *ledger, struct am_ledger_step_report *report) {
    int32_t today = ledger->zones[0].day;
    am_ledger_lock(ledger);
    for (uint32_t cell = 0; cell < ledger->header->records_used; cell++)
        if (is_long_gone(&ledger->records[cell], today) &&
            !am_delivery_maps_refer_to(ledger, cell)) {
            free_one(ledger, cell);
            report->freed++;
        }
    am_ledger_unlock(ledger);
}

/* ---- the step ---------------------------------------------------------------------------------
 */

static bool is_lost(const struct am_ledger *ledger) {
    char path[PATH_MAX + 8];
    struct stat mine, named;
    if (ledger->fd < 0)
        return false;
    snprintf(path, sizeof path, "%s/live", ledger->home);
    return fstat(ledger->fd, &mine) != 0 || stat(path, &named) != 0 ||
           mine.st_ino != named.st_ino || mine.st_dev != named.st_dev;
}

/* What needs the lock for itself, and little time. */
static void
begin_step(struct am_ledger *ledger, int64_t now, struct am_ledger_step_report *report) {
    am_ledger_lock(ledger);
    ledger->now = now;
    am_ledger_repair(ledger, report);
    am_ledger_fold_all(ledger);
    am_ledger_zones_look(ledger, now);
    am_ledger_traffic_step(ledger, now);
    am_ledger_pools_tidy(ledger);
    am_ledger_unlock(ledger);
}

enum am_code am_ledger_step(struct am_ledger *ledger,
                            struct am_ledger_worker *worker,
                            int64_t now,
                            struct am_ledger_step_report *report,
                            struct am_error *error) {
    *report = (struct am_ledger_step_report){0};
    enum am_code code = am_ledger_step_cache_make(ledger, error);
    if (code != AM_OK)
        return code;
    report->lost = is_lost(ledger);
    if (report->lost)
        AM_LEDGER_SET(ledger->header->state, AM_LEDGER_LIVE_LOST);
    int64_t before = am_ledger_stepped(ledger);
    int64_t day = ledger->zones[0].day;
    begin_step(ledger, now, report);
    am_ledger_anchor_resumed(ledger, now);
    if (now < before)
        put_placements_back(ledger, now);
    if (days_changed(ledger))
        step_days(ledger, report);
    step_lines(ledger, now, report);
    step_placements(worker, now, report);
    if (ledger->zones[0].day != day)
        step_gone(ledger, report);
    AM_LEDGER_SET(ledger->header->stepped, now);
    if (now > ledger->header->reached)
        AM_LEDGER_SET(ledger->header->reached, now);
    return AM_OK;
}
