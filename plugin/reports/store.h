/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/reports.sqlite: the file, its tables (docs/REPORTS.md describes them) and statements.
 *
 * Private to the reports room. A store is used by one thread at a time. Any number of processes may
 * read the file while one writes (SQLite's write-ahead log). */
#ifndef AM_REPORTS_STORE_H
#define AM_REPORTS_STORE_H

#include <sqlite3.h>

#include "../base/bytes.h"
#include "../base/error.h"

enum am_report_statement {
    AM_REPORT_BEGIN,
    AM_REPORT_COMMIT,
    AM_REPORT_ROLLBACK,
    AM_REPORT_POSITIONS,
    AM_REPORT_POSITION_PUT,
    AM_REPORT_STATE,
    AM_REPORT_STATE_PUT,
    AM_REPORT_SUBJECT,
    AM_REPORT_SUBJECT_PUT,
    AM_REPORT_HOUR_ADD,
    AM_REPORT_OUTCOME_ADD,
    AM_REPORT_SEEN_PUT,
    AM_REPORT_TERM,
    AM_REPORT_TERM_OF,
    AM_REPORT_TERM_PUT,
    AM_REPORT_TERM_ADD,
    AM_REPORT_DAY,
    AM_REPORT_DAY_PUT,
    AM_REPORT_PLACES,
    AM_REPORT_PLACES_PUT,
    AM_REPORT_PLACES_PRUNE,
    AM_REPORT_HOURLY_PRUNE,
    AM_REPORT_OUTCOMES_PRUNE,
    AM_REPORT_TERMS_PRUNE,
    AM_REPORT_DAYS_PRUNE,
    AM_REPORT_SEEN_PRUNE,
    AM_REPORT_STATEMENTS,
};

struct am_report_store {
    sqlite3 *database;
    sqlite3_stmt *statements[AM_REPORT_STATEMENTS]; /* prepared when first used */
    char path[4096];
};

/* What a count of an hour is about: columns of the table `hourly`. */
enum am_report_sum {
    AM_REPORT_DECISIONS,
    AM_REPORT_IMPRESSIONS,
    AM_REPORT_VIEWS,
    AM_REPORT_CLICKS,
    AM_REPORT_EVENTS,
    AM_REPORT_CONVERSIONS,
    AM_REPORT_SPEND, /* nanos */
    AM_REPORT_VALUE, /* nanos, of conversions */
    AM_REPORT_LATE,
    AM_REPORT_INVALID_IMPRESSIONS,
    AM_REPORT_INVALID_CLICKS,
    AM_REPORT_UNBILLED,
    AM_REPORT_SUMS,
};

enum am_report_mode {
    AM_REPORT_READ,  /* the file must exist */
    AM_REPORT_WRITE, /* makes it where it is missing */
};

/* Opens the reports of a ledger's folder. AM_E_NOT_FOUND, AM_E_IO, AM_E_CORRUPT, AM_E_VERSION (made
 * by another version), AM_E_LIMIT (the path is too long), AM_E_MEMORY. Close it in either case. */
enum am_code am_report_store_open(struct am_report_store *store,
                                  const char *folder,
                                  enum am_report_mode mode,
                                  struct am_error *error);
/* A zeroed store is closed. */
void am_report_store_close(struct am_report_store *store);

/* Whether the file was removed or moved away, so that nobody will read what is written to it. */
bool am_report_store_is_gone(const struct am_report_store *store);

/* A statement, ready for its values; NULL with an error when it cannot be prepared. */
sqlite3_stmt *am_report_store_get(struct am_report_store *store,
                                  enum am_report_statement statement,
                                  struct am_error *error);

/* Binds numbers to the first parameters and runs a statement that yields no row. */
enum am_code am_report_store_run(struct am_report_store *store,
                                 enum am_report_statement statement,
                                 const int64_t *numbers,
                                 unsigned count,
                                 struct am_error *error);

/* Steps: *row is whether there is one. */
enum am_code am_report_store_step(struct am_report_store *store,
                                  sqlite3_stmt *statement,
                                  bool *row,
                                  struct am_error *error);

/* The error of the last call that failed, with the path. */
enum am_code am_report_store_fail(const struct am_report_store *store, struct am_error *error);

/* A text that lives until the statement has run; an empty one is '', never NULL. */
void am_report_store_bind(sqlite3_stmt *statement, int parameter, struct am_view text);

#endif
