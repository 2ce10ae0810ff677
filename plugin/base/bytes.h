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

/* Sizes of buffers. A fuzzer's build (-DAM_SMALL_BUFFERS) has small ones, so that small inputs get
 * to their ends. */
#ifdef AM_SMALL_BUFFERS
#define AM_BUFFER_SIZE(size, small_size) (small_size)
#else
#define AM_BUFFER_SIZE(size, small_size) (size)
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

static inline bool am_view_equal(struct am_view a, struct am_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
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

/* Checked arithmetic: true and *result on success, false on overflow. */
static inline bool am_checked_add(size_t a, size_t b, size_t *result) {
    return !__builtin_add_overflow(a, b, result);
}

static inline bool am_checked_multiply(size_t a, size_t b, size_t *result) {
    return !__builtin_mul_overflow(a, b, result);
}

#define AM_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
