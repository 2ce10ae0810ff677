/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "../base/arena.h"
#include "../base/buffer.h"
#include "../base/timezone.h"
#include "../base/utf8.h"
#include "../base/vector.h"

enum am_report_format am_report_format_of(struct am_view name) {
    static const char *const names[AM_REPORT_FORMATS] = {
        [AM_REPORT_TABLE] = "table", [AM_REPORT_JSON] = "json", [AM_REPORT_CSV] = "csv"};
    int found = 0;
    while (found < AM_REPORT_FORMATS && !am_view_equal(name, am_view_of(names[found])))
        found++;
    return (enum am_report_format)found;
}

struct printing {
    struct am_report_columns columns;
    am_report_write *write;
    void *context;
    uint64_t rows;
    bool failed;              /* the writer wants no more */
    bool no_memory;           /* for a table */
    struct am_vector scratch; /* char */
    struct am_vector cells;   /* struct am_view, row by row: of tables, which need all of them */
    struct am_arena arena;    /* their texts */
};

static void put(struct printing *printing, struct am_view text) {
    if (!printing->failed && text.size)
        printing->failed = !printing->write(printing->context, text);
}

#define PUT(printing, literal) put((printing), AM_VIEW(literal))

/* Memory for one text, until the next call. */
static char *scratch(struct printing *printing, size_t size) {
    printing->scratch.count = 0;
    char *memory = am_vector_extend(&printing->scratch, size + 1);
    printing->no_memory |= !memory;
    return memory;
}

/* ---- CSV ---- */

static bool begins_like_formula(struct am_view text) {
    return text.size && ((unsigned char)text.data[0] < 0x20 || strchr("=+-@", text.data[0]));
}

static bool needs_quotes(struct am_view text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '"' || text.data[i] == ',' || (unsigned char)text.data[i] < 0x20)
            return true;
    return text.size && (text.data[0] == ' ' || text.data[text.size - 1] == ' ');
}

static void put_csv_text(struct printing *printing, struct am_view text) {
    bool quotes = needs_quotes(text);
    if (quotes)
        PUT(printing, "\"");
    if (begins_like_formula(text))
        PUT(printing, "'");
    while (text.size) {
        const char *quote = memchr(text.data, '"', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        put(printing, (struct am_view){text.data, size});
        if (quote)
            PUT(printing, "\"");
        text = (struct am_view){text.data + size, text.size - size};
    }
    if (quotes)
        PUT(printing, "\"");
}

static bool csv_row(void *context, const struct am_view *cells) {
    struct printing *printing = context;
    for (uint32_t i = 0; i < printing->columns.count; i++) {
        if (i)
            PUT(printing, ",");
        if (printing->columns.items[i].text)
            put_csv_text(printing, cells[i]);
        else
            put(printing, cells[i]);
    }
    PUT(printing, "\r\n");
    return !printing->failed;
}

static void csv_head(struct printing *printing) {
    PUT(printing, "\xEF\xBB\xBF");
    for (uint32_t i = 0; i < printing->columns.count; i++) {
        if (i)
            PUT(printing, ",");
        put(printing, am_view_of(printing->columns.items[i].name));
    }
    PUT(printing, "\r\n");
}

/* ---- JSON ---- */

static void put_json_text(struct printing *printing, struct am_view text) {
    char *memory = scratch(printing, 6 * text.size + 2);
    if (!memory)
        return;
    struct am_buffer buffer = am_buffer_over(memory, 6 * text.size + 2);
    am_buffer_json_string(&buffer, text);
    put(printing, am_buffer_view(&buffer));
}

static void put_json_object(struct printing *printing, const struct am_view *cells) {
    for (uint32_t i = 0; i < printing->columns.count; i++) {
        put(printing, i ? AM_VIEW(",\"") : AM_VIEW("{\""));
        put(printing, am_view_of(printing->columns.items[i].name));
        PUT(printing, "\":");
        if (printing->columns.items[i].text)
            put_json_text(printing, cells[i]);
        else
            put(printing, cells[i].data ? cells[i] : AM_VIEW("null"));
    }
    PUT(printing, "}");
}

static bool json_row(void *context, const struct am_view *cells) {
    struct printing *printing = context;
    put(printing, printing->rows++ ? AM_VIEW(",\n") : AM_VIEW("\n"));
    put_json_object(printing, cells);
    return !printing->failed && !printing->no_memory;
}

static bool json_total(void *context, const struct am_view *cells) {
    struct printing *printing = context;
    PUT(printing, ",\n\"total\":");
    put_json_object(printing, cells);
    return !printing->failed && !printing->no_memory;
}

static void put_json_time(struct printing *printing, struct am_view name, int64_t time) {
    char text[AM_TIME_TEXT_SIZE];
    put(printing, name);
    if (time <= AM_TIME_MIN || time >= AM_TIME_MAX) {
        PUT(printing, "null");
        return;
    }
    am_time_write(time, text);
    put_json_text(printing, am_view_of(text));
}

static enum am_code json_head(struct printing *printing,
                              struct am_report_reader *reader,
                              const struct am_report_query *query,
                              struct am_error *error) {
    struct am_report_state state;
    enum am_code code = am_report_reader_state(reader, &state, error);
    if (code != AM_OK)
        return code;
    put_json_time(printing, AM_VIEW("{\"from\":"), query->from);
    put_json_time(printing, AM_VIEW(",\"to\":"), query->to);
    put_json_time(printing, AM_VIEW(",\"newest\":"), state.newest);
    PUT(printing, ",\"rows\":[");
    return AM_OK;
}

/* ---- tables ---- */

static bool table_row(void *context, const struct am_view *cells) {
    struct printing *printing = context;
    printing->rows++;
    for (uint32_t i = 0; i < printing->columns.count && !printing->no_memory; i++) {
        char *memory = scratch(printing, 4 * cells[i].size);
        if (!memory)
            break;
        struct am_view visible = {memory, am_utf8_visible(cells[i], memory, 4 * cells[i].size)};
        if (cells[i].data && !(visible = am_arena_copy(&printing->arena, visible)).data)
            printing->no_memory = true;
        if (!cells[i].data)
            visible = (struct am_view){NULL, 0};
        printing->no_memory |= !am_vector_push(&printing->cells, &visible);
    }
    return !printing->no_memory;
}

struct shape {
    size_t width;    /* in columns of a terminal */
    size_t decimals; /* of its longest fraction */
    bool shown;      /* a column of zeros, or of nothing, is not */
};

static size_t width_of(struct am_view text) {
    size_t width = 0;
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text.data;
    for (size_t left = text.size; left;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t size = utf8proc_iterate(at, (utf8proc_ssize_t)left, &code);
        size_t step = size > 0 ? (size_t)size : 1;
        width += size > 0 ? (size_t)utf8proc_charwidth(code) : 1;
        at += step;
        left -= step;
    }
    return width;
}

static size_t decimals_of(struct am_view number) {
    const char *point = number.size ? memchr(number.data, '.', number.size) : NULL;
    return point ? (size_t)(am_view_end(number) - point) - 1 : 0;
}

static struct am_view cell_at(const struct printing *printing, uint64_t row, uint32_t column) {
    return *AM_VECTOR_AT(&printing->cells, struct am_view, row * printing->columns.count + column);
}

/* With the zeros that line up the points. */
static size_t number_width(struct am_view number, size_t decimals) {
    size_t own = decimals_of(number);
    return number.size + (decimals - own) + (decimals && !own);
}

static struct shape shape_of(const struct printing *printing, uint32_t column) {
    const struct am_report_column *head = &printing->columns.items[column];
    struct shape shape = {.width = strlen(head->name), .shown = head->text && column == 0};
    for (uint64_t row = 0; row < printing->rows; row++) {
        struct am_view cell = cell_at(printing, row, column);
        size_t decimals = head->text ? 0 : decimals_of(cell);
        shape.decimals = decimals > shape.decimals ? decimals : shape.decimals;
        shape.shown |= cell.size && (head->text || !am_view_equal(cell, AM_VIEW("0")));
    }
    for (uint64_t row = 0; row < printing->rows; row++) {
        struct am_view cell = cell_at(printing, row, column);
        size_t width = head->text  ? width_of(cell)
                       : cell.data ? number_width(cell, shape.decimals)
                                   : 1;
        shape.width = width > shape.width ? width : shape.width;
    }
    return shape;
}

static void put_spaces(struct printing *printing, size_t count) {
    static const char spaces[] = "                                ";
    for (; count; count -= count < 32 ? count : 32)
        put(printing, (struct am_view){spaces, count < 32 ? count : 32});
}

static void
put_number(struct printing *printing, struct am_view number, const struct shape *shape) {
    size_t own = decimals_of(number);
    size_t width = number.data ? number_width(number, shape->decimals) : 1;
    put_spaces(printing, shape->width - width);
    put(printing, number.data ? number : AM_VIEW("-"));
    if (!number.data)
        return;
    if (shape->decimals && !own)
        PUT(printing, ".");
    for (; own < shape->decimals; own++)
        PUT(printing, "0");
}

static void put_table_row(struct printing *printing, const struct shape *shapes, uint64_t row) {
    bool first = true;
    for (uint32_t i = 0; i < printing->columns.count; i++) {
        struct am_view cell = cell_at(printing, row, i);
        if (!shapes[i].shown)
            continue;
        if (!first)
            PUT(printing, "  ");
        first = false;
        if (!printing->columns.items[i].text) {
            put_number(printing, cell, &shapes[i]);
            continue;
        }
        put(printing, cell);
        put_spaces(printing, shapes[i].width - width_of(cell));
    }
    PUT(printing, "\n");
}

static void put_table_head(struct printing *printing, const struct shape *shapes) {
    bool first = true;
    for (uint32_t i = 0; i < printing->columns.count; i++) {
        struct am_view name = am_view_of(printing->columns.items[i].name);
        if (!shapes[i].shown)
            continue;
        if (!first)
            PUT(printing, "  ");
        first = false;
        if (!printing->columns.items[i].text)
            put_spaces(printing, shapes[i].width - name.size);
        put(printing, name);
        if (printing->columns.items[i].text)
            put_spaces(printing, shapes[i].width - name.size);
    }
    PUT(printing, "\n");
}

static void put_table(struct printing *printing) {
    struct shape shapes[AM_REPORT_COLUMNS];
    for (uint32_t i = 0; i < printing->columns.count; i++)
        shapes[i] = shape_of(printing, i);
    put_table_head(printing, shapes);
    for (uint64_t row = 0; row < printing->rows; row++)
        put_table_row(printing, shapes, row);
}

/* ---- the whole ---- */

/* The dimensions of a total are empty, and the first one says what it is. */
struct totalling {
    struct printing *printing;
    const struct am_report_query *query;
    am_report_take *take;
};

static bool take_total(void *context, const struct am_view *cells) {
    const struct totalling *totalling = context;
    struct am_view all[AM_REPORT_COLUMNS];
    uint32_t text_count = totalling->query->by_count;
    for (uint32_t i = 0; i < totalling->printing->columns.count; i++)
        all[i] = i >= text_count ? cells[i - text_count] : i ? AM_VIEW("") : AM_VIEW("total");
    return totalling->take(totalling->printing, all);
}

static enum am_code run_total(struct printing *printing,
                              struct am_report_reader *reader,
                              const struct am_report_query *query,
                              am_report_take *take,
                              struct am_error *error) {
    struct totalling totalling = {printing, query, take};
    struct am_report_query all = *query;
    if (query->kind != AM_REPORT_DELIVERY || !query->by_count)
        return AM_OK;
    all.by_count = 0;
    return am_report_run(reader, &all, take_total, &totalling, error);
}

static enum am_code print_json(struct printing *printing,
                               struct am_report_reader *reader,
                               const struct am_report_query *query,
                               struct am_error *error) {
    enum am_code code = json_head(printing, reader, query, error);
    if (code == AM_OK)
        code = am_report_run(reader, query, json_row, printing, error);
    if (code != AM_OK)
        return code;
    PUT(printing, "\n]");
    code = run_total(printing, reader, query, json_total, error);
    PUT(printing, "}\n");
    return code;
}

static enum am_code print_table(struct printing *printing,
                                struct am_report_reader *reader,
                                const struct am_report_query *query,
                                struct am_error *error) {
    enum am_code code = am_report_run(reader, query, table_row, printing, error);
    if (code == AM_OK)
        code = run_total(printing, reader, query, table_row, error);
    if (code == AM_OK)
        put_table(printing);
    return code;
}

enum am_code am_report_print(struct am_report_reader *reader,
                             const struct am_report_query *query,
                             enum am_report_format format,
                             am_report_write *write,
                             void *context,
                             struct am_error *error) {
    struct printing printing = {.write = write,
                                .context = context,
                                .scratch = AM_VECTOR_OF(char),
                                .cells = AM_VECTOR_OF(struct am_view),
                                .arena = AM_ARENA_EMPTY};
    enum am_code code;
    am_report_columns_of(query, &printing.columns);
    if (format == AM_REPORT_CSV) {
        csv_head(&printing);
        code = am_report_run(reader, query, csv_row, &printing, error);
    } else {
        code = format == AM_REPORT_JSON ? print_json(&printing, reader, query, error)
                                        : print_table(&printing, reader, query, error);
    }
    am_vector_free(&printing.scratch);
    am_vector_free(&printing.cells);
    am_arena_free(&printing.arena);
    if (printing.no_memory)
        return am_error_set(error, AM_E_MEMORY, "no memory for the report");
    return printing.failed ? am_error_set(error, AM_E_CHANGED, "the report was ended") : code;
}
