/* SPDX-License-Identifier: Apache-2.0 */
/* Skips the bytes of a text that JSON need not escape, many at a time. Private to the base room. */
#ifndef AM_BASE_PLAIN_H
#define AM_BASE_PLAIN_H

#include "bytes.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define AM_EVERY_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline bool am_plain_byte(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

/* Nonzero when one of eight bytes may be not plain; zero only when all are. */
AM_WRAPS static inline uint64_t am_plain_doubt(uint64_t bytes) {
    uint64_t quote = bytes ^ AM_EVERY_BYTE('"');
    uint64_t backslash = bytes ^ AM_EVERY_BYTE('\\');
    uint64_t below = bytes - AM_EVERY_BYTE(0x20);
    uint64_t above = bytes + AM_EVERY_BYTE(0x01); /* DEL becomes 0x80 */
    quote -= AM_EVERY_BYTE(0x01);
    backslash -= AM_EVERY_BYTE(0x01);
    return (quote | backslash | below | above | bytes) & AM_EVERY_BYTE(0x80);
}

#ifdef __SSE2__
/* Every bit set in the bytes that are not plain. Signed: those of 0x80 and more are below the
 * space, too. */
static inline __m128i am_plain_not(__m128i bytes) {
    return _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F))),
                        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
}
#endif

/* The first byte from `at` on that is a quote, a backslash, a control character, DEL or not ASCII;
 * or `end`. */
static inline const char *am_plain_skip(const char *at, const char *end) {
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        unsigned mask = (unsigned)_mm_movemask_epi8(am_plain_not(bytes));
        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (end - at >= 8 && !am_plain_doubt(am_bytes_load_u64(at)))
        at += 8;
    while (at < end && am_plain_byte((unsigned char)*at))
        at++;
    return at;
}

#ifdef __SSE2__
/* Of at least 16 bytes. */
static inline bool am_plain_copy_blocks(char *to, const char *from, size_t size) {
    __m128i special = _mm_setzero_si128();
    for (size_t at = 0; at < size; at += 16) {
        size_t begin = at + 16 <= size ? at : size - 16; /* the last one overlaps */
        __m128i bytes = _mm_loadu_si128((const __m128i *)(from + begin));
        _mm_storeu_si128((__m128i *)(to + begin), bytes);
        special = _mm_or_si128(special, am_plain_not(bytes));
    }
    return _mm_movemask_epi8(special) == 0;
}
#endif

/* Eight bytes and more, or four and more: the first and the last ones, which may overlap. */
static inline uint64_t am_plain_copy_eights(char *to, const char *from, size_t size) {
    uint64_t first = am_bytes_load_u64(from), last = am_bytes_load_u64(from + size - 8);
    memcpy(to, &first, 8);
    memcpy(to + size - 8, &last, 8);
    return am_plain_doubt(first) | am_plain_doubt(last);
}

static inline uint64_t am_plain_copy_fours(char *to, const char *from, size_t size) {
    uint32_t first = am_bytes_load_u32(from), last = am_bytes_load_u32(from + size - 4);
    memcpy(to, &first, 4);
    memcpy(to + size - 4, &last, 4);
    return am_plain_doubt((uint64_t)last << 32 | first);
}

/* Copies a text. False: some byte is not plain, and the copy is undefined. Branches depend on the
 * length alone, never on the text. */
static inline bool am_plain_copy(char *to, const char *from, size_t size) {
    uint64_t doubt = 0;
#ifdef __SSE2__
    if (size >= 16)
        return am_plain_copy_blocks(to, from, size);
#endif
    while (size >= 16) {
        doubt |= am_plain_copy_eights(to, from, 16);
        to += 16;
        from += 16;
        size -= 16;
    }
    if (size >= 8)
        return (doubt | am_plain_copy_eights(to, from, size)) == 0;
    if (size >= 4)
        return (doubt | am_plain_copy_fours(to, from, size)) == 0;
    for (size_t at = 0; at < size; at++) {
        to[at] = from[at];
        doubt |= !am_plain_byte((unsigned char)from[at]);
    }
    return doubt == 0;
}

#endif
