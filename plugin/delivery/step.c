/* The step: what must happen once a second, of (ledger, now) alone. By the holder. The lock is kept
 * for a batch of cells at a time, so that events are folded in between. */
#include <sys/stat.h>

#include <stdio.h>

#include "repair.h"
#include "step_cache.h"

enum { BATCH = 4096, DAY = 86400 };

/* ---- days -------------------------------------------------------------------------------------
 */

/* The clock was put back across a midnight: the day that runs goes on, and so does its line. */
static void put_day_back(struct am_ledger *ledger, struct am_record *record, int32_t day) {
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_NO_INDEX)
            continue;
        struct am_limit *limit = &ledger->limits[record->limits[unit]];
        am_redo(ledger, limit->day, (uint32_t)day);
        am_redo(ledger, limit->flags, limit->flags | AM_LIMIT_PUT_BACK);
    }
    am_redo(ledger, record->day, (uint32_t)day);
    am_redo_commit(ledger);
}

static void
step_day(struct am_ledger *ledger, uint32_t cell, struct am_ledger_step_report *report) {
    struct am_record *record = &ledger->records[cell];
    int32_t day = ledger->zones[record->zone].day;
    if (day > record->day) {
        am_record_begin_day(ledger, cell, day);
        report->days++;
    } else if (day < record->day) {
        put_day_back(ledger, record, day);
    }
}

/* Whether a day of some zone began or was put back since this process looked at all records. */
static bool days_changed(const struct am_ledger *ledger) {
    struct am_step_cache *cache = ledger->cache;
    uint32_t zones = am_get_acquire(ledger->header->zones_used);
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
            if (ledger->records[cell].flags & AM_RECORD_USED)
                step_day(ledger, cell, report);
        am_ledger_unlock(ledger);
    }
}

/* ---- lines ------------------------------------------------------------------------------------
 */

/* A clock that was put back lowers no line, until it is where it was. Two words, which need no redo
 * list: the next step writes both again. */
static void move_line(struct am_ledger *ledger, struct am_limit *limit, int64_t now) {
    uint64_t weighed = am_schedule_weighed(ledger, limit->schedule, now);
    uint64_t passed = weighed > limit->w0 ? weighed - limit->w0 : 0;
    if (now >= limit->b)
        passed = limit->b_weight;
    int64_t most = am_subtract_clamped(limit->ceiling, limit->base);
    enum am_pace_kind pacing = (limit->flags & AM_LIMIT_PACING) >> AM_LIMIT_PACING_SHIFT;
    int64_t line =
        am_add_clamped(limit->base, am_pace_line(pacing, most, limit->u0, passed, limit->b_weight));
    if (line == limit->line || (line < limit->line && now < ledger->header->reached))
        return;
    am_set(limit->line, line);
    am_set(limit->lead, am_add_clamped(line, am_pace_lead(most)));
}

static void reread_traffic(struct am_ledger *ledger, struct am_limit *limit) {
    uint32_t schedule = am_schedule_reread(ledger, limit->schedule, am_traffic_curve(ledger));
    am_set(limit->schedule, schedule);
}

static bool is_on_traffic(const struct am_ledger *ledger, const struct am_limit *limit) {
    return am_pool_at(ledger, AM_POOL_SCHEDULES, am_schedule, limit->schedule)->kind ==
           AM_PACE_TRAFFIC;
}

/* Anchors a limit whose day began, whose publisher was killed, or whose clock was put back. */
static void anchor(struct am_ledger *ledger, struct am_limit *limit, int64_t now) {
    bool daily = limit->daily != AM_LEDGER_UNLIMITED;
    bool began = limit->flags & AM_LIMIT_DAY_BEGAN;
    if (!daily || !began)
        move_line(ledger, limit, now); /* what goes on, goes on from there */
    if (began)
        reread_traffic(ledger, limit);
    if (limit->flags & AM_LIMIT_CHANGED)
        am_limit_anchor(ledger, limit, AM_ANCHOR_NOW, now);
    else if (began && daily)
        am_limit_anchor(ledger, limit, AM_ANCHOR_DAY, now);
    else if (daily || is_on_traffic(ledger, limit))
        am_limit_anchor(ledger, limit, AM_ANCHOR_LINE, now);
    else
        am_set(limit->flags, limit->flags & ~AM_LIMIT_UNANCHORED);
}

static bool step_line(struct am_ledger *ledger, struct am_limit *limit, int64_t now) {
    if (limit->record == AM_NO_INDEX)
        return false;
    if (!(limit->flags & AM_LIMIT_PACED)) {
        if (limit->flags & AM_LIMIT_UNANCHORED)
            am_set(limit->flags, limit->flags & ~AM_LIMIT_UNANCHORED);
        return false;
    }
    if (limit->flags & AM_LIMIT_UNANCHORED)
        anchor(ledger, limit, now);
    else
        move_line(ledger, limit, now);
    return true;
}

static void
step_lines(struct am_ledger *ledger, int64_t now, struct am_ledger_step_report *report) {
    for (uint32_t first = 0; first < am_get_acquire(ledger->header->limits_used); first += BATCH) {
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
    uint64_t past = ((uint64_t)now - (state >> 4)) & AM_PLACEMENT_EXPIRY_MASK;
    return past != 0 && past <= AM_PLACEMENT_EXPIRY_MASK / 2;
}

static bool expire(struct am_ledger_worker *worker, uint32_t at, int64_t now) {
    struct am_ledger *ledger = worker->ledger;
    struct am_found found;
    if (!am_placement_read(ledger, at, &found) || !has_passed(found.state, now))
        return false;
    uint32_t bits = (uint32_t)(found.state & AM_PLACEMENT_BITS);
    am_op_begin_patiently(worker, AM_OP_EXPIRE, found.state >> AM_PLACEMENT_SEQUENCE_SHIFT,
                          found.body.cells);
    bool taken = am_placement_take(ledger, &found, bits);
    if (taken)
        am_placement_give_back(ledger, am_ledger_caps(ledger), &found.body, bits, now);
    am_op_end(worker);
    return taken;
}

static void step_placements(struct am_ledger_worker *worker,
                            int64_t now,
                            struct am_ledger_step_report *report) {
    struct am_ledger *ledger = worker->ledger;
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        uint64_t state = am_get(ledger->states[at]);
        if (!state)
            continue;
        if (!(state & AM_PLACEMENT_FILLING) && has_passed(state, now) && expire(worker, at, now))
            report->expired++;
        else
            report->in_flight++;
    }
}

/* The clock was put back: placements of a time to come expire as if they were decided now. */
static void put_placements_back(struct am_ledger *ledger, int64_t now) {
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        struct am_found found;
        if (!am_placement_read(ledger, at, &found) || (int64_t)found.body.decided <= now)
            continue;
        uint64_t expiry = (uint64_t)(now + found.body.seconds) & AM_PLACEMENT_EXPIRY_MASK;
        uint64_t state = found.state & ~(AM_PLACEMENT_EXPIRY_MASK << 4);
        __atomic_compare_exchange_n(&ledger->states[at], &found.state, state | expiry << 4, false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

/* ---- records that are gone --------------------------------------------------------------------
 */

static bool is_long_gone(const struct am_record *record, int32_t today) {
    return (record->flags & AM_RECORD_USED) && record->gone &&
           (int64_t)today - record->gone > AM_LEDGER_GONE_DAYS;
}

static void free_one(struct am_ledger *ledger, uint32_t cell) {
    const struct am_record *record = &ledger->records[cell];
    struct am_view id = am_record_id(ledger, record);
    char kept[AM_LEDGER_ID_MAX_BYTES];
    struct am_ledger_notice notice = {.what = AM_LEDGER_FREED, .kind = record->kind};
    memcpy(kept, id.data, id.size);
    notice.id = (struct am_view){kept, id.size};
    am_record_free(ledger, cell);
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
        if (is_long_gone(&ledger->records[cell], today) && !am_maps_refer_to(ledger, cell)) {
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
    am_zones_look(ledger, now);
    am_traffic_step(ledger, now);
    am_pools_tidy(ledger);
    am_ledger_unlock(ledger);
}

enum am_code am_ledger_step(struct am_ledger *ledger,
                            struct am_ledger_worker *worker,
                            int64_t now,
                            struct am_ledger_step_report *report,
                            struct am_error *error) {
    *report = (struct am_ledger_step_report){0};
    enum am_code code = am_step_cache_make(ledger, error);
    if (code != AM_OK)
        return code;
    report->lost = is_lost(ledger);
    if (report->lost)
        am_set(ledger->header->state, AM_LIVE_LOST);
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
    am_set(ledger->header->stepped, now);
    if (now > ledger->header->reached)
        am_set(ledger->header->reached, now);
    return AM_OK;
}
