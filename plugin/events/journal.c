/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the log, and what the holder does with lanes. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "lane.h"

enum { ROTATE_BYTES = 256 << 20, FOLDER_MODE = 0750, FILE_MODE = 0640 };

size_t am_journal_shared_size(uint32_t lane_count) {
    return sizeof(struct am_journal_shared) + lane_count * sizeof(struct am_journal_lane);
}

static int64_t real_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * AM_JOURNAL_SECOND + now.tv_nsec / 1000;
}

enum am_code am_journal_open(const char *folder,
                             struct am_journal_shared *shared,
                             struct am_journal *journal,
                             struct am_error *error) {
    *journal = (struct am_journal){shared, folder, -1, ROTATE_BYTES, real_time};
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
        return am_error_set_errno(error, AM_E_IO, "cannot make the folder %s", folder);
    journal->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->folder < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the folder %s", folder);
    return AM_OK;
}

void am_journal_close(struct am_journal *journal) {
    if (journal->folder >= 0)
        close(journal->folder);
    journal->folder = -1;
}

/* ---- where a lane's last file ends ---- */

/* The end of the last whole line of a file of `size` bytes. False when it cannot be read. */
static bool find_last_end(int file, uint64_t size, uint64_t *end) {
    char bytes[16 << 10];
    *end = 0;
    while (size) {
        size_t piece = size < sizeof bytes ? (size_t)size : sizeof bytes;
        size -= piece;
        if (pread(file, bytes, piece, (off_t)size) != (ssize_t)piece)
            return false;
        const char *newline = memrchr(bytes, '\n', piece);
        if (newline) {
            *end = size + (uint64_t)(newline - bytes) + 1;
            return true;
        }
    }
    return true;
}

/* A packed file says at its end how long it was (RFC 1952, ISIZE: modulo 2^32, and no file of the
 * log is as long). */
static bool read_packed_size(int file, uint64_t size, uint64_t *end) {
    unsigned char bytes[4];
    if (size < sizeof bytes ||
        pread(file, bytes, sizeof bytes, (off_t)(size - sizeof bytes)) != sizeof bytes)
        return false;
    *end = (uint64_t)bytes[3] << 24 | (uint64_t)bytes[2] << 16 | (uint64_t)bytes[1] << 8 | bytes[0];
    return true;
}

uint64_t am_journal_file_end(int folder, const struct am_journal_file *file) {
    char path[AM_JOURNAL_PATH_SIZE];
    struct stat status;
    uint64_t end;
    am_journal_path(file, file->plain ? AM_JOURNAL_PLAIN : AM_JOURNAL_PACKED, path);
    int opened = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0)
        return 0;
    bool read = fstat(opened, &status) == 0 &&
                (file->plain ? find_last_end(opened, (uint64_t)status.st_size, &end)
                             : read_packed_size(opened, (uint64_t)status.st_size, &end));
    close(opened);
    return read ? end : 0;
}

/* Of an empty file, the lane goes on behind the one before it. */
static void
start_lane(struct am_journal_lane *lane, int folder, const struct am_journal_file *file) {
    uint64_t end = am_journal_file_end(folder, file);
    lane->file = am_journal_word(file->number, AM_JOURNAL_CLOSED);
    lane->offset = lane->synced = end;
}

enum am_code am_journal_shared_start(struct am_journal_shared *shared,
                                     uint32_t lane_count,
                                     const char *folder,
                                     struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    struct am_journal journal;
    enum am_code code = am_journal_open(folder, shared, &journal, error);
    if (code == AM_OK)
        code = am_journal_files(journal.folder, folder, &files, error);
    shared->lane_count = lane_count;
    for (uint32_t lane = 0; lane < lane_count; lane++)
        shared->lanes[lane].file = am_journal_word(0, AM_JOURNAL_CLOSED);
    for (size_t i = 0; code == AM_OK && i < files.count; i++) {
        struct am_journal_file *file = AM_VECTOR_AT(&files, struct am_journal_file, i);
        bool last = i + 1 == files.count || file[1].lane != file->lane;
        if (file->lane < lane_count && last)
            start_lane(&shared->lanes[file->lane], journal.folder, file);
    }
    am_vector_free(&files);
    am_journal_close(&journal);
    return code;
}

void am_journal_pass(struct am_journal *journal, uint32_t lane, struct am_journal_position end) {
    struct am_journal_lane *passing = &journal->shared->lanes[lane];
    struct am_journal_position now = am_journal_position(journal, lane);
    if (now.number > end.number || (now.number == end.number && now.offset >= end.offset))
        return;
    atomic_store(&passing->file, am_journal_word(end.number, AM_JOURNAL_CLOSED));
    atomic_store(&passing->offset, end.offset);
    atomic_store(&passing->synced, end.offset);
}

int am_journal_lane_file(const struct am_journal *journal,
                         uint32_t lane,
                         uint64_t number,
                         int flags) {
    struct am_journal_file file = {.number = number, .lane = lane};
    char path[AM_JOURNAL_PATH_SIZE];
    am_journal_path(&file, AM_JOURNAL_PLAIN, path);
    return openat(journal->folder, path, flags | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
}

bool am_journal_pwrite(int file, struct am_view bytes, uint64_t offset) {
    while (bytes.size) {
        ssize_t written = pwrite(file, bytes.data, bytes.size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = (struct am_view){bytes.data + written, bytes.size - (size_t)written};
        offset += (uint64_t)written;
    }
    return true;
}

/* ---- repair ---- */

/* The end of the last whole line of a file's bytes from `offset` on; `offset` when there is none.
 * False when they cannot be read. */
static bool find_end(int file, uint64_t offset, uint64_t *end) {
    char bytes[16 << 10];
    ssize_t size;
    *end = offset;
    while ((size = pread(file, bytes, sizeof bytes, (off_t)offset)) > 0) {
        const char *newline = memrchr(bytes, '\n', (size_t)size);
        if (newline)
            *end = offset + (uint64_t)(newline - bytes) + 1;
        offset += (uint64_t)size;
    }
    return size == 0;
}

static enum am_code repair_file(struct am_journal *journal,
                                struct am_journal_lane *lane,
                                uint64_t number,
                                int file,
                                struct am_error *error) {
    struct stat status;
    uint64_t offset = atomic_load(&lane->offset), end;
    if (fstat(file, &status) != 0 || !find_end(file, offset, &end))
        return am_error_set_errno(error, AM_E_IO, "cannot read the log in %s", journal->name);
    if ((uint64_t)status.st_size < offset) { /* not by us: never write over what may be missing */
        atomic_store(&lane->file, am_journal_word(number, AM_JOURNAL_CLOSED));
        return AM_OK;
    }
    if ((uint64_t)status.st_size > end && ftruncate(file, (off_t)end) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot cut the log in %s", journal->name);
    atomic_store(&lane->offset, end);
    atomic_store(&lane->file, am_journal_word(number, AM_JOURNAL_IDLE));
    return AM_OK;
}

enum am_code
am_journal_repair(struct am_journal *journal, uint32_t number_of_lane, struct am_error *error) {
    struct am_journal_lane *lane = &journal->shared->lanes[number_of_lane];
    uint64_t word = atomic_load(&lane->file), number = am_journal_word_number(word);
    if (am_journal_word_state(word) != AM_JOURNAL_WRITING)
        return AM_OK;
    int file = am_journal_lane_file(journal, number_of_lane, number, O_RDWR);
    if (file < 0 && errno == ENOENT) { /* killed before it made the file */
        atomic_store(&lane->offset, 0);
        atomic_store(&lane->file, am_journal_word(number, AM_JOURNAL_CLOSED));
        return AM_OK;
    }
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the log in %s", journal->name);
    enum am_code code = repair_file(journal, lane, number, file, error);
    close(file);
    return code;
}

struct am_journal_position am_journal_position(const struct am_journal *journal, uint32_t lane) {
    const struct am_journal_lane *at = &journal->shared->lanes[lane];
    uint64_t word, offset;
    do {
        word = atomic_load(&at->file);
        offset = atomic_load(&at->offset);
    } while (am_journal_word_number(atomic_load(&at->file)) != am_journal_word_number(word));
    return (struct am_journal_position){am_journal_word_number(word), offset};
}

struct am_view am_journal_last_line(struct am_journal *journal, uint32_t lane, char *memory) {
    struct am_journal_position end = am_journal_position(journal, lane);
    size_t size = end.offset < AM_JOURNAL_LINE_MAX ? (size_t)end.offset : AM_JOURNAL_LINE_MAX;
    struct am_view none = {NULL, 0};
    if (size == 0)
        return none;
    int file = am_journal_lane_file(journal, lane, end.number, O_RDONLY);
    if (file < 0)
        return none;
    bool all = pread(file, memory, size, (off_t)(end.offset - size)) == (ssize_t)size;
    close(file);
    if (!all || memory[size - 1] != '\n')
        return none;
    const char *before = memrchr(memory, '\n', size - 1);
    if (!before && size < end.offset)
        return none;
    const char *begin = before ? before + 1 : memory;
    return (struct am_view){begin, (size_t)(memory + size - 1 - begin)};
}

/* ---- the holder ---- */

void am_journal_close_idle(struct am_journal *journal) {
    uint64_t hour = am_journal_hour(journal->clock());
    for (uint32_t i = 0; i < journal->shared->lane_count; i++) {
        struct am_journal_lane *lane = &journal->shared->lanes[i];
        uint64_t word = atomic_load(&lane->file), number = am_journal_word_number(word);
        if (am_journal_word_state(word) == AM_JOURNAL_IDLE && am_journal_number_hour(number) < hour)
            atomic_compare_exchange_strong(&lane->file, &word,
                                           am_journal_word(number, AM_JOURNAL_CLOSED));
    }
}

struct am_journal_health am_journal_health(const struct am_journal *journal) {
    struct am_journal_health health = {.full = atomic_load(&journal->shared->full)};
    for (uint32_t i = 0; i < journal->shared->lane_count; i++) {
        const struct am_journal_lane *lane = &journal->shared->lanes[i];
        uint64_t synced = atomic_load(&lane->synced), offset = atomic_load(&lane->offset);
        health.unsynced_bytes += offset > synced ? offset - synced : 0;
        health.lost_lines += atomic_load(&lane->lost);
    }
    return health;
}

/* What the syncer knows of a lane's file. */
struct synced_file {
    uint64_t number;
    uint64_t offset;
    int file; /* -1: not open */
};

struct am_journal_syncer {
    struct am_journal *journal;
    struct synced_file files[];
};

struct am_journal_syncer *am_journal_syncer_new(struct am_journal *journal,
                                                struct am_error *error) {
    uint32_t count = journal->shared->lane_count;
    struct am_journal_syncer *syncer = calloc(1, sizeof *syncer + count * sizeof syncer->files[0]);
    if (!syncer) {
        am_error_set(error, AM_E_MEMORY, "no memory for syncing the log");
        return NULL;
    }
    syncer->journal = journal;
    for (uint32_t i = 0; i < count; i++)
        syncer->files[i].file = -1;
    return syncer;
}

/* Also of a file that its lane has left: its last lines may not be on the disk yet. */
static bool close_synced(struct synced_file *synced) {
    bool done = synced->file < 0 || fdatasync(synced->file) == 0;
    if (synced->file >= 0)
        close(synced->file);
    synced->file = -1;
    return done;
}

void am_journal_syncer_free(struct am_journal_syncer *syncer) {
    if (!syncer)
        return;
    for (uint32_t i = 0; i < syncer->journal->shared->lane_count; i++)
        close_synced(&syncer->files[i]);
    free(syncer);
}

static bool sync_lane(struct am_journal_syncer *syncer, uint32_t number_of_lane, bool *made) {
    struct am_journal_lane *lane = &syncer->journal->shared->lanes[number_of_lane];
    struct synced_file *synced = &syncer->files[number_of_lane];
    uint64_t word = atomic_load(&lane->file), number = am_journal_word_number(word);
    uint64_t offset = atomic_load(&lane->offset);
    bool done = true;
    if (number != synced->number) {
        done = close_synced(synced);
        *synced = (struct synced_file){number, 0, -1};
        *made = true;
    }
    if (offset == synced->offset || number == 0)
        return done;
    if (synced->file < 0)
        synced->file = am_journal_lane_file(syncer->journal, number_of_lane, number, O_WRONLY);
    if (synced->file < 0) /* not made yet, or compressed already and so on the disk */
        return done && errno == ENOENT;
    if (fdatasync(synced->file) != 0)
        return false;
    synced->offset = offset;
    if (am_journal_word_number(atomic_load(&lane->file)) == number)
        atomic_store(&lane->synced, offset);
    return done;
}

uint32_t am_journal_sync(struct am_journal_syncer *syncer) {
    bool made = false;
    uint32_t failed = 0;
    for (uint32_t lane = 0; lane < syncer->journal->shared->lane_count; lane++)
        failed += !sync_lane(syncer, lane, &made);
    if (made && fsync(syncer->journal->folder) != 0)
        failed++;
    return failed;
}
