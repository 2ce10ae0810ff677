/* SPDX-License-Identifier: Apache-2.0 */
#include "interner.h"
#include "../base/keyed.h"

#include <stdlib.h>

enum { FIRST_SLOT_COUNT = 1024 };

/* The slot that holds the string, or the empty one where it belongs. */
static uint32_t *slot_of(const struct am_cli_interner *interner, struct am_view text) {
    uint32_t mask = interner->slot_count - 1;
    uint32_t at = (uint32_t)am_keyed_hash(text).value & mask;
    while (interner->slots[at] != UINT32_MAX &&
           !am_view_equal(interner->texts[interner->slots[at]], text))
        at = (at + 1) & mask;
    return &interner->slots[at];
}

/* Doubles the table; at most half of its slots are used. */
static bool grow(struct am_cli_interner *interner) {
    uint32_t slot_count = interner->slot_count ? interner->slot_count * 2 : FIRST_SLOT_COUNT;
    if (slot_count == 0)
        return false;
    struct am_view *texts = realloc(interner->texts, slot_count / 2 * sizeof *texts);
    if (!texts)
        return false;
    interner->texts = texts;
    uint32_t *slots = malloc(slot_count * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xFF, slot_count * sizeof *slots);
    free(interner->slots);
    interner->slots = slots;
    interner->slot_count = slot_count;
    for (uint32_t i = 0; i < interner->count; i++)
        *slot_of(interner, texts[i]) = i;
    return true;
}

uint32_t am_cli_interner_number(struct am_cli_interner *interner, struct am_view text) {
    if (interner->count >= interner->slot_count / 2 && !grow(interner))
        return UINT32_MAX;
    uint32_t *slot = slot_of(interner, text);
    if (*slot != UINT32_MAX)
        return *slot;
    struct am_view copy = am_arena_copy(&interner->arena, text);
    if (!copy.data)
        return UINT32_MAX;
    interner->texts[interner->count] = copy;
    return *slot = interner->count++;
}

void am_cli_interner_free(struct am_cli_interner *interner) {
    free(interner->texts);
    free(interner->slots);
    am_arena_free(&interner->arena);
    *interner = (struct am_cli_interner){.arena = AM_ARENA_EMPTY};
}
