/* SPDX-License-Identifier: Apache-2.0 */
/* The store: the folder of compiled images (admatch-state-dir), shared by all instances of one user
 * on the host.
 *
 *   DIGEST-FORMAT.WORDS[-ZONES][-skip|-copy].admx        an image, named by what it was made from
 *   DIGEST-FORMAT.WORDS[-ZONES][-skip|-copy].admx.lock   held while somebody makes that image
 *   KEY.last                                     which image an inventory's path is served from
 *   folder.lock                                  held while notes are written and files removed
 *
 * Who owns a folder above this one can rename it, and put a link or another folder in its place. So
 * its path is resolved once for each piece of work, in am_store_open; what was checked then is held
 * by its descriptor, and everything below is named relative to that. Only a folder of this
 * process's own user that nobody else may enter is used. */
#ifndef AM_PUBLISH_STORE_H
#define AM_PUBLISH_STORE_H

#include "../index/builder.h"

/* Of an image's file name, its end included. */
enum { AM_STORE_NAME_SIZE = 80 };

/* Open from am_store_open or am_store_make until am_store_close. One thread. */
struct am_store {
    const char *path; /* for messages; the caller's */
    int folder;       /* O_PATH */
};

/* How an image came to be; part of its name. */
enum am_store_origin { AM_ORIGIN_STRICT, AM_ORIGIN_LENIENT, AM_ORIGIN_COPY };

/* Opens the folder, which must be a folder (no link) of this process's user with mode 0700 or less;
 * AM_E_IO when it is not. AM_E_STATE: there is none. On failure nothing is left open. */
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

/* Opens an image of the folder (header, section table, checksum; with `summed`, its checksum has
 * been verified by whoever published it, and is not verified again, which would take processors
 * from requests). AM_E_STATE: there is none. AM_E_INVALID: not this user's, or others may write it.
 * Any other error: it is damaged. Any process. */
enum am_code am_store_open_image(const struct am_store *store,
                                 const char *name,
                                 bool summed,
                                 struct am_image **image,
                                 struct am_error *error);

/* Whether there is a file of that name. */
bool am_store_has(const struct am_store *store, const char *name);

/* Writes an image to the folder, whole or not at all. AM_E_IO: full, for instance. */
enum am_code am_store_write(const struct am_store *store,
                            const struct am_image_bytes *bytes,
                            const char *name,
                            struct am_error *error);

/* Locks the image of that name: nobody else makes or removes it until am_store_unlock, or until
 * this process ends. With `wait`, waits for whoever has it locked; without, returns -1 then. -1
 * with errno when the lock cannot be made. */
int am_store_lock(const struct am_store *store, const char *name, bool wait);
void am_store_unlock(const struct am_store *store, const char *name, int lock);

/* Notes that `inventory` (its absolute path) is served from that image, which the caller has
 * locked; and removes images that no inventory is served from, notes of inventories that are gone,
 * and what killed processes left behind. What cannot be removed stays: never fails. */
void am_store_collect(const struct am_store *store,
                      const char *inventory,
                      bool lenient,
                      const char *image);

/* The image that `inventory` was last served from: true and its name, when noted. It may be gone.
 */
bool am_store_recall(const struct am_store *store,
                     const char *inventory,
                     bool lenient,
                     char image[AM_STORE_NAME_SIZE]);

#endif
