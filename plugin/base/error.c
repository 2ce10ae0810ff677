/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Drops a character that truncation cut in two. */
static size_t without_partial(const char *text, size_t size) {
    size_t start = size;
    while (start > 0 && size - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xC0)
        return size;
    start--;
    return am_utf8_step(text + start, text + size).valid ? size : start;
}

void am_error_format(char *text, size_t size, const char *format, va_list arguments) {
    int wanted = vsnprintf(text, size, format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    if (length >= size)
        length = without_partial(text, size - 1);
    text[am_utf8_visible((struct am_view){text, length}, text, length)] = '\0';
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
