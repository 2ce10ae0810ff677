/* SPDX-License-Identifier: Apache-2.0 */
#include "why.h"

#include "../model/keys.h"
#include "vocabulary.h"

void am_match_why_size_for_image(struct am_match_why_memory *memory,
                                 const struct am_match_words *words,
                                 struct am_match_memory *taken) {
    size_t room = 2 * ((size_t)words->limits.words + AM_MAX_FIELDS + 1);
    am_match_memory_take_map(taken, &memory->written, room);
    am_match_memory_take_map(taken, &memory->counted, room);
    memory->fold = NULL;
    if (!words->rules.folds_queries)
        return;
    memory->fold = am_match_memory_take(taken, 1, sizeof *memory->fold);
    am_poison_clear(memory->fold, sizeof *memory->fold);
}

/* The ad of that id, or AM_NONE. */
static uint32_t find_ad(const struct am_image *image, struct am_view id) {
    uint64_t key = am_model_key(AM_RECORD_AD, id);
    for (uint32_t ad = 0; ad < image->settings->ad_count; ad++)
        if (image->keys[ad] == key &&
            am_view_equal(am_image_string(image, image->details[ad].id), id))
            return ad;
    return AM_NONE;
}

/* ---- words that are there ---------------------------------------------------------------------
 */

/* The words of all fields: as they are written, and as what broad keywords count them. */
static void collect_words(struct am_matcher *matcher) {
    const struct am_match_words *words = &matcher->words;
    struct am_match_why_memory *memory = &matcher->why_memory;
    am_match_idmap_clear(&memory->written);
    am_match_idmap_clear(&memory->counted);
    for (uint32_t i = 0; i < words->count; i++) {
        if (words->ids[i] != AM_NONE)
            am_match_idmap_add(&memory->written, words->ids[i], 0);
        if (words->broad_ids[i] != AM_NONE)
            am_match_idmap_add(&memory->counted, words->broad_ids[i], 0);
    }
    for (uint32_t i = 0; i < words->further.count; i++)
        am_match_idmap_add(&memory->counted, words->further.items[i].reading.id, 0);
}

static uint32_t id_of(const struct am_image *image, struct am_view text) {
    char padded[2 * AM_WORD_MAX_BYTES + 2 + AM_WORD_PADDING] = {0};
    uint8_t flags;
    memcpy(padded, text.data, text.size);
    return am_match_find_word(image, am_image_word_key(padded, (uint32_t)text.size), padded,
                              (uint32_t)text.size, &flags);
}

/* One text before the other, with a space between. */
static struct am_view joined(struct am_view first, struct am_view second, char *memory) {
    memcpy(memory, first.data, first.size);
    memory[first.size] = ' ';
    memcpy(memory + first.size + 1, second.data, second.size);
    return (struct am_view){memory, first.size + 1 + second.size};
}

static bool has(const struct am_match_idmap *map, uint32_t id) {
    return id != AM_NONE && am_match_idmap_find(map, id);
}

/* The word of a broad keyword: of one key, or of two (build_forms.c). */
static bool
counts(const struct am_matcher *matcher, struct am_view written, struct am_view folded) {
    const struct am_match_readings *readings = &matcher->words.readings;
    char memory[2 * AM_WORD_MAX_BYTES + 1];
    struct am_text_keys keys =
        am_text_keys_of(readings->stemmer, &matcher->words.rules, written, folded);
    struct am_view text = am_view_equal(keys.first, keys.second)
                              ? keys.first
                              : joined(keys.first, keys.second, memory);
    return has(&matcher->why_memory.counted, id_of(matcher->image, text));
}

/* Whether a query without accents has the word's twin (words.c). */
static bool has_twin(const struct am_matcher *matcher, struct am_view word) {
    char memory[AM_WORD_MAX_BYTES + 1];
    const struct am_match_why_memory *why = &matcher->why_memory;
    struct am_text_word_rules rules = matcher->words.rules;
    if (!why->fold)
        return false;
    rules.fold_accents = true;
    struct am_view twin = joined(AM_VIEW(""), am_text_fold_word(&rules, word, why->fold), memory);
    return has(&why->written, id_of(matcher->image, twin));
}

static bool is_there(const struct am_matcher *matcher,
                     const struct am_image_keyword *keyword,
                     struct am_view written,
                     struct am_view folded) {
    bool there = keyword->match == AM_MATCH_BROAD
                     ? counts(matcher, written, folded)
                     : has(&matcher->why_memory.written, id_of(matcher->image, folded));
    return there || has_twin(matcher, folded);
}

/* ---- the nearest keyword ----------------------------------------------------------------------
 */

/* What a keyword's words are called with. */
struct missing {
    uint32_t count, words;
    struct am_match_why *why; /* gets the missing words; NULL: they are counted only */
    struct am_buffer *texts;
};

static void add_missing(struct missing *missing, struct am_view word) {
    missing->count++;
    if (!missing->why)
        return;
    size_t begin = missing->texts->size;
    am_buffer_view_append(missing->texts, word);
    missing->why->missing[missing->why->missing_count++] =
        (struct am_view){missing->texts->data + begin, word.size};
}

/* Counts the words of a keyword that no field has. The splitter's memory is free by now. */
static void count_missing(struct am_matcher *matcher, uint32_t posting, struct missing *missing) {
    const struct am_match_words *words = &matcher->words;
    const struct am_image_keyword *keyword = &matcher->image->keywords[posting];
    struct am_text_word split[AM_WORDS_LEAST];
    struct am_text_splitter splitter;
    missing->count = missing->words = 0;
    am_text_splitter_start(&splitter, am_image_string(matcher->image, keyword->text), &words->rules,
                           words->splitter_memory);
    splitter.wants_written = true;
    for (size_t count; (count = am_text_splitter_next(&splitter, split, AM_COUNT_OF(split))) > 0;)
        for (size_t i = 0, next = 0; i < count && missing->words < AM_KEYWORD_MAX_WORDS; i++) {
            struct am_view folded = {am_text_word_text(&splitter, &split[i]), split[i].size};
            struct am_view written = folded;
            if (next < splitter.written_count && splitter.written[next].word == i) {
                const struct am_text_written_form *form = &splitter.written[next++];
                written = (struct am_view){splitter.texts + form->text, form->size};
            }
            missing->words++;
            if (!is_there(matcher, keyword, written, folded))
                add_missing(missing, folded);
        }
}

/* Fewest words missing, then most words, then first in the ad's list. */
static bool is_nearer(const struct am_image *image,
                      const struct missing *a,
                      uint32_t a_posting,
                      const struct missing *b,
                      uint32_t b_posting) {
    if (a->count != b->count)
        return a->count < b->count;
    if (a->words != b->words)
        return a->words > b->words;
    return image->keywords[a_posting].position < image->keywords[b_posting].position;
}

/* Postings are passed over faster than they are looked up. */
enum { POSTINGS_A_STEP = 64 };

/* The posting of the ad's nearest keyword, or AM_NONE; of those that the work limit allows. */
static uint32_t find_nearest(struct am_matcher *matcher, uint32_t ad) {
    const struct am_image *image = matcher->image;
    uint32_t nearest = AM_NONE;
    struct missing best = {0};
    for (uint32_t posting = 0; posting < image->posting_count; posting++) {
        if (posting % POSTINGS_A_STEP == 0 &&
            !am_match_work_take(&matcher->work, AM_STAGE_GATES, 1))
            break;
        if (am_image_posting_ad(&image->postings[posting]) != ad ||
            image->postings[posting].rank == 0)
            continue;
        if (!am_match_work_take(&matcher->work, AM_STAGE_GATES,
                                image->keywords[posting].word_count))
            break;
        struct missing missing = {0};
        count_missing(matcher, posting, &missing);
        if (nearest == AM_NONE || is_nearer(image, &missing, posting, &best, nearest)) {
            nearest = posting;
            best = missing;
        }
    }
    return nearest;
}

/* ---- gates ------------------------------------------------------------------------------------
 */

static const struct am_match_candidate *find_candidate(const struct am_matcher *matcher,
                                                       uint32_t ad) {
    for (uint32_t i = 0; i < matcher->rank.candidate_count; i++)
        if (matcher->rank.candidates[i].ad == ad)
            return &matcher->rank.candidates[i];
    return NULL;
}

/* Gates that ask what the ad bids. */
static bool needs_keyword(int gate) {
    return gate == AM_GATE_FLOOR || gate == AM_GATE_BUDGET || gate == AM_GATE_PACING;
}

/* Asks each gate on its own. The ad's first slot counts, where it was not placed; RANK gates say
 * what the decision has said. */
static void ask_gates(struct am_matcher *matcher,
                      const struct am_match_request *request,
                      const struct am_match_candidate *found,
                      struct am_match_why *why) {
    struct am_match_candidate asked = {.ad = why->ad, .posting = why->keyword, .hit = AM_NONE};
    for (int gate = 0; gate < AM_GATES; gate++) {
        struct am_match_why_gate *answer = &why->gates[gate];
        asked.gate = (uint8_t)gate;
        bool asks = !why->placed && (!needs_keyword(gate) || why->keyword != AM_NONE);
        answer->stops = asks && am_gate_stops(&matcher->gates, request, request->slots, &asked,
                                              (enum am_gate)gate, &asked.detail);
        if (found && !found->placed && found->gate == AM_GATE_OUTRANKED &&
            gate == AM_GATE_OUTRANKED) {
            answer->stops = true;
            asked.detail = found->detail;
        }
        answer->detail = answer->stops ? am_explain_detail(&matcher->explain, request, &asked)
                                       : am_explain_passed(&matcher->explain, request, &asked);
    }
}

void am_match_why_find(struct am_matcher *matcher,
                       const struct am_match_request *request,
                       struct am_match_why *why) {
    why->ad = find_ad(matcher->image, request->why);
    why->missing_count = 0;
    if (why->ad == AM_NONE)
        return;
    const struct am_match_candidate *found = find_candidate(matcher, why->ad);
    why->reached = found != NULL;
    why->placed = found && found->placed;
    why->keyword = AM_NONE;
    if (found) {
        why->keyword = found->posting;
    } else {
        collect_words(matcher);
        why->keyword = find_nearest(matcher, why->ad);
        if (why->keyword != AM_NONE) {
            struct missing missing = {.why = why, .texts = &matcher->explain.details};
            count_missing(matcher, why->keyword, &missing);
        }
    }
    ask_gates(matcher, request, found, why);
}
