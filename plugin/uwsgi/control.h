/* What is published, in memory that every process of the instance shares.
 *
 * Made before the first fork. One process writes (the master at start, then the mule), any number
 * read, without locks: a publication is written where nobody reads, then the number is raised. A
 * writer killed anywhere leaves the last publication whole. */
#ifndef AM_UWSGI_CONTROL_H
#define AM_UWSGI_CONTROL_H

#include <limits.h>

#include "../index/image.h"

struct am_publish_publication {
    uint32_t number;      /* 0: nothing has been published; then 1, 2, ... */
    int64_t published_at; /* seconds since the epoch */
    char path[PATH_MAX];  /* of the image */
};

struct am_publish_channel;

/* NULL and AM_E_MEMORY when the system has no memory to share. Lives as long as the process. */
struct am_publish_channel *am_publish_channel_new(struct am_error *error);

/* Publishes an image; wakes everyone in am_publish_channel_wait. */
void am_publish_channel_publish(struct am_publish_channel *control, const char *path, int64_t now);

/* The number of the last publication: a single load. */
uint32_t am_publish_channel_number(const struct am_publish_channel *control);

/* A whole copy of the last publication. */
void am_publish_channel_read(const struct am_publish_channel *control,
                             struct am_publish_publication *publication);

/* Sleeps until the number is no longer `number`, or about that many milliseconds. May return early.
 */
void am_publish_channel_wait(struct am_publish_channel *control,
                             uint32_t number,
                             unsigned milliseconds);

#endif
