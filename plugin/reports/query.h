/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: what the roll-ups hold, summed up by what is asked for. Any process that may read the
 * ledger's folder; a reader is used by one thread at a time, beside a roll-up. */
#ifndef AM_REPORTS_QUERY_H
#define AM_REPORTS_QUERY_H

#include "../base/bytes.h"
#include "../base/error.h"
#include "../base/timezone.h"

enum am_report_dimension {
    AM_REPORT_BY_ADVERTISER,
    AM_REPORT_BY_CAMPAIGN,
    AM_REPORT_BY_AD,
    AM_REPORT_BY_KEYWORD,
    AM_REPORT_BY_MATCH,
    AM_REPORT_BY_MONTH,
    AM_REPORT_BY_DAY,
    AM_REPORT_BY_HOUR,
    AM_REPORT_DIMENSIONS,
};
/* "advertiser", ... */
const char *am_report_dimension_name(enum am_report_dimension dimension);
/* AM_REPORT_DIMENSIONS for none. */
enum am_report_dimension am_report_dimension_of(struct am_view name);

enum am_report_kind {
    AM_REPORT_DELIVERY, /* impressions, clicks, spend ... */
    AM_REPORT_OUTCOMES, /* events by outcome: what did not count and why */
    AM_REPORT_TERMS,    /* search terms */
};

enum { AM_REPORT_ONLY = AM_REPORT_BY_AD + 1 };
struct am_report_query {
    enum am_report_kind kind;
    enum am_report_dimension by[AM_REPORT_DIMENSIONS]; /* not of terms */
    uint32_t by_count;                                 /* 0: one row, of all */
    int64_t from, to; /* seconds, [from, to); hours, of terms days in UTC, that begin there */
    struct am_view only[AM_REPORT_ONLY]; /* advertiser, campaign, ad; no data: all */
    const struct am_timezone *zone;      /* of months, days and hours; NULL: UTC */
    int64_t least; /* impressions of a search term in all; what has fewer becomes "(rare)" */
};

enum { AM_REPORT_COLUMNS = 32 };
struct am_report_column {
    const char *name;
    bool text; /* else a number */
};
struct am_report_columns {
    struct am_report_column items[AM_REPORT_COLUMNS];
    uint32_t count;
};

/* A row's cells as text, numbers with a decimal point; no data: there is no value (a division by
 * zero). Valid during the call. False ends the report. */
typedef bool am_report_take(void *context, const struct am_view cells[AM_REPORT_COLUMNS]);

struct am_report_reader;

/* AM_E_NOT_FOUND: there are no reports. AM_E_IO, AM_E_CORRUPT, AM_E_VERSION, AM_E_LIMIT. */
enum am_code
am_report_reader_open(const char *folder, struct am_report_reader **reader, struct am_error *error);
void am_report_reader_close(struct am_report_reader *reader); /* NULL is fine */

/* How far the log is counted. */
struct am_report_state {
    int64_t newest; /* time of the newest line, seconds; INT64_MIN: there is none */
    int64_t lines, unreadable;
    int64_t gone; /* files that were removed before they were counted to their ends */
};
enum am_code am_report_reader_state(struct am_report_reader *reader,
                                    struct am_report_state *state,
                                    struct am_error *error);

/* The columns that a query yields. */
void am_report_columns_of(const struct am_report_query *query, struct am_report_columns *columns);

/* Runs a query; rows in the order of what it is by, terms by impressions. AM_E_INVALID: the zone is
 * no whole number of hours from UTC. AM_E_IO, AM_E_CORRUPT, AM_E_MEMORY; AM_E_CHANGED when `take`
 * ended it. */
enum am_code am_report_run(struct am_report_reader *reader,
                           const struct am_report_query *query,
                           am_report_take *take,
                           void *context,
                           struct am_error *error);

#endif
