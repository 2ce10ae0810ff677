/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: what was decided, shown, clicked and billed, as JSON Lines under DIR/log.
 *
 * The log is the truth; counters are its sum. Each lane (a worker's slot in the ledger) writes a
 * file of its own, so nothing waits for another lane and the end of a lane's file orders all that
 * the lane did.
 *
 * A line is one pwrite(2) at the end of the lane's file. The end is known before (shared memory has
 * it), since the line itself names its place; so whoever takes over a lane from a killed process
 * can write an unfinished line again at the same place. O_APPEND would leave the place open, and
 * a kill in the middle of a write leaves part of a line in either case.
 *
 *     lane in shared memory        what its file looks like
 *       file = number, WRITING     [line][line][li        killed here: am_journal_writer_open or
 *       offset ---------------------------------^         am_journal_repair cuts the file or takes
 *                                                         whole lines in
 *
 * Rules of processes and threads:
 *     am_journal_shared_start, am_journal_open   before the first fork, or by the ledger's holder
 *     am_journal_writer_*, am_journal_begin ..   one writer for each worker thread; its thread and
 *                                                the process's flusher may call at once
 *     am_journal_sync, am_journal_tidy, am_journal_close_idle, am_journal_repair   the holder */
#ifndef AM_EVENTS_JOURNAL_H
#define AM_EVENTS_JOURNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "../base/error.h"
#include "line.h"

#define AM_JOURNAL_SECOND INT64_C(1000000)

/* Where a lane's file ends. Numbers grow from file to file, offsets within one. */
struct am_journal_position {
    uint64_t number; /* line.h */
    uint64_t offset;
};

/* Who may touch a lane's file. */
enum am_journal_lane_state {
    AM_JOURNAL_IDLE,    /* its writer, or the holder, may take it by compare-and-swap */
    AM_JOURNAL_WRITING, /* its writer is at it, or was killed at it */
    AM_JOURNAL_CLOSED,  /* nobody writes it any more: the next line begins the next file */
};

/* One lane, a cache line of memory that processes share. */
struct am_journal_lane {
    _Alignas(64) _Atomic uint64_t file; /* number << 2 | enum am_journal_lane_state */
    _Atomic uint64_t offset;            /* end of the last whole line */
    _Atomic uint64_t synced;            /* as much of it is on the disk */
    _Atomic uint64_t lost; /* lines that could not be written, since the shared memory was made */
    /* Where the lane's lines before this file end; number 0: it had none. */
    _Atomic uint64_t after_number, after_offset;
};

struct am_journal_shared {
    uint32_t lane_count;
    _Atomic uint32_t full; /* 1 while the last write of any lane found no room */
    struct am_journal_lane lanes[];
};

size_t am_journal_shared_size(uint32_t lane_count);

/* Fills in new shared memory (zeroed): each lane goes on behind the files that it has in the log's
 * folder. AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_shared_start(struct am_journal_shared *shared,
                                     uint32_t lane_count,
                                     const char *folder,
                                     struct am_error *error);

/* A process's view of the log; children of a fork use their parent's. */
struct am_journal {
    struct am_journal_shared *shared;
    const char *name;       /* of the folder, for messages; the caller's */
    int folder;             /* descriptor of DIR/log */
    uint64_t rotate_bytes;  /* 256 MB */
    int64_t (*clock)(void); /* microseconds since 1970; tests have their own */
};

/* Opens the folder, and makes it with mode 0750 where it is missing. AM_E_IO. */
enum am_code am_journal_open(const char *folder,
                             struct am_journal_shared *shared,
                             struct am_journal *journal,
                             struct am_error *error);
void am_journal_close(struct am_journal *journal);

/* ---- writing ------------------------------------------------------------------------------------
 */

struct am_journal_writer;

/* A lane's writer; the lane is the caller's alone, as a slot of the ledger is. Repairs what a
 * killed owner left. AM_E_IO, AM_E_MEMORY. */
enum am_code am_journal_writer_open(struct am_journal *journal,
                                    uint32_t lane,
                                    struct am_journal_writer **writer,
                                    struct am_error *error);
/* Flushes. NULL is fine. */
void am_journal_writer_close(struct am_journal_writer *writer);
uint32_t am_journal_writer_lane(const struct am_journal_writer *writer);

/* A line under way. Members go to `text` by am_journal_put_*. */
struct am_journal_line {
    struct am_buffer *text;
    int64_t time;                        /* its member "t", in microseconds */
    struct am_journal_position position; /* where it will begin; not of lines that wait */
};

/* Locks the writer until am_journal_end, and begins a line with the time of now. A lane has one
 * line under way at a time. Never fails: a line that finds no file is lost at am_journal_write. */
void am_journal_begin(struct am_journal_writer *writer,
                      enum am_journal_kind kind,
                      struct am_journal_line *line);

/* The same with a time of the caller's: of an event that a killed process left. */
void am_journal_begin_at(struct am_journal_writer *writer,
                         enum am_journal_kind kind,
                         int64_t time,
                         struct am_journal_line *line);

/* Begins the line under way anew, at the same place with another time. */
void am_journal_retime(struct am_journal_writer *writer,
                       enum am_journal_kind kind,
                       int64_t time,
                       struct am_journal_line *line);

/* Writes the line; *position is where it ends. False when it could not be written (no room on the
 * disk, or more than AM_JOURNAL_LINE_MAX bytes): counted as lost, *position is where the lane ended
 * before. */
bool am_journal_write(struct am_journal_writer *writer, struct am_journal_position *position);

/* Unlocks. A line that was begun and not written leaves nothing. */
void am_journal_end(struct am_journal_writer *writer);

/* Longest line written one by one: ids of 255 bytes and a keyword of 1,000, all escaped, fit. */
enum { AM_JOURNAL_LINE_MAX = 16 << 10 };

/* ---- writing in batches: decisions --------------------------------------------------------------
 *
 * Decision lines carry no money, so they wait in the process's memory for up to a tenth of a second
 * (a kill loses that much), and the deciding thread makes no system call. */

/* Most bytes of lines that wait; a longer line is lost. */
enum { AM_JOURNAL_BATCH_MAX = 4 << 20 };

/* Begins a line that waits. The caller then appends members and calls am_journal_batch_end; nobody
 * else is kept waiting meanwhile but the flusher. Flushes first when much is waiting. */
void am_journal_batch_begin(struct am_journal_writer *writer,
                            enum am_journal_kind kind,
                            struct am_journal_line *line);
void am_journal_batch_end(struct am_journal_writer *writer);

/* Writes what waits. Any thread of the process; the wiring calls it each 100 ms for each writer. */
void am_journal_flush(struct am_journal_writer *writer);

/* The same in a process that ends: waits a tenth of a second at most for the writer, which the
 * calling thread itself may have had when it was interrupted. */
void am_journal_flush_at_end(struct am_journal_writer *writer);

/* ---- the holder ---------------------------------------------------------------------------------
 */

/* Makes a lane's file end with a whole line, after its owner was killed: whole lines beyond the
 * known end are taken in, a part of a line is cut off. The lane must have no owner. AM_E_IO. */
enum am_code am_journal_repair(struct am_journal *journal, uint32_t lane, struct am_error *error);

/* The last line of a lane without its newline, in `memory` of AM_JOURNAL_LINE_MAX bytes; empty when
 * there is none, or when it is longer. After a repair, of a lane without owner. */
struct am_view am_journal_last_line(struct am_journal *journal, uint32_t lane, char *memory);

/* A lane that no one writes yet goes on in a file behind `end`, where that is beyond its own: it
 * once ended there, whatever is left of its files. So no place in the log is given twice, and the
 * next file's first line says what was there. */
void am_journal_pass(struct am_journal *journal, uint32_t lane, struct am_journal_position end);

/* Where a lane ends now. */
struct am_journal_position am_journal_position(const struct am_journal *journal, uint32_t lane);

/* Descriptors kept by the one thread that syncs. */
struct am_journal_syncer;
struct am_journal_syncer *am_journal_syncer_new(struct am_journal *journal, struct am_error *error);
void am_journal_syncer_free(struct am_journal_syncer *syncer);

/* fdatasync for each file written since the last call; call it each second, in a thread that may
 * wait for a disk. Returns the number of lanes that could not be synced. */
uint32_t am_journal_sync(struct am_journal_syncer *syncer);

/* Closes the files of lanes that have written nothing since the hour of their file passed, so that
 * they can be compressed. */
void am_journal_close_idle(struct am_journal *journal);

/* Bytes of the log that a crash of the machine would lose now; and lines lost for want of room. */
struct am_journal_health {
    uint64_t unsynced_bytes;
    uint64_t lost_lines;
    bool full;
};
struct am_journal_health am_journal_health(const struct am_journal *journal);

/* What one call of am_journal_tidy did. */
struct am_journal_tidied {
    uint32_t compressed, removed, left; /* files; `left` are still to be compressed */
};

/* Compresses closed files (NAME.jsonl to NAME.jsonl.gz, level 6, by a temporary file that is synced
 * and renamed) for about `milliseconds`, at least one file, and removes files last written more
 * than `keep_days` ago (0: keeps all). `steady` says that the clock has not jumped of late: files
 * are removed only then, since a wrong clock would remove all of them. In a thread of its own.
 * AM_E_IO for the first file that failed; the others are done. */
enum am_code am_journal_tidy(struct am_journal *journal,
                             uint32_t keep_days,
                             bool steady,
                             uint32_t milliseconds,
                             struct am_journal_tidied *tidied,
                             struct am_error *error);

#endif
