/* SPDX-License-Identifier: Apache-2.0 */
/* Events: whether they are billed, and room for those that are. See ledger.h, "events". */
#include "work.h"

/* ---- the hold of its placement ----------------------------------------------------------------
 */

/* Uses up the part of a placement that the event is about. False: it is late. */
static bool take_part(struct am_ledger_worker *worker,
                      const struct am_ledger_event *event,
                      struct am_ledger_found *found) {
    struct am_ledger *ledger = worker->ledger;
    uint32_t bit = event->holds == AM_LEDGER_HOLD_CLICK        ? AM_LEDGER_PLACEMENT_CLICK
                   : event->holds == AM_LEDGER_HOLD_IMPRESSION ? AM_LEDGER_PLACEMENT_IMPRESSION
                                                               : 0;
    while (bit && am_ledger_placement_find(ledger, event->sequence, found)) {
        if (!(found->state & bit))
            return false;
        for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++)
            AM_LEDGER_SET(worker->slot->others[kind], found->body.cells[kind]);
        if (am_ledger_placement_take(ledger, found, bit)) {
            if (bit == AM_LEDGER_PLACEMENT_IMPRESSION)
                am_ledger_caller_leave(ledger, found->body.caller);
            return true;
        }
    }
    return false;
}
_Static_assert((int)AM_LEDGER_HOLD_IMPRESSION == (int)AM_LEDGER_PLACEMENT_IMPRESSION &&
                   (int)AM_LEDGER_HOLD_CLICK == (int)AM_LEDGER_PLACEMENT_CLICK,
               "an event uses up the part of its name");

/* ---- room under limits ------------------------------------------------------------------------
 */

struct charge {
    struct am_ledger *ledger;
    const struct am_ledger_event *event;
    struct am_ledger_found found;
    bool late;        /* no hold was found */
    bool live;        /* its hold is there to be used */
    uint16_t charged; /* limits that have the amount */
};

/* What the placement held in this limit's `committed`, which now is the event's; what it held
 * elsewhere is given back. */
static int64_t
use_hold(const struct charge *charge, struct am_ledger_limit *limit, unsigned kind, unsigned unit) {
    const struct am_ledger_placement *body = &charge->found.body;
    struct am_ledger_hold_of hold = am_ledger_placement_hold(body, (enum am_ledger_unit)unit);
    if (!charge->live || !(body->held & am_ledger_limit_bit(kind, unit)) ||
        hold.bit != charge->event->holds || body->cells[kind] != charge->event->cells[kind])
        return 0;
    if (!hold.expected)
        return hold.amount;
    am_ledger_guard_give(&limit->expected, hold.amount);
    return 0;
}

/* Holds of records that the event does not name: its ad has changed campaign since. */
static void give_strays(const struct charge *charge) {
    struct am_ledger_placement strays = charge->found.body;
    for (unsigned kind = 0; charge->live && kind < AM_LEDGER_KINDS; kind++)
        if (strays.cells[kind] == charge->event->cells[kind])
            for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
                strays.held &= (uint16_t)~am_ledger_limit_bit(kind, unit);
    strays.user = 0;
    strays.caller = 0; /* it has left already */
    if (charge->live && strays.held)
        am_ledger_placement_give_back(charge->ledger, NULL, &strays, charge->event->holds, 0);
}

/* Adds the amount to one limit, less what is held. False: no room, and the hold is gone. */
static bool take_room(struct charge *charge, unsigned kind, unsigned unit, bool force) {
    const struct am_ledger_event *event = charge->event;
    struct am_ledger_limit *limit = am_ledger_limit_of(charge->ledger, event->cells[kind], unit);
    if (!limit)
        return true;
    int64_t amount = am_ledger_scaled((enum am_ledger_unit)unit, event->amounts[unit]);
    int64_t held = use_hold(charge, limit, kind, unit);
    /* Acquire: who sees a day's ceiling sees its start, in raise_time. */
    int64_t ceiling = AM_LEDGER_GET_ACQUIRE(limit->ceiling);
    int64_t most = force || amount <= held ? INT64_MAX : ceiling;
    if (amount || held) {
        if (!am_ledger_guard_take(&limit->committed, am_ledger_subtract_clamped(amount, held), most,
                                  NULL)) {
            am_ledger_guard_give(&limit->committed, held);
            return false;
        }
        charge->charged |= am_ledger_limit_bit(kind, unit);
    }
    return true;
}

static void give_room(const struct charge *charge) {
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        unsigned kind = i / AM_LEDGER_UNITS, unit = i % AM_LEDGER_UNITS;
        if (charge->charged >> i & 1)
            am_ledger_guard_give(
                &am_ledger_limit_of(charge->ledger, charge->event->cells[kind], unit)->committed,
                am_ledger_scaled((enum am_ledger_unit)unit, charge->event->amounts[unit]));
    }
}

/* All limits or none; with `force` all. */
static bool take_all_room(struct charge *charge, bool force) {
    bool room = true;
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++)
        room &= take_room(charge, i / AM_LEDGER_UNITS, i % AM_LEDGER_UNITS, force);
    if (room)
        return true;
    give_room(charge);
    charge->charged = 0;
    charge->live = false; /* its holds are used up */
    return false;
}

static enum am_ledger_outcome take(struct am_ledger_worker *worker, struct charge *charge) {
    charge->live = take_part(worker, charge->event, &charge->found);
    charge->late = !charge->live;
    give_strays(charge);
    if (take_all_room(charge, false))
        return AM_LEDGER_CHARGED;
    if (!charge->event->force)
        return AM_LEDGER_NO_ROOM;
    take_all_room(charge, true);
    return AM_LEDGER_OVERDRAWN;
}

/* ---- the event under way ----------------------------------------------------------------------
 */

/* The record at the head of the queue, once there is room. */
static struct am_ledger_queued *next_queued(struct am_ledger_worker *worker) {
    struct am_ledger_slot *slot = worker->slot;
    if (slot->head - AM_LEDGER_GET_ACQUIRE(slot->tail) >= AM_LEDGER_LIVE_QUEUE) {
        am_ledger_lock(worker->ledger);
        am_ledger_fold(worker->ledger, worker->number);
        am_ledger_unlock(worker->ledger);
    }
    return &slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE];
}

/* A day of one of its records may have begun since the event took its time, before the charge or
 * during it. The room may be the new day's, so the event must be, too. */
static void raise_time(const struct am_ledger *ledger, struct am_ledger_event *event) {
    uint32_t cells = AM_LEDGER_GET_ACQUIRE(ledger->header->records_used);
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        if (event->cells[kind] >= cells)
            continue;
        int64_t start = AM_LEDGER_GET(ledger->records[event->cells[kind]].day_start);
        if (event->time < start)
            event->time = start;
    }
}

void am_ledger_queued_charge(struct am_ledger_worker *worker, struct am_ledger_queued *queued) {
    struct am_ledger *ledger = worker->ledger;
    struct charge charge = {.ledger = ledger, .event = &queued->event, .late = true};
    bool lost = AM_LEDGER_GET(ledger->header->state) == AM_LEDGER_LIVE_LOST;
    queued->outcome = (uint8_t)(lost ? AM_LEDGER_NO_ROOM : take(worker, &charge));
    raise_time(ledger, &queued->event);
    queued->late = charge.late;
    queued->charged = charge.charged;
    AM_LEDGER_SET_RELEASE(queued->state, AM_LEDGER_QUEUED_CHARGED);
}

enum am_ledger_outcome am_delivery_charge(struct am_ledger_worker *worker,
                                          struct am_ledger_event *event,
                                          const void *note,
                                          size_t note_size,
                                          bool *late) {
    struct am_ledger_queued *queued = next_queued(worker);
    queued->event = *event;
    queued->note_size = (uint32_t)note_size;
    memcpy(queued->note, note, note_size);
    AM_LEDGER_SET_RELEASE(queued->state, AM_LEDGER_QUEUED_NOTED);
    am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_CHARGE, event->sequence, event->cells);
    am_ledger_queued_charge(worker, queued);
    am_ledger_op_end(worker);
    event->time = queued->event.time;
    if (late)
        *late = queued->late;
    return queued->outcome;
}
