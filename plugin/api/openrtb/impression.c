/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions of a bid request: each that may be bid on becomes a slot. */
#include "openrtb.h"

/* ---- floors --------------------------------------------------------------------------------- */

enum { MICRO_PLACES = 6, EXPONENT_LIMIT = 1000000 };

static int64_t exponent_of(struct am_view number, size_t *mantissa_size) {
    const char *mark = memchr(number.data, 'e', number.size);
    if (!mark)
        mark = memchr(number.data, 'E', number.size);
    *mantissa_size = mark ? (size_t)(mark - number.data) : number.size;
    int64_t exponent = 0;
    bool negative = false;
    for (size_t i = *mantissa_size + 1; i < number.size; i++) {
        negative |= number.data[i] == '-';
        if (number.data[i] >= '0' && number.data[i] <= '9' && exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (number.data[i] - '0');
    }
    return negative ? -exponent : exponent;
}

/* Adds digit x 10^power; false when that does not fit. */
static bool add_digit(int64_t *value, int digit, int64_t power) {
    int64_t more = digit;
    if (digit == 0)
        return true;
    for (; power > 0; power--)
        if (__builtin_mul_overflow(more, 10, &more))
            return false;
    return !__builtin_add_overflow(*value, more, value);
}

/* Micros of a JSON number. Exchanges compute floors in floating point, so what is beyond six
 * decimals is rounded up: a bid at the floor is never below it. A negative floor is none; one that
 * does not fit is above every bid. */
static int64_t floor_of(struct am_view number) {
    size_t mantissa_size;
    int64_t value = 0, power = exponent_of(number, &mantissa_size) + MICRO_PLACES - 1;
    bool round_up = false;
    if (number.data[0] == '-')
        return 0;
    const char *point = memchr(number.data, '.', mantissa_size);
    power += point ? point - number.data : (int64_t)mantissa_size;
    for (size_t i = 0; i < mantissa_size; i++) {
        if (number.data[i] == '.')
            continue;
        int digit = number.data[i] - '0';
        if (power < 0)
            round_up |= digit != 0;
        else if (!add_digit(&value, digit, power))
            return INT64_MAX;
        power--;
    }
    return value < INT64_MAX ? value + round_up : value;
}

static enum am_code
read_floor(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_NUMBER)
        return am_api_member_expected(in, value, "a number");
    in->slot->floor = floor_of(am_json_raw(&in->json, value));
    return AM_OK;
}

/* ---- sizes ---------------------------------------------------------------------------------- */

enum { WIDTH, HEIGHT, SIDES };

/* A side that is no whole number counts as 0. */
static enum am_code
read_side(struct am_api_members *in, const struct am_json_node *value, int which) {
    int64_t side;
    if (value->type != AM_JSON_NUMBER)
        return am_api_member_expected(in, value, "a number");
    if (am_decimal_parse(am_json_raw(&in->json, value), 0, &side, NULL) == AM_OK)
        in->openrtb->sides[which] = side;
    return AM_OK;
}

static void add_size(struct am_match_slot *slot, const int64_t *sides) {
    int64_t width = sides[WIDTH], height = sides[HEIGHT];
    if (width < 1 || width > UINT16_MAX || height < 1 || height > UINT16_MAX)
        return;
    am_api_request_keep_size(slot, (uint32_t)width << 16 | (uint32_t)height);
}

static enum am_code read_format(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("w", read_side, WIDTH),
        AM_MEMBER("h", read_side, HEIGHT),
    };
    int64_t sides[SIDES] = {0};
    in->openrtb->sides = sides;
    enum am_code code =
        am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
    add_size(in->slot, sides);
    return code;
}

static enum am_code
read_formats(struct am_api_members *in, const struct am_json_node *list, int argument) {
    int64_t *const sides = in->openrtb->sides;
    enum am_code code = AM_OK;
    (void)argument;
    if (list->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, list, "a list of objects");
    const struct am_json_node *format = am_json_first(list);
    for (uint32_t i = 0; i < list->children && code == AM_OK; i++) {
        code = read_format(in, format);
        format = am_json_after(&in->json, format);
    }
    in->openrtb->sides = sides;
    in->openrtb->impression.has_sizes |= list->children != 0;
    return code;
}

static enum am_code
read_banner(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("w", read_side, WIDTH),
        AM_MEMBER("h", read_side, HEIGHT),
        AM_MEMBER("format", read_formats, 0),
    };
    struct am_openrtb_impression *impression = &in->openrtb->impression;
    int64_t sides[SIDES] = {0};
    (void)argument;
    in->openrtb->sides = sides;
    enum am_code code =
        am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
    in->openrtb->sides = NULL;
    impression->is_banner = true;
    impression->has_sizes |= sides[WIDTH] || sides[HEIGHT];
    add_size(in->slot, sides);
    return code;
}

/* ---- impressions ---------------------------------------------------------------------------- */

static enum am_code
read_id(struct am_api_members *in, const struct am_json_node *value, int argument) {
    enum am_code code = am_api_member_string(in, value, &in->openrtb->impression.id);
    (void)argument;
    if (code != AM_OK)
        return code;
    return am_api_member_at(
        in, value, am_api_request_set_id(&in->slot->id, in->openrtb->impression.id, in->error));
}

static enum am_code
read_floor_currency(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->openrtb->impression.floor_currency);
}

static enum am_code
read_placement(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->openrtb->placement);
}

static enum am_code
read_secure(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_openrtb_flag(in, value, &in->openrtb->impression.secure);
}

static enum am_code
read_private_auction(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_openrtb_flag(in, value, &in->openrtb->impression.is_private);
}

static enum am_code
read_market(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("private_auction", read_private_auction, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

static bool may_be_bid_on(const struct am_api_members *in) {
    const struct am_image *image = in->openrtb->image;
    const struct am_openrtb_impression *impression = &in->openrtb->impression;
    if (!impression->is_banner || impression->is_private)
        return false;
    if (impression->has_sizes && in->slot->size_count == 0)
        return false;
    struct am_view currency =
        impression->floor_currency.data ? impression->floor_currency : AM_VIEW("USD");
    return in->slot->floor == 0 ||
           am_openrtb_same(currency, am_image_string(image, image->settings->currency));
}

static enum am_code read_impression(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("id", read_id, 0),           AM_MEMBER("banner", read_banner, 0),
        AM_MEMBER("bidfloor", read_floor, 0),  AM_MEMBER("bidfloorcur", read_floor_currency, 0),
        AM_MEMBER("pmp", read_market, 0),      AM_MEMBER("secure", read_secure, 0),
        AM_MEMBER("tagid", read_placement, 0),
    };
    struct am_openrtb *openrtb = in->openrtb;
    struct am_match_request *request = &in->reader->request;
    openrtb->impression = (struct am_openrtb_impression){.is_banner = false};
    in->slot = am_api_request_add_slot(in->reader);
    enum am_code code =
        am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
    if (code == AM_OK && !openrtb->impression.id.data)
        code = am_api_member_at(
            in, object, am_error_set(in->error, AM_E_INVALID, "expected the member \"id\""));
    if (code != AM_OK)
        return code;
    openrtb->secure[request->slot_count - 1] = openrtb->impression.secure;
    if (!may_be_bid_on(in))
        request->slot_count--;
    return AM_OK;
}

enum am_code am_openrtb_read_impressions(struct am_api_members *in,
                                         const struct am_json_node *list,
                                         int argument) {
    (void)argument;
    if (list->type != AM_JSON_ARRAY)
        return am_api_member_expected(in, list, "a list of impressions");
    if (list->children == 0 || list->children > AM_MAX_SLOTS)
        return am_api_member_at(in, list,
                                am_error_set(in->error, AM_E_INVALID,
                                             "expected 1 to %d impressions, found %u", AM_MAX_SLOTS,
                                             list->children));
    in->openrtb->impressions = list->children;
    const struct am_json_node *impression = am_json_first(list);
    for (uint32_t i = 0; i < list->children;
         i++, impression = am_json_after(&in->json, impression)) {
        enum am_code code = read_impression(in, impression);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}
