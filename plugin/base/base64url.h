/* SPDX-License-Identifier: Apache-2.0 */
/* base64url without padding (RFC 4648, section 5). Any thread. */
#ifndef AM_BASE_BASE64URL_H
#define AM_BASE_BASE64URL_H

#include "bytes.h"

/* Writes the digits of the bytes, ceil(4 / 3 of `size`) of them; returns how many. */
size_t am_base64url_encode(const uint8_t *bytes, size_t size, char *text);

/* Returns how many bytes the digits stand for, at most `capacity`; 0 when the text is not one that
 * am_base64url_encode writes, or has more. */
size_t am_base64url_decode(struct am_view text, uint8_t *bytes, size_t capacity);

#endif
