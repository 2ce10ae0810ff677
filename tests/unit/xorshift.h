/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that look random, the same in every run (Marsaglia, "Xorshift RNGs", 2003). */
#ifndef TESTS_XORSHIFT_H
#define TESTS_XORSHIFT_H

#include "../../plugin/base/bytes.h"

#define XORSHIFT32_SEED UINT32_C(2463534242)
#define XORSHIFT64_SEED UINT64_C(88172645463325252)

/* The next number of 32 bits; *state is not 0. */
AM_WRAPS static inline uint32_t xorshift32(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* The same of 64 bits. */
AM_WRAPS static inline uint64_t xorshift64(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
