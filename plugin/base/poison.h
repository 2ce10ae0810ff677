/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that may not be read now.
 *
 * A request's working memory is reserved once and serves one request after the other, so it is full
 * of what others left there. It is one mapping, in which neither the processor nor AddressSanitizer
 * sees a step from one piece to the next, or past the part of a piece that is in use. So in builds
 * with AddressSanitizer its owners poison all that is not in use, and leave gaps between pieces. In
 * other builds all of this is nothing.
 *
 * The end of what is in use is exact to the byte, provided that what follows is poisoned up to a
 * multiple of 8. Threads must not share such a multiple. What is read by other means than
 * instrumented code (system calls, libraries, AVX-512 under gcc) is not seen; see
 * am_poison_check_readable. A region must be readable again before its memory is given back to the
 * system; free() needs no such care. */
#ifndef AM_BASE_POISON_H
#define AM_BASE_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define AM_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AM_POISONS 1
#endif
#endif

#ifdef AM_POISONS
#include <sanitizer/asan_interface.h>
#else
#define AM_POISONS 0
#endif

/* Bytes kept free between pieces of one memory. */
enum { AM_REDZONE = AM_POISONS ? 16 : 0 };

/* NULL is fine for all of these. */
static inline void am_poison_region(const void *memory, size_t size) {
#if AM_POISONS
    if (memory)
        __asan_poison_memory_region(memory, size);
#else
    (void)memory, (void)size;
#endif
}

static inline void am_poison_clear(const void *memory, size_t size) {
#if AM_POISONS
    if (memory)
        __asan_unpoison_memory_region(memory, size);
#else
    (void)memory, (void)size;
#endif
}

/* Items of an array from the index `first` on. */
/* An array that is NULL, as when memory is only measured, has no offset, not even of 0. */
#define AM_POISON_ITEMS(array, first, count)                                                       \
    am_poison_region((first) ? (array) + (first) : (array), (size_t)(count) * sizeof *(array))
#define AM_UNPOISON_ITEMS(array, first, count)                                                     \
    am_poison_clear((first) ? (array) + (first) : (array), (size_t)(count) * sizeof *(array))

/* For reads that no compiler instruments: has AddressSanitizer report one that is not allowed. */
static inline void am_poison_check_readable(const void *memory, size_t size) {
#if AM_POISONS
    const volatile char *poisoned =
        __asan_region_is_poisoned((void *)(size_t)memory, size); /* not const in its header */
    if (poisoned)
        (void)*poisoned;
#else
    (void)memory, (void)size;
#endif
}

#endif
