/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what is counted. */
#include <stdlib.h>

#include "live.h"

static void read_limit(const struct am_ledger_limit *limit,
                       int64_t before,
                       struct am_ledger_limit_state *state) {
    bool on = limit->flags & AM_LEDGER_LIMIT_ON;
    int64_t line = am_ledger_subtract_clamped(limit->line, limit->base);
    *state = (struct am_ledger_limit_state){
        .limited = on,
        .total = limit->total,
        .daily = limit->daily,
        .counted = am_ledger_subtract_clamped(limit->counted, limit->base),
        .reserved = am_ledger_subtract_clamped(AM_LEDGER_GET(limit->committed), limit->counted),
        .expected = AM_LEDGER_GET(limit->expected),
        .before = limit->daily == AM_LEDGER_UNLIMITED ? 0 : before,
        .limit = on ? am_ledger_subtract_clamped(limit->ceiling, limit->base) : AM_LEDGER_UNLIMITED,
        .pacing = (limit->flags & AM_LEDGER_LIMIT_PACING) >> AM_LEDGER_LIMIT_PACING_SHIFT,
    };
    state->line = on && line < state->limit ? line : state->limit;
}

static void read_record(const struct am_ledger *ledger,
                        const struct am_ledger_record *record,
                        struct am_ledger_record_state *state) {
    *state = (struct am_ledger_record_state){
        .kind = record->kind,
        .key = record->key,
        .id = am_ledger_record_id(ledger, record),
        .paused = record->flags & AM_LEDGER_RECORD_PAUSED,
        .halted = record->flags & AM_LEDGER_RECORD_HALTED,
        .gone = record->gone != 0,
        .day = record->day,
    };
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        state->total[unit] = record->total[unit];
        state->today[unit] = am_ledger_subtract_clamped(record->total[unit], record->before[unit]);
        state->limits[unit].total = state->limits[unit].daily = AM_LEDGER_UNLIMITED;
        state->limits[unit].limit = state->limits[unit].line = AM_LEDGER_UNLIMITED;
        if (record->limits[unit] != AM_LEDGER_NO_INDEX)
            read_limit(&ledger->limits[record->limits[unit]],
                       am_ledger_scaled((enum am_ledger_unit)unit, record->before[unit]),
                       &state->limits[unit]);
    }
}

enum am_code am_ledger_read(struct am_ledger *ledger,
                            uint32_t cell,
                            struct am_ledger_record_state *state,
                            struct am_error *error) {
    am_ledger_lock(ledger);
    am_ledger_fold_all(ledger);
    bool found = cell < ledger->header->records_used &&
                 (ledger->records[cell].flags & AM_LEDGER_RECORD_USED);
    if (found)
        read_record(ledger, &ledger->records[cell], state);
    am_ledger_unlock(ledger);
    return found ? AM_OK : am_error_set(error, AM_E_NOT_FOUND, "the ledger has no such record");
}

/* ---- all records at one moment ----------------------------------------------------------------
 */

enum { SPARE = 1024 /* records that may be made between allocating and locking */ };

static void copy_records(const struct am_ledger *ledger, struct am_ledger_counts *counts) {
    for (uint32_t cell = 0; cell < ledger->header->records_used; cell++) {
        const struct am_ledger_record *record = &ledger->records[cell];
        if (!(record->flags & AM_LEDGER_RECORD_USED))
            continue;
        struct am_ledger_count_of *to = &counts->records[counts->record_count++];
        to->cell = cell;
        to->kind = record->kind;
        to->key = record->key;
        to->id = am_ledger_record_id(ledger, record);
        to->day = record->day;
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
            to->total[unit] = record->total[unit];
            to->today[unit] = am_ledger_subtract_clamped(record->total[unit], record->before[unit]);
        }
    }
}

static void copy_positions(const struct am_ledger *ledger, struct am_ledger_counts *counts) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_ledger_slot *slot = &ledger->slots[number];
        if (slot->has_position)
            counts->positions[counts->position_count++] =
                (struct am_ledger_position_of){number, slot->position};
    }
}

/* Copies all records, or none: false when there are more than room was made for. */
static bool copy_counts(struct am_ledger *ledger, struct am_ledger_counts *counts, uint32_t room) {
    am_ledger_lock(ledger);
    am_ledger_fold_all(ledger);
    bool fits = ledger->header->records_used <= room;
    if (fits) {
        copy_records(ledger, counts);
        copy_positions(ledger, counts);
    }
    am_ledger_unlock(ledger);
    return fits;
}

enum am_code am_ledger_counts_take(struct am_ledger *ledger,
                                   struct am_ledger_counts *counts,
                                   struct am_error *error) {
    for (;;) {
        uint32_t room = am_ledger_cells(ledger) + SPARE;
        *counts = (struct am_ledger_counts){
            .records = malloc(room * sizeof *counts->records),
            .positions = malloc(ledger->header->geometry.slots * sizeof *counts->positions),
        };
        if (!counts->records || !counts->positions) {
            am_ledger_counts_free(counts);
            return am_error_set(error, AM_E_MEMORY, "out of memory: the counts of the ledger");
        }
        if (copy_counts(ledger, counts, room))
            return AM_OK;
        am_ledger_counts_free(counts);
    }
}

void am_ledger_counts_free(struct am_ledger_counts *counts) {
    free(counts->records);
    free(counts->positions);
    *counts = (struct am_ledger_counts){.records = NULL};
}
