/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of plain tables: a row is an ad. Rows of one id that say the same of it make one ad with the
 * keywords of all; one that says something else makes a second ad, so that nothing is mixed. */
#include "import_parts.h"

/* Whether the column says what is served, where, when, and for how much; not which keywords find
 * it. */
static bool is_part(enum am_cli_column column) {
    switch (column) {
    case AM_COLUMN_UNKNOWN:
    case AM_COLUMN_CAMPAIGN:
    case AM_COLUMN_CAMPAIGN_STATUS:
    case AM_COLUMN_GROUP:
    case AM_COLUMN_ID:
    case AM_COLUMN_LANGUAGE:
    case AM_COLUMN_KEYWORD:
    case AM_COLUMN_KEYWORDS:
    case AM_COLUMN_MATCH:
    case AM_COLUMN_NEGATIVE:
        return false;
    default:
        return true;
    }
}

void am_cli_import_list_parts(struct am_cli_import *import) {
    import->part_count = 0;
    for (uint32_t i = 0; i < import->column_count; i++)
        if (is_part(import->columns[i].column))
            import->parts[import->part_count++] = i;
}

/* Beside a keyword these are the keyword's own. */
static bool is_of_keyword(enum am_cli_column column) {
    return column == AM_COLUMN_BID || column == AM_COLUMN_STATUS || column == AM_COLUMN_CURRENCY;
}

static bool append(struct am_vector *key, struct am_view text) {
    char *place = am_vector_extend(key, sizeof text.size + text.size);
    if (!place)
        return false;
    memcpy(place, &text.size, sizeof text.size);
    if (text.size)
        memcpy(place + sizeof text.size, text.data, text.size);
    return true;
}

/* What the last row of the id said; NULL when memory runs out. *is_first: there was none. */
static struct am_view *
last_of(struct am_cli_import *import, struct am_view campaign, struct am_view id, bool *is_first) {
    struct am_vector *key = &import->scratch;
    key->count = 0;
    if (!append(key, campaign) || !append(key, id))
        return NULL;
    uint32_t number =
        am_cli_interner_number(&import->identities, (struct am_view){key->data, key->count});
    if (number == UINT32_MAX)
        return NULL;
    *is_first = number == import->last.count;
    if (*is_first) {
        size_t size = (import->part_count + 1) * sizeof(struct am_view);
        struct am_view *last = am_arena_take(&import->account.arena, size);
        if (!last || !am_vector_push(&import->last, &last))
            return NULL;
        for (uint32_t i = 0; i < import->part_count; i++)
            last[i] = (struct am_view){"", 0};
    }
    return *AM_VECTOR_AT(&import->last, struct am_view *, number);
}

static void fill_row(struct am_cli_import *import) {
    const struct am_cli_table_row *row = import->row;
    for (uint32_t i = 0; i < import->column_count; i++)
        import->filled_cells[i] = i < row->count ? row->cells[i] : (struct am_view){"", 0};
    import->filled =
        (struct am_cli_table_row){import->filled_cells, import->column_count, row->line};
    import->row = &import->filled;
}

struct am_view
am_cli_import_variant(struct am_cli_import *import, struct am_view campaign, struct am_view id) {
    static const struct am_view none = {NULL, 0};
    bool is_first, keyword = am_cli_import_has_cell(import, AM_COLUMN_KEYWORD);
    const char *differs = NULL;
    struct am_view *last = last_of(import, campaign, id, &is_first);
    if (!last)
        return none;
    fill_row(import);
    import->scratch.count = 0;
    for (uint32_t i = 0; i < import->part_count; i++) {
        enum am_cli_column column = import->columns[import->parts[i]].column;
        struct am_view *cell = &import->filled_cells[import->parts[i]];
        if (!keyword || !is_of_keyword(column)) {
            bool is_empty = am_cli_import_is_empty(*cell);
            if (!is_empty && !am_view_equal(*cell, last[i])) {
                differs = is_first || differs ? differs : am_cli_column_meaning(column);
                last[i] = am_cli_import_keep(import, *cell);
            }
            *cell = last[i];
        }
        if (!append(&import->scratch, last[i]))
            return none;
    }
    if (differs)
        am_cli_import_report(import, "the same id, but another", am_view_of(differs),
                             ": an ad of its own");
    return (struct am_view){import->scratch.data ? import->scratch.data : "",
                            import->scratch.count};
}
