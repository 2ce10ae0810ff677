/* SPDX-License-Identifier: Apache-2.0 */
/* Views of bytes that someone else owns, unaligned little-endian access, and arithmetic that cannot
 * wrap. */
#ifndef AM_BASE_BYTES_H
#define AM_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "admatch images are little-endian and are mapped as they are; this machine is big-endian"
#endif

/* Sizes of buffers. A fuzzer's build (-DAM_SMALL_BUFFERS) has small ones, which small inputs fill.
 */
#ifdef AM_SMALL_BUFFERS
#define AM_BUFFER_SIZE(size, small_size) (small_size)
#else
#define AM_BUFFER_SIZE(size, small_size) (size)
#endif

/* A function whose unsigned arithmetic is meant to wrap, or whose shifts are meant to lose bits:
 * hashes, masks, distances on a ring. `make SANITIZER=integer` reports any other wrap as a fault.
 */
#ifdef __clang__
#define AM_WRAPS __attribute__((no_sanitize("unsigned-integer-overflow", "unsigned-shift-base")))
#else
#define AM_WRAPS
#endif

/* Bytes owned by someone else; not NUL-terminated. `data` may be NULL only when `size` is 0. */
struct am_view {
    const char *data;
    size_t size;
};

/* A view of a string literal. */
#define AM_VIEW(literal) ((struct am_view){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define AM_VIEW_ARGUMENTS(view) (int)(view).size, (view).data

static inline struct am_view am_view_of(const char *text) {
    return (struct am_view){text, text ? strlen(text) : 0};
}

/* One past the last byte. An empty view may have a NULL address, to which nothing may be added. */
static inline const char *am_view_end(struct am_view view) {
    return view.size ? view.data + view.size : view.data;
}

static inline bool am_view_equal(struct am_view a, struct am_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The value of a hexadecimal digit of either case; -1: it is none. */
static inline int am_bytes_hex_value(char digit) {
    int letter = digit | 0x20;
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Without bytes of `blanks` at its ends. */
static inline struct am_view am_view_trimmed(struct am_view view, const char *blanks) {
    size_t count = strlen(blanks);
    while (view.size && memchr(blanks, view.data[0], count))
        view.data++, view.size--;
    while (view.size && memchr(blanks, view.data[view.size - 1], count))
        view.size--;
    return view;
}

/* Byte order, shorter first on a tie: like strcmp for views. */
static inline int am_view_compare(struct am_view a, struct am_view b) {
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static inline uint64_t am_bytes_load_u64(const void *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint32_t am_bytes_load_u32(const void *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* All bits when `bit` is 1, none when it is 0: chooses without a branch. */
AM_WRAPS static inline uint32_t am_bytes_mask(uint32_t bit) {
    return 0 - bit;
}

/* Checked arithmetic: true and *result on success, false on overflow. */
static inline bool am_checked_add(size_t a, size_t b, size_t *result) {
    return !__builtin_add_overflow(a, b, result);
}

static inline bool am_checked_multiply(size_t a, size_t b, size_t *result) {
    return !__builtin_mul_overflow(a, b, result);
}

#define AM_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
