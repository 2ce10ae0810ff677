/* SPDX-License-Identifier: Apache-2.0 */
#include "subjects.h"

#include "../events/scan.h"

enum { MOST_KEPT = AM_BUFFER_SIZE(1 << 19, 8) };

struct subject {
    struct am_view written; /* the members, each with a NUL behind it */
    int64_t id;
};

void am_report_subjects_init(struct am_report_subjects *subjects, struct am_report_store *store) {
    *subjects = (struct am_report_subjects){.store = store,
                                            .items = AM_VECTOR_OF(struct subject),
                                            .scratch = AM_VECTOR_OF(char),
                                            .arena = AM_ARENA_EMPTY};
}

void am_report_subjects_clear(struct am_report_subjects *subjects) {
    am_intern_free(&subjects->table);
    am_vector_free(&subjects->items);
    am_arena_free(&subjects->arena);
}

void am_report_subjects_free(struct am_report_subjects *subjects) {
    am_report_subjects_clear(subjects);
    am_vector_free(&subjects->scratch);
}

static bool is_equal(const void *context, uint32_t index, const void *key) {
    const struct am_report_subjects *subjects = context;
    return am_view_equal(AM_VECTOR_AT(&subjects->items, struct subject, index)->written,
                         *(const struct am_view *)key);
}

/* The key of a subject, in `scratch`. An empty view where memory ran out. */
static struct am_view join(struct am_report_subjects *subjects,
                           const struct am_view parts[AM_REPORT_SUBJECT_PARTS]) {
    size_t size = AM_REPORT_SUBJECT_PARTS;
    for (int i = 0; i < AM_REPORT_SUBJECT_PARTS; i++)
        size += parts[i].size;
    subjects->scratch.count = 0;
    char *at = am_vector_extend(&subjects->scratch, size);
    struct am_view joined = {at, at ? size : 0};
    for (int i = 0; at && i < AM_REPORT_SUBJECT_PARTS; i++) {
        if (parts[i].size)
            memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size;
        *at++ = '\0';
    }
    return joined;
}

/* ---- the table ---- */

static enum am_code select_or_insert(struct am_report_store *store,
                                     const struct am_view texts[AM_REPORT_SUBJECT_PARTS],
                                     int64_t *id,
                                     struct am_error *error) {
    static const enum am_report_statement tried[] = {AM_REPORT_SUBJECT, AM_REPORT_SUBJECT_PUT};
    for (unsigned attempt = 0; attempt < AM_COUNT_OF(tried); attempt++) {
        bool row;
        sqlite3_stmt *statement = am_report_store_get(store, tried[attempt], error);
        if (!statement)
            return AM_E_IO;
        for (int i = 0; i < AM_REPORT_SUBJECT_PARTS; i++)
            am_report_store_bind(statement, i + 1, texts[i]);
        enum am_code code = am_report_store_step(store, statement, &row, error);
        if (code != AM_OK)
            return code;
        if (row) {
            *id = sqlite3_column_int64(statement, 0);
            sqlite3_reset(statement);
            return AM_OK;
        }
    }
    *id = sqlite3_last_insert_rowid(store->database);
    return AM_OK;
}

/* Decodes the members into memory of its own. */
static enum am_code find_row(const struct am_report_subjects *subjects,
                             const struct am_view parts[AM_REPORT_SUBJECT_PARTS],
                             size_t size,
                             int64_t *id,
                             struct am_error *error) {
    struct am_view texts[AM_REPORT_SUBJECT_PARTS];
    char *memory = malloc(size), *at = memory;
    if (!memory)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    for (int i = 0; i < AM_REPORT_SUBJECT_PARTS; i++) {
        texts[i] = am_journal_text(parts[i], at);
        at += parts[i].size;
    }
    enum am_code code = select_or_insert(subjects->store, texts, id, error);
    free(memory);
    return code;
}

enum am_code am_report_subjects_find(struct am_report_subjects *subjects,
                                     const struct am_view parts[AM_REPORT_SUBJECT_PARTS],
                                     int64_t *id,
                                     struct am_error *error) {
    if (subjects->items.count >= MOST_KEPT)
        am_report_subjects_clear(subjects);
    struct am_view key = join(subjects, parts);
    struct am_intern_slot *slot =
        key.size ? am_intern_find(&subjects->table, am_keyed_hash(key), is_equal, subjects, &key)
                 : NULL;
    if (!slot)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    if (slot->id != UINT32_MAX) {
        *id = AM_VECTOR_AT(&subjects->items, struct subject, slot->id)->id;
        return AM_OK;
    }
    enum am_code code = find_row(subjects, parts, key.size, id, error);
    if (code != AM_OK)
        return code;
    struct subject subject = {am_arena_copy(&subjects->arena, key), *id};
    if (!subject.written.data || !am_vector_push(&subjects->items, &subject))
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    slot->id = (uint32_t)subjects->items.count - 1;
    return AM_OK;
}
