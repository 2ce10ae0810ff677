/* SPDX-License-Identifier: Apache-2.0 */
/* Interned items: schedules, curves, hours and sets of caps, each once. */
#include <xxhash.h>

#include "live.h"

static const char *const names[AM_LEDGER_POOLS] = {"pacing schedules", "pacing curves",
                                                   "sets of hours", "sets of frequency caps"};

static struct am_ledger_item *
item_at(const struct am_ledger *ledger, enum am_ledger_pool_id pool, uint32_t at) {
    return (struct am_ledger_item *)(void *)(ledger->pools[pool] +
                                             at * am_ledger_live_item_size(pool));
}

uint32_t am_ledger_pool_heads(const struct am_ledger *ledger, enum am_ledger_pool_id pool) {
    uint32_t count = 16;
    while (count < ledger->header->geometry.pools[pool])
        count *= 2;
    return count;
}

static uint32_t *
head_of(const struct am_ledger *ledger, enum am_ledger_pool_id pool, uint64_t hash) {
    return &ledger->heads[pool][hash & (am_ledger_pool_heads(ledger, pool) - 1)];
}

static uint64_t content_hash(enum am_ledger_pool_id pool, const struct am_ledger_item *item) {
    return XXH3_64bits(item + 1, am_ledger_live_item_size(pool) - sizeof *item);
}

static uint32_t find(const struct am_ledger *ledger,
                     enum am_ledger_pool_id pool,
                     const struct am_ledger_item *wanted,
                     uint64_t hash) {
    size_t size = am_ledger_live_item_size(pool) - sizeof *wanted;
    for (uint32_t at = *head_of(ledger, pool, hash); at != AM_LEDGER_NO_INDEX;) {
        const struct am_ledger_item *item = item_at(ledger, pool, at);
        if (item->hash == hash && memcmp(item + 1, wanted + 1, size) == 0)
            return at;
        at = item->next;
    }
    return AM_LEDGER_NO_INDEX;
}

/* An item that nothing refers to; listed as taken. */
static uint32_t
take(struct am_ledger *ledger, enum am_ledger_pool_id pool, struct am_error *error) {
    struct am_ledger_pool_head *head = &ledger->header->pools[pool];
    if (head->free != AM_LEDGER_NO_INDEX) {
        uint32_t at = head->free;
        am_ledger_redo(ledger, head->free, item_at(ledger, pool, at)->next);
        return at;
    }
    if (head->used == ledger->header->geometry.pools[pool]) {
        am_error_set(error, AM_E_LIMIT,
                     "the ledger has no room for more than %u different %s (admatch-cells)",
                     head->used, names[pool]);
        return AM_LEDGER_NO_INDEX;
    }
    uint64_t bytes = (uint64_t)(head->used + 1) * am_ledger_live_item_size(pool);
    if (am_ledger_live_grow(ledger, AM_LEDGER_SECTION_POOLS + pool, bytes, error) != AM_OK)
        return AM_LEDGER_NO_INDEX;
    am_ledger_redo(ledger, head->used, head->used + 1);
    return head->used;
}

uint32_t am_ledger_pool_intern(struct am_ledger *ledger,
                               enum am_ledger_pool_id pool,
                               const void *wanted,
                               struct am_error *error) {
    uint64_t hash = content_hash(pool, wanted);
    uint32_t at = find(ledger, pool, wanted, hash);
    if (at != AM_LEDGER_NO_INDEX)
        return at;
    at = take(ledger, pool, error);
    if (at == AM_LEDGER_NO_INDEX)
        return at;
    uint32_t *head = head_of(ledger, pool, hash);
    struct am_ledger_item *item = item_at(ledger, pool, at);
    size_t size = am_ledger_live_item_size(pool);
    memcpy(item + 1, (const struct am_ledger_item *)wanted + 1, size - sizeof *item);
    item->hash = hash;
    am_ledger_redo(ledger, item->used, 1);
    am_ledger_redo(ledger, item->next, *head);
    am_ledger_redo(ledger, *head, at);
    am_ledger_redo_commit(ledger);
    return at;
}

/* ---- sweeping ---------------------------------------------------------------------------------
 */

static void mark(struct am_ledger *ledger) {
    for (uint32_t i = 0; i < ledger->header->limits_used; i++) {
        const struct am_ledger_limit *limit = &ledger->limits[i];
        if (limit->record == AM_LEDGER_NO_INDEX || limit->schedule == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_schedule *schedule = am_ledger_pool_at(
            ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, limit->schedule);
        schedule->item.used = 1;
        if (schedule->curve != AM_LEDGER_NO_INDEX)
            item_at(ledger, AM_LEDGER_POOL_CURVES, schedule->curve)->used = 1;
        if (schedule->hours != AM_LEDGER_NO_INDEX)
            item_at(ledger, AM_LEDGER_POOL_HOURS, schedule->hours)->used = 1;
    }
}

static void clear(struct am_ledger *ledger, enum am_ledger_pool_id pool) {
    for (uint32_t i = 0; i < ledger->header->pools[pool].used; i++)
        item_at(ledger, pool, i)->used = 0;
}

static void link_again(struct am_ledger *ledger, enum am_ledger_pool_id pool) {
    struct am_ledger_pool_head *head = &ledger->header->pools[pool];
    for (uint32_t i = 0, count = am_ledger_pool_heads(ledger, pool); i < count; i++)
        ledger->heads[pool][i] = AM_LEDGER_NO_INDEX;
    head->free = AM_LEDGER_NO_INDEX;
    for (uint32_t i = 0; i < head->used; i++) {
        struct am_ledger_item *item = item_at(ledger, pool, i);
        uint32_t *list = item->used ? head_of(ledger, pool, item->hash) : &head->free;
        item->next = *list;
        *list = i;
    }
}

/* Too many words for the redo list; but it computes all of them from the limits, so that who finds
 * it begun and not ended does it again. */
void am_ledger_pool_sweep(struct am_ledger *ledger) {
    AM_LEDGER_SET_RELEASE(ledger->header->pools_dirty, 1);
    for (unsigned pool = 0; pool < AM_LEDGER_POOL_CAP_SETS; pool++)
        clear(ledger, (enum am_ledger_pool_id)pool);
    mark(ledger);
    for (unsigned pool = 0; pool < AM_LEDGER_POOL_CAP_SETS; pool++)
        link_again(ledger, (enum am_ledger_pool_id)pool);
    AM_LEDGER_SET_RELEASE(ledger->header->pools_dirty, 0);
}

void am_ledger_pools_tidy(struct am_ledger *ledger) {
    for (unsigned pool = 0; pool < AM_LEDGER_POOL_CAP_SETS; pool++) {
        const struct am_ledger_pool_head *head = &ledger->header->pools[pool];
        if (head->free == AM_LEDGER_NO_INDEX &&
            head->used > ledger->header->geometry.pools[pool] / 2) {
            am_ledger_pool_sweep(ledger);
            return;
        }
    }
}
