/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: the files of a log's folder. */
#ifndef AM_EVENTS_FILES_H
#define AM_EVENTS_FILES_H

#include "../base/error.h"
#include "../base/vector.h"
#include "line.h"

#define AM_JOURNAL_PLAIN ".jsonl"
#define AM_JOURNAL_PACKED ".jsonl.gz"

struct am_journal_file {
    uint64_t number;
    uint32_t lane;
    bool plain;  /* NAME.jsonl is there */
    bool packed; /* NAME.jsonl.gz is there; it is whole, and counts when both are */
};

enum { AM_JOURNAL_PATH_SIZE = AM_JOURNAL_NAME_SIZE + 16 };
/* NAME and one of the endings above, NUL-terminated. */
void am_journal_path(const struct am_journal_file *file,
                     const char *ending,
                     char path[AM_JOURNAL_PATH_SIZE]);

/* Fills `files` (of struct am_journal_file) with all files of the log, by lane and then by number;
 * other files are passed over. `name` is the folder's, for messages. AM_E_IO, AM_E_MEMORY. */
enum am_code
am_journal_files(int folder, const char *name, struct am_vector *files, struct am_error *error);

#endif
