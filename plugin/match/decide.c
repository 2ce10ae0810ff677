/* SPDX-License-Identifier: Apache-2.0 */
/* Slots in order, each filled with the best ads that pass. */
#include "matcher.h"
#include "spans.h"
#include "why.h"

/* Checks one candidate for one slot. What is remembered of it is the furthest gate that it reached
 * in any slot. */
static void try_slot(struct am_matcher *matcher,
                     const struct am_match_request *request,
                     const struct am_match_slot *slot,
                     uint32_t filled,
                     uint32_t index) {
    struct am_gates *gates = &matcher->gates;
    struct am_match_candidate *candidate = &matcher->rank.candidates[index];
    uint32_t detail = AM_NONE;
    enum am_gate gate = am_gate_check_slot(gates, request, slot, candidate, &detail);
    if (matcher->work.cut[AM_STAGE_GATES])
        return;
    if (gate == AM_GATES && filled < slot->count) {
        candidate->placed = 1;
        am_gate_placed_add(&gates->placed, gates->image, request->unique, candidate, index);
        return;
    }
    if (gate == AM_GATES) {
        gate = AM_GATE_OUTRANKED;
        detail = gates->placed.candidates[gates->placed.count - 1];
    }
    if (candidate->gate == AM_GATES || gate > candidate->gate) {
        candidate->gate = (uint8_t)gate;
        candidate->detail = detail;
    }
}

/* Whether ads are looked at that cannot be placed any more. */
static bool looks_at_all(const struct am_match_request *request) {
    return request->explain || request->why.data;
}

/* Candidates that no slot can have are passed in every slot. */
enum { PASSED_A_STEP = 8 };

static uint32_t fill_slot(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          const struct am_match_slot *slot) {
    struct am_rank *rank = &matcher->rank;
    if (request->places_slots)
        am_gate_targeting_enter(&matcher->gates.targeting, slot);
    uint32_t before = matcher->gates.placed.count;
    for (uint32_t i = 0;; i++) {
        uint32_t filled = matcher->gates.placed.count - before;
        if (filled == slot->count && !looks_at_all(request))
            break;
        if (i == rank->candidate_count) {
            if (!am_rank_next(rank))
                break;
            am_gate_check_fixed(&matcher->gates, request, &rank->candidates[i]);
        }
        if (i % PASSED_A_STEP == 0)
            am_match_work_take(&matcher->work, AM_STAGE_GATES, 1);
        if (matcher->work.cut[AM_STAGE_GATES])
            break;
        const struct am_match_candidate *candidate = &rank->candidates[i];
        bool done = candidate->placed && request->unique != AM_UNIQUE_NONE;
        if (candidate->fixed_gate == AM_GATES && !done)
            try_slot(matcher, request, slot, filled, i);
    }
    return matcher->gates.placed.count - before;
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
    am_search(&matcher->search, request, tier);
    am_rank_start(&matcher->rank, &matcher->search, request);
    am_gate_start(&matcher->gates, &matcher->rank.negatives, request);
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        decision->slot_filled[slot] = fill_slot(matcher, request, &request->slots[slot]);
}

/* Whether the top tier has decided: all is filled, and the last ad considered belongs to it. */
static bool was_enough(const struct am_matcher *matcher, const struct am_match_request *request) {
    const struct am_rank *rank = &matcher->rank;
    uint32_t positions = 0;
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        positions += request->slots[slot].count;
    if (matcher->gates.placed.count < positions || rank->candidate_count == 0)
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
    return am_match_work_is_cut_from(&matcher->work, AM_STAGE_SEARCH) ||
           was_enough(matcher, request);
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
    decision->work = matcher->work.limit - matcher->work.left;
    decision->truncated = am_match_work_is_cut(&matcher->work);
    return AM_OK;
}
