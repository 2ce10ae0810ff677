/* SPDX-License-Identifier: Apache-2.0 */
/* What other rooms and tools may know of a ledger's surroundings. */
#ifndef AM_DELIVERY_LOOK_H
#define AM_DELIVERY_LOOK_H

#include "ledger.h"

/* The ledger's folder on the tmpfs, where other rooms keep files of the same life. Lives as long as
 * the ledger is open. */
const char *am_ledger_home(const struct am_ledger *ledger);

/* How many slots it was made with. */
uint32_t am_ledger_slots(const struct am_ledger *ledger);

/* The name of the zone that a record's days are of; empty: UTC. Lives as long as the ledger is
 * open. Any thread. */
struct am_view am_ledger_zone(const struct am_ledger *ledger, uint32_t cell);

/* Whether a ledger's live file is there, so that am_ledger_open would not make it: for tools that
 * only look. AM_E_NOT_FOUND: it is not. AM_E_INVALID, AM_E_IO: the folder is not ours, or is none. */
enum am_code am_ledger_is_live(const char *folder, const char *tmpfs, struct am_error *error);

#endif
