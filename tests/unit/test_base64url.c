/* SPDX-License-Identifier: Apache-2.0 */
/* base64url: the examples of RFC 4648, all lengths there and back, and what is no such text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../plugin/base/base64url.h"
#include "xorshift.h"

enum { MOST = 64 };

static void the_examples_of_the_rfc(void **state) {
    static const char *const pairs[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xBF", "-_-_"},
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(pairs); i++) {
        char text[16];
        size_t length =
            am_base64url_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), text);
        assert_int_equal(length, strlen(pairs[i][1]));
        assert_memory_equal(text, pairs[i][1], length);
    }
}

static void every_length_comes_back(void **state) {
    uint64_t seed = XORSHIFT64_SEED;
    uint8_t bytes[MOST], read[MOST];
    char text[2 * MOST];
    (void)state;
    for (size_t size = 1; size <= MOST; size++) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)xorshift64(&seed);
        size_t length = am_base64url_encode(bytes, size, text);
        assert_int_equal(length, (size * 4 + 2) / 3);
        assert_int_equal(am_base64url_decode((struct am_view){text, length}, read, MOST), size);
        assert_memory_equal(read, bytes, size);
        assert_int_equal(am_base64url_decode((struct am_view){text, length}, read, size - 1), 0);
    }
}

static void every_digit_has_its_value(void **state) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (void)state;
    for (unsigned value = 0; value < 64; value++) {
        uint8_t byte = (uint8_t)(value << 2);
        char text[2];
        assert_int_equal(am_base64url_encode(&byte, 1, text), 2);
        assert_int_equal(text[0], digits[value]);
    }
}

/* Lengths that no bytes have, characters that are no digits, and bits behind the last byte. */
static void what_is_no_such_text_is_refused(void **state) {
    static const char *const texts[] = {"Z", "Zm9vY", "Zm9=", "Zm 9", "Zm9+", "Zm9/", "Zh", "Zm9"};
    uint8_t bytes[MOST];
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++)
        assert_int_equal(am_base64url_decode(am_view_of(texts[i]), bytes, MOST), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(every_digit_has_its_value),
        cmocka_unit_test(what_is_no_such_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
