/* SPDX-License-Identifier: Apache-2.0 */
/* The counters again, as sums of the log: what a ledger must show. */
#ifndef AM_EVENTS_RECOUNT_H
#define AM_EVENTS_RECOUNT_H

#include "../base/arena.h"
#include "../base/intern.h"
#include "../base/timezone.h"
#include "../base/vector.h"
#include "counters.h"

struct am_journal_sum {
    enum am_ledger_kind kind;
    struct am_view id;
    const struct am_timezone *zone; /* of its day; NULL: UTC */
    int64_t total[AM_LEDGER_UNITS];
    int64_t today[AM_LEDGER_UNITS]; /* of `day` */
    int64_t day;                    /* since 1970-01-01: the latest in which it counted anything */
    int64_t freed, made;            /* the last such lines, microseconds; INT64_MIN: none */
};

struct am_journal_recount {
    struct am_vector sums; /* of struct am_journal_sum */
    /* By kind of line and outcome: lines read, which a recount from counters has not all. */
    uint64_t events[AM_JOURNAL_KINDS][AM_EVENT_OUTCOMES];
    struct am_journal_set set; /* where it began; not found: at the beginning of the log */
    struct am_journal_walk_report report;
    uint64_t unreadable; /* lines */
    uint64_t misplaced;  /* lines whose n is not where they stand: copies, or edited files */
    struct am_intern table;
    struct am_arena arena;
};

struct am_journal_recount_options {
    const char *folder;                   /* DIR/log */
    bool whole;                           /* all of the log, not from counters on */
    const struct am_journal_set *start;   /* from these counters on; NULL: the newest */
    const struct am_timezones *zones;     /* for days; NULL: all in UTC */
    const struct am_ledger_counts *until; /* no line behind its positions; NULL: all lines */
    const struct am_ledger *ledger;       /* that `until` was taken of, and that stays open */
};

/* Reads the log. Any process that may read the folder. AM_E_IO, AM_E_MEMORY, AM_E_CORRUPT. Free it
 * in either case. */
enum am_code am_journal_recount(const struct am_journal_recount_options *options,
                                struct am_journal_recount *recount,
                                struct am_error *error);
void am_journal_recount_free(struct am_journal_recount *recount);

/* The sum of a record, or NULL. */
const struct am_journal_sum *am_journal_recount_find(const struct am_journal_recount *recount,
                                                     enum am_ledger_kind kind,
                                                     struct am_view id);

/* What a sum has of a day: nothing where it has counted nothing since. */
void am_journal_sum_of_day(const struct am_journal_sum *sum,
                           int64_t day,
                           int64_t today[AM_LEDGER_UNITS]);

/* The local calendar day of a time in seconds. */
int64_t am_journal_day(const struct am_timezone *zone, int64_t time);

/* Compares with what the ledger shows: calls `differs` for each record that is not equal, with
 * NULL for the side that lacks it, and returns their number. Records that have counted nothing are
 * equal to missing ones. */
typedef void am_journal_differs(void *context,
                                const struct am_ledger_count_of *shown,
                                const struct am_journal_sum *sum);
uint64_t am_journal_recount_compare(const struct am_journal_recount *recount,
                                    const struct am_ledger_counts *counts,
                                    am_journal_differs *differs,
                                    void *context);

#endif
