/* Chains of a map, as decisions read them. Private to the room. */
#ifndef AM_DELIVERY_CHAINS_H
#define AM_DELIVERY_CHAINS_H

#include "live.h"
#include "map.h"

enum { AM_CHAIN_LIMITS = 5 };

enum am_chain_flag {
    AM_CHAIN_CLOSED = 1, /* a limit found no room */
    AM_CHAIN_PAUSED = 2,
    AM_CHAIN_MORE = 4, /* more limits than are listed: ask the records */
    AM_CHAIN_STOPPED = 8,
    AM_CHAIN_NO_ROOM = 16, /* CLOSED for good: a record with a budget has no cell */
};

/*
 *     0           12          18  20      28      36      44                  64
 *    +---+---+---+---+---+---+---+-------+-------+-------+---+---+---+---+---+
 *    | cells     | cap sets  | fl| hold  | least | most  | limits            |
 *    +---+---+---+-+-+-+-+-+-+---+-------+-------+-------+---+---+---+---+---+
 */
struct am_chain {
    uint32_t cells[AM_LEDGER_KINDS];
    uint16_t cap_sets[AM_LEDGER_KINDS];
    uint16_t flags;
    uint32_t limits[AM_CHAIN_LIMITS]; /* that are on; advertiser's first; AM_NO_INDEX behind them */
    int64_t least_hold, least_price, highest_price;
};
_Static_assert(sizeof(struct am_chain) == 64, "a chain is one cache line");

struct am_map_header {
    char magic[8];
    uint32_t version;
    uint32_t ads;
    uint64_t generation;
    uint64_t size;
    uint32_t chains; /* room for */
    uint32_t used;
    uint8_t padding[88];
};
_Static_assert(sizeof(struct am_map_header) == 128, "the header of a map");

struct am_delivery_map {
    struct am_ledger *ledger;
    struct am_map_header *header;
    uint32_t *ads;
    uint64_t *stopped;
    struct am_chain *chains;
    uint32_t ad_count;
    int fd;               /* -1: private memory */
    uint64_t size, grown; /* bytes, and how many of them have been allocated */
    bool begun;           /* being made, here and below */
    uint32_t *index;      /* chains by content */
    uint32_t index_mask;
    bool listed; /* the holder has listed the chains' limits, for these terms of the ledger */
    uint32_t terms;
    struct am_delivery_map *next; /* of those that the step keeps */
};

static inline const struct am_chain *am_chain_of(const struct am_delivery_map *map, uint32_t ad) {
    return &map->chains[am_get_acquire(map->ads[ad])];
}

/* The limits of a chain that are on, advertiser's first; at most 9. */
static inline uint32_t am_chain_list(const struct am_delivery_map *map,
                                     const struct am_chain *chain,
                                     struct am_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS]) {
    const struct am_ledger *ledger = map->ledger;
    uint32_t count = 0;
    if (!(am_get(chain->flags) & AM_CHAIN_MORE)) {
        for (; count < AM_CHAIN_LIMITS; count++) {
            uint32_t index = am_get(chain->limits[count]);
            if (index >= ledger->header->geometry.limits)
                break;
            list[count] = &ledger->limits[index];
        }
        return count;
    }
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        uint32_t cell = am_get(chain->cells[i / AM_LEDGER_UNITS]);
        if (cell >= ledger->header->geometry.cells)
            continue;
        uint32_t index = am_get_acquire(ledger->records[cell].limits[i % AM_LEDGER_UNITS]);
        if (index < ledger->header->geometry.limits &&
            (am_get(ledger->limits[index].flags) & AM_LIMIT_ON))
            list[count++] = &ledger->limits[index];
    }
    return count;
}

#endif
