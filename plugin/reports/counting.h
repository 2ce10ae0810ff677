/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reports room: what each line of the log adds to reports. */
#ifndef AM_REPORTS_COUNTING_H
#define AM_REPORTS_COUNTING_H

#include "../events/walk.h"
#include "places.h"
#include "subjects.h"
#include "sums.h"
#include "terms.h"

struct am_report_counting {
    struct am_report_store *store;
    struct am_report_subjects subjects;
    struct am_report_sums sums;
    struct am_report_terms terms;
    struct am_report_places places;
    struct am_vector scratch; /* char */
    int64_t newest;           /* time of the newest line, microseconds */
    uint64_t unreadable;      /* lines */
    enum am_code code;        /* AM_OK, or why counting ended */
    struct am_error error;
};

void am_report_counting_init(struct am_report_counting *counting,
                             struct am_report_store *store,
                             uint64_t terms);
/* Forgets all that is not in the file. */
void am_report_counting_clear(struct am_report_counting *counting);
void am_report_counting_free(struct am_report_counting *counting);

/* Visitors of am_journal_walk, with the counting as context: lines of decisions, and all others. */
bool am_report_count_decision(void *counting, const struct am_journal_walked *line);
bool am_report_count_event(void *counting, const struct am_journal_walked *line);

enum am_code am_report_counting_flush(struct am_report_counting *counting, struct am_error *error);

#endif
