/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <strings.h>

static const struct {
    const char *name;
    enum am_cli_column column;
} names[] = {
    {"account", AM_COLUMN_ACCOUNT},
    {"account name", AM_COLUMN_ACCOUNT},
    {"advertiser", AM_COLUMN_ACCOUNT},
    {"advertiser name", AM_COLUMN_ACCOUNT},
    {"customer", AM_COLUMN_ACCOUNT},
    {"client", AM_COLUMN_ACCOUNT},
    {"merchant", AM_COLUMN_ACCOUNT},
    {"seller", AM_COLUMN_ACCOUNT},
    {"campaign", AM_COLUMN_CAMPAIGN},
    {"campaign name", AM_COLUMN_CAMPAIGN},
    {"campaign status", AM_COLUMN_CAMPAIGN_STATUS},
    {"campaign state", AM_COLUMN_CAMPAIGN_STATUS},
    {"start date", AM_COLUMN_START},
    {"start", AM_COLUMN_START},
    {"campaign start date", AM_COLUMN_START},
    {"end date", AM_COLUMN_END},
    {"end", AM_COLUMN_END},
    {"campaign end date", AM_COLUMN_END},
    {"labels", AM_COLUMN_LABELS},
    {"label", AM_COLUMN_LABELS},
    {"ad group", AM_COLUMN_GROUP},
    {"ad group name", AM_COLUMN_GROUP},
    {"adgroup", AM_COLUMN_GROUP},
    {"flight", AM_COLUMN_GROUP},
    {"line item", AM_COLUMN_GROUP},
    {"id", AM_COLUMN_ID},
    {"ad id", AM_COLUMN_ID},
    {"ad", AM_COLUMN_ID},
    {"ad name", AM_COLUMN_ID},
    {"sku", AM_COLUMN_ID},
    {"ad group status", AM_COLUMN_GROUP_STATUS},
    {"ad group state", AM_COLUMN_GROUP_STATUS},
    {"bid", AM_COLUMN_BID},
    {"max cpc", AM_COLUMN_BID},
    {"max. cpc", AM_COLUMN_BID},
    {"default max. cpc", AM_COLUMN_GROUP_BID},
    {"default max cpc", AM_COLUMN_GROUP_BID},
    {"max cpc bid", AM_COLUMN_BID},
    {"max bid", AM_COLUMN_BID},
    {"cpc", AM_COLUMN_BID},
    {"cpc bid", AM_COLUMN_BID},
    {"cost per click", AM_COLUMN_BID},
    {"rate", AM_COLUMN_BID},
    {"cpm", AM_COLUMN_CPM},
    {"pricing", AM_COLUMN_PRICING},
    {"pricing model", AM_COLUMN_PRICING},
    {"price model", AM_COLUMN_PRICING},
    {"price type", AM_COLUMN_PRICING},
    {"rate type", AM_COLUMN_PRICING},
    {"bid type", AM_COLUMN_PRICING},
    {"cost model", AM_COLUMN_PRICING},
    {"currency", AM_COLUMN_CURRENCY},
    {"currency code", AM_COLUMN_CURRENCY},
    {"language", AM_COLUMN_LANGUAGE},
    {"languages", AM_COLUMN_LANGUAGE},
    {"keyword", AM_COLUMN_KEYWORD},
    {"keyword text", AM_COLUMN_KEYWORD},
    {"search keyword", AM_COLUMN_KEYWORD},
    {"keywords", AM_COLUMN_KEYWORDS},
    {"keyword list", AM_COLUMN_KEYWORDS},
    {"criterion type", AM_COLUMN_MATCH},
    {"match type", AM_COLUMN_MATCH},
    {"matchtype", AM_COLUMN_MATCH},
    {"keyword match type", AM_COLUMN_MATCH},
    {"type", AM_COLUMN_MATCH},
    {"negative keywords", AM_COLUMN_NEGATIVE},
    {"negative keyword", AM_COLUMN_NEGATIVE},
    {"negatives", AM_COLUMN_NEGATIVE},
    {"excluded keywords", AM_COLUMN_NEGATIVE},
    {"country", AM_COLUMN_COUNTRY},
    {"countries", AM_COLUMN_COUNTRY},
    {"country code", AM_COLUMN_COUNTRY},
    {"country codes", AM_COLUMN_COUNTRY},
    {"geo", AM_COLUMN_COUNTRY},
    {"size", AM_COLUMN_SIZE},
    {"sizes", AM_COLUMN_SIZE},
    {"ad size", AM_COLUMN_SIZE},
    {"creative size", AM_COLUMN_SIZE},
    {"keyword status", AM_COLUMN_STATUS},
    {"keyword state", AM_COLUMN_STATUS},
    {"ad status", AM_COLUMN_STATUS},
    {"ad state", AM_COLUMN_STATUS},
    {"status", AM_COLUMN_STATUS},
    {"state", AM_COLUMN_STATUS},
    {"url", AM_COLUMN_URL},
    {"final url", AM_COLUMN_URL},
    {"landing page", AM_COLUMN_URL},
    {"landing page url", AM_COLUMN_URL},
    {"landing url", AM_COLUMN_URL},
    {"click url", AM_COLUMN_URL},
    {"click-through url", AM_COLUMN_URL},
    {"destination url", AM_COLUMN_URL},
    {"target url", AM_COLUMN_URL},
    {"link", AM_COLUMN_URL},
    {"ad type", AM_COLUMN_AD_TYPE},
    {"title", AM_COLUMN_HEADLINE},
    {"headline", AM_COLUMN_HEADLINE},
    {"ad title", AM_COLUMN_HEADLINE},
    {"ad headline", AM_COLUMN_HEADLINE},
    {"description", AM_COLUMN_DESCRIPTION},
    {"description line", AM_COLUMN_DESCRIPTION},
    {"ad text", AM_COLUMN_DESCRIPTION},
    {"body", AM_COLUMN_DESCRIPTION},
    {"path", AM_COLUMN_PATH},
};

/* Strips the number at the end of "Headline 3"; 1 where there is none. */
static uint32_t take_number(struct am_view *name) {
    uint32_t number = 0, factor = 1;
    struct am_view rest = *name;
    for (; rest.size && rest.data[rest.size - 1] >= '0' && rest.data[rest.size - 1] <= '9' &&
           factor <= 100;
         rest.size--, factor *= 10)
        number += (uint32_t)(rest.data[rest.size - 1] - '0') * factor;
    if (number == 0 || rest.size == 0 || rest.data[rest.size - 1] != ' ')
        return 1;
    *name = (struct am_view){rest.data, rest.size - 1};
    return number;
}

struct am_cli_column_name am_cli_column_of(struct am_view name) {
    uint32_t number = take_number(&name);
    for (size_t i = 0; i < AM_COUNT_OF(names); i++)
        if (strlen(names[i].name) == name.size &&
            strncasecmp(names[i].name, name.data, name.size) == 0)
            return (struct am_cli_column_name){names[i].column, number - 1};
    return (struct am_cli_column_name){AM_COLUMN_UNKNOWN, 0};
}

const char *am_cli_column_meaning(enum am_cli_column column) {
    for (size_t i = 0; i < AM_COUNT_OF(names); i++)
        if (names[i].column == column)
            return names[i].name;
    return "";
}

uint32_t am_cli_columns_known(const struct am_view *cells, uint32_t count) {
    uint32_t known = 0;
    bool keyword = false;
    for (uint32_t i = 0; i < count; i++) {
        enum am_cli_column column = am_cli_column_of(cells[i]).column;
        known += column != AM_COLUMN_UNKNOWN;
        keyword |= column == AM_COLUMN_KEYWORD || column == AM_COLUMN_KEYWORDS;
    }
    return keyword || known >= 2 ? known : 0;
}
