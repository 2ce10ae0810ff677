/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of counters: all counts of the ledger at one moment, from which a recount can start.
 *
 * A set of lines, since one line would be as long as the ledger is large: each has "cut" (the time
 * of the set) and "part" (0, 1, 2 ...); part 0 has "order", by which sets are compared, since
 * clocks jump: the ledger's epoch, and a number of its sequence; the first ones have "positions",
 * how far each lane is counted; the others "cells"; the last one has "last":true. A set is in one
 * lane. */
#ifndef AM_EVENTS_COUNTERS_H
#define AM_EVENTS_COUNTERS_H

#include "../delivery/look.h"
#include "amounts.h"
#include "handle.h"
#include "walk.h"

/* A cell as a line of counters has it. */
struct am_journal_cell {
    enum am_ledger_kind kind;
    struct am_view id, zone;
    int64_t total[AM_LEDGER_UNITS], today[AM_LEDGER_UNITS];
    int64_t day;
    char memory[2][AM_JOURNAL_ID_MEMORY];
};

/* Reads an item of "cells". False when it is none. */
bool am_journal_cell_read(struct am_view item, struct am_journal_cell *cell);

/* Where a set stands. */
struct am_journal_set {
    bool found;
    uint32_t lane;
    struct am_journal_position begin; /* of its first line */
    char cut[AM_JOURNAL_TIME_SIZE];
    uint64_t order; /* epoch << 40 | sequence; greater in the newer set */
};

/* Writes a set. The holder, each hour and after a gap line. False: a line was
 * lost, and the set is none (set->found is false). `set` may be NULL. */
bool am_event_log_counters(struct am_event_worker *worker,
                           const struct am_ledger_counts *counts,
                           struct am_journal_set *set);

/* The newest whole set of a log whose cut is not after `until` (microseconds; INT64_MAX: any).
 * Looks through the files hour by hour, from the newest on, until there is one. Hours that are
 * still to come are of a clock that was ahead: behind them it looks further. AM_E_IO,
 * AM_E_MEMORY, AM_E_CORRUPT. */
enum am_code am_journal_find_set(const char *folder,
                                 int64_t until,
                                 struct am_journal_set *set,
                                 struct am_error *error);

/* Reads a set: calls `cell` for each of its cells (false: no memory), and fills `positions` (of
 * `lane_count`, zeroed before). AM_E_IO, AM_E_MEMORY, AM_E_CORRUPT. */
typedef bool am_journal_set_cell(void *context, const struct am_journal_cell *cell);
enum am_code am_journal_read_set(const char *folder,
                                 const struct am_journal_set *set,
                                 struct am_journal_position *positions,
                                 uint32_t lane_count,
                                 am_journal_set_cell *cell,
                                 void *context,
                                 struct am_error *error);

#endif
