/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation found: in JSON, and in words. */
#ifndef AM_CLI_SIMULATE_REPORT_H
#define AM_CLI_SIMULATE_REPORT_H

#include "output.h"
#include "simulate_run.h"

/* Writes the report of a finished simulation, one line of JSON: docs/PACING.md describes it.
 * AM_E_MEMORY, AM_E_IO. */
enum am_code am_cli_simulation_report(struct am_cli_simulation *simulation,
                                      const char *path,
                                      struct am_error *error);

/* A few lines for people. */
void am_cli_simulation_summary(const struct am_cli_simulation *simulation, FILE *stream);

/* What was billed in all, in nanos. */
int64_t am_cli_simulation_revenue(const struct am_cli_simulation *simulation);

#endif
