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

/* Converts all, or stops where there is no room. */
static char *convert(iconv_t converter, struct am_view text, char *to, size_t room) {
    char *from = (char *)text.data;
    size_t left = text.size;
    while (left && iconv(converter, &from, &left, &to, &room) == (size_t)-1) {
        if (errno != EILSEQ || room < 3)
            break; /* half a character at the end, too */
        memcpy(to, "\xEF\xBF\xBD", 3);
        to += 3, room -= 3;
        from++, left--;
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
                                    struct am_error *error) {
    *decoded = without_mark(text);
    *memory = NULL;
    if (strcasecmp(encoding, utf8) == 0)
        return AM_OK;
    iconv_t converter = iconv_open(utf8, encoding);
    if (converter == (iconv_t)-1)
        return am_error_set(error, AM_E_INVALID, "no such encoding: %s; `iconv -l` lists them",
                            encoding);
    size_t room = 4 * text.size + 4; /* of no encoding has a byte more than four */
    *memory = malloc(room);
    if (*memory)
        *decoded = without_mark(
            (struct am_view){*memory, (size_t)(convert(converter, text, *memory, room) - *memory)});
    iconv_close(converter);
    return *memory ? AM_OK : am_error_set(error, AM_E_MEMORY, "not enough memory for the table");
}
