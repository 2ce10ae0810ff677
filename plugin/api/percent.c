/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1), strict for parameters, lenient for the URLs of pages. */
#include "request.h"

#include "../text/words.h"

/* The byte that "%41" at `at` encodes, or -1. */
static int encoded_byte(const char *at, const char *end) {
    if (end - at < 3)
        return -1;
    int high = am_bytes_hex_value(at[1]), low = am_bytes_hex_value(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

typedef uint8_t sixteen_bytes __attribute__((vector_size(16)));

/* Copies, each + as a space: sixteen bytes at a time, since a page's text may come this way. */
static void copy_with_spaces(char *to, const char *from, size_t size) {
    size_t at = 0;
    for (; size - at >= sizeof(sixteen_bytes); at += sizeof(sixteen_bytes)) {
        sixteen_bytes bytes;
        memcpy(&bytes, from + at, sizeof bytes);
        bytes -= (sixteen_bytes)(bytes == '+') & ('+' - ' ');
        memcpy(to + at, &bytes, sizeof bytes);
    }
    for (; at < size; at++)
        to[at] = from[at] == '+' ? ' ' : from[at];
}

bool am_api_percent_decode(struct am_view text, char *memory, struct am_view *decoded) {
    const char *at = text.data, *end = am_view_end(text);
    size_t size = 0;
    while (at < end) {
        const char *percent = memchr(at, '%', (size_t)(end - at));
        size_t plain = (size_t)((percent ? percent : end) - at);
        copy_with_spaces(memory + size, at, plain);
        size += plain;
        at += plain;
        if (!percent)
            break;
        int byte = encoded_byte(at, end);
        if (byte < 0)
            return false;
        memory[size++] = (char)byte;
        at += 3;
    }
    *decoded = (struct am_view){memory, size};
    return true;
}

static bool is_scheme_byte(char c, bool first) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return !first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.');
}

/* Bytes of "https://host" at the start of an absolute URL; else 0. */
static size_t origin_size(struct am_view url) {
    size_t at = 0;
    while (at < url.size && is_scheme_byte(url.data[at], at == 0))
        at++;
    if (at == 0 || url.size - at < 3 || memcmp(url.data + at, "://", 3) != 0)
        return 0;
    at += 3;
    while (at < url.size && !memchr("/?#", url.data[at], 3))
        at++;
    return at;
}

/* Walks the path and query string of a URL, decoded byte by decoded byte. */
struct url_walk {
    struct am_view url;
    size_t at; /* of the next byte as written */
    bool query;
};

static struct url_walk url_start(struct am_view url) {
    return (struct url_walk){url, origin_size(url), false};
}

/* What a byte of a URL that encodes nothing says. & parts parameters, where "AT%26T" has a & that
 * is text; = and ; separate words wherever they stand. */
static char written_byte(char byte, bool query) {
    return byte == '&' || (byte == '+' && query) ? ' ' : byte;
}

static bool url_next(struct url_walk *walk, char *decoded) {
    if (walk->at == walk->url.size || walk->url.data[walk->at] == '#')
        return false;
    const char *at = walk->url.data + walk->at;
    int byte = *at == '%' ? encoded_byte(at, am_view_end(walk->url)) : -1;
    walk->query |= *at == '?';
    walk->at += byte >= 0 ? 3 : 1;
    *decoded = byte < 0 ? written_byte(*at, walk->query) : (char)byte;
    return true;
}

struct am_view am_api_url_words(struct am_view url, char *memory) {
    struct url_walk walk = url_start(url);
    size_t size = 0;
    while (url_next(&walk, &memory[size]))
        size++;
    return (struct am_view){memory, size};
}

/* Counts UTF-16 units along a text, in steps of at most one character. */
struct unit_count {
    const char *text;
    size_t counted; /* bytes whose units are in `units` */
    uint32_t units;
};

/* The units before byte `at`, which never goes back. Bytes are settled where a character surely
 * ends: before one that continues none, or when there are as many as a character can have. */
static uint32_t units_before(struct unit_count *count, size_t at, bool continues) {
    size_t pending = at - count->counted;
    uint32_t units = count->units + am_text_utf16_length(count->text + count->counted, pending);
    if (!continues || pending >= 4) {
        count->units = units;
        count->counted = at;
    }
    return units;
}

void am_api_url_offsets(struct am_view url, struct am_api_url_offset *places) {
    struct url_walk walk = url_start(url);
    struct unit_count count = {url.data, walk.at, am_text_utf16_length(url.data, walk.at)};
    size_t at = walk.at;
    for (char byte; url_next(&walk, &byte); at = walk.at) {
        bool continues = ((unsigned char)url.data[at] & 0xC0) == 0x80;
        *places++ = (struct am_api_url_offset){(uint32_t)at, units_before(&count, at, continues)};
    }
    *places = (struct am_api_url_offset){(uint32_t)at, units_before(&count, at, false)};
}
