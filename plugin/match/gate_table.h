/* SPDX-License-Identifier: Apache-2.0 */
/* The gates that an ad has to pass, in the order in which they are checked (docs/DECISION.md
 * section 5). The one table of them: decisions, explanations, the preview page, metrics and the
 * check of documents read it.
 *
 *   GATE(ID, name, KIND, meaning)
 *
 * ID       enum am_gate has AM_GATE_ID
 * name     as answers, metrics and documents have it; gate.c has its check, stops_NAME, and
 *          explain.c its detail, detail_NAME
 * KIND     FIXED: no slot and no winner changes its answer; SLOT: they may;
 *          RANK: has no check, it is what stops ads that pass all others
 * meaning  for people
 */
#ifndef AM_MATCH_GATE_TABLE_H
#define AM_MATCH_GATE_TABLE_H

#define AM_GATE_TABLE(GATE)                                                                        \
    GATE(PAUSED, paused, FIXED, "the ad or its campaign is paused")                                \
    GATE(NOT_STARTED, not_started, FIXED, "starts later")                                          \
    GATE(ENDED, ended, FIXED, "is over")                                                           \
    GATE(NEGATIVE_KEYWORD, negative_keyword, FIXED, "a negative keyword matched")                  \
    GATE(NEGATIVES_UNKNOWN, negatives_unknown, FIXED,                                              \
         "the work limit came before its negative keywords")                                       \
    GATE(TARGETING, targeting, FIXED, "its targeting does not hold")                               \
    GATE(PLACEMENT, placement, SLOT, "its targeting does not hold in this slot")                   \
    GATE(SIZE, size, SLOT, "has other sizes")                                                      \
    GATE(FLOOR, floor, SLOT, "bids less than the floor")                                           \
    GATE(BLOCKED_ADVERTISER, blocked_advertiser, SLOT, "its advertiser is blocked")                \
    GATE(BLOCKED_CATEGORY, blocked_category, SLOT, "its category is blocked")                      \
    GATE(ALLOWED_CATEGORY, allowed_category, SLOT, "its category is not among those allowed")      \
    GATE(SEAT, seat, SLOT, "its advertiser is not among the seats that may bid")                   \
    GATE(CREATIVE, creative, SLOT, "its creative does not suit the impression")                    \
    GATE(FREQUENCY_CAP, frequency_cap, SLOT, "the user has seen enough of it")                     \
    GATE(BUDGET, budget, SLOT, "a budget is used up")                                              \
    GATE(PACING, pacing, SLOT, "a budget is ahead of its line")                                    \
    GATE(DUPLICATE_ADVERTISER, duplicate_advertiser, SLOT, "another ad of the same was placed")    \
    GATE(EXCLUDED_LABEL, excluded_label, SLOT, "is excluded beside an ad that was placed")         \
    GATE(OUTRANKED, outranked, RANK, "others rank before it")

#endif
