/* Slots in order, each filled with the best ads that pass. */
#include "matcher.h"

static void place(struct am_matcher *matcher, uint32_t candidate) {
    AM_UNPOISON_ITEMS(matcher->placed, matcher->placed_count, 1);
    AM_UNPOISON_ITEMS(matcher->placed_candidates, matcher->placed_count, 1);
    matcher->candidates[candidate].placed = 1;
    matcher->placed_candidates[matcher->placed_count] = candidate;
    matcher->placed[matcher->placed_count++] =
        (struct am_match_winner){.ad = matcher->candidates[candidate].ad,
                                 .keyword = matcher->candidates[candidate].posting,
                                 .field = AM_NONE};
}

/* Holds one candidate against one slot. What is remembered of it is the furthest gate it reached in
 * any slot. */
static void try_slot(struct am_matcher *matcher,
                     const struct am_match_request *request,
                     const struct am_match_slot *slot,
                     uint32_t filled,
                     uint32_t index) {
    struct am_match_candidate *candidate = &matcher->candidates[index];
    uint32_t detail = AM_NONE;
    enum am_gate gate = am_gate_slot(matcher, request, slot, candidate, &detail);
    if (gate == AM_GATES && filled < slot->count) {
        place(matcher, index);
        return;
    }
    if (gate == AM_GATES) {
        gate = AM_GATE_OUTRANKED;
        detail = matcher->placed_candidates[matcher->placed_count - 1];
    }
    if (candidate->gate == AM_GATES || gate > candidate->gate) {
        candidate->gate = (uint8_t)gate;
        candidate->detail = detail;
    }
}

static uint32_t fill_slot(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          const struct am_match_slot *slot) {
    uint32_t before = matcher->placed_count;
    for (uint32_t i = 0;; i++) {
        uint32_t filled = matcher->placed_count - before;
        if (filled == slot->count && !request->explain)
            break;
        if (i == matcher->candidate_count) {
            if (!am_rank_next(matcher))
                break;
            am_gate_fixed(matcher, request, &matcher->candidates[i]);
        }
        const struct am_match_candidate *candidate = &matcher->candidates[i];
        bool over = candidate->placed && request->unique != AM_UNIQUE_NONE;
        if (candidate->fixed_gate == AM_GATES && !over)
            try_slot(matcher, request, slot, filled, i);
    }
    return matcher->placed_count - before;
}

static void count_rejections(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_match_decision *decision) {
    for (uint32_t i = 0; i < matcher->candidate_count; i++) {
        const struct am_match_candidate *candidate = &matcher->candidates[i];
        if (candidate->placed)
            continue;
        decision->rejected_by[candidate->gate]++;
        decision->rejected_total++;
        if (!request->explain || decision->rejected_count == AM_MAX_REJECTED_LISTED)
            continue;
        AM_UNPOISON_ITEMS(matcher->rejected, decision->rejected_count, 1);
        matcher->rejected[decision->rejected_count++] = (struct am_match_rejected){
            candidate->ad, candidate->posting, (enum am_gate)candidate->gate,
            am_explain_detail(matcher, candidate)};
    }
}

/* ---- tiers ------------------------------------------------------------------------------------
 *
 * Candidates come in the order of their ranks. A decision that ends before the worst rank of the
 * top tier needs no other keywords, and need not search for them: most of a search's reads are
 * about keywords that lose. The decision is the same in any case. */

/* A short text seldom has enough of the best keywords. After some failures in a row, requests are
 * decided at once among all, twice as many after each further one. */
enum { TOP_WORDS = AM_BUFFER_SIZE(128, 4), TOP_MISSES_BORNE = 2, MOST_TOP_MISSES = 8 };

/* Explanations tell of everything that lost. */
static bool tries_top(struct am_matcher *matcher, const struct am_match_request *request) {
    if (matcher->image->settings->top_rank == 0 || request->explain ||
        matcher->words.real_count < TOP_WORDS)
        return false;
    if (matcher->top_passes == 0)
        return true;
    matcher->top_passes--;
    return false;
}

static void decide_among(struct am_matcher *matcher,
                         const struct am_match_request *request,
                         enum am_image_tier tier,
                         struct am_match_decision *decision) {
    am_search(matcher, request, tier);
    am_rank_start(matcher, request);
    am_gate_targeting_start(matcher, request);
    am_gate_start(matcher, request);
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        decision->slot_filled[slot] = fill_slot(matcher, request, &request->slots[slot]);
}

/* Whether the top tier has decided: all is filled, and the last ad that was looked at is of it. */
static bool was_enough(const struct am_matcher *matcher, const struct am_match_request *request) {
    uint32_t places = 0;
    for (uint32_t slot = 0; slot < request->slot_count; slot++)
        places += request->slots[slot].count;
    if (matcher->placed_count < places || matcher->candidate_count == 0)
        return false;
    uint32_t last = matcher->candidates[matcher->candidate_count - 1].posting;
    return matcher->image->postings[last].rank <= matcher->image->settings->top_rank;
}

static bool decide_in_top(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          struct am_match_decision *decision) {
    if (!tries_top(matcher, request))
        return false;
    decide_among(matcher, request, AM_TIER_TOP, decision);
    bool enough = was_enough(matcher, request);
    if (enough)
        matcher->top_misses = 0;
    else if (matcher->top_misses < MOST_TOP_MISSES)
        matcher->top_misses++;
    if (matcher->top_misses > TOP_MISSES_BORNE)
        matcher->top_passes = (UINT32_C(1) << (matcher->top_misses - TOP_MISSES_BORNE)) - 1;
    return enough;
}

enum am_code am_match_decide(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_match_decision *decision,
                             struct am_error *error) {
    enum am_code code = am_search_words(matcher, request, error);
    if (code != AM_OK)
        return code;
    am_buffer_cut(&matcher->details, 0);
    AM_POISON_ITEMS(matcher->rejected, 0, AM_MAX_REJECTED_LISTED);
    *decision = (struct am_match_decision){
        .ads = matcher->placed, .words = matcher->words.real_count, .rejected = matcher->rejected};
    if (!decide_in_top(matcher, request, decision))
        decide_among(matcher, request, AM_TIER_ALL, decision);
    for (uint32_t i = 0; i < matcher->placed_count; i++)
        am_match_spans_fill(matcher, request, &matcher->candidates[matcher->placed_candidates[i]],
                            &matcher->placed[i]);
    for (uint32_t field = 0; field < request->field_count; field++)
        decision->bytes += request->fields[field].text.size;
    decision->hits = matcher->hits.count;
    decision->ad_count = matcher->placed_count;
    decision->candidates = matcher->candidate_count;
    count_rejections(matcher, request, decision);
    return AM_OK;
}
