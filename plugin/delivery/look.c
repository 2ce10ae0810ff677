/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "live.h"
#include "store.h"

const char *am_ledger_home(const struct am_ledger *ledger) {
    return ledger->home;
}

uint32_t am_ledger_slots(const struct am_ledger *ledger) {
    return ledger->header->geometry.slots;
}

struct am_view am_ledger_zone(const struct am_ledger *ledger, uint32_t cell) {
    return am_view_of(ledger->zones[ledger->records[cell].zone].name);
}

enum am_code am_ledger_is_live(const char *folder, const char *tmpfs, struct am_error *error) {
    struct am_ledger_options options = {.folder = folder, .tmpfs = tmpfs};
    struct am_ledger *ledger = calloc(1, sizeof *ledger);
    char path[PATH_MAX + 16];
    if (!ledger)
        return am_error_set(error, AM_E_MEMORY, "no memory for the ledger");
    snprintf(path, sizeof path, "%s/id", folder);
    enum am_code code =
        access(path, F_OK) == 0
            ? am_ledger_store_open_folders(ledger, &options, error)
            : am_error_set(error, AM_E_NOT_FOUND, "the ledger %s is not in use: there is no %s",
                           folder, path);
    snprintf(path, sizeof path, "%s/live", ledger->home);
    if (code == AM_OK && access(path, F_OK) != 0)
        code = am_error_set(error, AM_E_NOT_FOUND, "the ledger %s is not in use: there is no %s",
                            folder, path);
    free(ledger);
    return code;
}
