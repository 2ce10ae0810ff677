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

enum {
    AM_KEYWORD_MAX_WRITTEN_WORDS = 16, /* between white space */
    AM_KEYWORD_MAX_WORDS = 96,         /* as split: u.s. is two, each Han letter is one */
    AM_KEYWORD_MAX_BYTES = 1000,
    AM_CREATIVE_MAX_BYTES = 64 << 10,
    AM_LINE_MAX_BYTES = AM_BUFFER_SIZE(1 << 20, 2048),
    AM_TARGETING_MAX_DEPTH = 16,
    AM_ID_MAX_BYTES =
        255, /* ids, advertisers, labels, categories, domains, targeting values and kv keys */
    AM_URL_MAX_BYTES = 8 << 10,
    AM_BROAD_WINDOW_MAX = 64,
    AM_MAX_ERRORS_LISTED = 100,
};
#define AM_NONE UINT32_MAX
#define AM_MONEY_MAX INT64_C(1000000000000) /* micros: 1,000,000.000000 */
#define AM_PER_MILLE_MAX INT64_C(1000000)   /* quality and match weight: 1,000.000 */

enum am_match_type {
    AM_MATCH_EXACT,
    AM_MATCH_PHRASE,
    AM_MATCH_BROAD,
    AM_MATCH_ANY,
    AM_MATCH_TYPES
};
const char *am_match_type_name(enum am_match_type type); /* "exact", "phrase", "broad", "any" */

enum am_attribute {
    AM_ATTRIBUTE_COUNTRY,
    AM_ATTRIBUTE_REGION,
    AM_ATTRIBUTE_METRO,
    AM_ATTRIBUTE_CITY,
    AM_ATTRIBUTE_DEVICE,
    AM_ATTRIBUTE_OS,
    AM_ATTRIBUTE_BROWSER,
    AM_ATTRIBUTE_LANGUAGE,
    AM_ATTRIBUTE_SITE,
    AM_ATTRIBUTE_PLACEMENT,
    AM_ATTRIBUTE_CATEGORY,
    AM_ATTRIBUTE_HOUR,
    AM_ATTRIBUTE_KV,
    AM_ATTRIBUTES,
};
const char *am_attribute_name(enum am_attribute attribute);
/* AM_ATTRIBUTES when there is none of that name. */
enum am_attribute am_attribute_of(struct am_view name);

/* Values of every attribute but kv compare without ASCII case. Folds the value to lower case into
 * `memory` (value.size bytes) and returns it; kv values come back as they are. */
struct am_view am_attribute_fold(enum am_attribute attribute, struct am_view value, char *memory);

enum am_targeting_kind {
    AM_TARGETING_ALL, /* every child holds; the root is always one of these, with a child per member
                         as written ("all" lists stay a child of kind ALL) */
    AM_TARGETING_ANY, /* at least one child holds */
    AM_TARGETING_NOT, /* its one child does not hold */
    AM_TARGETING_IN,  /* the request has one of `values` for `attribute` */
    AM_TARGETING_HOURS,
};

struct am_targeting {
    enum am_targeting_kind kind;
    enum am_attribute attribute; /* IN, HOURS */
    struct am_view key;          /* IN on kv: the key; {"kv":{"a":..,"b":..}} is two IN children */
    uint32_t count;              /* children, or values */
    const struct am_targeting *children; /* ALL, ANY, NOT: array of count */
    const struct am_view
        *values;       /* IN: folded, sorted by am_view_compare, no duplicates, at least one */
    uint64_t hours[3]; /* HOURS: bit h of hours[h / 64] */
};

struct am_keyword {
    struct am_view text;  /* as written, notation removed: what an answer shows */
    struct am_view words; /* normalised words with one space between; empty for AM_MATCH_ANY */
    int64_t bid;          /* micros; -1: the ad's */
    uint8_t
        match; /* enum am_match_type; unspaced broad keywords of several words are PHRASE already */
    bool negative;
    uint8_t word_count;
};

struct am_strings {
    const struct am_view *items;
    uint32_t count;
};

/* What a campaign and an ad have in common. */
struct am_rules {
    bool paused;
    int64_t start; /* seconds since the epoch; INT64_MIN when not given */
    int64_t end;   /* INT64_MAX when not given; a record is over AT its end */
    const struct am_targeting *targeting; /* NULL when not given or {} */
    struct am_view timezone;              /* of `hour`; empty: the campaign's, or UTC */
    struct am_strings labels, exclude_labels, categories; /* sorted, no duplicates */
    struct am_view domain;                                /* lower case; empty when not given */
    const struct am_keyword
        *negatives; /* negative_keywords (and for an ad, the negative ones of `keywords`) */
    uint32_t negative_count;
    bool has_priority;
    int32_t priority; /* -1000..1000; 0 when not given; higher first */
    uint32_t line;    /* where the record stands, from 1 */
};

struct am_campaign {
    struct am_view id;
    struct am_view advertiser;
    struct am_rules rules;
};

enum am_pricing { AM_PRICING_CPM, AM_PRICING_CPC };

struct am_ad {
    struct am_view id;
    uint32_t campaign;         /* index into campaigns, or AM_NONE */
    struct am_view advertiser; /* the campaign's, or its own; never empty */
    int64_t bid;               /* micros, > 0 */
    uint8_t pricing;           /* enum am_pricing */
    int64_t ctr;               /* millionths, 1..1,000,000, for cpc; 0 for cpm */
    int64_t quality;           /* per mille, 0..AM_PER_MILLE_MAX; default 1000 */
    const uint32_t *sizes; /* width << 16 | height; sorted, no duplicates; none: fits any slot */
    uint32_t size_count;
    const struct am_keyword
        *keywords; /* the positive ones, in order as written; no two the same match and words: of
                      such duplicates the highest bid stays, and the report counts the others */
    uint32_t keyword_count;
    struct am_view url;      /* may be empty */
    struct am_view creative; /* the JSON object as written; empty when not given */
    struct am_rules rules;
};

struct am_inventory {
    struct am_view currency; /* ISO 4217; default "USD" */
    struct am_view language; /* empty when not given */
    bool fold_accents;       /* default true */
    bool stem;             /* default true; false here whenever Snowball does not know `language` */
    uint32_t broad_window; /* 1..AM_BROAD_WINDOW_MAX, default 16 */
    int64_t match_weight[AM_MATCH_TYPES]; /* per mille, default 1000; ANY is always 1000 */
    struct am_campaign *campaigns;
    uint32_t campaign_count;
    struct am_ad *ads;
    uint32_t ad_count;
    uint8_t digest[16];   /* XXH3-128 (canonical byte order) of the source bytes as they lie in the
                             file (gzip not unpacked) */
    uint64_t source_size; /* bytes of the file */
    uint64_t skipped_records; /* dropped (skip_bad_records) */
    struct am_arena arena;    /* private */
};

/* What was found wrong; and what a summary wants to know. */
struct am_problem {
    uint32_t line; /* 0: the file as a whole */
    bool warning;
    const char *text; /* NUL-terminated: what, and what was expected */
};

struct am_report {
    struct am_problem
        *problems; /* sorted by line; at most AM_MAX_ERRORS_LISTED errors and as many warnings */
    uint32_t problem_count;
    uint64_t errors, warnings;   /* all of them, listed or not */
    uint64_t lines, records;     /* lines read, records kept */
    uint64_t skipped;            /* records dropped (skip_bad_records) */
    uint64_t duplicate_keywords; /* dropped inside one ad */
    struct am_arena arena;       /* private */
    uint32_t capacity;           /* private */
};
void am_report_free(struct am_report *report);

/* Called now and then while loading; returning false cancels (AM_E_STATE). */
typedef bool
am_progress_function(void *context, uint64_t bytes_done, uint64_t bytes_total, uint64_t records);

struct am_load_options {
    bool skip_bad_records; /* drop and count them instead of refusing the file; a bad "inventory"
                              line refuses it all the same */
    const struct am_timezones *zones; /* to check `timezone`; NULL: any well-formed name is taken */
    am_progress_function *progress;   /* may be NULL */
    void *progress_context;
};

/* Loads a file ("-": standard input), plain or gzip by content. `report` is filled in any case
 * (zero it first; free it with am_report_free). On success returns AM_OK and *inventory, to be
 * freed with am_inventory_free. With errors in the file (and not skip_bad_records) returns
 * AM_E_INVALID and a message "FILE: N errors; the first: line L: ..."; problems hold the rest.
 * AM_E_IO, AM_E_MEMORY, AM_E_SYNTAX (truncated or damaged gzip), AM_E_LIMIT otherwise. A file with
 * no ad at all is an error. */
enum am_code am_inventory_load(const char *path,
                               const struct am_load_options *options,
                               struct am_inventory **inventory,
                               struct am_report *report,
                               struct am_error *error);
/* The same from a file that is open, from its offset on; it stays the caller's. `name` is used in
 * messages. */
enum am_code am_inventory_load_fd(int fd,
                                  const char *name,
                                  const struct am_load_options *options,
                                  struct am_inventory **inventory,
                                  struct am_report *report,
                                  struct am_error *error);
/* The same from memory; `name` stands in messages. */
enum am_code am_inventory_load_memory(struct am_view text,
                                      const char *name,
                                      const struct am_load_options *options,
                                      struct am_inventory **inventory,
                                      struct am_report *report,
                                      struct am_error *error);
void am_inventory_free(struct am_inventory *inventory); /* NULL is fine */

/* eCPM in micros: cpm: the bid; cpc: bid x ctr x 1000 / 1,000,000, truncated once. Never overflows
 * for values inside the limits above. */
int64_t am_ecpm(enum am_pricing pricing, int64_t bid, int64_t ctr);

/* "WIDTHxHEIGHT", each 1..65535, lower-case x: width << 16 | height; 0 when it is not that. */
uint32_t am_size_parse(struct am_view text);
enum { AM_SIZE_TEXT_SIZE = 12 };
void am_size_write(uint32_t size, char text[AM_SIZE_TEXT_SIZE]);

/* The name in `names` (NULL-terminated array) nearest to `name` by edit distance, or NULL when none
 * is near (at most a third of its letters differ). */
const char *am_nearest_name(struct am_view name, const char *const *names);

#endif
