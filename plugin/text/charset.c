/* SPDX-License-Identifier: Apache-2.0 */
#include "charset.h"

#include <strings.h>
#include <utf8proc.h>

static const struct {
    const char *name;
    enum am_text_charset charset;
} charsets[] = {
    {"utf-8", AM_CHARSET_UTF8},
    {"windows-1252", AM_CHARSET_WINDOWS_1252},
    {"iso-8859-1", AM_CHARSET_WINDOWS_1252},
    {"us-ascii", AM_CHARSET_WINDOWS_1252},
};

enum am_text_charset am_text_charset_of(struct am_view name) {
    for (size_t i = 0; i < AM_COUNT_OF(charsets); i++)
        if (strlen(charsets[i].name) == name.size &&
            strncasecmp(charsets[i].name, name.data, name.size) == 0)
            return charsets[i].charset;
    return AM_CHARSET_UNKNOWN;
}

int32_t am_text_windows_1252(unsigned char byte) {
    static const uint16_t codes[32] = {
        0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
        0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    return byte >= 0x80 && byte <= 0x9F ? codes[byte - 0x80] : byte;
}

struct am_view am_text_charset_decode(struct am_view text, char *memory) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x80)
            memory[size++] = (char)byte;
        else
            size += (size_t)utf8proc_encode_char(am_text_windows_1252(byte),
                                                 (utf8proc_uint8_t *)memory + size);
    }
    return (struct am_view){memory, size};
}
