/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of tables of ads, by the names that Google Ads Editor and people use. */
#ifndef AM_CLI_COLUMNS_H
#define AM_CLI_COLUMNS_H

#include "../base/bytes.h"

enum am_cli_column {
    AM_COLUMN_UNKNOWN,
    AM_COLUMN_ACCOUNT, /* the advertiser */
    AM_COLUMN_CAMPAIGN,
    AM_COLUMN_CAMPAIGN_STATUS,
    AM_COLUMN_START,
    AM_COLUMN_END,
    AM_COLUMN_LABELS,
    AM_COLUMN_GROUP,
    AM_COLUMN_ID, /* of an ad, in tables without ad groups */
    AM_COLUMN_GROUP_STATUS,
    AM_COLUMN_BID,
    AM_COLUMN_GROUP_BID, /* of the ad group, beside keywords too */
    AM_COLUMN_CPM,       /* a bid by the thousand impressions */
    AM_COLUMN_PRICING,   /* cpc or cpm */
    AM_COLUMN_CURRENCY,
    AM_COLUMN_LANGUAGE,
    AM_COLUMN_KEYWORD,
    AM_COLUMN_KEYWORDS, /* several in a cell */
    AM_COLUMN_MATCH,
    AM_COLUMN_NEGATIVE, /* negative keywords */
    AM_COLUMN_COUNTRY,
    AM_COLUMN_SIZE,
    AM_COLUMN_STATUS, /* of what the row is about */
    AM_COLUMN_URL,
    AM_COLUMN_AD_TYPE,
    AM_COLUMN_HEADLINE,
    AM_COLUMN_DESCRIPTION,
    AM_COLUMN_PATH,
};

struct am_cli_column_name {
    enum am_cli_column column;
    uint32_t number; /* of "Headline 3": 2; of columns without one 0 */
};

/* Without regard to ASCII case. */
struct am_cli_column_name am_cli_column_of(struct am_view name);

/* How many of the cells name columns; 0: too few for a header, whose cells name a column of
 * keywords, or two others at least. */
uint32_t am_cli_columns_known(const struct am_view *cells, uint32_t count);

/* A name of the column. */
const char *am_cli_column_meaning(enum am_cli_column column);

#endif
