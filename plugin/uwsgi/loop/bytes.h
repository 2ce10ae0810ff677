/* Bytes that a connection keeps between two turns of the loop: pieces of a request, or the rest of
 * an answer. Those of all connections of a process count against one bound.
 *
 * The loop's thread only. */
#ifndef AM_UWSGI_LOOP_BYTES_H
#define AM_UWSGI_LOOP_BYTES_H

#include "../../base/bytes.h"

struct am_loop_bytes {
    char *data;  /* NULL: none */
    size_t size; /* in use */
    size_t room; /* counted against the bound */
};

/* Sets how many bytes a process may keep. */
void am_loop_bytes_limit(size_t limit);

/* Bytes kept now, by all connections. */
size_t am_loop_bytes_kept(void);

/* Makes `room` at least that large. False: above the bound, or out of memory; then nothing has
 * changed. */
bool am_loop_bytes_reserve(struct am_loop_bytes *bytes, size_t room);

/* Appends a copy. False as above. */
bool am_loop_bytes_append(struct am_loop_bytes *bytes, const char *data, size_t size);

/* Drops the first `size` bytes. Frees the memory when none are left. */
void am_loop_bytes_consume(struct am_loop_bytes *bytes, size_t size);

void am_loop_bytes_free(struct am_loop_bytes *bytes);

#endif
