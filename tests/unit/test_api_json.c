/* SPDX-License-Identifier: Apache-2.0 */
/* Requests written as JSON: what becomes of each member, and what is refused, where and why. */
#include "api_reader.h"

#include <stdio.h>

static const struct am_match_request *json(void **state, const char *body) {
    return accepted(*state, am_api_request_read_json, body);
}

static void an_empty_object_asks_for_one_ad_in_one_slot(void **state) {
    const struct am_match_request *request = json(state, "{}");
    assert_null(request->id.data);
    assert_int_equal(request->field_count, 0);
    assert_int_equal(request->attribute_count, 0);
    assert_int_equal(request->slot_count, 1);
    assert_view(request->slots[0].id, "");
    assert_int_equal(request->slots[0].count, 1);
    assert_int_equal(request->slots[0].size_count, 0);
    assert_int_equal(request->slots[0].floor, 0);
    assert_int_equal(request->blocked_advertisers.count, 0);
    assert_int_equal(request->blocked_categories.count, 0);
    assert_int_equal(request->blocked_domains.count, 0);
    assert_int_equal(request->unique, AM_MATCH_UNIQUE_INVENTORY);
    assert_false(request->explain);
    assert_int_equal(request->now, CLOCK);
    assert_null(request->timezone);
}

static void fields_stand_in_the_order_in_which_they_are_searched(void **state) {
    const struct am_match_request *request =
        json(state, "{\"url\":\"https://h.example/a%20b?c+d\",\"text\":\"t\",\"title\":\"\","
                    "\"keywords\":[\"k0\",\"\\u006b1\"],\"query\":\"caf\\u00e9\"}");
    assert_int_equal(request->field_count, 6);
    assert_field(request, 0, AM_FIELD_QUERY, 0, "caf\xc3\xa9");
    assert_field(request, 1, AM_FIELD_KEYWORD, 0, "k0");
    assert_field(request, 2, AM_FIELD_KEYWORD, 1, "k1");
    assert_field(request, 3, AM_FIELD_TITLE, 0, "");
    assert_field(request, 4, AM_FIELD_TEXT, 0, "t");
    assert_field(request, 5, AM_FIELD_URL, 0, "/a b?c d");
}

static void slots_have_their_own_members(void **state) {
    const struct am_match_request *request =
        json(state, "{\"slots\":[{\"id\":\"top\",\"count\":3,\"size\":[\"300x250\",\"728x90\","
                    "\"300x250\"],\"floor\":0.10},{},{\"size\":\"1x65535\",\"count\":2e0}]}");
    assert_int_equal(request->slot_count, 3);
    assert_view(request->slots[0].id, "top");
    assert_int_equal(request->slots[0].count, 3);
    assert_int_equal(request->slots[0].size_count, 2);
    assert_int_equal(request->slots[0].sizes[0], 300 << 16 | 250);
    assert_int_equal(request->slots[0].sizes[1], 728 << 16 | 90);
    assert_int_equal(request->slots[0].floor, 100000);
    assert_view(request->slots[1].id, "");
    assert_int_equal(request->slots[1].count, 1);
    assert_int_equal(request->slots[1].floor, 0);
    assert_int_equal(request->slots[2].sizes[0], 1 << 16 | 65535);
    assert_int_equal(request->slots[2].count, 2);
}

static void one_slot_needs_no_list(void **state) {
    const struct am_match_request *request =
        json(state, "{\"count\":256,\"size\":\"300x250\",\"floor\":1000000}");
    assert_int_equal(request->slot_count, 1);
    assert_int_equal(request->slots[0].count, 256);
    assert_int_equal(request->slots[0].size_count, 1);
    assert_true(request->slots[0].floor == AM_MONEY_MAX);
}

static void attributes_are_folded_but_free_keys_are_not(void **state) {
    const struct am_match_request *request =
        json(state, "{\"context\":{\"country\":\"Us\",\"device\":[\"Mobile\",\"TV\"],\"city\":[],"
                    "\"kv\":{\"Sport\":[\"Running\",\"golf\"],\"\\u0061ge\":\"1\"}}}");
    assert_int_equal(request->attribute_count, 6);
    assert_attribute(request, 0, AM_ATTRIBUTE_COUNTRY, "", "us");
    assert_attribute(request, 1, AM_ATTRIBUTE_DEVICE, "", "mobile");
    assert_attribute(request, 2, AM_ATTRIBUTE_DEVICE, "", "tv");
    assert_attribute(request, 3, AM_ATTRIBUTE_KV, "Sport", "Running");
    assert_attribute(request, 4, AM_ATTRIBUTE_KV, "Sport", "golf");
    assert_attribute(request, 5, AM_ATTRIBUTE_KV, "age", "1");
}

static void every_attribute_but_the_hour_can_be_given(void **state) {
    for (int attribute = 0; attribute < AM_ATTRIBUTE_HOUR; attribute++) {
        char body[128];
        snprintf(body, sizeof body, "{\"context\":{\"%s\":\"XY\"}}",
                 am_model_attribute_name((enum am_model_attribute)attribute));
        const struct am_match_request *request = json(state, body);
        assert_int_equal(request->attribute_count, 1);
        assert_attribute(request, 0, (enum am_model_attribute)attribute, "", "xy");
    }
}

static void blocks_have_three_lists_and_domains_are_lower_case(void **state) {
    const struct am_match_request *request =
        json(state, "{\"block\":{\"domains\":[\"Bad.Example\"],\"categories\":[\"IAB7\"],"
                    "\"advertisers\":[\"Acme\",\"b\"]}}");
    assert_int_equal(request->blocked_advertisers.count, 2);
    assert_view(request->blocked_advertisers.items[0], "Acme");
    assert_view(request->blocked_advertisers.items[1], "b");
    assert_int_equal(request->blocked_categories.count, 1);
    assert_view(request->blocked_categories.items[0], "IAB7");
    assert_int_equal(request->blocked_domains.count, 1);
    assert_view(request->blocked_domains.items[0], "bad.example");
}

static void single_members_are_read(void **state) {
    const struct am_match_request *request =
        json(state, "{\"id\":\"r\\n1\",\"unique\":\"none\",\"explain\":true}");
    assert_view(request->id, "r\n1");
    assert_int_equal(request->unique, AM_UNIQUE_NONE);
    assert_true(request->explain);
    request = json(state, "{\"id\":\"\",\"unique\":\"campaign\",\"explain\":false}");
    assert_non_null(request->id.data);
    assert_int_equal(request->id.size, 0);
    assert_int_equal(request->unique, AM_UNIQUE_CAMPAIGN);
    assert_false(request->explain);
    assert_int_equal(json(state, "{\"unique\":\"ad\"}")->unique, AM_UNIQUE_AD);
    assert_int_equal(json(state, "{\"unique\":\"advertiser\"}")->unique, AM_UNIQUE_ADVERTISER);
}

static void the_requests_own_time_counts_only_in_tests(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(json(state, "{\"now\":77}")->now, CLOCK);
    assert_int_equal(json(state, "{\"now\":\"1970-01-01T00:01:40Z\"}")->now, CLOCK);
    fixture->test = true;
    assert_int_equal(json(state, "{\"now\":77}")->now, 77);
    assert_int_equal(json(state, "{\"now\":-77}")->now, -77);
    assert_int_equal(json(state, "{\"now\":\"77\"}")->now, 77);
    assert_int_equal(json(state, "{\"now\":\"1970-01-01T00:01:40Z\"}")->now, 100);
    assert_int_equal(json(state, "{}")->now, CLOCK);
}

enum { JANUARY_2026 = 1767225600 };

static void a_time_zone_may_stand_in_either_place(void **state) {
    static const char *const bodies[] = {
        "{\"timezone\":\"America/New_York\"}",
        "{\"context\":{\"timezone\":\"America/New_York\"}}",
        "{\"context\":{\"timezone\":[\"America/New_York\"]}}",
    };
    for (size_t i = 0; i < AM_COUNT_OF(bodies); i++)
        assert_int_equal(am_timezone_offset(json(state, bodies[i])->timezone, JANUARY_2026),
                         -5 * 3600);
}

static void assert_all_refused(void **state, const struct refusal *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        assert_refused(*state, am_api_request_read_json, &cases[i]);
}

static void what_is_no_json_object_is_refused(void **state) {
    static const struct refusal cases[] = {
        {"", AM_E_SYNTAX, "", "expected a value, found the end at byte 0"},
        {"{\"query\":}", AM_E_SYNTAX, "", "expected a value, found '}' at byte 9"},
        {"[]", AM_E_INVALID, "$", "expected an object, found an array"},
        {"\"x\"", AM_E_INVALID, "$", "expected an object, found a string"},
        {"{\"context\":[]}", AM_E_INVALID, "$.context", "expected an object, found an array"},
        {"{\"context\":{\"kv\":1}}", AM_E_INVALID, "$.context.kv",
         "expected an object, found a number"},
        {"{\"slots\":[1]}", AM_E_INVALID, "$.slots[0]", "expected an object, found a number"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

static void unknown_members_are_refused_with_the_nearest_name(void **state) {
    static const struct refusal cases[] = {
        {"{\"quer\":\"x\"}", AM_E_INVALID, "$.quer", "unknown member \"quer\": expected query"},
        {"{\"slots\":[{},{\"coun\":1}]}", AM_E_INVALID, "$.slots[1].coun",
         "unknown member \"coun\": expected count"},
        {"{\"context\":{\"contry\":\"US\"}}", AM_E_INVALID, "$.context.contry",
         "unknown member \"contry\": expected country"},
        {"{\"block\":{\"zzz\":[]}}", AM_E_INVALID, "$.block.zzz",
         "unknown member \"zzz\": expected one of advertisers, categories, domains"},
        {"{\"context\":{\"zzz\":[]}}", AM_E_INVALID, "$.context.zzz",
         "unknown member \"zzz\": expected one of country, region, metro, city, device, os, "
         "browser, language, site, placement, category, kv, timezone"},
        {"{\"a b\":1}", AM_E_INVALID, "$[\"a b\"]",
         "unknown member \"a b\": expected one of query, text, html, id, title, keywords, url, "
         "slots, count, size, floor, context, timezone, block, unique, explain, why, now, user, "
         "privacy, state, ip, agent"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

static void the_same_member_twice_is_refused(void **state) {
    static const struct refusal cases[] = {
        {"{\"query\":\"a\",\"query\":\"b\"}", AM_E_INVALID, "$.query", "the same member twice"},
        {"{\"query\":\"a\",\"\\u0071uery\":\"b\"}", AM_E_INVALID, "$[\"\\u0071uery\"]",
         "the same member twice"},
        {"{\"slots\":[{}],\"slots\":[{}]}", AM_E_INVALID, "$.slots", "the same member twice"},
        {"{\"slots\":[{\"id\":\"a\",\"id\":\"a\"}]}", AM_E_INVALID, "$.slots[0].id",
         "the same member twice"},
        {"{\"context\":{\"kv\":{\"a\":\"1\",\"a\":\"2\"}}}", AM_E_INVALID, "$.context.kv.a",
         "the same member twice"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

/* Before any two are compared, which would take long. */
static void keys_that_are_too_long_are_refused_first(void **state) {
    enum { BYTES = 2000 };
    static char body[2 * BYTES + 64];
    char key[BYTES + 1] = "", where[BYTES + 64];
    memset(key, 'k', BYTES);
    sprintf(where, "$.context.kv.%s", key);
    where[AM_ERROR_WHERE_SIZE - 1] = '\0';
    sprintf(body, "{\"context\":{\"kv\":{\"%s\":\"1\",\"%s\":\"2\"}}}", key, key);
    const struct refusal refusal = {body, AM_E_INVALID, where,
                                    "expected at most 255 bytes, found 2000"};
    assert_all_refused(state, &refusal, 1);
}

static void values_of_another_type_are_refused(void **state) {
    static const struct refusal cases[] = {
        {"{\"query\":1}", AM_E_INVALID, "$.query", "expected a string, found a number"},
        {"{\"title\":null}", AM_E_INVALID, "$.title", "expected a string, found null"},
        {"{\"id\":7}", AM_E_INVALID, "$.id", "expected a string, found a number"},
        {"{\"unique\":true}", AM_E_INVALID, "$.unique", "expected a string, found true"},
        {"{\"keywords\":\"a\"}", AM_E_INVALID, "$.keywords",
         "expected a list of strings, found a string"},
        {"{\"keywords\":[\"a\",{}]}", AM_E_INVALID, "$.keywords[1]",
         "expected a string, found an object"},
        {"{\"slots\":{}}", AM_E_INVALID, "$.slots", "expected a list of slots, found an object"},
        {"{\"slots\":[{\"id\":1}]}", AM_E_INVALID, "$.slots[0].id",
         "expected a string, found a number"},
        {"{\"slots\":[{\"count\":\"1\"}]}", AM_E_INVALID, "$.slots[0].count",
         "expected a number, found a string"},
        {"{\"slots\":[{\"size\":1}]}", AM_E_INVALID, "$.slots[0].size",
         "expected a string or a list of strings, found a number"},
        {"{\"context\":{\"metro\":501}}", AM_E_INVALID, "$.context.metro",
         "expected a string or a list of strings, found a number"},
        {"{\"context\":{\"kv\":{\"a\":[1]}}}", AM_E_INVALID, "$.context.kv.a[0]",
         "expected a string, found a number"},
        {"{\"context\":{\"timezone\":false}}", AM_E_INVALID, "$.context.timezone",
         "expected a string or a list of strings, found false"},
        {"{\"block\":{\"domains\":\"a\"}}", AM_E_INVALID, "$.block.domains",
         "expected a list of strings, found a string"},
        {"{\"explain\":1}", AM_E_INVALID, "$.explain", "expected true or false, found a number"},
        {"{\"now\":true}", AM_E_INVALID, "$.now", "expected a string or a number, found true"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

static void values_out_of_range_are_refused(void **state) {
    static const char count[] = "expected a whole number from 1 to 256, found \"%s\"";
    static const char *const counts[] = {"0", "-1", "257", "1.5", "1e99"};
    for (size_t i = 0; i < AM_COUNT_OF(counts); i++) {
        char body[64], message[128];
        snprintf(body, sizeof body, "{\"slots\":[{\"count\":%s}]}", counts[i]);
        snprintf(message, sizeof message, count, counts[i]);
        const struct refusal wanted = {body, AM_E_INVALID, "$.slots[0].count", message};
        assert_refused(*state, am_api_request_read_json, &wanted);
    }
    static const struct refusal cases[] = {
        {"{\"floor\":-0.1}", AM_E_INVALID, "$.floor",
         "expected a number from 0 to 1000000 with at most 6 decimals, found \"-0.1\""},
        {"{\"floor\":0.0000001}", AM_E_INVALID, "$.floor",
         "expected a number from 0 to 1000000 with at most 6 decimals, found \"0.0000001\""},
        {"{\"floor\":1000000.000001}", AM_E_INVALID, "$.floor",
         "expected a number from 0 to 1000000 with at most 6 decimals, found \"1000000.000001\""},
        {"{\"size\":\"300X250\"}", AM_E_INVALID, "$.size",
         "expected WIDTHxHEIGHT, each from 1 to 65535, found \"300X250\""},
        {"{\"size\":[\"1x1\",\"\"]}", AM_E_INVALID, "$.size[1]",
         "expected WIDTHxHEIGHT, each from 1 to 65535, found \"\""},
        {"{\"context\":{\"country\":\"USA\"}}", AM_E_INVALID, "$.context.country",
         "expected a country of two letters, like \"US\", found \"USA\""},
        {"{\"context\":{\"country\":[\"DE\",\"1A\"]}}", AM_E_INVALID, "$.context.country[1]",
         "expected a country of two letters, like \"US\", found \"1A\""},
        {"{\"context\":{\"hour\":[1]}}", AM_E_INVALID, "$.context.hour",
         "hour comes from the clock: expected timezone instead"},
        {"{\"unique\":\"ads\"}", AM_E_INVALID, "$.unique",
         "expected \"advertiser\", \"campaign\", \"ad\" or \"none\", found \"ads\""},
        {"{\"now\":\"yesterday\"}", AM_E_INVALID, "$.now",
         "expected a time like \"2026-11-01T00:00:00Z\", or whole seconds since 1970, found "
         "\"yesterday\""},
        {"{\"now\":253402300800}", AM_E_INVALID, "$.now",
         "expected a time like \"2026-11-01T00:00:00Z\", or whole seconds since 1970, found "
         "\"253402300800\""},
        {"{\"slots\":[]}", AM_E_INVALID, "$.slots", "expected 1 to 64 slots, found 0"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

static void long_values_are_cut_in_messages(void **state) {
    char body[512];
    snprintf(body, sizeof body, "{\"unique\":\"%0200d\"}", 7);
    assert_int_equal(read_bytes(*state, am_api_request_read_json, am_view_of(body)), AM_E_INVALID);
    const struct fixture *fixture = *state;
    assert_non_null(strstr(fixture->error.message, "000000\"..."));
    assert_true(strlen(fixture->error.message) < 200);
}

static void slot_members_beside_slots_are_refused_in_any_order(void **state) {
    static const struct refusal cases[] = {
        {"{\"count\":1,\"slots\":[{}]}", AM_E_INVALID, "$.count",
         "expected count inside each slot, found it beside slots"},
        {"{\"slots\":[{}],\"size\":\"1x1\"}", AM_E_INVALID, "$.size",
         "expected size inside each slot, found it beside slots"},
        {"{\"slots\":[{}],\"floor\":0}", AM_E_INVALID, "$.floor",
         "expected floor inside each slot, found it beside slots"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

static void what_is_impossible_here_is_told_from_what_is_wrong(void **state) {
    static const struct refusal cases[] = {
        {"{\"timezone\":\"Mars/Olympus\"}", AM_E_IMPOSSIBLE, "$.timezone",
         "unknown time zone \"Mars/Olympus\": expected an IANA name that this server knows, like "
         "\"America/New_York\""},
        {"{\"slots\":[{\"count\":256},{}]}", AM_E_IMPOSSIBLE, "$.slots",
         "expected at most 256 ads in all slots together, found 257"},
        {"{\"timezone\":\"UTC\",\"context\":{\"timezone\":\"UTC\"}}", AM_E_INVALID,
         "$.context.timezone", "expected one time zone, found a second one"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

/* ---- limits --------------------------------------------------------------------------------- */

/* `before`, then `count` times `item` with commas, then `after`. To be freed. */
static char *repeated(const char *before, const char *item, size_t count, const char *after) {
    size_t item_size = strlen(item) + 1;
    char *text = malloc(strlen(before) + count * item_size + strlen(after) + 1);
    assert_non_null(text);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(stpcpy(at, i ? "," : ""), item);
    stpcpy(at, after);
    return text;
}

static void lists_are_bounded(void **state) {
    static const struct {
        const char *before, *item;
        size_t most;
        const char *after, *message;
    } cases[] = {
        {"{\"keywords\":[", "\"a\"", AM_REQUEST_MAX_KEYWORDS, "]}",
         "expected at most 252 keywords"},
        {"{\"slots\":[", "{}", AM_MAX_SLOTS, "]}", "expected 1 to 64 slots, found 65"},
        {"{\"context\":{\"os\":[", "\"a\"", AM_MAX_ATTRIBUTE_VALUES, "]}}",
         "expected at most 1024 values of attributes"},
        {"{\"block\":{\"domains\":[", "\"a\"", AM_MAX_BLOCKED, "]}}",
         "expected at most 4096 blocked names in all"},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        char *body = repeated(cases[i].before, cases[i].item, cases[i].most, cases[i].after);
        json(state, body);
        free(body);
        body = repeated(cases[i].before, cases[i].item, cases[i].most + 1, cases[i].after);
        assert_int_equal(read_bytes(*state, am_api_request_read_json, am_view_of(body)),
                         AM_E_INVALID);
        assert_string_equal(((struct fixture *)*state)->error.message, cases[i].message);
        free(body);
    }
}

static void sizes_of_a_slot_are_bounded(void **state) {
    char body[1024] = "{\"size\":[";
    for (unsigned i = 1; i <= AM_MAX_SLOT_SIZES; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), "\"1x%u\",", i);
    size_t size = strlen(body);
    strcpy(body + size, "\"1x1\"]}");
    assert_int_equal(json(state, body)->slots[0].size_count, AM_MAX_SLOT_SIZES);
    strcpy(body + size, "\"2x1\"]}");
    const struct refusal wanted = {body, AM_E_INVALID, "$.size[32]",
                                   "expected at most 32 sizes a slot"};
    assert_refused(*state, am_api_request_read_json, &wanted);
}

static void free_keys_are_bounded_before_they_are_compared(void **state) {
    char *body = malloc(1 << 20);
    assert_non_null(body);
    char *at = stpcpy(body, "{\"context\":{\"kv\":{");
    for (unsigned i = 0; i <= AM_MAX_ATTRIBUTE_VALUES; i++)
        at += sprintf(at, "%s\"k%u\":[]", i ? "," : "", i);
    strcpy(at, "}}}");
    const struct refusal wanted = {body, AM_E_INVALID, "$.context.kv",
                                   "expected at most 1024 values of attributes"};
    assert_refused(*state, am_api_request_read_json, &wanted);
    free(body);
}

static void names_are_bounded(void **state) {
    static const char *const places[] = {
        "{\"id\":\"%s\"}",
        "{\"slots\":[{\"id\":\"%s\"}]}",
        "{\"context\":{\"site\":\"%s\"}}",
        "{\"context\":{\"kv\":{\"%s\":\"v\"}}}",
        "{\"context\":{\"kv\":{\"k\":\"%s\"}}}",
        "{\"block\":{\"advertisers\":[\"%s\"]}}",
    };
    char name[AM_ID_MAX_BYTES + 2];
    for (size_t i = 0; i < AM_COUNT_OF(places); i++) {
        char body[512];
        memset(name, 'n', sizeof name);
        name[AM_ID_MAX_BYTES] = '\0';
        snprintf(body, sizeof body, places[i], name);
        json(state, body);
        name[AM_ID_MAX_BYTES] = 'n';
        name[AM_ID_MAX_BYTES + 1] = '\0';
        snprintf(body, sizeof body, places[i], name);
        assert_int_equal(read_bytes(*state, am_api_request_read_json, am_view_of(body)),
                         AM_E_INVALID);
        assert_string_equal(((struct fixture *)*state)->error.message,
                            "expected at most 255 bytes, found 256");
    }
}

static void too_many_values_and_too_much_depth_are_refused(void **state) {
    char *body = repeated("[", "1", AM_REQUEST_MAX_NODES, "]");
    assert_int_equal(read_bytes(*state, am_api_request_read_json, am_view_of(body)), AM_E_INVALID);
    free(body);
    char deep[80];
    memset(deep, '[', sizeof deep);
    assert_int_equal(
        read_bytes(*state, am_api_request_read_json, (struct am_view){deep, sizeof deep}),
        AM_E_INVALID);
}

static enum am_code
read_plain_text(struct am_api_request_reader *reader, struct am_view body, struct am_error *error) {
    return am_api_request_read_text(reader, body, AM_MARKUP_ENTITIES, AM_CHARSET_UTF8, error);
}

static void a_body_above_the_limit_is_too_large(void **state) {
    struct fixture *fixture = *state;
    fixture->reader.body_limit = 4;
    json(state, "{ } ");
    const struct refusal json_wanted = {"{  } ", AM_E_LIMIT, "", "a request of more than 4 bytes"};
    assert_refused(fixture, am_api_request_read_json, &json_wanted);
    const struct refusal text_wanted = {"words", AM_E_LIMIT, "", "a request of more than 4 bytes"};
    assert_refused(fixture, read_plain_text, &text_wanted);
    const struct refusal query_wanted = {"id=ab", AM_E_LIMIT, "", "a request of more than 4 bytes"};
    assert_refused(fixture, am_api_request_read_query_string, &query_wanted);
}

/* ---- plain text ----------------------------------------------------------------------------- */

static void plain_text_is_the_text_field_as_it_stands(void **state) {
    const struct am_match_request *request = accepted(*state, read_plain_text, "a%20b {\"x\n");
    assert_int_equal(request->field_count, 1);
    assert_field(request, 0, AM_FIELD_TEXT, 0, "a%20b {\"x\n");
    assert_int_equal(request->slot_count, 1);
    assert_int_equal(request->slots[0].count, 1);
    assert_null(request->id.data);
}

static void empty_plain_text_is_a_request(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(read_bytes(fixture, read_plain_text, AM_VIEW("")), AM_OK);
    assert_int_equal(fixture->reader.request.field_count, 1);
    am_api_request_start(&fixture->reader, NULL, CLOCK, false);
    assert_int_equal(read_plain_text(&fixture->reader, (struct am_view){NULL, 0}, &fixture->error),
                     AM_OK);
    assert_non_null(fixture->reader.request.fields[0].text.data);
}

/* ---- markup --------------------------------------------------------------------------------- */

static void references_are_decoded_in_title_and_text_alone(void **state) {
    const struct am_match_request *request =
        json(state, "{\"query\":\"a&amp;b\",\"title\":\"c&amp;d &ampe\",\"text\":\"f&#x26;g\","
                    "\"keywords\":[\"h&amp;i\"],\"url\":\"/j&amp;k\"}");
    assert_int_equal(request->field_count, 5);
    assert_field(request, 0, AM_FIELD_QUERY, 0, "a&amp;b");
    assert_field(request, 1, AM_FIELD_KEYWORD, 0, "h&amp;i");
    assert_field(request, 2, AM_FIELD_TITLE, 0, "c&d &ampe");
    assert_field(request, 3, AM_FIELD_TEXT, 0, "f&g");
    assert_field(request, 4, AM_FIELD_URL, 0, "/j amp;k");
}

static void a_page_gives_text_and_title(void **state) {
    const struct am_match_request *request =
        json(state, "{\"html\":\"<title>a &amp b</title><b>c</b>d<p>e</p>\"}");
    assert_int_equal(request->field_count, 2);
    assert_field(request, 0, AM_FIELD_TITLE, 0, "a & b");
    assert_field(request, 1, AM_FIELD_TEXT, 0, "  cd e ");
}

static void the_title_of_a_request_goes_before_that_of_its_page(void **state) {
    const struct am_match_request *request =
        json(state, "{\"html\":\"<title>a</title>b\",\"title\":\"c\"}");
    assert_int_equal(request->field_count, 2);
    assert_field(request, 0, AM_FIELD_TITLE, 0, "c");
    assert_field(request, 1, AM_FIELD_TEXT, 0, "  b");
}

static void text_and_html_exclude_one_another(void **state) {
    static const struct refusal cases[] = {
        {"{\"text\":\"a\",\"html\":\"b\"}", AM_E_INVALID, "$.html",
         "expected one of text and html, found both"},
        {"{\"html\":\"a\",\"text\":\"b\"}", AM_E_INVALID, "$.text",
         "expected one of text and html, found both"},
    };
    assert_all_refused(state, cases, AM_COUNT_OF(cases));
}

/* Nothing grows further: a page of superscript digits only, in bytes and as JSON. */
static void the_longest_decoded_texts_have_room(void **state) {
    char *page = repeated("<sup>", "1", 1 << 16, "");
    struct fixture *fixture = *state;
    am_api_request_start(&fixture->reader, NULL, CLOCK, false);
    fixture->reader.text = malloc(am_api_request_text_size(strlen(page)));
    assert_int_equal(am_api_request_read_text(&fixture->reader, am_view_of(page), AM_MARKUP_HTML,
                                              AM_CHARSET_WINDOWS_1252, &fixture->error),
                     AM_OK);
    assert_true(fixture->reader.text_used <= am_api_request_text_size(strlen(page)));
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_object_asks_for_one_ad_in_one_slot),
        TEST(fields_stand_in_the_order_in_which_they_are_searched),
        TEST(slots_have_their_own_members),
        TEST(one_slot_needs_no_list),
        TEST(attributes_are_folded_but_free_keys_are_not),
        TEST(every_attribute_but_the_hour_can_be_given),
        TEST(blocks_have_three_lists_and_domains_are_lower_case),
        TEST(single_members_are_read),
        TEST(the_requests_own_time_counts_only_in_tests),
        TEST(a_time_zone_may_stand_in_either_place),
        TEST(what_is_no_json_object_is_refused),
        TEST(unknown_members_are_refused_with_the_nearest_name),
        TEST(the_same_member_twice_is_refused),
        TEST(keys_that_are_too_long_are_refused_first),
        TEST(values_of_another_type_are_refused),
        TEST(values_out_of_range_are_refused),
        TEST(long_values_are_cut_in_messages),
        TEST(slot_members_beside_slots_are_refused_in_any_order),
        TEST(what_is_impossible_here_is_told_from_what_is_wrong),
        TEST(lists_are_bounded),
        TEST(sizes_of_a_slot_are_bounded),
        TEST(free_keys_are_bounded_before_they_are_compared),
        TEST(names_are_bounded),
        TEST(too_many_values_and_too_much_depth_are_refused),
        TEST(a_body_above_the_limit_is_too_large),
        TEST(plain_text_is_the_text_field_as_it_stands),
        TEST(empty_plain_text_is_a_request),
        TEST(references_are_decoded_in_title_and_text_alone),
        TEST(a_page_gives_text_and_title),
        TEST(the_title_of_a_request_goes_before_that_of_its_page),
        TEST(text_and_html_exclude_one_another),
        TEST(the_longest_decoded_texts_have_room),
    };
    return cmocka_run_group_tests_name("requests as JSON and text", tests, NULL, NULL);
}
