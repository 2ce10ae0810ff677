/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <csv.h>
#include <stdlib.h>

#include "../base/vector.h"

/* Without carriage returns before a line's end, so that lines are counted; free it. */
static char *plain_lines(struct am_view text, size_t *size) {
    char *plain = malloc(text.size + 1);
    size_t to = 0;
    for (size_t i = 0; plain && i < text.size; i++)
        if (text.data[i] != '\r' || i + 1 == text.size || text.data[i + 1] != '\n')
            plain[to++] = text.data[i];
    *size = to;
    return plain;
}

/* ---- rows -------------------------------------------------------------------------------------
 */

struct reading {
    am_cli_table_take *take;
    void *context;
    struct am_vector bytes; /* char: the cells of the row, one after the other */
    struct am_vector sizes; /* size_t, of each */
    struct am_vector cells; /* struct am_view */
    uint32_t line, next_line;
    bool failed;
};

static void take_cell(void *bytes, size_t size, void *context) {
    struct reading *reading = context;
    char *place = am_vector_extend(&reading->bytes, size + 1);
    if (!place || !am_vector_push(&reading->sizes, &size)) {
        reading->failed = true;
        return;
    }
    if (size)
        memcpy(place, bytes, size);
    for (size_t i = 0; i < size; i++)
        reading->next_line += place[i] == '\n';
}

static struct am_view trimmed(struct am_view text) {
    while (text.size && (unsigned char)text.data[0] <= ' ')
        text.data++, text.size--;
    while (text.size && (unsigned char)text.data[text.size - 1] <= ' ')
        text.size--;
    return text;
}

/* False: the row is empty. */
static bool list_cells(struct reading *reading) {
    const char *at = reading->bytes.data;
    bool filled = false;
    reading->cells.count = 0;
    for (size_t i = 0; i < reading->sizes.count; i++) {
        size_t size = *AM_VECTOR_AT(&reading->sizes, size_t, i);
        struct am_view cell = trimmed((struct am_view){at, size});
        filled |= cell.size > 0;
        reading->failed |= !am_vector_push(&reading->cells, &cell);
        at += size + 1;
    }
    return filled;
}

static void take_row(int end, void *context) {
    struct reading *reading = context;
    (void)end;
    reading->next_line++;
    if (!reading->failed && list_cells(reading)) {
        const struct am_cli_table_row row = {reading->cells.data, (uint32_t)reading->cells.count,
                                             reading->line};
        reading->failed |= !reading->take(reading->context, &row);
    }
    reading->bytes.count = reading->sizes.count = 0;
    reading->line = reading->next_line;
}

/* Candidates outside of quotes in the line at *at; moves behind it. */
static void count_delimiters(struct am_view text, size_t *at, const char *of, size_t *counts) {
    bool quoted = false;
    for (; *at < text.size && (quoted || text.data[*at] != '\n'); ++*at) {
        char byte = text.data[*at];
        const char *found = quoted || byte == '\0' ? NULL : strchr(of, byte);
        quoted ^= byte == '"';
        if (found)
            counts[found - of]++;
    }
    *at += *at < text.size;
}

char am_cli_table_delimiter(struct am_view text) {
    static const char delimiters[] = "\t;,|";
    enum { LINES = 20 };
    char best = ',';
    size_t most = 0, at = 0;
    if (text.size > 4 && memcmp(text.data, "sep=", 4) == 0) /* Excel */
        return text.data[4];
    for (unsigned line = 0; line < LINES && at < text.size; line++) {
        size_t counts[sizeof delimiters] = {0};
        count_delimiters(text, &at, delimiters, counts);
        for (size_t i = 0; i + 1 < sizeof delimiters; i++)
            if (counts[i] > most) {
                most = counts[i];
                best = delimiters[i];
            }
    }
    return best;
}

static enum am_code parse(struct reading *reading,
                          struct csv_parser *parser,
                          struct am_view text,
                          struct am_error *error) {
    bool parsed =
        csv_parse(parser, text.data, text.size, take_cell, take_row, reading) == text.size &&
        csv_fini(parser, take_cell, take_row, reading) == 0;
    if (reading->failed || csv_error(parser) == CSV_ENOMEM)
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
    if (!parsed)
        return am_error_set(error, AM_E_SYNTAX, "line %u: %s", reading->line,
                            csv_strerror(csv_error(parser)));
    return AM_OK;
}

enum am_code am_cli_table_read(struct am_view text,
                               char delimiter,
                               am_cli_table_take *take,
                               void *context,
                               struct am_error *error) {
    struct reading reading = {.take = take,
                              .context = context,
                              .bytes = AM_VECTOR_OF(char),
                              .sizes = AM_VECTOR_OF(size_t),
                              .cells = AM_VECTOR_OF(struct am_view),
                              .line = 1,
                              .next_line = 1};
    struct csv_parser parser;
    size_t size;
    char *plain = plain_lines(text, &size);
    enum am_code code;
    if (!plain ||
        csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_APPEND_NULL) != 0) {
        free(plain);
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
    }
    csv_set_delim(&parser, (unsigned char)delimiter);
    code = parse(&reading, &parser, (struct am_view){plain, size}, error);
    csv_free(&parser);
    am_vector_free(&reading.bytes);
    am_vector_free(&reading.sizes);
    am_vector_free(&reading.cells);
    free(plain);
    return code;
}
