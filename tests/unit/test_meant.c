/* SPDX-License-Identifier: Apache-2.0 */
/* What people write for values that are written otherwise, and in which language they write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/inventory/guess.h"
#include "../../plugin/inventory/inventory.h"
#include "../../plugin/inventory/meant.h"

/* "": not understood. */
static void check_view(struct am_view meant, const char *wanted) {
    assert_true(am_view_equal(meant, am_view_of(wanted)));
}

static void hours_are_understood_in_words(void **state) {
    (void)state;
    static const struct {
        const char *text, *meant;
    } hours[] = {
        {"9h-18h", "mon-sun 09:00-18:00"},
        {"9h30 - 18h", "mon-sun 09:30-18:00"},
        {"9 h – 18 h", "mon-sun 09:00-18:00"},
        {"9 Uhr bis 18 Uhr", "mon-sun 09:00-18:00"},
        {"Monday–Friday 9am to 6pm", "mon-fri 09:00-18:00"},
        {"weekends 10.15-22:00", "sat-sun 10:15-22:00"},
        {"Tue 08:00-09:00", "tue 08:00-09:00"},
        {"12am-12pm", "mon-sun 00:00-12:00"},
        {"9:-18:", ""},
        {"9h60-18h", ""},
        {"25h-26h", ""},
        {"9", ""},
        {"9-", ""},
        {"", ""},
    };
    for (size_t i = 0; i < AM_COUNT_OF(hours); i++) {
        char memory[AM_MEANT_SIZE];
        check_view(am_inventory_meant_hours(am_view_of(hours[i].text), memory), hours[i].meant);
    }
}

static void sizes_are_understood_with_other_signs(void **state) {
    (void)state;
    static const struct {
        const char *text, *meant;
    } sizes[] = {{"300 × 250", "300x250"},
                 {"300*250", "300x250"},
                 {"300px by 250px", "300x250"},
                 {"300", ""},
                 {"300x", ""},
                 {"x250", ""},
                 {"300x250x1", ""},
                 {"", ""}};
    for (size_t i = 0; i < AM_COUNT_OF(sizes); i++) {
        char memory[AM_MEANT_SIZE];
        check_view(am_inventory_meant_size(am_view_of(sizes[i].text), memory), sizes[i].meant);
    }
}

static void languages_and_currencies_have_other_names(void **state) {
    (void)state;
    char memory[AM_MEANT_CURRENCY];
    assert_string_equal(am_inventory_meant_language(AM_VIEW("DEUTSCH")), "de");
    assert_string_equal(am_inventory_meant_language(AM_VIEW("中文")), "zh");
    assert_null(am_inventory_meant_language(AM_VIEW("Klingon")));
    assert_null(am_inventory_meant_language(AM_VIEW("")));
    check_view(am_inventory_meant_currency(AM_VIEW("Euro"), memory), "EUR");
    check_view(am_inventory_meant_currency(AM_VIEW("usd"), memory), "USD");
    check_view(am_inventory_meant_currency(AM_VIEW("us"), memory), "");
    check_view(am_inventory_meant_currency(AM_VIEW("1$2"), memory), "");
}

static void members_belong_somewhere(void **state) {
    (void)state;
    assert_string_equal(am_inventory_meant_member(AM_OBJECT_AD, AM_VIEW("max_cpc")),
                        ", did you mean \"bid\"?");
    assert_string_equal(am_inventory_meant_member(AM_OBJECT_CAMPAIGN, AM_VIEW("bid")),
                        ", it belongs to the campaign's ads");
    assert_null(am_inventory_meant_member(AM_OBJECT_AD, AM_VIEW("nothing")));
    assert_null(am_inventory_meant_member(AM_OBJECT_AD, AM_VIEW("country|countries")));
}

static void errors_of_spreadsheets_are_known(void **state) {
    (void)state;
    static const char *const errors[] = {"#N/A", "#REF!", "#NAME?", "#NUM!", "#WERT!", "#ref!"};
    static const char *const words[] = {"#", "#ref", "N/A", "#N/A shoes", "#metoo", "", "|"};
    for (size_t i = 0; i < AM_COUNT_OF(errors); i++)
        assert_true(am_inventory_is_spreadsheet_error(am_view_of(errors[i])));
    for (size_t i = 0; i < AM_COUNT_OF(words); i++)
        assert_false(am_inventory_is_spreadsheet_error(am_view_of(words[i])));
}

/* ---- languages by what is written ---- */

enum { KEYWORDS = 4 };

static void check_guess(const char *const texts[KEYWORDS], const char *wanted) {
    struct am_inventory_keyword keywords[KEYWORDS];
    struct am_inventory_ad ad = {.keywords = keywords, .keyword_count = KEYWORDS};
    struct am_vector ads = AM_VECTOR_OF(struct am_inventory_ad);
    uint32_t count;
    for (size_t i = 0; i < KEYWORDS; i++)
        keywords[i] =
            (struct am_inventory_keyword){.text = am_view_of(texts[i]), .match = AM_MATCH_BROAD};
    assert_true(am_vector_push(&ads, &ad));
    const char *guess = am_inventory_guess_language(&ads, &count);
    if (wanted)
        assert_string_equal(guess, wanted);
    else
        assert_null(guess);
    am_vector_free(&ads);
}

static void languages_are_guessed_by_their_words(void **state) {
    (void)state;
    check_guess((const char *const[]){"shoes for men", "buy boots", "cheap hats", "x"}, "en");
    check_guess((const char *const[]){"schuhe kaufen", "für damen", "günstige hüte", "x"}, "de");
    check_guess((const char *const[]){"buty dla dzieci", "tanie buty", "sklep z butami", "x"},
                "pl");
    check_guess((const char *const[]){"nike", "adidas", "puma", "asics"}, NULL);
    check_guess((const char *const[]){"παπούτσια", "μπότες", "καπέλα", "x"}, "el");
    check_guess((const char *const[]){"신발", "부츠", "모자", "x"}, "ko");
}

static void a_script_of_several_languages_shows_none(void **state) {
    (void)state;
    check_guess((const char *const[]){"купить обувь", "сапоги женские", "тёплые ботинки", "x"},
                "ru");
    check_guess((const char *const[]){"купити взуття", "дитячі черевики", "жіночі чоботи",
                                      "зимові кросівки"},
                NULL);
    check_guess((const char *const[]){"мода", "панама", "карта", "лампа"}, NULL);
    check_guess((const char *const[]){"ботинки", "јакна", "љубичаста", "ћебе"}, NULL);
    check_guess((const char *const[]){"أحذية رياضية", "شراء حقيبة", "ساعة يد", "x"}, "ar");
    check_guess((const char *const[]){"خرید کفش", "کفش ورزشی", "کیف چرمی", "ساعت مچی"}, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_understood_in_words),
        cmocka_unit_test(sizes_are_understood_with_other_signs),
        cmocka_unit_test(languages_and_currencies_have_other_names),
        cmocka_unit_test(members_belong_somewhere),
        cmocka_unit_test(errors_of_spreadsheets_are_known),
        cmocka_unit_test(languages_are_guessed_by_their_words),
        cmocka_unit_test(a_script_of_several_languages_shows_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
