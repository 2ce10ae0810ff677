/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions of a bid request: each that may be bid on becomes a slot. */
#include "../../model/creative.h"
#include "lenient.h"
#include "native.h"

#define MEMBER AM_OPENRTB_MEMBER

const struct am_openrtb_vast am_openrtb_vasts[AM_OPENRTB_VASTS] = {
    {2, "2.0"}, {3, "3.0"}, {7, "4.0"}, {11, "4.1"}, {13, "4.2"}};

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

static void
read_floor(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view number;
    (void)argument;
    if (!am_openrtb_number(in, value, &number))
        return;
    int64_t floor = floor_of(number);
    if (floor > in->slot->floor)
        in->slot->floor = floor;
}

/* Two that differ would be a riddle. */
static void
read_floor_currency(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view *kept = &in->openrtb->impression.floor_currency;
    struct am_view currency;
    (void)argument;
    if (!am_openrtb_text(in, value, &currency))
        return;
    if (kept->data && !am_openrtb_same(*kept, currency))
        am_openrtb_unreadable(in);
    *kept = currency;
}

/* ---- sizes ---------------------------------------------------------------------------------- */

enum { WIDTH, HEIGHT, SIDES };

/* A side that is no whole number counts as 0. */
static void read_side(struct am_openrtb_reading *in, const struct am_json_node *value, int which) {
    int64_t side;
    if (am_openrtb_whole(in, value, &side))
        in->openrtb->sides[which] = side;
}

static void add_size(struct am_match_slot *slot, const int64_t *sides) {
    int64_t width = sides[WIDTH], height = sides[HEIGHT];
    if (width < 1 || width > UINT16_MAX || height < 1 || height > UINT16_MAX)
        return;
    am_api_request_keep_size(slot, (uint32_t)width << 16 | (uint32_t)height);
}

static void
read_format(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(FORMAT_W, "w", LAST, read_side, WIDTH),
        MEMBER(FORMAT_H, "h", LAST, read_side, HEIGHT),
    };
    int64_t *const around = in->openrtb->sides;
    int64_t sides[SIDES] = {0};
    (void)argument;
    in->openrtb->sides = sides;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
    in->openrtb->sides = around;
    in->openrtb->impression.has_sizes = true;
    add_size(in->slot, sides);
}

static void
read_formats(struct am_openrtb_reading *in, const struct am_json_node *list, int argument) {
    am_openrtb_objects(in, list, read_format, argument);
}

/* ---- creatives ------------------------------------------------------------------------------ */

enum numbers { BLOCKED_ATTRIBUTES, BLOCKED_TYPES, APIS };

/* Bit 0 stands for all that do not fit. */
static uint64_t bit_of(int64_t number, int64_t most) {
    return number > 0 && number <= most ? UINT64_C(1) << number : 1;
}

static void add_number(struct am_openrtb_reading *in, struct am_view text, int numbers) {
    struct am_match_media *creatives = &in->slot->creatives.media[in->kind];
    int64_t number;
    if (!am_openrtb_whole_of(am_openrtb_trimmed(text), &number)) {
        am_openrtb_unreadable(in);
        return;
    }
    switch ((enum numbers)numbers) {
    case BLOCKED_ATTRIBUTES:
        creatives->blocked_attributes |= bit_of(number, 63);
        break;
    case BLOCKED_TYPES:
        creatives->blocked_types |= (uint8_t)bit_of(number, 7);
        break;
    case APIS:
        creatives->apis |= (uint32_t)bit_of(number, 31) & ~UINT32_C(1);
        break;
    }
}

static void
read_numbers(struct am_openrtb_reading *in, const struct am_json_node *value, int numbers) {
    am_openrtb_numbers(in, value, add_number, numbers);
}

/* The bit of no type: types that are not known forbid all others, too. */
#define ASKED (UINT32_C(1) << 31)

static void add_type(struct am_openrtb_reading *in, struct am_view type, int argument) {
    (void)argument;
    in->slot->creatives.media[in->kind].mimes |=
        (am_model_mime_bit(am_openrtb_trimmed(type)) & ~UINT32_C(1)) | ASKED;
}

static void
read_types(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    am_openrtb_list(in, value, add_type, argument);
}

static void
read_position(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    int64_t position;
    (void)argument;
    if (am_openrtb_whole(in, value, &position) && position > 0 && position <= 7)
        in->slot->creatives.media[in->kind].position = (uint8_t)(1 << position);
}

static void
read_banner(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(BANNER_W, "w", LAST, read_side, WIDTH),
        MEMBER(BANNER_H, "h", LAST, read_side, HEIGHT),
        MEMBER(BANNER_FORMAT, "format", EACH, read_formats, 0),
        MEMBER(BANNER_BATTR, "battr", BINDS, read_numbers, BLOCKED_ATTRIBUTES),
        MEMBER(BANNER_BTYPE, "btype", BINDS, read_numbers, BLOCKED_TYPES),
        MEMBER(BANNER_API, "api", LAST, read_numbers, APIS),
        MEMBER(BANNER_MIMES, "mimes", BINDS, read_types, 0),
        MEMBER(BANNER_POS, "pos", LAST, read_position, 0),
    };
    struct am_openrtb_impression *impression = &in->openrtb->impression;
    int64_t sides[SIDES] = {0};
    (void)argument;
    in->openrtb->sides = sides;
    in->slot->creatives.needed = true;
    in->kind = AM_CREATIVE_BANNER;
    in->slot->creatives.media[AM_CREATIVE_BANNER].asked |=
        am_openrtb_object(in, object, members, AM_COUNT_OF(members));
    in->openrtb->sides = NULL;
    impression->has_sizes |= sides[WIDTH] || sides[HEIGHT];
    add_size(in->slot, sides);
}

/* ---- videos --------------------------------------------------------------------------------- */

static void
read_shortest(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_match_media *media = &in->slot->creatives.media[AM_CREATIVE_VIDEO];
    int64_t seconds;
    (void)argument;
    if (am_openrtb_whole(in, value, &seconds) && seconds > media->shortest)
        media->shortest = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

static void
read_longest(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_match_media *media = &in->slot->creatives.media[AM_CREATIVE_VIDEO];
    int64_t seconds;
    (void)argument;
    if (am_openrtb_whole(in, value, &seconds) && seconds > 0 &&
        (!media->longest || seconds < media->longest))
        media->longest = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

/* AdCOM 1.0, list of creative subtypes of video: the newest version of VAST that may be inline. */
static void add_protocol(struct am_openrtb_reading *in, struct am_view text, int argument) {
    int64_t protocol;
    uint8_t *newest = &in->openrtb->impression.vast;
    (void)argument;
    if (!am_openrtb_whole_of(am_openrtb_trimmed(text), &protocol)) {
        am_openrtb_unreadable(in);
        return;
    }
    in->openrtb->impression.has_protocols = true;
    for (uint8_t i = 0; i < AM_OPENRTB_VASTS; i++)
        if (am_openrtb_vasts[i].protocol == protocol && i + 1 > *newest)
            *newest = (uint8_t)(i + 1);
}

static void
read_protocols(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    am_openrtb_numbers(in, value, add_protocol, argument);
}

/* Only in streams: what stands over one is no video of ours. */
static void
read_linearity(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    enum { LINEAR = 1 };
    int64_t linearity;
    (void)argument;
    if (am_openrtb_whole(in, value, &linearity) && linearity != LINEAR)
        in->openrtb->impression.is_overlay = true;
}

static void
read_video(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(VIDEO_MIMES, "mimes", BINDS, read_types, 0),
        MEMBER(VIDEO_MINDURATION, "minduration", BINDS, read_shortest, 0),
        MEMBER(VIDEO_MAXDURATION, "maxduration", BINDS, read_longest, 0),
        MEMBER(VIDEO_PROTOCOLS, "protocols", BINDS, read_protocols, 0),
        MEMBER(VIDEO_LINEARITY, "linearity", BINDS, read_linearity, 0),
        MEMBER(VIDEO_BATTR, "battr", BINDS, read_numbers, BLOCKED_ATTRIBUTES),
        MEMBER(VIDEO_API, "api", LAST, read_numbers, APIS),
        MEMBER(VIDEO_POS, "pos", LAST, read_position, 0),
    };
    struct am_match_media *media = &in->slot->creatives.media[AM_CREATIVE_VIDEO];
    const struct am_openrtb_impression *impression = &in->openrtb->impression;
    (void)argument;
    in->kind = AM_CREATIVE_VIDEO;
    in->slot->creatives.needed = true;
    media->asked |= am_openrtb_object(in, object, members, AM_COUNT_OF(members));
    if (impression->is_overlay || (impression->has_protocols && !impression->vast))
        media->asked = false;
}

/* ---- native --------------------------------------------------------------------------------- */

static uint32_t smaller_of(uint32_t most, uint32_t other) {
    return most && (!other || most < other) ? most : other;
}

/* Required ones decide; what creatives cannot have, nobody can win. */
static void require_asset(struct am_openrtb_reading *in, const struct am_openrtb_asset *asset) {
    struct am_match_media *media = &in->slot->creatives.media[AM_CREATIVE_NATIVE];
    if (!asset->required)
        return;
    if (!asset->kind)
        in->openrtb->impression.native.nodes = NULL;
    media->assets |= asset->kind;
    if (asset->kind == AM_ASSET_TITLE)
        media->title_most = smaller_of(asset->most, media->title_most);
    if (asset->kind == AM_ASSET_TEXT)
        media->text_most = smaller_of(asset->most, media->text_most);
}

static void require_assets(struct am_openrtb_reading *in, const struct am_json *native) {
    const struct am_json_node *list = am_openrtb_assets(native);
    if (!list) {
        am_openrtb_unreadable(in);
        return;
    }
    in->openrtb->impression.native = *native;
    const struct am_json_node *object = am_json_first(list);
    for (uint32_t i = 0; i < list->children; i++, object = am_json_after(native, object)) {
        struct am_openrtb_asset asset;
        if (am_openrtb_asset_read(native, object, &asset))
            require_asset(in, &asset);
    }
}

/* A string that is JSON. Its nodes stand behind those of the request. */
static void
read_native_request(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_json native;
    struct am_view text;
    struct am_json_node *nodes = in->reader->nodes + in->node_count;
    const uint32_t room = AM_REQUEST_MAX_NODES - in->node_count;
    (void)argument;
    if (!am_openrtb_text(in, value, &text))
        return;
    AM_UNPOISON_ITEMS(nodes, 0, room);
    enum am_code code = am_json_parse(text, nodes, room, &native, NULL);
    const uint32_t used = code == AM_OK ? native.count : 0;
    AM_POISON_ITEMS(nodes, used, room - used);
    in->node_count += used;
    if (code == AM_OK)
        require_assets(in, &native);
    else
        am_openrtb_unreadable(in);
}

static void
read_native(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(NATIVE_REQUEST, "request", LAST, read_native_request, 0),
        MEMBER(NATIVE_BATTR, "battr", BINDS, read_numbers, BLOCKED_ATTRIBUTES),
    };
    (void)argument;
    in->kind = AM_CREATIVE_NATIVE;
    in->slot->creatives.needed = true;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
    in->slot->creatives.media[AM_CREATIVE_NATIVE].asked =
        in->openrtb->impression.native.nodes != NULL;
}

/* ---- impressions ---------------------------------------------------------------------------- */

static void read_id(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    am_openrtb_text(in, value, &in->slot->id);
}

static void
read_secure(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    bool secure;
    (void)argument;
    if (am_openrtb_flag(in, value, &secure))
        in->slot->creatives.secure |= secure;
}

static void
read_interstitial(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    bool interstitial;
    (void)argument;
    if (am_openrtb_flag(in, value, &interstitial))
        in->slot->creatives.interstitial = interstitial;
}

static void
read_placement(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    (void)argument;
    if (!am_openrtb_text(in, value, &text) || text.size > AM_ID_MAX_BYTES)
        return;
    char *memory = am_api_request_room(in->reader, text.size);
    am_api_request_keep(in->reader, text.size, text.size);
    in->slot->placement = am_model_attribute_fold(AM_ATTRIBUTE_PLACEMENT, text, memory);
}

static void read_private_auction(struct am_openrtb_reading *in,
                                 const struct am_json_node *value,
                                 int argument) {
    bool is_private;
    (void)argument;
    if (am_openrtb_flag(in, value, &is_private))
        in->openrtb->impression.is_private |= is_private;
}

static void
read_market(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(PMP_PRIVATE, "private_auction", BINDS, read_private_auction, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

static bool has_usable_id(const struct am_openrtb_reading *in) {
    const struct am_match_slot *slot = in->slot;
    if (slot->id.size == 0 || slot->id.size > AM_ID_MAX_BYTES)
        return false;
    for (const struct am_match_slot *other = in->reader->slots; other < slot; other++)
        if (am_view_equal(other->id, slot->id))
            return false;
    return true;
}

static bool is_asked(const struct am_match_creatives *creatives) {
    bool asked = false;
    for (int kind = 0; kind < AM_CREATIVE_KINDS; kind++)
        asked |= creatives->media[kind].asked;
    return asked;
}

static bool may_be_bid_on(const struct am_openrtb_reading *in) {
    const struct am_image *image = in->openrtb->image;
    const struct am_openrtb_impression *impression = &in->openrtb->impression;
    if (impression->unreadable || !is_asked(&in->slot->creatives) || impression->is_private ||
        !has_usable_id(in))
        return false;
    if (impression->has_sizes && in->slot->size_count == 0)
        return false;
    struct am_view currency =
        impression->floor_currency.data ? impression->floor_currency : AM_VIEW("USD");
    return in->slot->floor == 0 ||
           am_openrtb_same(currency, am_image_string(image, image->settings->currency));
}

static void
read_impression(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(IMP_ID, "id", LAST, read_id, 0),
        MEMBER(IMP_BANNER, "banner", BINDS, read_banner, 0),
        MEMBER(IMP_NATIVE, "native", BINDS, read_native, 0),
        MEMBER(IMP_VIDEO, "video", BINDS, read_video, 0),
        MEMBER(IMP_BIDFLOOR, "bidfloor", BINDS, read_floor, 0),
        MEMBER(IMP_BIDFLOORCUR, "bidfloorcur", BINDS, read_floor_currency, 0),
        MEMBER(IMP_PMP, "pmp", BINDS, read_market, 0),
        MEMBER(IMP_SECURE, "secure", BINDS, read_secure, 0),
        MEMBER(IMP_INSTL, "instl", BINDS, read_interstitial, 0),
        MEMBER(IMP_TAGID, "tagid", LAST, read_placement, 0),
    };
    struct am_openrtb *openrtb = in->openrtb;
    struct am_match_request *request = &in->reader->request;
    (void)argument;
    openrtb->impressions += object->type != AM_JSON_NULL;
    if (request->slot_count == AM_MAX_SLOTS)
        return;
    openrtb->impression = (struct am_openrtb_impression){.has_sizes = false};
    in->slot = am_api_request_add_slot(in->reader);
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
    openrtb->natives[request->slot_count - 1] = openrtb->impression.native;
    openrtb->vasts[request->slot_count - 1] = openrtb->impression.vast;
    if (!may_be_bid_on(in))
        request->slot_count--;
    in->slot = NULL;
}

void am_openrtb_read_impressions(struct am_openrtb_reading *in,
                                 const struct am_json_node *list,
                                 int argument) {
    am_openrtb_objects(in, list, read_impression, argument);
}
