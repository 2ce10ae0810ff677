/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a connection buffers between two turns of the loop: an incomplete request, or an
 * unsent answer. The buffers of all connections of a process share one bound. */
/* Runs in: a worker, the loop's thread. */
#ifndef AM_UWSGI_LOOP_PENDING_H
#define AM_UWSGI_LOOP_PENDING_H

#include "../../base/bytes.h"

struct am_loop_pending {
    char *data;  /* NULL: none */
    size_t size; /* used */
    size_t room; /* allocated */
};

/* Sets the bound, in bytes. Once in each process. */
void am_loop_pending_limit(size_t limit);

/* Bytes allocated now, by all connections. */
size_t am_loop_pending_total(void);

/* Allocates at least `room` bytes in all. False: the bound would be exceeded, or out of memory;
 * then nothing changes. */
bool am_loop_pending_reserve(struct am_loop_pending *bytes, size_t room);

/* Appends a copy. False as above. */
bool am_loop_pending_append(struct am_loop_pending *bytes, const char *data, size_t size);

/* Drops the first `size` bytes. Frees the memory when none are left. */
void am_loop_pending_consume(struct am_loop_pending *bytes, size_t size);

void am_loop_pending_free(struct am_loop_pending *bytes);

#endif
