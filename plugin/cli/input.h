/* SPDX-License-Identifier: Apache-2.0 */
/* Input files, plain or gzip, "-" for standard input: whole, or line by line with bounded memory.
 */
#ifndef AM_CLI_INPUT_H
#define AM_CLI_INPUT_H

#include "../base/bytes.h"
#include "../base/error.h"

struct am_cli_input; /* one open file */

/* `longest`: bytes of the longest line, or whole file, that is given in full. AM_E_IO, AM_E_MEMORY.
 */
enum am_code am_cli_input_open(const char *path,
                               size_t longest,
                               struct am_cli_input **input,
                               struct am_error *error);
void am_cli_input_close(struct am_cli_input *input); /* NULL is fine */

/* The next line without its newline; valid until the next call. Of a line longer than `longest`,
 * its first longest + 1 bytes: whoever has the same limit then sees that it is exceeded. At the end
 * of the file, AM_OK and a line whose `data` is NULL. AM_E_IO, AM_E_SYNTAX (damaged gzip). */
enum am_code
am_cli_input_line(struct am_cli_input *input, struct am_view *line, struct am_error *error);

/* All of the file, or its first longest + 1 bytes. Call it once, instead of am_cli_input_line. */
enum am_code
am_cli_input_whole(struct am_cli_input *input, struct am_view *text, struct am_error *error);

#endif
