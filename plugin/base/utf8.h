/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that may or may not be UTF-8: one step through them (Unicode 15, table 3-7), for those who
 * escape text, and what people may see of them. */
#ifndef AM_BASE_UTF8_H
#define AM_BASE_UTF8_H

#include "bytes.h"

struct am_utf8_step {
    uint32_t size; /* bytes of the character, or of the maximal ill-formed subpart; at least 1 */
    bool valid;
};

/* The range of the second byte, by the first; empty when the first byte begins no character. */
static inline void am_utf8_second(unsigned char first, unsigned char *low, unsigned char *high) {
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (first < 0xC2 || first > 0xF4)
        *high = 0;
}

/* `at` has at least one byte before `end`. */
static inline struct am_utf8_step am_utf8_step(const char *at, const char *end) {
    const unsigned char *byte = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (byte[0] < 0x80)
        return (struct am_utf8_step){1, true};
    uint32_t need = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    unsigned char low, high;
    am_utf8_second(byte[0], &low, &high);
    if (left < 2 || byte[1] < low || byte[1] > high)
        return (struct am_utf8_step){1, false};
    uint32_t size = 2;
    while (size < need && size < left && (byte[size] & 0xC0) == 0x80)
        size++;
    return (struct am_utf8_step){size, size == need};
}

/* Copies a text for logs and terminals, truncated between characters to `room`. '?' replaces each
 * character that would control them or hide something: controls, C1 too; line and paragraph
 * separators; marks and overrides of direction; invisible ones, but for those that join letters
 * (U+200C, U+200D); tags. And for each byte that is no UTF-8. Returns the bytes written, at most
 * text.size; `to` may be where the text is. */
size_t am_utf8_visible(struct am_view text, char *to, size_t room);

#endif
