/* SPDX-License-Identifier: Apache-2.0 */
/* Large allocations of a build, asked to be backed by huge pages. */
#ifndef AM_BASE_LARGE_H
#define AM_BASE_LARGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { AM_LARGE = 4 << 20, AM_HUGE_PAGE = 2 << 20 };

/* A hint only: it saves a build most of its page faults. */
static inline void am_memory_advise_huge(void *memory, size_t size) {
    uintptr_t first = ((uintptr_t)memory + AM_HUGE_PAGE - 1) & ~(uintptr_t)(AM_HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(AM_HUGE_PAGE - 1);
    if (size >= AM_LARGE && first < end)
        (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

/* malloc, with that hint; free() it. */
static inline void *am_memory_allocate(size_t size) {
    void *memory = malloc(size);
    if (memory)
        am_memory_advise_huge(memory, size);
    return memory;
}

/* realloc, with that hint; `used` bytes are kept. realloc itself would copy into small pages before
 * they could be advised. */
static inline void *am_memory_reallocate(void *memory, size_t used, size_t size) {
    if (size < AM_LARGE)
        return realloc(memory, size);
    void *grown = am_memory_allocate(size);
    if (grown && used)
        memcpy(grown, memory, used);
    if (grown)
        free(memory);
    return grown;
}

#endif
