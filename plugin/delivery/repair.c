/* SPDX-License-Identifier: Apache-2.0 */
/* What dead processes leave: guards in doubt, entries half filled, events under way. By the holder,
 * with the lock; see layout.h, "Who writes what", 2 and 3. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "repair.h"

enum { PATIENCE_NAPS = 1000, NAP_NANOSECONDS = 100000 };

/* ---- freezing ---------------------------------------------------------------------------------
 */

static bool is_dead(const struct am_ledger_death *death, const struct am_ledger_slot *slot) {
    return death->dead[slot->member % AM_LEDGER_LIVE_MEMBERS];
}

/* Waits until the operation that is seen in a living worker's slot has ended: one that begins later
 * sees `frozen` and changes nothing. */
static bool wait_for_slot(const struct am_ledger_slot *slot, unsigned *naps) {
    uint32_t turn = AM_LEDGER_GET(slot->turn);
    while (__atomic_load_n(&slot->op, __ATOMIC_SEQ_CST) != AM_LEDGER_OP_NONE &&
           AM_LEDGER_GET_ACQUIRE(slot->turn) == turn) {
        const struct timespec time = {.tv_nsec = NAP_NANOSECONDS};
        if ((*naps)++ == PATIENCE_NAPS)
            return false;
        nanosleep(&time, NULL);
    }
    return true;
}

static bool freeze(struct am_ledger *ledger, const struct am_ledger_death *death) {
    unsigned naps = 0;
    __atomic_store_n(&ledger->header->frozen, 1, __ATOMIC_SEQ_CST);
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_ledger_slot *slot = &ledger->slots[number];
        if (AM_LEDGER_GET_ACQUIRE(slot->state) == AM_LEDGER_SLOT_LIVE && !is_dead(death, slot) &&
            !wait_for_slot(slot, &naps))
            return false;
    }
    return true;
}

/* ---- the truth about guards -------------------------------------------------------------------
 */

/* What a record's guards must say. */
struct truth {
    uint32_t cell;
    int64_t committed[AM_LEDGER_UNITS], expected[AM_LEDGER_UNITS];
};

struct doubts {
    struct truth *truths; /* sorted by cell, each once */
    size_t count;
};

static int by_cell(const void *a, const void *b) {
    uint32_t x = ((const struct truth *)a)->cell, y = ((const struct truth *)b)->cell;
    return (x > y) - (x < y);
}

static struct truth *truth_of(const struct doubts *doubts, uint32_t cell) {
    struct truth wanted = {.cell = cell};
    return bsearch(&wanted, doubts->truths, doubts->count, sizeof wanted, by_cell);
}

static void start_truth(const struct am_ledger *ledger, struct truth *truth) {
    const struct am_ledger_record *record = &ledger->records[truth->cell];
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        truth->committed[unit] = am_ledger_scaled((enum am_ledger_unit)unit, record->total[unit]);
}

/* Events that are charged and not counted yet. */
static void add_events(const struct am_ledger *ledger, const struct doubts *doubts) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_ledger_slot *slot = &ledger->slots[number];
        const struct am_ledger_queued *queued =
            &slot->queue[AM_LEDGER_GET_ACQUIRE(slot->head) % AM_LEDGER_LIVE_QUEUE];
        if (AM_LEDGER_GET_ACQUIRE(slot->state) == AM_LEDGER_SLOT_FREE ||
            AM_LEDGER_GET_ACQUIRE(queued->state) != AM_LEDGER_QUEUED_CHARGED)
            continue;
        for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
            unsigned kind = i / AM_LEDGER_UNITS, unit = i % AM_LEDGER_UNITS;
            struct truth *truth = truth_of(doubts, queued->event.cells[kind]);
            if (truth && (queued->charged >> i & 1))
                truth->committed[unit] = am_ledger_add_clamped(
                    truth->committed[unit],
                    am_ledger_scaled((enum am_ledger_unit)unit, queued->event.amounts[unit]));
        }
    }
}

static void add_placement(const struct doubts *doubts, const struct am_ledger_found *found) {
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        unsigned kind = i / AM_LEDGER_UNITS, unit = i % AM_LEDGER_UNITS;
        struct am_ledger_hold_of hold =
            am_ledger_placement_hold(&found->body, (enum am_ledger_unit)unit);
        struct truth *truth = truth_of(doubts, found->body.cells[kind]);
        if (!truth || !(found->body.held >> i & 1) || !(found->state & hold.bit))
            continue;
        int64_t *guard = hold.expected ? &truth->expected[unit] : &truth->committed[unit];
        *guard = am_ledger_add_clamped(*guard, hold.amount);
    }
}

/* Callers are counted anew on the way, all of them. */
static void add_placements(struct am_ledger *ledger, const struct doubts *doubts) {
    memset(ledger->callers, 0, AM_LEDGER_LIVE_CALLERS * sizeof *ledger->callers);
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        struct am_ledger_found found;
        if (!am_ledger_placement_read(ledger, at, &found))
            continue;
        add_placement(doubts, &found);
        if (found.body.caller && (found.state & AM_LEDGER_PLACEMENT_IMPRESSION))
            am_ledger_caller_enter(ledger, found.body.caller);
    }
}

static void set_guards(struct am_ledger *ledger, const struct truth *truth) {
    const struct am_ledger_record *record = &ledger->records[truth->cell];
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        AM_LEDGER_SET(limit->committed, truth->committed[unit]);
        AM_LEDGER_SET(limit->expected, truth->expected[unit]);
    }
}

/* ---- one repair -------------------------------------------------------------------------------
 */

/* The records in doubt: those that operations of dead workers were about. */
static void find_doubts(const struct am_ledger *ledger,
                        const struct am_ledger_death *death,
                        struct doubts *doubts) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_ledger_slot *slot = &ledger->slots[number];
        if (slot->state != AM_LEDGER_SLOT_LIVE || !is_dead(death, slot) ||
            slot->op == AM_LEDGER_OP_NONE)
            continue;
        for (unsigned i = 0; i < 2 * AM_LEDGER_KINDS; i++) {
            uint32_t cell =
                i < AM_LEDGER_KINDS ? slot->cells[i] : slot->others[i - AM_LEDGER_KINDS];
            if (cell < ledger->header->records_used)
                doubts->truths[doubts->count++] = (struct truth){.cell = cell};
        }
    }
    qsort(doubts->truths, doubts->count, sizeof *doubts->truths, by_cell);
    size_t distinct = 0;
    for (size_t i = 0; i < doubts->count; i++)
        if (i == 0 || doubts->truths[i].cell != doubts->truths[distinct - 1].cell)
            doubts->truths[distinct++] = doubts->truths[i];
    doubts->count = distinct;
}

/* An entry that a dead worker was filling is nobody's. */
static void drop_half_filled(struct am_ledger *ledger, const struct am_ledger_slot *slot) {
    for (uint32_t at = 0; at < ledger->header->geometry.placements; at++) {
        uint64_t state = AM_LEDGER_GET(ledger->states[at]);
        if ((state & AM_LEDGER_PLACEMENT_FILLING) && state >> AM_LEDGER_PLACEMENT_SEQUENCE_SHIFT ==
                                                         (slot->sequence & AM_LEDGER_SEQUENCE_MASK))
            am_ledger_placement_drop(ledger, at);
    }
}

/* Frees the slots of the dead, or keeps them for am_ledger_finish. */
static void bury(struct am_ledger *ledger, struct am_ledger_death *death) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        struct am_ledger_slot *slot = &ledger->slots[number];
        if (slot->state != AM_LEDGER_SLOT_LIVE || !is_dead(death, slot))
            continue;
        bool pending =
            slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE].state != AM_LEDGER_QUEUED_EMPTY;
        AM_LEDGER_SET(slot->op, AM_LEDGER_OP_NONE);
        AM_LEDGER_SET_RELEASE(slot->state,
                              pending ? AM_LEDGER_SLOT_UNFINISHED : AM_LEDGER_SLOT_FREE);
    }
}

static bool repair(struct am_ledger *ledger, struct am_ledger_death *death) {
    struct doubts doubts = {.truths =
                                calloc((size_t)ledger->header->geometry.slots * 2 * AM_LEDGER_KINDS,
                                       sizeof *doubts.truths)};
    bool frozen = doubts.truths && freeze(ledger, death);
    if (frozen) {
        for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
            const struct am_ledger_slot *slot = &ledger->slots[number];
            if (slot->state == AM_LEDGER_SLOT_LIVE && is_dead(death, slot) &&
                slot->op == AM_LEDGER_OP_RESERVE)
                drop_half_filled(ledger, slot);
        }
        am_ledger_fold_all(ledger);
        find_doubts(ledger, death, &doubts);
        for (size_t i = 0; i < doubts.count; i++)
            start_truth(ledger, &doubts.truths[i]);
        add_events(ledger, &doubts);
        add_placements(ledger, &doubts);
        for (size_t i = 0; i < doubts.count; i++)
            set_guards(ledger, &doubts.truths[i]);
        bury(ledger, death);
    }
    free(doubts.truths);
    return frozen;
}

/* ---- finding the dead -------------------------------------------------------------------------
 */

/* Takes the mutex of each member whose process is gone. */
static uint32_t find_dead(struct am_ledger *ledger, struct am_ledger_death *death) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < AM_LEDGER_LIVE_MEMBERS; i++) {
        struct am_ledger_member *member = &ledger->members[i];
        if (!AM_LEDGER_GET_ACQUIRE(member->used) || (ledger->pid && i == ledger->member))
            continue;
        int status = pthread_mutex_trylock(&member->alive);
        if (status == EOWNERDEAD)
            pthread_mutex_consistent(&member->alive);
        death->dead[i] = status == 0 || status == EOWNERDEAD;
        count += death->dead[i];
    }
    return count;
}

static uint32_t unfinished(const struct am_ledger *ledger) {
    uint32_t count = 0;
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++)
        count += AM_LEDGER_GET(ledger->slots[number].state) == AM_LEDGER_SLOT_UNFINISHED;
    return count;
}

void am_ledger_repair(struct am_ledger *ledger, struct am_ledger_step_report *report) {
    struct am_ledger_death death = {{false}};
    report->dead = ledger->fd >= 0 ? find_dead(ledger, &death) : 0;
    bool repaired = report->dead && repair(ledger, &death);
    for (uint32_t i = 0; i < AM_LEDGER_LIVE_MEMBERS; i++) {
        if (!death.dead[i])
            continue;
        if (repaired)
            AM_LEDGER_SET_RELEASE(ledger->members[i].used, 0);
        pthread_mutex_unlock(&ledger->members[i].alive);
    }
    am_ledger_thaw(ledger);
    report->unfinished = unfinished(ledger);
}

/* ---- finishing --------------------------------------------------------------------------------
 */

/* An event whose charge was not decided: the guards know nothing of it any more. Decided again by
 * the holder's own worker, so that a kill in between is repaired like any other. */
static void charge_again(struct am_ledger_worker *worker, struct am_ledger_queued *queued) {
    am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_CHARGE, queued->event.sequence,
                                 queued->event.cells);
    am_ledger_queued_charge(worker, queued);
    am_ledger_op_end(worker);
}

static void finish_slot(struct am_ledger_worker *worker,
                        uint32_t number,
                        am_ledger_finish_event *finish,
                        void *context) {
    struct am_ledger *ledger = worker->ledger;
    struct am_ledger_slot *slot = &ledger->slots[number];
    struct am_ledger_queued *queued = &slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE];
    if (queued->state == AM_LEDGER_QUEUED_NOTED)
        charge_again(worker, queued);
    if (queued->state == AM_LEDGER_QUEUED_CHARGED) {
        size_t size =
            queued->note_size <= AM_LEDGER_NOTE_BYTES ? queued->note_size : AM_LEDGER_NOTE_BYTES;
        queued->position =
            finish(context, number, &queued->event, (enum am_ledger_outcome)queued->outcome,
                   queued->note, size, slot->position);
        am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_COUNT, AM_LEDGER_NO_SEQUENCE,
                                     queued->event.cells);
        AM_LEDGER_SET(slot->queue[(slot->head + 1) % AM_LEDGER_LIVE_QUEUE].state,
                      AM_LEDGER_QUEUED_EMPTY);
        AM_LEDGER_SET_RELEASE(slot->head, slot->head + 1);
        am_ledger_op_end(worker);
    }
    am_ledger_lock(ledger);
    am_ledger_fold(ledger, number);
    AM_LEDGER_SET_RELEASE(slot->state, AM_LEDGER_SLOT_FREE);
    am_ledger_unlock(ledger);
}

void am_ledger_finish(struct am_ledger_worker *worker,
                      am_ledger_finish_event *finish,
                      void *context) {
    struct am_ledger *ledger = worker->ledger;
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++)
        if (AM_LEDGER_GET_ACQUIRE(ledger->slots[number].state) == AM_LEDGER_SLOT_UNFINISHED)
            finish_slot(worker, number, finish, context);
}
