/* SPDX-License-Identifier: Apache-2.0 */
#include "lenient.h"

const char *am_openrtb_member_label(enum am_openrtb_member_id id) {
#define LABEL(ID, label) label,
    static const char *const labels[] = {AM_OPENRTB_MEMBER_TABLE(LABEL)};
#undef LABEL
    return labels[id];
}

/* ---- what is wrong -------------------------------------------------------------------------- */

void am_openrtb_forbid(struct am_openrtb *openrtb, enum am_openrtb_no_bid reason) {
    if (openrtb->no_bid == AM_NO_BID_NONE)
        openrtb->no_bid = reason;
}

void am_openrtb_odd(struct am_openrtb_reading *in) {
    unsigned id = in->member->id;
    in->openrtb->odd.words[id / 64] |= UINT64_C(1) << id % 64;
}

void am_openrtb_unreadable(struct am_openrtb_reading *in) {
    am_openrtb_odd(in);
    switch (in->member->weight) {
    case AM_OPENRTB_BINDS:
        if (in->slot)
            in->openrtb->impression.unreadable = true;
        else
            am_openrtb_forbid(in->openrtb, AM_NO_BID_UNREADABLE);
        break;
    case AM_OPENRTB_PROTECTS:
        in->openrtb->user_is_private = true;
        break;
    case AM_OPENRTB_LAST:
    case AM_OPENRTB_EACH:
        break;
    }
}

/* ---- single values -------------------------------------------------------------------------- */

struct am_view am_openrtb_trimmed(struct am_view text) {
    return am_view_trimmed(text, " \t\n\r");
}

struct am_view am_openrtb_decoded(struct am_openrtb_reading *in, const struct am_json_node *node) {
    size_t used;
    char *memory = am_api_request_room(in->reader, node->size);
    struct am_view text = am_json_string(&in->json, node, memory, &used);
    am_api_request_keep(in->reader, node->size, used);
    return text;
}

/* The value, or the one that a list of one has; NULL for an empty list. */
static const struct am_json_node *single(struct am_openrtb_reading *in,
                                         const struct am_json_node *value) {
    if (value->type != AM_JSON_ARRAY || value->children > 1)
        return value;
    am_openrtb_odd(in);
    return value->children ? am_json_first(value) : NULL;
}

/* Of a value that is a string or a number as written. */
static bool
read_scalar(struct am_openrtb_reading *in, const struct am_json_node *value, struct am_view *text) {
    struct am_view string;
    switch (value->type) {
    case AM_JSON_STRING:
        string = am_openrtb_decoded(in, value);
        if (string.size)
            *text = string;
        return string.size;
    case AM_JSON_NUMBER:
        am_openrtb_odd(in);
        *text = am_json_raw(&in->json, value);
        return true;
    case AM_JSON_NULL:
        am_openrtb_odd(in);
        return false;
    default:
        am_openrtb_unreadable(in);
        return false;
    }
}

bool am_openrtb_text(struct am_openrtb_reading *in,
                     const struct am_json_node *value,
                     struct am_view *text) {
    value = single(in, value);
    return value && read_scalar(in, value, text);
}

/* What a string says where another type is expected; an empty one says nothing. */
static bool
read_quoted(struct am_openrtb_reading *in, const struct am_json_node *value, struct am_view *text) {
    am_openrtb_odd(in);
    *text = am_openrtb_trimmed(am_openrtb_decoded(in, value));
    return text->size;
}

static bool is_number(struct am_view text) {
    struct am_json_node node;
    struct am_json json;
    return am_json_parse(text, &node, 1, &json, NULL) == AM_OK && node.type == AM_JSON_NUMBER;
}

bool am_openrtb_number(struct am_openrtb_reading *in,
                       const struct am_json_node *value,
                       struct am_view *number) {
    value = single(in, value);
    if (!value)
        return false;
    if (value->type == AM_JSON_NUMBER) {
        *number = am_json_raw(&in->json, value);
        return true;
    }
    if (value->type != AM_JSON_STRING) {
        if (value->type != AM_JSON_NULL)
            am_openrtb_unreadable(in);
        return false;
    }
    if (!read_quoted(in, value, number))
        return false;
    if (is_number(*number))
        return true;
    am_openrtb_unreadable(in);
    return false;
}

/* Most numbers have few digits. */
bool am_openrtb_whole_of(struct am_view number, int64_t *whole) {
    enum { FEW_DIGITS = 9 };
    int64_t value = 0;
    size_t i = 0;
    for (; i < number.size && i < FEW_DIGITS; i++) {
        if (number.data[i] < '0' || number.data[i] > '9')
            break;
        value = value * 10 + (number.data[i] - '0');
    }
    if (i == 0 || i < number.size)
        return am_decimal_parse_text(number, 0, whole) == AM_OK;
    *whole = value;
    return true;
}

bool am_openrtb_whole(struct am_openrtb_reading *in,
                      const struct am_json_node *value,
                      int64_t *whole) {
    struct am_view number;
    if (!am_openrtb_number(in, value, &number))
        return false;
    if (am_openrtb_whole_of(number, whole))
        return true;
    am_openrtb_unreadable(in);
    return false;
}

static bool read_word(struct am_view text, bool *flag) {
    int64_t number;
    if (am_openrtb_same(text, AM_VIEW("true")) || am_openrtb_same(text, AM_VIEW("false"))) {
        *flag = text.size == sizeof "true" - 1;
        return true;
    }
    if (!is_number(text))
        return false;
    *flag = am_decimal_parse(text, 0, &number, NULL) != AM_OK || number;
    return true;
}

bool am_openrtb_flag(struct am_openrtb_reading *in, const struct am_json_node *value, bool *flag) {
    struct am_view text;
    value = single(in, value);
    if (!value || value->type == AM_JSON_NULL)
        return false;
    if (value->type == AM_JSON_NUMBER)
        return read_word(am_json_raw(&in->json, value), flag);
    if (value->type == AM_JSON_TRUE || value->type == AM_JSON_FALSE) {
        am_openrtb_odd(in);
        *flag = value->type == AM_JSON_TRUE;
        return true;
    }
    if (value->type == AM_JSON_STRING) {
        if (!read_quoted(in, value, &text))
            return false;
        if (read_word(text, flag))
            return true;
    }
    am_openrtb_unreadable(in);
    return false;
}

/* ---- lists ---------------------------------------------------------------------------------- */

void am_openrtb_split(struct am_openrtb_reading *in,
                      struct am_view text,
                      am_openrtb_item_function *read,
                      int argument) {
    while (text.size) {
        const char *comma = memchr(text.data, ',', text.size);
        size_t size = comma ? (size_t)(comma - text.data) : text.size;
        struct am_view item = am_openrtb_trimmed((struct am_view){text.data, size});
        if (item.size)
            read(in, item, argument);
        size_t step = comma ? size + 1 : size;
        text = (struct am_view){text.data + step, text.size - step};
    }
}

/* Of texts, or where `numbers` of numbers, which may be written as texts. */
static void read_items(struct am_openrtb_reading *in,
                       const struct am_json_node *list,
                       bool numbers,
                       am_openrtb_item_function *read,
                       int argument) {
    const struct am_json_node *item = am_json_first(list);
    for (uint32_t i = 0; i < list->children; i++, item = am_json_after(&in->json, item)) {
        struct am_view text;
        if (numbers && item->type == AM_JSON_NUMBER) {
            read(in, am_json_raw(&in->json, item), argument);
            continue;
        }
        if (numbers)
            am_openrtb_odd(in);
        if (read_scalar(in, item, &text))
            read(in, text, argument);
    }
}

void am_openrtb_list(struct am_openrtb_reading *in,
                     const struct am_json_node *value,
                     am_openrtb_item_function *read,
                     int argument) {
    struct am_view text;
    if (value->type == AM_JSON_ARRAY) {
        read_items(in, value, false, read, argument);
        return;
    }
    am_openrtb_odd(in);
    if (value->type == AM_JSON_OBJECT && value->children == 0)
        return;
    if (read_scalar(in, value, &text))
        am_openrtb_split(in, text, read, argument);
}

void am_openrtb_numbers(struct am_openrtb_reading *in,
                        const struct am_json_node *value,
                        am_openrtb_item_function *read,
                        int argument) {
    if (value->type == AM_JSON_ARRAY)
        read_items(in, value, true, read, argument);
    else
        am_openrtb_list(in, value, read, argument);
}

/* ---- objects -------------------------------------------------------------------------------- */

/* The object that a value is, or an empty list in its place, or NULL. */
static const struct am_json_node *object_of(struct am_openrtb_reading *in,
                                            const struct am_json_node *value) {
    if (value->type == AM_JSON_OBJECT)
        return value;
    am_openrtb_odd(in);
    if (value->type == AM_JSON_ARRAY && value->children == 0)
        return value;
    if (value->type == AM_JSON_ARRAY && value->children == 1) {
        value = am_json_first(value);
        if (value->type == AM_JSON_OBJECT)
            return value;
    }
    bool absent =
        value->type == AM_JSON_NULL || (value->type == AM_JSON_STRING && value->size == 2);
    if (!absent)
        am_openrtb_unreadable(in);
    return NULL;
}

static inline const struct am_openrtb_member *find_member(const struct am_json *json,
                                                          const struct am_json_node *key,
                                                          const struct am_openrtb_member *members,
                                                          size_t count) {
    struct am_view raw = am_json_raw(json, key);
    for (size_t i = 0; i < count; i++) {
        const struct am_view name = members[i].name;
        if (key->escaped ? am_json_string_is(json, key, name.data)
                         : raw.size == name.size + 2 && raw.data[1] == name.data[0] &&
                               memcmp(raw.data + 1, name.data, name.size) == 0)
            return &members[i];
    }
    return NULL;
}

static void read_member(struct am_openrtb_reading *in,
                        const struct am_openrtb_member *member,
                        const struct am_json_node *value) {
    const struct am_openrtb_member *around = in->member;
    in->member = member;
    member->read(in, value, member->argument);
    in->member = around;
}

/* Members in the order in which they stand, with the value that counts of each. */
struct found_members {
    const struct am_json_node *values[AM_OPENRTB_MEMBERS_OF_OBJECT]; /* by member, if in `seen` */
    uint32_t seen;                                                   /* a bit a member */
    uint8_t order[AM_OPENRTB_MEMBERS_OF_OBJECT];
    uint32_t count;
};

/* Of a member that stands twice, values but for the last are read here, where they count. */
static void note_repeated(struct am_openrtb_reading *in,
                          const struct am_openrtb_member *member,
                          const struct am_json_node *earlier) {
    const struct am_openrtb_member *around = in->member;
    in->member = member;
    am_openrtb_odd(in);
    in->member = around;
    if (member->weight != AM_OPENRTB_LAST)
        read_member(in, member, earlier);
}

static void find_members(struct am_openrtb_reading *in,
                         const struct am_json_node *object,
                         const struct am_openrtb_member *members,
                         size_t count,
                         struct found_members *found) {
    const struct am_json_node *key = am_json_first(object);
    found->count = found->seen = 0;
    for (uint32_t i = 0; i < object->children; i++) {
        const struct am_json_node *value = am_json_after(&in->json, key);
        const struct am_openrtb_member *member =
            value->type == AM_JSON_NULL ? NULL : find_member(&in->json, key, members, count);
        if (member) {
            size_t place = (size_t)(member - members);
            uint32_t bit = UINT32_C(1) << place;
            if (found->seen & bit)
                note_repeated(in, member, found->values[place]);
            else
                found->order[found->count++] = (uint8_t)place;
            found->seen |= bit;
            found->values[place] = value;
        }
        key = am_json_after(&in->json, value);
    }
}

bool am_openrtb_object(struct am_openrtb_reading *in,
                       const struct am_json_node *value,
                       const struct am_openrtb_member *members,
                       size_t count) {
    struct found_members found;
    const struct am_json_node *object = object_of(in, value);
    if (!object)
        return false;
    find_members(in, object, members, count, &found);
    for (uint32_t i = 0; i < found.count; i++)
        read_member(in, &members[found.order[i]], found.values[found.order[i]]);
    return true;
}

void am_openrtb_objects(struct am_openrtb_reading *in,
                        const struct am_json_node *value,
                        am_openrtb_member_function *read,
                        int argument) {
    if (value->type == AM_JSON_OBJECT) {
        am_openrtb_odd(in);
        read(in, value, argument);
        return;
    }
    if (value->type != AM_JSON_ARRAY) {
        if (value->type == AM_JSON_STRING && value->size == 2)
            am_openrtb_odd(in);
        else
            am_openrtb_unreadable(in);
        return;
    }
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++, item = am_json_after(&in->json, item))
        read(in, item, argument);
}
