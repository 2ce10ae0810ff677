/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations: holds under every limit and a count of every cap, or nothing. On the path of a
 * decision: no lock, no allocation, no system call. */
#include "reading.h"
#include "work.h"

/* One try to place one ad. */
struct attempt {
    struct am_ledger_worker *worker;
    const struct am_delivery_ask *ask;
    const struct am_delivery_placement *placement;
    struct am_delivery_detail *detail;
    struct am_ledger_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS];
    uint32_t count;
    struct am_ledger_placement body;
};

/* ---- holds ------------------------------------------------------------------------------------
 */

/* Takes one hold; the test is that of the gate, made again by the compare-and-swap. */
static bool take_hold(const struct attempt *attempt, struct am_ledger_limit *limit) {
    struct am_delivery_reading reading = am_delivery_reading_of(limit);
    struct am_delivery_demand demand =
        am_delivery_demand_of(attempt->ask, AM_LEDGER_GET(limit->flags));
    if (am_ledger_add_clamped(reading.counted, demand.price) > reading.ceiling)
        return false;
    int64_t line = attempt->placement->lead ? reading.lead : reading.line;
    int64_t most = am_delivery_reading_allows(&reading, line, demand.price);
    return demand.expected
               ? am_ledger_guard_take(&limit->expected, demand.hold, most, &limit->committed)
               : am_ledger_guard_take(&limit->committed, demand.hold, most, &limit->expected);
}

/* The body says which limits are held. */
static bool take_holds(struct attempt *attempt) {
    for (uint32_t i = 0; i < attempt->count; i++) {
        struct am_ledger_limit *limit = attempt->list[i];
        if (!take_hold(attempt, limit))
            return false;
        uint32_t flags = AM_LEDGER_GET(limit->flags);
        attempt->body.held |=
            am_ledger_limit_bit(flags & AM_LEDGER_LIMIT_KIND,
                                (flags & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT);
    }
    return true;
}

/* ---- caps -------------------------------------------------------------------------------------
 */

static void undo_caps(const struct attempt *attempt, uint32_t count) {
    const struct am_delivery_placement *placement = attempt->placement;
    struct am_caps *caps = am_ledger_caps(attempt->worker->ledger);
    for (uint32_t i = 0; i < count; i++)
        am_caps_undo(caps, placement->user, placement->caps[i].key, placement->caps[i].period,
                     placement->now, placement->now);
}

static bool count_caps(const struct attempt *attempt) {
    const struct am_delivery_placement *placement = attempt->placement;
    struct am_caps *caps = am_ledger_caps(attempt->worker->ledger);
    uint32_t count = attempt->body.user ? placement->cap_count : 0;
    for (uint32_t i = 0; i < count; i++)
        if (!caps || am_caps_count(caps, placement->user, &placement->caps[i], placement->now) !=
                         AM_CAPS_OPEN) {
            undo_caps(attempt, i);
            return false;
        }
    return true;
}

/* ---- placing ----------------------------------------------------------------------------------
 */

static struct am_ledger_placement body_of(const struct am_delivery_chain *chain,
                                          const struct attempt *attempt) {
    const struct am_delivery_ask *ask = attempt->ask;
    const struct am_delivery_placement *placement = attempt->placement;
    struct am_ledger_placement body = {
        .user = placement->cap_count ? placement->user : 0,
        .money_hold = am_pace_hold(ask->per_click, ask->price, ask->ctr),
        .ad_key = placement->ad_key,
        .decided = (uint32_t)placement->now,
        .ctr = ask->ctr,
        .caller = attempt->count ? placement->caller : 0,
        .seconds = placement->seconds,
        .per_click = ask->per_click,
    };
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        body.cells[kind] = AM_LEDGER_GET(chain->cells[kind]);
        body.cap_sets[kind] = body.user ? AM_LEDGER_GET(chain->cap_sets[kind]) : 0;
    }
    return body;
}

/* The parts of a placement that its impression and its click will use up. */
static uint32_t bits_of(const struct am_ledger_placement *body) {
    uint32_t bits = AM_LEDGER_PLACEMENT_IMPRESSION;
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        struct am_ledger_hold_of hold = am_ledger_placement_hold(body, i % AM_LEDGER_UNITS);
        if ((body->held >> i & 1) && hold.amount)
            bits |= hold.bit;
    }
    return bits;
}

static enum am_delivery_verdict placed(const struct attempt *attempt) {
    return attempt->placement->lead ? AM_DELIVERY_LEAD : AM_DELIVERY_LINE;
}

/* On a claimed entry. What was taken is given back on failure. */
static enum am_delivery_verdict fill(struct attempt *attempt, uint32_t at) {
    struct am_ledger *ledger = attempt->worker->ledger;
    struct am_ledger_placement *body = &attempt->body;
    if (!count_caps(attempt))
        return AM_DELIVERY_CAP;
    if (take_holds(attempt)) {
        am_ledger_placement_write(ledger, at, body);
        am_ledger_placement_hold_it(ledger, at, bits_of(body));
        return placed(attempt);
    }
    undo_caps(attempt, body->user ? attempt->placement->cap_count : 0);
    body->user = 0;
    body->caller = 0; /* the caller of this function has it */
    am_ledger_placement_give_back(ledger, NULL, body,
                                  AM_LEDGER_PLACEMENT_IMPRESSION | AM_LEDGER_PLACEMENT_CLICK,
                                  attempt->placement->now);
    return AM_DELIVERY_BUDGET;
}

static enum am_delivery_verdict reserve(struct attempt *attempt) {
    struct am_ledger *ledger = attempt->worker->ledger;
    const struct am_delivery_placement *placement = attempt->placement;
    uint32_t caller = attempt->body.caller;
    if (!am_ledger_caller_enter(ledger, caller))
        return am_delivery_stopped(AM_DELIVERY_UNCONFIRMED, attempt->detail);
    uint32_t at =
        am_ledger_placement_claim(ledger, placement->sequence, placement->now + placement->seconds);
    enum am_delivery_verdict verdict = at == AM_LEDGER_NO_INDEX
                                           ? am_delivery_stopped(AM_DELIVERY_FULL, attempt->detail)
                                           : fill(attempt, at);
    if (verdict == AM_DELIVERY_LINE || verdict == AM_DELIVERY_LEAD)
        return verdict;
    am_ledger_caller_leave(ledger, caller);
    if (at != AM_LEDGER_NO_INDEX)
        am_ledger_placement_drop(ledger, at);
    return verdict;
}

/* Caps alone: an ad without limits is not stopped by what stops those that have some. */
static enum am_delivery_verdict reserve_unlimited(struct attempt *attempt) {
    const struct am_delivery_placement *placement = attempt->placement;
    struct am_ledger_worker *worker = attempt->worker;
    if (attempt->body.user == 0)
        return placed(attempt);
    if (worker->usable && am_ledger_op_begin(worker, AM_LEDGER_OP_RESERVE, placement->sequence,
                                             attempt->body.cells)) {
        enum am_delivery_verdict verdict = reserve(attempt);
        am_ledger_op_end(worker);
        if (verdict != AM_DELIVERY_BUDGET)
            return verdict;
    }
    /* It cannot be in flight: its caps are counted, and not undone. */
    return count_caps(attempt) ? placed(attempt) : AM_DELIVERY_CAP;
}

enum am_delivery_verdict am_delivery_reserve(struct am_ledger_worker *worker,
                                             const struct am_delivery_map *map,
                                             uint32_t ad,
                                             const struct am_delivery_ask *ask,
                                             const struct am_delivery_placement *placement,
                                             struct am_delivery_detail *detail) {
    const struct am_delivery_chain *chain = am_delivery_chain_of(map, ad);
    struct attempt attempt = {
        .worker = worker, .ask = ask, .placement = placement, .detail = detail};
    if (detail)
        detail->reason = AM_DELIVERY_FREE;
    if (AM_LEDGER_GET(chain->flags) & AM_DELIVERY_CHAIN_CLOSED)
        return am_delivery_stopped(AM_DELIVERY_NO_CELL, detail);
    attempt.count = am_delivery_chain_list(map, chain, attempt.list);
    attempt.body = body_of(chain, &attempt);
    if (attempt.count == 0)
        return reserve_unlimited(&attempt);
    if (!worker->usable ||
        !am_ledger_op_begin(worker, AM_LEDGER_OP_RESERVE, placement->sequence, attempt.body.cells))
        return am_delivery_stopped(AM_DELIVERY_STALE, detail);
    enum am_delivery_verdict verdict = reserve(&attempt);
    am_ledger_op_end(worker);
    /* Another took the room between the gate and here. */
    if (verdict == AM_DELIVERY_BUDGET && detail && detail->reason == AM_DELIVERY_FREE &&
        am_delivery_ask_limits(map, attempt.list, attempt.count, ask, detail) == AM_DELIVERY_LINE)
        detail->reason = AM_DELIVERY_ABOVE_LIMIT;
    return verdict;
}

bool am_delivery_release(struct am_ledger_worker *worker, uint64_t sequence, int64_t now) {
    struct am_ledger *ledger = worker->ledger;
    struct am_ledger_found found;
    while (am_ledger_placement_find(ledger, sequence, &found)) {
        uint32_t bits = (uint32_t)(found.state & AM_LEDGER_PLACEMENT_BITS);
        am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_RELEASE, sequence, found.body.cells);
        bool taken = am_ledger_placement_take(ledger, &found, bits);
        if (taken)
            am_ledger_placement_give_back(ledger, am_ledger_caps(ledger), &found.body, bits, now);
        am_ledger_op_end(worker);
        if (taken)
            return true;
    }
    return false;
}
