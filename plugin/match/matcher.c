/* The working memory of one core. */
#include "matcher.h"

#include "search_stems.h"

#include <stdlib.h>

#include "../base/reserve.h"

enum { DETAILS_BYTES = 1 << 20, CACHE_LINE = 64, PAGE = 4096 };

/* Gives out pieces of one reservation. With `base` NULL it only adds up their sizes. */
struct carver {
    char *base;
    size_t used;
    bool overflow;
};

/* A piece of many pages begins with one: of most, only the beginning is ever touched. A piece is
 * poisoned (poison.h) until it is filled, and so is the gap after it. */
static void *carve(struct carver *carver, size_t count, size_t item_size) {
    size_t size, start, end;
    size_t alignment = count < PAGE / item_size ? CACHE_LINE : PAGE;
    if (!am_checked_multiply(count, item_size, &size) ||
        !am_checked_add(carver->used, -carver->used % alignment, &start) ||
        !am_checked_add(start, size, &end)) {
        carver->overflow = true;
        return NULL;
    }
    carver->used = end + AM_REDZONE;
    if (!carver->base)
        return NULL;
    am_poison_region(carver->base + start, size + AM_REDZONE);
    return carver->base + start;
}

static void carve_fixed(struct am_matcher *matcher, struct carver *carver) {
    size_t words = (size_t)matcher->limits.words + AM_MAX_FIELDS + 1;
    matcher->splitter_memory.size = am_text_splitter_memory_size(matcher->limits.text_bytes);
    matcher->splitter_memory.memory = carve(carver, matcher->splitter_memory.size, 1);
    matcher->words.ids = carve(carver, words, sizeof(uint32_t));
    /* Numbers of 32 bits are read at any flag. */
    matcher->words.flags = carve(carver, words + sizeof(uint32_t), 1);
    matcher->words.split = carve(carver, words + AM_WORD_BATCH, sizeof(struct am_text_word));
    matcher->terms = carve(carver, AM_MAX_ATTRIBUTE_VALUES, sizeof *matcher->terms);
    matcher->placed = carve(carver, AM_MAX_ADS_PER_REQUEST, sizeof *matcher->placed);
    matcher->placed_candidates = carve(carver, AM_MAX_ADS_PER_REQUEST, sizeof(uint32_t));
    matcher->rejected = carve(carver, AM_MAX_REJECTED_LISTED, sizeof *matcher->rejected);
    matcher->details = am_buffer_guard(carve(carver, DETAILS_BYTES, 1), DETAILS_BYTES);
}

static void carve_map(struct carver *carver, struct am_match_idmap *map, size_t keys) {
    size_t entries = am_match_idmap_entries(keys);
    void *memory = carve(carver, entries, sizeof(struct am_match_idmap_entry));
    if (memory)
        am_match_idmap_start(map, memory, entries);
}

/* Only broad keywords match on stems. */
static bool stems(const struct am_image *image) {
    return image->settings->stem && image->settings->broad_terminals;
}

static void
carve_for_image(struct am_matcher *matcher, const struct am_image *image, struct carver *carver) {
    const struct am_image_settings *settings = image->settings;
    size_t words = (size_t)matcher->limits.words + AM_MAX_FIELDS + 1;
    size_t lists = (size_t)settings->ad_count + settings->campaign_count + 1;
    size_t hits =
        words * AM_KEYWORD_MAX_WORDS + AM_MAX_FIELDS + settings->broad_terminals + AM_SPARE;
    matcher->hits.terminals = carve(carver, hits, sizeof(uint32_t));
    matcher->hits.places = carve(carver, hits, sizeof(uint32_t));
    matcher->paths = carve(carver, (size_t)settings->broad_words + 1, sizeof *matcher->paths);
    matcher->words.broad_ids =
        stems(image) ? carve(carver, words, sizeof(uint32_t)) : matcher->words.ids;
    matcher->words.broad_flags = stems(image) ? carve(carver, words, 1) : matcher->words.flags;
    matcher->stem_cache = stems(image) ? carve(carver, am_search_stem_cache_size(), 1) : NULL;
    matcher->lists = carve(carver, (size_t)settings->terminal_count + 1, sizeof *matcher->lists);
    matcher->ties = carve(carver, image->posting_count + 1, sizeof *matcher->ties);
    matcher->candidates =
        carve(carver, (size_t)settings->ad_count + 1, sizeof *matcher->candidates);
    matcher->negative_ids = carve(carver, (size_t)settings->negative_count + 1, sizeof(uint32_t));
    carve_map(carver, &matcher->terminals_hit, settings->terminal_count);
    carve_map(carver, &matcher->negatives_hit, settings->negative_count);
    carve_map(carver, &matcher->ads_seen, settings->ad_count);
    carve_map(carver, &matcher->trees_asked, image->tree_count);
    carve_map(carver, &matcher->vetoes_asked, lists);
    carve_map(carver, &matcher->blocked, AM_MAX_BLOCKED);
}

struct am_matcher *am_matcher_new(const struct am_matcher_limits *limits, struct am_error *error) {
    struct carver carver = {0};
    struct am_matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher)
        goto no_memory;
    matcher->limits = *limits;
    matcher->way = am_search_kernel_best();
    carve_fixed(matcher, &carver);
    matcher->fixed_size = carver.used;
    matcher->fixed_memory = carver.overflow ? NULL : am_memory_reserve(carver.used);
    if (!matcher->fixed_memory)
        goto no_memory;
    carver = (struct carver){.base = matcher->fixed_memory};
    carve_fixed(matcher, &carver);
    am_poison_clear(matcher->splitter_memory.memory, matcher->splitter_memory.size);
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
    am_text_stemmer_free(matcher->stemmer);
    free(matcher);
}

enum am_code am_matcher_check_zones(const struct am_image *image,
                                    const struct am_timezones *zones,
                                    struct am_error *error) {
    for (uint64_t i = 0; i < image->tree_node_count; i++) {
        const struct am_image_tree_node *node = &image->tree_nodes[i];
        if (node->kind != AM_TARGETING_HOURS || node->key == 0)
            continue;
        struct am_view name = am_image_string(image, node->key);
        if (!zones || !am_timezone_find(zones, name))
            return am_error_set(error, AM_E_INVALID,
                                "the inventory targets hours in time zone %.*s, which this machine "
                                "does not know: install the package tzdata",
                                AM_VIEW_ARGUMENTS(name));
    }
    return AM_OK;
}

enum am_code am_matcher_attach(struct am_matcher *matcher,
                               const struct am_image *image,
                               const struct am_timezones *zones,
                               struct am_error *error) {
    struct am_text_stemmer *stemmer = NULL;
    struct carver carver = {0};
    struct am_matcher draft = *matcher;
    enum am_code code = am_matcher_check_zones(image, zones, error);
    if (code != AM_OK)
        return code;
    carve_for_image(&draft, image, &carver);
    size_t size = carver.used;
    void *memory = carver.overflow ? NULL : am_memory_reserve(size);
    if (!memory)
        return am_error_set(error, AM_E_MEMORY,
                            "out of memory: address space for an image of %u ads",
                            image->settings->ad_count);
    if (stems(image)) {
        stemmer = am_text_stemmer_new(am_image_string(image, image->settings->language), error);
        if (!stemmer) {
            am_memory_release(memory, size);
            return error ? error->code : AM_E_MEMORY;
        }
    }
    am_memory_release(matcher->image_memory, matcher->image_size);
    am_text_stemmer_free(matcher->stemmer);
    matcher->image_memory = memory;
    matcher->image_size = size;
    matcher->stemmer = stemmer;
    matcher->image = image;
    matcher->word_rules = am_text_word_rules_of(am_image_string(image, image->settings->language),
                                                image->settings->fold_accents);
    matcher->zones = zones;
    matcher->top_passes = matcher->top_misses = 0;
    matcher->hits.count = matcher->path_count = matcher->negative_count = 0;
    matcher->list_count = matcher->tie_count = matcher->candidate_count = 0;
    carver = (struct carver){.base = memory};
    carve_for_image(matcher, image, &carver);
    am_poison_clear(matcher->stem_cache, stems(image) ? am_search_stem_cache_size() : 0);
    return AM_OK;
}

const struct am_image *am_matcher_image(const struct am_matcher *matcher) {
    return matcher->image;
}
