/* SPDX-License-Identifier: Apache-2.0 */
/* Placements in flight: each sequence has two buckets of eight entries; whoever moves an entry's
 * state by compare-and-swap has it. */
#include "../base/hash.h"
#include "work.h"

/* ---- words of the state -----------------------------------------------------------------------
 */

static uint64_t state_of(uint64_t sequence, int64_t expiry, uint32_t bits) {
    return (sequence & AM_LEDGER_SEQUENCE_MASK) << AM_LEDGER_PLACEMENT_SEQUENCE_SHIFT |
           ((uint64_t)expiry & AM_LEDGER_PLACEMENT_EXPIRY_MASK) << 4 | bits;
}

static bool is_of(uint64_t state, uint64_t sequence) {
    return state &&
           state >> AM_LEDGER_PLACEMENT_SEQUENCE_SHIFT == (sequence & AM_LEDGER_SEQUENCE_MASK);
}

/* Neighbours in sequence are neighbours here, so that their lines are in the cache; the other
 * bucket is anywhere. */
static uint32_t first_bucket(const struct am_ledger *ledger, uint64_t sequence) {
    uint32_t count = ledger->header->geometry.placements / AM_LEDGER_BUCKET;
    return (uint32_t)((sequence & AM_LEDGER_SEQUENCE_MASK) / (AM_LEDGER_BUCKET / 2) % count) *
           AM_LEDGER_BUCKET;
}

static uint32_t second_bucket(const struct am_ledger *ledger, uint64_t sequence) {
    uint32_t count = ledger->header->geometry.placements / AM_LEDGER_BUCKET;
    uint64_t hash = am_hash_mix(sequence & AM_LEDGER_SEQUENCE_MASK, 1);
    return (uint32_t)((hash >> 32) * count >> 32) * AM_LEDGER_BUCKET;
}

/* ---- claiming ---------------------------------------------------------------------------------
 */

static uint32_t taken_in(const struct am_ledger *ledger, uint32_t bucket) {
    uint32_t taken = 0;
    for (uint32_t i = 0; i < AM_LEDGER_BUCKET; i++)
        taken += AM_LEDGER_GET(ledger->states[bucket + i]) != 0;
    return taken;
}

static uint32_t claim_in(struct am_ledger *ledger, uint32_t bucket, uint64_t state) {
    for (uint32_t i = 0; i < AM_LEDGER_BUCKET; i++) {
        uint64_t free = 0;
        if (AM_LEDGER_GET(ledger->states[bucket + i]) == 0 &&
            __atomic_compare_exchange_n(&ledger->states[bucket + i], &free, state, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return bucket + i;
    }
    return AM_LEDGER_NO_INDEX;
}

uint32_t am_ledger_placement_claim(struct am_ledger *ledger, uint64_t sequence, int64_t expiry) {
    uint32_t first = first_bucket(ledger, sequence), taken = taken_in(ledger, first);
    uint64_t state = state_of(sequence, expiry, AM_LEDGER_PLACEMENT_FILLING);
    if (taken < AM_LEDGER_BUCKET / 2) {
        uint32_t at = claim_in(ledger, first, state);
        if (at != AM_LEDGER_NO_INDEX)
            return at;
    }
    /* The emptier one keeps both useful until most of the table is full. */
    uint32_t second = second_bucket(ledger, sequence);
    bool swap = taken_in(ledger, second) < taken;
    uint32_t at = claim_in(ledger, swap ? second : first, state);
    return at == AM_LEDGER_NO_INDEX ? claim_in(ledger, swap ? first : second, state) : at;
}

/* A body is copied by who may lose it meanwhile, so both sides use whole words. */
enum { BODY_WORDS = sizeof(struct am_ledger_placement) / sizeof(uint64_t) };

void am_ledger_placement_write(struct am_ledger *ledger,
                               uint32_t at,
                               const struct am_ledger_placement *body) {
    uint64_t words[BODY_WORDS], *to = (uint64_t *)(void *)&ledger->placements[at];
    memcpy(words, body, sizeof words);
    for (unsigned i = 0; i < BODY_WORDS; i++)
        AM_LEDGER_SET(to[i], words[i]);
}

static void
body_read(const struct am_ledger *ledger, uint32_t at, struct am_ledger_placement *body) {
    const uint64_t *from = (const uint64_t *)(const void *)&ledger->placements[at];
    uint64_t words[BODY_WORDS];
    for (unsigned i = 0; i < BODY_WORDS; i++)
        words[i] = AM_LEDGER_GET_ACQUIRE(from[i]);
    memcpy(body, words, sizeof words);
}

void am_ledger_placement_hold_it(struct am_ledger *ledger, uint32_t at, uint32_t bits) {
    uint64_t state = AM_LEDGER_GET(ledger->states[at]);
    AM_LEDGER_SET_RELEASE(ledger->states[at], (state & ~(uint64_t)AM_LEDGER_PLACEMENT_BITS) | bits);
}

void am_ledger_placement_drop(struct am_ledger *ledger, uint32_t at) {
    AM_LEDGER_SET_RELEASE(ledger->states[at], 0);
}

/* ---- finding and taking -----------------------------------------------------------------------
 */

bool am_ledger_placement_read(const struct am_ledger *ledger,
                              uint32_t at,
                              struct am_ledger_found *found) {
    found->at = at;
    found->state = AM_LEDGER_GET_ACQUIRE(ledger->states[at]);
    if (!found->state || (found->state & AM_LEDGER_PLACEMENT_FILLING))
        return false;
    body_read(ledger, at, &found->body);
    return true;
}

static uint32_t find_in(const struct am_ledger *ledger, uint32_t bucket, uint64_t sequence) {
    for (uint32_t i = 0; i < AM_LEDGER_BUCKET; i++)
        if (is_of(AM_LEDGER_GET(ledger->states[bucket + i]), sequence))
            return bucket + i;
    return AM_LEDGER_NO_INDEX;
}

bool am_ledger_placement_find(const struct am_ledger *ledger,
                              uint64_t sequence,
                              struct am_ledger_found *found) {
    if (sequence == AM_LEDGER_NO_SEQUENCE)
        return false;
    uint32_t at = find_in(ledger, first_bucket(ledger, sequence), sequence);
    if (at == AM_LEDGER_NO_INDEX)
        at = find_in(ledger, second_bucket(ledger, sequence), sequence);
    return at != AM_LEDGER_NO_INDEX && am_ledger_placement_read(ledger, at, found) &&
           is_of(found->state, sequence);
}

/* The copy of the body is whole when the state has not changed since: its sequence never comes
 * again, so the entry is the same one. */
bool am_ledger_placement_take(struct am_ledger *ledger,
                              const struct am_ledger_found *found,
                              uint32_t bits) {
    uint64_t state = found->state;
    uint64_t left = state & AM_LEDGER_PLACEMENT_BITS & ~(uint64_t)bits;
    uint64_t next = left ? (state & ~(uint64_t)AM_LEDGER_PLACEMENT_BITS) | left : 0;
    return __atomic_compare_exchange_n(&ledger->states[found->at], &state, next, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* ---- holds ------------------------------------------------------------------------------------
 */

bool am_ledger_guard_take(int64_t *guard, int64_t amount, int64_t most, const int64_t *beside) {
    int64_t now = AM_LEDGER_GET(*guard), next;
    do {
        if (__builtin_add_overflow(now, amount, &next) ||
            am_ledger_add_clamped(next, beside ? AM_LEDGER_GET(*beside) : 0) > most)
            return false;
    } while (
        !__atomic_compare_exchange_n(guard, &now, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

struct am_ledger_hold_of am_ledger_placement_hold(const struct am_ledger_placement *placement,
                                                  enum am_ledger_unit unit) {
    if (unit == AM_LEDGER_MONEY)
        return placement->per_click ? (struct am_ledger_hold_of){placement->money_hold, true,
                                                                 AM_LEDGER_PLACEMENT_CLICK}
                                    : (struct am_ledger_hold_of){placement->money_hold, false,
                                                                 AM_LEDGER_PLACEMENT_IMPRESSION};
    if (unit == AM_LEDGER_IMPRESSIONS)
        return (struct am_ledger_hold_of){1, false, AM_LEDGER_PLACEMENT_IMPRESSION};
    return (struct am_ledger_hold_of){placement->ctr, true, AM_LEDGER_PLACEMENT_CLICK};
}

/* The key of a placement's record; 0: there is none. */
static uint64_t
key_of(const struct am_ledger *ledger, const struct am_ledger_placement *body, unsigned kind) {
    uint32_t cell = body->cells[kind];
    if (kind == AM_LEDGER_AD)
        return body->ad_key;
    return cell < AM_LEDGER_GET_ACQUIRE(ledger->header->records_used)
               ? AM_LEDGER_GET(ledger->records[cell].key)
               : 0;
}

static void undo_caps(struct am_ledger *ledger,
                      struct am_caps *caps,
                      const struct am_ledger_placement *body,
                      int64_t now) {
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        uint64_t key = key_of(ledger, body, kind);
        if (!key || !body->cap_sets[kind] ||
            body->cap_sets[kind] >=
                AM_LEDGER_GET(ledger->header->pools[AM_LEDGER_POOL_CAP_SETS].used))
            continue;
        const struct am_ledger_cap_set *set = am_ledger_pool_at(
            ledger, AM_LEDGER_POOL_CAP_SETS, am_ledger_cap_set, body->cap_sets[kind]);
        for (uint32_t i = 0; i < set->count && i < AM_LEDGER_CAPS_MAX; i++)
            am_caps_undo(caps, body->user, key, set->periods[i], body->decided, now);
    }
}

void am_ledger_placement_give_back(struct am_ledger *ledger,
                                   struct am_caps *caps,
                                   const struct am_ledger_placement *body,
                                   uint32_t bits,
                                   int64_t now) {
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        unsigned kind = i / AM_LEDGER_UNITS, unit = i % AM_LEDGER_UNITS;
        struct am_ledger_hold_of hold = am_ledger_placement_hold(body, (enum am_ledger_unit)unit);
        struct am_ledger_limit *limit = am_ledger_limit_of(ledger, body->cells[kind], unit);
        if (limit && (body->held & am_ledger_limit_bit(kind, unit)) && (bits & hold.bit))
            am_ledger_guard_give(hold.expected ? &limit->expected : &limit->committed, hold.amount);
    }
    if (!(bits & AM_LEDGER_PLACEMENT_IMPRESSION))
        return;
    am_ledger_caller_leave(ledger, body->caller);
    if (body->user && caps)
        undo_caps(ledger, caps, body, now);
}

/* ---- callers ----------------------------------------------------------------------------------
 */

bool am_ledger_caller_enter(struct am_ledger *ledger, uint32_t caller) {
    if (!caller)
        return true;
    uint16_t *count = &ledger->callers[caller % AM_LEDGER_LIVE_CALLERS];
    if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) <= AM_DELIVERY_CALLER_MAX)
        return true;
    __atomic_fetch_sub(count, 1, __ATOMIC_RELAXED);
    return false;
}

void am_ledger_caller_leave(struct am_ledger *ledger, uint32_t caller) {
    if (caller)
        __atomic_fetch_sub(&ledger->callers[caller % AM_LEDGER_LIVE_CALLERS], 1, __ATOMIC_RELAXED);
}
