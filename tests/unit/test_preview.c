/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside HTML, the parameters of a form, and the page where a server would have to be broken
 * to get it. The rest is tested over a real server: tests/integration/test_preview.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../plugin/api/page/html.h"
#include "../../plugin/api/page/page.h"
#include "../../plugin/api/preview/preview.h"
#include "api_inventory.h"

static void assert_view(struct am_view found, const char *wanted) {
    if (!am_view_equal(found, am_view_of(wanted)))
        fail_msg("\"%.*s\" instead of \"%s\"", AM_VIEW_ARGUMENTS(found), wanted);
}

static void assert_html(struct am_view text, const char *wanted) {
    char memory[256];
    struct am_buffer out = am_buffer_over(memory, sizeof memory);
    am_api_html_text(&out, text);
    assert_false(out.overflowed);
    assert_view(am_buffer_view(&out), wanted);
}

static void text_cannot_become_markup(void **state) {
    (void)state;
    assert_html(AM_VIEW("<b class=\"x\">'&amp;'</b>"),
                "&lt;b class=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/b&gt;");
    assert_html(AM_VIEW("caf\xc3\xa9 \xe6\x9d\xb1 \xf0\x9f\x91\x9f"),
                "caf\xc3\xa9 \xe6\x9d\xb1 \xf0\x9f\x91\x9f");
    assert_html(AM_VIEW("a\tb\nc\rd"), "a\tb\nc\rd");
    assert_html((struct am_view){NULL, 0}, "");
}

static void what_html_does_not_allow_is_replaced(void **state) {
    (void)state;
    assert_html((struct am_view){"\0\x1b\x7f", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_html(AM_VIEW("\xff<"), "\xef\xbf\xbd&lt;");
    assert_html(AM_VIEW("\xe6\x9d<"), "\xef\xbf\xbd&lt;");
    assert_html(AM_VIEW("\xc3"), "\xef\xbf\xbd");
}

static void assert_question(const char *given, const char *wanted) {
    char memory[256];
    struct am_error error = {0};
    struct am_view question;
    assert_int_equal(
        am_preview_question(am_view_of(given), memory, sizeof memory, &question, &error), AM_OK);
    assert_view(question, wanted);
}

static void empty_parameters_and_explain_are_no_part_of_the_question(void **state) {
    (void)state;
    assert_question("text=a+b&query=&country=US&size=", "text=a+b&country=US");
    assert_question("&&query=a&&explain=0&x", "query=a");
    assert_question("query=a=b", "query=a=b");
    assert_question("query&=&", "");
    assert_question("=x", "=x");
    assert_question("", "");
}

static void lines_of_key_values_are_parameters(void **state) {
    (void)state;
    assert_question("kv=sport%3Drunning&query=a", "kv.sport=running&query=a");
    assert_question("kv=+sport+%3D+trail+running+%0D%0A%0D%0Ateam%3dreds%3D1%0a",
                    "kv.sport=trail+running&kv.team=reds%3D1");
    assert_question("kv=a=b\n\tc%09=%20d\r\n", "kv.a=b&kv.c=d");
    assert_question("kv=%0D%0A+&kv.x=y", "kv.x=y");
}

static void assert_no_key_values(const char *given, const char *wanted) {
    char memory[256];
    struct am_error error = {0};
    struct am_view question;
    assert_int_equal(
        am_preview_question(am_view_of(given), memory, sizeof memory, &question, &error),
        AM_E_INVALID);
    assert_string_equal(error.where, "kv");
    assert_view(question, wanted);
}

static void other_lines_are_refused_and_kept(void **state) {
    (void)state;
    assert_no_key_values("kv=sport&query=a", "kv=sport&query=a");
    assert_no_key_values("kv=a%3Db%0D%0Asport+%3D&query=a", "kv.a=b&kv.sport=&query=a");
    assert_no_key_values("kv=%3Db", "kv.=b");
}

static void a_time_without_a_zone_is_one_of_utc(void **state) {
    (void)state;
    assert_question("now=2026-12-24T18%3A00", "now=2026-12-24T18%3A00:00Z");
    assert_question("now=2026-12-24T18:00:30", "now=2026-12-24T18:00:30Z");
    assert_question("now=2026-12-24T18:00:00Z", "now=2026-12-24T18:00:00Z");
    assert_question("now=2026-12-24T18:00:00%2B01:00", "now=2026-12-24T18:00:00%2B01:00");
    assert_question("now=1792497600", "now=1792497600");
}

/* A line break and a sign of equality may take less room than what they become. */
static void a_question_has_room_or_is_refused(void **state) {
    (void)state;
    static const char given[] = "kv=a=b\nc=d\ne=f", whole[] = "kv.a=b&kv.c=d&kv.e=f";
    char memory[sizeof whole - 1];
    struct am_error error = {0};
    struct am_view question;
    assert_int_equal(am_preview_question(AM_VIEW(given), memory, sizeof memory, &question, &error),
                     AM_OK);
    assert_view(question, whole);
    assert_int_equal(
        am_preview_question(AM_VIEW(given), memory, sizeof memory - 1, &question, &error),
        AM_E_LIMIT);
    assert_int_equal(question.size, 0);
}

static void assert_page(const struct am_buffer *out, const char *wanted) {
    assert_false(out->overflowed);
    assert_view(am_buffer_view(out), wanted);
}

static void values_of_a_template_are_escaped_and_counted(void **state) {
    (void)state;
    char memory[256];
    struct am_buffer out = am_buffer_over(memory, sizeof memory);
    AM_PAGE_PUT(&out, "<b title=\"{}\">{}</b>{}", AM_PAGE_NAME("\"<"), AM_PAGE_TEXT(AM_VIEW("{}&")),
                AM_PAGE_MICROS(1250000));
    assert_page(&out, "<b title=\"&quot;&lt;\">{}&amp;</b>1.25");
    am_buffer_cut(&out, 0);
    AM_PAGE_PUT(&out, "{}, {}, {}, {}", AM_PAGE_COUNT(0, "ad", "ads"),
                AM_PAGE_COUNT(1, "ad", "ads"), AM_PAGE_COUNT(1000, "ad", "ads"),
                AM_PAGE_NUMBER(1234567));
    assert_page(&out, "0 ads, 1 ad, 1,000 ads, 1,234,567");
    am_buffer_cut(&out, 0);
    AM_PAGE_PUT(&out, "{} {}", AM_PAGE_NUMBER(UINT64_MAX));
    assert_page(&out, "18,446,744,073,709,551,615 \xef\xbf\xbd");
}

static bool shows(struct am_api_response response, const char *text) {
    return memmem(response.body.data, response.body.size, text, strlen(text)) != NULL;
}

static void without_an_inventory_the_page_says_so(void **state) {
    (void)state;
    struct am_error error = {0};
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    const struct am_api_request request = {.content = AM_CONTENT_QUERY_STRING,
                                           .body = AM_VIEW("query=a")};
    struct am_api_response response;
    assert_non_null(api);
    am_api_preview(api, &request, &response);
    assert_int_equal(response.status, 503);
    assert_true(shows(response, "no inventory is loaded yet"));
    assert_null(response.decision);
    am_api_free(api);
}

static void limits_are_told_in_the_page(void **state) {
    (void)state;
    struct am_error error = {0};
    struct served served;
    static const char inventory[] =
        "{\"id\":\"a\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"]}\n";
    const struct am_api_limits limits = {64, 3, 0, 0};
    if (!start_serving(&served, am_view_of(inventory), &limits, &error))
        fail_msg("%s", error.message);
    struct am_api_request request = {.body = AM_VIEW("text=one+two+three")};
    struct am_api_response response;
    am_api_preview(served.api, &request, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.decision->ad_count, 1);
    request.body = AM_VIEW("text=one+two+three+four");
    am_api_preview(served.api, &request, &response);
    assert_int_equal(response.status, 413);
    assert_true(shows(response, "more than 3 words in one request"));
    request.body = AM_VIEW("text=0123456789012345678901234567890123456789012345678901234567890");
    am_api_preview(served.api, &request, &response);
    assert_int_equal(response.status, 413);
    assert_true(shows(response, "a request of more than 64 bytes"));
    stop_serving(&served);
}

/* A refused request may have as many parameters as bytes: the page has a bound, and takes time that
 * grows with them, not with their square. */
static void a_refused_page_is_bounded(void **state) {
    (void)state;
    struct am_error error = {0};
    struct served served;
    static const char inventory[] =
        "{\"id\":\"a\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"]}\n";
    if (!start_serving(&served, am_view_of(inventory), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    size_t size = AM_API_LIMITS_DEFAULT.body_bytes;
    char *body = malloc(size);
    for (size_t i = 0; i < size; i++)
        body[i] = i < size / 2 ? "x=1&"[i % 4] : "city=1&&"[i % 8];
    const struct am_api_request request = {.body = {body, size}};
    struct am_api_response response;
    clock_t began = clock();
    am_api_preview(served.api, &request, &response);
    assert_true(clock() - began < 5 * CLOCKS_PER_SEC);
    assert_int_equal(response.status, 400);
    assert_true(response.body.size < 4 << 20);
    free(body);
    stop_serving(&served);
}

/* The page's first excerpt, without its marks, is that text. */
static void assert_excerpt(struct am_view page, const char *wanted) {
    static const char begin[] = "<p class=\"excerpt\" dir=\"auto\">";
    char text[4096];
    size_t size = 0;
    const char *at = memmem(page.data, page.size, begin, strlen(begin));
    assert_non_null(at);
    at += strlen(begin);
    const char *end = memmem(at, (size_t)(page.data + page.size - at), "</p>", 4);
    assert_true(end && (size_t)(end - at) < sizeof text);
    while (at < end) {
        if (*at == '<')
            at = (const char *)memchr(at, '>', (size_t)(end - at)) + 1;
        else
            text[size++] = *at++;
    }
    text[size] = '\0';
    assert_string_equal(text, wanted);
}

/* One character gives several words here, whose spans are equal or overlap. */
static void the_excerpt_is_the_text_alone(void **state) {
    (void)state;
    static const char inventory[] = "{\"id\":\"a\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":"
                                    "[\"1/2 inch\",\"1/2 price shoes\",\"น้ำ\",\"キロ\",\"ﷺ\"]}\n";
    static const char *const texts[] = {"½ inch pipe", " shoes price ½", "ขายน้ำดื่ม", "5㌔", "ﷺ"};
    struct am_error error = {0};
    struct served served;
    if (!start_serving(&served, am_view_of(inventory), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++) {
        char question[512];
        struct am_api_response response;
        sprintf(question, "query=secrets+before&text=%s&url=/secrets+after", texts[i]);
        const struct am_api_request request = {.body = am_view_of(question)};
        am_api_preview(served.api, &request, &response);
        assert_int_equal(response.status, 200);
        assert_int_equal(response.decision->ad_count, 1);
        assert_excerpt(response.body, texts[i]);
    }
    stop_serving(&served);
}

/* Whatever the spans say. */
static void an_excerpt_shows_nothing_beside_its_text(void **state) {
    (void)state;
    static const char inventory[] =
        "{\"id\":\"a\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"c\"]}\n";
    static const struct am_match_span spans[][2] = {
        {{.begin = 0, .end = 3}, {.begin = 0, .end = 3}},
        {{.begin = 4, .end = 6}, {.begin = 1, .end = 2}},
        {{.begin = 5, .end = 2}, {.begin = 3, .end = 1}},
        {{.begin = 7, .end = 99}, {.begin = 200, .end = 300}},
        {{.begin = UINT32_MAX, .end = 0}, {.begin = 0, .end = UINT32_MAX}},
    };
    struct am_error error = {0};
    struct served served;
    if (!start_serving(&served, am_view_of(inventory), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < AM_COUNT_OF(spans); i++) {
        static char memory[1 << 16];
        struct am_buffer out = am_buffer_over(memory, sizeof memory);
        char *text = memcpy(malloc(9), "the text.", 9); /* no byte more, for sanitizers */
        struct am_match_field field = {AM_FIELD_TEXT, 0, {text, 9}};
        struct am_match_request request = {.fields = &field, .field_count = 1};
        struct am_match_winner ad = {.span_count = 2};
        memcpy(ad.spans, spans[i], sizeof spans[i]);
        struct am_match_decision decision = {.ads = &ad, .ad_count = 1};
        static struct am_json_node nodes[AM_CREATIVE_NODES];
        static struct am_api_request_reader reader;
        reader.content.given = field.text;
        static char creative[AM_CREATIVE_MAX_BYTES];
        struct am_api_creatives creatives = {nodes, creative, 0};
        const struct am_preview page = {.image = served.image,
                                        .question = AM_VIEW(""),
                                        .reader = &reader,
                                        .creatives = &creatives,
                                        .request = &request,
                                        .decision = &decision,
                                        .status = 200};
        am_preview_render(&out, &page);
        assert_false(out.overflowed);
        assert_excerpt(am_buffer_view(&out), "the text.");
        free(text);
    }
    stop_serving(&served);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(what_html_does_not_allow_is_replaced),
        cmocka_unit_test(empty_parameters_and_explain_are_no_part_of_the_question),
        cmocka_unit_test(lines_of_key_values_are_parameters),
        cmocka_unit_test(other_lines_are_refused_and_kept),
        cmocka_unit_test(a_time_without_a_zone_is_one_of_utc),
        cmocka_unit_test(a_question_has_room_or_is_refused),
        cmocka_unit_test(values_of_a_template_are_escaped_and_counted),
        cmocka_unit_test(without_an_inventory_the_page_says_so),
        cmocka_unit_test(limits_are_told_in_the_page),
        cmocka_unit_test(a_refused_page_is_bounded),
        cmocka_unit_test(the_excerpt_is_the_text_alone),
        cmocka_unit_test(an_excerpt_shows_nothing_beside_its_text),
    };
    return cmocka_run_group_tests_name("preview", tests, NULL, NULL);
}
