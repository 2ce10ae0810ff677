/* SPDX-License-Identifier: Apache-2.0 */
#include "why.h"

#include <stdlib.h>

#include "../base/reserve.h"

static void size_fixed(struct am_matcher *matcher, struct am_match_memory *memory) {
    am_match_words_size(&matcher->words, memory);
    am_gate_size(&matcher->gates, memory);
    am_match_spans_size(&matcher->spans, memory);
    am_explain_size(&matcher->explain, memory);
}

static void size_for_image(struct am_matcher *matcher,
                           const struct am_image *image,
                           struct am_match_memory *memory) {
    am_match_words_size_for_image(&matcher->words, image, memory);
    am_search_size(&matcher->search, &matcher->words, image, memory);
    am_rank_size(&matcher->rank, image, memory);
    am_gate_size_for_image(&matcher->gates, image, memory);
    am_match_why_size_for_image(&matcher->why_memory, &matcher->words, memory);
}

void am_matcher_set_kernel(struct am_matcher *matcher, const struct am_search_kernel *kernel) {
    matcher->kernel = matcher->words.kernel = matcher->search.kernel = matcher->rank.kernel =
        kernel;
}

/* The steps know one another by these; nothing here changes while an image is attached. */
static void connect(struct am_matcher *matcher) {
    matcher->search.words = &matcher->words;
    matcher->words.work = matcher->words.readings.work = matcher->words.spelling.work =
        matcher->search.work = matcher->rank.work = matcher->gates.work =
            matcher->gates.targeting.work = &matcher->work;
    matcher->rank.hits = &matcher->search.hits;
    matcher->explain.image = matcher->image;
    matcher->explain.gates = &matcher->gates;
    matcher->explain.candidates = matcher->rank.candidates;
    am_matcher_set_kernel(matcher, matcher->kernel);
}

struct am_matcher *am_matcher_new(const struct am_matcher_limits *limits, struct am_error *error) {
    struct am_match_memory memory = {0};
    struct am_matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher)
        goto no_memory;
    matcher->words.limits = *limits;
    matcher->work.limit = limits->work ? limits->work : AM_MATCH_WORK_DEFAULT;
    matcher->kernel = am_search_kernel_best();
    size_fixed(matcher, &memory);
    matcher->fixed_size = memory.used;
    matcher->fixed_memory = memory.overflow ? NULL : am_memory_reserve(memory.used);
    if (!matcher->fixed_memory)
        goto no_memory;
    memory = (struct am_match_memory){.base = matcher->fixed_memory};
    size_fixed(matcher, &memory);
    return matcher;
no_memory:
    free(matcher);
    am_error_set(error, AM_E_MEMORY, "out of memory: working memory for %zu bytes and %u words",
                 limits->text_bytes, limits->words);
    return NULL;
}

void am_matcher_free(struct am_matcher *matcher) {
    if (!matcher)
        return;
    am_memory_release(matcher->fixed_memory, matcher->fixed_size);
    am_memory_release(matcher->image_memory, matcher->image_size);
    am_text_stemmer_free(matcher->words.readings.stemmer);
    free(matcher);
}

enum am_code am_matcher_attach(struct am_matcher *matcher,
                               const struct am_image *image,
                               struct am_error *error) {
    struct am_text_stemmer *stemmer = NULL;
    struct am_match_memory memory = {0};
    struct am_matcher draft = *matcher;
    size_for_image(&draft, image, &memory);
    size_t size = memory.used;
    void *reserved = memory.overflow ? NULL : am_memory_reserve(size);
    if (!reserved)
        return am_error_set(error, AM_E_MEMORY,
                            "out of memory: address space for an image of %u ads",
                            image->settings->ad_count);
    if (image->settings->stem && image->settings->broad_terminals) {
        stemmer = am_text_stemmer_new(am_image_string(image, image->settings->language), error);
        if (!stemmer) {
            am_memory_release(reserved, size);
            return error ? error->code : AM_E_MEMORY;
        }
    }
    am_memory_release(matcher->image_memory, matcher->image_size);
    am_text_stemmer_free(matcher->words.readings.stemmer);
    matcher->image_memory = reserved;
    matcher->image_size = size;
    matcher->image = image;
    matcher->words.readings.stemmer = stemmer;
    memory = (struct am_match_memory){.base = reserved};
    size_for_image(matcher, image, &memory);
    connect(matcher);
    return AM_OK;
}

/* Zeros are what every step can start from: a map's entries of no epoch, an empty cache. */
void am_matcher_trim(struct am_matcher *matcher) {
    am_memory_trim(matcher->fixed_memory, matcher->fixed_size);
    if (!matcher->image)
        return;
    am_memory_trim(matcher->image_memory, matcher->image_size);
    matcher->words.readings.kept_count = 0;
}

const struct am_image *am_matcher_image(const struct am_matcher *matcher) {
    return matcher->image;
}
