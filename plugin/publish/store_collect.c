/* SPDX-License-Identifier: Apache-2.0 */
/* Which image belongs to which inventory, and what in the state folder belongs to nobody. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../text/words.h"
#include "store.h"

enum { NOTE_NAME_SIZE = 64 };

/* A note: the image's file name, a line feed, the inventory's path, a line feed. */
struct note {
    char image[AM_STORE_NAME_SIZE];
    char inventory[PATH_MAX];
};

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* The note's name is a hash of what it is about, since paths do not fit into file names. Versions
 * of admatch that share a folder, but no images, have notes of their own. */
static void note_name(const char *inventory, bool lenient, char name[NOTE_NAME_SIZE]) {
    const uint64_t kind =
        (uint64_t)AM_IMAGE_FORMAT_VERSION << 32 | (uint64_t)AM_WORD_RULES_VERSION << 1 | lenient;
    XXH128_hash_t key = XXH3_128bits_withSeed(inventory, strlen(inventory), kind);
    snprintf(name, NOTE_NAME_SIZE, "%016llx%016llx.last", (unsigned long long)key.high64,
             (unsigned long long)key.low64);
}

/* Opens a regular file; nothing that would make its reader wait. */
static FILE *open_note(const struct am_store *store, const char *name) {
    struct stat status;
    int fd = openat(store->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    FILE *file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fdopen(fd, "r") : NULL;
    if (!file)
        close(fd);
    return file;
}

/* Drops the end of the line; false when the line was cut off. */
static bool end_line(char *line) {
    char *end = strchr(line, '\n');
    if (end)
        *end = '\0';
    return end;
}

/* The path goes up to the last line feed: it may have some itself. */
static bool read_path(FILE *file, char path[PATH_MAX]) {
    size_t size = fread(path, 1, PATH_MAX, file);
    if (!size || path[size - 1] != '\n')
        return false;
    path[size - 1] = '\0';
    return true;
}

static bool read_note(const struct am_store *store, const char *name, struct note *note) {
    FILE *file = open_note(store, name);
    if (!file)
        return false;
    bool whole = fgets(note->image, sizeof note->image, file) && end_line(note->image) &&
                 read_path(file, note->inventory);
    fclose(file);
    return whole && note->image[0] && !strchr(note->image, '/');
}

static bool write_whole(int fd, const char *inventory, const char *image) {
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return false;
    }
    bool written = fprintf(file, "%s\n%s\n", image, inventory) > 0;
    return fclose(file) == 0 && written;
}

static bool write_note(const struct am_store *store,
                       const char *name,
                       const char *inventory,
                       const char *image) {
    char temporary[NOTE_NAME_SIZE + 32];
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", name, (long)getpid());
    unlinkat(store->folder, temporary, 0); /* of a killed process with our number */
    int fd = openat(store->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    if (write_whole(fd, inventory, image) &&
        renameat(store->folder, temporary, store->folder, name) == 0)
        return true;
    int saved = errno;
    unlinkat(store->folder, temporary, 0);
    errno = saved;
    return false;
}

static bool touch(const struct am_store *store, const char *name) {
    return utimensat(store->folder, name, NULL, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool says(const struct am_store *store, const char *name, const char *image) {
    struct note note;
    return read_note(store, name, &note) && strcmp(note.image, image) == 0;
}

/* The folder has a lock of its own, so that notes and cleaning do not cross. Either takes
 * milliseconds: who has the lock for longer is stuck, and is not waited for. */
static const char folder_lock[] = "folder";
enum { PATIENCE = 1000 /* milliseconds */ };

enum am_code am_store_note(const struct am_store *store,
                           const char *inventory,
                           bool lenient,
                           const char *image,
                           struct am_error *error) {
    char name[NOTE_NAME_SIZE];
    note_name(inventory, lenient, name);
    int lock = am_store_lock(store, folder_lock, PATIENCE);
    bool noted = lock >= 0 && ((says(store, name, image) && touch(store, name)) ||
                               write_note(store, name, inventory, image));
    int saved = errno;
    if (lock >= 0)
        am_store_unlock(store, folder_lock, lock);
    errno = saved;
    return noted ? AM_OK
                 : am_error_set_errno(error, AM_E_IO, "cannot write a note to the state folder %s",
                                      store->path);
}

bool am_store_confirm(const struct am_store *store, const char *inventory, bool lenient) {
    char name[NOTE_NAME_SIZE];
    note_name(inventory, lenient, name);
    return touch(store, name);
}

bool am_store_recall(const struct am_store *store,
                     const char *inventory,
                     bool lenient,
                     char image[AM_STORE_NAME_SIZE]) {
    char name[NOTE_NAME_SIZE];
    struct note note;
    note_name(inventory, lenient, name);
    if (!read_note(store, name, &note))
        return false;
    memcpy(image, note.image, sizeof note.image);
    return true;
}

/* ---- cleaning ---------------------------------------------------------------------------------
 */

/* Names of the folder, or of the images that notes speak of. */
struct names {
    char **items;
    size_t count, capacity;
};

static bool add_name(struct names *names, const char *name) {
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 64;
        char **items = realloc(names->items, capacity * sizeof *items);
        if (!items)
            return false;
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count] = strdup(name);
    return names->items[names->count] && ++names->count;
}

static bool has_name(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void free_names(struct names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* Whether the name is one that this or another version gives: of an image, a note, or a piece of
 * one. What a user put there is not ours to remove. */
static bool is_ours(const char *name) {
    size_t hex = strspn(name, "0123456789abcdef");
    return hex == 32 && (name[32] == '-' || strncmp(name + 32, ".last", 5) == 0);
}

/* The descriptor of the state is good for names only, not for reading. */
static DIR *open_listing(const struct am_store *store) {
    int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !listing)
        close(fd);
    return listing;
}

static bool list_folder(const struct am_store *store, struct names *names) {
    DIR *listing = open_listing(store);
    if (!listing)
        return false;
    bool complete = true;
    struct dirent *entry;
    while (complete && (entry = readdir(listing)))
        complete = !is_ours(entry->d_name) || add_name(names, entry->d_name);
    closedir(listing);
    return complete;
}

/* Locks an image's file for this process alone; -1: somebody holds it (EWOULDBLOCK), or it cannot
 * be opened. */
static int lock_alone(const struct am_store *store, const char *image) {
    int fd = openat(store->folder, image, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool is_held(const struct am_store *store, const char *image) {
    int lock = lock_alone(store, image);
    if (lock < 0)
        return errno == EWOULDBLOCK;
    close(lock);
    return false;
}

/* From the future, after a clock was set back, is recent too. */
static bool is_recent(const struct am_store *store, const char *name) {
    struct stat status;
    return fstatat(store->folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - status.st_mtim.tv_sec < AM_STORE_GRACE;
}

static bool is_away(const char *inventory) {
    return access(inventory, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Drops notes that count no longer; collects the images of the others. False: memory ran out,
 * remove nothing. */
static bool
collect_used(const struct am_store *store, const struct names *all, struct names *used) {
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        struct note note;
        if (!ends_with(name, ".last"))
            continue;
        if (!read_note(store, name, &note) ||
            (is_away(note.inventory) && !is_recent(store, name) && !is_held(store, note.image)))
            unlinkat(store->folder, name, 0);
        else if (!add_name(used, note.image))
            return false;
    }
    return true;
}

/* False: somebody holds it. What cannot be opened, nobody can be served from. */
static bool remove_image(const struct am_store *store, const char *name) {
    int lock = lock_alone(store, name);
    if (lock < 0 && errno == EWOULDBLOCK)
        return false;
    unlinkat(store->folder, name, 0);
    if (lock >= 0)
        close(lock);
    return true;
}

/* Removes a file that belongs to an image: NAME.admx, NAME.admx.lock or NAME.admx.PID.tmp. Not
 * while somebody makes it; false: nor while somebody holds it. */
static bool remove_piece(const struct am_store *store, const char *name) {
    char image[NAME_MAX + 1];
    const char *end = strstr(name, ".admx");
    if (!end) {
        unlinkat(store->folder, name, 0);
        return true;
    }
    snprintf(image, sizeof image, "%.*s.admx", (int)(end - name), name);
    int lock = am_store_lock(store, image, 0);
    if (lock < 0)
        return true;
    bool removed = true;
    if (strcmp(name, image) == 0)
        removed = remove_image(store, name);
    else
        unlinkat(store->folder, name, 0);
    am_store_unlock(store, image, lock);
    return removed;
}

static bool
remove_unused(const struct am_store *store, const struct names *all, const struct names *used) {
    bool complete = true;
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        bool unused = ends_with(name, ".admx") && !has_name(used, name);
        if (unused || ends_with(name, ".tmp") || ends_with(name, ".admx.lock"))
            complete &= remove_piece(store, name);
    }
    return complete;
}

bool am_store_clean(const struct am_store *store) {
    struct names all = {0}, used = {0};
    int lock = am_store_lock(store, folder_lock, PATIENCE);
    if (lock < 0)
        return false;
    bool complete = list_folder(store, &all) && collect_used(store, &all, &used) &&
                    remove_unused(store, &all, &used);
    free_names(&all);
    free_names(&used);
    am_store_unlock(store, folder_lock, lock);
    return complete;
}
