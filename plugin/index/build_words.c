/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords to word ids. */
#include <xxhash.h>

#include "../text/words.h"
#include "build.h"
#include "vocabulary.h"

static bool contains(const uint32_t *ids, uint32_t count, uint32_t id) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* The id of a keyword's word, and in *key what tells it from others of the keyword. Words of twins
 * begin with a space, so that no text's word is one, but by way of a query that is folded. */
static bool number_word(struct am_builder *builder,
                        struct am_view word,
                        bool broad,
                        bool twin,
                        uint32_t *id,
                        uint32_t *key,
                        struct am_error *error) {
    char folded[AM_IMAGE_WORD_MAX_BYTES];
    if (twin) {
        struct am_text_word_rules rules = builder->rules;
        rules.fold_accents = true;
        word = am_text_fold_word(&rules, word, builder->fold);
        folded[0] = ' ';
        memcpy(folded + 1, word.data, word.size);
        word = (struct am_view){folded, word.size + 1};
    } else if (broad) {
        return am_build_broad_word(builder, word, id, key, error);
    }
    bool done = am_build_intern_word(builder, word, id, error);
    *key = done ? *id : AM_NONE;
    return done;
}

/* Numbers the words of a keyword, those of a broad one once each, to flat_words. */
static bool number_words(struct am_builder *builder,
                         struct am_build_flat_keyword *flat,
                         struct am_error *error) {
    uint32_t ids[AM_KEYWORD_MAX_WORDS], keys[AM_KEYWORD_MAX_WORDS];
    struct am_view words[AM_KEYWORD_MAX_WORDS];
    uint32_t word_count = am_inventory_keyword_words(flat->source, words), count = 0;
    bool broad = flat->source->match == AM_MATCH_BROAD;
    for (uint32_t i = 0; i < word_count; i++) {
        if (!number_word(builder, words[i], broad, flat->is_twin, &ids[count], &keys[count], error))
            return false;
        count += !broad || !contains(keys, count, keys[count]);
    }
    if (builder->flat_words.count + count >= UINT32_MAX)
        return am_build_too_many(error, "words of keywords");
    uint32_t *place = am_vector_extend(&builder->flat_words, count);
    if (!place && count)
        return am_build_out_of_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, ids[i]);
        place[i] = ids[i];
        word->frequency++;
        word->broad_frequency += broad;
    }
    flat->word_count = (uint8_t)count;
    return true;
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
                                         .terminal = AM_NONE,
                                         .twin = AM_NONE};
    if (!number_words(builder, &flat, error))
        return false;
    flat.ranked_words = flat.word_count;
    return am_vector_push(&builder->flat, &flat) || am_build_out_of_memory(error);
}

/* Where queries may be compared without accents, every keyword has a twin that is; they come after
 * all others. */
static bool flatten_twins(struct am_builder *builder, struct am_error *error) {
    size_t originals = builder->flat.count;
    if (!builder->rules.folds_queries)
        return true;
    for (size_t i = 0; i < originals; i++) {
        struct am_build_flat_keyword *original =
            AM_VECTOR_AT(&builder->flat, struct am_build_flat_keyword, i);
        if (original->source->match == AM_MATCH_ANY)
            continue;
        original->twin = (uint32_t)builder->flat.count;
        struct am_build_flat_keyword twin = *original;
        twin.twin = AM_NONE;
        twin.is_twin = true;
        twin.first_word = (uint32_t)builder->flat_words.count;
        if (!number_words(builder, &twin, error))
            return false;
        if (!am_vector_push(&builder->flat, &twin))
            return am_build_out_of_memory(error);
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

/* Order matters: am_build_records visits the negative keywords in the same order. */
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
    struct am_build_form *forms = builder->forms.data;
    for (size_t i = 0; i < builder->forms.count; i++) {
        forms[i].key = new_ids[forms[i].key];
        forms[i].word = new_ids[forms[i].word];
    }
    struct am_image_spelling *spellings = builder->spellings.data;
    for (size_t i = 0; i < builder->spellings.count; i++)
        spellings[i].word = new_ids[spellings[i].word];
    am_build_sort_spellings(builder);
    const struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++)
        if (flat[i].source->match == AM_MATCH_BROAD)
            qsort(ids + flat[i].first_word, flat[i].word_count, sizeof *ids, ascending_u32);
    free(new_ids);
    return true;
}

bool am_build_words(struct am_builder *builder, struct am_error *error) {
    bool done = flatten_all(builder, error) && flatten_twins(builder, error) &&
                am_build_spellings(builder, error);
    if (done)
        am_build_flag_keys(builder);
    done = done && renumber_words(builder, error);
    am_intern_free(&builder->word_table); /* its ids are the old ones */
    return done && am_build_forms(builder, error);
}
