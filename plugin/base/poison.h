/* SPDX-License-Identifier: Apache-2.0 */
/* Marks memory that must not be read.
 *
 * Working memory is reserved once and serves one request after another, so it is full of earlier
 * requests' data. It is one mapping, in which neither the processor nor AddressSanitizer detects an
 * overrun from one array into the next, or past the used part of an array. So in builds with
 * AddressSanitizer the owners poison all unused bytes, and leave gaps between arrays. In other
 * builds these are no-ops.
 *
 * The end of the used part is exact to the byte if the poison after it reaches a multiple of 8.
 * Threads must not share such a granule of 8 bytes. Reads by code that is not instrumented (system
 * calls, libraries, AVX-512 under gcc) are not checked; see am_poison_check_readable. Unpoison a
 * region before returning its memory to the system; free() needs no such care. */
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

/* Gap between arrays of one reservation, in bytes. */
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
/* A NULL array, as when memory is only measured, must not be offset, not even by 0. */
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
