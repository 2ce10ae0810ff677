/* SPDX-License-Identifier: Apache-2.0 */
/* Reading lines of the event log: a scan for the members that are known, which builds no
 * values. It accepts what the log's writer writes and refuses what no
 * JSON object on one line can be; it is no validator. Thread rule: no shared state. */
#ifndef AM_EVENTS_SCAN_H
#define AM_EVENTS_SCAN_H

#include "../base/error.h"
#include "line.h"

/* Members of lines, and of the objects inside them; docs/LOG.md says which line has which. */
enum am_journal_member {
    AM_JOURNAL_M_T,
    AM_JOURNAL_M_E,
    AM_JOURNAL_M_N,
    AM_JOURNAL_M_ID,
    AM_JOURNAL_M_AD,
    AM_JOURNAL_M_ADS,
    AM_JOURNAL_M_ADVERTISER,
    AM_JOURNAL_M_AFTER,
    AM_JOURNAL_M_BILLABLE,
    AM_JOURNAL_M_CAMPAIGN,
    AM_JOURNAL_M_CELLS,
    AM_JOURNAL_M_CHANGE,
    AM_JOURNAL_M_CLICKS,
    AM_JOURNAL_M_COUNT,
    AM_JOURNAL_M_CUT,
    AM_JOURNAL_M_DAY,
    AM_JOURNAL_M_FIELD,
    AM_JOURNAL_M_FILLED,
    AM_JOURNAL_M_FROM,
    AM_JOURNAL_M_GENERATION,
    AM_JOURNAL_M_IMPRESSIONS,
    AM_JOURNAL_M_KEYWORD,
    AM_JOURNAL_M_KIND,
    AM_JOURNAL_M_LAST,
    AM_JOURNAL_M_LATE,
    AM_JOURNAL_M_LIMITED,
    AM_JOURNAL_M_LINES,
    AM_JOURNAL_M_MATCH,
    AM_JOURNAL_M_NAME,
    AM_JOURNAL_M_ORDER,
    AM_JOURNAL_M_PACE,
    AM_JOURNAL_M_PART,
    AM_JOURNAL_M_POSITION,
    AM_JOURNAL_M_POSITIONS,
    AM_JOURNAL_M_PRICE,
    AM_JOURNAL_M_PRICING,
    AM_JOURNAL_M_QUERY,
    AM_JOURNAL_M_REASON,
    AM_JOURNAL_M_REQUEST,
    AM_JOURNAL_M_SIDE,
    AM_JOURNAL_M_SLOT,
    AM_JOURNAL_M_SLOTS,
    AM_JOURNAL_M_SPEND,
    AM_JOURNAL_M_TIMEZONE,
    AM_JOURNAL_M_TODAY,
    AM_JOURNAL_M_VALUE,
    AM_JOURNAL_MEMBERS,
};

/* Values as they are written, a string with its quotes; empty where a member is missing. Of a
 * member that stands twice, the last. The views are of the line. */
struct am_journal_record {
    struct am_view values[AM_JOURNAL_MEMBERS];
};

/* Scans one object: a line without its newline, or an item of am_journal_item. False when it is
 * none; the record then holds nothing of use. */
bool am_journal_scan(struct am_view object, struct am_journal_record *record);

/* The next item of an array as it is written ("ads", "cells", "positions"). *at begins at 0. False
 * at the end. `array` must come out of am_journal_scan. */
bool am_journal_item(struct am_view array, size_t *at, struct am_view *item);

/* The text of a string as it is written. When nothing in it is escaped, a view of it; else decoded
 * into `memory`, which needs value.size bytes. Empty for anything but a string. */
struct am_view am_journal_text(struct am_view value, char *memory);

/* A whole number from 0 on; false for anything else. */
bool am_journal_unsigned(struct am_view value, uint64_t *number);

/* A decimal in nanos; false for anything else. */
bool am_journal_money(struct am_view value, int64_t *nanos);

static inline bool am_journal_true(struct am_view value) {
    return value.size == 4 && memcmp(value.data, "true", 4) == 0;
}

#endif
