/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: gzip (RFC 1952) without allocating: bodies unpacked, answers packed. */
#ifndef AM_API_GZIP_H
#define AM_API_GZIP_H

#include <zlib.h>

#include "../base/bytes.h"
#include "../base/error.h"

enum {
    AM_GZIP_MEMORY_SIZE = 64 << 10, /* what zlib asks for is about 44 KiB */
    AM_GZIP_MAX_RATIO = 200,        /* beyond AM_GZIP_FREE_SIZE unpacked bytes */
    AM_GZIP_FREE_SIZE = 64 << 10,
    AM_GZIP_PACK_MEMORY_SIZE = 384 << 10, /* what zlib asks for is about 270 KiB */
};

/* The memory of zlib's state. */
struct am_api_gzip_memory {
    char *bytes;
    size_t size, used;
};

struct am_api_gzip {
    z_stream stream;
    struct am_api_gzip_memory memory; /* AM_GZIP_MEMORY_SIZE bytes, the caller's */
};

/* All zero but for the memory: zlib begins with the first answer, so that a server which packs none
 * touches none of it. */
struct am_api_gzip_packer {
    z_stream stream;
    struct am_api_gzip_memory memory; /* AM_GZIP_PACK_MEMORY_SIZE bytes, the caller's */
    bool started;
};

/* AM_E_MEMORY: zlib wants more memory than it ever did. Nothing to free afterwards but `memory`.
 * The struct must stay where it is. */
enum am_code am_api_gzip_start(struct am_api_gzip *gzip, char *memory, struct am_error *error);

/* Unpacks one gzip member to `unpacked`, which has room for `limit` + 1 bytes; both sizes below 4
 * GiB. AM_E_SYNTAX: not gzip, truncated, damaged, bytes after the end. AM_E_LIMIT: more than
 * `limit` bytes, or more than AM_GZIP_MAX_RATIO times the packed ones. */
enum am_code am_api_gzip_unpack(struct am_api_gzip *gzip,
                                struct am_view packed,
                                char *unpacked,
                                size_t limit,
                                size_t *size,
                                struct am_error *error);

/* Packs `plain`, below 4 GiB, to `packed`, which has `room`; the size. 0: it does not become
 * smaller than it was, does not fit, or zlib wants more memory than it ever did. The struct must
 * stay where it is from the first call on. */
size_t am_api_gzip_pack(struct am_api_gzip_packer *packer,
                        struct am_view plain,
                        char *packed,
                        size_t room);

#endif
