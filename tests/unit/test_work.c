/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of work: what it ends is the same for every kernel and every time, says so, and never
 * shows an ad that a negative keyword would have stopped. */
#include "engine.h"
#include "xorshift.h"

#include "../../plugin/api/api.h"
#include "../../plugin/match/matcher.h"

static struct am_match_field field;
static struct am_match_slot slots[4] = {{.count = 2}, {.count = 2}, {.count = 2}, {.count = 2}};

static struct am_match_request request_of(const char *text) {
    field = (struct am_match_field){AM_FIELD_TEXT, 0, am_view_of(text)};
    return (struct am_match_request){.id = AM_VIEW("r"),
                                     .fields = &field,
                                     .field_count = 1,
                                     .slots = slots,
                                     .slot_count = AM_COUNT_OF(slots),
                                     .unique = AM_UNIQUE_NONE};
}

/* Broad keywords of two to four of twenty words, every third ad with labels. */
static char *inventory_of(uint32_t ads, uint64_t seed) {
    char *text = malloc(ads * 256 + 1), *at = text;
    assert_non_null(text);
    for (uint32_t i = 0; i < ads; i++) {
        at += sprintf(at, "{\"id\":\"a%u\",\"advertiser\":\"v%u\",\"bid\":%u,\"keywords\":[\"", i,
                      i % 7, 1 + i % 5);
        for (uint64_t k = 2 + xorshift64(&seed) % 3; k; k--)
            at += sprintf(at, "w%u%s", (unsigned)(xorshift64(&seed) % 20), k > 1 ? " " : "");
        at += sprintf(at, "\"]");
        if (i % 3 == 0)
            at += sprintf(at, ",\"labels\":[\"l%u\"],\"exclude_labels\":[\"l%u\"]", i % 4, i % 5);
        at += sprintf(at, "}\n");
    }
    return text;
}

static void text_of(char *text, uint32_t words, uint64_t *seed) {
    for (uint32_t i = 0; i < words; i++)
        text += sprintf(text, "w%u ", (unsigned)(xorshift64(seed) % 20));
}

static uint32_t truncated_with_every_budget(struct engine *engine,
                                            const struct am_match_request *request) {
    uint32_t truncated = 0;
    for (uint64_t limit = 16; limit < 100000; limit = limit * 5 / 4) {
        char first[4096] = "";
        uint64_t work = 0;
        engine->matcher->work.limit = limit;
        for (unsigned name = 0; name < 2 * AM_SEARCH_KERNELS; name++) {
            const struct am_search_kernel *kernel =
                am_search_kernel((enum am_search_kernel_name)(name % AM_SEARCH_KERNELS));
            if (!kernel)
                continue;
            am_matcher_set_kernel(engine->matcher, kernel);
            const char *answer = engine_decide(engine, request);
            assert_true(engine->decision.work <= limit);
            if (name == 0) {
                strcpy(first, answer);
                work = engine->decision.work;
                truncated += engine->decision.truncated;
            }
            assert_string_equal(answer, first);
            assert_int_equal(engine->decision.work, work);
        }
    }
    return truncated;
}

static void a_truncated_decision_is_the_same_for_every_kernel(void **state) {
    (void)state;
    uint64_t seed = 11;
    uint32_t truncated = 0;
    for (int round = 0; round < 8; round++) {
        char *lines = inventory_of(400, seed + 1), text[4096];
        struct engine engine;
        engine_start(&engine, lines);
        text_of(text, 30 + 60 * (uint32_t)round, &seed);
        struct am_match_request request = request_of(text);
        for (int explain = 0; explain < 2; explain++) {
            request.explain = explain;
            truncated += truncated_with_every_budget(&engine, &request);
        }
        engine.matcher->work.limit = AM_MATCH_WORK_DEFAULT;
        engine_decide(&engine, &request);
        assert_false(engine.decision.truncated);
        engine_stop(&engine);
        free(lines);
    }
    assert_true(truncated > 100);
}

/* Fails closed: an ad serves only when its negative keywords have been searched for. */
static void a_cut_search_shows_no_ad_with_negative_keywords(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"id\":\"careful\",\"advertiser\":\"a\",\"bid\":9,\"keywords\":[\"*\",\"-used "
                 "cheap old\"]}\n"
                 "{\"id\":\"plain\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"]}\n"
                 "{\"id\":\"shoes\",\"advertiser\":\"c\",\"bid\":2,\"keywords\":[\"shoes\"]}\n");
    char text[4096] = "shoes ";
    for (int i = 0; i < 60; i++)
        strcat(text, "that is used or cheap, ");
    strcat(text, "used, cheap and old");
    struct am_match_request request = request_of(text);
    request.explain = true;
    assert_string_equal(engine_decide(&engine, &request), "shoes plain | shoes plain | shoes plain "
                                                          "| shoes plain ");
    uint32_t cut = 0, placed = 0;
    for (uint64_t limit = 1; limit < 2000; limit++) {
        engine.matcher->work.limit = limit;
        assert_null(strstr(engine_decide(&engine, &request), "careful"));
        cut += engine.decision.rejected_by[AM_GATE_NEGATIVES_UNKNOWN] > 0;
        placed += engine.decision.truncated && engine.decision.ad_count > 0;
    }
    assert_true(cut > 0);
    assert_true(placed > 0);
    engine_stop(&engine);
}

/* Ends of spans are counted in one pass for all winners: each as if it were alone. */
static void utf16_places_are_those_of_each_winner_alone(void **state) {
    (void)state;
    struct engine engine;
    char lines[8192], *at = lines;
    for (int i = 0; i < 40; i++)
        at += sprintf(at,
                      "{\"id\":\"a%d\",\"advertiser\":\"v\",\"bid\":1,\"keywords\":[\"w%d "
                      "\xC3\xA9%d\"]}\n",
                      i, i % 8, i % 5);
    engine_start(&engine, lines);
    const char *texts[] = {"\xF0\x9F\x98\x80 w1 \xC3\xA9"
                           "1 w2 \xE2\x82\xAC\xFF\xFF w3 \xC3\xA9"
                           "2",
                           "w4 \xC3\xA9"
                           "4 w5 \xF0\x9F\x98\x80\xC3\xA9"
                           "0 w6 \xC3\xA9"
                           "1"};
    struct am_match_field fields[] = {{AM_FIELD_TITLE, 0, am_view_of(texts[0])},
                                      {AM_FIELD_TEXT, 0, am_view_of(texts[1])}};
    struct am_match_slot slot = {.count = 40};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = fields,
                                       .field_count = 2,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .unique = AM_UNIQUE_NONE};
    engine_decide(&engine, &request);
    assert_true(engine.decision.ad_count > 5);
    for (uint32_t i = 0; i < engine.decision.ad_count; i++) {
        const struct am_match_winner *ad = &engine.decision.ads[i];
        for (uint32_t s = 0; s < ad->span_count; s++) {
            const char *text = texts[ad->field];
            assert_int_equal(ad->spans[s].utf16_begin,
                             am_text_utf16_length(text, ad->spans[s].begin));
            assert_int_equal(ad->spans[s].utf16_end, am_text_utf16_length(text, ad->spans[s].end));
        }
    }
    engine_stop(&engine);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

static long anonymous_kilobytes(void) {
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && kilobytes < 0 && fgets(line, sizeof line, file))
        sscanf(line, "Anonymous: %ld", &kilobytes);
    if (file)
        fclose(file);
    return kilobytes;
}

static void what_a_large_request_used_is_given_back(void **state) {
    (void)state;
    struct engine engine;
    struct am_error error = {0};
    char *lines = inventory_of(2000, 3), *text = malloc(600000), *first = NULL;
    uint64_t seed = 5;
    engine_start(&engine, lines);
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    assert_non_null(api);
    assert_int_equal(am_api_attach(api, engine.image, &error), AM_OK);
    text_of(text, 90000, &seed);
    const struct am_api_request request = {.content = AM_CONTENT_TEXT, .body = am_view_of(text)};
    long before = anonymous_kilobytes();
    for (int i = 0; i < 3; i++) {
        struct am_api_response response;
        am_api_decide(api, &request, &response);
        assert_int_equal(response.status, 200);
        if (i == 0) {
            first = strndup(response.body.data, response.body.size);
            assert_true(anonymous_kilobytes() > before + 1024);
        }
        assert_true(am_view_equal(response.body, am_view_of(first)));
        am_api_settle(api);
        assert_true(anonymous_kilobytes() < before + 512);
    }
    am_api_free(api);
    engine_stop(&engine);
    free(first);
    free(text);
    free(lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_decision_is_the_same_for_every_kernel),
        cmocka_unit_test(a_cut_search_shows_no_ad_with_negative_keywords),
        cmocka_unit_test(utf16_places_are_those_of_each_winner_alone),
        cmocka_unit_test(what_a_large_request_used_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
