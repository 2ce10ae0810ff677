/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

enum { BUFFER = 1 << 20 };

static void free_all(struct am_ledger_writer *writer) {
    if (writer->fd >= 0)
        close(writer->fd);
    XXH3_freeState(writer->hash);
    free(writer->buffer);
}

enum am_code am_ledger_writer_open(struct am_ledger_writer *writer,
                                   const char *path,
                                   size_t header_size,
                                   struct am_error *error) {
    *writer = (struct am_ledger_writer){.fd = -1, .header_size = header_size};
    snprintf(writer->path, sizeof writer->path, "%s", path);
    writer->buffer = malloc(BUFFER);
    writer->hash = XXH3_createState();
    if (!writer->buffer || !writer->hash) {
        free_all(writer);
        return am_error_set(error, AM_E_MEMORY, "out of memory: writing %s", path);
    }
    XXH3_64bits_reset(writer->hash);
    writer->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (writer->fd < 0 || lseek(writer->fd, (off_t)header_size, SEEK_SET) < 0) {
        am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
        free_all(writer);
        return AM_E_IO;
    }
    return AM_OK;
}

static void flush(struct am_ledger_writer *writer) {
    size_t done = 0;
    while (!writer->failed && done < writer->held) {
        ssize_t written = write(writer->fd, writer->buffer + done, writer->held - done);
        if (written > 0)
            done += (size_t)written;
        else if (written == 0 || errno != EINTR)
            writer->failed = true;
    }
    writer->held = 0;
}

void am_ledger_writer_put(struct am_ledger_writer *writer, const void *bytes, size_t size) {
    if (writer->held + size > BUFFER)
        flush(writer);
    memcpy(writer->buffer + writer->held, bytes, size);
    writer->held += size;
    writer->size += size;
    XXH3_64bits_update(writer->hash, bytes, size);
}

uint64_t am_ledger_writer_checksum(struct am_ledger_writer *writer) {
    return XXH3_64bits_digest(writer->hash);
}

enum am_code am_ledger_writer_close(struct am_ledger_writer *writer,
                                    const void *header,
                                    struct am_error *error) {
    flush(writer);
    bool written =
        !writer->failed &&
        pwrite(writer->fd, header, writer->header_size, 0) == (ssize_t)writer->header_size &&
        fdatasync(writer->fd) == 0;
    if (!written) {
        am_error_set_errno(error, AM_E_IO, "cannot write %s", writer->path);
        unlink(writer->path);
    }
    free_all(writer);
    return written ? AM_OK : AM_E_IO;
}
