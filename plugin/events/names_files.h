/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: the files of names, and the tables of days. */
#ifndef AM_EVENTS_NAMES_FILES_H
#define AM_EVENTS_NAMES_FILES_H

#include <stdatomic.h>

#include "../base/buffer.h"
#include "names.h"

/* Of a table, in shared memory. */
struct am_event_names_entry {
    _Atomic uint64_t key;   /* 0: free */
    _Atomic uint64_t place; /* see AM_EVENT_NAMES_WRITTEN */
};

/* Set: the rest is the line's offset. Clear: the second in which somebody began to write the line;
 * 0: nobody has. */
#define AM_EVENT_NAMES_WRITTEN (UINT64_C(1) << 63)

struct am_event_names_table {
    uint64_t magic;
    uint64_t capacity; /* a power of two */
    uint64_t unused[6];
    struct am_event_names_entry entries[];
};

static inline size_t am_event_names_table_size(uint64_t capacity) {
    return sizeof(struct am_event_names_table) + capacity * sizeof(struct am_event_names_entry);
}

/* The keys by which a line is found: with its keyword, and (0) of the ad alone. Never 0. */
uint64_t am_event_names_key(uint64_t ad, uint64_t keyword);

/* Maps a day's table in the folder; `capacity` 0 maps only one that is there. NULL with errno. */
struct am_event_names_table *am_event_names_map(int folder, int64_t day, uint64_t capacity);
void am_event_names_unmap(struct am_event_names_table *table);

/* The entry of a key; the free one where it belongs, which gets the key, with `add`; else NULL. */
struct am_event_names_entry *
am_event_names_entry(struct am_event_names_table *table, uint64_t key, bool add);

enum { AM_EVENT_NAMES_PATH_SIZE = 32, AM_EVENT_NAMES_LINE_MAX = 12 << 10 };
/* "2026-12-01" and an ending, behind a beginning. */
void am_event_names_path(const char *beginning,
                         int64_t day,
                         const char *ending,
                         char path[AM_EVENT_NAMES_PATH_SIZE]);
/* The day of such a name; false when it is none. */
bool am_event_names_day(const char *name, const char *beginning, const char *ending, int64_t *day);

#define AM_EVENT_NAMES_TABLE "names-"
#define AM_EVENT_NAMES_LINES ".jsonl"
#define AM_EVENT_NAMES_INDEX ".index"

/* Reads a line of names, and the keys that it has. False when it is none. */
bool am_event_names_read(struct am_view line,
                         struct am_event_ad_memory *memory,
                         uint64_t *key,
                         uint64_t *ad_key);

/* Calls `visit` for each line of a day's file, with its offset. AM_E_NOT_FOUND: there is no such
 * file. AM_E_IO, AM_E_MEMORY. */
typedef bool am_event_names_visit(void *context, struct am_view line, uint64_t offset);
enum am_code am_event_names_walk(
    int folder, int64_t day, am_event_names_visit *visit, void *context, struct am_error *error);

/* Writes DAY.index from DAY.jsonl. AM_E_IO, AM_E_MEMORY. */
enum am_code am_event_names_index(int folder, int64_t day, struct am_error *error);
/* The offset of a key's line by DAY.index. */
bool am_event_names_index_find(int folder, int64_t day, uint64_t key, uint64_t *offset);

#endif
