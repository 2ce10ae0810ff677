#include "supply.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../match/match.h"
#include "clock.h"
#include "priority.h"

enum { READ_SIZE = 1 << 20 };

/* What is being made, and from what. */
struct making {
    const struct am_source *supply;
    struct am_store state;
    int source; /* the inventory, open for reading */
    enum am_store_origin origin;
    uint8_t digest[16];
    struct am_source_built *made;
    struct am_inventory_report *report;
};

static enum am_code sign(const char *path,
                         const struct stat *status,
                         struct am_source_version *signature,
                         struct am_error *error) {
    if (!S_ISREG(status->st_mode))
        return am_error_set(error, AM_E_IO, "the inventory %s is not a regular file", path);
    *signature = (struct am_source_version){.device = status->st_dev,
                                            .inode = status->st_ino,
                                            .size = status->st_size,
                                            .changed = status->st_mtim};
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
    return sign(path, &status, signature, error);
}

bool am_source_version_equal(const struct am_source_version *a, const struct am_source_version *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Does not wait for the writer of a pipe. */
static enum am_code open_source(struct making *making, struct am_error *error) {
    const char *path = making->supply->path;
    struct stat status;
    making->source = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (making->source < 0 || fstat(making->source, &status) != 0)
        return cannot_read(path, error);
    return sign(path, &status, &making->made->signature, error);
}

/* From its beginning to its end. */
static enum am_code digest_source(struct making *making, struct am_error *error) {
    const char *path = making->supply->path;
    enum am_code code = AM_OK;
    off_t at = 0;
    ssize_t size;
    char *block = malloc(READ_SIZE);
    XXH3_state_t *state = XXH3_createState();
    if (!block || !state) {
        code = am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", path);
        goto cleanup;
    }
    XXH3_128bits_reset(state);
    while ((size = pread(making->source, block, READ_SIZE, at)) > 0 ||
           (size < 0 && errno == EINTR)) {
        if (size < 0)
            continue;
        XXH3_128bits_update(state, block, (size_t)size);
        at += size;
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
    const char *path = making->supply->path;
    size_t size = (size_t)making->made->signature.size;
    size_t room = (size / AM_IMAGE_ALIGNMENT + 1) * AM_IMAGE_ALIGNMENT;
    *bytes = (struct am_image_bytes){aligned_alloc(AM_IMAGE_ALIGNMENT, room), size};
    if (!bytes->data)
        return am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", path);
    return read_exactly(making->source, path, bytes->data, size, error);
}

/* ---- making -----------------------------------------------------------------------------------
 */

static enum am_code changed_meanwhile(const struct am_source *supply, struct am_error *error) {
    return am_error_set(error, AM_E_STATE,
                        "%s changed while it was being read: replace it by renaming a finished "
                        "file over it",
                        supply->path);
}

static enum am_code
build(const struct making *making, struct am_image_bytes *bytes, struct am_error *error) {
    const struct am_source *supply = making->supply;
    struct am_inventory *inventory = NULL;
    struct am_inventory_load_options options = {.skip_bad_records = supply->lenient,
                                                .zones = supply->zones};
    enum am_code code = am_inventory_load_fd(making->source, supply->path, &options, &inventory,
                                             making->report, error);
    if (code != AM_OK)
        return code;
    if (memcmp(inventory->digest, making->digest, sizeof making->digest) != 0)
        code = changed_meanwhile(supply, error);
    else
        code = am_build_image(inventory, supply->lenient, bytes, error);
    am_inventory_free(inventory);
    return code;
}

/* The deep check: what passes it cannot make the matcher read outside the image. And that workers
 * will be able to use it. */
static enum am_code
verify(const struct am_source *supply, const struct am_image_bytes *bytes, struct am_error *error) {
    struct am_image *image = NULL;
    enum am_code code = am_image_open_memory(bytes->data, bytes->size, supply->path, &image, error);
    if (code == AM_OK)
        code = am_image_verify(image, error);
    if (code == AM_OK)
        code = am_matcher_check_zones(image, supply->zones, error);
    am_image_close(image);
    return code;
}

/* Whether the path is still that of the file that was read, and nobody has written to it. */
static enum am_code check_unchanged(const struct making *making, struct am_error *error) {
    struct am_source_version now;
    enum am_code code = am_source_signature(making->supply->path, &now, error);
    if (code == AM_OK && !am_source_version_equal(&now, &making->made->signature))
        return changed_meanwhile(making->supply, error);
    return code;
}

static enum am_code make(const struct making *making, struct am_error *error) {
    struct am_source_built *made = making->made;
    struct am_image_bytes bytes = {NULL, 0};
    am_publish_priority_begin_yielding();
    enum am_code code = making->origin == AM_ORIGIN_COPY ? copy(making, &bytes, error)
                                                         : build(making, &bytes, error);
    if (code == AM_OK)
        code = verify(making->supply, &bytes, error);
    am_publish_priority_end_yielding();
    if (code == AM_OK)
        code = check_unchanged(making, error);
    if (code == AM_OK)
        code = am_store_write(&making->state, &bytes, made->name, error);
    am_image_bytes_free(&bytes);
    malloc_trim(0); /* a build takes many times the memory that is needed before and after it */
    return code == AM_OK
               ? am_store_open_image(&making->state, made->name, false, &made->image, error)
               : code;
}

/* An image that cannot be used as it lies there is made again, over it. */
static enum am_code find_or_make(const struct making *making, struct am_error *error) {
    struct am_source_built *made = making->made;
    made->found =
        am_store_open_image(&making->state, made->name, false, &made->image, NULL) == AM_OK;
    if (!made->found)
        return make(making, error);
    enum am_code code = am_matcher_check_zones(made->image, making->supply->zones, error);
    if (code != AM_OK) {
        am_image_close(made->image);
        made->image = NULL;
    }
    return code;
}

/* Nobody else makes the same image at the same time. */
static enum am_code make_alone(const struct making *making, struct am_error *error) {
    const struct am_source *supply = making->supply;
    const char *name = making->made->name;
    int lock = am_store_lock(&making->state, name, true);
    if (lock < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot lock %s in the state folder %s", name,
                                  making->state.path);
    enum am_code code = find_or_make(making, error);
    if (code == AM_OK)
        am_store_settle(&making->state, supply->path, supply->lenient, name);
    am_store_unlock(&making->state, name, lock);
    return code;
}

static enum am_code supply_from(struct making *making, struct am_error *error) {
    if (am_image_is_fd(making->source))
        making->origin = AM_ORIGIN_COPY;
    else
        making->origin = making->supply->lenient ? AM_ORIGIN_LENIENT : AM_ORIGIN_STRICT;
    enum am_code code = digest_source(making, error);
    if (code != AM_OK)
        return code;
    am_state_image_name(making->digest, making->origin, making->made->name);
    return make_alone(making, error);
}

enum am_code am_source_image(const struct am_source *supply,
                             const char *state_folder,
                             struct am_source_built *made,
                             struct am_inventory_report *report,
                             struct am_error *error) {
    uint64_t began = am_uwsgi_clock(CLOCK_MONOTONIC);
    struct making making = {.supply = supply, .source = -1, .made = made, .report = report};
    *made = (struct am_source_built){.image = NULL};
    enum am_code code = am_state_make(&making.state, state_folder, error);
    if (code != AM_OK)
        return code;
    code = open_source(&making, error);
    if (code == AM_OK)
        code = supply_from(&making, error);
    if (making.source >= 0)
        close(making.source);
    am_state_close(&making.state);
    made->nanoseconds = am_uwsgi_clock(CLOCK_MONOTONIC) - began;
    return code;
}
