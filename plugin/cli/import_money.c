/* SPDX-License-Identifier: Apache-2.0 */
/* Bids, and the currency that an inventory has: a table may name several. */
#include "import_parts.h"

#include <stdio.h>

static const char default_currency[] = "USD";

/* ---- the survey -------------------------------------------------------------------------------
 */

/* NULL: it is none, or more are named than anyone needs. */
static struct am_cli_import_currency *tally_of(struct am_cli_import *import,
                                               const struct am_cli_currency *currency) {
    struct am_cli_import_currency *tally = import->currencies;
    if (!currency->code[0])
        return NULL;
    for (uint32_t i = 0; i < import->currency_count; i++, tally++)
        if (strcmp(tally->code, currency->code) == 0)
            return tally;
    if (import->currency_count == AM_IMPORT_MOST_CURRENCIES)
        return NULL;
    memcpy(tally->code, currency->code, sizeof tally->code);
    import->currency_count++;
    return tally;
}

static void survey_amounts(struct am_cli_import *import, enum am_cli_column column) {
    struct am_view cell;
    for (uint32_t index = 0; (cell = am_cli_import_next_cell(import, column, &index)).size;) {
        struct am_cli_money money;
        if (am_cli_cell_money(cell, import->comma, &money) == AM_CELL_UNREADABLE)
            continue;
        struct am_cli_import_currency *tally = tally_of(import, &money.currency);
        if (tally)
            tally->amounts++;
        else
            import->amounts_without++;
    }
}

void am_cli_import_survey_cells(struct am_cli_import *import) {
    struct am_cli_currency currency;
    struct am_view cell = am_cli_import_cell(import, AM_COLUMN_CURRENCY);
    if (cell.size && am_cli_cell_currency(cell, &currency)) {
        struct am_cli_import_currency *tally = tally_of(import, &currency);
        if (tally)
            tally->lines++;
    }
    survey_amounts(import, AM_COLUMN_BID);
    survey_amounts(import, AM_COLUMN_GROUP_BID);
    survey_amounts(import, AM_COLUMN_CPM);
}

void am_cli_import_settle_currency(struct am_cli_import *import) {
    const struct am_cli_import_currency *best = import->currencies;
    bool by_lines = false;
    for (uint32_t i = 0; i < import->currency_count; i++)
        by_lines |= import->currencies[i].lines > 0;
    for (uint32_t i = 1; i < import->currency_count; i++) {
        const struct am_cli_import_currency *tally = &import->currencies[i];
        if (by_lines ? tally->lines > best->lines : tally->amounts > best->amounts)
            best = tally;
    }
    if (!by_lines && best->amounts <= import->amounts_without)
        return;
    memcpy(import->currency, best->code, sizeof import->currency);
    if (!by_lines && import->amounts_without)
        am_cli_import_remark(
            import, "amounts that name no currency are read as %s, like the others", best->code);
}

/* ---- the row ----------------------------------------------------------------------------------
 */

static const char *own_currency(const struct am_cli_import *import) {
    return import->currency[0] ? import->currency : default_currency;
}

/* Whether it is the inventory's; false is reported. */
static bool is_own_currency(struct am_cli_import *import,
                            const struct am_cli_currency *currency,
                            struct am_view cell) {
    if (am_cli_currency_may_be(currency, own_currency(import)))
        return true;
    char why[128];
    snprintf(why, sizeof why,
             ", the inventory's is %s: the keyword is left out, or the ad is paused; "
             "--currency CODE names another",
             own_currency(import));
    am_cli_import_report(import, "another currency", cell, why);
    return false;
}

void am_cli_import_read_currency(struct am_cli_import *import) {
    struct am_cli_currency currency;
    struct am_view cell = am_cli_import_cell(import, AM_COLUMN_CURRENCY);
    import->is_foreign = false;
    if (cell.size == 0)
        return;
    import->is_foreign = true;
    if (am_cli_import_is_contradicted(import, AM_COLUMN_CURRENCY))
        return;
    if (!am_cli_cell_currency(cell, &currency))
        am_cli_import_report(import, "currency not understood", cell,
                             ", expected a code like EUR: the keyword is left out, or the ad is "
                             "paused");
    else
        import->is_foreign = !is_own_currency(import, &currency, cell);
}

enum am_cli_bid
am_cli_import_read_money(struct am_cli_import *import, enum am_cli_column column, int64_t *micros) {
    struct am_view cell = am_cli_import_cell(import, column);
    struct am_cli_money money;
    if (cell.size == 0)
        return AM_BID_NONE;
    if (import->is_foreign || am_cli_import_is_contradicted(import, column))
        return AM_BID_UNCERTAIN; /* reported */
    switch (am_cli_cell_money(cell, import->comma, &money)) {
    case AM_CELL_READ:
        if (!is_own_currency(import, &money.currency, cell))
            return AM_BID_UNCERTAIN;
        if (money.micros == 0)
            am_cli_import_report(import, "bid of nothing", cell, ", it is served for free");
        *micros = money.micros;
        return AM_BID_READ;
    case AM_CELL_AMBIGUOUS:
        am_cli_import_report(import, "bid not understood", cell,
                             ", thousands or decimals? Expected 1234 or 1.234");
        return AM_BID_UNCERTAIN;
    default:
        am_cli_import_report(import, "bid not understood", cell, ", expected an amount like 1.20");
        return AM_BID_UNCERTAIN;
    }
}
