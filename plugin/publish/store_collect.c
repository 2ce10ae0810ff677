/* SPDX-License-Identifier: Apache-2.0 */
/* Which image belongs to which inventory, and which files of the state folder are orphaned. */
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

/* The longest note, and one byte, by which longer files are detected. */
struct note_bytes {
    char data[AM_STORE_NAME_SIZE + PATH_MAX + 1];
    size_t size;
};

/* False, with errno. */
static bool read_bytes(int fd, struct note_bytes *bytes) {
    bytes->size = 0;
    while (bytes->size < sizeof bytes->data) {
        ssize_t count = read(fd, bytes->data + bytes->size, sizeof bytes->data - bytes->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0;
        bytes->size += (size_t)count;
    }
    return true;
}

/* The path extends to the last line feed: it may contain line feeds itself. */
static bool parse_note(const struct note_bytes *bytes, struct note *note) {
    const char *line_feed = memchr(bytes->data, '\n', bytes->size);
    if (!line_feed || bytes->data[bytes->size - 1] != '\n')
        return false;
    size_t image = (size_t)(line_feed - bytes->data);
    if (image == 0 || image >= sizeof note->image || memchr(bytes->data, '/', image) ||
        image + 2 > bytes->size || bytes->size - image - 2 >= sizeof note->inventory)
        return false;
    size_t inventory = bytes->size - image - 2;
    memcpy(note->image, bytes->data, image);
    memcpy(note->inventory, line_feed + 1, inventory);
    note->image[image] = note->inventory[inventory] = '\0';
    return true;
}

enum finding {
    FOUND,
    NONE,    /* there is none, or the file is no note */
    UNKNOWN, /* errno: it cannot be read */
};

/* Reads regular files only, and never blocks. */
static enum finding read_note(const struct am_store *store, const char *name, struct note *note) {
    struct stat status;
    struct note_bytes bytes;
    int fd = openat(store->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENXIO ? NONE : UNKNOWN;
    bool known = fstat(fd, &status) == 0;
    bool regular = known && S_ISREG(status.st_mode);
    if (regular)
        known = read_bytes(fd, &bytes);
    int saved = errno;
    close(fd);
    errno = saved;
    if (!known)
        return UNKNOWN;
    return regular && parse_note(&bytes, note) ? FOUND : NONE;
}

/* Closes `fd`. False, with errno. */
static bool write_whole(int fd, const char *inventory, const char *image) {
    char text[AM_STORE_NAME_SIZE + PATH_MAX];
    int size = snprintf(text, sizeof text, "%s\n%s\n", image, inventory);
    ssize_t written = -1;
    errno = ENAMETOOLONG;
    if (size > 0 && (size_t)size < sizeof text)
        written = write(fd, text, (size_t)size);
    if (written >= 0 && written < size)
        errno = ENOSPC;
    int saved = errno;
    bool closed = close(fd) == 0;
    if (written != size)
        errno = saved;
    return closed && written == size;
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
    return read_note(store, name, &note) == FOUND && strcmp(note.image, image) == 0;
}

/* One lock of the whole folder serialises writing notes and cleaning. Either takes milliseconds: a
 * process that holds it for longer is stuck, and nobody waits for it. */
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

enum am_code am_store_recall(const struct am_store *store,
                             const char *inventory,
                             bool lenient,
                             char image[AM_STORE_NAME_SIZE],
                             struct am_error *error) {
    char name[NOTE_NAME_SIZE];
    struct note note;
    note_name(inventory, lenient, name);
    switch (read_note(store, name, &note)) {
    case FOUND:
        memcpy(image, note.image, sizeof note.image);
        return AM_OK;
    case NONE:
        return am_error_set(error, AM_E_NOT_FOUND, "the state folder %s has no note of %s",
                            store->path, inventory);
    case UNKNOWN:
        break;
    }
    return am_error_set_errno(error, AM_E_IO, "cannot read the note of %s in the state folder %s",
                              inventory, store->path);
}

/* ---- cleaning ---------------------------------------------------------------------------------
 */

/* Names of files in the folder, or of images that notes name. */
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

/* Whether this or another version made the file: an image, a note, a lock or a temporary file.
 * Files that a user put there are not ours to remove. */
static bool is_ours(const char *name) {
    size_t hex = strspn(name, "0123456789abcdef");
    return hex == 32 && (name[32] == '-' || strncmp(name + 32, ".last", 5) == 0);
}

/* The store's O_PATH descriptor cannot be read. */
static DIR *open_listing(const struct am_store *store) {
    int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !listing)
        close(fd);
    return listing;
}

/* False, with errno: not all of it could be listed. */
static bool list_folder(const struct am_store *store, struct names *names) {
    DIR *listing = open_listing(store);
    if (!listing)
        return false;
    bool complete = true;
    struct dirent *entry;
    while (complete && (errno = 0, entry = readdir(listing)))
        complete = !is_ours(entry->d_name) || add_name(names, entry->d_name);
    complete &= errno == 0;
    int saved = errno;
    closedir(listing);
    errno = saved;
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

/* Nobody holds an image that does not exist or is no file; any other that cannot be locked may be
 * held. */
static bool is_absent(int error) {
    return error == ENOENT || error == ELOOP || error == ENXIO;
}

static bool is_held(const struct am_store *store, const char *image) {
    int lock = lock_alone(store, image);
    if (lock < 0)
        return !is_absent(errno);
    close(lock);
    return false;
}

/* A time in the future (a clock was set back) counts as recent, and so does a time that cannot be
 * read. */
static bool is_recent(const struct am_store *store, const char *name) {
    struct stat status;
    if (fstatat(store->folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno != ENOENT;
    return time(NULL) - status.st_mtim.tv_sec < AM_STORE_GRACE;
}

static bool is_away(const char *inventory) {
    return access(inventory, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool counts(const struct am_store *store, const char *name, const struct note *note) {
    return !is_away(note->inventory) || is_recent(store, name) || is_held(store, note->image);
}

/* Collects the images of the notes that count, and the names of the other notes. False, with errno:
 * some cannot be read, or memory ran out. */
static bool sort_notes(const struct am_store *store,
                       const struct names *all,
                       struct names *used,
                       struct names *obsolete) {
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        struct note note;
        if (!ends_with(name, ".last"))
            continue;
        enum finding finding = read_note(store, name, &note);
        if (finding == UNKNOWN)
            return false;
        bool counted = finding == FOUND && counts(store, name, &note);
        if (!(counted ? add_name(used, note.image) : add_name(obsolete, name)))
            return false;
    }
    return true;
}

/* False: somebody holds it, or may. */
static bool remove_image(const struct am_store *store, const char *name) {
    int lock = lock_alone(store, name);
    if (lock < 0 && !is_absent(errno))
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
        return errno == EWOULDBLOCK;
    bool removed = true;
    if (strcmp(name, image) == 0)
        removed = remove_image(store, name);
    else if (!ends_with(name, ".lock")) /* which goes when it is unlocked */
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

enum am_code am_store_clean(const struct am_store *store, bool *complete, struct am_error *error) {
    struct names all = {0}, used = {0}, obsolete = {0};
    enum am_code code = AM_OK;
    *complete = false;
    int lock = am_store_lock(store, folder_lock, PATIENCE);
    if (lock >= 0 && list_folder(store, &all) && sort_notes(store, &all, &used, &obsolete)) {
        for (size_t i = 0; i < obsolete.count; i++)
            unlinkat(store->folder, obsolete.items[i], 0);
        *complete = remove_unused(store, &all, &used);
    } else
        code = am_error_set_errno(error, errno == ENOMEM ? AM_E_MEMORY : AM_E_IO,
                                  "cannot clean the state folder %s", store->path);
    free_names(&all);
    free_names(&used);
    free_names(&obsolete);
    if (lock >= 0)
        am_store_unlock(store, folder_lock, lock);
    return code;
}
