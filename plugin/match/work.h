/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the budget of work of one request.
 *
 * A few bytes of text can ask for millions of probes. So each stage of a decision takes steps out
 * of one budget before it does what they stand for: a step is about one probe of a hash table or a
 * filter, or one look at a candidate. Steps are counted where every kernel does the same, so that
 * no kernel changes an answer; a clock would.
 *
 * A stage leaves something for those after it: what a cut search has found is still ranked, and
 * what a cut ranking has found is still checked. */
#ifndef AM_MATCH_WORK_H
#define AM_MATCH_WORK_H

#include <stdbool.h>
#include <stdint.h>

enum am_match_stage { AM_STAGE_WORDS, AM_STAGE_SEARCH, AM_STAGE_RANK, AM_STAGE_GATES, AM_STAGES };

struct am_match_work {
    uint64_t limit;
    uint64_t left;            /* at most the limit */
    uint64_t kept[AM_STAGES]; /* steps that a stage leaves for those after it */
    bool cut[AM_STAGES];      /* the stage was refused steps: it has not done all */
};

static inline void am_match_work_start(struct am_match_work *work) {
    *work = (struct am_match_work){.limit = work->limit,
                                   .left = work->limit,
                                   .kept = {[AM_STAGE_WORDS] = work->limit / 2,
                                            [AM_STAGE_SEARCH] = work->limit / 4,
                                            [AM_STAGE_RANK] = work->limit / 16}};
}

/* Takes steps, at most 2^40. False when they are not there: the stage does no more. */
static inline bool
am_match_work_take(struct am_match_work *work, enum am_match_stage stage, uint64_t steps) {
    if (__builtin_expect(work->cut[stage] || work->left < work->kept[stage] + steps, 0)) {
        work->cut[stage] = true;
        return false;
    }
    work->left -= steps;
    return true;
}

/* The same for what has been done and cannot be left out: as many as are there. */
static inline void
am_match_work_spend(struct am_match_work *work, enum am_match_stage stage, uint64_t steps) {
    uint64_t most = work->left > work->kept[stage] ? work->left - work->kept[stage] : 0;
    work->left -= steps < most ? steps : most;
}

/* Steps of seeking each of some values in a list by halves. */
static inline uint64_t am_match_work_of_seeking(uint64_t values, uint32_t list_count) {
    enum { HALVES_A_STEP = 8 };
    uint32_t halves = list_count ? 32 - (uint32_t)__builtin_clz(list_count) : 0;
    return values * halves / HALVES_A_STEP;
}

/* Whether that stage, or one after it, has not done all. */
static inline bool am_match_work_is_cut_from(const struct am_match_work *work,
                                             enum am_match_stage stage) {
    bool cut = false;
    for (int i = (int)stage; i < AM_STAGES; i++)
        cut |= work->cut[i];
    return cut;
}

static inline bool am_match_work_is_cut(const struct am_match_work *work) {
    return am_match_work_is_cut_from(work, AM_STAGE_WORDS);
}

#endif
