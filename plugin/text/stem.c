/* SPDX-License-Identifier: Apache-2.0 */
#include "stem.h"

#include <errno.h>
#include <libstemmer.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/hash.h"
#include "characters.h"
#include "folding.h"
#include "words.h"

enum { CACHE_SLOTS = 4096, CACHED_BYTES = 16 };

/* Words and stems that fit inline. The words of a page repeat, and Snowball takes far longer than a
 * look here. */
struct cached {
    char word[CACHED_BYTES], stem[CACHED_BYTES];
    uint8_t word_size, stem_size;
};

struct am_text_stemmer {
    struct sb_stemmer *snowball;
    uint64_t failures;
    char result[AM_WORD_MAX_BYTES + AM_WORD_PADDING];
    char second[AM_WORD_MAX_BYTES + AM_WORD_PADDING];
    struct am_text_fold_memory fold;
    struct cached cache[CACHE_SLOTS];
};

/* libstemmer has one NULL for a language that it does not know and for memory that runs out. */
static enum am_code snowball_of(struct am_view name, struct sb_stemmer **snowball) {
    struct am_text_language language = am_text_language_of(name);
    if (!language.code[0])
        return AM_E_INVALID;
    errno = 0;
    *snowball = sb_stemmer_new(language.code, "UTF_8");
    if (*snowball)
        return AM_OK;
    return errno == ENOMEM ? AM_E_MEMORY : AM_E_INVALID;
}

enum am_code am_text_stemmer_check(struct am_view language) {
    struct sb_stemmer *snowball = NULL;
    enum am_code code = snowball_of(language, &snowball);
    sb_stemmer_delete(snowball);
    return code;
}

enum am_code am_text_language_check(struct am_view language) {
    return am_text_language_of(language).listed ? AM_OK : am_text_stemmer_check(language);
}

/* libstemmer grows its buffer to the longest word it meets: it meets one here, so that requests
 * find the buffer as large as they may need it. */
static enum am_code stretch(struct am_text_stemmer *stemmer) {
    char longest[AM_WORD_MAX_BYTES];
    memset(longest, 'a', sizeof longest);
    bool stretched =
        sb_stemmer_stem(stemmer->snowball, (const sb_symbol *)longest, sizeof longest) != NULL;
    return stretched ? AM_OK : AM_E_MEMORY;
}

struct am_text_stemmer *am_text_stemmer_new(struct am_view language, struct am_error *error) {
    struct am_text_stemmer *stemmer = calloc(1, sizeof *stemmer);
    enum am_code code = stemmer ? snowball_of(language, &stemmer->snowball) : AM_E_MEMORY;
    if (code == AM_OK)
        code = stretch(stemmer);
    if (code == AM_OK)
        return stemmer;
    am_text_stemmer_free(stemmer);
    if (code == AM_E_MEMORY)
        am_error_set(error, code, "out of memory: stemmer");
    else
        am_error_set(error, code, "no stemmer for the language \"%.*s\"",
                     AM_VIEW_ARGUMENTS(language));
    return NULL;
}

void am_text_stemmer_free(struct am_text_stemmer *stemmer) {
    if (!stemmer)
        return;
    sb_stemmer_delete(stemmer->snowball);
    free(stemmer);
}

static bool is_stemmed(struct am_view word) {
    if (word.size == 0 || word.size > AM_WORD_MAX_BYTES)
        return false;
    for (size_t at = 0; at < word.size;) {
        int32_t character = am_text_character_read(word, &at);
        if (character == '&' || character == '+' || character == '#' ||
            am_text_character_class(character) == AM_CHARACTER_DIGIT)
            return false;
    }
    return true;
}

static struct am_view ask_snowball(struct am_text_stemmer *stemmer, struct am_view word) {
    const sb_symbol *stem =
        sb_stemmer_stem(stemmer->snowball, (const sb_symbol *)word.data, (int)word.size);
    int size = stem ? sb_stemmer_length(stemmer->snowball) : 0;
    stemmer->failures += stem == NULL;
    if (size <= 0 || size > AM_WORD_MAX_BYTES)
        return word;
    memcpy(stemmer->result, stem, (size_t)size);
    return (struct am_view){stemmer->result, (size_t)size};
}

struct am_view am_text_stem(struct am_text_stemmer *stemmer, struct am_view word) {
    if (!is_stemmed(word))
        return word;
    if (word.size > CACHED_BYTES)
        return ask_snowball(stemmer, word);
    struct cached *cached =
        &stemmer->cache[am_hash_fnv1a(AM_FNV1A_START, word.data, word.size) % CACHE_SLOTS];
    if (cached->word_size != word.size || memcmp(cached->word, word.data, word.size) != 0) {
        struct am_view stem = ask_snowball(stemmer, word);
        if (stem.size > CACHED_BYTES || stem.data == word.data) /* or memory ran out */
            return stem;
        cached->word_size = (uint8_t)word.size;
        memcpy(cached->word, word.data, word.size);
        cached->stem_size = (uint8_t)stem.size;
        memcpy(cached->stem, stem.data, stem.size);
    }
    memcpy(stemmer->result, cached->stem, CACHED_BYTES);
    return (struct am_view){stemmer->result, cached->stem_size};
}

struct am_text_keys am_text_keys_of(struct am_text_stemmer *stemmer,
                                    const struct am_text_word_rules *rules,
                                    struct am_view written,
                                    struct am_view folded) {
    struct am_text_keys keys = {.first = folded, .second = folded};
    if (rules->korean)
        keys.rest_count = am_text_without_particle(folded, keys.rests);
    if (!stemmer)
        return keys;
    keys.first = keys.second = am_text_stem(stemmer, folded);
    if (keys.second.data != folded.data)
        keys.second.data = memcpy(stemmer->second, keys.second.data, keys.second.size);
    if (!am_view_equal(written, folded))
        keys.first = am_text_stem(stemmer, written);
    keys.first = am_text_fold_word(rules, keys.first, &stemmer->fold);
    return keys;
}

uint64_t am_text_stemmer_failures(const struct am_text_stemmer *stemmer) {
    return stemmer->failures;
}
