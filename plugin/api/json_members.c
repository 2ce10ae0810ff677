/* SPDX-License-Identifier: Apache-2.0 */
#include "json_members.h"

#include "../base/buffer.h"

/* ---- errors --------------------------------------------------------------------------------- */

enum am_code
am_api_member_at(struct am_api_members *in, const struct am_json_node *node, enum am_code code) {
    if (code != AM_OK) {
        char path[AM_ERROR_WHERE_SIZE];
        am_json_path(&in->json, node, path, sizeof path);
        am_error_at(in->error, "%s", path);
    }
    return code;
}

enum am_code am_api_member_expected(struct am_api_members *in,
                                    const struct am_json_node *node,
                                    const char *what) {
    return am_api_member_at(in, node,
                            am_error_set(in->error, AM_E_INVALID, "expected %s, found %s", what,
                                         am_json_type_name((enum am_json_type)node->type)));
}

/* Names what is allowed there; where one name is near, only that. */
static enum am_code unknown_member(struct am_api_members *in,
                                   const struct am_json_node *key,
                                   const struct am_api_member *members,
                                   size_t count) {
    const char *names[AM_MEMBERS_MAX + 1];
    char list[AM_ERROR_MESSAGE_SIZE / 2];
    struct am_buffer text = am_buffer_over(list, sizeof list);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i].unlisted)
            continue;
        am_buffer_view_append(&text, known == 0 ? AM_VIEW("one of ") : AM_VIEW(", "));
        am_buffer_view_append(&text, members[i].name);
        names[known++] = members[i].name.data;
    }
    names[known] = NULL;
    struct am_view raw = am_json_raw(&in->json, key);
    const char *near = am_model_nearest_name((struct am_view){raw.data + 1, raw.size - 2}, names);
    struct am_view wanted = near ? am_view_of(near) : am_buffer_view(&text);
    return am_api_member_at(in, key,
                            am_error_set(in->error, AM_E_INVALID,
                                         "unknown member %.*s: expected %.*s", AM_API_SHOWN(raw),
                                         AM_VIEW_ARGUMENTS(wanted)));
}

/* ---- values of any kind --------------------------------------------------------------------- */

struct am_view am_api_member_decoded(struct am_api_members *in, const struct am_json_node *node) {
    size_t used;
    struct am_api_request_reader *reader = in->reader;
    char *memory = am_api_request_room(reader, node->size);
    struct am_view text = am_json_string(&in->json, node, memory, &used);
    am_api_request_keep(reader, node->size, used);
    return text;
}

enum am_code am_api_member_string(struct am_api_members *in,
                                  const struct am_json_node *node,
                                  struct am_view *text) {
    if (node->type != AM_JSON_STRING)
        return am_api_member_expected(in, node, "a string");
    *text = am_api_member_decoded(in, node);
    return AM_OK;
}

static const struct am_api_member *find_member(struct am_api_members *in,
                                               const struct am_json_node *key,
                                               const struct am_api_member *members,
                                               size_t count) {
    struct am_view raw = am_json_raw(&in->json, key);
    for (size_t i = 0; i < count; i++) {
        const struct am_view name = members[i].name;
        if (key->escaped ? am_json_string_is(&in->json, key, name.data)
                         : raw.size == name.size + 2 && raw.data[1] == name.data[0] &&
                               memcmp(raw.data + 1, name.data, name.size) == 0)
            return &members[i];
    }
    return NULL;
}

static enum am_code duplicate(struct am_api_members *in, const struct am_json_node *key) {
    return am_api_member_at(in, key,
                            am_error_set(in->error, AM_E_INVALID, "the same member twice"));
}

static enum am_code read_known(struct am_api_members *in,
                               const struct am_api_member *member,
                               const struct am_json_node *key,
                               uint32_t bit,
                               uint32_t *seen) {
    if (*seen & bit)
        return duplicate(in, key);
    *seen |= bit;
    return member->read(in, am_json_after(&in->json, key), member->argument);
}

enum am_code am_api_members_read(struct am_api_members *in,
                                 const struct am_json_node *object,
                                 const struct am_api_member *members,
                                 size_t count) {
    if (object->type != AM_JSON_OBJECT)
        return am_api_member_expected(in, object, "an object");
    uint32_t seen = 0;
    enum am_code code = AM_OK;
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children && code == AM_OK; i++) {
        const struct am_api_member *member = find_member(in, key, members, count);
        const struct am_json_node *value = am_json_after(&in->json, key);
        code = member ? read_known(in, member, key, UINT32_C(1) << (member - members), &seen)
                      : unknown_member(in, key, members, count);
        key = am_json_after(&in->json, value);
    }
    return code;
}

static enum am_code read_item(struct am_api_members *in,
                              const struct am_json_node *node,
                              am_api_item_function *read,
                              int argument,
                              struct am_view context) {
    struct am_view text;
    enum am_code code = am_api_member_string(in, node, &text);
    return code == AM_OK ? am_api_member_at(in, node, read(in, text, argument, context)) : code;
}

enum am_code am_api_member_list(struct am_api_members *in,
                                const struct am_json_node *list,
                                am_api_item_function *read,
                                int argument,
                                struct am_view context) {
    if (list->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, list, "a list of strings");
    const struct am_json_node *item = am_json_first(list);
    for (uint32_t i = 0; i < list->children; i++, item = am_json_after(&in->json, item)) {
        enum am_code code = read_item(in, item, read, argument, context);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}

enum am_code am_api_member_one_or_list(struct am_api_members *in,
                                       const struct am_json_node *node,
                                       am_api_item_function *read,
                                       int argument,
                                       struct am_view context) {
    if (node->type == AM_JSON_STRING)
        return read_item(in, node, read, argument, context);
    if (node->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, node, "a string or a list of strings");
    return am_api_member_list(in, node, read, argument, context);
}

/* ---- free keys ------------------------------------------------------------------------------ */

static enum am_code
add_free_value(struct am_api_members *in, struct am_view value, int argument, struct am_view key) {
    (void)argument;
    return am_api_request_add_attribute(in->reader, AM_ATTRIBUTE_KV, key, value, in->error);
}

/* Keys that cannot be short enough are refused before any two are compared. */
static enum am_code check_free_keys(struct am_api_members *in, const struct am_json_node *object) {
    enum { ESCAPED_BYTE = 6 };
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++) {
        if (key->size - 2 > AM_ID_MAX_BYTES * ESCAPED_BYTE)
            return am_api_member_at(in, key,
                                    am_error_set(in->error, AM_E_INVALID,
                                                 "expected at most %d bytes, found %u",
                                                 AM_ID_MAX_BYTES, key->size - 2));
        key = am_json_after(&in->json, am_json_after(&in->json, key));
    }
    const struct am_json_node *twice = am_json_duplicate_key_in(&in->json, object);
    return twice ? duplicate(in, twice) : AM_OK;
}

enum am_code am_api_member_free_keys(struct am_api_members *in, const struct am_json_node *object) {
    if (object->type != AM_JSON_OBJECT)
        return am_api_member_expected(in, object, "an object");
    /* Before looking for duplicates, which costs more the more keys there are. */
    if (object->children > AM_MAX_ATTRIBUTE_VALUES)
        return am_api_member_at(in, object,
                                am_error_set(in->error, AM_E_INVALID,
                                             "expected at most %d values of attributes",
                                             AM_MAX_ATTRIBUTE_VALUES));
    enum am_code checked = check_free_keys(in, object);
    if (checked != AM_OK)
        return checked;
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++) {
        const struct am_json_node *value = am_json_after(&in->json, key);
        enum am_code code =
            am_api_member_one_or_list(in, value, add_free_value, 0, am_api_member_decoded(in, key));
        if (code != AM_OK)
            return code;
        key = am_json_after(&in->json, value);
    }
    return AM_OK;
}
