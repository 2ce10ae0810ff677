/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"

#include "../../base/utf8.h"

static const char replacement[] = "\xEF\xBF\xBD";

static struct am_view reference_of(char c) {
    switch (c) {
    case '&':
        return AM_VIEW("&amp;");
    case '<':
        return AM_VIEW("&lt;");
    case '>':
        return AM_VIEW("&gt;");
    case '"':
        return AM_VIEW("&quot;");
    case '\'':
        return AM_VIEW("&#39;");
    case '\t':
    case '\n':
    case '\r':
        return (struct am_view){NULL, 0};
    default:
        return (unsigned char)c < 0x20 || c == 0x7F
                   ? (struct am_view){replacement, sizeof replacement - 1}
                   : (struct am_view){NULL, 0};
    }
}

void am_api_html_text(struct am_buffer *out, struct am_view text) {
    const char *end = am_view_end(text), *from = text.data;
    for (const char *at = text.data; at < end;) {
        struct am_utf8_step step = am_utf8_step(at, end);
        struct am_view instead =
            step.valid ? reference_of(*at) : (struct am_view){replacement, sizeof replacement - 1};
        if (instead.size) {
            am_buffer_append(out, from, (size_t)(at - from));
            am_buffer_view_append(out, instead);
            from = at + step.size;
        }
        at += step.size;
    }
    if (from < end)
        am_buffer_append(out, from, (size_t)(end - from));
}
