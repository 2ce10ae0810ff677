/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the whole log, lane by lane, as fast as it goes: for sums, roll-ups and recovery. Any
 * process that may read the folder, beside its writers. */
#ifndef AM_EVENTS_WALK_H
#define AM_EVENTS_WALK_H

#include "journal.h"

struct am_journal_walked {
    uint32_t lane;
    struct am_journal_position begin; /* of the line */
    struct am_journal_position end;   /* behind it */
    struct am_view text;              /* without its newline; valid during the call */
};

/* False ends the walk. */
typedef bool am_journal_visit(void *context, const struct am_journal_walked *line);

/* Where to begin and to end in each lane; a lane beyond `count` is read whole. */
struct am_journal_bounds {
    const struct am_journal_position *from; /* NULL: the first file */
    const struct am_journal_position *to;   /* NULL: the last whole line */
    /* Filled in where it is not NULL, also when the walk fails: where the next walk goes on. Behind
     * the last whole line of a file that may grow; at the file after one that is packed. */
    struct am_journal_position *reached;
    uint32_t count;
    uint64_t kept; /* where a lane is read from its first file, lines before the file of this number
                      are not missed */
};

/* Lines that are not there: of a lane, from `from` on and before `to`, which are in one file. With
 * `to.offset` UINT64_MAX nobody knows how long that was. */
struct am_journal_lack {
    uint32_t lane;
    struct am_journal_position from, to;
};

enum { AM_JOURNAL_LACKS = 16, AM_JOURNAL_LACK_TEXT_SIZE = 160 };

struct am_journal_walk_report {
    uint64_t lines;
    uint64_t torn;    /* files that end with a part of a line: a crash, or a line under way */
    uint64_t bad;     /* lines longer than any that is written */
    uint64_t missing; /* runs of lines that are not there, by what later files and `to` say */
    uint64_t gone; /* files that `from` is inside of and that are no more: their ends are missing */
    struct am_journal_lack lacks[AM_JOURNAL_LACKS]; /* the first of them */
};

/* "w3-2026120110 from byte 4711 to byte 88123", or "from byte 4711 on", NUL-terminated. */
void am_journal_lack_write(const struct am_journal_lack *lack,
                           char text[AM_JOURNAL_LACK_TEXT_SIZE]);

/* Visits every line: the files of a lane in order, and no order among lanes. Files that vanish
 * while the walk is under way (they are too old) are passed over. Each file's first line says where
 * the one before ended, so lines that are missing before a line that is there are noticed. AM_E_IO,
 * AM_E_MEMORY, AM_E_CORRUPT; AM_E_CHANGED when `visit` ended it. */
enum am_code am_journal_walk(const char *folder,
                             const struct am_journal_bounds *bounds,
                             am_journal_visit *visit,
                             void *context,
                             struct am_journal_walk_report *report,
                             struct am_error *error);

/* Adds to `report` the files that had lines before `ends`, of each lane, and are missing or
 * shorter: what followed there is missing, too. Files of hours before the last of `ends` have no
 * lines behind it, and those that a day of newer ones follows may have been removed for their age.
 * AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_check_ends(const char *folder,
                                   const struct am_journal_position *ends,
                                   uint32_t count,
                                   struct am_journal_walk_report *report,
                                   struct am_error *error);

/* The first file of the last hour of `ends`. */
uint64_t am_journal_last_hour(const struct am_journal_position *ends, uint32_t count);

/* The least number (line.h) of a file of any lane that is not below `least`; UINT64_MAX: there is
 * none. AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_next_number(const char *folder,
                                    uint64_t least,
                                    uint64_t *number,
                                    struct am_error *error);

#endif
