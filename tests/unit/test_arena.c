/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: aligned, separate, freed as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/base/arena.h"

static void pieces_are_aligned_and_do_not_overlap(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    enum { PIECES = 5000 };
    static unsigned char *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = am_arena_take(&arena, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j <= i; j += 97)
            assert_int_equal(pieces[i][j], i % 251);
    am_arena_free(&arena);
}

static void a_piece_may_be_larger_than_a_chunk(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    char *small = am_arena_take(&arena, 8);
    char *large = am_arena_take(&arena, 5 << 20);
    char *after = am_arena_take(&arena, 8);
    assert_true(small && large && after);
    memset(small, 1, 8);
    memset(large, 2, 5 << 20);
    memset(after, 3, 8);
    assert_int_equal(small[7], 1);
    assert_int_equal(large[0], 2);
    assert_int_equal(large[(5 << 20) - 1], 2);
    am_arena_free(&arena);
}

static void copies_hold_the_bytes(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    char source[] = "one\0two";
    struct am_view copy = am_arena_copy(&arena, (struct am_view){source, sizeof source});
    memset(source, 'x', sizeof source);
    assert_int_equal(copy.size, 8);
    assert_memory_equal(copy.data, "one\0two", 8);
    am_arena_free(&arena);
}

static void an_empty_copy_is_no_failure(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    struct am_view copy = am_arena_copy(&arena, (struct am_view){NULL, 0});
    assert_non_null(copy.data);
    assert_int_equal(copy.size, 0);
    am_arena_free(&arena);
}

static void a_size_that_no_memory_has_is_refused(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    assert_non_null(am_arena_take(&arena, 16));
    /* Through a volatile, so that the compiler does not judge the size. */
    volatile size_t sizes[] = {SIZE_MAX, SIZE_MAX - 8};
    for (size_t i = 0; i < AM_COUNT_OF(sizes); i++)
        assert_null(am_arena_take(&arena, sizes[i]));
    assert_null(am_arena_copy(&arena, (struct am_view){"x", sizes[1]}).data);
    assert_non_null(am_arena_take(&arena, 16));
    am_arena_free(&arena);
}

static void a_freed_arena_is_empty_and_usable(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    am_arena_free(&arena);
    assert_non_null(am_arena_take(&arena, 3 << 20));
    assert_non_null(am_arena_take(&arena, 1));
    am_arena_free(&arena);
    assert_null(arena.chunk);
    assert_int_equal(arena.used, 0);
    assert_non_null(am_arena_take(&arena, 1));
    am_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(a_piece_may_be_larger_than_a_chunk),
        cmocka_unit_test(copies_hold_the_bytes),
        cmocka_unit_test(an_empty_copy_is_no_failure),
        cmocka_unit_test(a_size_that_no_memory_has_is_refused),
        cmocka_unit_test(a_freed_arena_is_empty_and_usable),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
