/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzz targets that make images: in an image that the deep check passes, searches find every
 * word, every term, and every keyword from its own words, in all ways of searching. */
#ifndef AM_TESTS_FUZZ_IMAGE_SEARCH_H
#define AM_TESTS_FUZZ_IMAGE_SEARCH_H

#include "../../plugin/match/matcher.h"
#include "fuzz_require.h"

/* Images are small, but for those that a corpus brings as they are: no more is looked at. */
enum { FUZZ_MOST_SEARCHED = 512 };

static uint32_t fuzz_at_most(uint64_t count) {
    return count < FUZZ_MOST_SEARCHED ? (uint32_t)count : FUZZ_MOST_SEARCHED;
}

/* ---- words and terms --------------------------------------------------------------------------
 */

static void fuzz_find_terms(const struct am_image *image) {
    for (uint32_t i = 0; i < fuzz_at_most(image->term_count); i++) {
        const struct am_image_term *term = &image->terms[i];
        uint32_t key = term->kind == AM_TERM_DOMAIN ? AM_NONE : term->key;
        struct am_view text = am_image_string(image, term->text);
        fuzz_require(am_image_find_term(image, term->kind, key, text) == i);
    }
}

/* As often as some kernels want, to be worth their while. A word that is not in its own bucket is
 * for who calls find_words. */
static void
fuzz_find_word(const struct am_image *image, const struct am_search_kernel *kernel, uint32_t word) {
    enum { TIMES = 64 };
    char text[AM_IMAGE_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
    struct am_view view = am_image_string(image, image->words[word].text);
    struct am_text_word words[TIMES];
    struct am_search_lookup lookup;
    uint32_t ids[TIMES + AM_SPARE];
    uint8_t flags[2 * TIMES];
    memcpy(text, view.data, view.size);
    for (uint32_t i = 0; i < TIMES; i++)
        words[i] = (struct am_text_word){.size = (uint32_t)view.size};
    const struct am_search_word_batch batch = {words, TIMES, text};
    kernel->find_words(image, &batch, &lookup, ids, flags);
    for (uint32_t i = 0; i < TIMES; i++)
        fuzz_require(lookup.further_count || ids[i] == word);
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

/* Where edges come from, by the node that they lead to. */
struct fuzz_step {
    uint32_t parent, word;
};

static struct fuzz_step *fuzz_steps(const struct am_image *image) {
    struct fuzz_step *steps = calloc((size_t)image->settings->node_end + 1, sizeof *steps);
    if (!steps)
        abort();
    for (uint64_t i = 0; i < image->edge_buckets; i++)
        for (int lane = 0; lane < AM_IMAGE_EDGE_LANES; lane++)
            if (image->edges[i].key[lane] != AM_EDGE_EMPTY)
                steps[image->edges[i].child[lane]] =
                    (struct fuzz_step){(uint32_t)(image->edges[i].key[lane] >> 32),
                                       (uint32_t)image->edges[i].key[lane]};
    return steps;
}

/* A keyword as ids of words. */
struct fuzz_path {
    uint32_t words[AM_KEYWORD_MAX_WORDS];
    uint32_t count;
    enum am_model_match_type match;
};

static void fuzz_push_front(struct fuzz_path *path, uint32_t word) {
    fuzz_require(path->count < AM_KEYWORD_MAX_WORDS);
    memmove(path->words + 1, path->words, path->count * sizeof *path->words);
    path->words[0] = word;
    path->count++;
}

static struct fuzz_path fuzz_path_to(const struct am_image_settings *settings,
                                     const struct fuzz_step *steps,
                                     uint32_t node) {
    struct fuzz_path path = {.match = AM_MATCH_EXACT};
    for (; node < settings->node_end; node = steps[node].parent)
        fuzz_push_front(&path, steps[node].word);
    if (node == AM_NODE_OF_EXACT(settings))
        return path;
    bool broad = node >= AM_NODE_OF_BROAD(settings, 0);
    path.match = broad ? AM_MATCH_BROAD : AM_MATCH_PHRASE;
    fuzz_push_front(
        &path, node - (broad ? AM_NODE_OF_BROAD(settings, 0) : AM_NODE_OF_PHRASE(settings, 0)));
    return path;
}

static uint8_t fuzz_flags_of(const struct am_image *image, uint32_t word) {
    for (uint64_t i = 0; i < image->vocabulary_buckets; i++)
        for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++)
            if (image->vocabulary[i].word[lane] == word)
                return image->vocabulary[i].flags[lane];
    fuzz_require(false);
    return 0;
}

/* Has the matcher read a query of as many words, and makes them those of the path. */
static void fuzz_put_words(struct am_matcher *matcher, const struct fuzz_path *path) {
    char text[2 * AM_KEYWORD_MAX_WORDS];
    struct am_match_words *words = &matcher->words;
    for (uint32_t i = 0; i < 2 * path->count; i++)
        text[i] = i % 2 ? ' ' : 'x';
    const struct am_match_field field = {.kind = AM_FIELD_QUERY,
                                         .text = {text, (size_t)2 * path->count}};
    const struct am_match_request request = {.fields = &field, .field_count = 1};
    am_match_work_start(&matcher->work);
    fuzz_require(am_match_words_read(words, &request, NULL) == AM_OK &&
                 words->real_count == path->count);
    for (uint32_t i = 0; i < path->count; i++) {
        words->ids[i] = words->broad_ids[i] = path->words[i];
        words->flags[i] = words->broad_flags[i] = fuzz_flags_of(matcher->image, path->words[i]);
    }
}

/* Whether a search among a tier finds the terminal. A broad keyword may have more words than the
 * window of the image. */
static void fuzz_find_keyword(struct am_matcher *matcher,
                              const struct fuzz_path *path,
                              uint32_t terminal,
                              enum am_image_tier tier) {
    const struct am_match_field field = {.kind = AM_FIELD_QUERY};
    const struct am_match_request request = {.fields = &field, .field_count = 1};
    bool found =
        path->match == AM_MATCH_BROAD && path->count > matcher->image->settings->broad_window;
    fuzz_put_words(matcher, path);
    am_match_work_start(&matcher->work);
    am_search(&matcher->search, &request, tier);
    for (uint32_t i = 0; i < matcher->search.hits.count; i++)
        found |= matcher->search.hits.terminals[i] == terminal;
    fuzz_require(found);
}

static void
fuzz_find_terminal(struct am_matcher *matcher, const struct fuzz_path *path, uint32_t terminal) {
    const struct am_image *image = matcher->image;
    fuzz_find_keyword(matcher, path, terminal, AM_TIER_ALL);
    if (image->postings[terminal].rank <= image->settings->top_rank && image->settings->top_rank)
        fuzz_find_keyword(matcher, path, terminal, AM_TIER_TOP);
}

static void fuzz_find_single_words(struct am_matcher *matcher) {
    const struct am_image *image = matcher->image;
    for (uint32_t i = 0; i < fuzz_at_most(image->settings->word_count); i++) {
        struct fuzz_path path = {.words = {i}, .count = 1, .match = AM_MATCH_PHRASE};
        if (image->words[i].phrase_terminal != AM_NONE)
            fuzz_find_terminal(matcher, &path, image->words[i].phrase_terminal);
        path.match = AM_MATCH_BROAD;
        if (image->words[i].broad_terminal != AM_NONE)
            fuzz_find_terminal(matcher, &path, image->words[i].broad_terminal);
    }
}

static void fuzz_find_longer_keywords(struct am_matcher *matcher, const struct fuzz_step *steps) {
    const struct am_image *image = matcher->image;
    const struct am_image_settings *settings = image->settings;
    uint32_t first = settings->first_node;
    for (uint32_t i = first; i < first + fuzz_at_most(settings->terminal_end - first); i++) {
        if (i > 0 && !am_image_posting_is_last(&image->postings[i - 1]))
            continue;
        struct fuzz_path path = fuzz_path_to(settings, steps, i);
        fuzz_find_terminal(matcher, &path, i);
    }
}

/* The matcher must be attached to the image. */
static void fuzz_search_image(struct am_matcher *matcher) {
    const struct am_image *image = matcher->image;
    struct fuzz_step *steps = fuzz_steps(image);
    fuzz_find_terms(image);
    for (int name = 0; name < AM_SEARCH_KERNELS; name++) {
        const struct am_search_kernel *kernel = am_search_kernel((enum am_search_kernel_name)name);
        if (!kernel)
            continue;
        am_matcher_set_kernel(matcher, kernel);
        for (uint32_t i = 0; i < fuzz_at_most(image->settings->word_count); i++)
            fuzz_find_word(image, kernel, i);
        fuzz_find_single_words(matcher);
        fuzz_find_longer_keywords(matcher, steps);
    }
    free(steps);
}

#endif
