/* SPDX-License-Identifier: Apache-2.0 */
/* What people write for names and values that are written otherwise here. Pure functions; messages
 * quote what they give, and `admatch import` reads tables by them. */
#ifndef AM_INVENTORY_MEANT_H
#define AM_INVENTORY_MEANT_H

#include "../base/bytes.h"
#include "../base/timezone.h"

/* Records that have members of their own, and objects in them. */
enum am_inventory_object {
    AM_OBJECT_INVENTORY,
    AM_OBJECT_ADVERTISER,
    AM_OBJECT_CAMPAIGN,
    AM_OBJECT_AD,
    AM_OBJECT_KEYWORD,
    AM_OBJECT_TARGETING,
};

/* The end of the message about an unknown member, from its comma on: where it belongs, or what is
 * its name here. NULL: not known. */
const char *am_inventory_meant_member(enum am_inventory_object object, struct am_view name);

/* The code of a language by its own name, or by the code of a country where it is spoken, or NULL.
 */
const char *am_inventory_meant_language(struct am_view name);

/* The code of a currency by its name or sign, or in lower case; an empty view: not known. `memory`
 * has room for it. */
enum { AM_MEANT_CURRENCY = 3 };
struct am_view am_inventory_meant_currency(struct am_view name, char memory[AM_MEANT_CURRENCY]);

/* What a spreadsheet writes into a cell whose formula fails: "#REF!", "#N/A" and the like. */
bool am_inventory_is_spreadsheet_error(struct am_view text);

/* "mon-fri 09:00-18:00" and "300x250" by "Monday–Friday 9am–6pm" and "300 × 250"; an empty view:
 * not understood. */
enum { AM_MEANT_SIZE = 32 };
struct am_view am_inventory_meant_hours(struct am_view text, char memory[AM_MEANT_SIZE]);
struct am_view am_inventory_meant_size(struct am_view text, char memory[AM_MEANT_SIZE]);

/* The zone that differs in case only, or is of that city, or what a usual abbreviation means; an
 * empty view: not known. */
struct am_view am_inventory_meant_timezone(const struct am_timezones *zones, struct am_view name);

#endif
