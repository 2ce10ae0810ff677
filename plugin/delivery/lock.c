/* SPDX-License-Identifier: Apache-2.0 */
/* The lock: see layout.h, "Who writes what", 1. */
#include <errno.h>

#include "live.h"

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
