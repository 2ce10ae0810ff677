/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of a map, as decisions read them. Private to the room. */
#ifndef AM_DELIVERY_CHAINS_H
#define AM_DELIVERY_CHAINS_H

#include "live.h"
#include "map.h"

enum { AM_DELIVERY_CHAIN_LIMITS = 5 };

enum am_delivery_chain_flag {
    AM_DELIVERY_CHAIN_CLOSED = 1, /* a limit found no room */
    AM_DELIVERY_CHAIN_PAUSED = 2,
    AM_DELIVERY_CHAIN_MORE = 4, /* more limits than are listed: ask the records */
    AM_DELIVERY_CHAIN_STOPPED = 8,
    AM_DELIVERY_CHAIN_NO_ROOM = 16, /* CLOSED for good: a record with a budget has no cell */
};

/*
 *     0           12          18  20      28      36      44                  64
 *    +---+---+---+---+---+---+---+-------+-------+-------+---+---+---+---+---+
 *    | cells     | cap sets  | fl| hold  | least | most  | limits            |
 *    +---+---+---+-+-+-+-+-+-+---+-------+-------+-------+---+---+---+---+---+
 */
struct am_delivery_chain {
    uint32_t cells[AM_LEDGER_KINDS];
    uint16_t cap_sets[AM_LEDGER_KINDS];
    uint16_t flags;
    uint32_t limits[AM_DELIVERY_CHAIN_LIMITS]; /* that are on; advertiser's first;
                                                  AM_LEDGER_NO_INDEX behind them */
    int64_t least_hold, least_price, highest_price;
};
_Static_assert(sizeof(struct am_delivery_chain) == 64, "a chain is one cache line");

struct am_delivery_map_header {
    char magic[8];
    uint32_t version;
    uint32_t ads;
    uint64_t generation;
    uint64_t size;
    uint32_t chains; /* room for */
    uint32_t used;
    uint8_t padding[88];
};
_Static_assert(sizeof(struct am_delivery_map_header) == 128, "the header of a map");

struct am_delivery_map {
    struct am_ledger *ledger;
    struct am_delivery_map_header *header;
    uint32_t *ads;
    uint64_t *stopped;
    struct am_delivery_chain *chains;
    uint32_t ad_count;
    int fd;               /* -1: private memory */
    uint64_t size, grown; /* bytes, and how many of them have been allocated */
    bool begun;           /* being made, here and below */
    uint32_t *index;      /* chains by content */
    uint32_t index_mask;
    bool listed; /* the holder has listed the chains' limits, for these terms of the ledger */
    uint32_t terms;
    bool kept; /* it is among those of its ledger, which the thread that steps alone touches */
    struct am_delivery_map *next; /* of those */
};

static inline const struct am_delivery_chain *
am_delivery_chain_of(const struct am_delivery_map *map, uint32_t ad) {
    return &map->chains[AM_LEDGER_GET_ACQUIRE(map->ads[ad])];
}

/* The limits of a chain that are on, advertiser's first; at most 9. */
static inline uint32_t
am_delivery_chain_list(const struct am_delivery_map *map,
                       const struct am_delivery_chain *chain,
                       struct am_ledger_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS]) {
    const struct am_ledger *ledger = map->ledger;
    uint32_t count = 0;
    if (!(AM_LEDGER_GET(chain->flags) & AM_DELIVERY_CHAIN_MORE)) {
        for (; count < AM_DELIVERY_CHAIN_LIMITS; count++) {
            uint32_t index = AM_LEDGER_GET(chain->limits[count]);
            if (index >= ledger->header->geometry.limits)
                break;
            list[count] = &ledger->limits[index];
        }
        return count;
    }
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        uint32_t cell = AM_LEDGER_GET(chain->cells[i / AM_LEDGER_UNITS]);
        if (cell >= ledger->header->geometry.cells)
            continue;
        uint32_t index = AM_LEDGER_GET_ACQUIRE(ledger->records[cell].limits[i % AM_LEDGER_UNITS]);
        if (index < ledger->header->geometry.limits &&
            (AM_LEDGER_GET(ledger->limits[index].flags) & AM_LEDGER_LIMIT_ON))
            list[count++] = &ledger->limits[index];
    }
    return count;
}

#endif
