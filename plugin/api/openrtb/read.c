/* SPDX-License-Identifier: Apache-2.0 */
/* A bid request as a whole: what binds the bidder, and what goes to the other files. */
#include "openrtb.h"

/* ---- what is allowed and what is blocked ---------------------------------------------------- */

static void forbid(struct am_api_members *in, enum am_openrtb_no_bid reason) {
    if (in->openrtb->no_bid == AM_NO_BID_NONE)
        in->openrtb->no_bid = reason;
}

static enum am_code
find_name(struct am_api_members *in, struct am_view name, int argument, struct am_view wanted) {
    (void)argument;
    if (am_openrtb_same(name, wanted))
        in->openrtb->found = true;
    return AM_OK;
}

/* A list of what is allowed; an empty one restricts nothing. */
static enum am_code require_name(struct am_api_members *in,
                                 const struct am_json_node *list,
                                 struct am_view wanted,
                                 enum am_openrtb_no_bid reason) {
    in->openrtb->found = false;
    enum am_code code = am_api_member_list(in, list, find_name, 0, wanted);
    if (code == AM_OK && list->children && !in->openrtb->found)
        forbid(in, reason);
    return code;
}

static enum am_code
read_currencies(struct am_api_members *in, const struct am_json_node *value, int argument) {
    const struct am_image *image = in->openrtb->image;
    (void)argument;
    return require_name(in, value, am_image_string(image, image->settings->currency),
                        AM_NO_BID_CURRENCY);
}

/* An inventory may also tell its language by an English name, or not at all: there is then nothing
 * to compare. */
static enum am_code
read_languages(struct am_api_members *in, const struct am_json_node *value, int argument) {
    const struct am_image *image = in->openrtb->image;
    struct am_view language = am_image_string(image, image->settings->language);
    (void)argument;
    return language.size == 2 ? require_name(in, value, language, AM_NO_BID_LANGUAGE) : AM_OK;
}

static enum am_code
read_allowed_categories(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, value, "a list of strings");
    if (value->children)
        forbid(in, AM_NO_BID_CATEGORIES);
    return AM_OK;
}

/* Names longer than any in an inventory block nothing. */
static enum am_code
add_blocked(struct am_api_members *in, struct am_view name, int kind, struct am_view context) {
    (void)context;
    if (name.size == 0 || name.size > AM_ID_MAX_BYTES)
        return AM_OK;
    return am_api_request_add_blocked(in->reader, (enum am_api_blocked)kind, name, in->error);
}

static enum am_code
read_blocked(struct am_api_members *in, const struct am_json_node *value, int kind) {
    return am_api_member_list(in, value, add_blocked, kind, AM_VIEW(""));
}

/* Seats beyond the limit may not bid: that errs on the side of silence. */
static enum am_code
add_seat(struct am_api_members *in, struct am_view seat, int argument, struct am_view context) {
    struct am_openrtb *openrtb = in->openrtb;
    (void)argument;
    (void)context;
    if (openrtb->seat_count < AM_MAX_SEATS) {
        AM_UNPOISON_ITEMS(openrtb->seats, openrtb->seat_count, 1);
        openrtb->seats[openrtb->seat_count++] = seat;
    }
    in->reader->request.restricts_seats = true;
    return AM_OK;
}

static enum am_code
read_seats(struct am_api_members *in, const struct am_json_node *value, int argument) {
    return am_api_member_list(in, value, add_seat, argument, AM_VIEW(""));
}

/* ---- extensions ----------------------------------------------------------------------------- */

static enum am_code
read_text(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->reader->content.given);
}

static enum am_code
read_free_keys(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_free_keys(in, value);
}

static enum am_code
read_unique(struct am_api_members *in, const struct am_json_node *value, int argument) {
    struct am_view name;
    enum am_code code = am_api_member_string(in, value, &name);
    (void)argument;
    if (code != AM_OK)
        return code;
    return am_api_member_at(in, value, am_api_request_set_unique(in->reader, name, in->error));
}

static enum am_code
read_own_extension(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("text", read_text, 0),
        AM_MEMBER("kv", read_free_keys, 0),
        AM_MEMBER("unique", read_unique, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

static enum am_code
read_extensions(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {AM_MEMBER("admatch", read_own_extension, 0)};
    (void)argument;
    if (object->type != AM_JSON_OBJECT)
        return AM_OK;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

/* ---- the request ---------------------------------------------------------------------------- */

static enum am_code
read_id(struct am_api_members *in, const struct am_json_node *value, int argument) {
    struct am_view id;
    enum am_code code = am_api_member_string(in, value, &id);
    (void)argument;
    if (code != AM_OK)
        return code;
    return am_api_member_at(in, value,
                            am_api_request_set_id(&in->reader->request.id, id, in->error));
}

static enum am_code
read_test(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_openrtb_flag(in, value, &in->openrtb->test);
}

static enum am_code
keep_user(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    in->openrtb->user = value;
    return AM_OK;
}

static enum am_code read_root(struct am_api_members *in) {
    static const struct am_api_member members[] = {
        AM_MEMBER("id", read_id, 0),
        AM_MEMBER("imp", am_openrtb_read_impressions, 0),
        AM_MEMBER("site", am_openrtb_read_page, AM_OPENRTB_SITE),
        AM_MEMBER("app", am_openrtb_read_page, AM_OPENRTB_APP),
        AM_MEMBER("dooh", am_openrtb_read_page, AM_OPENRTB_SCREEN),
        AM_MEMBER("device", am_openrtb_read_device, 0),
        AM_MEMBER("user", keep_user, 0),
        AM_MEMBER("regs", am_openrtb_read_regulations, 0),
        AM_MEMBER("cur", read_currencies, 0),
        AM_MEMBER("wlang", read_languages, 0),
        AM_MEMBER("acat", read_allowed_categories, 0),
        AM_MEMBER("bcat", read_blocked, AM_BLOCKED_CATEGORIES),
        AM_MEMBER("badv", read_blocked, AM_BLOCKED_DOMAINS),
        AM_MEMBER("bapp", read_blocked, AM_BLOCKED_DOMAINS),
        AM_MEMBER("bseat", read_blocked, AM_BLOCKED_ADVERTISERS),
        AM_MEMBER("wseat", read_seats, 0),
        AM_MEMBER("test", read_test, 0),
        AM_MEMBER("ext", read_extensions, 0),
    };
    const struct am_json_node *root = in->json.nodes;
    enum am_code code =
        am_api_members_read(in, root, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
    if (code == AM_OK && !in->reader->request.id.data)
        code = am_api_member_at(
            in, root, am_error_set(in->error, AM_E_INVALID, "expected the member \"id\""));
    if (code == AM_OK && in->openrtb->impressions == 0)
        code = am_api_member_at(
            in, root, am_error_set(in->error, AM_E_INVALID, "expected the member \"imp\""));
    if (code == AM_OK)
        code = am_openrtb_read_user(in);
    return code;
}

/* A bid of nothing is none. */
static void raise_floors(struct am_api_request_reader *reader) {
    for (uint32_t i = 0; i < reader->request.slot_count; i++)
        if (reader->slots[i].floor == 0)
            reader->slots[i].floor = 1;
}

static enum am_code put_together(struct am_api_members *in) {
    struct am_api_request_reader *reader = in->reader;
    enum am_code code = AM_OK;
    if (reader->request.slot_count == 0) {
        forbid(in, AM_NO_BID_IMPRESSIONS);
        return AM_OK;
    }
    raise_floors(reader);
    if (!reader->title.given.data)
        reader->title.given = in->openrtb->app_name;
    if (in->openrtb->impressions == 1)
        code = am_openrtb_add_attribute(in, in->openrtb->placement, AM_ATTRIBUTE_PLACEMENT,
                                        AM_VIEW(""));
    return code == AM_OK ? am_api_request_finish(reader, in->error) : code;
}

enum am_code am_openrtb_read(struct am_openrtb *openrtb,
                             struct am_api_request_reader *reader,
                             const struct am_image *image,
                             struct am_view body,
                             struct am_error *error) {
    struct am_api_members in = {.reader = reader, .openrtb = openrtb, .error = error};
    am_poison_clear(openrtb, sizeof *openrtb);
    *openrtb = (struct am_openrtb){.image = image, .creative_nodes = openrtb->creative_nodes};
    AM_POISON_ITEMS(openrtb->seats, 0, AM_MAX_SEATS);
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    code = am_json_parse_guarded(body, reader->nodes, AM_REQUEST_MAX_NODES, &in.json, error);
    if (code == AM_E_LIMIT) /* too deep, or too many values for what a request may hold */
        return error->code = AM_E_INVALID;
    if (code == AM_OK)
        code = read_root(&in);
    reader->request.seats = (struct am_match_views){openrtb->seats, openrtb->seat_count};
    return code == AM_OK ? put_together(&in) : code;
}
