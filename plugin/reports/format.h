/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as text: a table for people, JSON for programs, CSV for spreadsheets. Thread rule: no
 * shared state. */
#ifndef AM_REPORTS_FORMAT_H
#define AM_REPORTS_FORMAT_H

#include "query.h"

enum am_report_format { AM_REPORT_TABLE, AM_REPORT_JSON, AM_REPORT_CSV, AM_REPORT_FORMATS };
/* "table", ...; AM_REPORT_FORMATS for none. */
enum am_report_format am_report_format_of(struct am_view name);

/* Takes the text piece by piece. False ends it. */
typedef bool am_report_write(void *context, struct am_view text);

/* Runs a query and writes it. JSON and tables of deliveries end with the sum of all.
 *
 * CSV is RFC 4180 with a byte order mark, by which spreadsheets know UTF-8. A text that begins like
 * a formula (= + - @ or a control character) gets an apostrophe in front, so that no keyword or
 * search term is executed. JSON has numbers as numbers; ids, keywords and terms are not changed.
 * Errors as am_report_run has them; AM_E_CHANGED when `write` ended it. */
enum am_code am_report_print(struct am_report_reader *reader,
                             const struct am_report_query *query,
                             enum am_report_format format,
                             am_report_write *write,
                             void *context,
                             struct am_error *error);

#endif
