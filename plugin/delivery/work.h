/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does: operations, placements in flight, guards. Private to the room. No locks: see
 * layout.h, "Who writes what", 2 and 3. */
#ifndef AM_DELIVERY_WORK_H
#define AM_DELIVERY_WORK_H

#include "delivery.h"
#include "live.h"

/* ---- operations: each change of guards is inside of one -----------------------------------------
 */

/* Begins an operation on the limits of these records (and of the placement). False: a repair is
 * under way, nothing may be changed. */
bool am_ledger_op_begin(struct am_ledger_worker *worker,
                        enum am_ledger_op op,
                        uint64_t sequence,
                        const uint32_t cells[AM_LEDGER_KINDS]);
/* The same, and waits for the end of a repair. */
void am_ledger_op_begin_patiently(struct am_ledger_worker *worker,
                                  enum am_ledger_op op,
                                  uint64_t sequence,
                                  const uint32_t cells[AM_LEDGER_KINDS]);
void am_ledger_op_end(struct am_ledger_worker *worker);

/* ---- guards -------------------------------------------------------------------------------------
 */

/* Adds to a guard while the sum stays at or below `most`; `beside` (may be NULL) is another guard
 * that counts, too. */
bool am_ledger_guard_take(int64_t *guard, int64_t amount, int64_t most, const int64_t *beside);
static inline void am_ledger_guard_give(int64_t *guard, int64_t amount) {
    __atomic_fetch_sub(guard, amount, __ATOMIC_RELAXED);
}

/* The limit of a record in a unit, or NULL. */
static inline struct am_ledger_limit *
am_ledger_limit_of(const struct am_ledger *ledger, uint32_t cell, unsigned unit) {
    if (cell >= AM_LEDGER_GET_ACQUIRE(ledger->header->records_used))
        return NULL;
    uint32_t index = AM_LEDGER_GET_ACQUIRE(ledger->records[cell].limits[unit]);
    return index < ledger->header->geometry.limits ? &ledger->limits[index] : NULL;
}

/* The hold of a placement under a limit of that unit, and which of the placement's bits keeps it.
 */
struct am_ledger_hold_of {
    int64_t amount;
    bool expected; /* in that guard, not in `committed` */
    uint32_t bit;  /* enum am_ledger_placement_bit */
};
struct am_ledger_hold_of am_ledger_placement_hold(const struct am_ledger_placement *placement,
                                                  enum am_ledger_unit unit);

/* ---- placements ---------------------------------------------------------------------------------
 */

/* A free entry, now FILLING under that sequence; UINT32_MAX: none in its two buckets. */
uint32_t am_ledger_placement_claim(struct am_ledger *ledger, uint64_t sequence, int64_t expiry);

/* Writes the body of a claimed entry, and turns it from FILLING to `bits`. */
void am_ledger_placement_write(struct am_ledger *ledger,
                               uint32_t at,
                               const struct am_ledger_placement *body);
void am_ledger_placement_hold_it(struct am_ledger *ledger, uint32_t at, uint32_t bits);
void am_ledger_placement_drop(struct am_ledger *ledger, uint32_t at);

/* The entry of a sequence, a copy of its body and its bits; false: it is not in flight. */
struct am_ledger_found {
    uint32_t at;
    uint64_t state;
    struct am_ledger_placement body;
};
bool am_ledger_placement_find(const struct am_ledger *ledger,
                              uint64_t sequence,
                              struct am_ledger_found *found);
/* The same of an entry; false: it is free or being filled. */
bool am_ledger_placement_read(const struct am_ledger *ledger,
                              uint32_t at,
                              struct am_ledger_found *found);

/* Takes bits out of a placement as it was found; one of all who try succeeds. */
bool am_ledger_placement_take(struct am_ledger *ledger,
                              const struct am_ledger_found *found,
                              uint32_t bits);

/* Gives back what a placement holds under these bits: its holds, its place among its caller's, and
 * with IMPRESSION its caps. */
void am_ledger_placement_give_back(struct am_ledger *ledger,
                                   struct am_caps *caps,
                                   const struct am_ledger_placement *body,
                                   uint32_t bits,
                                   int64_t now);

/* Decides about an event that is noted in a slot, inside of an operation. */
void am_ledger_queued_charge(struct am_ledger_worker *worker, struct am_ledger_queued *queued);

/* Counts one more placement of a caller; false: it has too many. */
bool am_ledger_caller_enter(struct am_ledger *ledger, uint32_t caller);
void am_ledger_caller_leave(struct am_ledger *ledger, uint32_t caller);

#endif
