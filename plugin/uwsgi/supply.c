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

enum am_code
am_source_signature(const char *path, struct am_source_version *signature, struct am_error *error) {
    struct stat status;
    if (stat(path, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read the inventory %s", path);
    if (!S_ISREG(status.st_mode))
        return am_error_set(error, AM_E_IO, "the inventory %s is not a regular file", path);
    *signature = (struct am_source_version){.device = status.st_dev,
                                            .inode = status.st_ino,
                                            .size = status.st_size,
                                            .changed = status.st_mtim};
    return AM_OK;
}

bool am_source_version_equal(const struct am_source_version *a, const struct am_source_version *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static enum am_code changed_meanwhile(const struct am_source *supply, struct am_error *error) {
    return am_error_set(error, AM_E_STATE,
                        "%s changed while it was being read: replace it by renaming a finished "
                        "file over it",
                        supply->path);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static enum am_code digest_file(const char *path, uint8_t digest[16], struct am_error *error) {
    enum am_code code = AM_OK;
    ssize_t size = 0;
    char *block = malloc(READ_SIZE);
    XXH3_state_t *state = XXH3_createState();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (!block || !state) {
        code = am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", path);
        goto cleanup;
    }
    if (fd < 0) {
        code = am_error_set_errno(error, AM_E_IO, "cannot read the inventory %s", path);
        goto cleanup;
    }
    XXH3_128bits_reset(state);
    while ((size = read(fd, block, READ_SIZE)) > 0 || (size < 0 && errno == EINTR))
        if (size > 0)
            XXH3_128bits_update(state, block, (size_t)size);
    if (size < 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot read the inventory %s", path);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(digest, canonical.digest, 16);
cleanup:
    if (fd >= 0)
        close(fd);
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
            return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
        if (got == 0)
            return am_error_set(error, AM_E_IO, "%s became shorter while it was being read", path);
        data += got;
        size -= (size_t)got;
    }
    return AM_OK;
}

/* Reads a whole file into memory aligned as images need it. */
static enum am_code read_image(const struct am_source *supply,
                               size_t size,
                               struct am_image_bytes *bytes,
                               struct am_error *error) {
    size_t room = (size / AM_IMAGE_ALIGNMENT + 1) * AM_IMAGE_ALIGNMENT;
    enum am_code code = AM_OK;
    int fd = open(supply->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", supply->path);
    *bytes = (struct am_image_bytes){aligned_alloc(AM_IMAGE_ALIGNMENT, room), size};
    if (!bytes->data)
        code = am_error_set(error, AM_E_MEMORY, "out of memory while reading %s", supply->path);
    else
        code = read_exactly(fd, supply->path, bytes->data, size, error);
    close(fd);
    return code;
}

/* ---- making -----------------------------------------------------------------------------------
 */

static enum am_code build(const struct am_source *supply,
                          const uint8_t digest[16],
                          struct am_image_bytes *bytes,
                          struct am_inventory_report *report,
                          struct am_error *error) {
    struct am_inventory *inventory = NULL;
    struct am_inventory_load_options options = {.skip_bad_records = supply->lenient,
                                                .zones = supply->zones};
    enum am_code code = am_inventory_load(supply->path, &options, &inventory, report, error);
    if (code != AM_OK)
        return code;
    if (memcmp(inventory->digest, digest, 16) != 0)
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

static enum am_code make(const struct am_source *supply,
                         const struct am_store *state,
                         enum am_store_origin origin,
                         const uint8_t digest[16],
                         struct am_source_built *made,
                         struct am_inventory_report *report,
                         struct am_error *error) {
    struct am_image_bytes bytes = {NULL, 0};
    am_publish_priority_begin_yielding();
    enum am_code code = origin == AM_ORIGIN_COPY
                            ? read_image(supply, (size_t)made->signature.size, &bytes, error)
                            : build(supply, digest, &bytes, report, error);
    struct am_source_version now;
    if (code == AM_OK)
        code = verify(supply, &bytes, error);
    am_publish_priority_end_yielding();
    if (code == AM_OK)
        code = am_source_signature(supply->path, &now, error);
    if (code == AM_OK && !am_source_version_equal(&now, &made->signature))
        code = changed_meanwhile(supply, error);
    if (code == AM_OK)
        code = am_store_write(state, &bytes, made->path, error);
    am_image_bytes_free(&bytes);
    malloc_trim(0); /* a build takes many times the memory that is needed before and after it */
    return code == AM_OK ? am_store_open_image(state, made->path, false, &made->image, error)
                         : code;
}

/* An image that cannot be used as it lies there is made again, over it. */
static enum am_code find_or_make(const struct am_source *supply,
                                 const struct am_store *state,
                                 enum am_store_origin origin,
                                 const uint8_t digest[16],
                                 struct am_source_built *made,
                                 struct am_inventory_report *report,
                                 struct am_error *error) {
    made->found = am_store_open_image(state, made->path, false, &made->image, NULL) == AM_OK;
    if (!made->found)
        return make(supply, state, origin, digest, made, report, error);
    enum am_code code = am_matcher_check_zones(made->image, supply->zones, error);
    if (code != AM_OK) {
        am_image_close(made->image);
        made->image = NULL;
    }
    return code;
}

enum am_code am_source_image(const struct am_source *supply,
                             const struct am_store *state,
                             struct am_source_built *made,
                             struct am_inventory_report *report,
                             struct am_error *error) {
    uint64_t began = am_uwsgi_clock(CLOCK_MONOTONIC);
    uint8_t digest[16];
    enum am_store_origin origin = supply->lenient ? AM_ORIGIN_LENIENT : AM_ORIGIN_STRICT;
    if (am_image_is(supply->path))
        origin = AM_ORIGIN_COPY;
    *made = (struct am_source_built){.image = NULL};
    enum am_code code = am_source_signature(supply->path, &made->signature, error);
    if (code == AM_OK)
        code = digest_file(supply->path, digest, error);
    if (code == AM_OK)
        code = am_store_image_path(state, digest, origin, made->path, error);
    if (code != AM_OK)
        return code;
    int lock = am_store_lock(state, made->path, true);
    if (lock < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot lock %s", made->path);
    code = find_or_make(supply, state, origin, digest, made, report, error);
    if (code == AM_OK)
        am_store_settle(state, supply->path, supply->lenient, made->path);
    am_store_unlock(made->path, lock);
    made->nanoseconds = am_uwsgi_clock(CLOCK_MONOTONIC) - began;
    return code;
}
