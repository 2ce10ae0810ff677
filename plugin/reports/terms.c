/* SPDX-License-Identifier: Apache-2.0 */
#include "terms.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "places.h"

enum { MOST_KEPT = AM_BUFFER_SIZE(1 << 16, 4), NUMBER_BITS = 24, DAY_BITS = 8 };
enum { NUMBER_MASK = (1 << NUMBER_BITS) - 1, DAY_MASK = (1 << DAY_BITS) - 1 };

struct term_row {
    struct am_report_term key; /* its texts are in the arena */
    int64_t id;
};

struct term_count {
    int64_t id;
    int64_t values[AM_REPORT_TERM_SUMS];
};

struct term_day {
    int64_t day, terms, rows; /* "(other)" and "(unknown)" are rows and no terms */
    bool changed;
};

void am_report_terms_init(struct am_report_terms *terms,
                          struct am_report_store *store,
                          uint64_t most_a_day) {
    *terms = (struct am_report_terms){.store = store,
                                      .most_a_day = most_a_day,
                                      .rows = AM_VECTOR_OF(struct term_row),
                                      .counts = AM_VECTOR_OF(struct term_count),
                                      .days = AM_VECTOR_OF(struct term_day),
                                      .scratch = AM_VECTOR_OF(char),
                                      .arena = AM_ARENA_EMPTY};
}

static void clear_rows(struct am_report_terms *terms) {
    am_intern_free(&terms->rows_table);
    am_vector_free(&terms->rows);
    am_arena_free(&terms->arena);
}

void am_report_terms_clear(struct am_report_terms *terms) {
    clear_rows(terms);
    am_intern_free(&terms->counts_table);
    am_vector_free(&terms->counts);
    am_vector_free(&terms->days);
}

void am_report_terms_free(struct am_report_terms *terms) {
    am_report_terms_clear(terms);
    am_vector_free(&terms->scratch);
}

static enum am_code no_memory(struct am_error *error) {
    return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
}

/* ---- from queries to terms ---- */

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* In place; returns the size. */
static size_t squeeze(char *text, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < size; i++)
        if (!is_space(text[i]))
            text[kept++] = text[i];
        else if (kept && text[kept - 1] != ' ')
            text[kept++] = ' ';
    return kept - (kept && text[kept - 1] == ' ');
}

/* Characters beyond ASCII; false when memory runs out. Text that is no UTF-8 stays as it is. */
static bool fold_unicode(struct am_vector *scratch) {
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t size = utf8proc_map(scratch->data, (utf8proc_ssize_t)scratch->count, &folded,
                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                             UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    if (size < 0)
        return size != UTF8PROC_ERROR_NOMEM;
    scratch->count = 0;
    char *place = am_vector_extend(scratch, (size_t)size + 1);
    if (place)
        memcpy(place, folded, (size_t)size + 1);
    free(folded);
    scratch->count -= place != NULL;
    return place != NULL;
}

struct am_view am_report_terms_fold(struct am_report_terms *terms, struct am_view query) {
    bool ascii = true;
    terms->scratch.count = 0;
    char *text = am_vector_extend(&terms->scratch, query.size + 1);
    if (!text)
        return (struct am_view){NULL, 0};
    terms->scratch.count--;
    for (size_t i = 0; i < query.size; i++) {
        char byte = query.data[i];
        ascii &= (unsigned char)byte < 0x80;
        text[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
    }
    if (!ascii && !fold_unicode(&terms->scratch))
        return (struct am_view){NULL, 0};
    text = terms->scratch.data;
    return (struct am_view){text, squeeze(text, terms->scratch.count)};
}

/* ---- days ---- */

static struct term_day *day_of(struct am_report_terms *terms, int64_t day, struct am_error *error) {
    for (size_t i = terms->days.count; i > 0; i--) {
        struct term_day *known = AM_VECTOR_AT(&terms->days, struct term_day, i - 1);
        if (known->day == day)
            return known;
    }
    bool row;
    struct term_day found = {.day = day};
    sqlite3_stmt *statement = am_report_store_get(terms->store, AM_REPORT_DAY, error);
    if (!statement)
        return NULL;
    sqlite3_bind_int64(statement, 1, day);
    if (am_report_store_step(terms->store, statement, &row, error) != AM_OK)
        return NULL;
    if (row) {
        found.terms = sqlite3_column_int64(statement, 0);
        found.rows = sqlite3_column_int64(statement, 1);
    }
    sqlite3_reset(statement);
    if (!am_vector_push(&terms->days, &found)) {
        no_memory(error);
        return NULL;
    }
    return AM_VECTOR_AT(&terms->days, struct term_day, terms->days.count - 1);
}

static enum am_code flush_days(struct am_report_terms *terms, struct am_error *error) {
    enum am_code code = AM_OK;
    for (size_t i = 0; code == AM_OK && i < terms->days.count; i++) {
        const struct term_day *day = AM_VECTOR_AT(&terms->days, struct term_day, i);
        const int64_t numbers[] = {day->day, day->terms, day->rows};
        if (day->changed)
            code = am_report_store_run(terms->store, AM_REPORT_DAY_PUT, numbers,
                                       AM_COUNT_OF(numbers), error);
    }
    terms->days.count = 0;
    return code;
}

/* ---- rows ---- */

static bool is_row(const void *context, uint32_t index, const void *key_bytes) {
    const struct am_report_terms *terms = context;
    const struct am_report_term *key = key_bytes;
    const struct am_report_term *known = &AM_VECTOR_AT(&terms->rows, struct term_row, index)->key;
    return known->day == key->day && known->subject == key->subject &&
           am_view_equal(known->text, key->text) && am_view_equal(known->field, key->field);
}

static struct am_keyed_hash hash_of(const struct am_report_term *key) {
    uint64_t place = am_keyed_hash_pair((uint64_t)key->day, (uint64_t)key->subject).value;
    uint64_t texts =
        am_keyed_hash_pair(am_keyed_hash(key->text).value, am_keyed_hash(key->field).value).value;
    return am_keyed_hash_pair(place, texts);
}

static void bind_term(sqlite3_stmt *statement, int first, const struct am_report_term *term) {
    sqlite3_bind_int64(statement, first, term->day);
    sqlite3_bind_int64(statement, first + 1, term->subject);
    am_report_store_bind(statement, first + 2, term->text);
    am_report_store_bind(statement, first + 3, term->field);
}

/* *id is 0 when there is none. */
static enum am_code select_row(struct am_report_terms *terms,
                               const struct am_report_term *term,
                               int64_t *id,
                               struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(terms->store, AM_REPORT_TERM, error);
    *id = 0;
    if (!statement)
        return AM_E_IO;
    bind_term(statement, 1, term);
    enum am_code code = am_report_store_step(terms->store, statement, &row, error);
    if (code == AM_OK && row)
        *id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code;
}

static enum am_code insert_row(struct am_report_terms *terms,
                               const struct am_report_term *term,
                               struct term_day *day,
                               bool counts,
                               int64_t *id,
                               struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(terms->store, AM_REPORT_TERM_PUT, error);
    *id = 0;
    if (!statement)
        return AM_E_IO;
    if (day->rows >= NUMBER_MASK - 1)
        return AM_OK;
    day->rows++;
    day->terms += counts;
    day->changed = true;
    *id = (int64_t)((uint64_t)term->day << NUMBER_BITS | (uint64_t)day->rows);
    sqlite3_bind_int64(statement, 1, *id);
    bind_term(statement, 2, term);
    return am_report_store_step(terms->store, statement, &row, error);
}

/* `counts`: a new row is one of the day's terms. */
static enum am_code find_or_make(struct am_report_terms *terms,
                                 const struct am_report_term *term,
                                 bool counts,
                                 int64_t *id,
                                 struct am_error *error) {
    struct term_day *day = day_of(terms, term->day, error);
    if (!day)
        return AM_E_IO;
    enum am_code code = select_row(terms, term, id, error);
    if (code != AM_OK || *id)
        return code;
    if (!counts || (uint64_t)day->terms < terms->most_a_day)
        return insert_row(terms, term, day, counts, id, error);
    const struct am_report_term other = {term->day, term->subject, AM_VIEW("(other)"), AM_VIEW("")};
    code = select_row(terms, &other, id, error);
    return code != AM_OK || *id ? code : insert_row(terms, &other, day, false, id, error);
}

static enum am_code find_row(struct am_report_terms *terms,
                             const struct am_report_term *term,
                             bool counts,
                             int64_t *id,
                             struct am_error *error) {
    if (terms->rows.count >= MOST_KEPT)
        clear_rows(terms);
    struct am_intern_slot *slot =
        am_intern_find(&terms->rows_table, hash_of(term), is_row, terms, term);
    if (!slot)
        return no_memory(error);
    if (slot->id != UINT32_MAX) {
        *id = AM_VECTOR_AT(&terms->rows, struct term_row, slot->id)->id;
        return AM_OK;
    }
    enum am_code code = find_or_make(terms, term, counts, id, error);
    if (code != AM_OK)
        return code;
    struct term_row found = {*term, *id};
    found.key.text = am_arena_copy(&terms->arena, term->text);
    found.key.field = am_arena_copy(&terms->arena, term->field);
    if (!found.key.text.data || !found.key.field.data || !am_vector_push(&terms->rows, &found))
        return no_memory(error);
    slot->id = (uint32_t)terms->rows.count - 1;
    return AM_OK;
}

enum am_code am_report_terms_find(struct am_report_terms *terms,
                                  const struct am_report_term *term,
                                  int64_t *id,
                                  struct am_error *error) {
    return find_row(terms, term, true, id, error);
}

/* ---- entries of placements ---- */

uint32_t am_report_terms_entry(int64_t id) {
    uint64_t day = (uint64_t)id >> NUMBER_BITS & DAY_MASK;
    return id ? (uint32_t)(day << NUMBER_BITS | ((uint64_t)id & NUMBER_MASK))
              : AM_REPORT_PLACE_UNKNOWN;
}

static int64_t id_of(uint32_t entry, int64_t day) {
    int64_t back = (day - (int64_t)(entry >> NUMBER_BITS)) & DAY_MASK;
    return (int64_t)((uint64_t)(day - back) << NUMBER_BITS | (entry & NUMBER_MASK));
}

static enum am_code unknown_row(struct am_report_terms *terms,
                                int64_t day,
                                int64_t subject,
                                int64_t *id,
                                struct am_error *error) {
    const struct am_report_term unknown = {day, subject, AM_VIEW("(unknown)"), AM_VIEW("")};
    return find_row(terms, &unknown, false, id, error);
}

static struct am_view column(sqlite3_stmt *statement, int number) {
    const char *text = (const char *)sqlite3_column_text(statement, number);
    return (struct am_view){text, (size_t)sqlite3_column_bytes(statement, number)};
}

/* The row of the event's day that is like the row of the decision's. */
static enum am_code row_of_day(struct am_report_terms *terms,
                               int64_t decided,
                               int64_t day,
                               int64_t subject,
                               int64_t *id,
                               struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(terms->store, AM_REPORT_TERM_OF, error);
    if (!statement)
        return AM_E_IO;
    sqlite3_bind_int64(statement, 1, decided);
    enum am_code code = am_report_store_step(terms->store, statement, &row, error);
    if (code == AM_OK && row) {
        const struct am_report_term term = {day, sqlite3_column_int64(statement, 0),
                                            column(statement, 1), column(statement, 2)};
        code = am_report_terms_find(terms, &term, id, error);
    }
    sqlite3_reset(statement);
    return code == AM_OK && !row ? unknown_row(terms, day, subject, id, error) : code;
}

enum am_code am_report_terms_of_entry(struct am_report_terms *terms,
                                      uint32_t entry,
                                      int64_t day,
                                      int64_t subject,
                                      int64_t *id,
                                      struct am_error *error) {
    *id = 0;
    if (entry == AM_REPORT_PLACE_NO_QUERY)
        return AM_OK;
    if (entry == AM_REPORT_PLACE_UNKNOWN)
        return unknown_row(terms, day, subject, id, error);
    int64_t decided = id_of(entry, day);
    if (decided >> NUMBER_BITS != day)
        return row_of_day(terms, decided, day, subject, id, error);
    *id = decided;
    return AM_OK;
}

/* ---- counts ---- */

static bool is_count(const void *context, uint32_t index, const void *key) {
    const struct am_report_terms *terms = context;
    return AM_VECTOR_AT(&terms->counts, struct term_count, index)->id == *(const int64_t *)key;
}

static int by_id(const void *a, const void *b) {
    const struct term_count *first = a, *second = b;
    return (first->id > second->id) - (first->id < second->id);
}

static enum am_code flush_counts(struct am_report_terms *terms, struct am_error *error) {
    enum am_code code = AM_OK;
    if (terms->counts.count)
        qsort(terms->counts.data, terms->counts.count, sizeof(struct term_count), by_id);
    for (size_t i = 0; code == AM_OK && i < terms->counts.count; i++) {
        const struct term_count *count = AM_VECTOR_AT(&terms->counts, struct term_count, i);
        int64_t numbers[1 + AM_REPORT_TERM_SUMS] = {count->id};
        memcpy(numbers + 1, count->values, sizeof count->values);
        code = am_report_store_run(terms->store, AM_REPORT_TERM_ADD, numbers, AM_COUNT_OF(numbers),
                                   error);
    }
    am_intern_free(&terms->counts_table);
    am_vector_free(&terms->counts);
    return code;
}

enum am_code am_report_terms_add(struct am_report_terms *terms,
                                 int64_t id,
                                 const int64_t added[AM_REPORT_TERM_SUMS],
                                 struct am_error *error) {
    if (terms->counts.count >= MOST_KEPT) {
        enum am_code code = flush_counts(terms, error);
        if (code != AM_OK)
            return code;
    }
    struct am_intern_slot *slot = am_intern_find(
        &terms->counts_table, am_keyed_hash_pair((uint64_t)id, 1), is_count, terms, &id);
    struct term_count fresh = {.id = id};
    if (slot && slot->id == UINT32_MAX && am_vector_push(&terms->counts, &fresh))
        slot->id = (uint32_t)terms->counts.count - 1;
    if (!slot || slot->id == UINT32_MAX)
        return no_memory(error);
    struct term_count *count = AM_VECTOR_AT(&terms->counts, struct term_count, slot->id);
    for (int i = 0; i < AM_REPORT_TERM_SUMS; i++)
        count->values[i] += added[i];
    return AM_OK;
}

enum am_code am_report_terms_flush(struct am_report_terms *terms, struct am_error *error) {
    enum am_code code = flush_days(terms, error);
    return code == AM_OK ? flush_counts(terms, error) : code;
}
