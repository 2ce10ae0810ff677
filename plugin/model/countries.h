/* SPDX-License-Identifier: Apache-2.0 */
/* Country codes, and what people write in their place. */
#ifndef AM_MODEL_COUNTRIES_H
#define AM_MODEL_COUNTRIES_H

#include "../base/bytes.h"

/* The two letters (ISO 3166-1 alpha-2, upper case) of a country given by three letters or by two,
 * in any case; .data is NULL when there is no such country. The text is static. */
struct am_view am_model_country_short(struct am_view code);

/* What a code is read as, wherever countries are named: "uk" as "gb", "el" as "gr", all others as
 * themselves. In any case; the text is static and in lower case, or the code itself. */
struct am_view am_model_country_read_as(struct am_view code);

/* The country that a code of two letters, which is none, was probably meant for: "EN" for "GB". In
 * any case; .data NULL where nothing is near. Static. */
struct am_view am_model_country_meant(struct am_view code);

#endif
