/* SPDX-License-Identifier: Apache-2.0 */
#include "import_parts.h"

#include <stdarg.h>
#include <stdio.h>

enum { MOST_PRINTED = 1000 };

/* ---- the report -------------------------------------------------------------------------------
 */

void am_cli_import_report(struct am_cli_import *import,
                          const char *what,
                          struct am_view cell,
                          const char *why) {
    if (import->problems++ < MOST_PRINTED)
        fprintf(stderr, "%s:%u: %s: \"%.*s\"%s\n", import->name, import->row->line, what,
                AM_VIEW_ARGUMENTS(cell), why);
}

void am_cli_import_remark(struct am_cli_import *import, const char *format, ...) {
    va_list arguments;
    if (import->problems++ >= MOST_PRINTED)
        return;
    fprintf(stderr, "%s: ", import->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- cells of the row -------------------------------------------------------------------------
 */

bool am_cli_import_is_empty(struct am_view cell) {
    return cell.size == 0 || am_cli_cell_is(cell, "--") || am_cli_cell_is(cell, "[]");
}

struct am_view am_cli_import_cell_number(const struct am_cli_import *import,
                                         enum am_cli_column column,
                                         uint32_t number) {
    for (uint32_t i = 0; i < import->row->count && i < import->column_count; i++)
        if (import->columns[i].column == column && import->columns[i].number == number &&
            !am_cli_import_is_empty(import->row->cells[i]))
            return import->row->cells[i];
    return (struct am_view){"", 0};
}

struct am_view am_cli_import_cell(const struct am_cli_import *import, enum am_cli_column column) {
    return am_cli_import_cell_number(import, column, 0);
}

bool am_cli_import_has_cell(const struct am_cli_import *import, enum am_cli_column column) {
    return am_cli_import_cell(import, column).size > 0;
}

struct am_view am_cli_import_next_cell(const struct am_cli_import *import,
                                       enum am_cli_column column,
                                       uint32_t *index) {
    while (*index < import->row->count && *index < import->column_count) {
        uint32_t i = (*index)++;
        if (import->columns[i].column == column && !am_cli_import_is_empty(import->row->cells[i]))
            return import->row->cells[i];
    }
    return (struct am_view){"", 0};
}

struct am_view am_cli_import_keep(struct am_cli_import *import, struct am_view text) {
    struct am_view kept = am_arena_copy(&import->account.arena, text);
    import->out_of_memory |= !kept.data;
    return kept;
}

void am_cli_import_push(struct am_cli_import *import, struct am_vector *vector, const void *item) {
    import->out_of_memory |= !am_vector_push(vector, item);
}

/* ---- several columns of one meaning -----------------------------------------------------------
 */

static bool is_same_amount(const struct am_cli_import *import, struct am_view a, struct am_view b) {
    struct am_cli_money one, other;
    return am_cli_cell_money(a, import->comma, &one) == AM_CELL_READ &&
           am_cli_cell_money(b, import->comma, &other) == AM_CELL_READ &&
           one.micros == other.micros;
}

static bool is_status(enum am_cli_column column) {
    return column == AM_COLUMN_STATUS || column == AM_COLUMN_GROUP_STATUS ||
           column == AM_COLUMN_CAMPAIGN_STATUS;
}

static bool is_bid(enum am_cli_column column) {
    return column == AM_COLUMN_BID || column == AM_COLUMN_GROUP_BID || column == AM_COLUMN_CPM;
}

static bool means_the_same(const struct am_cli_import *import,
                           enum am_cli_column column,
                           struct am_view a,
                           struct am_view b) {
    enum am_cli_status one, other;
    if (is_status(column) && am_cli_cell_status(a, &one) && am_cli_cell_status(b, &other))
        return one == other;
    return am_view_equal(a, b) || (is_bid(column) && is_same_amount(import, a, b));
}

/* The cell of a rival column that says something else than the first one; .size 0: it does not. */
static struct am_view rival_cell(const struct am_cli_import *import, uint32_t index) {
    static const struct am_view none = {"", 0};
    enum am_cli_column column = import->columns[index].column;
    if (index >= import->row->count || am_cli_import_is_empty(import->row->cells[index]))
        return none;
    struct am_view cell = import->row->cells[index];
    struct am_view first = am_cli_import_cell_number(import, column, import->columns[index].number);
    return means_the_same(import, column, first, cell) ? none : cell;
}

bool am_cli_import_is_contradicted(const struct am_cli_import *import, enum am_cli_column column) {
    for (uint32_t i = 0; i < import->rival_count; i++)
        if (import->columns[import->rivals[i]].column == column &&
            rival_cell(import, import->rivals[i]).size)
            return true;
    return false;
}

static const char *settled_by(enum am_cli_column column) {
    switch (column) {
    case AM_COLUMN_STATUS:
    case AM_COLUMN_GROUP_STATUS:
    case AM_COLUMN_CAMPAIGN_STATUS:
        return ", the strictest counts";
    case AM_COLUMN_BID:
    case AM_COLUMN_GROUP_BID:
    case AM_COLUMN_CPM:
    case AM_COLUMN_CURRENCY:
    case AM_COLUMN_PRICING:
    case AM_COLUMN_START:
    case AM_COLUMN_END:
    case AM_COLUMN_COUNTRY:
    case AM_COLUMN_SIZE:
        return ", none of them counts: the keyword is left out, or the ad is paused";
    case AM_COLUMN_MATCH:
        return ", negative if one of them says so, else the first counts";
    default:
        return ", the first counts";
    }
}

void am_cli_import_report_rivals(struct am_cli_import *import) {
    for (uint32_t i = 0; i < import->rival_count; i++) {
        enum am_cli_column column = import->columns[import->rivals[i]].column;
        struct am_view cell = rival_cell(import, import->rivals[i]);
        if (cell.size && column != AM_COLUMN_KEYWORDS && column != AM_COLUMN_NEGATIVE &&
            column != AM_COLUMN_LABELS)
            am_cli_import_report(import, "two columns of one meaning differ", cell,
                                 settled_by(column));
    }
}

/* ---- values -----------------------------------------------------------------------------------
 */

void am_cli_import_read_status(struct am_cli_import *import,
                               enum am_cli_column column,
                               enum am_cli_status *status) {
    struct am_view cell;
    for (uint32_t index = 0; (cell = am_cli_import_next_cell(import, column, &index)).size;) {
        enum am_cli_status read;
        if (!am_cli_cell_status(cell, &read))
            am_cli_import_report(import, "status not understood", cell, ", read as paused");
        if (read > *status)
            *status = read;
    }
}

bool am_cli_import_read_day(struct am_cli_import *import,
                            enum am_cli_column column,
                            struct am_view *time) {
    struct am_view cell = am_cli_import_cell(import, column);
    char text[AM_CELL_TIME_SIZE];
    if (cell.size == 0)
        return true;
    if (am_cli_import_is_contradicted(import, column))
        return false;
    switch (am_cli_cell_day(cell, column == AM_COLUMN_END, text)) {
    case AM_CELL_READ:
        *time = am_cli_import_keep(import, am_view_of(text));
        return true;
    case AM_CELL_AMBIGUOUS:
        am_cli_import_report(import, "date not understood", cell,
                             ", day or month first? Expected one like 2026-11-30; read as paused");
        return false;
    default:
        am_cli_import_report(import, "date not understood", cell,
                             ", expected one like 2026-11-30; read as paused");
        return false;
    }
}

void am_cli_import_read_items(struct am_cli_import *import,
                              struct am_view cell,
                              struct am_vector *items) {
    while (cell.size) {
        struct am_view item = am_cli_cell_item(&cell);
        if (item.size == 0)
            continue;
        item = am_cli_import_keep(import, item);
        am_cli_import_push(import, items, &item);
    }
}
