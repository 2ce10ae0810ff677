/* SPDX-License-Identifier: Apache-2.0 */
/* What has changed between two inventories. */
#ifndef AM_CLI_CHANGES_H
#define AM_CLI_CHANGES_H

#include "../base/error.h"
#include "../inventory/inventory.h"

struct am_cli_change_counts {
    uint64_t added, removed, changed;
};

struct am_cli_changes {
    struct am_cli_change_counts advertisers, campaigns, ads; /* advertisers: their records */
    /* Of all of them, negative ones included; `changed`: with another bid of their own. */
    struct am_cli_change_counts keywords;
};

/* Prints a line for what differs in the line of type "inventory", and one for each advertiser's
 * record, campaign and ad that differs, with what differs, to standard output: those of the old
 * inventory in its order, then the new ones. AM_E_MEMORY. */
enum am_code am_cli_changes_print(const struct am_inventory *before,
                                  const struct am_inventory *after,
                                  struct am_cli_changes *changes,
                                  struct am_error *error);

#endif
