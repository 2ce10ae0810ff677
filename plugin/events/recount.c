/* SPDX-License-Identifier: Apache-2.0 */
#include "recount.h"

#include <stdlib.h>

#include "../base/hash.h"
#include "lane.h"

enum { DAY_SECONDS = 86400 };

int64_t am_journal_day(const struct am_timezone *zone, int64_t time) {
    int64_t local = time + am_timezone_offset(zone, time);
    return local / DAY_SECONDS - (local % DAY_SECONDS < 0);
}

/* ---- sums by record ---- */

struct record_key {
    enum am_ledger_kind kind;
    struct am_view id;
};

static struct am_journal_sum *sum_at(const struct am_journal_recount *recount, uint32_t index) {
    return AM_VECTOR_AT(&recount->sums, struct am_journal_sum, index);
}

static bool is_equal(const void *context, uint32_t index, const void *key_bytes) {
    const struct record_key *key = key_bytes;
    const struct am_journal_sum *sum = sum_at(context, index);
    return sum->kind == key->kind && am_view_equal(sum->id, key->id);
}

static struct am_keyed_hash hash_of(const struct record_key *key) {
    return am_keyed_hash_pair(am_keyed_hash(key->id).value, (uint64_t)key->kind);
}

/* The record's sum, made where there is none. NULL when memory runs out. */
static struct am_journal_sum *
sum_of(struct am_journal_recount *recount, enum am_ledger_kind kind, struct am_view id) {
    struct record_key key = {kind, id};
    struct am_intern_slot *slot =
        am_intern_find(&recount->table, hash_of(&key), is_equal, recount, &key);
    if (!slot)
        return NULL;
    if (slot->id != UINT32_MAX)
        return sum_at(recount, slot->id);
    struct am_journal_sum sum = {.kind = kind,
                                 .id = am_arena_copy(&recount->arena, id),
                                 .day = INT64_MIN,
                                 .freed = INT64_MIN,
                                 .made = INT64_MIN};
    if (!sum.id.data || !am_vector_push(&recount->sums, &sum))
        return NULL;
    slot->id = (uint32_t)recount->sums.count - 1;
    return sum_at(recount, slot->id);
}

const struct am_journal_sum *am_journal_recount_find(const struct am_journal_recount *recount,
                                                     enum am_ledger_kind kind,
                                                     struct am_view id) {
    struct record_key key = {kind, id};
    uint32_t found = am_intern_get(&recount->table, hash_of(&key), is_equal, recount, &key);
    return found == UINT32_MAX ? NULL : sum_at(recount, found);
}

void am_journal_sum_of_day(const struct am_journal_sum *sum,
                           int64_t day,
                           int64_t today[AM_LEDGER_UNITS]) {
    memset(today, 0, AM_LEDGER_UNITS * sizeof *today);
    if (sum->day == day)
        memcpy(today, sum->today, AM_LEDGER_UNITS * sizeof *today);
}

/* ---- adding lines ---- */

struct counting {
    const struct am_journal_recount_options *options;
    struct am_journal_recount *recount;
    bool again; /* only for records that were made anew after they had been freed */
    bool failed;
};

/* An event counts on the day it comes; one that comes before the latest day belongs to no today. */
static void add(struct am_journal_sum *sum, const int64_t amounts[AM_LEDGER_UNITS], int64_t time) {
    int64_t day = am_journal_day(sum->zone, time / AM_JOURNAL_SECOND);
    if (day > sum->day) {
        memset(sum->today, 0, sizeof sum->today);
        sum->day = day;
    }
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        sum->total[unit] += amounts[unit];
        if (day == sum->day)
            sum->today[unit] += amounts[unit];
    }
}

static bool was_made_anew(const struct am_journal_sum *sum) {
    return sum->freed != INT64_MIN && sum->made > sum->freed;
}

static void add_amounts(struct counting *counting,
                        const struct am_journal_record *record,
                        const struct am_journal_amounts *added,
                        int64_t time) {
    static const enum am_journal_member members[AM_LEDGER_KINDS] = {
        [AM_LEDGER_ADVERTISER] = AM_JOURNAL_M_ADVERTISER,
        [AM_LEDGER_CAMPAIGN] = AM_JOURNAL_M_CAMPAIGN,
        [AM_LEDGER_AD] = AM_JOURNAL_M_AD,
    };
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        char memory[AM_JOURNAL_ID_MEMORY];
        struct am_view id = am_journal_id(record->values[members[kind]], memory);
        if (!id.size || (kind == AM_LEDGER_AD && !added->ad))
            continue;
        struct am_journal_sum *sum = sum_of(counting->recount, (enum am_ledger_kind)kind, id);
        if (!sum)
            counting->failed = true;
        else if (!counting->again || (was_made_anew(sum) && time >= sum->made))
            add(sum, added->amounts, time);
    }
}

static void
note_record(struct counting *counting, const struct am_journal_record *record, int64_t time) {
    char memory[AM_JOURNAL_ID_MEMORY];
    enum am_ledger_kind kind = am_journal_ledger_kind(record->values[AM_JOURNAL_M_KIND]);
    struct am_view id = am_journal_id(record->values[AM_JOURNAL_M_ID], memory);
    struct am_view change = record->values[AM_JOURNAL_M_CHANGE];
    if (kind == AM_LEDGER_KINDS || !id.size)
        return;
    struct am_journal_sum *sum = sum_of(counting->recount, kind, id);
    if (!sum)
        counting->failed = true;
    else if (am_view_equal(change, AM_VIEW("\"made\"")) && time > sum->made)
        sum->made = time;
    else if (am_view_equal(change, AM_VIEW("\"freed\"")) && time > sum->freed)
        sum->freed = time;
}

static bool has_outcome(enum am_journal_kind kind) {
    return kind >= AM_JOURNAL_IMPRESSION && kind <= AM_JOURNAL_LOSS;
}

static void check_place(struct counting *counting,
                        const struct am_journal_record *record,
                        const struct am_journal_walked *line) {
    char memory[AM_JOURNAL_NAME_SIZE + 32];
    struct am_view n = record->values[AM_JOURNAL_M_N];
    uint32_t lane;
    uint64_t number, offset;
    if (n.size > sizeof memory ||
        !am_journal_place_read(am_journal_text(n, memory), &lane, &number, &offset) ||
        lane != line->lane || number != line->begin.number || offset != line->begin.offset)
        counting->recount->misplaced++;
}

static bool count_line(void *context, const struct am_journal_walked *line) {
    struct counting *counting = context;
    struct am_journal_recount *recount = counting->recount;
    struct am_journal_record record;
    struct am_journal_amounts added;
    int64_t time;
    enum am_journal_kind kind = am_journal_peek(line->text);
    if (kind == AM_JOURNAL_DECISION || kind == AM_JOURNAL_COUNTERS)
        return true;
    if (!am_journal_scan(line->text, &record) || !am_journal_time(&record, &time)) {
        recount->unreadable += !counting->again;
        return true;
    }
    kind = am_journal_kind(&record);
    if (am_journal_amounts(kind, &record, &added))
        add_amounts(counting, &record, &added, time);
    if (counting->again)
        return !counting->failed;
    check_place(counting, &record, line);
    if (kind == AM_JOURNAL_CELL)
        note_record(counting, &record, time);
    if (has_outcome(kind) && am_journal_outcome(&record) < AM_EVENT_OUTCOMES)
        recount->events[kind][am_journal_outcome(&record)]++;
    return !counting->failed;
}

/* ---- the whole ---- */

static bool take_cell(void *context, const struct am_journal_cell *cell) {
    struct counting *counting = context;
    struct am_journal_sum *sum = sum_of(counting->recount, cell->kind, cell->id);
    if (!sum)
        return false;
    if (counting->options->zones && cell->zone.size)
        sum->zone = am_timezone_find(counting->options->zones, cell->zone);
    memcpy(sum->total, cell->total, sizeof sum->total);
    memcpy(sum->today, cell->today, sizeof sum->today);
    sum->day = cell->day;
    return true;
}

/* What is known of the zones without counters: that of the ledger, where it is given. */
static bool take_zones(struct counting *counting) {
    const struct am_ledger_counts *counts = counting->options->until;
    for (uint32_t i = 0; counts && counting->options->zones && i < counts->record_count; i++) {
        const struct am_ledger_count_of *record = &counts->records[i];
        struct am_journal_sum *sum = sum_of(counting->recount, record->kind, record->id);
        if (!sum)
            return false;
        struct am_view zone = am_ledger_zone(counting->options->ledger, record->cell);
        if (zone.size)
            sum->zone = am_timezone_find(counting->options->zones, zone);
    }
    return true;
}

static bool any_made_anew(const struct am_journal_recount *recount) {
    bool any = false;
    for (size_t i = 0; i < recount->sums.count; i++) {
        struct am_journal_sum *sum = sum_at(recount, (uint32_t)i);
        if (sum->freed == INT64_MIN)
            continue;
        memset(sum->total, 0, sizeof sum->total);
        memset(sum->today, 0, sizeof sum->today);
        any |= was_made_anew(sum);
    }
    return any;
}

static enum am_code
walk(struct counting *counting, const struct am_journal_bounds *bounds, struct am_error *error) {
    struct am_journal_recount *recount = counting->recount;
    struct am_journal_walk_report report;
    enum am_code code = am_journal_walk(counting->options->folder, bounds, count_line, counting,
                                        &recount->report, error);
    if (code == AM_OK && any_made_anew(recount)) {
        counting->again = true;
        code = am_journal_walk(counting->options->folder, bounds, count_line, counting, &report,
                               error);
    }
    return counting->failed ? am_error_set(error, AM_E_MEMORY, "no memory for recounting the log")
                            : code;
}

static void set_bounds(const struct am_ledger_counts *until, struct am_journal_position *to) {
    for (uint32_t lane = 0; lane < AM_JOURNAL_MAX_LANES; lane++)
        to[lane] = until ? (struct am_journal_position){0, 0}
                         : (struct am_journal_position){UINT64_MAX, UINT64_MAX};
    for (uint32_t i = 0; until && i < until->position_count; i++)
        if (until->positions[i].slot < AM_JOURNAL_MAX_LANES)
            to[until->positions[i].slot] = (struct am_journal_position){
                until->positions[i].position.file, until->positions[i].position.offset};
}

/* With counters, lines of lanes that they do not name came after them. */
static uint64_t kept_from(const struct am_journal_set *set) {
    int64_t cut;
    struct am_view text = {set->cut, AM_JOURNAL_TIME_SIZE};
    return set->found && am_journal_time_read(text, &cut)
               ? am_journal_number(am_journal_hour(cut), 0)
               : 0;
}

enum am_code am_journal_recount(const struct am_journal_recount_options *options,
                                struct am_journal_recount *recount,
                                struct am_error *error) {
    struct counting counting = {options, recount, false, false};
    struct am_journal_position *from = calloc((size_t)2 * AM_JOURNAL_MAX_LANES, sizeof *from);
    *recount = (struct am_journal_recount){.sums = AM_VECTOR_OF(struct am_journal_sum),
                                           .arena = AM_ARENA_EMPTY};
    if (!from || !take_zones(&counting)) {
        free(from);
        return am_error_set(error, AM_E_MEMORY, "no memory for recounting the log");
    }
    struct am_journal_position *to = from + AM_JOURNAL_MAX_LANES;
    set_bounds(options->until, to);
    enum am_code code = AM_OK;
    if (options->start)
        recount->set = *options->start;
    else if (!options->whole)
        code = am_journal_find_set(options->folder, INT64_MAX, &recount->set, error);
    if (code == AM_OK && recount->set.found)
        code = am_journal_read_set(options->folder, &recount->set, from, AM_JOURNAL_MAX_LANES,
                                   take_cell, &counting, error);
    struct am_journal_bounds bounds = {
        .from = from, .to = to, .count = AM_JOURNAL_MAX_LANES, .kept = kept_from(&recount->set)};
    if (code == AM_OK)
        code = walk(&counting, &bounds, error);
    free(from);
    return code;
}

void am_journal_recount_free(struct am_journal_recount *recount) {
    am_vector_free(&recount->sums);
    am_intern_free(&recount->table);
    am_arena_free(&recount->arena);
}

/* ---- comparing ---- */

static bool is_zero(const int64_t amounts[AM_LEDGER_UNITS]) {
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (amounts[unit])
            return false;
    return true;
}

static bool is_as_shown(const struct am_ledger_count_of *shown, const struct am_journal_sum *sum) {
    int64_t today[AM_LEDGER_UNITS] = {0};
    if (!sum)
        return is_zero(shown->total);
    am_journal_sum_of_day(sum, shown->day, today);
    return memcmp(shown->total, sum->total, sizeof sum->total) == 0 &&
           memcmp(shown->today, today, sizeof today) == 0;
}

uint64_t am_journal_recount_compare(const struct am_journal_recount *recount,
                                    const struct am_ledger_counts *counts,
                                    am_journal_differs *differs,
                                    void *context) {
    uint64_t count = 0, found = 0;
    bool *seen = calloc(recount->sums.count + 1, sizeof *seen);
    for (uint32_t i = 0; i < counts->record_count; i++) {
        const struct am_ledger_count_of *shown = &counts->records[i];
        const struct am_journal_sum *sum = am_journal_recount_find(recount, shown->kind, shown->id);
        found += sum != NULL;
        if (sum && seen)
            seen[sum - sum_at(recount, 0)] = true;
        if (is_as_shown(shown, sum))
            continue;
        count++;
        differs(context, shown, sum);
    }
    for (size_t i = 0; seen && found < recount->sums.count && i < recount->sums.count; i++) {
        const struct am_journal_sum *sum = sum_at(recount, (uint32_t)i);
        if (seen[i] || is_zero(sum->total))
            continue;
        count++;
        differs(context, NULL, sum);
    }
    free(seen);
    return count;
}
