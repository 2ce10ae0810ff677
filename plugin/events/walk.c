/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cursor.h"
#include "lane.h"
#include "scan.h"

/* A file that is removed for its age is a day old, and the present hour may have none yet. */
enum { LEAST_KEPT_HOURS = 22 };

/* What is known of the lane that is being read. */
struct lane_walk {
    uint32_t lane;
    struct am_journal_position reached; /* lines up to it were read, or are not wanted */
    struct am_journal_position to;
    bool from_first; /* nothing was read yet, and all was wanted */
};

struct walk {
    int folder;
    const struct am_journal_bounds *bounds;
    am_journal_visit *visit;
    void *context;
    struct am_journal_walk_report *report;
    struct am_journal_cursor cursor;
};

static bool is_before(struct am_journal_position a, struct am_journal_position b) {
    return a.number != b.number ? a.number < b.number : a.offset < b.offset;
}

static struct am_journal_position
bound(const struct am_journal_position *positions, uint32_t count, uint32_t lane, uint64_t none) {
    return positions && lane < count ? positions[lane] : (struct am_journal_position){none, none};
}

/* ---- what is missing ---- */

void am_journal_lack_write(const struct am_journal_lack *lack,
                           char text[AM_JOURNAL_LACK_TEXT_SIZE]) {
    char name[AM_JOURNAL_NAME_SIZE];
    am_journal_name_write(lack->lane, lack->to.number, name);
    if (lack->to.offset == UINT64_MAX) {
        snprintf(text, AM_JOURNAL_LACK_TEXT_SIZE, "%s from byte %llu on", name,
                 (unsigned long long)lack->from.offset);
        return;
    }
    snprintf(text, AM_JOURNAL_LACK_TEXT_SIZE, "%s from byte %llu to byte %llu", name,
             (unsigned long long)lack->from.offset, (unsigned long long)lack->to.offset);
}

static void add_lack(struct am_journal_walk_report *report, struct am_journal_lack lack) {
    if (report->missing < AM_JOURNAL_LACKS)
        report->lacks[report->missing] = lack;
    report->missing++;
}

/* All lines before `end` should have been read. */
static void
expect(struct walk *walk, const struct lane_walk *lane, struct am_journal_position end) {
    struct am_journal_position from = {end.number, 0};
    if (!is_before(lane->reached, end))
        return;
    if (lane->reached.number == end.number)
        from.offset = lane->reached.offset;
    add_lack(walk->report, (struct am_journal_lack){lane->lane, from, end});
}

/* By the first line of a file. Before the first file that is kept, others have been removed. */
static void
check_before(struct walk *walk, const struct lane_walk *lane, struct am_view first_line) {
    char memory[AM_JOURNAL_NAME_SIZE + 32];
    struct am_journal_record record;
    struct am_journal_position end;
    uint32_t of;
    if (!am_journal_scan(first_line, &record))
        return;
    struct am_view after = record.values[AM_JOURNAL_M_AFTER];
    if (after.size > sizeof memory ||
        !am_journal_place_read(am_journal_text(after, memory), &of, &end.number, &end.offset) ||
        of != lane->lane || (lane->from_first && end.number < walk->bounds->kept))
        return;
    expect(walk, lane, end);
}

/* Files of a lane come in order. */
static bool
is_gone(const struct lane_walk *lane, const struct am_journal_file *files, size_t count) {
    size_t at = 0;
    while (at < count && files[at].number < lane->reached.number)
        at++;
    return lane->reached.offset && at < count && files[at].number > lane->reached.number &&
           is_before((struct am_journal_position){files[at].number, 0}, lane->to);
}

/* ---- reading ---- */

static void note_reached(struct walk *walk, uint32_t lane, uint64_t number, uint64_t offset) {
    if (walk->bounds->reached && lane < walk->bounds->count)
        walk->bounds->reached[lane] = (struct am_journal_position){number, offset};
}

/* The lines of the open file that begin before `to`. */
static enum am_code walk_lines(struct walk *walk,
                               const struct am_journal_file *file,
                               struct lane_walk *lane,
                               struct am_error *error) {
    for (;;) {
        struct am_journal_walked line = {.lane = file->lane, .begin = {file->number, 0}};
        bool more;
        enum am_code code =
            am_journal_cursor_next(&walk->cursor, &line.text, &line.begin.offset, &more, error);
        if (code != AM_OK || !more)
            return code;
        if (!is_before(line.begin, lane->to))
            return AM_OK;
        if (line.begin.offset == 0)
            check_before(walk, lane, line.text);
        line.end = (struct am_journal_position){file->number, walk->cursor.offset};
        lane->reached = line.end;
        lane->from_first = false;
        walk->report->lines++;
        if (!walk->visit(walk->context, &line))
            return am_error_set(error, AM_E_CHANGED, "the walk through the log was ended");
        note_reached(walk, file->lane, file->number, line.end.offset);
        note_reached(walk, file->lane, file->number, line.end.offset);
    }
}

/* A packed file that was read to its end has no more to come; part of a line at its end it counts
 * as its own. */
static void
end_file(struct walk *walk, const struct am_journal_file *file, struct lane_walk *lane) {
    size_t rest = am_journal_cursor_rest(&walk->cursor);
    if (rest)
        lane->reached = (struct am_journal_position){file->number, walk->cursor.offset + rest};
    walk->report->torn += rest != 0;
    if (walk->cursor.packed)
        note_reached(walk, file->lane, file->number + 1, 0);
}

static enum am_code walk_file(struct walk *walk,
                              const struct am_journal_file *file,
                              struct lane_walk *lane,
                              struct am_error *error) {
    uint64_t from = lane->reached.number == file->number ? lane->reached.offset : 0;
    if (file->number < lane->reached.number || file->number > lane->to.number)
        return AM_OK;
    enum am_code code = am_journal_cursor_open(&walk->cursor, walk->folder, file, from, error);
    if (code == AM_E_NOT_FOUND)
        return AM_OK;
    if (code == AM_OK && is_before((struct am_journal_position){file->number, from}, lane->to)) {
        note_reached(walk, file->lane, file->number, from);
        code = walk_lines(walk, file, lane, error);
    }
    if (code == AM_OK && file->number < lane->to.number)
        end_file(walk, file, lane);
    return code;
}

/* All files of one lane. */
static enum am_code walk_lane(struct walk *walk,
                              uint32_t number,
                              const struct am_journal_file *files,
                              size_t count,
                              struct am_error *error) {
    const struct am_journal_bounds *bounds = walk->bounds;
    struct lane_walk lane = {
        .lane = number,
        .reached = bound(bounds->from, bounds->count, number, 0),
        .to = bound(bounds->to, bounds->count, number, UINT64_MAX),
    };
    enum am_code code = AM_OK;
    lane.from_first = lane.reached.number == 0;
    walk->report->gone += is_gone(&lane, files, count);
    if (bounds->reached && number < bounds->count)
        bounds->reached[number] = lane.reached;
    for (size_t i = 0; code == AM_OK && i < count; i++)
        code = walk_file(walk, &files[i], &lane, error);
    if (code == AM_OK && lane.to.number != UINT64_MAX)
        expect(walk, &lane, lane.to);
    return code;
}

static enum am_code walk_lanes(struct walk *walk, struct am_vector *files, struct am_error *error) {
    enum am_code code = AM_OK;
    size_t next = 0;
    for (uint32_t lane = 0; code == AM_OK && lane < AM_JOURNAL_MAX_LANES; lane++) {
        size_t first = next;
        while (next < files->count &&
               AM_VECTOR_AT(files, struct am_journal_file, next)->lane == lane)
            next++;
        const struct am_journal_file *own =
            first < next ? AM_VECTOR_AT(files, struct am_journal_file, first) : NULL;
        code = walk_lane(walk, lane, own, next - first, error);
    }
    return code;
}

enum am_code am_journal_walk(const char *folder,
                             const struct am_journal_bounds *bounds,
                             am_journal_visit *visit,
                             void *context,
                             struct am_journal_walk_report *report,
                             struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    struct walk walk = {-1, bounds, visit, context, report, {.plain = -1}};
    *report = (struct am_journal_walk_report){.lines = 0};
    walk.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum am_code code =
        walk.folder < 0
            ? am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", folder)
            : am_journal_files(walk.folder, folder, &files, error);
    if (code == AM_OK)
        code = walk_lanes(&walk, &files, error);
    report->bad = walk.cursor.bad;
    am_journal_cursor_free(&walk.cursor);
    am_vector_free(&files);
    if (walk.folder >= 0)
        close(walk.folder);
    return code;
}

/* ---- what was there once ---- */

uint64_t am_journal_last_hour(const struct am_journal_position *ends, uint32_t count) {
    uint64_t last = 0;
    for (uint32_t lane = 0; lane < count; lane++)
        if (ends[lane].number > last)
            last = ends[lane].number;
    return am_journal_number(am_journal_number_hour(last), 0);
}

static uint64_t newest_hour(const struct am_vector *files) {
    uint64_t newest = 0;
    for (size_t i = 0; i < files->count; i++) {
        uint64_t number = AM_VECTOR_AT(files, struct am_journal_file, i)->number;
        newest = number > newest ? number : newest;
    }
    return am_journal_number_hour(newest);
}

/* Where the last whole line of a lane's file ends; 0 when the file is not there. */
static uint64_t
find_end(int folder, const struct am_vector *files, uint32_t lane, uint64_t number) {
    for (size_t i = 0; i < files->count; i++) {
        const struct am_journal_file *file = AM_VECTOR_AT(files, struct am_journal_file, i);
        if (file->lane == lane && file->number == number)
            return am_journal_file_end(folder, file);
    }
    return 0;
}

enum am_code am_journal_check_ends(const char *path,
                                   const struct am_journal_position *ends,
                                   uint32_t count,
                                   struct am_journal_walk_report *report,
                                   struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    uint64_t first = am_journal_last_hour(ends, count);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", path);
    enum am_code code = am_journal_files(folder, path, &files, error);
    uint64_t newest = newest_hour(&files);
    for (uint32_t lane = 0; code == AM_OK && lane < count; lane++) {
        struct am_journal_position end = ends[lane];
        if (!end.offset || end.number < first ||
            am_journal_number_hour(end.number) + LEAST_KEPT_HOURS < newest)
            continue;
        uint64_t found = find_end(folder, &files, lane, end.number);
        if (found < end.offset)
            add_lack(report,
                     (struct am_journal_lack){lane, {end.number, found}, {end.number, UINT64_MAX}});
    }
    am_vector_free(&files);
    close(folder);
    return code;
}

enum am_code am_journal_next_number(const char *folder,
                                    uint64_t least,
                                    uint64_t *number,
                                    struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *number = UINT64_MAX;
    if (opened < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", folder);
    enum am_code code = am_journal_files(opened, folder, &files, error);
    close(opened);
    for (size_t i = 0; code == AM_OK && i < files.count; i++) {
        uint64_t found = AM_VECTOR_AT(&files, struct am_journal_file, i)->number;
        if (found >= least && found < *number)
            *number = found;
    }
    am_vector_free(&files);
    return code;
}
