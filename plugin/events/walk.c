/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <fcntl.h>
#include <unistd.h>

#include "cursor.h"

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

static void note_reached(struct walk *walk, uint32_t lane, uint64_t number, uint64_t offset) {
    if (walk->bounds->reached && lane < walk->bounds->count)
        walk->bounds->reached[lane] = (struct am_journal_position){number, offset};
}

/* The lines of the open file that begin before `to`. */
static enum am_code walk_lines(struct walk *walk,
                               const struct am_journal_file *file,
                               struct am_journal_position to,
                               struct am_error *error) {
    for (;;) {
        struct am_journal_walked line = {.lane = file->lane, .begin = {file->number, 0}};
        bool more;
        enum am_code code =
            am_journal_cursor_next(&walk->cursor, &line.text, &line.begin.offset, &more, error);
        if (code != AM_OK || !more)
            return code;
        if (!is_before(line.begin, to))
            return AM_OK;
        line.end = (struct am_journal_position){file->number, walk->cursor.offset};
        walk->report->lines++;
        if (!walk->visit(walk->context, &line))
            return am_error_set(error, AM_E_CHANGED, "the walk through the log was ended");
        note_reached(walk, file->lane, file->number, line.end.offset);
    }
}

/* A packed file that was read to its end has no more to come. */
static void end_file(struct walk *walk, const struct am_journal_file *file, uint64_t end) {
    if (file->number >= end)
        return;
    walk->report->torn += am_journal_cursor_rest(&walk->cursor) != 0;
    if (walk->cursor.packed)
        note_reached(walk, file->lane, file->number + 1, 0);
}

/* Files of a lane come in order, so that one before `file` would have been seen. */
static void note_gone(struct walk *walk, const struct am_journal_file *files, size_t at) {
    const struct am_journal_bounds *bounds = walk->bounds;
    const struct am_journal_file *file = &files[at];
    struct am_journal_position from = bound(bounds->from, bounds->count, file->lane, 0);
    struct am_journal_position to = bound(bounds->to, bounds->count, file->lane, UINT64_MAX);
    bool seen = at && files[at - 1].lane == file->lane && files[at - 1].number >= from.number;
    walk->report->gone += from.offset && !seen && file->number > from.number &&
                          is_before((struct am_journal_position){file->number, 0}, to);
}

static enum am_code
walk_file(struct walk *walk, const struct am_journal_file *file, struct am_error *error) {
    const struct am_journal_bounds *bounds = walk->bounds;
    struct am_journal_position from = bound(bounds->from, bounds->count, file->lane, 0);
    struct am_journal_position to = bound(bounds->to, bounds->count, file->lane, UINT64_MAX);
    if (file->number < from.number || file->number > to.number)
        return AM_OK;
    uint64_t offset = file->number == from.number ? from.offset : 0;
    enum am_code code = am_journal_cursor_open(&walk->cursor, walk->folder, file, offset, error);
    if (code == AM_E_NOT_FOUND)
        return AM_OK;
    if (code == AM_OK && is_before((struct am_journal_position){file->number, offset}, to)) {
        note_reached(walk, file->lane, file->number, offset);
        code = walk_lines(walk, file, to, error);
    }
    if (code == AM_OK)
        end_file(walk, file, to.number);
    return code;
}

static enum am_code walk_files(struct walk *walk, const char *folder, struct am_error *error) {
    const struct am_journal_bounds *bounds = walk->bounds;
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    if (bounds->reached)
        for (uint32_t lane = 0; lane < bounds->count; lane++)
            bounds->reached[lane] = bound(bounds->from, bounds->count, lane, 0);
    enum am_code code = am_journal_files(walk->folder, folder, &files, error);
    for (size_t i = 0; code == AM_OK && i < files.count; i++) {
        note_gone(walk, files.data, i);
        code = walk_file(walk, AM_VECTOR_AT(&files, struct am_journal_file, i), error);
    }
    am_vector_free(&files);
    return code;
}

enum am_code am_journal_walk(const char *folder,
                             const struct am_journal_bounds *bounds,
                             am_journal_visit *visit,
                             void *context,
                             struct am_journal_walk_report *report,
                             struct am_error *error) {
    struct walk walk = {-1, bounds, visit, context, report, {.plain = -1}};
    *report = (struct am_journal_walk_report){0, 0, 0, 0};
    walk.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum am_code code =
        walk.folder < 0
            ? am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", folder)
            : walk_files(&walk, folder, error);
    report->bad = walk.cursor.bad;
    am_journal_cursor_free(&walk.cursor);
    if (walk.folder >= 0)
        close(walk.folder);
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
