/* SPDX-License-Identifier: Apache-2.0 */
/* A log in a folder of its own, and reading it back, for tests. */
#ifndef JOURNAL_FOLDER_H
#define JOURNAL_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../../plugin/base/vector.h"
#include "../../plugin/events/journal.h"
#include "../../plugin/events/scan.h"
#include "../../plugin/events/walk.h"

struct journal_folder {
    char path[64];
    char log[80];
    struct am_journal_shared *shared;
    struct am_journal journal;
};

/* The clock of all journals made here, when it is not 0. */
static _Atomic int64_t journal_time;
static int64_t (*journal_real_clock)(void);

static int64_t journal_clock(void) {
    int64_t time = atomic_load(&journal_time);
    return time ? time : journal_real_clock();
}

static inline void *shared_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

/* New shared memory over the same folder: what a reboot leaves. */
static inline void journal_restart(struct journal_folder *folder, uint32_t lanes) {
    struct am_error error;
    folder->shared = shared_memory(am_journal_shared_size(lanes));
    if (am_journal_shared_start(folder->shared, lanes, folder->log, &error) != AM_OK ||
        am_journal_open(folder->log, folder->shared, &folder->journal, &error) != AM_OK)
        fail_msg("%s", error.message);
    journal_real_clock = folder->journal.clock;
    folder->journal.clock = journal_clock;
}

static inline void journal_start(struct journal_folder *folder, uint32_t lanes) {
    strcpy(folder->path, "/tmp/admatch-test-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->log, sizeof folder->log, "%s/log", folder->path);
    atomic_store(&journal_time, 0);
    journal_restart(folder, lanes);
}

static inline void journal_end(struct journal_folder *folder) {
    char command[96];
    am_journal_close(&folder->journal);
    munmap(folder->shared, am_journal_shared_size(folder->shared->lane_count));
    snprintf(command, sizeof command, "rm -rf %s", folder->path);
    assert_int_equal(system(command), 0);
}

static inline struct am_journal_writer *journal_writer(struct journal_folder *folder,
                                                       uint32_t lane) {
    struct am_journal_writer *writer;
    struct am_error error;
    if (am_journal_writer_open(&folder->journal, lane, &writer, &error) != AM_OK)
        fail_msg("%s", error.message);
    return writer;
}

/* Writes a view with that number as its position. */
static inline bool journal_put(struct am_journal_writer *writer, uint64_t number) {
    struct am_journal_line line;
    struct am_journal_position position;
    am_journal_begin(writer, AM_JOURNAL_VIEW, &line);
    am_journal_put_number(line.text, "position", number);
    bool written = am_journal_write(writer, &position);
    am_journal_end(writer);
    return written;
}

static inline void journal_put_waiting(struct am_journal_writer *writer, uint64_t number) {
    struct am_journal_line line;
    am_journal_batch_begin(writer, AM_JOURNAL_DECISION, &line);
    am_journal_put_number(line.text, "position", number);
    am_journal_batch_end(writer);
}

/* What a log holds, by the members "position". Each line's n is checked against its place. */
struct journal_content {
    uint8_t *seen; /* times, by number; up to `most` */
    uint64_t most;
    struct am_journal_walk_report report;
    uint64_t wrong; /* lines that do not scan, or whose n is not their place */
};

static inline bool journal_note(void *context, const struct am_journal_walked *line) {
    struct journal_content *content = context;
    struct am_journal_record record;
    uint64_t number, offset, position = 0;
    uint32_t lane;
    char memory[64];
    if (!am_journal_scan(line->text, &record) ||
        !am_journal_place_read(am_journal_text(record.values[AM_JOURNAL_M_N], memory), &lane,
                               &number, &offset) ||
        lane != line->lane || number != line->begin.number || offset != line->begin.offset ||
        !am_journal_unsigned(record.values[AM_JOURNAL_M_POSITION], &position) ||
        position >= content->most)
        content->wrong++;
    else
        content->seen[position]++;
    return true;
}

static inline struct journal_content journal_read(const struct journal_folder *folder,
                                                  uint64_t most) {
    struct journal_content content = {.seen = calloc(most + 1, 1), .most = most};
    struct am_journal_bounds bounds = {.count = 0};
    struct am_error error;
    if (am_journal_walk(folder->log, &bounds, journal_note, &content, &content.report, &error) !=
        AM_OK)
        fail_msg("%s", error.message);
    return content;
}

/* Each of `first` to `end` - 1 stands in the log once, and nothing else does. */
static inline void
journal_assert_holds(const struct journal_folder *folder, uint64_t first, uint64_t end) {
    struct journal_content content = journal_read(folder, end);
    assert_int_equal(content.wrong, 0);
    assert_int_equal(content.report.torn, 0);
    assert_int_equal(content.report.bad, 0);
    assert_int_equal(content.report.missing, 0);
    for (uint64_t i = 0; i < end; i++)
        if (content.seen[i] != (i >= first))
            fail_msg("line %llu stands %d times in the log", (unsigned long long)i,
                     content.seen[i]);
    free(content.seen);
}

#endif
