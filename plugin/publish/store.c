/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/file_lock.h"
#include "../text/words.h"

/* The name of a lock is the image's name and this suffix. */
#define LOCK_SUFFIX ".lock"

static enum am_code check_folder(const struct am_store *store, struct am_error *error) {
    struct stat status;
    unsigned user = geteuid();
    if (fstat(store->folder, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot examine the state folder %s",
                                  store->path);
    if (!S_ISDIR(status.st_mode))
        return am_error_set(error, AM_E_IO,
                            "the state folder %s is not a folder but a link or file of user %u: "
                            "remove it, or name another with admatch-state-dir",
                            store->path, (unsigned)status.st_uid);
    if (status.st_uid != user)
        return am_error_set(error, AM_E_IO,
                            "the state folder %s belongs to user %u, expected user %u: if somebody "
                            "else took its name, set admatch-state-dir to a folder below one that "
                            "only user %u can write; if it is meant for this server, give it to "
                            "user %u",
                            store->path, (unsigned)status.st_uid, user, user, user);
    if (status.st_mode & 077)
        return am_error_set(error, AM_E_IO,
                            "the state folder %s has mode %04o, so others can reach it: name one "
                            "of its own with admatch-state-dir, or, if it is that, run chmod 0700 "
                            "on it",
                            store->path, (unsigned)(status.st_mode & 07777));
    return AM_OK;
}

/* O_PATH opens whatever is there, so that the check can report what it is, and never blocks on a
 * pipe. */
enum am_code am_store_open(struct am_store *store, const char *path, struct am_error *error) {
    *store = (struct am_store){path, open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (store->folder < 0)
        return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                  "user %u cannot open the state folder %s (admatch-state-dir "
                                  "names another)",
                                  (unsigned)geteuid(), path);
    enum am_code code = check_folder(store, error);
    if (code != AM_OK)
        am_store_close(store);
    return code;
}

enum am_code am_store_make(struct am_store *store, const char *path, struct am_error *error) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return am_error_set_errno(error, AM_E_IO,
                                  "user %u cannot make the state folder %s (make it, with mode "
                                  "0700, and give it to that user; or name another with "
                                  "admatch-state-dir)",
                                  (unsigned)geteuid(), path);
    return am_store_open(store, path, error);
}

void am_store_close(struct am_store *store) {
    close(store->folder);
    store->folder = -1;
}

void am_store_image_name(const uint8_t digest[16],
                         uint64_t zones,
                         enum am_store_origin origin,
                         char name[AM_STORE_NAME_SIZE]) {
    static const char *const suffix[] = {
        [AM_ORIGIN_STRICT] = "", [AM_ORIGIN_LENIENT] = "-skip", [AM_ORIGIN_COPY] = "-copy"};
    char hex[33], zones_hex[18] = "";
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (origin != AM_ORIGIN_COPY)
        snprintf(zones_hex, sizeof zones_hex, "-%016llx", (unsigned long long)zones);
    snprintf(name, AM_STORE_NAME_SIZE, "%s-%d.%d%s%s.admx", hex, AM_IMAGE_FORMAT_VERSION,
             AM_WORD_RULES_VERSION, zones_hex, suffix[origin]);
}

/* ---- images -----------------------------------------------------------------------------------
 */

static enum am_code check_image_file(const char *name, int fd, struct am_error *error) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot examine %s", name);
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
        return am_error_set(error, AM_E_INVALID,
                            "%s: not trusted: expected a file of user %u that nobody else can "
                            "write, found user %u and mode %04o",
                            name, (unsigned)geteuid(), (unsigned)status.st_uid,
                            (unsigned)(status.st_mode & 07777));
    return AM_OK;
}

/* Sets *named: `fd` is (still) the file of that name. False, with errno: the system cannot tell. */
static bool find_name(const struct am_store *store, int fd, const char *name, bool *named) {
    struct stat own, found;
    *named = false;
    if (fstat(fd, &own) != 0)
        return false;
    if (fstatat(store->folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    *named = own.st_ino == found.st_ino && own.st_dev == found.st_dev;
    return true;
}

/* A cleaner locks the file exclusively for some microseconds. A lock that lasts longer than
 * HOLD_TRIES is somebody else's. */
static bool lock_shared(int fd) {
    enum { HOLD_TRIES = 100 };
    const struct timespec pause = {0, 10000000};
    for (int tries = 0; flock(fd, LOCK_SH | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == HOLD_TRIES)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static enum am_code take_hold(const struct am_store *store,
                              const char *name,
                              int fd,
                              struct am_store_hold *hold,
                              struct am_error *error) {
    struct stat status;
    bool named;
    if (!lock_shared(fd))
        return am_error_set_errno(error, errno == EWOULDBLOCK ? AM_E_CHANGED : AM_E_IO,
                                  "cannot lock the image %s in %s", name, store->path);
    if (fstat(fd, &status) != 0 || !find_name(store, fd, name, &named))
        return am_error_set_errno(error, AM_E_IO, "cannot examine the image %s in %s", name,
                                  store->path);
    if (!named)
        return am_error_set(error, AM_E_CHANGED, "the image %s has just been removed from %s", name,
                            store->path);
    *hold = (struct am_store_hold){fd, status.st_ino, status.st_size, status.st_mtim};
    return AM_OK;
}

enum am_code am_store_open_image(const struct am_store *store,
                                 const char *name,
                                 bool summed,
                                 struct am_image **image,
                                 struct am_store_hold *hold,
                                 struct am_error *error) {
    int fd = openat(store->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                  "cannot open the image %s in %s", name, store->path);
    struct am_store_hold taken = AM_STORE_NO_HOLD;
    enum am_code code = check_image_file(name, fd, error);
    if (code == AM_OK)
        code = take_hold(store, name, fd, &taken, error);
    if (code == AM_OK)
        code = am_image_open_fd(fd, name, summed, image, error);
    if (code == AM_OK)
        *hold = taken;
    else
        close(fd);
    return code;
}

bool am_store_is_lost(enum am_code code) {
    return code == AM_E_NOT_FOUND || code == AM_E_CHANGED || code == AM_E_INVALID ||
           code == AM_E_CORRUPT || code == AM_E_VERSION;
}

void am_store_release(struct am_store_hold *hold) {
    if (hold->fd >= 0)
        close(hold->fd);
    *hold = AM_STORE_NO_HOLD;
}

enum am_store_condition
am_store_examine(const struct am_store *store, const char *name, const struct am_store_hold *hold) {
    struct stat status;
    bool named;
    if (hold->fd < 0)
        return AM_STORE_GONE;
    if (!find_name(store, hold->fd, name, &named) || fstat(hold->fd, &status) != 0)
        return AM_STORE_UNKNOWN;
    if (!named)
        return AM_STORE_GONE;
    bool same = status.st_size == hold->size && status.st_mtim.tv_sec == hold->modified.tv_sec &&
                status.st_mtim.tv_nsec == hold->modified.tv_nsec;
    return same ? AM_STORE_SOUND : AM_STORE_WRITTEN;
}

enum am_code am_store_put_back(const struct am_store *store,
                               const char *name,
                               const struct am_store_hold *hold,
                               struct am_error *error) {
    struct am_image *image = NULL;
    if (hold->fd < 0)
        return am_error_set(error, AM_E_NOT_FOUND, "the image %s is not held", name);
    enum am_code code = am_image_open_fd(hold->fd, name, false, &image, error);
    if (code != AM_OK)
        return code;
    const struct am_image_bytes bytes = {(char *)(uintptr_t)image->data, image->size};
    code = am_store_write(store, &bytes, name, error);
    am_image_close(image);
    return code;
}

enum am_code am_store_write(const struct am_store *store,
                            const struct am_image_bytes *bytes,
                            const char *name,
                            struct am_error *error) {
    struct am_error local;
    enum am_code code = am_image_write(bytes, store->folder, name, &local);
    if (code != AM_OK)
        am_error_set(error, code, "the state folder %s: %s", store->path, local.message);
    return code;
}

/* ---- locks ------------------------------------------------------------------------------------
 */

static void lock_name(const char *image, char name[NAME_MAX + 1]) {
    snprintf(name, NAME_MAX + 1, "%s" LOCK_SUFFIX, image);
}

int am_store_lock(const struct am_store *store, const char *name, int64_t patience) {
    char lock[NAME_MAX + 1];
    int64_t until = am_clock_milliseconds(CLOCK_MONOTONIC) + patience;
    lock_name(name, lock);
    for (;;) {
        bool named;
        int fd = openat(store->folder, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                        0600);
        if (fd < 0)
            return -1;
        if (!am_file_lock_until(fd, until) || !find_name(store, fd, lock, &named)) {
            int saved = errno;
            close(fd);
            errno = saved;
            return -1;
        }
        if (named) /* whoever had the lock before may have removed it */
            return fd;
        close(fd);
    }
}

void am_store_unlock(const struct am_store *store, const char *name, int lock) {
    char file[NAME_MAX + 1];
    lock_name(name, file);
    unlinkat(store->folder, file, 0);
    close(lock);
}
