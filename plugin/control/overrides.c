/* SPDX-License-Identifier: Apache-2.0 */
#include "overrides.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/file_lock.h"
#include "../delivery/look.h"
#include "../model/keys.h"
#include "request.h"

#define NAME "overrides.json"

enum { LOCK_MILLISECONDS = 5000 }; /* less than a command waits for its answer */

static enum am_code no_memory(struct am_error *error) {
    return am_error_set(error, AM_E_MEMORY, "no memory for the overrides");
}

void am_control_overrides_free(struct am_control_overrides *overrides) {
    am_vector_free(&overrides->items);
}

static struct am_control_override *at(const struct am_control_overrides *overrides, size_t index) {
    return AM_VECTOR_AT(&overrides->items, struct am_control_override, index);
}

struct am_control_override *am_control_overrides_find(const struct am_control_overrides *overrides,
                                                      enum am_ledger_kind kind,
                                                      struct am_view id) {
    for (size_t i = 0; i < overrides->items.count; i++)
        if (at(overrides, i)->kind == kind && am_view_equal(am_view_of(at(overrides, i)->id), id))
            return at(overrides, i);
    return NULL;
}

bool am_control_overrides_put(struct am_control_overrides *overrides,
                              const struct am_control_override *override) {
    struct am_control_override *known =
        am_control_overrides_find(overrides, override->kind, am_view_of(override->id));
    if (!known)
        return am_vector_push(&overrides->items, override);
    *known = *override;
    return true;
}

void am_control_overrides_remove(struct am_control_overrides *overrides,
                                 struct am_control_override *override) {
    *override = *at(overrides, overrides->items.count - 1);
    overrides->items.count--;
}

/* ---- the file ---- */

static bool add(struct am_control_overrides *overrides, const json_t *item) {
    struct am_control_override override;
    return am_control_override_read(item, &override) &&
           am_control_overrides_put(overrides, &override);
}

enum am_code am_control_overrides_read(const char *folder,
                                       struct am_control_overrides *overrides,
                                       struct am_error *error) {
    char path[4096];
    json_error_t problem;
    size_t index;
    json_t *item;
    overrides->items = AM_VECTOR_OF(struct am_control_override);
    snprintf(path, sizeof path, "%s/" NAME, folder);
    if (access(path, F_OK) != 0)
        return errno == ENOENT ? AM_OK : am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    json_t *list = json_load_file(path, 0, &problem);
    if (!json_is_array(list)) {
        json_decref(list);
        return am_error_set(error, AM_E_CORRUPT, "%s: line %d: %s", path, problem.line,
                            list ? "expected a list" : problem.text);
    }
    enum am_code code = AM_OK;
    json_array_foreach(list, index, item) if (code == AM_OK && !add(overrides, item)) code =
        am_error_set(error, AM_E_CORRUPT, "%s: item %zu is no override", path, index + 1);
    json_decref(list);
    return code;
}

static char *dump(const struct am_control_overrides *overrides) {
    json_t *list = json_array();
    bool made = list != NULL;
    for (size_t i = 0; made && i < overrides->items.count; i++)
        made = json_array_append_new(list, am_control_override_write(at(overrides, i))) == 0;
    char *text = made ? json_dumps(list, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(list);
    return text;
}

enum am_code am_control_overrides_write(const char *folder,
                                        const struct am_control_overrides *overrides,
                                        struct am_error *error) {
    char *text = dump(overrides);
    if (!text)
        return no_memory(error);
    enum am_code code = am_control_file_write(folder, NAME, am_view_of(text), error);
    free(text);
    return code;
}

/* ---- the ledger ---- */

int am_control_overrides_lock(const struct am_ledger *ledger, struct am_error *error) {
    char path[4096 + 16];
    snprintf(path, sizeof path, "%s/overrides", am_ledger_home(ledger));
    int lock = am_file_lock(path, LOCK_MILLISECONDS);
    if (lock < 0 && errno == ETIMEDOUT)
        am_error_set(error, AM_E_IO,
                     "another process has used the overrides for %d seconds, or is stopped: see "
                     "who has %s open",
                     LOCK_MILLISECONDS / 1000, path);
    else if (lock < 0)
        am_error_set_errno(error, AM_E_IO, "cannot lock %s", path);
    return lock;
}

enum am_code am_control_overrides_apply(const struct am_control_overrides *overrides,
                                        struct am_ledger *ledger,
                                        int64_t now,
                                        bool *changed,
                                        struct am_error *error) {
    enum am_code code = AM_OK;
    for (size_t i = 0; code == AM_OK && i < overrides->items.count; i++) {
        const struct am_control_override *override = at(overrides, i);
        struct am_ledger_record_state state;
        uint32_t cell = am_ledger_find(
            ledger, am_model_key((enum am_model_record) override->kind, am_view_of(override->id)));
        if (cell == AM_LEDGER_NO_CELL || am_ledger_read(ledger, cell, &state, NULL) != AM_OK ||
            state.halted)
            continue;
        *changed = true;
        code = am_ledger_halt(ledger, cell, true, now, error);
    }
    return code;
}

enum am_code am_control_overrides_lift_others(const struct am_control_overrides *overrides,
                                              struct am_ledger *ledger,
                                              int64_t now,
                                              bool *changed,
                                              struct am_error *error) {
    enum am_code code = AM_OK;
    for (uint32_t cell = 0; code == AM_OK && cell < am_ledger_cells(ledger); cell++) {
        struct am_ledger_record_state state;
        if (am_ledger_read(ledger, cell, &state, NULL) != AM_OK || !state.halted ||
            am_control_overrides_find(overrides, state.kind, state.id))
            continue;
        *changed = true;
        code = am_ledger_halt(ledger, cell, false, now, error);
    }
    return code;
}
