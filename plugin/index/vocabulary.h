/* The vocabulary's keys, as builder, verifier and matcher all make them. */
#ifndef AM_INDEX_VOCABULARY_H
#define AM_INDEX_VOCABULARY_H

#include <xxhash.h>

#include "../text/words.h"
#include "format.h"

struct am_word_key {
    uint64_t low, high; /* the 16 bytes of a bucket's key */
};

enum { AM_WORD_KEY_LONG = 0xFF };

static inline bool am_word_key_is_long(struct am_word_key key) {
    return (key.low & 0xFF) == AM_WORD_KEY_LONG;
}

/* `text` must have AM_WORD_PADDING readable bytes after it. size is 1..AM_WORD_MAX_BYTES. */
static inline struct am_word_key am_word_key(const char *text, uint32_t size) {
    static const uint64_t masks[AM_VOCABULARY_KEY / 2 + 1] = {
        0,          0xFF,         0xFFFF,         0xFFFFFF,
        0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
        UINT64_MAX};
    if (__builtin_expect(size > AM_VOCABULARY_KEY, 0))
        return (struct am_word_key){AM_WORD_KEY_LONG | (uint64_t)size << 8,
                                    XXH3_64bits(text, size)};
    uint32_t low_size = size < 8 ? size : 8;
    return (struct am_word_key){am_load_u64(text) & masks[low_size],
                                am_load_u64(text + 8) & masks[size - low_size]};
}

static inline uint64_t am_word_key_hash(struct am_word_key key) {
    return am_mix(key.low, key.high);
}

#endif
