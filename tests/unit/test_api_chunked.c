/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of chunked bodies against the grammar, in pieces; what it refuses; its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../fuzz/chunked_model.h"
#include "xorshift.h"

enum { LIMIT = 64 };

static enum am_api_chunked_end check(const char *text) {
    enum am_api_chunked_end end = chunked_model_check(am_view_of(text), LIMIT, 1);
    for (size_t piece = 2; piece < 12; piece++)
        assert_int_equal(chunked_model_check(am_view_of(text), LIMIT, piece), end);
    return end;
}

static void what_the_grammar_allows_is_read(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "0005\r\nhello\r\n00\r\n\r\n",
        "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "5;a=b\r\nhello\r\n0\r\n\r\n",
        "5;a\r\nhello\r\n0;b=\"c\"\r\n\r\n",
        "5 ;\ta = b ; c=\"d;\\\"\t\xFF\" ;e\r\nhello\r\n0\r\n\r\n",
        "2\r\n\r\n\r\n0\r\n\r\n",
        "0\r\nTrailer: a b\tc\r\nEmpty:\r\n\r\n",
        "0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++)
        assert_int_equal(check(texts[i]), AM_API_CHUNKED_WHOLE);
}

static void what_it_does_not_is_malformed(void **state) {
    (void)state;
    static const char *const texts[] = {
        "\r\n",
        "g\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\r\nhello\r\n",
        "5\rhello\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloo\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5;\r\nhello\r\n",
        "5;=b\r\nhello\r\n",
        "5;a=\r\nhello\r\n",
        "5;a=b \r\nhello\r\n",
        "5;a =\"b\" c\r\nhello\r\n",
        "5;a=\"b\r\n\"\r\nhello\r\n",
        "5;a=\"\\\r\n\"\r\nhello\r\n",
        "5,a\r\nhello\r\n",
        "10000000000000005\r\nhello\r\n",
        "0\r\n\rx",
        "0\r\n\nx",
        "0\r\n folded\r\n\r\n",
        "0\r\nA: b\r\n c\r\n\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\n: b\r\n\r\n",
        "0\r\nA: b\nB: c\r\n\r\n",
        "0\r\nA: \x01\r\n\r\n",
    };
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++)
        assert_int_equal(check(texts[i]), AM_API_CHUNKED_INVALID);
}

static void nothing_of_a_sound_body_is_too_little(void **state) {
    (void)state;
    static const char text[] = "5;a=\"b\\c\"\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (size_t size = 0; size + 1 < sizeof text; size++) {
        enum am_api_chunked_end end = chunked_model_check((struct am_view){text, size}, LIMIT, 3);
        assert_int_equal(end, AM_API_CHUNKED_MORE);
    }
}

/* Sound bodies, of which a byte here and there has become another one, and some are cut. */
static void random_bodies_are_read_as_the_grammar_does(void **state) {
    (void)state;
    static const char bytes[] = "05a;=\" \t\\:\r\n\r\n";
    uint32_t random = XORSHIFT32_SEED;
    unsigned ends[AM_API_CHUNKED_LARGE + 1] = {0};
    for (unsigned round = 0; round < 50000; round++) {
        char text[1024];
        size_t size = 0;
        for (unsigned chunks = xorshift32(&random) % 5; chunks; chunks--) {
            unsigned length = 1 + xorshift32(&random) % 30;
            static const char *const lines[] = {"%x\r\n", "%03X\r\n", "%x;a=b\r\n",
                                                "%x ; a = \"b\\\"\"\r\n"};
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     lines[xorshift32(&random) % 4], length);
            for (unsigned i = 0; i < length; i++)
                text[size++] = "\r\n0a"[xorshift32(&random) % 4];
            size += (size_t)snprintf(text + size, sizeof text - size, "\r\n");
        }
        size += (size_t)sprintf(
            text + size, "%s", xorshift32(&random) % 2 ? "0\r\n\r\n" : "00\r\nA: b\r\nC:\r\n\r\nX");
        for (unsigned changes = xorshift32(&random) % 3; changes; changes--)
            text[xorshift32(&random) % size] = bytes[xorshift32(&random) % (sizeof bytes - 1)];
        if (xorshift32(&random) % 4 == 0)
            size = xorshift32(&random) % size;
        ends[chunked_model_check((struct am_view){text, size}, LIMIT,
                                 1 + xorshift32(&random) % 40)]++;
    }
    for (unsigned end = 0; end < AM_COUNT_OF(ends); end++)
        assert_true(ends[end] > 1000);
}

static void a_chunk_beyond_the_limit_is_known_by_its_size(void **state) {
    (void)state;
    static const char text[] = "4\r\nabcd\r\n5\r\nefghi\r\n0\r\n\r\nGET";
    struct am_view bytes = AM_VIEW(text);
    struct am_api_chunked body = {0};
    char data[8];
    assert_int_equal(am_api_chunked_decode(&body, 8, &bytes, data), AM_API_CHUNKED_LARGE);
    assert_memory_equal(bytes.data, "efghi", 5);
    assert_int_equal(am_api_chunked_decode(&body, 9, &bytes, NULL), AM_API_CHUNKED_WHOLE);
    assert_int_equal(body.size, 9);
    assert_memory_equal(bytes.data, "GET", bytes.size);
    assert_memory_equal(data, "abcd", 4);
}

/* What decoding a text that repeats without end comes to, and after how many bytes. */
static enum am_api_chunked_end repeat(const char *first, const char *again, size_t *bytes) {
    struct am_api_chunked body = {0};
    struct am_view text = am_view_of(first);
    enum am_api_chunked_end end = AM_API_CHUNKED_MORE;
    while (end == AM_API_CHUNKED_MORE) {
        end = am_api_chunked_decode(&body, LIMIT, &text, NULL);
        if (text.size == 0)
            text = am_view_of(again);
    }
    *bytes = body.size + body.framing;
    return end;
}

static void lines_and_their_sum_are_bounded(void **state) {
    (void)state;
    const size_t most = LIMIT * AM_API_CHUNKED_TIMES + AM_API_CHUNKED_FREE;
    size_t bytes;
    assert_int_equal(repeat("0", "0", &bytes), AM_API_CHUNKED_INVALID);
    assert_int_equal(bytes, AM_API_CHUNKED_LINE + 1);
    assert_int_equal(repeat("5;a=\"", "b", &bytes), AM_API_CHUNKED_INVALID);
    assert_int_equal(repeat("0\r\nA: ", "b", &bytes), AM_API_CHUNKED_INVALID);
    assert_int_equal(repeat("0\r\n", "A: b\r\n", &bytes), AM_API_CHUNKED_LARGE);
    assert_int_equal(bytes, most + 1);
    assert_int_equal(repeat("", "1\r\na\r\n", &bytes), AM_API_CHUNKED_LARGE);
    assert_int_equal(bytes, LIMIT * 6 + 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_grammar_allows_is_read),
        cmocka_unit_test(what_it_does_not_is_malformed),
        cmocka_unit_test(nothing_of_a_sound_body_is_too_little),
        cmocka_unit_test(random_bodies_are_read_as_the_grammar_does),
        cmocka_unit_test(a_chunk_beyond_the_limit_is_known_by_its_size),
        cmocka_unit_test(lines_and_their_sum_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
