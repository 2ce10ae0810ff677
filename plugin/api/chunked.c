/* SPDX-License-Identifier: Apache-2.0 */
#include "chunked.h"

#include "headers.h"

enum state {
    SIZE_FIRST, /* a hexadecimal digit */
    SIZE,
    EXTENSION, /* spaces, then ";" */
    NAME_FIRST,
    NAME,
    NAME_END, /* spaces, then "=" or ";" */
    VALUE_FIRST,
    VALUE,
    QUOTED,
    ESCAPED, /* inside QUOTED, after a backslash */
    QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* a name, or the CR of the last line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    END,
};

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t';
}

static bool go_to(struct am_api_chunked *body, enum state state) {
    body->state = (uint8_t)state;
    return true;
}

/* ---- the line of a size -----------------------------------------------------------------------
 */

/* After a size, an extension's name or its value. */
static bool end_part(struct am_api_chunked *body, char byte) {
    if (byte == '\r')
        return go_to(body, SIZE_LF);
    if (byte == ';')
        return go_to(body, NAME_FIRST);
    return is_space(byte) && go_to(body, EXTENSION);
}

static bool step_size(struct am_api_chunked *body, char byte) {
    int digit = am_bytes_hex_value(byte);
    if (digit < 0)
        return body->state == SIZE && end_part(body, byte);
    return am_checked_multiply(body->chunk, 16, &body->chunk) &&
           am_checked_add(body->chunk, (size_t)digit, &body->chunk) && go_to(body, SIZE);
}

static bool step_name(struct am_api_chunked *body, char byte) {
    if (body->state != NAME_END && am_api_header_is_token_byte(byte))
        return go_to(body, NAME);
    if (is_space(byte))
        return body->state == NAME_FIRST || go_to(body, NAME_END);
    if (body->state == NAME_FIRST)
        return false;
    return byte == '=' ? go_to(body, VALUE_FIRST)
                       : (body->state == NAME || byte == ';') && end_part(body, byte);
}

static bool step_value(struct am_api_chunked *body, char byte) {
    if (am_api_header_is_token_byte(byte))
        return go_to(body, VALUE);
    if (body->state == VALUE)
        return end_part(body, byte);
    return byte == '"' ? go_to(body, QUOTED) : is_space(byte);
}

static bool step_quoted(struct am_api_chunked *body, char byte) {
    if (body->state == QUOTED && byte == '"')
        return go_to(body, QUOTED_END);
    if (body->state == QUOTED && byte == '\\')
        return go_to(body, ESCAPED);
    return am_api_header_is_text_byte(byte) && go_to(body, QUOTED);
}

/* ---- trailers ---------------------------------------------------------------------------------
 */

static bool step_trailer(struct am_api_chunked *body, char byte) {
    if (body->state == TRAILER_VALUE)
        return byte == '\r' ? go_to(body, TRAILER_LF) : am_api_header_is_text_byte(byte);
    if (am_api_header_is_token_byte(byte))
        return go_to(body, TRAILER_NAME);
    if (body->state == TRAILER_FIRST)
        return byte == '\r' && go_to(body, LAST_LF);
    return byte == ':' && go_to(body, TRAILER_VALUE);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static bool begin_line(struct am_api_chunked *body, enum state state) {
    body->line = 0;
    return go_to(body, state);
}

/* A byte that is not data. False: it is not allowed there. */
static bool step(struct am_api_chunked *body, char byte) {
    switch ((enum state)body->state) {
    case SIZE_FIRST:
    case SIZE:
        return step_size(body, byte);
    case EXTENSION:
        return is_space(byte) || (byte == ';' && go_to(body, NAME_FIRST));
    case NAME_FIRST:
    case NAME:
    case NAME_END:
        return step_name(body, byte);
    case VALUE_FIRST:
    case VALUE:
        return step_value(body, byte);
    case QUOTED:
    case ESCAPED:
        return step_quoted(body, byte);
    case QUOTED_END:
        return end_part(body, byte);
    case SIZE_LF:
        return byte == '\n' && begin_line(body, body->chunk ? DATA : TRAILER_FIRST);
    case DATA_CR:
        return byte == '\r' && go_to(body, DATA_LF);
    case DATA_LF:
        return byte == '\n' && begin_line(body, SIZE_FIRST);
    case TRAILER_FIRST:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return step_trailer(body, byte);
    case TRAILER_LF:
        return byte == '\n' && begin_line(body, TRAILER_FIRST);
    case LAST_LF:
        return byte == '\n' && go_to(body, END);
    case DATA:
    case END:
        break;
    }
    return false;
}

static struct am_view after(struct am_view bytes, size_t size) {
    return (struct am_view){bytes.data + size, bytes.size - size};
}

static void take_data(struct am_api_chunked *body, struct am_view *bytes, char *data) {
    size_t size = bytes->size < body->chunk ? bytes->size : body->chunk;
    if (data)
        memcpy(data + body->size, bytes->data, size);
    *bytes = after(*bytes, size);
    body->size += size;
    body->chunk -= size;
    if (body->chunk == 0)
        body->state = DATA_CR;
}

/* False: malformed. */
static bool take_framing(struct am_api_chunked *body, struct am_view *bytes) {
    char byte = *bytes->data;
    *bytes = after(*bytes, 1);
    body->framing++;
    return ++body->line <= AM_API_CHUNKED_LINE && step(body, byte);
}

static size_t most_framing(size_t limit) {
    size_t most;
    bool fits = am_checked_multiply(limit, AM_API_CHUNKED_TIMES, &most) &&
                am_checked_add(most, AM_API_CHUNKED_FREE, &most);
    return fits ? most : SIZE_MAX;
}

enum am_api_chunked_end am_api_chunked_decode(struct am_api_chunked *body,
                                              size_t limit,
                                              struct am_view *bytes,
                                              char *data) {
    size_t most = most_framing(limit);
    for (;;) {
        bool in_data = body->state == DATA;
        if (body->framing > most || (in_data && body->chunk > limit - body->size))
            return AM_API_CHUNKED_LARGE;
        if (body->state == END)
            return AM_API_CHUNKED_WHOLE;
        if (bytes->size == 0)
            return AM_API_CHUNKED_MORE;
        if (in_data)
            take_data(body, bytes, data);
        else if (!take_framing(body, bytes))
            return AM_API_CHUNKED_INVALID;
    }
}
