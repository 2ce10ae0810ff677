/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints without a server: paths, headers, scripts of other sites, packed answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "../../plugin/api/headers.h"
#include "../../plugin/api/http.h"
#include "api_inventory.h"

static struct served served;
static char inventory[64 << 10];

static int set_up(void **state) {
    (void)state;
    struct am_error error = {0};
    const struct am_api_limits limits = {.body_bytes = 1 << 16, .words = 1000, .work = 1 << 20};
    size_t size = 0;
    for (int i = 0; i < 200; i++)
        size += (size_t)snprintf(inventory + size, sizeof inventory - size,
                                 "{\"id\":\"ad number %d\",\"advertiser\":\"advertiser %d\","
                                 "\"bid\":1,\"keywords\":[\"shoes\"]}\n",
                                 i, i);
    if (!start_serving(&served, (struct am_view){inventory, size}, &limits, &error))
        fail_msg("%s", error.message);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    stop_serving(&served);
    return 0;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* Headers as name, value, ..., NULL. */
static struct am_view find_header(const void *context, const char *name) {
    for (const char *const *at = context; *at; at += 2)
        if (strcmp(at[0], name) == 0)
            return am_view_of(at[1]);
    return AM_VIEW("");
}

static const char *const no_headers[] = {NULL};

static void write_metrics(const void *context, struct am_buffer *out, int64_t now) {
    (void)context, (void)now;
    am_buffer_literal(out, "a_metric 1\n");
}

static struct am_api_http_response ask_with(const struct am_api_http_settings *settings,
                                            const char *method,
                                            const char *path,
                                            const char *query,
                                            const char *const *headers) {
    struct am_api_http_response response = {0};
    const struct am_api_http_request request = {.method = am_view_of(method),
                                                .path = am_view_of(path),
                                                .query = am_view_of(query),
                                                .now = 1,
                                                .has_length = true,
                                                .header = find_header,
                                                .header_context = headers};
    am_api_http_answer(served.api, settings, &request, &response);
    return response;
}

static struct am_api_http_response ask(const char *method, const char *path) {
    static const struct am_api_http_settings settings = {.metrics = write_metrics};
    return ask_with(&settings, method, path, "", no_headers);
}

/* The value of a header that the answer has once; "" when it has none. */
static const char *header_of(const struct am_api_http_response *response, const char *name) {
    const char *value = "";
    for (unsigned i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) != 0)
            continue;
        assert_string_equal(value, "");
        value = response->headers[i].value;
    }
    return value;
}

/* ---- values of headers ------------------------------------------------------------------------
 */

static void lists_are_read_item_by_item(void **state) {
    (void)state;
    assert_true(am_api_header_lists(AM_VIEW("close"), "close"));
    assert_true(am_api_header_lists(AM_VIEW("keep-alive ,\tClose"), "close"));
    assert_true(am_api_header_lists(AM_VIEW(",, close;x=1,"), "close"));
    assert_false(am_api_header_lists(AM_VIEW("closed, not-close"), "close"));
    assert_false(am_api_header_lists(AM_VIEW(""), "close"));
    assert_false(am_api_header_lists(AM_VIEW(" , "), "close"));
}

static void accepted_codings_have_weights(void **state) {
    (void)state;
    static const struct {
        const char *list;
        bool accepted;
    } cases[] = {
        {"gzip", true},
        {"deflate, gzip;q=0.5", true},
        {"GZIP", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000 , *", false},
        {"gzip;q=0.001", true},
        {"*", true},
        {"*;q=0", false},
        {"identity", false},
        {"", false},
        {"gzipped", false},
        {"br, *;q=0.1", true},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        if (am_api_header_accepts(am_view_of(cases[i].list), "gzip") != cases[i].accepted)
            fail_msg("%s", cases[i].list);
}

static void parameters_are_found(void **state) {
    (void)state;
    assert_true(am_view_equal(
        am_api_header_parameter(AM_VIEW("text/plain;a=b ; Charset=\"UTF-8\""), "charset"),
        AM_VIEW("UTF-8")));
    assert_int_equal(am_api_header_parameter(AM_VIEW("text/plain; charset"), "charset").size, 0);
    assert_int_equal(am_api_header_parameter(AM_VIEW("charset=x"), "charset").size, 0);
}

static void origins_are_schemes_and_hosts(void **state) {
    (void)state;
    static const char *const good[] = {"*", "https://a.example", "http://localhost:8080",
                                       "http://[::1]:1", "chrome-extension://abc"};
    static const char *const bad[] = {"",
                                      "a.example",
                                      "https://",
                                      "https://a.example/",
                                      "https://A.example",
                                      "https://a.example\r\nX: y",
                                      "**"};
    for (size_t i = 0; i < AM_COUNT_OF(good); i++)
        assert_true(am_api_http_is_origin(good[i]));
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        if (am_api_http_is_origin(bad[i]))
            fail_msg("%s", bad[i]);
}

/* ---- paths and caches -------------------------------------------------------------------------
 */

static void a_slash_at_the_end_of_a_path_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(ask("GET", "/v1/decide/").status, 200);
    assert_int_equal(ask("GET", "/healthz/").endpoint, AM_ENDPOINT_HEALTHZ);
    assert_int_equal(ask("GET", "/v1/decide//").status, 404);
    assert_int_equal(ask("GET", "/").status, 404);
    assert_int_equal(ask("GET", "").status, 404);
}

static void each_answer_says_how_long_it_holds(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *said;
    } cases[] = {
        {"GET", "/v1/decide", "no-store"}, {"PUT", "/v1/decide", "no-store"},
        {"GET", "/nowhere", "no-store"},   {"POST", "/openrtb2/bid", "no-store"},
        {"GET", "/healthz", "no-cache"},   {"GET", "/readyz", "no-cache"},
        {"GET", "/metrics", "no-cache"},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct am_api_http_response response = ask(cases[i].method, cases[i].path);
        assert_string_equal(header_of(&response, "Cache-Control"), cases[i].said);
        am_api_http_response_free(&response);
    }
}

static void text_in_an_unknown_charset_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *type;
        unsigned status;
    } cases[] = {{"text/plain", 200},
                 {"text/plain; charset=utf-8", 200},
                 {"text/plain; charset=\"UTF-8\"", 200},
                 {"text/plain; charset=us-ascii", 200},
                 {"text/plain; charset=ISO-8859-1", 200},
                 {"text/plain; format=flowed; charset=utf-16", 415}};
    const struct am_api_http_settings settings = {0};
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        const char *const headers[] = {"Content-Type", cases[i].type, NULL};
        assert_int_equal(ask_with(&settings, "POST", "/v1/decide", "", headers).status,
                         cases[i].status);
    }
}

/* ---- scripts of other sites -------------------------------------------------------------------
 */

static void without_origins_no_script_may_ask(void **state) {
    (void)state;
    const struct am_api_http_settings settings = {0};
    const char *const headers[] = {"Origin", "https://a.example", NULL};
    struct am_api_http_response response =
        ask_with(&settings, "OPTIONS", "/v1/decide", "", headers);
    assert_int_equal(response.status, 405);
    response = ask_with(&settings, "GET", "/v1/decide", "", headers);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "");
    assert_string_equal(header_of(&response, "Vary"), "");
}

static void a_listed_origin_may_ask(void **state) {
    (void)state;
    const char *const origins[] = {"https://b.example", "https://a.example", NULL};
    const struct am_api_http_settings settings = {.origins = origins};
    const char *const headers[] = {"Origin", "https://a.example", NULL};
    struct am_api_http_response response =
        ask_with(&settings, "OPTIONS", "/v1/decide", "", headers);
    assert_int_equal(response.status, 204);
    assert_int_equal(response.body.size, 0);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "https://a.example");
    assert_string_equal(header_of(&response, "Access-Control-Allow-Methods"), "GET, HEAD, POST");
    assert_string_equal(header_of(&response, "Access-Control-Allow-Headers"),
                        "Content-Type, Content-Encoding");
    assert_string_equal(header_of(&response, "Vary"), "Origin");
    response = ask_with(&settings, "GET", "/v1/decide", "", headers);
    assert_int_equal(response.status, 200);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "https://a.example");
    assert_string_equal(header_of(&response, "Access-Control-Expose-Headers"),
                        "X-Admatch-Generation");
    assert_string_equal(header_of(&response, "Vary"), "Origin");
    response = ask_with(&settings, "GET", "/v1/decide", "count=0", headers);
    assert_int_equal(response.status, 400);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "https://a.example");
}

static void another_origin_may_not_ask(void **state) {
    (void)state;
    const char *const origins[] = {"https://a.example", NULL};
    const struct am_api_http_settings settings = {.origins = origins};
    const char *const asking[] = {"https://a.example.evil.example", "http://a.example", "null", ""};
    for (size_t i = 0; i < AM_COUNT_OF(asking); i++) {
        const char *const headers[] = {"Origin", asking[i], NULL};
        struct am_api_http_response response =
            ask_with(&settings, "OPTIONS", "/v1/decide", "", headers);
        assert_int_equal(response.status, 204);
        assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "");
        assert_string_equal(header_of(&response, "Vary"), "Origin");
    }
}

static void any_origin_may_ask_for_decisions_only(void **state) {
    (void)state;
    const char *const origins[] = {"*", NULL};
    const struct am_api_http_settings settings = {.origins = origins, .metrics = write_metrics};
    const char *const headers[] = {"Origin", "null", NULL};
    struct am_api_http_response response = ask_with(&settings, "GET", "/v1/decide", "", headers);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(header_of(&response, "Vary"), "");
    response = ask_with(&settings, "GET", "/metrics", "", headers);
    assert_string_equal(header_of(&response, "Access-Control-Allow-Origin"), "");
    am_api_http_response_free(&response);
    assert_int_equal(ask_with(&settings, "OPTIONS", "/healthz", "", headers).status, 405);
}

/* ---- packed answers ---------------------------------------------------------------------------
 */

static char unpacked[1 << 20];

static struct am_view unpack(struct am_view packed) {
    z_stream stream = {.next_in = (z_const Bytef *)packed.data, .avail_in = (uInt)packed.size};
    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    stream.next_out = (Bytef *)unpacked;
    stream.avail_out = sizeof unpacked;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    struct am_view result = {unpacked, stream.total_out};
    inflateEnd(&stream);
    return result;
}

static void long_answers_are_packed_for_who_takes_it(void **state) {
    (void)state;
    static char plain[1 << 20];
    const char *const headers[] = {"Accept-Encoding", "br, gzip", NULL};
    const struct am_api_http_settings settings = {.gzip = 500};
    for (unsigned count = 1; count <= 200; count += count < 8 ? 1 : 37) {
        char query[40];
        snprintf(query, sizeof query, "query=shoes&count=%u", count);
        struct am_api_http_response response =
            ask_with(&settings, "GET", "/v1/decide", query, no_headers);
        struct am_view expected = {memcpy(plain, response.body.data, response.body.size),
                                   response.body.size};
        bool is_long = expected.size > 500;
        assert_string_equal(header_of(&response, "Vary"), is_long ? "Accept-Encoding" : "");
        assert_string_equal(header_of(&response, "Content-Encoding"), "");
        response = ask_with(&settings, "GET", "/v1/decide", query, headers);
        assert_string_equal(header_of(&response, "Content-Encoding"), is_long ? "gzip" : "");
        if (!is_long)
            continue;
        assert_true(response.body.size < expected.size);
        assert_true(am_view_equal(unpack(response.body), expected));
    }
}

static void nothing_is_packed_unless_it_is_wanted(void **state) {
    (void)state;
    const char *const headers[] = {"Accept-Encoding", "gzip", NULL};
    const struct am_api_http_settings off = {0}, above = {.gzip = 1};
    struct am_api_http_response response =
        ask_with(&off, "GET", "/v1/decide", "query=shoes&count=200", headers);
    assert_string_equal(header_of(&response, "Content-Encoding"), "");
    response = ask_with(&above, "GET", "/healthz", "", headers); /* would become longer */
    assert_string_equal(header_of(&response, "Content-Encoding"), "");
    assert_true(am_view_equal(response.body, AM_VIEW("{\"ok\":true}")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_item_by_item),
        cmocka_unit_test(accepted_codings_have_weights),
        cmocka_unit_test(parameters_are_found),
        cmocka_unit_test(origins_are_schemes_and_hosts),
        cmocka_unit_test(a_slash_at_the_end_of_a_path_changes_nothing),
        cmocka_unit_test(each_answer_says_how_long_it_holds),
        cmocka_unit_test(text_in_an_unknown_charset_is_refused),
        cmocka_unit_test(without_origins_no_script_may_ask),
        cmocka_unit_test(a_listed_origin_may_ask),
        cmocka_unit_test(another_origin_may_not_ask),
        cmocka_unit_test(any_origin_may_ask_for_decisions_only),
        cmocka_unit_test(long_answers_are_packed_for_who_takes_it),
        cmocka_unit_test(nothing_is_packed_unless_it_is_wanted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
