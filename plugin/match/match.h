/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: a request and an image in, ranked ads out (docs/DECISION.md says how an ad is
 * chosen).
 *
 * am_match_decide allocates nothing, takes no lock, makes no system call and touches no global. All
 * working memory is a `struct am_matcher`: one per thread, sized when it is made and when an image
 * is attached. */
#ifndef AM_MATCH_MATCH_H
#define AM_MATCH_MATCH_H

#include "../delivery/delivery.h"
#include "../index/image.h"
#include "../model/creative.h"
#include "gate_table.h"

enum {
    AM_MAX_SLOTS = 64,
    AM_MAX_ADS_PER_REQUEST = 256, /* sum of the slots' counts */
    AM_MAX_FIELDS = 256,
    AM_MAX_SLOT_SIZES = 32,
    AM_MAX_ATTRIBUTE_VALUES = 1024,
    AM_MAX_BLOCKED = 4096, /* advertisers + categories + domains */
    AM_MAX_SEATS = 256,
    AM_MAX_ALLOWED_CATEGORIES = 1024,
    AM_MAX_REJECTED_LISTED = 100,
};

enum am_match_field_kind {
    AM_FIELD_QUERY,
    AM_FIELD_KEYWORD,
    AM_FIELD_TITLE,
    AM_FIELD_TEXT,
    AM_FIELD_URL
};

/* A piece of text to match in. Fields are searched in the order given; the API gives them in the
 * order of am_match_field_kind. */
struct am_match_field {
    enum am_match_field_kind kind; /* QUERY and KEYWORD may match exact keywords */
    uint32_t index;                /* KEYWORD: place in the request's list, from 0; else 0 */
    struct am_view text;
};

/* One value of one attribute; an attribute may have several. */
struct am_match_attribute {
    enum am_model_attribute attribute; /* not HOUR */
    struct am_view key;                /* kv: the key */
    struct am_view value;              /* folded by am_model_attribute_fold */
};

/* What a slot asks of creatives that are shown as one kind: sets and numbers as of struct
 * am_model_creative. */
struct am_match_media {
    bool asked; /* false: the slot does not take this kind */
    uint64_t blocked_attributes;
    uint32_t apis;  /* that it may need */
    uint32_t mimes; /* that it may be of; 0: any */
    uint8_t blocked_types;
    uint8_t position;               /* a bit; 0: not known */
    uint32_t shortest, longest;     /* seconds of a video; 0: any */
    uint8_t assets;                 /* that a native ad must have */
    uint32_t title_most, text_most; /* characters of these; 0: any */
};

struct am_match_creatives {
    bool needed;      /* false: nothing is asked, and an ad needs no creative */
    bool secure;      /* nothing may be loaded without encryption */
    bool transparent; /* it must say what the Digital Services Act asks */
    bool interstitial;
    uint8_t taxonomy; /* of the categories that are blocked or allowed; 0: there are none */
    struct am_match_media media[AM_CREATIVE_KINDS];
};

struct am_match_slot {
    struct am_view id;   /* may be empty */
    uint32_t count;      /* 1.. */
    uint32_t size_count; /* 0: any ad */
    uint32_t sizes[AM_MAX_SLOT_SIZES];
    int64_t floor; /* eCPM micros, 0: none; an ad below it is rejected */
    struct am_match_creatives creatives;
    struct am_view placement; /* folded; when the request places its slots */
};

/* Of a request that names none: as the inventory says. */
#define AM_MATCH_UNIQUE_INVENTORY AM_UNIQUES

struct am_match_views {
    const struct am_view *items;
    uint32_t count;
};

/* What a decision asks of the ledger, and takes from it. A server, a simulation and a given state
 * fill it in alike; am_delivery_begin comes before the decision. One thread. */
struct am_match_delivery {
    struct am_ledger_worker *worker;   /* the calling thread's own */
    const struct am_delivery_map *map; /* of the matcher's image */
    struct am_ledger *ledger;          /* of both */
    int64_t clock;                     /* seconds: the server's clock, whatever the request says */
    /* That a placement is reserved for: 1 to 86,400 seconds. 0: nobody would report its events, so
     * that ads with budgets do not run. */
    uint32_t seconds;
    /* The placements will be shown. False: all that the decision takes is given back at its end, so
     * that it leaves nothing behind. */
    bool keeps;
    uint32_t caller; /* hash of a public caller's network, or 0 */
    /* The user: a hashed key, or the state that the caller carries, in which caps are counted; or
     * neither. */
    uint64_t user;
    struct am_caps_state *caps;
    /* Numbers a placement; `context` goes along. */
    uint64_t (*number)(void *context);
    void *context;
};

/* Everything is the caller's and lives until the decision has been rendered. */
struct am_match_request {
    struct am_view id;
    const struct am_match_field *fields;
    uint32_t field_count;
    const struct am_match_attribute *attributes;
    uint32_t attribute_count;
    uint32_t derived_count; /* of them, the last: not given but derived, as explain shows */
    const struct am_match_slot *slots;
    uint32_t slot_count;
    struct am_match_views blocked_advertisers, blocked_categories, blocked_domains,
        blocked_apps; /* categories folded (am_model_category_fold), domains and apps lower case */
    bool restricts_seats, restricts_categories;
    struct am_match_views seats; /* the only advertisers that may serve, when restricts_seats */
    struct am_match_views allowed_categories; /* folded: all of an ad's must be among or below them,
                                                 when restricts_categories */
    bool places_slots; /* each slot has a placement of its own, and `attributes` has none */
    enum am_model_unique unique; /* or AM_MATCH_UNIQUE_INVENTORY */
    bool explain;
    struct am_view why; /* the id of an ad whose gates are all asked; .data NULL: of none */
    int64_t now;        /* seconds since the epoch */
    const struct am_timezone *timezone; /* of the request, or NULL */
    struct am_match_delivery *delivery; /* NULL: budgets and frequency caps are not asked */
};

/* In the order in which they are checked. */
#define AM_GATE_ID(ID, name, KIND, meaning) AM_GATE_##ID,
enum am_gate { AM_GATE_TABLE(AM_GATE_ID) AM_GATES };
#undef AM_GATE_ID

/* "negative_keyword", and "a negative keyword matched". */
const char *am_gate_name(enum am_gate gate);
const char *am_gate_meaning(enum am_gate gate);

struct am_match_span {
    uint32_t begin, end;             /* bytes of the field's original text */
    uint32_t utf16_begin, utf16_end; /* the same in UTF-16 units */
};

/* Whether an ad was placed on the line of its budgets or in their lead. */
enum am_match_pace {
    AM_MATCH_PACE_NONE /* it has no budget */,
    AM_MATCH_PACE_LINE,
    AM_MATCH_PACE_LEAD
};

/* Its spans are ascending and disjoint: each ends where the next begins, or before. */
struct am_match_winner {
    uint32_t ad;         /* index into the image's ads */
    uint32_t keyword;    /* index into its keywords */
    uint32_t field;      /* index into the request's fields; AM_NONE for "*" */
    uint32_t span_count; /* at most one per word of the keyword; 0 for "*" */
    enum am_match_pace pace;
    uint64_t sequence; /* of the placement; with a delivery only */
    struct am_match_span spans[AM_KEYWORD_MAX_WORDS];
};

struct am_match_rejected {
    uint32_t ad;
    uint32_t keyword;
    enum am_gate gate;
    struct am_view
        detail; /* what exactly, see docs/DECISION.md; lives until the next am_match_decide */
};

/* A misspelt word of the query, and what it counted as: a word of keywords, with its accents. */
struct am_match_correction {
    struct am_view from, to;
};
enum { AM_MATCH_CORRECTIONS_MOST = 4 };

/* What one gate says of one ad: that it stops it, or not, and the values of both sides. */
struct am_match_why_gate {
    bool stops;
    struct am_view detail; /* may be empty */
};

/* Of the ad that request->why names. */
struct am_match_why {
    uint32_t ad; /* index into the image's ads; AM_NONE: there is none of that id, and no more */
    bool reached, placed;
    /* The keyword that counts, or, when none reached the ad, the nearest one: that with the fewest
     * words missing, then with most words, then the first. AM_NONE: the ad has none. */
    uint32_t keyword;
    struct am_view missing[AM_KEYWORD_MAX_WORDS]; /* of the nearest one's words, normalised */
    uint32_t missing_count; /* 0: they are all there, but not as its match type asks */
    struct am_match_why_gate gates[AM_GATES];
};

struct am_match_decision {
    struct am_match_winner *ads;        /* slot after slot */
    uint32_t slot_filled[AM_MAX_SLOTS]; /* how many of `ads` belong to each slot */
    uint32_t ad_count;
    uint64_t words; /* of all fields */
    uint64_t bytes;
    uint64_t hits; /* places of keywords, negative ones included, as far as they were searched for
                      (decide.c, tiers); a broad one counts once */
    uint64_t candidates; /* distinct ads looked at; with explain, every ad a keyword reached */
    uint64_t work;       /* steps taken, at most the limit */
    bool truncated;      /* the limit ended it: this is what was found until then */
    uint64_t rejected_by[AM_GATES]; /* of the candidates */
    uint64_t rejected_total;
    const struct am_match_rejected
        *rejected; /* explain: the best-ranked 100 of them, in rank order */
    uint32_t rejected_count;
    const struct am_match_correction *corrections; /* live until the next am_match_decide */
    uint32_t correction_count;
    const struct am_match_why *why; /* NULL when none was asked; lives as long */
};

/* The kind, of those that the slot takes, as which an ad that was placed in it is shown: the last
 * that suits. */
enum am_model_creative_kind
am_match_creative_kind(const struct am_image *image, const struct am_match_slot *slot, uint32_t ad);

struct am_matcher;

struct am_matcher_limits {
    size_t text_bytes; /* of all fields together */
    uint32_t words;    /* of all fields together */
    uint64_t work;     /* steps of a decision (work.h), at most 2^40; 0: AM_MATCH_WORK_DEFAULT */
};
enum { AM_MATCH_WORK_DEFAULT = 2000000 };
#define AM_MATCHER_LIMITS_DEFAULT                                                                  \
    ((struct am_matcher_limits){1 << 20, 100000, AM_MATCH_WORK_DEFAULT})

/* NULL when memory runs out. Reserves address space for the limits; pages are touched as requests
 * need them. */
struct am_matcher *am_matcher_new(const struct am_matcher_limits *limits, struct am_error *error);
void am_matcher_free(struct am_matcher *matcher); /* NULL is fine */

/* Makes the matcher work on `image` from now on; the image stays the caller's and must outlive its
 * use here. Allocates (per swap, not per request). AM_E_MEMORY: the old image stays attached. */
enum am_code
am_matcher_attach(struct am_matcher *matcher, const struct am_image *image, struct am_error *error);
const struct am_image *am_matcher_image(const struct am_matcher *matcher);

/* Gives the pages of all working memory back to the system; the last decision is gone. One system
 * call or two, and the next decision touches its pages anew. */
void am_matcher_trim(struct am_matcher *matcher);

/* Decides. *decision points into the matcher and lives until its next am_match_decide. AM_E_LIMIT:
 * more text or words than the limits; nothing else fails. The same request and image give the same
 * decision, a truncated one, too. */
enum am_code am_match_decide(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_match_decision *decision,
                             struct am_error *error);

#endif
