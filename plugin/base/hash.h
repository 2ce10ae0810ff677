/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes. FNV-1a is a contract with users (it decides rotation); the mixer is private to an image's
 * format. */
#ifndef AM_BASE_HASH_H
#define AM_BASE_HASH_H

#include "bytes.h"

#define AM_FNV1A_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits (draft-eastlake-fnv section 2). Start with AM_FNV1A_START; feed more bytes by
 * passing the result. */
AM_WRAPS static inline uint64_t am_hash_fnv1a(uint64_t state, const void *bytes, size_t size) {
    const unsigned char *byte = (const unsigned char *)bytes;
    for (size_t i = 0; i < size; i++)
        state = (state ^ byte[i]) * UINT64_C(0x100000001b3);
    return state;
}

#define AM_MIX_A UINT64_C(0xa0761d6478bd642f)
#define AM_MIX_B UINT64_C(0xe7037ed1a0b428db)

/* Two words into one: the high and low halves of a 128-bit product, folded (the "mum" step of
 * wyhash). Part of the image format: a change is a new format version. */
static inline uint64_t am_hash_mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)(a ^ AM_MIX_A) * (b ^ AM_MIX_B);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
