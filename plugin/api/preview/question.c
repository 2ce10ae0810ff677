/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to the form, made into the parameters of a decision. */
#include "parts.h"

bool am_preview_next_pair(struct am_view *rest, struct am_preview_pair *pair) {
    while (rest->size && rest->data[0] == '&')
        *rest = (struct am_view){rest->data + 1, rest->size - 1};
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->data, '&', rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    const char *equals = memchr(rest->data, '=', size);
    size_t name_size = equals ? (size_t)(equals - rest->data) : size;
    size_t skipped = equals ? name_size + 1 : size;
    pair->name = (struct am_view){rest->data, name_size};
    pair->value = (struct am_view){rest->data + skipped, size - skipped};
    *rest = (struct am_view){rest->data + size, rest->size - size};
    return true;
}

struct am_view am_preview_value(struct am_view question, struct am_view name) {
    struct am_preview_pair pair;
    while (am_preview_next_pair(&question, &pair))
        if (am_view_equal(pair.name, name))
            return pair.value;
    return AM_VIEW("");
}

/* ---- percent-encoded text ---------------------------------------------------------------------
 */

/* Bytes of the character `c` at the front of an encoded text, as itself or percent-encoded; 0 if
 * another one is there. */
static size_t encoded_size(struct am_view text, char c) {
    static const char digits[] = "0123456789ABCDEF";
    if (text.size && text.data[0] == c)
        return 1;
    if (text.size < 3 || text.data[0] != '%')
        return 0;
    char low = text.data[2] >= 'a' ? (char)(text.data[2] - 'a' + 'A') : text.data[2];
    return text.data[1] == digits[c >> 4] && low == digits[c & 15] ? 3 : 0;
}

static size_t space_size(struct am_view text) {
    if (text.size && text.data[0] == '+')
        return 1;
    for (size_t i = 0; i < 3; i++) {
        size_t size = encoded_size(text, " \t\r"[i]);
        if (size)
            return size;
    }
    return 0;
}

static struct am_view after(struct am_view text, size_t size) {
    return (struct am_view){text.data + size, text.size - size};
}

/* Without spaces around it. */
static struct am_view trim(struct am_view text) {
    size_t kept = 0;
    for (size_t size; (size = space_size(text));)
        text = after(text, size);
    for (size_t at = 0, size; at < text.size; at += size ? size : 1) {
        size = space_size(after(text, at));
        if (!size)
            kept = at + 1;
    }
    return (struct am_view){text.data, kept};
}

/* Splits at the first `c`: *rest gets what follows it. False: there is none. */
static bool split(struct am_view text, char c, struct am_view *before, struct am_view *rest) {
    for (size_t at = 0; at < text.size; at++) {
        size_t size = encoded_size(after(text, at), c);
        if (size) {
            *before = (struct am_view){text.data, at};
            *rest = after(text, at + size);
            return true;
        }
    }
    return false;
}

/* ---- the question -----------------------------------------------------------------------------
 */

static void
add(struct am_buffer *to, const char *prefix, struct am_view name, struct am_view value) {
    if (to->size)
        am_buffer_literal(to, "&");
    am_buffer_view_append(to, am_view_of(prefix));
    am_buffer_view_append(to, name);
    am_buffer_literal(to, "=");
    am_buffer_view_append(to, value);
}

static enum am_code add_line(struct am_buffer *to, struct am_view line, struct am_error *error) {
    struct am_view key, value;
    bool is_pair = split(line, '=', &key, &value);
    if (is_pair)
        add(to, "kv.", trim(key), trim(value));
    else
        add(to, "", AM_VIEW("kv"), line);
    if (is_pair && trim(key).size && trim(value).size)
        return AM_OK;
    am_error_set(error, AM_E_INVALID, "expected lines of KEY=VALUE, like sport=running");
    am_error_at(error, "kv");
    return AM_E_INVALID;
}

static enum am_code
add_key_values(struct am_buffer *to, struct am_view text, struct am_error *error) {
    enum am_code code = AM_OK;
    while (text.size) {
        struct am_view line, rest;
        if (!split(text, '\n', &line, &rest)) {
            line = text;
            rest = after(text, text.size);
        }
        line = trim(line);
        if (line.size && add_line(to, line, error) != AM_OK)
            code = AM_E_INVALID;
        text = rest;
    }
    return code;
}

/* A browser gives "2026-12-24T18:00" for the field of the time, with seconds where there are some.
 */
static void add_time(struct am_buffer *to, struct am_view value) {
    struct am_view text = value;
    unsigned colons = 0;
    bool is_local = false;
    for (struct am_view before; split(text, ':', &before, &text); colons++)
        if (colons == 0)
            is_local = before.size == strlen("2026-12-24T18") && before.data[10] == 'T';
    add(to, "", AM_VIEW("now"), value);
    if (is_local && text.size == 2 && colons == 1)
        am_buffer_literal(to, ":00Z");
    else if (is_local && text.size == 2 && colons == 2)
        am_buffer_literal(to, "Z");
}

enum am_code am_preview_question(struct am_view given,
                                 char *memory,
                                 size_t capacity,
                                 struct am_view *question,
                                 struct am_error *error) {
    struct am_buffer to = am_buffer_over(memory, capacity);
    struct am_preview_pair pair;
    enum am_code code = AM_OK;
    while (am_preview_next_pair(&given, &pair)) {
        if (pair.value.size == 0 || am_view_equal(pair.name, AM_VIEW("explain")))
            continue;
        if (am_view_equal(pair.name, AM_VIEW("now")))
            add_time(&to, pair.value);
        else if (!am_view_equal(pair.name, AM_VIEW("kv")))
            add(&to, "", pair.name, pair.value);
        else if (add_key_values(&to, pair.value, error) != AM_OK)
            code = AM_E_INVALID;
    }
    *question = am_buffer_view(&to);
    if (!to.overflowed)
        return code;
    *question = AM_VIEW("");
    return am_error_set(error, AM_E_LIMIT, "a request of more than %zu bytes", capacity);
}
