/* SPDX-License-Identifier: Apache-2.0 */
/* The traffic curve: decisions by hour of the week in UTC, mean of up to four weeks. With the lock.
 * An hour counts as a sample when a step ran in nearly all of its seconds. */
#include "step_cache.h"

enum { HOUR = 3600, WHOLE_HOUR = HOUR - 60, EPOCH_WEEK_HOUR = 72 /* a Thursday */ };

AM_WRAPS static uint64_t new_decisions(struct am_ledger *ledger) {
    uint64_t sum = 0;
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        struct am_ledger_slot *slot = &ledger->slots[number];
        uint64_t decisions = AM_LEDGER_GET(slot->decisions);
        sum += decisions - slot->decisions_seen;
        slot->decisions_seen = decisions;
    }
    return sum;
}

static void end_hour(struct am_ledger_traffic_counts *traffic) {
    if (traffic->hour == 0 || traffic->seconds < WHOLE_HOUR)
        return;
    unsigned hour = (unsigned)((traffic->hour + EPOCH_WEEK_HOUR) % AM_PACE_HOURS);
    for (unsigned week = AM_LEDGER_LIVE_WEEKS - 1; week > 0; week--)
        traffic->counts[week][hour] = traffic->counts[week - 1][hour];
    traffic->counts[0][hour] =
        traffic->decisions > UINT32_MAX ? UINT32_MAX : (uint32_t)traffic->decisions;
    if (traffic->samples_of[hour] < AM_LEDGER_LIVE_WEEKS)
        traffic->samples_of[hour]++;
}

void am_ledger_traffic_step(struct am_ledger *ledger, int64_t now) {
    struct am_ledger_traffic_counts *traffic = &ledger->header->traffic;
    int64_t hour = now / HOUR;
    if (hour != traffic->hour) {
        end_hour(traffic);
        traffic->hour = hour;
        traffic->seconds = 0;
        traffic->decisions = 0;
    }
    traffic->decisions += new_decisions(ledger);
    traffic->seconds += now != ledger->header->stepped;
}

/* False: flat, since a week was not seen. */
static bool weights_of(const struct am_ledger_traffic_counts *traffic,
                       uint32_t weights[AM_PACE_HOURS]) {
    bool whole = true;
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++) {
        unsigned samples = traffic->samples_of[hour];
        uint64_t sum = 0;
        for (unsigned week = 0; week < samples; week++)
            sum += traffic->counts[week][hour];
        weights[hour] = samples && sum / samples ? (uint32_t)(sum / samples) : 1;
        whole &= samples > 0;
    }
    for (unsigned hour = 0; !whole && hour < AM_PACE_HOURS; hour++)
        weights[hour] = 1;
    am_pace_fit(weights);
    return whole;
}

/* The curve is looked up once in an hour, since each window that begins asks for it. */
uint32_t am_ledger_traffic_curve(struct am_ledger *ledger) {
    const struct am_ledger_traffic_counts *traffic = &ledger->header->traffic;
    struct am_ledger_step_cache *cache = ledger->cache;
    if (cache->traffic_hour == traffic->hour && cache->traffic_known) {
        const struct am_ledger_item *item =
            &am_ledger_pool_at(ledger, AM_LEDGER_POOL_CURVES, am_ledger_curve, cache->traffic)
                 ->item;
        if (cache->traffic == AM_LEDGER_NO_INDEX ||
            (item->used && item->hash == cache->traffic_hash))
            return cache->traffic;
    }
    struct am_ledger_curve curve = {.item = {0}};
    cache->traffic = weights_of(traffic, curve.weights)
                         ? am_ledger_pool_intern(ledger, AM_LEDGER_POOL_CURVES, &curve, NULL)
                         : AM_LEDGER_NO_INDEX;
    if (cache->traffic != AM_LEDGER_NO_INDEX)
        cache->traffic_hash =
            am_ledger_pool_at(ledger, AM_LEDGER_POOL_CURVES, am_ledger_curve, cache->traffic)
                ->item.hash;
    cache->traffic_hour = traffic->hour;
    cache->traffic_known = true;
    return cache->traffic;
}

void am_ledger_traffic(struct am_ledger *ledger, uint32_t weights[AM_PACE_HOURS]) {
    am_ledger_lock(ledger);
    weights_of(&ledger->header->traffic, weights);
    am_ledger_unlock(ledger);
}

void am_ledger_traffic_set(struct am_ledger *ledger, const uint32_t weights[AM_PACE_HOURS]) {
    struct am_ledger_traffic_counts *traffic = &ledger->header->traffic;
    am_ledger_lock(ledger);
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++) {
        traffic->counts[0][hour] = weights[hour];
        traffic->samples_of[hour] = 1;
    }
    if (ledger->cache)
        ledger->cache->traffic_known = false;
    am_ledger_unlock(ledger);
}
