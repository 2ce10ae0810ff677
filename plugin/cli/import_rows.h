/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table of ads to an account, with a report of what was not understood. */
#ifndef AM_CLI_IMPORT_ROWS_H
#define AM_CLI_IMPORT_ROWS_H

#include "account.h"
#include "columns.h"
#include "table.h"

enum { AM_IMPORT_MOST_CELLS = 512 };

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
    char currency[4];                    /* the first that a cell or --currency names; or empty */
    struct am_view language;             /* the same of --language */
    uint64_t problems;                   /* reported, whether printed or not */
    bool out_of_memory;
    struct am_cli_interner identities; /* of plain tables: ids */
    struct am_vector last;             /* struct am_cli_import_identity, by id */
    const struct am_cli_table_row *row;
    bool understood; /* something of the row */
};

/* Of a plain table: what the last row of an id said. Empty cells repeat it. */
enum { AM_IMPORT_IDENTITY_PARTS = 10 };
struct am_cli_import_identity {
    struct am_view parts[AM_IMPORT_IDENTITY_PARTS];
    bool is_known; /* a row has been read */
};

/* All zero is an import without a name; then set the name and call this. */
void am_cli_import_start(struct am_cli_import *import);
void am_cli_import_free(struct am_cli_import *import);

/* An am_cli_table_take; `import` is a struct am_cli_import. */
bool am_cli_import_row(void *import, const struct am_cli_table_row *row);

bool am_cli_import_has_column(const struct am_cli_import *import, enum am_cli_column column);

/* A line of the report about the whole file: printed and counted. */
void am_cli_import_remark(struct am_cli_import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
