/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <strings.h>

#include "../base/utf8.h"

static const char utf8[] = "UTF-8";

static bool is_utf8(struct am_view text) {
    const char *end = text.data + text.size;
    for (const char *at = text.data; at < end;) {
        struct am_utf8_step step = am_utf8_step(at, end);
        if (!step.valid)
            return false;
        at += step.size;
    }
    return true;
}

const char *am_cli_encoding_of(struct am_view text) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    if (text.size >= 2) {
        if ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] && !bytes[1]))
            return "UTF-16LE";
        if ((bytes[0] == 0xFE && bytes[1] == 0xFF) || (!bytes[0] && bytes[1]))
            return "UTF-16BE";
    }
    return is_utf8(text) ? utf8 : "WINDOWS-1252";
}

/* Bytes of the smallest piece of an encoding: what is skipped of what cannot be decoded, so that
 * the rest is read from where its characters begin. */
static size_t unit_of(const char *encoding) {
    if (strncasecmp(encoding, "UTF-16", 6) == 0 || strncasecmp(encoding, "UTF16", 5) == 0 ||
        strncasecmp(encoding, "UCS-2", 5) == 0 || strncasecmp(encoding, "UCS2", 4) == 0)
        return 2;
    if (strncasecmp(encoding, "UTF-32", 6) == 0 || strncasecmp(encoding, "UTF32", 5) == 0 ||
        strncasecmp(encoding, "UCS-4", 5) == 0 || strncasecmp(encoding, "UCS4", 4) == 0)
        return 4;
    return 1;
}

static void note_damage(struct am_cli_encoding_damage *damage, const char *begin, const char *to) {
    if (damage->count++)
        return;
    damage->line = 1;
    for (const char *at = begin; at < to; at++)
        damage->line += *at == '\n';
}

/* Converts all that `room` has room for; returns the end of it. */
static char *convert(iconv_t converter,
                     size_t unit,
                     struct am_view text,
                     char *begin,
                     size_t room,
                     struct am_cli_encoding_damage *damage) {
    char *from = (char *)text.data, *to = begin;
    size_t left = text.size;
    while (left && iconv(converter, &from, &left, &to, &room) == (size_t)-1) {
        if (errno == E2BIG || room < 3)
            break;
        note_damage(damage, begin, to);
        memcpy(to, "\xEF\xBF\xBD", 3);
        to += 3, room -= 3;
        size_t skipped = errno == EINVAL || unit > left ? left : unit; /* EINVAL: cut at the end */
        from += skipped, left -= skipped;
    }
    return to;
}

static struct am_view without_mark(struct am_view text) {
    if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
        return (struct am_view){text.data + 3, text.size - 3};
    return text;
}

enum am_code am_cli_encoding_decode(struct am_view text,
                                    const char *encoding,
                                    struct am_view *decoded,
                                    char **memory,
                                    struct am_cli_encoding_damage *damage,
                                    struct am_error *error) {
    *decoded = without_mark(text);
    *memory = NULL;
    *damage = (struct am_cli_encoding_damage){0};
    if (strcasecmp(encoding, utf8) == 0 && is_utf8(text))
        return AM_OK;
    iconv_t converter = iconv_open(utf8, encoding);
    if (converter == (iconv_t)-1)
        return am_error_set(error, AM_E_INVALID, "no such encoding: %s; `iconv -l` lists them",
                            encoding);
    size_t room = 4 * text.size + 4; /* of no encoding has a byte more than four */
    *memory = malloc(room);
    if (*memory) {
        char *end = convert(converter, unit_of(encoding), text, *memory, room, damage);
        *decoded = without_mark((struct am_view){*memory, (size_t)(end - *memory)});
    }
    iconv_close(converter);
    return *memory ? AM_OK : am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
}
