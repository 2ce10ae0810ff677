/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reports room: what was counted and is not in the file yet, by hour and subject,
 * and outcomes by event and name. */
#ifndef AM_REPORTS_SUMS_H
#define AM_REPORTS_SUMS_H

#include "../base/arena.h"
#include "../base/intern.h"
#include "../base/vector.h"
#include "../events/counters.h"
#include "store.h"

struct am_report_sums {
    struct am_report_store *store;
    struct am_intern hours_table, outcomes_table;
    struct am_vector hours, outcomes; /* of struct hour_sum, struct outcome_sum */
    struct am_arena arena;            /* names of custom events */
};

void am_report_sums_init(struct am_report_sums *sums, struct am_report_store *store);
void am_report_sums_clear(struct am_report_sums *sums);

/* The sums of an hour (since 1970) and a subject, to which the caller adds; valid until the next
 * call. NULL with an error. Writes to the file what has become too much for memory. */
int64_t *am_report_sums_of(struct am_report_sums *sums,
                           int64_t hour,
                           int64_t subject,
                           struct am_error *error);

struct am_report_outcome {
    int64_t hour, subject;
    enum am_journal_kind kind;
    enum am_event_outcome outcome;
    struct am_view name; /* of a custom event */
};
enum am_code am_report_sums_outcome(struct am_report_sums *sums,
                                    const struct am_report_outcome *outcome,
                                    struct am_error *error);

/* Adds all to the file. */
enum am_code am_report_sums_flush(struct am_report_sums *sums, struct am_error *error);

#endif
