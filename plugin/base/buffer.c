/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"

#include "decimal.h"
#include "plain.h"
#include "utf8.h"

enum { UINT64_TEXT_SIZE = 20 };

void am_buffer_unsigned(struct am_buffer *buffer, uint64_t value) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char text[UINT64_TEXT_SIZE];
    size_t at = sizeof text;
    for (; value >= 100; value /= 100)
        memcpy(&text[at -= 2], &pairs[2 * (value % 100)], 2);
    if (value >= 10)
        memcpy(&text[at -= 2], &pairs[2 * value], 2);
    else
        text[--at] = (char)('0' + value);
    am_buffer_append(buffer, text + at, sizeof text - at);
}

void am_buffer_decimal(struct am_buffer *buffer, int64_t value, unsigned places) {
    char text[AM_DECIMAL_TEXT_SIZE];
    am_buffer_append(buffer, text, am_decimal_write(value, places, text));
}

static void append_escape(struct am_buffer *buffer, unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    static const char short_forms[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    if (byte < sizeof short_forms && short_forms[byte]) {
        am_buffer_append(buffer, (char[]){'\\', short_forms[byte]}, 2);
        return;
    }
    am_buffer_append(buffer, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]},
                     6);
}

/* Appends what needs escaping, up to the next run of plain bytes. Copies well-formed characters
 * whole. */
static const char *append_special(struct am_buffer *buffer, const char *at, const char *end) {
    if (!((unsigned char)*at & 0x80)) {
        append_escape(buffer, (unsigned char)*at);
        return at + 1;
    }
    const char *begin = at;
    struct am_utf8_step step = {0, true};
    while (at < end && ((unsigned char)*at & 0x80)) {
        step = am_utf8_step(at, end);
        if (!step.valid)
            break;
        at += step.size;
    }
    am_buffer_append(buffer, begin, (size_t)(at - begin));
    if (step.valid)
        return at;
    am_buffer_literal(buffer, "\xEF\xBF\xBD");
    return at + step.size;
}

/* The usual string fits and needs no escaping: one pass copies and checks it. */
static bool append_plain(struct am_buffer *buffer, struct am_view text) {
    size_t room = buffer->capacity - buffer->size;
    if (room < 2 || text.size > room - 2)
        return false;
    char *at = buffer->data + buffer->size;
    am_buffer_open(buffer, text.size + 2);
    at[0] = at[text.size + 1] = '"';
    if (!am_plain_copy(at + 1, text.data, text.size)) {
        am_buffer_close(buffer, text.size + 2);
        return false;
    }
    buffer->size += text.size + 2;
    return true;
}

void am_buffer_json_string(struct am_buffer *buffer, struct am_view text) {
    if (append_plain(buffer, text))
        return;
    am_buffer_literal(buffer, "\"");
    if (text.size) {
        const char *at = text.data;
        const char *end = at + text.size;
        while (at < end) {
            const char *run = at;
            at = am_plain_skip(at, end);
            am_buffer_append(buffer, run, (size_t)(at - run));
            if (at < end)
                at = append_special(buffer, at, end);
        }
    }
    am_buffer_literal(buffer, "\"");
}

/* ---- percent-encoding -------------------------------------------------------------------------
 */

static bool is_unreserved(unsigned char byte) {
    /* Bits of '-', '.', 0-9 / A-Z, '_' / a-z, '~' in words of 32 characters. */
    static const uint32_t words[8] = {0, 0x03FF6000, 0x87FFFFFE, 0x47FFFFFE, 0, 0, 0, 0};
    return words[byte >> 5] >> (byte & 31) & 1;
}

void am_buffer_percent(struct am_buffer *buffer, struct am_view text) {
    size_t at = 0;
    while (at < text.size) {
        size_t begin = at;
        while (at < text.size && is_unreserved((unsigned char)text.data[at]))
            at++;
        if (at > begin)
            am_buffer_append(buffer, text.data + begin, at - begin);
        if (at < text.size) {
            unsigned char byte = (unsigned char)text.data[at++];
            const char encoded[3] = {'%', "0123456789ABCDEF"[byte >> 4],
                                     "0123456789ABCDEF"[byte & 15]};
            am_buffer_append(buffer, encoded, sizeof encoded);
        }
    }
}

size_t am_buffer_percent_size(struct am_view text) {
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++)
        size += is_unreserved((unsigned char)text.data[at]) ? 1 : 3;
    return size;
}
