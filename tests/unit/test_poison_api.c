/* SPDX-License-Identifier: Apache-2.0 */
/* Steps out of working memory that AddressSanitizer must see: the api room, from the bytes of a
 * request to those of its answer. */
#include "overread.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "../../plugin/api/memory.h"
#include "api_inventory.h"

static const char inventory[] =
    "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"wine\"],"
    "\"creative\":{\"title\":\"Wine\",\"b\":[1,2]}}\n"
    "{\"id\":\"b\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"*\"]}\n";

static int set_up(void **state) {
    struct served *served = malloc(sizeof *served);
    const struct am_api_limits limits = {4096, 1000, 0, 0};
    struct am_error error = {0};
    assert_non_null(served);
    if (!start_serving(served, am_view_of(inventory), &limits, &error))
        fail_msg("%s", error.message);
    *state = served;
    return 0;
}

static int tear_down(void **state) {
    stop_serving(*state);
    free(*state);
    return 0;
}

static struct am_api *ask(void **state, enum am_api_content content, const char *body) {
    struct served *served = *state;
    const struct am_api_request request = {.content = content, .body = am_view_of(body)};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    if (response.status != 200)
        fail_msg("%.*s", AM_VIEW_ARGUMENTS(response.body));
    assert_ends_at(response.body.data + response.body.size);
    return served->api;
}

static void assert_stands_alone(struct am_view text) {
    assert_begins_at(text.data);
    assert_ends_at(text.data + text.size);
}

static void a_text_body_stands_alone(void **state) {
    const struct am_api *api = ask(state, AM_CONTENT_TEXT, "red wine, and more");
    assert_stands_alone(api->reader->fields[0].text);
}

static void texts_of_a_query_string_stand_alone(void **state) {
    static const char query[] = "query=red&keywords=w&keywords=wine&title=a%20b&text=12345678&"
                                "url=/some/path&country=us&block.domains=Example.ORG&size=1x1";
    const struct am_api *api = ask(state, AM_CONTENT_QUERY_STRING, query);
    const struct am_api_request_reader *reader = api->reader;
    assert_int_equal(reader->request.field_count, 6);
    for (uint32_t i = 0; i < reader->request.field_count; i++)
        assert_stands_alone(reader->fields[i].text);
    assert_stands_alone(reader->attributes[0].value);
    assert_stands_alone(reader->blocked[AM_BLOCKED_DOMAINS][0]);
    assert_stands_alone((struct am_view){api->body, strlen(query)});
}

static void decoded_strings_of_json_stand_alone(void **state) {
    static const char body[] =
        "{\"query\":\"red\\n\",\"title\":\"\\u0061\",\"text\":\"wine\\n\\n\"}";
    const struct am_api_request_reader *reader = ask(state, AM_CONTENT_JSON, body)->reader;
    for (uint32_t i = 0; i < 3; i++)
        assert_stands_alone(reader->fields[i].text);
}

static void an_unpacked_body_stands_alone(void **state) {
    struct served *served = *state;
    unsigned char packed[256];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t) "red wine, unpacked", .avail_in = 18};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    const struct am_api_request request = {
        .content = AM_CONTENT_TEXT, .body = {(char *)packed, stream.total_out}, .gzip = true};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    assert_int_equal(response.status, 200);
    assert_stands_alone(response.request->fields[0].text);
    deflateEnd(&stream);
}

static void arrays_of_a_request_end_at_their_counts(void **state) {
    static const char body[] =
        "{\"query\":\"a\",\"keywords\":[\"b\",\"wine\"],\"slots\":[{\"id\":\"s\",\"size\":"
        "[\"1x1\",\"2x2\",\"3x3\"]},{\"id\":\"t\"}],\"context\":{\"country\":\"us\",\"kv\":{\"k\":"
        "\"v\"}},\"block\":{\"advertisers\":[\"z\"],\"domains\":[\"d\",\"e\"]}}";
    const struct am_api_request_reader *reader = ask(state, AM_CONTENT_JSON, body)->reader;
    assert_items(reader->nodes, reader->nodes[0].next); /* the root's: all of the document */
    assert_items(reader->keywords, 2);
    assert_items(reader->fields, 3);
    assert_items(reader->attributes, 2);
    assert_items(reader->slots, 2);
    assert_items(reader->slots[0].sizes, 3);
    assert_items(reader->slots[1].sizes, 0);
    assert_items(reader->blocked[AM_BLOCKED_ADVERTISERS], 1);
    assert_items(reader->blocked[AM_BLOCKED_CATEGORIES], 0);
    assert_items(reader->blocked[AM_BLOCKED_DOMAINS], 2);
}

static void seats_of_a_bid_request_end_at_their_count(void **state) {
    static const char body[] =
        "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"format\":[{\"w\":1,\"h\":1}]}}],"
        "\"wseat\":[\"x\",\"y\"],\"site\":{\"content\":{\"keywords\":\"wine\",\"language\":\"en-"
        "US\"}}}";
    const struct am_api *api = ask(state, AM_CONTENT_OPENRTB, body);
    assert_items(api->openrtb->seat_names, 2);
    assert_items(api->creatives.nodes, api->creatives.nodes[0].next);
    assert_items(api->reader->slots[0].sizes, 1);
    assert_items(api->reader->attributes, 2); /* en-US is en, too */
}

static void the_page_ends_with_what_was_asked(void **state) {
    struct served *served = *state;
    const struct am_api *api = served->api;
    const struct am_api_request request = {.body = AM_VIEW("query=&text=red+wine&url=/a")};
    const size_t question = strlen("text=red+wine&url=/a");
    struct am_api_response response;
    am_api_preview(served->api, &request, &response);
    assert_int_equal(response.decision->ad_count, 1);
    assert_stands_alone((struct am_view){api->body, request.body.size});
    assert_stands_alone((struct am_view){api->unpacked, question});
    assert_stands_alone((struct am_view){api->decoded, question});
    assert_stands_alone(response.body);
    assert_items(api->creatives.nodes, api->creatives.nodes[0].next);
}

static void places_in_a_url_are_closed_when_spans_are_found(void **state) {
    const struct am_api *api = ask(state, AM_CONTENT_QUERY_STRING, "url=/wine");
    assert_int_equal(api->decision.ads[0].field, 0);
    assert_closed(api->reader->url_places);
}

/* Nothing of an earlier request is left to read. */
static void the_next_request_finds_the_memory_closed(void **state) {
    const struct am_api *api = ask(state, AM_CONTENT_QUERY_STRING, "query=much+red+wine&title=b");
    const struct am_view query = api->reader->fields[0].text, answer = am_buffer_view(&api->answer);
    ask(state, AM_CONTENT_QUERY_STRING, "url=1");
    assert_closed(query.data + query.size - 1);
    assert_closed(answer.data + answer.size - 1);
    assert_closed(api->body + 10);
    assert_closed(&api->reader->fields[1]);
    ask(state, AM_CONTENT_JSON, "{\"query\":\"red wine\"}");
    ask(state, AM_CONTENT_TEXT, "wine");
    assert_closed(api->reader->nodes);
    struct served *served = *state;
    struct am_api_response response;
    am_api_error(served->api, 404, AM_VIEW("no"), AM_VIEW(""), &response);
    assert_ends_at(response.body.data + response.body.size);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_text_body_stands_alone),
        TEST(texts_of_a_query_string_stand_alone),
        TEST(decoded_strings_of_json_stand_alone),
        TEST(an_unpacked_body_stands_alone),
        TEST(arrays_of_a_request_end_at_their_counts),
        TEST(seats_of_a_bid_request_end_at_their_count),
        TEST(the_page_ends_with_what_was_asked),
        TEST(places_in_a_url_are_closed_when_spans_are_found),
        TEST(the_next_request_finds_the_memory_closed),
    };
    return overread_run("poison_api", tests);
}
