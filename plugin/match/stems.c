/* SPDX-License-Identifier: Apache-2.0 */
#include "stems.h"

#include "vocabulary.h"

enum { BUCKETS = 8192 };

void am_match_stems_size(struct am_match_stems *stems,
                         const struct am_image *image,
                         struct am_match_memory *memory) {
    stems->cache = NULL;
    if (!am_match_stems_are_used(image))
        return;
    stems->cache = am_match_memory_take(memory, BUCKETS, sizeof *stems->cache);
    if (stems->cache)
        AM_UNPOISON_ITEMS(stems->cache, 0, BUCKETS);
}

uint32_t am_match_stems_find(const struct am_match_stems *stems,
                             const struct am_image *image,
                             const char *text,
                             uint32_t size,
                             uint8_t *flags) {
    struct am_view stem = am_text_stem(stems->stemmer, (struct am_view){text, size});
    struct am_image_word_key key = am_image_word_key(stem.data, (uint32_t)stem.size);
    return am_match_find_word(image, key, stem.data, (uint32_t)stem.size, flags);
}

static struct am_image_vocabulary_bucket *bucket_of(const struct am_match_stems *stems,
                                                    struct am_image_word_key key) {
    return &stems->cache[am_image_bucket(am_image_word_key_hash(key), BUCKETS)];
}

static int find_lane(const struct am_image_vocabulary_bucket *bucket,
                     struct am_image_word_key key) {
    for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++)
        if (am_image_word_key_is_in(bucket, lane, key))
            return lane;
    return -1;
}

static int enter(struct am_match_stems *stems,
                 const struct am_image *image,
                 struct am_image_vocabulary_bucket *bucket,
                 struct am_image_word_key key,
                 const char *text,
                 uint32_t size) {
    uint8_t flags;
    uint32_t id = am_match_stems_find(stems, image, text, size, &flags);
    int lane = bucket->displaced;
    memcpy(bucket->key[lane], &key, sizeof key);
    bucket->word[lane] = id;
    bucket->flags[lane] = flags;
    bucket->displaced = (uint8_t)(lane + 1 < AM_IMAGE_VOCABULARY_LANES ? lane + 1 : 0);
    return lane;
}

/* Lists the words whose own entry does not give their stem: those that no keyword has as they are,
 * although their stem may be in one, and those that have another word for a stem. */
static uint32_t list_unknown(const struct am_search_word_batch *batch,
                             const uint32_t *word_ids,
                             const uint8_t *word_flags,
                             uint32_t *unknown) {
    uint32_t listed = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        unknown[listed] = i;
        listed +=
            (word_ids[i] == AM_NONE && batch->words[i].size) | word_flags[i] / AM_WORD_HAS_STEM;
    }
    return listed;
}

void am_match_stems_of_batch(struct am_match_stems *stems,
                             const struct am_image *image,
                             const struct am_search_word_batch *batch,
                             const struct am_image_word_key *keys,
                             const uint32_t *word_ids,
                             const uint8_t *word_flags,
                             uint32_t *ids,
                             uint8_t *flags) {
    uint32_t unknown[AM_WORD_BATCH];
    uint32_t listed = list_unknown(batch, word_ids, word_flags, unknown);
    memcpy(ids, word_ids, batch->count * sizeof *ids);
    memcpy(flags, word_flags, batch->count);
    for (uint32_t i = 0; i < listed; i++)
        __builtin_prefetch(bucket_of(stems, keys[unknown[i]]));
    for (uint32_t i = 0; i < listed; i++) {
        uint32_t at = unknown[i], size = batch->words[at].size;
        const char *text = batch->texts + batch->words[at].text;
        /* The key of a long word is a hash, and a cache has no word to compare with. */
        if (am_image_word_key_is_long(keys[at])) {
            ids[at] = am_match_stems_find(stems, image, text, size, &flags[at]);
            continue;
        }
        struct am_image_vocabulary_bucket *bucket = bucket_of(stems, keys[at]);
        int lane = find_lane(bucket, keys[at]);
        if (__builtin_expect(lane < 0, 0))
            lane = enter(stems, image, bucket, keys[at], text, size);
        ids[at] = bucket->word[lane];
        flags[at] = bucket->flags[lane];
    }
}
