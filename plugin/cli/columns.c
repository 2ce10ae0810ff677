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
    {"campaign", AM_COLUMN_CAMPAIGN},
    {"campaign name", AM_COLUMN_CAMPAIGN},
    {"campaign status", AM_COLUMN_CAMPAIGN_STATUS},
    {"start date", AM_COLUMN_START},
    {"start", AM_COLUMN_START},
    {"end date", AM_COLUMN_END},
    {"end", AM_COLUMN_END},
    {"labels", AM_COLUMN_LABELS},
    {"ad group", AM_COLUMN_GROUP},
    {"ad group name", AM_COLUMN_GROUP},
    {"ad", AM_COLUMN_GROUP},
    {"id", AM_COLUMN_GROUP},
    {"ad group status", AM_COLUMN_GROUP_STATUS},
    {"max cpc", AM_COLUMN_BID},
    {"max. cpc", AM_COLUMN_BID},
    {"default max. cpc", AM_COLUMN_BID},
    {"cpc", AM_COLUMN_BID},
    {"bid", AM_COLUMN_BID},
    {"keyword", AM_COLUMN_KEYWORD},
    {"keywords", AM_COLUMN_KEYWORDS},
    {"criterion type", AM_COLUMN_MATCH},
    {"match type", AM_COLUMN_MATCH},
    {"type", AM_COLUMN_MATCH},
    {"negative keyword", AM_COLUMN_NEGATIVE},
    {"negative keywords", AM_COLUMN_NEGATIVE},
    {"country", AM_COLUMN_COUNTRY},
    {"countries", AM_COLUMN_COUNTRY},
    {"status", AM_COLUMN_STATUS},
    {"final url", AM_COLUMN_URL},
    {"url", AM_COLUMN_URL},
    {"ad type", AM_COLUMN_AD_TYPE},
    {"headline", AM_COLUMN_HEADLINE},
    {"title", AM_COLUMN_HEADLINE},
    {"description", AM_COLUMN_DESCRIPTION},
    {"description line", AM_COLUMN_DESCRIPTION},
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
