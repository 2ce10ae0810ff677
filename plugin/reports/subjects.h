/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reports room: what is counted apart, an ad's keyword, as a number.
 *
 * Lines of the log come with the same five members again and again, so their numbers are found by
 * the members as they are written, without decoding them. */
#ifndef AM_REPORTS_SUBJECTS_H
#define AM_REPORTS_SUBJECTS_H

#include "../base/arena.h"
#include "../base/intern.h"
#include "../base/vector.h"
#include "store.h"

/* The members of a subject, in the order of the table's columns. */
enum am_report_subject_part {
    AM_REPORT_ADVERTISER,
    AM_REPORT_CAMPAIGN,
    AM_REPORT_AD,
    AM_REPORT_KEYWORD,
    AM_REPORT_MATCH,
    AM_REPORT_SUBJECT_PARTS,
};

struct am_report_subjects {
    struct am_report_store *store;
    struct am_intern table;
    struct am_vector items;   /* of struct subject */
    struct am_vector scratch; /* char: the members of the present line, one after the other */
    struct am_arena arena;
};

void am_report_subjects_init(struct am_report_subjects *subjects, struct am_report_store *store);
/* Forgets all: the numbers may be those of a transaction that was rolled back. */
void am_report_subjects_clear(struct am_report_subjects *subjects);
void am_report_subjects_free(struct am_report_subjects *subjects);

/* The number of the subject with these members as the log has them (strings with quotes, or empty),
 * made where there is none. */
enum am_code am_report_subjects_find(struct am_report_subjects *subjects,
                                     const struct am_view parts[AM_REPORT_SUBJECT_PARTS],
                                     int64_t *id,
                                     struct am_error *error);

#endif
