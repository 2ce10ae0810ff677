/* SPDX-License-Identifier: Apache-2.0 */
/* An inventory in memory: every record read, checked, and resolved. JSON Lines in, this out; the
 * builder turns it into an image.
 *
 * Everything is owned by `struct am_inventory` and lives until am_inventory_free. Views are not
 * NUL-terminated. */
#ifndef AM_INVENTORY_INVENTORY_H
#define AM_INVENTORY_INVENTORY_H

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/timezone.h"
#include "../model/budget.h"
#include "../model/limits.h"
#include "../model/money.h"
#include "../model/names.h"

struct am_inventory_targeting {
    enum am_model_targeting_kind kind;
    enum am_model_attribute attribute; /* IN, HOURS */
    struct am_view key; /* IN on kv: the key; {"kv":{"a":..,"b":..}} is two IN children */
    uint32_t count;     /* children, values, or runs */
    const struct am_inventory_targeting *children; /* ALL, ANY, NOT: array of count */
    const struct am_view
        *values;       /* IN: folded, sorted by am_view_compare, no duplicates, at least one */
    uint64_t hours[3]; /* HOURS: bit h of hours[h / 64] */
    const uint32_t
        *times; /* TIMES: `count` runs of minutes, am_model_week_run; ascending, disjoint */
    struct am_view written; /* TIMES: as the inventory has them, with ", " between */
};

struct am_inventory_keyword {
    struct am_view text; /* as written, notation removed: what an answer shows */
    /* Normalised words with one space between, of a broad keyword with their accents, since stems
     * are made of them; empty for AM_MATCH_ANY. */
    struct am_view words;
    int64_t bid;   /* micros; -1: the ad's */
    uint8_t match; /* enum am_model_match_type; unspaced broad keywords of several words are PHRASE
                      already */
    bool negative;
    uint8_t word_count;
};

/* Lists its words; at most AM_KEYWORD_MAX_WORDS, as every keyword has. Returns how many. */
uint32_t am_inventory_keyword_words(const struct am_inventory_keyword *keyword,
                                    struct am_view words[AM_KEYWORD_MAX_WORDS]);

struct am_inventory_strings {
    const struct am_view *items;
    uint32_t count;
};

/* What a record may deliver, and how fast: an advertiser's, a campaign's or an ad's. */
struct am_inventory_delivery {
    int64_t total[AM_UNITS], daily[AM_UNITS];     /* nanos, impressions, clicks; AM_BUDGET_NONE */
    bool has_pacing, has_curve, has_without_user; /* they were written */
    uint8_t pacing;                               /* enum am_model_pacing; EVEN when not given */
    uint8_t curve;           /* enum am_model_curve, with has_curve; never an ad's */
    const uint32_t *weights; /* AM_CURVE_GIVEN: AM_CURVE_HOURS of them */
    const uint32_t *caps;    /* am_model_cap, ascending; no two of the same period */
    uint32_t cap_count;
    bool skips_without_user; /* `without_user` is "skip" */
};

/* Whether it has a budget of any unit. */
bool am_inventory_has_budget(const struct am_inventory_delivery *delivery);

/* What a campaign and an ad have in common. */
struct am_inventory_rules {
    bool paused;
    int64_t start; /* seconds since the epoch; INT64_MIN when not given */
    int64_t end;   /* INT64_MAX when not given; a record is over AT its end */
    const struct am_inventory_targeting *targeting; /* NULL when not given or {} */
    struct am_view timezone; /* of `hour` and of the budget's day; empty: the campaign's, or the
                                inventory's */
    struct am_inventory_delivery delivery;
    struct am_inventory_strings labels, exclude_labels, categories; /* sorted, no duplicates */
    struct am_view domain; /* lower case; empty when not given */
    const struct am_inventory_keyword
        *negatives; /* negative_keywords (and for an ad, the negative ones of `keywords`) */
    uint32_t negative_count;
    bool has_priority;
    int32_t priority; /* -1000..1000; 0 when not given; higher first */
    uint32_t line;    /* where the record stands, from 1 */
};

/* A record of type advertiser: advertisers need none. */
struct am_inventory_advertiser {
    struct am_view id;
    struct am_view timezone; /* empty: the inventory's */
    struct am_inventory_delivery delivery;
    uint32_t line;
};

struct am_inventory_campaign {
    struct am_view id;
    struct am_view advertiser;
    struct am_inventory_rules rules;
};

struct am_inventory_ad {
    struct am_view id;
    uint32_t campaign;         /* index into campaigns, or AM_NONE */
    struct am_view advertiser; /* the campaign's, or its own; never empty */
    int64_t bid;               /* micros, at least 0 */
    uint8_t pricing;           /* enum am_model_pricing */
    int64_t ctr;               /* millionths, 1..1,000,000, for cpc; 0 for cpm */
    int64_t quality;           /* per mille, 0..AM_PER_MILLE_MAX; default 1000 */
    const uint32_t *sizes; /* width << 16 | height; sorted, no duplicates; none: fits any slot */
    uint32_t size_count;
    const struct am_inventory_keyword
        *keywords; /* the positive ones, in order as written; no two the same match and words: of
                      such duplicates the highest bid stays, and the report counts the others */
    uint32_t keyword_count;
    struct am_view url;      /* may be empty */
    struct am_view creative; /* the JSON object as written; empty when not given */
    struct am_inventory_rules rules;
};

struct am_inventory {
    struct am_view currency;               /* ISO 4217; default "USD" */
    struct am_view language;               /* empty when not given */
    struct am_view timezone;               /* of records that have none; empty: UTC */
    uint8_t unique;                        /* enum am_model_unique, of requests that have none */
    struct am_inventory_delivery delivery; /* its curve alone; of records that have none */
    bool fold_accents;                     /* default true, but for Vietnamese */
    bool stem;             /* default true; false here whenever Snowball does not know `language` */
    bool spelling;         /* default false */
    uint32_t broad_window; /* 1..AM_BROAD_WINDOW_MAX, default 16 */
    int64_t match_weight[AM_MATCH_TYPES];        /* per mille, default 1000; ANY is always 1000 */
    struct am_inventory_advertiser *advertisers; /* that have a record */
    uint32_t advertiser_count;
    struct am_inventory_campaign *campaigns;
    uint32_t campaign_count;
    struct am_inventory_ad *ads;
    uint32_t ad_count;
    uint8_t
        digest[16]; /* XXH3-128 (canonical byte order) of the file's bytes (gzip not unpacked) */
    uint64_t source_size;     /* bytes of the file */
    uint64_t skipped_records; /* dropped (skip_bad_records) */
    struct am_arena arena;    /* private */
};

/* The problems found, and counts for a summary. */
struct am_inventory_problem {
    uint32_t line; /* 0: the file as a whole */
    bool warning;
    const char *text; /* NUL-terminated: what, and what was expected */
};

struct am_inventory_report {
    struct am_inventory_problem
        *problems; /* sorted by line; at most AM_MAX_ERRORS_LISTED errors and as many warnings */
    uint32_t problem_count;
    uint64_t errors, warnings;   /* all of them, listed or not */
    uint64_t lines, records;     /* lines read, records kept */
    uint64_t skipped;            /* records dropped (skip_bad_records) */
    uint64_t duplicate_keywords; /* dropped inside one ad */
    struct am_arena arena;       /* private */
    uint32_t capacity;           /* private */
};
void am_inventory_report_free(struct am_inventory_report *report);

/* Called now and then while loading. */
typedef void
am_inventory_progress(void *context, uint64_t bytes_done, uint64_t bytes_total, uint64_t records);

struct am_inventory_load_options {
    bool skip_bad_records; /* drop and count them instead of refusing the file; a bad "inventory"
                              line refuses it all the same */
    const struct am_timezones *zones; /* to check `timezone`; NULL: any well-formed name is taken */
    am_inventory_progress *progress;  /* may be NULL */
    void *progress_context;
};

/* Loads a file ("-": standard input), plain or gzip by content. `report` is filled in any case
 * (zero it first; free it with am_inventory_report_free). On success returns AM_OK and *inventory,
 * to be freed with am_inventory_free. With errors in the file (and not skip_bad_records) returns
 * AM_E_INVALID and a message "FILE: N errors; the first: line L: ..."; problems hold the rest.
 * AM_E_IO, AM_E_MEMORY, AM_E_SYNTAX (truncated or damaged gzip), AM_E_LIMIT otherwise. A file with
 * no ad at all is an error. */
enum am_code am_inventory_load(const char *path,
                               const struct am_inventory_load_options *options,
                               struct am_inventory **inventory,
                               struct am_inventory_report *report,
                               struct am_error *error);
/* The same for an open file, from its offset on; it stays the caller's. Messages call it `name`. */
enum am_code am_inventory_load_fd(int fd,
                                  const char *name,
                                  const struct am_inventory_load_options *options,
                                  struct am_inventory **inventory,
                                  struct am_inventory_report *report,
                                  struct am_error *error);
/* The same for memory; messages call it `name`. */
enum am_code am_inventory_load_memory(struct am_view text,
                                      const char *name,
                                      const struct am_inventory_load_options *options,
                                      struct am_inventory **inventory,
                                      struct am_inventory_report *report,
                                      struct am_error *error);
void am_inventory_free(struct am_inventory *inventory); /* NULL is fine */

#endif
