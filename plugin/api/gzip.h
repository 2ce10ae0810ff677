/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: unpacking a gzip body (RFC 1952) without allocating. */
#ifndef AM_API_GZIP_H
#define AM_API_GZIP_H

#include <zlib.h>

#include "../base/bytes.h"
#include "../base/error.h"

enum {
    AM_GZIP_MEMORY_SIZE = 64 << 10, /* what zlib asks for is about 44 KiB */
    AM_GZIP_MAX_RATIO = 200,        /* beyond AM_GZIP_FREE_SIZE unpacked bytes */
    AM_GZIP_FREE_SIZE = 64 << 10,
};

struct am_api_gzip {
    z_stream stream;
    char *memory; /* AM_GZIP_MEMORY_SIZE bytes, the caller's; zlib's state lies in it */
    size_t used;
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

#endif
