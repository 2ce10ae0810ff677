/* SPDX-License-Identifier: Apache-2.0 */
#include "names_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "../base/hash.h"
#include "../base/timezone.h"
#include "../base/vector.h"
#include "../model/keys.h"
#include "lane.h"
#include "scan.h"

#define MAGIC UINT64_C(0x53454D414E4D410A) /* "\nAMNAMES" */

enum { PROBES = 64, DATE_SIZE = 10 };

/* Seeds far apart, as am_model_key explains. */
AM_WRAPS uint32_t am_event_keyword_hash(enum am_model_match_type match, struct am_view keyword) {
    uint64_t seed = UINT64_C(0x9E3779B97F4A7C15) * (match + 1U);
    return (uint32_t)XXH3_64bits_withSeed(keyword.data, keyword.size, seed);
}

uint64_t am_event_names_key(uint64_t ad, uint64_t keyword) {
    uint64_t key = am_hash_mix(ad, keyword);
    return key ? key : 1;
}

/* ---- paths ---- */

void am_event_names_path(const char *beginning,
                         int64_t day,
                         const char *ending,
                         char path[AM_EVENT_NAMES_PATH_SIZE]) {
    int64_t year;
    int month, date;
    am_time_date(day, &year, &month, &date);
    snprintf(path, AM_EVENT_NAMES_PATH_SIZE, "%s%04d-%02d-%02d%s", beginning, (int)year % 10000,
             month, date, ending);
}

bool am_event_names_day(const char *name, const char *beginning, const char *ending, int64_t *day) {
    char time[AM_JOURNAL_TIME_SIZE + 1] = "0000-00-00T00:00:00.000000Z";
    char again[AM_EVENT_NAMES_PATH_SIZE];
    int64_t micros;
    size_t skip = strlen(beginning);
    if (strlen(name) < skip + DATE_SIZE)
        return false;
    memcpy(time, name + skip, DATE_SIZE);
    if (!am_journal_time_read((struct am_view){time, AM_JOURNAL_TIME_SIZE}, &micros))
        return false;
    *day = micros / AM_JOURNAL_SECOND / 86400; /* midnights divide evenly */
    am_event_names_path(beginning, *day, ending, again);
    return strcmp(name, again) == 0;
}

/* ---- tables ---- */

/* A file of that size, complete before it has its name; somebody else's, where one was faster.
 * Its bytes are allocated, so that a full tmpfs is met here and not by whoever writes an entry. */
static int make_table(int folder, const char *path, uint64_t capacity) {
    char temporary[AM_EVENT_NAMES_PATH_SIZE + 16];
    struct am_event_names_table head = {.magic = MAGIC, .capacity = capacity};
    snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    unlinkat(folder, temporary, 0);
    int file = openat(folder, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -1;
    int failed = posix_fallocate(file, 0, (off_t)am_event_names_table_size(capacity));
    bool made = !failed && pwrite(file, &head, sizeof head, 0) == (ssize_t)sizeof head &&
                (linkat(folder, temporary, folder, path, 0) == 0 || errno == EEXIST);
    int saved = failed ? failed : errno;
    close(file);
    unlinkat(folder, temporary, 0);
    errno = saved;
    return made ? openat(folder, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
}

static struct am_event_names_table *map_file(int file) {
    struct am_event_names_table head;
    struct stat status;
    if (fstat(file, &status) != 0 || pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head)
        return NULL;
    errno = EINVAL;
    if (head.magic != MAGIC || head.capacity == 0 || head.capacity > AM_EVENT_NAMES_MAX_CAPACITY ||
        (head.capacity & (head.capacity - 1)) != 0 ||
        (uint64_t)status.st_size < am_event_names_table_size(head.capacity))
        return NULL;
    void *memory = mmap(NULL, am_event_names_table_size(head.capacity), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

struct am_event_names_table *am_event_names_map(int folder, int64_t day, uint64_t capacity) {
    char path[AM_EVENT_NAMES_PATH_SIZE];
    am_event_names_path(AM_EVENT_NAMES_TABLE, day, "", path);
    int file = openat(folder, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT && capacity)
        file = make_table(folder, path, capacity);
    if (file < 0)
        return NULL;
    struct am_event_names_table *table = map_file(file);
    int saved = errno;
    close(file);
    errno = saved;
    return table;
}

void am_event_names_unmap(struct am_event_names_table *table) {
    if (table)
        munmap(table, am_event_names_table_size(table->capacity));
}

struct am_event_names_entry *
am_event_names_entry(struct am_event_names_table *table, uint64_t key, bool add) {
    for (uint64_t i = 0; i < PROBES; i++) {
        struct am_event_names_entry *entry = &table->entries[(key + i) & (table->capacity - 1)];
        uint64_t found = atomic_load_explicit(&entry->key, memory_order_relaxed);
        if (found == 0 && !add)
            return NULL;
        if (found == key ||
            (found == 0 && atomic_compare_exchange_strong(&entry->key, &found, key)))
            return entry;
        if (found == key) /* somebody else was faster with the same key */
            return entry;
    }
    return NULL;
}

/* ---- lines ---- */

static bool read_text(struct am_view value, char **memory, struct am_view *text, size_t most) {
    if (value.size < 2 || value.data[0] != '"')
        return false;
    struct am_view read = am_journal_text(value, *memory);
    if (read.size > most)
        return false;
    if (read.size)
        memmove(*memory, read.data, read.size);
    *text = (struct am_view){*memory, read.size};
    *memory += read.size;
    return true;
}

static enum am_model_match_type match_type(struct am_view value) {
    for (int type = 0; type < AM_MATCH_TYPES; type++) {
        struct am_view name = am_view_of(am_model_match_type_name((enum am_model_match_type)type));
        if (value.size == name.size + 2 && memcmp(value.data + 1, name.data, name.size) == 0)
            return (enum am_model_match_type)type;
    }
    return AM_MATCH_TYPES;
}

bool am_event_names_read(struct am_view line,
                         struct am_event_ad_memory *memory,
                         uint64_t *key,
                         uint64_t *ad_key) {
    struct am_journal_record record;
    struct am_event_ad_names *names = &memory->names;
    char *at = memory->bytes;
    if (line.size > AM_EVENT_NAMES_LINE_MAX || !am_journal_scan(line, &record))
        return false;
    names->match = match_type(record.values[AM_JOURNAL_M_MATCH]);
    if (!read_text(record.values[AM_JOURNAL_M_AD], &at, &names->ad, AM_ID_MAX_BYTES) ||
        !read_text(record.values[AM_JOURNAL_M_CAMPAIGN], &at, &names->campaign, AM_ID_MAX_BYTES) ||
        !read_text(record.values[AM_JOURNAL_M_ADVERTISER], &at, &names->advertiser,
                   AM_ID_MAX_BYTES) ||
        !read_text(record.values[AM_JOURNAL_M_KEYWORD], &at, &names->keyword,
                   AM_KEYWORD_MAX_BYTES) ||
        names->match == AM_MATCH_TYPES)
        return false;
    uint64_t ad = am_model_key(AM_RECORD_AD, names->ad);
    *key = am_event_names_key(ad, am_event_keyword_hash(names->match, names->keyword));
    *ad_key = am_event_names_key(ad, 0);
    return true;
}

/* A file of lines, read piece by piece. Lines longer than any that is written are passed over. */
struct line_reader {
    int file;
    uint64_t offset; /* of `begin` */
    size_t begin, end;
    bool passing_over;
    char bytes[2 * AM_EVENT_NAMES_LINE_MAX];
};

/* False at the end, or with errno set. */
static bool read_more(struct line_reader *reader) {
    size_t rest = reader->end - reader->begin;
    if (rest > AM_EVENT_NAMES_LINE_MAX) {
        reader->offset += rest;
        reader->passing_over = true;
        rest = 0;
    }
    memmove(reader->bytes, reader->bytes + reader->end - rest, rest);
    reader->begin = 0;
    ssize_t size = read(reader->file, reader->bytes + rest, sizeof reader->bytes - rest);
    reader->end = rest + (size > 0 ? (size_t)size : 0);
    if (size == 0)
        errno = 0;
    return size > 0;
}

static bool next_line(struct line_reader *reader, struct am_view *line, uint64_t *offset) {
    for (;;) {
        const char *begin = reader->bytes + reader->begin;
        const char *end = memchr(begin, '\n', reader->end - reader->begin);
        if (!end && !read_more(reader))
            return false;
        if (!end)
            continue;
        *line = (struct am_view){begin, (size_t)(end - begin)};
        *offset = reader->offset;
        reader->begin += line->size + 1;
        reader->offset += line->size + 1;
        if (!reader->passing_over)
            return true;
        reader->passing_over = false;
    }
}

enum am_code am_event_names_walk(
    int folder, int64_t day, am_event_names_visit *visit, void *context, struct am_error *error) {
    char path[AM_EVENT_NAMES_PATH_SIZE];
    am_event_names_path("", day, AM_EVENT_NAMES_LINES, path);
    struct line_reader reader = {.file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (reader.file < 0)
        return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                  "cannot open the names of %s", path);
    struct am_view line;
    uint64_t offset;
    bool goes_on = true;
    while (goes_on && next_line(&reader, &line, &offset))
        goes_on = visit(context, line, offset);
    int failed = goes_on ? errno : 0;
    close(reader.file);
    errno = failed;
    if (failed)
        return am_error_set_errno(error, AM_E_IO, "cannot read the names of %s", path);
    return goes_on ? AM_OK
                   : am_error_set(error, AM_E_MEMORY, "no memory for the names of %s", path);
}

/* ---- indexes of days that are over ---- */

struct index_entry {
    uint64_t key, offset;
};

static bool collect(void *context, struct am_view line, uint64_t offset) {
    struct am_event_ad_memory memory;
    struct index_entry entry = {.offset = offset}, ad_entry = {.offset = offset};
    if (!am_event_names_read(line, &memory, &entry.key, &ad_entry.key))
        return true;
    return am_vector_push(context, &entry) && am_vector_push(context, &ad_entry);
}

static int by_key(const void *a, const void *b) {
    const struct index_entry *first = a, *second = b;
    return first->key != second->key
               ? (first->key > second->key) - (first->key < second->key)
               : (first->offset > second->offset) - (first->offset < second->offset);
}

static enum am_code
write_index(int folder, int64_t day, const struct am_vector *entries, struct am_error *error) {
    char path[AM_EVENT_NAMES_PATH_SIZE], temporary[AM_EVENT_NAMES_PATH_SIZE];
    am_event_names_path("", day, AM_EVENT_NAMES_INDEX, path);
    am_event_names_path("new-", day, AM_EVENT_NAMES_INDEX, temporary);
    int file =
        openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    struct am_view bytes = {entries->data, entries->count * sizeof(struct index_entry)};
    bool written = file >= 0 && am_journal_pwrite(file, bytes, 0) && fsync(file) == 0 &&
                   renameat(folder, temporary, folder, path) == 0;
    int saved = errno;
    if (file >= 0)
        close(file);
    errno = saved;
    return written ? AM_OK : am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
}

enum am_code am_event_names_index(int folder, int64_t day, struct am_error *error) {
    struct am_vector entries = AM_VECTOR_OF(struct index_entry);
    enum am_code code = am_event_names_walk(folder, day, collect, &entries, error);
    if (code == AM_OK && entries.count)
        qsort(entries.data, entries.count, sizeof(struct index_entry), by_key);
    if (code == AM_OK)
        code = write_index(folder, day, &entries, error);
    am_vector_free(&entries);
    return code;
}

bool am_event_names_index_find(int folder, int64_t day, uint64_t key, uint64_t *offset) {
    char path[AM_EVENT_NAMES_PATH_SIZE];
    struct stat status;
    am_event_names_path("", day, AM_EVENT_NAMES_INDEX, path);
    int file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    struct index_entry entry = {0, 0};
    uint64_t low = 0, high = 0;
    if (fstat(file, &status) == 0)
        high = (uint64_t)status.st_size / sizeof entry;
    bool found = false;
    while (low < high && !found) {
        uint64_t middle = low + (high - low) / 2;
        if (pread(file, &entry, sizeof entry, (off_t)(middle * sizeof entry)) !=
            (ssize_t)sizeof entry)
            break;
        found = entry.key == key;
        if (entry.key < key)
            low = middle + 1;
        else
            high = middle;
    }
    close(file);
    *offset = entry.offset;
    return found;
}
