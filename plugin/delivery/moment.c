#include "moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "store.h"

enum { BATCH = 1024 };

/* A record's counts as they are copied, with the key by which a cell that was freed or used anew
 * meanwhile is known. */
struct copied {
    uint64_t key; /* 0: free */
    int64_t total[AM_LEDGER_UNITS], before[AM_LEDGER_UNITS];
    int32_t day;
};

static void copy_counts(const struct am_ledger *ledger, struct copied *copies, uint32_t count) {
    for (uint32_t cell = 0; cell < count; cell++) {
        const struct am_record *record = &ledger->records[cell];
        struct copied *copy = &copies[cell];
        copy->key = record->flags & AM_RECORD_USED ? record->key : 0;
        memcpy(copy->total, record->total, sizeof copy->total);
        memcpy(copy->before, record->before, sizeof copy->before);
        copy->day = record->day;
    }
}

static void copy_positions(const struct am_ledger *ledger, struct am_ledger_moment *moment) {
    for (uint32_t number = 0; number < ledger->header->geometry.slots; number++) {
        const struct am_slot *slot = &ledger->slots[number];
        if (slot->has_position)
            moment->positions[moment->position_count++] =
                (struct am_ledger_moment_position){number, slot->position};
    }
}

/* False: no memory. */
static bool add_record(struct am_ledger_moment *moment,
                       const struct am_ledger *ledger,
                       const struct am_record *record,
                       const struct copied *copy) {
    struct am_ledger_moment_record *to = &moment->records[moment->record_count++];
    *to = (struct am_ledger_moment_record){
        .kind = (enum am_ledger_kind)record->kind,
        .id = am_arena_copy(&moment->arena, am_record_id(ledger, record)),
        .zone = am_arena_copy(&moment->arena, am_view_of(ledger->zones[record->zone].name)),
        .day = copy->day,
    };
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        to->total[unit] = copy->total[unit];
        to->today[unit] = copy->total[unit] - copy->before[unit];
    }
    return to->id.data && to->zone.data;
}

static bool add_records(struct am_ledger_moment *moment,
                        struct am_ledger *ledger,
                        const struct copied *copies,
                        uint32_t count) {
    bool added = true;
    for (uint32_t first = 0; added && first < count; first += BATCH) {
        am_ledger_lock(ledger);
        for (uint32_t cell = first; added && cell < first + BATCH && cell < count; cell++) {
            const struct am_record *record = &ledger->records[cell];
            if (copies[cell].key && record->key == copies[cell].key)
                added = add_record(moment, ledger, record, &copies[cell]);
        }
        am_ledger_unlock(ledger);
    }
    return added;
}

enum am_code am_ledger_moment_take(struct am_ledger *ledger,
                                   struct am_ledger_moment *moment,
                                   struct am_error *error) {
    uint32_t room = am_ledger_cells(ledger) + BATCH, slots = ledger->header->geometry.slots;
    struct copied *copies = malloc(room * sizeof *copies);
    *moment = (struct am_ledger_moment){
        .records = calloc(room, sizeof *moment->records),
        .positions = malloc((size_t)slots * sizeof *moment->positions),
        .arena = AM_ARENA_EMPTY,
    };
    bool taken = copies && moment->records && moment->positions;
    if (taken) {
        am_ledger_lock(ledger);
        am_ledger_fold_all(ledger);
        uint32_t used = ledger->header->records_used, count = used < room ? used : room;
        copy_counts(ledger, copies, count);
        copy_positions(ledger, moment);
        am_ledger_unlock(ledger);
        taken = add_records(moment, ledger, copies, count);
    }
    free(copies);
    if (taken)
        return AM_OK;
    am_ledger_moment_free(moment);
    return am_error_set(error, AM_E_MEMORY, "no memory for the counts of the ledger");
}

void am_ledger_moment_free(struct am_ledger_moment *moment) {
    free(moment->records);
    free(moment->positions);
    am_arena_free(&moment->arena);
    *moment = (struct am_ledger_moment){.records = NULL};
}

const char *am_ledger_home(const struct am_ledger *ledger) {
    return ledger->home;
}

enum am_code am_ledger_is_live(const char *folder, const char *tmpfs, struct am_error *error) {
    struct am_ledger_options options = {.folder = folder, .tmpfs = tmpfs};
    struct am_ledger *ledger = calloc(1, sizeof *ledger);
    struct stat status;
    char path[PATH_MAX + 16];
    if (!ledger)
        return am_error_set(error, AM_E_MEMORY, "no memory for the ledger");
    enum am_code code = stat(folder, &status) == 0
                            ? am_store_open_folders(ledger, &options, error)
                            : am_error_set_errno(error, AM_E_IO, "cannot open %s", folder);
    snprintf(path, sizeof path, "%s/live", ledger->home);
    if (code == AM_OK && access(path, F_OK) != 0)
        code = am_error_set(error, AM_E_STATE, "the ledger %s is not in use: there is no %s",
                            folder, path);
    free(ledger);
    return code;
}
