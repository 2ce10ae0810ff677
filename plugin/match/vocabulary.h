/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: one word in the vocabulary. */
#ifndef AM_MATCH_VOCABULARY_H
#define AM_MATCH_VOCABULARY_H

#include "../index/image.h"
#include "../index/vocabulary.h"

/* The id and flags of one word, AM_NONE and 0 when it is not there. Probes all buckets where it may
 * be, and compares its text when its key is a hash only. */
uint32_t am_match_find_word(const struct am_image *image,
                            struct am_image_word_key key,
                            const char *text,
                            uint32_t size,
                            uint8_t *flags);

#endif
