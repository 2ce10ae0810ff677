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
                        enum am_match_unique unique,
                        const struct am_match_candidate *candidate,
                        uint32_t index);
/* The first winner that leaves no room for this one beside it, or AM_NONE. */
uint32_t am_gate_placed_same(const struct am_gate_placed *placed,
                             const struct am_image *image,
                             enum am_match_unique unique,
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
/* The gate that stops the candidate in this slot, or AM_GATES; *detail as explain.c reads it.
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
