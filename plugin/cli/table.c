/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <csv.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "../base/vector.h"

/* ---- encoding ---------------------------------------------------------------------------------
 */

enum order { NO_ORDER, LITTLE, BIG };

/* Detected by the byte order mark, or by the zero bytes of ASCII. */
static enum order order_of(struct am_view text) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (text.size < 2)
        return NO_ORDER;
    if ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] && !bytes[1]))
        return LITTLE;
    return (bytes[0] == 0xFE && bytes[1] == 0xFF) || (!bytes[0] && bytes[1]) ? BIG : NO_ORDER;
}

static int32_t unit_at(struct am_view text, size_t at, enum order order) {
    const unsigned char *bytes = (const unsigned char *)text.data + at;
    return order == LITTLE ? bytes[0] | bytes[1] << 8 : bytes[0] << 8 | bytes[1];
}

static bool is_within(int32_t unit, int32_t first, int32_t last) {
    return unit >= first && unit <= last;
}

/* UTF-16 as UTF-8, in `memory` of twice its size; a lone surrogate is U+FFFD. */
static size_t from_utf16(struct am_view text, enum order order, char *memory) {
    size_t size = 0;
    for (size_t at = 0; at + 1 < text.size; at += 2) {
        int32_t code = unit_at(text, at, order);
        if (is_within(code, 0xD800, 0xDBFF) && at + 3 < text.size &&
            is_within(unit_at(text, at + 2, order), 0xDC00, 0xDFFF)) {
            at += 2;
            code = 0x10000 + ((code - 0xD800) << 10) + unit_at(text, at, order) - 0xDC00;
        } else if (is_within(code, 0xD800, 0xDFFF)) {
            code = 0xFFFD;
        }
        size += (size_t)utf8proc_encode_char(code, (utf8proc_uint8_t *)memory + size);
    }
    return size;
}

/* UTF-8 without a byte order mark and without carriage returns; free it. */
static char *decode(struct am_view text, size_t *size) {
    enum order order = order_of(text);
    char *decoded = malloc(2 * text.size + 1);
    if (!decoded)
        return NULL;
    *size = text.size;
    if (order == NO_ORDER)
        memcpy(decoded, text.data, text.size);
    else
        *size = from_utf16(text, order, decoded);
    size_t from = *size >= 3 && memcmp(decoded, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, to = 0;
    for (; from < *size; from++)
        if (decoded[from] != '\r' || from + 1 == *size || decoded[from + 1] != '\n')
            decoded[to++] = decoded[from];
    *size = to;
    return decoded;
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

static unsigned char delimiter_of(struct am_view text) {
    static const char delimiters[] = {'\t', ';', ','};
    size_t counts[sizeof delimiters] = {0}, best = 2;
    bool quoted = false;
    for (size_t at = 0; at < text.size && (quoted || text.data[at] != '\n'); at++) {
        quoted ^= text.data[at] == '"';
        for (size_t i = 0; i < sizeof delimiters; i++)
            counts[i] += !quoted && text.data[at] == delimiters[i];
    }
    for (size_t i = 0; i < sizeof delimiters; i++)
        if (counts[i] > counts[best])
            best = i;
    return (unsigned char)delimiters[best];
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
    char *decoded = decode(text, &size);
    enum am_code code;
    if (!decoded ||
        csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_APPEND_NULL) != 0) {
        free(decoded);
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
    }
    csv_set_delim(&parser, delimiter_of((struct am_view){decoded, size}));
    code = parse(&reading, &parser, (struct am_view){decoded, size}, error);
    csv_free(&parser);
    am_vector_free(&reading.bytes);
    am_vector_free(&reading.sizes);
    am_vector_free(&reading.cells);
    free(decoded);
    return code;
}
