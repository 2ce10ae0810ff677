/* Percent-encoding (RFC 3986 section 2.1), strict for parameters, lenient for the URLs of pages. */
#include "request.h"

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    int letter = c | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The byte that "%41" at `at` stands for, or -1. */
static int encoded_byte(const char *at, const char *end) {
    if (end - at < 3)
        return -1;
    int high = hex_value(at[1]), low = hex_value(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool am_percent_decode(struct am_view text, char *memory, struct am_view *decoded) {
    const char *at = text.data, *end = at + text.size;
    size_t size = 0;
    while (at < end && *at != '%' && *at != '+')
        at++;
    if (at == end) {
        *decoded = text;
        return true;
    }
    size = (size_t)(at - text.data);
    memcpy(memory, text.data, size);
    for (; at < end; at++) {
        if (*at != '%') {
            memory[size++] = *at == '+' ? ' ' : *at;
            continue;
        }
        int byte = encoded_byte(at, end);
        if (byte < 0)
            return false;
        memory[size++] = (char)byte;
        at += 2;
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

struct am_view am_url_words(struct am_view url, char *memory) {
    size_t size = 0;
    bool query = false;
    const char *end = url.data + url.size;
    for (const char *at = url.data + origin_size(url); at < end && *at != '#'; at++) {
        query = query || *at == '?';
        int byte = *at == '%' ? encoded_byte(at, end) : -1;
        if (byte >= 0)
            at += 2;
        else
            byte = *at == '+' && query ? ' ' : *at;
        memory[size++] = (char)byte;
    }
    return (struct am_view){memory, size};
}
