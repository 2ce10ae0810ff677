/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch import`: a table of ads, as Google Ads Editor exports them, to an inventory. */
#include "../base/decimal.h"
#include "../base/timezone.h"
#include "account.h"
#include "columns.h"
#include "command.h"
#include "input.h"
#include "output.h"
#include "table.h"

#include <stdlib.h>
#include <strings.h>

enum { OPTION_ADVERTISER = 256, OPTION_CTR };

static const struct option options[] = {
    {"advertiser", required_argument, NULL, OPTION_ADVERTISER},
    {"ctr", required_argument, NULL, OPTION_CTR},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { TABLE_MAX_BYTES = 256 << 20, MOST_CELLS = 512, MOST_TOLD = 1000 };

struct import {
    const char *name; /* of the file, for the report */
    struct am_cli_account account;
    struct am_cli_column_name columns[MOST_CELLS];
    struct am_view headers[MOST_CELLS];
    bool told[MOST_CELLS]; /* of an unknown column: it has been reported */
    uint32_t column_count;
    bool has_groups;
    uint64_t problems; /* reported lines, the first MOST_TOLD of them printed */
    bool out_of_memory;
    /* The row. */
    const struct am_cli_table_row *row;
    bool understood; /* something of it */
};

/* ---- the report -------------------------------------------------------------------------------
 */

static void report(struct import *import, const char *what, struct am_view cell, const char *why) {
    if (import->problems++ < MOST_TOLD)
        fprintf(stderr, "%s:%u: %s: \"%.*s\"%s\n", import->name, import->row->line, what,
                AM_VIEW_ARGUMENTS(cell), why);
}

/* ---- cells ------------------------------------------------------------------------------------
 */

/* The cell of a column, or an empty view. */
static struct am_view
cell_of(const struct import *import, enum am_cli_column column, uint32_t number) {
    for (uint32_t i = 0; i < import->row->count && i < import->column_count; i++)
        if (import->columns[i].column == column && import->columns[i].number == number &&
            import->row->cells[i].size)
            return import->row->cells[i];
    return (struct am_view){"", 0};
}

static bool is_word(struct am_view cell, const char *word) {
    return strlen(word) == cell.size && strncasecmp(cell.data, word, cell.size) == 0;
}

static bool has_word(struct am_view cell, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= cell.size; at++)
        if (strncasecmp(cell.data + at, word, size) == 0)
            return true;
    return false;
}

static struct am_view keep(struct import *import, struct am_view text) {
    struct am_view kept = am_arena_copy(&import->account.arena, text);
    import->out_of_memory |= !kept.data;
    return kept;
}

static void push(struct import *import, struct am_vector *vector, const void *item) {
    import->out_of_memory |= !am_vector_push(vector, item);
}

static void
read_status(struct import *import, enum am_cli_column column, enum am_cli_status *status) {
    struct am_view cell = cell_of(import, column, 0);
    if (cell.size == 0)
        return;
    if (is_word(cell, "enabled") || is_word(cell, "active") || is_word(cell, "eligible"))
        *status = AM_STATUS_ACTIVE;
    else if (is_word(cell, "paused"))
        *status = AM_STATUS_PAUSED;
    else if (is_word(cell, "removed") || is_word(cell, "deleted"))
        *status = AM_STATUS_REMOVED;
    else
        report(import, "status not understood", cell, "");
}

/* "1.20" or "1,20"; -1: there is none. */
static int64_t read_money(struct import *import) {
    struct am_view cell = cell_of(import, AM_COLUMN_BID, 0);
    char number[32];
    int64_t money;
    if (cell.size == 0)
        return -1;
    if (cell.size < sizeof number) {
        memcpy(number, cell.data, cell.size);
        number[cell.size] = '\0';
        char *comma = strchr(number, ',');
        if (comma && !strchr(number, '.'))
            *comma = '.';
        if (am_decimal_parse_text(am_view_of(number), 6, &money) == AM_OK && money >= 0 &&
            money <= AM_MONEY_MAX)
            return money;
    }
    report(import, "bid not understood", cell, ", expected an amount like 1.20");
    return -1;
}

/* A date as the time at which it begins, or, for the last day of something, ends. */
static void read_date(struct import *import, enum am_cli_column column, struct am_view *time) {
    struct am_view cell = cell_of(import, column, 0);
    char text[32];
    int64_t seconds;
    if (cell.size == 0 || is_word(cell, "[]"))
        return;
    snprintf(text, sizeof text, "%.*sT00:00:00Z", cell.size == 10 ? 10 : 0, cell.data);
    if (am_time_parse(am_view_of(text), &seconds, NULL) != AM_OK) {
        report(import, "date not understood", cell, ", expected one like 2026-11-30");
        return;
    }
    if (column == AM_COLUMN_END)
        am_time_write(seconds + 24 * 3600, text);
    *time = keep(import, am_view_of(text));
}

/* The items of a cell, separated by commas, semicolons or bars. */
static struct am_view take_item(struct am_view *rest) {
    size_t size = 0;
    while (size < rest->size && !strchr(",;|", rest->data[size]))
        size++;
    struct am_view item = {rest->data, size};
    size += size < rest->size;
    *rest = (struct am_view){rest->data + size, rest->size - size};
    while (item.size && item.data[0] == ' ')
        item.data++, item.size--;
    while (item.size && item.data[item.size - 1] == ' ')
        item.size--;
    return item;
}

static void read_items(struct import *import, struct am_view cell, struct am_vector *items) {
    while (cell.size) {
        struct am_view item = take_item(&cell);
        if (item.size == 0)
            continue;
        item = keep(import, item);
        push(import, items, &item);
    }
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

/* Strips the notation: -, "..." and [...]. Returns whether the keyword is negative. */
static bool take_notation(struct am_view *text, uint8_t *match) {
    bool negative = text->size > 1 && text->data[0] == '-';
    if (negative)
        *text = (struct am_view){text->data + 1, text->size - 1};
    char first = text->size > 1 ? text->data[0] : '\0',
         last = first ? text->data[text->size - 1] : '\0';
    if ((first == '"' && last == '"') || (first == '[' && last == ']')) {
        *match = first == '"' ? AM_MATCH_PHRASE : AM_MATCH_EXACT;
        *text = (struct am_view){text->data + 1, text->size - 2};
    }
    return negative;
}

static void add_keyword(struct import *import,
                        struct am_view text,
                        struct am_view type,
                        int64_t bid,
                        struct am_vector *keywords,
                        struct am_vector *negatives) {
    struct am_cli_keyword keyword = {.bid = bid, .match = AM_MATCH_BROAD};
    bool negative = take_notation(&text, &keyword.match) || has_word(type, "negative");
    if (has_word(type, "exact"))
        keyword.match = AM_MATCH_EXACT;
    else if (has_word(type, "phrase"))
        keyword.match = AM_MATCH_PHRASE;
    else if (type.size && !has_word(type, "broad"))
        report(import, "match type not understood, broad was taken", type, "");
    if (negative)
        keyword.bid = -1;
    keyword.text = keep(import, text);
    push(import, negative || !keywords ? negatives : keywords, &keyword);
    import->understood = true;
}

static void read_negatives(struct import *import, struct am_vector *negatives) {
    struct am_view cell = cell_of(import, AM_COLUMN_NEGATIVE, 0);
    while (cell.size) {
        struct am_view item = take_item(&cell);
        if (item.size)
            add_keyword(import, item, AM_VIEW("negative broad"), -1, NULL, negatives);
    }
}

/* ---- rows -------------------------------------------------------------------------------------
 */

static void read_campaign(struct import *import, struct am_cli_campaign *campaign, bool is_own) {
    struct am_view account = cell_of(import, AM_COLUMN_ACCOUNT, 0);
    read_status(import, AM_COLUMN_CAMPAIGN_STATUS, &campaign->status);
    if (account.size)
        campaign->advertiser = keep(import, account);
    if (!is_own)
        return;
    read_status(import, AM_COLUMN_STATUS, &campaign->status);
    read_date(import, AM_COLUMN_START, &campaign->start);
    read_date(import, AM_COLUMN_END, &campaign->end);
    read_items(import, cell_of(import, AM_COLUMN_LABELS, 0), &campaign->labels);
    import->understood = true;
}

static void read_numbered(struct import *import,
                          enum am_cli_column column,
                          struct am_view *texts,
                          uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        texts[i] = keep(import, cell_of(import, column, i));
}

static void read_creative(struct import *import, struct am_cli_group *group) {
    struct am_cli_creative creative = {.url = keep(import, cell_of(import, AM_COLUMN_URL, 0))};
    read_numbered(import, AM_COLUMN_HEADLINE, creative.headlines, AM_CLI_HEADLINES);
    read_numbered(import, AM_COLUMN_DESCRIPTION, creative.descriptions, AM_CLI_DESCRIPTIONS);
    read_numbered(import, AM_COLUMN_PATH, creative.paths, AM_CLI_PATHS);
    if (cell_of(import, AM_COLUMN_KEYWORD, 0).size == 0)
        read_status(import, AM_COLUMN_STATUS, &creative.status);
    import->understood = true;
    for (size_t i = 0; i < group->creatives.count; i++) {
        const struct am_cli_creative *other =
            AM_VECTOR_AT(&group->creatives, struct am_cli_creative, i);
        if (am_view_equal(other->headlines[0], creative.headlines[0]) &&
            am_view_equal(other->url, creative.url) &&
            am_view_equal(other->descriptions[0], creative.descriptions[0]) &&
            cell_of(import, AM_COLUMN_KEYWORD, 0).size)
            return; /* plain tables repeat the ad beside each keyword */
    }
    push(import, &group->creatives, &creative);
}

/* A cell of several keywords, as plain tables have them. */
static void read_keyword_list(struct import *import, struct am_cli_group *group) {
    struct am_view cell = cell_of(import, AM_COLUMN_KEYWORDS, 0);
    while (cell.size) {
        struct am_view item = take_item(&cell);
        if (item.size)
            add_keyword(import, item, AM_VIEW(""), -1, &group->keywords, &group->negatives);
    }
}

static void read_group_keyword(struct import *import, struct am_cli_group *group) {
    enum am_cli_status status = AM_STATUS_ACTIVE;
    struct am_view text = cell_of(import, AM_COLUMN_KEYWORD, 0);
    struct am_view type = cell_of(import, AM_COLUMN_MATCH, 0);
    read_status(import, AM_COLUMN_STATUS, &status);
    if (status == AM_STATUS_ACTIVE) {
        add_keyword(import, text, type, read_money(import), &group->keywords, &group->negatives);
        return;
    }
    import->understood = true;
    if (status == AM_STATUS_PAUSED)
        report(import, "keyword left out, it is paused", text, "");
}

static void read_group(struct import *import, struct am_cli_group *group) {
    bool keyword = cell_of(import, AM_COLUMN_KEYWORD, 0).size;
    bool creative = cell_of(import, AM_COLUMN_HEADLINE, 0).size;
    struct am_view account = cell_of(import, AM_COLUMN_ACCOUNT, 0);
    struct am_view type = cell_of(import, AM_COLUMN_AD_TYPE, 0);
    if (account.size)
        group->advertiser = keep(import, account);
    read_status(import, AM_COLUMN_GROUP_STATUS, &group->status);
    read_items(import, cell_of(import, AM_COLUMN_COUNTRY, 0), &group->countries);
    read_negatives(import, &group->negatives);
    read_keyword_list(import, group);
    if (type.size && !has_word(type, "text") && !has_word(type, "responsive search"))
        report(import, "ad type not understood", type, ", its texts are taken as they are");
    if (creative)
        read_creative(import, group);
    if (keyword)
        read_group_keyword(import, group);
    if (keyword)
        return;
    int64_t bid = read_money(import);
    if (bid >= 0)
        group->bid = bid;
    if (creative || type.size)
        return;
    if (bid >= 0 || cell_of(import, AM_COLUMN_STATUS, 0).size)
        import->understood = true;
    read_status(import, AM_COLUMN_STATUS, &group->status);
}

static void read_campaign_keyword(struct import *import, struct am_cli_campaign *campaign) {
    struct am_view type = cell_of(import, AM_COLUMN_MATCH, 0);
    struct am_view text = cell_of(import, AM_COLUMN_KEYWORD, 0);
    if (text.size == 0)
        return;
    if (has_word(type, "negative"))
        add_keyword(import, text, type, -1, NULL, &campaign->negatives);
    else
        report(import, "keyword without an ad group", text, "");
}

/* Reports cells of columns that have no meaning here, once per column. */
static void report_unknown(struct import *import) {
    for (uint32_t i = 0; i < import->row->count; i++) {
        struct am_view cell = import->row->cells[i];
        if (cell.size == 0 ||
            (i < import->column_count && (import->columns[i].column || import->told[i])))
            continue;
        if (i >= import->column_count) {
            report(import, "a cell beyond the last column", cell, "");
            continue;
        }
        import->told[i] = true;
        report(import, "column not understood", import->headers[i], ", it has no effect");
    }
}

static struct am_view first_cell(const struct am_cli_table_row *row) {
    uint32_t i = 0;
    while (i + 1 < row->count && row->cells[i].size == 0)
        i++;
    return row->cells[i];
}

static bool read_row(struct import *import) {
    struct am_view campaign_name = cell_of(import, AM_COLUMN_CAMPAIGN, 0);
    struct am_view group_name = cell_of(import, AM_COLUMN_GROUP, 0);
    char row_name[32];
    if (!import->has_groups && (cell_of(import, AM_COLUMN_KEYWORD, 0).size ||
                                cell_of(import, AM_COLUMN_KEYWORDS, 0).size)) {
        snprintf(row_name, sizeof row_name, "line %u", import->row->line);
        group_name = am_view_of(row_name);
    }
    import->understood = false;
    if (campaign_name.size) {
        struct am_cli_campaign *campaign = am_cli_account_campaign(&import->account, campaign_name);
        if (!campaign)
            return false;
        read_campaign(import, campaign,
                      group_name.size == 0 && cell_of(import, AM_COLUMN_KEYWORD, 0).size == 0);
        if (group_name.size == 0)
            read_campaign_keyword(import, campaign);
    }
    if (group_name.size) {
        struct am_cli_group *group =
            am_cli_account_group(&import->account, campaign_name, group_name);
        if (!group)
            return false;
        read_group(import, group);
    }
    report_unknown(import);
    if (!import->understood)
        report(import, "nothing understood in this line", first_cell(import->row), "");
    return !import->out_of_memory;
}

static bool read_header(struct import *import) {
    import->column_count = import->row->count < MOST_CELLS ? import->row->count : MOST_CELLS;
    for (uint32_t i = 0; i < import->column_count; i++) {
        import->headers[i] = keep(import, import->row->cells[i]);
        import->columns[i] = am_cli_column_of(import->headers[i]);
        import->has_groups |= import->columns[i].column == AM_COLUMN_GROUP;
    }
    return !import->out_of_memory;
}

static bool take_row(void *context, const struct am_cli_table_row *row) {
    struct import *import = context;
    import->row = row;
    return import->column_count ? read_row(import) : read_header(import);
}

/* ---- the command ------------------------------------------------------------------------------
 */

struct plan {
    const char *path, *output;
    struct am_cli_account_options account;
};

static bool put_line(void *output, struct am_view line) {
    return am_cli_output_line(output, line);
}

static void print_totals(const struct import *import, const struct am_cli_account_totals *totals) {
    fprintf(stderr,
            "%s: %llu campaigns, %llu ads, %llu keywords, %llu negative keywords; %llu remarks\n",
            import->name, (unsigned long long)totals->campaigns, (unsigned long long)totals->ads,
            (unsigned long long)totals->keywords, (unsigned long long)totals->negatives,
            (unsigned long long)import->problems);
}

static bool has_column(const struct import *import, enum am_cli_column column) {
    for (uint32_t i = 0; i < import->column_count; i++)
        if (import->columns[i].column == column)
            return true;
    return false;
}

static enum am_code
check_columns(const struct import *import, const struct plan *plan, struct am_error *error) {
    if (!has_column(import, AM_COLUMN_KEYWORD) && !has_column(import, AM_COLUMN_KEYWORDS))
        return am_error_set(error, AM_E_INVALID,
                            "%s: expected a column \"Keyword\" in its first line", import->name);
    if (!plan->account.advertiser.size && !has_column(import, AM_COLUMN_ACCOUNT))
        return am_error_set(error, AM_E_INVALID,
                            "%s: it has no column \"Account\": expected --advertiser NAME",
                            import->name);
    return AM_OK;
}

static enum am_code
write_inventory(const struct import *import, const struct plan *plan, struct am_error *error) {
    struct am_cli_output output;
    struct am_cli_account_totals totals;
    enum am_code code = am_cli_output_open(plan->output, &output, error);
    if (code != AM_OK)
        return code;
    code =
        am_cli_account_write(&import->account, &plan->account, put_line, &output, &totals, error);
    enum am_code closed =
        am_cli_output_close(&output, code == AM_OK || code == AM_E_IO ? error : NULL);
    if (code == AM_OK)
        print_totals(import, &totals);
    return code == AM_OK || code == AM_E_IO ? closed : code;
}

static enum am_code import_table(const struct plan *plan, struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_view text;
    struct import *import = calloc(1, sizeof *import);
    if (!import)
        return am_error_set(error, AM_E_MEMORY, "not enough memory");
    import->name = am_cli_name_of(plan->path);
    import->account = am_cli_account_new();
    enum am_code code = am_cli_input_open(plan->path, TABLE_MAX_BYTES, &input, error);
    if (code == AM_OK)
        code = am_cli_input_whole(input, &text, error);
    if (code == AM_OK && text.size > TABLE_MAX_BYTES)
        code = am_error_set(error, AM_E_LIMIT, "%s: more than %d bytes", import->name,
                            TABLE_MAX_BYTES);
    if (code == AM_OK)
        code = am_cli_table_read(text, take_row, import, error);
    if (code == AM_OK)
        code = check_columns(import, plan, error);
    if (code == AM_OK)
        code = write_inventory(import, plan, error);
    am_cli_input_close(input);
    am_cli_account_free(&import->account);
    free(import);
    return code;
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_import, argc, argv, AM_EXIT_UNDECIDED};
    struct plan plan = {.account = {.advertiser = {"", 0}, .ctr = {"0.01", 4}}};
    struct am_error error;
    int64_t ctr;
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_ADVERTISER)
            plan.account.advertiser = am_view_of(optarg);
        else if (option == OPTION_CTR)
            plan.account.ctr = am_view_of(optarg);
        else
            plan.output = optarg;
    }
    plan.path = am_cli_operand(&arguments, "TABLE");
    if (!plan.path)
        return arguments.status;
    if (am_decimal_parse_text(plan.account.ctr, 6, &ctr) != AM_OK || ctr < 1 || ctr > 1000000)
        return am_cli_usage(&arguments, "--ctr: expected a decimal above 0, at most 1");
    if (plan.output && am_cli_is_same_file(plan.path, plan.output))
        return am_cli_usage(&arguments, "'%s' would be written over", plan.path);
    return am_cli_finish(import_table(&plan, &error) == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

const struct am_cli_command am_cli_command_import = {
    .name = "import",
    .synopsis = "[--advertiser NAME] [--ctr RATE] [-o INVENTORY] TABLE|-",
    .summary = "Makes an inventory of a table, as Google Ads Editor exports it",
    .details =
        "      --advertiser NAME    of campaigns where the table has no column Account\n"
        "      --ctr RATE           expected click-through rate of all ads (0.01)\n"
        "  -o, --output INVENTORY   write there, not to standard output\n"
        "  -h, --help               show this help\n\n"
        "The table is CSV, or has tabs or semicolons, in UTF-8 or UTF-16, plain or gzip. Its "
        "columns\n"
        "are those of Google Ads Editor (Campaign, Ad Group, Keyword, Criterion Type, Max CPC, "
        "Status,\n"
        "Final URL, Headline 1 ...), or plain ones (id, keywords, bid, url, title). What was not\n"
        "understood is reported on standard error, line by line. Then try `admatch check`.\n",
    .letters = ":ho:",
    .options = options,
    .run = run,
};
