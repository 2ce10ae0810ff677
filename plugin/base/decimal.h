/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals: money and weights never pass through a float. */
#ifndef AM_BASE_DECIMAL_H
#define AM_BASE_DECIMAL_H

#include "bytes.h"
#include "error.h"

/* Reads a JSON number (RFC 8259 section 6; sign and exponent included) as an integer count of
 * 10^-places. "1.25" with 6 places is 1250000. Digits beyond `places` must be zero. `text` must
 * already be a well-formed JSON number. AM_E_INVALID: more than `places` decimals; AM_E_LIMIT: does
 * not fit int64. The message speaks of "at most N decimals". */
enum am_code
am_decimal_parse(struct am_view text, unsigned places, int64_t *value, struct am_error *error);
/* The same of any text; AM_E_SYNTAX, without a message, when it is no JSON number. */
enum am_code am_decimal_parse_text(struct am_view text, unsigned places, int64_t *value);

enum { AM_DECIMAL_TEXT_SIZE = 32 };

/* Writes value x 10^-places with no needless zeros ("1.25", "3", "-0.5"); returns the length, below
 * AM_DECIMAL_TEXT_SIZE. Not NUL-terminated. places <= 18. */
size_t am_decimal_write(int64_t value, unsigned places, char *text);

#endif
