/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: whether AddressSanitizer sees a step out of what is in use. It ends the process
 * that takes one, so a child does. */
#ifndef TESTS_OVERREAD_H
#define TESTS_OVERREAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/base/poison.h"

/* Addresses are all that these reports are read for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "symbolize=0";
}

typedef void overread_step(void *argument);

/* What a child that takes the step reports; "" when nothing stops it. */
static inline const char *overread_report(overread_step *step, void *argument) {
    static char report[4096];
    size_t size = 0;
    ssize_t got;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        step(argument);
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], report + size, sizeof report - 1 - size)) > 0)
        size += (size_t)got;
    report[size] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return report;
}

static inline void overread_byte(void *at) {
    (void)*(const volatile char *)at;
}

static inline void assert_seen(overread_step *step, void *argument) {
    assert_non_null(strstr(overread_report(step, argument), "AddressSanitizer: use-after-poison"));
}

/* The byte at `end` must not be read, the one before it may. */
static inline void assert_ends_at(const void *end) {
    char *at = (char *)(uintptr_t)end;
    overread_byte(at - 1);
    assert_seen(overread_byte, at);
}

/* The byte at `begin` may be read, the one before it must not. */
static inline void assert_begins_at(const void *begin) {
    char *at = (char *)(uintptr_t)begin;
    overread_byte(at);
    assert_seen(overread_byte, at - 1);
}

/* Nothing there may be read. */
static inline void assert_closed(const void *memory) {
    assert_seen(overread_byte, (char *)(uintptr_t)memory);
}

/* Items of an array, the first `count` of which are in use. */
#define assert_items(array, count)                                                                 \
    ((count) ? assert_ends_at((array) + (count)) : assert_closed(array))

/* Runs the tests in a build that poisons; in others there is nothing to see. */
#define overread_run(name, tests)                                                                  \
    (AM_POISONS ? cmocka_run_group_tests_name(name, tests, NULL, NULL)                             \
                : (print_message(name ": needs a build with AddressSanitizer\n"), 0))

#endif
