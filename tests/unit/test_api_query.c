/* SPDX-License-Identifier: Apache-2.0 */
/* Requests written as a query string, and percent-encoding. */
#include "../../plugin/text/words.h"
#include "api_reader.h"
#include "xorshift.h"

#include <stdio.h>

static const struct am_match_request *query(void **state, const char *body) {
    return accepted(*state, am_api_request_read_query_string, body);
}

static void nothing_asks_for_one_ad_in_one_slot(void **state) {
    static const char *const bodies[] = {"", "&", "&&&"};
    for (size_t i = 0; i < AM_COUNT_OF(bodies); i++) {
        const struct am_match_request *request = query(state, bodies[i]);
        assert_int_equal(request->field_count, 0);
        assert_int_equal(request->slot_count, 1);
        assert_view(request->slots[0].id, "");
        assert_int_equal(request->slots[0].count, 1);
        assert_int_equal(request->now, CLOCK);
        assert_null(request->id.data);
    }
}

static void texts_become_fields_in_search_order(void **state) {
    const struct am_match_request *request =
        query(state, "url=%2Fa%2520b%3Fc%252Bd%2Be&text=t+t&keywords=k0&title=&query=caf%C3%A9"
                     "&keywords=k%31");
    assert_int_equal(request->field_count, 6);
    assert_field(request, 0, AM_FIELD_QUERY, 0, "caf\xc3\xa9");
    assert_field(request, 1, AM_FIELD_KEYWORD, 0, "k0");
    assert_field(request, 2, AM_FIELD_KEYWORD, 1, "k1");
    assert_field(request, 3, AM_FIELD_TITLE, 0, "");
    assert_field(request, 4, AM_FIELD_TEXT, 0, "t t");
    assert_field(request, 5, AM_FIELD_URL, 0, "/a b?c+d e");
}

static void the_slot_is_made_of_parameters(void **state) {
    const struct am_match_request *request =
        query(state, "size=300x250&count=3&floor=0.10&size=728x90&size=300x250");
    assert_int_equal(request->slots[0].count, 3);
    assert_int_equal(request->slots[0].floor, 100000);
    assert_int_equal(request->slots[0].size_count, 2);
    assert_int_equal(request->slots[0].sizes[1], 728 << 16 | 90);
}

static void attributes_repeat_for_several_values(void **state) {
    const struct am_match_request *request =
        query(state, "country=US&kv.sport=Running&country=ca&kv.sport=golf&k%76.%41ge=&os=iOS%2CX");
    assert_int_equal(request->attribute_count, 6);
    assert_attribute(request, 0, AM_ATTRIBUTE_COUNTRY, "", "us");
    assert_attribute(request, 1, AM_ATTRIBUTE_KV, "sport", "Running");
    assert_attribute(request, 2, AM_ATTRIBUTE_COUNTRY, "", "ca");
    assert_attribute(request, 3, AM_ATTRIBUTE_KV, "sport", "golf");
    assert_attribute(request, 4, AM_ATTRIBUTE_KV, "Age", "");
    assert_attribute(request, 5, AM_ATTRIBUTE_OS, "", "ios,x");
}

static void every_attribute_but_the_hour_is_a_parameter(void **state) {
    for (int attribute = 0; attribute < AM_ATTRIBUTE_HOUR; attribute++) {
        char body[64];
        snprintf(body, sizeof body, "%s=XY",
                 am_model_attribute_name((enum am_model_attribute)attribute));
        const struct am_match_request *request = query(state, body);
        assert_int_equal(request->attribute_count, 1);
        assert_attribute(request, 0, (enum am_model_attribute)attribute, "", "xy");
    }
}

static void blocks_repeat(void **state) {
    const struct am_match_request *request =
        query(state, "block.domains=A.Example&block.advertisers=Acme&block.domains=b&"
                     "block.categories=IAB7");
    assert_int_equal(request->blocked_domains.count, 2);
    assert_view(request->blocked_domains.items[0], "a.example");
    assert_view(request->blocked_domains.items[1], "b");
    assert_view(request->blocked_advertisers.items[0], "Acme");
    assert_view(request->blocked_categories.items[0], "IAB7");
}

static void single_parameters_are_read(void **state) {
    struct fixture *fixture = *state;
    fixture->test = true;
    const struct am_match_request *request =
        query(state, "id=r%261&unique=campaign&explain=1&now=77&timezone=America%2FNew_York");
    assert_view(request->id, "r&1");
    assert_int_equal(request->unique, AM_UNIQUE_CAMPAIGN);
    assert_true(request->explain);
    assert_int_equal(request->now, 77);
    assert_int_equal(am_timezone_offset(request->timezone, 1767225600), -5 * 3600);
    assert_int_equal(query(state, "now=1970-01-01T00:01:40Z")->now, 100);
    assert_true(query(state, "explain=true")->explain);
    assert_false(query(state, "explain=0")->explain);
    assert_false(query(state, "explain=false")->explain);
}

static void an_equals_sign_may_stand_in_a_value_or_be_missing(void **state) {
    assert_field(query(state, "query=a=b"), 0, AM_FIELD_QUERY, 0, "a=b");
    assert_field(query(state, "query"), 0, AM_FIELD_QUERY, 0, "");
    assert_field(query(state, "&query=&&"), 0, AM_FIELD_QUERY, 0, "");
}

static void errors_name_the_parameter(void **state) {
    static const char bad_percent[] =
        "expected two hexadecimal digits after each %; %25 is a % itself";
    static const struct refusal cases[] = {
        {"count=0", AM_E_INVALID, "count", "expected a whole number from 1 to 256, found \"0\""},
        {"count=", AM_E_INVALID, "count", "expected a whole number from 1 to 256, found \"\""},
        {"count=1x", AM_E_INVALID, "count", "expected a whole number from 1 to 256, found \"1x\""},
        {"count=[]", AM_E_INVALID, "count", "expected a whole number from 1 to 256, found \"[]\""},
        {"floor=.5", AM_E_INVALID, "floor",
         "expected a number from 0 to 1000000 with at most 6 decimals, found \".5\""},
        {"query=a&query=b", AM_E_INVALID, "query", "expected one value, found a second one"},
        {"explain=yes", AM_E_INVALID, "explain", "expected 1, 0, true or false, found \"yes\""},
        {"country=", AM_E_INVALID, "country",
         "expected a country of two letters, like \"US\", found \"\""},
        {"hour=3", AM_E_INVALID, "hour", "hour comes from the clock: expected timezone instead"},
        {"timezone=x", AM_E_IMPOSSIBLE, "timezone",
         "unknown time zone \"x\": expected an IANA name that this server knows, like "
         "\"America/New_York\""},
        {"now=soon", AM_E_INVALID, "now",
         "expected a time like \"2026-11-01T00:00:00Z\", or whole seconds since 1970, found "
         "\"soon\""},
        {"quer=a", AM_E_INVALID, "quer", "unknown parameter \"quer\": expected query"},
        {"=a", AM_E_INVALID, "",
         "unknown parameter \"\": expected one of query, count, country, device, id, size, floor, "
         "language, site, placement, keywords, title, text, html, url, region, metro, city, os, "
         "browser, category, unique, explain, why, now, timezone, block.advertisers, "
         "block.categories, "
         "block.domains, ip, agent, kv.KEY"},
        {"kv.sport=%zz", AM_E_SYNTAX, "kv.sport", bad_percent},
        {"query=a%4", AM_E_SYNTAX, "query", bad_percent},
        {"query=%", AM_E_SYNTAX, "query", bad_percent},
        {"que%ry=a", AM_E_SYNTAX, "que%ry", bad_percent},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        assert_refused(*state, am_api_request_read_query_string, &cases[i]);
}

static void lists_are_bounded(void **state) {
    static const struct {
        const char *item;
        size_t most;
    } cases[] = {{"keywords=a&", AM_REQUEST_MAX_KEYWORDS},
                 {"kv.a=b&", AM_MAX_ATTRIBUTE_VALUES},
                 {"block.advertisers=a&", AM_MAX_BLOCKED}};
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        char *body = malloc(strlen(cases[i].item) * (cases[i].most + 1) + 1);
        assert_non_null(body);
        char *at = body;
        for (size_t n = 0; n < cases[i].most; n++)
            at = stpcpy(at, cases[i].item);
        query(state, body);
        strcpy(at, cases[i].item);
        assert_int_equal(read_bytes(*state, am_api_request_read_query_string, am_view_of(body)),
                         AM_E_INVALID);
        free(body);
    }
}

static void bytes_of_any_value_pass(void **state) {
    struct fixture *fixture = *state;
    const struct am_match_request *request = query(state, "query=%00%fF%0a");
    assert_true(am_view_equal(request->fields[0].text, AM_VIEW("\0\xff\n")));
    assert_int_equal(
        read_bytes(fixture, am_api_request_read_query_string, AM_VIEW("query=a\0b\xff")), AM_OK);
    assert_true(am_view_equal(request->fields[0].text, AM_VIEW("a\0b\xff")));
}

/* ---- percent-encoding ----------------------------------------------------------------------- */

static void percent_encoding_is_decoded_or_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *decoded;
    } cases[] = {{"", ""},         {"plain", "plain"}, {"a+b", "a b"},  {"%41%4a%4A", "AJJ"},
                 {"%2B%25", "+%"}, {"%", NULL},        {"a%4", NULL},   {"%4g", NULL},
                 {"%g4", NULL},    {"%%41", NULL},     {"+%20+", "   "}};
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        char memory[16];
        struct am_view decoded = {NULL, 0};
        bool good = am_api_percent_decode(am_view_of(cases[i].text), memory, &decoded);
        assert_int_equal(good, cases[i].decoded != NULL);
        if (good)
            assert_view(decoded, cases[i].decoded);
    }
}

static void path_and_query_of_a_url_have_the_words(void **state) {
    (void)state;
    static const struct {
        const char *url, *words;
    } cases[] = {
        {"", ""},
        {"https://host.example", ""},
        {"https://host.example/a/b.html#top", "/a/b.html"},
        {"https://host.example?q=a+b", "?q=a b"},
        {"https://user@host.example:80/a+b?c+d#e?f", "/a+b?c d"},
        {"HTTP://h/%E4%BD%A0%20x", "/\xe4\xbd\xa0 x"},
        {"/path/only?x=%2B", "/path/only?x=+"},
        {"words/without/a/scheme", "words/without/a/scheme"},
        {"//host/path", "//host/path"},
        {"mailto:a@b", "mailto:a@b"},
        {"1http://h/p", "1http://h/p"},
        {"://h/p", "://h/p"},
        {"a%zz%4%", "a%zz%4%"},
        {"?a%3fb+c", "?a?b c"},
        {"#x", ""},
        {"svn+ssh://h#x", ""},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        char memory[64];
        assert_view(am_api_url_words(am_view_of(cases[i].url), memory), cases[i].words);
    }
}

/* Held against a plain count from the beginning for each byte. */
static void assert_places(struct am_view url) {
    char *words = malloc(url.size + 1);
    struct am_api_url_offset *places = calloc(url.size + 1, sizeof *places);
    assert_true(words && places);
    size_t count = am_api_url_words(url, words).size;
    am_api_url_offsets(url, places);
    for (size_t i = 0; i <= count; i++) {
        assert_true(places[i].byte <= url.size);
        assert_int_equal(places[i].utf16, am_text_utf16_length(url.data, places[i].byte));
        if (i == count)
            break;
        bool encoded = places[i + 1].byte == places[i].byte + 3;
        assert_true(encoded || places[i + 1].byte == places[i].byte + 1);
        char given = url.data[places[i].byte];
        assert_true(encoded ? given == '%'
                            : given == words[i] || (given == '+' && words[i] == ' '));
    }
    free(words);
    free(places);
}

static void places_in_a_url_lead_back_to_what_was_given(void **state) {
    (void)state;
    struct am_api_url_offset places[16];
    am_api_url_offsets(AM_VIEW("p://\xc3\xa9/%C3%A9x?\xf0\x9f\x98\x80+#z"), places);
    static const struct am_api_url_offset wanted[] = {{6, 5},   {7, 6},   {10, 9},  {13, 12},
                                                      {14, 13}, {15, 14}, {16, 15}, {17, 15},
                                                      {18, 15}, {19, 16}, {20, 17}};
    for (size_t i = 0; i < AM_COUNT_OF(wanted); i++) {
        assert_int_equal(places[i].byte, wanted[i].byte);
        assert_int_equal(places[i].utf16, wanted[i].utf16);
    }
    static const char alphabet[] = "a%4/?+#:\xc3\xa9\x80\x80\xf0\x9f\x98\xe2\x82";
    uint32_t random = XORSHIFT32_SEED;
    for (int i = 0; i < 50000; i++) {
        char url[40];
        size_t size = xorshift32(&random) % sizeof url;
        for (size_t k = 0; k < size; k++)
            url[k] = alphabet[(xorshift32(&random) >> 3) % (sizeof alphabet - 1)];
        assert_places((struct am_view){url, size});
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nothing_asks_for_one_ad_in_one_slot),
        TEST(texts_become_fields_in_search_order),
        TEST(the_slot_is_made_of_parameters),
        TEST(attributes_repeat_for_several_values),
        TEST(every_attribute_but_the_hour_is_a_parameter),
        TEST(blocks_repeat),
        TEST(single_parameters_are_read),
        TEST(an_equals_sign_may_stand_in_a_value_or_be_missing),
        TEST(errors_name_the_parameter),
        TEST(lists_are_bounded),
        TEST(bytes_of_any_value_pass),
        cmocka_unit_test(percent_encoding_is_decoded_or_refused),
        cmocka_unit_test(path_and_query_of_a_url_have_the_words),
        cmocka_unit_test(places_in_a_url_lead_back_to_what_was_given),
    };
    return cmocka_run_group_tests_name("requests as query strings", tests, NULL, NULL);
}
