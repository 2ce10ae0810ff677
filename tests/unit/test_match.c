/* SPDX-License-Identifier: Apache-2.0 */
/* Hits and spans, through whole decisions. */
#include "engine.h"

#include "../../plugin/base/buffer.h"
#include "../../plugin/text/words.h"

static void phrases_need_their_words_side_by_side_in_order(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"\\\"trail "
                          "running shoes\\\"\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "New Trail  running-shoes!", 1), "a ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "trail shoes running", 1), "");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "trail running", 1), "");
    engine_stop(&engine);
}

static void exact_keywords_need_the_whole_query(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"[red wine]\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_QUERY, "Red wine", 1), "a ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_KEYWORD, "red WINE", 1), "a ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_QUERY, "red wine glass", 1), "");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "red wine", 1), "");
    engine_stop(&engine);
}

static void broad_keywords_need_all_words_within_the_window(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"type\":\"inventory\",\"broad_window\":4}\n"
                 "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"red wine glass\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "glass for red wine", 1), "a ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "glass for a red wine", 1), "");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "wine wine glass wine glass red", 1),
                        "a ");
    assert_int_equal(engine.decision.ads[0].span_count, 3);
    assert_int_equal(engine.decision.ads[0].spans[0].begin, 16);
    assert_int_equal(engine.decision.ads[0].spans[2].end, 30);
    engine_stop(&engine);
}

static void spans_count_bytes_and_utf16_units_of_the_original_text(void **state) {
    (void)state;
    struct engine engine;
    engine_start(
        &engine,
        "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"\\\"cafe noir\\\"\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "\xf0\x9f\x98\x80 Caf\xc3\xa9 noir", 1),
                        "a ");
    const struct am_match_winner *ad = &engine.decision.ads[0];
    assert_int_equal(ad->spans[0].begin, 5);
    assert_int_equal(ad->spans[0].end, 10);
    assert_int_equal(ad->spans[0].utf16_begin, 3);
    assert_int_equal(ad->spans[0].utf16_end, 7);
    assert_int_equal(ad->spans[1].utf16_begin, 8);
    engine_stop(&engine);
}

/* Spans as "bytes/UTF-16 units", one after the other. */
static const char *spans_of(const struct am_match_winner *ad) {
    static char text[256];
    size_t at = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < ad->span_count; i++)
        at += (size_t)sprintf(text + at, "%s%u-%u/%u-%u", i ? " " : "", ad->spans[i].begin,
                              ad->spans[i].end, ad->spans[i].utf16_begin, ad->spans[i].utf16_end);
    return text;
}

/* One character may give several words, or the end of one and the begin of the next. */
static void spans_that_overlap_are_one(void **state) {
    (void)state;
    static const struct {
        const char *keyword, *text, *spans;
    } cases[] = {
        {"1/2 inch", "½ inch pipe", "0-2/0-1 3-7/2-6"},
        {"1/2 price shoes", " shoes price ½", "1-6/1-6 7-12/7-12 13-15/13-14"},
        {"\\\"xa cy inch\\\"", "a x℀y inch", "2-7/2-5 8-12/6-10"},
        {"น้ำ", "ขายน้ำดื่ม", "9-18/3-6"},
        {"キロ", "5㌔", "1-4/1-2"},
        {"ﷺ", "\U0001f45f ﷺ", "5-8/3-4"},
        {"\\\"عليه وسلم\\\"", "ﷺ ﷺ", "0-3/0-1"},
        {"1 x", "½ ½ x", "3-5/2-3 6-7/4-5"},
        {"東京", "東京", "0-3/0-1 3-6/1-2"}, /* what only touches stays apart */
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct engine engine;
        char line[256];
        sprintf(line, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"%s\"]}",
                cases[i].keyword);
        engine_start(&engine, line);
        assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, cases[i].text, 1), "a ");
        assert_string_equal(spans_of(&engine.decision.ads[0]), cases[i].spans);
        engine_stop(&engine);
    }
}

static void a_phrase_does_not_cross_fields(void **state) {
    (void)state;
    struct engine engine;
    engine_start(
        &engine,
        "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"\\\"red wine\\\"\"]}");
    struct am_match_field fields[] = {{AM_FIELD_TITLE, 0, AM_VIEW("red")},
                                      {AM_FIELD_TEXT, 0, AM_VIEW("wine")}};
    struct am_match_slot slot = {.count = 1};
    struct am_match_request request = {
        .fields = fields, .field_count = 2, .slots = &slot, .slot_count = 1};
    assert_string_equal(engine_decide(&engine, &request), "");
    engine_stop(&engine);
}

static void words_of_more_than_sixteen_bytes_are_compared_whole(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":["
                          "\"\\\"internationalization\\\"\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "on internationalization.", 1), "a ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "on internationalizatioN2", 1), "");
    engine_stop(&engine);
}

static void a_negative_keyword_vetoes_its_ad_only(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":2,\"keywords\":[\"wine\",\"-free\"]}\n"
                 "{\"id\":\"b\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"wine\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_QUERY, "wine", 2), "a b ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_QUERY, "free wine", 2), "b ");
    assert_int_equal(engine.decision.rejected_by[AM_GATE_NEGATIVE_KEYWORD], 1);
    engine_stop(&engine);
}

static void a_popular_keyword_does_not_make_the_matcher_look_at_all_its_ads(void **state) {
    (void)state;
    enum { ADS = 2000 };
    char *lines = malloc(ADS * 100), *at = lines;
    assert_non_null(lines);
    for (int i = 0; i < ADS; i++)
        at += sprintf(
            at, "{\"id\":\"a%d\",\"advertiser\":\"x%d\",\"bid\":%d.5,\"keywords\":[\"wine\"]}\n", i,
            i, i);
    struct engine engine;
    engine_start(&engine, lines);
    assert_string_equal(engine_ask(&engine, AM_FIELD_QUERY, "wine", 3), "a1999 a1998 a1997 ");
    assert_int_equal(engine.decision.candidates, 3);
    engine_stop(&engine);
    free(lines);
}

/* Keywords of one word, of two, and of two that a longer one goes on from: their lists are in the
 * three classes, and far more than are looked through one by one. */
static void many_keywords_found_come_best_first(void **state) {
    (void)state;
    enum { ADS = 120, ROOM = 400 };
    static const char *const forms[] = {"\\\"w%d\\\"", "\\\"w%d x%d\\\"", "\\\"w%d x%d\\\""};
    static char lines[2 * ADS * ROOM], text[ADS * ROOM], expected[ADS * ROOM];
    struct engine engine;
    size_t line_at = 0, text_at = 0, expected_at = 0;
    for (int i = 0; i < ADS; i++) {
        int bid = i * 37 % ADS + 1; /* each once */
        line_at += (size_t)sprintf(lines + line_at,
                                   "{\"id\":\"%d\",\"advertiser\":\"%d\",\"bid\":%d,"
                                   "\"keywords\":[\"",
                                   bid, i, bid);
        line_at += (size_t)sprintf(lines + line_at, forms[i % 3], i, i);
        line_at += (size_t)sprintf(lines + line_at, "\"]}\n");
        if (i % 3 == 2)
            line_at += (size_t)sprintf(lines + line_at,
                                       "{\"id\":\"l%d\",\"advertiser\":\"l%d\",\"bid\":500,"
                                       "\"keywords\":[\"\\\"w%d x%d y\\\"\"]}\n",
                                       i, i, i, i);
        text_at += (size_t)sprintf(text + text_at, "w%d x%d ", i, i);
    }
    for (int bid = ADS; bid > 0; bid--)
        expected_at += (size_t)sprintf(expected + expected_at, "%d ", bid);
    engine_start(&engine, lines);
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, text, ADS), expected);
    for (uint32_t count = 1; count < ADS; count += 7) {
        const char *few = engine_ask(&engine, AM_FIELD_TEXT, text, count);
        assert_int_equal(strncmp(few, expected, strlen(few)), 0);
        assert_int_equal(engine.decision.ad_count, count);
    }
    engine_stop(&engine);
}

static void a_damaged_image_is_refused_or_harmless(void **state) {
    (void)state;
    struct am_image_bytes bytes = engine_build(
        "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"x\",\"negative_keywords\":[\"free\"],"
        "\"targeting\":{\"country\":[\"US\"],\"not\":{\"site\":[\"bad.example\"]}}}\n"
        "{\"id\":\"a\",\"campaign\":\"c\",\"bid\":2,\"keywords\":[\"red wine\",\"\\\"white "
        "wine\\\"\",\"[port "
        "wine]\",\"wine\",\"*\"],\"labels\":[\"l\"],\"domain\":\"a.b.example\"}");
    char *copy = NULL;
    assert_int_equal(posix_memalign((void **)&copy, 64, bytes.size), 0);
    for (size_t i = 0; i < bytes.size; i++) {
        struct am_image *image = NULL;
        struct am_error error = {0};
        memcpy(copy, bytes.data, bytes.size);
        copy[i] ^= 0x5A;
        assert_int_not_equal(am_image_open_memory(copy, bytes.size, "test", &image, &error), AM_OK);
        assert_true(error.message[0] != '\0');
    }
    free(copy);
    am_image_bytes_free(&bytes);
}

/* Its key is that of the empty places of a bucket, of which there may be several. */
static void a_word_that_is_too_long_for_any_keyword_matches_nothing(void **state) {
    (void)state;
    struct engine engine;
    char text[AM_WORD_MAX_BYTES + 8];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 4, " ab", 4);
    engine_start(&engine,
                 "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"\\\"ab\\\"\"]}\n");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, text, 1), "a ");
    assert_int_equal(engine.decision.hits, 1);
    assert_int_equal(engine.decision.words, 2);
    engine_stop(&engine);
}

/* Words that some keyword has are not stemmed again: their entries tell what broad matching takes
 * them for. */
static void known_words_match_broad_keywords_by_their_stems(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"type\":\"inventory\",\"language\":\"en\"}\n"
                 "{\"id\":\"run\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"run\"]}\n"
                 "{\"id\":\"trail\",\"advertiser\":\"x\",\"bid\":1,"
                 "\"keywords\":[\"\\\"running wild\\\"\"]}\n"
                 "{\"id\":\"fast\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"accelerate\"]}");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "running", 3), "run ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "runs", 3), "run ");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "runner", 3), "");
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "accelerating", 3), "fast ");
    /* The stem of "accelerate", but not its own one: that is "accel". */
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "acceler", 3), "");
    engine_stop(&engine);
}

/* An ad that fits 80,000 sizes, none of which is square. */
static void append_sized_ad(struct am_buffer *lines, char id) {
    am_buffer_literal(lines, "{\"id\":\"");
    am_buffer_append(lines, &id, 1);
    am_buffer_literal(lines,
                      "\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"word\"],\"sizes\":[");
    for (unsigned i = 0; i < 80000; i++) {
        am_buffer_literal(lines, "\"");
        am_buffer_unsigned(lines, 1000 + i % 400);
        am_buffer_literal(lines, "x");
        am_buffer_unsigned(lines, 2000 + i / 400);
        am_buffer_view_append(lines, am_view_of(i == 79999 ? "\"]}\n" : "\","));
    }
}

static void details_of_long_lists_are_short(void **state) {
    (void)state;
    struct engine engine;
    struct am_error error = {0};
    struct am_buffer lines = am_buffer_over(test_malloc(4 << 20), 4 << 20);
    struct am_match_field field = {AM_FIELD_TEXT, 0, AM_VIEW("word")};
    struct am_match_slot slot = {.count = 1, .sizes = {1 << 16 | 1}, .size_count = 1};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = &field,
                                       .field_count = 1,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .explain = true};
    for (const char *id = "abc"; *id; id++)
        append_sized_ad(&lines, *id);
    am_buffer_append(&lines, "", 1);
    assert_false(lines.overflowed);
    engine_start(&engine, lines.data);
    assert_int_equal(am_match_decide(engine.matcher, &request, &engine.decision, &error), AM_OK);
    assert_int_equal(engine.decision.rejected_count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(am_view_equal(
            engine.decision.rejected[i].detail,
            AM_VIEW("1000x2000, 1000x2001, 1000x2002, 1000x2003, 1000x2004, 1000x2005, 1000x2006, "
                    "1000x2007 and 79992 more; the slot has 1x1")));
    engine_stop(&engine);
    test_free(lines.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_need_their_words_side_by_side_in_order),
        cmocka_unit_test(exact_keywords_need_the_whole_query),
        cmocka_unit_test(broad_keywords_need_all_words_within_the_window),
        cmocka_unit_test(spans_count_bytes_and_utf16_units_of_the_original_text),
        cmocka_unit_test(spans_that_overlap_are_one),
        cmocka_unit_test(a_phrase_does_not_cross_fields),
        cmocka_unit_test(known_words_match_broad_keywords_by_their_stems),
        cmocka_unit_test(words_of_more_than_sixteen_bytes_are_compared_whole),
        cmocka_unit_test(a_negative_keyword_vetoes_its_ad_only),
        cmocka_unit_test(a_popular_keyword_does_not_make_the_matcher_look_at_all_its_ads),
        cmocka_unit_test(a_word_that_is_too_long_for_any_keyword_matches_nothing),
        cmocka_unit_test(many_keywords_found_come_best_first),
        cmocka_unit_test(a_damaged_image_is_refused_or_harmless),
        cmocka_unit_test(details_of_long_lists_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
