/* SPDX-License-Identifier: Apache-2.0 */
#include "import_rows.h"

#include <stdio.h>

#include "../inventory/meant.h"
#include "import_parts.h"

enum { MOST_ROWS_BEFORE = 20 };

void am_cli_import_start(struct am_cli_import *import) {
    import->account = am_cli_account_new();
    import->identities = (struct am_cli_interner){.arena = AM_ARENA_EMPTY};
    import->creatives = (struct am_cli_interner){.arena = AM_ARENA_EMPTY};
    import->last = AM_VECTOR_OF(struct am_view *);
    import->scratch = AM_VECTOR_OF(char);
}

void am_cli_import_free(struct am_cli_import *import) {
    am_cli_account_free(&import->account);
    am_cli_interner_free(&import->identities);
    am_cli_interner_free(&import->creatives);
    am_vector_free(&import->last);
    am_vector_free(&import->scratch);
}

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Reports cells of columns that have no meaning here, once per column. */
static void report_unknown(struct am_cli_import *import, const struct am_cli_table_row *row) {
    for (uint32_t i = 0; i < row->count; i++) {
        struct am_view cell = row->cells[i];
        if (am_cli_import_is_empty(cell) ||
            (i < import->column_count && (import->columns[i].column || import->reported[i])))
            continue;
        if (i >= import->column_count) {
            am_cli_import_report(import, "a cell beyond the last column", cell, "");
            continue;
        }
        import->reported[i] = true;
        am_cli_import_report(import, "column not understood", import->headers[i],
                             ", it has no effect");
    }
}

static struct am_view first_cell(const struct am_cli_table_row *row) {
    uint32_t i = 0;
    while (i + 1 < row->count && row->cells[i].size == 0)
        i++;
    return row->cells[i];
}

/* Reports end with sums: a line that begins with "Total:", and that has no keyword. */
static bool is_total(const struct am_cli_import *import) {
    struct am_view first = first_cell(import->row);
    struct am_view keyword = am_cli_import_cell(import, AM_COLUMN_KEYWORD);
    if (!am_cli_cell_begins(first, "total:") || am_cli_import_has_cell(import, AM_COLUMN_KEYWORDS))
        return false;
    return keyword.size == 0 ||
           (keyword.data == first.data && !am_cli_import_has_cell(import, AM_COLUMN_GROUP) &&
            !am_cli_import_has_cell(import, AM_COLUMN_ID) &&
            !am_cli_import_has_cell(import, AM_COLUMN_URL));
}

static struct am_view name_of(struct am_cli_import *import) {
    char name[32];
    if (import->has_groups)
        return am_cli_import_cell(import, import->is_plain ? AM_COLUMN_ID : AM_COLUMN_GROUP);
    if (!am_cli_import_has_cell(import, AM_COLUMN_KEYWORD) &&
        !am_cli_import_has_cell(import, AM_COLUMN_KEYWORDS))
        return (struct am_view){"", 0};
    snprintf(name, sizeof name, "line %u", import->row->line);
    return am_cli_import_keep(import, am_view_of(name));
}

/* The campaign's line, or one of its negative keywords. */
static bool read_campaign_row(struct am_cli_import *import, struct am_view name, bool is_alone) {
    struct am_cli_campaign *campaign = am_cli_account_campaign(&import->account, name);
    if (!campaign)
        return false;
    am_cli_import_read_campaign(import, campaign,
                                is_alone && !am_cli_import_has_cell(import, AM_COLUMN_KEYWORD));
    if (is_alone)
        am_cli_import_read_campaign_keyword(import, campaign);
    return true;
}

static bool
read_group_row(struct am_cli_import *import, struct am_view campaign, struct am_view name) {
    struct am_view variant = {"", 0};
    if (import->is_plain && import->has_groups) {
        variant = am_cli_import_variant(import, campaign, name);
        if (!variant.data)
            return false;
    }
    struct am_cli_group *group = am_cli_account_group(&import->account, campaign, name, variant);
    if (!group)
        return false;
    if (campaign.size == 0 && am_cli_import_has_column(import, AM_COLUMN_CAMPAIGN))
        am_cli_import_report(import, "no campaign in this line, it makes an ad without one", name,
                             "");
    am_cli_import_read_currency(import);
    am_cli_import_report_rivals(import);
    am_cli_import_read_group(import, group);
    return true;
}

/* A name that a formula should have made: whose line it is, is not known. */
static bool has_bad_name(struct am_cli_import *import, struct am_view campaign, struct am_view id) {
    struct am_view bad = am_inventory_is_spreadsheet_error(campaign) ? campaign : id;
    if (!am_inventory_is_spreadsheet_error(bad))
        return false;
    am_cli_import_report(import, "line left out, its name is an error of a spreadsheet", bad, "");
    return true;
}

static bool read_row(struct am_cli_import *import) {
    const struct am_cli_table_row *row = import->row;
    struct am_view campaign = am_cli_import_cell(import, AM_COLUMN_CAMPAIGN);
    struct am_view name = name_of(import);
    if (is_total(import)) {
        am_cli_import_report(import, "a line of totals, left out", first_cell(row), "");
        return true;
    }
    if (has_bad_name(import, campaign, name))
        return true;
    import->understood = false;
    am_cli_import_read_language(import);
    if (campaign.size && !read_campaign_row(import, campaign, name.size == 0))
        return false;
    if (name.size && !read_group_row(import, campaign, name))
        return false;
    report_unknown(import, row);
    if (!import->understood)
        am_cli_import_report(import, "nothing understood in this line", first_cell(row), "");
    return !import->out_of_memory;
}

/* ---- the header -------------------------------------------------------------------------------
 */

bool am_cli_import_has_column(const struct am_cli_import *import, enum am_cli_column column) {
    for (uint32_t i = 0; i < import->column_count; i++)
        if (import->columns[i].column == column)
            return true;
    return false;
}

/* Whether a column before means the same. */
static bool is_rival(const struct am_cli_import *import, uint32_t index) {
    struct am_cli_column_name name = import->columns[index];
    for (uint32_t i = 0; i < index && name.column != AM_COLUMN_UNKNOWN; i++)
        if (import->columns[i].column == name.column && import->columns[i].number == name.number)
            return true;
    return false;
}

static void read_names(struct am_cli_import *import, uint32_t count) {
    import->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        import->headers[i] = am_cli_import_keep(import, import->row->cells[i]);
        import->columns[i] = am_cli_column_of(import->headers[i]);
    }
    import->is_plain = !am_cli_import_has_column(import, AM_COLUMN_GROUP);
    import->has_groups = !import->is_plain || am_cli_import_has_column(import, AM_COLUMN_ID);
    for (uint32_t i = 0; i < count && !import->is_plain; i++)
        if (import->columns[i].column == AM_COLUMN_ID) /* of a place, in Google Ads Editor */
            import->columns[i].column = AM_COLUMN_UNKNOWN;
    import->rival_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_rival(import, i))
            import->rivals[import->rival_count++] = i;
    am_cli_import_list_parts(import);
}

/* Web reports have a title and a span of days above it. False: the row is one of those. */
static bool read_header(struct am_cli_import *import) {
    const struct am_cli_table_row *row = import->row;
    if (!am_cli_columns_known(row->cells, row->count) && ++import->rows_before <= MOST_ROWS_BEFORE)
        return false;
    read_names(import, row->count < AM_IMPORT_MOST_CELLS ? row->count : AM_IMPORT_MOST_CELLS);
    return true;
}

bool am_cli_import_row(void *context, const struct am_cli_table_row *row) {
    struct am_cli_import *import = context;
    import->row = row;
    if (import->column_count)
        return read_row(import);
    if (!read_header(import))
        am_cli_import_report(import, "before the line of column names, left out", first_cell(row),
                             "");
    return !import->out_of_memory;
}

bool am_cli_import_survey_row(void *context, const struct am_cli_table_row *row) {
    struct am_cli_import *import = context;
    import->row = row;
    if (import->column_count)
        am_cli_import_survey_cells(import);
    else
        read_header(import);
    return !import->out_of_memory;
}
