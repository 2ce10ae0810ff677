/* SPDX-License-Identifier: Apache-2.0 */
#include "places.h"

#include <stdlib.h>

enum { SEGMENT_BITS = 12, SEGMENT = 1 << SEGMENT_BITS, MOST_KEPT = AM_BUFFER_SIZE(2048, 2) };

struct segment {
    int64_t key, hour;
    bool changed;
    uint32_t terms[SEGMENT];
};

void am_report_places_init(struct am_report_places *places, struct am_report_store *store) {
    *places = (struct am_report_places){.store = store, .segments = AM_VECTOR_OF(struct segment *)};
}

static struct segment *segment_at(const struct am_report_places *places, size_t index) {
    return *AM_VECTOR_AT(&places->segments, struct segment *, index);
}

void am_report_places_clear(struct am_report_places *places) {
    for (size_t i = 0; i < places->segments.count; i++)
        free(segment_at(places, i));
    am_vector_free(&places->segments);
    am_intern_free(&places->table);
}

static bool is_equal(const void *context, uint32_t index, const void *key) {
    return segment_at(context, index)->key == *(const int64_t *)key;
}

static enum am_code
read_segment(struct am_report_store *store, struct segment *segment, struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(store, AM_REPORT_PLACES, error);
    if (!statement)
        return AM_E_IO;
    sqlite3_bind_int64(statement, 1, segment->key);
    enum am_code code = am_report_store_step(store, statement, &row, error);
    if (code == AM_OK && row) {
        const void *bytes = sqlite3_column_blob(statement, 0);
        if (bytes && sqlite3_column_bytes(statement, 0) == sizeof segment->terms)
            memcpy(segment->terms, bytes, sizeof segment->terms);
    }
    sqlite3_reset(statement);
    return code;
}

static struct segment *
take_segment(struct am_report_places *places, int64_t key, struct am_error *error) {
    struct am_intern_slot *slot = am_intern_find(
        &places->table, am_keyed_hash_pair((uint64_t)key, 0), is_equal, places, &key);
    if (slot && slot->id != UINT32_MAX)
        return segment_at(places, slot->id);
    struct segment *segment = slot ? calloc(1, sizeof *segment) : NULL;
    if (!segment || !am_vector_push(&places->segments, &segment)) {
        free(segment);
        am_error_set(error, AM_E_MEMORY, "no memory for the reports");
        return NULL;
    }
    slot->id = (uint32_t)places->segments.count - 1;
    segment->key = key;
    return read_segment(places->store, segment, error) == AM_OK ? segment : NULL;
}

uint32_t *am_report_places_at(struct am_report_places *places,
                              struct am_report_place place,
                              bool change,
                              int64_t hour,
                              struct am_error *error) {
    int64_t key = (int64_t)((uint64_t)place.host << 44 | (uint64_t)place.epoch << 28 |
                            place.sequence >> SEGMENT_BITS);
    if (places->segments.count >= MOST_KEPT) {
        if (am_report_places_flush(places, error) != AM_OK)
            return NULL;
        am_report_places_clear(places);
    }
    struct segment *segment = take_segment(places, key, error);
    if (!segment)
        return NULL;
    if (change) {
        segment->changed = true;
        segment->hour = hour > segment->hour ? hour : segment->hour;
    }
    return &segment->terms[place.sequence & (SEGMENT - 1)];
}

enum am_code am_report_places_flush(struct am_report_places *places, struct am_error *error) {
    enum am_code code = AM_OK;
    for (size_t i = 0; code == AM_OK && i < places->segments.count; i++) {
        struct segment *segment = segment_at(places, i);
        bool row;
        if (!segment->changed)
            continue;
        sqlite3_stmt *statement = am_report_store_get(places->store, AM_REPORT_PLACES_PUT, error);
        if (!statement)
            return AM_E_IO;
        sqlite3_bind_int64(statement, 1, segment->key);
        sqlite3_bind_int64(statement, 2, segment->hour);
        sqlite3_bind_blob64(statement, 3, segment->terms, sizeof segment->terms, SQLITE_STATIC);
        code = am_report_store_step(places->store, statement, &row, error);
        segment->changed = code != AM_OK;
    }
    return code;
}
