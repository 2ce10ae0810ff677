/* SPDX-License-Identifier: Apache-2.0 */
/* Publications: the terms of all records, in the order of time; and overrides. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../base/file_lock.h"
#include "live.h"

#define IS_OLDER                                                                                   \
    "another instance has published a newer inventory: its budgets and pauses stay, and this one " \
    "changes none"

enum { BATCH = 1024 }; /* records for which the lock is kept */

static void notify(const struct am_ledger *ledger,
                   enum am_ledger_notice_kind what,
                   enum am_ledger_kind kind,
                   struct am_view id) {
    struct am_ledger_notice notice = {.what = what, .kind = kind, .id = id};
    if (ledger->notify)
        ledger->notify(ledger->context, &notice);
}

/* The step and a publication may be on two threads of a process: each has its time. */
static void publisher_lock(struct am_ledger *ledger) {
    am_ledger_lock(ledger);
    ledger->now = ledger->publish_now;
}

static enum am_code put(struct am_ledger *ledger,
                        const struct am_ledger_terms *terms,
                        uint32_t mark,
                        uint32_t *cell,
                        struct am_error *error) {
    uint64_t key = am_model_key((enum am_model_record)terms->kind, terms->id);
    publisher_lock(ledger);
    uint32_t found = am_ledger_find(ledger, key), made = AM_LEDGER_NO_CELL;
    if (found == AM_LEDGER_NO_CELL)
        found = made =
            am_ledger_record_make(ledger, terms->kind, terms->id, key, ledger->now, error);
    enum am_code code = found == AM_LEDGER_NO_CELL ? AM_E_LIMIT : AM_OK;
    if (code == AM_OK &&
        !am_view_equal(am_ledger_record_id(ledger, &ledger->records[found]), terms->id))
        code = am_error_set(
            error, AM_E_INVALID, "the ids \"%.*s\" and \"%.*s\" have the same hash: change one",
            AM_VIEW_ARGUMENTS(terms->id),
            AM_VIEW_ARGUMENTS(am_ledger_record_id(ledger, &ledger->records[found])));
    if (code == AM_OK)
        code = am_ledger_record_set(ledger, found, terms, mark, error);
    am_ledger_unlock(ledger);
    if (made != AM_LEDGER_NO_CELL)
        notify(ledger, AM_LEDGER_MADE, terms->kind, terms->id);
    if (cell)
        *cell = code == AM_OK ? found : AM_LEDGER_CLOSED_CELL;
    return code;
}

/* ---- pauses that are lifted -------------------------------------------------------------------
 */

static bool is_resumed(const struct am_ledger *ledger, const struct am_ledger_record *record) {
    for (unsigned level = 0; level < AM_LEDGER_KINDS; level++) {
        if (record->flags & AM_LEDGER_RECORD_RESUMED)
            return true;
        uint32_t above = record->above ? am_ledger_find(ledger, record->above) : AM_LEDGER_NO_CELL;
        if (above == AM_LEDGER_NO_CELL)
            return false;
        record = &ledger->records[above];
    }
    return false;
}

static void
anchor_record(struct am_ledger *ledger, const struct am_ledger_record *record, int64_t now) {
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        if (limit->flags & AM_LEDGER_LIMIT_PACED)
            am_ledger_limit_anchor(ledger, limit, AM_LEDGER_ANCHOR_NOW, now);
    }
}

/* Does it for each record, with the lock for a batch at a time. */
static void for_each_record(struct am_ledger *ledger,
                            int64_t now,
                            void work(struct am_ledger *ledger, struct am_ledger_record *record)) {
    for (uint32_t first = 0; first < am_ledger_cells(ledger); first += BATCH) {
        am_ledger_lock(ledger);
        ledger->now = now;
        uint32_t end = ledger->header->records_used;
        for (uint32_t cell = first; cell < first + BATCH && cell < end; cell++)
            if (ledger->records[cell].flags & AM_LEDGER_RECORD_USED)
                work(ledger, &ledger->records[cell]);
        am_ledger_unlock(ledger);
    }
}

static void anchor_below(struct am_ledger *ledger, struct am_ledger_record *record) {
    if (is_resumed(ledger, record))
        anchor_record(ledger, record, ledger->now);
}

static void forget_resumed(struct am_ledger *ledger, struct am_ledger_record *record) {
    (void)ledger;
    AM_LEDGER_SET(record->flags, (uint8_t)(record->flags & ~AM_LEDGER_RECORD_RESUMED));
}

void am_ledger_anchor_resumed(struct am_ledger *ledger, int64_t now) {
    if (!AM_LEDGER_GET(ledger->header->resumed))
        return;
    for_each_record(ledger, now, anchor_below);
    for_each_record(ledger, now, forget_resumed);
    AM_LEDGER_SET(ledger->header->resumed, 0);
}

/* ---- publications -----------------------------------------------------------------------------
 */

/* One publisher at a time: the lock goes with its process. A stopped one keeps it. */
static enum am_code publisher_enter(struct am_ledger *ledger, struct am_error *error) {
    if (ledger->fd < 0)
        return AM_OK;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/publisher", ledger->home);
    ledger->publisher_fd = am_file_lock(path, ledger->publish_milliseconds);
    if (ledger->publisher_fd >= 0)
        return AM_OK;
    if (errno == ETIMEDOUT)
        return am_error_set(error, AM_E_IO,
                            "another process has been publishing to the ledger %s for %u seconds, "
                            "or is stopped: see who has %s open",
                            ledger->folder, ledger->publish_milliseconds / 1000, path);
    return am_error_set_errno(error, AM_E_IO, "cannot lock %s", path);
}

static void publisher_leave(struct am_ledger *ledger) {
    if (ledger->publisher_fd >= 0)
        close(ledger->publisher_fd);
    ledger->publisher_fd = -1;
}

int64_t am_ledger_publication_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec;
}

/* A last publication of a time to come is of another clock: it says nothing about the order. */
static bool is_older(const struct am_ledger_live_header *header,
                     const struct am_ledger_publication *publication) {
    if (header->published > am_ledger_publication_time())
        return false;
    if (publication->time != header->published)
        return publication->time < header->published;
    return memcmp(publication->digest, header->published_digest, sizeof publication->digest) < 0;
}

static enum am_code check_publication(const struct am_ledger *ledger,
                                      const struct am_ledger_publication *publication,
                                      struct am_error *error) {
    const struct am_ledger_live_header *header = ledger->header;
    if (strncmp(header->geometry.currency, publication->currency, 3) != 0)
        return am_error_set(error, AM_E_INVALID,
                            "the ledger is kept in %.3s, the inventory is in %.3s: an account "
                            "keeps its currency; name another folder with admatch-ledger",
                            header->geometry.currency, publication->currency);
    if (is_older(header, publication))
        return am_error_set(error, AM_E_CHANGED, IS_OLDER);
    return AM_OK;
}

enum am_code am_ledger_publish_begin(struct am_ledger *ledger,
                                     const struct am_ledger_publication *publication,
                                     int64_t now,
                                     struct am_error *error) {
    enum am_code code = am_ledger_step_cache_make(ledger, error);
    if (code == AM_OK)
        code = publisher_enter(ledger, error);
    if (code != AM_OK)
        return code;
    am_ledger_lock(ledger);
    code = check_publication(ledger, publication, error);
    if (code == AM_OK) {
        ledger->now = ledger->publish_now = now;
        ledger->publication = *publication;
        AM_LEDGER_SET(ledger->header->mark, ledger->header->mark + 1);
        am_ledger_pools_tidy(ledger);
        am_ledger_zones_look(ledger, now);
    }
    am_ledger_unlock(ledger);
    if (code != AM_OK)
        publisher_leave(ledger);
    if (code == AM_E_CHANGED)
        am_ledger_warn(ledger, IS_OLDER);
    return code;
}

enum am_code am_ledger_put(struct am_ledger *ledger,
                           const struct am_ledger_terms *terms,
                           uint32_t *cell,
                           struct am_error *error) {
    return put(ledger, terms, AM_LEDGER_GET(ledger->header->mark), cell, error);
}

void am_ledger_publish_abandon(struct am_ledger *ledger) {
    publisher_leave(ledger);
}

/* A record that was not put is gone from today on. Its limits go on: it may be in flight. */
static void mark_gone(struct am_ledger *ledger, struct am_ledger_record *record) {
    if (record->mark == ledger->header->mark || record->gone)
        return;
    int32_t day = am_ledger_zone_day(ledger, 0, ledger->now);
    AM_LEDGER_SET(record->gone, day ? day : 1);
}

void am_ledger_publish_end(struct am_ledger *ledger) {
    struct am_ledger_live_header *header = ledger->header;
    for_each_record(ledger, ledger->publish_now, mark_gone);
    am_ledger_anchor_resumed(ledger, ledger->publish_now);
    am_ledger_lock(ledger);
    uint64_t digest[2];
    memcpy(digest, ledger->publication.digest, sizeof digest);
    am_ledger_redo(ledger, header->published, ledger->publication.time);
    for (unsigned i = 0; i < 2; i++)
        am_ledger_redo_put(ledger, header->published_digest + (size_t)i * 8, 8, digest[i]);
    am_ledger_redo_commit(ledger);
    am_ledger_unlock(ledger);
    publisher_leave(ledger);
}

enum am_code am_ledger_set(struct am_ledger *ledger,
                           const struct am_ledger_terms *terms,
                           int64_t now,
                           uint32_t *cell,
                           struct am_error *error) {
    enum am_code code = am_ledger_step_cache_make(ledger, error);
    if (code == AM_OK)
        code = publisher_enter(ledger, error);
    if (code != AM_OK)
        return code;
    ledger->publish_now = now;
    publisher_lock(ledger);
    am_ledger_zones_look(ledger, now);
    am_ledger_unlock(ledger);
    code = put(ledger, terms, AM_LEDGER_GET(ledger->header->mark), cell, error);
    am_ledger_anchor_resumed(ledger, now);
    publisher_leave(ledger);
    return code;
}

enum am_code am_ledger_halt(
    struct am_ledger *ledger, uint32_t cell, bool halted, int64_t now, struct am_error *error) {
    enum am_code code = am_ledger_step_cache_make(ledger, error);
    if (code != AM_OK)
        return code;
    am_ledger_lock(ledger);
    ledger->now = now;
    if (cell < ledger->header->records_used &&
        (ledger->records[cell].flags & AM_LEDGER_RECORD_USED))
        am_ledger_record_halt(ledger, cell, halted);
    else
        code = am_error_set(error, AM_E_NOT_FOUND, "there is no such record in the ledger");
    am_ledger_unlock(ledger);
    am_ledger_anchor_resumed(ledger, now);
    return code;
}
