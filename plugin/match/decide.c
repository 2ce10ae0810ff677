/* SPDX-License-Identifier: Apache-2.0 */
/* Slots in order, each filled with the best ads that pass. */
#include "matcher.h"
#include "spans.h"
#include "why.h"

/* What is remembered of a candidate is the furthest gate that it reached in any slot. */
static void remember(struct am_gates *gates,
                     struct am_match_candidate *candidate,
                     uint32_t index,
                     enum am_gate gate,
                     uint32_t detail) {
    if (candidate->gate != AM_GATES && gate <= candidate->gate)
        return;
    candidate->gate = (uint8_t)gate;
    candidate->detail = am_gate_keep_note(gates, gate, index, detail);
}

/* Places a candidate that no gate stops, unless the ledger has no room for it after all. */
static enum am_gate
place(struct am_gates *gates, struct am_match_candidate *candidate, uint32_t index) {
    struct am_gate_reserved reserved = {AM_MATCH_PACE_NONE, 0};
    enum am_gate gate = gates->delivery ? am_gate_reserve(gates, candidate, &reserved) : AM_GATES;
    if (gate != AM_GATES)
        return gate;
    candidate->placed = 1;
    am_gate_placed_add(&gates->placed, gates->image, gates->unique, candidate, index);
    struct am_match_winner *winner = &gates->placed.winners[gates->placed.count - 1];
    winner->pace = reserved.pace;
    winner->sequence = reserved.sequence;
    return AM_GATES;
}

static uint32_t last_placed(const struct am_gates *gates) {
    return gates->placed.candidates[gates->placed.count - 1];
}

/* Checks one candidate for one slot. */
static void try_slot(struct am_matcher *matcher,
                     const struct am_match_request *request,
                     const struct am_match_slot *slot,
                     uint32_t filled,
                     uint32_t index) {
    struct am_gates *gates = &matcher->gates;
    struct am_match_candidate *candidate = &matcher->rank.candidates[index];
    uint32_t detail = AM_NONE;
    candidate->aside = 0;
    enum am_gate gate = am_gate_check_slot(gates, request, slot, candidate, &detail);
    if (matcher->work.cut[AM_STAGE_GATES])
        return;
    if (gate == AM_GATES && filled < slot->count) {
        gate = place(gates, candidate, index);
        detail = AM_GATE_LAST_NOTE;
        if (gate == AM_GATES)
            return;
    } else if (gate == AM_GATES) {
        gate = AM_GATE_OUTRANKED;
        detail = last_placed(gates);
    }
    candidate->aside = gate == AM_GATE_PACING && gates->verdict == AM_DELIVERY_LEAD;
    if (!candidate->aside)
        remember(gates, candidate, index, gate, detail);
}

/* ---- two rounds a priority --------------------------------------------------------------------
 *
 * An ad that only its lead lets through is put aside. When the walk leaves its priority, or ends,
 * places that are still open go to those put aside, in rank order. */

/* The walk over the candidates of one slot. */
struct walk {
    const struct am_match_request *request;
    const struct am_match_slot *slot;
    uint32_t before;            /* ads placed in the slots before */
    uint32_t first_aside, next; /* the range in which candidates were put aside; first AM_NONE */
};

static uint32_t filled_in(const struct am_matcher *matcher, const struct walk *walk) {
    return matcher->gates.placed.count - walk->before;
}

/* The turn of those put aside. */
static void try_aside(struct am_matcher *matcher, struct walk *walk) {
    struct am_gates *gates = &matcher->gates;
    gates->lead = true;
    for (uint32_t i = walk->first_aside; i < walk->next; i++) {
        struct am_match_candidate *candidate = &matcher->rank.candidates[i];
        uint32_t filled = filled_in(matcher, walk);
        if (!candidate->aside || matcher->work.cut[AM_STAGE_GATES])
            continue;
        if (filled == walk->slot->count)
            remember(gates, candidate, i, AM_GATE_OUTRANKED, last_placed(gates) | AM_GATE_BY_PACE);
        else
            try_slot(matcher, walk->request, walk->slot, filled, i);
    }
    gates->lead = false;
    walk->first_aside = AM_NONE;
}

static int32_t priority_of(const struct am_matcher *matcher, uint32_t index) {
    return matcher->image->details[matcher->rank.candidates[index].ad].priority;
}

/* Before the candidate `index` is looked at. */
static void leave_priority(struct am_matcher *matcher, struct walk *walk, uint32_t index) {
    if (walk->first_aside == AM_NONE ||
        priority_of(matcher, index) == priority_of(matcher, walk->first_aside))
        return;
    walk->next = index;
    try_aside(matcher, walk);
}

/* Whether ads are looked at that cannot be placed any more. */
static bool looks_at_all(const struct am_match_request *request) {
    return request->explain || request->why.data;
}

/* Candidates that no slot can have are passed in every slot. */
enum { PASSED_A_STEP = 8 };

/* Takes the next candidate, unless the ledger has marked it stopped: nobody asks why. */
static void check_fixed(struct am_matcher *matcher,
                        const struct am_match_request *request,
                        struct am_match_candidate *candidate) {
    const struct am_match_delivery *delivery = request->delivery;
    if (delivery && !looks_at_all(request) &&
        am_delivery_map_stopped(delivery->map, candidate->ad)) {
        candidate->fixed_gate = AM_GATE_BUDGET;
        return;
    }
    am_gate_check_fixed(&matcher->gates, request, candidate);
}

static void look_at(struct am_matcher *matcher, struct walk *walk, uint32_t index) {
    const struct am_match_candidate *candidate = &matcher->rank.candidates[index];
    bool done = candidate->placed && matcher->gates.unique != AM_UNIQUE_NONE;
    if (candidate->fixed_gate != AM_GATES || done)
        return;
    leave_priority(matcher, walk, index);
    uint32_t filled = filled_in(matcher, walk);
    if (filled == walk->slot->count && !looks_at_all(walk->request))
        return;
    try_slot(matcher, walk->request, walk->slot, filled, index);
    if (candidate->aside && walk->first_aside == AM_NONE)
        walk->first_aside = index;
}

static uint32_t fill_slot(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          const struct am_match_slot *slot) {
    struct am_rank *rank = &matcher->rank;
    if (request->places_slots)
        am_gate_targeting_enter(&matcher->gates.targeting, slot);
    struct walk walk = {request, slot, matcher->gates.placed.count, AM_NONE, 0};
    uint32_t i = 0;
    for (;; i++) {
        if (filled_in(matcher, &walk) == slot->count && !looks_at_all(request))
            break;
        if (i == rank->candidate_count) {
            if (!am_rank_next(rank)) {
                matcher->ranked_all = true;
                break;
            }
            check_fixed(matcher, request, &rank->candidates[i]);
        }
        if (i % PASSED_A_STEP == 0)
            am_match_work_take(&matcher->work, AM_STAGE_GATES, 1);
        if (matcher->work.cut[AM_STAGE_GATES])
            break;
        look_at(matcher, &walk, i);
    }
    if (walk.first_aside != AM_NONE) {
        walk.next = i;
        try_aside(matcher, &walk);
    }
    return filled_in(matcher, &walk);
}

static void count_rejections(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_match_decision *decision) {
    struct am_explain *explain = &matcher->explain;
    for (uint32_t i = 0; i < matcher->rank.candidate_count; i++) {
        const struct am_match_candidate *candidate = &matcher->rank.candidates[i];
        bool undecided = candidate->gate == AM_GATES;
        if (candidate->placed || undecided)
            continue;
        decision->rejected_by[candidate->gate]++;
        decision->rejected_total++;
        if (!request->explain || decision->rejected_count == AM_MAX_REJECTED_LISTED)
            continue;
        AM_UNPOISON_ITEMS(explain->rejected, decision->rejected_count, 1);
        explain->rejected[decision->rejected_count++] = (struct am_match_rejected){
            candidate->ad, candidate->posting, (enum am_gate)candidate->gate,
            am_explain_detail(explain, request, candidate)};
    }
}

/* ---- tiers ------------------------------------------------------------------------------------
 *
 * Candidates come in the order of their ranks. A decision that ends before the worst rank of the
 * top tier needs no other keywords, and need not search for them: most of a search's reads are
 * about keywords that lose. The decision is the same in any case. */

/* A short text seldom has enough of the best keywords. */
enum { TOP_WORDS = AM_BUFFER_SIZE(128, 4) };

/* Explanations list all that lost. */
static bool tries_top(const struct am_matcher *matcher, const struct am_match_request *request) {
    return matcher->image->settings->top_rank && !looks_at_all(request) &&
           matcher->words.real_count >= TOP_WORDS;
}

static void decide_among(struct am_matcher *matcher,
                         const struct am_match_request *request,
                         enum am_image_tier tier,
                         struct am_match_decision *decision) {
    matcher->ranked_all = false;
    am_search(&matcher->search, request, tier);
    am_rank_start(&matcher->rank, &matcher->search, request);
    am_gate_start(&matcher->gates, &matcher->rank.negatives, request);
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        decision->slot_filled[slot] = fill_slot(matcher, request, &request->slots[slot]);
}

/* Whether the top tier has decided: all is filled, and the last ad considered belongs to it. Where
 * it came to its end, an ad of another tier may have come before one that was put aside. */
static bool was_enough(const struct am_matcher *matcher, const struct am_match_request *request) {
    const struct am_rank *rank = &matcher->rank;
    uint32_t positions = 0;
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        positions += request->slots[slot].count;
    if (matcher->gates.placed.count < positions || rank->candidate_count == 0 ||
        matcher->ranked_all)
        return false;
    uint32_t last = rank->candidates[rank->candidate_count - 1].posting;
    return matcher->image->postings[last].rank <= matcher->image->settings->top_rank;
}

static bool decide_in_top(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          struct am_match_decision *decision) {
    if (!tries_top(matcher, request))
        return false;
    decide_among(matcher, request, AM_TIER_TOP, decision);
    if (am_match_work_is_cut_from(&matcher->work, AM_STAGE_SEARCH) || was_enough(matcher, request))
        return true;
    am_gate_release(&matcher->gates);
    return false;
}

enum am_code am_match_decide(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_match_decision *decision,
                             struct am_error *error) {
    const struct am_gate_placed *placed = &matcher->gates.placed;
    am_match_work_start(&matcher->work);
    enum am_code code = am_match_words_read(&matcher->words, request, error);
    if (code != AM_OK)
        return code;
    am_explain_start(&matcher->explain);
    *decision = (struct am_match_decision){.ads = placed->winners,
                                           .words = matcher->words.real_count,
                                           .rejected = matcher->explain.rejected,
                                           .corrections = matcher->words.spelling.corrections,
                                           .correction_count = matcher->words.spelling.count};
    if (!decide_in_top(matcher, request, decision))
        decide_among(matcher, request, AM_TIER_ALL, decision);
    am_match_spans_fill(&matcher->spans, &matcher->search, request, &matcher->rank, placed);
    for (uint32_t field = 0; field < request->field_count; field++)
        decision->bytes += request->fields[field].text.size;
    decision->hits = matcher->search.hits.count;
    decision->ad_count = placed->count;
    decision->candidates = matcher->rank.candidate_count;
    count_rejections(matcher, request, decision);
    if (request->why.data) {
        am_match_why_find(matcher, request, &matcher->why);
        decision->why = &matcher->why;
    }
    if (request->delivery && !request->delivery->keeps)
        am_gate_release(&matcher->gates);
    decision->work = matcher->work.limit - matcher->work.left;
    decision->truncated = am_match_work_is_cut(&matcher->work);
    return AM_OK;
}
