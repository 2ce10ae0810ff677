/* SPDX-License-Identifier: Apache-2.0 */
#include "import_rows.h"

#include <stdarg.h>
#include <stdio.h>

#include "../base/decimal.h"
#include "cells.h"

enum { MOST_PRINTED = 1000, MOST_ROWS_BEFORE = 20 };

void am_cli_import_start(struct am_cli_import *import) {
    import->account = am_cli_account_new();
    import->identities = (struct am_cli_interner){.arena = AM_ARENA_EMPTY};
    import->last = AM_VECTOR_OF(struct am_cli_import_identity);
}

void am_cli_import_free(struct am_cli_import *import) {
    am_cli_account_free(&import->account);
    am_cli_interner_free(&import->identities);
    am_vector_free(&import->last);
}

/* ---- the report -------------------------------------------------------------------------------
 */

static void
report(struct am_cli_import *import, const char *what, struct am_view cell, const char *why) {
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

/* ---- cells ------------------------------------------------------------------------------------
 */

/* Web reports of Google Ads write a cell without a value so. */
static bool is_empty(struct am_view cell) {
    return cell.size == 0 || am_cli_cell_is(cell, "--") || am_cli_cell_is(cell, "[]");
}

/* The cell of a column, or an empty view. */
static struct am_view
cell_of(const struct am_cli_import *import, enum am_cli_column column, uint32_t number) {
    for (uint32_t i = 0; i < import->row->count && i < import->column_count; i++)
        if (import->columns[i].column == column && import->columns[i].number == number &&
            !is_empty(import->row->cells[i]))
            return import->row->cells[i];
    return (struct am_view){"", 0};
}

static bool has_cell(const struct am_cli_import *import, enum am_cli_column column) {
    return cell_of(import, column, 0).size > 0;
}

static struct am_view keep(struct am_cli_import *import, struct am_view text) {
    struct am_view kept = am_arena_copy(&import->account.arena, text);
    import->out_of_memory |= !kept.data;
    return kept;
}

static void push(struct am_cli_import *import, struct am_vector *vector, const void *item) {
    import->out_of_memory |= !am_vector_push(vector, item);
}

static void
read_status(struct am_cli_import *import, enum am_cli_column column, enum am_cli_status *status) {
    struct am_view cell = cell_of(import, column, 0);
    if (cell.size && !am_cli_cell_status(cell, status))
        report(import, "status not understood", cell, ", read as paused");
}

/* The first currency counts; an inventory has one. */
static void note_currency(struct am_cli_import *import, const char *currency) {
    if (!currency[0] || strcmp(import->currency, currency) == 0)
        return;
    if (!import->currency[0])
        memcpy(import->currency, currency, sizeof import->currency);
    else
        report(import, "another currency", am_view_of(currency),
               ", an inventory has one: the number was taken as it is");
}

/* -1: there is none. */
static int64_t read_money(struct am_cli_import *import, enum am_cli_column column) {
    struct am_view cell = cell_of(import, column, 0);
    struct am_cli_money money;
    if (cell.size == 0)
        return -1;
    switch (am_cli_cell_money(cell, import->comma, &money)) {
    case AM_CELL_READ:
        note_currency(import, money.currency);
        if (money.micros == 0)
            report(import, "bid of nothing", cell, ", it is served for free");
        return money.micros;
    case AM_CELL_AMBIGUOUS:
        report(import, "bid not understood", cell,
               ", thousands or decimals? Expected 1234 or 1.234");
        return -1;
    default:
        report(import, "bid not understood", cell, ", expected an amount like 1.20");
        return -1;
    }
}

/* A day as the time at which it begins, or, for the last day of something, ends. What has a day
 * that cannot be read is paused, so that it is not served too early or too long. */
static void read_day(struct am_cli_import *import,
                     enum am_cli_column column,
                     struct am_view *time,
                     enum am_cli_status *status) {
    struct am_view cell = cell_of(import, column, 0);
    char text[AM_CELL_TIME_SIZE];
    if (cell.size == 0)
        return;
    switch (am_cli_cell_day(cell, column == AM_COLUMN_END, text)) {
    case AM_CELL_READ:
        *time = keep(import, am_view_of(text));
        return;
    case AM_CELL_AMBIGUOUS:
        report(import, "date not understood", cell,
               ", day or month first? Expected one like 2026-11-30; read as paused");
        break;
    default:
        report(import, "date not understood", cell,
               ", expected one like 2026-11-30; read as paused");
    }
    if (*status == AM_STATUS_ACTIVE)
        *status = AM_STATUS_PAUSED;
}

static void read_items(struct am_cli_import *import, struct am_view cell, struct am_vector *items) {
    while (cell.size) {
        struct am_view item = am_cli_cell_item(&cell);
        if (item.size == 0)
            continue;
        item = keep(import, item);
        push(import, items, &item);
    }
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

static void read_match(struct am_cli_import *import,
                       const struct am_cli_notation *notation,
                       struct am_view type,
                       struct am_cli_keyword *keyword) {
    keyword->match = notation->match == '"'   ? AM_MATCH_PHRASE
                     : notation->match == '[' ? AM_MATCH_EXACT
                                              : AM_MATCH_BROAD;
    if (am_cli_cell_holds(type, "exact"))
        keyword->match = AM_MATCH_EXACT;
    else if (am_cli_cell_holds(type, "phrase"))
        keyword->match = AM_MATCH_PHRASE;
    else if (type.size && !am_cli_cell_holds(type, "broad") && !am_cli_cell_is(type, "negative"))
        report(import, "match type not understood, broad was taken", type, "");
}

static void add_keyword(struct am_cli_import *import,
                        struct am_view cell,
                        struct am_view type,
                        int64_t bid,
                        struct am_vector *keywords,
                        struct am_vector *negatives) {
    struct am_cli_notation notation = am_cli_cell_notation(cell);
    struct am_cli_keyword keyword = {.bid = bid};
    bool negative = notation.negative || am_cli_cell_holds(type, "negative");
    import->understood = true;
    if (cell.data[0] == '#' && cell.data[cell.size - 1] == '?') { /* #NAME? */
        report(import, "keyword left out", cell,
               ", a spreadsheet took it for a formula: give the cell the format of text");
        return;
    }
    read_match(import, &notation, type, &keyword);
    if (notation.typographic)
        report(import, "typographic dash or quotes", cell, ", read as - and \"");
    keyword.text = keep(import, notation.text);
    if (notation.match == '+' && keyword.text.data) {
        keyword.text = am_cli_cell_without_pluses(notation.text, (char *)keyword.text.data);
        report(import, "broad match modifier", cell, ", read as a broad keyword of all its words");
    }
    if (negative)
        keyword.bid = -1;
    push(import, negative || !keywords ? negatives : keywords, &keyword);
}

static void read_keyword_list(struct am_cli_import *import,
                              enum am_cli_column column,
                              struct am_view type,
                              struct am_vector *keywords,
                              struct am_vector *negatives) {
    struct am_view cell = cell_of(import, column, 0);
    while (cell.size) {
        struct am_view item = am_cli_cell_item(&cell);
        if (item.size)
            add_keyword(import, item, type, -1, keywords, negatives);
    }
}

static void read_group_keyword(struct am_cli_import *import, struct am_cli_group *group) {
    enum am_cli_status status = AM_STATUS_ACTIVE;
    struct am_view text = cell_of(import, AM_COLUMN_KEYWORD, 0);
    struct am_view type = cell_of(import, AM_COLUMN_MATCH, 0);
    read_status(import, AM_COLUMN_STATUS, &status);
    if (!import->is_plain && has_cell(import, AM_COLUMN_URL))
        report(import, "a keyword's own landing page is left out",
               cell_of(import, AM_COLUMN_URL, 0), "");
    if (status == AM_STATUS_ACTIVE) {
        add_keyword(import, text, type, read_money(import, AM_COLUMN_BID), &group->keywords,
                    &group->negatives);
        return;
    }
    import->understood = true;
    if (status == AM_STATUS_PAUSED)
        report(import, "keyword left out, it is paused", text, "");
}

static void read_campaign_keyword(struct am_cli_import *import, struct am_cli_campaign *campaign) {
    struct am_view type = cell_of(import, AM_COLUMN_MATCH, 0);
    struct am_view text = cell_of(import, AM_COLUMN_KEYWORD, 0);
    enum am_cli_status status = AM_STATUS_ACTIVE;
    if (text.size == 0)
        return;
    import->understood = true;
    if (!am_cli_cell_holds(type, "negative")) {
        report(import, "keyword without an ad group", text, ", left out");
        return;
    }
    read_status(import, AM_COLUMN_STATUS, &status);
    if (status == AM_STATUS_ACTIVE)
        add_keyword(import, text, type, -1, NULL, &campaign->negatives);
    else
        report(import, "negative keyword left out, it is not active", text, "");
}

/* ---- campaigns, groups, ads -------------------------------------------------------------------
 */

/* The inventory's, of which it has one. */
static void read_language(struct am_cli_import *import) {
    struct am_view cell = cell_of(import, AM_COLUMN_LANGUAGE, 0);
    struct am_view language = am_cli_cell_item(&cell);
    if (language.size == 0 || am_cli_cell_is(language, "all") ||
        am_cli_cell_is(language, "all languages"))
        return;
    if (import->language.size == 0)
        import->language = keep(import, language);
    else if (!am_view_equal(import->language, language))
        report(import, "another language", language, ", an inventory has one");
    if (cell.size)
        report(import, "further languages have no effect", cell, ", an inventory has one");
}

static void
read_campaign(struct am_cli_import *import, struct am_cli_campaign *campaign, bool is_own) {
    struct am_view account = cell_of(import, AM_COLUMN_ACCOUNT, 0);
    read_status(import, AM_COLUMN_CAMPAIGN_STATUS, &campaign->status);
    if (account.size)
        campaign->advertiser = keep(import, account);
    if (!is_own)
        return;
    read_status(import, AM_COLUMN_STATUS, &campaign->status);
    read_day(import, AM_COLUMN_START, &campaign->start, &campaign->status);
    read_day(import, AM_COLUMN_END, &campaign->end, &campaign->status);
    read_items(import, cell_of(import, AM_COLUMN_LABELS, 0), &campaign->labels);
    read_keyword_list(import, AM_COLUMN_NEGATIVE, AM_VIEW("negative broad"), NULL,
                      &campaign->negatives);
    import->understood = true;
}

static void read_texts(struct am_cli_import *import,
                       enum am_cli_column column,
                       struct am_view *texts,
                       uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct am_view cell = cell_of(import, column, i);
        texts[i] = keep(import, cell);
        if (!texts[i].data)
            return;
        texts[i] = am_cli_cell_without_insertion(cell, (char *)texts[i].data);
        if (texts[i].data == cell.data)
            texts[i] = keep(import, cell);
        else
            report(import, "nothing is inserted into texts", cell, ", its default was taken");
    }
}

static bool is_same_creative(const struct am_cli_creative *one,
                             const struct am_cli_creative *other) {
    return am_view_equal(one->headlines[0], other->headlines[0]) &&
           am_view_equal(one->url, other->url) &&
           am_view_equal(one->descriptions[0], other->descriptions[0]);
}

static void read_creative(struct am_cli_import *import, struct am_cli_group *group) {
    struct am_cli_creative creative = {.url = keep(import, cell_of(import, AM_COLUMN_URL, 0))};
    bool repeats = import->is_plain || has_cell(import, AM_COLUMN_KEYWORD);
    read_texts(import, AM_COLUMN_HEADLINE, creative.headlines, AM_CLI_HEADLINES);
    read_texts(import, AM_COLUMN_DESCRIPTION, creative.descriptions, AM_CLI_DESCRIPTIONS);
    read_texts(import, AM_COLUMN_PATH, creative.paths, AM_CLI_PATHS);
    if (!has_cell(import, AM_COLUMN_KEYWORD))
        read_status(import, AM_COLUMN_STATUS, &creative.status);
    import->understood = true;
    for (size_t i = 0; repeats && i < group->creatives.count; i++)
        if (is_same_creative(AM_VECTOR_AT(&group->creatives, struct am_cli_creative, i), &creative))
            return; /* plain tables repeat the ad beside each keyword */
    push(import, &group->creatives, &creative);
}

/* A row of an ad has texts, or in a plain table at least a landing page. */
static bool has_creative(const struct am_cli_import *import) {
    if (has_cell(import, AM_COLUMN_HEADLINE) || has_cell(import, AM_COLUMN_DESCRIPTION))
        return true;
    return has_cell(import, AM_COLUMN_URL) &&
           (import->is_plain || !has_cell(import, AM_COLUMN_KEYWORD));
}

static void read_pricing(struct am_cli_import *import, struct am_cli_group *group) {
    struct am_view cell = cell_of(import, AM_COLUMN_PRICING, 0);
    if (cell.size == 0)
        return;
    if (am_cli_cell_is(cell, "cpm") || am_cli_cell_holds(cell, "mille") ||
        am_cli_cell_holds(cell, "thousand")) {
        group->is_cpm = true;
    } else if (!am_cli_cell_is(cell, "cpc") && !am_cli_cell_holds(cell, "click")) {
        group->status = AM_STATUS_PAUSED;
        report(import, "pricing not understood", cell, ", expected cpc or cpm: the ad is paused");
    }
}

static void read_group_bid(struct am_cli_import *import, struct am_cli_group *group) {
    int64_t bid = read_money(import, AM_COLUMN_BID);
    if (bid < 0 && (bid = read_money(import, AM_COLUMN_CPM)) >= 0)
        group->is_cpm = true;
    if (bid < 0)
        return;
    group->bid = bid;
    import->understood = true;
}

/* The first list counts: a row with another one makes another ad. */
static void
read_once(struct am_cli_import *import, enum am_cli_column column, struct am_vector *items) {
    if (items->count == 0)
        read_items(import, cell_of(import, column, 0), items);
}

static void read_group_members(struct am_cli_import *import, struct am_cli_group *group) {
    read_day(import, AM_COLUMN_START, &group->start, &group->status);
    read_day(import, AM_COLUMN_END, &group->end, &group->status);
    read_once(import, AM_COLUMN_LABELS, &group->labels);
    read_once(import, AM_COLUMN_COUNTRY, &group->countries);
    read_once(import, AM_COLUMN_SIZE, &group->sizes);
}

static void read_group(struct am_cli_import *import, struct am_cli_group *group) {
    bool keyword = has_cell(import, AM_COLUMN_KEYWORD), creative = has_creative(import);
    struct am_view account = cell_of(import, AM_COLUMN_ACCOUNT, 0);
    struct am_view type = cell_of(import, AM_COLUMN_AD_TYPE, 0);
    if (account.size)
        group->advertiser = keep(import, account);
    read_status(import, AM_COLUMN_GROUP_STATUS, &group->status);
    read_pricing(import, group);
    if (import->is_plain || !keyword)
        read_group_members(import, group);
    read_keyword_list(import, AM_COLUMN_NEGATIVE, AM_VIEW("negative broad"), NULL,
                      &group->negatives);
    read_keyword_list(import, AM_COLUMN_KEYWORDS, cell_of(import, AM_COLUMN_MATCH, 0),
                      &group->keywords, &group->negatives);
    if (type.size && !am_cli_cell_holds(type, "text") &&
        !am_cli_cell_holds(type, "responsive search"))
        report(import, "ad type not understood", type, ", its texts are taken as they are");
    if (creative)
        read_creative(import, group);
    if (keyword) {
        read_group_keyword(import, group);
        return;
    }
    read_group_bid(import, group);
    if (creative || type.size)
        return;
    import->understood |= has_cell(import, AM_COLUMN_STATUS);
    read_status(import, AM_COLUMN_STATUS, &group->status);
}

/* ---- rows of plain tables ---------------------------------------------------------------------
 *
 * A row is an ad. Rows of one id that say the same of it make one ad with the keywords of all; one
 * that says something else makes a second ad, so that nothing is mixed. */

static const enum am_cli_column identity_columns[AM_IMPORT_IDENTITY_PARTS] = {
    AM_COLUMN_COUNTRY, AM_COLUMN_URL,   AM_COLUMN_HEADLINE, AM_COLUMN_PRICING, AM_COLUMN_STATUS,
    AM_COLUMN_BID,     AM_COLUMN_START, AM_COLUMN_END,      AM_COLUMN_SIZE,    AM_COLUMN_LABELS,
};

/* Each with a line's end behind it. data is NULL when memory runs out. */
static struct am_view
join(struct am_cli_import *import, const struct am_view *parts, size_t count) {
    size_t room = count;
    for (size_t i = 0; i < count; i++)
        room += parts[i].size;
    struct am_buffer joined = am_buffer_over(am_arena_take(&import->account.arena, room), room);
    for (size_t i = 0; joined.data && i < count; i++) {
        am_buffer_view_append(&joined, parts[i]);
        am_buffer_literal(&joined, "\n");
    }
    return am_buffer_view(&joined);
}

static struct am_cli_import_identity *
identity_of(struct am_cli_import *import, struct am_view campaign, struct am_view id) {
    static const struct am_cli_import_identity none = {0};
    struct am_view both = join(import, (const struct am_view[]){campaign, id}, 2);
    uint32_t number = both.data ? am_cli_interner_number(&import->identities, both) : UINT32_MAX;
    if (number == UINT32_MAX)
        return NULL;
    if (number == import->last.count && !am_vector_push(&import->last, &none))
        return NULL;
    return AM_VECTOR_AT(&import->last, struct am_cli_import_identity, number);
}

/* What, with its id, makes the row's ad. An empty view when memory runs out. */
static struct am_view
variant_of(struct am_cli_import *import, struct am_view campaign, struct am_view id) {
    struct am_cli_import_identity *last = identity_of(import, campaign, id);
    const char *differs = NULL;
    if (!last)
        return (struct am_view){NULL, 0};
    bool first = !last->is_known;
    last->is_known = true;
    for (size_t i = 0; i < AM_IMPORT_IDENTITY_PARTS; i++) {
        enum am_cli_column column = identity_columns[i];
        bool of_keyword = has_cell(import, AM_COLUMN_KEYWORD) &&
                          (column == AM_COLUMN_BID || column == AM_COLUMN_STATUS);
        struct am_view cell = of_keyword ? (struct am_view){"", 0} : cell_of(import, column, 0);
        if (!first && (cell.size == 0 || am_view_equal(cell, last->parts[i])))
            continue;
        if (!first && last->parts[i].size)
            differs = am_cli_column_meaning(column);
        last->parts[i] = keep(import, cell);
    }
    if (differs)
        report(import, "the same id, but another", am_view_of(differs), ": an ad of its own");
    return join(import, last->parts, AM_IMPORT_IDENTITY_PARTS);
}

/* ---- rows -------------------------------------------------------------------------------------
 */

/* Reports cells of columns that have no meaning here, once per column. */
static void report_unknown(struct am_cli_import *import) {
    for (uint32_t i = 0; i < import->row->count; i++) {
        struct am_view cell = import->row->cells[i];
        if (is_empty(cell) ||
            (i < import->column_count && (import->columns[i].column || import->reported[i])))
            continue;
        if (i >= import->column_count) {
            report(import, "a cell beyond the last column", cell, "");
            continue;
        }
        import->reported[i] = true;
        report(import, "column not understood", import->headers[i], ", it has no effect");
    }
}

static struct am_view first_cell(const struct am_cli_table_row *row) {
    uint32_t i = 0;
    while (i + 1 < row->count && row->cells[i].size == 0)
        i++;
    return row->cells[i];
}

static struct am_view name_of(struct am_cli_import *import) {
    char name[32];
    if (import->has_groups)
        return cell_of(import, import->is_plain ? AM_COLUMN_ID : AM_COLUMN_GROUP, 0);
    if (!has_cell(import, AM_COLUMN_KEYWORD) && !has_cell(import, AM_COLUMN_KEYWORDS))
        return (struct am_view){"", 0};
    snprintf(name, sizeof name, "line %u", import->row->line);
    return keep(import, am_view_of(name));
}

/* The campaign's line, or one of its negative keywords. */
static bool read_campaign_row(struct am_cli_import *import, struct am_view name, bool is_alone) {
    struct am_cli_campaign *campaign = am_cli_account_campaign(&import->account, name);
    if (!campaign)
        return false;
    read_campaign(import, campaign, is_alone && !has_cell(import, AM_COLUMN_KEYWORD));
    if (is_alone)
        read_campaign_keyword(import, campaign);
    return true;
}

static bool
read_group_row(struct am_cli_import *import, struct am_view campaign, struct am_view name) {
    struct am_view variant = {"", 0};
    if (import->is_plain && import->has_groups) {
        variant = variant_of(import, campaign, name);
        if (!variant.data)
            return false;
    }
    struct am_cli_group *group = am_cli_account_group(&import->account, campaign, name, variant);
    if (!group)
        return false;
    if (campaign.size == 0 && am_cli_import_has_column(import, AM_COLUMN_CAMPAIGN))
        report(import, "no campaign in this line, it makes an ad without one", name, "");
    read_group(import, group);
    return true;
}

static bool read_row(struct am_cli_import *import) {
    struct am_view campaign = cell_of(import, AM_COLUMN_CAMPAIGN, 0);
    struct am_view name = name_of(import);
    struct am_view code = cell_of(import, AM_COLUMN_CURRENCY, 0);
    if (am_cli_cell_holds(first_cell(import->row), "total:")) {
        report(import, "a line of totals, left out", first_cell(import->row), "");
        return true;
    }
    import->understood = false;
    if (code.size == AM_CURRENCY_SIZE)
        note_currency(import, (const char[]){code.data[0], code.data[1], code.data[2], '\0'});
    read_language(import);
    if (campaign.size && !read_campaign_row(import, campaign, name.size == 0))
        return false;
    if (name.size && !read_group_row(import, campaign, name))
        return false;
    report_unknown(import);
    if (!import->understood)
        report(import, "nothing understood in this line", first_cell(import->row), "");
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

/* Web reports have a title and a span of days above it. */
static bool is_header(const struct am_cli_table_row *row) {
    unsigned known = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        enum am_cli_column column = am_cli_column_of(row->cells[i]).column;
        if (column == AM_COLUMN_KEYWORD || column == AM_COLUMN_KEYWORDS)
            return true;
        known += column != AM_COLUMN_UNKNOWN;
    }
    return known >= 2;
}

static bool read_header(struct am_cli_import *import) {
    uint32_t count =
        import->row->count < AM_IMPORT_MOST_CELLS ? import->row->count : AM_IMPORT_MOST_CELLS;
    if (!is_header(import->row) && ++import->rows_before <= MOST_ROWS_BEFORE) {
        report(import, "before the line of column names, left out", first_cell(import->row), "");
        return true;
    }
    import->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        import->headers[i] = keep(import, import->row->cells[i]);
        import->columns[i] = am_cli_column_of(import->headers[i]);
    }
    import->is_plain = !am_cli_import_has_column(import, AM_COLUMN_GROUP);
    import->has_groups = !import->is_plain || am_cli_import_has_column(import, AM_COLUMN_ID);
    for (uint32_t i = 0; i < count && !import->is_plain; i++)
        if (import->columns[i].column == AM_COLUMN_ID) /* of a place, in Google Ads Editor */
            import->columns[i].column = AM_COLUMN_UNKNOWN;
    return !import->out_of_memory;
}

bool am_cli_import_row(void *context, const struct am_cli_table_row *row) {
    struct am_cli_import *import = context;
    import->row = row;
    return import->column_count ? read_row(import) : read_header(import);
}
