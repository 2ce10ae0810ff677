/* SPDX-License-Identifier: Apache-2.0 */
/* What a line of the log adds to counters: the one place that says so, for recovery, recount and
 * reports. Thread rule: no shared state. */
#ifndef AM_EVENTS_AMOUNTS_H
#define AM_EVENTS_AMOUNTS_H

#include "../delivery/ledger.h"
#include "judge.h"
#include "scan.h"

struct am_journal_amounts {
    int64_t amounts[AM_LEDGER_UNITS]; /* nanos, impressions, clicks */
    bool ad;                          /* the ad had a record of its own, which counts, too */
};

/* An impression, a bill or a click that is billable; or an adjustment. False: nothing. */
bool am_journal_amounts(enum am_journal_kind kind,
                        const struct am_journal_record *record,
                        struct am_journal_amounts *added);

/* The kind of a scanned line; AM_JOURNAL_KINDS when it has none that is known. */
enum am_journal_kind am_journal_kind(const struct am_journal_record *record);

/* The kind of a line that is not scanned, by the place where the writer puts it; AM_JOURNAL_KINDS
 * for any other line. */
enum am_journal_kind am_journal_peek(struct am_view line);

/* What became of an event: AM_EVENT_COUNTED where it is billable, else its reason;
 * AM_EVENT_OUTCOMES where it has none that is known. */
enum am_event_outcome am_journal_outcome(const struct am_journal_record *record);

/* A whole number, negative ones too. */
bool am_journal_integer(struct am_view value, int64_t *number);

/* The time of a scanned line, in microseconds. */
bool am_journal_time(const struct am_journal_record *record, int64_t *time);

/* A member that is an id of at most AM_LEDGER_ID_MAX_BYTES; empty for anything else. */
enum { AM_JOURNAL_ID_MEMORY = 6 * AM_LEDGER_ID_MAX_BYTES + 2 };
struct am_view am_journal_id(struct am_view value, char memory[AM_JOURNAL_ID_MEMORY]);

/* "advertiser", "campaign", "ad"; AM_LEDGER_KINDS for anything else. */
enum am_ledger_kind am_journal_ledger_kind(struct am_view value);

#endif
