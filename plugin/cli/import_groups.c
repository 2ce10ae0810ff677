/* SPDX-License-Identifier: Apache-2.0 */
#include "import_parts.h"

#include "../inventory/meant.h"
#include "../text/stem.h"

/* ---- what several rows say --------------------------------------------------------------------
 */

/* Whether the row says something that no row before it said; what differs is reported with `why`,
 * and true in *differs. */
static bool is_news(struct am_cli_import *import,
                    enum am_cli_column column,
                    struct am_view *said,
                    const char *why,
                    bool *differs) {
    struct am_view cell = am_cli_import_cell(import, column);
    if (cell.size == 0 || am_view_equal(cell, *said))
        return false;
    if (said->size) {
        am_cli_import_report(import, am_cli_column_meaning(column), cell, why);
        *differs = true;
        return false;
    }
    *said = am_cli_import_keep(import, cell);
    return true;
}

static const char unlike_before[] = ", a line before says something else: paused";

static void
read_labels(struct am_cli_import *import, struct am_vector *labels, bool *is_uncertain) {
    struct am_view cell;
    for (uint32_t index = 0;
         (cell = am_cli_import_next_cell(import, AM_COLUMN_LABELS, &index)).size;)
        while (cell.size) {
            struct am_view label = am_cli_cell_item(&cell);
            bool known = label.size == 0;
            for (size_t i = 0; i < labels->count && !known; i++)
                known = am_view_equal(label, *AM_VECTOR_AT(labels, struct am_view, i));
            if (!known && labels->count == AM_LABELS_MAX) {
                am_cli_import_report(import, "too many labels", label, ", paused");
                *is_uncertain = true;
            } else if (!known) {
                label = am_cli_import_keep(import, label);
                am_cli_import_push(import, labels, &label);
            }
        }
}

/* ---- campaigns --------------------------------------------------------------------------------
 */

/* The inventory's, of which it has one. */
void am_cli_import_read_language(struct am_cli_import *import) {
    struct am_view cell = am_cli_import_cell(import, AM_COLUMN_LANGUAGE);
    struct am_view name = am_cli_cell_item(&cell);
    if (name.size == 0 || am_cli_cell_is(name, "all") || am_cli_cell_is(name, "all languages"))
        return;
    const char *meant = am_inventory_meant_language(name);
    struct am_view language = meant ? am_view_of(meant) : name;
    enum am_code code = am_text_language_check(language);
    import->out_of_memory |= code == AM_E_MEMORY;
    if (code == AM_E_INVALID)
        am_cli_import_report(import, "language not understood", name,
                             ", expected a code like en or de: it has no effect");
    else if (import->language.size == 0)
        import->language = am_cli_import_keep(import, language);
    else if (!am_view_equal(import->language, language))
        am_cli_import_report(import, "another language", name, ", an inventory has one");
    if (cell.size)
        am_cli_import_report(import, "further languages have no effect", cell,
                             ", an inventory has one");
}

void am_cli_import_read_campaign(struct am_cli_import *import,
                                 struct am_cli_campaign *campaign,
                                 bool is_own) {
    am_cli_import_read_status(import, AM_COLUMN_CAMPAIGN_STATUS, &campaign->status);
    is_news(import, AM_COLUMN_ACCOUNT, &campaign->advertiser, unlike_before,
            &campaign->is_uncertain);
    if (!is_own)
        return;
    am_cli_import_read_status(import, AM_COLUMN_STATUS, &campaign->status);
    if (is_news(import, AM_COLUMN_START, &campaign->said_start, unlike_before,
                &campaign->is_uncertain))
        campaign->is_uncertain |=
            !am_cli_import_read_day(import, AM_COLUMN_START, &campaign->start);
    if (is_news(import, AM_COLUMN_END, &campaign->said_end, unlike_before, &campaign->is_uncertain))
        campaign->is_uncertain |= !am_cli_import_read_day(import, AM_COLUMN_END, &campaign->end);
    read_labels(import, &campaign->labels, &campaign->is_uncertain);
    am_cli_import_read_keywords(import, AM_COLUMN_NEGATIVE, AM_VIEW("negative broad"), NULL,
                                &campaign->negatives);
    import->understood = true;
}

/* ---- ads --------------------------------------------------------------------------------------
 */

static void read_texts(struct am_cli_import *import,
                       enum am_cli_column column,
                       struct am_view *texts,
                       uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct am_view cell = am_cli_import_cell_number(import, column, i);
        struct am_view kept = am_cli_import_keep(import, cell);
        if (!kept.data)
            return;
        struct am_view shown = am_cli_cell_without_insertion(cell, (char *)kept.data);
        texts[i] = shown.data == cell.data ? kept : shown;
        if (shown.data != cell.data)
            am_cli_import_report(import, "nothing is inserted into texts", cell,
                                 ", its default was taken");
    }
}

static bool append_text(struct am_vector *key, struct am_view text) {
    char *size = am_vector_extend(key, sizeof text.size);
    if (!size)
        return false;
    memcpy(size, &text.size, sizeof text.size);
    char *place = text.size ? am_vector_extend(key, text.size) : NULL;
    if (place)
        memcpy(place, text.data, text.size);
    return place || text.size == 0;
}

/* Whether the group has an ad with all the same texts; from now on it has. */
static bool is_repeated(struct am_cli_import *import,
                        const struct am_cli_group *group,
                        const struct am_cli_creative *creative) {
    size_t number = (size_t)(group - AM_VECTOR_AT(&import->account.groups, struct am_cli_group, 0));
    struct am_vector *key = &import->scratch;
    key->count = 0;
    bool fine = append_text(key, (struct am_view){(const char *)&number, sizeof number}) &&
                append_text(key, creative->url);
    for (size_t i = 0; fine && i < AM_CLI_HEADLINES; i++)
        fine = append_text(key, creative->headlines[i]);
    for (size_t i = 0; fine && i < AM_CLI_DESCRIPTIONS; i++)
        fine = append_text(key, creative->descriptions[i]);
    for (size_t i = 0; fine && i < AM_CLI_PATHS; i++)
        fine = append_text(key, creative->paths[i]);
    uint32_t before = import->creatives.count;
    uint32_t met =
        fine ? am_cli_interner_number(&import->creatives, (struct am_view){key->data, key->count})
             : UINT32_MAX;
    import->out_of_memory |= met == UINT32_MAX;
    return met < before;
}

static void read_creative(struct am_cli_import *import, struct am_cli_group *group) {
    struct am_cli_creative creative = {
        .url = am_cli_import_keep(import, am_cli_import_cell(import, AM_COLUMN_URL))};
    bool keyword = am_cli_import_has_cell(import, AM_COLUMN_KEYWORD);
    read_texts(import, AM_COLUMN_HEADLINE, creative.headlines, AM_CLI_HEADLINES);
    read_texts(import, AM_COLUMN_DESCRIPTION, creative.descriptions, AM_CLI_DESCRIPTIONS);
    read_texts(import, AM_COLUMN_PATH, creative.paths, AM_CLI_PATHS);
    if (!keyword)
        am_cli_import_read_status(import, AM_COLUMN_STATUS, &creative.status);
    import->understood = true;
    if ((import->is_plain || keyword) && is_repeated(import, group, &creative))
        return; /* tables repeat the ad beside each keyword */
    am_cli_import_push(import, &group->creatives, &creative);
}

/* A row of an ad has texts, or in a plain table at least a landing page. */
static bool has_creative(const struct am_cli_import *import) {
    if (am_cli_import_has_cell(import, AM_COLUMN_HEADLINE) ||
        am_cli_import_has_cell(import, AM_COLUMN_DESCRIPTION))
        return true;
    return am_cli_import_has_cell(import, AM_COLUMN_URL) &&
           (import->is_plain || !am_cli_import_has_cell(import, AM_COLUMN_KEYWORD));
}

/* ---- bids of groups ---------------------------------------------------------------------------
 */

static void set_bid(struct am_cli_import *import,
                    struct am_cli_group *group,
                    enum am_cli_column column,
                    bool is_cpm) {
    int64_t bid = -1;
    enum am_cli_bid read = am_cli_import_read_money(import, column, &bid);
    if (read == AM_BID_NONE)
        return;
    import->understood = true;
    if (read == AM_BID_READ && group->bid >= 0 && (group->bid != bid || group->is_cpm != is_cpm)) {
        am_cli_import_report(import, "another bid", am_cli_import_cell(import, column),
                             unlike_before);
        read = AM_BID_UNCERTAIN;
    }
    group->is_uncertain |= read == AM_BID_UNCERTAIN;
    if (read == AM_BID_READ) {
        group->bid = bid;
        group->is_cpm = is_cpm;
    }
}

/* What the row says of pricing. */
enum pricing { PRICING_NONE, PRICING_CPC, PRICING_CPM, PRICING_UNCERTAIN };

static enum pricing read_pricing(struct am_cli_import *import) {
    struct am_view cell = am_cli_import_cell(import, AM_COLUMN_PRICING);
    if (cell.size == 0)
        return PRICING_NONE;
    if (am_cli_import_is_contradicted(import, AM_COLUMN_PRICING))
        return PRICING_UNCERTAIN;
    if (am_cli_cell_is(cell, "cpm") || am_cli_cell_holds(cell, "mille") ||
        am_cli_cell_holds(cell, "thousand"))
        return PRICING_CPM;
    if (am_cli_cell_is(cell, "cpc") || am_cli_cell_holds(cell, "click"))
        return PRICING_CPC;
    am_cli_import_report(import, "pricing not understood", cell,
                         ", expected cpc or cpm: the ad is paused");
    return PRICING_UNCERTAIN;
}

/* The bid of the row's ads: a column CPM is by the thousand, others as the pricing says. */
static void read_bids(struct am_cli_import *import, struct am_cli_group *group, bool keyword) {
    enum pricing pricing = read_pricing(import);
    struct am_view cpm = am_cli_import_cell(import, AM_COLUMN_CPM);
    bool is_cpm = pricing == PRICING_CPM || (pricing == PRICING_NONE && group->is_cpm);
    bool has_bid = am_cli_import_has_cell(import, AM_COLUMN_GROUP_BID) ||
                   am_cli_import_has_cell(import, AM_COLUMN_BID);
    group->is_uncertain |= pricing == PRICING_UNCERTAIN;
    if (is_cpm && group->bid < 0)
        group->is_cpm = true;
    if (cpm.size && pricing == PRICING_CPC) {
        if (has_bid) {
            am_cli_import_report(import, "cpm", cpm,
                                 ", left out, since the pricing is by the click");
        } else {
            am_cli_import_report(import, "cpm", cpm, ", but the pricing is by the click: paused");
            group->is_uncertain = true;
        }
    } else if (cpm.size && has_bid && pricing == PRICING_NONE) {
        am_cli_import_report(import, "cpm", cpm, ", beside a bid by the click: paused");
        group->is_uncertain = true;
    } else if (cpm.size) {
        set_bid(import, group, AM_COLUMN_CPM, true);
        return;
    }
    set_bid(import, group, AM_COLUMN_GROUP_BID, is_cpm);
    if (!keyword)
        set_bid(import, group, AM_COLUMN_BID, is_cpm);
}

/* ---- groups -----------------------------------------------------------------------------------
 */

static void read_list(struct am_cli_import *import,
                      struct am_cli_group *group,
                      enum am_cli_column column,
                      struct am_view *said,
                      struct am_vector *items) {
    if (!is_news(import, column, said, unlike_before, &group->is_uncertain))
        return;
    group->is_uncertain |= am_cli_import_is_contradicted(import, column);
    am_cli_import_read_items(import, *said, items);
}

static void read_group_day(struct am_cli_import *import,
                           struct am_cli_group *group,
                           enum am_cli_column column,
                           struct am_view *said,
                           struct am_view *time) {
    if (is_news(import, column, said, unlike_before, &group->is_uncertain))
        group->is_uncertain |= !am_cli_import_read_day(import, column, time);
}

static void read_group_members(struct am_cli_import *import, struct am_cli_group *group) {
    read_group_day(import, group, AM_COLUMN_START, &group->said_start, &group->start);
    read_group_day(import, group, AM_COLUMN_END, &group->said_end, &group->end);
    read_list(import, group, AM_COLUMN_COUNTRY, &group->said_countries, &group->countries);
    read_list(import, group, AM_COLUMN_SIZE, &group->said_sizes, &group->sizes);
    read_labels(import, &group->labels, &group->is_uncertain);
}

/* An error of a spreadsheet where the ad says something: nobody wants it served. */
static void check_errors(struct am_cli_import *import, struct am_cli_group *group) {
    for (uint32_t i = 0; i < import->row->count && i < import->column_count; i++) {
        enum am_cli_column column = import->columns[i].column;
        struct am_view cell = import->row->cells[i];
        if (column == AM_COLUMN_UNKNOWN || column == AM_COLUMN_KEYWORD ||
            column == AM_COLUMN_KEYWORDS || column == AM_COLUMN_NEGATIVE ||
            !am_inventory_is_spreadsheet_error(cell))
            continue;
        am_cli_import_report(import, "an error of a spreadsheet", cell, ": the ad is paused");
        group->is_uncertain = true;
    }
}

static void read_lists(struct am_cli_import *import, struct am_cli_group *group) {
    struct am_view negatives = am_cli_import_cell(import, AM_COLUMN_NEGATIVE);
    if (negatives.size && !am_view_equal(negatives, group->said_negatives)) {
        group->said_negatives = am_cli_import_keep(import, negatives);
        am_cli_import_read_keywords(import, AM_COLUMN_NEGATIVE, AM_VIEW("negative broad"), NULL,
                                    &group->negatives);
    }
    am_cli_import_read_keywords(import, AM_COLUMN_KEYWORDS, am_cli_import_match(import),
                                &group->keywords, &group->negatives);
}

void am_cli_import_read_group(struct am_cli_import *import, struct am_cli_group *group) {
    bool keyword = am_cli_import_has_cell(import, AM_COLUMN_KEYWORD);
    bool creative = has_creative(import);
    struct am_view type = am_cli_import_cell(import, AM_COLUMN_AD_TYPE);
    is_news(import, AM_COLUMN_ACCOUNT, &group->advertiser, unlike_before, &group->is_uncertain);
    am_cli_import_read_status(import, AM_COLUMN_GROUP_STATUS, &group->status);
    group->is_uncertain |= import->is_foreign && !keyword;
    check_errors(import, group);
    read_bids(import, group, keyword);
    if (import->is_plain || !keyword)
        read_group_members(import, group);
    read_lists(import, group);
    if (type.size && !am_cli_cell_holds(type, "text") &&
        !am_cli_cell_holds(type, "responsive search"))
        am_cli_import_report(import, "ad type not understood", type,
                             ", its texts are taken as they are");
    if (creative)
        read_creative(import, group);
    if (keyword) {
        am_cli_import_read_group_keyword(import, group);
        return;
    }
    if (creative || type.size)
        return;
    import->understood |= am_cli_import_has_cell(import, AM_COLUMN_STATUS);
    am_cli_import_read_status(import, AM_COLUMN_STATUS, &group->status);
}
