/* SPDX-License-Identifier: Apache-2.0 */
/* The two folders of a ledger: DIR on the disk, and its home on the tmpfs.
 *
 * The home is named by user, device and inode of DIR, and by DIR/id, a random number that is made
 * with DIR. Without the id, a new folder that got the inode of one that was removed would find the
 * counters of that one; without device and inode, so would a copy of DIR. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

enum { ID_SIZE = 16 };

/* Of this user, and of nobody else. */
static enum am_code open_folder(const char *path, struct stat *status, struct am_error *error) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return am_error_set_errno(error, AM_E_IO, "cannot make the folder %s", path);
    if (lstat(path, status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot examine %s", path);
    if (!S_ISDIR(status->st_mode))
        return am_error_set(error, AM_E_INVALID, "%s is not a folder", path);
    if (status->st_uid != geteuid() || status->st_mode & 077)
        return am_error_set(error, AM_E_INVALID,
                            "%s must belong to user %u and be closed to all others (chmod 0700), "
                            "found user %u and mode %04o",
                            path, (unsigned)geteuid(), (unsigned)status->st_uid,
                            (unsigned)(status->st_mode & 07777));
    return AM_OK;
}

/* ---- the id -----------------------------------------------------------------------------------
 */

static enum am_code make_id(const char *path, struct am_error *error) {
    uint64_t number;
    char text[ID_SIZE + 2];
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return am_error_set_errno(error, AM_E_IO, "no random numbers");
    snprintf(text, sizeof text, "%016llx\n", (unsigned long long)number);
    enum am_code code = am_ledger_store_create(path, am_view_of(text), error);
    return code == AM_E_CHANGED ? AM_OK : code; /* another process was faster: its id counts */
}

/* The id of DIR, made where there is none. */
static enum am_code
take_id(const struct am_ledger *ledger, char id[ID_SIZE + 2], struct am_error *error) {
    const char *folder = ledger->folder;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/id", folder);
    if (access(path, F_OK) != 0 && am_ledger_has_snapshot(ledger))
        am_ledger_warn(ledger, "its file id was missing, another one is made: its shared "
                               "memory is made again from its folder");
    enum am_code code = access(path, F_OK) == 0 ? AM_OK : make_id(path, error);
    if (code != AM_OK)
        return code;
    if (!am_ledger_store_read(path, id, ID_SIZE + 2))
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    if (strspn(id, "0123456789abcdef") != ID_SIZE || strcmp(id + ID_SIZE, "\n") != 0)
        return am_error_set(error, AM_E_CORRUPT,
                            "%s is damaged: expected a line of %d hexadecimal digits. Stop all "
                            "instances of the ledger and remove it: another one is made, and the "
                            "counters are made again from %s",
                            path, ID_SIZE, folder);
    id[ID_SIZE] = '\0';
    return AM_OK;
}

/* ---- both folders -----------------------------------------------------------------------------
 */

enum am_code am_ledger_store_open_folders(struct am_ledger *ledger,
                                          const struct am_ledger_options *options,
                                          struct am_error *error) {
    struct stat status = {.st_ino = 0};
    char id[ID_SIZE + 2];
    const char *tmpfs = options->tmpfs ? options->tmpfs : "/dev/shm";
    int length = snprintf(ledger->folder, sizeof ledger->folder, "%s", options->folder);
    if (length >= (int)sizeof ledger->folder)
        return am_error_set(error, AM_E_LIMIT, "the path of the ledger is too long");
    enum am_code code = open_folder(ledger->folder, &status, error);
    if (code == AM_OK)
        code = take_id(ledger, id, error);
    if (code != AM_OK)
        return code;
    length = snprintf(ledger->home, sizeof ledger->home, "%s/admatch-ledger-%u-%llx-%llx-%s", tmpfs,
                      (unsigned)geteuid(), (unsigned long long)status.st_dev,
                      (unsigned long long)status.st_ino, id);
    if (length >= (int)sizeof ledger->home - 64)
        return am_error_set(error, AM_E_LIMIT, "the path of the ledger's tmpfs is too long");
    return open_folder(ledger->home, &status, error);
}

/* ---- homes of removed ledgers -----------------------------------------------------------------
 */

static void remove_home(int tmpfs, const char *name) {
    int folder = openat(tmpfs, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    struct dirent *entry;
    while (listing && (entry = readdir(listing)))
        unlinkat(folder, entry->d_name, 0);
    if (listing)
        closedir(listing);
    unlinkat(tmpfs, name, AT_REMOVEDIR);
}

void am_ledger_store_remove_stale(const struct am_ledger *ledger) {
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", ledger->home);
    char *mine = strrchr(parent, '/');
    *mine++ = '\0';
    size_t same = strlen(mine) - ID_SIZE; /* with the hyphen before the id */
    DIR *listing = opendir(parent);
    struct dirent *entry;
    while (listing && (entry = readdir(listing)))
        if (strlen(entry->d_name) == same + ID_SIZE && strncmp(entry->d_name, mine, same) == 0 &&
            strcmp(entry->d_name, mine) != 0)
            remove_home(dirfd(listing), entry->d_name);
    if (listing)
        closedir(listing);
}
