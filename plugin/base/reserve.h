/* Address space for working memory: sized for the worst case once, backed by pages only where it is
 * touched, so that the hot path never allocates and an idle core costs nothing. */
#ifndef AM_BASE_RESERVE_H
#define AM_BASE_RESERVE_H

#include <sys/mman.h>

#include "bytes.h"

/* Zeroed, page-aligned, private to the process (copied on write after fork). NULL when the system
 * refuses. size > 0. */
static inline void *am_memory_reserve(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static inline void am_memory_release(void *memory, size_t size) {
    if (memory)
        munmap(memory, size);
}

#endif
