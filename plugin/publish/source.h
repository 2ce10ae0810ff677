/* SPDX-License-Identifier: Apache-2.0 */
/* From the file that `admatch-inventory` names to a verified image in the store: found
 * there, or built. */
/* Runs in: the one process that publishes: a child of the master at start, then the mule's main
 * thread. */
#ifndef AM_PUBLISH_SOURCE_H
#define AM_PUBLISH_SOURCE_H

#include <sys/types.h>
#include <time.h>

#include "sink.h"
#include "store.h"

struct am_source {
    const char *path;                   /* absolute */
    bool lenient;                       /* leave bad records out */
    const struct am_publish_sink *sink; /* for long waits */
};

/* Identifies a version of the inventory, and of the time zones that an image brings along, without
 * reading them. */
struct am_source_version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;       /* ctime, which no tool sets back */
    struct timespec zones_changed; /* of the folder of time zones; 0: there is none */
};

/* AM_E_IO when there is no such file. */
enum am_code
am_source_signature(const char *path, struct am_source_version *signature, struct am_error *error);
bool am_source_version_equal(const struct am_source_version *a, const struct am_source_version *b);
/* Whether it is of another file, or of one that was written to since; chmod and the like only make
 * versions unequal. */
bool am_source_version_replaces(const struct am_source_version *now,
                                const struct am_source_version *before);

struct am_source_built {
    char name[AM_STORE_NAME_SIZE];      /* of the image, in the store, noted as the inventory's */
    struct am_image *image;             /* open; the caller's */
    struct am_store_hold hold;          /* of the image; the caller's */
    struct am_source_version signature; /* of the source that was read; inode 0: none was opened */
    enum am_code noted;                 /* AM_OK, or why it could not be noted: the disk is full */
    struct am_error zones_missing;      /* code AM_OK, or why no time zone but UTC is known */
    bool found;                         /* it was there already: no build */
    bool unstored;                      /* the state folder has failed, not the inventory */
    uint64_t nanoseconds;               /* what it all took */
};

/* Finds or builds; makes the store, whose path is `store_folder`, when there is none. On failure no
 * image and no note is changed there, and `error` says why. `report` (zeroed by the caller, to be
 * freed with am_inventory_report_free) lists what is wrong with the inventory, line by line. The
 * file is opened once, so a newer file that takes its place meanwhile changes nothing. Waits until
 * the open file has not been written to for `quiet` milliseconds, once. AM_E_CHANGED: it was
 * written to meanwhile, or while it was being read, or the image was removed as soon as it was
 * made; worth trying again. */
enum am_code am_source_image(const struct am_source *source,
                             const char *store_folder,
                             int64_t quiet,
                             struct am_source_built *built,
                             struct am_inventory_report *report,
                             struct am_error *error);

#endif
