/* SPDX-License-Identifier: Apache-2.0 */
/* Folding: events from the slots' queues into the counters; and the days that they belong to. With
 * the lock; see layout.h, "Who writes what", 1 and 3. */
#include "live.h"

/* ---- thresholds -------------------------------------------------------------------------------
 */

struct am_ledger_window am_ledger_limit_window(const struct am_ledger_limit *limit) {
    return (struct am_ledger_window){limit->total, limit->daily, limit->flags & AM_LEDGER_LIMIT_ON};
}

/* L: what the window may use. */
static int64_t window_limit(const struct am_ledger_window *window, int64_t before) {
    if (window->daily == AM_LEDGER_UNLIMITED)
        return window->total;
    if (window->total == AM_LEDGER_UNLIMITED)
        return window->daily;
    int64_t left = am_ledger_subtract_clamped(window->total, before);
    if (left < 0)
        left = 0;
    return left < window->daily ? left : window->daily;
}

void am_ledger_limit_redo(struct am_ledger *ledger,
                          struct am_ledger_limit *limit,
                          const struct am_ledger_window *window,
                          int64_t counted,
                          int64_t before,
                          int64_t line) {
    int64_t base = window->daily == AM_LEDGER_UNLIMITED ? 0 : before;
    int64_t most = window->on ? window_limit(window, before) : 0;
    int64_t lead = am_ledger_add_clamped(line, am_pace_lead(most));
    am_ledger_redo(ledger, limit->counted, counted);
    am_ledger_redo(ledger, limit->line, window->on ? am_ledger_add_clamped(base, line) : INT64_MAX);
    am_ledger_redo(ledger, limit->lead, window->on ? am_ledger_add_clamped(base, lead) : INT64_MAX);
    am_ledger_redo(ledger, limit->base, base);
    am_ledger_redo(ledger, limit->ceiling,
                   window->on ? am_ledger_add_clamped(base, most) : INT64_MAX);
}

/* The line of the window as it is; nothing for a day that begins. */
static int64_t line_of(const struct am_ledger_limit *limit) {
    return limit->line == INT64_MAX ? INT64_MAX
                                    : am_ledger_subtract_clamped(limit->line, limit->base);
}

/* ---- days -------------------------------------------------------------------------------------
 */

static bool is_daily(const struct am_ledger_limit *limit) {
    return limit->daily != AM_LEDGER_UNLIMITED;
}

void am_ledger_record_begin_day(struct am_ledger *ledger, uint32_t cell, int32_t day) {
    struct am_ledger_record *record = &ledger->records[cell];
    /* First in the list: a charge that takes room under a ceiling below finds it. */
    am_ledger_redo(ledger, record->day_start, am_ledger_zone_day_start(ledger, record->zone, day));
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        int64_t before = record->total[unit];
        am_ledger_redo(ledger, record->before[unit], before);
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        /* The step anchors it within a second; until then a paced day has its slack. */
        bool paced = limit->flags & AM_LEDGER_LIMIT_PACED;
        int64_t line = !is_daily(limit) ? line_of(limit) : paced ? 0 : INT64_MAX;
        struct am_ledger_window window = am_ledger_limit_window(limit);
        am_ledger_limit_redo(ledger, limit, &window, limit->counted, am_ledger_scaled(unit, before),
                             line);
        am_ledger_redo(ledger, limit->day, (uint32_t)day);
        am_ledger_redo(ledger, limit->flags, limit->flags | AM_LEDGER_LIMIT_DAY_BEGAN);
    }
    am_ledger_redo(ledger, record->day, (uint32_t)day);
    am_ledger_redo(ledger, record->version, (uint64_t)record->version + 1);
    am_ledger_redo_commit(ledger);
}

/* ---- folding ----------------------------------------------------------------------------------
 */

/* An amount of one unit: of today, or of a day before. A guard that did not have it (the limit is
 * younger than the charge) gets it first: killed in between, it has it twice, which stops early and
 * bills nothing. */
static void fold_unit(struct am_ledger *ledger,
                      struct am_ledger_record *record,
                      enum am_ledger_unit unit,
                      int64_t amount,
                      bool earlier,
                      bool charged) {
    int64_t total = am_ledger_add_clamped(record->total[unit], amount);
    int64_t before =
        earlier ? am_ledger_add_clamped(record->before[unit], amount) : record->before[unit];
    am_ledger_redo(ledger, record->total[unit], total);
    am_ledger_redo(ledger, record->before[unit], before);
    if (record->limits[unit] == AM_LEDGER_NO_INDEX)
        return;
    struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
    if (!charged)
        __atomic_fetch_add(&limit->committed, am_ledger_scaled(unit, amount), __ATOMIC_RELAXED);
    am_ledger_redo(ledger, limit->counted, am_ledger_scaled(unit, total));
    if (earlier) {
        struct am_ledger_window window = am_ledger_limit_window(limit);
        am_ledger_limit_redo(ledger, limit, &window, am_ledger_scaled(unit, total),
                             am_ledger_scaled(unit, before), line_of(limit));
    }
}

static void fold_record(struct am_ledger *ledger,
                        const struct am_ledger_queued *queued,
                        enum am_ledger_kind kind) {
    uint32_t cell = queued->event.cells[kind];
    if (cell >= ledger->header->records_used ||
        !(ledger->records[cell].flags & AM_LEDGER_RECORD_USED))
        return;
    struct am_ledger_record *record = &ledger->records[cell];
    int32_t day = am_ledger_zone_day(ledger, record->zone, queued->event.time);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (queued->event.amounts[unit])
            fold_unit(ledger, record, (enum am_ledger_unit)unit, queued->event.amounts[unit],
                      day < record->day, queued->charged & am_ledger_limit_bit(kind, unit));
}

/* Days begin before the event is folded, each in a change of its own. */
static void begin_days(struct am_ledger *ledger, const struct am_ledger_event *event) {
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        uint32_t cell = event->cells[kind];
        if (cell >= ledger->header->records_used)
            continue;
        const struct am_ledger_record *record = &ledger->records[cell];
        int32_t day = am_ledger_zone_day(ledger, record->zone, event->time);
        if ((record->flags & AM_LEDGER_RECORD_USED) && day > record->day)
            am_ledger_record_begin_day(ledger, cell, day);
    }
}

static void fold_one(struct am_ledger *ledger,
                     struct am_ledger_slot *slot,
                     const struct am_ledger_queued *queued) {
    if (queued->outcome != AM_LEDGER_NO_ROOM) {
        begin_days(ledger, &queued->event);
        for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++)
            fold_record(ledger, queued, (enum am_ledger_kind)kind);
    }
    am_ledger_redo(ledger, slot->position.file, queued->position.file);
    am_ledger_redo(ledger, slot->position.offset, queued->position.offset);
    am_ledger_redo(ledger, slot->has_position, 1);
    am_ledger_redo(ledger, slot->tail, slot->tail + 1);
    am_ledger_redo_commit(ledger);
}

void am_ledger_fold(struct am_ledger *ledger, uint32_t number) {
    struct am_ledger_slot *slot = &ledger->slots[number];
    uint64_t waiting = AM_LEDGER_GET_ACQUIRE(slot->head) - slot->tail;
    if (waiting > AM_LEDGER_LIVE_QUEUE) /* damaged: nothing in it is counted, nor anything added */
        return;
    for (; waiting; waiting--)
        fold_one(ledger, slot, &slot->queue[slot->tail % AM_LEDGER_LIVE_QUEUE]);
}

void am_ledger_fold_all(struct am_ledger *ledger) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++)
        am_ledger_fold(ledger, number);
}

void am_ledger_fold_missed(struct am_ledger *ledger) {
    uint64_t *missed = ledger->header->missed;
    for (uint32_t word = 0; word < AM_LEDGER_LIVE_SLOTS_MAX / 64; word++) {
        if (!AM_LEDGER_GET(missed[word]))
            continue;
        uint64_t slots = __atomic_exchange_n(&missed[word], 0, __ATOMIC_SEQ_CST);
        for (; slots; slots &= slots - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(slots);
            if (slot < ledger->header->geometry.slots)
                am_ledger_fold(ledger, slot);
        }
    }
}

bool am_ledger_missed(const struct am_ledger *ledger) {
    for (uint32_t word = 0; word < AM_LEDGER_LIVE_SLOTS_MAX / 64; word++)
        if (__atomic_load_n(&ledger->header->missed[word], __ATOMIC_SEQ_CST))
            return true;
    return false;
}
