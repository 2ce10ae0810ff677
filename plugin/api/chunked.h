/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies (RFC 9112, section 7.1), decoded as they arrive, and strictly: what two readers
 * could take for different bodies is malformed. Extensions and trailers are checked and dropped.
 *
 *    5;name="a value" CR LF hello CR LF  0 CR LF  Trailer: value CR LF  CR LF
 *    a size, extensions     a chunk      the last one                   the end
 *
 * The work grows with the bytes, whatever the chunks are. */
/* Runs in: any thread; each body belongs to one. */
#ifndef AM_API_CHUNKED_H
#define AM_API_CHUNKED_H

#include "../base/bytes.h"

enum {
    AM_API_CHUNKED_LINE = 4096, /* bytes at most in a line of a size or a trailer */
    /* Bytes at most besides the data: so many times the limit of the data, where a chunk of one
     * byte takes five, and the free ones. */
    AM_API_CHUNKED_TIMES = 8,
    AM_API_CHUNKED_FREE = 16 << 10,
};

enum am_api_chunked_end {
    AM_API_CHUNKED_MORE,    /* the body goes on; all bytes are used */
    AM_API_CHUNKED_WHOLE,   /* it has ended */
    AM_API_CHUNKED_INVALID, /* it is malformed */
    AM_API_CHUNKED_LARGE, /* its data or its framing is longer than allowed; decoding can go on with
                             a higher one */
};

/* All zero: at the beginning of a body. */
struct am_api_chunked {
    size_t size;    /* data so far, bytes */
    size_t framing; /* bytes so far that are not data */
    size_t chunk;   /* private: the size so far, then what is left of the chunk */
    uint16_t line;  /* private: bytes of the line so far */
    uint8_t state;  /* private */
};

/* Decodes from the front of `bytes`, which becomes what is left: after WHOLE, what follows the
 * body. Copies the data to data[size ...], of `limit` bytes; NULL: only measures. LARGE: before the
 * first byte of a chunk that exceeds the limit, or when the framing exceeds its own. The limit may
 * rise from call to call. Nothing may follow WHOLE and INVALID. */
enum am_api_chunked_end
am_api_chunked_decode(struct am_api_chunked *body, size_t limit, struct am_view *bytes, char *data);

#endif
