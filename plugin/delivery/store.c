/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- small files ------------------------------------------------------------------------------
 */

static bool write_all(int fd, struct am_view bytes) {
    while (bytes.size) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.data += written;
        bytes.size -= (size_t)written;
    }
    return true;
}

/* A file of those bytes on the disk, beside `path`; its name in `temporary`. */
static bool write_beside(const char *path, struct am_view bytes, char temporary[PATH_MAX + 64]) {
    snprintf(temporary, PATH_MAX + 64, "%s.new-XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write_all(fd, bytes) && fsync(fd) == 0;
    int reason = errno;
    close(fd);
    if (!written)
        unlink(temporary);
    errno = reason;
    return written;
}

enum am_code am_ledger_store_write(const char *path, struct am_view bytes, struct am_error *error) {
    char temporary[PATH_MAX + 64];
    if (!write_beside(path, bytes, temporary))
        return am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    if (rename(temporary, path) == 0)
        return AM_OK;
    am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    unlink(temporary);
    return AM_E_IO;
}

enum am_code
am_ledger_store_create(const char *path, struct am_view bytes, struct am_error *error) {
    char temporary[PATH_MAX + 64];
    if (!write_beside(path, bytes, temporary))
        return am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    int reason = link(temporary, path) == 0 ? 0 : errno;
    unlink(temporary);
    errno = reason;
    if (reason)
        return am_error_set_errno(error, reason == EEXIST ? AM_E_CHANGED : AM_E_IO,
                                  "cannot make %s", path);
    return AM_OK;
}

bool am_ledger_store_read(const char *path, char *bytes, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    size_t length = 0;
    ssize_t got;
    while (length < size - 1 && (got = read(fd, bytes + length, size - 1 - length)) > 0)
        length += (size_t)got;
    close(fd);
    bytes[length] = '\0';
    return true;
}

/* ---- snapshots ---- */

static bool read_snapshot_number(const char *name, uint64_t *number) {
    static const char prefix[] = "snapshot-";
    char *end;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *digits = name + sizeof prefix - 1;
    *number = strtoull(digits, &end, 10);
    return end != digits && *end == '\0';
}

uint64_t am_ledger_store_newest_snapshot(const char *folder, uint64_t below) {
    DIR *listing = opendir(folder);
    struct dirent *entry;
    uint64_t newest = 0, number;
    while (listing && (entry = readdir(listing)))
        if (read_snapshot_number(entry->d_name, &number) && number < below && number > newest)
            newest = number;
    if (listing)
        closedir(listing);
    return newest;
}

bool am_ledger_has_snapshot(const struct am_ledger *ledger) {
    return am_ledger_store_newest_snapshot(ledger->folder, UINT64_MAX) != 0;
}

enum am_code am_ledger_store_check_owner(const struct am_ledger *ledger,
                                         const char *inventory,
                                         struct am_error *error) {
    char path[PATH_MAX + 16], owner[PATH_MAX + 1];
    if (!inventory)
        return AM_OK;
    snprintf(path, sizeof path, "%s/owner", ledger->folder);
    if (access(path, F_OK) != 0 && am_ledger_has_snapshot(ledger))
        return am_error_set(error, AM_E_INVALID,
                            "%s is missing, and the ledger has counted already: write the path of "
                            "the inventory that it counts for into that file",
                            path);
    if (access(path, F_OK) != 0) {
        enum am_code code = am_ledger_store_create(path, am_view_of(inventory), error);
        if (code != AM_E_CHANGED)
            return code;
    }
    if (!am_ledger_store_read(path, owner, sizeof owner))
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    owner[strcspn(owner, "\n")] = '\0'; /* which an editor adds */
    if (strcmp(owner, inventory) == 0)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "the ledger %s counts for the inventory %s, not for %s: name another "
                        "folder with admatch-ledger, or, with all instances stopped, write the new "
                        "path into %s",
                        ledger->folder, owner, inventory, path);
}

enum am_code am_ledger_rebind(const char *folder, const char *inventory, struct am_error *error) {
    char path[PATH_MAX + 16];
    int length = snprintf(path, sizeof path, "%s/owner", folder);
    if (length >= (int)sizeof path || access(path, F_OK) != 0)
        return am_error_set(error, AM_E_IO, "%s is not the folder of a ledger", folder);
    return am_ledger_store_write(path, am_view_of(inventory), error);
}

enum am_code am_ledger_store_sync_folder(const struct am_ledger *ledger, struct am_error *error) {
    int fd = open(ledger->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (!synced)
        am_error_set_errno(error, AM_E_IO, "cannot sync %s", ledger->folder);
    if (fd >= 0)
        close(fd);
    return synced ? AM_OK : AM_E_IO;
}

/* ---- files of the tmpfs -----------------------------------------------------------------------
 */

static enum am_code no_room(const char *path, uint64_t wanted, int reason, struct am_error *error) {
    struct statvfs status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t free_bytes = 0;
    if (fd >= 0 && fstatvfs(fd, &status) == 0)
        free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return am_error_set_errno(error, AM_E_LIMIT,
                              "%s needs %llu bytes of shared memory and %llu are free", path,
                              (unsigned long long)wanted, (unsigned long long)free_bytes);
}

static enum am_code map_private(uint64_t size, int *fd, void **memory, struct am_error *error) {
    *fd = -1;
    *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (*memory == MAP_FAILED)
        return am_error_set_errno(error, AM_E_MEMORY, "no memory for the ledger");
    return AM_OK;
}

static enum am_code
map_shared(const char *path, int fd, uint64_t size, void **memory, struct am_error *error) {
    *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (*memory == MAP_FAILED)
        return am_error_set_errno(error, AM_E_MEMORY, "cannot map %s (%llu bytes)", path,
                                  (unsigned long long)size);
    return AM_OK;
}

enum am_code am_ledger_store_make(const struct am_ledger *ledger,
                                  const char *path,
                                  uint64_t size,
                                  uint64_t fixed,
                                  int *fd,
                                  void **memory,
                                  struct am_error *error) {
    if (!*ledger->home)
        return map_private(size, fd, memory, error);
    unlink(path);
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0 || ftruncate(*fd, (off_t)size) != 0) {
        am_error_set_errno(error, AM_E_IO, "cannot make %s", path);
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        return AM_E_IO;
    }
    int status;
    do
        status = posix_fallocate(*fd, 0, (off_t)fixed);
    while (status == EINTR);
    enum am_code code =
        status ? no_room(path, fixed, status, error) : map_shared(path, *fd, size, memory, error);
    if (code != AM_OK) {
        close(*fd);
        *fd = -1;
        unlink(path);
    }
    return code;
}

/* A descriptor with a shared lock, of a file that is ours alone and still has its name. */
static enum am_code
open_locked(const char *path, int *fd, struct stat *status, struct am_error *error) {
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0 && errno == ENOENT)
        return am_error_set(error, AM_E_NOT_FOUND, "there is no %s", path);
    if (*fd < 0 || fstat(*fd, status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    if (!S_ISREG(status->st_mode) || status->st_uid != geteuid() || status->st_mode & 077)
        return am_error_set(error, AM_E_INVALID,
                            "%s: not trusted: expected a file of user %u alone, found user %u and "
                            "mode %04o",
                            path, (unsigned)geteuid(), (unsigned)status->st_uid,
                            (unsigned)(status->st_mode & 07777));
    if (flock(*fd, LOCK_SH | LOCK_NB) != 0 || fstat(*fd, status) != 0 || status->st_nlink == 0)
        return am_error_set(error, AM_E_NOT_FOUND, "%s is being removed", path);
    return AM_OK;
}

enum am_code am_ledger_store_map(const struct am_ledger *ledger,
                                 const char *path,
                                 int *fd,
                                 uint64_t *size,
                                 void **memory,
                                 struct am_error *error) {
    struct stat status = {.st_size = 0};
    *fd = -1;
    if (!*ledger->home)
        return am_error_set(error, AM_E_NOT_FOUND, "a ledger in private memory has no files");
    enum am_code code = open_locked(path, fd, &status, error);
    if (code == AM_OK && status.st_size == 0)
        code = am_error_set(error, AM_E_CORRUPT, "%s is empty", path);
    if (code == AM_OK)
        code = map_shared(path, *fd, (uint64_t)status.st_size, memory, error);
    *size = (uint64_t)status.st_size;
    if (code != AM_OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return code;
}
