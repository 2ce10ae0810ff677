/* SPDX-License-Identifier: Apache-2.0 */
/* Address space for working memory: sized for the worst case once, backed by pages only where it is
 * touched, so that the hot path never allocates and an idle core costs nothing. */
#ifndef AM_BASE_RESERVE_H
#define AM_BASE_RESERVE_H

#include <sys/mman.h>

#include "bytes.h"
#include "poison.h"

/* Guard zones before and after the memory, which catch overruns (poison.h). */
enum { AM_RESERVE_MARGIN = AM_POISONS ? 4096 : 0 };

/* Zeroed, page-aligned, private to the process (copied on write after fork). NULL when the system
 * refuses. size > 0. */
static inline void *am_memory_reserve(size_t size) {
    size_t total;
    if (!am_checked_add(size, (size_t)2 * AM_RESERVE_MARGIN, &total))
        return NULL;
    char *memory = mmap(NULL, total, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    am_poison_region(memory, AM_RESERVE_MARGIN);
    am_poison_region(memory + AM_RESERVE_MARGIN + size, AM_RESERVE_MARGIN);
    return memory + AM_RESERVE_MARGIN;
}

/* Returns the pages of reserved memory, or of a part of it, to the system: whole pages within
 * [memory, memory + size) then read as zeros. */
static inline void am_memory_trim(void *memory, size_t size) {
    enum { PAGE = 4096 };
    uintptr_t begin = ((uintptr_t)memory + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)memory + size) / PAGE * PAGE;
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static inline void am_memory_release(void *memory, size_t size) {
    if (!memory)
        return;
    char *begin = (char *)memory - AM_RESERVE_MARGIN;
    size_t total = size + (size_t)2 * AM_RESERVE_MARGIN;
    am_poison_clear(begin, total);
    munmap(begin, total);
}

#endif
