/* Text inside HTML, the parameters of a form, and the page where a server would have to be broken
 * to get it. The rest is tested over a real server: tests/integration/test_preview.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../plugin/api/html.h"
#include "../../plugin/api/preview.h"
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
    assert_view(am_preview_question(am_view_of(given), memory), wanted);
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
    const struct am_api_limits limits = {64, 3};
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cannot_become_markup),
        cmocka_unit_test(what_html_does_not_allow_is_replaced),
        cmocka_unit_test(empty_parameters_and_explain_are_no_part_of_the_question),
        cmocka_unit_test(without_an_inventory_the_page_says_so),
        cmocka_unit_test(limits_are_told_in_the_page),
    };
    return cmocka_run_group_tests_name("preview", tests, NULL, NULL);
}
