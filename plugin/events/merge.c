/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cursor.h"

/* A line that was read and not given: its place in the order, and its bytes. */
struct held_line {
    int64_t time;
    int64_t read;  /* by the real clock */
    uint64_t turn; /* of reading */
    size_t size;
    char bytes[];
};

/* The lines of one lane, file after file. */
struct stream {
    uint32_t lane;
    uint64_t number; /* of the file that is open, or was last */
    struct am_journal_cursor cursor;
    bool open, ended; /* ended: there is nothing to read at the moment */
    int64_t last;     /* the latest time that was read */
};

struct am_journal_merge {
    int folder;
    char *name;
    int64_t since;
    bool follow;
    struct am_vector files;   /* of struct am_journal_file */
    struct am_vector streams; /* of struct stream */
    struct am_vector heap;    /* of struct held_line *, the earliest first */
    struct held_line *given;
    uint64_t turn;
    int64_t listed; /* when the folder was, microseconds of the real clock */
};

/* What is written now may still be preceded by a line that waits for its flush. */
#define HOLD (300 * INT64_C(1000))

static int64_t real_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * AM_JOURNAL_SECOND + now.tv_nsec / 1000;
}

/* ---- the heap ---- */

static struct held_line **held(const struct am_journal_merge *merge, size_t index) {
    return AM_VECTOR_AT(&merge->heap, struct held_line *, index);
}

static bool is_before(const struct held_line *a, const struct held_line *b) {
    return a->time != b->time ? a->time < b->time : a->turn < b->turn;
}

static void swap(struct held_line **a, struct held_line **b) {
    struct held_line *kept = *a;
    *a = *b;
    *b = kept;
}

static bool push(struct am_journal_merge *merge, struct held_line *line) {
    if (!am_vector_push(&merge->heap, &line))
        return false;
    for (size_t at = merge->heap.count - 1; at; at = (at - 1) / 2) {
        if (!is_before(*held(merge, at), *held(merge, (at - 1) / 2)))
            break;
        swap(held(merge, at), held(merge, (at - 1) / 2));
    }
    return true;
}

static struct held_line *pop(struct am_journal_merge *merge) {
    struct held_line *first = *held(merge, 0);
    *held(merge, 0) = *held(merge, --merge->heap.count);
    for (size_t at = 0;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < merge->heap.count; child++)
            if (is_before(*held(merge, child), *held(merge, least)))
                least = child;
        if (least == at)
            return first;
        swap(held(merge, at), held(merge, least));
        at = least;
    }
}

/* ---- files and streams ---- */

static struct stream *stream_at(struct am_journal_merge *merge, size_t index) {
    return AM_VECTOR_AT(&merge->streams, struct stream, index);
}

static bool has_stream(struct am_journal_merge *merge, uint32_t lane) {
    for (size_t i = 0; i < merge->streams.count; i++)
        if (stream_at(merge, i)->lane == lane)
            return true;
    return false;
}

static enum am_code list_files(struct am_journal_merge *merge, struct am_error *error) {
    enum am_code code = am_journal_files(merge->folder, merge->name, &merge->files, error);
    merge->listed = real_time();
    for (size_t i = 0; code == AM_OK && i < merge->files.count; i++) {
        struct stream stream = {.lane =
                                    AM_VECTOR_AT(&merge->files, struct am_journal_file, i)->lane,
                                .cursor = {.plain = -1},
                                .last = INT64_MIN};
        if (!has_stream(merge, stream.lane) && !am_vector_push(&merge->streams, &stream))
            code = am_error_set(error, AM_E_MEMORY, "no memory for reading the log");
    }
    return code;
}

/* A file can be left out when its lane's next one began before the hour of `since`: names never run
 * behind the clock. */
static bool is_too_old(const struct am_journal_merge *merge, size_t index) {
    const struct am_journal_file *file = AM_VECTOR_AT(&merge->files, struct am_journal_file, index);
    if (merge->since <= 0 || index + 1 >= merge->files.count || file[1].lane != file->lane)
        return false;
    uint64_t hour = (uint64_t)merge->since / (3600 * AM_JOURNAL_SECOND);
    return am_journal_number_hour(file[1].number) < hour;
}

/* The stream's next file, or NULL: the first behind its last one that is not too old. */
static const struct am_journal_file *next_file(const struct am_journal_merge *merge,
                                               const struct stream *stream) {
    size_t low = 0, high = merge->files.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct am_journal_file *file =
            AM_VECTOR_AT(&merge->files, struct am_journal_file, middle);
        if (file->lane < stream->lane ||
            (file->lane == stream->lane && file->number <= stream->number))
            low = middle + 1;
        else
            high = middle;
    }
    while (low < merge->files.count && is_too_old(merge, low))
        low++;
    const struct am_journal_file *file = AM_VECTOR_AT(&merge->files, struct am_journal_file, low);
    return low < merge->files.count && file->lane == stream->lane ? file : NULL;
}

/* Keeps a line until its turn; those before `since` are passed over. */
static bool hold(struct am_journal_merge *merge, struct stream *stream, struct am_view text) {
    static const size_t time_at = sizeof "{\"t\":\"" - 1;
    int64_t time;
    if (text.size < time_at + AM_JOURNAL_TIME_SIZE ||
        !am_journal_time_read((struct am_view){text.data + time_at, AM_JOURNAL_TIME_SIZE}, &time))
        time = stream->last; /* no line of ours: it stays where it is */
    if (time > stream->last)
        stream->last = time;
    if (time < merge->since)
        return true;
    struct held_line *line = malloc(sizeof *line + text.size);
    if (!line)
        return false;
    *line = (struct held_line){time, merge->follow ? real_time() : 0, merge->turn++, text.size};
    memcpy(line->bytes, text.data, text.size);
    if (push(merge, line))
        return true;
    free(line);
    return false;
}

/* Opens the next file of a stream whose present one is at its end. */
static enum am_code
advance(struct am_journal_merge *merge, struct stream *stream, struct am_error *error) {
    const struct am_journal_file *file = next_file(merge, stream);
    if (!file) {
        stream->ended = true;
        return AM_OK;
    }
    stream->number = file->number;
    enum am_code code = am_journal_cursor_open(&stream->cursor, merge->folder, file, 0, error);
    stream->open = code == AM_OK;
    return code == AM_E_NOT_FOUND ? AM_OK : code; /* removed meanwhile: the one after it is next */
}

/* Reads a line of a stream, or moves it on. */
static enum am_code
read_line(struct am_journal_merge *merge, struct stream *stream, struct am_error *error) {
    struct am_view text;
    uint64_t offset;
    bool more = false;
    enum am_code code = AM_OK;
    if (stream->open)
        code = am_journal_cursor_next(&stream->cursor, &text, &offset, &more, error);
    if (code != AM_OK || !more)
        return code == AM_OK ? advance(merge, stream, error) : code;
    if (!hold(merge, stream, text))
        return am_error_set(error, AM_E_MEMORY, "no memory for lines of the log");
    return AM_OK;
}

/* Up to when all lines of a stream have been read. */
static int64_t horizon(const struct stream *stream) {
    return stream->last < INT64_MIN + AM_JOURNAL_DISORDER ? INT64_MIN
                                                          : stream->last - AM_JOURNAL_DISORDER;
}

/* The stream that was read least far, NULL when all are at their end. */
static struct stream *least_read(struct am_journal_merge *merge) {
    struct stream *found = NULL;
    for (size_t i = 0; i < merge->streams.count; i++) {
        struct stream *stream = stream_at(merge, i);
        if (!stream->ended && (!found || horizon(stream) < horizon(found)))
            found = stream;
    }
    return found;
}

/* Whether no line that is still to be read comes before the earliest that is held; `stream` is the
 * one that was read least far. */
static bool is_next(const struct am_journal_merge *merge, const struct stream *stream) {
    if (merge->heap.count == 0)
        return false;
    const struct held_line *first = *held(merge, 0);
    if (stream && first->time > horizon(stream))
        return false;
    /* By its own time, or, where the clock has stepped back since, by the time it was read. */
    int64_t until = merge->follow ? real_time() - HOLD : INT64_MAX;
    return first->time <= until || first->read <= until || first->read > until + 2 * HOLD;
}

/* With `follow`, each look again at what had ended, and each second at the folder. */
static enum am_code look_again(struct am_journal_merge *merge, struct am_error *error) {
    enum am_code code = AM_OK;
    int64_t since_listed = real_time() - merge->listed;
    if (since_listed >= AM_JOURNAL_SECOND || since_listed < 0)
        code = list_files(merge, error);
    for (size_t i = 0; i < merge->streams.count; i++)
        stream_at(merge, i)->ended = false;
    return code;
}

enum am_code am_journal_merge_next(struct am_journal_merge *merge,
                                   struct am_view *line,
                                   bool *more,
                                   struct am_error *error) {
    free(merge->given);
    merge->given = NULL;
    *more = false;
    for (;;) {
        struct stream *stream = least_read(merge);
        if (is_next(merge, stream))
            break;
        if (!stream)
            return merge->follow ? look_again(merge, error) : AM_OK;
        enum am_code code = read_line(merge, stream, error);
        if (code != AM_OK)
            return code;
    }
    merge->given = pop(merge);
    *line = (struct am_view){merge->given->bytes, merge->given->size};
    *more = true;
    return AM_OK;
}

enum am_code am_journal_merge_open(const char *folder,
                                   int64_t since,
                                   bool follow,
                                   struct am_journal_merge **merge,
                                   struct am_error *error) {
    struct am_journal_merge *made = calloc(1, sizeof *made);
    *merge = NULL;
    size_t name_size = strlen(folder) + 1;
    if (!made || !(made->name = malloc(name_size))) {
        free(made);
        return am_error_set(error, AM_E_MEMORY, "no memory for reading the log");
    }
    memcpy(made->name, folder, name_size);
    made->since = since;
    made->follow = follow;
    made->streams = AM_VECTOR_OF(struct stream);
    made->heap = AM_VECTOR_OF(struct held_line *);
    made->files = AM_VECTOR_OF(struct am_journal_file);
    made->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum am_code code =
        made->folder < 0
            ? am_error_set_errno(error, AM_E_IO, "cannot open the log's folder %s", folder)
            : list_files(made, error);
    if (code == AM_OK)
        *merge = made;
    else
        am_journal_merge_close(made);
    return code;
}

void am_journal_merge_close(struct am_journal_merge *merge) {
    if (!merge)
        return;
    for (size_t i = 0; i < merge->streams.count; i++)
        am_journal_cursor_free(&stream_at(merge, i)->cursor);
    for (size_t i = 0; i < merge->heap.count; i++)
        free(*held(merge, i));
    am_vector_free(&merge->streams);
    am_vector_free(&merge->heap);
    am_vector_free(&merge->files);
    free(merge->given);
    free(merge->name);
    if (merge->folder >= 0)
        close(merge->folder);
    free(merge);
}
