/* SPDX-License-Identifier: Apache-2.0 */
/* The output buffer: what fits is written, what does not is remembered; JSON strings are always
 * valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../plugin/base/buffer.h"
#include "xorshift.h"

static void assert_text(const struct am_buffer *buffer, const char *wanted) {
    assert_false(buffer->overflowed);
    assert_int_equal(buffer->size, strlen(wanted));
    assert_memory_equal(buffer->data, wanted, buffer->size);
}

static void assert_json(struct am_view text, const char *wanted) {
    char memory[4096];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_json_string(&buffer, text);
    assert_text(&buffer, wanted);
}

static void unsigned_numbers_are_written_in_full(void **state) {
    (void)state;
    char memory[64];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_unsigned(&buffer, 0);
    am_buffer_literal(&buffer, " ");
    am_buffer_unsigned(&buffer, 1090);
    am_buffer_literal(&buffer, " ");
    am_buffer_unsigned(&buffer, UINT64_MAX);
    assert_text(&buffer, "0 1090 18446744073709551615");
}

static void decimals_are_written_as_decimals(void **state) {
    (void)state;
    char memory[64];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_decimal(&buffer, -1250000, 6);
    assert_text(&buffer, "-1.25");
}

static void overflow_is_remembered_and_nothing_is_written_past_the_end(void **state) {
    (void)state;
    char memory[9] = "........";
    struct am_buffer buffer = am_buffer_over(memory, 4);
    am_buffer_literal(&buffer, "abcd");
    assert_text(&buffer, "abcd");
    am_buffer_literal(&buffer, "e");
    assert_true(buffer.overflowed);
    assert_int_equal(buffer.size, 4);
    am_buffer_unsigned(&buffer, 12);
    am_buffer_json_string(&buffer, AM_VIEW("quoted \" \xff text that is long enough"));
    assert_string_equal(memory, "abcd....");
}

static void every_size_of_a_string_overflows_cleanly(void **state) {
    (void)state;
    struct am_view text =
        AM_VIEW("plain \"quoted\" \x01 caf\xc3\xa9 \xff and \xf0\x9f\x98\x80 plain again");
    char whole[256];
    struct am_buffer all = am_buffer_over(whole, sizeof whole);
    am_buffer_json_string(&all, text);
    assert_false(all.overflowed);
    for (size_t capacity = 0; capacity < all.size; capacity++) {
        char memory[256];
        memset(memory, 'x', sizeof memory);
        struct am_buffer buffer = am_buffer_over(memory, capacity);
        am_buffer_json_string(&buffer, text);
        assert_true(buffer.overflowed);
        for (size_t i = capacity; i < sizeof memory; i++)
            assert_int_equal(memory[i], 'x');
    }
}

static void an_empty_view_adds_nothing(void **state) {
    (void)state;
    char memory[4];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_view_append(&buffer, (struct am_view){NULL, 0});
    assert_text(&buffer, "");
    assert_json((struct am_view){NULL, 0}, "\"\"");
}

static void strings_are_escaped_as_json_wants_it(void **state) {
    (void)state;
    assert_json(AM_VIEW("a/b"), "\"a/b\"");
    assert_json(AM_VIEW("\"\\"), "\"\\\"\\\\\"");
    assert_json(AM_VIEW("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"");
    assert_json(AM_VIEW("\0\x01\x0b\x1f\x7f"), "\"\\u0000\\u0001\\u000b\\u001f\\u007f\"");
    assert_json(AM_VIEW("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80"),
                "\"gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80\"");
}

#define REPLACED "\xef\xbf\xbd"

static void ill_formed_bytes_become_one_replacement_for_each_maximal_part(void **state) {
    (void)state;
    assert_json(AM_VIEW("\xff"), "\"" REPLACED "\"");
    assert_json(AM_VIEW("a\x80z"), "\"a" REPLACED "z\"");
    assert_json(AM_VIEW("\xc3"), "\"" REPLACED "\"");
    assert_json(AM_VIEW("\xc2\0"), "\"" REPLACED "\\u0000\"");
    assert_json(AM_VIEW("\xc0\xaf"), "\"" REPLACED REPLACED "\"");
    assert_json(AM_VIEW("\xe2\x82"), "\"" REPLACED "\"");
    assert_json(AM_VIEW("\xe2\x82z"), "\"" REPLACED "z\"");
    assert_json(AM_VIEW("\xe0\x80\x80"), "\"" REPLACED REPLACED REPLACED "\"");
    assert_json(AM_VIEW("\xed\xa0\x80"), "\"" REPLACED REPLACED REPLACED "\"");
    assert_json(AM_VIEW("\xf0\x9f\x98"), "\"" REPLACED "\"");
    assert_json(AM_VIEW("\xf0\x9f\x98\xc3\xa9"), "\"" REPLACED "\xc3\xa9\"");
    assert_json(AM_VIEW("\xf4\x90\x80\x80"), "\"" REPLACED REPLACED REPLACED REPLACED "\"");
    assert_json(AM_VIEW("\xc3\xa9\xff\xc3\xa9"), "\"\xc3\xa9" REPLACED "\xc3\xa9\"");
}

/* Any bytes must come out as JSON that another reader accepts, at every alignment of the fast path.
 */
static void any_bytes_become_a_string_that_jansson_reads(void **state) {
    (void)state;
    static const unsigned char alphabet[] =
        "abcdefghijklmnop\"\\\n\x7f\x80\xbf\xc3\xe2\xed\xf0\xf4\xff ";
    uint32_t random = XORSHIFT32_SEED;
    for (int i = 0; i < 100000; i++) {
        char text[80], memory[800];
        size_t size = 0, wanted = random % sizeof text;
        while (size < wanted) {
            text[size++] =
                (char)alphabet[xorshift32(&random) % (sizeof alphabet - (i & 1 ? 1 : 13))];
        }
        struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
        am_buffer_json_string(&buffer, (struct am_view){text, size});
        assert_false(buffer.overflowed);
        json_t *value =
            json_loadb(buffer.data, buffer.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        if (!(i & 1)) { /* nothing ill-formed: the very bytes */
            assert_int_equal(json_string_length(value), size);
            assert_memory_equal(json_string_value(value), text, size);
        }
        json_decref(value);
    }
}

static void texts_are_percent_encoded_byte_by_byte(void **state) {
    (void)state;
    char memory[3 * 256], all[256], wanted[3 * 256 + 1];
    size_t size = 0;
    for (int byte = 0; byte < 256; byte++) {
        all[byte] = (char)byte;
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') || (byte && strchr("-._~", byte));
        size += (size_t)sprintf(wanted + size, plain ? "%c" : "%%%02X", byte);
    }
    for (size_t count = 0; count <= sizeof all; count++) {
        struct am_view text = {all, count};
        struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
        am_buffer_percent(&buffer, text);
        assert_false(buffer.overflowed);
        assert_int_equal(buffer.size, am_buffer_percent_size(text));
        assert_memory_equal(buffer.data, wanted, buffer.size);
    }
    assert_int_equal(am_buffer_percent_size((struct am_view){all, sizeof all}), size);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_numbers_are_written_in_full),
        cmocka_unit_test(decimals_are_written_as_decimals),
        cmocka_unit_test(overflow_is_remembered_and_nothing_is_written_past_the_end),
        cmocka_unit_test(every_size_of_a_string_overflows_cleanly),
        cmocka_unit_test(an_empty_view_adds_nothing),
        cmocka_unit_test(strings_are_escaped_as_json_wants_it),
        cmocka_unit_test(ill_formed_bytes_become_one_replacement_for_each_maximal_part),
        cmocka_unit_test(any_bytes_become_a_string_that_jansson_reads),
        cmocka_unit_test(texts_are_percent_encoded_byte_by_byte),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
