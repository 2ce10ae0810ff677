/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a ledger. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "snapshot.h"
#include "store.h"
#include "verify.h"

enum { WAIT_MILLISECONDS = 20, WAITS = 100 };

/* ---- where the live file is -------------------------------------------------------------------
 */

static void live_path(const struct am_ledger *ledger, char path[PATH_MAX + 16]) {
    snprintf(path, PATH_MAX + 16, "%s/live", ledger->home);
}

static void home_path(const struct am_ledger *ledger, char path[PATH_MAX + 16]) {
    snprintf(path, PATH_MAX + 16, "%s/home", ledger->folder);
}

/* "BOOT DEVICE INODE": the live file of the processes that use DIR. */
static bool describe_home(int fd, char text[128]) {
    char boot[40];
    struct stat status;
    if (!am_ledger_store_read("/proc/sys/kernel/random/boot_id", boot, sizeof boot))
        boot[0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
    if (fstat(fd, &status) != 0)
        return false;
    snprintf(text, 128, "%s %llx %llx\n", boot, (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    return true;
}

static enum am_code elsewhere(const struct am_ledger *ledger, struct am_error *error) {
    return am_error_set(error, AM_E_INVALID,
                        "another process holds the ledger %s with another %s: do they run in "
                        "another mount namespace? All instances of a ledger must share its tmpfs",
                        ledger->folder, ledger->home);
}

/* Others may have the lock for a moment: to make the live file, to write DIR/home. */
static bool wait_for_others(int *waited) {
    const struct timespec pause = {0, WAIT_MILLISECONDS * 1000000L};
    if (++*waited > WAITS)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

/* The live file that I have mapped must be the holder's, where there is a holder. */
static enum am_code check_home(struct am_ledger *ledger, struct am_error *error) {
    char path[PATH_MAX + 16], mine[128], theirs[128];
    int waited = 0;
    home_path(ledger, path);
    if (!describe_home(ledger->fd, mine))
        return am_error_set_errno(error, AM_E_IO, "cannot examine %s", ledger->home);
    do {
        if (am_ledger_store_read(path, theirs, sizeof theirs) && strcmp(mine, theirs) == 0)
            return AM_OK;
        int lock = am_ledger_take_lock(ledger);
        if (lock < 0)
            continue;
        enum am_code code = am_ledger_store_write(path, am_view_of(mine), error);
        close(lock);
        return code;
    } while (wait_for_others(&waited));
    return elsewhere(ledger, error);
}

/* ---- an existing one --------------------------------------------------------------------------
 */

static enum am_code map_live(struct am_ledger *ledger, const char *path, struct am_error *error) {
    uint64_t size = 0;
    void *memory = NULL;
    enum am_code code = am_ledger_store_map(ledger, path, &ledger->fd, &size, &memory, error);
    if (code != AM_OK)
        return code;
    ledger->base = memory;
    ledger->size = size;
    ledger->header = memory;
    const char *reason = am_ledger_live_problem(memory, size, &code);
    if (reason)
        return am_error_set(error, code,
                            "%s is no live file of this version of admatch: %s. It was left as it "
                            "is; stop all instances and remove it: it is made again from %s",
                            path, reason, ledger->folder);
    am_ledger_live_attach(ledger);
    reason = am_ledger_verify(ledger);
    if (reason == am_ledger_verify_no_memory)
        return am_error_set(error, AM_E_MEMORY, "%s: %s", path, reason);
    if (reason)
        return am_error_set(error, AM_E_CORRUPT,
                            "%s is damaged: %s. It was left as it is; stop all instances and "
                            "remove it: it is made again from %s",
                            path, reason, ledger->folder);
    return AM_OK;
}

static enum am_code check_currency(const struct am_ledger *ledger,
                                   const struct am_ledger_options *options,
                                   struct am_error *error) {
    const char *currency = ledger->header->geometry.currency;
    if (!options->currency || strncmp(currency, options->currency, 3) == 0)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "the ledger %s is kept in %.3s, the inventory is in %s: an account keeps "
                        "its currency; name another folder with admatch-ledger",
                        ledger->folder, currency, options->currency);
}

/* Whoever made it may have been killed before the log was replayed: then this process goes on. */
static enum am_code take_recovery(struct am_ledger *ledger, struct am_error *error) {
    if (AM_LEDGER_GET_ACQUIRE(ledger->header->state) != AM_LEDGER_LIVE_RECOVERING)
        return AM_OK;
    ledger->recovering = am_ledger_hold(ledger);
    return ledger->recovering
               ? AM_OK
               : am_error_set(error, AM_E_CHANGED, "another process is recovering the ledger %s",
                              ledger->folder);
}

/* ---- a new one --------------------------------------------------------------------------------
 */

/* A folder without a past has an account of its own. */
static enum am_code new_account(struct am_ledger_live_geometry *geometry, struct am_error *error) {
    uint16_t numbers[2];
    if (getrandom(numbers, sizeof numbers, 0) != sizeof numbers)
        return am_error_set_errno(error, AM_E_IO, "no random numbers");
    geometry->host = numbers[0];
    geometry->epoch = numbers[1];
    return AM_OK;
}

static enum am_code start_live(struct am_ledger *ledger,
                               const struct am_ledger_live_geometry *geometry,
                               const char *path,
                               struct am_error *error) {
    void *memory = NULL;
    enum am_code code =
        am_ledger_store_make(ledger, path, geometry->size, am_ledger_live_fixed_bytes(geometry),
                             &ledger->fd, &memory, error);
    if (code != AM_OK)
        return code;
    ledger->base = memory;
    ledger->size = geometry->size;
    ledger->header = memory;
    if (!am_ledger_live_start(ledger, geometry))
        return am_error_set(error, AM_E_IO, "this system has no robust mutexes");
    return AM_OK;
}

static enum am_code make_private(struct am_ledger *ledger,
                                 const struct am_ledger_options *options,
                                 struct am_error *error) {
    struct am_ledger_live_geometry geometry;
    enum am_code code = am_ledger_live_geometry_of(options, &geometry, error);
    if (code == AM_OK)
        code = start_live(ledger, &geometry, "", error);
    if (code == AM_OK)
        AM_LEDGER_SET_RELEASE(ledger->header->state, AM_LEDGER_LIVE_READY);
    return code;
}

/* For what the snapshot has, whatever the options say now. */
static void make_room(const struct am_ledger_snapshot_file *snapshot,
                      struct am_ledger_options *options) {
    if (am_ledger_snapshot_records(snapshot) > am_ledger_live_cells(options))
        options->cells = am_ledger_snapshot_records(snapshot);
    if (am_ledger_snapshot_slots(snapshot) > am_ledger_live_slots(options))
        options->slots = am_ledger_snapshot_slots(snapshot);
}

/* Under another name until it is whole; nobody sees a snapshot half loaded. */
static enum am_code make_live(struct am_ledger *ledger,
                              const struct am_ledger_options *options,
                              struct am_error *error) {
    char path[PATH_MAX + 16], temporary[PATH_MAX + 32], home[128];
    struct am_ledger_live_geometry geometry;
    struct am_ledger_snapshot_file *snapshot = NULL;
    struct am_ledger_options wanted = *options;
    am_ledger_store_remove_stale(ledger);
    home_path(ledger, path);
    unlink(path);
    live_path(ledger, path);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    enum am_code code = am_ledger_snapshot_open(ledger->folder, &snapshot, error);
    if (code == AM_OK && snapshot)
        make_room(snapshot, &wanted);
    if (code == AM_OK)
        code = am_ledger_live_geometry_of(&wanted, &geometry, error);
    if (code == AM_OK)
        code = snapshot ? am_ledger_snapshot_account(snapshot, &geometry, error)
                        : new_account(&geometry, error);
    if (code == AM_OK)
        code = start_live(ledger, &geometry, temporary, error);
    if (code == AM_OK && snapshot)
        code = am_ledger_snapshot_load(snapshot, ledger, error);
    const char *reason = code == AM_OK ? am_ledger_verify(ledger) : NULL;
    if (reason == am_ledger_verify_no_memory)
        code = am_error_set(error, AM_E_MEMORY, "the snapshot: %s", reason);
    else if (reason)
        code = am_error_set(error, AM_E_CORRUPT, "the snapshot is damaged: %s", reason);
    am_ledger_snapshot_close(snapshot);
    if (code != AM_OK)
        return code;
    if (!describe_home(ledger->fd, home) || rename(temporary, path) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot publish %s", path);
    ledger->recovering = true;
    home_path(ledger, path);
    return am_ledger_store_write(path, am_view_of(home), error);
}

/* There was no live file here, and another process has the lock. While it makes one, there is no
 * DIR/home; else it has one elsewhere, unless it has only just begun, or come to its end. */
static enum am_code being_made(const struct am_ledger *ledger, struct am_error *error) {
    char home[PATH_MAX + 16], live[PATH_MAX + 16];
    int waited = 0;
    home_path(ledger, home);
    live_path(ledger, live);
    do
        if (access(home, F_OK) != 0 || access(live, F_OK) == 0)
            return am_error_set(error, AM_E_CHANGED, "another process is making the ledger %s",
                                ledger->folder);
    while (wait_for_others(&waited));
    return elsewhere(ledger, error);
}

static enum am_code use_live(struct am_ledger *ledger,
                             const struct am_ledger_options *options,
                             struct am_error *error) {
    enum am_code code = check_home(ledger, error);
    if (code == AM_OK)
        code = check_currency(ledger, options, error);
    return code == AM_OK ? take_recovery(ledger, error) : code;
}

static enum am_code open_shared(struct am_ledger *ledger,
                                const struct am_ledger_options *options,
                                struct am_error *error) {
    char path[PATH_MAX + 16];
    enum am_code code = am_ledger_store_open_folders(ledger, options, error);
    if (code == AM_OK)
        code = am_ledger_store_check_owner(ledger, options->inventory, error);
    if (code != AM_OK)
        return code;
    live_path(ledger, path);
    code = map_live(ledger, path, error);
    if (code == AM_OK)
        return use_live(ledger, options, error);
    if (code != AM_E_NOT_FOUND)
        return code;
    if (!am_ledger_hold(ledger))
        return being_made(ledger, error);
    /* It may have been made between looking and locking. */
    code = map_live(ledger, path, error);
    if (code == AM_E_NOT_FOUND)
        code = make_live(ledger, options, error);
    else if (code == AM_OK)
        code = take_recovery(ledger, error);
    if (!ledger->recovering)
        am_ledger_unhold(ledger);
    return code == AM_OK ? check_currency(ledger, options, error) : code;
}

/* ---- the handle -------------------------------------------------------------------------------
 */

enum am_code am_ledger_open(const struct am_ledger_options *options,
                            struct am_ledger **opened,
                            struct am_error *error) {
    struct am_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the ledger");
    ledger->fd = ledger->lock_fd = ledger->publisher_fd = -1;
    ledger->caps_bytes = options->caps_bytes;
    ledger->publish_milliseconds = options->publish_milliseconds ? options->publish_milliseconds
                                                                 : AM_LEDGER_PUBLISH_MILLISECONDS;
    ledger->database = options->zones;
    ledger->notify = options->notify;
    ledger->context = options->context;
    enum am_code code = options->folder ? open_shared(ledger, options, error)
                                        : make_private(ledger, options, error);
    if (code == AM_OK)
        code = am_ledger_store_map_caps(ledger, error);
    if (code != AM_OK) {
        am_ledger_close(ledger);
        return code;
    }
    *opened = ledger;
    return AM_OK;
}

void am_ledger_close(struct am_ledger *ledger) {
    if (!ledger)
        return;
    if (ledger->header)
        am_ledger_leave(ledger);
    am_delivery_maps_close(ledger);
    am_ledger_step_cache_free(ledger);
    am_ledger_unhold(ledger);
    if (ledger->caps)
        munmap(ledger->caps, ledger->caps_size);
    if (ledger->base)
        munmap(ledger->base, ledger->size);
    if (ledger->fd >= 0)
        close(ledger->fd);
    free(ledger);
}

uint64_t am_ledger_bytes_at_start(const struct am_ledger_options *options) {
    struct am_ledger_live_geometry geometry;
    return am_ledger_live_geometry_of(options, &geometry, NULL) == AM_OK
               ? am_ledger_live_fixed_bytes(&geometry)
               : 0;
}

uint64_t am_ledger_bytes(const struct am_ledger_options *options) {
    struct am_ledger_live_geometry geometry;
    return am_ledger_live_geometry_of(options, &geometry, NULL) == AM_OK ? geometry.size : 0;
}

/* ---- recovery ---------------------------------------------------------------------------------
 */

bool am_ledger_recovering(const struct am_ledger *ledger) {
    return ledger->recovering;
}

void am_ledger_recovered(struct am_ledger *ledger) {
    AM_LEDGER_SET_RELEASE(ledger->header->state, AM_LEDGER_LIVE_READY);
    ledger->recovering = false;
    am_ledger_unhold(ledger);
}
