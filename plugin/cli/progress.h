/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on standard error, shown only on a terminal. */
#ifndef AM_CLI_PROGRESS_H
#define AM_CLI_PROGRESS_H

#include "../base/bytes.h"

struct am_cli_progress {
    bool shown;
    double started;
    double drawn; /* when it was last drawn */
};

/* Starts the clock; draws nothing yet, so that short work shows no bar. */
void am_cli_progress_start(struct am_cli_progress *progress);

/* An am_inventory_progress (inventory.h) on a struct am_cli_progress. */
void am_cli_progress_report(void *progress,
                            uint64_t bytes_done,
                            uint64_t bytes_total,
                            uint64_t records);

/* Replaces the bar by a word on what is being done now, or by nothing ("") at the end. */
void am_cli_progress_stage(struct am_cli_progress *progress, const char *what);

#endif
