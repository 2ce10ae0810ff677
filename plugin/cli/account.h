/* SPDX-License-Identifier: Apache-2.0 */
/* An advertiser's account, between a table and an inventory: campaigns, ad groups, their keywords
 * and texts. The account owns everything. */
#ifndef AM_CLI_ACCOUNT_H
#define AM_CLI_ACCOUNT_H

#include "../base/arena.h"
#include "../base/buffer.h"
#include "../base/error.h"
#include "../base/vector.h"
#include "../model/limits.h"
#include "../model/names.h"
#include "cells.h"
#include "interner.h"

enum { AM_CLI_HEADLINES = 15, AM_CLI_DESCRIPTIONS = 5, AM_CLI_PATHS = 2 };

struct am_cli_keyword {
    struct am_view text;
    int64_t bid;   /* micros; -1: the group's */
    uint8_t match; /* enum am_model_match_type */
};

/* A responsive text. */
struct am_cli_creative {
    struct am_view url;
    struct am_view headlines[AM_CLI_HEADLINES], descriptions[AM_CLI_DESCRIPTIONS],
        paths[AM_CLI_PATHS]; /* empty: none */
    enum am_cli_status status;
};

struct am_cli_campaign {
    struct am_view name, advertiser;     /* advertiser empty: the command's */
    struct am_view start, end;           /* RFC 3339; empty: none */
    struct am_view said_start, said_end; /* as the table has them */
    enum am_cli_status status;
    bool is_uncertain; /* what the table says is not understood, or contradicts itself: paused */
    struct am_vector labels;    /* struct am_view */
    struct am_vector negatives; /* struct am_cli_keyword */
};

struct am_cli_group {
    uint32_t campaign; /* index; UINT32_MAX: the table has no campaigns */
    struct am_view name, advertiser;
    int64_t bid; /* micros; -1: none */
    bool is_cpm; /* pays by the thousand impressions, else by the click */
    enum am_cli_status status;
    bool is_uncertain;                         /* as of a campaign */
    struct am_vector keywords, negatives;      /* struct am_cli_keyword */
    struct am_vector creatives;                /* struct am_cli_creative */
    struct am_vector countries, labels, sizes; /* struct am_view */
    struct am_view start, end;                 /* RFC 3339; empty: none */
    /* Cells as the table has them. */
    struct am_view said_start, said_end, said_countries, said_sizes, said_negatives;
};

struct am_cli_account {
    struct am_arena arena;
    struct am_cli_interner campaign_names, group_names; /* groups: by all three */
    struct am_vector campaigns, groups;
};

struct am_cli_account am_cli_account_new(void);
void am_cli_account_free(struct am_cli_account *account);

/* The campaign, or group, of that name, made if new; NULL when memory runs out. Groups of one name
 * that differ in their variant are apart. */
struct am_cli_campaign *am_cli_account_campaign(struct am_cli_account *account,
                                                struct am_view name);
struct am_cli_group *am_cli_account_group(struct am_cli_account *account,
                                          struct am_view campaign,
                                          struct am_view name,
                                          struct am_view variant);

struct am_cli_account_options {
    struct am_view advertiser; /* of campaigns and groups that name none */
    struct am_view ctr;        /* of ads that pay by the click, as a decimal */
    int64_t bid;               /* micros, of groups without; -1: they are paused */
    /* Of the whole inventory; empty: not said. */
    struct am_view currency, language;
    /* Receives what had to be decided about a group; `context` is that of am_cli_account_write. */
    void (*remark)(void *context, const struct am_cli_group *group, const char *what);
};

/* What an account has come to. */
struct am_cli_account_totals {
    uint64_t campaigns, ads, keywords, negatives;
};

/* AM_E_LIMIT where the keywords of all ads would take more than about that many bytes of an
 * inventory: each ad repeats those of its group, so that a table of n lines may make n * n / 4. */
enum am_code am_cli_account_check(const struct am_cli_account *account,
                                  uint64_t most_bytes,
                                  struct am_error *error);

/* Passes the lines of the inventory to `put`, which may refuse (false). Ids are made distinct by
 * "/2" and so on. AM_E_MEMORY; AM_E_LIMIT: a
 * line is longer than an inventory's may be; AM_E_IO, without
 * a message: `put` refused it. */
enum am_code am_cli_account_write(const struct am_cli_account *account,
                                  const struct am_cli_account_options *options,
                                  bool (*put)(void *context, struct am_view line),
                                  void *context,
                                  struct am_cli_account_totals *totals,
                                  struct am_error *error);

#endif
