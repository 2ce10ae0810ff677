/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reports room: search terms, by day (UTC), subject and field.
 *
 * A row's id is its day and a number within the day: day << 24 | number, from 1. The entry of a
 * placement (places.h) is the last 8 bits of the day and the number: the day is the last one before
 * the event's that ends so. */
#ifndef AM_REPORTS_TERMS_H
#define AM_REPORTS_TERMS_H

#include "../base/arena.h"
#include "../base/intern.h"
#include "../base/vector.h"
#include "store.h"

struct am_report_terms {
    struct am_report_store *store;
    uint64_t most_a_day;
    struct am_intern rows_table, counts_table;
    struct am_vector rows, counts; /* of struct term_row, struct term_count */
    struct am_vector days;         /* of struct term_day, the ones that were used */
    struct am_vector scratch;      /* char */
    struct am_arena arena;
};

void am_report_terms_init(struct am_report_terms *terms,
                          struct am_report_store *store,
                          uint64_t most_a_day);
void am_report_terms_clear(struct am_report_terms *terms);
void am_report_terms_free(struct am_report_terms *terms);

enum am_report_term_sum {
    AM_REPORT_TERM_DECISIONS,
    AM_REPORT_TERM_IMPRESSIONS,
    AM_REPORT_TERM_CLICKS,
    AM_REPORT_TERM_SPEND,
    AM_REPORT_TERM_SUMS,
};

/* A query as a term: lower case (NFKC_Casefold), white space in single spaces. In memory of
 * `terms`, until the next call; NULL data when memory runs out. */
struct am_view am_report_terms_fold(struct am_report_terms *terms, struct am_view query);

struct am_report_term {
    int64_t day, subject;
    struct am_view text, field;
};

/* The id of a term's row, made where there is none. Where the day has its most, that of "(other)".
 * *id is 0 when the day has no more rows at all. */
enum am_code am_report_terms_find(struct am_report_terms *terms,
                                  const struct am_report_term *term,
                                  int64_t *id,
                                  struct am_error *error);

/* Adds to the row with that id. */
enum am_code am_report_terms_add(struct am_report_terms *terms,
                                 int64_t id,
                                 const int64_t added[AM_REPORT_TERM_SUMS],
                                 struct am_error *error);

/* The row in which an event of that day counts, of a placement with that entry; an entry without a
 * row is "(unknown)" of `subject`. *id is 0 for a placement without a query. */
enum am_code am_report_terms_of_entry(struct am_report_terms *terms,
                                      uint32_t entry,
                                      int64_t day,
                                      int64_t subject,
                                      int64_t *id,
                                      struct am_error *error);

/* The entry of a row. */
uint32_t am_report_terms_entry(int64_t id);

enum am_code am_report_terms_flush(struct am_report_terms *terms, struct am_error *error);

#endif
