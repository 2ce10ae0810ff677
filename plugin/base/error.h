/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: one enum, and one message written for people.
 *
 * Every fallible function of the project returns an `enum am_code` (or a pointer or bool) and fills
 * a caller-owned `struct am_error` when it fails. The message says what is wrong, where, and what
 * was expected, without a trailing full stop or newline. Functions that succeed leave the error
 * untouched. */
#ifndef AM_BASE_ERROR_H
#define AM_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

enum am_code {
    AM_OK = 0,
    AM_E_MEMORY,     /* an allocation failed */
    AM_E_IO,         /* the operating system refused: open, read, write, map, rename */
    AM_E_SYNTAX,     /* not well-formed: JSON, gzip, percent-encoding, a command line */
    AM_E_INVALID,    /* well-formed, but a value or name is not allowed */
    AM_E_LIMIT,      /* larger, longer, deeper or more than the documented limit */
    AM_E_VERSION,    /* an image of another format version or of other word rules */
    AM_E_CORRUPT,    /* an image whose bytes contradict its own header or FORMAT.md */
    AM_E_NOT_FOUND,  /* there is no such file, folder or image */
    AM_E_CHANGED,    /* a file changed while it was in use; worth trying again */
    AM_E_IMPOSSIBLE, /* well-formed and allowed, but this server cannot do it (HTTP's 422) */
};

enum { AM_ERROR_MESSAGE_SIZE = 512, AM_ERROR_WHERE_SIZE = 128 };

struct am_error {
    enum am_code code;
    char message[AM_ERROR_MESSAGE_SIZE]; /* NUL-terminated; truncated on a UTF-8 boundary */
    char where[AM_ERROR_WHERE_SIZE]; /* NUL-terminated place inside the input, "$.slots[0].count",
                                        or "" */
};

/* Sets code and message (printf style), empties `where`, and returns `code`. `error` may be NULL.
 */
enum am_code am_error_set(struct am_error *error, enum am_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the text of errno appended: "cannot open X: No such file or directory". Keeps
 * errno. */
enum am_code am_error_set_errno(struct am_error *error, enum am_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets `where` (printf style). `error` may be NULL. */
void am_error_at(struct am_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* vsnprintf for what people read, in messages, logs and terminals: cut between characters, and with
 * '?' for what could forge a line of a log or steer a terminal (am_utf8_visible). `size` is above
 * 0. */
void am_error_format(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
