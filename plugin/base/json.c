/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: one pass, no recursion. json_value.c reads the nodes. */
#include "json.h"

#include "plain.h"
#include "poison.h"
#include "utf8.h"

struct parser {
    const char *begin, *at, *end;
    struct am_json_node *nodes;
    uint32_t count, capacity;
    uint32_t depth;
    bool lenient;    /* as of am_json_parse_lenient */
    bool ill_formed; /* something was passed over */
    uint32_t
        open[AM_JSON_MAX_DEPTH]; /* nodes of the arrays and objects around `at`, outermost first */
    struct am_error *error;
};

/* ---- errors --------------------------------------------------------------------------------- */

static enum am_code expected(struct parser *parser, const char *what) {
    size_t place = (size_t)(parser->at - parser->begin);
    if (parser->at == parser->end)
        return am_error_set(parser->error, AM_E_SYNTAX, "expected %s, found the end at byte %zu",
                            what, place);
    unsigned char byte = (unsigned char)*parser->at;
    if (byte > 0x20 && byte < 0x7F)
        return am_error_set(parser->error, AM_E_SYNTAX, "expected %s, found '%c' at byte %zu", what,
                            byte, place);
    return am_error_set(parser->error, AM_E_SYNTAX, "expected %s, found byte 0x%02x at byte %zu",
                        what, byte, place);
}

static enum am_code too_many(struct parser *parser) {
    return am_error_set(parser->error, AM_E_LIMIT, "more than %u values, at byte %zu",
                        parser->capacity, (size_t)(parser->at - parser->begin));
}

/* ---- scalars -------------------------------------------------------------------------------- */

static inline void skip_space(struct parser *parser) {
    const char *at = parser->at;
    while (at < parser->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    parser->at = at;
}

static inline bool is_digit(const struct parser *parser) {
    return parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
}

static inline bool take(struct parser *parser, char wanted) {
    if (parser->at == parser->end || *parser->at != wanted)
        return false;
    parser->at++;
    return true;
}

/* Adds a node that begins at parser->at; NULL when there is no room. */
static inline struct am_json_node *add_node(struct parser *parser, enum am_json_type type) {
    if (parser->count == parser->capacity)
        return NULL;
    struct am_json_node *node = &parser->nodes[parser->count++];
    *node = (struct am_json_node){.begin = (uint32_t)(parser->at - parser->begin),
                                  .next = parser->count,
                                  .type = (uint8_t)type};
    return node;
}

static inline void end_node(const struct parser *parser, struct am_json_node *node) {
    node->size = (uint32_t)(parser->at - parser->begin) - node->begin;
}

static enum am_code take_digits(struct parser *parser) {
    if (!is_digit(parser))
        return expected(parser, "a digit");
    while (is_digit(parser))
        parser->at++;
    return AM_OK;
}

static enum am_code parse_number(struct parser *parser) {
    struct am_json_node *node = add_node(parser, AM_JSON_NUMBER);
    if (!node)
        return too_many(parser);
    take(parser, '-');
    enum am_code code = take(parser, '0') ? AM_OK : take_digits(parser);
    if (code == AM_OK && take(parser, '.'))
        code = take_digits(parser);
    if (code == AM_OK && (take(parser, 'e') || take(parser, 'E'))) {
        if (!take(parser, '+'))
            take(parser, '-');
        code = take_digits(parser);
    }
    end_node(parser, node);
    return code;
}

static enum am_code
parse_name(struct parser *parser, const char *name, size_t size, enum am_json_type type) {
    struct am_json_node *node = add_node(parser, type);
    if (!node)
        return too_many(parser);
    for (size_t i = 0; i < size; i++)
        if (!take(parser, name[i]))
            return expected(parser, "null, true or false");
    end_node(parser, node);
    return AM_OK;
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool take_hex(struct parser *parser, unsigned *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++, parser->at++) {
        if (parser->at == parser->end)
            return false;
        int digit = am_bytes_hex_value(*parser->at);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
    }
    return true;
}

/* Whether the characters at hand, which are none, may stay. */
static bool passes_over(struct parser *parser) {
    parser->ill_formed |= parser->lenient;
    return parser->lenient;
}

/* After "\u". Halves of a surrogate pair are accepted only together, but for lenient readers. */
static enum am_code check_unicode_escape(struct parser *parser) {
    static const char digits[] = "four hexadecimal digits after \\u";
    unsigned unit;
    if (!take_hex(parser, &unit))
        return expected(parser, digits);
    if (unit < 0xD800 || unit > 0xDFFF)
        return AM_OK;
    const char *after = parser->at;
    if (unit > 0xDBFF)
        parser->at -= 6;
    else if (take(parser, '\\') && take(parser, 'u')) {
        if (!take_hex(parser, &unit))
            return expected(parser, digits);
        if (unit >= 0xDC00 && unit <= 0xDFFF)
            return AM_OK;
        parser->at = after;
    }
    if (!passes_over(parser))
        return expected(parser, "both halves of a surrogate pair");
    parser->at = after;
    return AM_OK;
}

static enum am_code check_escape(struct parser *parser) {
    parser->at++;
    if (take(parser, 'u'))
        return check_unicode_escape(parser);
    if (parser->at == parser->end || !memchr("\"\\/bfnrt", *parser->at, 8))
        return expected(parser, "one of \"\\/bfnrtu after a backslash");
    parser->at++;
    return AM_OK;
}

static enum am_code check_characters(struct parser *parser) {
    while (parser->at < parser->end && (unsigned char)*parser->at >= 0x80) {
        struct am_utf8_step step = am_utf8_step(parser->at, parser->end);
        if (!step.valid && !passes_over(parser))
            return expected(parser, "well-formed UTF-8");
        parser->at += step.size;
    }
    return AM_OK;
}

/* Consumes one character, or run of characters, that is not plain. */
static enum am_code check_special(struct parser *parser, struct am_json_node *node) {
    if (parser->at == parser->end)
        return expected(parser, "the string's closing '\"'");
    unsigned char byte = (unsigned char)*parser->at;
    if (byte >= 0x80)
        return check_characters(parser);
    if (byte == '\\') {
        node->escaped = 1;
        return check_escape(parser);
    }
    if (byte < 0x20 && !passes_over(parser))
        return expected(parser, "a control character to be written as an escape");
    parser->at++;
    return AM_OK;
}

static inline enum am_code parse_string(struct parser *parser) {
    struct am_json_node *node = add_node(parser, AM_JSON_STRING);
    if (!node)
        return too_many(parser);
    parser->at++;
    for (;;) {
        parser->at = am_plain_skip(parser->at, parser->end);
        if (take(parser, '"'))
            break;
        enum am_code code = check_special(parser, node);
        if (code != AM_OK)
            return code;
    }
    end_node(parser, node);
    return AM_OK;
}

/* ---- arrays and objects --------------------------------------------------------------------- */

static enum am_code open_node(struct parser *parser, enum am_json_type type) {
    if (parser->depth == AM_JSON_MAX_DEPTH)
        return am_error_set(parser->error, AM_E_LIMIT,
                            "more than %d arrays and objects inside each other, at byte %zu",
                            AM_JSON_MAX_DEPTH, (size_t)(parser->at - parser->begin));
    struct am_json_node *node = add_node(parser, type);
    if (!node)
        return too_many(parser);
    parser->open[parser->depth++] = parser->count - 1;
    parser->at++;
    return AM_OK;
}

static inline struct am_json_node *innermost(const struct parser *parser) {
    return &parser->nodes[parser->open[parser->depth - 1]];
}

static inline void close_node(struct parser *parser) {
    struct am_json_node *node = innermost(parser);
    parser->at++;
    end_node(parser, node);
    node->next = parser->count;
    parser->depth--;
}

/* A member's name and colon. */
static inline enum am_code parse_key(struct parser *parser) {
    skip_space(parser);
    if (parser->at == parser->end || *parser->at != '"')
        return expected(parser, "a member's name in quotes");
    enum am_code code = parse_string(parser);
    if (code != AM_OK)
        return code;
    skip_space(parser);
    return take(parser, ':') ? AM_OK : expected(parser, "':'");
}

/* A whole scalar, or the opening bracket of an array or object. */
static inline enum am_code begin_value(struct parser *parser) {
    if (parser->at == parser->end)
        return expected(parser, "a value");
    switch (*parser->at) {
    case '"':
        return parse_string(parser);
    case '{':
        return open_node(parser, AM_JSON_OBJECT);
    case '[':
        return open_node(parser, AM_JSON_ARRAY);
    case 't':
        return parse_name(parser, "true", 4, AM_JSON_TRUE);
    case 'f':
        return parse_name(parser, "false", 5, AM_JSON_FALSE);
    case 'n':
        return parse_name(parser, "null", 4, AM_JSON_NULL);
    default:
        break;
    }
    if (*parser->at == '-' || is_digit(parser))
        return parse_number(parser);
    return expected(parser, "a value");
}

/* Closes arrays and objects that end here and skips a comma, until a value must follow or the
 * document ends. `fresh`: right after an opening bracket. */
static inline enum am_code go_on(struct parser *parser, bool fresh) {
    while (parser->depth > 0) {
        struct am_json_node *node = innermost(parser);
        bool object = node->type == AM_JSON_OBJECT;
        skip_space(parser);
        if (parser->at < parser->end && *parser->at == (object ? '}' : ']')) {
            close_node(parser);
            fresh = false;
            continue;
        }
        if (!fresh && !take(parser, ','))
            return expected(parser, object ? "',' or '}'" : "',' or ']'");
        node->children++;
        return object ? parse_key(parser) : AM_OK;
    }
    return AM_OK;
}

static enum am_code parse(struct parser *parser) {
    do {
        skip_space(parser);
        uint32_t depth = parser->depth;
        enum am_code code = begin_value(parser);
        if (code == AM_OK)
            code = go_on(parser, parser->depth > depth);
        if (code != AM_OK)
            return code;
    } while (parser->depth > 0);
    skip_space(parser);
    return parser->at < parser->end ? expected(parser, "nothing after the value") : AM_OK;
}

static void skip_mark(struct parser *parser) {
    if (parser->end - parser->at >= 3 && memcmp(parser->at, "\xEF\xBB\xBF", 3) == 0 &&
        passes_over(parser))
        parser->at += 3;
}

static enum am_code parse_text(struct am_view text,
                               struct am_json_node *nodes,
                               uint32_t capacity,
                               bool lenient,
                               struct am_json *json,
                               struct am_error *error) {
    if (text.size > UINT32_MAX)
        return am_error_set(error, AM_E_LIMIT, "%zu bytes of JSON: expected less than 4 GiB",
                            text.size);
    const char *data = text.size ? text.data : "";
    struct parser parser = {.begin = data,
                            .at = data,
                            .end = data + text.size,
                            .nodes = nodes,
                            .capacity = capacity,
                            .lenient = lenient,
                            .error = error};
    skip_mark(&parser);
    enum am_code code = parse(&parser);
    if (code == AM_OK)
        *json = (struct am_json){{data, text.size}, nodes, parser.count, parser.ill_formed};
    return code;
}

enum am_code am_json_parse(struct am_view text,
                           struct am_json_node *nodes,
                           uint32_t capacity,
                           struct am_json *json,
                           struct am_error *error) {
    return parse_text(text, nodes, capacity, false, json, error);
}

static enum am_code parse_guarded(struct am_view text,
                                  struct am_json_node *nodes,
                                  uint32_t capacity,
                                  bool lenient,
                                  struct am_json *json,
                                  struct am_error *error) {
    AM_UNPOISON_ITEMS(nodes, 0, capacity);
    enum am_code code = parse_text(text, nodes, capacity, lenient, json, error);
    uint32_t used = code == AM_OK ? json->count : 0;
    AM_POISON_ITEMS(nodes, used, capacity - used);
    return code;
}

enum am_code am_json_parse_guarded(struct am_view text,
                                   struct am_json_node *nodes,
                                   uint32_t capacity,
                                   struct am_json *json,
                                   struct am_error *error) {
    return parse_guarded(text, nodes, capacity, false, json, error);
}

enum am_code am_json_parse_lenient(struct am_view text,
                                   struct am_json_node *nodes,
                                   uint32_t capacity,
                                   struct am_json *json,
                                   struct am_error *error) {
    return parse_guarded(text, nodes, capacity, true, json, error);
}
