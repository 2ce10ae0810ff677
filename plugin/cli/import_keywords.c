/* SPDX-License-Identifier: Apache-2.0 */
#include "import_parts.h"

#include "../inventory/meant.h"

struct am_view am_cli_import_match(const struct am_cli_import *import) {
    struct am_view cell;
    for (uint32_t index = 0;
         (cell = am_cli_import_next_cell(import, AM_COLUMN_MATCH, &index)).size;)
        if (am_cli_cell_holds(cell, "negative"))
            return cell;
    return am_cli_import_cell(import, AM_COLUMN_MATCH);
}

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
        am_cli_import_report(import, "match type not understood, broad was taken", type, "");
}

/* Why a keyword is left out, as the end of a message; NULL: it is not. A damaged negative keyword
 * stays: without it more would be served. */
static const char *unusable(struct am_view text, bool negative, enum am_cli_bid bid) {
    if (am_inventory_is_spreadsheet_error(text))
        return ", that is an error of a spreadsheet: give the cell the format of text";
    if (negative)
        return NULL;
    if (bid == AM_BID_UNCERTAIN)
        return ", what it bids is not certain";
    if (memmem(text.data, text.size, "\xEF\xBF\xBD", 3))
        return ", some of its letters could not be decoded";
    return NULL;
}

/* `bid` is -1 for the ad's. */
static void add_keyword(struct am_cli_import *import,
                        struct am_view cell,
                        struct am_view type,
                        struct am_cli_keyword keyword,
                        enum am_cli_bid bid,
                        struct am_vector *keywords,
                        struct am_vector *negatives) {
    struct am_cli_notation notation = am_cli_cell_notation(cell);
    bool negative = notation.negative || !keywords || am_cli_cell_holds(type, "negative");
    const char *why = unusable(notation.text, negative, bid);
    import->understood = true;
    if (why) {
        am_cli_import_report(import, "keyword left out", cell, why);
        return;
    }
    read_match(import, &notation, type, &keyword);
    if (notation.typographic)
        am_cli_import_report(import, "typographic dash or quotes", cell, ", read as - and \"");
    keyword.text = am_cli_import_keep(import, notation.text);
    if (notation.match == '+' && keyword.text.data) {
        keyword.text = am_cli_cell_without_pluses(notation.text, (char *)keyword.text.data);
        am_cli_import_report(import, "broad match modifier", cell,
                             ", read as a broad keyword of all its words");
    }
    if (negative)
        keyword.bid = -1;
    am_cli_import_push(import, negative ? negatives : keywords, &keyword);
}

void am_cli_import_read_keywords(struct am_cli_import *import,
                                 enum am_cli_column column,
                                 struct am_view type,
                                 struct am_vector *keywords,
                                 struct am_vector *negatives) {
    struct am_view cell;
    for (uint32_t index = 0; (cell = am_cli_import_next_cell(import, column, &index)).size;)
        while (cell.size) {
            struct am_view item = am_cli_cell_item(&cell);
            if (item.size)
                add_keyword(import, item, type, (struct am_cli_keyword){.bid = -1}, AM_BID_NONE,
                            keywords, negatives);
        }
}

void am_cli_import_read_group_keyword(struct am_cli_import *import, struct am_cli_group *group) {
    enum am_cli_status status = AM_STATUS_ACTIVE;
    struct am_cli_keyword keyword = {.bid = -1};
    struct am_view text = am_cli_import_cell(import, AM_COLUMN_KEYWORD);
    am_cli_import_read_status(import, AM_COLUMN_STATUS, &status);
    if (!import->is_plain && am_cli_import_has_cell(import, AM_COLUMN_URL))
        am_cli_import_report(import, "a keyword's own landing page is left out",
                             am_cli_import_cell(import, AM_COLUMN_URL), "");
    if (status == AM_STATUS_ACTIVE) {
        enum am_cli_bid bid = am_cli_import_read_money(import, AM_COLUMN_BID, &keyword.bid);
        if (import->is_foreign)
            bid = AM_BID_UNCERTAIN;
        add_keyword(import, text, am_cli_import_match(import), keyword, bid, &group->keywords,
                    &group->negatives);
        return;
    }
    import->understood = true;
    if (status == AM_STATUS_PAUSED)
        am_cli_import_report(import, "keyword left out, it is paused", text, "");
}

void am_cli_import_read_campaign_keyword(struct am_cli_import *import,
                                         struct am_cli_campaign *campaign) {
    struct am_view type = am_cli_import_match(import);
    struct am_view text = am_cli_import_cell(import, AM_COLUMN_KEYWORD);
    enum am_cli_status status = AM_STATUS_ACTIVE;
    if (text.size == 0)
        return;
    import->understood = true;
    if (!am_cli_cell_holds(type, "negative")) {
        am_cli_import_report(import, "keyword without an ad group", text, ", left out");
        return;
    }
    am_cli_import_read_status(import, AM_COLUMN_STATUS, &status);
    if (status == AM_STATUS_ACTIVE)
        add_keyword(import, text, type, (struct am_cli_keyword){.bid = -1}, AM_BID_NONE, NULL,
                    &campaign->negatives);
    else
        am_cli_import_report(import, "negative keyword left out, it is not active", text, "");
}
