/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: times of the week, as people write them. */
#ifndef AM_INVENTORY_HOURS_H
#define AM_INVENTORY_HOURS_H

#include "../model/week.h"

/* Minutes of a week, a bit each. */
struct am_inventory_week {
    uint64_t minutes[(AM_WEEK_MINUTES + 63) / 64];
};

/* Adds "mon-fri 09:00-18:00" or "sun 22:00-06:00": days may wrap around the end of the week, and an
 * end at or before the begin is on the next day. False: it is none. */
bool am_inventory_week_add(struct am_inventory_week *week, struct am_view text);

/* Writes the runs of the week's minutes to `runs`, ascending; returns how many. */
enum { AM_INVENTORY_WEEK_RUNS = AM_WEEK_MINUTES / 2 };
uint32_t am_inventory_week_runs(const struct am_inventory_week *week,
                                uint32_t runs[AM_INVENTORY_WEEK_RUNS]);

#endif
