/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of a record become limits, and its lines are anchored where they changed. With the
 * lock; ledger.h has the rules. */
#include "live.h"

/* ---- limits -----------------------------------------------------------------------------------
 */

static bool is_limited(const struct am_ledger_budget *budget) {
    return budget->total != AM_LEDGER_UNLIMITED || budget->daily != AM_LEDGER_UNLIMITED;
}

/* A window that ends has a line: a day, or a flight. */
static bool is_paced(const struct am_ledger_terms *terms, const struct am_ledger_budget *budget) {
    bool ends = budget->daily != AM_LEDGER_UNLIMITED ||
                (terms->kind != AM_LEDGER_ADVERTISER && terms->end != INT64_MAX);
    return budget->pacing != AM_PACE_ASAP && ends;
}

static uint32_t flags_of(const struct am_ledger_terms *terms, enum am_ledger_unit unit) {
    const struct am_ledger_budget *budget = &terms->budgets[unit];
    return (uint32_t)terms->kind | (uint32_t)unit << AM_LEDGER_LIMIT_UNIT_SHIFT |
           (uint32_t)budget->pacing << AM_LEDGER_LIMIT_PACING_SHIFT | AM_LEDGER_LIMIT_ON |
           (is_paced(terms, budget) ? AM_LEDGER_LIMIT_PACED : 0U);
}

static void terms_changed(struct am_ledger *ledger) {
    am_ledger_redo(ledger, ledger->header->terms, (uint64_t)ledger->header->terms + 1);
}

/* What a limit is to have. */
struct wanted {
    struct am_ledger_window window;
    uint32_t flags, schedule;
};

static bool limit_is(const struct am_ledger_limit *limit, const struct wanted *wanted) {
    return limit->total == wanted->window.total && limit->daily == wanted->window.daily &&
           (limit->flags & ~(uint32_t)(AM_LEDGER_LIMIT_DAY_BEGAN | AM_LEDGER_LIMIT_PUT_BACK)) ==
               wanted->flags &&
           limit->schedule == wanted->schedule;
}

/* Commits. Its line is that of its slack alone until it is anchored: by the caller, or where the
 * caller is killed, by the step. */
static void limit_set(struct am_ledger *ledger,
                      struct am_ledger_limit *limit,
                      const struct wanted *wanted,
                      const struct am_ledger_record *record) {
    enum am_ledger_unit unit = (wanted->flags & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT;
    bool paced = wanted->flags & AM_LEDGER_LIMIT_PACED;
    am_ledger_limit_redo(ledger, limit, &wanted->window,
                         am_ledger_scaled(unit, record->total[unit]),
                         am_ledger_scaled(unit, record->before[unit]), paced ? 0 : INT64_MAX);
    am_ledger_redo(ledger, limit->total, wanted->window.total);
    am_ledger_redo(ledger, limit->daily, wanted->window.daily);
    am_ledger_redo(ledger, limit->schedule, wanted->schedule);
    am_ledger_redo(ledger, limit->flags, wanted->flags | (paced ? AM_LEDGER_LIMIT_CHANGED : 0U));
    am_ledger_redo(ledger, limit->day, (uint32_t)record->day);
    terms_changed(ledger);
    am_ledger_redo_commit(ledger);
}

/* The curve that a window on the traffic curve goes on with, or begins with. */
static uint32_t traffic_of(struct am_ledger *ledger, const struct am_ledger_limit *limit) {
    if (limit->schedule != AM_LEDGER_NO_INDEX) {
        const struct am_ledger_schedule *schedule = am_ledger_pool_at(
            ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, limit->schedule);
        if (schedule->kind == AM_PACE_TRAFFIC)
            return schedule->curve;
    }
    return am_ledger_traffic_curve(ledger);
}

static int64_t limit_scaled(enum am_ledger_unit unit, int64_t limit) {
    return limit == AM_LEDGER_UNLIMITED ? limit : am_ledger_scaled(unit, limit);
}

static enum am_code set_unit(struct am_ledger *ledger,
                             uint32_t cell,
                             const struct am_ledger_terms *terms,
                             enum am_ledger_unit unit,
                             struct am_error *error) {
    struct am_ledger_record *record = &ledger->records[cell];
    const struct am_ledger_budget *budget = &terms->budgets[unit];
    bool limited = is_limited(budget);
    if (!limited && record->limits[unit] == AM_LEDGER_NO_INDEX)
        return AM_OK;
    uint32_t index = am_ledger_limit_make(ledger, cell, unit, error);
    if (index == AM_LEDGER_NO_INDEX)
        return AM_E_LIMIT;
    struct am_ledger_limit *limit = &ledger->limits[index];
    struct wanted wanted = {
        {limit_scaled(unit, budget->total), limit_scaled(unit, budget->daily), limited},
        flags_of(terms, unit),
        limit->schedule};
    if (!limited)
        wanted.flags &= AM_LEDGER_LIMIT_KIND | AM_LEDGER_LIMIT_UNIT;
    if (wanted.flags & AM_LEDGER_LIMIT_PACED) {
        wanted.schedule = am_ledger_schedule_intern(ledger, &terms->curve, record->zone,
                                                    traffic_of(ledger, limit), error);
        if (wanted.schedule == AM_LEDGER_NO_INDEX)
            return AM_E_LIMIT;
    }
    if (limit_is(limit, &wanted))
        return AM_OK;
    limit_set(ledger, limit, &wanted, record);
    if (wanted.flags & AM_LEDGER_LIMIT_PACED)
        am_ledger_limit_anchor(ledger, limit, AM_LEDGER_ANCHOR_NOW, ledger->now);
    return AM_OK;
}

/* ---- records ----------------------------------------------------------------------------------
 */

/* Lists that the record's lines must be anchored anew: its window moved. */
static void mark_changed(struct am_ledger *ledger, const struct am_ledger_record *record) {
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        if (limit->flags & AM_LEDGER_LIMIT_PACED)
            am_ledger_redo(ledger, limit->flags, limit->flags | AM_LEDGER_LIMIT_CHANGED);
    }
}

/* What follows from the record's pauses, before and after: its flags with what they become. */
static uint32_t
note_pause(struct am_ledger *ledger, const struct am_ledger_record *record, uint32_t flags) {
    if (!(flags & AM_LEDGER_RECORD_RESTS) && (record->flags & AM_LEDGER_RECORD_RESTS)) {
        flags |= AM_LEDGER_RECORD_RESUMED;
        am_ledger_redo(ledger, ledger->header->resumed, 1);
    }
    if ((record->flags ^ flags) & AM_LEDGER_RECORD_RESTS)
        terms_changed(ledger);
    return flags;
}

static void put_flags(struct am_ledger *ledger, struct am_ledger_record *record, uint32_t flags) {
    am_ledger_redo_put(ledger, &record->zone, sizeof(uint32_t),
                       record->zone | (uint32_t)record->kind << 16 | flags << 24);
}

/* What the terms say of the record itself. */
static void set_record(struct am_ledger *ledger,
                       uint32_t cell,
                       const struct am_ledger_terms *terms,
                       uint16_t zone,
                       uint32_t mark) {
    struct am_ledger_record *record = &ledger->records[cell];
    uint32_t flags = AM_LEDGER_RECORD_USED |
                     (record->flags & (AM_LEDGER_RECORD_RESUMED | AM_LEDGER_RECORD_HALTED));
    if (terms->paused)
        flags |= AM_LEDGER_RECORD_PAUSED;
    flags = note_pause(ledger, record, flags);
    /* A day that runs goes on until the new zone's next midnight. */
    if (zone != record->zone || terms->start != record->start || terms->end != record->end)
        mark_changed(ledger, record);
    if (zone != record->zone) {
        int32_t day = am_ledger_zone_day(ledger, zone, ledger->now);
        am_ledger_redo(ledger, record->day, (uint32_t)day);
        am_ledger_redo(ledger, record->day_start, am_ledger_zone_day_start(ledger, zone, day));
    }
    am_ledger_redo(ledger, record->above, terms->above);
    am_ledger_redo(ledger, record->start, terms->start);
    am_ledger_redo(ledger, record->end, terms->end);
    am_ledger_redo_put(ledger, &record->zone, sizeof(uint32_t),
                       zone | (uint32_t)terms->kind << 16 | flags << 24);
    am_ledger_redo(ledger, record->mark, mark);
    am_ledger_redo(ledger, record->gone, 0);
    am_ledger_redo(ledger, record->version, (uint64_t)record->version + 1);
    am_ledger_redo_commit(ledger);
}
_Static_assert(offsetof(struct am_ledger_record, kind) ==
                       offsetof(struct am_ledger_record, zone) + 2 &&
                   offsetof(struct am_ledger_record, flags) ==
                       offsetof(struct am_ledger_record, zone) + 3,
               "zone, kind and flags are one word");

static enum am_code set_terms(struct am_ledger *ledger,
                              uint32_t cell,
                              const struct am_ledger_terms *terms,
                              uint32_t mark,
                              struct am_error *error) {
    uint32_t zone = am_ledger_zone_intern(ledger, terms->zone, error);
    if (zone == AM_LEDGER_NO_INDEX)
        return AM_E_LIMIT;
    set_record(ledger, cell, terms, (uint16_t)zone, mark);
    enum am_code code = AM_OK;
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS && code == AM_OK; unit++)
        code = set_unit(ledger, cell, terms, (enum am_ledger_unit)unit, error);
    return code;
}

/* Whether a limit found no room: the record does not run then. */
static void set_closed(struct am_ledger *ledger, uint32_t cell, bool closed) {
    struct am_ledger_record *record = &ledger->records[cell];
    uint32_t flags = record->flags & ~(uint32_t)AM_LEDGER_RECORD_CLOSED;
    if (closed == !!(record->flags & AM_LEDGER_RECORD_CLOSED))
        return;
    flags |= closed ? AM_LEDGER_RECORD_CLOSED : 0U;
    put_flags(ledger, record, flags);
    terms_changed(ledger);
    am_ledger_redo_commit(ledger);
}

void am_ledger_record_halt(struct am_ledger *ledger, uint32_t cell, bool halted) {
    struct am_ledger_record *record = &ledger->records[cell];
    uint32_t flags = record->flags & ~(uint32_t)AM_LEDGER_RECORD_HALTED;
    flags |= halted ? AM_LEDGER_RECORD_HALTED : 0U;
    put_flags(ledger, record, note_pause(ledger, record, flags));
    am_ledger_redo_commit(ledger);
}

enum am_code am_ledger_record_set(struct am_ledger *ledger,
                                  uint32_t cell,
                                  const struct am_ledger_terms *terms,
                                  uint32_t mark,
                                  struct am_error *error) {
    enum am_code code = set_terms(ledger, cell, terms, mark, error);
    set_closed(ledger, cell, code != AM_OK);
    return code;
}
