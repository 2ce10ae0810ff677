/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of creatives and landing pages, and the URLs that may be public. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/api/counting.h"
#include "../../plugin/model/macros.h"

static void every_macro_is_found_by_its_text(void **state) {
    (void)state;
    for (int macro = 0; macro < AM_MACROS; macro++) {
        struct am_view name = am_model_macro_text((enum am_model_macro)macro);
        bool creative = macro < AM_MACRO_KEYWORD;
        char text[64] = "{$ {x} ${";
        size_t before = strlen(text), at = 0;
        memcpy(text + before, name.data, name.size);
        struct am_view whole = {text, before + name.size}, cut = {text, before + name.size - 1};
        assert_int_equal(am_model_macro_find(whole, creative, &at), macro);
        assert_int_equal(at, before);
        at = 0;
        assert_int_equal(am_model_macro_find(cut, creative, &at), AM_MACROS);
        at = 0;
        assert_int_equal(am_model_macro_find(whole, !creative, &at), AM_MACROS);
    }
}

static void macros_are_found_one_after_the_other(void **state) {
    (void)state;
    struct am_view text = AM_VIEW("{ad}{{campaign}}{Ad}{click_id}");
    static const struct {
        enum am_model_macro macro;
        size_t at;
    } wanted[] = {{AM_MACRO_AD, 0}, {AM_MACRO_CAMPAIGN, 5}, {AM_MACRO_CLICK_ID, 20}};
    size_t at = 0;
    for (size_t i = 0; i < AM_COUNT_OF(wanted); i++) {
        assert_int_equal(am_model_macro_find(text, false, &at), wanted[i].macro);
        assert_int_equal(at, wanted[i].at);
        at += am_model_macro_text(wanted[i].macro).size;
    }
    assert_int_equal(am_model_macro_find(text, false, &at), AM_MACROS);
}

static void public_urls_stand_in_answers_as_they_are(void **state) {
    (void)state;
    static const char *const fine[] = {"https://ads.example", "http://127.0.0.1:8080",
                                       "http://[::1]:80", "https://a.example/b/c"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "ads.example",
                                      "ftp://a.example",
                                      "https://a.example/",
                                      "https://a.example?x",
                                      "https://a.example/#x",
                                      "https://a.example/\"x",
                                      "https://a.example/'x",
                                      "https://a.example/x y",
                                      "https://a.example/\\",
                                      "https://a.example/<",
                                      "https://a.example/\r\nX",
                                      "https://\xC3\xA9.example",
                                      "https://a.example/&"};
    for (size_t i = 0; i < AM_COUNT_OF(fine); i++)
        assert_true(am_api_public_url_fine(am_view_of(fine[i])));
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_false(am_api_public_url_fine(am_view_of(bad[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_macro_is_found_by_its_text),
        cmocka_unit_test(macros_are_found_one_after_the_other),
        cmocka_unit_test(public_urls_stand_in_answers_as_they_are),
    };
    return cmocka_run_group_tests_name("macros", tests, NULL, NULL);
}
