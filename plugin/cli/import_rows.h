/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table of ads to an account, with a report of what was not understood. */
#ifndef AM_CLI_IMPORT_ROWS_H
#define AM_CLI_IMPORT_ROWS_H

#include "account.h"
#include "columns.h"
#include "table.h"

enum { AM_IMPORT_MOST_CELLS = 512, AM_IMPORT_MOST_CURRENCIES = 32 };

/* How often the table names a currency. */
struct am_cli_import_currency {
    char code[AM_CURRENCY_SIZE + 1];
    uint64_t lines, amounts; /* that its column names, that have it by their sign or code */
};

struct am_cli_import {
    const char *name; /* of the file, for the report */
    struct am_cli_account account;
    struct am_cli_column_name columns[AM_IMPORT_MOST_CELLS];
    struct am_view headers[AM_IMPORT_MOST_CELLS];
    bool reported[AM_IMPORT_MOST_CELLS]; /* of an unknown column: it has been reported */
    uint32_t column_count;               /* 0: before the header */
    uint32_t rows_before;                /* rows above the header so far */
    bool has_groups;                     /* ad groups or ids: rows of one name make one ad */
    bool is_plain;                       /* no ad groups: a row is an ad of its own */
    bool comma;                          /* decimals are written with a comma */
    char currency[AM_CURRENCY_SIZE + 1]; /* of the inventory; empty: nothing names it, USD */
    struct am_view language;             /* the first that a cell or --language names */
    uint64_t problems;                   /* reported, whether printed or not */
    bool out_of_memory;
    /* Columns that mean what one before them means. */
    uint32_t rivals[AM_IMPORT_MOST_CELLS], rival_count;
    /* Of the survey: currencies by their first appearance, and amounts that name none. */
    struct am_cli_import_currency currencies[AM_IMPORT_MOST_CURRENCIES];
    uint32_t currency_count;
    uint64_t amounts_without;
    /* Of plain tables: ids, and what the last row of each said (struct am_view * in the account's
     * arena, one for each of the `parts`). */
    struct am_cli_interner identities;
    struct am_vector last;
    uint32_t parts[AM_IMPORT_MOST_CELLS], part_count; /* columns that say what an ad is like */
    struct am_vector scratch;                         /* char */
    struct am_cli_interner creatives;                 /* by group and all texts */
    /* The row being read. */
    const struct am_cli_table_row *row;
    bool understood; /* something of it */
    bool is_foreign; /* it bids in a currency that is not the inventory's, or not known */
    struct am_cli_table_row filled; /* of a plain table: with what empty cells repeat */
    struct am_view filled_cells[AM_IMPORT_MOST_CELLS];
};

/* All zero is an import without a name; then set the name and call this. */
void am_cli_import_start(struct am_cli_import *import);
void am_cli_import_free(struct am_cli_import *import);

/* Two takers of rows (am_cli_table_take); `import` is a struct am_cli_import. The survey, where no
 * option names the currency, sees all rows before the first one is read. */
bool am_cli_import_survey_row(void *import, const struct am_cli_table_row *row);
bool am_cli_import_row(void *import, const struct am_cli_table_row *row);

/* After the survey: the inventory's currency is the one that most lines name in a column of it,
 * else the one that most amounts have, if more have it than none. */
void am_cli_import_settle_currency(struct am_cli_import *import);

bool am_cli_import_has_column(const struct am_cli_import *import, enum am_cli_column column);

/* A line of the report about the whole file: printed and counted. */
void am_cli_import_remark(struct am_cli_import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
