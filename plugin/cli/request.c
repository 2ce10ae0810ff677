/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>

static const char KV_PREFIX[] = "kv.";
enum { KV_PREFIX_SIZE = sizeof KV_PREFIX - 1 };

/* A byte becomes at most the six of \u0000; names and brackets around a string need less than 32.
 */
static size_t room_for(struct am_view text) {
    return text.size * 6 + 32;
}

static size_t room_for_list(struct am_cli_options list) {
    size_t room = 0;
    for (size_t i = 0; i < list.count; i++)
        room += room_for(am_view_of(list.items[i]));
    return room;
}

static size_t room_for_all(const struct am_cli_request_options *options) {
    return 256 + room_for(am_view_of(options->id)) + room_for(am_view_of(options->why)) +
           room_for(am_view_of(options->query)) + room_for(am_view_of(options->title)) +
           room_for(am_view_of(options->url)) + room_for(options->text) +
           room_for_list(options->keywords) + room_for_list(options->context) +
           room_for_list(options->sizes) + room_for_list(options->blocked) +
           room_for(am_view_of(options->floor)) + room_for(am_view_of(options->unique));
}

/* Puts a comma before every member but an object's first. */
static void write_name(struct am_buffer *body, struct am_view name) {
    if (body->size > 0 && body->data[body->size - 1] != '{')
        am_buffer_literal(body, ",");
    am_buffer_json_string(body, name);
    am_buffer_literal(body, ":");
}

static void write_string(struct am_buffer *body, const char *name, const char *value) {
    if (!value)
        return;
    write_name(body, am_view_of(name));
    am_buffer_json_string(body, am_view_of(value));
}

static void write_list(struct am_buffer *body, const char *name, struct am_cli_options items) {
    if (items.count == 0)
        return;
    write_name(body, am_view_of(name));
    for (size_t i = 0; i < items.count; i++) {
        am_buffer_append(body, i ? "," : "[", 1);
        am_buffer_json_string(body, am_view_of(items.items[i]));
    }
    am_buffer_literal(body, "]");
}

static struct am_view key_of(const char *pair) {
    return (struct am_view){pair, strcspn(pair, "=")};
}

static struct am_view value_of(const char *pair) {
    return am_view_of(pair + strcspn(pair, "=") + 1);
}

static bool is_free_key(const char *pair) {
    return strncmp(pair, KV_PREFIX, KV_PREFIX_SIZE) == 0;
}

static bool has_key_before(struct am_cli_options context, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (am_view_equal(key_of(context.items[i]), key_of(context.items[index])))
            return true;
    return false;
}

/* All values of a key are in one list, at the place of its first. */
static void write_values(struct am_buffer *body, struct am_cli_options context, size_t first) {
    char separator = '[';
    for (size_t i = first; i < context.count; i++) {
        if (!am_view_equal(key_of(context.items[i]), key_of(context.items[first])))
            continue;
        am_buffer_append(body, &separator, 1);
        am_buffer_json_string(body, value_of(context.items[i]));
        separator = ',';
    }
    am_buffer_literal(body, "]");
}

static void write_keys(struct am_buffer *body, struct am_cli_options context, bool free_keys) {
    for (size_t i = 0; i < context.count; i++) {
        struct am_view key = key_of(context.items[i]);
        if (is_free_key(context.items[i]) != free_keys || has_key_before(context, i))
            continue;
        if (free_keys)
            key = (struct am_view){key.data + KV_PREFIX_SIZE, key.size - KV_PREFIX_SIZE};
        write_name(body, key);
        write_values(body, context, i);
    }
}

static void write_context(struct am_buffer *body, struct am_cli_options context) {
    bool has_free_keys = false;
    for (size_t i = 0; i < context.count; i++)
        has_free_keys |= is_free_key(context.items[i]);
    if (context.count == 0)
        return;
    write_name(body, AM_VIEW("context"));
    am_buffer_literal(body, "{");
    write_keys(body, context, false);
    if (has_free_keys) {
        write_name(body, AM_VIEW("kv"));
        am_buffer_literal(body, "{");
        write_keys(body, context, true);
        am_buffer_literal(body, "}");
    }
    am_buffer_literal(body, "}");
}

/* What the one slot of the request has. */
static void write_slot(struct am_buffer *body, const struct am_cli_request_options *options) {
    if (options->count) {
        write_name(body, AM_VIEW("count"));
        am_buffer_unsigned(body, options->count);
    }
    write_list(body, "size", options->sizes);
    if (options->floor) {
        write_name(body, AM_VIEW("floor"));
        am_buffer_view_append(body, am_view_of(options->floor));
    }
}

static void write_blocked(struct am_buffer *body, struct am_cli_options blocked) {
    static const char *const kinds[][2] = {
        {"advertiser", "advertisers"}, {"category", "categories"}, {"domain", "domains"}};
    if (blocked.count == 0)
        return;
    write_name(body, AM_VIEW("block"));
    am_buffer_literal(body, "{");
    for (size_t kind = 0; kind < AM_COUNT_OF(kinds); kind++) {
        char separator = '[';
        for (size_t i = 0; i < blocked.count; i++) {
            if (!am_view_equal(key_of(blocked.items[i]), am_view_of(kinds[kind][0])))
                continue;
            if (separator == '[')
                write_name(body, am_view_of(kinds[kind][1]));
            am_buffer_append(body, &separator, 1);
            am_buffer_json_string(body, value_of(blocked.items[i]));
            separator = ',';
        }
        if (separator == ',')
            am_buffer_literal(body, "]");
    }
    am_buffer_literal(body, "}");
}

enum am_code am_cli_request_body(const struct am_cli_request_options *options,
                                 struct am_buffer *body,
                                 struct am_error *error) {
    size_t capacity = room_for_all(options);
    char *memory = malloc(capacity);
    if (!memory)
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the request");
    *body = am_buffer_over(memory, capacity);
    am_buffer_literal(body, "{");
    write_string(body, "id", options->id);
    write_string(body, "query", options->query);
    write_list(body, "keywords", options->keywords);
    write_string(body, "title", options->title);
    if (options->text_member) {
        write_name(body, am_view_of(options->text_member));
        am_buffer_json_string(body, options->text);
    }
    write_string(body, "url", options->url);
    write_slot(body, options);
    write_context(body, options->context);
    write_blocked(body, options->blocked);
    write_string(body, "unique", options->unique);
    if (options->explain) {
        write_name(body, AM_VIEW("explain"));
        am_buffer_literal(body, "true");
    }
    write_string(body, "why", options->why);
    am_buffer_literal(body, "}");
    return AM_OK;
}
