/* SPDX-License-Identifier: Apache-2.0 */
/* Events to come of a simulation, the next one first: by time, then by placement. One thread. */
#ifndef AM_CLI_SIMULATE_HEAP_H
#define AM_CLI_SIMULATE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct am_cli_event {
    int64_t time;       /* microseconds since the epoch */
    uint64_t placement; /* its number, from 1 */
    uint64_t sequence;  /* of its hold in the ledger */
    uint32_t ad, keyword;
    bool click;   /* else its impression, which precedes its click */
    bool limited; /* its ad has a budget */
};

/* Zeroed is empty. A binary heap: no event precedes the one at half its index. */
struct am_cli_heap {
    struct am_cli_event *items;
    size_t count, capacity;
};

/* False: no memory; the heap is as it was. */
bool am_cli_heap_push(struct am_cli_heap *heap, const struct am_cli_event *event);
/* The next event, NULL when there is none; valid until the next push or pop. */
const struct am_cli_event *am_cli_heap_first(const struct am_cli_heap *heap);
/* Takes the next event out. There must be one. */
struct am_cli_event am_cli_heap_pop(struct am_cli_heap *heap);
void am_cli_heap_free(struct am_cli_heap *heap);

#endif
