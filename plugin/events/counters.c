/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include <fcntl.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/timezone.h"
#include "cursor.h"
#include "lane.h"
#include "parts.h"
#include "token.h"

/* A line is ended when it has grown so long; another cell, all escaped, still fits behind. */
enum { LINE_FULL = 10 << 10, DATE_SIZE = 10 };
_Static_assert(LINE_FULL + 2 * AM_JOURNAL_ID_MEMORY + 400 < AM_JOURNAL_LINE_MAX,
               "a line that is not full has room for a cell");

/* ---- writing ---- */

struct set_writer {
    struct am_event_worker *worker;
    struct am_buffer *text; /* of the line under way, or NULL */
    int64_t cut;
    uint64_t part;
    bool open; /* an array is open in it */
    bool failed;
    struct am_journal_set *set; /* where it stands */
};

static uint64_t next_order(struct am_ledger *ledger) {
    return (uint64_t)am_ledger_epoch(ledger) * AM_TOKEN_SEQUENCE_END + am_ledger_sequence(ledger);
}

static void begin_line(struct set_writer *set) {
    struct am_journal_line line;
    char cut[AM_JOURNAL_TIME_SIZE];
    am_journal_begin(am_event_worker_writer(set->worker), AM_JOURNAL_COUNTERS, &line);
    set->text = line.text;
    if (set->part == 0) {
        set->cut = line.time;
        set->set->begin = line.position;
        set->set->order = next_order(set->worker->service->ledger);
    }
    am_journal_time_write(set->cut, cut);
    am_journal_put_text(set->text, "cut", ((struct am_view){cut, sizeof cut}));
    am_journal_put_number(set->text, "part", set->part);
    if (set->part++ == 0)
        am_journal_put_number(set->text, "order", set->set->order);
}

static void end_line(struct set_writer *set, bool last) {
    struct am_journal_writer *writer = am_event_worker_writer(set->worker);
    struct am_journal_position position;
    if (set->open)
        am_buffer_literal(set->text, "]");
    if (last)
        am_journal_put_flag(set->text, "last", true);
    set->failed |= !am_journal_write(writer, &position);
    am_journal_end(writer);
    set->open = false;
    set->text = NULL;
}

/* Makes room for another item of an array of that name. */
static void next_item(struct set_writer *set, const char *name) {
    if (set->text && set->text->size >= LINE_FULL)
        end_line(set, false);
    if (!set->text)
        begin_line(set);
    if (set->open) {
        am_buffer_literal(set->text, ",");
        return;
    }
    am_buffer_literal(set->text, ",\"");
    am_buffer_append(set->text, name, strlen(name));
    am_buffer_literal(set->text, "\":[");
    set->open = true;
}

static void put_position(struct set_writer *set, const struct am_ledger_position_of *position) {
    char name[AM_JOURNAL_NAME_SIZE];
    next_item(set, "positions");
    size_t size = am_journal_name_write(position->slot, position->position.file, name);
    am_buffer_literal(set->text, "\"");
    am_buffer_append(set->text, name, size);
    am_buffer_literal(set->text, ":");
    am_buffer_unsigned(set->text, position->position.offset);
    am_buffer_literal(set->text, "\"");
}

static void put_count(struct am_buffer *text, int64_t count) {
    am_buffer_decimal(text, count, 0);
}

static void put_counts(struct am_buffer *text, const int64_t counts[AM_LEDGER_UNITS]) {
    am_buffer_literal(text, "\"spend\":");
    am_buffer_decimal(text, counts[AM_LEDGER_MONEY], 9);
    am_journal_put_name(text, "impressions");
    put_count(text, counts[AM_LEDGER_IMPRESSIONS]);
    am_journal_put_name(text, "clicks");
    put_count(text, counts[AM_LEDGER_CLICKS]);
}

static void put_date(struct am_buffer *text, int64_t day) {
    char time[AM_JOURNAL_TIME_SIZE];
    am_journal_time_write(day * 86400 * AM_JOURNAL_SECOND, time);
    am_journal_put_text(text, "day", ((struct am_view){time, DATE_SIZE}));
}

static void put_cell(struct set_writer *set, const struct am_ledger_count_of *record) {
    struct am_view zone = am_ledger_zone(set->worker->service->ledger, record->cell);
    if (am_model_key((enum am_model_record)record->kind, record->id) != record->key)
        return; /* freed meanwhile, and its id with it */
    next_item(set, "cells");
    am_buffer_literal(set->text, "{");
    put_counts(set->text, record->total);
    am_journal_put_text(set->text, "kind", am_view_of(am_ledger_kind_name(record->kind)));
    am_journal_put_text(set->text, "id", record->id);
    put_date(set->text, record->day);
    am_journal_put_name(set->text, "today");
    am_buffer_literal(set->text, "{");
    put_counts(set->text, record->today);
    am_buffer_literal(set->text, "}");
    if (zone.size)
        am_journal_put_text(set->text, "timezone", zone);
    am_buffer_literal(set->text, "}");
}

bool am_event_log_counters(struct am_event_worker *worker,
                           const struct am_ledger_counts *counts,
                           struct am_journal_set *where) {
    struct am_journal_set unused = {.found = false};
    struct set_writer set = {.worker = worker, .set = where ? where : &unused};
    for (uint32_t i = 0; i < counts->position_count; i++)
        put_position(&set, &counts->positions[i]);
    if (set.text)
        end_line(&set, false);
    for (uint32_t i = 0; i < counts->record_count; i++)
        put_cell(&set, &counts->records[i]);
    if (!set.text)
        begin_line(&set);
    end_line(&set, true);
    set.set->found = !set.failed;
    set.set->lane = am_journal_writer_lane(am_event_worker_writer(worker));
    am_journal_time_write(set.cut, set.set->cut);
    return !set.failed;
}

/* ---- reading a cell ---- */

static bool read_counts(const struct am_journal_record *record, int64_t counts[AM_LEDGER_UNITS]) {
    int64_t nanos;
    /* Whole numbers, negative ones after adjustments: read as decimals without a fraction. */
    const struct am_view values[] = {record->values[AM_JOURNAL_M_IMPRESSIONS],
                                     record->values[AM_JOURNAL_M_CLICKS]};
    for (size_t i = 0; i < AM_COUNT_OF(values); i++)
        if (!am_journal_integer(values[i], &counts[AM_LEDGER_IMPRESSIONS + i]))
            return false;
    if (!am_journal_money(record->values[AM_JOURNAL_M_SPEND], &nanos))
        return false;
    counts[AM_LEDGER_MONEY] = nanos;
    return true;
}

static bool read_date(struct am_view value, int64_t *day) {
    char text[AM_JOURNAL_TIME_SIZE] = "0000-00-00T00:00:00.000000Z";
    int64_t time;
    if (value.size != DATE_SIZE + 2)
        return false;
    memcpy(text, value.data + 1, DATE_SIZE);
    if (!am_journal_time_read((struct am_view){text, sizeof text}, &time))
        return false;
    *day = time / AM_JOURNAL_SECOND / 86400; /* midnights divide evenly */
    return true;
}

bool am_journal_cell_read(struct am_view item, struct am_journal_cell *cell) {
    struct am_journal_record record, today;
    if (!am_journal_scan(item, &record) ||
        !am_journal_scan(record.values[AM_JOURNAL_M_TODAY], &today))
        return false;
    cell->kind = am_journal_ledger_kind(record.values[AM_JOURNAL_M_KIND]);
    cell->id = am_journal_id(record.values[AM_JOURNAL_M_ID], cell->memory[0]);
    cell->zone = am_journal_id(record.values[AM_JOURNAL_M_TIMEZONE], cell->memory[1]);
    return cell->kind != AM_LEDGER_KINDS && cell->id.size && read_counts(&record, cell->total) &&
           read_counts(&today, cell->today) &&
           read_date(record.values[AM_JOURNAL_M_DAY], &cell->day);
}

/* ---- finding a set ---- */

struct search {
    int folder;
    struct am_journal_cursor cursor;
    int64_t until;
    struct am_journal_set *set; /* the newest whole one */
    struct am_journal_set open; /* one whose lines are being read */
    uint64_t parts;             /* of the open one */
};

/* The log of an earlier version has no order in its sets. */
static bool is_newer(const struct am_journal_set *one, const struct am_journal_set *other) {
    if (one->order != other->order)
        return one->order > other->order;
    return memcmp(one->cut, other->cut, AM_JOURNAL_TIME_SIZE) >= 0;
}

static void see_line(struct search *search,
                     const struct am_journal_file *file,
                     struct am_view line,
                     uint64_t offset) {
    struct am_journal_record record;
    uint64_t part;
    int64_t time;
    if (am_journal_peek(line) != AM_JOURNAL_COUNTERS || !am_journal_scan(line, &record) ||
        record.values[AM_JOURNAL_M_CUT].size != AM_JOURNAL_TIME_SIZE + 2 ||
        !am_journal_unsigned(record.values[AM_JOURNAL_M_PART], &part))
        return;
    const char *cut = record.values[AM_JOURNAL_M_CUT].data + 1;
    if (!am_journal_time_read((struct am_view){cut, AM_JOURNAL_TIME_SIZE}, &time) ||
        time > search->until)
        return;
    if (part == 0) {
        search->open = (struct am_journal_set){true, file->lane, {file->number, offset}, {0}, 0};
        (void)am_journal_unsigned(record.values[AM_JOURNAL_M_ORDER], &search->open.order);
        memcpy(search->open.cut, cut, AM_JOURNAL_TIME_SIZE);
        search->parts = 0;
    }
    if (!search->open.found || part != search->parts++ ||
        memcmp(search->open.cut, cut, AM_JOURNAL_TIME_SIZE) != 0) {
        search->open.found = false;
        return;
    }
    if (am_journal_true(record.values[AM_JOURNAL_M_LAST]) &&
        (!search->set->found || is_newer(&search->open, search->set)))
        *search->set = search->open;
}

static enum am_code
search_file(struct search *search, const struct am_journal_file *file, struct am_error *error) {
    enum am_code code = am_journal_cursor_open(&search->cursor, search->folder, file, 0, error);
    if (search->open.lane != file->lane)
        search->open.found = false;
    if (code == AM_E_NOT_FOUND)
        return AM_OK;
    for (bool more = true; code == AM_OK && more;) {
        struct am_view line;
        uint64_t offset;
        code = am_journal_cursor_next(&search->cursor, &line, &offset, &more, error);
        if (code == AM_OK && more)
            see_line(search, file, line, offset);
    }
    return code;
}

/* The greatest hour below `below` of which there is a file. False: there is none. */
static bool earlier_hour(const struct am_vector *files, uint64_t below, uint64_t *hour) {
    bool found = false;
    for (size_t i = 0; i < files->count; i++) {
        uint64_t of =
            am_journal_number_hour(AM_VECTOR_AT(files, struct am_journal_file, i)->number);
        if (of < below && (!found || of > *hour)) {
            *hour = of;
            found = true;
        }
    }
    return found;
}

static enum am_code
search_hours(struct search *search, const struct am_vector *files, struct am_error *error) {
    enum am_code code = AM_OK;
    uint64_t hour = UINT64_MAX, now = am_journal_hour(am_clock_seconds() * AM_JOURNAL_SECOND);
    while (code == AM_OK && (!search->set->found || hour > now) && earlier_hour(files, hour, &hour))
        for (size_t i = 0; code == AM_OK && i < files->count; i++) {
            const struct am_journal_file *file = AM_VECTOR_AT(files, struct am_journal_file, i);
            if (am_journal_number_hour(file->number) == hour)
                code = search_file(search, file, error);
        }
    return code;
}

enum am_code am_journal_find_set(const char *folder,
                                 int64_t until,
                                 struct am_journal_set *set,
                                 struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    struct search search = {.cursor = {.plain = -1}, .until = until, .set = set};
    set->found = false;
    search.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (search.folder < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", folder);
    enum am_code code = am_journal_files(search.folder, folder, &files, error);
    if (code == AM_OK)
        code = search_hours(&search, &files, error);
    am_journal_cursor_free(&search.cursor);
    am_vector_free(&files);
    close(search.folder);
    return code;
}

/* ---- reading a set ---- */

struct set_reader {
    const struct am_journal_set *set;
    struct am_journal_position *positions;
    uint32_t lane_count;
    am_journal_set_cell *cell;
    void *context;
    bool whole, failed;
};

static void read_positions(struct set_reader *reader, struct am_view array) {
    struct am_view item;
    for (size_t at = 0; am_journal_item(array, &at, &item);) {
        char memory[AM_JOURNAL_NAME_SIZE + 32];
        struct am_journal_position position;
        uint32_t lane;
        if (item.size <= sizeof memory &&
            am_journal_place_read(am_journal_text(item, memory), &lane, &position.number,
                                  &position.offset) &&
            lane < reader->lane_count)
            reader->positions[lane] = position;
    }
}

static bool read_cells(struct set_reader *reader, struct am_view array) {
    struct am_journal_cell cell;
    struct am_view item;
    for (size_t at = 0; am_journal_item(array, &at, &item);)
        if (am_journal_cell_read(item, &cell) && !reader->cell(reader->context, &cell))
            return false;
    return true;
}

static bool read_line(void *context, const struct am_journal_walked *line) {
    struct set_reader *reader = context;
    struct am_journal_record record;
    if (am_journal_peek(line->text) != AM_JOURNAL_COUNTERS ||
        !am_journal_scan(line->text, &record) ||
        record.values[AM_JOURNAL_M_CUT].size != AM_JOURNAL_TIME_SIZE + 2 ||
        memcmp(record.values[AM_JOURNAL_M_CUT].data + 1, reader->set->cut, AM_JOURNAL_TIME_SIZE) !=
            0)
        return true;
    read_positions(reader, record.values[AM_JOURNAL_M_POSITIONS]);
    reader->failed = !read_cells(reader, record.values[AM_JOURNAL_M_CELLS]);
    reader->whole = am_journal_true(record.values[AM_JOURNAL_M_LAST]);
    return !reader->failed && !reader->whole;
}

enum am_code am_journal_read_set(const char *folder,
                                 const struct am_journal_set *set,
                                 struct am_journal_position *positions,
                                 uint32_t lane_count,
                                 am_journal_set_cell *cell,
                                 void *context,
                                 struct am_error *error) {
    struct set_reader reader = {set, positions, lane_count, cell, context, false, false};
    struct am_journal_walk_report report;
    struct am_journal_position *bounds_memory =
        calloc((size_t)2 * AM_JOURNAL_MAX_LANES, sizeof *positions);
    if (!bounds_memory)
        return am_error_set(error, AM_E_MEMORY, "no memory for reading the log");
    /* Of the set's lane, from the set on; of the others, nothing. */
    struct am_journal_position *from = bounds_memory, *to = bounds_memory + AM_JOURNAL_MAX_LANES;
    from[set->lane] = set->begin;
    to[set->lane] = (struct am_journal_position){UINT64_MAX, UINT64_MAX};
    struct am_journal_bounds bounds = {.from = from, .to = to, .count = AM_JOURNAL_MAX_LANES};
    enum am_code code = am_journal_walk(folder, &bounds, read_line, &reader, &report, error);
    free(bounds_memory);
    if (reader.failed)
        return am_error_set(error, AM_E_MEMORY, "no memory for the counters of the log");
    if (reader.whole)
        return AM_OK;
    return code != AM_OK
               ? code
               : am_error_set(error, AM_E_CORRUPT, "the counters of %.*s in the log are not whole",
                              AM_JOURNAL_TIME_SIZE, set->cut);
}
