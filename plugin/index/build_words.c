/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords to word ids. */
#include <xxhash.h>

#include "../text/words.h"
#include "build.h"

static bool word_equal(const void *context, uint32_t id, const void *key) {
    const struct am_builder *builder = context;
    const struct am_view *wanted = key;
    am_image_string_ref ref = AM_VECTOR_AT(&builder->words, struct am_build_word, id)->text;
    const char *at = AM_VECTOR_AT(&builder->pools.strings, char, (size_t)ref * 4);
    return am_view_equal((struct am_view){at + 4, am_bytes_load_u32(at)}, *wanted);
}

/* The temporary id of a word, new ones numbered in order of appearance. */
static bool
intern_word(struct am_builder *builder, struct am_view text, uint32_t *id, struct am_error *error) {
    struct am_intern_slot *slot = am_intern_find(
        &builder->word_table, XXH3_64bits(text.data, text.size), word_equal, builder, &text);
    if (!slot)
        return am_build_out_of_memory(error);
    if (slot->id == UINT32_MAX) {
        /* Three node numbers may be needed for a word, see AM_NODE_OF_*. */
        if (builder->words.count >= UINT32_MAX / 4)
            return am_build_too_many(error, "distinct words (times four)");
        struct am_build_word word = {.text = am_build_pools_string(&builder->pools, text),
                                     .phrase_terminal = AM_NONE,
                                     .broad_terminal = AM_NONE,
                                     .stem = AM_NONE};
        if (!am_vector_push(&builder->words, &word))
            return am_build_out_of_memory(error);
        slot->id = (uint32_t)(builder->words.count - 1);
    }
    *id = slot->id;
    return true;
}

static bool contains(const uint32_t *ids, uint32_t count, uint32_t id) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* The stem of `word`, through a padded copy, as am_text_stem wants it. */
static struct am_view stem_of(struct am_builder *builder, struct am_view word) {
    static const char padding[AM_WORD_PADDING];
    char copy[AM_WORD_MAX_BYTES + AM_WORD_PADDING];
    if (!builder->stemmer || word.size > AM_WORD_MAX_BYTES)
        return word;
    memcpy(copy, word.data, word.size);
    memcpy(copy + word.size, padding, sizeof padding);
    struct am_view stem = am_text_stem(builder->stemmer, (struct am_view){copy, word.size});
    return stem.data == copy ? word : stem;
}

static bool flatten(struct am_builder *builder,
                    const struct am_inventory_keyword *keyword,
                    uint32_t owner,
                    uint32_t position,
                    struct am_error *error) {
    struct am_build_flat_keyword flat = {.source = keyword,
                                         .first_word = (uint32_t)builder->flat_words.count,
                                         .owner = owner,
                                         .position = position,
                                         .terminal = AM_NONE};
    uint32_t ids[AM_KEYWORD_MAX_WORDS];
    uint32_t count = 0;
    bool broad = keyword->match == AM_MATCH_BROAD;
    struct am_view rest = keyword->words;
    while (rest.size && count < AM_KEYWORD_MAX_WORDS) {
        const char *space = memchr(rest.data, ' ', rest.size);
        struct am_view word = {rest.data, space ? (size_t)(space - rest.data) : rest.size};
        rest.data += word.size + (space != NULL);
        rest.size -= word.size + (space != NULL);
        uint32_t id;
        if (!intern_word(builder, broad ? stem_of(builder, word) : word, &id, error))
            return false;
        if (!broad || !contains(ids, count, id))
            ids[count++] = id;
    }
    flat.word_count = (uint8_t)count;
    if (builder->flat_words.count + count >= UINT32_MAX)
        return am_build_too_many(error, "words of keywords");
    uint32_t *place = am_vector_extend(&builder->flat_words, count);
    if ((!place && count) || !am_vector_push(&builder->flat, &flat))
        return am_build_out_of_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, ids[i]);
        place[i] = ids[i];
        word->frequency++;
        word->broad_frequency += broad;
    }
    return true;
}

static bool flatten_negatives(struct am_builder *builder,
                              const struct am_inventory_rules *rules,
                              struct am_error *error) {
    for (uint32_t i = 0; i < rules->negative_count; i++)
        if (!flatten(builder, &rules->negatives[i], 0, i, error))
            return false;
    return true;
}

/* Order matters: am_build_records meets the negative keywords again in the same order. */
static bool flatten_all(struct am_builder *builder, struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        if (!flatten_negatives(builder, &inventory->campaigns[i].rules, error))
            return false;
    for (uint32_t i = 0; i < inventory->ad_count; i++) {
        const struct am_inventory_ad *ad = &inventory->ads[i];
        if (!flatten_negatives(builder, &ad->rules, error))
            return false;
        for (uint32_t k = 0; k < ad->keyword_count; k++)
            if (!flatten(builder, &ad->keywords[k], i, k, error))
                return false;
    }
    return true;
}

static bool has_broad(const struct am_builder *builder) {
    const struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++)
        if (flat[i].source->match == AM_MATCH_BROAD)
            return true;
    return false;
}

static void find_stems(struct am_builder *builder) {
    struct am_build_word *words = builder->words.data;
    if (!builder->stemmer || !has_broad(builder))
        return;
    for (size_t i = 0; i < builder->words.count; i++) {
        const char *at = AM_VECTOR_AT(&builder->pools.strings, char, (size_t)words[i].text * 4);
        struct am_view stem = stem_of(builder, (struct am_view){at + 4, am_bytes_load_u32(at)});
        words[i].stem = am_intern_get(&builder->word_table, XXH3_64bits(stem.data, stem.size),
                                      word_equal, builder, &stem);
    }
}

static int ascending_u32(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

struct word_order {
    uint32_t broad_frequency, frequency, id;
};

static int by_rarity(const void *a, const void *b) {
    const struct word_order *left = a, *right = b;
    if (left->broad_frequency != right->broad_frequency)
        return left->broad_frequency < right->broad_frequency ? -1 : 1;
    if (left->frequency != right->frequency)
        return left->frequency < right->frequency ? -1 : 1;
    return (left->id < right->id) - (left->id > right->id);
}

/* new_ids[old id]: rarest among broad keywords first; equally rare ones by how rare they are in all
 * keywords, then the last to appear first. */
static uint32_t *order_words(struct am_builder *builder) {
    size_t count = builder->words.count;
    struct word_order *order = malloc((count + 1) * sizeof *order);
    uint32_t *new_ids = malloc((count + 1) * sizeof *new_ids);
    struct am_build_word *words = malloc((count + 1) * sizeof *words);
    if (!order || !new_ids || !words) {
        free(new_ids);
        new_ids = NULL;
        goto done;
    }
    const struct am_build_word *old = builder->words.data;
    for (size_t i = 0; i < count; i++)
        order[i] = (struct word_order){old[i].broad_frequency, old[i].frequency, (uint32_t)i};
    qsort(order, count, sizeof *order, by_rarity);
    for (size_t i = 0; i < count; i++) {
        new_ids[order[i].id] = (uint32_t)i;
        words[i] = old[order[i].id];
    }
    if (count)
        memcpy(builder->words.data, words, count * sizeof *words);
done:
    free(order);
    free(words);
    return new_ids;
}

static bool renumber_words(struct am_builder *builder, struct am_error *error) {
    uint32_t *new_ids = order_words(builder);
    if (!new_ids)
        return am_build_out_of_memory(error);
    uint32_t *ids = builder->flat_words.data;
    for (size_t i = 0; i < builder->flat_words.count; i++)
        ids[i] = new_ids[ids[i]];
    struct am_build_word *words = builder->words.data;
    for (size_t i = 0; i < builder->words.count; i++)
        if (words[i].stem != AM_NONE)
            words[i].stem = new_ids[words[i].stem];
    const struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++)
        if (flat[i].source->match == AM_MATCH_BROAD)
            qsort(ids + flat[i].first_word, flat[i].word_count, sizeof *ids, ascending_u32);
    free(new_ids);
    return true;
}

bool am_build_words(struct am_builder *builder, struct am_error *error) {
    bool done = flatten_all(builder, error);
    if (done)
        find_stems(builder);
    done = done && renumber_words(builder, error);
    am_intern_free(&builder->word_table); /* its ids are the old ones */
    return done;
}
