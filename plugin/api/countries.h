/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: country codes. */
#ifndef AM_API_COUNTRIES_H
#define AM_API_COUNTRIES_H

#include "../base/bytes.h"

/* The two letters (ISO 3166-1 alpha-2, upper case) of a country given by three letters or by two,
 * in any case; .data is NULL when there is no such country. The text is static. */
struct am_view am_api_country_short(struct am_view code);

#endif
