/* Words to the ids of their stems, through a cache: Snowball takes a hundred times as long as a
 * look here, and the words of pages and queries repeat. */
#include "search_stems.h"

#include "matcher.h"

enum { BUCKETS = 8192 };

/* A bucket of the cache is laid out as one of the vocabulary, with the stem's id and flags beside
 * the key of the word as it stands in the text; `displaced` tells which way is replaced next.
 * Zeroed memory is an empty cache, since no word has a key of zeros. */
size_t am_search_stem_cache_size(void) {
    return BUCKETS * sizeof(struct am_image_vocabulary_bucket);
}

static struct am_image_vocabulary_bucket *bucket_of(const struct am_matcher *matcher,
                                                    struct am_image_word_key key) {
    return &matcher->stem_cache[am_image_bucket(am_image_word_key_hash(key), BUCKETS)];
}

static int find_way(const struct am_image_vocabulary_bucket *bucket, struct am_image_word_key key) {
    for (int way = 0; way < AM_IMAGE_VOCABULARY_LANES; way++)
        if (am_image_word_key_is_in(bucket, way, key))
            return way;
    return -1;
}

static int enter(struct am_matcher *matcher,
                 struct am_image_vocabulary_bucket *bucket,
                 struct am_image_word_key key,
                 const char *text,
                 uint32_t size) {
    uint8_t flags;
    uint32_t id = am_search_stem(matcher, text, size, &flags);
    int way = bucket->displaced;
    memcpy(bucket->key[way], &key, sizeof key);
    bucket->word[way] = id;
    bucket->flags[way] = flags;
    bucket->displaced = (uint8_t)(way + 1 < AM_IMAGE_VOCABULARY_LANES ? way + 1 : 0);
    return way;
}

/* Lists the words whose own entry does not tell: those that no keyword has as they are, although
 * their stem may be in one, and those that have another word for a stem. */
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

void am_search_stems(struct am_matcher *matcher,
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
        __builtin_prefetch(bucket_of(matcher, keys[unknown[i]]));
    for (uint32_t i = 0; i < listed; i++) {
        uint32_t at = unknown[i], size = batch->words[at].size;
        const char *text = batch->texts + batch->words[at].text;
        /* The key of a long word is a hash, and a cache has no word to compare with. */
        if (am_image_word_key_is_long(keys[at])) {
            ids[at] = am_search_stem(matcher, text, size, &flags[at]);
            continue;
        }
        struct am_image_vocabulary_bucket *bucket = bucket_of(matcher, keys[at]);
        int way = find_way(bucket, keys[at]);
        if (__builtin_expect(way < 0, 0))
            way = enter(matcher, bucket, keys[at], text, size);
        ids[at] = bucket->word[way];
        flags[at] = bucket->flags[way];
    }
}
