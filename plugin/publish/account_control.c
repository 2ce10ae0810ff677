/* SPDX-License-Identifier: Apache-2.0 */
#include "account_control.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../control/request.h"
#include "../events/handle.h"
#include "../model/keys.h"

enum { TICK_MILLISECONDS = 1000 };

/* Locks and reads the overrides: leave_overrides in either case. */
static enum am_code enter_overrides(const struct am_account *account,
                                    struct am_control_overrides *overrides,
                                    int *lock,
                                    struct am_error *error) {
    *overrides = (struct am_control_overrides){AM_VECTOR_OF(struct am_control_override)};
    *lock = am_control_overrides_lock(account->ledger, error);
    return *lock < 0 ? AM_E_IO
                     : am_control_overrides_read(account->options->folder, overrides, error);
}

static void leave_overrides(struct am_control_overrides *overrides, int lock) {
    am_control_overrides_free(overrides);
    if (lock >= 0)
        close(lock);
}

enum am_code am_account_control_apply(struct am_account *account, struct am_error *error) {
    struct am_control_overrides overrides;
    int lock;
    bool changed = false;
    enum am_code code = enter_overrides(account, &overrides, &lock, error);
    if (code == AM_OK)
        code = am_control_overrides_apply(&overrides, account->ledger, am_clock_seconds(), &changed,
                                          error);
    leave_overrides(&overrides, lock);
    return code;
}

/* Decisions see a pause when maps have it. */
static void refresh_maps(const struct am_account_control *control) {
    pthread_mutex_lock(control->maps);
    am_delivery_maps_look(control->account->ledger);
    am_delivery_maps_refresh(control->account->ledger, am_clock_seconds());
    pthread_mutex_unlock(control->maps);
}

static void log_change(const struct am_account_control *control,
                       const struct am_control_override *override,
                       bool pauses,
                       bool was_paused) {
    const struct am_event_control line = {
        .kind = override->kind,
        .id = am_view_of(override->id),
        .change = pauses ? AM_VIEW("pause") : AM_VIEW("resume"),
        .before = was_paused ? AM_VIEW("paused") : AM_VIEW("inventory"),
        .after = pauses ? AM_VIEW("paused") : AM_VIEW("inventory"),
        .who = am_view_of(override->who),
        .reason = am_view_of(override->reason),
        .until = pauses ? override->until : AM_CONTROL_FOREVER,
    };
    am_event_log_control(control->worker->events, &line);
}

static bool is_halted(const struct am_account *account, enum am_ledger_kind kind, const char *id) {
    struct am_ledger_record_state state;
    uint32_t cell =
        am_ledger_find(account->ledger, am_model_key((enum am_model_record)kind, am_view_of(id)));
    return cell != AM_LEDGER_NO_CELL &&
           am_ledger_read(account->ledger, cell, &state, NULL) == AM_OK && state.halted;
}

/* The file comes first, so that what was answered survives; then the ledger, and its maps. */
static enum am_code write_change(struct am_account *account,
                                 struct am_control_overrides *overrides,
                                 const struct am_control_override *made,
                                 bool pauses,
                                 struct am_error *error) {
    struct am_control_override *known =
        am_control_overrides_find(overrides, made->kind, am_view_of(made->id));
    if (pauses && !am_control_overrides_put(overrides, made))
        return am_error_set(error, AM_E_MEMORY, "no memory for the override");
    if (!pauses && known)
        am_control_overrides_remove(overrides, known);
    enum am_code code = am_control_overrides_write(account->options->folder, overrides, error);
    uint32_t cell = am_ledger_find(
        account->ledger, am_model_key((enum am_model_record)made->kind, am_view_of(made->id)));
    if (code == AM_OK && cell != AM_LEDGER_NO_CELL)
        code = am_ledger_halt(account->ledger, cell, pauses, am_clock_seconds(), error);
    return code;
}

static enum am_code change(struct am_account_control *control,
                           struct am_control_overrides *overrides,
                           const struct am_control_override *override,
                           bool pauses,
                           struct am_error *error) {
    const struct am_control_override made = *override;
    bool was_paused = is_halted(control->account, made.kind, made.id) ||
                      am_control_overrides_find(overrides, made.kind, am_view_of(made.id));
    enum am_code code = write_change(control->account, overrides, &made, pauses, error);
    if (code != AM_OK) {
        control->settled = false; /* the ledger may not follow the file */
        return code;
    }
    refresh_maps(control);
    log_change(control, &made, pauses, was_paused);
    return AM_OK;
}

/* ---- requests ---- */

static enum am_code check_request(const struct am_account_control *control,
                                  const struct am_control_overrides *overrides,
                                  const struct am_control_request *request,
                                  struct am_error *error) {
    const struct am_control_override *override = &request->override;
    struct am_view id = am_view_of(override->id);
    const char *kind = am_ledger_kind_name(override->kind);
    bool paused = am_control_overrides_find(overrides, override->kind, id) ||
                  is_halted(control->account, override->kind, override->id);
    bool exists = am_ledger_find(control->account->ledger,
                                 am_model_key((enum am_model_record) override->kind, id)) !=
                  AM_LEDGER_NO_CELL;
    if (request->action == AM_CONTROL_RESUME && !paused)
        return am_error_set(error, AM_E_INVALID,
                            "%s %s is not paused by control: only the inventory can change what "
                            "the inventory says",
                            kind, override->id);
    if (request->action == AM_CONTROL_PAUSE && !exists)
        return am_error_set(error, AM_E_INVALID,
                            "there is no %s %s in the ledger: `admatch control --ledger DIR show` "
                            "lists all",
                            kind, override->id);
    if (request->action == AM_CONTROL_PAUSE && override->until <= am_clock_seconds())
        return am_error_set(error, AM_E_INVALID, "--until is in the past");
    return AM_OK;
}

static enum am_code
obey(void *context, const struct am_control_request *request, struct am_error *error) {
    struct am_account_control *control = context;
    struct am_control_overrides overrides;
    int lock;
    struct am_control_override override = request->override;
    override.since = am_clock_seconds();
    enum am_code code = enter_overrides(control->account, &overrides, &lock, error);
    if (code == AM_OK)
        code = check_request(control, &overrides, request, error);
    if (code == AM_OK)
        code = change(control, &overrides, &override, request->action == AM_CONTROL_PAUSE, error);
    leave_overrides(&overrides, lock);
    return code;
}

/* ---- what happens by itself ---- */

static enum am_code lift_ended(struct am_account_control *control,
                               struct am_control_overrides *overrides,
                               int64_t now,
                               struct am_error *error) {
    enum am_code code = AM_OK;
    for (size_t i = 0; code == AM_OK && i < overrides->items.count;) {
        struct am_control_override ended =
            *AM_VECTOR_AT(&overrides->items, struct am_control_override, i);
        if (ended.until > now) {
            i++;
            continue;
        }
        snprintf(ended.who, sizeof ended.who, "until");
        code = change(control, overrides, &ended, false, error);
    }
    return code;
}

/* A holder that was killed, or a change that failed, may have left pauses without an override. */
static enum am_code settle(struct am_account_control *control,
                           const struct am_control_overrides *overrides,
                           int64_t now,
                           bool *changed,
                           struct am_error *error) {
    bool lifted = false;
    if (control->settled)
        return AM_OK;
    enum am_code code =
        am_control_overrides_lift_others(overrides, control->account->ledger, now, &lifted, error);
    control->settled = code == AM_OK;
    *changed = *changed || lifted;
    if (lifted)
        am_publish_log(control->account->sink,
                       "ledger %s: lifted pauses that overrides.json does not have",
                       control->account->options->folder);
    return code;
}

static enum am_code each_second(struct am_account_control *control, struct am_error *error) {
    struct am_control_overrides overrides;
    int lock;
    int64_t now = am_clock_seconds();
    bool changed = false;
    enum am_code code = enter_overrides(control->account, &overrides, &lock, error);
    if (code == AM_OK)
        code = lift_ended(control, &overrides, now, error);
    if (code == AM_OK)
        code =
            am_control_overrides_apply(&overrides, control->account->ledger, now, &changed, error);
    if (code == AM_OK)
        code = settle(control, &overrides, now, &changed, error);
    if (changed)
        refresh_maps(control);
    leave_overrides(&overrides, lock);
    return code;
}

/* ---- the thread ---- */

/* A descriptor that is readable when a request came; -1: requests are looked for each second. */
static int watch(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/control", folder);
    int watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watcher >= 0 && inotify_add_watch(watcher, path, IN_MOVED_TO) < 0) {
        close(watcher);
        watcher = -1;
    }
    return watcher;
}

static void wait_for_request(int watcher) {
    char events[4096];
    struct pollfd waiting = {.fd = watcher, .events = POLLIN};
    if (poll(&waiting, 1, TICK_MILLISECONDS) > 0)
        while (read(watcher, events, sizeof events) > 0)
            continue;
}

static enum am_code turn(struct am_account_control *control, struct am_error *error) {
    enum am_code code = am_control_folder_make(control->account->options->folder, error);
    if (code == AM_OK)
        code = am_control_take(control->account->options->folder, obey, control, error);
    return code == AM_OK ? each_second(control, error) : code;
}

void am_account_control_run(struct am_account_control *control) {
    struct am_error error;
    int watcher = -1;
    for (;; wait_for_request(watcher)) {
        if (!atomic_load(control->holds))
            continue;
        if (turn(control, &error) != AM_OK)
            control->complain(control->context, &error);
        if (watcher < 0)
            watcher = watch(control->account->options->folder);
    }
}
