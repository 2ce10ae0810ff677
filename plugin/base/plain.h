/* Skipping the bytes of a text that need no care in JSON, many at a time. Private to the base room.
 */
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
static inline uint64_t am_plain_doubt(uint64_t bytes) {
    uint64_t quote = bytes ^ AM_EVERY_BYTE('"');
    uint64_t backslash = bytes ^ AM_EVERY_BYTE('\\');
    uint64_t below = bytes - AM_EVERY_BYTE(0x20);
    uint64_t above = bytes + AM_EVERY_BYTE(0x01); /* DEL becomes 0x80 */
    quote -= AM_EVERY_BYTE(0x01);
    backslash -= AM_EVERY_BYTE(0x01);
    return (quote | backslash | below | above | bytes) & AM_EVERY_BYTE(0x80);
}

/* The first byte from `at` on that is a quote, a backslash, a control character, DEL or not ASCII;
 * or `end`. */
static inline const char *am_plain_skip(const char *at, const char *end) {
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        /* Signed: bytes of 0x80 and more are below the space, too. */
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F))),
                                       _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (end - at >= 8 && !am_plain_doubt(am_load_u64(at)))
        at += 8;
    while (at < end && am_plain_byte((unsigned char)*at))
        at++;
    return at;
}

#endif
