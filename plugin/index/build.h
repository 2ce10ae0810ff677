/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the builder: its working state and its phases, in the order in which am_build_image
 * runs them. */
#ifndef AM_INDEX_BUILD_H
#define AM_INDEX_BUILD_H

#include "../text/folding.h"
#include "../text/stem.h"
#include "builder.h"
#include "pools.h"

/* A keyword of an ad or a negative one of an ad or a campaign, as ids. */
struct am_build_flat_keyword {
    const struct am_inventory_keyword *source;
    uint32_t first_word;      /* index into flat_words */
    uint32_t owner;           /* positive: ad; negative: not used */
    uint32_t position;        /* in the ad's list */
    uint32_t terminal;        /* index into terminals */
    uint32_t twin;            /* the flat keyword without its accents, or AM_NONE */
    am_image_string_ref text; /* as written, once the records are built */
    uint8_t word_count;       /* of broad keywords: distinct words */
    uint8_t ranked_words;     /* what it ranks by; for a twin, the original's */
    bool is_twin;
};

struct am_build_word {
    am_image_string_ref text;
    uint32_t frequency;       /* times that keywords have it */
    uint32_t broad_frequency; /* broad keywords that have it */
    uint32_t phrase_terminal; /* index into terminals, then final number, or AM_NONE */
    uint32_t broad_terminal;
    /* Of a broad keyword's word whose keys differ, see build_forms.c: their ids, and the word that
     * it counts as, itself as a rule. */
    uint32_t first_key, second_key, same_as;
    bool has_two_keys;
    uint8_t form_counts[AM_IMAGE_KEYS]; /* words of two keys that have this as their key */
    uint8_t flags;                      /* enum am_image_word_flags */
};

/* A word of two keys, and one of them. */
struct am_build_form {
    uint32_t key, word;
    enum am_image_key kind;
};

/* Each edge makes one node: node i is where edge i leads to. */
struct am_build_edge {
    uint64_t key;       /* temporary parent << 32 | word */
    uint32_t terminal;  /* index into terminals, or AM_NONE */
    uint32_t final;     /* final number */
    uint32_t best_rank; /* of the keywords that this edge leads to, at once or later */
    bool has_children;
};

struct am_build_terminal {
    uint32_t edge;     /* AM_NONE: of a single word, or "*" */
    uint32_t postings; /* how many */
    uint32_t rank;     /* of the first one */
    uint32_t final;    /* index of the first */
};

struct am_builder {
    const struct am_inventory *inventory;
    const struct am_timezones *timezones;
    struct am_text_stemmer *stemmer; /* NULL: broad keywords match on words as they are */
    struct am_text_word_rules rules;
    struct am_text_fold_memory *fold;
    struct am_build_pools pools;
    struct am_vector flat;       /* struct am_build_flat_keyword */
    struct am_vector flat_words; /* uint32_t word ids */
    struct am_vector words;      /* struct am_build_word, by id */
    struct am_intern word_table;
    struct am_vector forms; /* struct am_build_form */
    struct am_vector edges; /* struct am_build_edge */
    struct am_intern edge_table;
    struct am_vector terminals; /* struct am_build_terminal, in order of appearance */
    struct am_vector negatives; /* struct am_build_negative, by negative id */
    struct am_intern negative_table;
    uint32_t rank_count;           /* ranks are 1 to this; 0: negative keywords */
    struct am_vector postings;     /* struct am_image_posting */
    struct am_vector keywords;     /* struct am_image_keyword */
    struct am_vector ads;          /* struct am_image_ad */
    struct am_vector details;      /* struct am_image_ad_details */
    struct am_vector campaigns;    /* struct am_image_campaign */
    struct am_vector vocabulary;   /* struct am_image_vocabulary_bucket */
    struct am_vector word_records; /* struct am_image_word */
    struct am_vector form_records; /* struct am_image_forms */
    struct am_vector spellings;    /* struct am_image_spelling */
    struct am_vector creatives;    /* am_image_list_ref, by ad */
    struct am_vector edge_buckets; /* struct am_image_edge_bucket */
    struct am_vector filter;       /* uint32_t */
    struct am_vector term_table;   /* uint32_t */
    struct am_vector advertisers;  /* uint32_t */
    struct am_vector keys;         /* uint64_t */
    struct am_vector zone_names;   /* struct am_image_zone_name */
    struct am_vector zones;        /* struct am_image_zone */
    struct am_intern zone_table;
    struct am_vector transitions; /* struct am_timezone_transition */
    struct am_vector limits;      /* struct am_image_limits */
    struct am_vector ad_caps;     /* am_image_list_ref */
    struct am_image_settings settings;
};

/* A negative keyword: its terminals, and its text as written. */
struct am_build_negative {
    uint32_t terminal; /* index into terminals */
    am_image_string_ref text;
    uint32_t twin_terminal; /* of its twin, or AM_NONE */
};

/* Each phase: true, or false with *error set. */

/* Time zones. AM_E_INVALID: the inventory names one that is not known. */
bool am_build_zones(struct am_builder *builder, struct am_error *error);
/* The temporary id of a word, new ones numbered in order of appearance. */
bool am_build_intern_word(struct am_builder *builder,
                          struct am_view text,
                          uint32_t *id,
                          struct am_error *error);
/* The same for a word that exists already, or AM_NONE. */
uint32_t am_build_find_word(const struct am_builder *builder, struct am_view text);
/* The text of a word. Valid until the next word is interned. */
struct am_view am_build_word_text(const struct am_builder *builder, uint32_t id);
/* The id of a broad keyword's word, and in *key what distinguishes it from the keyword's others. */
bool am_build_broad_word(struct am_builder *builder,
                         struct am_view written,
                         uint32_t *id,
                         uint32_t *key,
                         struct am_error *error);
/* Flags the words that broad matching may take for others, once all keywords are flattened. */
void am_build_flag_keys(struct am_builder *builder);
/* Makes the section SPELLINGS, with temporary ids; its words become words of the vocabulary. */
bool am_build_spellings(struct am_builder *builder, struct am_error *error);
/* Sorts it, once words have their final ids. */
void am_build_sort_spellings(struct am_builder *builder);
/* Makes the section FORMS, once words have their final ids. */
bool am_build_forms(struct am_builder *builder, struct am_error *error);
/* Flattens every keyword into word ids (of stems, for broad ones); then numbers the words, rarest
 * among broad keywords first. */
bool am_build_words(struct am_builder *builder, struct am_error *error);
/* Makes nodes and terminals of the keywords. */
bool am_build_trie(struct am_builder *builder, struct am_error *error);
/* Strings, terms, lists, trees; ads, campaigns. Numbers negative keywords. */
bool am_build_records(struct am_builder *builder, struct am_error *error);
/* Advertisers, and the keys of all that is counted. AM_E_INVALID: two are equal. */
bool am_build_keys(struct am_builder *builder, struct am_error *error);
/* Budgets and frequency caps. */
bool am_build_limits(struct am_builder *builder, struct am_error *error);
/* Ranks every positive keyword, numbers the nodes, and lays out the postings. */
bool am_build_postings(struct am_builder *builder, struct am_error *error);
/* Part of the above: gives nodes and terminals their final numbers, once every terminal's postings
 * are counted and their first ranks known. */
bool am_build_number_nodes(struct am_builder *builder, struct am_error *error);
/* The hash tables: vocabulary, edges and their filter, terms. */
bool am_build_creatives(struct am_builder *builder, struct am_error *error);
bool am_build_tables(struct am_builder *builder, struct am_error *error);

/* A string of the pools; valid until the next string is stored. */
static inline struct am_view am_build_string(const struct am_builder *builder,
                                             am_image_string_ref ref) {
    return am_build_pools_string_at(&builder->pools, ref);
}

/* The index of the zone of that name; false: there is none. */
bool am_build_find_zone(const struct am_builder *builder, struct am_view name, uint32_t *zone);

/* Lists of terms that an ad has together with its campaign. */
enum am_build_term_list {
    AM_BUILD_LABELS,
    AM_BUILD_EXCLUDE_LABELS,
    AM_BUILD_CATEGORIES,
    AM_BUILD_CATEGORIES_ABOVE, /* with each category above them */
    AM_BUILD_TERM_LISTS
};

/* What a campaign adds to such a list of its ads. Zeroed: no ad has needed it yet. */
struct am_build_shared_terms {
    struct am_vector ids;  /* uint32_t: terms, ascending */
    am_image_list_ref ref; /* of them alone; 0: not stored yet */
};

/* The list of an ad, and of its campaign, whose `shared` holds AM_BUILD_TERM_LISTS; both NULL
 * without a campaign. Failures are the pools'. */
am_image_list_ref am_build_terms(struct am_builder *builder,
                                 const struct am_inventory_rules *own,
                                 const struct am_inventory_rules *above,
                                 struct am_build_shared_terms *shared,
                                 enum am_build_term_list list);
void am_build_free_shared_terms(struct am_build_shared_terms *shared);

/* The ad's own priority, else its campaign's, else 0. */
static inline int32_t am_build_ad_priority(const struct am_inventory_ad *ad,
                                           const struct am_inventory *inventory) {
    if (ad->rules.has_priority || ad->campaign == AM_NONE)
        return ad->rules.priority;
    return inventory->campaigns[ad->campaign].rules.priority;
}

static inline bool am_build_out_of_memory(struct am_error *error) {
    am_error_set(error, AM_E_MEMORY, "out of memory while building the index");
    return false;
}

static inline bool am_build_too_many(struct am_error *error, const char *what) {
    am_error_set(error, AM_E_LIMIT, "too many %s: an image holds at most 4,294,967,294", what);
    return false;
}

#endif
