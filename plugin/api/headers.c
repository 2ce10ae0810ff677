/* SPDX-License-Identifier: Apache-2.0 */
#include "headers.h"

#include <strings.h>

enum { WORD = sizeof(uint64_t) };

bool am_api_header_is_token_byte(char byte) {
    static const bool token[256] = {
        ['!'] = true,         ['#'] = true,         ['$'] = true, ['%'] = true,
        ['&'] = true,         ['\''] = true,        ['*'] = true, ['+'] = true,
        ['-'] = true,         ['.'] = true,         ['^'] = true, ['_'] = true,
        ['`'] = true,         ['|'] = true,         ['~'] = true, ['0' ... '9'] = true,
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
    };
    return token[(unsigned char)byte];
}

bool am_api_header_is_name(struct am_view text) {
    for (size_t i = 0; i < text.size; i++)
        if (!am_api_header_is_token_byte(text.data[i]))
            return false;
    return text.size;
}

bool am_api_header_is_text_byte(char byte) {
    unsigned char code = (unsigned char)byte;
    return byte == '\t' || (code >= 0x20 && code != 0x7F);
}

/* Nonzero when one of eight bytes may be a control character; zero only when none is. */
AM_WRAPS static uint64_t may_have_control(uint64_t bytes) {
    return (bytes - UINT64_C(0x2020202020202020)) & ~bytes & UINT64_C(0x8080808080808080);
}

bool am_api_header_is_one_line(struct am_view text) {
    size_t at = 0;
    while (at < text.size) {
        if (text.size - at >= WORD && !may_have_control(am_bytes_load_u64(text.data + at))) {
            at += WORD;
            continue;
        }
        char byte = text.data[at++];
        if (byte == '\r' || byte == '\n' || byte == '\0')
            return false;
    }
    return true;
}

struct am_view am_api_header_trim(struct am_view text) {
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct am_view){text.data + 1, text.size - 1};
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Cuts a text at a separator: what is before it, and in `rest` what is behind. */
static struct am_view cut(struct am_view *rest, char separator) {
    struct am_view whole = *rest;
    const char *end = whole.size ? memchr(whole.data, separator, whole.size) : NULL;
    size_t size = end ? (size_t)(end - whole.data) : whole.size;
    *rest = end ? (struct am_view){end + 1, whole.size - size - 1} : AM_VIEW("");
    return am_api_header_trim((struct am_view){whole.data, size});
}

bool am_api_header_is(struct am_view text, const char *word) {
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

bool am_api_header_next(struct am_view *list, struct am_view *item) {
    while (list->size) {
        *item = cut(list, ',');
        if (item->size)
            return true;
    }
    return false;
}

struct am_view am_api_header_name(struct am_view item) {
    return cut(&item, ';');
}

struct am_view am_api_header_parameter(struct am_view item, const char *name) {
    cut(&item, ';');
    while (item.size) {
        struct am_view value = cut(&item, ';');
        if (!am_api_header_is(cut(&value, '='), name))
            continue;
        value = am_api_header_trim(value);
        if (value.size > 1 && value.data[0] == '"' && value.data[value.size - 1] == '"')
            value = (struct am_view){value.data + 1, value.size - 2};
        return value;
    }
    return AM_VIEW("");
}

bool am_api_header_lists(struct am_view list, const char *name) {
    struct am_view item;
    while (am_api_header_next(&list, &item))
        if (am_api_header_is(am_api_header_name(item), name))
            return true;
    return false;
}

/* 0, 0.0 ... 0.000 */
static bool is_unwanted(struct am_view item) {
    struct am_view weight = am_api_header_parameter(item, "q");
    for (size_t i = 0; i < weight.size; i++)
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    return weight.size;
}

bool am_api_header_accepts(struct am_view list, const char *name) {
    struct am_view item;
    bool any = false;
    while (am_api_header_next(&list, &item)) {
        if (am_api_header_is(am_api_header_name(item), name))
            return !is_unwanted(item);
        any |= am_api_header_is(am_api_header_name(item), "*") && !is_unwanted(item);
    }
    return any;
}
