/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: recording problems. */
#ifndef AM_INVENTORY_REPORT_H
#define AM_INVENTORY_REPORT_H

#include "inventory.h"

/* Counts the problem, and lists it while there is room. False when memory runs out. */
bool am_inventory_report_add(struct am_inventory_report *report,
                             uint32_t line,
                             bool warning,
                             const char *text);
/* Sorts by line and keeps the first AM_MAX_ERRORS_LISTED errors and as many warnings. */
void am_inventory_report_finish(struct am_inventory_report *report);

#endif
