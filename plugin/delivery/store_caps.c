/* SPDX-License-Identifier: Apache-2.0 */
/* The table of frequency caps in the tmpfs, and what is kept of it over a reboot.
 *
 * DIR/caps: header, 64 bytes, then 24 bytes for each open window: place, key, window. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "caps_table.h"
#include "map.h"
#include "store.h"
#include "writer.h"

#define CAPS_BYTES (UINT64_C(64) << 20)
#define KEPT_MAGIC "AMCAPSK\x1A"

struct kept_header {
    char magic[8];
    uint32_t version, header_size;
    uint64_t checksum; /* XXH3-64 of the windows */
    uint64_t places;   /* of the table */
    uint64_t count;
    uint8_t padding[24];
};
_Static_assert(sizeof(struct kept_header) == 64, "the header of DIR/caps");

struct kept {
    uint64_t place, key, window;
};

static void kept_path(const struct am_ledger *ledger, char path[PATH_MAX + 16]) {
    snprintf(path, PATH_MAX + 16, "%s/caps", ledger->folder);
}

/* ---- keeping ----------------------------------------------------------------------------------
 */

enum am_code
am_ledger_snapshot_caps(struct am_ledger *ledger, int64_t now, struct am_error *error) {
    const struct am_caps *caps = am_ledger_caps(ledger);
    char path[PATH_MAX + 16], temporary[PATH_MAX + 32];
    struct am_ledger_writer writer;
    if (!caps || !*ledger->folder)
        return AM_OK;
    kept_path(ledger, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    enum am_code code =
        am_ledger_writer_open(&writer, temporary, sizeof(struct kept_header), error);
    if (code != AM_OK)
        return code;
    struct kept_header header = {.version = AM_CAPS_FORMAT_VERSION,
                                 .header_size = sizeof header,
                                 .places = am_caps_places(caps)};
    memcpy(header.magic, KEPT_MAGIC, sizeof header.magic);
    for (struct kept kept = {.place = 0}; kept.place < header.places; kept.place++) {
        if (!am_caps_get(caps, kept.place, now, &kept.key, &kept.window))
            continue;
        am_ledger_writer_put(&writer, &kept, sizeof kept);
        header.count++;
    }
    header.checksum = am_ledger_writer_checksum(&writer);
    code = am_ledger_writer_close(&writer, &header, error);
    if (code == AM_OK && rename(temporary, path) != 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot publish %s", path);
    return code == AM_OK ? am_ledger_store_sync_folder(ledger, error) : code;
}

/* ---- loading ----------------------------------------------------------------------------------
 */

static bool is_sound(const struct kept_header *header, uint64_t size, const struct am_caps *caps) {
    return size >= sizeof *header && memcmp(header->magic, KEPT_MAGIC, 8) == 0 &&
           header->version == AM_CAPS_FORMAT_VERSION && header->header_size == sizeof *header &&
           header->places == am_caps_places(caps) &&
           header->count == (size - sizeof *header) / sizeof(struct kept) &&
           header->checksum == XXH3_64bits(header + 1, (size_t)header->count * sizeof(struct kept));
}

/* Into a new table. What cannot be used is left out, and said: users are then counted anew. */
static void load_kept(const struct am_ledger *ledger, struct am_caps *caps) {
    char path[PATH_MAX + 16];
    struct stat status = {.st_size = 0};
    kept_path(ledger, path);
    int fd = *ledger->folder ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0 && *ledger->folder && am_ledger_has_snapshot(ledger))
        am_ledger_warn(ledger,
                       "no frequency caps are kept in the ledger's folder: counting begins anew");
    if (fd < 0)
        return;
    size_t size = fstat(fd, &status) == 0 ? (size_t)status.st_size : 0;
    const struct kept_header *header =
        size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (header == MAP_FAILED || !is_sound(header, size, caps)) {
        am_ledger_warn(ledger,
                       "the frequency caps kept in the ledger's folder are damaged or of another "
                       "size than admatch-caps: counting begins anew");
    } else {
        const struct kept *kept = (const struct kept *)(const void *)(header + 1);
        for (uint64_t i = 0; i < header->count; i++)
            if (kept[i].place < header->places)
                am_caps_put(caps, kept[i].place, kept[i].key, kept[i].window);
    }
    if (header != MAP_FAILED)
        munmap((void *)(uintptr_t)header, size);
}

/* ---- the table --------------------------------------------------------------------------------
 */

struct am_caps *am_ledger_caps(const struct am_ledger *ledger) {
    return AM_LEDGER_GET_ACQUIRE(ledger->caps);
}

static void caps_path(const struct am_ledger *ledger, char path[PATH_MAX + 16]) {
    snprintf(path, PATH_MAX + 16, "%s/caps", ledger->home);
}

enum am_code am_ledger_store_map_caps(struct am_ledger *ledger, struct am_error *error) {
    char path[PATH_MAX + 16];
    int fd;
    uint64_t size;
    void *memory;
    if (am_ledger_caps(ledger) || !*ledger->home)
        return AM_OK;
    caps_path(ledger, path);
    enum am_code code = am_ledger_store_map(ledger, path, &fd, &size, &memory, NULL);
    if (code == AM_E_NOT_FOUND)
        return AM_OK;
    if (code != AM_OK)
        return am_ledger_store_map(ledger, path, &fd, &size, &memory, error);
    close(fd);
    struct am_caps *caps = am_caps_over(memory, size);
    if (!caps) {
        munmap(memory, size);
        return am_error_set(error, AM_E_CORRUPT,
                            "%s is no table of frequency caps of this version: remove it", path);
    }
    struct am_caps *none = NULL;
    if (__atomic_compare_exchange_n(&ledger->caps, &none, caps, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED))
        ledger->caps_size = size;
    else
        munmap(memory, size);
    return AM_OK;
}

/* The publisher, one at a time. */
enum am_code am_ledger_store_make_caps(struct am_ledger *ledger, struct am_error *error) {
    char path[PATH_MAX + 16], temporary[PATH_MAX + 32];
    uint64_t size = ledger->caps_bytes ? ledger->caps_bytes : CAPS_BYTES;
    int fd = -1;
    void *memory;
    enum am_code code = am_ledger_store_map_caps(ledger, error);
    if (code != AM_OK || am_ledger_caps(ledger))
        return code;
    caps_path(ledger, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    code = am_ledger_store_make(ledger, temporary, size, size, &fd, &memory, error);
    if (code != AM_OK)
        return code;
    struct am_caps *caps = am_caps_start(memory, size);
    load_kept(ledger, caps);
    if (fd < 0) {
        ledger->caps_size = size;
        AM_LEDGER_SET_RELEASE(ledger->caps, caps);
        return AM_OK;
    }
    bool published = rename(temporary, path) == 0;
    close(fd);
    munmap(memory, size);
    return published ? am_ledger_store_map_caps(ledger, error)
                     : am_error_set_errno(error, AM_E_IO, "cannot publish %s", path);
}
