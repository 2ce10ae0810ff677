/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the end of a chunked body (RFC 9112, section 7.1) as it arrives, so that uWSGI's reader,
 * which would block for more, runs once all of it is buffered. Decodes nothing. */
/* Runs in: a worker, the loop's thread. */
#ifndef AM_UWSGI_LOOP_CHUNKS_H
#define AM_UWSGI_LOOP_CHUNKS_H

#include "../../base/bytes.h"

/* All zero: at the beginning of a body. */
struct am_loop_chunks {
    uint8_t state; /* private */
    bool digits;   /* the size has one */
    size_t chunk;  /* the size so far, then what is left of the chunk */
    size_t at;     /* bytes looked at */
};

enum am_loop_chunks_end { AM_LOOP_CHUNKS_MORE, AM_LOOP_CHUNKS_WHOLE, AM_LOOP_CHUNKS_INVALID };

/* Continues where it stopped; `data` holds the body from its first byte. WHOLE: `at` is its end.
 * INVALID: malformed, or with a chunk extension, which uWSGI does not read either. */
enum am_loop_chunks_end
am_loop_chunks_scan(struct am_loop_chunks *chunks, const char *data, size_t size);

#endif
