/* SPDX-License-Identifier: Apache-2.0 */
/* The redo list: changes of several words that a kill cannot leave half done; see layout.h, "Who
 * writes what", 1. */
#include "live.h"

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
