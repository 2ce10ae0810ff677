/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <csv.h>
#include <stdlib.h>

#include "../base/vector.h"
#include "columns.h"

static const char blanks[] = " \t\n\v\f\r";

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

/* False: the row is empty. */
static bool list_cells(struct reading *reading) {
    const char *at = reading->bytes.data;
    bool filled = false;
    reading->cells.count = 0;
    for (size_t i = 0; i < reading->sizes.count; i++) {
        size_t size = *AM_VECTOR_AT(&reading->sizes, size_t, i);
        struct am_view cell = am_view_trimmed((struct am_view){at, size}, blanks);
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

static void take_nothing(void *bytes, size_t size, void *context) {
    (void)bytes, (void)size, (void)context;
}

static void end_nothing(int end, void *context) {
    (void)end, (void)context;
}

static bool start_parser(struct csv_parser *parser, const struct am_cli_table_form *form) {
    enum { NO_BYTE_OF_UTF8 = 0xFF };
    if (csv_init(parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_APPEND_NULL) != 0)
        return false;
    csv_set_delim(parser, (unsigned char)form->delimiter);
    if (!form->quotes)
        csv_set_quote(parser, NO_BYTE_OF_UTF8);
    return true;
}

static enum am_code parse(struct reading *reading,
                          struct csv_parser *parser,
                          const struct am_cli_table_form *form,
                          struct am_view text,
                          struct am_error *error) {
    bool parsed =
        csv_parse(parser, text.data, text.size, take_cell, take_row, reading) == text.size &&
        csv_fini(parser, take_cell, take_row, reading) == 0;
    if (reading->failed || csv_error(parser) == CSV_ENOMEM)
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
    if (!parsed)
        return am_error_set(error, AM_E_SYNTAX,
                            "%s: line %u: a quote in the midst of a cell, or one that is not "
                            "closed; expected such a cell in quotes, and each quote in it twice: "
                            "\"5\"\" rims\"",
                            form->name, reading->line);
    return AM_OK;
}

enum am_code am_cli_table_read(struct am_view text,
                               const struct am_cli_table_form *form,
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
    if (!plain || !start_parser(&parser, form)) {
        free(plain);
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
    }
    code = parse(&reading, &parser, form, (struct am_view){plain, size}, error);
    csv_free(&parser);
    am_vector_free(&reading.bytes);
    am_vector_free(&reading.sizes);
    am_vector_free(&reading.cells);
    free(plain);
    return code;
}

/* ---- the form ---------------------------------------------------------------------------------
 */

static const char delimiters[] = ",\t;|"; /* the first, where several do as well */
enum { DELIMITERS = sizeof delimiters - 1, FIRST_LINES = 20, HEADER_CELLS = 512 };

/* The line at *at, which may have line ends in quotes; moves behind it. */
static struct am_view take_line(struct am_view text, size_t *at) {
    size_t begin = *at;
    bool quoted = false;
    for (; *at < text.size && (quoted || text.data[*at] != '\n'); ++*at)
        quoted ^= text.data[*at] == '"';
    struct am_view line = {text.data + begin, *at - begin};
    *at += *at < text.size;
    return line;
}

/* Those outside of quotes. */
static size_t count_delimiters(struct am_view line, char delimiter) {
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.size; i++) {
        quoted ^= line.data[i] == '"';
        count += !quoted && line.data[i] == delimiter;
    }
    return count;
}

/* How many cells of the line name columns, where the delimiter separates them. */
static uint32_t known_columns(struct am_view line, char delimiter) {
    struct am_view cells[HEADER_CELLS];
    uint32_t count = 0;
    while (count < HEADER_CELLS) {
        const char *end = line.size ? memchr(line.data, delimiter, line.size) : NULL;
        size_t size = end ? (size_t)(end - line.data) : line.size;
        struct am_view cell = am_view_trimmed((struct am_view){line.data, size}, blanks);
        if (cell.size > 1 && cell.data[0] == '"' && cell.data[cell.size - 1] == '"')
            cell = am_view_trimmed((struct am_view){cell.data + 1, cell.size - 2}, blanks);
        cells[count++] = cell;
        if (!end)
            break;
        line = (struct am_view){end + 1, line.size - size - 1};
    }
    return am_cli_columns_known(cells, count);
}

static char delimiter_of(struct am_view text) {
    char best = ',';
    uint32_t most_known = 0;
    size_t most = 0, at = 0;
    if (text.size > 4 && memcmp(text.data, "sep=", 4) == 0) /* Excel */
        return text.data[4];
    for (unsigned number = 0; number < FIRST_LINES && at < text.size; number++) {
        struct am_view line = take_line(text, &at);
        for (size_t i = 0; i < DELIMITERS; i++) {
            uint32_t known = known_columns(line, delimiters[i]);
            size_t count = count_delimiters(line, delimiters[i]);
            if (known < most_known || (known == most_known && count <= most))
                continue;
            most_known = known;
            most = count;
            best = delimiters[i];
        }
    }
    return best;
}

/* Whether each quote in a table with tabs opens or closes a cell, or is doubled in one. */
static bool does_quote(struct am_view text, const struct am_cli_table_form *form) {
    struct csv_parser parser;
    size_t size;
    char *plain = plain_lines(text, &size);
    bool quotes = true; /* without memory reading says so */
    if (plain && start_parser(&parser, form)) {
        quotes = csv_parse(&parser, plain, size, take_nothing, end_nothing, NULL) == size &&
                 csv_fini(&parser, take_nothing, end_nothing, NULL) == 0;
        quotes |= csv_error(&parser) == CSV_ENOMEM;
        csv_free(&parser);
    }
    free(plain);
    return quotes;
}

struct am_cli_table_form am_cli_table_form_of(struct am_view text, const char *name) {
    struct am_cli_table_form form = {name, delimiter_of(text), true};
    if (form.delimiter == '\t')
        form.quotes = does_quote(text, &form);
    return form;
}
