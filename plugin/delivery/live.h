/* SPDX-License-Identifier: Apache-2.0 */
/* The live file in one process's memory: where its sections are, the lock, the redo list, growth,
 * interned items. Private to the room. */
#ifndef AM_DELIVERY_LIVE_H
#define AM_DELIVERY_LIVE_H

#include <limits.h>
#include <sys/types.h>

#include "layout.h"

struct am_ledger_step_cache;

struct am_ledger {
    unsigned char *base;
    uint64_t size;
    struct am_ledger_live_header *header;
    struct am_ledger_member *members;
    struct am_ledger_slot *slots;
    uint64_t *states;
    struct am_ledger_placement *placements;
    uint16_t *callers;
    uint32_t *directory;
    struct am_ledger_zone *zones;
    uint32_t *heads[AM_LEDGER_POOLS];
    struct am_ledger_record *records;
    struct am_ledger_limit *limits;
    unsigned char *texts;
    unsigned char *pools[AM_LEDGER_POOLS];
    uint64_t begins[AM_LEDGER_LIVE_SECTIONS + 1];
    uint32_t directory_mask; /* its size less 1 */

    int fd;                /* of the live file; -1: private memory */
    int lock_fd;           /* of DIR/lock while this process holds it; else -1 */
    bool recovering;       /* this process must replay the log */
    char folder[PATH_MAX]; /* DIR */
    char home[PATH_MAX];   /* its folder on the tmpfs */
    uint64_t caps_bytes;
    const struct am_timezones *database;
    am_ledger_notify *notify;
    void *context;

    pid_t pid; /* that has joined; 0: none */
    uint32_t member;
    int64_t now;         /* what happens with the lock happens at this time */
    int64_t publish_now; /* of the publication under way, here and below */
    struct am_ledger_publication publication;
    int publisher_fd;              /* its lock; else -1 */
    unsigned publish_milliseconds; /* the wait for that lock */
    struct am_caps *caps;          /* mapped; NULL: not made yet */
    uint64_t caps_size;
    struct am_ledger_step_cache *cache; /* of the process that publishes or steps */
    struct am_delivery_map *maps;       /* that this process keeps for the step */
    int64_t maps_looked;
};

struct am_ledger_worker {
    struct am_ledger *ledger;
    struct am_ledger_slot *slot;
    uint32_t number;
    bool usable; /* am_delivery_begin: limited ads may run */
};

/* ---- words that other threads read or write -----------------------------------------------------
 */

#define AM_LEDGER_GET(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define AM_LEDGER_SET(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
#define AM_LEDGER_GET_ACQUIRE(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#define AM_LEDGER_SET_RELEASE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELEASE)

/* a + b, or the nearest that fits. */
static inline int64_t am_ledger_add_clamped(int64_t a, int64_t b) {
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static inline int64_t am_ledger_subtract_clamped(int64_t a, int64_t b) {
    int64_t difference;
    if (__builtin_sub_overflow(a, b, &difference))
        return b > 0 ? INT64_MIN : INT64_MAX;
    return difference;
}

/* An amount in the scale of a limit of that unit. */
static inline int64_t am_ledger_scaled(enum am_ledger_unit unit, int64_t amount) {
    int64_t scaled;
    if (unit != AM_LEDGER_CLICKS)
        return amount;
    if (__builtin_mul_overflow(amount, AM_PACE_MILLION, &scaled))
        return amount < 0 ? INT64_MIN : INT64_MAX;
    return scaled;
}

static inline uint16_t am_ledger_limit_bit(unsigned kind, unsigned unit) {
    return (uint16_t)(1U << (kind * AM_LEDGER_UNITS + unit));
}

/* ---- geometry -----------------------------------------------------------------------------------
 */

/* Of the options; AM_E_INVALID where one is out of range. */
enum am_code am_ledger_live_geometry_of(const struct am_ledger_options *options,
                                        struct am_ledger_live_geometry *geometry,
                                        struct am_error *error);

/* How many of them the options ask for. */
uint32_t am_ledger_live_cells(const struct am_ledger_options *options);
uint32_t am_ledger_live_slots(const struct am_ledger_options *options);

/* Where each section begins; the last one is the end of the file. False: a count is out of range.
 */
bool am_ledger_live_places(const struct am_ledger_live_geometry *geometry, uint64_t begins[]);

/* Bytes that are allocated when the file is made. */
uint64_t am_ledger_live_fixed_bytes(const struct am_ledger_live_geometry *geometry);

size_t am_ledger_live_item_size(enum am_ledger_pool_id pool);

/* Sets the section pointers of a mapping; its header is sound. */
void am_ledger_live_attach(struct am_ledger *ledger);

/* Fills the header of new, zeroed memory, whose sections are attached. False: the system has no
 * robust mutexes. */
bool am_ledger_live_start(struct am_ledger *ledger, const struct am_ledger_live_geometry *geometry);

/* Why the memory is no live file of this version, or NULL. `size`: of the file. AM_E_VERSION or
 * AM_E_CORRUPT in *code. */
const char *am_ledger_live_problem(const struct am_ledger_live_header *header,
                                   uint64_t size,
                                   enum am_code *code);

/* Allocates a growing section up to `bytes`. AM_E_LIMIT when the tmpfs is full. */
enum am_code am_ledger_live_grow(struct am_ledger *ledger,
                                 enum am_ledger_section section,
                                 uint64_t bytes,
                                 struct am_error *error);

/* ---- lock and redo ------------------------------------------------------------------------------
 */

void am_ledger_lock(struct am_ledger *ledger);
bool am_ledger_try_lock(struct am_ledger *ledger);
void am_ledger_unlock(struct am_ledger *ledger);

/* With the lock: ends a freeze, one's own or that of a dead owner. */
void am_ledger_thaw(struct am_ledger *ledger);

/* With the lock: lists a new value of a word of the file; am_ledger_redo_commit stores all that are
 * listed. At most AM_LEDGER_LIVE_REDO between two commits. */
void am_ledger_redo_put(struct am_ledger *ledger, void *word, size_t size, uint64_t value);
void am_ledger_redo_commit(struct am_ledger *ledger);
void am_ledger_redo_again(struct am_ledger *ledger); /* after a dead owner */

#define am_ledger_redo(ledger, word, value)                                                        \
    am_ledger_redo_put((ledger), &(word), sizeof(word), (uint64_t)(value))

/* ---- interned items, texts, records: all with the lock
 * -------------------------------------------
 */

#define am_ledger_pool_at(ledger, pool, type, index)                                               \
    (&((struct type *)(ledger)->pools[pool])[index])

/* The index of an equal item, made where there is none. `wanted` is a whole item, whose head is
 * ignored. AM_LEDGER_NO_INDEX and an error: no room. Commits by itself. */
uint32_t am_ledger_pool_intern(struct am_ledger *ledger,
                               enum am_ledger_pool_id pool,
                               const void *wanted,
                               struct am_error *error);

/* Frees all items that no limit refers to. Cap sets stay. Never between interning and referring. */
void am_ledger_pool_sweep(struct am_ledger *ledger);
uint32_t am_ledger_pool_heads(const struct am_ledger *ledger,
                              enum am_ledger_pool_id pool); /* their number */
void am_ledger_pools_tidy(struct am_ledger *ledger);        /* the same, where a pool gets full */

/* The zone of that name, added where it is new. AM_LEDGER_NO_INDEX: no room. */
uint32_t
am_ledger_zone_intern(struct am_ledger *ledger, struct am_view name, struct am_error *error);
const struct am_timezone *am_ledger_zone_database(const struct am_ledger *ledger, uint32_t zone);

/* The id of a record. */
struct am_view am_ledger_record_id(const struct am_ledger *ledger,
                                   const struct am_ledger_record *record);

/* Makes a record that counts from 0, in no publication, in UTC. */
uint32_t am_ledger_record_make(struct am_ledger *ledger,
                               enum am_ledger_kind kind,
                               struct am_view id,
                               uint64_t key,
                               int64_t now,
                               struct am_error *error);
void am_ledger_record_free(struct am_ledger *ledger, uint32_t cell);

/* The record's limit of a unit, made (and off) where there is none. */
uint32_t am_ledger_limit_make(struct am_ledger *ledger,
                              uint32_t cell,
                              enum am_ledger_unit unit,
                              struct am_error *error);

/* Sets the terms of a record, as of ledger->now. AM_E_LIMIT: no room; it must not run. */
enum am_code am_ledger_record_set(struct am_ledger *ledger,
                                  uint32_t cell,
                                  const struct am_ledger_terms *terms,
                                  uint32_t mark,
                                  struct am_error *error);
/* Pauses a record by an override, or lifts that pause. [lock] */
void am_ledger_record_halt(struct am_ledger *ledger, uint32_t cell, bool halted);

/* The day of an event at that time in a record's zone. */
int32_t am_ledger_zone_day(const struct am_ledger *ledger, uint32_t zone, int64_t time);

/* ---- days and lines: with the lock
 * ---------------------------------------------------------------
 */

/* Begins a day of a record: what was counted so far is before it. */
void am_ledger_record_begin_day(struct am_ledger *ledger, uint32_t cell, int32_t day);

/* What the thresholds of a limit follow from. */
struct am_ledger_window {
    int64_t total, daily; /* AM_LEDGER_UNLIMITED where there is none */
    bool on;
};
struct am_ledger_window am_ledger_limit_window(const struct am_ledger_limit *limit);

/* Lists counted, base, ceiling, line and lead of a limit after its record's counts or its terms
 * changed; `line` is of the window, INT64_MAX where nothing is paced. */
void am_ledger_limit_redo(struct am_ledger *ledger,
                          struct am_ledger_limit *limit,
                          const struct am_ledger_window *window,
                          int64_t counted,
                          int64_t before,
                          int64_t line);

/* Folds the queue of one slot, or of all, or of those that found the lock taken. */
void am_ledger_fold(struct am_ledger *ledger, uint32_t number);
void am_ledger_fold_all(struct am_ledger *ledger);
void am_ledger_fold_missed(struct am_ledger *ledger);
bool am_ledger_missed(const struct am_ledger *ledger);

/* Has a line logged. Without the lock. */
static inline void am_ledger_warn(const struct am_ledger *ledger, const char *text) {
    struct am_ledger_notice notice = {.what = AM_LEDGER_WARNING, .text = text};
    if (ledger->notify)
        ledger->notify(ledger->context, &notice);
}

/* Fills the running days of all zones for `now`; only for a process with the database. */
void am_ledger_zones_look(struct am_ledger *ledger, int64_t now);
void am_ledger_zone_look(struct am_ledger *ledger, uint32_t index, int64_t now);
/* When a day of a record's zone begins. */
int64_t am_ledger_zone_day_start(const struct am_ledger *ledger, uint32_t zone, int32_t day);

/* The process's own memory for stepping and publishing; freed by am_ledger_step_cache_free. */
enum am_code am_ledger_step_cache_make(struct am_ledger *ledger, struct am_error *error);
void am_ledger_step_cache_free(struct am_ledger *ledger);

/* W of a schedule, from 1970 on: now, and at another time after it was asked for now.
 * AM_LEDGER_NO_INDEX: 1 each. */
uint64_t am_ledger_schedule_weighed(struct am_ledger *ledger, uint32_t index, int64_t now);
uint64_t am_ledger_schedule_weighed_at(struct am_ledger *ledger, uint32_t index, int64_t time);

/* The schedule of a curve for a record in `zone`; with kind TRAFFIC, on the curve `traffic`.
 * AM_LEDGER_NO_INDEX and an error when there is no room. */
uint32_t am_ledger_schedule_intern(struct am_ledger *ledger,
                                   const struct am_pace_curve_spec *spec,
                                   uint32_t zone,
                                   uint32_t traffic,
                                   struct am_error *error);
/* The learned curve as it is now, interned; AM_LEDGER_NO_INDEX: flat (or no room: then flat, too).
 */
uint32_t am_ledger_traffic_curve(struct am_ledger *ledger);
/* The same schedule on another traffic curve. */
uint32_t am_ledger_schedule_reread(struct am_ledger *ledger, uint32_t index, uint32_t traffic);

/* A descriptor of DIR/lock, locked; -1: another process has it. */
int am_ledger_take_lock(const struct am_ledger *ledger);

/* Gives the process's member back; its workers are gone. */
void am_ledger_leave(struct am_ledger *ledger);

/* Anchors all lines below records whose pause was lifted. Takes the lock. */
void am_ledger_anchor_resumed(struct am_ledger *ledger, int64_t now);

/* Whether a map that this process keeps refers to a cell. */
bool am_delivery_maps_refer_to(const struct am_ledger *ledger, uint32_t cell);
void am_delivery_maps_close(struct am_ledger *ledger);

enum am_ledger_anchor {
    AM_LEDGER_ANCHOR_NOW,   /* at (now, used) */
    AM_LEDGER_ANCHOR_DAY,   /* at (start of the day, 0) */
    AM_LEDGER_ANCHOR_START, /* at (start of the flight, 0) */
    AM_LEDGER_ANCHOR_LINE,  /* at (now, the line's own value) */
};
/* Anchors a limit and writes its line for `now`. Commits. */
void am_ledger_limit_anchor(struct am_ledger *ledger,
                            struct am_ledger_limit *limit,
                            enum am_ledger_anchor where,
                            int64_t now);

#endif
