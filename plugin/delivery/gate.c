/* SPDX-License-Identifier: Apache-2.0 */
/* The gates `budget` and `pacing`. On the path of a decision: no lock, no allocation, no system
 * call. */
#include "reading.h"
#include "work.h"

void am_delivery_begin(struct am_ledger_worker *worker, int64_t clock) {
    struct am_ledger_slot *slot = worker->slot;
    AM_LEDGER_SET(slot->decisions, slot->decisions + 1);
    am_delivery_try(worker, clock);
}

void am_delivery_try(struct am_ledger_worker *worker, int64_t clock) {
    const struct am_ledger_live_header *header = worker->ledger->header;
    worker->usable = AM_LEDGER_GET_ACQUIRE(header->state) == AM_LEDGER_LIVE_READY &&
                     !AM_LEDGER_GET(header->unsaved) &&
                     clock - AM_LEDGER_GET(header->stepped) <= AM_LEDGER_STALE_SECONDS;
}

/* ---- explaining -------------------------------------------------------------------------------
 */

static void explain_limit(const struct am_ledger_limit *limit,
                          const struct am_delivery_reading *reading,
                          const struct am_delivery_demand *demand,
                          struct am_delivery_detail *detail) {
    int64_t daily = AM_LEDGER_GET(limit->daily), total = AM_LEDGER_GET(limit->total);
    int64_t used = am_ledger_subtract_clamped(reading->used, reading->base);
    int64_t counted = am_ledger_subtract_clamped(reading->counted, reading->base);
    detail->reason = AM_DELIVERY_ABOVE_LIMIT;
    detail->daily =
        daily != AM_LEDGER_UNLIMITED &&
        (am_ledger_add_clamped(used, demand->hold) > daily ||
         am_ledger_add_clamped(counted, demand->price) > daily || total == AM_LEDGER_UNLIMITED ||
         am_ledger_subtract_clamped(reading->ceiling, reading->base) == daily);
    detail->used = detail->daily ? used : reading->used;
    detail->limit = detail->daily ? daily : total;
}

static void explain(const struct am_delivery_map *map,
                    const struct am_ledger_limit *limit,
                    const struct am_delivery_reading *reading,
                    const struct am_delivery_demand *demand,
                    bool pacing,
                    struct am_delivery_detail *detail) {
    const struct am_ledger *ledger = map->ledger;
    uint32_t flags = AM_LEDGER_GET(limit->flags);
    *detail = (struct am_delivery_detail){
        .kind = flags & AM_LEDGER_LIMIT_KIND,
        .unit = (flags & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT,
    };
    if (!pacing) {
        explain_limit(limit, reading, demand, detail);
        return;
    }
    uint32_t zone = AM_LEDGER_GET(ledger->records[AM_LEDGER_GET(limit->record)].zone);
    detail->reason = AM_DELIVERY_ABOVE_LINE;
    detail->used = am_ledger_subtract_clamped(reading->used, reading->base);
    detail->allowed = am_ledger_subtract_clamped(
        am_delivery_reading_allows(reading, reading->line, demand->price), reading->base);
    detail->at = AM_LEDGER_GET(ledger->header->stepped) + AM_LEDGER_GET(ledger->zones[zone].offset);
}

/* Keeps the detail of which the larger part is used. */
static void keep_fuller(struct am_delivery_detail *kept, const struct am_delivery_detail *found) {
    bool pacing = found->reason == AM_DELIVERY_ABOVE_LINE;
    int64_t of = pacing ? found->allowed : found->limit;
    int64_t of_kept = pacing ? kept->allowed : kept->limit;
    if (kept->reason == AM_DELIVERY_FREE ||
        (__int128)found->used * of_kept > (__int128)kept->used * of)
        *kept = *found;
}

void am_delivery_use_of(const struct am_delivery_map *map,
                        uint32_t ad,
                        const struct am_delivery_ask *ask,
                        struct am_delivery_use *use) {
    struct am_ledger_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS];
    uint32_t count = am_delivery_chain_list(map, am_delivery_chain_of(map, ad), list);
    use->budget = use->pacing = (struct am_delivery_detail){.reason = AM_DELIVERY_FREE};
    for (uint32_t i = 0; i < count; i++) {
        struct am_delivery_reading reading = am_delivery_reading_of(list[i]);
        struct am_delivery_demand demand =
            am_delivery_demand_of(ask, AM_LEDGER_GET(list[i]->flags));
        struct am_delivery_detail found;
        explain(map, list[i], &reading, &demand, false, &found);
        keep_fuller(&use->budget, &found);
        if (reading.line >= reading.ceiling)
            continue;
        explain(map, list[i], &reading, &demand, true, &found);
        keep_fuller(&use->pacing, &found);
    }
}

/* ---- the gates --------------------------------------------------------------------------------
 */

/* Budget is asked of all limits before pacing of any; each limit is read once. */
enum am_delivery_verdict am_delivery_ask_limits(const struct am_delivery_map *map,
                                                struct am_ledger_limit *const *list,
                                                uint32_t count,
                                                const struct am_delivery_ask *ask,
                                                struct am_delivery_detail *detail) {
    enum am_delivery_verdict verdict = AM_DELIVERY_LINE;
    for (uint32_t i = 0; i < count; i++) {
        struct am_delivery_reading reading = am_delivery_reading_of(list[i]);
        struct am_delivery_demand demand =
            am_delivery_demand_of(ask, AM_LEDGER_GET(list[i]->flags));
        if (am_delivery_reading_stops(&reading, &demand)) {
            if (detail)
                explain(map, list[i], &reading, &demand, false, detail);
            return AM_DELIVERY_BUDGET;
        }
        int64_t used = am_ledger_add_clamped(reading.used, demand.hold);
        if (used <= am_delivery_reading_allows(&reading, reading.line, demand.price))
            continue;
        bool lead = used <= am_delivery_reading_allows(&reading, reading.lead, demand.price);
        if (detail && (verdict == AM_DELIVERY_LINE || (!lead && verdict == AM_DELIVERY_LEAD)))
            explain(map, list[i], &reading, &demand, true, detail);
        if (!lead)
            verdict = AM_DELIVERY_PACING;
        else if (verdict == AM_DELIVERY_LINE)
            verdict = AM_DELIVERY_LEAD;
    }
    return verdict;
}

enum am_delivery_verdict am_delivery_gate(const struct am_ledger_worker *worker,
                                          const struct am_delivery_map *map,
                                          uint32_t ad,
                                          const struct am_delivery_ask *ask,
                                          struct am_delivery_detail *detail) {
    const struct am_delivery_chain *chain = am_delivery_chain_of(map, ad);
    struct am_ledger_limit *list[AM_LEDGER_KINDS * AM_LEDGER_UNITS];
    if (detail)
        detail->reason = AM_DELIVERY_FREE;
    if (AM_LEDGER_GET(chain->flags) & AM_DELIVERY_CHAIN_CLOSED)
        return am_delivery_stopped(AM_DELIVERY_NO_CELL, detail);
    uint32_t count = am_delivery_chain_list(map, chain, list);
    if (count == 0)
        return AM_DELIVERY_LINE;
    if (!worker->usable)
        return am_delivery_stopped(AM_DELIVERY_STALE, detail);
    return am_delivery_ask_limits(map, list, count, ask, detail);
}

void am_delivery_cells(const struct am_delivery_map *map,
                       uint32_t ad,
                       uint32_t cells[AM_LEDGER_KINDS]) {
    const struct am_delivery_chain *chain = am_delivery_chain_of(map, ad);
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++)
        cells[kind] = AM_LEDGER_GET(chain->cells[kind]);
}
