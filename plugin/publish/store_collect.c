/* SPDX-License-Identifier: Apache-2.0 */
/* Which image belongs to which inventory, and what in the state folder belongs to nobody. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../text/words.h"
#include "store.h"

enum { NOTE_NAME_SIZE = 64 };

/* A note, one line each: the image's file name, the inventory's path. */
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

static bool read_note(const struct am_store *store, const char *name, struct note *note) {
    FILE *file = open_note(store, name);
    if (!file)
        return false;
    bool whole = fgets(note->image, sizeof note->image, file) && end_line(note->image) &&
                 fgets(note->inventory, sizeof note->inventory, file) && end_line(note->inventory);
    fclose(file);
    return whole && note->image[0] && !strchr(note->image, '/');
}

static void write_note(const struct am_store *store,
                       const char *name,
                       const char *inventory,
                       const char *image) {
    char temporary[NOTE_NAME_SIZE + 32];
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", name, (long)getpid());
    unlinkat(store->folder, temporary, 0); /* of a killed process with our number */
    int fd = openat(store->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return;
    }
    bool written = fprintf(file, "%s\n%s\n", image, inventory) > 0;
    written = fclose(file) == 0 && written;
    if (!written || renameat(store->folder, temporary, store->folder, name) != 0)
        unlinkat(store->folder, temporary, 0);
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

/* Drops notes of inventories that are gone; collects the images of the others. False: memory ran
 * out, remove nothing. */
static bool
collect_used(const struct am_store *store, const struct names *all, struct names *used) {
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        struct note note;
        if (!ends_with(name, ".last"))
            continue;
        if (!read_note(store, name, &note) ||
            (access(note.inventory, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)))
            unlinkat(store->folder, name, 0);
        else if (!add_name(used, note.image))
            return false;
    }
    return true;
}

/* Removes a file that belongs to the making of an image: NAME.admx, NAME.admx.lock or
 * NAME.admx.PID.tmp. Not while somebody makes it. `locked` is the image that the caller has locked:
 * nobody else makes that one, so what lies beside it was left by a killed process. */
static void remove_piece(const struct am_store *store, const char *name, const char *locked) {
    char image[NAME_MAX + 1];
    const char *end = strstr(name, ".admx");
    if (end)
        snprintf(image, sizeof image, "%.*s.admx", (int)(end - name), name);
    if (!end || (strcmp(image, locked) == 0 && ends_with(name, ".tmp"))) {
        unlinkat(store->folder, name, 0);
        return;
    }
    int lock = am_store_lock(store, image, false);
    if (lock < 0)
        return;
    unlinkat(store->folder, name, 0);
    am_store_unlock(store, image, lock);
}

static void remove_unused(const struct am_store *store,
                          const struct names *all,
                          const struct names *used,
                          const char *locked) {
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        bool unused = ends_with(name, ".admx") && !has_name(used, name);
        if (unused || ends_with(name, ".tmp") || ends_with(name, ".admx.lock"))
            remove_piece(store, name, locked);
    }
}

static void clean(const struct am_store *store, const char *locked) {
    struct names all = {0}, used = {0};
    if (list_folder(store, &all) && collect_used(store, &all, &used))
        remove_unused(store, &all, &used, locked);
    free_names(&all);
    free_names(&used);
}

/* The folder has a lock of its own, so that notes and cleaning do not cross. */
void am_store_collect(const struct am_store *store,
                      const char *inventory,
                      bool lenient,
                      const char *image) {
    static const char folder[] = "folder";
    char name[NOTE_NAME_SIZE];
    int lock = am_store_lock(store, folder, true);
    if (lock < 0)
        return;
    note_name(inventory, lenient, name);
    write_note(store, name, inventory, image);
    clean(store, image);
    am_store_unlock(store, folder, lock);
}
