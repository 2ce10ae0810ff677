/* SPDX-License-Identifier: Apache-2.0 */
/* From a version of the inventory to a publication. One process at a time publishes: a child of the
 * master at start, then the mule. */
#ifndef AM_PUBLISH_PUBLISHER_H
#define AM_PUBLISH_PUBLISHER_H

#include "account.h"
#include "channel.h"
#include "metrics.h"
#include "sink.h"
#include "source.h"

struct am_publisher {
    struct am_source source;
    const char *store_folder;
    struct am_publish_channel *channel;
    struct am_metrics *metrics;
    const struct am_publish_sink *sink;
    struct am_account *account; /* NULL: nothing is counted */
    /* Private from here on. */
    bool seen; /* `last` has been published or refused */
    struct am_source_version last;
    bool refused;     /* `last` was refused for what is in it */
    bool missing;     /* the last check found no file */
    int64_t noticed;  /* when `last` was first seen */
    int64_t retry_at; /* when to try a refused version again; 0: not before it changes */
};

/* At start: publishes the inventory; when it must be refused, what it was last served from. False:
 * there is nothing to serve, or no state folder; what to do has been logged. */
bool am_publisher_start(struct am_publisher *publisher);

/* In a mule that starts: a mule before it may have published, and may have been killed at any
 * moment of that. Sets the metrics of what is served now, and makes the next check read the
 * inventory unless the publication is the start's, which `publisher` knows. */
void am_publisher_resume(struct am_publisher *publisher);

/* Whether a check is due although the inventory has not changed: a refusal that it did not cause is
 * to be tried again, or the published image has been removed and must be built again. Costs a few
 * system calls. In the mule. */
bool am_publisher_is_due(const struct am_publisher *publisher);

enum am_publisher_outcome {
    AM_PUBLISHER_DONE, /* published, refused, or nothing new */
    AM_PUBLISHER_SOON, /* the file is being written: check again in a moment */
};

/* Checks the inventory; when it has changed (or `forced`), builds, verifies and publishes it, or
 * refuses it and logs why. In the mule. */
enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced);

#endif
