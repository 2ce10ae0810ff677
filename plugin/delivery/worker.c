/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and their workers: members, slots, operations, the queue of events. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

/* ---- members ----------------------------------------------------------------------------------
 */

/* A member that nobody has is not locked either; one whose process died is the holder's to clear.
 */
static bool member_take(struct am_ledger_member *member) {
    if (member->used)
        return false;
    int status = pthread_mutex_trylock(&member->alive);
    if (status == EOWNERDEAD)
        pthread_mutex_consistent(&member->alive);
    else if (status)
        return false;
    AM_LEDGER_SET(member->pid, (uint32_t)getpid());
    AM_LEDGER_SET_RELEASE(member->used, 1);
    return true;
}

enum am_code am_ledger_join(struct am_ledger *ledger, struct am_error *error) {
    if (ledger->pid == getpid())
        return AM_OK;
    am_ledger_lock(ledger);
    uint32_t member = 0;
    while (member < AM_LEDGER_LIVE_MEMBERS && !member_take(&ledger->members[member]))
        member++;
    am_ledger_unlock(ledger);
    if (member == AM_LEDGER_LIVE_MEMBERS)
        return am_error_set(error, AM_E_LIMIT, "more than %d processes use the ledger %s",
                            AM_LEDGER_LIVE_MEMBERS, ledger->folder);
    ledger->member = member;
    ledger->pid = getpid();
    return AM_OK;
}

void am_ledger_leave(struct am_ledger *ledger) {
    if (ledger->pid != getpid())
        return;
    struct am_ledger_member *member = &ledger->members[ledger->member];
    AM_LEDGER_SET_RELEASE(member->used, 0);
    pthread_mutex_unlock(&member->alive);
    ledger->pid = 0;
}

/* ---- slots ------------------------------------------------------------------------------------
 */

static uint32_t slot_take(struct am_ledger *ledger) {
    uint32_t slots = ledger->header->geometry.slots;
    for (uint32_t number = 0; number < slots; number++) {
        struct am_ledger_slot *slot = &ledger->slots[number];
        if (AM_LEDGER_GET_ACQUIRE(slot->state) != AM_LEDGER_SLOT_FREE)
            continue;
        AM_LEDGER_SET(slot->member, ledger->member);
        AM_LEDGER_SET(slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE].state, AM_LEDGER_QUEUED_EMPTY);
        AM_LEDGER_SET_RELEASE(slot->state, AM_LEDGER_SLOT_LIVE);
        return number;
    }
    return slots;
}

enum am_code am_ledger_worker_new(struct am_ledger *ledger,
                                  struct am_ledger_worker **worker,
                                  struct am_error *error) {
    enum am_code code = am_ledger_join(ledger, error);
    if (code != AM_OK)
        return code;
    struct am_ledger_worker *made = calloc(1, sizeof *made);
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "out of memory: a worker of the ledger");
    am_ledger_lock(ledger);
    uint32_t number = slot_take(ledger);
    am_ledger_unlock(ledger);
    if (number == ledger->header->geometry.slots) {
        free(made);
        return am_error_set(error, AM_E_LIMIT,
                            "the ledger's %u slots are all in use: each worker thread of all "
                            "instances needs one. Start fewer, or stop all instances and remove "
                            "the ledger's folder in /dev/shm: the next start makes more",
                            number);
    }
    *made = (struct am_ledger_worker){
        .ledger = ledger, .slot = &ledger->slots[number], .number = number};
    *worker = made;
    return AM_OK;
}

void am_ledger_worker_free(struct am_ledger_worker *worker) {
    if (!worker)
        return;
    struct am_ledger_slot *slot = worker->slot;
    bool pending = AM_LEDGER_GET(slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE].state) !=
                   AM_LEDGER_QUEUED_EMPTY;
    am_ledger_lock(worker->ledger);
    am_ledger_fold(worker->ledger, worker->number);
    AM_LEDGER_SET_RELEASE(slot->state, pending ? AM_LEDGER_SLOT_UNFINISHED : AM_LEDGER_SLOT_FREE);
    am_ledger_unlock(worker->ledger);
    free(worker);
}

uint32_t am_ledger_worker_slot(const struct am_ledger_worker *worker) {
    return worker->number;
}

/* ---- the account ------------------------------------------------------------------------------
 */

uint16_t am_ledger_host(const struct am_ledger *ledger) {
    return ledger->header->geometry.host;
}

uint16_t am_ledger_epoch(const struct am_ledger *ledger) {
    return ledger->header->geometry.epoch;
}

uint64_t am_ledger_sequence(struct am_ledger *ledger) {
    return __atomic_fetch_add(&ledger->header->sequence, 1, __ATOMIC_RELAXED) &
           AM_LEDGER_SEQUENCE_MASK;
}

int64_t am_ledger_stepped(const struct am_ledger *ledger) {
    return AM_LEDGER_GET(ledger->header->stepped);
}

bool am_ledger_is_lost(const struct am_ledger *ledger) {
    return AM_LEDGER_GET(ledger->header->state) == AM_LEDGER_LIVE_LOST;
}

/* ---- operations -------------------------------------------------------------------------------
 */

bool am_ledger_op_begin(struct am_ledger_worker *worker,
                        enum am_ledger_op op,
                        uint64_t sequence,
                        const uint32_t cells[AM_LEDGER_KINDS]) {
    struct am_ledger_slot *slot = worker->slot;
    AM_LEDGER_SET(slot->sequence, sequence);
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        AM_LEDGER_SET(slot->cells[kind], cells[kind]);
        AM_LEDGER_SET(slot->others[kind], AM_LEDGER_NO_CELL);
    }
    AM_LEDGER_SET(slot->turn, slot->turn + 1);
    __atomic_store_n(&slot->op, (uint32_t)op, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&worker->ledger->header->frozen, __ATOMIC_SEQ_CST))
        return true;
    am_ledger_op_end(worker);
    return false;
}

static void nap(void) {
    const struct timespec time = {.tv_nsec = 100000};
    nanosleep(&time, NULL);
}

void am_ledger_op_begin_patiently(struct am_ledger_worker *worker,
                                  enum am_ledger_op op,
                                  uint64_t sequence,
                                  const uint32_t cells[AM_LEDGER_KINDS]) {
    while (!am_ledger_op_begin(worker, op, sequence, cells)) {
        nap();
        /* Whoever repairs has the lock; a dead one's freeze ends with whoever gets it. */
        if (am_ledger_try_lock(worker->ledger))
            am_ledger_unlock(worker->ledger);
    }
}

void am_ledger_op_end(struct am_ledger_worker *worker) {
    AM_LEDGER_SET_RELEASE(worker->slot->op, AM_LEDGER_OP_NONE);
}

/* ---- counting ---------------------------------------------------------------------------------
 */

void am_ledger_count(struct am_ledger_worker *worker, struct am_ledger_position position) {
    struct am_ledger *ledger = worker->ledger;
    struct am_ledger_slot *slot = worker->slot;
    struct am_ledger_queued *queued = &slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE];
    if (AM_LEDGER_GET(queued->state) != AM_LEDGER_QUEUED_CHARGED)
        return;
    am_ledger_op_begin_patiently(worker, AM_LEDGER_OP_COUNT, AM_LEDGER_NO_SEQUENCE,
                                 queued->event.cells);
    queued->position = position;
    AM_LEDGER_SET(slot->queue[(slot->head + 1) % AM_LEDGER_LIVE_QUEUE].state,
                  AM_LEDGER_QUEUED_EMPTY);
    AM_LEDGER_SET_RELEASE(slot->head, slot->head + 1);
    am_ledger_op_end(worker);
    if (!am_ledger_try_lock(ledger)) {
        __atomic_fetch_or(&ledger->header->missed[worker->number / 64],
                          UINT64_C(1) << (worker->number % 64), __ATOMIC_SEQ_CST);
        if (!am_ledger_try_lock(ledger))
            return;
    }
    am_ledger_fold(ledger, worker->number);
    am_ledger_unlock(ledger);
}
