/* The state folder: compiled images, shared by all instances of one user on the host.
 *
 *   DIGEST-FORMAT.WORDS[-skip|-copy].admx        an image, named by what it was made from
 *   DIGEST-FORMAT.WORDS[-skip|-copy].admx.lock   held while somebody makes that image
 *   KEY.last                                     which image an inventory's path is served from
 *   folder.lock                                  held while notes are written and files removed
 *
 * Nothing here is trusted that anybody but the owner could have written. */
#ifndef AM_UWSGI_STATE_H
#define AM_UWSGI_STATE_H

#include <limits.h>
#include <sys/types.h>

#include "../index/builder.h"

struct am_store {
    char folder[PATH_MAX];
    uid_t owner; /* of the folder and all in it: whom the workers will run as */
    gid_t group;
};

/* How an image came to be; part of its name. */
enum am_store_origin { AM_ORIGIN_STRICT, AM_ORIGIN_LENIENT, AM_ORIGIN_COPY };

/* Opens the folder, making it (mode 0700) when it is not there. `folder` may be NULL:
 * /dev/shm/admatch-UID. `owner` and `group` are whom the workers will run as. AM_E_IO; AM_E_INVALID
 * when somebody else owns it or may enter it. */
enum am_code am_store_open(
    struct am_store *state, const char *folder, uid_t owner, gid_t group, struct am_error *error);

/* The path of the image made from a source of that digest. AM_E_LIMIT when it is too long. */
enum am_code am_store_image_path(const struct am_store *state,
                                 const uint8_t digest[16],
                                 enum am_store_origin origin,
                                 char path[PATH_MAX],
                                 struct am_error *error);

/* Opens an image of the folder (header, section table, checksum; with `summed`, its checksum has
 * been verified by whoever published it, and is not verified again, which would take processors
 * from requests). AM_E_STATE: there is none. AM_E_INVALID: not the owner's, or others may write it.
 * Any other error: it is damaged. Any process. */
enum am_code am_store_open_image(const struct am_store *state,
                                 const char *path,
                                 bool summed,
                                 struct am_image **image,
                                 struct am_error *error);

/* Writes an image to the folder, whole or not at all. AM_E_IO: full, for instance. */
enum am_code am_store_write(const struct am_store *state,
                            const struct am_image_bytes *bytes,
                            const char *path,
                            struct am_error *error);

/* Locks the image of that path: nobody else makes or removes it until am_store_unlock, or until
 * this process ends. With `wait`, waits for whoever has it locked; without, returns -1 then. -1
 * with errno when the lock cannot be made. */
int am_store_lock(const struct am_store *state, const char *path, bool wait);
void am_store_unlock(const char *path, int lock);

/* Notes that `inventory` (its absolute path) is served from that image, which the caller has
 * locked; and removes images that no inventory is served from, notes of inventories that are gone,
 * and what killed processes left behind. What cannot be removed stays: never fails. */
void am_store_settle(const struct am_store *state,
                     const char *inventory,
                     bool lenient,
                     const char *image_path);

/* The image that `inventory` was last served from: true and its path, when noted. It may be gone.
 */
bool am_store_recall(const struct am_store *state,
                     const char *inventory,
                     bool lenient,
                     char path[PATH_MAX]);

#endif
