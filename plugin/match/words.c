/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include "vocabulary.h"

/* Words that a request may have, the empty ones after each field included. */
static size_t room_of(const struct am_match_words *words) {
    return (size_t)words->limits.words + AM_MAX_FIELDS + 1;
}

void am_match_words_size(struct am_match_words *words, struct am_match_memory *memory) {
    size_t room = room_of(words);
    words->splitter_memory.size = am_text_splitter_memory_size(words->limits.text_bytes);
    words->splitter_memory.memory = am_match_memory_take(memory, words->splitter_memory.size, 1);
    words->ids = am_match_memory_take(memory, room, sizeof(uint32_t));
    /* Numbers of 32 bits are read at any flag. */
    words->flags = am_match_memory_take(memory, room + sizeof(uint32_t), 1);
    words->split = am_match_memory_take(memory, room + AM_WORD_BATCH, sizeof(struct am_text_word));
    am_poison_clear(words->splitter_memory.memory, words->splitter_memory.size);
}

void am_match_words_size_for_image(struct am_match_words *words,
                                   const struct am_image *image,
                                   struct am_match_memory *memory) {
    words->image = image;
    words->broad_ids = words->ids;
    words->broad_flags = words->flags;
    if (am_match_stems_are_used(image)) {
        words->broad_ids = am_match_memory_take(memory, room_of(words), sizeof(uint32_t));
        words->broad_flags = am_match_memory_take(memory, room_of(words), 1);
    }
    am_match_stems_size(&words->stems, image, memory);
}

/* Opens room for that many words' ids and flags; am_match_words_read closes it all. */
static void open_words(const struct am_match_words *words, uint32_t count) {
    AM_UNPOISON_ITEMS(words->ids, words->count, count);
    AM_UNPOISON_ITEMS(words->flags, words->count, count);
    AM_UNPOISON_ITEMS(words->broad_ids, words->count, count);
    AM_UNPOISON_ITEMS(words->broad_flags, words->count, count);
}

static void forget_words(const struct am_match_words *words) {
    AM_POISON_ITEMS(words->ids, 0, words->count);
    AM_POISON_ITEMS(words->flags, 0, words->count);
    AM_POISON_ITEMS(words->broad_ids, 0, words->count);
    AM_POISON_ITEMS(words->broad_flags, 0, words->count);
    AM_POISON_ITEMS(words->split, 0, words->count + AM_WORD_BATCH);
}

static void look_up(struct am_match_words *words, const struct am_search_word_batch *batch) {
    const struct am_image *image = words->image;
    struct am_search_lookup lookup;
    uint32_t *ids = words->ids + words->count;
    uint8_t *flags = words->flags + words->count;
    open_words(words, batch->count);
    words->kernel->find_words(image, batch, &lookup, ids, flags);
    for (uint32_t n = 0; n < lookup.further_count; n++) {
        uint32_t i = lookup.further[n];
        ids[i] = am_match_find_word(image, lookup.keys[i], batch->texts + batch->words[i].text,
                                    batch->words[i].size, &flags[i]);
    }
    if (words->stems.stemmer)
        am_match_stems_of_batch(&words->stems, image, batch, lookup.keys, ids, flags,
                                words->broad_ids + words->count, words->broad_flags + words->count);
    words->count += batch->count;
    words->real_count += batch->count;
}

static void end_field(struct am_match_words *words) {
    open_words(words, 1);
    words->ids[words->count] = words->broad_ids[words->count] = AM_NONE;
    words->flags[words->count] = words->broad_flags[words->count] = 0;
    words->count++;
}

static enum am_code read_field(struct am_match_words *words,
                               const struct am_match_request *request,
                               uint32_t field,
                               struct am_error *error) {
    struct am_search_word_batch batch;
    struct am_text_splitter splitter;
    am_text_splitter_start(&splitter, request->fields[field].text,
                           words->image->settings->fold_accents, words->splitter_memory);
    words->field_first[field] = words->count;
    batch.texts = splitter.texts;
    for (;;) {
        struct am_text_word *next = words->split + words->count;
        batch.words = next;
        AM_UNPOISON_ITEMS(next, 0, AM_WORD_BATCH);
        batch.count = (uint32_t)am_text_splitter_next(&splitter, next, AM_WORD_BATCH);
        AM_POISON_ITEMS(next, batch.count, AM_WORD_BATCH - batch.count);
        if (batch.count == 0)
            break;
        if (words->real_count + batch.count > words->limits.words)
            return am_error_set(error, AM_E_LIMIT, "more than %u words in one request",
                                words->limits.words);
        look_up(words, &batch);
    }
    end_field(words);
    return AM_OK;
}

enum am_code am_match_words_read(struct am_match_words *words,
                                 const struct am_match_request *request,
                                 struct am_error *error) {
    size_t bytes = 0;
    forget_words(words);
    words->count = words->real_count = 0;
    if (request->field_count > AM_MAX_FIELDS)
        return am_error_set(error, AM_E_LIMIT, "more than %d texts in one request", AM_MAX_FIELDS);
    for (uint32_t field = 0; field < request->field_count; field++) {
        bytes += request->fields[field].text.size;
        if (bytes > words->limits.text_bytes)
            return am_error_set(error, AM_E_LIMIT, "more than %zu bytes of text in one request",
                                words->limits.text_bytes);
        enum am_code code = read_field(words, request, field, error);
        if (code != AM_OK)
            return code;
    }
    words->field_first[request->field_count] = words->count;
    return AM_OK;
}
