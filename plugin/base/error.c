/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops a UTF-8 sequence that truncation cut in two, so that a message is always valid where its
 * parts were. */
static void drop_partial_character(char *text, size_t size, int wanted) {
    if (wanted < 0 || (size_t)wanted < size)
        return;
    size_t end = size - 1;
    size_t start = end;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0) {
        unsigned char lead = (unsigned char)text[start - 1];
        size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (end - start < need)
            text[start - 1] = '\0';
    }
}

/* Terminals obey C1 controls, too: U+0080 to U+009F, two bytes each. */
static void mask_control_characters(char *text) {
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text, next = (unsigned char)text[1];
        if (byte < 0x20 || byte == 0x7F)
            *text = '?';
        else if (byte == 0xC2 && next >= 0x80 && next <= 0x9F)
            text[0] = text[1] = '?';
    }
}

void am_error_format(char *text, size_t size, const char *format, va_list arguments) {
    int wanted = vsnprintf(text, size, format, arguments);
    drop_partial_character(text, size, wanted);
    mask_control_characters(text);
}

enum am_code am_error_set(struct am_error *error, enum am_code code, const char *format, ...) {
    if (!error)
        return code;
    va_list arguments;
    va_start(arguments, format);
    am_error_format(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    error->code = code;
    error->where[0] = '\0';
    return code;
}

enum am_code
am_error_set_errno(struct am_error *error, enum am_code code, const char *format, ...) {
    int saved = errno;
    if (!error)
        return code;
    char what[AM_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char reason[128];
    am_error_set(error, code, "%s: %s", what, strerror_r(saved, reason, sizeof reason));
    errno = saved;
    return code;
}

void am_error_at(struct am_error *error, const char *format, ...) {
    if (!error)
        return;
    va_list arguments;
    va_start(arguments, format);
    am_error_format(error->where, sizeof error->where, format, arguments);
    va_end(arguments);
}
