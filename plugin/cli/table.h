/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as spreadsheets write them: fields separated by commas, semicolons, tabs or bars. */
#ifndef AM_CLI_TABLE_H
#define AM_CLI_TABLE_H

#include "../base/bytes.h"
#include "../base/error.h"

struct am_cli_table_row {
    const struct am_view *cells; /* without white space at their ends; live until the next row */
    uint32_t count;
    uint32_t line; /* where it begins, from 1 */
};

/* Receives one row. False stops the reading, which then fails with AM_E_MEMORY. */
typedef bool am_cli_table_take(void *context, const struct am_cli_table_row *row);

struct am_cli_table_form {
    const char *name; /* of the file, for messages */
    char delimiter;
    bool quotes; /* cells may be in quotes; else a quote is a character like others */
};

/* How a text is written. What separates the fields is what "sep=" names, as Excel writes it; else
 * the candidate that makes one of the first lines a header that is understood best; else the one
 * that a line has most often. Quotes are characters in a table with tabs that does not quote. */
struct am_cli_table_form am_cli_table_form_of(struct am_view text, const char *name);

/* Passes the rows that are not empty, in order. `text` is UTF-8. AM_E_MEMORY; AM_E_SYNTAX where a
 * field's quotes are not closed, or in the midst of it. */
enum am_code am_cli_table_read(struct am_view text,
                               const struct am_cli_table_form *form,
                               am_cli_table_take *take,
                               void *context,
                               struct am_error *error);

#endif
