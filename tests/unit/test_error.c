/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: a code, a message for people, a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "../../plugin/base/bytes.h"
#include "../../plugin/base/error.h"

static void setting_an_error_returns_its_code(void **state) {
    (void)state;
    struct am_error error = {0};
    assert_int_equal(am_error_set(&error, AM_E_LIMIT, "%d of %s", 3, "them"), AM_E_LIMIT);
    assert_int_equal(error.code, AM_E_LIMIT);
    assert_string_equal(error.message, "3 of them");
    assert_string_equal(error.where, "");
}

static void no_error_to_fill_is_fine(void **state) {
    (void)state;
    assert_int_equal(am_error_set(NULL, AM_E_IO, "x"), AM_E_IO);
    assert_int_equal(am_error_set_errno(NULL, AM_E_IO, "x"), AM_E_IO);
    am_error_at(NULL, "x");
}

static void a_new_error_empties_the_place(void **state) {
    (void)state;
    struct am_error error = {0};
    am_error_set(&error, AM_E_SYNTAX, "first");
    am_error_at(&error, "$.slots[%d]", 2);
    assert_string_equal(error.where, "$.slots[2]");
    am_error_set(&error, AM_E_SYNTAX, "second");
    assert_string_equal(error.where, "");
}

static void errno_is_told_and_kept(void **state) {
    (void)state;
    struct am_error error = {0};
    errno = ENOENT;
    assert_int_equal(am_error_set_errno(&error, AM_E_IO, "cannot open %s", "x"), AM_E_IO);
    assert_string_equal(error.message, "cannot open x: No such file or directory");
    assert_int_equal(errno, ENOENT);
}

/* The last character of a message that fills its room is whole or gone. */
static void assert_cut(const char *character, size_t before, size_t kept) {
    char text[2 * AM_ERROR_MESSAGE_SIZE + 8];
    memset(text, 'a', before);
    strcpy(text + before, character);
    memset(text + before + strlen(character), 'b', AM_ERROR_MESSAGE_SIZE);
    text[before + strlen(character) + AM_ERROR_MESSAGE_SIZE] = '\0';
    struct am_error error;
    am_error_set(&error, AM_E_SYNTAX, "%s", text);
    assert_int_equal(strlen(error.message), kept);
    assert_memory_equal(error.message, text, kept);
}

static void long_messages_are_cut_between_characters(void **state) {
    (void)state;
    const size_t most = AM_ERROR_MESSAGE_SIZE - 1;
    for (size_t inside = 1; inside <= 4; inside++) {
        assert_cut("\xf0\x9f\x98\x80", most - inside, inside == 4 ? most : most - inside);
        if (inside <= 3)
            assert_cut("\xe6\x97\xa5", most - inside, inside == 3 ? most : most - inside);
        if (inside <= 2)
            assert_cut("\xc3\xa9", most - inside, inside == 2 ? most : most - inside);
    }
    assert_cut("a", most, most);
}

static void long_places_are_cut_between_characters(void **state) {
    (void)state;
    char text[AM_ERROR_WHERE_SIZE + 8];
    memset(text, 'a', sizeof text);
    strcpy(text + AM_ERROR_WHERE_SIZE - 2, "\xc3\xa9xx");
    struct am_error error;
    am_error_at(&error, "%s", text);
    assert_int_equal(strlen(error.where), AM_ERROR_WHERE_SIZE - 2);
}

static void no_control_character_stands_in_a_message(void **state) {
    (void)state;
    struct am_error error = {0};
    am_error_set(&error, AM_E_INVALID, "found \"%s\"", "a\nb\x1b[2J\x7f\xc2\x9b\xc2\xa0\xc3\x9f");
    assert_string_equal(error.message, "found \"a?b?[2J??\xc2\xa0\xc3\x9f\"");
    am_error_at(&error, "$.%s", "a\tb");
    assert_string_equal(error.where, "$.a?b");
}

static void nothing_in_a_message_breaks_lines_or_turns_them_round(void **state) {
    (void)state;
    static const char *const steering[] = {
        "\xe2\x80\xa8",     /* U+2028 LINE SEPARATOR */
        "\xe2\x80\xa9",     /* U+2029 PARAGRAPH SEPARATOR */
        "\xe2\x80\xae",     /* U+202E RIGHT-TO-LEFT OVERRIDE */
        "\xe2\x81\xa6",     /* U+2066 LEFT-TO-RIGHT ISOLATE */
        "\xe2\x80\x8b",     /* U+200B ZERO WIDTH SPACE */
        "\xe2\x80\x8f",     /* U+200F RIGHT-TO-LEFT MARK */
        "\xd8\x9c",         /* U+061C ARABIC LETTER MARK */
        "\xef\xbb\xbf",     /* U+FEFF ZERO WIDTH NO-BREAK SPACE */
        "\xf3\xa0\x81\x81", /* U+E0041 TAG LATIN CAPITAL LETTER A */
        "\x9b",             /* CSI of a terminal that knows no UTF-8 */
        "\xc0",             /* no UTF-8 at all */
        "\xe2\x80",         /* the beginning of a character */
    };
    struct am_error error = {0};
    for (size_t i = 0; i < AM_COUNT_OF(steering); i++) {
        am_error_set(&error, AM_E_INVALID, "a%sb", steering[i]);
        assert_string_equal(error.message, "a?b");
    }
    /* Persian and emoji need the joiners. */
    am_error_set(&error, AM_E_INVALID,
                 "a\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\xa7"
                 "b");
    assert_string_equal(error.message, "a\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\xa7"
                                       "b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_its_code),
        cmocka_unit_test(no_error_to_fill_is_fine),
        cmocka_unit_test(a_new_error_empties_the_place),
        cmocka_unit_test(errno_is_told_and_kept),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(long_places_are_cut_between_characters),
        cmocka_unit_test(no_control_character_stands_in_a_message),
        cmocka_unit_test(nothing_in_a_message_breaks_lines_or_turns_them_round),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
