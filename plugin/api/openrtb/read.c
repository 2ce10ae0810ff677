/* SPDX-License-Identifier: Apache-2.0 */
/* A bid request as a whole: what binds the bidder, and what goes to the other files. */
#include "lenient.h"

#define MEMBER AM_OPENRTB_MEMBER

/* ---- what is allowed and what is blocked ---------------------------------------------------- */

static void find_name(struct am_openrtb_reading *in, struct am_view name, int argument) {
    struct am_openrtb_allowed *allowed = &in->openrtb->allowed;
    (void)argument;
    allowed->found |= am_openrtb_same(name, allowed->wanted);
    allowed->restricts = true;
}

static void require_name(struct am_openrtb_reading *in,
                         const struct am_json_node *list,
                         struct am_view wanted,
                         enum am_openrtb_no_bid reason) {
    struct am_openrtb_allowed *allowed = &in->openrtb->allowed;
    *allowed = (struct am_openrtb_allowed){.wanted = wanted};
    am_openrtb_list(in, list, find_name, 0);
    if (allowed->restricts && !allowed->found)
        am_openrtb_forbid(in->openrtb, reason);
}

static void
read_currencies(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    const struct am_image *image = in->openrtb->image;
    (void)argument;
    require_name(in, value, am_image_string(image, image->settings->currency), AM_NO_BID_CURRENCY);
}

/* An inventory may also tell its language by an English name, or not at all: there is then nothing
 * to compare. */
static void
read_languages(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    const struct am_image *image = in->openrtb->image;
    struct am_view language = am_image_string(image, image->settings->language);
    (void)argument;
    if (language.size == 2)
        require_name(in, value, language, AM_NO_BID_LANGUAGE);
}

static void find_any(struct am_openrtb_reading *in, struct am_view name, int argument) {
    (void)name, (void)argument;
    am_openrtb_forbid(in->openrtb, AM_NO_BID_CATEGORIES);
}

static void read_allowed_categories(struct am_openrtb_reading *in,
                                    const struct am_json_node *value,
                                    int argument) {
    am_openrtb_list(in, value, find_any, argument);
}

/* Names longer than any in an inventory block nothing. */
static void add_blocked(struct am_openrtb_reading *in, struct am_view name, int kind) {
    if (name.size > AM_ID_MAX_BYTES)
        return;
    if (am_api_request_add_blocked(in->reader, (enum am_api_blocked)kind, name, NULL) != AM_OK)
        am_openrtb_forbid(in->openrtb, AM_NO_BID_LIMIT);
}

static void
read_blocked(struct am_openrtb_reading *in, const struct am_json_node *value, int kind) {
    am_openrtb_list(in, value, add_blocked, kind);
}

/* Seats beyond the limit may not bid: that errs on the side of silence. */
static void add_seat(struct am_openrtb_reading *in, struct am_view seat, int argument) {
    struct am_openrtb *openrtb = in->openrtb;
    (void)argument;
    if (openrtb->seat_count < AM_MAX_SEATS) {
        AM_UNPOISON_ITEMS(openrtb->seats, openrtb->seat_count, 1);
        openrtb->seats[openrtb->seat_count++] = seat;
    }
    openrtb->allowed.restricts = true;
}

/* Leaves those of the first `count` seats that also stand behind them. */
static void keep_common_seats(struct am_openrtb *openrtb, uint32_t count) {
    const struct am_view *seats = openrtb->seats;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = count;
        while (k < openrtb->seat_count && !am_view_equal(seats[k], seats[i]))
            k++;
        if (k < openrtb->seat_count)
            openrtb->seats[kept++] = seats[i];
    }
    openrtb->seat_count = kept;
}

static void
read_seats(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_openrtb *openrtb = in->openrtb;
    struct am_match_request *request = &in->reader->request;
    const uint32_t before = openrtb->seat_count;
    openrtb->allowed.restricts = false;
    am_openrtb_list(in, value, add_seat, argument);
    if (request->restricts_seats && openrtb->allowed.restricts)
        keep_common_seats(openrtb, before);
    request->restricts_seats |= openrtb->allowed.restricts;
}

/* ---- extensions ----------------------------------------------------------------------------- */

static void
read_text(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    am_openrtb_text(in, value, &in->reader->content.given);
}

static void add_free_value(struct am_openrtb_reading *in, struct am_view value, int argument) {
    struct am_api_request_reader *reader = in->reader;
    (void)argument;
    if (value.size <= AM_ID_MAX_BYTES && in->openrtb->key.size <= AM_ID_MAX_BYTES &&
        reader->request.attribute_count < AM_MAX_ATTRIBUTE_VALUES)
        am_api_request_add_attribute(reader, AM_ATTRIBUTE_KV, in->openrtb->key, value, NULL);
}

/* Keys are the sender's own: one string stays one value, commas or not. */
static void
read_free_keys(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_OBJECT) {
        if (value->type == AM_JSON_ARRAY && value->children == 0)
            am_openrtb_odd(in);
        else
            am_openrtb_unreadable(in);
        return;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *item = am_json_after(&in->json, key);
        struct am_view text;
        in->openrtb->key = am_openrtb_decoded(in, key);
        if (item->type == AM_JSON_ARRAY)
            am_openrtb_list(in, item, add_free_value, 0);
        else if (am_openrtb_text(in, item, &text))
            add_free_value(in, text, 0);
        key = am_json_after(&in->json, item);
    }
}

static void
read_unique(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view name;
    (void)argument;
    if (am_openrtb_text(in, value, &name) &&
        am_api_request_set_unique(in->reader, name, NULL) != AM_OK)
        am_openrtb_unreadable(in);
}

static void
read_own_extension(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(EXT_TEXT, "text", LAST, read_text, 0),
        MEMBER(EXT_KV, "kv", LAST, read_free_keys, 0),
        MEMBER(EXT_UNIQUE, "unique", LAST, read_unique, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

static void
read_extensions(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(EXT_ADMATCH, "admatch", EACH, read_own_extension, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- the request ---------------------------------------------------------------------------- */

/* One that is too long to be kept cannot be answered. */
static void read_id(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (am_openrtb_text(in, value, &in->reader->request.id) &&
        in->reader->request.id.size > AM_ID_MAX_BYTES)
        am_openrtb_forbid(in->openrtb, AM_NO_BID_LIMIT);
}

static void
read_test(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    bool test;
    (void)argument;
    if (am_openrtb_flag(in, value, &test))
        in->openrtb->test |= test;
}

static void
keep_user(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    in->openrtb->user = value;
}

static enum am_code read_root(struct am_openrtb_reading *in, struct am_error *error) {
    static const struct am_openrtb_member members[] = {
        MEMBER(ID, "id", LAST, read_id, 0),
        MEMBER(IMP, "imp", LAST, am_openrtb_read_impressions, 0),
        MEMBER(SITE, "site", EACH, am_openrtb_read_site, 0),
        MEMBER(APP, "app", EACH, am_openrtb_read_app, 0),
        MEMBER(DOOH, "dooh", EACH, am_openrtb_read_screen, 0),
        MEMBER(DEVICE, "device", PROTECTS, am_openrtb_read_device, 0),
        MEMBER(USER, "user", LAST, keep_user, 0),
        MEMBER(REGS, "regs", PROTECTS, am_openrtb_read_regulations, 0),
        MEMBER(CUR, "cur", BINDS, read_currencies, 0),
        MEMBER(WLANG, "wlang", BINDS, read_languages, 0),
        MEMBER(ACAT, "acat", BINDS, read_allowed_categories, 0),
        MEMBER(BCAT, "bcat", BINDS, read_blocked, AM_BLOCKED_CATEGORIES),
        MEMBER(BADV, "badv", BINDS, read_blocked, AM_BLOCKED_DOMAINS),
        MEMBER(BAPP, "bapp", BINDS, read_blocked, AM_BLOCKED_DOMAINS),
        MEMBER(BSEAT, "bseat", BINDS, read_blocked, AM_BLOCKED_ADVERTISERS),
        MEMBER(WSEAT, "wseat", BINDS, read_seats, 0),
        MEMBER(TEST, "test", BINDS, read_test, 0),
        MEMBER(EXT, "ext", EACH, read_extensions, 0),
    };
    const struct am_json_node *root = in->json.nodes;
    if (root->type != AM_JSON_OBJECT) {
        am_error_set(error, AM_E_INVALID, "expected an object, found %s",
                     am_json_type_name((enum am_json_type)root->type));
        am_error_at(error, "$");
        return AM_E_INVALID;
    }
    am_openrtb_object(in, root, members, AM_COUNT_OF(members));
    const char *missing = !in->reader->request.id.data    ? "id"
                          : in->openrtb->impressions == 0 ? "imp"
                                                          : NULL;
    if (missing) {
        am_error_set(error, AM_E_INVALID, "expected the member \"%s\"", missing);
        am_error_at(error, "$");
        return AM_E_INVALID;
    }
    am_openrtb_read_user(in);
    am_openrtb_finish_context(in);
    return AM_OK;
}

/* A bid of nothing is none. */
static void raise_floors(struct am_api_request_reader *reader) {
    for (uint32_t i = 0; i < reader->request.slot_count; i++)
        if (reader->slots[i].floor == 0)
            reader->slots[i].floor = 1;
}

static enum am_code put_together(struct am_openrtb_reading *in, struct am_error *error) {
    struct am_api_request_reader *reader = in->reader;
    reader->request.seats = (struct am_match_views){in->openrtb->seats, in->openrtb->seat_count};
    if (reader->request.slot_count == 0) {
        am_openrtb_forbid(in->openrtb, AM_NO_BID_IMPRESSIONS);
        return AM_OK;
    }
    raise_floors(reader);
    if (in->openrtb->impressions == 1)
        am_openrtb_add_attribute(in, in->openrtb->placement, AM_ATTRIBUTE_PLACEMENT);
    return am_api_request_finish(reader, error);
}

enum am_code am_openrtb_read(struct am_openrtb *openrtb,
                             struct am_api_request_reader *reader,
                             const struct am_image *image,
                             struct am_view body,
                             struct am_error *error) {
    static const struct am_openrtb_member whole = MEMBER(REQUEST, "", LAST, NULL, 0);
    struct am_openrtb_reading in = {.reader = reader, .openrtb = openrtb, .member = &whole};
    am_poison_clear(openrtb, sizeof *openrtb);
    *openrtb = (struct am_openrtb){.image = image, .creatives = openrtb->creatives};
    AM_POISON_ITEMS(openrtb->seats, 0, AM_MAX_SEATS);
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    code = am_json_parse_lenient(body, reader->nodes, AM_REQUEST_MAX_NODES, &in.json, error);
    if (code == AM_E_LIMIT) { /* too deep, or too many values for what a request may hold */
        am_openrtb_forbid(openrtb, AM_NO_BID_LIMIT);
        return AM_OK;
    }
    if (code != AM_OK)
        return code;
    if (in.json.ill_formed)
        am_openrtb_odd(&in);
    code = read_root(&in, error);
    return code == AM_OK ? put_together(&in, error) : code;
}
