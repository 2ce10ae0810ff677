/* SPDX-License-Identifier: Apache-2.0 */
/* Rolling up the event log: each of its lines is counted once in DIR/reports.sqlite, whatever is
 * killed when, since counts and the positions that they reach are one transaction.
 *
 *     lane 0   ...........decisions read......|>
 *     lane 1   ........decisions read....|>          each round: decisions up to the end, then
 *     lane 0   ....events read....|->                events up to where decisions had ended a round
 *     lane 1   ..events read.|->                     before, so each event finds its decision
 *
 * Lines of decisions wait for a tenth of a second in the memory of a worker, so a
 * round begins a second after the newest line that was read. Older parts of the log are read an
 * hour a round.
 *
 * Any process that may write to the folder, one thread for each roll-up; several at once take
 * turns. Not for threads that serve: a round waits for disks and takes seconds where there is much
 * to read. */
#ifndef AM_REPORTS_ROLLUP_H
#define AM_REPORTS_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/error.h"

enum {
    AM_REPORT_HOURLY_DAYS = 400,
    AM_REPORT_TERM_DAYS = 35,
    AM_REPORT_TERMS_DEFAULT = 1000000, /* a day */
    AM_REPORT_TERMS_MOST = 10000000,
};

struct am_report_rollup;

/* Opens or makes the reports of the ledger's folder. `terms` is the most search terms of a day.
 * AM_E_IO, AM_E_CORRUPT, AM_E_VERSION, AM_E_LIMIT, AM_E_MEMORY. */
enum am_code am_report_rollup_open(const char *folder,
                                   uint64_t terms,
                                   struct am_report_rollup **rollup,
                                   struct am_error *error);
void am_report_rollup_close(struct am_report_rollup *rollup); /* NULL is fine */

struct am_report_round {
    uint64_t lines; /* that this round has read, decisions or events */
    uint64_t gone;  /* files that were removed before they had been read to their ends */
    bool ended;     /* decisions were read to the log's end */
    bool more;      /* another round has something to count now */
};

/* One round; waits for up to a second when the newest line is younger. When it fails, or the
 * process dies, nothing has changed. AM_E_IO, AM_E_CORRUPT, AM_E_MEMORY. */
enum am_code am_report_rollup_round(struct am_report_rollup *rollup,
                                    struct am_report_round *round,
                                    struct am_error *error);

/* Removes what is too old at `now` (seconds). Only while the clock can be trusted. */
enum am_code
am_report_rollup_prune(struct am_report_rollup *rollup, int64_t now, struct am_error *error);

#endif
