/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals: read and written exactly, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/base/decimal.h"
#include "xorshift.h"

static int64_t parsed(const char *text, unsigned places) {
    int64_t value = -77;
    struct am_error error = {0};
    assert_int_equal(am_decimal_parse(am_view_of(text), places, &value, &error), AM_OK);
    assert_int_equal(error.message[0], 0);
    return value;
}

static struct am_error refused(const char *text, unsigned places, enum am_code code) {
    int64_t value = -77;
    struct am_error error = {0};
    assert_int_equal(am_decimal_parse(am_view_of(text), places, &value, &error), code);
    assert_int_equal(error.code, code);
    assert_int_equal(value, -77);
    return error;
}

static void numbers_are_counted_in_the_last_place(void **state) {
    (void)state;
    assert_int_equal(parsed("1.25", 6), 1250000);
    assert_int_equal(parsed("0", 6), 0);
    assert_int_equal(parsed("-0", 6), 0);
    assert_int_equal(parsed("-0.5", 3), -500);
    assert_int_equal(parsed("7", 0), 7);
    assert_int_equal(parsed("0.000001", 6), 1);
    assert_int_equal(parsed("100000", 2), 10000000);
    assert_int_equal(parsed("10.01001", 6), 10010010);
}

static void exponents_move_the_point(void **state) {
    (void)state;
    assert_int_equal(parsed("1e3", 6), 1000000000);
    assert_int_equal(parsed("1E+3", 0), 1000);
    assert_int_equal(parsed("125e-2", 6), 1250000);
    assert_int_equal(parsed("0.00125E3", 6), 1250000);
    assert_int_equal(parsed("1000000000000000000000e-21", 6), 1000000);
    assert_int_equal(parsed("0.000000000000000000001e21", 6), 1000000);
    assert_int_equal(parsed("0e99999999999999999999", 6), 0);
    assert_int_equal(parsed("0.0e-99999999999999999999", 6), 0);
}

static void needless_zeros_do_not_count_as_decimals(void **state) {
    (void)state;
    assert_int_equal(parsed("1.250000000000000000000000000000", 6), 1250000);
    assert_int_equal(parsed("1.0", 0), 1);
}

static void too_many_decimals_are_refused(void **state) {
    (void)state;
    struct am_error error = refused("1.2345678", 6, AM_E_INVALID);
    assert_string_equal(error.message,
                        "expected a number with at most 6 decimals, found 1.2345678");
    refused("0.5", 0, AM_E_INVALID);
    refused("1e-7", 6, AM_E_INVALID);
    refused("1e-99999999999999999999", 6, AM_E_INVALID);
    refused("0.1234567890123456789012345678901234567890", 6, AM_E_INVALID);
}

static void numbers_beyond_64_bits_are_refused(void **state) {
    (void)state;
    assert_true(parsed("9223372036854775807", 0) == INT64_MAX);
    assert_true(parsed("-9223372036854775808", 0) == INT64_MIN);
    assert_true(parsed("9223372036854.775807", 6) == INT64_MAX);
    assert_true(parsed("1e18", 0) == INT64_C(1000000000000000000));
    refused("9223372036854775808", 0, AM_E_LIMIT);
    refused("-9223372036854775809", 0, AM_E_LIMIT);
    refused("9223372036854.775808", 6, AM_E_LIMIT);
    refused("1e19", 0, AM_E_LIMIT);
    refused("1e13", 6, AM_E_LIMIT);
    refused("18446744073709551617", 0, AM_E_LIMIT);
    refused("100000000000000000000000000000000001", 0, AM_E_LIMIT);
    refused("1e99999999999999999999", 6, AM_E_LIMIT);
}

static void a_long_number_is_cut_in_the_message(void **state) {
    (void)state;
    char text[400];
    memset(text, '7', sizeof text);
    text[sizeof text - 1] = '\0';
    struct am_error error = refused(text, 6, AM_E_LIMIT);
    assert_non_null(strstr(error.message, "777... is too large"));
    assert_true(strlen(error.message) < 200);
}

static void assert_written(int64_t value, unsigned places, const char *wanted) {
    char text[AM_DECIMAL_TEXT_SIZE];
    size_t size = am_decimal_write(value, places, text);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(text, wanted, size);
}

static void values_are_written_without_needless_zeros(void **state) {
    (void)state;
    assert_written(1250000, 6, "1.25");
    assert_written(3000000, 6, "3");
    assert_written(-500000, 6, "-0.5");
    assert_written(0, 6, "0");
    assert_written(0, 0, "0");
    assert_written(1, 6, "0.000001");
    assert_written(100, 0, "100");
    assert_written(1, 18, "0.000000000000000001");
    assert_written(INT64_MIN, 18, "-9.223372036854775808");
    assert_written(INT64_MIN, 0, "-9223372036854775808");
    assert_written(INT64_MAX, 6, "9223372036854.775807");
}

static void what_is_written_reads_back(void **state) {
    (void)state;
    uint64_t random = XORSHIFT64_SEED;
    for (int i = 0; i < 100000; i++) {
        xorshift64(&random);
        int64_t value = (int64_t)random >> (random % 60);
        unsigned places = (unsigned)(random >> 7) % 19;
        char text[AM_DECIMAL_TEXT_SIZE];
        struct am_view written = {text, am_decimal_write(value, places, text)};
        int64_t back = ~value;
        assert_int_equal(am_decimal_parse(written, places, &back, NULL), AM_OK);
        assert_true(back == value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_counted_in_the_last_place),
        cmocka_unit_test(exponents_move_the_point),
        cmocka_unit_test(needless_zeros_do_not_count_as_decimals),
        cmocka_unit_test(too_many_decimals_are_refused),
        cmocka_unit_test(numbers_beyond_64_bits_are_refused),
        cmocka_unit_test(a_long_number_is_cut_in_the_message),
        cmocka_unit_test(values_are_written_without_needless_zeros),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
