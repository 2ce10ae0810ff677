/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the checks of the gates.
 *
 * Step 4 of a decision. gate_table.h is their table. */
#ifndef AM_MATCH_GATE_H
#define AM_MATCH_GATE_H

#include "rank.h"

struct am_match_request_term {
    uint32_t attribute;
    uint32_t term; /* never AM_NONE */
};

/* A request's attributes against targeting trees, each of which is evaluated once a request. */
struct am_gate_targeting {
    const struct am_image *image;
    struct am_match_work *work;
    struct am_match_request_term *terms; /* of the request; then, perhaps, of the slot */
    uint32_t term_count, request_terms;
    struct am_match_idmap trees; /* tree -> 0 holds, else 1 + index of the member that does not */
};

/* In the detail of an ad that was put aside, and whose slot was full when its turn came. */
#define AM_GATE_BY_PACE (UINT32_C(1) << 31)
static_assert(AM_POSTING_MAX_AD < AM_GATE_BY_PACE, "beside it, the index of a candidate");

/* What the ledger said when it stopped an ad. */
struct am_gate_note {
    struct am_delivery_detail delivery; /* `budget`, `pacing` */
    uint32_t cap;                       /* `frequency_cap`: am_image_cap; 0: no user */
    enum am_caps_answer answer;
};
enum {
    /* Explanations list the best-ranked candidates alone. */
    AM_GATE_NOTES = AM_MAX_REJECTED_LISTED + AM_MAX_ADS_PER_REQUEST,
    AM_GATE_LAST_NOTE = AM_GATE_NOTES, /* of the gate that was asked last */
};

/* The ads placed so far, slot after slot. Each map gives the first ad placed that has the key. */
struct am_gate_placed {
    struct am_match_winner *winners;
    uint32_t *candidates; /* beside them: index of the candidate */
    uint32_t count;
    struct am_match_idmap owners;   /* advertisers, campaigns or ads: what `unique` is about */
    struct am_match_idmap labels;   /* terms */
    struct am_match_idmap excluded; /* labels that winners exclude */
};

/* What no request has filled since am_gate_start is poisoned. */
struct am_gates {
    const struct am_image *image;
    const struct am_rank_negatives *negatives;
    struct am_match_work *work;
    struct am_gate_targeting targeting;
    struct am_match_idmap vetoes; /* list of negatives -> posting of the one that hit, or AM_NONE */
    struct am_match_idmap blocked; /* terms of blocked advertisers, categories and domains */
    struct am_match_idmap seats;   /* terms of the advertisers that may serve */
    struct am_match_idmap allowed; /* terms of the categories that an ad may have */
    struct am_gate_placed placed;
    enum am_model_unique unique;        /* the request's, or the inventory's */
    struct am_match_delivery *delivery; /* the request's */
    bool lead; /* the lead of a budget counts: the second round of a priority */
    enum am_delivery_verdict verdict; /* of the last ad that was asked */
    struct am_gate_note *notes;       /* AM_GATE_NOTES by candidate, and one more; filled in for
                                         explanations alone */
    bool explains;
    struct am_caps_state carried; /* the caller's caps before the decision */
};

/* Take the memory that every matcher, and the image, asks for. */
void am_gate_size(struct am_gates *gates, struct am_match_memory *memory);
void am_gate_size_for_image(struct am_gates *gates,
                            const struct am_image *image,
                            struct am_match_memory *memory);

/* ---- gate_placed.c ----------------------------------------------------------------------------
 */

void am_gate_placed_size(struct am_gate_placed *placed,
                         const struct am_image *image,
                         struct am_match_memory *memory);
void am_gate_placed_start(struct am_gate_placed *placed);
/* Adds a candidate, the index-th of the decision, that no gate stops. */
void am_gate_placed_add(struct am_gate_placed *placed,
                        const struct am_image *image,
                        enum am_model_unique unique,
                        const struct am_match_candidate *candidate,
                        uint32_t index);
/* The first winner that leaves no room for this one beside it, or AM_NONE. */
uint32_t am_gate_placed_same(const struct am_gate_placed *placed,
                             const struct am_image *image,
                             enum am_model_unique unique,
                             uint32_t ad);
/* The position of the first winner that has a label which this one excludes, or the other way
 * round; or AM_NONE. */
uint32_t am_gate_placed_excluding(const struct am_gate_placed *placed,
                                  const struct am_image *image,
                                  const struct am_image_ad *ad);
/* The smallest label, by its text, that one ad has and the other excludes. */
uint32_t am_gate_label(const struct am_image *image,
                       const struct am_image_ad *ad,
                       const struct am_image_ad *other);
uint64_t am_gate_label_steps(const struct am_image *image,
                             const struct am_image_ad *ad,
                             const struct am_image_ad *other);

void am_gate_start(struct am_gates *gates,
                   const struct am_rank_negatives *negatives,
                   const struct am_match_request *request);
/* Fills fixed_gate, and with it gate and detail, of a new candidate. When the budget ends here,
 * the candidate stays undecided: AM_GATES. */
void am_gate_check_fixed(struct am_gates *gates,
                         const struct am_match_request *request,
                         struct am_match_candidate *candidate);
/* The gate that stops the candidate in this slot, or AM_GATES; *detail as explain.c reads it. With
 * gates->lead, those from `frequency_cap` on: the others have let it through in this slot.
 * AM_GATES, too, when the budget ends here: ask it before placing the ad. */
enum am_gate am_gate_check_slot(struct am_gates *gates,
                                const struct am_match_request *request,
                                const struct am_match_slot *slot,
                                const struct am_match_candidate *candidate,
                                uint32_t *detail);

/* What a creative may miss: the detail of the gate `creative`. */
enum am_gate_creative {
    AM_GATE_CREATIVE_SUITS,
    AM_GATE_CREATIVE_MARKUP,
    AM_GATE_CREATIVE_KIND,
    AM_GATE_CREATIVE_BUNDLE,
    AM_GATE_CREATIVE_INSECURE,
    AM_GATE_CREATIVE_ATTRIBUTE,
    AM_GATE_CREATIVE_TYPE,
    AM_GATE_CREATIVE_MIME,
    AM_GATE_CREATIVE_API,
    AM_GATE_CREATIVE_INTERSTITIAL,
    AM_GATE_CREATIVE_POSITION,
    AM_GATE_CREATIVE_DURATION,
    AM_GATE_CREATIVE_MISSING_ASSETS,
    AM_GATE_CREATIVE_TAXONOMY,
    AM_GATE_CREATIVE_TRANSPARENCY,
    AM_GATE_CREATIVE_MISSES
};

/* Whether the category, a term as an inventory has it, or one above it ("IAB7" of "iab7-39") is in
 * a map of folded terms. False, too, when the budget ends here. */
bool am_gate_category_in(const struct am_gates *gates,
                         const struct am_match_idmap *listed,
                         uint32_t category);
/* ---- gate_delivery.c --------------------------------------------------------------------------
 */

/* Whether the caps of the ad stop it; AM_GATE_LAST_NOTE says why. */
bool am_gate_is_capped(struct am_gates *gates, uint32_t ad);
/* What its budgets say, likewise; with a delivery. */
enum am_delivery_verdict am_gate_budgets(struct am_gates *gates,
                                         const struct am_match_candidate *candidate);
/* How far its budgets are used, for explanations; FREE without a delivery or a keyword. */
void am_gate_use(const struct am_gates *gates,
                 const struct am_match_candidate *candidate,
                 struct am_delivery_use *use);
/* Takes what a placement of the ad holds, with a delivery. AM_GATES: it is reserved; else the gate
 * that stops it after all. */
struct am_gate_reserved {
    enum am_match_pace pace;
    uint64_t sequence;
};
enum am_gate am_gate_reserve(struct am_gates *gates,
                             const struct am_match_candidate *candidate,
                             struct am_gate_reserved *reserved);
/* Gives back all that this decision has taken. */
void am_gate_release(struct am_gates *gates);
/* Keeps what the last note says for a candidate's explanation; its new detail. */
uint32_t
am_gate_keep_note(struct am_gates *gates, enum am_gate gate, uint32_t index, uint32_t detail);

/* Whether one gate, by itself, stops the candidate; RANK gates do not. *detail as above. */
bool am_gate_stops(struct am_gates *gates,
                   const struct am_match_request *request,
                   const struct am_match_slot *slot,
                   const struct am_match_candidate *candidate,
                   enum am_gate gate,
                   uint32_t *detail);

/* ---- gate_targeting.c -------------------------------------------------------------------------
 */

void am_gate_targeting_start(struct am_gate_targeting *targeting,
                             const struct am_match_request *request);
/* Of a request that places its slots: from now on, until the next call, in this slot. */
void am_gate_targeting_enter(struct am_gate_targeting *targeting, const struct am_match_slot *slot);
/* The minute of the week in the request's time zone, else in a zone of the image (AM_NONE: UTC). */
uint32_t am_gate_targeting_minute(const struct am_image *image,
                                  const struct am_match_request *request,
                                  uint32_t zone);
/* 0 when the tree holds, else 1 + the index, in the tree, of the first member of its root that does
 * not. */
uint32_t am_gate_targeting_failing(struct am_gate_targeting *targeting,
                                   const struct am_match_request *request,
                                   uint32_t tree);

#endif
