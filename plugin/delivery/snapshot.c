/* SPDX-License-Identifier: Apache-2.0 */
/* Writing snapshots. By the holder. */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "store.h"
#include "writer.h"

enum { BATCH = 1024, KEPT = 2 };

/* ---- writing ----------------------------------------------------------------------------------
 */

static void put_pool(struct am_ledger_writer *writer,
                     const struct am_ledger *ledger,
                     enum am_ledger_pool_id pool) {
    size_t size = am_ledger_live_item_size(pool);
    for (uint32_t i = 0; i < ledger->header->pools[pool].used; i++)
        am_ledger_writer_put(writer, ledger->pools[pool] + i * size + sizeof(struct am_ledger_item),
                             size - sizeof(struct am_ledger_item));
}

static int64_t line_of(const struct am_ledger_limit *limit) {
    return limit->line == INT64_MAX ? INT64_MAX
                                    : am_ledger_subtract_clamped(limit->line, limit->base);
}

static void put_limit(struct am_ledger_writer *writer, const struct am_ledger_limit *limit) {
    struct am_ledger_snapshot_limit to = {
        .total = limit->total,
        .daily = limit->daily,
        .u0 = limit->u0,
        .w0 = limit->w0,
        .b_weight = limit->b_weight,
        .t0 = limit->t0,
        .b = limit->b,
        .line = line_of(limit),
        .schedule = limit->schedule,
        .flags = limit->flags,
    };
    am_ledger_writer_put(writer, &to, sizeof to);
}

static void put_record(struct am_ledger_writer *writer,
                       const struct am_ledger *ledger,
                       const struct am_ledger_record *record,
                       const struct am_ledger_count_of *counts) {
    static const uint8_t zeros[8];
    struct am_view id = am_ledger_record_id(ledger, record);
    struct am_ledger_snapshot_record to = {
        .above = record->above,
        .start = record->start,
        .end = record->end,
        .day = (int32_t)counts->day,
        .gone = record->gone,
        .zone = record->zone,
        .kind = record->kind,
        .flags = record->flags,
        .id_size = (uint8_t)id.size,
    };
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        to.total[unit] = counts->total[unit];
        to.before[unit] = am_ledger_subtract_clamped(counts->total[unit], counts->today[unit]);
    }
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (record->limits[unit] != AM_LEDGER_NO_INDEX)
            to.limits |= (uint8_t)(1U << unit);
    am_ledger_writer_put(writer, &to, sizeof to);
    am_ledger_writer_put(writer, id.data, id.size);
    am_ledger_writer_put(writer, zeros, (8 - id.size % 8) % 8);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (record->limits[unit] != AM_LEDGER_NO_INDEX)
            put_limit(writer, &ledger->limits[record->limits[unit]]);
}

/* With the lock for a batch at a time; cells that were freed or used anew since are left out. */
static uint32_t put_records(struct am_ledger_writer *writer,
                            struct am_ledger *ledger,
                            const struct am_ledger_counts *counts) {
    uint32_t records = 0;
    for (uint32_t first = 0; first < counts->record_count; first += BATCH) {
        am_ledger_lock(ledger);
        for (uint32_t i = first; i < first + BATCH && i < counts->record_count; i++) {
            const struct am_ledger_record *record = &ledger->records[counts->records[i].cell];
            if (record->key != counts->records[i].key)
                continue;
            put_record(writer, ledger, record, &counts->records[i]);
            records++;
        }
        am_ledger_unlock(ledger);
    }
    return records;
}

static void put_positions(struct am_ledger_writer *writer, const struct am_ledger_counts *counts) {
    for (uint32_t i = 0; i < counts->position_count; i++) {
        struct am_ledger_snapshot_position to = {.slot = counts->positions[i].slot,
                                                 .position = counts->positions[i].position};
        am_ledger_writer_put(writer, &to, sizeof to);
    }
}

/* Terms may change between the pools and the records: a limit whose schedule is younger than the
 * pools in the file gets one at its next publication. */
static struct am_ledger_snapshot_header put_all(struct am_ledger_writer *writer,
                                                struct am_ledger *ledger,
                                                const struct am_ledger_counts *counts) {
    const struct am_ledger_live_header *live = ledger->header;
    am_ledger_lock(ledger);
    struct am_ledger_snapshot_header header = {
        .version = AM_LEDGER_FORMAT_VERSION,
        .header_size = sizeof header,
        .sequence = AM_LEDGER_GET(live->sequence),
        .host = live->geometry.host,
        .epoch = live->geometry.epoch,
        .zones = live->zones_used,
        .curves = live->pools[AM_LEDGER_POOL_CURVES].used,
        .hours = live->pools[AM_LEDGER_POOL_HOURS].used,
        .schedules = live->pools[AM_LEDGER_POOL_SCHEDULES].used,
        .positions = counts->position_count,
        .slots = live->geometry.slots,
    };
    memcpy(header.magic, AM_LEDGER_SNAPSHOT_MAGIC, sizeof header.magic);
    memcpy(header.currency, live->geometry.currency, sizeof header.currency);
    am_ledger_writer_put(writer, &live->traffic, sizeof live->traffic);
    for (uint32_t zone = 0; zone < live->zones_used; zone++)
        am_ledger_writer_put(writer, ledger->zones[zone].name, AM_LEDGER_LIVE_ZONE_NAME);
    put_pool(writer, ledger, AM_LEDGER_POOL_CURVES);
    put_pool(writer, ledger, AM_LEDGER_POOL_HOURS);
    put_pool(writer, ledger, AM_LEDGER_POOL_SCHEDULES);
    am_ledger_unlock(ledger);
    put_positions(writer, counts);
    header.records = put_records(writer, ledger, counts);
    return header;
}

/* The header comes last, since it has the checksum and the counts. */
static enum am_code write_snapshot(struct am_ledger *ledger,
                                   const char *path,
                                   const struct am_ledger_counts *counts,
                                   int64_t now,
                                   struct am_error *error) {
    struct am_ledger_writer writer;
    enum am_code code =
        am_ledger_writer_open(&writer, path, sizeof(struct am_ledger_snapshot_header), error);
    if (code != AM_OK)
        return code;
    struct am_ledger_snapshot_header header = put_all(&writer, ledger, counts);
    header.time = now;
    header.size = sizeof header + writer.size;
    header.checksum = am_ledger_writer_checksum(&writer);
    header.header_checksum = am_ledger_snapshot_header_checksum(&header);
    return am_ledger_writer_close(&writer, &header, error);
}

/* ---- the folder -------------------------------------------------------------------------------
 */

uint64_t am_ledger_snapshot_header_checksum(const struct am_ledger_snapshot_header *header) {
    return XXH3_64bits(&header->checksum,
                       sizeof *header - offsetof(struct am_ledger_snapshot_header, checksum));
}

void am_ledger_snapshot_path(const char *folder, uint64_t number, char *path, size_t size) {
    snprintf(path, size, "%s/snapshot-%010llu", folder, (unsigned long long)number);
}

static void remove_old(const struct am_ledger *ledger, uint64_t newest) {
    char path[PATH_MAX + 32];
    uint64_t number = newest + 1;
    for (unsigned kept = 0; (number = am_ledger_store_newest_snapshot(ledger->folder, number));
         kept++) {
        if (kept < KEPT)
            continue;
        am_ledger_snapshot_path(ledger->folder, number, path, sizeof path);
        unlink(path);
    }
}

enum am_code am_ledger_snapshot(struct am_ledger *ledger, int64_t now, struct am_error *error) {
    char path[PATH_MAX + 32], temporary[PATH_MAX + 48];
    struct am_ledger_counts counts;
    if (!*ledger->folder)
        return am_error_set(error, AM_E_IMPOSSIBLE, "a ledger in private memory has no snapshots");
    uint64_t number = am_ledger_store_newest_snapshot(ledger->folder, UINT64_MAX) + 1;
    am_ledger_snapshot_path(ledger->folder, number, path, sizeof path);
    snprintf(temporary, sizeof temporary, "%s/snapshot.new", ledger->folder);
    enum am_code code = am_ledger_counts_take(ledger, &counts, error);
    if (code == AM_OK)
        code = write_snapshot(ledger, temporary, &counts, now, error);
    if (code == AM_OK && rename(temporary, path) != 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot publish %s", path);
    if (code == AM_OK)
        code = am_ledger_store_sync_folder(ledger, error);
    if (code == AM_OK) {
        AM_LEDGER_SET(ledger->header->unsaved, 0);
        remove_old(ledger, number);
    } else {
        unlink(temporary);
    }
    am_ledger_counts_free(&counts);
    return code;
}
