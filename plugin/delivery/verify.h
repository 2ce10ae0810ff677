/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the room: the deep check of a live file. */
#ifndef AM_DELIVERY_VERIFY_H
#define AM_DELIVERY_VERIFY_H

#include "live.h"

/* What am_ledger_verify returns, itself, where it found no memory: nothing is known of the file. */
extern const char am_ledger_verify_no_memory[];

/* Why a live file whose geometry is sound cannot be used, or NULL: every index, list and chain is
 * walked, so that nothing that the room does with it reads or writes outside of it, or walks
 * without end. Takes the lock. */
const char *am_ledger_verify(struct am_ledger *ledger);

#endif
