/* SPDX-License-Identifier: Apache-2.0 */
/* All files of the log as one stream in order of time, also while they are written. Any process
 * that may read the folder; one thread.
 *
 * Lines of a lane are nearly in order: decisions wait up to a tenth of a second before they are
 * written. A line is given when every lane has been read up to AM_JOURNAL_DISORDER behind it, so
 * the order is right unless a line was later than that, or the clock stepped back. */
#ifndef AM_EVENTS_MERGE_H
#define AM_EVENTS_MERGE_H

#include "journal.h"

#define AM_JOURNAL_DISORDER (2 * AM_JOURNAL_SECOND)

struct am_journal_merge;

/* Lines before `since` (microseconds; INT64_MIN: none) are left out. With `follow`, the stream has
 * no end. AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_merge_open(const char *folder,
                                   int64_t since,
                                   bool follow,
                                   struct am_journal_merge **merge,
                                   struct am_error *error);
void am_journal_merge_close(struct am_journal_merge *merge); /* NULL is fine */

/* The next line without its newline, valid until the next call. *more is false at the end, or, with
 * `follow`, when there is none at the moment: call again a tenth of a second later. AM_E_IO,
 * AM_E_MEMORY, AM_E_CORRUPT. */
enum am_code am_journal_merge_next(struct am_journal_merge *merge,
                                   struct am_view *line,
                                   bool *more,
                                   struct am_error *error);

#endif
