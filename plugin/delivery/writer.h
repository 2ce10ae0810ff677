/* SPDX-License-Identifier: Apache-2.0 */
/* Large files of the ledger's folder, in one pass with a checksum. Private to the room. */
#ifndef AM_DELIVERY_WRITER_H
#define AM_DELIVERY_WRITER_H

#include <limits.h>

#include "../base/bytes.h"
#include "../base/error.h"

struct am_ledger_writer {
    char path[PATH_MAX];
    int fd;
    bool failed; /* errno says how */
    unsigned char *buffer;
    size_t held;
    size_t header_size;
    uint64_t size; /* of what is behind the header */
    void *hash;
};

/* Begins a file; its header is left out, and comes last. On failure there is nothing to close.
 * AM_E_IO, AM_E_MEMORY. */
enum am_code am_ledger_writer_open(struct am_ledger_writer *writer,
                                   const char *path,
                                   size_t header_size,
                                   struct am_error *error);

/* Adds bytes, at most 64 KiB at a time. am_ledger_writer_close reports a failure. */
void am_ledger_writer_put(struct am_ledger_writer *writer, const void *bytes, size_t size);

/* XXH3-64 of all that was put. */
uint64_t am_ledger_writer_checksum(struct am_ledger_writer *writer);

/* Writes the header, makes the file durable and closes it; on failure removes it. AM_E_IO. */
enum am_code
am_ledger_writer_close(struct am_ledger_writer *writer, const void *header, struct am_error *error);

#endif
