/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a request, however they were written. */
#include "request.h"

#include "../base/decimal.h"
#include "../model/countries.h"

static const struct am_view field_names[] = {
    [AM_FIELD_QUERY] = {"query", 5}, [AM_FIELD_KEYWORD] = {"keywords", 8},
    [AM_FIELD_TITLE] = {"title", 5}, [AM_FIELD_TEXT] = {"text", 4},
    [AM_FIELD_URL] = {"url", 3},
};

struct am_view am_api_request_field_name(enum am_match_field_kind kind) {
    return field_names[kind];
}

/* Years 0 to 9999: what RFC 3339 can write. */
#define NOW_MIN INT64_C(-62167219200)
#define NOW_MAX INT64_C(253402300799)

static enum am_code expected(const char *what, struct am_view value, struct am_error *error) {
    return am_error_set(error, AM_E_INVALID, "expected %s, found \"%.*s\"%s", what,
                        AM_API_SHOWN(value), value.size > AM_API_SHOWN_BYTES ? "..." : "");
}

/* Ids, names and values that inventories hold are not longer either. */
static enum am_code check_name_size(struct am_view value, struct am_error *error) {
    if (value.size <= AM_ID_MAX_BYTES)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID, "expected at most %d bytes, found %zu",
                        AM_ID_MAX_BYTES, value.size);
}

static void forget(const struct am_api_request_reader *reader) {
    AM_POISON_ITEMS(reader->keywords, 0, AM_COUNT_OF(reader->keywords));
    AM_POISON_ITEMS(reader->fields, 0, AM_COUNT_OF(reader->fields));
    AM_POISON_ITEMS(reader->attributes, 0, AM_COUNT_OF(reader->attributes));
    AM_POISON_ITEMS(reader->slots, 0, AM_COUNT_OF(reader->slots));
    am_poison_region(reader->blocked, sizeof reader->blocked);
}

void am_api_request_start(struct am_api_request_reader *reader,
                          const struct am_image *image,
                          int64_t now,
                          bool test) {
    forget(reader);
    reader->request = (struct am_match_request){
        .fields = reader->fields,
        .attributes = reader->attributes,
        .slots = reader->slots,
        .unique = AM_MATCH_UNIQUE_INVENTORY,
        .now = now,
    };
    reader->image = image;
    reader->test = test;
    reader->is_public = false;
    reader->user = (struct am_api_user){.opted_out = false};
    reader->state = (struct am_view){NULL, 0};
    reader->text_used = 0;
    reader->query = reader->url = (struct am_view){NULL, 0};
    reader->title = reader->content = (struct am_api_text){.markup = AM_MARKUP_ENTITIES};
    reader->has_ip = false;
    reader->agent = (struct am_view){NULL, 0};
    reader->is_one_byte = false;
    reader->keyword_count = 0;
    memset(reader->blocked_count, 0, sizeof reader->blocked_count);
}

enum am_code am_api_request_check_size(const struct am_api_request_reader *reader,
                                       struct am_view body,
                                       struct am_error *error) {
    if (body.size <= reader->body_limit)
        return AM_OK;
    return am_error_set(error, AM_E_LIMIT, "a request of more than %zu bytes", reader->body_limit);
}

enum am_code am_api_request_set_content(struct am_api_request_reader *reader,
                                        struct am_view value,
                                        enum am_text_markup markup,
                                        struct am_error *error) {
    if (reader->content.given.data)
        return am_error_set(error, AM_E_INVALID, "expected one of text and html, found both");
    reader->content.given = value;
    reader->content.markup = markup;
    return AM_OK;
}

enum am_code
am_api_request_set_id(struct am_view *id, struct am_view value, struct am_error *error) {
    *id = value;
    return check_name_size(value, error);
}

enum am_code am_api_request_add_keyword(struct am_api_request_reader *reader,
                                        struct am_view value,
                                        struct am_error *error) {
    if (reader->keyword_count == AM_REQUEST_MAX_KEYWORDS)
        return am_error_set(error, AM_E_INVALID, "expected at most %d keywords",
                            AM_REQUEST_MAX_KEYWORDS);
    AM_UNPOISON_ITEMS(reader->keywords, reader->keyword_count, 1);
    reader->keywords[reader->keyword_count++] = value;
    return AM_OK;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* A JSON number as a count of 10^-places; false when the text is none, or has more places. */
static bool read_number(struct am_view text, unsigned places, int64_t *value) {
    return am_decimal_parse_text(text, places, value) == AM_OK;
}

enum am_code
am_api_request_set_count(struct am_match_slot *slot, struct am_view value, struct am_error *error) {
    int64_t count;
    if (!read_number(value, 0, &count) || count < 1 || count > AM_MAX_ADS_PER_REQUEST)
        return expected("a whole number from 1 to 256", value, error);
    slot->count = (uint32_t)count;
    return AM_OK;
}
_Static_assert(AM_MAX_ADS_PER_REQUEST == 256, "as the message says");

enum am_code
am_api_request_set_floor(struct am_match_slot *slot, struct am_view value, struct am_error *error) {
    int64_t floor;
    if (!read_number(value, 6, &floor) || floor < 0 || floor > AM_MONEY_MAX)
        return expected("a number from 0 to 1000000 with at most 6 decimals", value, error);
    slot->floor = floor;
    return AM_OK;
}
_Static_assert(AM_MONEY_MAX == INT64_C(1000000) * 1000000, "as the message says");

/* ---- slots ---------------------------------------------------------------------------------- */

struct am_match_slot *am_api_request_add_slot(struct am_api_request_reader *reader) {
    struct am_match_slot *slot = &reader->slots[reader->request.slot_count++];
    am_poison_clear(slot, sizeof *slot);
    AM_POISON_ITEMS(slot->sizes, 0, AM_MAX_SLOT_SIZES);
    slot->id = AM_VIEW("");
    slot->count = 1;
    slot->size_count = 0;
    slot->floor = 0;
    slot->placement = AM_VIEW("");
    slot->creatives = (struct am_match_creatives){.needed = false};
    return slot;
}

bool am_api_request_keep_size(struct am_match_slot *slot, uint32_t size) {
    for (uint32_t i = 0; i < slot->size_count; i++)
        if (slot->sizes[i] == size)
            return true;
    if (slot->size_count == AM_MAX_SLOT_SIZES)
        return false;
    AM_UNPOISON_ITEMS(slot->sizes, slot->size_count, 1);
    slot->sizes[slot->size_count++] = size;
    return true;
}

enum am_code
am_api_request_add_size(struct am_match_slot *slot, struct am_view value, struct am_error *error) {
    uint32_t size = am_model_size_parse(value);
    if (size == 0)
        return expected("WIDTHxHEIGHT, each from 1 to 65535", value, error);
    if (am_api_request_keep_size(slot, size))
        return AM_OK;
    return am_error_set(error, AM_E_INVALID, "expected at most %d sizes a slot", AM_MAX_SLOT_SIZES);
}

/* ---- attributes and blocks ------------------------------------------------------------------ */

static bool is_country(struct am_view value) {
    for (size_t i = 0; i < value.size; i++) {
        char letter = (char)(value.data[i] | 0x20);
        if (letter < 'a' || letter > 'z')
            return false;
    }
    return value.size == 2;
}

enum am_code am_api_request_add_attribute(struct am_api_request_reader *reader,
                                          enum am_model_attribute attribute,
                                          struct am_view key,
                                          struct am_view value,
                                          struct am_error *error) {
    if (attribute == AM_ATTRIBUTE_COUNTRY && !is_country(value))
        return expected("a country of two letters, like \"US\"", value, error);
    enum am_code code = check_name_size(value, error);
    if (code == AM_OK)
        code = check_name_size(key, error);
    if (code != AM_OK)
        return code;
    if (reader->request.attribute_count == AM_MAX_ATTRIBUTE_VALUES)
        return am_error_set(error, AM_E_INVALID, "expected at most %d values of attributes",
                            AM_MAX_ATTRIBUTE_VALUES);
    struct am_view folded =
        am_model_attribute_fold(attribute, value, am_api_request_room(reader, value.size));
    am_api_request_keep(reader, value.size, value.size);
    if (attribute == AM_ATTRIBUTE_COUNTRY)
        folded = am_model_country_read_as(folded);
    AM_UNPOISON_ITEMS(reader->attributes, reader->request.attribute_count, 1);
    reader->attributes[reader->request.attribute_count++] =
        (struct am_match_attribute){attribute, key, folded};
    return AM_OK;
}

enum am_code am_api_request_set_ip(struct am_api_request_reader *reader,
                                   struct am_view value,
                                   struct am_error *error) {
    if (!am_address_parse(value, &reader->ip))
        return expected("an IP address, like \"192.0.2.1\"", value, error);
    reader->has_ip = true;
    return AM_OK;
}

enum am_code am_api_request_set_agent(struct am_api_request_reader *reader,
                                      struct am_view value,
                                      struct am_error *error) {
    (void)error;
    reader->agent = value.size ? value : AM_VIEW("");
    return AM_OK;
}

/* Eight bytes at a time: a capital is a byte below 0x80 that reaches 0x80 when so much is added
 * that 'A' does, and does not when so much is that 'Z' does not (Warren, "Hacker's Delight",
 * chapter 6). */
static uint64_t lower_eight(uint64_t bytes) {
    const uint64_t each = UINT64_C(0x0101010101010101), high = 0x80 * each;
    uint64_t low = bytes & ~high;
    uint64_t from_a = low + (0x80 - 'A') * each, above_z = low + (0x7F - 'Z') * each;
    return bytes | ((from_a ^ above_z) & ~bytes & high) >> 2;
}

static struct am_view lower_case(struct am_api_request_reader *reader, struct am_view value) {
    char *lower = am_api_request_room(reader, value.size);
    am_api_request_keep(reader, value.size, value.size);
    size_t i = 0;
    for (uint64_t bytes; i + sizeof bytes <= value.size; i += sizeof bytes) {
        memcpy(&bytes, value.data + i, sizeof bytes);
        bytes = lower_eight(bytes);
        memcpy(lower + i, &bytes, sizeof bytes);
    }
    for (; i < value.size; i++) {
        char c = value.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    return (struct am_view){lower, value.size};
}

struct am_view am_api_request_fold_category(struct am_api_request_reader *reader,
                                            struct am_view category) {
    char *memory = am_api_request_room(reader, category.size);
    am_api_request_keep(reader, category.size, category.size);
    return am_model_category_fold(category, memory);
}

enum am_code am_api_request_add_blocked(struct am_api_request_reader *reader,
                                        enum am_api_blocked kind,
                                        struct am_view value,
                                        struct am_error *error) {
    enum am_code code = check_name_size(value, error);
    if (code != AM_OK)
        return code;
    uint32_t blocked = 0;
    for (int i = 0; i < AM_BLOCKED_KINDS; i++)
        blocked += reader->blocked_count[i];
    if (blocked == AM_MAX_BLOCKED)
        return am_error_set(error, AM_E_INVALID, "expected at most %d blocked names in all",
                            AM_MAX_BLOCKED);
    if (kind == AM_BLOCKED_DOMAINS || kind == AM_BLOCKED_APPS)
        value = lower_case(reader, value);
    else if (kind == AM_BLOCKED_CATEGORIES)
        value = am_api_request_fold_category(reader, value);
    AM_UNPOISON_ITEMS(reader->blocked[kind], reader->blocked_count[kind], 1);
    reader->blocked[kind][reader->blocked_count[kind]++] = value;
    return AM_OK;
}

/* ---- single values -------------------------------------------------------------------------- */

enum am_code am_api_request_set_unique(struct am_api_request_reader *reader,
                                       struct am_view value,
                                       struct am_error *error) {
    for (int i = 0; i < AM_UNIQUES; i++)
        if (am_view_equal(value, am_view_of(am_model_unique_name((enum am_model_unique)i)))) {
            reader->request.unique = (enum am_model_unique)i;
            return AM_OK;
        }
    return expected("\"advertiser\", \"campaign\", \"ad\" or \"none\"", value, error);
}

/* At a public socket, what would show more than ads is refused, not passed over: a page that sends
 * it is wrong about where it asks. */
static enum am_code refuse_in_public(const struct am_api_request_reader *reader,
                                     const char *name,
                                     struct am_error *error) {
    return reader->is_public ? am_error_set(error, AM_E_INVALID,
                                            "%s is not for sockets that anybody may reach "
                                            "(admatch-public)",
                                            name)
                             : AM_OK;
}

enum am_code am_api_request_set_explain(struct am_api_request_reader *reader,
                                        bool explain,
                                        struct am_error *error) {
    reader->request.explain = explain;
    return explain ? refuse_in_public(reader, "explain", error) : AM_OK;
}

enum am_code am_api_request_set_why(struct am_api_request_reader *reader,
                                    struct am_view id,
                                    struct am_error *error) {
    enum am_code code = refuse_in_public(reader, "why", error);
    return code == AM_OK ? am_api_request_set_id(&reader->request.why, id, error) : code;
}

enum am_code am_api_request_set_now(struct am_api_request_reader *reader,
                                    struct am_view value,
                                    struct am_error *error) {
    int64_t now;
    bool read = read_number(value, 0, &now) || am_time_parse(value, &now, NULL) == AM_OK;
    if (!read || now < NOW_MIN || now > NOW_MAX)
        return expected("a time like \"2026-11-01T00:00:00Z\", or whole seconds since 1970", value,
                        error);
    if (reader->test)
        reader->request.now = now;
    return refuse_in_public(reader, "now", error);
}

enum am_code am_api_request_set_state(struct am_api_request_reader *reader,
                                      struct am_view value,
                                      struct am_error *error) {
    reader->state = value;
    enum am_code code = refuse_in_public(reader, "state", error);
    if (code == AM_OK && !reader->test)
        code = am_error_set(error, AM_E_INVALID,
                            "state is for tests: this server has no admatch-test");
    return code;
}

static enum am_code check_one_user(const struct am_api_request_reader *reader,
                                   struct am_error *error) {
    return reader->user.key.data && reader->user.caps.data
               ? am_error_set(error, AM_E_INVALID, "expected key or caps, found both")
               : AM_OK;
}

enum am_code am_api_request_set_user_key(struct am_api_request_reader *reader,
                                         struct am_view value,
                                         struct am_error *error) {
    reader->user.key = value;
    if (value.size == 0 || value.size > AM_API_USER_KEY_BYTES)
        return am_error_set(error, AM_E_INVALID, "expected a key of 1 to %d bytes",
                            AM_API_USER_KEY_BYTES);
    enum am_code code = refuse_in_public(reader, "user.key", error);
    return code == AM_OK ? check_one_user(reader, error) : code;
}

enum am_code am_api_request_set_user_caps(struct am_api_request_reader *reader,
                                          struct am_view value,
                                          struct am_error *error) {
    reader->user.caps = value;
    if (value.size > AM_CAPS_STATE_TEXT)
        return am_error_set(error, AM_E_INVALID,
                            "expected what the last answer gave, at most %d bytes",
                            AM_CAPS_STATE_TEXT);
    return check_one_user(reader, error);
}

enum am_code am_api_request_set_timezone(struct am_api_request_reader *reader,
                                         struct am_view value,
                                         struct am_error *error) {
    uint32_t zone;
    if (am_image_find_zone(reader->image, value, &zone)) {
        reader->timezone = am_image_zone_at(reader->image, zone);
        reader->request.timezone = &reader->timezone;
        return AM_OK;
    }
    return am_error_set(error, AM_E_IMPOSSIBLE,
                        "unknown time zone \"%.*s\"%s: expected an IANA name that this server "
                        "knows, like \"America/New_York\"",
                        AM_API_SHOWN(value), value.size > AM_API_SHOWN_BYTES ? "..." : "");
}

/* ---- putting it together -------------------------------------------------------------------- */

static void add_field(struct am_api_request_reader *reader,
                      enum am_match_field_kind kind,
                      uint32_t index,
                      struct am_view text) {
    if (!text.data)
        return;
    AM_UNPOISON_ITEMS(reader->fields, reader->request.field_count, 1);
    reader->fields[reader->request.field_count++] = (struct am_match_field){kind, index, text};
}

static void add_fields(struct am_api_request_reader *reader) {
    struct am_view title, content;
    add_field(reader, AM_FIELD_QUERY, 0, reader->query);
    for (uint32_t i = 0; i < reader->keyword_count; i++)
        add_field(reader, AM_FIELD_KEYWORD, i, reader->keywords[i]);
    am_api_texts_decode(reader, &title, &content);
    add_field(reader, AM_FIELD_TITLE, 0, title);
    add_field(reader, AM_FIELD_TEXT, 0, content);
    if (reader->url.data) {
        char *memory = am_api_request_room(reader, reader->url.size);
        struct am_view words = am_api_url_words(reader->url, memory);
        am_api_request_keep(reader, reader->url.size, words.size);
        add_field(reader, AM_FIELD_URL, 0, words);
    }
}

enum am_code am_api_request_finish(struct am_api_request_reader *reader, struct am_error *error) {
    struct am_match_request *request = &reader->request;
    uint32_t wanted = 0;
    if (request->slot_count == 0)
        am_api_request_add_slot(reader);
    for (uint32_t i = 0; i < request->slot_count; i++)
        wanted += reader->slots[i].count;
    if (wanted > AM_MAX_ADS_PER_REQUEST)
        return am_error_set(error, AM_E_IMPOSSIBLE,
                            "expected at most %d ads in all slots together, found %u",
                            AM_MAX_ADS_PER_REQUEST, wanted);
    add_fields(reader);
    struct am_match_views *const lists[] = {&request->blocked_advertisers,
                                            &request->blocked_categories, &request->blocked_domains,
                                            &request->blocked_apps};
    for (int i = 0; i < AM_BLOCKED_KINDS; i++)
        *lists[i] = (struct am_match_views){reader->blocked[i], reader->blocked_count[i]};
    return AM_OK;
}

static struct am_view decode_charset(struct am_api_request_reader *reader, struct am_view body) {
    size_t room = 3 * body.size;
    struct am_view decoded = am_text_charset_decode(body, am_api_request_room(reader, room));
    am_api_request_keep(reader, room, decoded.size);
    reader->is_one_byte = true;
    return decoded;
}

enum am_code am_api_request_read_text(struct am_api_request_reader *reader,
                                      struct am_view body,
                                      enum am_text_markup markup,
                                      enum am_text_charset charset,
                                      struct am_error *error) {
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    if (body.size == 0)
        body = AM_VIEW("");
    else if (charset == AM_CHARSET_WINDOWS_1252)
        body = decode_charset(reader, body);
    code = am_api_request_set_content(reader, body, markup, error);
    return code == AM_OK ? am_api_request_finish(reader, error) : code;
}
