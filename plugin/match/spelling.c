/* SPDX-License-Identifier: Apache-2.0 */
#include "spelling.h"

#include "vocabulary.h"

/* Edits that are looked up at a time, so that their reads overlap. */
enum { BATCH = 32 };

/* Of an edit, which is written and looked up; letters of other scripts are only passed. */
enum { STEPS_AN_EDIT = 2, LETTERS_A_STEP = 8 };

struct edit {
    char text[AM_SPELLING_WORD_BYTES + AM_WORD_PADDING];
    uint32_t size;
    struct am_image_word_key key;
};

/* The record of a word, or NULL. */
static const struct am_image_spelling *spelling_of(const struct am_image *image, uint32_t word) {
    uint64_t low = 0, high = image->spelling_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (image->spellings[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < image->spelling_count && image->spellings[low].word == word;
    return found ? &image->spellings[low] : NULL;
}

static bool is_better(const struct am_image *image,
                      const struct am_image_spelling *spelling,
                      const struct am_image_spelling *best) {
    if (!best || spelling->keywords != best->keywords)
        return !best || spelling->keywords > best->keywords;
    return am_view_compare(am_image_string(image, spelling->written),
                           am_image_string(image, best->written)) < 0;
}

/* Makes the next edits, and prefetches where they would be; returns how many. */
static uint32_t
make_edits(const struct am_image *image, struct am_text_edits *edits, struct edit *batch) {
    uint32_t count = 0;
    while (count < BATCH) {
        struct edit *edit = &batch[count];
        edit->size = am_text_edits_next(edits, edit->text);
        if (edit->size == 0)
            break;
        edit->key = am_image_word_key(edit->text, edit->size);
        __builtin_prefetch(&image->vocabulary[am_image_bucket(am_image_word_key_hash(edit->key),
                                                              image->vocabulary_buckets)]);
        count++;
    }
    return count;
}

static bool takes(const struct am_match_spelling *spelling, uint64_t steps) {
    return am_match_work_take(spelling->work, AM_STAGE_WORDS, steps);
}

/* NULL, too, where the budget ends. */
static const struct am_image_spelling *find_best(const struct am_match_spelling *speller,
                                                 const struct am_text_letters *word) {
    const struct am_image *image = speller->image;
    const struct am_image_spelling *best = NULL;
    struct am_image_list letters = am_image_list_at(image, image->settings->spelling_letters);
    struct am_text_edits edits;
    struct edit batch[BATCH];
    if (!takes(speller, (uint64_t)word->count * letters.count / LETTERS_A_STEP))
        return NULL;
    am_text_edits_start(&edits, word, letters.items, letters.count);
    for (uint32_t count; (count = make_edits(image, &edits, batch)) > 0;) {
        if (!takes(speller, count * STEPS_AN_EDIT))
            return NULL;
        for (uint32_t i = 0; i < count; i++) {
            uint8_t flags;
            uint32_t id =
                am_match_find_word(image, batch[i].key, batch[i].text, batch[i].size, &flags);
            const struct am_image_spelling *spelling =
                id == AM_NONE ? NULL : spelling_of(image, id);
            if (spelling && is_better(image, spelling, best))
                best = spelling;
        }
    }
    return best;
}

struct am_view am_match_spelling_correct(struct am_match_spelling *spelling, struct am_view word) {
    struct am_text_letters letters;
    if (spelling->count == AM_MATCH_CORRECTIONS_MOST || spelling->tried == AM_SPELLING_TRIED_MOST ||
        !am_text_letters_of(word, AM_SPELLING_LETTERS_LEAST, AM_SPELLING_LETTERS_MOST, &letters))
        return AM_VIEW("");
    spelling->tried++;
    const struct am_image_spelling *best = find_best(spelling, &letters);
    if (!best)
        return AM_VIEW("");
    char *text = memcpy(spelling->texts[spelling->count], word.data, word.size);
    struct am_match_correction *correction = &spelling->corrections[spelling->count++];
    *correction = (struct am_match_correction){
        .from = {text, word.size}, .to = am_image_string(spelling->image, best->written)};
    return correction->to;
}
