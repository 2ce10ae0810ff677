/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../base/clock.h"
#include "../match/match.h"
#include "priority.h"

enum { READ_SIZE = 1 << 20 };

/* A longer image than SMALL_IMAGE must not be more than MOST_SPARSE times as long as it is on disk:
 * compression of a file system accounts for a few times, holes for any number. */
enum { SMALL_IMAGE = 64 << 20, MOST_SPARSE = 16 };

/* What is being built, and from what. */
struct making {
    const struct am_source *source;
    struct am_store store;
    struct am_timezones *zones; /* of this machine, now */
    int fd;                     /* the inventory, open for reading */
    int64_t quiet;              /* milliseconds */
    uint64_t began;             /* nanoseconds of CLOCK_MONOTONIC, after the wait for quiet */
    enum am_store_origin origin;
    uint8_t digest[16];
    struct am_source_built *built;
    struct am_inventory_report *report;
};

/* 0: there is no folder of time zones, or it cannot be examined now. */
static struct timespec zones_changed(void) {
    struct stat zones = {.st_mtim = {0}};
    (void)stat(am_timezones_folder(), &zones);
    return zones.st_mtim;
}

static enum am_code sign(const char *path,
                         const struct stat *status,
                         struct timespec zones,
                         struct am_source_version *signature,
                         struct am_error *error) {
    if (!S_ISREG(status->st_mode))
        return am_error_set(error, AM_E_IO, "the inventory %s is not a regular file", path);
    *signature = (struct am_source_version){.device = status->st_dev,
                                            .inode = status->st_ino,
                                            .size = status->st_size,
                                            .modified = status->st_mtim,
                                            .changed = status->st_ctim,
                                            .zones_changed = zones};
    return AM_OK;
}

static enum am_code cannot_read(const char *path, struct am_error *error) {
    return am_error_set_errno(error, AM_E_IO, "user %u cannot read the inventory %s",
                              (unsigned)geteuid(), path);
}

enum am_code
am_source_signature(const char *path, struct am_source_version *signature, struct am_error *error) {
    struct stat status;
    if (stat(path, &status) != 0)
        return cannot_read(path, error);
    return sign(path, &status, zones_changed(), signature, error);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool am_source_version_replaces(const struct am_source_version *now,
                                const struct am_source_version *before) {
    return now->device != before->device || now->inode != before->inode ||
           now->size != before->size || !is_same_time(&now->modified, &before->modified);
}

bool am_source_version_equal(const struct am_source_version *a, const struct am_source_version *b) {
    return !am_source_version_replaces(a, b) && is_same_time(&a->changed, &b->changed) &&
           is_same_time(&a->zones_changed, &b->zones_changed);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* `zones` changed at that time. Does not wait for the writer of a pipe. */
static enum am_code
open_source(struct making *making, struct timespec zones, struct am_error *error) {
    const char *path = making->source->path;
    struct stat status;
    making->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (making->fd < 0 || fstat(making->fd, &status) != 0)
        return cannot_read(path, error);
    if (S_ISREG(status.st_mode) && status.st_size > AM_INVENTORY_MAX_BYTES)
        return am_error_set(error, AM_E_LIMIT, "%s: a file of %lld bytes, expected at most %lld",
                            path, (long long)status.st_size, (long long)AM_INVENTORY_MAX_BYTES);
    return sign(path, &status, zones, &making->built->signature, error);
}

/* Checks an image before it is read into memory whole: a sparse file can have any length, so its
 * header must agree with the length, and most of the file must be allocated. */
static enum am_code check_image(const struct making *making, struct am_error *error) {
    const char *path = making->source->path;
    struct stat status;
    if (fstat(making->fd, &status) != 0)
        return cannot_read(path, error);
    enum am_code code = am_image_check_start(making->fd, (uint64_t)status.st_size, path, error);
    if (code != AM_OK)
        return code;
    int64_t on_disk = (int64_t)status.st_blocks * 512;
    if (status.st_size > SMALL_IMAGE && status.st_size / MOST_SPARSE > on_disk)
        return am_error_set(error, AM_E_IO,
                            "%s: an image of %lld bytes, of which %lld are on disk: expected one "
                            "without holes",
                            path, (long long)status.st_size, (long long)on_disk);
    return AM_OK;
}

static enum am_code changed_meanwhile(const struct am_source *source, struct am_error *error) {
    return am_error_set(error, AM_E_CHANGED,
                        "%s changed while it was being read: replace it by renaming a finished "
                        "file over it",
                        source->path);
}

/* Whether nobody has written to the open file. Being replaced by another file changes its ctime,
 * and does not count. */
static enum am_code check_unwritten(const struct making *making, struct am_error *error) {
    const struct am_source_version *then = &making->built->signature;
    struct stat now;
    if (fstat(making->fd, &now) != 0)
        return cannot_read(making->source->path, error);
    if (now.st_size != then->size || !is_same_time(&now.st_mtim, &then->modified))
        return changed_meanwhile(making->source, error);
    return AM_OK;
}

static int64_t milliseconds_of(const struct timespec *time) {
    return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

/* Files with a time in the future are read at once: waiting would not help. */
static enum am_code wait_until_quiet(struct making *making, struct am_error *error) {
    int64_t age =
        am_clock_milliseconds(CLOCK_REALTIME) - milliseconds_of(&making->built->signature.modified);
    if (age < 0 || age >= making->quiet)
        return AM_OK;
    const struct timespec rest = {0, (making->quiet - age) * 1000000};
    nanosleep(&rest, NULL);
    making->began = am_clock(CLOCK_MONOTONIC);
    return check_unwritten(making, error);
}

/* From its beginning to where its end was: a file may grow as fast as it is read. */
static enum am_code digest_source(struct making *making, struct am_error *error) {
    const char *path = making->source->path;
    enum am_code code = AM_OK;
    off_t at = 0, end = making->built->signature.size;
    ssize_t size = 0;
    char *block = malloc(READ_SIZE);
    XXH3_state_t *state = XXH3_createState();
    if (!block || !state) {
        code = am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", path);
        goto cleanup;
    }
    XXH3_128bits_reset(state);
    for (off_t left; (left = end - at) > 0; at += size) {
        size = pread(making->fd, block, (size_t)(left < READ_SIZE ? left : READ_SIZE), at);
        if (size < 0 && errno == EINTR)
            size = 0;
        else if (size <= 0)
            break;
        XXH3_128bits_update(state, block, (size_t)size);
    }
    if (size < 0)
        code = cannot_read(path, error);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(making->digest, canonical.digest, sizeof making->digest);
cleanup:
    XXH3_freeState(state);
    free(block);
    return code;
}

static enum am_code
read_exactly(int fd, const char *path, char *data, size_t size, struct am_error *error) {
    while (size) {
        ssize_t got = read(fd, data, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(path, error);
        if (got == 0)
            return am_error_set(error, AM_E_IO, "%s became shorter while it was being read", path);
        data += got;
        size -= (size_t)got;
    }
    return AM_OK;
}

/* Reads the whole source into memory aligned as images need it. */
static enum am_code
copy(const struct making *making, struct am_image_bytes *bytes, struct am_error *error) {
    const char *path = making->source->path;
    size_t size = (size_t)making->built->signature.size;
    size_t room = (size / AM_IMAGE_ALIGNMENT + 1) * AM_IMAGE_ALIGNMENT;
    *bytes = (struct am_image_bytes){aligned_alloc(AM_IMAGE_ALIGNMENT, room), size};
    if (!bytes->data)
        return am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", path);
    enum am_code code = read_exactly(making->fd, path, bytes->data, size, error);
    if (code != AM_OK)
        return code;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes->data, size));
    bool same = memcmp(canonical.digest, making->digest, sizeof making->digest) == 0;
    return same ? AM_OK : changed_meanwhile(making->source, error);
}

/* ---- making -----------------------------------------------------------------------------------
 */

static enum am_code
build(const struct making *making, struct am_image_bytes *bytes, struct am_error *error) {
    const struct am_source *source = making->source;
    struct am_inventory *inventory = NULL;
    struct am_inventory_load_options options = {.skip_bad_records = source->lenient,
                                                .zones = making->zones};
    enum am_code code =
        am_inventory_load_fd(making->fd, source->path, &options, &inventory, making->report, error);
    if (code != AM_OK)
        return code;
    if (memcmp(inventory->digest, making->digest, sizeof making->digest) != 0)
        code = changed_meanwhile(source, error);
    else
        code = am_build_image(inventory, making->zones, source->lenient, bytes, error);
    am_inventory_free(inventory);
    return code;
}

/* The deep check: what passes it cannot make the matcher read outside the image. */
static enum am_code
verify(const struct am_source *source, const struct am_image_bytes *bytes, struct am_error *error) {
    struct am_image *image = NULL;
    enum am_code code = am_image_open_memory(bytes->data, bytes->size, source->path, &image, error);
    if (code == AM_OK)
        code = am_image_verify(image, error);
    am_image_close(image);
    return code;
}

/* Notes when the state folder has failed, and not memory, of which an inventory may need much. */
static enum am_code of_store(const struct making *making, enum am_code code) {
    making->built->unstored = code != AM_OK && code != AM_E_MEMORY;
    return code;
}

static enum am_code open_made(const struct making *making, struct am_error *error) {
    struct am_source_built *built = making->built;
    return of_store(making, am_store_open_image(&making->store, built->name, false, &built->image,
                                                &built->hold, error));
}

static enum am_code make(const struct making *making, struct am_error *error) {
    struct am_source_built *built = making->built;
    struct am_image_bytes bytes = {NULL, 0};
    built->unstored = false; /* it only had no such image */
    am_publish_priority_begin_yielding();
    enum am_code code = making->origin == AM_ORIGIN_COPY ? copy(making, &bytes, error)
                                                         : build(making, &bytes, error);
    if (code == AM_OK)
        code = verify(making->source, &bytes, error);
    am_publish_priority_end_yielding();
    if (code == AM_OK)
        code = check_unwritten(making, error);
    if (code == AM_OK)
        code = of_store(making, am_store_write(&making->store, &bytes, built->name, error));
    am_image_bytes_free(&bytes);
    malloc_trim(0); /* a build takes many times the memory that is needed before and after it */
    return code == AM_OK ? open_made(making, error) : code;
}

/* Replaces an image that is lost, but not one that may be sound. */
static enum am_code find_or_make(const struct making *making, struct am_error *error) {
    enum am_code code = open_made(making, error);
    making->built->found = code == AM_OK;
    return am_store_is_lost(code) ? make(making, error) : code;
}

/* In milliseconds, for another process that makes the same image: until a line says so, and until
 * this one makes it, too. That costs the work again, but nobody can keep an inventory out. */
enum { PATIENCE = 2000, MOST_PATIENCE = 300000 };

/* -1 with EWOULDBLOCK: somebody has it for longer than building takes. */
static int lock_image(const struct making *making) {
    const struct am_source *source = making->source;
    const char *name = making->built->name;
    int lock = am_store_lock(&making->store, name, PATIENCE);
    if (lock >= 0 || errno != EWOULDBLOCK)
        return lock;
    am_publish_log(source->sink,
                   "waiting for another process, which has %s/%s.lock locked: it makes the same "
                   "image, or it is stuck",
                   making->store.path, name);
    lock = am_store_lock(&making->store, name, MOST_PATIENCE);
    if (lock < 0 && errno == EWOULDBLOCK) {
        am_publish_log(source->sink, "the other process takes too long: making %s here, too", name);
        errno = EWOULDBLOCK;
    }
    return lock;
}

/* Nobody else makes the same image at the same time. */
static enum am_code make_alone(const struct making *making, struct am_error *error) {
    const struct am_source *source = making->source;
    const char *name = making->built->name;
    int lock = lock_image(making);
    if (lock < 0 && errno != EWOULDBLOCK)
        return of_store(making,
                        am_error_set_errno(error, AM_E_IO, "cannot lock %s in the state folder %s",
                                           name, making->store.path));
    enum am_code code = find_or_make(making, error);
    if (code == AM_OK)
        making->built->noted =
            am_store_note(&making->store, source->path, source->lenient, name, NULL);
    if (lock >= 0)
        am_store_unlock(&making->store, name, lock);
    return code;
}

static enum am_code source_from(struct making *making, struct am_error *error) {
    bool is_image = false;
    enum am_code code = am_image_is_fd(making->fd, making->source->path, &is_image, error);
    if (code != AM_OK)
        return code;
    if (is_image)
        making->origin = AM_ORIGIN_COPY;
    else
        making->origin = making->source->lenient ? AM_ORIGIN_LENIENT : AM_ORIGIN_STRICT;
    code = wait_until_quiet(making, error);
    if (code == AM_OK && is_image)
        code = check_image(making, error);
    if (code == AM_OK)
        code = digest_source(making, error);
    if (code != AM_OK)
        return code;
    am_store_image_name(making->digest, am_timezones_digest(making->zones), making->origin,
                        making->built->name);
    return make_alone(making, error);
}

/* A machine without zones knows UTC: inventories that name others are refused with what to do. */
static enum am_code load_zones(struct making *making, struct am_error *error) {
    struct am_error *missing = &making->built->zones_missing;
    making->zones = am_timezones_load(NULL, missing);
    return making->zones ? AM_OK : am_error_set(error, missing->code, "%s", missing->message);
}

enum am_code am_source_image(const struct am_source *source,
                             const char *store_folder,
                             int64_t quiet,
                             struct am_source_built *built,
                             struct am_inventory_report *report,
                             struct am_error *error) {
    struct making making = {.source = source,
                            .fd = -1,
                            .quiet = quiet,
                            .began = am_clock(CLOCK_MONOTONIC),
                            .built = built,
                            .report = report};
    *built = (struct am_source_built){.hold = AM_STORE_NO_HOLD};
    enum am_code code = of_store(&making, am_store_make(&making.store, store_folder, error));
    if (code != AM_OK)
        return code;
    struct timespec zones = zones_changed(); /* if they change from here on, they are read again */
    code = load_zones(&making, error);
    if (code == AM_OK)
        code = open_source(&making, zones, error);
    if (code == AM_OK)
        code = source_from(&making, error);
    am_timezones_free(making.zones);
    if (making.fd >= 0)
        close(making.fd);
    am_store_close(&making.store);
    built->nanoseconds = am_clock(CLOCK_MONOTONIC) - making.began;
    return code;
}
