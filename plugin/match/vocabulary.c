/* SPDX-License-Identifier: Apache-2.0 */
#include "vocabulary.h"

static bool
is_same_word(const struct am_image *image, uint32_t id, const char *text, uint32_t size) {
    return am_view_equal(am_image_string(image, image->words[id].text),
                         (struct am_view){text, size});
}

uint32_t am_match_find_word(const struct am_image *image,
                            struct am_image_word_key key,
                            const char *text,
                            uint32_t size,
                            uint8_t *flags) {
    uint64_t hash = am_image_word_key_hash(key);
    uint64_t at = am_image_bucket(hash, image->vocabulary_buckets);
    for (;;) {
        const struct am_image_vocabulary_bucket *bucket = &image->vocabulary[at];
        for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++) {
            if (!am_image_word_key_is_in(bucket, lane, key))
                continue;
            if (am_image_word_key_is_long(key) &&
                !is_same_word(image, bucket->word[lane], text, size))
                continue;
            *flags = bucket->flags[lane];
            return bucket->word[lane];
        }
        if (!(bucket->displaced & am_image_overflow_word(hash)))
            break;
        at = at + 1 < image->vocabulary_buckets ? at + 1 : 0;
    }
    *flags = 0;
    return AM_NONE;
}
