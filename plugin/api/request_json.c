/* A request written as JSON. Every object has a table of its members; what is in no table is
 * refused. */
#include "../base/buffer.h"
#include "request.h"

struct json_reader {
    struct am_request_reader *reader;
    struct am_json json;
    struct am_slot *slot; /* that members of a slot are for */
    struct am_error *error;
};

typedef enum am_code
read_function(struct json_reader *in, const struct am_json_node *value, int argument);

struct member {
    struct am_view name;
    read_function *read;
    int argument;
};

#define NAME(literal)                                                                              \
    { literal, sizeof(literal) - 1 }

enum { MEMBERS_MAX = 16, SHOWN_BYTES = 64 };

/* ---- errors --------------------------------------------------------------------------------- */

/* Adds the place to an error, if it is one. */
static enum am_code at(struct json_reader *in, const struct am_json_node *node, enum am_code code) {
    if (code != AM_OK) {
        char path[AM_ERROR_WHERE_SIZE];
        am_json_path(&in->json, node, path, sizeof path);
        am_error_at(in->error, "%s", path);
    }
    return code;
}

static enum am_code
expected(struct json_reader *in, const struct am_json_node *node, const char *what) {
    return at(in, node,
              am_error_set(in->error, AM_E_INVALID, "expected %s, found %s", what,
                           am_json_type_name((enum am_json_type)node->type)));
}

/* A member of its own, so that its refusal says why. */
static enum am_code
refuse_hour(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return at(in, value,
              am_error_set(in->error, AM_E_INVALID,
                           "hour comes from the clock: expected timezone instead"));
}

/* Names what may stand there; where one name is near, only that. */
static enum am_code unknown_member(struct json_reader *in,
                                   const struct am_json_node *key,
                                   const struct member *members,
                                   size_t count) {
    const char *names[MEMBERS_MAX + 1];
    char list[AM_ERROR_MESSAGE_SIZE / 2];
    struct am_buffer text = am_buffer_over(list, sizeof list);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i].read == refuse_hour)
            continue;
        am_buffer_view_append(&text, known == 0 ? AM_VIEW("one of ") : AM_VIEW(", "));
        am_buffer_view_append(&text, members[i].name);
        names[known++] = members[i].name.data;
    }
    names[known] = NULL;
    struct am_view raw = am_json_raw(&in->json, key);
    const char *near = am_nearest_name((struct am_view){raw.data + 1, raw.size - 2}, names);
    struct am_view wanted = near ? am_view_of(near) : am_buffer_view(&text);
    int shown = raw.size > SHOWN_BYTES ? SHOWN_BYTES : (int)raw.size;
    return at(in, key,
              am_error_set(in->error, AM_E_INVALID, "unknown member %.*s: expected %.*s", shown,
                           raw.data, AM_VIEW_ARGUMENTS(wanted)));
}

/* ---- values of any kind --------------------------------------------------------------------- */

static struct am_view decoded(struct json_reader *in, const struct am_json_node *node) {
    size_t used;
    struct am_request_reader *reader = in->reader;
    struct am_view text = am_json_string(&in->json, node, reader->text + reader->text_used, &used);
    reader->text_used += used;
    return text;
}

static enum am_code
read_string(struct json_reader *in, const struct am_json_node *node, struct am_view *text) {
    if (node->type != AM_JSON_STRING)
        return expected(in, node, "a string");
    *text = decoded(in, node);
    return AM_OK;
}

static const struct member *find_member(struct json_reader *in,
                                        const struct am_json_node *key,
                                        const struct member *members,
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

static enum am_code duplicate(struct json_reader *in, const struct am_json_node *key) {
    return at(in, key, am_error_set(in->error, AM_E_INVALID, "the same member twice"));
}

static enum am_code read_object(struct json_reader *in,
                                const struct am_json_node *object,
                                const struct member *members,
                                size_t count) {
    if (object->type != AM_JSON_OBJECT)
        return expected(in, object, "an object");
    uint32_t seen = 0;
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++) {
        const struct member *member = find_member(in, key, members, count);
        if (!member)
            return unknown_member(in, key, members, count);
        uint32_t bit = UINT32_C(1) << (member - members);
        if (seen & bit)
            return duplicate(in, key);
        seen |= bit;
        const struct am_json_node *value = am_json_after(&in->json, key);
        enum am_code code = member->read(in, value, member->argument);
        if (code != AM_OK)
            return code;
        key = am_json_after(&in->json, value);
    }
    return AM_OK;
}

typedef enum am_code
item_function(struct json_reader *in, struct am_view item, int argument, struct am_view context);

static enum am_code read_item(struct json_reader *in,
                              const struct am_json_node *node,
                              item_function *read,
                              int argument,
                              struct am_view context) {
    struct am_view text;
    enum am_code code = read_string(in, node, &text);
    return code == AM_OK ? at(in, node, read(in, text, argument, context)) : code;
}

/* Hands on each string of a list. */
static enum am_code read_list(struct json_reader *in,
                              const struct am_json_node *list,
                              item_function *read,
                              int argument,
                              struct am_view context) {
    if (list->type != AM_JSON_ARRAY)
        return expected(in, list, "a list of strings");
    const struct am_json_node *item = am_json_first(list);
    for (uint32_t i = 0; i < list->children; i++, item = am_json_after(&in->json, item)) {
        enum am_code code = read_item(in, item, read, argument, context);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}

/* The same where one string may stand for a list of one. */
static enum am_code read_one_or_list(struct json_reader *in,
                                     const struct am_json_node *node,
                                     item_function *read,
                                     int argument,
                                     struct am_view context) {
    if (node->type == AM_JSON_STRING)
        return read_item(in, node, read, argument, context);
    if (node->type != AM_JSON_ARRAY)
        return expected(in, node, "a string or a list of strings");
    return read_list(in, node, read, argument, context);
}

/* ---- context -------------------------------------------------------------------------------- */

static enum am_code
add_value(struct json_reader *in, struct am_view value, int attribute, struct am_view key) {
    return am_request_add_attribute(in->reader, (enum am_attribute)attribute, key, value,
                                    in->error);
}

static enum am_code
read_attribute(struct json_reader *in, const struct am_json_node *value, int attribute) {
    return read_one_or_list(in, value, add_value, attribute, AM_VIEW(""));
}

static enum am_code
read_free_keys(struct json_reader *in, const struct am_json_node *object, int attribute) {
    if (object->type != AM_JSON_OBJECT)
        return expected(in, object, "an object");
    /* Before looking for duplicates, which costs more the more keys there are. */
    if (object->children > AM_MAX_ATTRIBUTE_VALUES)
        return at(in, object,
                  am_error_set(in->error, AM_E_INVALID, "expected at most %d values of attributes",
                               AM_MAX_ATTRIBUTE_VALUES));
    const struct am_json_node *twice = am_json_duplicate_key_in(&in->json, object);
    if (twice)
        return duplicate(in, twice);
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++) {
        const struct am_json_node *value = am_json_after(&in->json, key);
        enum am_code code = read_one_or_list(in, value, add_value, attribute, decoded(in, key));
        if (code != AM_OK)
            return code;
        key = am_json_after(&in->json, value);
    }
    return AM_OK;
}

static enum am_code
set_timezone(struct json_reader *in, struct am_view name, int argument, struct am_view context) {
    (void)argument;
    (void)context;
    if (in->reader->request.timezone)
        return am_error_set(in->error, AM_E_INVALID, "expected one time zone, found a second one");
    return am_request_set_timezone(in->reader, name, in->error);
}

static enum am_code
read_timezone(struct json_reader *in, const struct am_json_node *value, int argument) {
    return read_one_or_list(in, value, set_timezone, argument, AM_VIEW(""));
}

static enum am_code
read_context(struct json_reader *in, const struct am_json_node *object, int argument) {
    static const struct member members[] = {
        {NAME("country"), read_attribute, AM_ATTRIBUTE_COUNTRY},
        {NAME("region"), read_attribute, AM_ATTRIBUTE_REGION},
        {NAME("metro"), read_attribute, AM_ATTRIBUTE_METRO},
        {NAME("city"), read_attribute, AM_ATTRIBUTE_CITY},
        {NAME("device"), read_attribute, AM_ATTRIBUTE_DEVICE},
        {NAME("os"), read_attribute, AM_ATTRIBUTE_OS},
        {NAME("browser"), read_attribute, AM_ATTRIBUTE_BROWSER},
        {NAME("language"), read_attribute, AM_ATTRIBUTE_LANGUAGE},
        {NAME("site"), read_attribute, AM_ATTRIBUTE_SITE},
        {NAME("placement"), read_attribute, AM_ATTRIBUTE_PLACEMENT},
        {NAME("category"), read_attribute, AM_ATTRIBUTE_CATEGORY},
        {NAME("kv"), read_free_keys, AM_ATTRIBUTE_KV},
        {NAME("timezone"), read_timezone, 0},
        {NAME("hour"), refuse_hour, 0},
    };
    (void)argument;
    _Static_assert(AM_COUNT_OF(members) <= MEMBERS_MAX, "room for their names");
    return read_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- slots ---------------------------------------------------------------------------------- */

/* Members of a slot that stand at the top level are for a slot of their own, the only one. */
static struct am_slot *current_slot(struct json_reader *in) {
    if (!in->slot)
        in->slot = am_request_add_slot(in->reader);
    return in->slot;
}

static enum am_code
read_slot_number(struct json_reader *in, const struct am_json_node *value, int is_floor) {
    if (value->type != AM_JSON_NUMBER)
        return expected(in, value, "a number");
    struct am_view number = am_json_raw(&in->json, value);
    struct am_slot *slot = current_slot(in);
    return at(in, value,
              is_floor ? am_request_set_floor(slot, number, in->error)
                       : am_request_set_count(slot, number, in->error));
}

static enum am_code
add_size(struct json_reader *in, struct am_view size, int argument, struct am_view context) {
    (void)argument;
    (void)context;
    return am_request_add_size(current_slot(in), size, in->error);
}

static enum am_code
read_sizes(struct json_reader *in, const struct am_json_node *value, int argument) {
    return read_one_or_list(in, value, add_size, argument, AM_VIEW(""));
}

static enum am_code
read_slot_id(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view id;
    enum am_code code = read_string(in, value, &id);
    return code == AM_OK ? at(in, value, am_request_set_id(&in->slot->id, id, in->error)) : code;
}

static enum am_code read_slot(struct json_reader *in, const struct am_json_node *object) {
    static const struct member members[] = {
        {NAME("id"), read_slot_id, 0},
        {NAME("count"), read_slot_number, false},
        {NAME("size"), read_sizes, 0},
        {NAME("floor"), read_slot_number, true},
    };
    in->slot = am_request_add_slot(in->reader);
    return read_object(in, object, members, AM_COUNT_OF(members));
}

static enum am_code
read_slots(struct json_reader *in, const struct am_json_node *list, int argument) {
    (void)argument;
    if (list->type != AM_JSON_ARRAY)
        return expected(in, list, "a list of slots");
    if (list->children == 0 || list->children > AM_MAX_SLOTS)
        return at(in, list,
                  am_error_set(in->error, AM_E_INVALID, "expected 1 to %d slots, found %u",
                               AM_MAX_SLOTS, list->children));
    const struct am_json_node *slot = am_json_first(list);
    for (uint32_t i = 0; i < list->children; i++, slot = am_json_after(&in->json, slot)) {
        enum am_code code = read_slot(in, slot);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}

/* Slots are given either as a list or by members that stand for the only one. Asked before anything
 * is read. */
static enum am_code check_one_kind_of_slots(struct json_reader *in) {
    static const char *const names[] = {"count", "size", "floor"};
    const struct am_json_node *root = in->json.nodes;
    if (!am_json_member(&in->json, root, "slots"))
        return AM_OK;
    for (size_t i = 0; i < AM_COUNT_OF(names); i++) {
        const struct am_json_node *value = am_json_member(&in->json, root, names[i]);
        if (value)
            return at(in, value,
                      am_error_set(in->error, AM_E_INVALID,
                                   "expected %s inside each slot, found it beside slots",
                                   names[i]));
    }
    return AM_OK;
}

/* ---- the request ---------------------------------------------------------------------------- */

enum text_member { TEXT_QUERY, TEXT_TITLE, TEXT_CONTENT, TEXT_URL };

static enum am_code read_text(struct json_reader *in, const struct am_json_node *value, int which) {
    struct am_view *const texts[] = {
        [TEXT_QUERY] = &in->reader->query,
        [TEXT_TITLE] = &in->reader->title,
        [TEXT_CONTENT] = &in->reader->content,
        [TEXT_URL] = &in->reader->url,
    };
    return read_string(in, value, texts[which]);
}

static enum am_code
read_id(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view id;
    enum am_code code = read_string(in, value, &id);
    if (code != AM_OK)
        return code;
    return at(in, value, am_request_set_id(&in->reader->request.id, id, in->error));
}

static enum am_code
add_keyword(struct json_reader *in, struct am_view keyword, int argument, struct am_view context) {
    (void)argument;
    (void)context;
    return am_request_add_keyword(in->reader, keyword, in->error);
}

static enum am_code
read_keywords(struct json_reader *in, const struct am_json_node *value, int argument) {
    return read_list(in, value, add_keyword, argument, AM_VIEW(""));
}

static enum am_code
add_blocked(struct json_reader *in, struct am_view name, int kind, struct am_view context) {
    (void)context;
    return am_request_add_blocked(in->reader, (enum am_blocked)kind, name, in->error);
}

static enum am_code
read_blocked(struct json_reader *in, const struct am_json_node *value, int kind) {
    return read_list(in, value, add_blocked, kind, AM_VIEW(""));
}

static enum am_code
read_block(struct json_reader *in, const struct am_json_node *object, int argument) {
    static const struct member members[] = {
        {NAME("advertisers"), read_blocked, AM_BLOCKED_ADVERTISERS},
        {NAME("categories"), read_blocked, AM_BLOCKED_CATEGORIES},
        {NAME("domains"), read_blocked, AM_BLOCKED_DOMAINS},
    };
    (void)argument;
    return read_object(in, object, members, AM_COUNT_OF(members));
}

static enum am_code
read_unique(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view name;
    enum am_code code = read_string(in, value, &name);
    return code == AM_OK ? at(in, value, am_request_set_unique(in->reader, name, in->error)) : code;
}

static enum am_code
read_explain(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_TRUE && value->type != AM_JSON_FALSE)
        return expected(in, value, "true or false");
    in->reader->request.explain = value->type == AM_JSON_TRUE;
    return AM_OK;
}

static enum am_code
read_now(struct json_reader *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_NUMBER && value->type != AM_JSON_STRING)
        return expected(in, value, "a string or a number");
    struct am_view time =
        value->type == AM_JSON_STRING ? decoded(in, value) : am_json_raw(&in->json, value);
    return at(in, value, am_request_set_now(in->reader, time, in->error));
}

static enum am_code read_root(struct json_reader *in) {
    static const struct member members[] = {
        {NAME("query"), read_text, TEXT_QUERY},
        {NAME("text"), read_text, TEXT_CONTENT},
        {NAME("id"), read_id, 0},
        {NAME("title"), read_text, TEXT_TITLE},
        {NAME("keywords"), read_keywords, 0},
        {NAME("url"), read_text, TEXT_URL},
        {NAME("slots"), read_slots, 0},
        {NAME("count"), read_slot_number, false},
        {NAME("size"), read_sizes, 0},
        {NAME("floor"), read_slot_number, true},
        {NAME("context"), read_context, 0},
        {NAME("timezone"), read_timezone, 0},
        {NAME("block"), read_block, 0},
        {NAME("unique"), read_unique, 0},
        {NAME("explain"), read_explain, 0},
        {NAME("now"), read_now, 0},
    };
    _Static_assert(AM_COUNT_OF(members) <= MEMBERS_MAX, "room for their names");
    return read_object(in, in->json.nodes, members, AM_COUNT_OF(members));
}

enum am_code am_request_read_json(struct am_request_reader *reader,
                                  struct am_view body,
                                  struct am_error *error) {
    struct json_reader in = {.reader = reader, .error = error};
    enum am_code code = am_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    code = am_json_parse(body, reader->nodes, AM_REQUEST_MAX_NODES, &in.json, error);
    if (code == AM_E_LIMIT) /* too deep, or too many values for what a request may hold */
        return error->code = AM_E_INVALID;
    if (code == AM_OK)
        code = check_one_kind_of_slots(&in);
    if (code == AM_OK)
        code = read_root(&in);
    if (code != AM_OK)
        return code;
    code = am_request_finish(reader, error);
    if (code != AM_OK)
        am_error_at(error, "$.slots");
    return code;
}
