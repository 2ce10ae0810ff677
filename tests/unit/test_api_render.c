/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as JSON, from decisions made by hand over a tiny image made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/api/render.h"

/* ---- an image of two ads, just as far as answers look at it --------------------------------- */

static _Alignas(4) char strings[1024];
static uint32_t strings_used = 4; /* reference 0 is the empty string */

static am_image_string_ref add_string(const char *text) {
    am_image_string_ref ref = strings_used / 4;
    uint32_t size = (uint32_t)strlen(text);
    assert_true(strings_used + 4 + size + 3 < sizeof strings);
    memcpy(strings + strings_used, &size, sizeof size);
    memcpy(strings + strings_used + 4, text, size);
    strings_used += 4 + (size + 3) / 4 * 4;
    return ref;
}

static struct am_image_ad ads[2];
static struct am_image_ad_details details[2];
static struct am_image_keyword keywords[3];
static struct am_image_campaign campaigns[1];
static struct am_image_term terms[2];
static struct am_image image = {
    .ads = ads,
    .details = details,
    .keywords = keywords,
    .campaigns = campaigns,
    .terms = terms,
    .strings = strings,
    .generation = "0123456789abcdef",
};

static int make_image(void **state) {
    (void)state;
    terms[0] = (struct am_image_term){add_string("acme"), AM_TERM_ADVERTISER, AM_NONE};
    terms[1] = (struct am_image_term){add_string("b\"b"), AM_TERM_ADVERTISER, AM_NONE};
    campaigns[0] = (struct am_image_campaign){.id = add_string("c1")};
    ads[0] = (struct am_image_ad){.campaign = 0, .advertiser = 0};
    ads[1] = (struct am_image_ad){.campaign = AM_NONE, .advertiser = 1, .flags = AM_AD_CPC};
    details[0] = (struct am_image_ad_details){.id = add_string("a1"),
                                              .url = add_string("https://acme.example/?a=\"b\""),
                                              .creative = add_string("{\"title\": \"Run\"}")};
    details[1] = (struct am_image_ad_details){.id = add_string("a2")};
    keywords[0] = (struct am_image_keyword){
        1250000, 1250000, add_string("running shoes"), 0, AM_MATCH_BROAD, 2, 2, {0}};
    keywords[1] =
        (struct am_image_keyword){100000, 5000000, add_string("*"), 0, AM_MATCH_ANY, 0, 0, {0}};
    keywords[2] =
        (struct am_image_keyword){3000000, 1, add_string("\"shoe\""), 0, AM_MATCH_EXACT, 1, 1, {0}};
    image.strings = strings;
    return 0;
}

/* ---- decisions ------------------------------------------------------------------------------ */

static const struct am_match_field fields[] = {
    {AM_FIELD_QUERY, 0, {"q", 1}}, {AM_FIELD_KEYWORD, 3, {"k", 1}}, {AM_FIELD_TITLE, 0, {"t", 1}},
    {AM_FIELD_TEXT, 0, {"x", 1}},  {AM_FIELD_URL, 0, {"u", 1}},
};

static void assert_answer(const struct am_match_request *request,
                          const struct am_match_decision *decision,
                          const char *wanted) {
    char memory[4096];
    struct am_buffer out = am_buffer_over(memory, sizeof memory - 1);
    am_api_render_decision(&out, &image, request, decision, NULL, NULL, true);
    assert_false(out.overflowed);
    memory[out.size] = '\0';
    assert_string_equal(memory, wanted);
}

static void every_slot_appears_even_when_it_is_empty(void **state) {
    (void)state;
    const struct am_match_slot slots[] = {{.id = {"top", 3}, .count = 1},
                                          {.id = {"", 0}, .count = 2}};
    const struct am_match_request request = {.id = {"r\"1", 3}, .slots = slots, .slot_count = 2};
    const struct am_match_decision decision = {.candidates = 7};
    assert_answer(&request, &decision,
                  "{\"id\":\"r\\\"1\",\"generation\":\"0123456789abcdef\",\"slots\":["
                  "{\"id\":\"top\",\"ads\":[]},{\"id\":\"\",\"ads\":[]}]}");
}

static void a_request_without_an_id_is_answered_without_one(void **state) {
    (void)state;
    const struct am_match_slot slot = {.count = 1};
    struct am_match_request request = {.slots = &slot, .slot_count = 1};
    const struct am_match_decision decision = {0};
    assert_answer(&request, &decision,
                  "{\"generation\":\"0123456789abcdef\",\"slots\":[{\"id\":\"\",\"ads\":[]}]}");
    request.id = AM_VIEW("");
    assert_answer(&request, &decision,
                  "{\"id\":\"\",\"generation\":\"0123456789abcdef\",\"slots\":["
                  "{\"id\":\"\",\"ads\":[]}]}");
}

static void ads_have_all_members_in_their_order(void **state) {
    (void)state;
    const struct am_match_slot slots[] = {{.id = {"a", 1}, .count = 2},
                                          {.id = {"b", 1}, .count = 1}};
    struct am_match_winner placed[] = {
        {.ad = 0,
         .keyword = 0,
         .field = 3,
         .span_count = 2,
         .spans = {{17, 24, 15, 22}, {25, 30, 23, 28}}},
        {.ad = 1, .keyword = 1, .field = AM_NONE},
        {.ad = 1, .keyword = 2, .field = 1, .span_count = 1, .spans = {{0, 4, 0, 4}}},
    };
    const struct am_match_request request = {
        .fields = fields, .field_count = 5, .slots = slots, .slot_count = 2};
    const struct am_match_decision decision = {.ads = placed, .ad_count = 3, .slot_filled = {2, 1}};
    assert_answer(
        &request, &decision,
        "{\"generation\":\"0123456789abcdef\",\"slots\":[{\"id\":\"a\",\"ads\":["
        "{\"ad\":\"a1\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"price\":1.25,"
        "\"pricing\":\"cpm\",\"ecpm\":1.25,\"match\":{\"keyword\":\"running shoes\","
        "\"type\":\"broad\",\"field\":\"text\",\"spans\":[{\"bytes\":[17,24],\"utf16\":[15,22]},"
        "{\"bytes\":[25,30],\"utf16\":[23,28]}]},\"url\":\"https://acme.example/?a=\\\"b\\\"\","
        "\"creative\":{\"title\": \"Run\"}},"
        "{\"ad\":\"a2\",\"advertiser\":\"b\\\"b\",\"price\":0.1,\"pricing\":\"cpc\",\"ecpm\":5,"
        "\"match\":{\"keyword\":\"*\",\"type\":\"any\"}}]},"
        "{\"id\":\"b\",\"ads\":[{\"ad\":\"a2\",\"advertiser\":\"b\\\"b\",\"price\":3,"
        "\"pricing\":\"cpc\",\"ecpm\":0.000001,\"match\":{\"keyword\":\"\\\"shoe\\\"\","
        "\"type\":\"exact\",\"field\":\"keywords\",\"index\":3,"
        "\"spans\":[{\"bytes\":[0,4],\"utf16\":[0,4]}]}}]}]}");
}

static void every_field_has_its_name(void **state) {
    (void)state;
    static const char *const names[] = {"query", "keywords", "title", "text", "url"};
    const struct am_match_slot slot = {.count = 1};
    const struct am_match_request request = {
        .fields = fields, .field_count = 5, .slots = &slot, .slot_count = 1};
    for (uint32_t field = 0; field < 5; field++) {
        char memory[1024], wanted[64] = "\"field\":\"";
        struct am_match_winner placed = {.ad = 1, .keyword = 2, .field = field, .span_count = 1};
        const struct am_match_decision decision = {
            .ads = &placed, .ad_count = 1, .slot_filled = {1}};
        struct am_buffer out = am_buffer_over(memory, sizeof memory - 1);
        am_api_render_decision(&out, &image, &request, &decision, NULL, NULL, true);
        memory[out.size] = '\0';
        strcat(strcat(wanted, names[field]), "\"");
        assert_non_null(strstr(memory, wanted));
    }
}

static void explanations_come_only_when_asked_for(void **state) {
    (void)state;
    const struct am_match_slot slot = {.count = 1};
    const struct am_match_rejected rejected[] = {
        {0, 0, AM_GATE_TARGETING, {"kv.\"x\"", 6}},
        {1, 1, AM_GATE_PAUSED, {"", 0}},
    };
    struct am_match_request request = {.slots = &slot, .slot_count = 1};
    const struct am_match_decision decision = {
        .candidates = 12, .rejected_total = 11, .rejected = rejected, .rejected_count = 2};
    assert_answer(&request, &decision,
                  "{\"generation\":\"0123456789abcdef\",\"slots\":[{\"id\":\"\",\"ads\":[]}]}");
    request.explain = true;
    assert_answer(&request, &decision,
                  "{\"generation\":\"0123456789abcdef\",\"slots\":[{\"id\":\"\",\"ads\":[]}],"
                  "\"explain\":{\"candidates\":12,\"rejected_total\":11,\"rejected\":["
                  "{\"ad\":\"a1\",\"campaign\":\"c1\",\"keyword\":\"running shoes\","
                  "\"reason\":\"targeting\",\"detail\":\"kv.\\\"x\\\"\"},"
                  "{\"ad\":\"a2\",\"keyword\":\"*\",\"reason\":\"paused\"}]}}");
}

static void an_answer_that_does_not_fit_is_known_to_be_useless(void **state) {
    (void)state;
    const struct am_match_slot slot = {.count = 1};
    const struct am_match_request request = {.slots = &slot, .slot_count = 1};
    const struct am_match_decision decision = {0};
    char memory[128];
    struct am_buffer whole = am_buffer_over(memory, sizeof memory);
    am_api_render_decision(&whole, &image, &request, &decision, NULL, NULL, true);
    assert_false(whole.overflowed);
    for (size_t capacity = 0; capacity < whole.size; capacity++) {
        struct am_buffer out = am_buffer_over(memory, capacity);
        am_api_render_decision(&out, &image, &request, &decision, NULL, NULL, true);
        assert_true(out.overflowed);
    }
}

static void errors_have_a_place_when_there_is_one(void **state) {
    (void)state;
    char memory[256];
    struct am_buffer out = am_buffer_over(memory, sizeof memory - 1);
    am_api_render_error(&out, 400, AM_VIEW("expected \"x\""), AM_VIEW("$.slots[0].count"));
    memory[out.size] = '\0';
    assert_string_equal(memory, "{\"error\":{\"status\":400,\"reason\":\"expected \\\"x\\\"\","
                                "\"where\":\"$.slots[0].count\"}}");
    out.size = 0;
    am_api_render_error(&out, 503, AM_VIEW("no inventory"), AM_VIEW(""));
    memory[out.size] = '\0';
    assert_string_equal(memory, "{\"error\":{\"status\":503,\"reason\":\"no inventory\"}}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_appears_even_when_it_is_empty),
        cmocka_unit_test(a_request_without_an_id_is_answered_without_one),
        cmocka_unit_test(ads_have_all_members_in_their_order),
        cmocka_unit_test(every_field_has_its_name),
        cmocka_unit_test(explanations_come_only_when_asked_for),
        cmocka_unit_test(an_answer_that_does_not_fit_is_known_to_be_useless),
        cmocka_unit_test(errors_have_a_place_when_there_is_one),
    };
    return cmocka_run_group_tests_name("answers", tests, make_image, NULL);
}
