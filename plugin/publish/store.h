/* SPDX-License-Identifier: Apache-2.0 */
/* The store: the folder of compiled images (admatch-state-dir), shared by all instances of one user
 * on the host.
 *
 *   DIGEST-FORMAT.WORDS[-ZONES][-skip|-copy].admx        an image, named by what it was made from;
 *                                                locked, shared, by each process that serves from
 * it DIGEST-FORMAT.WORDS[-ZONES][-skip|-copy].admx.lock   held while somebody makes that image
 *   KEY.last                                     which image an inventory's path is served from
 *   folder.lock                                  held while notes are written and files removed
 *
 * The owner of a parent folder can rename it, and put a link or another folder in its place. So
 * each operation resolves the path once, in am_store_open, checks what it found, and names
 * everything below relative to that descriptor. Only a folder that belongs to this process's user,
 * and that nobody else may enter, is used. */
/* Runs in: the one process that publishes; workers' movers (open, open_image, close). One thread
 * for each struct am_store. */
#ifndef AM_PUBLISH_STORE_H
#define AM_PUBLISH_STORE_H

#include <sys/types.h>
#include <time.h>

#include "../index/builder.h"

/* Of an image's file name, its end included. */
enum { AM_STORE_NAME_SIZE = 80 };

/* A shared lock (flock) on an image's file. While any process of the host has one, in whatever
 * mount namespace, cleaning never removes the file. */
struct am_store_hold {
    int fd; /* -1: none */
    ino_t inode;
    off_t size;
    struct timespec modified;
};
#define AM_STORE_NO_HOLD ((struct am_store_hold){.fd = -1})

/* Open from am_store_open or am_store_make until am_store_close. One thread. */
struct am_store {
    const char *path; /* for messages; the caller's */
    int folder;       /* O_PATH */
};

/* How an image came to be; part of its name. */
enum am_store_origin { AM_ORIGIN_STRICT, AM_ORIGIN_LENIENT, AM_ORIGIN_COPY };

/* Opens the folder, which must be a folder (no link) of this process's user with mode 0700 or less;
 * AM_E_IO when it is not. AM_E_NOT_FOUND: there is none. On failure nothing is left open. */
enum am_code am_store_open(struct am_store *store, const char *path, struct am_error *error);
/* The same, but makes it when there is none. */
enum am_code am_store_make(struct am_store *store, const char *path, struct am_error *error);
void am_store_close(struct am_store *store);

/* The name of the image made from a source of that digest with those time zones
 * (am_timezones_digest); a copy brings its own. */
void am_store_image_name(const uint8_t digest[16],
                         uint64_t zones,
                         enum am_store_origin origin,
                         char name[AM_STORE_NAME_SIZE]);

/* Opens, checks (header, section table, checksum) and holds an image of the folder. With `summed`,
 * the publisher has verified the checksum, and it is not verified again, which would take
 * processors from requests. On success the caller closes the image, then releases the hold.
 * AM_E_NOT_FOUND: there is none. AM_E_CHANGED: somebody is removing it, or holds it exclusively.
 * AM_E_INVALID: not this user's, or others may write it. AM_E_CORRUPT, AM_E_VERSION: it cannot be
 * used. AM_E_IO, AM_E_MEMORY: it may be sound. Any process. */
enum am_code am_store_open_image(const struct am_store *store,
                                 const char *name,
                                 bool summed,
                                 struct am_image **image,
                                 struct am_store_hold *hold,
                                 struct am_error *error);

/* Whether am_store_open_image failed because the image is missing or unusable, so that it must be
 * rebuilt. With any other error the image may be sound: this process or the system has failed. */
bool am_store_is_lost(enum am_code code);

/* Leaves none; none is fine. */
void am_store_release(struct am_store_hold *hold);

enum am_store_condition {
    AM_STORE_SOUND,
    AM_STORE_GONE,    /* there is no file of that name, or another one than is held */
    AM_STORE_WRITTEN, /* somebody has written to it, truncated it, or set its time */
    AM_STORE_UNKNOWN, /* the system cannot tell now */
};
/* What has become of the file of an image that is held. A few system calls. */
enum am_store_condition
am_store_examine(const struct am_store *store, const char *name, const struct am_store_hold *hold);

/* Restores a removed image from the held file; the hold stays on the old file. AM_E_CORRUPT: the
 * held file is damaged. AM_E_IO. */
enum am_code am_store_put_back(const struct am_store *store,
                               const char *name,
                               const struct am_store_hold *hold,
                               struct am_error *error);

/* Writes an image to the folder, whole or not at all. AM_E_IO: full, for instance. */
enum am_code am_store_write(const struct am_store *store,
                            const struct am_image_bytes *bytes,
                            const char *name,
                            struct am_error *error);

/* Locks the image of that name: nobody else makes or removes it until am_store_unlock, or until
 * this process ends. Waits for whoever has it locked, at most `patience` milliseconds: -1 with
 * EWOULDBLOCK then. -1 with another errno when the lock cannot be made. */
int am_store_lock(const struct am_store *store, const char *name, int64_t patience);
void am_store_unlock(const struct am_store *store, const char *name, int lock);

/* ---- notes and cleaning (store_collect.c) -------------------------------------------------------
 */

/* Notes that `inventory` (its absolute path) is served from that image. AM_E_IO: full, for
 * instance; the note before it stays. */
enum am_code am_store_note(const struct am_store *store,
                           const char *inventory,
                           bool lenient,
                           const char *image,
                           struct am_error *error);

/* Confirms the note: an inventory that is away then keeps its note and its image through a restart
 * (see am_store_clean). False: there is no note, or it cannot be confirmed. */
bool am_store_confirm(const struct am_store *store, const char *inventory, bool lenient);

/* Removes images that nobody holds and that no inventory is served from, notes of inventories that
 * are gone, and what killed processes left behind. A note of an inventory that is not there, which
 * may be away for a moment, or be visible in another mount namespace only, counts for as long as
 * its image is held, and AM_STORE_GRACE seconds from when it was last confirmed. What cannot be
 * removed stays. Sets *complete: nothing is left to be removed later, such as an image that
 * somebody still serves from. AM_E_IO, AM_E_MEMORY: not all notes and files could be read, so that
 * nothing was removed. */
enum { AM_STORE_GRACE = 600 };
enum am_code am_store_clean(const struct am_store *store, bool *complete, struct am_error *error);

/* The name of the image that `inventory` was last served from, which may be gone. AM_E_NOT_FOUND:
 * there is no note. AM_E_IO: it cannot be read. */
enum am_code am_store_recall(const struct am_store *store,
                             const char *inventory,
                             bool lenient,
                             char image[AM_STORE_NAME_SIZE],
                             struct am_error *error);

#endif
