/* SPDX-License-Identifier: Apache-2.0 */
/* The top tier decides as all keywords do: decisions that may end in it against explained ones,
 * which never do. The seed is fixed; a failure tells the text's number. */
#include "../../plugin/delivery/given.h"
#include "../../plugin/match/matcher.h"
#include "engine.h"
#include "random_text.h"

enum { ADS = 150000, WORDS = 600, TEXTS = 300, LONGEST_TEXT = 700, AD_BYTES = 400 };

static const char *const countries[] = {"US", "DE", "FR"};

/* Something that a request may not pass, for one ad in three. */
static int put_restriction(char *to) {
    switch (below(12)) {
    case 0:
        return sprintf(to, ",\"targeting\":{\"country\":[\"%s\"]}", countries[below(3)]);
    case 1:
        return sprintf(to, ",\"paused\":true");
    case 2:
        return sprintf(to, ",\"sizes\":[\"300x250\"]");
    case 3:
        return sprintf(to, ",\"labels\":[\"l%u\"],\"exclude_labels\":[\"l%u\"]", below(4),
                       below(4));
    default:
        return 0;
    }
}

typedef size_t put_ad(char *to, uint32_t number);

static size_t put_varied(char *to, uint32_t number) {
    static const char *const quotes[][2] = {{"[", "]"}, {"\\\"", "\\\""}, {"", ""}};
    const char *const *quote = quotes[below(8) ? 1 + below(2) : 0];
    size_t at = (size_t)sprintf(to, "{\"id\":\"a%u\",\"advertiser\":\"x%u\",\"bid\":%u.%06u",
                                number, below(50), 1 + below(9), below(1000000));
    at += (size_t)put_restriction(to + at);
    at += (size_t)sprintf(to + at, ",\"keywords\":[\"%s", quote[0]);
    at += put_words(to + at, below(100) ? 2 + below(2) : 1, WORDS);
    at += (size_t)sprintf(to + at, "%s\"", quote[1]);
    if (below(10) == 0) {
        at += (size_t)sprintf(to + at, ",\"-");
        at += put_words(to + at, 1 + below(2), WORDS);
        at += (size_t)sprintf(to + at, "\"");
    }
    return at + (size_t)sprintf(to + at, "]}\n");
}

/* Budgets of 100 impressions a day, and priorities: a state says how much is used of them. */
static size_t put_limited(char *to, uint32_t number) {
    size_t at = put_varied(to, number) - 2; /* without the end of its line */
    if (below(2))
        at += (size_t)sprintf(to + at, ",\"budget\":{\"impressions\":{\"daily\":100}}");
    if (below(10) == 0)
        at += (size_t)sprintf(to + at, ",\"priority\":%u", below(3));
    return at + (size_t)sprintf(to + at, "}\n");
}

/* All of one rank. */
static size_t put_equal(char *to, uint32_t number) {
    return (size_t)sprintf(to,
                           "{\"id\":\"a%u\",\"advertiser\":\"x\",\"bid\":1,"
                           "\"keywords\":[\"w%u\"]}\n",
                           number, number);
}

static void start(struct engine *engine, uint32_t ads, put_ad *put) {
    char *lines = malloc((size_t)ads * AD_BYTES);
    size_t at = 0;
    assert_non_null(lines);
    seed = 0x9E3779B97F4A7C15;
    for (uint32_t i = 0; i < ads; i++)
        at += put(lines + at, i);
    engine_start(engine, lines);
    free(lines);
}

struct decided {
    struct am_match_decision decision;
    struct am_match_winner ads[AM_MAX_ADS_PER_REQUEST];
};

static void
decide(struct engine *engine, const struct am_match_request *request, struct decided *result) {
    struct am_error error = {0};
    if (am_match_decide(engine->matcher, request, &result->decision, &error) != AM_OK)
        fail_msg("decide: %s", error.message);
    memcpy(result->ads, result->decision.ads, result->decision.ad_count * sizeof *result->ads);
}

static bool is_same_ad(const struct am_match_winner *a, const struct am_match_winner *b) {
    return a->ad == b->ad && a->keyword == b->keyword && a->field == b->field &&
           a->pace == b->pace && a->span_count == b->span_count &&
           memcmp(a->spans, b->spans, a->span_count * sizeof *a->spans) == 0;
}

static bool is_same(const struct decided *a, const struct decided *b, uint32_t slots) {
    if (a->decision.ad_count != b->decision.ad_count ||
        memcmp(a->decision.slot_filled, b->decision.slot_filled, slots * sizeof(uint32_t)) != 0)
        return false;
    for (uint32_t i = 0; i < a->decision.ad_count; i++)
        if (!is_same_ad(&a->ads[i], &b->ads[i]))
            return false;
    return true;
}

struct tally {
    unsigned in_top, beyond;
};

/* Decides about the text, plainly and explained. */
static void compare(struct engine *engine,
                    struct am_match_delivery *delivery,
                    const char *text,
                    uint32_t number,
                    struct tally *tally) {
    static struct decided plain, explained;
    struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(text)};
    struct am_match_attribute country = {AM_ATTRIBUTE_COUNTRY, AM_VIEW(""),
                                         am_view_of(countries[below(3)])};
    struct am_match_slot slots[2] = {{.count = 1 + below(6), .floor = below(3) ? 0 : 5000000},
                                     {.count = 1 + below(20)}};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = &field,
                                       .field_count = 1,
                                       .attributes = &country,
                                       .attribute_count = 1,
                                       .slots = slots,
                                       .slot_count = 1 + below(2),
                                       .unique = (enum am_model_unique)below(4),
                                       .delivery = delivery};
    decide(engine, &request, &plain);
    request.explain = true;
    decide(engine, &request, &explained);
    if (!is_same(&plain, &explained, request.slot_count))
        fail_msg("text %u: %u ads, explained %u", number, plain.decision.ad_count,
                 explained.decision.ad_count);
    if (plain.decision.hits < explained.decision.hits)
        tally->in_top++;
    else
        tally->beyond++;
}

static void the_top_tier_decides_as_all_keywords_do(void **state) {
    (void)state;
    static char text[LONGEST_TEXT * 32];
    struct engine engine;
    struct tally tally = {0};
    start(&engine, ADS, put_varied);
    assert_true(engine.image->settings->top_rank > 0);
    for (uint32_t i = 0; i < TEXTS; i++) {
        put_words(text, 1 + below(i % 3 ? LONGEST_TEXT : 200), WORDS << i % 6);
        compare(&engine, NULL, text, i, &tally);
    }
    assert_true(tally.in_top > TEXTS / 5);
    assert_true(tally.beyond > TEXTS / 20);
    engine_stop(&engine);
}

static uint64_t next_number(void *context) {
    return ++*(uint64_t *)context;
}

/* Of each ad something between nothing and all is used, where its line is at 50: up to 52 it is on
 * its line, up to 54 in its lead. */
static struct am_delivery_given *give_state(const struct engine *engine, int64_t now) {
    struct am_delivery_given *given = NULL;
    struct am_error error = {0};
    char *state = malloc((size_t)ADS * 80), *at = state;
    assert_non_null(state);
    at += sprintf(at, "{\"ad\":{");
    for (uint32_t i = 0; i < ADS; i += 3)
        at += sprintf(at, "%s\"a%u\":{\"impressions\":{\"daily\":%u,\"line\":50}}", i ? "," : "", i,
                      50 + below(6));
    sprintf(at, "}}");
    if (am_delivery_given_make(engine->image, am_view_of(state), now, &given, &error) != AM_OK)
        fail_msg("%s: %s", error.where, error.message);
    free(state);
    return given;
}

static void the_top_tier_decides_as_all_keywords_do_with_budgets(void **state) {
    (void)state;
    enum { NOW = 1796083200 };
    static char text[LONGEST_TEXT * 32];
    struct engine engine;
    struct tally tally = {0};
    uint64_t numbered = 0;
    start(&engine, ADS, put_limited);
    struct am_delivery_given *given = give_state(&engine, NOW);
    struct am_match_delivery delivery = {
        .worker = given->opened.worker,
        .map = given->opened.map,
        .ledger = given->opened.ledger,
        .clock = NOW,
        .seconds = 60,
        .number = next_number,
        .context = &numbered,
    };
    for (uint32_t i = 0; i < TEXTS; i++) {
        put_words(text, 1 + below(i % 3 ? LONGEST_TEXT : 200), WORDS << i % 6);
        compare(&engine, &delivery, text, i, &tally);
    }
    assert_true(tally.in_top > TEXTS / 10);
    assert_true(tally.beyond > TEXTS / 20);
    am_delivery_given_free(given);
    engine_stop(&engine);
}

/* Single words are found in any case: one of them may fill a slot although a phrase that is worse
 * than the top tier would be better. */
static size_t put_losers_last(char *to, uint32_t number) {
    static const char *const last[] = {
        "{\"id\":\"worst\",\"advertiser\":\"x\",\"bid\":0.1,\"keywords\":[\"\\\"alone\\\"\"]}\n",
        "{\"id\":\"better\",\"advertiser\":\"x\",\"bid\":0.2,\"keywords\":[\"\\\"some "
        "pair\\\"\"]}\n",
    };
    return number < AM_COUNT_OF(last) ? (size_t)sprintf(to, "%s", last[number])
                                      : put_varied(to, number);
}

static void a_winner_below_the_top_tier_is_found(void **state) {
    (void)state;
    static char text[200 * 8];
    struct engine engine;
    start(&engine, ADS, put_losers_last);
    for (size_t i = 0; i < 200; i++)
        memcpy(text + i * 8, "unknown ", 8);
    memcpy(text + 80, "alone,  ", 8);
    memcpy(text + 160, "some    pair    ", 16);
    text[sizeof text - 1] = '\0';
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, text, 1), "better ");
    engine_stop(&engine);
}

/* One in sixteen, if that is many; and no less. */
static void the_top_tier_has_its_share_of_the_keywords(void **state) {
    (void)state;
    struct engine engine;
    size_t top = 0, negative = 0;
    start(&engine, ADS, put_varied);
    for (uint64_t i = 0; i < engine.image->posting_count; i++) {
        negative += engine.image->postings[i].rank == 0;
        top += engine.image->postings[i].rank <= engine.image->settings->top_rank;
    }
    assert_in_range(top - negative, 32768, 33000);
    engine_stop(&engine);
}

static void there_is_no_top_tier_of_few_keywords_or_of_equal_ones(void **state) {
    (void)state;
    put_ad *const puts[] = {put_varied, put_equal};
    for (int i = 0; i < 2; i++) {
        struct engine engine;
        start(&engine, puts[i] == put_equal ? ADS : 1000, puts[i]);
        assert_int_equal(engine.image->settings->top_rank, 0);
        engine_ask(&engine, AM_FIELD_TEXT, "w0withmanyletters0 w1 w2", 3);
        engine_stop(&engine);
    }
}

/* Those that the top tier decides, and those that it does not, in any order. */
static void a_decision_depends_on_its_request_alone(void **state) {
    (void)state;
    static char text[LONGEST_TEXT * 32];
    static const uint32_t counts[] = {51, 1, 51, 51, 51, 51, 1, 1, 51, 1}; /* of 50 advertisers */
    uint64_t hits[52] = {0}, candidates[52] = {0};
    struct engine engine;
    start(&engine, ADS, put_varied);
    put_words(text, 140, WORDS);
    struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(text)};
    for (size_t i = 0; i < AM_COUNT_OF(counts); i++) {
        uint32_t count = counts[i];
        struct am_match_slot slot = {.count = count};
        struct am_match_request request = {.id = AM_VIEW("r"),
                                           .fields = &field,
                                           .field_count = 1,
                                           .slots = &slot,
                                           .slot_count = 1,
                                           .unique = AM_UNIQUE_ADVERTISER};
        engine_decide(&engine, &request);
        if (hits[count]) {
            assert_int_equal(engine.decision.hits, hits[count]);
            assert_int_equal(engine.decision.candidates, candidates[count]);
        }
        hits[count] = engine.decision.hits;
        candidates[count] = engine.decision.candidates;
    }
    assert_true(hits[1] < hits[51]);
    engine_stop(&engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_tier_decides_as_all_keywords_do),
        cmocka_unit_test(the_top_tier_decides_as_all_keywords_do_with_budgets),
        cmocka_unit_test(a_winner_below_the_top_tier_is_found),
        cmocka_unit_test(the_top_tier_has_its_share_of_the_keywords),
        cmocka_unit_test(there_is_no_top_tier_of_few_keywords_or_of_equal_ones),
        cmocka_unit_test(a_decision_depends_on_its_request_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
