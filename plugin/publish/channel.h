/* SPDX-License-Identifier: Apache-2.0 */
/* The current publication, in memory that every process of the instance shares.
 *
 * Created before the first fork. One process writes (a child of the master at start, then the
 * mule); any process and thread reads, without locks: a publication is written to the slot that
 * nobody reads, then the number is incremented. A writer killed anywhere leaves the last
 * publication whole. */
/* Runs in: the master before its first fork (new); the one process that publishes, a child of the
 * master at start and then the mule (publish); workers' movers (wait); any process and thread (the
 * rest). */
#ifndef AM_PUBLISH_CHANNEL_H
#define AM_PUBLISH_CHANNEL_H

#include "store.h"

struct am_publish_publication {
    uint32_t number;                /* 0: nothing has been published; then 1, 2, ... */
    int64_t published_at;           /* seconds since the epoch */
    char image[AM_STORE_NAME_SIZE]; /* its name in the store */
};

struct am_publish_channel;

/* NULL and AM_E_MEMORY when the system has no memory to share. In the process that forks the
 * others, before it does. */
struct am_publish_channel *am_publish_channel_new(struct am_error *error);
/* Unmaps it in this process; NULL is fine. */
void am_publish_channel_free(struct am_publish_channel *channel);

/* Publishes an image; wakes everyone in am_publish_channel_wait. One process at a time. */
void am_publish_channel_publish(struct am_publish_channel *channel, const char *image, int64_t now);

/* The number of the last publication: a single load. Any thread. */
uint32_t am_publish_channel_number(const struct am_publish_channel *channel);

/* A whole copy of the last publication. Any thread. */
void am_publish_channel_read(const struct am_publish_channel *channel,
                             struct am_publish_publication *publication);

/* Sleeps until the number is no longer `number`, or about that many milliseconds. May return early.
 */
void am_publish_channel_wait(struct am_publish_channel *channel,
                             uint32_t number,
                             unsigned milliseconds);
/* Ends every am_publish_channel_wait early. */
void am_publish_channel_wake(struct am_publish_channel *channel);

#endif
