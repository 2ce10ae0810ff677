/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: one line's JSON to one record. */
#ifndef AM_INVENTORY_READER_H
#define AM_INVENTORY_READER_H

#include "../base/decimal.h"
#include "../base/json.h"
#include "../base/vector.h"
#include "inventory.h"
#include "meant.h"
#include "report.h"

/* An ad or campaign on its way. */
struct am_inventory_draft {
    struct am_view campaign_id; /* of an ad; empty: none */
    bool bad;                   /* has an error: not kept */
    bool has_ads;               /* of a campaign, an advertiser: an ad names it */
    bool reported; /* of a bad campaign: an error of one of its ads has been reported */
    int64_t price; /* the highest of an ad's keywords, or of the ads below it; nanos, of one
                      impression or click. Of inventories with budgets or caps only */
};

struct am_inventory_reader {
    struct am_inventory *inventory;
    struct am_inventory_report *report;
    const struct am_inventory_load_options *options;
    struct am_json json;
    struct am_vector nodes; /* struct am_json_node */
    char *decoded;          /* AM_LINE_MAX_BYTES: an escaped string */
    size_t decoded_size;    /* of the last one; all else is poisoned */
    struct am_vector advertisers,
        advertiser_drafts; /* struct am_inventory_advertiser, struct am_inventory_draft */
    struct am_vector campaigns,
        campaign_drafts;             /* struct am_inventory_campaign, struct am_inventory_draft */
    struct am_vector ads, ad_drafts; /* struct am_inventory_ad, struct am_inventory_draft */
    struct am_vector keywords;       /* struct am_inventory_keyword of the record being read */
    bool has_settings, settings_bad;
    bool has_delivery;      /* a record has members of am_inventory_delivery */
    bool has_fold_accents;  /* it was written */
    bool has_stem;          /* so was this */
    uint32_t language_line; /* where the language was written, or 0 */
    uint32_t line;
    char label[AM_ID_MAX_BYTES +
               16]; /* `ad "a7"`: begins each message; see am_inventory_reader_label */
    size_t label_size;
    bool bad; /* the record being read has an error */
    bool out_of_memory;
};

/* Names the record being read in further messages: its kind, of at most 10 bytes, and its id, which
 * may be empty. */
void am_inventory_reader_label(struct am_inventory_reader *reader,
                               const char *kind,
                               struct am_view id);

/* Reports an error of the record being read (printf style), and marks the record bad. */
void am_inventory_reader_error(struct am_inventory_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void am_inventory_reader_warning(struct am_inventory_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "NAME: expected EXPECTED, found ..." with the value as written, cut short. */
void am_inventory_reader_expected(struct am_inventory_reader *reader,
                                  const char *name,
                                  const char *expected,
                                  const struct am_json_node *value);

/* The same, and what was probably meant; nothing more where that is empty. */
void am_inventory_reader_expected_meant(struct am_inventory_reader *reader,
                                        const char *name,
                                        const char *expected,
                                        const struct am_json_node *value,
                                        struct am_view meant);

/* For quoted texts, which may be long: only their beginning, so that the reason is never truncated.
 * AM_QUOTED in the format, AM_QUOTED_ARGUMENTS(view) for it. */
#define AM_QUOTED "%.*s%s"
#define AM_QUOTED_ARGUMENTS(view)                                                                  \
    (int)am_inventory_quoted_size(view), (view).data,                                              \
        am_inventory_quoted_size(view) < (view).size ? "..." : ""
/* Bytes of it that are quoted: whole characters. */
size_t am_inventory_quoted_size(struct am_view text);

/* Values. Each reports an error and returns false, or stores a value in the inventory's arena. */

/* A string of 1..most bytes without control characters. */
bool am_inventory_read_text(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            size_t most,
                            struct am_view *text);
bool am_inventory_read_boolean(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               bool *result);
/* A number least..most in units of 10^-places; `expected` describes it. */
bool am_inventory_read_number(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              unsigned places,
                              int64_t least,
                              int64_t most,
                              const char *expected,
                              int64_t *result);
bool am_inventory_read_time(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            int64_t *result);
/* A list of at most AM_LABELS_MAX strings, sorted, without duplicates. */
bool am_inventory_read_strings(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               struct am_inventory_strings *strings);
/* Reports a name of more than AM_NAME_MAX_PARTS parts. An image holds every parent of a domain or a
 * category: names of many parts would take many times their own size. */
void am_inventory_check_parts(struct am_inventory_reader *reader,
                              const char *name,
                              struct am_view text,
                              char separator);
/* A string's bytes; valid until the next call. */
struct am_view am_inventory_reader_string(struct am_inventory_reader *reader,
                                          const struct am_json_node *string);
/* Copies `count` items of the vector into the arena. */
void *am_inventory_reader_keep(struct am_inventory_reader *reader, const struct am_vector *items);
struct am_view am_inventory_reader_keep_text(struct am_inventory_reader *reader,
                                             struct am_view text);
/* Sorts views and drops duplicates; returns how many remain. */
uint32_t am_inventory_sort_views(struct am_view *views, uint32_t count);

/* keyword.c: reads one item of `keywords` or `negative_keywords` into reader->keywords. */
void am_inventory_read_keyword(struct am_inventory_reader *reader,
                               const struct am_json_node *value,
                               bool always_negative);
/* Words of all keywords, once the settings are known; then duplicates inside each ad go. */
void am_inventory_normalise_keywords(struct am_inventory_reader *reader);

/* targeting.c */
bool am_inventory_read_targeting(struct am_inventory_reader *reader,
                                 const struct am_json_node *value,
                                 const struct am_inventory_targeting **targeting);

/* A member of a record, and what reads it. */
struct am_inventory_member {
    const char *name;
    void (*read)(struct am_inventory_reader *reader,
                 const char *name,
                 const struct am_json_node *value,
                 void *record);
};

/* Members that are read into one struct; the list ends with a name of NULL. */
struct am_inventory_members {
    const struct am_inventory_member *list;
    void *record;
};

/* members.c: reads every member of the line by the first of `count` lists that has its name; warns
 * of others. */
void am_inventory_read_members(struct am_inventory_reader *reader,
                               enum am_inventory_object object,
                               const struct am_inventory_members *members,
                               size_t count);
/* A name of a time zone. */
void am_inventory_read_timezone(struct am_inventory_reader *reader,
                                const char *name,
                                const struct am_json_node *value,
                                struct am_view *timezone);

/* "NAME: WHAT "X": expected ...", with what was probably meant; `names` ends with NULL. */
void am_inventory_reader_unknown(struct am_inventory_reader *reader,
                                 const char *name,
                                 const char *what,
                                 struct am_view found,
                                 const char *const *names);
/* Reads one of `count` names; reports any other value with what was probably meant. */
bool am_inventory_read_name(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            const char *const *names,
                            size_t count,
                            uint8_t *which);

/* record.c: a line that is a JSON object. */
void am_inventory_read_record(struct am_inventory_reader *reader);

/* settings.c: the `inventory` line. */
void am_inventory_read_settings(struct am_inventory_reader *reader);

/* budget.c: what a record may deliver: members that are read into a struct am_inventory_delivery.
 */
extern const struct am_inventory_member am_inventory_delivery_members[];
/* One without any limit. */
void am_inventory_start_delivery(struct am_inventory_delivery *delivery);
/* Of the record's delivery, too. */
void am_inventory_read_curve(struct am_inventory_reader *reader,
                             const char *name,
                             const struct am_json_node *value,
                             void *delivery);
/* budget_check.c: warns of what the whole inventory says about a budget. */
void am_inventory_check_budgets(struct am_inventory_reader *reader);

#endif
