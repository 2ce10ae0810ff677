/* SPDX-License-Identifier: Apache-2.0 */
/* Where answers go: standard output or a file, through a large buffer. */
#ifndef AM_CLI_OUTPUT_H
#define AM_CLI_OUTPUT_H

#include "../base/bytes.h"
#include "../base/error.h"

#include <stdio.h>

struct am_cli_output {
    FILE *stream;
    const char *name;
    int error; /* errno of the first write that failed; 0: none */
};

/* `path` NULL or "-": standard output. Only one output may be open at a time. AM_E_IO. */
enum am_code
am_cli_output_open(const char *path, struct am_cli_output *output, struct am_error *error);

/* One line. False when writing failed or the reader is gone: stop, and am_cli_output_close reports
 * it. */
bool am_cli_output_line(struct am_cli_output *output, struct am_view line);

/* A piece of text, likewise. */
bool am_cli_output_text(struct am_cli_output *output, struct am_view text);

/* Flushes and closes. AM_E_IO when anything was lost, except to a reader that has closed its end.
 */
enum am_code am_cli_output_close(struct am_cli_output *output, struct am_error *error);

#endif
