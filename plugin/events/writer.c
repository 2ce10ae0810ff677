/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's writer: lines one by one, and lines that wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/reserve.h"
#include "lane.h"

/* Lines that wait: each a header, and the line without its member n. */
struct waiting {
    char *memory; /* AM_JOURNAL_BATCH_MAX bytes */
    size_t size;
    uint64_t lines;
};

struct record_header {
    uint32_t size;  /* of the line as it waits */
    uint32_t place; /* where its n belongs */
};

enum { NANOSECONDS = 1000000000, END_NANOSECONDS = NANOSECONDS / 10 };

enum {
    FLUSH_AT = 1 << 20,     /* bytes that wait before a line's thread flushes them itself */
    CHUNK_SIZE = 256 << 10, /* of one write of lines that waited */
    PLACE_SIZE = 2 * (AM_JOURNAL_NAME_SIZE + 24) + 16,
    OUT_SIZE = AM_JOURNAL_BATCH_MAX + CHUNK_SIZE + PLACE_SIZE,
};

struct am_journal_writer {
    struct am_journal *journal;
    struct am_journal_lane *lane;
    uint32_t lane_number;

    pthread_mutex_t mutex; /* of all below, up to `batch_mutex`; taken before it */
    int file;              /* -1: none is open */
    uint64_t number;       /* of the open file */
    uint64_t offset;       /* its end */
    bool taken;            /* the lane is taken, and the open file is its file */
    char name[AM_JOURNAL_NAME_SIZE];
    size_t name_size;
    char line_memory[AM_JOURNAL_LINE_MAX];
    struct am_buffer line;
    char *out; /* OUT_SIZE bytes: lines that waited, as they are written */
    struct waiting flushing;

    pthread_mutex_t batch_mutex; /* of all below */
    struct waiting waiting;
    struct am_buffer waiting_line;
    size_t waiting_place;
};

static bool set_up(struct am_journal_writer *writer) {
    writer->out = am_memory_reserve(OUT_SIZE);
    writer->waiting.memory = am_memory_reserve(AM_JOURNAL_BATCH_MAX);
    writer->flushing.memory = am_memory_reserve(AM_JOURNAL_BATCH_MAX);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_mutex_init(&writer->batch_mutex, NULL);
    return writer->out && writer->waiting.memory && writer->flushing.memory;
}

static void tear_down(struct am_journal_writer *writer) {
    if (writer->file >= 0)
        close(writer->file);
    am_memory_release(writer->out, OUT_SIZE);
    am_memory_release(writer->waiting.memory, AM_JOURNAL_BATCH_MAX);
    am_memory_release(writer->flushing.memory, AM_JOURNAL_BATCH_MAX);
    pthread_mutex_destroy(&writer->mutex);
    pthread_mutex_destroy(&writer->batch_mutex);
    free(writer);
}

enum am_code am_journal_writer_open(struct am_journal *journal,
                                    uint32_t lane,
                                    struct am_journal_writer **writer,
                                    struct am_error *error) {
    *writer = NULL;
    if (lane >= journal->shared->lane_count)
        return am_error_set(error, AM_E_LIMIT, "lane %u of the log: expected one below %u", lane,
                            journal->shared->lane_count);
    enum am_code code = am_journal_repair(journal, lane, error);
    if (code != AM_OK)
        return code;
    struct am_journal_writer *made = calloc(1, sizeof *made);
    if (made) {
        made->journal = journal;
        made->lane = &journal->shared->lanes[lane];
        made->lane_number = lane;
        made->file = -1;
    }
    if (!made || !set_up(made)) {
        if (made)
            tear_down(made);
        return am_error_set(error, AM_E_MEMORY, "no memory for a writer of the log");
    }
    *writer = made;
    return AM_OK;
}

void am_journal_writer_close(struct am_journal_writer *writer) {
    if (!writer)
        return;
    am_journal_flush(writer);
    tear_down(writer);
}

uint32_t am_journal_writer_lane(const struct am_journal_writer *writer) {
    return writer->lane_number;
}

/* ---- the lane's file ---- */

/* The open file becomes that one. False with errno when it cannot be opened. */
static bool open_file(struct am_journal_writer *writer, uint64_t number, int flags) {
    int file = am_journal_lane_file(writer->journal, writer->lane_number, number, flags);
    if (file < 0)
        return false;
    if (writer->file >= 0)
        close(writer->file);
    writer->file = file;
    writer->number = number;
    writer->name_size = am_journal_name_write(writer->lane_number, number, writer->name);
    return true;
}

/* A new file behind all that the lane ever had. It exists before the lane names it, so whoever
 * repairs the lane finds it empty. Names that are taken, by an orphan or in a restored folder, are
 * passed over. */
static bool open_next(struct am_journal_writer *writer, uint64_t last, uint64_t number) {
    while (!open_file(writer, number, O_WRONLY | O_CREAT | O_EXCL)) {
        if (errno != EEXIST)
            return false;
        number++;
    }
    if (last && writer->offset) { /* an empty file is none that this one follows */
        atomic_store(&writer->lane->after_number, last);
        atomic_store(&writer->lane->after_offset, writer->offset);
    }
    atomic_store(&writer->lane->file, am_journal_word(number, AM_JOURNAL_WRITING));
    atomic_store(&writer->lane->offset, 0);
    atomic_store(&writer->lane->synced, 0);
    writer->offset = 0;
    return true;
}

/* The file that the lane had, which this process has not open yet: another process wrote it. */
static bool open_last(struct am_journal_writer *writer, uint64_t number) {
    struct stat status;
    return open_file(writer, number, O_WRONLY) && fstat(writer->file, &status) == 0 &&
           (uint64_t)status.st_size == writer->offset;
}

/* Keeps everybody else from the lane's file. Returns its word as it was before. */
static uint64_t lock_lane(struct am_journal_lane *lane) {
    uint64_t word = atomic_load(&lane->file), locked;
    do
        locked = am_journal_word(am_journal_word_number(word), AM_JOURNAL_WRITING);
    while (am_journal_word_state(word) != AM_JOURNAL_CLOSED &&
           !atomic_compare_exchange_weak(&lane->file, &word, locked));
    return word;
}

/* Takes the lane, with an open file that a line at `time` belongs to. Where there is none, lines
 * are lost until leave_lane. */
static void take_lane(struct am_journal_writer *writer, int64_t time) {
    uint64_t word = lock_lane(writer->lane), number = am_journal_word_number(word);
    uint64_t hour = am_journal_hour(time), first_of_hour = am_journal_number(hour, 0);
    writer->offset = atomic_load(&writer->lane->offset);
    writer->taken = am_journal_word_state(word) != AM_JOURNAL_CLOSED &&
                    hour <= am_journal_number_hour(number) &&
                    writer->offset < writer->journal->rotate_bytes &&
                    ((writer->file >= 0 && writer->number == number) || open_last(writer, number));
    if (!writer->taken)
        writer->taken =
            open_next(writer, number, number < first_of_hour ? first_of_hour : number + 1);
}

static void leave_lane(struct am_journal_writer *writer) {
    uint64_t number = am_journal_word_number(atomic_load(&writer->lane->file));
    atomic_store(&writer->lane->file,
                 am_journal_word(number, writer->taken ? AM_JOURNAL_IDLE : AM_JOURNAL_CLOSED));
}

static void count_lost(struct am_journal_writer *writer, uint64_t lines) {
    atomic_fetch_add(&writer->lane->lost, lines);
    atomic_store(&writer->journal->shared->lost_at, writer->journal->clock());
}

/* Appends whole lines to the file. False when they could not be written: then none of them is. */
static bool append(struct am_journal_writer *writer, struct am_view bytes) {
    if (!writer->taken)
        return false;
    if (!am_journal_pwrite(writer->file, bytes, writer->offset)) {
        atomic_store(&writer->journal->shared->full,
                     errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
        writer->taken = ftruncate(writer->file, (off_t)writer->offset) == 0;
        return false;
    }
    writer->offset += bytes.size;
    atomic_store(&writer->lane->offset, writer->offset);
    if (atomic_load_explicit(&writer->journal->shared->full, memory_order_relaxed))
        atomic_store(&writer->journal->shared->full, 0);
    return true;
}

/* "w3-2026120110:88123" for a line at that offset of the open file; a file's first line also says
 * which line it comes after: "w3-2026120110:0","after":"w3-2026120109:4711". */
static void put_place(struct am_journal_writer *writer, struct am_buffer *text, uint64_t offset) {
    char name[AM_JOURNAL_NAME_SIZE];
    uint64_t after = atomic_load(&writer->lane->after_number);
    am_buffer_append(text, writer->name, writer->name_size);
    am_buffer_literal(text, ":");
    am_buffer_unsigned(text, offset);
    if (offset || !after)
        return;
    am_buffer_literal(text, "\",\"after\":\"");
    am_buffer_append(text, name, am_journal_name_write(writer->lane_number, after, name));
    am_buffer_literal(text, ":");
    am_buffer_unsigned(text, atomic_load(&writer->lane->after_offset));
}

/* ---- lines one by one ---- */

/* The lane is taken. */
static void put_head(struct am_journal_writer *writer,
                     enum am_journal_kind kind,
                     int64_t time,
                     struct am_journal_line *line) {
    char place[PLACE_SIZE];
    struct am_buffer n = am_buffer_over(place, sizeof place);
    if (writer->taken)
        put_place(writer, &n, writer->offset);
    writer->line = am_buffer_over(writer->line_memory, sizeof writer->line_memory);
    am_journal_put_head(&writer->line, time, kind, am_buffer_view(&n));
    *line = (struct am_journal_line){&writer->line, time, {writer->number, writer->offset}};
}

void am_journal_begin(struct am_journal_writer *writer,
                      enum am_journal_kind kind,
                      struct am_journal_line *line) {
    pthread_mutex_lock(&writer->mutex);
    int64_t time = writer->journal->clock();
    take_lane(writer, time);
    put_head(writer, kind, time, line);
}

void am_journal_begin_at(struct am_journal_writer *writer,
                         enum am_journal_kind kind,
                         int64_t time,
                         struct am_journal_line *line) {
    pthread_mutex_lock(&writer->mutex);
    take_lane(writer, time);
    put_head(writer, kind, time, line);
}

void am_journal_retime(struct am_journal_writer *writer,
                       enum am_journal_kind kind,
                       int64_t time,
                       struct am_journal_line *line) {
    put_head(writer, kind, time, line);
}

bool am_journal_write(struct am_journal_writer *writer, struct am_journal_position *position) {
    am_journal_put_end(&writer->line);
    bool written = !writer->line.overflowed && append(writer, am_buffer_view(&writer->line));
    if (!written)
        count_lost(writer, 1);
    position->number = am_journal_word_number(atomic_load(&writer->lane->file));
    position->offset = writer->offset;
    return written;
}

void am_journal_end(struct am_journal_writer *writer) {
    leave_lane(writer);
    pthread_mutex_unlock(&writer->mutex);
}

/* ---- lines that wait ---- */

void am_journal_batch_begin(struct am_journal_writer *writer,
                            enum am_journal_kind kind,
                            struct am_journal_line *line) {
    pthread_mutex_lock(&writer->batch_mutex);
    if (writer->waiting.size >= FLUSH_AT) {
        pthread_mutex_unlock(&writer->batch_mutex);
        am_journal_flush(writer);
        pthread_mutex_lock(&writer->batch_mutex);
    }
    size_t begin = writer->waiting.size + sizeof(struct record_header);
    writer->waiting_line =
        am_buffer_over(writer->waiting.memory + begin, AM_JOURNAL_BATCH_MAX - begin);
    int64_t time = writer->journal->clock();
    writer->waiting_place =
        am_journal_put_head(&writer->waiting_line, time, kind, (struct am_view){NULL, 0});
    *line = (struct am_journal_line){&writer->waiting_line, time, {0, 0}};
}

void am_journal_batch_end(struct am_journal_writer *writer) {
    struct waiting *waiting = &writer->waiting;
    am_journal_put_end(&writer->waiting_line);
    if (writer->waiting_line.overflowed) {
        count_lost(writer, 1);
    } else {
        struct record_header header = {(uint32_t)writer->waiting_line.size,
                                       (uint32_t)writer->waiting_place};
        memcpy(waiting->memory + waiting->size, &header, sizeof header);
        waiting->size += sizeof header + header.size;
        waiting->lines++;
    }
    pthread_mutex_unlock(&writer->batch_mutex);
}

/* Exchanges the two memories, so that lines can go on waiting while others are written. With
 * `batch_mutex`. */
static void take_waiting(struct am_journal_writer *writer) {
    struct waiting taken = writer->waiting;
    writer->waiting = (struct waiting){writer->flushing.memory, 0, 0};
    writer->flushing = taken;
}

static void write_chunk(struct am_journal_writer *writer, struct am_buffer *out, uint64_t *lines) {
    if (*lines && !append(writer, am_buffer_view(out)))
        count_lost(writer, *lines);
    out->size = 0;
    *lines = 0;
}

static void write_waiting(struct am_journal_writer *writer) {
    struct am_buffer out = am_buffer_over(writer->out, OUT_SIZE);
    uint64_t lines = 0;
    for (size_t at = 0; at < writer->flushing.size;) {
        struct record_header header;
        memcpy(&header, writer->flushing.memory + at, sizeof header);
        const char *line = writer->flushing.memory + at + sizeof header;
        uint64_t offset = writer->offset + out.size;
        am_buffer_append(&out, line, header.place);
        put_place(writer, &out, offset);
        am_buffer_append(&out, line + header.place, header.size - header.place);
        at += sizeof header + header.size;
        lines++;
        if (out.size >= CHUNK_SIZE)
            write_chunk(writer, &out, &lines);
    }
    write_chunk(writer, &out, &lines);
}

/* With `mutex`: what take_waiting took. */
static void write_taken(struct am_journal_writer *writer) {
    if (!writer->flushing.lines)
        return;
    take_lane(writer, writer->journal->clock());
    write_waiting(writer);
    leave_lane(writer);
}

void am_journal_flush(struct am_journal_writer *writer) {
    pthread_mutex_lock(&writer->mutex);
    pthread_mutex_lock(&writer->batch_mutex);
    take_waiting(writer);
    pthread_mutex_unlock(&writer->batch_mutex);
    write_taken(writer);
    pthread_mutex_unlock(&writer->mutex);
}

void am_journal_flush_at_end(struct am_journal_writer *writer) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += END_NANOSECONDS;
    until.tv_sec += until.tv_nsec / NANOSECONDS;
    until.tv_nsec %= NANOSECONDS;
    if (pthread_mutex_clocklock(&writer->mutex, CLOCK_MONOTONIC, &until) != 0)
        return;
    if (pthread_mutex_clocklock(&writer->batch_mutex, CLOCK_MONOTONIC, &until) == 0) {
        take_waiting(writer);
        pthread_mutex_unlock(&writer->batch_mutex);
        write_taken(writer);
    }
    pthread_mutex_unlock(&writer->mutex);
}
