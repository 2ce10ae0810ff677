/* SPDX-License-Identifier: Apache-2.0 */
#include "readings.h"

#include "vocabulary.h"

enum {
    BUCKETS = 8192,
    KEPT_MOST = 1 << 18, /* when they are so many, the cache starts anew */
};

/* Of a word: its lookups; and of each byte of a form that is stemmed. */
enum { STEPS_A_WORD = 4, STEPS_A_STEMMED_BYTE = 4 };

void am_match_readings_size(struct am_match_readings *readings,
                            const struct am_image *image,
                            const struct am_text_word_rules *rules,
                            struct am_match_memory *memory) {
    *readings =
        (struct am_match_readings){.image = image, .rules = rules, .stemmer = readings->stemmer};
    if (!am_match_readings_are_used(image, rules))
        return;
    readings->cache = am_match_memory_take(memory, BUCKETS, sizeof *readings->cache);
    readings->kept = am_match_memory_take(memory, KEPT_MOST, sizeof *readings->kept);
    readings->paid = am_match_memory_take(memory, BUCKETS, sizeof *readings->paid);
    if (!readings->cache)
        return;
    AM_UNPOISON_ITEMS(readings->cache, 0, BUCKETS);
    AM_UNPOISON_ITEMS(readings->paid, 0, BUCKETS);
}

AM_WRAPS void am_match_readings_start(struct am_match_readings *readings) {
    if (!readings->cache || ++readings->request)
        return;
    memset(readings->paid, 0, BUCKETS * sizeof *readings->paid);
    readings->request = 1;
}

/* ---- one word ---------------------------------------------------------------------------------
 */

static void add(struct am_match_reading_list *list, uint32_t id, uint8_t flags) {
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return;
    list->items[list->count++] =
        (struct am_match_reading){id, (uint8_t)(flags & ~AM_WORD_HAS_STEM)};
}

static uint32_t
find(const struct am_match_readings *readings, struct am_view text, uint8_t *flags) {
    return am_match_find_word(readings->image, am_image_word_key(text.data, (uint32_t)text.size),
                              text.data, (uint32_t)text.size, flags);
}

/* The record of a key, or NULL. */
static const struct am_image_forms *forms_of(const struct am_image *image, uint32_t key) {
    uint64_t low = 0, high = image->form_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (image->forms[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < image->form_count && image->forms[low].key == key ? &image->forms[low] : NULL;
}

/* Words of two keys that have this one. Their flags are with their entries in the vocabulary. */
static void add_forms(const struct am_match_readings *readings,
                      uint32_t key,
                      enum am_image_key kind,
                      struct am_match_reading_list *list) {
    const struct am_image *image = readings->image;
    const struct am_image_forms *forms = forms_of(image, key);
    if (!forms)
        return;
    struct am_image_list words =
        am_image_list_at(image, kind == AM_KEY_FIRST ? forms->first : forms->second);
    for (uint32_t i = 0; i < words.count; i++) {
        char padded[AM_IMAGE_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
        struct am_view text = am_image_string(image, image->words[words.items[i]].text);
        uint8_t flags;
        memcpy(padded, text.data, text.size);
        find(readings, (struct am_view){padded, text.size}, &flags);
        add(list, words.items[i], flags);
    }
}

/* The word that has just this key, when a broad keyword has it. */
static uint32_t add_word(const struct am_match_readings *readings,
                         struct am_view key,
                         struct am_match_reading_list *list) {
    uint8_t flags;
    uint32_t id = find(readings, key, &flags);
    if (flags & (AM_WORD_IS_BROAD | AM_WORD_BEGINS_BROAD | AM_WORD_CONTINUES_BROAD))
        add(list, id, flags);
    return id;
}

void am_match_readings_find(const struct am_match_readings *readings,
                            struct am_view written,
                            struct am_view folded,
                            struct am_match_reading_list *list) {
    struct am_text_keys keys = am_text_keys_of(readings->stemmer, readings->rules, written, folded);
    list->count = 0;
    uint32_t first = add_word(readings, keys.first, list);
    uint32_t second =
        am_view_equal(keys.first, keys.second) ? first : add_word(readings, keys.second, list);
    if (readings->image->form_count && first != AM_NONE)
        add_forms(readings, first, AM_KEY_FIRST, list);
    if (readings->image->form_count && second != AM_NONE)
        add_forms(readings, second, AM_KEY_SECOND, list);
    for (uint32_t i = 0; i < keys.rest_count; i++)
        add_word(readings, keys.rests[i], list);
}

/* ---- the cache --------------------------------------------------------------------------------
 */

static struct am_image_vocabulary_bucket *bucket_of(const struct am_match_readings *readings,
                                                    struct am_image_word_key key) {
    return &readings->cache[am_image_bucket(am_image_word_key_hash(key), BUCKETS)];
}

static int find_lane(const struct am_image_vocabulary_bucket *bucket,
                     struct am_image_word_key key) {
    for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++)
        if (am_image_word_key_is_in(bucket, lane, key))
            return lane;
    return -1;
}

/* Keeps several readings; returns where. */
static uint32_t keep(struct am_match_readings *readings, const struct am_match_reading_list *list) {
    if (readings->kept_count + list->count + 1 > KEPT_MOST) {
        memset(readings->cache, 0, BUCKETS * sizeof *readings->cache);
        readings->kept_count = 0;
    }
    uint32_t at = readings->kept_count;
    AM_UNPOISON_ITEMS(readings->kept, at, list->count + 1);
    readings->kept[at] = (struct am_match_reading){.id = list->count};
    memcpy(readings->kept + at + 1, list->items, list->count * sizeof *list->items);
    readings->kept_count += list->count + 1;
    return at;
}

/* A lane with AM_WORD_HAS_STEM has several readings, and the place of their list for an id. */
static void enter(struct am_match_readings *readings,
                  struct am_image_vocabulary_bucket *bucket,
                  struct am_image_word_key key,
                  const struct am_match_reading_list *list) {
    struct am_match_reading entry = {AM_NONE, 0};
    if (list->count == 1)
        entry = list->items[0];
    else if (list->count > 1)
        entry = (struct am_match_reading){keep(readings, list), AM_WORD_HAS_STEM};
    int lane = bucket->displaced;
    memcpy(bucket->key[lane], &key, sizeof key);
    bucket->word[lane] = entry.id;
    bucket->flags[lane] = entry.flags;
    bucket->displaced = (uint8_t)(lane + 1 < AM_IMAGE_VOCABULARY_LANES ? lane + 1 : 0);
}

/* ---- batches ----------------------------------------------------------------------------------
 */

/* Lists the words whose own entry does not give their reading: those that no keyword has as they
 * are, although it may have one that they count as; those that have other readings; and those that
 * have lost accents, whose own entry is another word's. */
static uint32_t list_unknown(const struct am_match_found_batch *found, uint32_t *unknown) {
    uint32_t listed = 0;
    size_t next = 0;
    for (uint32_t i = 0; i < found->batch->count; i++) {
        unknown[listed] = i;
        listed += (found->ids[i] == AM_NONE && found->batch->words[i].size) |
                  found->flags[i] / AM_WORD_HAS_STEM;
    }
    if (__builtin_expect(found->written_count == 0, 1))
        return listed;
    listed = 0;
    for (uint32_t i = 0; i < found->batch->count; i++) {
        bool written = next < found->written_count && found->written[next].word == i;
        next += written;
        if (found->batch->words[i].size &&
            (written || found->ids[i] == AM_NONE || found->flags[i] & AM_WORD_HAS_STEM))
            unknown[listed++] = i;
    }
    return listed;
}

/* A word of a batch in both its forms. */
struct batch_word {
    struct am_view written, folded;
    struct am_image_word_key key; /* of the written form */
};

/* `next`: the first written form that may be this word's; ascends with `at`. */
static struct batch_word
word_of(const struct am_match_found_batch *found, uint32_t at, size_t *next) {
    const struct am_search_word_batch *batch = found->batch;
    struct am_view folded = {batch->texts + batch->words[at].text, batch->words[at].size};
    while (*next < found->written_count && found->written[*next].word < at)
        ++*next;
    if (*next == found->written_count || found->written[*next].word != at)
        return (struct batch_word){folded, folded, found->keys[at]};
    const struct am_text_written_form *form = &found->written[*next];
    struct am_view written = {batch->texts + form->text, form->size};
    return (struct batch_word){written, folded, am_image_word_key(written.data, form->size)};
}

/* ---- the budget -------------------------------------------------------------------------------
 *
 * What the cache has from other requests must not change an answer. So each word of a request is
 * paid for as if the cache had been empty: once, as long as no other word of its bucket comes
 * between. Such a word is in the cache still. */

static uint64_t steps_of(const struct am_match_readings *readings, const struct batch_word *word) {
    size_t bytes = word->folded.size;
    if (word->written.data != word->folded.data)
        bytes += word->written.size;
    return readings->stemmer ? STEPS_A_WORD + bytes * STEPS_A_STEMMED_BYTE : STEPS_A_WORD;
}

static bool is_paid(const struct am_match_paid *paid,
                    const struct am_match_readings *readings,
                    struct am_image_word_key key) {
    return paid->request == readings->request && paid->key.low == key.low &&
           paid->key.high == key.high && !am_image_word_key_is_long(key);
}

static bool takes(const struct am_match_readings *readings, const struct batch_word *word) {
    struct am_match_paid *paid =
        &readings->paid[am_image_bucket(am_image_word_key_hash(word->key), BUCKETS)];
    if (is_paid(paid, readings, word->key))
        return true;
    if (!am_match_work_take(readings->work, AM_STAGE_WORDS, steps_of(readings, word)))
        return false;
    *paid = (struct am_match_paid){word->key, readings->request};
    return true;
}

/* Where readings of a batch go. */
struct output {
    uint32_t *ids;
    uint8_t *flags;
    struct am_match_further *further;
    uint32_t first;
};

static bool give(const struct output *output,
                 uint32_t at,
                 const struct am_match_reading *items,
                 uint32_t count) {
    struct am_match_further *further = output->further;
    output->ids[at] = count ? items[0].id : AM_NONE;
    output->flags[at] = count ? items[0].flags : 0;
    if (count <= 1)
        return true;
    if (further->room - further->count < count - 1)
        return false;
    AM_UNPOISON_ITEMS(further->items, further->count, count - 1);
    for (uint32_t i = 1; i < count; i++)
        further->items[further->count++] =
            (struct am_match_further_reading){output->first + at, items[i]};
    return true;
}

static bool give_found(const struct am_match_readings *readings,
                       const struct output *output,
                       uint32_t at,
                       const struct batch_word *word) {
    struct am_match_reading_list list;
    am_match_readings_find(readings, word->written, word->folded, &list);
    return give(output, at, list.items, list.count);
}

static uint64_t failures_of(const struct am_match_readings *readings) {
    return readings->stemmer ? am_text_stemmer_failures(readings->stemmer) : 0;
}

/* Enters the word into the cache, unless memory ran out for its stem: the next request tries again.
 */
static bool give_new(struct am_match_readings *readings,
                     struct am_image_vocabulary_bucket *bucket,
                     const struct output *output,
                     uint32_t at,
                     const struct batch_word *word) {
    struct am_match_reading_list list;
    uint64_t failures = failures_of(readings);
    am_match_readings_find(readings, word->written, word->folded, &list);
    if (failures_of(readings) == failures)
        enter(readings, bucket, word->key, &list);
    return give(output, at, list.items, list.count);
}

static bool give_cached(struct am_match_readings *readings,
                        const struct output *output,
                        uint32_t at,
                        const struct batch_word *word) {
    struct am_image_vocabulary_bucket *bucket = bucket_of(readings, word->key);
    int lane = find_lane(bucket, word->key);
    if (__builtin_expect(lane < 0, 0))
        return give_new(readings, bucket, output, at, word);
    output->ids[at] = bucket->word[lane];
    output->flags[at] = bucket->flags[lane];
    if (__builtin_expect(!(bucket->flags[lane] & AM_WORD_HAS_STEM), 1))
        return true;
    const struct am_match_reading *kept = readings->kept + bucket->word[lane];
    return give(output, at, kept + 1, kept->id);
}

bool am_match_readings_of_batch(struct am_match_readings *readings,
                                const struct am_match_found_batch *found,
                                uint32_t *ids,
                                uint8_t *flags,
                                struct am_match_further *further) {
    const struct output output = {ids, flags, further, found->first};
    uint32_t unknown[AM_WORD_BATCH + 1];
    uint32_t listed = list_unknown(found, unknown);
    size_t next = 0;
    memcpy(ids, found->ids, found->batch->count * sizeof *ids);
    memcpy(flags, found->flags, found->batch->count);
    for (uint32_t i = 0; i < listed; i++)
        __builtin_prefetch(bucket_of(readings, found->keys[unknown[i]]));
    for (uint32_t i = 0; i < listed; i++) {
        struct batch_word word = word_of(found, unknown[i], &next);
        if (!takes(readings, &word)) {
            give(&output, unknown[i], NULL, 0);
            continue;
        }
        /* The key of a long word is a hash, and a cache has no word to compare with. */
        bool given = am_image_word_key_is_long(word.key)
                         ? give_found(readings, &output, unknown[i], &word)
                         : give_cached(readings, &output, unknown[i], &word);
        if (!given)
            return false;
    }
    return true;
}

bool am_match_further_insert(struct am_match_further *further,
                             uint32_t word,
                             const struct am_match_reading_list *list) {
    uint32_t added = list->count ? list->count - 1 : 0;
    if (further->room - further->count < added)
        return false;
    AM_UNPOISON_ITEMS(further->items, further->count, added);
    uint32_t at = further->count;
    for (; at > 0 && further->items[at - 1].word > word; at--)
        further->items[at - 1 + added] = further->items[at - 1];
    for (uint32_t i = 0; i < added; i++)
        further->items[at + i] = (struct am_match_further_reading){word, list->items[1 + i]};
    further->count += added;
    return true;
}
