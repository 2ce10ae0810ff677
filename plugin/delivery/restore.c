/* SPDX-License-Identifier: Apache-2.0 */
/* Loading snapshots, and replaying the log behind them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "snapshot.h"
#include "store.h"

enum { SEQUENCE_AHEAD = 1 << 20 };

struct am_ledger_snapshot_file {
    const unsigned char *bytes;
    size_t size;
    bool mapped;
    const struct am_ledger_snapshot_header *header;
};

/* ---- opening ----------------------------------------------------------------------------------
 */

static const char *
problem(const struct am_ledger_snapshot_header *header, size_t size, enum am_code *code) {
    *code = AM_E_CORRUPT;
    if (size < sizeof *header ||
        memcmp(header->magic, AM_LEDGER_SNAPSHOT_MAGIC, sizeof header->magic) != 0)
        return "it does not begin like one";
    if (header->version != AM_LEDGER_FORMAT_VERSION) {
        *code = AM_E_VERSION;
        return "it has another format version";
    }
    if (header->header_size != sizeof *header || header->size != size)
        return "its size is not what its header says";
    if (header->header_checksum != am_ledger_snapshot_header_checksum(header))
        return "its header's checksum is wrong";
    if (header->time < AM_TIME_MIN || header->time > AM_TIME_MAX)
        return "it is of no time";
    if (header->checksum != XXH3_64bits(header + 1, size - sizeof *header))
        return "its checksum is wrong";
    return NULL;
}

enum am_code am_ledger_snapshot_open_memory(const void *bytes,
                                            size_t size,
                                            struct am_ledger_snapshot_file **opened,
                                            struct am_error *error) {
    enum am_code code;
    const char *reason = problem(bytes, size, &code);
    if (reason)
        return am_error_set(error, code, "not a snapshot that can be used: %s", reason);
    struct am_ledger_snapshot_file *snapshot = malloc(sizeof *snapshot);
    if (!snapshot)
        return am_error_set(error, AM_E_MEMORY, "out of memory: a snapshot");
    *snapshot = (struct am_ledger_snapshot_file){.bytes = bytes, .size = size, .header = bytes};
    *opened = snapshot;
    return AM_OK;
}

static enum am_code
open_file(const char *path, struct am_ledger_snapshot_file **opened, struct am_error *error) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0) {
        am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
        if (fd >= 0)
            close(fd);
        return AM_E_IO;
    }
    size_t size = (size_t)status.st_size;
    void *bytes =
        size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED)
        return am_error_set(error, size ? AM_E_MEMORY : AM_E_CORRUPT, "cannot map %s", path);
    struct am_ledger_snapshot_file *snapshot = NULL;
    enum am_code code = am_ledger_snapshot_open_memory(bytes, size, &snapshot, error);
    if (snapshot)
        snapshot->mapped = true;
    else
        munmap(bytes, size);
    *opened = snapshot;
    return code;
}

enum am_code am_ledger_snapshot_open(const char *folder,
                                     struct am_ledger_snapshot_file **snapshot,
                                     struct am_error *error) {
    char path[PATH_MAX + 32];
    enum am_code code = AM_OK;
    *snapshot = NULL;
    for (uint64_t number = UINT64_MAX;
         (number = am_ledger_store_newest_snapshot(folder, number));) {
        am_ledger_snapshot_path(folder, number, path, sizeof path);
        struct am_error why = {.code = AM_OK};
        enum am_code status = open_file(path, snapshot, &why);
        if (status == AM_OK)
            return AM_OK;
        if (code == AM_OK)
            code = am_error_set(error, status, "%s: %s", path, why.message);
        if (status != AM_E_CORRUPT)
            return code;
    }
    return code;
}

void am_ledger_snapshot_close(struct am_ledger_snapshot_file *snapshot) {
    if (snapshot && snapshot->mapped)
        munmap((void *)(uintptr_t)snapshot->bytes, snapshot->size);
    free(snapshot);
}

uint32_t am_ledger_snapshot_records(const struct am_ledger_snapshot_file *snapshot) {
    return snapshot->header->records;
}

uint32_t am_ledger_snapshot_slots(const struct am_ledger_snapshot_file *snapshot) {
    return snapshot->header->slots;
}

enum am_code am_ledger_snapshot_account(const struct am_ledger_snapshot_file *snapshot,
                                        struct am_ledger_live_geometry *geometry,
                                        struct am_error *error) {
    const struct am_ledger_snapshot_header *header = snapshot->header;
    if (strncmp(header->currency, geometry->currency, 3) != 0)
        return am_error_set(error, AM_E_INVALID,
                            "the ledger is kept in %.3s, the inventory is in %.3s: an account "
                            "keeps its currency; name another folder with admatch-ledger",
                            header->currency, geometry->currency);
    geometry->host = header->host;
    geometry->epoch = header->epoch;
    return AM_OK;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* What of a snapshot is not read yet, and the numbers that its items got here. */
struct reader {
    const unsigned char *at, *end;
    struct am_ledger *ledger;
    const struct am_ledger_snapshot_header *header;
    uint32_t *zones, *curves, *hours, *schedules;
    struct am_error *error;
};

static enum am_code corrupt(const struct reader *reader, const char *what) {
    return am_error_set(reader->error, AM_E_CORRUPT, "the snapshot is damaged: %s", what);
}

/* The next `size` bytes, or NULL. */
static const void *take(struct reader *reader, uint64_t size) {
    if (size > (uint64_t)(reader->end - reader->at))
        return NULL;
    const void *bytes = reader->at;
    reader->at += size;
    return bytes;
}

static uint32_t renumbered(const uint32_t *numbers, uint32_t count, uint32_t index) {
    return index < count ? numbers[index] : AM_LEDGER_NO_INDEX;
}

static enum am_code read_zones(struct reader *reader) {
    for (uint32_t i = 0; i < reader->header->zones; i++) {
        const char *name = take(reader, AM_LEDGER_LIVE_ZONE_NAME);
        if (!name || !memchr(name, '\0', AM_LEDGER_LIVE_ZONE_NAME))
            return corrupt(reader, "a time zone has no name");
        reader->zones[i] = am_ledger_zone_intern(reader->ledger, am_view_of(name), reader->error);
        if (reader->zones[i] == AM_LEDGER_NO_INDEX)
            return AM_E_LIMIT;
    }
    return AM_OK;
}

/* Curves or hours: whose contents refer to nothing. */
static enum am_code
read_items(struct reader *reader, enum am_ledger_pool_id pool, uint32_t count, uint32_t *numbers) {
    union {
        struct am_ledger_curve curve;
        struct am_ledger_hours hours;
    } item;
    size_t size = am_ledger_live_item_size(pool) - sizeof(struct am_ledger_item);
    for (uint32_t i = 0; i < count; i++) {
        const void *bytes = take(reader, size);
        if (!bytes)
            return corrupt(reader, "it ends within its curves");
        memcpy((unsigned char *)&item + sizeof(struct am_ledger_item), bytes, size);
        numbers[i] = am_ledger_pool_intern(reader->ledger, pool, &item, reader->error);
        if (numbers[i] == AM_LEDGER_NO_INDEX)
            return AM_E_LIMIT;
    }
    return AM_OK;
}

static enum am_code read_schedules(struct reader *reader) {
    const struct am_ledger_snapshot_header *header = reader->header;
    struct am_ledger_schedule schedule;
    size_t size = sizeof schedule - sizeof schedule.item;
    for (uint32_t i = 0; i < header->schedules; i++) {
        const void *bytes = take(reader, size);
        if (!bytes)
            return corrupt(reader, "it ends within its schedules");
        memcpy((unsigned char *)&schedule + sizeof schedule.item, bytes, size);
        if (schedule.zone >= header->zones || schedule.hours_zone >= header->zones)
            return corrupt(reader, "a schedule has no time zone");
        schedule.zone = (uint16_t)reader->zones[schedule.zone];
        schedule.hours_zone = (uint16_t)reader->zones[schedule.hours_zone];
        schedule.curve = renumbered(reader->curves, header->curves, schedule.curve);
        schedule.hours = renumbered(reader->hours, header->hours, schedule.hours);
        reader->schedules[i] = am_ledger_pool_intern(reader->ledger, AM_LEDGER_POOL_SCHEDULES,
                                                     &schedule, reader->error);
        if (reader->schedules[i] == AM_LEDGER_NO_INDEX)
            return AM_E_LIMIT;
    }
    return AM_OK;
}

static enum am_code read_positions(struct reader *reader) {
    for (uint32_t i = 0; i < reader->header->positions; i++) {
        struct am_ledger_snapshot_position position;
        const void *bytes = take(reader, sizeof position);
        if (!bytes)
            return corrupt(reader, "it ends within its positions");
        memcpy(&position, bytes, sizeof position);
        if (position.slot >= reader->ledger->header->geometry.slots)
            return corrupt(reader, "a position is of no slot");
        struct am_ledger_slot *slot = &reader->ledger->slots[position.slot];
        slot->position = position.position;
        slot->has_position = 1;
    }
    return AM_OK;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static enum am_code read_limit(struct reader *reader, uint32_t cell, enum am_ledger_unit unit) {
    struct am_ledger *ledger = reader->ledger;
    const struct am_ledger_record *record = &ledger->records[cell];
    struct am_ledger_snapshot_limit from;
    const void *bytes = take(reader, sizeof from);
    if (!bytes)
        return corrupt(reader, "it ends within a limit");
    memcpy(&from, bytes, sizeof from);
    uint32_t index = am_ledger_limit_make(ledger, cell, unit, reader->error);
    if (index == AM_LEDGER_NO_INDEX)
        return AM_E_LIMIT;
    struct am_ledger_limit *limit = &ledger->limits[index];
    limit->total = from.total;
    limit->daily = from.daily;
    limit->u0 = from.u0;
    limit->w0 = from.w0;
    limit->b_weight = from.b_weight;
    limit->t0 = from.t0;
    limit->b = from.b;
    limit->schedule = renumbered(reader->schedules, reader->header->schedules, from.schedule);
    uint32_t flags = from.flags & (AM_LEDGER_LIMIT_PACING | AM_LEDGER_LIMIT_ON |
                                   AM_LEDGER_LIMIT_PACED | AM_LEDGER_LIMIT_UNANCHORED);
    if (limit->schedule == AM_LEDGER_NO_INDEX)
        flags &= ~(uint32_t)AM_LEDGER_LIMIT_PACED;
    limit->flags = flags | record->kind | (uint32_t)unit << AM_LEDGER_LIMIT_UNIT_SHIFT;
    struct am_ledger_window window = am_ledger_limit_window(limit);
    am_ledger_limit_redo(ledger, limit, &window, am_ledger_scaled(unit, record->total[unit]),
                         am_ledger_scaled(unit, record->before[unit]), from.line);
    am_ledger_redo_commit(ledger);
    return AM_OK;
}

static void fill_record(const struct reader *reader,
                        struct am_ledger_record *record,
                        const struct am_ledger_snapshot_record *from) {
    memcpy(record->total, from->total, sizeof record->total);
    memcpy(record->before, from->before, sizeof record->before);
    record->above = from->above;
    record->start = from->start;
    record->end = from->end;
    record->day = from->day;
    record->gone = from->gone;
    record->zone = (uint16_t)reader->zones[from->zone];
    record->day_start = am_ledger_zone_day_start(reader->ledger, record->zone, from->day);
    record->flags = AM_LEDGER_RECORD_USED |
                    (from->flags &
                     (AM_LEDGER_RECORD_RESTS | AM_LEDGER_RECORD_RESUMED | AM_LEDGER_RECORD_CLOSED));
}

static enum am_code read_record(struct reader *reader) {
    struct am_ledger_snapshot_record from;
    const void *bytes = take(reader, sizeof from);
    if (!bytes)
        return corrupt(reader, "it ends within a record");
    memcpy(&from, bytes, sizeof from);
    const char *id = take(reader, (from.id_size + UINT64_C(7)) / 8 * 8);
    if (!id || from.kind >= AM_LEDGER_KINDS || from.zone >= reader->header->zones)
        return corrupt(reader, "a record has no id, kind or time zone");
    struct am_view view = {id, from.id_size};
    uint64_t key = am_model_key((enum am_model_record)from.kind, view);
    if (am_ledger_find(reader->ledger, key) != AM_LEDGER_NO_CELL)
        return corrupt(reader, "it has a record twice");
    uint32_t cell = am_ledger_record_make(reader->ledger, from.kind, view, key,
                                          reader->header->time, reader->error);
    if (cell == AM_LEDGER_NO_CELL)
        return AM_E_LIMIT;
    fill_record(reader, &reader->ledger->records[cell], &from);
    enum am_code code = AM_OK;
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS && code == AM_OK; unit++)
        if (from.limits >> unit & 1)
            code = read_limit(reader, cell, (enum am_ledger_unit)unit);
    return code;
}

static enum am_code read_all(struct reader *reader) {
    const struct am_ledger_snapshot_header *header = reader->header;
    struct am_ledger_traffic_counts *traffic = &reader->ledger->header->traffic;
    const void *bytes = take(reader, sizeof *traffic);
    if (!bytes)
        return corrupt(reader, "it ends within the traffic");
    memcpy(traffic, bytes, sizeof *traffic);
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        if (traffic->samples_of[hour] > AM_LEDGER_LIVE_WEEKS)
            return corrupt(reader, "more weeks of traffic than are kept");
    enum am_code code = read_zones(reader);
    if (code == AM_OK)
        code = read_items(reader, AM_LEDGER_POOL_CURVES, header->curves, reader->curves);
    if (code == AM_OK)
        code = read_items(reader, AM_LEDGER_POOL_HOURS, header->hours, reader->hours);
    if (code == AM_OK)
        code = read_schedules(reader);
    if (code == AM_OK)
        code = read_positions(reader);
    for (uint32_t i = 0; i < header->records && code == AM_OK; i++)
        code = read_record(reader);
    return code;
}

static void load_header(struct am_ledger *ledger, const struct am_ledger_snapshot_header *from) {
    struct am_ledger_live_header *header = ledger->header;
    header->sequence = (from->sequence + SEQUENCE_AHEAD) & AM_LEDGER_SEQUENCE_MASK;
    header->mark = 1;
    header->resumed = 1; /* some record may be */
    header->traffic.decisions = 0;
    header->traffic.seconds = 0;
}

enum am_code am_ledger_snapshot_load(const struct am_ledger_snapshot_file *snapshot,
                                     struct am_ledger *ledger,
                                     struct am_error *error) {
    const struct am_ledger_snapshot_header *header = snapshot->header;
    uint64_t numbers = (uint64_t)header->zones + header->curves + header->hours + header->schedules;
    if (numbers > snapshot->size)
        return am_error_set(error, AM_E_CORRUPT, "the snapshot is damaged: more than it can hold");
    uint32_t *memory = calloc(numbers + 1, sizeof *memory);
    if (!memory)
        return am_error_set(error, AM_E_MEMORY, "out of memory: loading a snapshot");
    struct reader reader = {
        .at = snapshot->bytes + sizeof *header,
        .end = snapshot->bytes + snapshot->size,
        .ledger = ledger,
        .header = header,
        .zones = memory,
        .curves = memory + header->zones,
        .hours = memory + header->zones + header->curves,
        .schedules = memory + header->zones + header->curves + header->hours,
        .error = error,
    };
    ledger->now = header->time;
    enum am_code code = read_all(&reader);
    load_header(ledger, header);
    free(memory);
    return code;
}

/* ---- replaying --------------------------------------------------------------------------------
 */

bool am_ledger_replay_from(const struct am_ledger *ledger,
                           uint32_t slot,
                           struct am_ledger_position *position) {
    if (slot >= ledger->header->geometry.slots || !ledger->slots[slot].has_position)
        return false;
    *position = ledger->slots[slot].position;
    return true;
}

static bool is_behind(const struct am_ledger_slot *slot,
                      const struct am_ledger_position *position) {
    if (!slot->has_position)
        return true;
    return position->file != slot->position.file ? position->file > slot->position.file
                                                 : position->offset > slot->position.offset;
}

/* The records of a line: advertisers and campaigns are made where they are missing. */
static enum am_code find_cells(struct am_ledger *ledger,
                               const struct am_ledger_replayed *line,
                               uint32_t cells[AM_LEDGER_KINDS],
                               struct am_error *error) {
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        struct am_view id = line->ids[kind];
        cells[kind] = AM_LEDGER_NO_CELL;
        if (id.size == 0)
            continue;
        uint64_t key = am_model_key((enum am_model_record)kind, id);
        cells[kind] = am_ledger_find(ledger, key);
        if (cells[kind] == AM_LEDGER_NO_CELL && kind != AM_LEDGER_AD)
            cells[kind] = am_ledger_record_make(ledger, (enum am_ledger_kind)kind, id, key,
                                                line->time, error);
        if (cells[kind] == AM_LEDGER_NO_CELL && kind != AM_LEDGER_AD)
            return AM_E_LIMIT;
    }
    return AM_OK;
}

enum am_code am_ledger_replay(struct am_ledger *ledger,
                              const struct am_ledger_replayed *line,
                              struct am_error *error) {
    if (line->slot >= ledger->header->geometry.slots)
        return am_error_set(error, AM_E_INVALID, "the ledger has no slot %u", line->slot);
    struct am_ledger_slot *slot = &ledger->slots[line->slot];
    struct am_ledger_queued *queued = &slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE];
    am_ledger_lock(ledger);
    enum am_code code = AM_OK;
    if (is_behind(slot, &line->position)) {
        queued->event = (struct am_ledger_event){.time = line->time};
        queued->outcome = AM_LEDGER_CHARGED;
        queued->charged = 0; /* folding adds it to the guards */
        queued->position = line->position;
        memcpy(queued->event.amounts, line->amounts, sizeof line->amounts);
        code = find_cells(ledger, line, queued->event.cells, error);
        if (code == AM_OK) {
            AM_LEDGER_SET(slot->queue[(slot->head + 1) % AM_LEDGER_LIVE_QUEUE].state,
                          AM_LEDGER_QUEUED_EMPTY);
            AM_LEDGER_SET_RELEASE(slot->head, slot->head + 1);
            am_ledger_fold(ledger, line->slot);
        }
    }
    am_ledger_unlock(ledger);
    return code;
}

enum am_code am_ledger_replay_notice(struct am_ledger *ledger,
                                     enum am_ledger_notice_kind what,
                                     enum am_ledger_kind kind,
                                     struct am_view id,
                                     int64_t time,
                                     struct am_error *error) {
    uint64_t key = am_model_key((enum am_model_record)kind, id);
    enum am_code code = AM_OK;
    am_ledger_lock(ledger);
    uint32_t cell = am_ledger_find(ledger, key);
    if (what == AM_LEDGER_FREED && cell != AM_LEDGER_NO_CELL)
        am_ledger_record_free(ledger, cell);
    if (what == AM_LEDGER_MADE && cell == AM_LEDGER_NO_CELL &&
        am_ledger_record_make(ledger, kind, id, key, time, error) == AM_LEDGER_NO_CELL)
        code = AM_E_LIMIT;
    am_ledger_unlock(ledger);
    return code;
}

/* ---- a live file that was lost ----------------------------------------------------------------
 */

enum am_code am_ledger_rebuild(struct am_ledger *ledger, int64_t now, struct am_error *error) {
    AM_LEDGER_SET_RELEASE(ledger->header->state, AM_LEDGER_LIVE_LOST);
    enum am_code code = am_ledger_snapshot(ledger, now, error);
    am_ledger_unhold(ledger);
    return code;
}
