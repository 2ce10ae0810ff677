/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    QUOTED_BYTES = 60,
    QUOTED_NUMBER_BYTES = 32,
    LABEL_SHOWN_BYTES = 6 * (AM_ID_MAX_BYTES + 16)
};

/* Avoids snprintf, which is slow: every record has a label, and hardly any is shown. */
void am_inventory_reader_label(struct am_inventory_reader *reader,
                               const char *kind,
                               struct am_view id) {
    size_t at = strlen(kind);
    memcpy(reader->label, kind, at);
    if (id.size) {
        memcpy(reader->label + at, " \"", 2);
        memcpy(reader->label + at + 2, id.data, id.size);
        reader->label[at + 2 + id.size] = '"';
        at += 3 + id.size;
    }
    reader->label[at] = '\0';
    reader->label_size = at;
}

/* A label may contain what a message must not: a NUL would end it. */
static const char *shown_label(const struct am_inventory_reader *reader, char *memory) {
    struct am_buffer shown = am_buffer_over(memory, LABEL_SHOWN_BYTES - 1);
    for (size_t i = 0; i < reader->label_size; i++) {
        unsigned char byte = (unsigned char)reader->label[i];
        char escaped[8];
        if (byte < 0x20 || byte == 0x7F)
            am_buffer_append(&shown, escaped,
                             (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", byte));
        else
            am_buffer_append(&shown, &reader->label[i], 1);
    }
    memory[shown.size] = '\0';
    return memory;
}

static void add_problem(struct am_inventory_reader *reader,
                        bool warning,
                        const char *format,
                        va_list arguments) {
    char what[AM_ERROR_MESSAGE_SIZE], label[LABEL_SHOWN_BYTES];
    struct am_error whole;
    am_error_format(what, sizeof what, format, arguments);
    am_error_set(&whole, AM_E_INVALID, "%s%s%s", shown_label(reader, label),
                 reader->label_size ? ": " : "", what);
    if (!am_inventory_report_add(reader->report, reader->line, warning, whole.message))
        reader->out_of_memory = true;
}

void am_inventory_reader_error(struct am_inventory_reader *reader, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_problem(reader, false, format, arguments);
    va_end(arguments);
    reader->bad = true;
}

void am_inventory_reader_warning(struct am_inventory_reader *reader, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_problem(reader, true, format, arguments);
    va_end(arguments);
}

void am_inventory_reader_expected(struct am_inventory_reader *reader,
                                  const char *name,
                                  const char *expected,
                                  const struct am_json_node *value) {
    am_inventory_reader_expected_meant(reader, name, expected, value, (struct am_view){"", 0});
}

void am_inventory_reader_expected_meant(struct am_inventory_reader *reader,
                                        const char *name,
                                        const char *expected,
                                        const struct am_json_node *value,
                                        struct am_view meant) {
    struct am_view raw = am_json_raw(&reader->json, value);
    am_inventory_reader_error(reader, "%s: expected %s, found " AM_QUOTED "%s%.*s%s", name,
                              expected, AM_QUOTED_ARGUMENTS(raw),
                              meant.size ? ", did you mean \"" : "", AM_VIEW_ARGUMENTS(meant),
                              meant.size ? "\"?" : "");
}

size_t am_inventory_quoted_size(struct am_view text) {
    if (text.size <= QUOTED_BYTES)
        return text.size;
    size_t size = QUOTED_BYTES;
    while (size && ((unsigned char)text.data[size] & 0xC0) == 0x80)
        size--;
    return size;
}

struct am_view am_inventory_reader_string(struct am_inventory_reader *reader,
                                          const struct am_json_node *string) {
    size_t used;
    am_poison_region(reader->decoded, reader->decoded_size);
    am_poison_clear(reader->decoded, string->size);
    struct am_view text = am_json_string(&reader->json, string, reader->decoded, &used);
    am_poison_region(reader->decoded + used, string->size - used);
    reader->decoded_size = used;
    return text;
}

struct am_view am_inventory_reader_keep_text(struct am_inventory_reader *reader,
                                             struct am_view text) {
    struct am_view kept = am_arena_copy(&reader->inventory->arena, text);
    if (!kept.data)
        reader->out_of_memory = true;
    return kept;
}

void *am_inventory_reader_keep(struct am_inventory_reader *reader, const struct am_vector *items) {
    if (items->count == 0)
        return NULL;
    void *kept = am_arena_take(&reader->inventory->arena, items->count * items->item_size);
    if (kept)
        memcpy(kept, items->data, items->count * items->item_size);
    else
        reader->out_of_memory = true;
    return kept;
}

bool am_inventory_read_text(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            size_t most,
                            struct am_view *text) {
    if (value->type != AM_JSON_STRING) {
        am_inventory_reader_expected(reader, name, "a string", value);
        return false;
    }
    struct am_view read = am_inventory_reader_string(reader, value);
    if (read.size == 0 || read.size > most) {
        char expected[64];
        snprintf(expected, sizeof expected, "a string of 1 to %zu bytes", most);
        am_inventory_reader_expected(reader, name, expected, value);
        return false;
    }
    for (size_t i = 0; i < read.size; i++)
        if ((unsigned char)read.data[i] < 0x20 || read.data[i] == 0x7F) {
            am_inventory_reader_expected(reader, name, "no control characters", value);
            return false;
        }
    *text = am_inventory_reader_keep_text(reader, read);
    return !reader->out_of_memory;
}

/* A string whose content would do without its quotes. */
static void say_quoted(struct am_inventory_reader *reader,
                       const char *name,
                       const struct am_json_node *value,
                       const char *meant) {
    struct am_view raw = am_json_raw(&reader->json, value);
    am_inventory_reader_error(reader, "%s: expected %s without quotes, found " AM_QUOTED, name,
                              meant, AM_QUOTED_ARGUMENTS(raw));
}

bool am_inventory_read_boolean(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               bool *result) {
    if (am_json_string_is(&reader->json, value, "true") ||
        am_json_string_is(&reader->json, value, "false")) {
        say_quoted(reader, name, value, "true or false");
        return false;
    }
    if (value->type != AM_JSON_TRUE && value->type != AM_JSON_FALSE) {
        am_inventory_reader_expected(reader, name, "true or false", value);
        return false;
    }
    *result = value->type == AM_JSON_TRUE;
    return true;
}

/* Whether a string holds a number, as spreadsheets write it; with a point for its comma in
 * `number`.
 */
static bool is_quoted_number(struct am_inventory_reader *reader,
                             const struct am_json_node *value,
                             unsigned places,
                             char number[QUOTED_NUMBER_BYTES]) {
    int64_t read;
    if (value->type != AM_JSON_STRING)
        return false;
    struct am_view text = am_inventory_reader_string(reader, value);
    if (text.size == 0 || text.size >= QUOTED_NUMBER_BYTES)
        return false;
    memcpy(number, text.data, text.size);
    number[text.size] = '\0';
    char *comma = strchr(number, ',');
    if (comma)
        *comma = '.';
    return am_decimal_parse_text(am_view_of(number), places, &read) == AM_OK;
}

bool am_inventory_read_number(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              unsigned places,
                              int64_t least,
                              int64_t most,
                              const char *expected,
                              int64_t *result) {
    int64_t number;
    struct am_error error;
    char quoted[QUOTED_NUMBER_BYTES];
    if (is_quoted_number(reader, value, places, quoted)) {
        say_quoted(reader, name, value, quoted);
        return false;
    }
    if (value->type != AM_JSON_NUMBER ||
        am_decimal_parse(am_json_raw(&reader->json, value), places, &number, &error) != AM_OK ||
        number < least || number > most) {
        am_inventory_reader_expected(reader, name, expected, value);
        return false;
    }
    *result = number;
    return true;
}

/* Digits and signs stand where those of a time stand. */
static bool is_like_time(struct am_inventory_reader *reader, const struct am_json_node *value) {
    const char *const like = "0000-00-00T00:00:00";
    if (value->type != AM_JSON_STRING)
        return false;
    struct am_view text = am_inventory_reader_string(reader, value);
    if (text.size <= strlen(like))
        return false;
    for (size_t i = 0; like[i]; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (like[i] == '0' ? !digit : text.data[i] != like[i])
            return false;
    }
    return true;
}

bool am_inventory_read_time(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            int64_t *result) {
    struct am_error error;
    if (value->type == AM_JSON_STRING &&
        am_time_parse(am_inventory_reader_string(reader, value), result, &error) == AM_OK)
        return true;
    am_inventory_reader_expected(reader, name,
                                 is_like_time(reader, value)
                                     ? "a day and time that exist"
                                     : "a time like \"2026-11-01T00:00:00Z\"",
                                 value);
    return false;
}

static int by_bytes(const void *a, const void *b) {
    return am_view_compare(*(const struct am_view *)a, *(const struct am_view *)b);
}

uint32_t am_inventory_sort_views(struct am_view *views, uint32_t count) {
    if (count == 0)
        return 0;
    qsort(views, count, sizeof *views, by_bytes);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < count; i++)
        if (!am_view_equal(views[i], views[kept - 1]))
            views[kept++] = views[i];
    return kept;
}

bool am_inventory_read_strings(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               struct am_inventory_strings *strings) {
    if (value->type != AM_JSON_ARRAY) {
        am_inventory_reader_expected(reader, name, "a list of strings", value);
        return false;
    }
    if (value->children > AM_LABELS_MAX) {
        am_inventory_reader_error(reader, "%s: %u items, expected at most %d", name,
                                  value->children, AM_LABELS_MAX);
        return false;
    }
    struct am_vector items = AM_VECTOR_OF(struct am_view);
    const struct am_json_node *item = am_json_first(value);
    bool fine = true;
    for (uint32_t i = 0; fine && i < value->children; i++) {
        struct am_view text;
        fine = am_inventory_read_text(reader, name, item, AM_ID_MAX_BYTES, &text);
        if (fine && !am_vector_push(&items, &text))
            fine = !(reader->out_of_memory = true);
        item = am_json_after(&reader->json, item);
    }
    items.count = am_inventory_sort_views(items.data, (uint32_t)items.count);
    strings->items = am_inventory_reader_keep(reader, &items);
    strings->count = (uint32_t)items.count;
    am_vector_free(&items);
    return fine;
}

void am_inventory_check_parts(struct am_inventory_reader *reader,
                              const char *name,
                              struct am_view text,
                              char separator) {
    uint32_t parts = 1;
    for (size_t i = 0; i < text.size; i++)
        parts += text.data[i] == separator;
    if (parts > AM_NAME_MAX_PARTS)
        am_inventory_reader_error(
            reader, "%s: %u parts between '%c', expected at most %d, in \"" AM_QUOTED "\"", name,
            parts, separator, AM_NAME_MAX_PARTS, AM_QUOTED_ARGUMENTS(text));
}
