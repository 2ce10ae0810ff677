/* SPDX-License-Identifier: Apache-2.0 */
/* Words of broad keywords to word ids.
 *
 * Broad matching compares words by two keys (plugin/text/stem.h), and so a keyword's word is what
 * its keys are. Nearly always they are the same: the word's id is then that of its key, as a word.
 * Where they differ the word is one of two keys, with an id of its own; its text is "first second",
 * which no text's word is. A text's word counts as it when it has its first key, or its second one:
 * the section FORMS leads from each key to the words of two keys that have it. */
#include "build.h"

#include <stdlib.h>

static struct am_build_word *word_of(const struct am_builder *builder, uint32_t id) {
    return AM_VECTOR_AT(&builder->words, struct am_build_word, id);
}

/* ---- words of two keys ------------------------------------------------------------------------
 */

static bool add_form(struct am_builder *builder,
                     uint32_t key,
                     enum am_image_key kind,
                     uint32_t word,
                     struct am_error *error) {
    struct am_build_form form = {key, word, kind};
    if (word_of(builder, key)->form_counts[kind] == AM_IMAGE_FORMS_MOST)
        return true;
    word_of(builder, key)->form_counts[kind]++;
    return am_vector_push(&builder->forms, &form) || am_build_out_of_memory(error);
}

static uint32_t
first_form_of(const struct am_builder *builder, uint32_t key, enum am_image_key kind) {
    const struct am_build_form *forms = builder->forms.data;
    for (size_t i = 0; i < builder->forms.count; i++)
        if (forms[i].key == key && forms[i].kind == kind)
            return forms[i].word;
    return AM_NONE;
}

/* A key has at most AM_IMAGE_FORMS_MOST words, a bound for what one word of a text costs: further
 * ones count as the first of them. Dictionaries of French, Portuguese and Turkish have up to 40. */
static bool add_two_keys(struct am_builder *builder, uint32_t word, struct am_error *error) {
    struct am_build_word *made = word_of(builder, word);
    uint32_t first = made->first_key, second = made->second_key;
    if (word_of(builder, first)->form_counts[AM_KEY_FIRST] == AM_IMAGE_FORMS_MOST)
        made->same_as = first_form_of(builder, first, AM_KEY_FIRST);
    else if (word_of(builder, second)->form_counts[AM_KEY_SECOND] == AM_IMAGE_FORMS_MOST)
        made->same_as = first_form_of(builder, second, AM_KEY_SECOND);
    word = made->same_as;
    return add_form(builder, first, AM_KEY_FIRST, word, error) &&
           add_form(builder, second, AM_KEY_SECOND, word, error);
}

static bool intern_two_keys(struct am_builder *builder,
                            uint32_t first,
                            uint32_t second,
                            uint32_t *id,
                            struct am_error *error) {
    char joined[2 * AM_WORD_MAX_BYTES + 1];
    struct am_view text = am_build_word_text(builder, first);
    size_t size = text.size;
    memcpy(joined, text.data, size);
    joined[size++] = ' ';
    text = am_build_word_text(builder, second);
    memcpy(joined + size, text.data, text.size);
    if (!am_build_intern_word(builder, (struct am_view){joined, size + text.size}, id, error))
        return false;
    struct am_build_word *word = word_of(builder, *id);
    bool done = true;
    if (!word->has_two_keys) {
        word->has_two_keys = true;
        word->first_key = first;
        word->second_key = second;
        word->same_as = *id;
        done = add_two_keys(builder, *id, error);
    }
    *id = word_of(builder, *id)->same_as;
    return done;
}

bool am_build_broad_word(struct am_builder *builder,
                         struct am_view written,
                         uint32_t *id,
                         uint32_t *key,
                         struct am_error *error) {
    struct am_view folded = am_text_fold_word(&builder->rules, written, builder->fold);
    struct am_text_keys keys = am_text_keys_of(builder->stemmer, &builder->rules, written, folded);
    uint32_t second;
    if (!am_build_intern_word(builder, keys.first, id, error))
        return false;
    *key = *id;
    if (am_view_equal(keys.first, keys.second))
        return true;
    if (!am_build_intern_word(builder, keys.second, &second, error) ||
        !intern_two_keys(builder, *id, second, id, error))
        return false;
    *key = word_of(builder, *id)->first_key;
    return true;
}

/* ---- flags ------------------------------------------------------------------------------------
 */

static bool is_broad(const struct am_builder *builder, uint32_t id) {
    return id != AM_NONE && word_of(builder, id)->broad_frequency > 0;
}

static bool has_forms(const struct am_builder *builder, uint32_t key, enum am_image_key kind) {
    return key != AM_NONE && word_of(builder, key)->form_counts[kind] > 0;
}

/* Whether a text's word that is word `id` may count as another word of a broad keyword, or does not
 * count as itself. */
static bool is_compared_by_keys(const struct am_builder *builder, uint32_t id) {
    struct am_view text = am_build_word_text(builder, id);
    struct am_text_keys keys = am_text_keys_of(builder->stemmer, &builder->rules, text, text);
    uint32_t first = am_build_find_word(builder, keys.first);
    uint32_t second = am_build_find_word(builder, keys.second);
    for (uint32_t i = 0; i < keys.rest_count; i++)
        if (is_broad(builder, am_build_find_word(builder, keys.rests[i])))
            return true;
    return (is_broad(builder, id) && first != id && second != id) ||
           (is_broad(builder, first) && first != id) ||
           (is_broad(builder, second) && second != id) || has_forms(builder, first, AM_KEY_FIRST) ||
           has_forms(builder, second, AM_KEY_SECOND);
}

static bool has_broad(const struct am_builder *builder) {
    const struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++)
        if (flat[i].source->match == AM_MATCH_BROAD)
            return true;
    return false;
}

void am_build_flag_keys(struct am_builder *builder) {
    if ((!builder->stemmer && !builder->rules.korean) || !has_broad(builder))
        return;
    for (uint32_t i = 0; i < builder->words.count; i++) {
        struct am_build_word *word = word_of(builder, i);
        if (!word->has_two_keys && is_compared_by_keys(builder, i))
            word->flags |= AM_WORD_HAS_STEM;
    }
}

/* ---- the section ------------------------------------------------------------------------------
 */

static int by_key(const void *a, const void *b) {
    const struct am_build_form *left = a, *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return (left->word > right->word) - (left->word < right->word);
}

/* The words of one key and kind, from forms[*at] on. */
static am_image_list_ref
list_forms(struct am_builder *builder, size_t *at, uint32_t key, enum am_image_key kind) {
    const struct am_build_form *forms = builder->forms.data;
    uint32_t words[AM_IMAGE_FORMS_MOST], count = 0;
    for (; *at < builder->forms.count && forms[*at].key == key && forms[*at].kind == kind; ++*at)
        words[count++] = forms[*at].word;
    return am_build_pools_sorted_list(&builder->pools, words, count);
}

bool am_build_forms(struct am_builder *builder, struct am_error *error) {
    const struct am_build_form *forms = builder->forms.data;
    if (builder->forms.count)
        qsort(builder->forms.data, builder->forms.count, sizeof *forms, by_key);
    for (size_t at = 0; at < builder->forms.count;) {
        struct am_image_forms record = {.key = forms[at].key};
        record.first = list_forms(builder, &at, record.key, AM_KEY_FIRST);
        record.second = list_forms(builder, &at, record.key, AM_KEY_SECOND);
        if (!am_vector_push(&builder->form_records, &record))
            return am_build_out_of_memory(error);
    }
    return true;
}
