/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOCK_SECONDS = 5 };

/* ---- times ------------------------------------------------------------------------------------
 */

static bool is_time(int64_t time) {
    return time >= AM_TIME_MIN && time <= AM_TIME_MAX;
}

/* Or none, as a start and an end have it. */
static bool is_bound(int64_t time) {
    return is_time(time) || time == INT64_MIN || time == INT64_MAX;
}

static bool is_day(int32_t day) {
    return is_time((int64_t)day * 86400);
}

/* ---- header and redo list ---------------------------------------------------------------------
 */

static bool index_or_none(uint32_t index, uint32_t count) {
    return index == AM_LEDGER_NO_INDEX || index < count;
}

static const char *redo_problem(const struct am_ledger *ledger) {
    const struct am_ledger_redo *redo = &ledger->header->redo;
    if (!redo->valid)
        return NULL;
    if (redo->count > AM_LEDGER_LIVE_REDO)
        return "its redo list is too long";
    for (uint32_t i = 0; i < redo->count; i++) {
        uint64_t size = redo->items[i].at & 1 ? 8 : 4, at = redo->items[i].at & ~UINT64_C(1);
        if (at % 4 || at < offsetof(struct am_ledger_live_header, state) ||
            at > ledger->size - size)
            return "its redo list refers to no word of it";
    }
    return NULL;
}

static const char *header_problem(const struct am_ledger *ledger) {
    const struct am_ledger_live_header *header = ledger->header;
    const struct am_ledger_live_geometry *geometry = &header->geometry;
    const uint64_t used[AM_LEDGER_LIVE_SECTIONS] = {
        [AM_LEDGER_SECTION_RECORDS] =
            (uint64_t)header->records_used * sizeof(struct am_ledger_record),
        [AM_LEDGER_SECTION_LIMITS] = (uint64_t)header->limits_used * sizeof(struct am_ledger_limit),
        [AM_LEDGER_SECTION_TEXTS] = (uint64_t)header->texts_used * AM_LEDGER_LIVE_TEXT_UNIT,
    };
    if (header->state < AM_LEDGER_LIVE_RECOVERING || header->state > AM_LEDGER_LIVE_LOST)
        return "its state is not one";
    if (!is_time(header->stepped) || !is_time(header->reached))
        return "its last step was at no time";
    const struct am_ledger_traffic_counts *traffic = &header->traffic;
    if (traffic->hour < 0 || !is_time(traffic->hour) || traffic->seconds > 3600)
        return "its traffic is of no hour";
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        if (traffic->samples_of[hour] > AM_LEDGER_LIVE_WEEKS)
            return "its traffic has more weeks than are kept";
    if (header->records_used > geometry->cells || header->limits_used > geometry->limits ||
        header->texts_used > geometry->texts || header->zones_used < 1 ||
        header->zones_used > AM_LEDGER_LIVE_ZONES)
        return "more of it is in use than there is";
    for (unsigned section = AM_LEDGER_FIXED_SECTIONS; section < AM_LEDGER_LIVE_SECTIONS;
         section++) {
        uint64_t bytes = used[section];
        if (section >= AM_LEDGER_SECTION_POOLS) {
            unsigned pool = section - AM_LEDGER_SECTION_POOLS;
            if (header->pools[pool].used > geometry->pools[pool])
                return "a pool has more items than it has room for";
            bytes = (uint64_t)header->pools[pool].used *
                    am_ledger_live_item_size((enum am_ledger_pool_id)pool);
        }
        if (section == AM_LEDGER_SECTION_POOLS + AM_LEDGER_POOL_CAP_SETS &&
            header->pools[AM_LEDGER_POOL_CAP_SETS].used == 1)
            bytes = 0; /* set 0 is never read */
        if (header->grown[section] < bytes ||
            header->grown[section] > ledger->begins[section + 1] - ledger->begins[section])
            return "a section has not the size that its use needs";
    }
    return NULL;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static const char *record_problem(const struct am_ledger *ledger, uint32_t cell) {
    const struct am_ledger_live_header *header = ledger->header;
    const struct am_ledger_record *record = &ledger->records[cell];
    if (!index_or_none(record->next, header->records_used))
        return "a record is followed by none";
    if (!(record->flags & AM_LEDGER_RECORD_USED))
        return NULL;
    if (record->kind >= AM_LEDGER_KINDS || record->zone >= header->zones_used)
        return "a record has no kind or time zone";
    if (!is_bound(record->start) || !is_bound(record->end) || !is_time(record->day_start) ||
        !is_day(record->day) || !is_day(record->gone))
        return "a record is of no time";
    if (record->text >= header->texts_used ||
        record->text + am_ledger_record_id(ledger, record).size / AM_LEDGER_LIVE_TEXT_UNIT + 1 >
            header->texts_used)
        return "a record has no id";
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        uint32_t index = record->limits[unit];
        if (!index_or_none(index, header->limits_used) ||
            (index != AM_LEDGER_NO_INDEX && ledger->limits[index].record != cell))
            return "a record's limit is not its own";
    }
    return NULL;
}

static const char *limit_problem(const struct am_ledger *ledger,
                                 const struct am_ledger_limit *limit) {
    const struct am_ledger_live_header *header = ledger->header;
    uint32_t schedules = header->pools[AM_LEDGER_POOL_SCHEDULES].used;
    if (limit->record == AM_LEDGER_NO_INDEX)
        return index_or_none(limit->schedule, header->limits_used) ? NULL
                                                                   : "a free limit leads nowhere";
    if (limit->record >= header->records_used || !index_or_none(limit->schedule, schedules))
        return "a limit has no record or schedule";
    uint32_t unit = (limit->flags & AM_LEDGER_LIMIT_UNIT) >> AM_LEDGER_LIMIT_UNIT_SHIFT;
    if ((limit->flags & AM_LEDGER_LIMIT_KIND) >= AM_LEDGER_KINDS || unit >= AM_LEDGER_UNITS)
        return "a limit has no kind or unit";
    if ((limit->flags & AM_LEDGER_LIMIT_PACED) && limit->schedule == AM_LEDGER_NO_INDEX)
        return "a paced limit has no schedule";
    if (!is_bound(limit->t0) || !is_bound(limit->b))
        return "a limit's window is of no time";
    return NULL;
}

/* Chains hold each record in use once, and nothing else. */
static const char *directory_problem(const struct am_ledger *ledger) {
    uint32_t used = ledger->header->records_used, seen = 0, wanted = 0;
    for (uint32_t cell = 0; cell < used; cell++)
        wanted += ledger->records[cell].flags & AM_LEDGER_RECORD_USED;
    for (uint32_t i = 0; i <= ledger->directory_mask; i++)
        for (uint32_t cell = ledger->directory[i]; cell != AM_LEDGER_NO_INDEX;
             cell = ledger->records[cell].next) {
            if (cell >= used || seen++ >= used)
                return "its directory leads nowhere, or in a circle";
            const struct am_ledger_record *record = &ledger->records[cell];
            if (!(record->flags & AM_LEDGER_RECORD_USED) ||
                (record->key & ledger->directory_mask) != i)
                return "a record is in the wrong place of its directory";
        }
    return seen == wanted ? NULL : "a record is not in its directory";
}
_Static_assert(AM_LEDGER_RECORD_USED == 1, "counted by adding");

static const char *free_problem(const struct am_ledger *ledger) {
    const struct am_ledger_live_header *header = ledger->header;
    uint32_t seen = 0;
    for (uint32_t cell = header->records_free; cell != AM_LEDGER_NO_INDEX;
         cell = ledger->records[cell].next)
        if (cell >= header->records_used || seen++ >= header->records_used ||
            (ledger->records[cell].flags & AM_LEDGER_RECORD_USED))
            return "its free records lead nowhere, or in a circle";
    seen = 0;
    for (uint32_t index = header->limits_free; index != AM_LEDGER_NO_INDEX;
         index = ledger->limits[index].schedule)
        if (index >= header->limits_used || seen++ >= header->limits_used ||
            ledger->limits[index].record != AM_LEDGER_NO_INDEX)
            return "its free limits lead nowhere, or in a circle";
    for (uint32_t units = 0; units < AM_LEDGER_LIVE_TEXT_CLASSES; units++) {
        seen = 0;
        for (uint32_t text = header->texts_free[units]; text != AM_LEDGER_NO_INDEX;
             text = am_bytes_load_u32(ledger->texts + (size_t)text * AM_LEDGER_LIVE_TEXT_UNIT))
            if ((uint64_t)text + units >= header->texts_used || seen++ >= header->texts_used)
                return "its free texts lead nowhere, or in a circle";
    }
    return NULL;
}

const char am_ledger_verify_no_memory[] = "out of memory while it was verified";

/* ---- texts: each unit is one record's, or free, or nobody's --------------------------------- */

/* False: some of them are somebody's already. */
static bool claim(uint64_t *taken, uint32_t first, uint32_t count) {
    bool free_so_far = true;
    for (uint32_t unit = first; unit < first + count; unit++) {
        free_so_far &= !(taken[unit / 64] >> (unit % 64) & 1);
        taken[unit / 64] |= UINT64_C(1) << (unit % 64);
    }
    return free_so_far;
}

/* Records and free texts are within bounds. */
static const char *claim_texts(const struct am_ledger *ledger, uint64_t *taken) {
    const struct am_ledger_live_header *header = ledger->header;
    for (uint32_t cell = 0; cell < header->records_used; cell++) {
        const struct am_ledger_record *record = &ledger->records[cell];
        size_t size = record->flags & AM_LEDGER_RECORD_USED
                          ? am_ledger_record_id(ledger, record).size
                          : SIZE_MAX;
        if (size != SIZE_MAX &&
            !claim(taken, record->text, (uint32_t)(size / AM_LEDGER_LIVE_TEXT_UNIT) + 1))
            return "two records share a text";
    }
    for (uint32_t units = 0; units < AM_LEDGER_LIVE_TEXT_CLASSES; units++)
        for (uint32_t text = header->texts_free[units]; text != AM_LEDGER_NO_INDEX;
             text = am_bytes_load_u32(ledger->texts + (size_t)text * AM_LEDGER_LIVE_TEXT_UNIT))
            if (!claim(taken, text, units + 1))
                return "a free text is somebody's";
    return NULL;
}

static const char *texts_problem(const struct am_ledger *ledger) {
    uint64_t *taken = calloc(ledger->header->texts_used / 64 + 1, sizeof *taken);
    const char *problem = taken ? claim_texts(ledger, taken) : am_ledger_verify_no_memory;
    free(taken);
    return problem;
}

static const char *records_problem(const struct am_ledger *ledger) {
    const char *problem = NULL;
    for (uint32_t cell = 0; cell < ledger->header->records_used && !problem; cell++)
        problem = record_problem(ledger, cell);
    for (uint32_t i = 0; i < ledger->header->limits_used && !problem; i++)
        problem = limit_problem(ledger, &ledger->limits[i]);
    if (!problem)
        problem = directory_problem(ledger);
    return problem ? problem : free_problem(ledger);
}

/* ---- pools and zones --------------------------------------------------------------------------
 */

static const char *schedule_problem(const struct am_ledger *ledger,
                                    const struct am_ledger_schedule *schedule) {
    const struct am_ledger_live_header *header = ledger->header;
    if (!index_or_none(schedule->curve, header->pools[AM_LEDGER_POOL_CURVES].used) ||
        !index_or_none(schedule->hours, header->pools[AM_LEDGER_POOL_HOURS].used) ||
        schedule->zone >= header->zones_used || schedule->hours_zone >= header->zones_used)
        return "a schedule has no curve, hours or zone";
    return NULL;
}

static const struct am_ledger_item *
item_at(const struct am_ledger *ledger, unsigned pool, uint32_t index) {
    return (const struct am_ledger_item *)(const void *)(ledger->pools[pool] +
                                                         index * am_ledger_live_item_size(
                                                                     (enum am_ledger_pool_id)pool));
}

static const char *
chain_problem(const struct am_ledger *ledger, unsigned pool, uint32_t first, uint32_t *seen) {
    uint32_t used = ledger->header->pools[pool].used;
    for (uint32_t at = first; at != AM_LEDGER_NO_INDEX; at = item_at(ledger, pool, at)->next)
        if (at >= used || (*seen)++ >= used)
            return "the items of a pool lead nowhere, or in a circle";
    return NULL;
}

static const char *pool_problem(const struct am_ledger *ledger, unsigned pool) {
    uint32_t seen = 0;
    const char *problem = chain_problem(ledger, pool, ledger->header->pools[pool].free, &seen);
    for (uint32_t i = 0, count = am_ledger_pool_heads(ledger, (enum am_ledger_pool_id)pool);
         i < count && !problem; i++)
        problem = chain_problem(ledger, pool, ledger->heads[pool][i], &seen);
    return problem;
}

static const char *zone_problem(const struct am_ledger_zone *zone) {
    if (!memchr(zone->name, '\0', AM_LEDGER_LIVE_ZONE_NAME))
        return "a time zone has no name";
    if (!is_time(zone->start) || !is_time(zone->end) || !is_time(zone->next_end) ||
        !is_day(zone->day) || !is_day(zone->next_day) ||
        zone->offset < -AM_LEDGER_LIVE_OFFSET_MAX || zone->offset > AM_LEDGER_LIVE_OFFSET_MAX)
        return "a time zone's day is of no time";
    return NULL;
}

/* What items refer to. */
static const char *items_problem(const struct am_ledger *ledger) {
    const struct am_ledger_live_header *header = ledger->header;
    const char *problem = NULL;
    for (uint32_t i = 0; i < header->pools[AM_LEDGER_POOL_SCHEDULES].used && !problem; i++)
        problem = schedule_problem(
            ledger, am_ledger_pool_at(ledger, AM_LEDGER_POOL_SCHEDULES, am_ledger_schedule, i));
    for (uint32_t i = 1; i < header->pools[AM_LEDGER_POOL_CAP_SETS].used && !problem; i++)
        if (am_ledger_pool_at(ledger, AM_LEDGER_POOL_CAP_SETS, am_ledger_cap_set, i)->count >
            AM_LEDGER_CAPS_MAX)
            problem = "a set of caps has too many";
    for (uint32_t i = 0; i < header->zones_used && !problem; i++)
        problem = zone_problem(&ledger->zones[i]);
    return problem;
}

/* How they are found. */
static const char *chains_problem(const struct am_ledger *ledger) {
    const char *problem = NULL;
    for (unsigned pool = 0; pool < AM_LEDGER_POOLS && !problem; pool++)
        problem = pool_problem(ledger, pool);
    return problem;
}

/* ---- slots ------------------------------------------------------------------------------------
 */

static const char *slots_problem(const struct am_ledger *ledger) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_ledger_slot *slot = &ledger->slots[number];
        uint64_t tail = AM_LEDGER_GET(slot->tail), head = AM_LEDGER_GET_ACQUIRE(slot->head);
        if (AM_LEDGER_GET(slot->state) > AM_LEDGER_SLOT_UNFINISHED ||
            AM_LEDGER_GET(slot->member) >= AM_LEDGER_LIVE_MEMBERS ||
            head - tail > AM_LEDGER_LIVE_QUEUE)
            return "a worker's slot makes no sense";
    }
    return NULL;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static int lock_soon(pthread_mutex_t *lock) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOCK_SECONDS;
    return pthread_mutex_timedlock(lock, &until);
}

static const char *problem_of(struct am_ledger *ledger) {
    const char *problem = header_problem(ledger);
    if (!problem)
        problem = slots_problem(ledger);
    if (!problem)
        problem = items_problem(ledger);
    if (!problem)
        problem = records_problem(ledger);
    if (!problem && ledger->header->pools_dirty)
        am_ledger_pool_sweep(ledger); /* a sweep was begun and not ended */
    if (!problem)
        problem = texts_problem(ledger);
    return problem ? problem : chains_problem(ledger);
}

const char *am_ledger_verify(struct am_ledger *ledger) {
    const char *problem = redo_problem(ledger);
    if (problem)
        return problem;
    int status = lock_soon(&ledger->header->lock);
    if (status && status != EOWNERDEAD)
        return "its lock cannot be taken";
    if (status == EOWNERDEAD)
        am_ledger_redo_again(ledger);
    problem = ledger->header->redo.valid || ledger->header->redo.count
                  ? "a change was begun and not ended"
                  : problem_of(ledger);
    if (status == EOWNERDEAD)
        pthread_mutex_consistent(&ledger->header->lock);
    pthread_mutex_unlock(&ledger->header->lock);
    return problem;
}
