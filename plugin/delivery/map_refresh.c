/* SPDX-License-Identifier: Apache-2.0 */
/* What the holder writes into maps: the limits that are on, pauses, and the ads that are certainly
 * stopped. */
#include "chains.h"

/* ---- limits and pauses ------------------------------------------------------------------------
 */

static void list_limits(const struct am_delivery_map *map, struct am_delivery_chain *chain) {
    const struct am_ledger *ledger = map->ledger;
    uint32_t limits[AM_DELIVERY_CHAIN_LIMITS], count = 0;
    uint32_t flags = chain->flags & AM_DELIVERY_CHAIN_NO_ROOM
                         ? AM_DELIVERY_CHAIN_NO_ROOM | AM_DELIVERY_CHAIN_CLOSED
                         : 0;
    for (unsigned i = 0; i < AM_LEDGER_KINDS * AM_LEDGER_UNITS; i++) {
        uint32_t cell = chain->cells[i / AM_LEDGER_UNITS];
        if (cell >= AM_LEDGER_GET_ACQUIRE(ledger->header->records_used))
            continue;
        const struct am_ledger_record *record = &ledger->records[cell];
        uint8_t status = AM_LEDGER_GET(record->flags);
        flags |= status & AM_LEDGER_RECORD_RESTS ? AM_DELIVERY_CHAIN_PAUSED : 0U;
        flags |= status & AM_LEDGER_RECORD_CLOSED ? AM_DELIVERY_CHAIN_CLOSED : 0U;
        uint32_t index = AM_LEDGER_GET_ACQUIRE(record->limits[i % AM_LEDGER_UNITS]);
        if (index == AM_LEDGER_NO_INDEX ||
            !(AM_LEDGER_GET(ledger->limits[index].flags) & AM_LEDGER_LIMIT_ON))
            continue;
        if (count == AM_DELIVERY_CHAIN_LIMITS)
            flags |= AM_DELIVERY_CHAIN_MORE;
        else
            limits[count++] = index;
    }
    /* A decision that reads in between finds all limits through the records. */
    AM_LEDGER_SET_RELEASE(chain->flags, (uint16_t)(flags | AM_DELIVERY_CHAIN_MORE));
    for (uint32_t i = 0; i < AM_DELIVERY_CHAIN_LIMITS; i++)
        AM_LEDGER_SET_RELEASE(chain->limits[i], i < count ? limits[i] : AM_LEDGER_NO_INDEX);
    AM_LEDGER_SET_RELEASE(chain->flags, (uint16_t)flags);
}

/* ---- what is certainly stopped ----------------------------------------------------------------
 */

/* For every ad of the chain, at any of its prices: what stops the cheapest one by `budget`, and
 * what stops even the one with the most slack by `pacing`, in its lead. */
static bool limit_stops(const struct am_delivery_chain *chain,
                        const struct am_ledger_limit *limit) {
    uint32_t unit =
        (AM_LEDGER_GET(limit->flags) & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT;
    int64_t hold = unit == AM_LEDGER_MONEY ? chain->least_hold : unit == AM_LEDGER_IMPRESSIONS;
    int64_t price = unit == AM_LEDGER_MONEY ? chain->least_price : am_ledger_scaled(unit, 1);
    int64_t most = unit == AM_LEDGER_MONEY ? chain->highest_price : price;
    int64_t ceiling = AM_LEDGER_GET(limit->ceiling);
    int64_t used =
        am_ledger_add_clamped(AM_LEDGER_GET(limit->committed), AM_LEDGER_GET(limit->expected));
    used = am_ledger_add_clamped(used, hold);
    int64_t slack =
        am_pace_slack(most, am_ledger_subtract_clamped(ceiling, AM_LEDGER_GET(limit->base)));
    return used > ceiling ||
           am_ledger_add_clamped(AM_LEDGER_GET(limit->counted), price) > ceiling ||
           used > am_ledger_add_clamped(AM_LEDGER_GET(limit->lead), slack);
}

static bool is_stopped(const struct am_delivery_map *map, const struct am_delivery_chain *chain) {
    struct am_ledger_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS];
    if (chain->flags & (AM_DELIVERY_CHAIN_CLOSED | AM_DELIVERY_CHAIN_PAUSED))
        return true;
    uint32_t count = am_delivery_chain_list(map, chain, list);
    for (uint32_t i = 0; i < count; i++)
        if (limit_stops(chain, list[i]))
            return true;
    return false;
}

static void write_bits(struct am_delivery_map *map) {
    for (uint32_t first = 0; first < map->ad_count; first += 64) {
        uint64_t bits = 0;
        for (uint32_t ad = first; ad < first + 64 && ad < map->ad_count; ad++)
            bits |= (uint64_t) !!(am_delivery_chain_of(map, ad)->flags & AM_DELIVERY_CHAIN_STOPPED)
                    << (ad - first);
        if (AM_LEDGER_GET(map->stopped[first / 64]) != bits)
            AM_LEDGER_SET(map->stopped[first / 64], bits);
    }
}

void am_delivery_map_refresh(struct am_delivery_map *map) {
    uint32_t terms = AM_LEDGER_GET_ACQUIRE(map->ledger->header->terms);
    bool listed = map->listed && map->terms == terms;
    for (uint32_t i = 1; i < map->header->used; i++) {
        struct am_delivery_chain *chain = &map->chains[i];
        if (!listed)
            list_limits(map, chain);
        uint32_t flags = chain->flags & ~(uint32_t)AM_DELIVERY_CHAIN_STOPPED;
        flags |= is_stopped(map, chain) ? AM_DELIVERY_CHAIN_STOPPED : 0U;
        if (flags != chain->flags)
            AM_LEDGER_SET(chain->flags, (uint16_t)flags);
    }
    map->terms = terms;
    map->listed = true;
    write_bits(map);
}
