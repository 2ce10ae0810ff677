/* Writing snapshots. By the holder. */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "store.h"

enum { BUFFER = 1 << 20, BATCH = 1024, KEPT = 2 };

/* ---- what is of one moment --------------------------------------------------------------------
 */

/* A record's counts, with the key by which a cell that was freed meanwhile is known. */
struct counts {
    uint64_t key;
    int64_t total[AM_LEDGER_UNITS], before[AM_LEDGER_UNITS];
    int32_t day;
};

struct moment {
    struct counts *counts; /* by cell */
    uint32_t count;
    struct am_snapshot_position *positions;
    uint32_t position_count;
    uint64_t sequence;
};

static void copy_counts(const struct am_ledger *ledger, struct moment *moment) {
    for (uint32_t cell = 0; cell < moment->count; cell++) {
        const struct am_record *record = &ledger->records[cell];
        struct counts *counts = &moment->counts[cell];
        counts->key = record->flags & AM_RECORD_USED ? record->key : 0;
        memcpy(counts->total, record->total, sizeof counts->total);
        memcpy(counts->before, record->before, sizeof counts->before);
        counts->day = record->day;
    }
}

static void copy_positions(const struct am_ledger *ledger, struct moment *moment) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_slot *slot = &ledger->slots[number];
        if (slot->has_position)
            moment->positions[moment->position_count++] =
                (struct am_snapshot_position){.slot = number, .position = slot->position};
    }
}

static enum am_code
take_moment(struct am_ledger *ledger, struct moment *moment, struct am_error *error) {
    uint32_t room = am_ledger_cells(ledger) + BATCH;
    *moment = (struct moment){
        .counts = malloc(room * sizeof *moment->counts),
        .positions = malloc((size_t)ledger->header->geometry.slots * sizeof *moment->positions),
    };
    if (!moment->counts || !moment->positions)
        return am_error_set(error, AM_E_MEMORY, "out of memory: a snapshot of the ledger");
    am_ledger_lock(ledger);
    am_ledger_fold_all(ledger);
    moment->count = ledger->header->records_used < room ? ledger->header->records_used : room;
    moment->sequence = am_get(ledger->header->sequence);
    copy_counts(ledger, moment);
    copy_positions(ledger, moment);
    am_ledger_unlock(ledger);
    return AM_OK;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

struct writer {
    int fd;
    bool failed; /* errno says how */
    unsigned char *buffer;
    size_t held;
    uint64_t size; /* of what is behind the header */
    XXH3_state_t *hash;
};

static void flush(struct writer *writer) {
    size_t done = 0;
    while (!writer->failed && done < writer->held) {
        ssize_t written = write(writer->fd, writer->buffer + done, writer->held - done);
        if (written > 0)
            done += (size_t)written;
        else if (written == 0 || errno != EINTR)
            writer->failed = true;
    }
    writer->held = 0;
}

static void put(struct writer *writer, const void *bytes, size_t size) {
    if (writer->held + size > BUFFER)
        flush(writer);
    memcpy(writer->buffer + writer->held, bytes, size);
    writer->held += size;
    writer->size += size;
    XXH3_64bits_update(writer->hash, bytes, size);
}

static void put_pool(struct writer *writer, const struct am_ledger *ledger, enum am_pool_id pool) {
    size_t size = am_live_item_size(pool);
    for (uint32_t i = 0; i < ledger->header->pools[pool].used; i++)
        put(writer, ledger->pools[pool] + i * size + sizeof(struct am_item),
            size - sizeof(struct am_item));
}

static int64_t line_of(const struct am_limit *limit) {
    return limit->line == INT64_MAX ? INT64_MAX : am_subtract_clamped(limit->line, limit->base);
}

static void put_limit(struct writer *writer, const struct am_limit *limit) {
    struct am_snapshot_limit to = {
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
    put(writer, &to, sizeof to);
}

static void put_record(struct writer *writer,
                       const struct am_ledger *ledger,
                       const struct am_record *record,
                       const struct counts *counts) {
    static const uint8_t zeros[8];
    struct am_view id = am_record_id(ledger, record);
    struct am_snapshot_record to = {
        .above = record->above,
        .start = record->start,
        .end = record->end,
        .day = counts->day,
        .gone = record->gone,
        .zone = record->zone,
        .kind = record->kind,
        .flags = record->flags,
        .id_size = (uint8_t)id.size,
    };
    memcpy(to.total, counts->total, sizeof to.total);
    memcpy(to.before, counts->before, sizeof to.before);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (record->limits[unit] != AM_NO_INDEX)
            to.limits |= (uint8_t)(1U << unit);
    put(writer, &to, sizeof to);
    put(writer, id.data, id.size);
    put(writer, zeros, (8 - id.size % 8) % 8);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        if (record->limits[unit] != AM_NO_INDEX)
            put_limit(writer, &ledger->limits[record->limits[unit]]);
}

/* With the lock for a batch at a time; cells that were freed or used anew since are left out. */
static uint32_t
put_records(struct writer *writer, struct am_ledger *ledger, const struct moment *moment) {
    uint32_t records = 0;
    for (uint32_t first = 0; first < moment->count; first += BATCH) {
        am_ledger_lock(ledger);
        for (uint32_t cell = first; cell < first + BATCH && cell < moment->count; cell++) {
            const struct am_record *record = &ledger->records[cell];
            if (!moment->counts[cell].key || record->key != moment->counts[cell].key)
                continue;
            put_record(writer, ledger, record, &moment->counts[cell]);
            records++;
        }
        am_ledger_unlock(ledger);
    }
    return records;
}

/* Terms may change between the pools and the records: a limit whose schedule is younger than the
 * pools in the file gets one at its next publication. */
static struct am_snapshot_header
put_all(struct writer *writer, struct am_ledger *ledger, const struct moment *moment) {
    const struct am_live_header *live = ledger->header;
    am_ledger_lock(ledger);
    struct am_snapshot_header header = {
        .version = AM_LEDGER_FORMAT_VERSION,
        .header_size = sizeof header,
        .sequence = moment->sequence,
        .published = live->published,
        .host = live->geometry.host,
        .epoch = live->geometry.epoch,
        .zones = live->zones_used,
        .curves = live->pools[AM_POOL_CURVES].used,
        .hours = live->pools[AM_POOL_HOURS].used,
        .schedules = live->pools[AM_POOL_SCHEDULES].used,
        .positions = moment->position_count,
    };
    memcpy(header.magic, AM_SNAPSHOT_MAGIC, sizeof header.magic);
    memcpy(header.published_digest, live->published_digest, sizeof header.published_digest);
    memcpy(header.currency, live->geometry.currency, sizeof header.currency);
    put(writer, &live->traffic, sizeof live->traffic);
    for (uint32_t zone = 0; zone < live->zones_used; zone++)
        put(writer, ledger->zones[zone].name, AM_LIVE_ZONE_NAME);
    put_pool(writer, ledger, AM_POOL_CURVES);
    put_pool(writer, ledger, AM_POOL_HOURS);
    put_pool(writer, ledger, AM_POOL_SCHEDULES);
    am_ledger_unlock(ledger);
    put(writer, moment->positions, moment->position_count * sizeof *moment->positions);
    header.records = put_records(writer, ledger, moment);
    return header;
}

/* The header comes last, since it has the checksum and the counts. */
static bool write_file(struct writer *writer,
                       struct am_ledger *ledger,
                       const struct moment *moment,
                       int64_t now) {
    if (lseek(writer->fd, sizeof(struct am_snapshot_header), SEEK_SET) < 0)
        return false;
    XXH3_64bits_reset(writer->hash);
    struct am_snapshot_header header = put_all(writer, ledger, moment);
    flush(writer);
    header.time = now;
    header.size = sizeof header + writer->size;
    header.checksum = XXH3_64bits_digest(writer->hash);
    header.header_checksum = am_snapshot_header_checksum(&header);
    return !writer->failed &&
           pwrite(writer->fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
           fdatasync(writer->fd) == 0;
}

static enum am_code write_snapshot(struct am_ledger *ledger,
                                   const char *path,
                                   const struct moment *moment,
                                   int64_t now,
                                   struct am_error *error) {
    struct writer writer = {.buffer = malloc(BUFFER), .hash = XXH3_createState()};
    writer.fd = writer.buffer && writer.hash
                    ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)
                    : -1;
    bool written = writer.fd >= 0 && write_file(&writer, ledger, moment, now);
    enum am_code code = AM_OK;
    if (!writer.buffer || !writer.hash)
        code = am_error_set(error, AM_E_MEMORY, "out of memory: a snapshot of the ledger");
    else if (!written)
        code = am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    if (writer.fd >= 0)
        close(writer.fd);
    XXH3_freeState(writer.hash);
    free(writer.buffer);
    return code;
}

/* ---- the folder -------------------------------------------------------------------------------
 */

uint64_t am_snapshot_header_checksum(const struct am_snapshot_header *header) {
    return XXH3_64bits(&header->checksum,
                       sizeof *header - offsetof(struct am_snapshot_header, checksum));
}

bool am_snapshot_number(const char *name, uint64_t *number) {
    unsigned long long read;
    int end = 0;
    if (sscanf(name, "snapshot-%20llu%n", &read, &end) != 1 || name[end])
        return false;
    *number = read;
    return true;
}

void am_snapshot_path(const char *folder, uint64_t number, char *path, size_t size) {
    snprintf(path, size, "%s/snapshot-%010llu", folder, (unsigned long long)number);
}

uint64_t am_snapshot_newest(const char *folder, uint64_t below) {
    DIR *listing = opendir(folder);
    struct dirent *entry;
    uint64_t newest = 0, number;
    while (listing && (entry = readdir(listing)))
        if (am_snapshot_number(entry->d_name, &number) && number < below && number > newest)
            newest = number;
    if (listing)
        closedir(listing);
    return newest;
}

static void remove_old(const struct am_ledger *ledger, uint64_t newest) {
    char path[PATH_MAX + 32];
    uint64_t number = newest + 1;
    for (unsigned kept = 0; (number = am_snapshot_newest(ledger->folder, number)); kept++) {
        if (kept < KEPT)
            continue;
        am_snapshot_path(ledger->folder, number, path, sizeof path);
        unlink(path);
    }
}

enum am_code am_ledger_snapshot(struct am_ledger *ledger, int64_t now, struct am_error *error) {
    char path[PATH_MAX + 32], temporary[PATH_MAX + 48];
    struct moment moment;
    if (!*ledger->folder)
        return am_error_set(error, AM_E_STATE, "a ledger in private memory has no snapshots");
    uint64_t number = am_snapshot_newest(ledger->folder, UINT64_MAX) + 1;
    am_snapshot_path(ledger->folder, number, path, sizeof path);
    snprintf(temporary, sizeof temporary, "%s/snapshot.new", ledger->folder);
    enum am_code code = take_moment(ledger, &moment, error);
    if (code == AM_OK)
        code = write_snapshot(ledger, temporary, &moment, now, error);
    if (code == AM_OK && rename(temporary, path) != 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot publish %s", path);
    if (code == AM_OK)
        code = am_store_sync_folder(ledger, error);
    if (code == AM_OK)
        remove_old(ledger, number);
    else
        unlink(temporary);
    free(moment.counts);
    free(moment.positions);
    return code;
}
