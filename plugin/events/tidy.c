/* SPDX-License-Identifier: Apache-2.0 */
/* Compressing closed files of the log, and removing old ones. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "files.h"
#include "lane.h"

#define TEMPORARY ".tmp"

enum { LEVEL = 6, GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8, PIECE_SIZE = 64 << 10 };
enum { DAY_SECONDS = 86400 };

/* Whether no process writes the file any more. */
static bool is_closed(const struct am_journal *journal, const struct am_journal_file *file) {
    if (file->lane >= journal->shared->lane_count)
        return true;
    uint64_t word = atomic_load(&journal->shared->lanes[file->lane].file);
    uint64_t number = am_journal_word_number(word);
    return file->number < number ||
           (file->number == number && am_journal_word_state(word) == AM_JOURNAL_CLOSED);
}

/* ---- compressing ---- */

struct packing {
    z_stream stream;
    int from, to;
    uint64_t written;
    unsigned char in[PIECE_SIZE], out[PIECE_SIZE];
};

static bool write_packed(struct packing *packing, int flush) {
    int result;
    do {
        packing->stream.next_out = packing->out;
        packing->stream.avail_out = PIECE_SIZE;
        result = deflate(&packing->stream, flush);
        size_t size = PIECE_SIZE - packing->stream.avail_out;
        struct am_view bytes = {(const char *)packing->out, size};
        if (!am_journal_pwrite(packing->to, bytes, packing->written))
            return false;
        packing->written += size;
    } while (packing->stream.avail_out == 0);
    return flush != Z_FINISH || result == Z_STREAM_END;
}

static bool pack_all(struct packing *packing) {
    ssize_t size;
    while ((size = read(packing->from, packing->in, PIECE_SIZE)) > 0) {
        packing->stream.next_in = packing->in;
        packing->stream.avail_in = (unsigned)size;
        if (!write_packed(packing, Z_NO_FLUSH))
            return false;
    }
    return size == 0 && write_packed(packing, Z_FINISH);
}

/* The packed file keeps the time of the last line, by which it is removed one day. */
static bool finish_packed(const struct packing *packing) {
    struct stat status;
    if (fstat(packing->from, &status) != 0)
        return false;
    struct timespec times[2] = {status.st_mtim, status.st_mtim};
    return fchmod(packing->to, status.st_mode & 0777) == 0 && futimens(packing->to, times) == 0 &&
           fsync(packing->to) == 0;
}

static bool pack_file(int from, int to) {
    struct packing *packing = malloc(sizeof *packing);
    if (!packing) {
        errno = ENOMEM;
        return false;
    }
    memset(&packing->stream, 0, sizeof packing->stream);
    packing->from = from;
    packing->to = to;
    packing->written = 0;
    bool packed = deflateInit2(&packing->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                               Z_DEFAULT_STRATEGY) == Z_OK;
    errno = ENOMEM; /* the only reason for which zlib does not start */
    if (packed) {
        packed = pack_all(packing) && finish_packed(packing);
        int saved = errno;
        deflateEnd(&packing->stream);
        errno = saved;
    }
    free(packing);
    return packed;
}

/* The original goes only after its packed form is on the disk under its name. */
static bool pack(const struct am_journal *journal, const struct am_journal_file *file) {
    char plain[AM_JOURNAL_PATH_SIZE], packed[AM_JOURNAL_PATH_SIZE], temporary[AM_JOURNAL_PATH_SIZE];
    am_journal_path(file, AM_JOURNAL_PLAIN, plain);
    am_journal_path(file, AM_JOURNAL_PACKED, packed);
    am_journal_path(file, AM_JOURNAL_PACKED TEMPORARY, temporary);
    int from = openat(journal->folder, plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int to = openat(journal->folder, temporary,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done = from >= 0 && to >= 0 && pack_file(from, to) &&
                renameat(journal->folder, temporary, journal->folder, packed) == 0 &&
                fsync(journal->folder) == 0;
    int saved = errno;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    if (!done)
        unlinkat(journal->folder, temporary, 0);
    errno = saved;
    return done && unlinkat(journal->folder, plain, 0) == 0;
}

/* ---- removing ---- */

static bool
is_old(const struct am_journal *journal, const struct am_journal_file *file, uint32_t keep_days) {
    char path[AM_JOURNAL_PATH_SIZE];
    struct stat status;
    am_journal_path(file, file->packed ? AM_JOURNAL_PACKED : AM_JOURNAL_PLAIN, path);
    return fstatat(journal->folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           journal->clock() / AM_JOURNAL_SECOND - status.st_mtim.tv_sec >
               (int64_t)keep_days * DAY_SECONDS;
}

static bool remove_file(const struct am_journal *journal, const struct am_journal_file *file) {
    char path[AM_JOURNAL_PATH_SIZE];
    bool removed = true;
    if (file->packed) {
        am_journal_path(file, AM_JOURNAL_PACKED, path);
        removed = unlinkat(journal->folder, path, 0) == 0;
    }
    if (file->plain) {
        am_journal_path(file, AM_JOURNAL_PLAIN, path);
        removed = unlinkat(journal->folder, path, 0) == 0 && removed;
    }
    return removed;
}

/* ---- a round ---- */

struct tidying {
    struct am_journal *journal;
    struct am_journal_tidied *tidied;
    uint32_t keep_days;
    int64_t end; /* milliseconds of the monotonic clock */
};

static int64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool tidy_file(struct tidying *round, const struct am_journal_file *file) {
    if (!is_closed(round->journal, file))
        return true;
    if (round->keep_days && is_old(round->journal, file, round->keep_days)) {
        round->tidied->removed++;
        return remove_file(round->journal, file);
    }
    if (!file->plain)
        return true;
    if (round->tidied->compressed && milliseconds_now() >= round->end) {
        round->tidied->left++;
        return true;
    }
    round->tidied->compressed++;
    return pack(round->journal, file);
}

enum am_code am_journal_tidy(struct am_journal *journal,
                             uint32_t keep_days,
                             bool steady,
                             uint32_t milliseconds,
                             struct am_journal_tidied *tidied,
                             struct am_error *error) {
    struct am_vector files = AM_VECTOR_OF(struct am_journal_file);
    struct tidying round = {journal, tidied, steady ? keep_days : 0,
                            milliseconds_now() + milliseconds};
    *tidied = (struct am_journal_tidied){0, 0, 0};
    enum am_code code = am_journal_files(journal->folder, journal->name, &files, error);
    for (size_t i = 0; i < files.count; i++) {
        const struct am_journal_file *file = AM_VECTOR_AT(&files, struct am_journal_file, i);
        if (!tidy_file(&round, file) && code == AM_OK) {
            char name[AM_JOURNAL_NAME_SIZE];
            am_journal_name_write(file->lane, file->number, name);
            code = am_error_set_errno(error, errno == ENOMEM ? AM_E_MEMORY : AM_E_IO,
                                      "cannot compress or remove %s/%s", journal->name, name);
        }
    }
    am_vector_free(&files);
    return code;
}
