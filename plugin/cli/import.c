/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch import`: a table of ads, as Google Ads Editor exports them, to an inventory. */
#include "../base/decimal.h"
#include "../text/stem.h"
#include "command.h"
#include "encoding.h"
#include "import_rows.h"
#include "input.h"
#include "output.h"

#include <stdlib.h>

enum {
    OPTION_ADVERTISER = 256,
    OPTION_BID,
    OPTION_CTR,
    OPTION_CURRENCY,
    OPTION_ENCODING,
    OPTION_LANGUAGE
};

static const struct option options[] = {
    {"advertiser", required_argument, NULL, OPTION_ADVERTISER},
    {"bid", required_argument, NULL, OPTION_BID},
    {"ctr", required_argument, NULL, OPTION_CTR},
    {"currency", required_argument, NULL, OPTION_CURRENCY},
    {"encoding", required_argument, NULL, OPTION_ENCODING},
    {"language", required_argument, NULL, OPTION_LANGUAGE},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { TABLE_MAX_BYTES = 256 << 20 };

/* Ads repeat the keywords of their group: an inventory may be larger than its table by as much. */
enum { FREE_BYTES = 64 << 20, MOST_RATIO = 50 };

/* ---- the inventory ----------------------------------------------------------------------------
 */

struct plan {
    const char *path, *output, *encoding;
    struct am_cli_currency currency; /* of the option */
    struct am_cli_account_options account;
};

/* Where lines and remarks go. */
struct sink {
    struct am_cli_output output;
    struct am_cli_import *import;
};

static bool put_line(void *sink, struct am_view line) {
    return am_cli_output_line(&((struct sink *)sink)->output, line);
}

static void put_remark(void *sink, const struct am_cli_group *group, const char *what) {
    struct am_cli_import *import = ((struct sink *)sink)->import;
    am_cli_import_remark(import, "%s \"%.*s\" %s", import->is_plain ? "the ad" : "the ad group",
                         AM_VIEW_ARGUMENTS(group->name), what);
}

static void print_totals(const struct am_cli_import *import,
                         const struct am_cli_account_totals *totals) {
    fprintf(stderr,
            "%s: %llu campaigns, %llu ads, %llu keywords, %llu negative keywords; %llu remarks\n",
            import->name, (unsigned long long)totals->campaigns, (unsigned long long)totals->ads,
            (unsigned long long)totals->keywords, (unsigned long long)totals->negatives,
            (unsigned long long)import->problems);
}

static void list_columns(const struct am_cli_import *import, char *names, size_t room) {
    struct am_buffer list = am_buffer_over(names, room - 1);
    for (uint32_t i = 0; i < import->column_count; i++) {
        am_buffer_view_append(&list, am_view_of(i ? ", " : "; found: "));
        am_buffer_view_append(&list, import->headers[i]);
    }
    names[am_buffer_view(&list).size] = '\0';
}

static enum am_code
check_columns(const struct am_cli_import *import, const struct plan *plan, struct am_error *error) {
    char found[400];
    list_columns(import, found, sizeof found);
    if (!am_cli_import_has_column(import, AM_COLUMN_KEYWORD) &&
        !am_cli_import_has_column(import, AM_COLUMN_KEYWORDS))
        return am_error_set(error, AM_E_INVALID,
                            "%s: expected a column \"Keyword\" in its first line%s", import->name,
                            found);
    if (!plan->account.advertiser.size && !am_cli_import_has_column(import, AM_COLUMN_ACCOUNT))
        return am_error_set(error, AM_E_INVALID,
                            "%s: it has no column \"Account\": expected --advertiser NAME",
                            import->name);
    return AM_OK;
}

/* What the inventory says of itself; what it leaves out is the default, silently. */
static void settle_head(struct am_cli_import *import, struct am_cli_account_options *account) {
    account->currency = am_view_of(import->currency);
    account->language = import->language;
    if (!account->currency.size)
        am_cli_import_remark(
            import, "no currency is named, so bids are in USD; --currency CODE sets another");
    if (!account->language.size)
        am_cli_import_remark(import, "no language is named, so broad keywords are not stemmed: "
                                     "shoe does not find shoes; --language CODE sets it");
}

static enum am_code
write_inventory(struct am_cli_import *import, const struct plan *plan, struct am_error *error) {
    struct sink sink = {.import = import};
    struct am_cli_account_options account = plan->account;
    struct am_cli_account_totals totals;
    enum am_code code = am_cli_output_open(plan->output, &sink.output, error);
    if (code != AM_OK)
        return code;
    settle_head(import, &account);
    account.remark = put_remark;
    code = am_cli_account_write(&import->account, &account, put_line, &sink, &totals, error);
    enum am_code closed =
        am_cli_output_close(&sink.output, code == AM_OK || code == AM_E_IO ? error : NULL);
    if (code == AM_OK)
        print_totals(import, &totals);
    return code == AM_OK || code == AM_E_IO ? closed : code;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* What spreadsheets save when nobody asks for a table. */
static enum am_code refuse_workbook(struct am_view text, const char *name, struct am_error *error) {
    bool zip = text.size > 4 && memcmp(text.data, "PK\3\4", 4) == 0;
    bool compound = text.size > 4 && memcmp(text.data, "\xD0\xCF\x11\xE0", 4) == 0;
    if (!zip && !compound)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "%s: this is a workbook of a spreadsheet (xlsx, ods, xls); save it as CSV",
                        name);
}

static enum am_code
read_rows(struct am_cli_import *import, struct am_view text, struct am_error *error) {
    struct am_cli_table_form form = am_cli_table_form_of(text, import->name);
    enum am_code code = AM_OK;
    import->comma = form.delimiter == ';';
    if (!form.quotes)
        am_cli_import_remark(import, "quotes do not enclose cells here, and are read as they are");
    if (!import->currency[0]) {
        code = am_cli_table_read(text, &form, am_cli_import_survey_row, import, error);
        if (code == AM_OK)
            am_cli_import_settle_currency(import);
        import->column_count = import->rows_before = 0;
    }
    return code == AM_OK ? am_cli_table_read(text, &form, am_cli_import_row, import, error) : code;
}

static enum am_code read_table(struct am_cli_import *import,
                               const struct plan *plan,
                               struct am_view text,
                               struct am_error *error) {
    const char *encoding = plan->encoding ? plan->encoding : am_cli_encoding_of(text);
    struct am_cli_encoding_damage damage;
    struct am_view decoded;
    char *memory;
    enum am_code code = refuse_workbook(text, import->name, error);
    if (code != AM_OK)
        return code;
    code = am_cli_encoding_decode(text, encoding, &decoded, &memory, &damage, error);
    if (code != AM_OK)
        return code;
    if (!plan->encoding && strcmp(encoding, "WINDOWS-1252") == 0)
        am_cli_import_remark(import, "not UTF-8: read as windows-1252, of Western Europe; "
                                     "--encoding NAME names another, such as CP1250 or CP1251");
    if (damage.count)
        am_cli_import_remark(import, "%llu characters are not %s, the first in line %u",
                             (unsigned long long)damage.count, encoding, damage.line);
    code = read_rows(import, decoded, error);
    free(memory);
    return code;
}

static enum am_code
import_file(struct am_cli_import *import, const struct plan *plan, struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_view text = {"", 0};
    enum am_code code = am_cli_input_open(plan->path, TABLE_MAX_BYTES, &input, error);
    if (code == AM_OK)
        code = am_cli_input_whole(input, &text, error);
    if (code == AM_OK && text.size > TABLE_MAX_BYTES)
        code = am_error_set(error, AM_E_LIMIT, "%s: more than %d bytes", import->name,
                            TABLE_MAX_BYTES);
    if (code == AM_OK)
        code = read_table(import, plan, text, error);
    if (code == AM_OK)
        code = check_columns(import, plan, error);
    if (code == AM_OK)
        code = am_cli_account_check(&import->account, text.size * MOST_RATIO + FREE_BYTES, error);
    if (code == AM_OK)
        code = write_inventory(import, plan, error);
    am_cli_input_close(input);
    return code;
}

static enum am_code import_table(const struct plan *plan, struct am_error *error) {
    struct am_cli_import *import = calloc(1, sizeof *import);
    if (!import)
        return am_error_set(error, AM_E_MEMORY, "not enough memory");
    am_cli_import_start(import);
    import->name = am_cli_name_of(plan->path);
    import->language = plan->account.language;
    if (plan->account.currency.size)
        memcpy(import->currency, plan->currency.code, AM_CURRENCY_SIZE);
    enum am_code code = import_file(import, plan, error);
    am_cli_import_free(import);
    free(import);
    return code;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static void take_option(struct plan *plan, int option) {
    struct am_cli_account_options *account = &plan->account;
    switch (option) {
    case OPTION_ADVERTISER:
        account->advertiser = am_view_of(optarg);
        break;
    case OPTION_CTR:
        account->ctr = am_view_of(optarg);
        break;
    case OPTION_CURRENCY:
        account->currency = am_view_of(optarg);
        break;
    case OPTION_LANGUAGE:
        account->language = am_view_of(optarg);
        break;
    case OPTION_ENCODING:
        plan->encoding = optarg;
        break;
    default:
        plan->output = optarg;
    }
}

/* What is wrong with the options, or NULL. */
static const char *check_options(struct plan *plan, const char *bid) {
    int64_t ctr;
    if (am_decimal_parse_text(plan->account.ctr, 6, &ctr) != AM_OK || ctr < 1 || ctr > 1000000)
        return "--ctr: expected a decimal above 0, at most 1";
    if (bid && (plan->account.bid < 0 || plan->account.bid > AM_MONEY_MAX))
        return "--bid: expected an amount like 0.50";
    if (plan->account.currency.size &&
        (plan->account.currency.size != AM_CURRENCY_SIZE ||
         !am_cli_cell_currency(plan->account.currency, &plan->currency) || !plan->currency.code[0]))
        return "--currency: expected a code of three letters, like EUR";
    if (plan->account.language.size &&
        am_text_language_check(plan->account.language) == AM_E_INVALID)
        return "--language: expected a code like en or de";
    return NULL;
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_import, argc, argv, AM_EXIT_UNDECIDED};
    struct plan plan = {.account = {.ctr = {"0.01", 4}, .bid = -1}};
    const char *bid = NULL;
    struct am_error error;
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_BID)
            bid = optarg;
        else
            take_option(&plan, option);
    }
    plan.path = am_cli_operand(&arguments, "TABLE");
    if (!plan.path)
        return arguments.status;
    if (bid && am_decimal_parse_text(am_view_of(bid), 6, &plan.account.bid) != AM_OK)
        plan.account.bid = -1;
    const char *wrong = check_options(&plan, bid);
    if (wrong)
        return am_cli_usage(&arguments, "%s", wrong);
    if (plan.output && am_cli_is_same_file(plan.path, plan.output))
        return am_cli_usage(&arguments, "'%s' would be written over", plan.path);
    return am_cli_finish(import_table(&plan, &error) == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

const struct am_cli_command am_cli_command_import = {
    .name = "import",
    .synopsis = "[OPTIONS] [-o INVENTORY] TABLE|-",
    .summary = "Makes an inventory of a table, as Google Ads Editor exports it",
    .details =
        "      --advertiser NAME    of campaigns where the table has no column Account\n"
        "      --bid AMOUNT         of ads that have none; without it they are paused\n"
        "      --ctr RATE           expected click-through rate of all ads (0.01)\n"
        "      --currency CODE      of the inventory, where no amount names it: EUR\n"
        "      --encoding NAME      of the table, where it cannot be detected: CP1251\n"
        "      --language CODE      of the inventory, where the table does not say it: de\n"
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
    .paths = (const char *const[]){"output", NULL},
    .run = run,
};
