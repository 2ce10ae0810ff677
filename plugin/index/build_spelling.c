/* SPDX-License-Identifier: Apache-2.0 */
/* Words of broad keywords as they are written, for misspelt words of queries to be corrected to. */
#include <stdlib.h>

#include "../text/spelling.h"
#include "build.h"

/* A word as it is written, and how many keywords have it. */
struct written {
    struct am_view text; /* in the inventory */
    uint32_t keywords;
};

struct counter {
    struct am_vector words; /* struct written */
    struct am_intern table;
};

static bool written_equal(const void *context, uint32_t id, const void *key) {
    const struct counter *counter = context;
    return am_view_equal(AM_VECTOR_AT(&counter->words, struct written, id)->text,
                         *(const struct am_view *)key);
}

static bool count_word(struct counter *counter, struct am_view word) {
    struct am_intern_slot *slot =
        am_intern_find(&counter->table, am_keyed_hash(word), written_equal, counter, &word);
    if (!slot)
        return false;
    if (slot->id == UINT32_MAX) {
        struct written made = {word, 0};
        if (!am_vector_push(&counter->words, &made))
            return false;
        slot->id = (uint32_t)(counter->words.count - 1);
    }
    AM_VECTOR_AT(&counter->words, struct written, slot->id)->keywords++;
    return true;
}

/* Counts each word of a keyword once. */
static bool count_words(struct counter *counter, const struct am_inventory_keyword *keyword) {
    struct am_view words[AM_KEYWORD_MAX_WORDS];
    uint32_t count = am_inventory_keyword_words(keyword, words);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t same = 0;
        while (!am_view_equal(words[same], words[i]))
            same++;
        if (same == i && !count_word(counter, words[i]))
            return false;
    }
    return true;
}

static bool count_all(const struct am_builder *builder, struct counter *counter) {
    const struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++)
        if (flat[i].source->match == AM_MATCH_BROAD && !flat[i].is_twin &&
            !count_words(counter, flat[i].source))
            return false;
    return true;
}

/* ---- the section ------------------------------------------------------------------------------
 */

/* A word that a misspelt one may be corrected to. */
struct entry {
    uint32_t word; /* temporary id of the word without accents */
    struct written written;
};

/* By word; of words that accents alone make different, the best first. */
static int by_word(const void *a, const void *b) {
    const struct entry *left = a, *right = b;
    if (left->word != right->word)
        return left->word < right->word ? -1 : 1;
    if (left->written.keywords != right->written.keywords)
        return left->written.keywords > right->written.keywords ? -1 : 1;
    return am_view_compare(left->written.text, right->written.text);
}

/* The letters of a script are all in the first plane. */
struct letter_set {
    uint64_t bits[0x10000 / 64];
};

static void add_letters(struct letter_set *set, const struct am_text_letters *word) {
    for (uint32_t i = 0; i < word->count; i++)
        set->bits[word->letters[i] / 64] |= UINT64_C(1) << word->letters[i] % 64;
}

/* Lists the words that another one can be at distance 1 of. */
static bool list_words(struct am_builder *builder,
                       const struct counter *counter,
                       struct am_vector *entries,
                       struct letter_set *letters,
                       struct am_error *error) {
    for (size_t i = 0; i < counter->words.count; i++) {
        struct entry entry = {.written = *AM_VECTOR_AT(&counter->words, struct written, i)};
        struct am_text_letters word;
        struct am_view folded =
            am_text_fold_word(&builder->rules, entry.written.text, builder->fold);
        if (!am_text_letters_of(folded, AM_SPELLING_LETTERS_LEAST - 1, AM_SPELLING_LETTERS_MOST + 1,
                                &word))
            continue;
        add_letters(letters, &word);
        if (!am_build_intern_word(builder, folded, &entry.word, error))
            return false;
        if (!am_vector_push(entries, &entry))
            return am_build_out_of_memory(error);
    }
    return true;
}

static bool store_words(struct am_builder *builder, const struct am_vector *entries) {
    const struct entry *entry = entries->data;
    for (size_t i = 0; i < entries->count; i++) {
        if (i && entry[i].word == entry[i - 1].word)
            continue;
        struct am_image_spelling spelling = {
            entry[i].word, am_build_pools_string(&builder->pools, entry[i].written.text),
            entry[i].written.keywords};
        if (!am_vector_push(&builder->spellings, &spelling))
            return false;
    }
    return true;
}

static bool store_letters(struct am_builder *builder, const struct letter_set *set) {
    struct am_vector letters = AM_VECTOR_OF(uint32_t);
    bool done = true;
    for (uint32_t code = 0; done && code < 64 * AM_COUNT_OF(set->bits); code++)
        if (set->bits[code / 64] >> code % 64 & 1)
            done = am_vector_push(&letters, &code);
    builder->settings.spelling_letters =
        am_build_pools_list(&builder->pools, letters.data, (uint32_t)letters.count);
    am_vector_free(&letters);
    return done;
}

bool am_build_spellings(struct am_builder *builder, struct am_error *error) {
    struct counter counter = {.words = AM_VECTOR_OF(struct written)};
    struct am_vector entries = AM_VECTOR_OF(struct entry);
    struct letter_set letters = {{0}};
    bool done = true;
    if (!builder->inventory->spelling)
        return true;
    if (!count_all(builder, &counter)) {
        done = am_build_out_of_memory(error);
        goto cleanup;
    }
    done = list_words(builder, &counter, &entries, &letters, error);
    if (entries.count)
        qsort(entries.data, entries.count, sizeof(struct entry), by_word);
    if (done && (!store_words(builder, &entries) || !store_letters(builder, &letters)))
        done = am_build_out_of_memory(error);
cleanup:
    am_vector_free(&counter.words);
    am_intern_free(&counter.table);
    am_vector_free(&entries);
    return done;
}

static int by_final_word(const void *a, const void *b) {
    const struct am_image_spelling *left = a, *right = b;
    return (left->word > right->word) - (left->word < right->word);
}

void am_build_sort_spellings(struct am_builder *builder) {
    if (builder->spellings.count)
        qsort(builder->spellings.data, builder->spellings.count, sizeof(struct am_image_spelling),
              by_final_word);
}
