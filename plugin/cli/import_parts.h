/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the import: how its parts read the cells of the row at hand, and report. Money and
 * limits fail closed: what is not certain pauses its ad, or leaves its keyword out. */
#ifndef AM_CLI_IMPORT_PARTS_H
#define AM_CLI_IMPORT_PARTS_H

#include "import_rows.h"

/* ---- cells: import_cells.c ---- */

/* A line of the report about the row. */
void am_cli_import_report(struct am_cli_import *import,
                          const char *what,
                          struct am_view cell,
                          const char *why);

/* Web reports of Google Ads write a cell without a value so. */
bool am_cli_import_is_empty(struct am_view cell);

/* The first cell of a column that is not empty, or an empty view. */
struct am_view am_cli_import_cell_number(const struct am_cli_import *import,
                                         enum am_cli_column column,
                                         uint32_t number);
struct am_view am_cli_import_cell(const struct am_cli_import *import, enum am_cli_column column);
bool am_cli_import_has_cell(const struct am_cli_import *import, enum am_cli_column column);

/* The same of the next column with that meaning from *index on, which moves behind it. */
struct am_view am_cli_import_next_cell(const struct am_cli_import *import,
                                       enum am_cli_column column,
                                       uint32_t *index);

/* Whether several columns of that meaning say different things in this row. */
bool am_cli_import_is_contradicted(const struct am_cli_import *import, enum am_cli_column column);
/* Reports them. */
void am_cli_import_report_rivals(struct am_cli_import *import);

/* Copies for as long as the account lives, and pushes; out_of_memory says that it failed. */
struct am_view am_cli_import_keep(struct am_cli_import *import, struct am_view text);
void am_cli_import_push(struct am_cli_import *import, struct am_vector *vector, const void *item);

/* The strictest state of the cells of that meaning, and of `*status`. */
void am_cli_import_read_status(struct am_cli_import *import,
                               enum am_cli_column column,
                               enum am_cli_status *status);

/* A day as the time at which it begins, or, for the last day of something, ends. False: it is not
 * certain. */
bool am_cli_import_read_day(struct am_cli_import *import,
                            enum am_cli_column column,
                            struct am_view *time);

/* Appends the items of a list. */
void am_cli_import_read_items(struct am_cli_import *import,
                              struct am_view cell,
                              struct am_vector *items);

/* ---- bids: import_money.c ---- */

/* Counts the currencies that the row names. */
void am_cli_import_survey_cells(struct am_cli_import *import);
/* Whether the row bids in the inventory's currency; sets is_foreign, and reports. */
void am_cli_import_read_currency(struct am_cli_import *import);

/* What is uncertain is reported. */
enum am_cli_bid { AM_BID_NONE, AM_BID_READ, AM_BID_UNCERTAIN };
enum am_cli_bid
am_cli_import_read_money(struct am_cli_import *import, enum am_cli_column column, int64_t *micros);

/* ---- keywords: import_keywords.c ---- */

/* Those of a list in a cell. `keywords` NULL: all are negative. */
void am_cli_import_read_keywords(struct am_cli_import *import,
                                 enum am_cli_column column,
                                 struct am_view type,
                                 struct am_vector *keywords,
                                 struct am_vector *negatives);
/* The keyword of a row, of a group or of a campaign. */
void am_cli_import_read_group_keyword(struct am_cli_import *import, struct am_cli_group *group);
void am_cli_import_read_campaign_keyword(struct am_cli_import *import,
                                         struct am_cli_campaign *campaign);
/* Of the row's keyword: "exact", "negative broad" and so on. */
struct am_view am_cli_import_match(const struct am_cli_import *import);

/* ---- campaigns, groups, ads: import_groups.c ---- */

void am_cli_import_read_language(struct am_cli_import *import);
/* `is_own`: the row is about the campaign alone. */
void am_cli_import_read_campaign(struct am_cli_import *import,
                                 struct am_cli_campaign *campaign,
                                 bool is_own);
void am_cli_import_read_group(struct am_cli_import *import, struct am_cli_group *group);

/* ---- ids of plain tables: import_identity.c ---- */

/* After the header: which columns say what an ad is like. */
void am_cli_import_list_parts(struct am_cli_import *import);
/* Fills the row's empty cells with what the row before of its id said. Returns what, with the id,
 * makes the ad; .data NULL when memory runs out. Valid until the next call. */
struct am_view
am_cli_import_variant(struct am_cli_import *import, struct am_view campaign, struct am_view id);

#endif
