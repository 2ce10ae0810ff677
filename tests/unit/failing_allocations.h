/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation made to fail, one after the other: each time a clean error, nothing left behind,
 * and the next try without failures succeeds. The linker puts the functions below in the place of
 * malloc and its like (see the Makefile), for the engine's own calls and not for those inside
 * libraries. */
#ifndef AM_TEST_FAILING_ALLOCATIONS_H
#define AM_TEST_FAILING_ALLOCATIONS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/base/error.h"

/* ---- failing on demand ------------------------------------------------------------------------
 */

static long until_failure = -1; /* allocations that still succeed; -1: all */
static long live;               /* allocations not freed */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
void __wrap_free(void *memory);

static bool fails(void) {
    return until_failure >= 0 && until_failure-- == 0;
}

static void *counted(void *memory) {
    live += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size) {
    if (fails())
        return NULL;
    void *grown = __real_realloc(memory, size);
    live += grown && !memory;
    return grown;
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    if (fails())
        return 12;
    int code = __real_posix_memalign(memory, alignment, size);
    live += code == 0;
    return code;
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

/* Does it with the first allocation failing, then with the second, until it comes through. */
typedef enum am_code work_function(void *context, struct am_error *error);

static inline void try_with_every_failure(work_function *work, void *context) {
    long failures = 0;
    for (;; failures++) {
        struct am_error error = {.code = AM_OK};
        long before = live;
        until_failure = failures;
        enum am_code code = work(context, &error);
        bool failed = until_failure < 0;
        until_failure = -1;
        if (live != before)
            fail_msg("allocation %ld failing leaves %ld behind", failures, live - before);
        if (code == AM_OK && failed)
            fail_msg("allocation %ld failing goes unnoticed", failures);
        if (code == AM_OK)
            break;
        if (!failed || code != AM_E_MEMORY || !error.message[0])
            fail_msg("allocation %ld failing: code %d, \"%s\"", failures, code, error.message);
    }
    assert_true(failures > 0);
}

#endif
