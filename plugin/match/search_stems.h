/* Private to the match room: the stems of a request's words. */
#ifndef AM_MATCH_SEARCH_STEMS_H
#define AM_MATCH_SEARCH_STEMS_H

#include "search_ways.h"

struct am_matcher;

/* Bytes of a matcher's stem_cache, zeroed at first, one for each image that it is attached to. */
size_t am_search_stem_cache_size(void);

/* The id and flags of what broad matching takes each word for: its stem, or AM_NONE and 0.
 * `word_ids` and `word_flags` are the words' own; `keys` as am_image_word_key makes them. */
void am_search_stems(struct am_matcher *matcher,
                     const struct am_search_word_batch *batch,
                     const struct am_image_word_key *keys,
                     const uint32_t *word_ids,
                     const uint8_t *word_flags,
                     uint32_t *ids,
                     uint8_t *flags);

#endif
