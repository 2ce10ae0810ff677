/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: one file of the log, line by line. */
#ifndef AM_EVENTS_CURSOR_H
#define AM_EVENTS_CURSOR_H

#include <zlib.h>

#include "files.h"

/* Longest line that is given; what is longer is passed over and counted as bad. */
enum { AM_JOURNAL_CURSOR_MAX = AM_BUFFER_SIZE(8 << 20, 4096) };

struct am_journal_cursor {
    int plain;     /* descriptor of NAME.jsonl, or -1 */
    gzFile packed; /* of NAME.jsonl.gz, or NULL */
    char *memory;  /* of `capacity` bytes */
    size_t capacity;
    size_t begin, end;               /* bytes of `memory` that were read and not given */
    uint64_t offset;                 /* of `begin` in the file, unpacked */
    uint64_t bad;                    /* lines that were too long */
    bool passing_over;               /* inside such a line */
    char path[AM_JOURNAL_PATH_SIZE]; /* for messages */
};

/* Opens a file of the log in the form that it has now; its memory is used again from file to file.
 * A zeroed cursor with plain -1 is closed. AM_E_NOT_FOUND: it is gone. AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_cursor_open(struct am_journal_cursor *cursor,
                                    int folder,
                                    const struct am_journal_file *file,
                                    uint64_t offset,
                                    struct am_error *error);
void am_journal_cursor_close(struct am_journal_cursor *cursor);
/* Closes, and frees the memory. */
void am_journal_cursor_free(struct am_journal_cursor *cursor);

/* The next line without its newline, and where it begins; valid until the next call. *more is false
 * at the present end of the file: bytes behind the last newline are a line under way, or one that a
 * crash tore. Reading may go on later in a plain file that grows. AM_E_IO, AM_E_MEMORY;
 * AM_E_CORRUPT for a packed file that is damaged. */
enum am_code am_journal_cursor_next(struct am_journal_cursor *cursor,
                                    struct am_view *line,
                                    uint64_t *offset,
                                    bool *more,
                                    struct am_error *error);

/* Bytes behind the last newline that was read. */
static inline size_t am_journal_cursor_rest(const struct am_journal_cursor *cursor) {
    return cursor->end - cursor->begin;
}

#endif
