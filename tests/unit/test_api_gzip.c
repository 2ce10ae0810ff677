/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking request bodies: whole ones only, and never more than the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../plugin/api/gzip.h"
#include "xorshift.h"

enum { LIMIT = 1 << 20 };

struct fixture {
    struct am_api_gzip gzip;
    char *memory;
    char *unpacked;
    size_t size;
    struct am_error error;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->memory = malloc(AM_GZIP_MEMORY_SIZE);
    fixture->unpacked = malloc(LIMIT + 1);
    assert_true(fixture->memory && fixture->unpacked);
    assert_int_equal(am_api_gzip_start(&fixture->gzip, fixture->memory, &fixture->error), AM_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    free(fixture->memory);
    free(fixture->unpacked);
    free(fixture);
    return 0;
}

static char packed[LIMIT + 4096];

/* window_bits: 15 zlib's own format, + 16 gzip. */
static struct am_view pack(const char *text, size_t size, int window_bits) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (z_const Bytef *)text;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = sizeof packed;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    struct am_view result = {packed, stream.total_out};
    deflateEnd(&stream);
    return result;
}

static enum am_code unpack(struct fixture *fixture, struct am_view body, size_t limit) {
    fixture->error = (struct am_error){0};
    return am_api_gzip_unpack(&fixture->gzip, body, fixture->unpacked, limit, &fixture->size,
                              &fixture->error);
}

static void fill_with_noise(char *text, size_t size) {
    uint32_t random = XORSHIFT32_SEED;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(xorshift32(&random) >> 8);
}

static void what_was_packed_comes_back_again_and_again(void **state) {
    struct fixture *fixture = *state;
    static char text[200000];
    static const size_t sizes[] = {0, 1, 5, 70000, 200000, 3};
    fill_with_noise(text, sizeof text);
    for (size_t i = 0; i < AM_COUNT_OF(sizes); i++) {
        struct am_view body = pack(text, sizes[i], 15 + 16);
        assert_int_equal(unpack(fixture, body, LIMIT), AM_OK);
        assert_int_equal(fixture->size, sizes[i]);
        assert_memory_equal(fixture->unpacked, text, sizes[i]);
    }
}

static void a_body_that_ends_too_early_is_refused_wherever_it_ends(void **state) {
    struct fixture *fixture = *state;
    struct am_view body = pack("some words, some more words", 27, 15 + 16);
    for (size_t size = 0; size < body.size; size++) {
        assert_int_equal(unpack(fixture, (struct am_view){body.data, size}, LIMIT), AM_E_SYNTAX);
        assert_string_equal(fixture->error.message, "the gzip body ends too early");
    }
    assert_int_equal(unpack(fixture, body, LIMIT), AM_OK);
}

static void bytes_after_the_end_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct am_view body = pack("words", 5, 15 + 16);
    packed[body.size] = '!';
    body.size++;
    assert_int_equal(unpack(fixture, body, LIMIT), AM_E_SYNTAX);
    assert_string_equal(fixture->error.message,
                        "expected one gzip member, found 1 bytes after its end");
}

static void what_is_not_gzip_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(unpack(fixture, AM_VIEW("{\"query\":\"x\"}"), LIMIT), AM_E_SYNTAX);
    assert_string_equal(fixture->error.message, "expected a gzip body: incorrect header check");
    assert_int_equal(unpack(fixture, pack("words", 5, 15), LIMIT), AM_E_SYNTAX);
}

static void damage_is_found(void **state) {
    struct fixture *fixture = *state;
    struct am_view body = pack("some words, some more words", 27, 15 + 16);
    packed[body.size - 6] ^= 1; /* in the checksum */
    assert_int_equal(unpack(fixture, body, LIMIT), AM_E_SYNTAX);
    assert_string_equal(fixture->error.message, "expected a gzip body: incorrect data check");
}

static void the_size_limit_is_exact(void **state) {
    struct fixture *fixture = *state;
    static char text[5000];
    fill_with_noise(text, sizeof text);
    struct am_view body = pack(text, sizeof text, 15 + 16);
    assert_int_equal(unpack(fixture, body, sizeof text), AM_OK);
    assert_int_equal(unpack(fixture, body, sizeof text - 1), AM_E_LIMIT);
    assert_string_equal(fixture->error.message, "the gzip body unpacks to more than 4999 bytes");
}

static void bombs_are_refused_beyond_64_kib(void **state) {
    struct fixture *fixture = *state;
    static char zeros[LIMIT];
    assert_int_equal(unpack(fixture, pack(zeros, AM_GZIP_FREE_SIZE, 15 + 16), LIMIT), AM_OK);
    assert_int_equal(unpack(fixture, pack(zeros, AM_GZIP_FREE_SIZE + 1, 15 + 16), LIMIT),
                     AM_E_LIMIT);
    assert_string_equal(fixture->error.message,
                        "the gzip body unpacks to more than 200 times its size");
    assert_int_equal(unpack(fixture, pack(zeros, sizeof zeros, 15 + 16), LIMIT), AM_E_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_was_packed_comes_back_again_and_again),
        TEST(a_body_that_ends_too_early_is_refused_wherever_it_ends),
        TEST(bytes_after_the_end_are_refused),
        TEST(what_is_not_gzip_is_refused),
        TEST(damage_is_found),
        TEST(the_size_limit_is_exact),
        TEST(bombs_are_refused_beyond_64_kib),
    };
    return cmocka_run_group_tests_name("gzip bodies", tests, NULL, NULL);
}
