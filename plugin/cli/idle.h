/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords that can never win: found by reading the inventory alone, without any request. Each
 * reason is certain: a keyword is listed only when no request, now or later, can make it win. The
 * first reason in the order below is the one given. */
#ifndef AM_CLI_IDLE_H
#define AM_CLI_IDLE_H

#include "../inventory/inventory.h"

enum am_cli_idle_reason {
    AM_IDLE_PAUSED,   /* the ad or its campaign is paused */
    AM_IDLE_ENDED,    /* the ad or its campaign is over */
    AM_IDLE_NO_TIME,  /* the ad's and its campaign's times have no moment in common */
    AM_IDLE_TOO_WIDE, /* broad, with more distinct words than broad_window */
    AM_IDLE_VETOED,   /* a negative keyword of the ad or its campaign hits wherever it hits */
    AM_IDLE_REASONS,
};
/* "paused", "ended", ...: for a summary. */
const char *am_cli_idle_reason_name(enum am_cli_idle_reason reason);

struct am_cli_idle_keyword {
    const struct am_inventory_ad *ad;
    const struct am_inventory_keyword *keyword;
    const struct am_inventory_keyword *negative; /* with AM_IDLE_VETOED */
    enum am_cli_idle_reason reason;
};

enum { AM_IDLE_MAX_LISTED = 100 };

struct am_cli_idle_summary {
    uint64_t distinct_words; /* of all keywords, negative ones included, before stemming */
    uint64_t counts[AM_IDLE_REASONS];
    struct am_cli_idle_keyword
        listed[AM_IDLE_MAX_LISTED]; /* TOO_WIDE and VETOED: those are mistakes */
    uint32_t listed_count;
};

/* `now`: seconds since the epoch. AM_E_MEMORY. */
enum am_code am_cli_idle_find(const struct am_inventory *inventory,
                              int64_t now,
                              struct am_cli_idle_summary *summary,
                              struct am_error *error);

#endif
