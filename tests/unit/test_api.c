/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of a request to the bytes of its answer, over a small inventory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "api_inventory.h"

#define INVENTORY                                                                                  \
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\"}\n"                              \
    "{\"id\":\"shoes\",\"campaign\":\"c1\",\"bid\":1.25,"                                          \
    "\"keywords\":[\"running shoes\",\"[exactly this]\",\"1/2 shoes\"],"                           \
    "\"url\":\"https://acme.example/run\",\"creative\":{\"title\":\"Run\"}}\n"                     \
    "{\"id\":\"trail\",\"advertiser\":\"beta\",\"bid\":0.5,\"keywords\":[\"\\\"trail "             \
    "shoes\\\"\"],"                                                                                \
    "\"sizes\":[\"300x250\"],\"targeting\":{\"country\":[\"US\"],\"kv\":{\"sport\":[\"run\"]}}}\n" \
    "{\"id\":\"night\",\"advertiser\":\"gamma\",\"bid\":0.4,\"keywords\":[\"night\"],"             \
    "\"targeting\":{\"hour\":[0]},\"end\":\"2030-01-01T00:00:00Z\"}\n"                             \
    "{\"id\":\"any\",\"advertiser\":\"delta\",\"bid\":0.1,\"pricing\":\"cpc\",\"ctr\":0.01,"       \
    "\"keywords\":[\"*\"],\"domain\":\"ads.delta.example\",\"categories\":[\"IAB7-39\"]}\n"

enum { CLOCK = 1792497600 }; /* a Tuesday in October 2026, midday in UTC */

static int set_up(void **state) {
    struct served *served = malloc(sizeof *served);
    struct am_error error = {0};
    assert_non_null(served);
    if (!start_serving(served, AM_VIEW(INVENTORY), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    *state = served;
    return 0;
}

static int tear_down(void **state) {
    stop_serving(*state);
    free(*state);
    return 0;
}

static struct am_api_response
decide(void **state, enum am_api_content content, struct am_view body) {
    struct served *served = *state;
    const struct am_api_request request = {
        .content = content, .body = body, .now = CLOCK, .test = true};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    assert_int_equal(response.decision != NULL, response.status == 200);
    assert_int_equal(response.request != NULL, response.status == 200);
    return response;
}

/* The answer with the generation, which the builder decides, taken out. */
static void assert_answer(void **state, struct am_api_response response, const char *wanted) {
    const struct served *served = *state;
    char part[64], text[4096];
    snprintf(part, sizeof part, "\"generation\":\"%s\",", served->image->generation);
    assert_true(response.body.size < sizeof text);
    memcpy(text, response.body.data, response.body.size);
    text[response.body.size] = '\0';
    char *at = strstr(text, part);
    assert_non_null(at);
    memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
    assert_string_equal(text, wanted);
    assert_int_equal(response.status, 200);
}

static void assert_error(struct am_api_response response, unsigned status, const char *wanted) {
    assert_int_equal(response.status, status);
    if (!am_view_equal(response.body, am_view_of(wanted)))
        fail_msg("%.*s instead of %s", AM_VIEW_ARGUMENTS(response.body), wanted);
}

#define ANY                                                                                        \
    "{\"ad\":\"any\",\"advertiser\":\"delta\",\"price\":0.1,\"pricing\":\"cpc\",\"ecpm\":1,"       \
    "\"match\":{\"keyword\":\"*\",\"type\":\"any\"}}"
#define SHOES(match)                                                                               \
    "{\"ad\":\"shoes\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"price\":1.25,"                \
    "\"pricing\":\"cpm\",\"ecpm\":1.25,\"match\":" match ",\"url\":\"https://acme.example/run\","  \
    "\"creative\":{\"title\":\"Run\"}}"

static void a_json_request_is_answered_in_full(void **state) {
    struct am_view body = AM_VIEW("{\"id\":\"r1\",\"text\":\"caf\xc3\xa9 shoes for running\","
                                  "\"slots\":[{\"id\":\"top\",\"count\":2},{\"id\":\"side\"}]}");
    assert_answer(
        state, decide(state, AM_CONTENT_JSON, body),
        "{\"id\":\"r1\",\"slots\":[{\"id\":\"top\",\"ads\":[" SHOES(
            "{\"keyword\":\"running shoes\",\"type\":\"broad\",\"field\":\"text\","
            "\"spans\":[{\"bytes\":[6,11],\"utf16\":[5,10]},"
            "{\"bytes\":[16,23],\"utf16\":[15,22]}]}") "," ANY "]},{\"id\":\"side\",\"ads\":[]}]}");
}

static void a_query_string_and_plain_text_are_answered_alike(void **state) {
    static const char wanted[] = "{\"slots\":[{\"id\":\"\",\"ads\":[" SHOES(
        "{\"keyword\":\"running shoes\",\"type\":\"broad\",\"field\":\"text\","
        "\"spans\":[{\"bytes\":[0,7],\"utf16\":[0,7]},{\"bytes\":[8,13],\"utf16\":[8,13]}]}") "]}]"
                                                                                              "}";
    assert_answer(state, decide(state, AM_CONTENT_TEXT, AM_VIEW("running shoes")), wanted);
    assert_answer(state, decide(state, AM_CONTENT_QUERY_STRING, AM_VIEW("text=running+sh%6Fes")),
                  wanted);
}

static void spans_in_a_page_count_in_its_source(void **state) {
    struct am_view page =
        AM_VIEW("<p title='x>'>\xc3\xa9 \xf0\x9f\x98\x80<b>run</b>ning&nbsp;shoes");
    assert_answer(state, decide(state, AM_CONTENT_HTML, page),
                  "{\"slots\":[{\"id\":\"\",\"ads\":[" SHOES(
                      "{\"keyword\":\"running shoes\",\"type\":\"broad\",\"field\":\"text\","
                      "\"spans\":[{\"bytes\":[24,35],\"utf16\":[21,32]},"
                      "{\"bytes\":[41,46],\"utf16\":[38,43]}]}") "]}]}");
}

/* The ads are in the order of rank, their words in another. */
static void spans_of_several_ads_count_in_the_source(void **state) {
    struct am_view body =
        AM_VIEW("{\"count\":3,\"text\":\"&eacute; night&nbsp;of running&#32;shoes\","
                "\"timezone\":\"Pacific/Auckland\",\"now\":\"2026-06-14T12:30:00Z\"}");
    struct am_api_response response = decide(state, AM_CONTENT_JSON, body);
    assert_int_equal(response.decision->ad_count, 3);
    const struct am_match_winner *ads = response.decision->ads;
    assert_int_equal(ads[0].spans[0].begin, 23);
    assert_int_equal(ads[0].spans[1].begin, 35);
    assert_int_equal(ads[0].spans[1].utf16_end, 40);
    assert_int_equal(ads[2].spans[0].begin, 9);
    assert_int_equal(ads[2].spans[0].end, 14);
}

/* é is one byte there, two in UTF-8. */
static void spans_in_other_charsets_count_the_bytes_sent(void **state) {
    struct served *served = *state;
    struct am_api_response response;
    const struct am_api_request request = {.content = AM_CONTENT_HTML,
                                           .charset = AM_CHARSET_WINDOWS_1252,
                                           .body = AM_VIEW("\xe9 <i>\x80 running&#32;shoes"),
                                           .now = CLOCK};
    am_api_decide(served->api, &request, &response);
    const struct am_match_span *spans = response.decision->ads[0].spans;
    assert_int_equal(spans[0].begin, 7);
    assert_int_equal(spans[0].utf16_begin, 7);
    assert_int_equal(spans[1].begin, 19);
    assert_int_equal(spans[1].end, 24);
}

static void spans_in_a_url_count_in_the_url_as_given(void **state) {
    struct am_view body =
        AM_VIEW("{\"url\":\"https://h.example/caf%C3%A9/running%20\xc3\xa9?shoes#x\"}");
    assert_answer(state, decide(state, AM_CONTENT_JSON, body),
                  "{\"slots\":[{\"id\":\"\",\"ads\":[" SHOES(
                      "{\"keyword\":\"running shoes\",\"type\":\"broad\",\"field\":\"url\","
                      "\"spans\":[{\"bytes\":[28,35],\"utf16\":[28,35]},"
                      "{\"bytes\":[41,46],\"utf16\":[40,45]}]}") "]}]}");
}

/* Of ½, which is 1 and 2, there is one. */
static void spans_in_a_url_do_not_overlap(void **state) {
    struct am_view body = AM_VIEW("{\"url\":\"/%C2%BD-\xc3\xa9-SHOES\"}");
    assert_answer(state, decide(state, AM_CONTENT_JSON, body),
                  "{\"slots\":[{\"id\":\"\",\"ads\":[" SHOES(
                      "{\"keyword\":\"1/2 shoes\",\"type\":\"broad\",\"field\":\"url\","
                      "\"spans\":[{\"bytes\":[1,7],\"utf16\":[1,7]},"
                      "{\"bytes\":[11,16],\"utf16\":[10,15]}]}") "]}]}");
}

static void spans_far_into_a_long_url_are_right(void **state) {
    struct served *served = *state;
    static char body[300000] = "{\"count\":2,\"url\":\"/";
    size_t start = strlen(body);
    memset(body + start, '-', 200000);
    strcpy(body + start + 200000, "running%2Dshoes\"}");
    const struct am_api_request request = {
        .content = AM_CONTENT_JSON, .body = am_view_of(body), .now = CLOCK};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    assert_int_equal(response.decision->ad_count, 2);
    assert_int_equal(response.decision->ads[0].spans[1].begin, 1 + 200000 + 10);
    assert_int_equal(response.decision->ads[0].spans[1].utf16_end, 1 + 200000 + 15);
}

static void an_item_of_keywords_is_told_by_its_index(void **state) {
    struct am_view body = AM_VIEW("keywords=nothing&keywords=Exactly+this");
    assert_answer(state, decide(state, AM_CONTENT_QUERY_STRING, body),
                  "{\"slots\":[{\"id\":\"\",\"ads\":[" SHOES(
                      "{\"keyword\":\"exactly this\",\"type\":\"exact\",\"field\":\"keywords\","
                      "\"index\":1,\"spans\":[{\"bytes\":[0,7],\"utf16\":[0,7]},"
                      "{\"bytes\":[8,12],\"utf16\":[8,12]}]}") "]}]}");
}

static void no_ad_is_an_answer_too(void **state) {
    struct am_view body = AM_VIEW("{\"id\":\"\",\"floor\":5}");
    assert_answer(state, decide(state, AM_CONTENT_JSON, body),
                  "{\"id\":\"\",\"slots\":[{\"id\":\"\",\"ads\":[]}]}");
}

static uint32_t ads_for(void **state, const char *query_string) {
    struct am_api_response response =
        decide(state, AM_CONTENT_QUERY_STRING, am_view_of(query_string));
    assert_int_equal(response.status, 200);
    return response.decision->ad_count;
}

static void attributes_sizes_and_blocks_reach_the_decision(void **state) {
#define TRAIL "count=2&query=trail+shoes"
    assert_int_equal(ads_for(state, TRAIL), 1);
    assert_int_equal(ads_for(state, TRAIL "&country=us&kv.sport=run"), 2);
    assert_int_equal(ads_for(state, TRAIL "&country=CA&country=US&kv.sport=golf&kv.sport=run"), 2);
    assert_int_equal(ads_for(state, TRAIL "&country=CA&kv.sport=run"), 1);
    assert_int_equal(ads_for(state, TRAIL "&country=US&kv.sport=Run"), 1);
    assert_int_equal(ads_for(state, TRAIL "&country=US&kv.sport=run&size=728x90"), 1);
    assert_int_equal(ads_for(state, TRAIL "&country=US&kv.sport=run&size=300x250"), 2);
    assert_int_equal(ads_for(state, TRAIL "&country=US&kv.sport=run&floor=0.6"), 1);
    assert_int_equal(ads_for(state, TRAIL "&block.domains=Delta.example"), 0);
    assert_int_equal(ads_for(state, TRAIL "&block.categories=IAB7"), 0);
    assert_int_equal(ads_for(state, TRAIL "&block.advertisers=delta"), 0);
    assert_int_equal(ads_for(state, TRAIL "&block.advertisers=gamma"), 1);
#undef TRAIL
}

static void rejections_are_explained_when_asked_for(void **state) {
    struct am_view body = AM_VIEW("query=night&explain=1&country=DE&now=2030-01-01T00:00:00Z");
    assert_answer(state, decide(state, AM_CONTENT_QUERY_STRING, body),
                  "{\"slots\":[{\"id\":\"\",\"ads\":[" ANY "]}],\"explain\":{\"candidates\":2,"
                  "\"rejected_total\":1,\"rejected\":[{\"ad\":\"night\",\"keyword\":\"night\","
                  "\"reason\":\"ended\",\"detail\":\"ended 2030-01-01T00:00:00Z; it is "
                  "2030-01-01T00:00:00Z\"}]}}");
}

static void the_time_zone_moves_the_hour(void **state) {
    /* Monday, 00:30 in Auckland; Sunday in UTC. */
    struct am_view body = AM_VIEW("query=night&count=2&now=2026-06-14T12:30:00Z"
                                  "&timezone=Pacific/Auckland");
    assert_int_equal(decide(state, AM_CONTENT_QUERY_STRING, body).decision->ad_count, 2);
    body = AM_VIEW("query=night&count=2&now=2026-06-14T12:30:00Z");
    assert_int_equal(decide(state, AM_CONTENT_QUERY_STRING, body).decision->ad_count, 1);
}

static void refusals_are_answers(void **state) {
    assert_error(decide(state, AM_CONTENT_JSON, AM_VIEW("{\"slots\":[{\"count\":0}]}")), 400,
                 "{\"error\":{\"status\":400,\"reason\":\"expected a whole number from 1 to 256, "
                 "found \\\"0\\\"\",\"where\":\"$.slots[0].count\"}}");
    assert_error(
        decide(state, AM_CONTENT_JSON, AM_VIEW("{")), 400,
        "{\"error\":{\"status\":400,\"reason\":\"expected a member's name in quotes, found "
        "the end at byte 1\"}}");
    assert_error(decide(state, AM_CONTENT_QUERY_STRING, AM_VIEW("timezone=x")), 422,
                 "{\"error\":{\"status\":422,\"reason\":\"unknown time zone \\\"x\\\": expected an "
                 "IANA name that this server knows, like \\\"America/New_York\\\"\","
                 "\"where\":\"timezone\"}}");
    /* And the next one is answered as if nothing had been. */
    assert_int_equal(decide(state, AM_CONTENT_JSON, AM_VIEW("{}")).status, 200);
}

static void limits_hold_for_bytes_and_words(void **state) {
    struct am_error error = {0};
    struct served *served = *state;
    am_api_free(served->api);
    served->api = am_api_new(&(struct am_api_limits){64, 3, 0, 0}, &error);
    assert_non_null(served->api);
    assert_int_equal(am_api_attach(served->api, served->image, &error), AM_OK);
    assert_int_equal(decide(state, AM_CONTENT_TEXT, AM_VIEW("one two three")).status, 200);
    assert_error(decide(state, AM_CONTENT_TEXT, AM_VIEW("one two three four")), 413,
                 "{\"error\":{\"status\":413,\"reason\":\"more than 3 words in one request\"}}");
    char body[65];
    memset(body, ' ', sizeof body);
    assert_int_equal(decide(state, AM_CONTENT_TEXT, (struct am_view){body, 64}).status, 200);
    assert_error(decide(state, AM_CONTENT_TEXT, (struct am_view){body, 65}), 413,
                 "{\"error\":{\"status\":413,\"reason\":\"a request of more than 64 bytes\"}}");
}

static void packed_bodies_are_unpacked_first(void **state) {
    struct served *served = *state;
    static const char body[] = "{\"text\":\"running shoes\"}";
    char packed[256];
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)body;
    stream.avail_in = sizeof body - 1;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    struct am_api_request request = {
        .content = AM_CONTENT_JSON, .body = {packed, stream.total_out}, .gzip = true, .now = CLOCK};
    deflateEnd(&stream);
    for (int i = 0; i < 3; i++) {
        struct am_api_response response;
        am_api_decide(served->api, &request, &response);
        assert_int_equal(response.status, 200);
        assert_int_equal(response.decision->ad_count, 1);
    }
    struct am_api_response response;
    request.body = AM_VIEW(body);
    am_api_decide(served->api, &request, &response);
    assert_error(response, 400,
                 "{\"error\":{\"status\":400,\"reason\":\"expected a gzip body: incorrect header "
                 "check\"}}");
}

static void without_an_image_nothing_is_decided(void **state) {
    (void)state;
    struct am_error error = {0};
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    struct am_api_request request = {.content = AM_CONTENT_JSON, .body = AM_VIEW("{}")};
    struct am_api_response response;
    assert_non_null(api);
    assert_null(am_api_image(api));
    am_api_decide(api, &request, &response);
    assert_error(response, 503,
                 "{\"error\":{\"status\":503,\"reason\":\"no inventory is loaded yet\"}}");
    am_api_free(api);
}

static void errors_of_the_server_look_the_same(void **state) {
    struct served *served = *state;
    struct am_api_response response;
    am_api_error(served->api, 404, AM_VIEW("no such page"), AM_VIEW(""), &response);
    assert_error(response, 404, "{\"error\":{\"status\":404,\"reason\":\"no such page\"}}");
    assert_null(response.decision);
}

static void a_limit_beyond_4_gib_is_refused(void **state) {
    (void)state;
    struct am_error error = {0};
    assert_null(am_api_new(&(struct am_api_limits){UINT32_MAX, 1, 0, 0}, &error));
    assert_int_equal(error.code, AM_E_LIMIT);
    am_api_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_json_request_is_answered_in_full),
        TEST(a_query_string_and_plain_text_are_answered_alike),
        TEST(spans_in_a_page_count_in_its_source),
        TEST(spans_of_several_ads_count_in_the_source),
        TEST(spans_in_other_charsets_count_the_bytes_sent),
        TEST(spans_in_a_url_count_in_the_url_as_given),
        TEST(spans_in_a_url_do_not_overlap),
        TEST(spans_far_into_a_long_url_are_right),
        TEST(an_item_of_keywords_is_told_by_its_index),
        TEST(no_ad_is_an_answer_too),
        TEST(attributes_sizes_and_blocks_reach_the_decision),
        TEST(rejections_are_explained_when_asked_for),
        TEST(the_time_zone_moves_the_hour),
        TEST(refusals_are_answers),
        TEST(limits_hold_for_bytes_and_words),
        TEST(packed_bodies_are_unpacked_first),
        cmocka_unit_test(without_an_image_nothing_is_decided),
        TEST(errors_of_the_server_look_the_same),
        cmocka_unit_test(a_limit_beyond_4_gib_is_refused),
    };
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
