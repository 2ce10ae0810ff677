/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules in shared memory, and the weight they have gathered at a time; the running days of
 * zones. For the process that publishes or steps, with the lock. */
#include <stdlib.h>

#include "step_cache.h"

/* ---- the process's own memory -----------------------------------------------------------------
 */

static void cache_free(struct am_ledger_step_cache *cache) {
    if (cache) {
        free(cache->pieces);
        free(cache->days);
    }
    free(cache);
}

static struct am_ledger_step_cache *cache_new(const struct am_ledger *ledger) {
    struct am_ledger_step_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->pieces =
        calloc(ledger->header->geometry.pools[AM_LEDGER_POOL_SCHEDULES], sizeof *cache->pieces);
    cache->days = calloc(AM_LEDGER_LIVE_ZONES, sizeof *cache->days);
    if (cache->pieces && cache->days)
        return cache;
    cache_free(cache);
    return NULL;
}

enum am_code am_ledger_step_cache_make(struct am_ledger *ledger, struct am_error *error) {
    am_ledger_lock(ledger);
    if (!ledger->cache)
        ledger->cache = cache_new(ledger);
    bool made = ledger->cache != NULL;
    am_ledger_unlock(ledger);
    return made ? AM_OK : am_error_set(error, AM_E_MEMORY, "out of memory: pacing schedules");
}

void am_ledger_step_cache_free(struct am_ledger *ledger) {
    cache_free(ledger->cache);
    ledger->cache = NULL;
}

/* ---- weights ----------------------------------------------------------------------------------
 */

static struct am_pace_schedule schedule_at(const struct am_ledger *ledger, uint32_t index) {
    const struct am_ledger_schedule *schedule =
        am_ledger_pool_at(ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, index);
    struct am_pace_schedule pace = {
        .zone = am_ledger_zone_database(ledger, schedule->zone),
        .hours_zone = am_ledger_zone_database(ledger, schedule->hours_zone),
    };
    if (schedule->curve != AM_LEDGER_NO_INDEX)
        pace.weights =
            am_ledger_pool_at(ledger, AM_LEDGER_POOL_CURVES, am_ledger_curve, schedule->curve)
                ->weights;
    if (schedule->hours != AM_LEDGER_NO_INDEX)
        pace.hours =
            &am_ledger_pool_at(ledger, AM_LEDGER_POOL_HOURS, am_ledger_hours, schedule->hours)
                 ->hours;
    return pace;
}

/* Moves the piece of a schedule to that time. */
static void piece_move(struct am_ledger *ledger, uint32_t index, int64_t time) {
    uint64_t hash =
        am_ledger_pool_at(ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, index)->item.hash;
    struct am_ledger_piece *piece = &ledger->cache->pieces[index];
    if (piece->hash == hash && time >= piece->begin && time < piece->end)
        return;
    struct am_pace_schedule schedule = schedule_at(ledger, index);
    if (piece->hash != hash)
        *piece = (struct am_ledger_piece){.hash = hash};
    piece->weighed += am_pace_weigh(&schedule, piece->begin, time);
    piece->weighed -= am_pace_weigh(&schedule, time, piece->begin);
    piece->begin = time;
    piece->weight = am_pace_weight(&schedule, time, &piece->end);
}

uint64_t am_ledger_schedule_weighed(struct am_ledger *ledger, uint32_t index, int64_t now) {
    if (now < 0)
        return 0;
    if (index == AM_LEDGER_NO_INDEX)
        return (uint64_t)now;
    piece_move(ledger, index, now);
    const struct am_ledger_piece *piece = &ledger->cache->pieces[index];
    return piece->weighed + piece->weight * (uint64_t)(now - piece->begin);
}

uint64_t am_ledger_schedule_weighed_at(struct am_ledger *ledger, uint32_t index, int64_t time) {
    if (time < 0)
        return 0;
    if (index == AM_LEDGER_NO_INDEX)
        return (uint64_t)time;
    struct am_ledger_piece *piece = &ledger->cache->pieces[index];
    if (piece->other != time || piece->other_hash != piece->hash) {
        struct am_pace_schedule schedule = schedule_at(ledger, index);
        piece->other_weighed = piece->weighed + am_pace_weigh(&schedule, piece->begin, time) -
                               am_pace_weigh(&schedule, time, piece->begin);
        piece->other = time;
        piece->other_hash = piece->hash;
    }
    return piece->other_weighed;
}

/* ---- making them ------------------------------------------------------------------------------
 */

static uint32_t curve_intern(struct am_ledger *ledger,
                             const struct am_pace_curve_spec *spec,
                             uint32_t traffic,
                             struct am_error *error) {
    struct am_ledger_curve curve = {.item = {0}};
    if (spec->kind != AM_PACE_GIVEN)
        return spec->kind == AM_PACE_TRAFFIC ? traffic : AM_LEDGER_NO_INDEX;
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        curve.weights[hour] = spec->weights[hour];
    return am_ledger_pool_intern(ledger, AM_LEDGER_POOL_CURVES, &curve, error);
}

static bool hours_intern(struct am_ledger *ledger,
                         const struct am_pace_curve_spec *spec,
                         struct am_ledger_schedule *schedule,
                         struct am_error *error) {
    struct am_ledger_hours hours = {.item = {0}};
    if (!spec->hours)
        return true;
    hours.hours = *spec->hours;
    schedule->hours = am_ledger_pool_intern(ledger, AM_LEDGER_POOL_HOURS, &hours, error);
    uint32_t zone = am_ledger_zone_intern(ledger, spec->hours_zone, error);
    schedule->hours_zone = (uint16_t)zone;
    return schedule->hours != AM_LEDGER_NO_INDEX && zone != AM_LEDGER_NO_INDEX;
}

uint32_t am_ledger_schedule_intern(struct am_ledger *ledger,
                                   const struct am_pace_curve_spec *spec,
                                   uint32_t zone,
                                   uint32_t traffic,
                                   struct am_error *error) {
    struct am_ledger_schedule schedule = {.kind = spec->kind, .hours = AM_LEDGER_NO_INDEX};
    schedule.curve = curve_intern(ledger, spec, traffic, error);
    if (spec->kind == AM_PACE_GIVEN) {
        if (schedule.curve == AM_LEDGER_NO_INDEX)
            return AM_LEDGER_NO_INDEX;
        schedule.zone = (uint16_t)zone;
    }
    if (!hours_intern(ledger, spec, &schedule, error))
        return AM_LEDGER_NO_INDEX;
    return am_ledger_pool_intern(ledger, AM_LEDGER_POOL_SCHEDULES, &schedule, error);
}

uint32_t am_ledger_schedule_reread(struct am_ledger *ledger, uint32_t index, uint32_t traffic) {
    struct am_ledger_schedule schedule =
        *am_ledger_pool_at(ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, index);
    if (schedule.kind != AM_PACE_TRAFFIC || schedule.curve == traffic)
        return index;
    schedule.curve = traffic;
    uint32_t reread = am_ledger_pool_intern(ledger, AM_LEDGER_POOL_SCHEDULES, &schedule, NULL);
    return reread == AM_LEDGER_NO_INDEX ? index : reread;
}
