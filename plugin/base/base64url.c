/* SPDX-License-Identifier: Apache-2.0 */
#include "base64url.h"

/* ---- writing ----------------------------------------------------------------------------------
 */

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* 1 in each byte that is at least `least`; all are below 64. */
static uint64_t at_least(uint64_t eight, uint64_t least) {
    return (eight + (0x80 - least) * EACH_BYTE) >> 7 & EACH_BYTE;
}

/* The digits of eight values, a byte each, all at once: 'A' + value, and so much more, or less,
 * from 26 ('a'), 52 ('0'), 62 ('-') and 63 ('_') on. No byte carries into the next. */
AM_WRAPS static uint64_t digits_of(uint64_t eight) {
    uint64_t more = eight + 'A' * EACH_BYTE + at_least(eight, 26) * ('a' - 'A' - 26) +
                    at_least(eight, 63) * ('_' - '-' - 1);
    return more - at_least(eight, 52) * ('a' + 26 - '0') - at_least(eight, 62) * ('0' + 10 - '-');
}

/* The values of the digits of six bytes: halves of halves of halves, the first one lowest. Eight
 * bytes can be read. */
static uint64_t values_of(const uint8_t *six) {
    uint64_t bits = __builtin_bswap64(am_bytes_load_u64(six)) >> 16;
    bits = bits >> 24 | (bits & 0xFFFFFF) << 32;
    bits = (bits >> 12 & UINT64_C(0xFFF00000FFF)) | (bits & UINT64_C(0xFFF00000FFF)) << 16;
    return (bits >> 6 & UINT64_C(0x3F003F003F003F)) | (bits & UINT64_C(0x3F003F003F003F)) << 8;
}

size_t am_base64url_encode(const uint8_t *bytes, size_t size, char *text) {
    enum { GROUP = 6, DIGITS = 8 };
    size_t length = 0;
    for (; size >= DIGITS; size -= GROUP, bytes += GROUP, length += DIGITS) {
        uint64_t digits = digits_of(values_of(bytes));
        memcpy(text + length, &digits, DIGITS);
    }
    while (size) {
        uint8_t padded[DIGITS] = {0};
        size_t group = size < GROUP ? size : GROUP, count = (group * 8 + 5) / 6;
        memcpy(padded, bytes, group);
        uint64_t digits = digits_of(values_of(padded));
        memcpy(text + length, &digits, count);
        size -= group;
        bytes += group;
        length += count;
    }
    return length;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* A digit's value plus one; 0: no digit. */
static const uint8_t values[256] = {
    ['-'] = 63, ['_'] = 64, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58,
    ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,
    ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20,
    ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};

size_t am_base64url_decode(struct am_view text, uint8_t *bytes, size_t capacity) {
    size_t size = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    if (text.size % 4 == 1)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        uint32_t value = values[(uint8_t)text.data[i]];
        if (value == 0)
            return 0;
        bits = bits << 6 | (value - 1);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (size == capacity)
            return 0;
        bytes[size++] = (uint8_t)(bits >> held);
        bits &= (1U << held) - 1;
    }
    return bits ? 0 : size;
}
