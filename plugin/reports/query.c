/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/buffer.h"
#include "../base/decimal.h"
#include "store.h"

enum { SQL_SIZE = 4096, HOUR_SECONDS = 3600, DAY_SECONDS = 86400, CELL_SIZE = 48 };
#define NANOS INT64_C(1000000000)
#define MICROS INT64_C(1000000)

struct am_report_reader {
    struct am_report_store store;
};

/* ---- dimensions ---- */

static const struct {
    const char *name, *sql;
} dimensions[AM_REPORT_DIMENSIONS] = {
    [AM_REPORT_BY_ADVERTISER] = {"advertiser", "advertiser"},
    [AM_REPORT_BY_CAMPAIGN] = {"campaign", "campaign"},
    [AM_REPORT_BY_AD] = {"ad", "ad"},
    [AM_REPORT_BY_KEYWORD] = {"keyword", "keyword"},
    [AM_REPORT_BY_MATCH] = {"match", "match"},
    [AM_REPORT_BY_MONTH] = {"month", "local_month(hour)"},
    [AM_REPORT_BY_DAY] = {"day", "local_day(hour)"},
    [AM_REPORT_BY_HOUR] = {"hour", "local_hour(hour)"},
};

const char *am_report_dimension_name(enum am_report_dimension dimension) {
    return dimensions[dimension].name;
}

enum am_report_dimension am_report_dimension_of(struct am_view name) {
    int found = 0;
    while (found < AM_REPORT_DIMENSIONS && !am_view_equal(name, am_view_of(dimensions[found].name)))
        found++;
    return (enum am_report_dimension)found;
}

/* ---- hours as local time, for SQLite ---- */

/* Of "2026-12-01T10:00Z". */
enum { MONTH_SIZE = 7, DAY_SIZE = 10, MINUTE_SIZE = 16 };

static void give_local(sqlite3_context *context, sqlite3_value **values, size_t size) {
    const struct am_timezone *zone = sqlite3_user_data(context);
    int64_t time = sqlite3_value_int64(values[0]) * HOUR_SECONDS;
    char text[AM_TIME_TEXT_SIZE + 8];
    int32_t offset = zone ? am_timezone_offset(zone, time) : 0;
    if (offset % HOUR_SECONDS || time + offset < AM_TIME_MIN || time + offset >= AM_TIME_MAX) {
        sqlite3_result_error(context, "zone", -1);
        return;
    }
    am_time_write(time + offset, text);
    if (size == MINUTE_SIZE && offset)
        size += (size_t)snprintf(text + size, 8, "%+03d:00", offset / HOUR_SECONDS);
    else if (size == MINUTE_SIZE)
        text[size++] = 'Z';
    sqlite3_result_text(context, text, (int)size, SQLITE_TRANSIENT);
}

static void local_month(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    give_local(context, values, MONTH_SIZE);
}

static void local_day(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    give_local(context, values, DAY_SIZE);
}

static void local_hour(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    give_local(context, values, MINUTE_SIZE);
}

static bool add_functions(sqlite3 *database, const struct am_timezone *zone) {
    static const struct {
        const char *name;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"local_month", local_month}, {"local_day", local_day}, {"local_hour", local_hour}};
    for (size_t i = 0; i < AM_COUNT_OF(functions); i++)
        if (sqlite3_create_function(database, functions[i].name, 1,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC, (void *)(uintptr_t)zone,
                                    functions[i].function, NULL, NULL) != SQLITE_OK)
            return false;
    return true;
}

/* ---- columns ---- */

/* What the statement of a report yields behind its dimensions, as numbers. Money is two: a sum of
 * nanos may exceed 64 bits, so that whole units and the rest are summed apart. */
enum raw {
    RAW_DECISIONS,
    RAW_IMPRESSIONS,
    RAW_CLICKS,
    RAW_SPEND_UNITS,
    RAW_SPEND_NANOS,
    RAW_VIEWS,
    RAW_EVENTS,
    RAW_CONVERSIONS,
    RAW_VALUE_UNITS,
    RAW_VALUE_NANOS,
    RAW_LATE,
    RAW_UNBILLED,
    RAW_INVALID_IMPRESSIONS,
    RAW_INVALID_CLICKS,
    RAW_ALL,
    RAW_OF_TERMS = RAW_VIEWS,
};
#define SUMS_OF_TERMS                                                                              \
    "sum(decisions), sum(impressions), sum(clicks), sum(spend / 1000000000),"                      \
    " sum(spend % 1000000000)"
#define SUMS                                                                                       \
    SUMS_OF_TERMS ", sum(views), sum(events), sum(conversions), sum(value / 1000000000),"          \
                  " sum(value % 1000000000), sum(late), sum(unbilled), sum(invalid_impressions),"  \
                  " sum(invalid_clicks)"

enum form { COUNT, MONEY, CTR, CPM, CPC };

static const struct measure {
    const char *name;
    enum form form;
    enum raw raw;
} measures[] = {
    {"decisions", COUNT, RAW_DECISIONS},
    {"impressions", COUNT, RAW_IMPRESSIONS},
    {"clicks", COUNT, RAW_CLICKS},
    {"ctr", CTR, RAW_CLICKS},
    {"spend", MONEY, RAW_SPEND_UNITS},
    {"cpm", CPM, RAW_SPEND_UNITS},
    {"cpc", CPC, RAW_SPEND_UNITS},
    /* not of terms */
    {"viewable", COUNT, RAW_VIEWS},
    {"events", COUNT, RAW_EVENTS},
    {"conversions", COUNT, RAW_CONVERSIONS},
    {"value", MONEY, RAW_VALUE_UNITS},
    {"late", COUNT, RAW_LATE},
    {"unbilled", COUNT, RAW_UNBILLED},
    {"invalid_impressions", COUNT, RAW_INVALID_IMPRESSIONS},
    {"invalid_clicks", COUNT, RAW_INVALID_CLICKS},
};
enum { MEASURES_OF_TERMS = 7 };

static const char *const term_dimensions[] = {"term",  "keyword",  "match",
                                              "field", "campaign", "ad"};
static const char *const outcome_dimensions[] = {"event", "name", "outcome"};

static void add_column(struct am_report_columns *columns, const char *name, bool text) {
    columns->items[columns->count++] = (struct am_report_column){name, text};
}

void am_report_columns_of(const struct am_report_query *query, struct am_report_columns *columns) {
    size_t measure_count =
        query->kind == AM_REPORT_TERMS ? MEASURES_OF_TERMS : AM_COUNT_OF(measures);
    columns->count = 0;
    if (query->kind == AM_REPORT_TERMS)
        for (size_t i = 0; i < AM_COUNT_OF(term_dimensions); i++)
            add_column(columns, term_dimensions[i], true);
    for (uint32_t i = 0; query->kind != AM_REPORT_TERMS && i < query->by_count; i++)
        add_column(columns, dimensions[query->by[i]].name, true);
    if (query->kind != AM_REPORT_OUTCOMES) {
        for (size_t i = 0; i < measure_count; i++)
            add_column(columns, measures[i].name, false);
        return;
    }
    for (size_t i = 0; i < AM_COUNT_OF(outcome_dimensions); i++)
        add_column(columns, outcome_dimensions[i], true);
    add_column(columns, "count", false);
}

/* ---- cells ---- */

static struct am_view write_number(int64_t value, unsigned places, char text[CELL_SIZE]) {
    return (struct am_view){text, am_decimal_write(value, places, text)};
}

static __int128 money_of(const int64_t *raw, enum raw units) {
    return (__int128)raw[units] * NANOS + raw[units + 1];
}

/* Beyond 64 bits of nanos, too. */
static struct am_view write_money(__int128 nanos, char text[CELL_SIZE]) {
    bool negative = nanos < 0;
    unsigned __int128 size = negative ? (unsigned __int128)-nanos : (unsigned __int128)nanos;
    int length = snprintf(text, CELL_SIZE, "%s%llu.%09llu", negative ? "-" : "",
                          (unsigned long long)(size / NANOS), (unsigned long long)(size % NANOS));
    while (text[length - 1] == '0')
        length--;
    return (struct am_view){text, (size_t)length - (text[length - 1] == '.')};
}

/* Rounded to the nearest millionth; no data when there is nothing to divide by. */
static struct am_view write_quotient(__int128 dividend, __int128 divisor, char text[CELL_SIZE]) {
    if (divisor <= 0)
        return (struct am_view){NULL, 0};
    __int128 half = dividend < 0 ? -divisor / 2 : divisor / 2;
    return write_number((int64_t)((dividend + half) / divisor), 6, text);
}

static struct am_view
write_measure(const struct measure *measure, const int64_t *raw, char text[CELL_SIZE]) {
    switch (measure->form) {
    case MONEY:
        return write_money(money_of(raw, measure->raw), text);
    case CTR:
        return write_quotient((__int128)raw[RAW_CLICKS] * MICROS, raw[RAW_IMPRESSIONS], text);
    case CPM: /* nanos of one are micros of a thousand */
        return write_quotient(money_of(raw, measure->raw), raw[RAW_IMPRESSIONS], text);
    case CPC:
        return write_quotient(money_of(raw, measure->raw), (__int128)raw[RAW_CLICKS] * 1000, text);
    default:
        return write_number(raw[measure->raw], 0, text);
    }
}

/* ---- statements ---- */

struct text {
    struct am_buffer buffer;
    char memory[SQL_SIZE];
};

static void put(struct am_buffer *sql, const char *text) {
    am_buffer_view_append(sql, am_view_of(text));
}

/* "1, 2, 3" */
static void put_ordinals(struct am_buffer *sql, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        put(sql, i > 1 ? ", " : "");
        am_buffer_unsigned(sql, i);
    }
}

static void put_condition(struct am_buffer *sql, const struct am_report_query *query) {
    static const char *const conditions[AM_REPORT_ONLY] = {" AND advertiser = ?3",
                                                           " AND campaign = ?4", " AND ad = ?5"};
    put(sql, query->kind == AM_REPORT_TERMS ? " WHERE day >= ?1 AND day < ?2"
                                            : " WHERE hour >= ?1 AND hour < ?2");
    for (int i = 0; i < AM_REPORT_ONLY; i++)
        if (query->only[i].data)
            put(sql, conditions[i]);
}

static void put_group(struct am_buffer *sql, uint32_t count) {
    if (!count)
        return;
    put(sql, " GROUP BY ");
    put_ordinals(sql, count);
    put(sql, " ORDER BY ");
    put_ordinals(sql, count);
}

static void put_delivery(struct am_buffer *sql, const struct am_report_query *query) {
    bool outcomes = query->kind == AM_REPORT_OUTCOMES;
    put(sql, "SELECT ");
    for (uint32_t i = 0; i < query->by_count; i++) {
        put(sql, dimensions[query->by[i]].sql);
        put(sql, ", ");
    }
    put(sql, outcomes ? "event, name, outcome, sum(count) FROM outcomes" : SUMS " FROM hourly");
    put(sql, " JOIN subjects ON subjects.id = subject");
    put_condition(sql, query);
    put_group(sql, query->by_count + (outcomes ? (uint32_t)AM_COUNT_OF(outcome_dimensions) : 0));
}

/* A term is rare by its impressions in all rows of the range. */
static void put_terms(struct am_buffer *sql, const struct am_report_query *query) {
    put(sql, "WITH chosen AS (SELECT term, keyword, match, field, campaign, ad, decisions,"
             " impressions, clicks, spend FROM search_terms JOIN subjects ON subjects.id ="
             " subject");
    put_condition(sql, query);
    put(sql, "), frequent AS (SELECT term FROM chosen GROUP BY term"
             " HAVING sum(impressions) >= ?6)"
             " SELECT CASE WHEN ?6 <= 0 OR term IN frequent THEN term ELSE '(rare)' END,"
             " keyword, match, field, campaign, ad, " SUMS_OF_TERMS
             " FROM chosen GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 8 DESC, 1, 2, 3, 4, 5, 6");
}

static int64_t divide_up(int64_t time, int64_t unit) {
    return time / unit + (time % unit > 0);
}

static void bind(sqlite3_stmt *statement, const struct am_report_query *query) {
    int64_t unit = query->kind == AM_REPORT_TERMS ? DAY_SECONDS : HOUR_SECONDS;
    sqlite3_bind_int64(statement, 1, divide_up(query->from, unit));
    sqlite3_bind_int64(statement, 2, divide_up(query->to, unit));
    for (int i = 0; i < AM_REPORT_ONLY; i++)
        if (query->only[i].data)
            am_report_store_bind(statement, 3 + i, query->only[i]);
    if (query->kind == AM_REPORT_TERMS)
        sqlite3_bind_int64(statement, 6, query->least);
}

/* ---- rows ---- */

static bool give_row(sqlite3_stmt *statement,
                     const struct am_report_query *query,
                     const struct am_report_columns *columns,
                     am_report_take *take,
                     void *context) {
    char texts[AM_REPORT_COLUMNS][CELL_SIZE];
    struct am_view cells[AM_REPORT_COLUMNS];
    int64_t raw[RAW_ALL] = {0};
    int raw_count = query->kind == AM_REPORT_TERMS ? RAW_OF_TERMS : RAW_ALL;
    uint32_t at = 0;
    for (; at < columns->count && columns->items[at].text; at++) {
        const char *text = (const char *)sqlite3_column_text(statement, (int)at);
        cells[at] =
            (struct am_view){text ? text : "", (size_t)sqlite3_column_bytes(statement, (int)at)};
    }
    if (query->kind == AM_REPORT_OUTCOMES) {
        cells[at] = write_number(sqlite3_column_int64(statement, (int)at), 0, texts[at]);
        return take(context, cells);
    }
    for (int i = 0; i < raw_count; i++)
        raw[i] = sqlite3_column_int64(statement, (int)at + i);
    for (uint32_t i = 0; at < columns->count; i++, at++)
        cells[at] = write_measure(&measures[i], raw, texts[at]);
    return take(context, cells);
}

static enum am_code run(struct am_report_reader *reader,
                        sqlite3_stmt *statement,
                        const struct am_report_query *query,
                        am_report_take *take,
                        void *context,
                        struct am_error *error) {
    struct am_report_columns columns;
    int status;
    am_report_columns_of(query, &columns);
    bind(statement, query);
    while ((status = sqlite3_step(statement)) == SQLITE_ROW)
        if (!give_row(statement, query, &columns, take, context))
            return am_error_set(error, AM_E_CHANGED, "the report was ended");
    if (status == SQLITE_DONE)
        return AM_OK;
    if ((status & 0xFF) == SQLITE_ERROR)
        return am_error_set(error, AM_E_INVALID,
                            "the time zone is no whole number of hours from UTC, and reports are "
                            "kept by hours of UTC");
    return am_report_store_fail(&reader->store, error);
}

enum am_code am_report_run(struct am_report_reader *reader,
                           const struct am_report_query *query,
                           am_report_take *take,
                           void *context,
                           struct am_error *error) {
    struct text sql;
    sqlite3_stmt *statement = NULL;
    sql.buffer = am_buffer_over(sql.memory, sizeof sql.memory);
    if (query->kind == AM_REPORT_TERMS)
        put_terms(&sql.buffer, query);
    else
        put_delivery(&sql.buffer, query);
    enum am_code code = AM_OK;
    if (!add_functions(reader->store.database, query->zone) ||
        sqlite3_prepare_v2(reader->store.database, sql.memory, (int)sql.buffer.size, &statement,
                           NULL) != SQLITE_OK)
        code = am_report_store_fail(&reader->store, error);
    if (code == AM_OK)
        code = run(reader, statement, query, take, context, error);
    sqlite3_finalize(statement);
    return code;
}

/* ---- the reader ---- */

enum am_code
am_report_reader_open(const char *folder, struct am_report_reader **made, struct am_error *error) {
    struct am_report_reader *reader = calloc(1, sizeof *reader);
    *made = NULL;
    if (!reader)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    enum am_code code = am_report_store_open(&reader->store, folder, AM_REPORT_READ, error);
    if (code == AM_OK)
        *made = reader;
    else
        am_report_reader_close(reader);
    return code;
}

void am_report_reader_close(struct am_report_reader *reader) {
    if (!reader)
        return;
    am_report_store_close(&reader->store);
    free(reader);
}

enum am_code am_report_reader_state(struct am_report_reader *reader,
                                    struct am_report_state *state,
                                    struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(&reader->store, AM_REPORT_STATE, error);
    *state = (struct am_report_state){.newest = INT64_MIN};
    if (!statement)
        return AM_E_IO;
    enum am_code code = am_report_store_step(&reader->store, statement, &row, error);
    if (code == AM_OK && row) {
        int64_t newest = sqlite3_column_int64(statement, 1);
        state->newest = newest == INT64_MIN ? newest : newest / 1000000;
        state->lines = sqlite3_column_int64(statement, 2);
        state->unreadable = sqlite3_column_int64(statement, 3);
        state->gone = sqlite3_column_int64(statement, 4);
    }
    sqlite3_reset(statement);
    return code;
}
