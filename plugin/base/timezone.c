/* SPDX-License-Identifier: Apache-2.0 */
#include "timezone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "timezone_rule.h"

enum {
    MAX_FILE = 64 << 10,
    MAX_DEPTH = 4,
    HEADER = 44,
    WEEK_MINUTES = 7 * 24 * 60,
    EPOCH_WEEK_MINUTE = 72 * 60
};

/* Transitions before this (2000-01-01) are dropped: only the offset that they lead to matters. */
#define FIRST_KEPT INT64_C(946684800)

struct named_zone {
    char *name;
    struct am_timezone zone;
};

struct am_timezones {
    struct named_zone *zones; /* sorted by name */
    size_t count, capacity;
    int failure; /* errno of what stopped the loading, or 0 */
};

/* ---- one file (RFC 8536) -----------------------------------------------------------------------
 */

/* The bits of the sign are shifted out. */
AM_WRAPS static int64_t big_endian(const unsigned char *bytes, unsigned size) {
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

struct block {
    uint32_t ut_count, standard_count, leap_count, time_count, type_count, name_bytes;
};

static bool read_header(const unsigned char *bytes, size_t size, struct block *block) {
    if (size < HEADER || memcmp(bytes, "TZif", 4) != 0)
        return false;
    uint32_t counts[6];
    for (unsigned i = 0; i < 6; i++)
        counts[i] = (uint32_t)big_endian(bytes + 20 + (size_t)i * 4, 4);
    *block = (struct block){counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    /* Real files are far smaller; with this bound no sum of sizes can wrap. */
    for (unsigned i = 0; i < 6; i++)
        if (counts[i] > MAX_FILE)
            return false;
    return block->type_count > 0;
}

static size_t block_size(const struct block *block, size_t time_size) {
    return block->time_count * (time_size + 1) + (size_t)block->type_count * 6 + block->name_bytes +
           block->leap_count * (time_size + 4) + block->standard_count + block->ut_count;
}

/* The data block of 8-byte times and what follows it. */
static bool find_block(const unsigned char *bytes,
                       size_t size,
                       struct block *block,
                       const unsigned char **data,
                       struct am_view *footer) {
    if (!read_header(bytes, size, block) || bytes[4] < '2')
        return false;
    size_t first = HEADER + block_size(block, 4);
    if (first > size || !read_header(bytes + first, size - first, block))
        return false;
    size_t start = first + HEADER, length = block_size(block, 8);
    if (start > size || length > size - start)
        return false;
    *data = bytes + start;
    const char *after = (const char *)bytes + start + length;
    size_t left = size - start - length;
    *footer = (struct am_view){"", 0};
    const char *end = left > 1 && after[0] == '\n' ? memchr(after + 1, '\n', left - 1) : NULL;
    if (end)
        *footer = (struct am_view){after + 1, (size_t)(end - after - 1)};
    return true;
}

static bool read_transitions(const struct block *block,
                             const unsigned char *data,
                             struct am_timezone *zone,
                             int *failure) {
    const unsigned char *types = data + (size_t)block->time_count * 8;
    const unsigned char *offsets = types + block->time_count;
    struct am_timezone_transition *kept = malloc(((size_t)block->time_count + 1) * sizeof *kept);
    if (!kept)
        return !(*failure = ENOMEM);
    zone->transitions = kept;
    zone->first_offset = (int32_t)big_endian(offsets, 4);
    for (uint32_t i = 0; i < block->time_count; i++) {
        if (types[i] >= block->type_count)
            return false;
        struct am_timezone_transition transition = {
            big_endian(data + (size_t)i * 8, 8),
            (int32_t)big_endian(offsets + (size_t)types[i] * 6, 4), 0};
        if (transition.time < FIRST_KEPT)
            zone->first_offset = transition.offset;
        else if (transition.time <= AM_TIME_MAX)
            kept[zone->count++] = transition;
    }
    return true;
}

/* Drops the transitions at the end that the rule yields by itself: files list them up to 2037. */
static void drop_what_the_rule_knows(struct am_timezone *zone) {
    while (zone->count > 1) {
        const struct am_timezone_transition *last = &zone->transitions[zone->count - 1];
        const struct am_timezone_transition *before = last - 1;
        if (last->time <= before->time ||
            am_timezone_rule_offset(&zone->rule, before->time) != before->offset ||
            am_timezone_rule_next(&zone->rule, before->time) < last->time)
            return;
        zone->count--;
    }
}

static bool
parse_zone(const unsigned char *bytes, size_t size, struct am_timezone *zone, int *failure) {
    struct block block;
    const unsigned char *data;
    struct am_view footer;
    if (!find_block(bytes, size, &block, &data, &footer) ||
        !read_transitions(&block, data, zone, failure))
        return false;
    int32_t last = zone->count ? zone->transitions[zone->count - 1].offset : zone->first_offset;
    am_timezone_rule_parse(footer, last, &zone->rule);
    drop_what_the_rule_knows(zone);
    return true;
}

/* ---- the folder -------------------------------------------------------------------------------
 */

static void free_zone(struct named_zone *named) {
    free(named->name);
    free((struct am_timezone_transition *)(uintptr_t)named->zone.transitions);
}

/* Takes over what `zone` owns, or frees it; false when memory runs out. */
static bool add_zone(struct am_timezones *zones, struct am_timezone zone, const char *name) {
    size_t size = strlen(name) + 1;
    struct named_zone added = {.name = malloc(size), .zone = zone};
    if (added.name)
        memcpy(added.name, name, size);
    if (added.name && zones->count == zones->capacity) {
        size_t capacity = zones->capacity ? zones->capacity * 2 : 64;
        struct named_zone *grown = realloc(zones->zones, capacity * sizeof *grown);
        if (grown) {
            zones->zones = grown;
            zones->capacity = capacity;
        }
    }
    if (!added.name || zones->count == zones->capacity) {
        free_zone(&added);
        return false;
    }
    zones->zones[zones->count++] = added;
    return true;
}

/* A file that is no zone is passed over; false when memory runs out. */
static bool
load_zone(struct am_timezones *zones, const unsigned char *bytes, size_t size, const char *name) {
    struct am_timezone zone = {0};
    if (!parse_zone(bytes, size, &zone, &zones->failure))
        free_zone(&(struct named_zone){.zone = zone});
    else if (!add_zone(zones, zone, name))
        zones->failure = ENOMEM;
    return !zones->failure;
}

/* What is not there, or not for us, is no zone. Anything else (no memory, no descriptor left, a
 * disk that fails) would make an inventory depend on the moment: it stops the loading. */
static bool pass_over(struct am_timezones *zones) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP)
        return true;
    zones->failure = errno;
    return false;
}

static bool
read_zone(struct am_timezones *zones, const char *path, unsigned char *bytes, const char *name) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return pass_over(zones);
    size_t size = 0;
    ssize_t got;
    while (size < MAX_FILE && (got = read(fd, bytes + size, MAX_FILE - size)) > 0)
        size += (size_t)got;
    if (got < 0)
        zones->failure = errno;
    close(fd);
    return !zones->failure && load_zone(zones, bytes, size, name);
}

static bool load_folder(struct am_timezones *zones,
                        const char *root,
                        const char *relative,
                        unsigned depth,
                        unsigned char *bytes);

/* `name` is a path below `root`. posix/ and right/ hold the same zones again, the latter with leap
 * seconds. */
static bool load_entry(struct am_timezones *zones,
                       const char *root,
                       const char *name,
                       unsigned depth,
                       unsigned char *bytes) {
    char path[PATH_MAX];
    struct stat status;
    int size = snprintf(path, sizeof path, "%s/%s", root, name);
    if (size < 0 || (size_t)size >= sizeof path)
        return true;
    if (stat(path, &status) != 0)
        return pass_over(zones);
    if (S_ISREG(status.st_mode))
        return read_zone(zones, path, bytes, name);
    if (!S_ISDIR(status.st_mode) || depth == MAX_DEPTH || strcmp(name, "right") == 0 ||
        strcmp(name, "posix") == 0)
        return true;
    return load_folder(zones, root, name, depth + 1, bytes);
}

static bool load_folder(struct am_timezones *zones,
                        const char *root,
                        const char *relative,
                        unsigned depth,
                        unsigned char *bytes) {
    char path[PATH_MAX], name[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, relative);
    DIR *folder = opendir(path);
    if (!folder)
        return pass_over(zones) && depth > 0;
    bool fine = true;
    struct dirent *entry;
    while (fine && (errno = 0, entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        int size =
            snprintf(name, sizeof name, "%s%s%s", relative, *relative ? "/" : "", entry->d_name);
        if (size > 0 && (size_t)size < sizeof name)
            fine = load_entry(zones, root, name, depth, bytes);
    }
    if (fine && errno)
        fine = !(zones->failure = errno);
    closedir(folder);
    return fine;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct named_zone *)a)->name, ((const struct named_zone *)b)->name);
}

/* UTC is always known; false when memory runs out. */
static bool add_utc(struct am_timezones *zones) {
    if (am_timezone_find(zones, AM_VIEW("UTC")))
        return true;
    if (!add_zone(zones, (struct am_timezone){0}, "UTC"))
        return false;
    qsort(zones->zones, zones->count, sizeof *zones->zones, by_name);
    return true;
}

const char *am_timezones_folder(void) {
    const char *environment = getenv("TZDIR");
    return environment && *environment ? environment : "/usr/share/zoneinfo";
}

/* Frees the table and says what stopped its loading. */
static void *
refuse(struct am_timezones *zones, int failure, const char *folder, struct am_error *error) {
    am_timezones_free(zones);
    errno = failure;
    if (failure == ENOMEM)
        am_error_set(error, AM_E_MEMORY, "out of memory: time zones");
    else
        am_error_set_errno(error, AM_E_IO, "cannot read time zones from %s", folder);
    return NULL;
}

struct am_timezones *am_timezones_load(const char *directory, struct am_error *error) {
    if (!directory)
        directory = am_timezones_folder();
    struct am_timezones *zones = calloc(1, sizeof *zones);
    unsigned char *bytes = malloc(MAX_FILE);
    if (!zones || !bytes) {
        free(bytes);
        return refuse(zones, ENOMEM, directory, error);
    }
    if (!load_folder(zones, directory, "", 0, bytes) && !zones->failure)
        am_error_set_errno(error, AM_E_IO, "cannot read time zones from %s", directory);
    free(bytes);
    if (zones->failure)
        return refuse(zones, zones->failure, directory, error);
    if (zones->count)
        qsort(zones->zones, zones->count, sizeof *zones->zones, by_name);
    return add_utc(zones) ? zones : refuse(zones, ENOMEM, directory, error);
}

struct am_timezones *am_timezones_new(void) {
    return calloc(1, sizeof(struct am_timezones));
}

bool am_timezones_add(struct am_timezones *zones,
                      struct am_view name,
                      const struct am_timezone *zone) {
    struct am_timezone copy = *zone;
    char *text = malloc(name.size + 1);
    struct am_timezone_transition *transitions = malloc((zone->count + 1) * sizeof *transitions);
    bool added = false;
    copy.transitions = transitions;
    if (text) {
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
    }
    if (zone->count && transitions)
        memcpy(transitions, zone->transitions, zone->count * sizeof *transitions);
    if (text && transitions)
        added = add_zone(zones, copy, text);
    else
        free(transitions);
    free(text);
    return added;
}

void am_timezones_free(struct am_timezones *zones) {
    if (!zones)
        return;
    for (size_t i = 0; i < zones->count; i++)
        free_zone(&zones->zones[i]);
    free(zones->zones);
    free(zones);
}

/* ---- questions --------------------------------------------------------------------------------
 */

const struct am_timezone *am_timezone_find(const struct am_timezones *zones, struct am_view name) {
    size_t low = 0, high = zones ? zones->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = am_view_compare(am_view_of(zones->zones[middle].name), name);
        if (order == 0)
            return &zones->zones[middle].zone;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint32_t am_timezones_count(const struct am_timezones *zones) {
    return (uint32_t)zones->count;
}

struct am_view am_timezones_name(const struct am_timezones *zones, uint32_t index) {
    return am_view_of(zones->zones[index].name);
}

const struct am_timezone *am_timezones_at(const struct am_timezones *zones, uint32_t index) {
    return &zones->zones[index].zone;
}

uint64_t am_timezones_digest(const struct am_timezones *zones) {
    uint64_t digest = 0;
    for (size_t i = 0; zones && i < zones->count; i++) {
        const struct named_zone *named = &zones->zones[i];
        const struct am_timezone *zone = &named->zone;
        uint64_t part = XXH3_64bits_withSeed(named->name, strlen(named->name), digest);
        part = XXH3_64bits_withSeed(&zone->first_offset, sizeof zone->first_offset, part);
        part = XXH3_64bits_withSeed(&zone->rule, sizeof zone->rule, part);
        digest =
            XXH3_64bits_withSeed(zone->transitions, zone->count * sizeof *zone->transitions, part);
    }
    return digest;
}

/* The number of transitions at or before that instant. */
static uint32_t transitions_until(const struct am_timezone *zone, int64_t time) {
    uint32_t low = 0, high = zone->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t am_timezone_offset(const struct am_timezone *zone, int64_t time) {
    if (!zone)
        return 0;
    uint32_t passed = transitions_until(zone, time);
    if (passed == zone->count)
        return am_timezone_rule_offset(&zone->rule, time);
    return passed ? zone->transitions[passed - 1].offset : zone->first_offset;
}

int64_t am_timezone_next_change(const struct am_timezone *zone, int64_t time) {
    if (!zone)
        return INT64_MAX;
    int32_t offset = am_timezone_offset(zone, time);
    for (uint32_t i = transitions_until(zone, time); i < zone->count; i++) {
        time = zone->transitions[i].time;
        if (am_timezone_offset(zone, time) != offset)
            return time;
    }
    return am_timezone_rule_next(&zone->rule, time);
}

unsigned am_timezone_week_minute(const struct am_timezone *zone, int64_t time) {
    int64_t local = time + am_timezone_offset(zone, time);
    int64_t minute = local / 60 - (local % 60 < 0);
    int64_t of_week = (minute + EPOCH_WEEK_MINUTE) % WEEK_MINUTES;
    return (unsigned)(of_week < 0 ? of_week + WEEK_MINUTES : of_week);
}
