/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate_heap.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

static bool precedes(const struct am_cli_event *a, const struct am_cli_event *b) {
    if (a->time != b->time)
        return a->time < b->time;
    if (a->placement != b->placement)
        return a->placement < b->placement;
    return a->click < b->click;
}

bool am_cli_heap_push(struct am_cli_heap *heap, const struct am_cli_event *event) {
    if (heap->count == heap->capacity) {
        size_t capacity = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
        struct am_cli_event *items = reallocarray(heap->items, capacity, sizeof *items);
        if (!items)
            return false;
        heap->items = items;
        heap->capacity = capacity;
    }
    size_t at = heap->count++;
    for (; at > 0 && precedes(event, &heap->items[(at - 1) / 2]); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = *event;
    return true;
}

const struct am_cli_event *am_cli_heap_first(const struct am_cli_heap *heap) {
    return heap->count ? heap->items : NULL;
}

struct am_cli_event am_cli_heap_pop(struct am_cli_heap *heap) {
    struct am_cli_event first = heap->items[0];
    const struct am_cli_event last = heap->items[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < heap->count && precedes(&heap->items[child + 1], &heap->items[child]))
            child++;
        if (child >= heap->count || !precedes(&heap->items[child], &last))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = last;
    return first;
}

void am_cli_heap_free(struct am_cli_heap *heap) {
    free(heap->items);
    *heap = (struct am_cli_heap){0};
}
