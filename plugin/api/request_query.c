/* SPDX-License-Identifier: Apache-2.0 */
/* A request written as a query string: one slot, and every value a parameter. */
#include "../base/buffer.h"
#include "request.h"

typedef enum am_code take_function(struct am_api_request_reader *reader,
                                   struct am_view value,
                                   int argument,
                                   struct am_error *error);

struct parameter {
    struct am_view name;
    take_function *take;
    int argument;
    bool repeatable;
};

/* ---- values --------------------------------------------------------------------------------- */

enum text_parameter { TEXT_QUERY, TEXT_TITLE, TEXT_URL };

static enum am_code take_text(struct am_api_request_reader *reader,
                              struct am_view value,
                              int which,
                              struct am_error *error) {
    struct am_view *const texts[] = {
        [TEXT_QUERY] = &reader->query,
        [TEXT_TITLE] = &reader->title.given,
        [TEXT_URL] = &reader->url,
    };
    (void)error;
    *texts[which] = value;
    return AM_OK;
}

static enum am_code take_content(struct am_api_request_reader *reader,
                                 struct am_view value,
                                 int markup,
                                 struct am_error *error) {
    return am_api_request_set_content(reader, value, (enum am_text_markup)markup, error);
}

static enum am_code take_id(struct am_api_request_reader *reader,
                            struct am_view value,
                            int argument,
                            struct am_error *error) {
    (void)argument;
    return am_api_request_set_id(&reader->request.id, value, error);
}

static enum am_code take_keyword(struct am_api_request_reader *reader,
                                 struct am_view value,
                                 int argument,
                                 struct am_error *error) {
    (void)argument;
    return am_api_request_add_keyword(reader, value, error);
}

static enum am_code take_count(struct am_api_request_reader *reader,
                               struct am_view value,
                               int argument,
                               struct am_error *error) {
    (void)argument;
    return am_api_request_set_count(reader->slots, value, error);
}

static enum am_code take_floor(struct am_api_request_reader *reader,
                               struct am_view value,
                               int argument,
                               struct am_error *error) {
    (void)argument;
    return am_api_request_set_floor(reader->slots, value, error);
}

static enum am_code take_size(struct am_api_request_reader *reader,
                              struct am_view value,
                              int argument,
                              struct am_error *error) {
    (void)argument;
    return am_api_request_add_size(reader->slots, value, error);
}

static enum am_code take_attribute(struct am_api_request_reader *reader,
                                   struct am_view value,
                                   int attribute,
                                   struct am_error *error) {
    return am_api_request_add_attribute(reader, (enum am_model_attribute)attribute, AM_VIEW(""),
                                        value, error);
}

static enum am_code take_blocked(struct am_api_request_reader *reader,
                                 struct am_view value,
                                 int kind,
                                 struct am_error *error) {
    return am_api_request_add_blocked(reader, (enum am_api_blocked)kind, value, error);
}

static enum am_code take_unique(struct am_api_request_reader *reader,
                                struct am_view value,
                                int argument,
                                struct am_error *error) {
    (void)argument;
    return am_api_request_set_unique(reader, value, error);
}

static enum am_code take_explain(struct am_api_request_reader *reader,
                                 struct am_view value,
                                 int argument,
                                 struct am_error *error) {
    (void)argument;
    bool yes = am_view_equal(value, AM_VIEW("1")) || am_view_equal(value, AM_VIEW("true"));
    bool no = am_view_equal(value, AM_VIEW("0")) || am_view_equal(value, AM_VIEW("false"));
    if (yes || no)
        return am_api_request_set_explain(reader, yes, error);
    return am_error_set(error, AM_E_INVALID, "expected 1, 0, true or false, found \"%.*s\"",
                        AM_API_SHOWN(value));
}

static enum am_code take_why(struct am_api_request_reader *reader,
                             struct am_view value,
                             int argument,
                             struct am_error *error) {
    (void)argument;
    return am_api_request_set_why(reader, value, error);
}

static enum am_code take_now(struct am_api_request_reader *reader,
                             struct am_view value,
                             int argument,
                             struct am_error *error) {
    (void)argument;
    return am_api_request_set_now(reader, value, error);
}

static enum am_code take_timezone(struct am_api_request_reader *reader,
                                  struct am_view value,
                                  int argument,
                                  struct am_error *error) {
    (void)argument;
    return am_api_request_set_timezone(reader, value, error);
}

static enum am_code take_ip(struct am_api_request_reader *reader,
                            struct am_view value,
                            int argument,
                            struct am_error *error) {
    (void)argument;
    return am_api_request_set_ip(reader, value, error);
}

static enum am_code take_agent(struct am_api_request_reader *reader,
                               struct am_view value,
                               int argument,
                               struct am_error *error) {
    (void)argument;
    return am_api_request_set_agent(reader, value, error);
}

static enum am_code refuse_hour(struct am_api_request_reader *reader,
                                struct am_view value,
                                int argument,
                                struct am_error *error) {
    (void)reader;
    (void)value;
    (void)argument;
    return am_error_set(error, AM_E_INVALID,
                        "hour comes from the clock: expected timezone instead");
}

/* ---- names ---------------------------------------------------------------------------------- */

#define NAME(literal)                                                                              \
    { literal, sizeof(literal) - 1 }

static const struct parameter parameters[] = {
    {NAME("query"), take_text, TEXT_QUERY, false},
    {NAME("count"), take_count, 0, false},
    {NAME("country"), take_attribute, AM_ATTRIBUTE_COUNTRY, true},
    {NAME("device"), take_attribute, AM_ATTRIBUTE_DEVICE, true},
    {NAME("id"), take_id, 0, false},
    {NAME("size"), take_size, 0, true},
    {NAME("floor"), take_floor, 0, false},
    {NAME("language"), take_attribute, AM_ATTRIBUTE_LANGUAGE, true},
    {NAME("site"), take_attribute, AM_ATTRIBUTE_SITE, true},
    {NAME("placement"), take_attribute, AM_ATTRIBUTE_PLACEMENT, true},
    {NAME("keywords"), take_keyword, 0, true},
    {NAME("title"), take_text, TEXT_TITLE, false},
    {NAME("text"), take_content, AM_MARKUP_ENTITIES, false},
    {NAME("html"), take_content, AM_MARKUP_HTML, false},
    {NAME("url"), take_text, TEXT_URL, false},
    {NAME("region"), take_attribute, AM_ATTRIBUTE_REGION, true},
    {NAME("metro"), take_attribute, AM_ATTRIBUTE_METRO, true},
    {NAME("city"), take_attribute, AM_ATTRIBUTE_CITY, true},
    {NAME("os"), take_attribute, AM_ATTRIBUTE_OS, true},
    {NAME("browser"), take_attribute, AM_ATTRIBUTE_BROWSER, true},
    {NAME("category"), take_attribute, AM_ATTRIBUTE_CATEGORY, true},
    {NAME("unique"), take_unique, 0, false},
    {NAME("explain"), take_explain, 0, false},
    {NAME("why"), take_why, 0, false},
    {NAME("now"), take_now, 0, false},
    {NAME("timezone"), take_timezone, 0, false},
    {NAME("block.advertisers"), take_blocked, AM_BLOCKED_ADVERTISERS, true},
    {NAME("block.categories"), take_blocked, AM_BLOCKED_CATEGORIES, true},
    {NAME("block.domains"), take_blocked, AM_BLOCKED_DOMAINS, true},
    {NAME("ip"), take_ip, 0, false},
    {NAME("agent"), take_agent, 0, false},
    {NAME("hour"), refuse_hour, 0, false},
};
_Static_assert(AM_COUNT_OF(parameters) <= 32, "a bit for each");

static const struct am_view free_key_prefix = NAME("kv.");

static enum am_code unknown_parameter(struct am_view name, struct am_error *error) {
    const char *names[AM_COUNT_OF(parameters) + 1];
    char list[AM_ERROR_MESSAGE_SIZE - 128];
    struct am_buffer text = am_buffer_over(list, sizeof list);
    size_t known = 0;
    for (size_t i = 0; i < AM_COUNT_OF(parameters); i++) {
        if (parameters[i].take == refuse_hour)
            continue;
        names[known++] = parameters[i].name.data;
        am_buffer_view_append(&text, parameters[i].name);
        am_buffer_literal(&text, ", ");
    }
    names[known] = NULL;
    am_buffer_literal(&text, "kv.KEY");
    const char *near = am_model_nearest_name(name, names);
    struct am_view wanted = near ? am_view_of(near) : am_buffer_view(&text);
    return am_error_set(error, AM_E_INVALID, "unknown parameter \"%.*s\": expected %s%.*s",
                        AM_API_SHOWN(name), near ? "" : "one of ", AM_VIEW_ARGUMENTS(wanted));
}

static enum am_code take_parameter(struct am_api_request_reader *reader,
                                   struct am_view name,
                                   struct am_view value,
                                   uint32_t *seen,
                                   struct am_error *error) {
    for (size_t i = 0; i < AM_COUNT_OF(parameters); i++) {
        const struct parameter *parameter = &parameters[i];
        if (parameter->name.size != name.size || parameter->name.data[0] != name.data[0] ||
            memcmp(parameter->name.data, name.data, name.size) != 0)
            continue;
        if (!parameter->repeatable && *seen >> i & 1)
            return am_error_set(error, AM_E_INVALID, "expected one value, found a second one");
        *seen |= UINT32_C(1) << i;
        return parameter->take(reader, value, parameter->argument, error);
    }
    if (name.size >= free_key_prefix.size &&
        memcmp(name.data, free_key_prefix.data, free_key_prefix.size) == 0) {
        struct am_view key = {name.data + free_key_prefix.size, name.size - free_key_prefix.size};
        return am_api_request_add_attribute(reader, AM_ATTRIBUTE_KV, key, value, error);
    }
    return unknown_parameter(name, error);
}

/* ---- the query string ----------------------------------------------------------------------- */

static bool
decode(struct am_api_request_reader *reader, struct am_view text, struct am_view *decoded) {
    bool fine = am_api_percent_decode(text, am_api_request_room(reader, text.size), decoded);
    am_api_request_keep(reader, text.size, fine ? decoded->size : 0);
    return fine;
}

static enum am_code read_pair(struct am_api_request_reader *reader,
                              struct am_view pair,
                              uint32_t *seen,
                              struct am_error *error) {
    const char *equals = memchr(pair.data, '=', pair.size);
    size_t name_size = equals ? (size_t)(equals - pair.data) : pair.size;
    struct am_view name = {pair.data, name_size};
    struct am_view value = {pair.data + pair.size, 0};
    if (equals)
        value = (struct am_view){equals + 1, pair.size - name_size - 1};
    enum am_code code;
    if (!decode(reader, name, &name) || !decode(reader, value, &value))
        code = am_error_set(error, AM_E_SYNTAX,
                            "expected two hexadecimal digits after each %%; %%25 is a %% itself");
    else
        code = take_parameter(reader, name, value, seen, error);
    if (code != AM_OK)
        am_error_at(error, "%.*s",
                    name.size > AM_ERROR_WHERE_SIZE ? AM_ERROR_WHERE_SIZE : (int)name.size,
                    name.data);
    return code;
}

enum am_code am_api_request_read_query_string(struct am_api_request_reader *reader,
                                              struct am_view body,
                                              struct am_error *error) {
    uint32_t seen = 0;
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    am_api_request_add_slot(reader);
    for (size_t begin = 0; begin < body.size;) {
        const char *end = memchr(body.data + begin, '&', body.size - begin);
        size_t size = end ? (size_t)(end - body.data) - begin : body.size - begin;
        if (size > 0) {
            code = read_pair(reader, (struct am_view){body.data + begin, size}, &seen, error);
            if (code != AM_OK)
                return code;
        }
        begin += size + 1;
    }
    return am_api_request_finish(reader, error);
}
