/* SPDX-License-Identifier: Apache-2.0 */
/* Steps out of working memory that AddressSanitizer must see: the index and match rooms, every way
 * of reading many words at once included, although compilers do not instrument all of their loads.
 */
#include "overread.h"

#include "../../plugin/match/matcher.h"
#include "engine.h"

/* Reaches every array of a matcher with the request below. */
static const char inventory[] =
    "{\"type\":\"inventory\",\"language\":\"en\"}\n"
    "{\"id\":\"a1\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"red wine\",\"\\\"a b c\\\"\","
    "\"\\\"a b\\\"\",\"-free\"],\"targeting\":{\"country\":[\"US\"]}}\n"
    "{\"id\":\"a2\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"wine\",\"red\",\"*\"]}\n"
    "{\"id\":\"a3\",\"advertiser\":\"z\",\"bid\":1,\"keywords\":[\"[a b]\",\"wine\"],"
    "\"sizes\":[\"1x1\"]}\n";
static const char long_text[] = "a b c and free red wines, red wine, wine; a b a b a b a b c";

static void ask(struct engine *engine, const char *text, uint32_t count) {
    static const struct am_match_attribute country = {AM_ATTRIBUTE_COUNTRY, {"", 0}, AM_VIEW("us")};
    const struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(text)};
    const struct am_match_slot slot = {.count = count};
    const struct am_match_request request = {.id = AM_VIEW("r"),
                                             .fields = &field,
                                             .field_count = 1,
                                             .attributes = &country,
                                             .attribute_count = 1,
                                             .slots = &slot,
                                             .slot_count = 1,
                                             .explain = true};
    engine_decide(engine, &request);
}

static void assert_matcher_ends_at_its_counts(const struct am_matcher *matcher,
                                              const struct am_match_decision *decision) {
    const struct am_match_words *words = &matcher->words;
    assert_items(words->ids, words->count);
    assert_items(words->flags, words->count);
    assert_items(words->broad_ids, words->count);
    assert_items(words->broad_flags, words->count);
    assert_items(words->split, words->count - 1); /* the empty word has no place */
    assert_items(matcher->search.hits.terminals, matcher->search.hits.count);
    assert_items(matcher->search.hits.positions, matcher->search.hits.count);
    assert_items(matcher->search.paths, matcher->search.path_count);
    assert_items(matcher->rank.lists, matcher->rank.list_count);
    assert_items(matcher->rank.ties, matcher->rank.tie_count);
    assert_items(matcher->rank.candidates, matcher->rank.candidate_count);
    assert_items(matcher->rank.negatives.ids, matcher->rank.negatives.count);
    assert_items(matcher->gates.targeting.terms, matcher->gates.targeting.term_count);
    assert_items(matcher->gates.placed.winners, matcher->gates.placed.count);
    assert_items(matcher->gates.placed.candidates, matcher->gates.placed.count);
    assert_items(matcher->explain.rejected, decision->rejected_count);
    assert_items(matcher->explain.details.data, matcher->explain.details.size);
}

static void arrays_end_with_what_the_request_filled(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, inventory);
    const struct am_matcher *matcher = engine.matcher;
    ask(&engine, long_text, 1);
    assert_true(matcher->search.path_count && matcher->rank.candidate_count == 3 &&
                matcher->gates.targeting.term_count);
    assert_true(matcher->rank.negatives.count && matcher->explain.rejected &&
                matcher->gates.placed.count);
    assert_int_equal(engine.decision.rejected_count, 2);
    assert_matcher_ends_at_its_counts(matcher, &engine.decision);
    ask(&engine, "wine", 1);
    assert_matcher_ends_at_its_counts(matcher, &engine.decision);
    ask(&engine, "", 1);
    assert_matcher_ends_at_its_counts(matcher, &engine.decision);
    engine_stop(&engine);
}

/* A request that goes beyond a limit, too. */
static void a_refused_request_opens_nothing_for_the_next(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, inventory);
    struct am_matcher *matcher = engine.matcher;
    matcher->words.limits.words = 8;
    const struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(long_text)};
    const struct am_match_request request = {.fields = &field, .field_count = 1};
    assert_int_equal(am_match_decide(matcher, &request, &engine.decision, NULL), AM_E_LIMIT);
    ask(&engine, "wine", 1);
    assert_matcher_ends_at_its_counts(matcher, &engine.decision);
    engine_stop(&engine);
}

/* Even where an image needs less memory than the one before it. */
static void a_new_image_starts_with_closed_arrays(void **state) {
    (void)state;
    struct engine engine, small;
    engine_start(&engine, inventory);
    engine_start(&small, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"*\"]}\n");
    ask(&engine, long_text, 3);
    assert_int_equal(am_matcher_attach(engine.matcher, small.image, NULL), AM_OK);
    assert_closed(engine.matcher->search.hits.terminals);
    assert_closed(engine.matcher->rank.candidates);
    ask(&small, "wine", 1);
    assert_matcher_ends_at_its_counts(small.matcher, &small.decision);
    engine_stop(&engine);
    engine_stop(&small);
}

static void sections_of_an_image_stand_apart(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, inventory);
    const struct am_image *image = engine.image;
    assert_begins_at(image->settings);
    assert_ends_at(image->settings + 1);
    assert_begins_at(image->vocabulary);
    assert_ends_at(image->vocabulary + image->vocabulary_buckets);
    assert_ends_at(image->words + image->settings->word_count);
    assert_ends_at(image->edges + image->edge_buckets);
    const struct am_image_filter *last = &image->filters[AM_TIERS - 1].later;
    assert_ends_at(last->blocks + last->count);
    assert_ends_at(image->postings + image->posting_count);
    assert_ends_at(image->keywords + image->posting_count);
    assert_ends_at(image->ads + image->settings->ad_count);
    assert_ends_at(image->details + image->settings->ad_count);
    assert_items(image->campaigns, image->settings->campaign_count);
    assert_ends_at(image->terms + image->term_count);
    assert_ends_at(image->term_table + image->term_slots);
    assert_ends_at(image->trees + image->tree_count);
    assert_ends_at(image->tree_nodes + image->tree_node_count);
    assert_ends_at(image->sets + image->set_count);
    assert_ends_at(image->strings + image->strings_size);
    engine_stop(&engine);
}

/* ---- ways of reading many at once -------------------------------------------------------------
 */

struct reading {
    const struct am_search_kernel *kernel;
    const struct am_text_block_kernel *block_way;
    struct am_matcher *matcher;
    uint32_t beyond; /* items after the last one in use */
};

static void list_words(void *argument) {
    const struct reading *reading = argument;
    const struct am_match_words *words = &reading->matcher->words;
    uint32_t listed[AM_STEPS + AM_SPARE];
    reading->kernel->list_words(words->flags, AM_WORD_IS_PHRASE, 0, words->count + reading->beyond,
                                listed);
}

static void begin_phrases(void *argument) {
    const struct reading *reading = argument;
    const struct am_match_words *words = &reading->matcher->words;
    struct am_search_steps steps;
    reading->kernel->first_steps(reading->matcher->image, words, 0,
                                 words->count - 1 + reading->beyond, &steps);
}

/* A phrase that goes on with the word after the last. */
static void follow_phrases(void *argument) {
    const struct reading *reading = argument;
    struct am_matcher *matcher = reading->matcher;
    const struct am_image *image = matcher->image;
    struct am_search_steps steps;
    am_search_start(&matcher->search, AM_TIER_ALL);
    AM_UNPOISON_ITEMS(matcher->search.hits.terminals, 0, AM_STEPS + AM_SPARE);
    AM_UNPOISON_ITEMS(matcher->search.hits.positions, 0, AM_STEPS + AM_SPARE);
    reading->kernel->first_steps(image, &matcher->words, 0, 2, &steps);
    reading->kernel->filter_steps(image, &matcher->search.filters->first, &steps);
    if (steps.count != 1)
        _exit(0);
    reading->kernel->take_steps(image, &matcher->words, matcher->words.count - 1 + reading->beyond,
                                &steps, &matcher->search.hits);
}

static void pair_words(void *argument) {
    const struct reading *reading = argument;
    const struct am_matcher *matcher = reading->matcher;
    struct am_search_pairs pairs = {.count = 0};
    reading->kernel->add_pairs(matcher->image, &matcher->image->filters[AM_TIER_ALL].first,
                               &matcher->words, 0, 0, matcher->words.count - 1 + reading->beyond,
                               &pairs);
}

/* Of the last words, as many as may be paired at once. */
static void pair_all_words(void *argument) {
    const struct reading *reading = argument;
    const struct am_matcher *matcher = reading->matcher;
    uint32_t last = matcher->words.count - 1 + reading->beyond;
    struct am_search_pairs pairs = {.count = 0};
    reading->kernel->add_all_pairs(matcher->image, &matcher->image->filters[AM_TIER_ALL].first,
                                   &matcher->words, last + 1 - AM_FEW_WORDS, last, &pairs);
}

static void look_ahead(void *argument) {
    const struct reading *reading = argument;
    const struct am_matcher *matcher = reading->matcher;
    reading->kernel->may_go_on(&matcher->image->filters[AM_TIER_ALL].later, &matcher->words, 0, 0,
                               0, matcher->words.count - 1 + reading->beyond);
}

static void find_hits(void *argument) {
    const struct reading *reading = argument;
    struct am_search_hits hits = reading->matcher->search.hits;
    hits.count += reading->beyond;
    reading->kernel->find_smallest(&hits, 0, UINT32_MAX);
}

static void every_way_of_searching_is_seen(void **state) {
    (void)state;
    static overread_step *const steps[] = {list_words, begin_phrases,  follow_phrases,
                                           pair_words, pair_all_words, look_ahead,
                                           find_hits};
    struct engine engine;
    engine_start(&engine, inventory);
    ask(&engine, long_text, 1);
    for (int name = 0; name < AM_SEARCH_KERNELS; name++)
        for (size_t i = 0; i < AM_COUNT_OF(steps); i++) {
            struct reading reading = {.kernel = am_search_kernel((enum am_search_kernel_name)name),
                                      .matcher = engine.matcher};
            if (!reading.kernel)
                continue;
            assert_string_equal(overread_report(steps[i], &reading), "");
            reading.beyond = 1;
            assert_seen(steps[i], &reading);
        }
    engine_stop(&engine);
}

static void read_block(void *argument) {
    const struct reading *reading = argument;
    enum { SIZE = 41 };
    char *text = calloc(2, AM_BLOCK), folded[AM_BLOCK];
    struct am_text_block block;
    am_poison_region(text + SIZE, 2 * AM_BLOCK - SIZE);
    reading->block_way->read(text, SIZE + reading->beyond, folded, &block);
    free(text);
}

static void every_way_of_splitting_is_seen(void **state) {
    (void)state;
    for (int name = 0; name < AM_TEXT_BLOCK_KERNELS; name++) {
        struct reading reading = {.block_way =
                                      am_text_block_kernel((enum am_text_block_kernel_name)name)};
        if (!reading.block_way)
            continue;
        assert_string_equal(overread_report(read_block, &reading), "");
        reading.beyond = 1;
        assert_seen(read_block, &reading);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_end_with_what_the_request_filled),
        cmocka_unit_test(a_refused_request_opens_nothing_for_the_next),
        cmocka_unit_test(a_new_image_starts_with_closed_arrays),
        cmocka_unit_test(sections_of_an_image_stand_apart),
        cmocka_unit_test(every_way_of_searching_is_seen),
        cmocka_unit_test(every_way_of_splitting_is_seen),
    };
    return overread_run("poison_matcher", tests);
}
