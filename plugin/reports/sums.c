/* SPDX-License-Identifier: Apache-2.0 */
#include "sums.h"

#include <stdlib.h>

enum { MOST_KEPT = AM_BUFFER_SIZE(1 << 16, 4) };

struct hour_key {
    int64_t hour, subject;
};

struct hour_sum {
    struct hour_key key;
    int64_t values[AM_REPORT_SUMS];
};

struct outcome_sum {
    struct am_report_outcome key;
    int64_t count;
};

void am_report_sums_init(struct am_report_sums *sums, struct am_report_store *store) {
    *sums = (struct am_report_sums){.store = store,
                                    .hours = AM_VECTOR_OF(struct hour_sum),
                                    .outcomes = AM_VECTOR_OF(struct outcome_sum),
                                    .arena = AM_ARENA_EMPTY};
}

void am_report_sums_clear(struct am_report_sums *sums) {
    am_intern_free(&sums->hours_table);
    am_intern_free(&sums->outcomes_table);
    am_vector_free(&sums->hours);
    am_vector_free(&sums->outcomes);
    am_arena_free(&sums->arena);
}

/* ---- hours ---- */

static bool is_hour(const void *context, uint32_t index, const void *key_bytes) {
    const struct am_report_sums *sums = context;
    const struct hour_key *key = key_bytes;
    const struct hour_sum *sum = AM_VECTOR_AT(&sums->hours, struct hour_sum, index);
    return sum->key.hour == key->hour && sum->key.subject == key->subject;
}

int64_t *am_report_sums_of(struct am_report_sums *sums,
                           int64_t hour,
                           int64_t subject,
                           struct am_error *error) {
    struct hour_key key = {hour, subject};
    if (sums->hours.count >= MOST_KEPT && am_report_sums_flush(sums, error) != AM_OK)
        return NULL;
    struct am_intern_slot *slot =
        am_intern_find(&sums->hours_table, am_keyed_hash_pair((uint64_t)hour, (uint64_t)subject),
                       is_hour, sums, &key);
    struct hour_sum fresh = {.key = key};
    if (slot && slot->id == UINT32_MAX && am_vector_push(&sums->hours, &fresh))
        slot->id = (uint32_t)sums->hours.count - 1;
    if (slot && slot->id != UINT32_MAX)
        return AM_VECTOR_AT(&sums->hours, struct hour_sum, slot->id)->values;
    am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    return NULL;
}

/* In the order of the table, so that neighbours are written one after the other. */
static int by_hour_and_subject(const void *a, const void *b) {
    const struct hour_key *first = &((const struct hour_sum *)a)->key;
    const struct hour_key *second = &((const struct hour_sum *)b)->key;
    if (first->hour != second->hour)
        return first->hour < second->hour ? -1 : 1;
    return (first->subject > second->subject) - (first->subject < second->subject);
}

static enum am_code flush_hours(struct am_report_sums *sums, struct am_error *error) {
    enum am_code code = AM_OK;
    if (sums->hours.count)
        qsort(sums->hours.data, sums->hours.count, sizeof(struct hour_sum), by_hour_and_subject);
    for (size_t i = 0; code == AM_OK && i < sums->hours.count; i++) {
        const struct hour_sum *sum = AM_VECTOR_AT(&sums->hours, struct hour_sum, i);
        int64_t numbers[2 + AM_REPORT_SUMS] = {sum->key.hour, sum->key.subject};
        memcpy(numbers + 2, sum->values, sizeof sum->values);
        code = am_report_store_run(sums->store, AM_REPORT_HOUR_ADD, numbers, AM_COUNT_OF(numbers),
                                   error);
    }
    return code;
}

/* ---- outcomes ---- */

static bool is_outcome(const void *context, uint32_t index, const void *key_bytes) {
    const struct am_report_sums *sums = context;
    const struct am_report_outcome *key = key_bytes;
    const struct am_report_outcome *known =
        &AM_VECTOR_AT(&sums->outcomes, struct outcome_sum, index)->key;
    return known->hour == key->hour && known->subject == key->subject && known->kind == key->kind &&
           known->outcome == key->outcome && am_view_equal(known->name, key->name);
}

static struct am_keyed_hash hash_of(const struct am_report_outcome *key) {
    uint64_t place = am_keyed_hash_pair((uint64_t)key->hour, (uint64_t)key->subject).value;
    uint64_t what = (uint64_t)key->kind << 8 | (uint64_t)key->outcome;
    uint64_t named = am_keyed_hash_pair(am_keyed_hash(key->name).value, what).value;
    return am_keyed_hash_pair(place, named);
}

enum am_code am_report_sums_outcome(struct am_report_sums *sums,
                                    const struct am_report_outcome *outcome,
                                    struct am_error *error) {
    if (sums->outcomes.count >= MOST_KEPT) {
        enum am_code code = am_report_sums_flush(sums, error);
        if (code != AM_OK)
            return code;
    }
    struct am_intern_slot *slot =
        am_intern_find(&sums->outcomes_table, hash_of(outcome), is_outcome, sums, outcome);
    if (slot && slot->id == UINT32_MAX) {
        struct outcome_sum fresh = {*outcome, 0};
        fresh.key.name = am_arena_copy(&sums->arena, outcome->name);
        if (fresh.key.name.data && am_vector_push(&sums->outcomes, &fresh))
            slot->id = (uint32_t)sums->outcomes.count - 1;
    }
    if (!slot || slot->id == UINT32_MAX)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    AM_VECTOR_AT(&sums->outcomes, struct outcome_sum, slot->id)->count++;
    return AM_OK;
}

static enum am_code write_outcome(struct am_report_store *store,
                                  const struct outcome_sum *sum,
                                  struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(store, AM_REPORT_OUTCOME_ADD, error);
    if (!statement)
        return AM_E_IO;
    sqlite3_bind_int64(statement, 1, sum->key.hour);
    sqlite3_bind_int64(statement, 2, sum->key.subject);
    sqlite3_bind_int64(statement, 3, sum->count);
    am_report_store_bind(statement, 4, am_journal_kind_name(sum->key.kind));
    am_report_store_bind(statement, 5, sum->key.name);
    am_report_store_bind(statement, 6, am_event_outcome_name(sum->key.outcome));
    return am_report_store_step(store, statement, &row, error);
}

enum am_code am_report_sums_flush(struct am_report_sums *sums, struct am_error *error) {
    enum am_code code = flush_hours(sums, error);
    for (size_t i = 0; code == AM_OK && i < sums->outcomes.count; i++)
        code =
            write_outcome(sums->store, AM_VECTOR_AT(&sums->outcomes, struct outcome_sum, i), error);
    am_report_sums_clear(sums);
    return code;
}
