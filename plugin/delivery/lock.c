/* The lock and the redo list: see layout.h, "Who writes what", 1. */
#include <errno.h>

#include "live.h"

/* ---- the redo list ----------------------------------------------------------------------------
 */

enum { EIGHT_BYTES = 1 };

void am_ledger_redo_put(struct am_ledger *ledger, void *word, size_t size, uint64_t value) {
    struct am_ledger_redo *redo = &ledger->header->redo;
    uint64_t at = (uint64_t)((unsigned char *)word - ledger->base);
    struct am_ledger_redo_item *item = &redo->items[redo->count++];
    item->at = size == sizeof(uint64_t) ? at | EIGHT_BYTES : at;
    item->value = value;
}

static void store_all(struct am_ledger *ledger) {
    const struct am_ledger_redo *redo = &ledger->header->redo;
    for (uint32_t i = 0; i < redo->count; i++) {
        const struct am_ledger_redo_item *item = &redo->items[i];
        void *word = ledger->base + (item->at & ~(uint64_t)EIGHT_BYTES);
        if (item->at & EIGHT_BYTES)
            __atomic_store_n((uint64_t *)word, item->value, __ATOMIC_RELEASE);
        else
            __atomic_store_n((uint32_t *)word, (uint32_t)item->value, __ATOMIC_RELEASE);
    }
}

void am_ledger_redo_commit(struct am_ledger *ledger) {
    struct am_ledger_redo *redo = &ledger->header->redo;
    AM_LEDGER_SET_RELEASE(redo->valid, 1);
    store_all(ledger);
    AM_LEDGER_SET_RELEASE(redo->valid, 0);
    AM_LEDGER_SET_RELEASE(redo->count, 0);
}

void am_ledger_redo_again(struct am_ledger *ledger) {
    struct am_ledger_redo *redo = &ledger->header->redo;
    if (redo->valid)
        store_all(ledger);
    AM_LEDGER_SET_RELEASE(redo->valid, 0);
    AM_LEDGER_SET_RELEASE(redo->count, 0);
}

/* ---- the lock ---------------------------------------------------------------------------------
 */

void am_ledger_thaw(struct am_ledger *ledger) {
    __atomic_store_n(&ledger->header->frozen, 0, __ATOMIC_SEQ_CST);
}

/* Any other status: the mutex itself was destroyed, and with it the file. */
static bool locked(struct am_ledger *ledger, int status) {
    if (status == EOWNERDEAD) {
        am_ledger_redo_again(ledger);
        am_ledger_thaw(ledger); /* a repair is made with the lock: its maker is dead */
        if (ledger->header->pools_dirty)
            am_ledger_pool_sweep(ledger);
        pthread_mutex_consistent(&ledger->header->lock);
    } else if (status && status != EBUSY) {
        AM_LEDGER_SET(ledger->header->state, AM_LEDGER_LIVE_LOST);
    }
    return status == 0 || status == EOWNERDEAD;
}

void am_ledger_lock(struct am_ledger *ledger) {
    locked(ledger, pthread_mutex_lock(&ledger->header->lock));
}

bool am_ledger_try_lock(struct am_ledger *ledger) {
    return locked(ledger, pthread_mutex_trylock(&ledger->header->lock));
}

/* Who found the lock taken has left a bit, and tries no more: so the owner looks again after it has
 * let go. */
void am_ledger_unlock(struct am_ledger *ledger) {
    do {
        am_ledger_fold_missed(ledger);
        pthread_mutex_unlock(&ledger->header->lock);
    } while (am_ledger_missed(ledger) && am_ledger_try_lock(ledger));
}
