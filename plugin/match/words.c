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
    words->rules = am_text_word_rules_of(am_image_string(image, image->settings->language),
                                         image->settings->fold_accents);
    words->broad_ids = words->ids;
    words->broad_flags = words->flags;
    words->further = (struct am_match_further){0};
    am_match_readings_size(&words->readings, image, &words->rules, memory);
    if (!am_match_readings_are_used(image, &words->rules) && !image->spelling_count)
        return;
    words->broad_ids = am_match_memory_take(memory, room_of(words), sizeof(uint32_t));
    words->broad_flags = am_match_memory_take(memory, room_of(words), 1);
    words->fold =
        image->spelling_count ? am_match_memory_take(memory, 1, sizeof *words->fold) : NULL;
    am_poison_clear(words->fold, sizeof *words->fold);
    words->further.room = words->limits.words;
    words->further.items =
        am_match_memory_take(memory, words->further.room, sizeof *words->further.items);
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
    AM_POISON_ITEMS(words->further.items, 0, words->further.count);
    AM_POISON_ITEMS(words->split, 0, words->count + AM_WORD_BATCH);
}

/* False: the words have more readings than there is room for. */
static bool look_up(struct am_match_words *words,
                    const struct am_search_word_batch *batch,
                    const struct am_text_splitter *splitter) {
    const struct am_image *image = words->image;
    struct am_search_lookup lookup;
    uint32_t *ids = words->ids + words->count;
    uint8_t *flags = words->flags + words->count;
    bool fits = true;
    open_words(words, batch->count);
    words->kernel->find_words(image, batch, &lookup, ids, flags);
    for (uint32_t n = 0; n < lookup.further_count; n++) {
        uint32_t i = lookup.further[n];
        ids[i] = am_match_find_word(image, lookup.keys[i], batch->texts + batch->words[i].text,
                                    batch->words[i].size, &flags[i]);
    }
    if (words->readings.cache) {
        const struct am_match_found_batch found = {.batch = batch,
                                                   .keys = lookup.keys,
                                                   .ids = ids,
                                                   .flags = flags,
                                                   .written = splitter->written,
                                                   .written_count = splitter->written_count,
                                                   .first = words->count};
        fits = am_match_readings_of_batch(&words->readings, &found, words->broad_ids + words->count,
                                          words->broad_flags + words->count, &words->further);
    } else if (words->broad_ids != words->ids) {
        memcpy(words->broad_ids + words->count, ids, batch->count * sizeof *ids);
        memcpy(words->broad_flags + words->count, flags, batch->count);
    }
    words->count += batch->count;
    words->real_count += batch->count;
    return fits;
}

/* ---- queries without accents ------------------------------------------------------------------
 *
 * Where accents count, a query all in ASCII was typed without them. Every keyword of such an image
 * has a twin without accents, whose words begin with a space. */

static bool is_folded(const struct am_match_words *words, const struct am_match_field *field) {
    if (!words->rules.folds_queries || field->kind > AM_FIELD_KEYWORD)
        return false;
    for (size_t i = 0; i < field->text.size; i++)
        if (field->text.data[i] & 0x80)
            return false;
    return true;
}

static void look_up_twins(struct am_match_words *words, const struct am_search_word_batch *batch) {
    uint32_t first = words->count;
    open_words(words, batch->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        char twin[1 + AM_WORD_MAX_BYTES + AM_WORD_PADDING] = " ";
        uint32_t size = batch->words[i].size, at = words->count++;
        memcpy(twin + 1, batch->texts + batch->words[i].text, size);
        words->ids[at] = AM_NONE;
        words->flags[at] = 0;
        if (size)
            words->ids[at] = am_match_find_word(words->image, am_image_word_key(twin, size + 1),
                                                twin, size + 1, &words->flags[at]);
    }
    if (words->broad_ids != words->ids) {
        memcpy(words->broad_ids + first, words->ids + first, batch->count * sizeof *words->ids);
        memcpy(words->broad_flags + first, words->flags + first, batch->count);
    }
    words->real_count += batch->count;
}

/* ---- misspelt words ---------------------------------------------------------------------------
 */

static bool is_known(const struct am_match_words *words, uint32_t at) {
    const uint8_t runs =
        AM_WORD_IS_PHRASE | AM_WORD_BEGINS_PHRASE | AM_WORD_CONTINUES_PHRASE | AM_WORD_IN_EXACT;
    const uint8_t broad = AM_WORD_IS_BROAD | AM_WORD_BEGINS_BROAD | AM_WORD_CONTINUES_BROAD;
    return ((words->flags[at] & runs) | (words->broad_flags[at] & broad)) != 0;
}

/* A word that counts as no keyword's may be meant for one. False: there is no room for the readings
 * of that. */
static bool correct(struct am_match_words *words, uint32_t at, struct am_view word) {
    char padded[AM_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
    struct am_match_reading_list list;
    struct am_view meant = am_match_spelling_correct(&words->spelling, word);
    if (meant.size == 0)
        return true;
    memcpy(padded, meant.data, meant.size);
    meant.data = padded;
    am_match_readings_find(&words->readings, meant,
                           am_text_fold_word(&words->rules, meant, words->fold), &list);
    if (list.count) {
        words->broad_ids[at] = list.items[0].id;
        words->broad_flags[at] = list.items[0].flags;
    }
    return am_match_further_insert(&words->further, at, &list);
}

/* Most queries are spelled right: their words are looked at all at once. */
static bool are_known(const struct am_match_words *words, uint32_t first, uint32_t count) {
    unsigned unknown = 0;
    for (uint32_t i = first; i < first + count; i++)
        unknown |= !is_known(words, i);
    return !unknown;
}

static bool correct_batch(struct am_match_words *words, const struct am_search_word_batch *batch) {
    uint32_t first = words->count - batch->count;
    if (are_known(words, first, batch->count))
        return true;
    for (uint32_t i = 0; i < batch->count; i++)
        if (!is_known(words, first + i) &&
            !correct(words, first + i,
                     (struct am_view){batch->texts + batch->words[i].text, batch->words[i].size}))
            return false;
    return true;
}

/* ---- fields -----------------------------------------------------------------------------------
 */

static void end_field(struct am_match_words *words) {
    open_words(words, 1);
    words->ids[words->count] = words->broad_ids[words->count] = AM_NONE;
    words->flags[words->count] = words->broad_flags[words->count] = 0;
    words->count++;
}

/* The splitter reads plain ASCII many bytes at a time, and all else one character after the other.
 */
static void spend_characters(const struct am_match_words *words, size_t characters) {
    enum { STEPS_A_CHARACTER = 3 };
    if (characters)
        am_match_work_spend(words->work, AM_STAGE_WORDS, characters * STEPS_A_CHARACTER);
}

static enum am_code too_many(const struct am_match_words *words, struct am_error *error) {
    return am_error_set(error, AM_E_LIMIT, "more than %u words in one request",
                        words->limits.words);
}

static enum am_code read_field(struct am_match_words *words,
                               const struct am_match_request *request,
                               uint32_t field,
                               struct am_error *error) {
    struct am_search_word_batch batch;
    struct am_text_splitter splitter;
    bool folded = is_folded(words, &request->fields[field]);
    bool spelled = words->image->spelling_count && request->fields[field].kind == AM_FIELD_QUERY;
    am_text_splitter_start(&splitter, request->fields[field].text, &words->rules,
                           words->splitter_memory);
    splitter.wants_written = words->readings.stemmer != NULL;
    words->field_first[field] = words->count;
    batch.texts = splitter.texts;
    while (!splitter.over) {
        struct am_text_word *next = words->split + words->count;
        batch.words = next;
        size_t characters = splitter.characters;
        AM_UNPOISON_ITEMS(next, 0, AM_WORD_BATCH);
        batch.count = (uint32_t)am_text_splitter_next(&splitter, next, AM_WORD_BATCH);
        AM_POISON_ITEMS(next, batch.count, AM_WORD_BATCH - batch.count);
        spend_characters(words, splitter.characters - characters);
        if (words->real_count + batch.count > words->limits.words)
            return too_many(words, error);
        if (folded)
            look_up_twins(words, &batch);
        else if (!look_up(words, &batch, &splitter) || (spelled && !correct_batch(words, &batch)))
            return too_many(words, error);
    }
    words->is_ascii &= splitter.characters == 0; /* no block has any other */
    end_field(words);
    return AM_OK;
}

enum am_code am_match_words_read(struct am_match_words *words,
                                 const struct am_match_request *request,
                                 struct am_error *error) {
    size_t bytes = 0;
    forget_words(words);
    words->count = words->real_count = words->further.count = 0;
    words->is_ascii = true;
    am_match_readings_start(&words->readings);
    am_match_spelling_start(&words->spelling, words->image);
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
