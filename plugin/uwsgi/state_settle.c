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
#include "state.h"

/* A note, one line each: the image's file name, the inventory's path. */
struct note {
    char image[NAME_MAX + 1];
    char inventory[PATH_MAX];
};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* The note's name is a hash of what it is about, since paths do not fit into file names. Versions
 * of admatch that share a folder, but no images, have notes of their own. */
static void note_path(const struct am_store *state,
                      const char *inventory,
                      bool lenient,
                      char path[PATH_MAX + 64]) {
    const uint64_t kind =
        (uint64_t)AM_IMAGE_FORMAT_VERSION << 32 | (uint64_t)AM_WORD_RULES_VERSION << 1 | lenient;
    XXH128_hash_t key = XXH3_128bits_withSeed(inventory, strlen(inventory), kind);
    snprintf(path, PATH_MAX + 64, "%s/%016llx%016llx.last", state->folder,
             (unsigned long long)key.high64, (unsigned long long)key.low64);
}

/* Opens a regular file; nothing that would make its reader wait. */
static FILE *open_note(const char *path) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    FILE *file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fdopen(fd, "r") : NULL;
    if (!file)
        close(fd);
    return file;
}

static bool read_note(const char *path, struct note *note) {
    FILE *file = open_note(path);
    if (!file)
        return false;
    bool whole = fgets(note->image, sizeof note->image, file) &&
                 fgets(note->inventory, sizeof note->inventory, file);
    fclose(file);
    if (!whole)
        return false;
    note->image[strcspn(note->image, "\n")] = '\0';
    note->inventory[strcspn(note->inventory, "\n")] = '\0';
    return note->image[0] && !strchr(note->image, '/');
}

static void write_note(const struct am_store *state,
                       const char *path,
                       const char *inventory,
                       const char *image_path) {
    char temporary[PATH_MAX + 96];
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    unlink(temporary); /* of a killed process with our number */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return;
    }
    bool written = fprintf(file, "%s\n%s\n", base_name(image_path), inventory) > 0;
    if (state->owner != geteuid())
        written = fchown(fileno(file), state->owner, state->group) == 0 && written;
    written = fclose(file) == 0 && written;
    if (!written || rename(temporary, path) != 0)
        unlink(temporary);
}

bool am_store_recall(const struct am_store *state,
                     const char *inventory,
                     bool lenient,
                     char path[PATH_MAX]) {
    char name[PATH_MAX + 64];
    struct note note;
    note_path(state, inventory, lenient, name);
    if (!read_note(name, &note))
        return false;
    int length = snprintf(path, PATH_MAX, "%s/%s", state->folder, note.image);
    return length > 0 && length < PATH_MAX;
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

static bool list_folder(const struct am_store *state, struct names *names) {
    DIR *folder = opendir(state->folder);
    if (!folder)
        return false;
    bool complete = true;
    struct dirent *entry;
    while (complete && (entry = readdir(folder)))
        complete = !is_ours(entry->d_name) || add_name(names, entry->d_name);
    closedir(folder);
    return complete;
}

/* Drops notes of inventories that are gone; collects the images of the others. False: memory ran
 * out, remove nothing. */
static bool
collect_used(const struct am_store *state, const struct names *all, struct names *used) {
    for (size_t i = 0; i < all->count; i++) {
        char path[PATH_MAX + NAME_MAX + 2];
        struct note note;
        if (!ends_with(all->items[i], ".last"))
            continue;
        snprintf(path, sizeof path, "%s/%s", state->folder, all->items[i]);
        if (!read_note(path, &note) ||
            (access(note.inventory, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)))
            unlink(path);
        else if (!add_name(used, note.image))
            return false;
    }
    return true;
}

/* Removes a file that belongs to the making of an image: NAME.admx, NAME.admx.lock or
 * NAME.admx.PID.tmp. Not while somebody makes it. `locked` is the image that the caller has locked:
 * nobody else makes that one, so what lies beside it was left by a killed process. */
static void remove_piece(const struct am_store *state, const char *name, const char *locked) {
    char path[PATH_MAX + NAME_MAX + 2], image[PATH_MAX + NAME_MAX + 2];
    const char *end = strstr(name, ".admx");
    snprintf(path, sizeof path, "%s/%s", state->folder, name);
    if (end)
        snprintf(image, sizeof image, "%s/%.*s.admx", state->folder, (int)(end - name), name);
    if (!end || (strcmp(image, locked) == 0 && ends_with(name, ".tmp"))) {
        unlink(path);
        return;
    }
    int lock = am_store_lock(state, image, false);
    if (lock < 0)
        return;
    unlink(path);
    am_store_unlock(image, lock);
}

static void remove_unused(const struct am_store *state,
                          const struct names *all,
                          const struct names *used,
                          const char *locked) {
    for (size_t i = 0; i < all->count; i++) {
        const char *name = all->items[i];
        bool unused = ends_with(name, ".admx") && !has_name(used, name);
        if (unused || ends_with(name, ".tmp") || ends_with(name, ".admx.lock"))
            remove_piece(state, name, locked);
    }
}

static void clean(const struct am_store *state, const char *locked) {
    struct names all = {0}, used = {0};
    if (list_folder(state, &all) && collect_used(state, &all, &used))
        remove_unused(state, &all, &used, locked);
    free_names(&all);
    free_names(&used);
}

/* The folder has a lock of its own, so that notes and cleaning do not cross. */
void am_store_settle(const struct am_store *state,
                     const char *inventory,
                     bool lenient,
                     const char *image_path) {
    char folder[PATH_MAX + 8], name[PATH_MAX + 64];
    snprintf(folder, sizeof folder, "%s/folder", state->folder);
    int lock = am_store_lock(state, folder, true);
    if (lock < 0)
        return;
    note_path(state, inventory, lenient, name);
    write_note(state, name, inventory, image_path);
    clean(state, image_path);
    am_store_unlock(folder, lock);
}
