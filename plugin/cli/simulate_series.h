/* SPDX-License-Identifier: Apache-2.0 */
/* What every budget had used, and its line, at each quarter of an hour of a simulation: CSV that
 * can be plotted. One thread. */
#ifndef AM_CLI_SIMULATE_SERIES_H
#define AM_CLI_SIMULATE_SERIES_H

#include <stdio.h>

#include "simulate_run.h"

struct am_cli_series {
    FILE *stream;
    const char *path;
};

/* Makes the file, with its header. AM_E_IO. */
enum am_code
am_cli_series_open(struct am_cli_series *series, const char *path, struct am_error *error);

/* Of am_cli_simulation_options.watch; `context` is the series. */
void am_cli_series_write(void *context, const struct am_delivery_private *opened, int64_t now);

/* AM_E_IO: something was not written. */
enum am_code am_cli_series_close(struct am_cli_series *series, struct am_error *error);

#endif
