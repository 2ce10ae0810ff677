#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../text/words.h"

static enum am_code check_folder(const struct am_store *state, struct am_error *error) {
    struct stat status;
    if (lstat(state->folder, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot examine the state folder %s",
                                  state->folder);
    if (!S_ISDIR(status.st_mode))
        return am_error_set(error, AM_E_INVALID,
                            "the state folder %s is not a folder: remove it, or name another with "
                            "admatch-state-dir",
                            state->folder);
    if (status.st_uid != state->owner)
        return am_error_set(error, AM_E_INVALID,
                            "the state folder %s belongs to user %u, expected user %u: name "
                            "another with admatch-state-dir",
                            state->folder, (unsigned)status.st_uid, (unsigned)state->owner);
    if (status.st_mode & 077)
        return am_error_set(error, AM_E_INVALID,
                            "the state folder %s has mode %04o, so others can reach it: name one "
                            "of its own with admatch-state-dir, or, if it is that, run chmod 0700 "
                            "on it",
                            state->folder, (unsigned)(status.st_mode & 07777));
    return AM_OK;
}

enum am_code am_store_open(
    struct am_store *state, const char *folder, uid_t owner, gid_t group, struct am_error *error) {
    *state = (struct am_store){.owner = owner, .group = group};
    int length = folder ? snprintf(state->folder, PATH_MAX, "%s", folder)
                        : snprintf(state->folder, PATH_MAX, "/dev/shm/admatch-%u", (unsigned)owner);
    if (length < 0 || length >= PATH_MAX)
        return am_error_set(error, AM_E_LIMIT, "the path of the state folder is too long");
    if (mkdir(state->folder, 0700) == 0) {
        if (owner != geteuid() && chown(state->folder, owner, group) != 0)
            return am_error_set_errno(error, AM_E_IO, "cannot give %s to user %u", state->folder,
                                      (unsigned)owner);
    } else if (errno != EEXIST) {
        return am_error_set_errno(error, AM_E_IO,
                                  "cannot make the state folder %s (admatch-state-dir names "
                                  "another)",
                                  state->folder);
    }
    return check_folder(state, error);
}

enum am_code am_store_image_path(const struct am_store *state,
                                 const uint8_t digest[16],
                                 enum am_store_origin origin,
                                 char path[PATH_MAX],
                                 struct am_error *error) {
    static const char *const suffix[] = {
        [AM_ORIGIN_STRICT] = "", [AM_ORIGIN_LENIENT] = "-skip", [AM_ORIGIN_COPY] = "-copy"};
    char hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    int length = snprintf(path, PATH_MAX, "%s/%s-%d.%d%s.admx", state->folder, hex,
                          AM_IMAGE_FORMAT_VERSION, AM_WORD_RULES_VERSION, suffix[origin]);
    if (length < 0 || length >= PATH_MAX)
        return am_error_set(error, AM_E_LIMIT, "the path of the state folder is too long");
    return AM_OK;
}

static enum am_code
check_image_file(const struct am_store *state, const char *path, int fd, struct am_error *error) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot examine %s", path);
    if (!S_ISREG(status.st_mode) || status.st_uid != state->owner || status.st_mode & 022)
        return am_error_set(error, AM_E_INVALID,
                            "%s: not trusted: expected a file of user %u that nobody else can "
                            "write, found user %u and mode %04o",
                            path, (unsigned)state->owner, (unsigned)status.st_uid,
                            (unsigned)(status.st_mode & 07777));
    return AM_OK;
}

enum am_code am_store_open_image(const struct am_store *state,
                                 const char *path,
                                 bool summed,
                                 struct am_image **image,
                                 struct am_error *error) {
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return am_error_set(error, AM_E_STATE, "%s: there is no such image", path);
    if (fd < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = check_image_file(state, path, fd, error);
    if (code == AM_OK)
        code = am_image_open_fd(fd, path, summed, image, error);
    close(fd);
    return code;
}

enum am_code am_store_write(const struct am_store *state,
                            const struct am_image_bytes *bytes,
                            const char *path,
                            struct am_error *error) {
    struct am_image_owner owner = {state->owner, state->group};
    return am_image_write(bytes, path, state->owner == geteuid() ? AM_NOBODY_ELSE : owner, error);
}

/* ---- locks ------------------------------------------------------------------------------------
 */

/* Whether `fd` is (still) the file of that name: whoever held the lock before may have removed it.
 */
static bool is_named(int fd, const char *name) {
    struct stat mine, named;
    return fstat(fd, &mine) == 0 && stat(name, &named) == 0 && mine.st_ino == named.st_ino &&
           mine.st_dev == named.st_dev;
}

static int flock_patiently(int fd, int operation) {
    int status;
    do
        status = flock(fd, operation);
    while (status != 0 && errno == EINTR);
    return status;
}

/* Whether the lock is the owner's, or was just made and could be given to them. Not what stands
 * there under two names: the owner may have linked a file of ours. */
static bool is_owners(const struct am_store *state, int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    if (S_ISREG(status.st_mode) && status.st_uid == state->owner)
        return true;
    if (S_ISREG(status.st_mode) && status.st_uid == geteuid() && status.st_nlink == 1)
        return fchown(fd, state->owner, state->group) == 0;
    errno = EPERM;
    return false;
}

int am_store_lock(const struct am_store *state, const char *path, bool wait) {
    char name[PATH_MAX + 8];
    snprintf(name, sizeof name, "%s.lock", path);
    for (;;) {
        int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
            return -1;
        if (!is_owners(state, fd) || flock_patiently(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB)) {
            int saved = errno;
            close(fd);
            errno = saved;
            return -1;
        }
        if (is_named(fd, name))
            return fd;
        close(fd);
    }
}

void am_store_unlock(const char *path, int lock) {
    char name[PATH_MAX + 8];
    snprintf(name, sizeof name, "%s.lock", path);
    unlink(name);
    close(lock);
}
