/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../delivery/ledger.h"
#include "line.h"
#include "names_files.h"

enum {
    DAY_SECONDS = 86400,
    TABLES = 4,              /* today's, yesterday's, and two that a thread may still be using */
    REPLACED_SECONDS = 60,   /* a table was mapped at least so long when another takes its place */
    WAITING_SIZE = 64 << 10, /* bytes of lines that wait */
};

/* One of the days that this process has mapped. */
struct mapped_day {
    _Atomic int64_t day;
    _Atomic(struct am_event_names_table *) table; /* NULL: none */
    int64_t since;                                /* seconds of the monotonic clock */
};

/* A line that waits; its text follows. */
struct waiting_line {
    struct am_event_names_entry *entry, *ad_entry; /* where its offset goes; `ad_entry` or NULL */
    int64_t day;
    uint32_t size;
};

struct am_event_names {
    int folder; /* DIR/names */
    int tmpfs;
    uint64_t capacity;
    _Atomic uint64_t lost;

    pthread_mutex_t map_mutex; /* of changes to `days` */
    struct mapped_day days[TABLES];

    pthread_mutex_t mutex; /* of all below */
    char waiting[WAITING_SIZE];
    size_t waiting_size;
    int file; /* the lines of `file_day`, or -1 */
    int64_t file_day;
};

static int64_t day_of(int64_t time) {
    return time / DAY_SECONDS - (time % DAY_SECONDS < 0);
}

static int64_t monotonic_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static enum am_code open_folders(struct am_event_names *names,
                                 const char *path,
                                 const char *tmpfs,
                                 struct am_error *error) {
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return am_error_set_errno(error, AM_E_IO, "cannot make the folder %s", path);
    names->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (names->folder < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the folder %s", path);
    names->tmpfs = open(tmpfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (names->tmpfs < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the folder %s", tmpfs);
    return AM_OK;
}

enum am_code am_event_names_open(const char *folder,
                                 const char *tmpfs,
                                 uint32_t ads,
                                 struct am_event_names **names,
                                 struct am_error *error) {
    char path[4096];
    struct am_event_names *made = calloc(1, sizeof *made);
    *names = NULL;
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "no memory for names");
    made->folder = made->tmpfs = made->file = -1;
    made->capacity = AM_EVENT_NAMES_MIN_CAPACITY;
    while (made->capacity < AM_EVENT_NAMES_MAX_CAPACITY && made->capacity < UINT64_C(4) * ads)
        made->capacity *= 2;
    pthread_mutex_init(&made->map_mutex, NULL);
    pthread_mutex_init(&made->mutex, NULL);
    snprintf(path, sizeof path, "%s/names", folder);
    enum am_code code = open_folders(made, path, tmpfs, error);
    if (code == AM_OK)
        *names = made;
    else
        am_event_names_close(made);
    return code;
}

void am_event_names_close(struct am_event_names *names) {
    if (!names)
        return;
    am_event_names_flush(names);
    for (size_t i = 0; i < TABLES; i++)
        am_event_names_unmap(atomic_load(&names->days[i].table));
    int files[] = {names->folder, names->tmpfs, names->file};
    for (size_t i = 0; i < AM_COUNT_OF(files); i++)
        if (files[i] >= 0)
            close(files[i]);
    pthread_mutex_destroy(&names->map_mutex);
    pthread_mutex_destroy(&names->mutex);
    free(names);
}

uint64_t am_event_names_lost(const struct am_event_names *names) {
    return atomic_load(&names->lost);
}

/* ---- tables of days ---- */

static struct am_event_names_table *mapped(struct am_event_names *names, int64_t day) {
    for (size_t i = 0; i < TABLES; i++) {
        struct am_event_names_table *table = atomic_load(&names->days[i].table);
        if (table && atomic_load(&names->days[i].day) == day &&
            atomic_load(&names->days[i].table) == table)
            return table;
    }
    return NULL;
}

/* The place for another day: an empty one, else that of the oldest day, unless it is so new that
 * somebody may be looking into it. */
static struct mapped_day *free_place(struct am_event_names *names) {
    struct mapped_day *oldest = &names->days[0];
    for (size_t i = 0; i < TABLES; i++) {
        struct mapped_day *place = &names->days[i];
        if (!atomic_load(&place->table))
            return place;
        if (atomic_load(&place->day) < atomic_load(&oldest->day))
            oldest = place;
    }
    return monotonic_seconds() - oldest->since >= REPLACED_SECONDS ? oldest : NULL;
}

static struct am_event_names_table *
map_day(struct am_event_names *names, int64_t day, uint64_t capacity) {
    struct am_event_names_table *table = mapped(names, day);
    struct mapped_day *place = table ? NULL : free_place(names);
    if (!place)
        return table;
    table = am_event_names_map(names->tmpfs, day, capacity);
    if (!table)
        return NULL;
    struct am_event_names_table *old = atomic_exchange(&place->table, NULL);
    atomic_store(&place->day, day);
    place->since = monotonic_seconds();
    atomic_store(&place->table, table);
    am_event_names_unmap(old);
    return table;
}

/* The table of a day, made with `capacity` where it is not 0. NULL where there is none. */
static struct am_event_names_table *
table_of(struct am_event_names *names, int64_t day, uint64_t capacity) {
    struct am_event_names_table *table = mapped(names, day);
    if (__builtin_expect(table != NULL, 1))
        return table;
    pthread_mutex_lock(&names->map_mutex);
    table = map_day(names, day, capacity);
    pthread_mutex_unlock(&names->map_mutex);
    return table;
}

/* ---- noting ---- */

static bool is_written(const struct am_event_names_entry *entry) {
    return atomic_load_explicit(&entry->place, memory_order_acquire) & AM_EVENT_NAMES_WRITTEN;
}

static void put_line(struct am_buffer *line, const struct am_event_ad_names *what) {
    am_buffer_literal(line, "{\"ad\":");
    am_buffer_json_string(line, what->ad);
    am_journal_put_text(line, "campaign", what->campaign);
    am_journal_put_text(line, "advertiser", what->advertiser);
    am_journal_put_text(line, "keyword", what->keyword);
    am_journal_put_text(line, "match", am_view_of(am_model_match_type_name(what->match)));
    am_journal_put_end(line);
}

static bool wait_for_flush(struct am_event_names *names,
                           struct waiting_line waiting,
                           const struct am_event_ad_names *what) {
    pthread_mutex_lock(&names->mutex);
    char *begin = names->waiting + names->waiting_size;
    size_t room = WAITING_SIZE - names->waiting_size;
    struct am_buffer line = {.overflowed = true};
    if (room > sizeof waiting) {
        line = am_buffer_over(begin + sizeof waiting, room - sizeof waiting);
        put_line(&line, what);
    }
    if (line.overflowed) {
        atomic_fetch_add(&names->lost, 1); /* a later placement tries again */
    } else {
        waiting.size = (uint32_t)line.size;
        memcpy(begin, &waiting, sizeof waiting);
        names->waiting_size += sizeof waiting + line.size;
    }
    pthread_mutex_unlock(&names->mutex);
    return !line.overflowed;
}

bool am_event_names_note(struct am_event_names *names,
                         int64_t time,
                         uint64_t ad,
                         uint32_t keyword,
                         const struct am_event_ad_names *what) {
    struct am_event_names_table *table = table_of(names, day_of(time), names->capacity);
    struct waiting_line waiting = {.day = day_of(time)};
    if (table)
        waiting.entry = am_event_names_entry(table, am_event_names_key(ad, keyword), true);
    if (!waiting.entry) {
        atomic_fetch_add_explicit(&names->lost, 1, memory_order_relaxed);
        return false;
    }
    if (__builtin_expect(is_written(waiting.entry), 1))
        return false;
    waiting.ad_entry = am_event_names_entry(table, am_event_names_key(ad, 0), true);
    if (waiting.ad_entry && is_written(waiting.ad_entry))
        waiting.ad_entry = NULL;
    return wait_for_flush(names, waiting, what);
}

void am_event_names_prefetch(struct am_event_names *names,
                             int64_t time,
                             uint64_t ad,
                             uint32_t keyword) {
    const struct am_event_names_table *table = mapped(names, day_of(time));
    if (table)
        __builtin_prefetch(
            &table->entries[am_event_names_key(ad, keyword) & (table->capacity - 1)]);
}

/* ---- writing ---- */

static bool open_day(struct am_event_names *names, int64_t day) {
    char path[AM_EVENT_NAMES_PATH_SIZE];
    if (names->file >= 0 && names->file_day == day)
        return true;
    if (names->file >= 0)
        close(names->file);
    am_event_names_path("", day, AM_EVENT_NAMES_LINES, path);
    names->file =
        openat(names->folder, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    names->file_day = day;
    return names->file >= 0;
}

static void set_place(struct am_event_names_entry *entry, uint64_t offset) {
    if (entry)
        atomic_store_explicit(&entry->place, AM_EVENT_NAMES_WRITTEN | offset, memory_order_release);
}

/* All processes append to the day's file; the kernel leaves the descriptor's position where this
 * write ended. A line that does not fit on the disk is ended by the next one's newline. */
static bool append_line(struct am_event_names *names, struct am_view line, uint64_t *offset) {
    ssize_t written = write(names->file, line.data, line.size);
    off_t end = lseek(names->file, 0, SEEK_CUR);
    if (written != (ssize_t)line.size || end < (off_t)line.size) {
        if (written > 0)
            (void)!write(names->file, "\n", 1);
        return false;
    }
    *offset = (uint64_t)end - line.size;
    return true;
}

void am_event_names_flush(struct am_event_names *names) {
    pthread_mutex_lock(&names->mutex);
    for (size_t at = 0; at < names->waiting_size;) {
        struct waiting_line waiting;
        uint64_t offset;
        memcpy(&waiting, names->waiting + at, sizeof waiting);
        struct am_view line = {names->waiting + at + sizeof waiting, waiting.size};
        at += sizeof waiting + waiting.size;
        if (open_day(names, waiting.day) && append_line(names, line, &offset)) {
            set_place(waiting.entry, offset);
            set_place(waiting.ad_entry, offset);
        } else {
            atomic_fetch_add(&names->lost, 1);
        }
    }
    names->waiting_size = 0;
    pthread_mutex_unlock(&names->mutex);
}

/* ---- finding ---- */

static bool find_offset(struct am_event_names *names, int64_t day, uint64_t key, uint64_t *offset) {
    struct am_event_names_table *table = table_of(names, day, 0);
    if (!table)
        return am_event_names_index_find(names->folder, day, key, offset);
    struct am_event_names_entry *entry = am_event_names_entry(table, key, false);
    uint64_t place = entry ? atomic_load_explicit(&entry->place, memory_order_acquire) : 0;
    *offset = place & ~AM_EVENT_NAMES_WRITTEN;
    return (place & AM_EVENT_NAMES_WRITTEN) != 0;
}

/* The line at an offset of a day, which must have the key. */
static bool read_line(struct am_event_names *names,
                      int64_t day,
                      uint64_t offset,
                      uint64_t key,
                      struct am_event_ad_memory *memory) {
    char path[AM_EVENT_NAMES_PATH_SIZE], line[AM_EVENT_NAMES_LINE_MAX];
    uint64_t found_key = 0, found_ad = 0;
    am_event_names_path("", day, AM_EVENT_NAMES_LINES, path);
    int file = openat(names->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    ssize_t size = pread(file, line, sizeof line, (off_t)offset);
    close(file);
    const char *end = size > 0 ? memchr(line, '\n', (size_t)size) : NULL;
    return end &&
           am_event_names_read((struct am_view){line, (size_t)(end - line)}, memory, &found_key,
                               &found_ad) &&
           (found_key == key || found_ad == key);
}

bool am_event_names_find(struct am_event_names *names,
                         int64_t time,
                         uint64_t ad,
                         uint32_t keyword,
                         struct am_event_ad_memory *memory) {
    uint64_t key = am_event_names_key(ad, keyword), ad_key = am_event_names_key(ad, 0), offset;
    int64_t day = day_of(time);
    if (find_offset(names, day, key, &offset) && read_line(names, day, offset, key, memory))
        return true;
    if (!find_offset(names, day, ad_key, &offset) || !read_line(names, day, offset, ad_key, memory))
        return false;
    memory->names.keyword.size = 0;
    return true;
}

/* ---- the holder ---- */

static bool restore_line(void *context, struct am_view line, uint64_t offset) {
    struct am_event_names_table *table = context;
    struct am_event_ad_memory memory;
    uint64_t keys[2];
    if (!am_event_names_read(line, &memory, &keys[0], &keys[1]))
        return true;
    for (size_t i = 0; i < AM_COUNT_OF(keys); i++) {
        struct am_event_names_entry *entry = am_event_names_entry(table, keys[i], true);
        if (entry && !(atomic_load(&entry->place) & AM_EVENT_NAMES_WRITTEN))
            set_place(entry, offset);
    }
    return true;
}

enum am_code
am_event_names_restore(struct am_event_names *names, int64_t time, struct am_error *error) {
    int64_t day = day_of(time);
    for (int64_t back = 0; back < 2; back++) {
        struct am_event_names_table *table = table_of(names, day - back, names->capacity);
        if (!table)
            return am_error_set_errno(error, AM_E_IO, "cannot make the table of a day's names");
        enum am_code code =
            am_event_names_walk(names->folder, day - back, restore_line, table, error);
        if (code != AM_OK && code != AM_E_NOT_FOUND)
            return code;
    }
    return AM_OK;
}

/* What tidying does with one file of a folder. */
struct tidying {
    struct am_event_names *names;
    int64_t today;
    bool steady;
    enum am_code code;
    struct am_error *error;
};

static bool has_index(const struct am_event_names *names, int64_t day) {
    char path[AM_EVENT_NAMES_PATH_SIZE];
    struct stat status;
    am_event_names_path("", day, AM_EVENT_NAMES_INDEX, path);
    return fstatat(names->folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static void tidy_lines(struct tidying *tidying, const char *name, int64_t day) {
    if (tidying->steady && day < tidying->today - AM_EVENT_NAMES_DAYS) {
        unlinkat(tidying->names->folder, name, 0);
    } else if (day < tidying->today - 1 && !has_index(tidying->names, day)) {
        enum am_code code = am_event_names_index(tidying->names->folder, day, tidying->error);
        tidying->code = code == AM_OK ? tidying->code : code;
    }
}

static void tidy_entry(struct tidying *tidying, const char *name) {
    int64_t day;
    if (am_event_names_day(name, "", AM_EVENT_NAMES_LINES, &day))
        tidy_lines(tidying, name, day);
    else if (am_event_names_day(name, "", AM_EVENT_NAMES_INDEX, &day) && tidying->steady &&
             day < tidying->today - AM_EVENT_NAMES_DAYS)
        unlinkat(tidying->names->folder, name, 0);
    else if (am_event_names_day(name, AM_EVENT_NAMES_TABLE, "", &day) && tidying->steady &&
             (day < tidying->today - 1 || day > tidying->today + 1))
        unlinkat(tidying->names->tmpfs, name, 0);
}

static void tidy_folder(struct tidying *tidying, int folder) {
    struct dirent *entry;
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) {
        tidying->code = am_error_set_errno(tidying->error, AM_E_IO, "cannot list the names");
        if (again >= 0)
            close(again);
        return;
    }
    while ((entry = readdir(stream)))
        tidy_entry(tidying, entry->d_name);
    closedir(stream);
}

enum am_code am_event_names_tidy(struct am_event_names *names,
                                 int64_t now,
                                 bool steady,
                                 struct am_error *error) {
    struct tidying tidying = {names, day_of(now), steady, AM_OK, error};
    tidy_folder(&tidying, names->folder);
    tidy_folder(&tidying, names->tmpfs);
    return tidying.code;
}
