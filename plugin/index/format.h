/* SPDX-License-Identifier: Apache-2.0 */
/* The image (.admx): record layouts as docs/FORMAT.md specifies them. Flat, little-endian, offsets
 * only.
 *
 *   0        128       128 + 24 x sections      (64-aligned)
 *   +--------+--------------------------+-------+---------+-------+----
 *   | header | section table            |  pad  | section |  pad  | ...
 *   +--------+--------------------------+-------+---------+-------+----
 *
 * Every struct here is written and mapped as it is; the static_asserts pin sizes and offsets. The
 * bytes are drawn at the structs.
 *
 * Versions. A reader of another format version refuses the image. A higher minor version only adds
 * sections: a reader skips those that it does not know and that are marked optional, and refuses an
 * image with an unknown one that is not. */
#ifndef AM_INDEX_FORMAT_H
#define AM_INDEX_FORMAT_H

#include "../base/error.h"
#include "../base/hash.h"
#include "../base/timezone.h"
#include "../model/budget.h"
#include "../model/keys.h"
#include "../model/limits.h"
#include "../model/macros.h"
#include "../model/names.h"
#include <assert.h>

#define AM_IMAGE_MAGIC "ADMATCH\x1a"
enum { AM_IMAGE_FORMAT_VERSION = 11, AM_IMAGE_MINOR_VERSION = 0, AM_IMAGE_ALIGNMENT = 64 };

/*   0               8       12      16              24              32
 *   +---------------+-------+-------+---------------+---------------+
 *   | magic         | format| words | checksum      | total size    |
 *   +---------------+-------+-------+---------------+---------------+
 *   32                              48              56      60      64
 *   +-------------------------------+---------------+-------+-------+
 *   | source digest                 | source size   | sect. | len.  |
 *   +-------------------------------+---------------+-------+-------+
 *   64              72              80      84                      128
 *   +---------------+---------------+-------+-----------------------+
 *   | skipped       | zones digest  | minor | zeros                 |
 *   +---------------+---------------+-------+-----------------------+ */
struct am_image_header {
    char magic[8];
    uint32_t format_version;
    uint32_t word_rules_version;
    uint64_t checksum;         /* XXH3-64 of every byte from offset 24 (total_size) to the end */
    uint64_t total_size;       /* of the file */
    uint8_t source_digest[16]; /* XXH3-128 of the inventory file it was built from */
    uint64_t source_size;
    uint32_t section_count; /* entries of the section table */
    uint32_t lenient; /* 1: bad records of the source were dropped (admatch-on-error = skip) */
    uint64_t skipped_records; /* how many they were */
    uint64_t zones_digest;    /* am_timezones_digest of the zones it holds */
    uint32_t minor_version;
    uint8_t reserved[44]; /* zero */
};
static_assert(sizeof(struct am_image_header) == 128, "header");
static_assert(offsetof(struct am_image_header, total_size) == 24, "checksum starts here");

enum am_image_section {
    AM_SECTION_SETTINGS = 1,
    AM_SECTION_VOCABULARY, /* hash buckets: word bytes -> word id */
    AM_SECTION_WORDS,      /* by word id */
    AM_SECTION_EDGES,      /* hash buckets: (node, word id) -> node */
    AM_SECTION_FILTER,     /* blocked Bloom filters over the edges, two for each tier */
    AM_SECTION_POSTINGS,   /* by terminal, best rank first */
    AM_SECTION_KEYWORDS,   /* beside the postings: what only an answer needs */
    AM_SECTION_ADS,        /* what every candidate needs: one cache line an ad */
    AM_SECTION_AD_DETAILS, /* what only a winner or explain needs */
    AM_SECTION_CAMPAIGNS,
    AM_SECTION_TERMS,      /* the strings that requests are compared with */
    AM_SECTION_TERM_TABLE, /* hash: string -> term id */
    AM_SECTION_TREES,      /* by tree id: first node */
    AM_SECTION_TREE_NODES,
    AM_SECTION_SETS,        /* lists of u32: count, then values ascending */
    AM_SECTION_STRINGS,     /* u32 length, bytes, zeros to the next multiple of 4 */
    AM_SECTION_ADVERTISERS, /* terms of kind advertiser, ascending */
    AM_SECTION_KEYS,        /* u64 am_model_key: of ADS, then CAMPAIGNS, then ADVERTISERS */
    AM_SECTION_ZONE_NAMES,  /* names of time zones, ascending */
    AM_SECTION_ZONES,
    AM_SECTION_TRANSITIONS, /* of the zones, zone after zone */
    AM_SECTION_FORMS,       /* by key: the words of two keys that have it; often none */
    AM_SECTION_SPELLINGS,   /* words of broad keywords as they are written; none without spelling */
    AM_SECTION_LIMITS,      /* of records with a budget; often none */
    AM_SECTION_AD_CAPS,     /* by ad: its frequency caps; none where no record has any */
    AM_SECTION_CREATIVES,   /* by ad: what exchanges may ask of its creative */
    AM_SECTIONS = AM_SECTION_CREATIVES, /* the last one that this version knows */
};

enum am_image_section_flags {
    AM_SECTION_OPTIONAL = 1, /* a reader that does not know it may skip it */
};

/*   0       2       4       8               16              24
 *   +-------+-------+-------+---------------+---------------+
 *   | id    | flags | size  | offset        | count         |
 *   +-------+-------+-------+---------------+---------------+ */
struct am_image_section_entry {
    uint16_t id;    /* ascending, no two equal */
    uint16_t flags; /* enum am_image_section_flags */
    uint32_t record_size;
    uint64_t offset; /* from the start of the file, multiple of 64 */
    uint64_t count;  /* records */
};
static_assert(sizeof(struct am_image_section_entry) == 24, "section entry");

/* A string: offset / 4 into AM_SECTION_STRINGS. 0 is the empty string. */
typedef uint32_t am_image_string_ref;
/* Its text, where `strings` is that section: a u32 of its size is before it. */
static inline struct am_view am_image_string_in(const char *strings, am_image_string_ref ref) {
    const char *at = strings + (size_t)ref * 4;
    return (struct am_view){at + 4, am_bytes_load_u32(at)};
}
/* A list: index of its count in AM_SECTION_SETS. 0 is the empty list. */
typedef uint32_t am_image_list_ref;

/* The lines of an ad and of its campaign hold fewer items, and fewer targeting nodes. */
enum { AM_LIST_MAX_ITEMS = 1 << 21, AM_TREE_MAX_NODES = 1 << 20 };

enum { AM_TERMINAL_CLASSES = 3 };

/* Tiers of keywords: all, and the best ranked. The top tier has filters of its own, smaller by its
 * share, through which a search finds its keywords for a fraction of the reads (a tiered index:
 * Manning, Raghavan, Schuetze, "Introduction to Information Retrieval", section 7.2.1). Negative
 * keywords belong to it, too. */
enum am_image_tier { AM_TIER_ALL, AM_TIER_TOP, AM_TIERS };

/* The filters of a tier: over the edges of a keyword's first step, and over all others. */
enum am_image_filter_kind { AM_FILTER_FIRST, AM_FILTER_LATER, AM_FILTER_KINDS };

struct am_image_settings {
    am_image_string_ref currency;
    am_image_string_ref language;
    uint32_t fold_accents; /* 0 or 1 */
    uint32_t stem;         /* 0 or 1 */
    uint32_t broad_window;
    uint32_t match_weight[AM_MATCH_TYPES]; /* per mille */
    uint32_t word_count;                   /* V: word ids are 0..V-1; below AM_MAX_WORDS */
    /* A terminal's number is the index of its first posting; the ranges below are of such numbers,
     * and there are no terminals with the numbers of further postings. S <= L <= T <= N. */
    uint32_t first_node;      /* S: terminals below are no nodes: keywords of one word, and "*" */
    uint32_t leaf_end;        /* L: terminals from S up to here are nodes without children */
    uint32_t terminal_end;    /* T: those from L up to here are nodes with children; all postings */
    uint32_t node_end;        /* N: nodes from T up to here only lead on */
    uint32_t any_terminal;    /* terminal of the ads with the keyword "*", or AM_NONE */
    uint32_t negative_count;  /* distinct negative keywords: their ids are 0..negative_count-1 */
    uint32_t broad_terminals; /* 0 lets a request skip the broad walk */
    uint32_t exact_keywords;
    uint32_t longest_phrase; /* words of the longest phrase keyword */
    uint32_t longest_exact;
    uint32_t ad_count;
    uint32_t campaign_count;
    uint32_t keyword_counts[AM_MATCH_TYPES]; /* positive keywords, as in the inventory after
                                                dropping duplicates */
    uint32_t negative_keywords;              /* negative keywords, as in the inventory */
    uint32_t terminal_count;                 /* lists of postings */
    uint32_t broad_words;                    /* of all broad terminals together */
    uint32_t filter_blocks[AM_TIERS]
                          [AM_FILTER_KINDS]; /* of FILTER, in this order; each at least 1 */
    uint32_t top_rank; /* the worst rank of the top tier; 0: there is no top tier */
    /* Of each class, the first terminal whose list begins with no negative keyword: those below do.
     * Terminals of one class ascend by the rank of their first posting, so that the best of many is
     * known by their numbers. */
    uint32_t negatives_end[AM_TERMINAL_CLASSES];
    am_image_list_ref spelling_letters; /* code points that the words of SPELLINGS consist of */
    uint32_t unique;                    /* enum am_model_unique, of requests that have none */
    am_image_string_ref timezone;       /* of the days of records that have none; empty: UTC */
};
static_assert(sizeof(struct am_image_settings) == 40 * sizeof(uint32_t), "settings");

/* Terminals below S, from S to L, from L to T. */
static inline unsigned am_image_class_of(const struct am_image_settings *settings,
                                         uint32_t terminal) {
    return (unsigned)(terminal >= settings->first_node) + (terminal >= settings->leaf_end);
}

/* The terminal after the last one of a class; where the next class begins. */
static inline uint32_t am_image_class_end(const struct am_image_settings *settings,
                                          unsigned terminal_class) {
    const uint32_t ends[AM_TERMINAL_CLASSES] = {settings->first_node, settings->leaf_end,
                                                settings->terminal_end};
    return ends[terminal_class];
}

/* Node ids, as edge parents. S..N-1 are the nodes that edges lead to. The first step of a keyword
 * needs no edge, since the word itself names the node: */
#define AM_NODE_OF_PHRASE(settings, word) ((settings)->node_end + (word))
#define AM_NODE_OF_BROAD(settings, word) ((settings)->node_end + (settings)->word_count + (word))
#define AM_NODE_OF_EXACT(settings) ((settings)->node_end + 2 * (settings)->word_count)

enum am_image_word_flags {
    AM_WORD_IS_PHRASE = 1,        /* a phrase keyword of this one word: WORDS.phrase_terminal */
    AM_WORD_BEGINS_PHRASE = 2,    /* first of a longer phrase keyword */
    AM_WORD_CONTINUES_PHRASE = 4, /* a later word of a phrase keyword */
    AM_WORD_IS_BROAD = 8,         /* a broad keyword of this one word: WORDS.broad_terminal */
    AM_WORD_BEGINS_BROAD = 16,    /* rarest word of a longer broad keyword */
    AM_WORD_CONTINUES_BROAD = 32, /* a less rare word of a broad keyword */
    AM_WORD_IN_EXACT = 64,        /* in an exact keyword */
    AM_WORD_HAS_STEM = 128, /* broad matching compares it by its keys: it may be another word */
};

enum { AM_IMAGE_VOCABULARY_LANES = 3, AM_VOCABULARY_KEY = 16, AM_MAX_WORDS = 1 << 30 };

/*   0               16              32              48      60      63  64
 *   +---------------+---------------+---------------+-------+-------+---+
 *   | key 0         | key 1         | key 2         | 3 ids | flags | o |
 *   +---------------+---------------+---------------+-------+-------+---+
 *
 * Three words of up to 16 bytes inline, so that the usual probe is one cache line and is exact. A
 * longer word has a key of 0xFF (no UTF-8 starts so), its size (2 bytes), zeros (5) and 8 bytes of
 * XXH3-64, and is compared with its string. No two words have the same key. */
struct am_image_vocabulary_bucket {
    uint8_t key[AM_IMAGE_VOCABULARY_LANES][AM_VOCABULARY_KEY]; /* zero-padded; all zero: empty */
    uint32_t word[AM_IMAGE_VOCABULARY_LANES];                  /* AM_NONE: empty */
    uint8_t flags[AM_IMAGE_VOCABULARY_LANES];                  /* enum am_image_word_flags */
    uint8_t
        displaced; /* am_image_overflow_word of the words that found this bucket full: look on */
};
static_assert(sizeof(struct am_image_vocabulary_bucket) == 64, "vocabulary bucket");

/*   0       4       8       12
 *   +-------+-------+-------+
 *   | text  | phrase| broad |
 *   +-------+-------+-------+
 *
 * Word ids ascend by rarity among broad keywords (rarest first), so a sorted list of ids is a
 * set-trie path. */
struct am_image_word {
    am_image_string_ref text;
    uint32_t phrase_terminal; /* AM_NONE without AM_WORD_IS_PHRASE */
    uint32_t broad_terminal;  /* AM_NONE without AM_WORD_IS_BROAD */
};
static_assert(sizeof(struct am_image_word) == 12, "word");

/* Broad matching compares words by two keys (plugin/text/stem.h). A keyword's word whose keys
 * differ has an id of its own, and "first second" for a text; a text's word counts as it when it
 * has its first key, or its second one. */
enum am_image_key { AM_KEY_FIRST, AM_KEY_SECOND, AM_IMAGE_KEYS };
enum { AM_IMAGE_FORMS_MOST = 64 /* in one list */ };

struct am_image_forms {
    uint32_t key; /* word id; ascending */
    am_image_list_ref first,
        second; /* the words that have it as their first key, as their second */
};
static_assert(sizeof(struct am_image_forms) == 12, "forms");

/* A word that broad keywords have, for misspelt ones to be corrected to. */
struct am_image_spelling {
    uint32_t word; /* id of the word without its accents, where these fold; ascending */
    am_image_string_ref written; /* with them; of several words, that which most keywords have */
    uint32_t keywords;           /* that have it */
};
static_assert(sizeof(struct am_image_spelling) == 12, "spelling");
enum { AM_IMAGE_LETTERS_MOST = 4096 /* in spelling_letters: the three scripts have fewer */ };

enum { AM_IMAGE_EDGE_LANES = 5 };
#define AM_EDGE_EMPTY UINT64_MAX

/*   0                                       40                  60      64
 *   +-------+-------+-------+-------+-------+-------------------+-------+
 *   | key 0 | key 1 | key 2 | key 3 | key 4 | 5 children        | over  |
 *   +-------+-------+-------+-------+-------+-------------------+-------+ */
struct am_image_edge_bucket {
    uint64_t key[AM_IMAGE_EDGE_LANES]; /* parent << 32 | word id */
    uint32_t child[AM_IMAGE_EDGE_LANES];
    uint32_t displaced; /* am_image_overflow_edge of the edges that found this bucket full */
};
static_assert(sizeof(struct am_image_edge_bucket) == 64, "edge bucket");

/* What found its bucket full has set one bit there, chosen by bits of the hash that choose nothing
 * else; a search that finds the bit clear ends. No search looks at more than AM_MAX_PROBES buckets
 * of VOCABULARY or EDGES, or slots of TERM_TABLE (probes.h). */
enum { AM_MAX_PROBES = 64 };
static inline uint8_t am_image_overflow_word(uint64_t hash) {
    return (uint8_t)(1 << (hash & 7));
}
static inline uint32_t am_image_overflow_edge(uint32_t hash) {
    return UINT32_C(1) << (hash & 31);
}

static inline uint64_t am_image_edge_key(uint32_t parent, uint32_t word) {
    return (uint64_t)parent << 32 | word;
}
/* Of 32 bits, so that sixteen are computed at a time: multiply and add, then a step of
 * multiplicative hashing over all bits. High bits choose the bucket and the filter's block. */
#define AM_EDGE_HASH_PARENT UINT32_C(0x9e3779b1)
#define AM_EDGE_HASH_WORD UINT32_C(0x85ebca77)
#define AM_EDGE_HASH_LAST UINT32_C(0xc2b2ae3d)
AM_WRAPS static inline uint32_t am_image_edge_hash(uint64_t key) {
    uint32_t hash = (uint32_t)(key >> 32) * AM_EDGE_HASH_PARENT + (uint32_t)key * AM_EDGE_HASH_WORD;
    return (hash ^ hash >> 15) * AM_EDGE_HASH_LAST;
}
/* A hash to 0..count-1 without a division (Lemire, "Fast Random Integer Generation in an Interval",
 * 2019). */
static inline uint64_t am_image_bucket(uint64_t hash, uint64_t count) {
    return (uint64_t)((unsigned __int128)hash * count >> 64);
}
/* The same for a hash of 32 bits. `count` is at most 2^32. */
static inline uint64_t am_image_bucket32(uint32_t hash, uint64_t count) {
    return hash * count >> 32;
}
/* The filters: one 32-bit block a key, three bits of it (a register-blocked Bloom filter: Putze,
 * Sanders, Singler 2007), which are chosen by the hash once more multiplied. One is about the edges
 * of a keyword's first step, whose parents are AM_NODE_OF_*, the other about all others. Most
 * lookups are first steps, and the filter of these alone is a third of the size. Those of the top
 * tier leave out the edges that lead to no keyword of it. */
#define AM_FILTER_HASH UINT32_C(0x27d4eb2f)
AM_WRAPS static inline uint32_t am_image_filter_mask(uint32_t hash) {
    uint32_t bits = hash * AM_FILTER_HASH;
    return UINT32_C(1) << (bits >> 27) | UINT32_C(1) << (bits >> 22 & 31) |
           UINT32_C(1) << (bits >> 17 & 31);
}

/*   0       4                8
 *   +-------+----------------+
 *   | rank  | ad        last |
 *   +-------+----------------+
 *
 * Rank: 1 is best. Equal ranks mean equal priority, score, match type and word count: rotation
 * decides. Rank 0 is no ad: the terminal is (also) a negative keyword, and `ad` is its negative id;
 * ids differ where the same words were written differently. Such postings come first in their list.
 *
 * A terminal's number being the index of its first posting, and the list's end a bit of its last
 * one, a keyword that one ad has costs 8 bytes and one cache line in all. */
struct am_image_posting {
    uint32_t rank;
    uint32_t ad_and_last; /* ad, or negative id; | AM_POSTING_LAST at its list's end */
};
#define AM_POSTING_LAST (UINT32_C(1) << 31)
#define AM_POSTING_MAX_AD (AM_POSTING_LAST - 1)

static inline uint32_t am_image_posting_ad(const struct am_image_posting *posting) {
    return posting->ad_and_last & ~AM_POSTING_LAST;
}
static inline bool am_image_posting_is_last(const struct am_image_posting *posting) {
    return posting->ad_and_last & AM_POSTING_LAST;
}

/*   0               8               16      20      24  25  26  27  32
 *   +---------------+---------------+-------+-------+---+---+---+---+
 *   | bid           | eCPM          | text  | pos.  | m | w | r | 0 |
 *   +---------------+---------------+-------+-------+---+---+---+---+ */
struct am_image_keyword {
    uint64_t bid;  /* micros: the keyword's own, else the ad's */
    uint64_t ecpm; /* micros */
    am_image_string_ref text;
    uint32_t position; /* in the ad's list, from 0: the last tie-break inside an ad */
    uint8_t match;     /* enum am_model_match_type */
    uint8_t word_count;
    uint8_t ranked_words; /* that it ranks by: of a twin without accents, its original's */
    uint8_t reserved[5];  /* zero */
};
static_assert(sizeof(struct am_image_keyword) == 32, "keyword");

enum am_image_ad_flags {
    AM_AD_PAUSED = 1,
    AM_AD_CPC = 2,
    AM_AD_CAPPED = 4, /* it has caps in AD_CAPS */
};

/*   0               8               16      20      24      28      32
 *   +---------------+---------------+-------+-------+-------+-------+
 *   | start         | end           | camp. | adv.  | tree  | c.tree|
 *   +---------------+---------------+-------+-------+-------+-------+
 *   32      36      40      44      48      52      56      60      64
 *   +-------+-------+-------+-------+-------+-------+-------+-------+
 *   | neg.  | c.neg.| sizes | labels| excl. | categ.| domain| flags |
 *   +-------+-------+-------+-------+-------+-------+-------+-------+ */
struct am_image_ad {
    int64_t start;               /* the later of the ad's and its campaign's; INT64_MIN: always */
    int64_t end;                 /* the earlier of both; INT64_MAX: never ends */
    uint32_t campaign;           /* AM_NONE: none */
    uint32_t advertiser;         /* term */
    uint32_t tree;               /* the ad's own targeting, AM_NONE: none */
    uint32_t campaign_tree;      /* its campaign's */
    am_image_list_ref negatives; /* negative ids */
    am_image_list_ref campaign_negatives;
    am_image_list_ref sizes;
    am_image_list_ref labels; /* terms; ad's and campaign's together, likewise below */
    am_image_list_ref exclude_labels;
    am_image_list_ref categories; /* terms, folded; with each above: IAB7 for iab7-39, so that
                              blocking IAB7 finds it */
    uint32_t domain;              /* term, AM_NONE: none */
    uint32_t flags;               /* enum am_image_ad_flags */
};
static_assert(sizeof(struct am_image_ad) == 64, "ad");

/*   0               8       12      16      20      24      28      32      36      40
 *   +---------------+-------+-------+-------+-------+-------+-------+-------+-------+
 *   | bid           | id    | url   | creat.| prio. | qual. | ctr   | categ.| macros|
 *   +---------------+-------+-------+-------+-------+-------+-------+-------+-------+ */
struct am_image_ad_details {
    uint64_t bid; /* micros */
    am_image_string_ref id;
    am_image_string_ref url;
    am_image_string_ref creative; /* JSON text, empty: none */
    int32_t priority;
    uint32_t quality;             /* per mille */
    uint32_t ctr;                 /* millionths */
    am_image_list_ref categories; /* terms, as written in the inventory */
    am_image_list_ref macros;     /* am_image_macro_item, of its url and its creative */
};
static_assert(sizeof(struct am_image_ad_details) == 40, "ad details");

/* CREATIVES has a list for each ad, of these items (model/creative.h); empty without a creative. */
enum am_image_creative {
    AM_CREATIVE_ATTRIBUTES_LOW, /* bits 0 to 31 */
    AM_CREATIVE_ATTRIBUTES_HIGH,
    AM_CREATIVE_APIS,
    AM_CREATIVE_MIMES,
    AM_CREATIVE_OTHERS, /* types, positions << 8, taxonomy << 16, flags << 24 */
    AM_CREATIVE_SHOWN,  /* kinds, duration << 8 */
    AM_CREATIVE_ASSETS, /* assets, title_size << 8, text_size << 20 */
    AM_CREATIVE_APP,    /* term of its bundle, AM_NONE: none */
    AM_CREATIVE_ITEMS
};

/* A macro in an ad's url or creative, so that an answer need not look for it:
 *
 *      31              30                                 4 3           0
 *     +---------------+------------------------------------+-------------+
 *     | in: 0 url,    | byte of its beginning              | enum        |
 *     |     1 creative|                                    | am_model_.. |
 *     +---------------+------------------------------------+-------------+
 *
 * Items ascend; macros do not overlap. */
static_assert(AM_MACROS <= 16 && AM_CREATIVE_MAX_BYTES < 1 << 27 && AM_URL_MAX_BYTES < 1 << 27,
              "macro items");
static inline uint32_t am_image_macro_item(bool creative, size_t at, enum am_model_macro macro) {
    return (uint32_t)creative << 31 | (uint32_t)at << 4 | (uint32_t)macro;
}
static inline bool am_image_macro_is_in_creative(uint32_t item) {
    return item >> 31;
}
static inline uint32_t am_image_macro_at(uint32_t item) {
    return item >> 4 & ((UINT32_C(1) << 27) - 1);
}
static inline enum am_model_macro am_image_macro(uint32_t item) {
    return (enum am_model_macro)(item & 15);
}

enum am_image_campaign_flags { AM_CAMPAIGN_PAUSED = 1 };

/*   0       4       8       12      16
 *   +-------+-------+-------+-------+
 *   | id    | adv.  | zone  | flags |
 *   +-------+-------+-------+-------+ */
struct am_image_campaign {
    am_image_string_ref id;
    uint32_t advertiser;          /* term */
    am_image_string_ref timezone; /* of its days; empty: the inventory's */
    uint32_t flags;               /* enum am_image_campaign_flags */
};
static_assert(sizeof(struct am_image_campaign) == 16, "campaign");

/* ---- budgets and frequency caps ---------------------------------------------------------------
 *
 *   0       8       16      24                      48      56      64
 *   +-------+-------+-------+-----------------------+-------+-------+
 *   | total: money, impr.,  | daily: the same       | start | end   |
 *   |        clicks         |                       |       |       |
 *   +-------+-------+-------+-----------------------+-------+-------+
 *   64      68  69  70  71  72      76      80      84      88
 *   +-------+---+---+---+---+-------+-------+-------+-------+
 *   | record| k | p | c | 0 | zone  | hours | h.zone| curve |
 *   +-------+---+---+---+---+-------+-------+-------+-------+
 *
 * Ascending by kind, then by record. */
struct am_image_limits {
    int64_t total[AM_UNITS], daily[AM_UNITS]; /* nanos, impressions, clicks; AM_BUDGET_NONE */
    int64_t start, end; /* of the flight: as of an ad; INT64_MIN and INT64_MAX of an advertiser */
    uint32_t record;    /* index into ADVERTISERS, CAMPAIGNS or ADS */
    uint8_t kind;       /* enum am_model_record */
    uint8_t pacing;     /* enum am_model_pacing */
    uint8_t curve;      /* enum am_model_curve */
    uint8_t reserved;   /* zero */
    am_image_string_ref timezone; /* of its days; empty: UTC */
    /* Minutes of the week in which it can run: am_model_week_run, ascending; empty: all. */
    am_image_list_ref hours;
    am_image_string_ref hours_timezone; /* of them; empty: UTC */
    am_image_list_ref weights;          /* AM_CURVE_GIVEN: AM_CURVE_HOURS of them, else empty */
};
static_assert(sizeof(struct am_image_limits) == 88, "limits");

/* AD_CAPS has a list for each ad: the caps of its advertiser, its campaign and its own, ascending:
 *
 *      31    30  29  28              27     10 9       0
 *     +----------+---+---------------+--------+---------+
 *     | kind     | 0 | skip: a user  | period | maximum |
 *     |          |   | key is needed |        |         |
 *     +----------+---+---------------+--------+---------+ */
enum { AM_AD_MAX_CAPS = 3 * AM_RECORD_CAPS_MAX };
#define AM_IMAGE_CAP_SKIP (UINT32_C(1) << 28)
static inline uint32_t am_image_cap(enum am_model_record kind, bool skip, uint32_t cap) {
    return (uint32_t)kind << 30 | (skip ? AM_IMAGE_CAP_SKIP : 0) | cap;
}
static inline enum am_model_record am_image_cap_kind(uint32_t item) {
    return (enum am_model_record)(item >> 30);
}

/* Terms are strings of one kind, each with an id of its own. */
enum am_image_term_kind {
    AM_TERM_ATTRIBUTE =
        0, /* + enum am_model_attribute: a targeting value; for kv, `key` is the KEY term */
    AM_TERM_KEY = 32, /* a kv key */
    AM_TERM_ADVERTISER,
    AM_TERM_DOMAIN,
    AM_TERM_CATEGORY,
    AM_TERM_LABEL,
    AM_TERM_APP, /* a store id of an app, in lower case */
};

struct am_image_term {
    am_image_string_ref text;
    uint32_t kind;
    uint32_t key; /* kv values: the KEY term; domains: the term of the domain above (bad.example of
                     x.bad.example); else AM_NONE */
};
static_assert(sizeof(struct am_image_term) == 12, "term");

/* TERM_TABLE: u32 slots, AM_NONE: empty; slot am_image_bucket(am_image_term_hash(term), slots),
 * then the next ones, around the end, to the first empty one. */

/*   0   1   2       4       8       12      16
 *   +---+---+-------+-------+-------+-------+
 *   | k | a | zeros | end   | key   | list  |
 *   +---+---+-------+-------+-------+-------+ */
struct am_image_tree_node {
    uint8_t kind;      /* enum am_model_targeting_kind */
    uint8_t attribute; /* enum am_model_attribute */
    uint16_t reserved; /* zero */
    uint32_t end; /* the node after this one's subtree, counted from the tree's first node; nodes
                     stand in preorder */
    uint32_t key; /* IN on kv: KEY term; HOURS, TIMES: index into ZONES, AM_NONE: UTC */
    am_image_list_ref set; /* IN: terms; HOURS: six u32, bit h % 32 of value h / 32 (a list of six,
                       not ascending); TIMES: see below */
};
static_assert(sizeof(struct am_image_tree_node) == 16, "tree node");

/* Items of the list of a TIMES node: two string references, then runs of minutes of the week
 * (am_model_week_run), ascending. */
enum am_image_times {
    AM_TIMES_WRITTEN, /* as the inventory has them */
    AM_TIMES_ZONE,    /* the name of their time zone; empty: UTC */
    AM_TIMES_FIRST,
};

struct am_image_zone_name {
    am_image_string_ref name;
    uint32_t zone; /* index into ZONES; several names may share one */
};
static_assert(sizeof(struct am_image_zone_name) == 8, "zone name");

/*   0       4       8       12                              48
 *   +-------+-------+-------+-------------------------------+
 *   | first | count | offset| rule                          |
 *   +-------+-------+-------+-------------------------------+
 *   rule
 *   0       4       8               20              32      36
 *   +-------+-------+---------------+---------------+-------+
 *   | stand.| saving| begin         | end           | saves |
 *   +-------+-------+---------------+---------------+-------+
 *   begin, end
 *   0   1   2   3   4       8       12
 *   +---+---+---+---+-------+-------+
 *   | k | m | w | 0 | day   | time  |
 *   +---+---+---+---+-------+-------+ */
struct am_image_zone {
    uint32_t first_transition, transition_count;
    int32_t first_offset;         /* before the first transition */
    struct am_timezone_rule rule; /* after the last one */
};
static_assert(sizeof(struct am_image_zone) == 48, "zone");
static_assert(sizeof(struct am_timezone_transition) == 16, "transition");

#endif
