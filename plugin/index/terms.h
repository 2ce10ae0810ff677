/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a term, as builder, verifier and readers all make it. */
#ifndef AM_INDEX_TERMS_H
#define AM_INDEX_TERMS_H

#include <xxhash.h>

#include "format.h"

/* `key` is AM_NONE for all kinds but kv values, domains too. No two terms have the same hash. */
static inline uint64_t am_image_term_hash(uint32_t kind, uint32_t key, struct am_view text) {
    return am_hash_mix(XXH3_64bits(text.data, text.size), (uint64_t)kind << 32 | key);
}

#endif
