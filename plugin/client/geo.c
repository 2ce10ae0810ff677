/* SPDX-License-Identifier: Apache-2.0 */
#include "geo.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <maxminddb.h>

/* ---- versions --------------------------------------------------------------------------------
 */

static enum am_code
examine(const char *path, struct am_client_geo_version *version, struct am_error *error) {
    struct stat status;
    if (stat(path, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    if (!S_ISREG(status.st_mode))
        return am_error_set(error, AM_E_IO, "%s is not a regular file", path);
    *version = (struct am_client_geo_version){status.st_dev, status.st_ino, status.st_size,
                                              status.st_mtim};
    return AM_OK;
}

static bool is_same(const struct am_client_geo_version *a, const struct am_client_geo_version *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* ---- opening and verifying --------------------------------------------------------------------
 */

static enum am_code open_file(const char *path, MMDB_s *file, struct am_error *error) {
    int status = MMDB_open(path, MMDB_MODE_MMAP, file);
    if (status == MMDB_IO_ERROR)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    if (status == MMDB_OUT_OF_MEMORY_ERROR)
        return am_error_set(error, AM_E_MEMORY, "out of memory while opening %s", path);
    if (status != MMDB_SUCCESS)
        return am_error_set(error, AM_E_CORRUPT, "%s is no sound MaxMind DB file: %s", path,
                            MMDB_strerror(status));
    return AM_OK;
}

/* What is read while one file is verified. */
struct verification {
    const MMDB_s *file;
    uint8_t *seen; /* a bit for each byte of the data section: records are shared by many nodes */
};

/* Each record once. */
static bool is_sound_data(struct verification *verification, MMDB_entry_s *entry) {
    MMDB_entry_data_list_s *list = NULL;
    const size_t offset = entry->offset;
    if (offset >= verification->file->data_section_size)
        return false;
    if (verification->seen[offset / 8] & 1 << offset % 8)
        return true;
    verification->seen[offset / 8] |= (uint8_t)(1 << offset % 8);
    bool sound = MMDB_get_entry_data_list(entry, &list) == MMDB_SUCCESS && list &&
                 list->entry_data.type == MMDB_DATA_TYPE_MAP;
    MMDB_free_entry_data_list(list);
    return sound;
}

/* libmaxminddb reads nodes of a tree that refers to itself, but no more than an address has bits.
 */
static bool is_sound_record(struct verification *verification, uint8_t type, MMDB_entry_s *entry) {
    if (type == MMDB_RECORD_TYPE_DATA)
        return is_sound_data(verification, entry);
    return type == MMDB_RECORD_TYPE_SEARCH_NODE || type == MMDB_RECORD_TYPE_EMPTY;
}

static bool is_sound_tree(struct verification *verification) {
    MMDB_search_node_s node;
    for (uint32_t i = 0; i < verification->file->metadata.node_count; i++)
        if (MMDB_read_node(verification->file, i, &node) != MMDB_SUCCESS ||
            !is_sound_record(verification, node.left_record_type, &node.left_record_entry) ||
            !is_sound_record(verification, node.right_record_type, &node.right_record_entry))
            return false;
    return true;
}

static enum am_code verify_tree(const char *path, const MMDB_s *file, struct am_error *error) {
    struct verification verification = {file, calloc(1, file->data_section_size / 8 + 1)};
    if (!verification.seen)
        return am_error_set(error, AM_E_MEMORY, "out of memory while verifying %s", path);
    bool sound = is_sound_tree(&verification);
    free(verification.seen);
    return sound
               ? AM_OK
               : am_error_set(error, AM_E_CORRUPT, "%s is damaged: its tree leads out of it", path);
}

/* "GeoLite2-City", "DBIP-Country-Lite": all kinds that have places are called so. */
static enum am_code check_kind(const char *path, const MMDB_s *file, struct am_error *error) {
    const char *kind = file->metadata.database_type;
    if (strstr(kind, "City") || strstr(kind, "Country") || strstr(kind, "Enterprise"))
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "%s: expected a file of the kind City or Country, "
                        "found %s",
                        path, kind);
}

static enum am_code verify(const char *path, struct am_error *error) {
    MMDB_s file;
    enum am_code code = open_file(path, &file, error);
    if (code != AM_OK)
        return code;
    code = check_kind(path, &file, error);
    if (code == AM_OK)
        code = verify_tree(path, &file, error);
    MMDB_close(&file);
    return code;
}

/* ---- publishing -------------------------------------------------------------------------------
 */

static void publish(struct am_client_geo *geo, const struct am_client_geo_version *version) {
    atomic_fetch_add(&geo->number, 1);
    atomic_thread_fence(memory_order_release);
    geo->version = *version;
    atomic_fetch_add(&geo->number, 1);
}

enum am_code am_client_geo_check(struct am_client_geo *geo, bool *changed, struct am_error *error) {
    struct am_client_geo_version before, after;
    *changed = false;
    enum am_code code = examine(geo->path, &before, error);
    if (code != AM_OK || (geo->number && is_same(&before, &geo->version)))
        return code;
    code = verify(geo->path, error);
    if (code == AM_OK)
        code = examine(geo->path, &after, error);
    if (code != AM_OK)
        return code;
    if (!is_same(&before, &after))
        return am_error_set(error, AM_E_CHANGED, "%s was replaced while it was being verified",
                            geo->path);
    publish(geo, &after);
    *changed = true;
    return AM_OK;
}

struct am_client_geo *am_client_geo_new(const char *path, struct am_error *error) {
    bool changed;
    struct am_client_geo *geo =
        mmap(NULL, sizeof *geo, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (geo == MAP_FAILED) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    geo->path = path;
    if (am_client_geo_check(geo, &changed, error) == AM_OK)
        return geo;
    am_client_geo_free(geo);
    return NULL;
}

void am_client_geo_free(struct am_client_geo *geo) {
    if (geo)
        munmap(geo, sizeof *geo);
}

/* ---- handles ----------------------------------------------------------------------------------
 */

/* False while it is being written. */
static bool read_version(const struct am_client_geo *geo,
                         uint32_t number,
                         struct am_client_geo_version *version) {
    *version = geo->version;
    atomic_thread_fence(memory_order_acquire);
    return number % 2 == 0 && atomic_load(&geo->number) == number;
}

void am_client_geo_close(struct am_client_geo_handle *handle) {
    if (handle->file)
        MMDB_close(handle->file);
    free(handle->file);
    *handle = (struct am_client_geo_handle){NULL, 0};
}

/* Opens the published file beside the old one; a file that was never verified is not used, nor is
 * one tried again before the next publication. */
static void
renew(struct am_client_geo_handle *handle, const struct am_client_geo *geo, uint32_t number) {
    struct am_client_geo_version published, before, after;
    struct am_error ignored;
    if (!read_version(geo, number, &published))
        return;
    handle->number = number;
    if (examine(geo->path, &before, &ignored) != AM_OK || !is_same(&before, &published))
        return;
    MMDB_s *file = malloc(sizeof *file);
    if (!file || open_file(geo->path, file, &ignored) != AM_OK) {
        free(file);
        return;
    }
    if (examine(geo->path, &after, &ignored) != AM_OK || !is_same(&after, &published)) {
        MMDB_close(file);
        free(file);
        return;
    }
    am_client_geo_close(handle);
    *handle = (struct am_client_geo_handle){file, number};
}

void am_client_geo_open(struct am_client_geo_handle *handle, const struct am_client_geo *geo) {
    uint32_t number = atomic_load_explicit(&geo->number, memory_order_acquire);
    if (handle->number != number)
        renew(handle, geo, number);
}

/* ---- lookups ----------------------------------------------------------------------------------
 */

static struct am_view text_of(MMDB_entry_s *entry, const char *const *path) {
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return AM_VIEW("");
    return (struct am_view){data.utf8_string, data.data_size};
}

static void read_place(MMDB_entry_s *entry, struct am_client_place *place) {
    static const char *const country[] = {"country", "iso_code", NULL};
    static const char *const region[] = {"subdivisions", "0", "iso_code", NULL};
    static const char *const city[] = {"city", "names", "en", NULL};
    static const char *const metro[] = {"location", "metro_code", NULL};
    MMDB_entry_data_s code;
    *place = (struct am_client_place){text_of(entry, country), text_of(entry, region),
                                      text_of(entry, city), ""};
    if (MMDB_aget_value(entry, &code, metro) == MMDB_SUCCESS && code.has_data &&
        code.type == MMDB_DATA_TYPE_UINT16)
        snprintf(place->metro, sizeof place->metro, "%u", (unsigned)code.uint16);
}

/* An IPv4-mapped address is of IPv4 for libmaxminddb, too, whatever kind of file it is. */
bool am_client_geo_find(struct am_client_geo_handle *handle,
                        const struct am_client_geo *geo,
                        const struct am_address *address,
                        struct am_client_place *place) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    const struct sockaddr *asked = (const struct sockaddr *)&six;
    int status;
    am_client_geo_open(handle, geo);
    if (!handle->file)
        return false;
    memcpy(&six.sin6_addr, address->bytes, sizeof address->bytes);
    memcpy(&four.sin_addr, address->bytes + sizeof mapped, sizeof four.sin_addr);
    if (memcmp(address->bytes, mapped, sizeof mapped) == 0)
        asked = (const struct sockaddr *)&four;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(handle->file, asked, &status);
    if (status != MMDB_SUCCESS || !found.found_entry)
        return false;
    read_place(&found.entry, place);
    return true;
}
