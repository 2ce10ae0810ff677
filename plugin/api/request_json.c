/* SPDX-License-Identifier: Apache-2.0 */
/* A request written as JSON. What is in no table of members is refused. */
#include "json_members.h"

/* ---- context -------------------------------------------------------------------------------- */

/* A member of its own, so that its refusal says why. */
static enum am_code
refuse_hour(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_at(in, value,
                            am_error_set(in->error, AM_E_INVALID,
                                         "hour comes from the clock: expected timezone instead"));
}

static enum am_code
add_value(struct am_api_members *in, struct am_view value, int attribute, struct am_view key) {
    return am_api_request_add_attribute(in->reader, (enum am_model_attribute)attribute, key, value,
                                        in->error);
}

static enum am_code
read_attribute(struct am_api_members *in, const struct am_json_node *value, int attribute) {
    return am_api_member_one_or_list(in, value, add_value, attribute, AM_VIEW(""));
}

static enum am_code
read_free_keys(struct am_api_members *in, const struct am_json_node *object, int argument) {
    (void)argument;
    return am_api_member_free_keys(in, object);
}

static enum am_code
set_timezone(struct am_api_members *in, struct am_view name, int argument, struct am_view context) {
    (void)argument;
    (void)context;
    if (in->reader->request.timezone)
        return am_error_set(in->error, AM_E_INVALID, "expected one time zone, found a second one");
    return am_api_request_set_timezone(in->reader, name, in->error);
}

static enum am_code
read_timezone(struct am_api_members *in, const struct am_json_node *value, int argument) {
    return am_api_member_one_or_list(in, value, set_timezone, argument, AM_VIEW(""));
}

static enum am_code
read_context(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("country", read_attribute, AM_ATTRIBUTE_COUNTRY),
        AM_MEMBER("region", read_attribute, AM_ATTRIBUTE_REGION),
        AM_MEMBER("metro", read_attribute, AM_ATTRIBUTE_METRO),
        AM_MEMBER("city", read_attribute, AM_ATTRIBUTE_CITY),
        AM_MEMBER("device", read_attribute, AM_ATTRIBUTE_DEVICE),
        AM_MEMBER("os", read_attribute, AM_ATTRIBUTE_OS),
        AM_MEMBER("browser", read_attribute, AM_ATTRIBUTE_BROWSER),
        AM_MEMBER("language", read_attribute, AM_ATTRIBUTE_LANGUAGE),
        AM_MEMBER("site", read_attribute, AM_ATTRIBUTE_SITE),
        AM_MEMBER("placement", read_attribute, AM_ATTRIBUTE_PLACEMENT),
        AM_MEMBER("category", read_attribute, AM_ATTRIBUTE_CATEGORY),
        AM_MEMBER("kv", read_free_keys, AM_ATTRIBUTE_KV),
        AM_MEMBER("timezone", read_timezone, 0),
        AM_MEMBER_UNLISTED("hour", refuse_hour),
    };
    (void)argument;
    _Static_assert(AM_COUNT_OF(members) <= AM_MEMBERS_MAX, "room for their names");
    return am_api_members_read(in, object, members, AM_COUNT_OF(members));
}

/* ---- slots ---------------------------------------------------------------------------------- */

/* Members of a slot that stand at the top level are for a slot of their own, the only one. */
static struct am_match_slot *current_slot(struct am_api_members *in) {
    if (!in->slot)
        in->slot = am_api_request_add_slot(in->reader);
    return in->slot;
}

static enum am_code
read_slot_number(struct am_api_members *in, const struct am_json_node *value, int is_floor) {
    if (value->type != AM_JSON_NUMBER)
        return am_api_member_expected(in, value, "a number");
    struct am_view number = am_json_raw(&in->json, value);
    struct am_match_slot *slot = current_slot(in);
    return am_api_member_at(in, value,
                            is_floor ? am_api_request_set_floor(slot, number, in->error)
                                     : am_api_request_set_count(slot, number, in->error));
}

static enum am_code
add_size(struct am_api_members *in, struct am_view size, int argument, struct am_view context) {
    (void)argument;
    (void)context;
    return am_api_request_add_size(current_slot(in), size, in->error);
}

static enum am_code
read_sizes(struct am_api_members *in, const struct am_json_node *value, int argument) {
    return am_api_member_one_or_list(in, value, add_size, argument, AM_VIEW(""));
}

static enum am_code
read_slot_id(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view id;
    enum am_code code = am_api_member_string(in, value, &id);
    return code == AM_OK
               ? am_api_member_at(in, value, am_api_request_set_id(&in->slot->id, id, in->error))
               : code;
}

static enum am_code read_slot(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("id", read_slot_id, 0),
        AM_MEMBER("count", read_slot_number, false),
        AM_MEMBER("size", read_sizes, 0),
        AM_MEMBER("floor", read_slot_number, true),
    };
    in->slot = am_api_request_add_slot(in->reader);
    return am_api_members_read(in, object, members, AM_COUNT_OF(members));
}

static enum am_code
read_slots(struct am_api_members *in, const struct am_json_node *list, int argument) {
    (void)argument;
    if (list->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, list, "a list of slots");
    if (list->children == 0 || list->children > AM_MAX_SLOTS)
        return am_api_member_at(in, list,
                                am_error_set(in->error, AM_E_INVALID,
                                             "expected 1 to %d slots, found %u", AM_MAX_SLOTS,
                                             list->children));
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
static enum am_code check_one_kind_of_slots(struct am_api_members *in) {
    static const char *const names[] = {"count", "size", "floor"};
    const struct am_json_node *root = in->json.nodes;
    if (!am_json_member(&in->json, root, "slots"))
        return AM_OK;
    for (size_t i = 0; i < AM_COUNT_OF(names); i++) {
        const struct am_json_node *value = am_json_member(&in->json, root, names[i]);
        if (value)
            return am_api_member_at(
                in, value,
                am_error_set(in->error, AM_E_INVALID,
                             "expected %s inside each slot, found it beside slots", names[i]));
    }
    return AM_OK;
}

/* ---- the request ---------------------------------------------------------------------------- */

enum text_member { TEXT_QUERY, TEXT_TITLE, TEXT_URL };

static enum am_code
read_text(struct am_api_members *in, const struct am_json_node *value, int which) {
    struct am_view *const texts[] = {
        [TEXT_QUERY] = &in->reader->query,
        [TEXT_TITLE] = &in->reader->title.given,
        [TEXT_URL] = &in->reader->url,
    };
    return am_api_member_string(in, value, texts[which]);
}

static enum am_code
read_content(struct am_api_members *in, const struct am_json_node *value, int markup) {
    struct am_view content;
    enum am_code code = am_api_member_string(in, value, &content);
    if (code != AM_OK)
        return code;
    return am_api_member_at(
        in, value,
        am_api_request_set_content(in->reader, content, (enum am_text_markup)markup, in->error));
}

static enum am_code
read_id(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view id;
    enum am_code code = am_api_member_string(in, value, &id);
    if (code != AM_OK)
        return code;
    return am_api_member_at(in, value,
                            am_api_request_set_id(&in->reader->request.id, id, in->error));
}

static enum am_code add_keyword(struct am_api_members *in,
                                struct am_view keyword,
                                int argument,
                                struct am_view context) {
    (void)argument;
    (void)context;
    return am_api_request_add_keyword(in->reader, keyword, in->error);
}

static enum am_code
read_keywords(struct am_api_members *in, const struct am_json_node *value, int argument) {
    return am_api_member_list(in, value, add_keyword, argument, AM_VIEW(""));
}

static enum am_code
add_blocked(struct am_api_members *in, struct am_view name, int kind, struct am_view context) {
    (void)context;
    return am_api_request_add_blocked(in->reader, (enum am_api_blocked)kind, name, in->error);
}

static enum am_code
read_blocked(struct am_api_members *in, const struct am_json_node *value, int kind) {
    return am_api_member_list(in, value, add_blocked, kind, AM_VIEW(""));
}

static enum am_code
read_block(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("advertisers", read_blocked, AM_BLOCKED_ADVERTISERS),
        AM_MEMBER("categories", read_blocked, AM_BLOCKED_CATEGORIES),
        AM_MEMBER("domains", read_blocked, AM_BLOCKED_DOMAINS),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members));
}

static enum am_code
read_unique(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view name;
    enum am_code code = am_api_member_string(in, value, &name);
    return code == AM_OK
               ? am_api_member_at(in, value, am_api_request_set_unique(in->reader, name, in->error))
               : code;
}

static enum am_code
read_explain(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_TRUE && value->type != AM_JSON_FALSE)
        return am_api_member_expected(in, value, "true or false");
    return am_api_member_at(
        in, value, am_api_request_set_explain(in->reader, value->type == AM_JSON_TRUE, in->error));
}

static enum am_code
read_why(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view id;
    enum am_code code = am_api_member_string(in, value, &id);
    if (code != AM_OK)
        return code;
    return am_api_member_at(in, value, am_api_request_set_why(in->reader, id, in->error));
}

static enum am_code
read_ip(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view ip;
    enum am_code code = am_api_member_string(in, value, &ip);
    return code == AM_OK
               ? am_api_member_at(in, value, am_api_request_set_ip(in->reader, ip, in->error))
               : code;
}

static enum am_code
read_agent(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view agent;
    enum am_code code = am_api_member_string(in, value, &agent);
    return code == AM_OK ? am_api_request_set_agent(in->reader, agent, in->error) : code;
}

static enum am_code
read_now(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_NUMBER && value->type != AM_JSON_STRING)
        return am_api_member_expected(in, value, "a string or a number");
    struct am_view time = value->type == AM_JSON_STRING ? am_api_member_decoded(in, value)
                                                        : am_json_raw(&in->json, value);
    return am_api_member_at(in, value, am_api_request_set_now(in->reader, time, in->error));
}

/* ---- the user ---------------------------------------------------------------------------------
 */

enum user_member { USER_KEY, USER_CAPS };

static enum am_code
read_user_member(struct am_api_members *in, const struct am_json_node *value, int which) {
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    if (code != AM_OK)
        return code;
    code = which == USER_KEY ? am_api_request_set_user_key(in->reader, text, in->error)
                             : am_api_request_set_user_caps(in->reader, text, in->error);
    return am_api_member_at(in, value, code);
}

static enum am_code
read_user(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("key", read_user_member, USER_KEY),
        AM_MEMBER("caps", read_user_member, USER_CAPS),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members));
}

/* A flag of the IAB's: 0 or 1, or false or true. */
static enum am_code
read_privacy_flag(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view raw = am_json_raw(&in->json, value);
    bool set = value->type == AM_JSON_TRUE || am_view_equal(raw, AM_VIEW("1"));
    if (!set && value->type != AM_JSON_FALSE && !am_view_equal(raw, AM_VIEW("0")))
        return am_api_member_expected(in, value, "0, 1, false or true");
    in->reader->user.opted_out |= set;
    return AM_OK;
}

/* A GPP string is not interpreted: any speaks against it. */
static enum am_code
read_gpp(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    if (code == AM_OK)
        in->reader->user.opted_out |= text.size > 0;
    return code;
}

/* "1YYN": version, notice given, opted out of sale, covered by an agreement. */
static enum am_code
read_us_privacy(struct am_api_members *in, const struct am_json_node *value, int argument) {
    enum { OPTED_OUT = 2, SIZE = 4 };
    (void)argument;
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    if (code != AM_OK)
        return code;
    if (text.size && text.size != SIZE)
        return am_api_member_expected(in, value, "a string like \"1YNN\"");
    in->reader->user.opted_out |=
        text.size && (text.data[OPTED_OUT] == 'Y' || text.data[OPTED_OUT] == 'y');
    return AM_OK;
}

static enum am_code
read_privacy(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("coppa", read_privacy_flag, 0),
        AM_MEMBER("gdpr", read_privacy_flag, 0),
        AM_MEMBER("gpp", read_gpp, 0),
        AM_MEMBER("us_privacy", read_us_privacy, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members));
}

static enum am_code
read_state(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_OBJECT)
        return am_api_member_expected(in, value, "an object");
    return am_api_member_at(
        in, value, am_api_request_set_state(in->reader, am_json_raw(&in->json, value), in->error));
}

static enum am_code read_root(struct am_api_members *in) {
    static const struct am_api_member members[] = {
        AM_MEMBER("query", read_text, TEXT_QUERY),
        AM_MEMBER("text", read_content, AM_MARKUP_ENTITIES),
        AM_MEMBER("html", read_content, AM_MARKUP_HTML),
        AM_MEMBER("id", read_id, 0),
        AM_MEMBER("title", read_text, TEXT_TITLE),
        AM_MEMBER("keywords", read_keywords, 0),
        AM_MEMBER("url", read_text, TEXT_URL),
        AM_MEMBER("slots", read_slots, 0),
        AM_MEMBER("count", read_slot_number, false),
        AM_MEMBER("size", read_sizes, 0),
        AM_MEMBER("floor", read_slot_number, true),
        AM_MEMBER("context", read_context, 0),
        AM_MEMBER("timezone", read_timezone, 0),
        AM_MEMBER("block", read_block, 0),
        AM_MEMBER("unique", read_unique, 0),
        AM_MEMBER("explain", read_explain, 0),
        AM_MEMBER("why", read_why, 0),
        AM_MEMBER("now", read_now, 0),
        AM_MEMBER("user", read_user, 0),
        AM_MEMBER("privacy", read_privacy, 0),
        AM_MEMBER("state", read_state, 0),
        AM_MEMBER("ip", read_ip, 0),
        AM_MEMBER("agent", read_agent, 0),
    };
    _Static_assert(AM_COUNT_OF(members) <= AM_MEMBERS_MAX, "room for their names");
    return am_api_members_read(in, in->json.nodes, members, AM_COUNT_OF(members));
}

enum am_code am_api_request_read_json(struct am_api_request_reader *reader,
                                      struct am_view body,
                                      struct am_error *error) {
    struct am_api_members in = {.reader = reader, .error = error};
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    code = am_json_parse_guarded(body, reader->nodes, AM_REQUEST_MAX_NODES, &in.json, error);
    if (code == AM_E_LIMIT) /* too deep, or too many values for what a request may hold */
        return error->code = AM_E_INVALID;
    if (code == AM_OK)
        code = check_one_kind_of_slots(&in);
    if (code == AM_OK)
        code = read_root(&in);
    if (code != AM_OK)
        return code;
    code = am_api_request_finish(reader, error);
    if (code != AM_OK)
        am_error_at(error, "$.slots");
    return code;
}
