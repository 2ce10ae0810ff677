/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: in which language keywords were probably written. */
#ifndef AM_INVENTORY_GUESS_H
#define AM_INVENTORY_GUESS_H

#include "../base/vector.h"

/* The code of the language of broad keywords, by the small words in them and by their script; NULL
 * where too few of them show it, or others of that script. `ads`: of struct am_inventory_ad.
 * `*count` is how many show it, of the first thousands that are looked at. */
const char *am_inventory_guess_language(const struct am_vector *ads, uint32_t *count);

#endif
