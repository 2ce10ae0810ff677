/* From a version of the inventory to a publication. One process at a time publishes: the master at
 * start, then the mule. */
#ifndef AM_UWSGI_PUBLISHER_H
#define AM_UWSGI_PUBLISHER_H

#include "control.h"
#include "supply.h"

struct am_publisher {
    struct am_source supply;
    struct am_store state;
    struct am_publish_channel *control;
    /* Private from here on. */
    bool seen; /* `last` has been published or refused */
    struct am_source_version last;
    bool refused;     /* `last` was refused for what is in it */
    bool missing;     /* the last look found no file */
    int64_t retry_at; /* when to try a refused version again; 0: not before it changes */
};

/* At start, before the first fork: publishes the inventory; when it must be refused, what it was
 * last served from; when there is nothing either, logs what to do and exits. */
void am_publisher_start(struct am_publisher *publisher);

/* In a mule that starts: a mule before it may have published, and may have been killed at any
 * moment of that. What is served now is told again to the metrics, and the inventory will be looked
 * at unless the publication is the start's, which `publisher` knows. */
void am_publisher_resume(struct am_publisher *publisher);

/* Whether a look is due although the inventory has not changed: a refusal that it was not to blame
 * for is to be tried again, or the published image has been removed and must be made again. Costs a
 * system call. */
bool am_publisher_is_due(const struct am_publisher *publisher);

enum am_publisher_outcome {
    AM_PUBLISHER_DONE, /* published, refused, or nothing new */
    AM_PUBLISHER_SOON, /* the file is being written: look again in a moment */
};

/* Looks at the inventory; when it has changed (or `forced`), builds, verifies and publishes it, or
 * refuses it and logs why. */
enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced);

#endif
