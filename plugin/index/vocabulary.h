/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary's keys, as builder, verifier and matcher all make them. */
#ifndef AM_INDEX_VOCABULARY_H
#define AM_INDEX_VOCABULARY_H

#include <xxhash.h>

#include "../text/words.h"
#include "format.h"

struct am_image_word_key {
    uint64_t low, high; /* the 16 bytes of a bucket's key */
};

enum {
    AM_WORD_KEY_LONG = 0xFF,
    AM_IMAGE_WORD_MAX_BYTES =
        2 * AM_WORD_MAX_BYTES + 1, /* of a word of two keys, and their space */
};

static inline bool am_image_word_key_is_long(struct am_image_word_key key) {
    return (key.low & 0xFF) == AM_WORD_KEY_LONG;
}

/* `text` must have AM_WORD_PADDING readable bytes after it. size is at most
 * AM_IMAGE_WORD_MAX_BYTES; the key of size 0 is all zero, as that of an empty place. */
static inline struct am_image_word_key am_image_word_key(const char *text, uint32_t size) {
    /* The 16 bytes from 16 - size on are the mask that keeps `size` bytes. */
    static const uint64_t window[4] = {UINT64_MAX, UINT64_MAX, 0, 0};
    if (__builtin_expect(size > AM_VOCABULARY_KEY, 0))
        return (struct am_image_word_key){AM_WORD_KEY_LONG | (uint64_t)size << 8,
                                          XXH3_64bits(text, size)};
    const char *mask = (const char *)window + AM_VOCABULARY_KEY - size;
    return (struct am_image_word_key){am_bytes_load_u64(text) & am_bytes_load_u64(mask),
                                      am_bytes_load_u64(text + 8) & am_bytes_load_u64(mask + 8)};
}

/* Without a branch: which lane of a bucket has a key is beyond prediction. */
static inline bool am_image_word_key_is_in(const struct am_image_vocabulary_bucket *bucket,
                                           int lane,
                                           struct am_image_word_key key) {
    return ((am_bytes_load_u64(bucket->key[lane]) ^ key.low) |
            (am_bytes_load_u64(bucket->key[lane] + 8) ^ key.high)) == 0;
}

static inline uint64_t am_image_word_key_hash(struct am_image_word_key key) {
    return am_hash_mix(key.low, key.high);
}

#endif
