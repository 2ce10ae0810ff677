/* SPDX-License-Identifier: Apache-2.0 */
/* TMPFS/events: the lanes of the log, the rates of clicks, the ring.
 *
 *      0        4,096
 *      +--------+---------+-------+------+
 *      | head   | journal | rates | ring |     each from a multiple of 4,096 on
 *      +--------+---------+-------+------+
 *
 * The file is made complete under a name of its own, and then linked to its name. Its bytes are
 * allocated, so that a full tmpfs is met by whoever makes it, with a message, and never by whoever
 * writes into it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "lane.h"
#include "parts.h"

#define MAGIC UINT64_C(0x53544E564541410A) /* "\nAAEVNTS" */

enum { VERSION = 2, PAGE = 4096 };

struct head {
    uint64_t magic, version;
    uint64_t size, slots, rates_bytes, ring_bytes;
    uint64_t mutex_size; /* differs between C libraries */
    uint64_t check;      /* XXH3-64 of all before */
};

static uint64_t pages(uint64_t bytes) {
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static struct am_event_shared_places places_of(const struct head *head) {
    struct am_event_shared_places places = {.journal = PAGE};
    places.rates = places.journal + pages(am_journal_shared_size((uint32_t)head->slots));
    places.ring = places.rates + pages(am_event_rates_size(head->rates_bytes));
    places.size = places.ring + pages(am_event_ring_size(head->ring_bytes));
    return places;
}

static struct head head_of(const struct am_event_options *options) {
    struct head head = {
        .magic = MAGIC,
        .version = VERSION,
        .slots = options->slots,
        .rates_bytes = options->rates_bytes ? options->rates_bytes : AM_EVENT_RATES_DEFAULT_BYTES,
        .ring_bytes = options->ring_bytes ? options->ring_bytes : AM_EVENT_RING_DEFAULT_BYTES,
        .mutex_size = sizeof(pthread_mutex_t),
    };
    head.size = places_of(&head).size;
    head.check = XXH3_64bits(&head, offsetof(struct head, check));
    return head;
}

uint64_t am_event_shared_bytes(const struct am_event_options *options) {
    return head_of(options).size;
}

static void path_of(const struct am_event_options *options, bool temporary, char path[4096]) {
    if (temporary)
        snprintf(path, 4096, "%s/events.%ld", options->tmpfs, (long)getpid());
    else
        snprintf(path, 4096, "%s/events", options->tmpfs);
}

/* ---- a file that is there ---- */

static enum am_code check_head(const char *path,
                               const struct head *head,
                               const struct am_event_options *options,
                               uint64_t size,
                               struct am_error *error) {
    if (head->magic != MAGIC)
        return am_error_set(error, AM_E_CORRUPT, "%s is no file of events", path);
    if (head->version != VERSION || head->mutex_size != sizeof(pthread_mutex_t))
        return am_error_set(error, AM_E_VERSION,
                            "%s was made by another version or C library: expected version %d; "
                            "stop all instances of the ledger, remove it, and start again",
                            path, VERSION);
    if (head->check != XXH3_64bits(head, offsetof(struct head, check)) || head->size != size ||
        head->slots > AM_JOURNAL_MAX_LANES || places_of(head).size != size)
        return am_error_set(error, AM_E_CORRUPT, "%s is damaged", path);
    if (head->slots < options->slots)
        return am_error_set(error, AM_E_INVALID, "%s has %llu lanes, the ledger %u slots", path,
                            (unsigned long long)head->slots, options->slots);
    return AM_OK;
}

static enum am_code map_file(struct am_event_service *service,
                             const char *path,
                             int file,
                             const struct head *head,
                             struct am_error *error) {
    void *memory = mmap(NULL, head->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        return am_error_set_errno(error, AM_E_IO, "cannot map %s", path);
    struct am_event_shared_places places = places_of(head);
    char *base = memory;
    service->shared = memory;
    service->shared_size = head->size;
    service->journal.shared = (struct am_journal_shared *)(void *)(base + places.journal);
    service->rates = (struct am_event_rates *)(void *)(base + places.rates);
    service->ring = (struct am_event_ring *)(void *)(base + places.ring);
    return AM_OK;
}

static enum am_code map_existing(const struct am_event_options *options,
                                 struct am_event_service *service,
                                 int file,
                                 struct am_error *error) {
    char path[4096];
    struct head head;
    struct stat status;
    path_of(options, false, path);
    if (fstat(file, &status) != 0 || pread(file, &head, sizeof head, 0) < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    if (status.st_size < (off_t)sizeof head)
        return am_error_set(error, AM_E_CORRUPT, "%s is cut short", path);
    enum am_code code = check_head(path, &head, options, (uint64_t)status.st_size, error);
    return code == AM_OK ? map_file(service, path, file, &head, error) : code;
}

/* ---- a new file ---- */

static enum am_code allocate(const char *path, int file, uint64_t size, struct am_error *error) {
    int failed = posix_fallocate(file, 0, (off_t)size);
    struct statvfs room;
    if (!failed)
        return AM_OK;
    if (failed == ENOSPC && fstatvfs(file, &room) == 0)
        return am_error_set(error, AM_E_LIMIT,
                            "%s takes %llu bytes and its file system has %llu free: give it more "
                            "room, or set a smaller admatch-ring",
                            path, (unsigned long long)size,
                            (unsigned long long)room.f_bavail * room.f_frsize);
    errno = failed;
    return am_error_set_errno(error, AM_E_IO, "cannot make %s", path);
}

static enum am_code fill(struct am_event_service *service,
                         const struct head *head,
                         const struct am_event_options *options,
                         struct am_error *error) {
    int64_t now = service->journal.clock() / AM_JOURNAL_SECOND;
    enum am_code code = am_journal_shared_start(service->journal.shared, (uint32_t)head->slots,
                                                service->log_path, error);
    if (code == AM_OK)
        code = am_event_rates_start(service->rates, head->rates_bytes, now, error);
    am_event_ring_start(service->ring, head->ring_bytes, am_ledger_sequence(options->ledger), now);
    return code;
}

static enum am_code make_file(const struct am_event_options *options,
                              struct am_event_service *service,
                              struct am_error *error) {
    char path[4096];
    struct head head = head_of(options);
    if (!am_event_ring_size(head.ring_bytes))
        return am_error_set(error, AM_E_LIMIT, "admatch-ring of %llu bytes: expected %d to %llu",
                            (unsigned long long)head.ring_bytes,
                            AM_EVENT_RING_MIN_BLOCKS * AM_EVENT_RING_BLOCK_BYTES,
                            (unsigned long long)AM_EVENT_RING_MAX_BLOCKS *
                                AM_EVENT_RING_BLOCK_BYTES);
    path_of(options, true, path);
    unlink(path);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot make %s", path);
    enum am_code code = allocate(path, file, head.size, error);
    if (code == AM_OK && !am_journal_pwrite(file, (struct am_view){(char *)&head, sizeof head}, 0))
        code = am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    if (code == AM_OK)
        code = map_file(service, path, file, &head, error);
    if (code == AM_OK)
        code = fill(service, &head, options, error);
    close(file);
    if (code != AM_OK)
        unlink(path);
    return code;
}

enum am_code am_event_shared_open(const struct am_event_options *options,
                                  struct am_event_service *service,
                                  bool *made,
                                  struct am_error *error) {
    char path[4096];
    path_of(options, false, path);
    int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    *made = file < 0 && errno == ENOENT;
    if (*made)
        return make_file(options, service, error);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = map_existing(options, service, file, error);
    close(file);
    return code;
}

enum am_code am_event_shared_name(const struct am_event_options *options, struct am_error *error) {
    char path[4096], temporary[4096];
    path_of(options, false, path);
    path_of(options, true, temporary);
    int failed = link(temporary, path) == 0 ? 0 : errno;
    unlink(temporary);
    if (!failed)
        return AM_OK;
    errno = failed;
    return am_error_set_errno(error, failed == EEXIST ? AM_E_CHANGED : AM_E_IO, "cannot make %s",
                              path);
}

void am_event_shared_close(struct am_event_service *service) {
    if (service->shared)
        munmap(service->shared, service->shared_size);
    service->shared = NULL;
}
