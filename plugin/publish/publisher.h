/* SPDX-License-Identifier: Apache-2.0 */
/* From a version of the inventory to a publication. One process at a time publishes: a child of the
 * master at start, then the mule. */
/* Runs in: a child of the master before there are workers (start); the mule's main thread (the
 * rest). */
#ifndef AM_PUBLISH_PUBLISHER_H
#define AM_PUBLISH_PUBLISHER_H

#include "account.h"
#include "channel.h"
#include "metrics.h"
#include "sink.h"
#include "source.h"

struct am_publisher {
    bool ignores_limits; /* admatch-ledger = none */
    struct am_source source;
    const char *store_folder;
    struct am_publish_channel *channel;
    struct am_metrics *metrics;
    const struct am_publish_sink *sink;
    struct am_account *account; /* NULL: nothing is counted */
    /* Private from here on. Times are of CLOCK_MONOTONIC, in milliseconds. */
    bool seen; /* `last` has been published or refused */
    struct am_source_version last;
    bool refused;              /* `last` was refused for what is in it */
    struct am_error missed;    /* why the last check found no file; code AM_OK: it found one */
    int64_t noticed;           /* when `last` was first seen: am_ledger_publication_time */
    int64_t retry_at;          /* when to try a refused version again; 0: not before it changes */
    struct am_store_hold held; /* of what is published; in the mule */
    bool damaged;              /* the published image is missing or damaged: build it again */
    bool noted;                /* the store has a note of it */
    int64_t confirmed_at;      /* 0: not yet */
    bool unnoted_logged;       /* that it has none, and why */
    bool uncollapsed_logged;   /* that huge pages were refused, and why */
    bool uncleaned_logged;     /* that the store cannot be cleaned, and why */
    bool cleaned;              /* the store has no orphaned files */
    int64_t tend_after;        /* milliseconds until it is to be tended again */
    int64_t unquiet_since;     /* when it was first seen changing; 0: it is quiet */
    int64_t lag_logged_at;     /* 0: never */
    struct {
        uint64_t truncated; /* decisions that a warning has counted */
        int64_t next;       /* when there may be another one */
    } warned;
};

/* At start: publishes the inventory; when it must be refused, what it was last served from. False:
 * there is nothing to serve, or no state folder; what to do has been logged. */
bool am_publisher_start(struct am_publisher *publisher);

/* What a start, in a process of its own, leaves behind in the publisher. Plain numbers, of which
 * any are valid: who sends it may have fewer rights than who takes it. */
struct am_publisher_verdict {
    struct am_source_version last;
    int64_t noticed;
    uint32_t seen, refused; /* 0: no */
};
/* Padding is zeroed. */
void am_publisher_give(const struct am_publisher *publisher, struct am_publisher_verdict *verdict);
void am_publisher_take(struct am_publisher *publisher, const struct am_publisher_verdict *verdict);

/* Call when a mule starts: its predecessor may have been killed at any point while publishing.
 * Holds what is published, sets the metrics of it, and makes the next check read the inventory
 * unless the publication is the start's, which `publisher` knows. */
void am_publisher_resume(struct am_publisher *publisher);

/* Between checks: restores the folder, the image and its note where somebody has removed them, and
 * removes orphaned files. True: a check is due although the inventory has not changed, since a
 * refusal that it did not cause is to be tried again, or since the published image has been
 * damaged. Costs a few system calls. In the mule. */
bool am_publisher_tend(struct am_publisher *publisher);
/* Milliseconds until it is to be called again, at the latest. */
int64_t am_publisher_tend_after(const struct am_publisher *publisher);

/* Logs how many decisions the work limit has ended since the last such line, at most once a minute.
 * In the mule. */
void am_publisher_warn(struct am_publisher *publisher);

enum am_publisher_outcome {
    AM_PUBLISHER_DONE, /* published, refused, or nothing new */
    AM_PUBLISHER_SOON, /* the file is being written, or a newer one is there already: check again */
};

/* Checks the inventory; when it has changed (or `forced`), builds, verifies and publishes it, or
 * refuses it and logs why. In the mule. */
enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced);

#endif
