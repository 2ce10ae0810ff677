/* SPDX-License-Identifier: Apache-2.0 */
#include "cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FIRST_CAPACITY = AM_BUFFER_SIZE(256 << 10, 256), PACKED_BUFFER = 128 << 10 };

static bool open_packed(struct am_journal_cursor *cursor, int folder) {
    int file = openat(folder, cursor->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    cursor->packed = gzdopen(file, "rb");
    if (!cursor->packed) {
        close(file);
        return false;
    }
    gzbuffer(cursor->packed, PACKED_BUFFER);
    return true;
}

/* zlib gives what is no gzip file as it is. */
static enum am_code check_packed(struct am_journal_cursor *cursor, struct am_error *error) {
    if (!gzdirect(cursor->packed))
        return AM_OK;
    am_journal_cursor_close(cursor);
    return am_error_set(error, AM_E_CORRUPT, "the log's file %s is damaged", cursor->path);
}

static bool seek(struct am_journal_cursor *cursor, uint64_t offset) {
    cursor->offset = offset;
    if (cursor->packed)
        return gzseek(cursor->packed, (z_off_t)offset, SEEK_SET) == (z_off_t)offset;
    return lseek(cursor->plain, (off_t)offset, SEEK_SET) == (off_t)offset;
}

/* A packed file replaces the plain one at any moment, so the plain one is tried first: as long as
 * it is open it stays whole. */
enum am_code am_journal_cursor_open(struct am_journal_cursor *cursor,
                                    int folder,
                                    const struct am_journal_file *file,
                                    uint64_t offset,
                                    struct am_error *error) {
    am_journal_cursor_close(cursor);
    am_journal_path(file, AM_JOURNAL_PLAIN, cursor->path);
    cursor->plain = openat(folder, cursor->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (cursor->plain < 0) {
        am_journal_path(file, AM_JOURNAL_PACKED, cursor->path);
        if (!open_packed(cursor, folder))
            return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                      "cannot open the log's file %s", cursor->path);
        enum am_code code = check_packed(cursor, error);
        if (code != AM_OK)
            return code;
    }
    if (!seek(cursor, offset))
        return am_error_set_errno(error, AM_E_IO, "cannot go to byte %llu of the log's file %s",
                                  (unsigned long long)offset, cursor->path);
    return AM_OK;
}

void am_journal_cursor_close(struct am_journal_cursor *cursor) {
    if (cursor->plain >= 0)
        close(cursor->plain);
    if (cursor->packed)
        gzclose_r(cursor->packed);
    cursor->plain = -1;
    cursor->packed = NULL;
    cursor->begin = cursor->end = 0;
    cursor->passing_over = false;
}

void am_journal_cursor_free(struct am_journal_cursor *cursor) {
    am_journal_cursor_close(cursor);
    free(cursor->memory);
    cursor->memory = NULL;
    cursor->capacity = 0;
}

/* Room behind the bytes that were read: by moving them to the front, else by more memory, else by
 * giving up the line that fills all of it. */
static bool make_room(struct am_journal_cursor *cursor) {
    if (cursor->begin) {
        memmove(cursor->memory, cursor->memory + cursor->begin, cursor->end - cursor->begin);
        cursor->end -= cursor->begin;
        cursor->begin = 0;
    }
    if (cursor->end < cursor->capacity)
        return true;
    if (cursor->capacity >= AM_JOURNAL_CURSOR_MAX) {
        cursor->offset += cursor->end;
        cursor->bad += !cursor->passing_over;
        cursor->passing_over = true;
        cursor->end = 0;
        return true;
    }
    size_t capacity = cursor->capacity ? 2 * cursor->capacity : FIRST_CAPACITY;
    char *memory = realloc(cursor->memory, capacity);
    if (!memory)
        return false;
    cursor->memory = memory;
    cursor->capacity = capacity;
    return true;
}

/* AM_E_NOT_FOUND at the end of the file. */
static enum am_code read_more(struct am_journal_cursor *cursor, struct am_error *error) {
    if (!make_room(cursor))
        return am_error_set(error, AM_E_MEMORY, "no memory for a line of the log");
    char *to = cursor->memory + cursor->end;
    size_t room = cursor->capacity - cursor->end;
    ssize_t size;
    if (cursor->packed) {
        int status = Z_OK;
        size = gzread(cursor->packed, to, (unsigned)room);
        if (size <= 0) /* also when the file ends too early */
            (void)gzerror(cursor->packed, &status);
        if (size < 0 || status != Z_OK)
            return am_error_set(error, AM_E_CORRUPT, "the log's file %s is damaged", cursor->path);
    } else {
        do
            size = read(cursor->plain, to, room);
        while (size < 0 && errno == EINTR);
        if (size < 0)
            return am_error_set_errno(error, AM_E_IO, "cannot read the log's file %s",
                                      cursor->path);
    }
    cursor->end += (size_t)size;
    return size ? AM_OK : AM_E_NOT_FOUND;
}

/* Gives the line that ends at `newline`. False when it is the rest of one that is too long. */
static bool take_line(struct am_journal_cursor *cursor,
                      const char *newline,
                      struct am_view *line,
                      uint64_t *offset) {
    bool whole = !cursor->passing_over;
    line->data = cursor->memory + cursor->begin;
    line->size = (size_t)(newline - line->data);
    *offset = cursor->offset;
    cursor->begin += line->size + 1;
    cursor->offset += line->size + 1;
    cursor->passing_over = false;
    return whole;
}

enum am_code am_journal_cursor_next(struct am_journal_cursor *cursor,
                                    struct am_view *line,
                                    uint64_t *offset,
                                    bool *more,
                                    struct am_error *error) {
    size_t searched = 0;
    *more = true;
    for (;;) {
        size_t size = cursor->end - cursor->begin;
        const char *newline = size > searched ? memchr(cursor->memory + cursor->begin + searched,
                                                       '\n', size - searched)
                                              : NULL;
        if (newline) {
            searched = 0;
            if (take_line(cursor, newline, line, offset))
                return AM_OK;
            continue;
        }
        searched = size;
        enum am_code code = read_more(cursor, error);
        if (cursor->end - cursor->begin < searched)
            searched = 0; /* the line was given up */
        if (code != AM_OK) {
            *more = false;
            return code == AM_E_NOT_FOUND ? AM_OK : code;
        }
    }
}
