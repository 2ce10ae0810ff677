/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: a lane's word in shared memory. */
#ifndef AM_EVENTS_LANE_H
#define AM_EVENTS_LANE_H

#include "files.h"
#include "journal.h"

enum { AM_JOURNAL_STATE_BITS = 2, AM_JOURNAL_STATE_MASK = 3 };

static inline uint64_t am_journal_word(uint64_t number, enum am_journal_lane_state state) {
    return number << AM_JOURNAL_STATE_BITS | state;
}
static inline uint64_t am_journal_word_number(uint64_t word) {
    return word >> AM_JOURNAL_STATE_BITS;
}
static inline enum am_journal_lane_state am_journal_word_state(uint64_t word) {
    return (enum am_journal_lane_state)(word & AM_JOURNAL_STATE_MASK);
}

/* The hour of a time, as names of files have it; times before 1970 are of its first. */
static inline uint64_t am_journal_hour(int64_t time) {
    return time < 0 ? 0 : (uint64_t)time / (3600 * AM_JOURNAL_SECOND);
}

/* NAME.jsonl of a lane's file, relative to the folder. O_CLOEXEC and O_NOFOLLOW are added. -1 with
 * errno set when it cannot be opened. */
int am_journal_lane_file(const struct am_journal *journal,
                         uint32_t lane,
                         uint64_t number,
                         int flags);

/* Where the last whole line of a file ends; 0 where it cannot be told: what follows then says
 * nothing about it. */
uint64_t am_journal_file_end(int folder, const struct am_journal_file *file);

/* Writes all of it at that offset. False with errno set; part of it may then be in the file. */
bool am_journal_pwrite(int file, struct am_view bytes, uint64_t offset);

#endif
