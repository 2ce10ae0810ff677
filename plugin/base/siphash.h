/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 with 128 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the
 * 128 bits as in their reference code): a keyed hash that nobody without the key can predict.
 *
 * An answer with three ads asks for nine of some 50 bytes each, and libcrypto takes longer for one
 * call than for the hash itself. */
#ifndef AM_BASE_SIPHASH_H
#define AM_BASE_SIPHASH_H

#include "bytes.h"

enum { AM_SIPHASH_KEY = 16, AM_SIPHASH_SIZE = 16 };

/* A hash under way, over bytes that come in pieces. */
struct am_siphash {
    uint64_t v[4];
    uint64_t tail; /* bytes that do not fill a block yet, the first one lowest */
    size_t size;   /* bytes so far */
};

AM_WRAPS static inline uint64_t am_siphash_rotate(uint64_t word, unsigned bits) {
    return word << bits | word >> (64 - bits);
}

AM_WRAPS static inline void am_siphash_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = am_siphash_rotate(v[1], 13) ^ v[0];
    v[3] = am_siphash_rotate(v[3], 16) ^ v[2];
    v[0] = am_siphash_rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = am_siphash_rotate(v[1], 17) ^ v[2];
    v[3] = am_siphash_rotate(v[3], 21) ^ v[0];
    v[2] = am_siphash_rotate(v[2], 32);
}

static inline void am_siphash_block(uint64_t v[4], uint64_t block) {
    v[3] ^= block;
    am_siphash_round(v);
    am_siphash_round(v);
    v[0] ^= block;
}

static inline struct am_siphash am_siphash_start(const uint8_t key[AM_SIPHASH_KEY]) {
    uint64_t k0 = am_bytes_load_u64(key), k1 = am_bytes_load_u64(key + 8);
    return (struct am_siphash){
        {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xEE,
         k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)},
        0,
        0};
}

static inline void am_siphash_add(struct am_siphash *hash, const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    struct am_siphash now = *hash; /* in registers */
    unsigned filled = (unsigned)(now.size % 8) * 8;
    now.size += size;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t block = am_bytes_load_u64(at);
        am_siphash_block(now.v, now.tail | block << filled);
        now.tail = filled ? block >> (64 - filled) : 0;
    }
    for (; size; size--, at++) {
        now.tail |= (uint64_t)*at << filled;
        filled = (filled + 8) % 64;
        if (filled)
            continue;
        am_siphash_block(now.v, now.tail);
        now.tail = 0;
    }
    *hash = now;
}

static inline uint64_t am_siphash_word(uint64_t v[4]) {
    for (int i = 0; i < 4; i++)
        am_siphash_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The hash of all bytes so far. */
static inline void am_siphash_end(struct am_siphash hash, uint8_t output[AM_SIPHASH_SIZE]) {
    uint64_t words[2];
    am_siphash_block(hash.v, hash.tail | (uint64_t)hash.size << 56);
    hash.v[2] ^= 0xEE;
    words[0] = am_siphash_word(hash.v);
    hash.v[1] ^= 0xDD;
    words[1] = am_siphash_word(hash.v);
    memcpy(output, words, sizeof words);
}

/* Whether the first `size` bytes of two hashes are equal. Takes as long for any bytes, so that
 * nobody can guess a MAC byte by byte. */
static inline bool am_siphash_is_mac(const uint8_t *wanted, const uint8_t *found, size_t size) {
    uint8_t differs = 0;
    for (size_t i = 0; i < size; i++)
        differs |= wanted[i] ^ found[i];
    return differs == 0;
}

#endif
