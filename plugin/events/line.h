/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the event log, and the names of its files: how they are written. docs/LOG.md describes
 * every member.
 *
 * A line begins {"t":TIME,"e":EVENT,"n":FILE AND OFFSET, in this order and without white space.
 * Thread rule: no shared state. */
#ifndef AM_EVENTS_LINE_H
#define AM_EVENTS_LINE_H

#include "../base/buffer.h"

/* What a line is about: member "e". */
enum am_journal_kind {
    AM_JOURNAL_DECISION,
    AM_JOURNAL_IMPRESSION,
    AM_JOURNAL_CLICK,
    AM_JOURNAL_VIEW,
    AM_JOURNAL_EVENT,
    AM_JOURNAL_CONVERSION,
    AM_JOURNAL_WIN,
    AM_JOURNAL_BILL,
    AM_JOURNAL_LOSS,
    AM_JOURNAL_EXPIRE,
    AM_JOURNAL_CONTROL,
    AM_JOURNAL_COUNTERS,
    AM_JOURNAL_CELL,
    AM_JOURNAL_GAP,
    AM_JOURNAL_KINDS,
};
struct am_view am_journal_kind_name(enum am_journal_kind kind);
/* AM_JOURNAL_KINDS when there is none of that name. */
enum am_journal_kind am_journal_kind_of(struct am_view name);

/* Microseconds since 1970, UTC, as "2026-12-01T10:31:07.123456Z". Times outside the years 0 to 9999
 * are written as the nearest that is inside. */
enum { AM_JOURNAL_TIME_SIZE = 27 };
void am_journal_time_write(int64_t time, char text[AM_JOURNAL_TIME_SIZE]);
/* False unless `text` is of exactly that form. */
bool am_journal_time_read(struct am_view text, int64_t *time);

/* ---- files --------------------------------------------------------------------------------------
 *
 * Each lane (a worker's slot) writes one file after the other:
 *
 *     w3-2026120110.jsonl      lane 3, the hour from 10:00 UTC
 *     w3-2026120110.1.jsonl    the next one of that hour: the last grew too large, or was closed
 *
 * A file's number grows from file to file of a lane, whatever the clock does. */

#define AM_JOURNAL_PART_BITS 16
/* Hours since 1970, and the part of the hour. */
static inline uint64_t am_journal_number(uint64_t hour, uint64_t part) {
    return hour << AM_JOURNAL_PART_BITS | part;
}
static inline uint64_t am_journal_number_hour(uint64_t number) {
    return number >> AM_JOURNAL_PART_BITS;
}

enum { AM_JOURNAL_NAME_SIZE = 48, AM_JOURNAL_MAX_LANES = 4096 };

/* "w3-2026120110.1", NUL-terminated; returns the length. */
size_t am_journal_name_write(uint32_t lane, uint64_t number, char name[AM_JOURNAL_NAME_SIZE]);

/* Reads such a name. False when it is another. */
bool am_journal_name_read(struct am_view name, uint32_t *lane, uint64_t *number);

/* Reads member "n", "w3-2026120110.1:88123". */
bool am_journal_place_read(struct am_view n, uint32_t *lane, uint64_t *number, uint64_t *offset);

/* ---- members ------------------------------------------------------------------------------------
 *
 * Each appends a comma, the name, and the value; `name` is a literal without what JSON escapes. */

#define am_journal_put_name(line, name) am_buffer_literal((line), ",\"" name "\":")
#define am_journal_put_text(line, name, value)                                                     \
    (am_journal_put_name(line, name), am_buffer_json_string((line), (value)))
#define am_journal_put_number(line, name, value)                                                   \
    (am_journal_put_name(line, name), am_buffer_unsigned((line), (value)))
/* Nanos of the currency, as a decimal. */
#define am_journal_put_money(line, name, value)                                                    \
    (am_journal_put_name(line, name), am_buffer_decimal((line), (value), 9))
#define am_journal_put_flag(line, name, value)                                                     \
    (am_journal_put_name(line, name),                                                              \
     (value) ? am_buffer_literal((line), "true") : am_buffer_literal((line), "false"))

/* `,"id":"7-3-184467"`: a placement's host, epoch and sequence. */
void am_journal_put_id(struct am_buffer *line, uint16_t host, uint16_t epoch, uint64_t sequence);
/* Reads such an id. */
bool am_journal_id_read(struct am_view id, uint16_t *host, uint16_t *epoch, uint64_t *sequence);

/* The three members that every line begins with. `n` may be empty, for a line whose place is not
 * known yet; the returned offset is where it then belongs. */
size_t am_journal_put_head(struct am_buffer *line,
                           int64_t time,
                           enum am_journal_kind kind,
                           struct am_view n);

/* Closes the object and ends the line. */
static inline void am_journal_put_end(struct am_buffer *line) {
    am_buffer_literal(line, "}\n");
}

#endif
