/* SPDX-License-Identifier: Apache-2.0 */
/* An output buffer over memory of fixed capacity. Overflow is remembered, never written: check
 * `overflowed` once at the end. No allocation, so a response can be rendered on the hot path. */
#ifndef AM_BASE_BUFFER_H
#define AM_BASE_BUFFER_H

#include "bytes.h"
#include "poison.h"

struct am_buffer {
    char *data;
    size_t size;     /* bytes written; <= capacity */
    size_t capacity; /* bytes owned by whoever made the buffer */
    bool overflowed; /* something did not fit; discard the contents */
    bool guarded;    /* what is beyond `size` is poisoned (poison.h) */
};

static inline struct am_buffer am_buffer_over(void *memory, size_t capacity) {
    return (struct am_buffer){(char *)memory, 0, capacity, false, false};
}

/* The same, with the unwritten part poisoned: only for memory that requests reuse. */
static inline struct am_buffer am_buffer_guard(void *memory, size_t capacity) {
    am_poison_region(memory, capacity);
    return (struct am_buffer){(char *)memory, 0, capacity, false, true};
}

static inline struct am_view am_buffer_view(const struct am_buffer *buffer) {
    return (struct am_view){buffer->data, buffer->size};
}

/* Unpoisons that much room at the end for writing, and poisons it again. */
static inline void am_buffer_open(const struct am_buffer *buffer, size_t room) {
    if (buffer->guarded)
        am_poison_clear(buffer->data + buffer->size, room);
}

static inline void am_buffer_close(const struct am_buffer *buffer, size_t room) {
    if (buffer->guarded)
        am_poison_region(buffer->data + buffer->size, room);
}

/* Truncates to the first `size` bytes, and clears `overflowed`. */
static inline void am_buffer_cut(struct am_buffer *buffer, size_t size) {
    size_t dropped = buffer->size - size;
    buffer->size = size;
    buffer->overflowed = false;
    am_buffer_close(buffer, dropped);
}

static inline void am_buffer_append(struct am_buffer *buffer, const void *bytes, size_t size) {
    if (__builtin_expect(size > buffer->capacity - buffer->size, 0)) {
        buffer->overflowed = true;
        return;
    }
    am_buffer_open(buffer, size);
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

#define am_buffer_literal(buffer, literal)                                                         \
    am_buffer_append((buffer), (literal), sizeof(literal) - 1)

static inline void am_buffer_view_append(struct am_buffer *buffer, struct am_view view) {
    if (view.size)
        am_buffer_append(buffer, view.data, view.size);
}

void am_buffer_unsigned(struct am_buffer *buffer, uint64_t value);

/* value x 10^-places as am_decimal_write writes it. */
void am_buffer_decimal(struct am_buffer *buffer, int64_t value, unsigned places);

/* A JSON string with its quotes: escapes ", \, control characters and DEL; ill-formed UTF-8 becomes
 * U+FFFD, one per maximal subpart, so that the output is always valid JSON and valid UTF-8. "/" and
 * non-ASCII pass as they are. */
void am_buffer_json_string(struct am_buffer *buffer, struct am_view text);

/* Percent-encodes every byte that is not unreserved (RFC 3986 sections 2.1 and 2.3), so that the
 * text can be a value in the query string of any URL. */
void am_buffer_percent(struct am_buffer *buffer, struct am_view text);
/* The bytes that this appends. */
size_t am_buffer_percent_size(struct am_view text);

#endif
