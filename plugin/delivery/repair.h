/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: dead processes. */
#ifndef AM_DELIVERY_REPAIR_H
#define AM_DELIVERY_REPAIR_H

#include "work.h"

struct am_ledger_death {
    bool dead[AM_LEDGER_LIVE_MEMBERS];
};

/* Finds processes that are gone, computes the guards anew that their workers left in doubt, and
 * frees their slots. Where a living worker is stopped inside of an operation, nothing is done, and
 * the next step tries again. The holder, with the lock. */
void am_ledger_repair(struct am_ledger *ledger, struct am_ledger_step_report *report);

#endif
