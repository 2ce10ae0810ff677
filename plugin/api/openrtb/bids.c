/* SPDX-License-Identifier: Apache-2.0 */
/* Bid responses: a decision as OpenRTB says it. */
#include "../render.h"
#include "bidder.h"
#include "native.h"

static struct am_view text_of(const struct am_openrtb_bidder *to, am_image_string_ref ref) {
    return am_image_string(to->image, ref);
}

static struct am_view advertiser_of(const struct am_image *image,
                                    const struct am_match_winner *placed) {
    return am_image_string(image, image->terms[image->ads[placed->ad].advertiser].text);
}

/* ---- winners -------------------------------------------------------------------------------- */

static uint32_t collect_offers(const struct am_openrtb_bidder *to,
                               const struct am_match_decision *decision,
                               struct am_openrtb_offer *offers) {
    const struct am_match_winner *placed = decision->ads;
    uint32_t count = 0;
    for (uint32_t i = 0; i < to->request->slot_count; i++) {
        if (decision->slot_filled[i] == 0)
            continue;
        offers[count++] = (struct am_openrtb_offer){placed, &to->request->slots[i], false};
        placed += decision->slot_filled[i];
    }
    return count;
}

/* ---- one bid -------------------------------------------------------------------------------- */

static void put_string(const struct am_openrtb_bidder *to, const char *name, struct am_view text) {
    am_buffer_view_append(to->out, am_view_of(name));
    am_buffer_json_string(to->out, text);
}

/* What the inventory's creative says in the words of OpenRTB is handed on as it stands, when it is
 * of the type that OpenRTB asks for. */
struct handed_on {
    const char *name;
    enum am_json_type type;
};

static bool is_whole(const struct am_json *json, const struct am_json_node *value) {
    int64_t whole;
    return value->type == AM_JSON_NUMBER &&
           am_decimal_parse(am_json_raw(json, value), 0, &whole, NULL) == AM_OK;
}

/* Lists are of whole numbers. */
static bool is_well_typed(const struct am_json *json,
                          const struct am_json_node *value,
                          enum am_json_type type) {
    if (value->type != type)
        return false;
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; type == AM_JSON_ARRAY && i < value->children; i++) {
        if (!is_whole(json, item))
            return false;
        item = am_json_after(json, item);
    }
    return true;
}

static bool put_member(const struct am_openrtb_bidder *to,
                       const struct am_json *creative,
                       const char *name,
                       enum am_json_type type) {
    const struct am_json_node *value = am_json_member(creative, creative->nodes, name);
    if (!value || !is_well_typed(creative, value, type))
        return false;
    am_buffer_literal(to->out, ",\"");
    am_buffer_view_append(to->out, am_view_of(name));
    am_buffer_literal(to->out, "\":");
    am_buffer_view_append(to->out, am_json_raw(creative, value));
    return true;
}

/* A banner's markup is the creative's member "adm", or else the whole creative as a string of JSON.
 */
static void put_banner(const struct am_openrtb_bidder *to, const struct am_json *creative) {
    if (!put_member(to, creative, "adm", AM_JSON_STRING))
        put_string(to, ",\"adm\":", creative->text);
}

/* A video's is its member "vast", or else a document made of its files. */
static void put_video(const struct am_openrtb_bidder *to,
                      const struct am_openrtb_offer *offer,
                      const struct am_json *creative) {
    const struct am_json_node *markup = am_json_member(creative, creative->nodes, "vast");
    const struct am_json_node *duration = am_json_member(creative, creative->nodes, "duration");
    am_buffer_literal(to->out, ",\"adm\":");
    if (markup && markup->type == AM_JSON_STRING) {
        am_buffer_view_append(to->out, am_json_raw(creative, markup));
    } else {
        unsigned version = am_openrtb_put_vast(to, offer, creative);
        am_buffer_literal(to->out, ",\"protocol\":");
        am_buffer_unsigned(to->out, (uint64_t)am_openrtb_vasts[version].protocol);
    }
    if (duration && is_whole(creative, duration)) {
        am_buffer_literal(to->out, ",\"dur\":");
        am_buffer_view_append(to->out, am_json_raw(creative, duration));
    }
}

/* ---- native --------------------------------------------------------------------------------- */

/* An image is a URL, or an object with one. */
static void put_image(const struct am_openrtb_bidder *to,
                      const struct am_json *creative,
                      const struct am_json_node *image) {
    static const char *const sides[] = {"w", "h"};
    const struct am_json_node *url =
        image->type == AM_JSON_OBJECT ? am_json_member(creative, image, "url") : image;
    am_buffer_literal(to->out, ",\"img\":{\"url\":");
    am_buffer_view_append(to->out, am_json_raw(creative, url));
    for (size_t i = 0; i < AM_COUNT_OF(sides); i++) {
        const struct am_json_node *side = am_json_member(creative, image, sides[i]);
        if (!side || !is_whole(creative, side))
            continue;
        am_buffer_literal(to->out, ",\"");
        am_buffer_view_append(to->out, am_view_of(sides[i]));
        am_buffer_literal(to->out, "\":");
        am_buffer_view_append(to->out, am_json_raw(creative, side));
    }
    am_buffer_literal(to->out, "}");
}

static void put_asset(const struct am_openrtb_bidder *to,
                      const struct am_json *native,
                      const struct am_json *creative,
                      const struct am_openrtb_asset *asset,
                      const struct am_json_node *value,
                      bool first) {
    am_buffer_view_append(to->out, first ? AM_VIEW("{\"id\":") : AM_VIEW(",{\"id\":"));
    am_buffer_view_append(to->out, am_json_raw(native, asset->id));
    if (asset->kind & (AM_ASSET_IMAGE | AM_ASSET_ICON)) {
        put_image(to, creative, value);
    } else {
        am_buffer_view_append(to->out, asset->kind == AM_ASSET_TITLE
                                           ? AM_VIEW(",\"title\":{\"text\":")
                                           : AM_VIEW(",\"data\":{\"value\":"));
        am_buffer_view_append(to->out, am_json_raw(creative, value));
        am_buffer_literal(to->out, "}");
    }
    am_buffer_literal(to->out, "}");
}

/* What fills an asset: a string, or an object with a URL; NULL: nothing does. */
static const struct am_json_node *value_of(const struct am_json *creative,
                                           const struct am_openrtb_asset *asset) {
    const bool is_image = asset->kind & (AM_ASSET_IMAGE | AM_ASSET_ICON);
    const struct am_json_node *value = am_json_member(
        creative, creative->nodes, am_model_asset_name((enum am_model_asset)asset->kind));
    const struct am_json_node *text = value;
    if (value && is_image && value->type == AM_JSON_OBJECT)
        text = am_json_member(creative, value, "url");
    return text && text->type == AM_JSON_STRING ? value : NULL;
}

/* Those that are asked for and that the creative has, none too long. */
static void put_assets(const struct am_openrtb_bidder *to,
                       const struct am_json *native,
                       const struct am_json *creative,
                       uint32_t item) {
    const struct am_json_node *list = am_openrtb_assets(native);
    const struct am_json_node *object = am_json_first(list);
    bool first = true;
    for (uint32_t i = 0; i < list->children; i++, object = am_json_after(native, object)) {
        struct am_openrtb_asset asset;
        if (!am_openrtb_asset_read(native, object, &asset) || !(asset.kind & item))
            continue;
        uint32_t size = asset.kind == AM_ASSET_TITLE  ? item >> 8 & AM_CREATIVE_LENGTH_MOST
                        : asset.kind == AM_ASSET_TEXT ? item >> 20
                                                      : 0;
        const struct am_json_node *value = value_of(creative, &asset);
        if (!value || (asset.most && size > asset.most))
            continue;
        put_asset(to, native, creative, &asset, value, first);
        first = false;
    }
}

/* The document is written behind the answer so far, and then again as a string in its place. */
static void put_native(const struct am_openrtb_bidder *to,
                       const struct am_openrtb_offer *offer,
                       const struct am_json *creative) {
    const struct am_json *native = &to->openrtb->natives[offer->slot - to->request->slots];
    const uint32_t ad = offer->placed->ad;
    const uint32_t *items = am_image_list_at(to->image, to->image->creatives[ad]).items;
    am_buffer_literal(to->out, ",\"adm\":");
    const size_t begin = to->out->size;
    am_buffer_literal(to->out, "{\"native\":{\"ver\":\"1.2\",\"assets\":[");
    put_assets(to, native, creative, items[AM_CREATIVE_ASSETS]);
    put_string(to, "],\"link\":{\"url\":", text_of(to, to->image->details[ad].url));
    am_buffer_literal(to->out, "}}}");
    const size_t end = to->out->size;
    am_buffer_json_string(to->out, (struct am_view){to->out->data + begin, end - begin});
    if (to->out->overflowed)
        return;
    const size_t size = to->out->size - end;
    memmove(to->out->data + begin, to->out->data + end, size);
    am_buffer_cut(to->out, begin + size);
}

static void put_creative_members(const struct am_openrtb_bidder *to,
                                 const struct am_json *creative) {
    static const struct handed_on members[] = {
        {"nurl", AM_JSON_STRING},   {"burl", AM_JSON_STRING},     {"lurl", AM_JSON_STRING},
        {"iurl", AM_JSON_STRING},   {"attr", AM_JSON_ARRAY},      {"apis", AM_JSON_ARRAY},
        {"bundle", AM_JSON_STRING}, {"language", AM_JSON_STRING}, {"ext", AM_JSON_OBJECT},
    };
    for (size_t i = 0; i < AM_COUNT_OF(members); i++)
        put_member(to, creative, members[i].name, members[i].type);
}

/* The taxonomy is the creative's, or else the request's; left out, it is 1. */
static void put_categories(const struct am_openrtb_bidder *to,
                           const struct am_match_winner *placed,
                           const struct am_json *creative) {
    struct am_image_list set =
        am_image_list_at(to->image, to->image->details[placed->ad].categories);
    if (set.count == 0)
        return;
    am_buffer_literal(to->out, ",\"cat\":");
    for (uint32_t i = 0; i < set.count; i++)
        put_string(to, i ? "," : "[", text_of(to, to->image->terms[set.items[i]].text));
    am_buffer_literal(to->out, "]");
    if (put_member(to, creative, "cattax", AM_JSON_NUMBER))
        return;
    if (to->openrtb->taxonomy > 1) {
        am_buffer_literal(to->out, ",\"cattax\":");
        am_buffer_unsigned(to->out, (uint64_t)to->openrtb->taxonomy);
    }
}

/* The first size of the impression that is the ad's too; an ad without sizes takes the first. */
static void put_size(const struct am_openrtb_bidder *to, const struct am_openrtb_offer *offer) {
    struct am_image_list sizes =
        am_image_list_at(to->image, to->image->ads[offer->placed->ad].sizes);
    const struct am_match_slot *slot = offer->slot;
    uint32_t size = slot->size_count ? slot->sizes[0] : sizes.count ? sizes.items[0] : 0;
    for (uint32_t i = slot->size_count; i > 0; i--)
        for (uint32_t k = 0; k < sizes.count; k++)
            if (slot->sizes[i - 1] == sizes.items[k])
                size = slot->sizes[i - 1];
    if (size == 0)
        return;
    am_buffer_literal(to->out, ",\"w\":");
    am_buffer_unsigned(to->out, size >> 16);
    am_buffer_literal(to->out, ",\"h\":");
    am_buffer_unsigned(to->out, size & UINT16_MAX);
}

static void put_id(struct am_openrtb_bidder *to) {
    am_buffer_literal(to->out, "{\"id\":\"");
    am_openrtb_put_auction(to);
    am_buffer_literal(to->out, "-");
    am_buffer_unsigned(to->out, ++to->bids);
}

/* A verified image has only objects. */
static struct am_json creative_of(const struct am_openrtb_bidder *to,
                                  const struct am_match_winner *placed) {
    struct am_view text = text_of(to, to->image->details[placed->ad].creative);
    struct am_json creative;
    if (!am_api_creative_read(to->openrtb->creatives, text, &creative))
        am_api_creative_read(to->openrtb->creatives, AM_VIEW("{}"), &creative);
    return creative;
}

static void put_markup(const struct am_openrtb_bidder *to,
                       const struct am_openrtb_offer *offer,
                       const struct am_json *creative,
                       enum am_model_creative_kind kind) {
    switch (kind) {
    case AM_CREATIVE_VIDEO:
        put_video(to, offer, creative);
        break;
    case AM_CREATIVE_NATIVE:
        put_native(to, offer, creative);
        break;
    case AM_CREATIVE_BANNER:
    case AM_CREATIVE_KINDS:
        put_banner(to, creative);
        break;
    }
}

static void put_bid(struct am_openrtb_bidder *to, const struct am_openrtb_offer *offer) {
    const struct am_image *image = to->image;
    const struct am_match_winner *placed = offer->placed;
    const struct am_image_ad *ad = &image->ads[placed->ad];
    struct am_view id = text_of(to, image->details[placed->ad].id);
    static const unsigned media_types[AM_CREATIVE_KINDS] = {
        [AM_CREATIVE_BANNER] = 1, [AM_CREATIVE_VIDEO] = 2, [AM_CREATIVE_NATIVE] = 4};
    struct am_json creative = creative_of(to, placed);
    put_id(to);
    put_string(to, "\",\"impid\":", offer->slot->id);
    am_buffer_literal(to->out, ",\"price\":");
    am_buffer_decimal(to->out, (int64_t)image->keywords[placed->keyword].ecpm, 6);
    put_string(to, ",\"adid\":", id);
    enum am_model_creative_kind kind =
        am_match_creative_kind(image, offer->slot, offer->placed->ad);
    put_markup(to, offer, &creative, kind);
    put_creative_members(to, &creative);
    if (ad->domain != AM_NONE) {
        put_string(to, ",\"adomain\":[", text_of(to, image->terms[ad->domain].text));
        am_buffer_literal(to->out, "]");
    }
    if (ad->campaign != AM_NONE)
        put_string(to, ",\"cid\":", text_of(to, image->campaigns[ad->campaign].id));
    put_string(to, ",\"crid\":", id);
    put_categories(to, placed, &creative);
    if (kind == AM_CREATIVE_BANNER)
        put_size(to, offer);
    am_buffer_literal(to->out, ",\"mtype\":");
    am_buffer_unsigned(to->out, media_types[kind]);
    am_buffer_literal(to->out, "}");
}

/* ---- the response --------------------------------------------------------------------------- */

/* All bids of the first offer's advertiser, which has its own seat. */
static void
put_seat(struct am_openrtb_bidder *to, struct am_openrtb_offer *offers, uint32_t count) {
    struct am_view seat = advertiser_of(to->image, offers[0].placed);
    am_buffer_literal(to->out, "{\"bid\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (offers[i].written || !am_view_equal(advertiser_of(to->image, offers[i].placed), seat))
            continue;
        if (i > 0)
            am_buffer_literal(to->out, ",");
        put_bid(to, &offers[i]);
        offers[i].written = true;
    }
    put_string(to, "],\"seat\":", seat);
    am_buffer_literal(to->out, "}");
}

/* The ad that came furthest, the best ranked of several. */
static const struct am_match_rejected *furthest(const struct am_match_decision *decision) {
    const struct am_match_rejected *found = NULL;
    for (uint32_t i = 0; i < decision->rejected_count; i++)
        if (!found || decision->rejected[i].gate > found->gate)
            found = &decision->rejected[i];
    return found;
}

static void put_furthest(const struct am_openrtb_bidder *to,
                         const struct am_match_rejected *rejected) {
    put_string(to, "\"gate\":", am_view_of(am_gate_name(rejected->gate)));
    put_string(to, ",\"ad\":", text_of(to, to->image->details[rejected->ad].id));
    put_string(to, ",\"detail\":", rejected->detail);
}

/* What only admatch says; nothing, as a rule. `decision` may be NULL. */
static void put_extension(const struct am_openrtb_bidder *to,
                          const struct am_match_decision *decision,
                          bool has_bids) {
    const struct am_match_rejected *rejected =
        decision && !has_bids && to->openrtb->test ? furthest(decision) : NULL;
    bool truncated = decision && decision->truncated;
    bool explains = decision && to->openrtb->explains;
    if (!truncated && !rejected && !explains)
        return;
    am_buffer_literal(to->out, ",\"ext\":{\"admatch\":{");
    if (truncated)
        am_buffer_literal(to->out, "\"truncated\":true");
    if (truncated && (rejected || explains))
        am_buffer_literal(to->out, ",");
    if (rejected)
        put_furthest(to, rejected);
    if (rejected && explains)
        am_buffer_literal(to->out, ",");
    if (explains)
        am_api_render_explain(to->out, to->image, to->request, decision);
    am_buffer_literal(to->out, "}}");
}

static void put_bids(struct am_openrtb_bidder *to,
                     struct am_openrtb_offer *offers,
                     uint32_t count,
                     const struct am_match_decision *decision) {
    put_string(to, "{\"id\":", to->request->id);
    am_buffer_literal(to->out, ",\"seatbid\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (offers[i].written)
            continue;
        if (i > 0)
            am_buffer_literal(to->out, ",");
        put_seat(to, &offers[i], count - i);
    }
    put_string(to, "],\"bidid\":", am_view_of(to->image->generation));
    put_string(to, ",\"cur\":", text_of(to, to->image->settings->currency));
    put_extension(to, decision, true);
    am_buffer_literal(to->out, "}");
}

const char *am_openrtb_no_bid_number(enum am_openrtb_no_bid reason) {
#define NUMBER(ID, number) [AM_NO_BID_##ID] = #number,
    static const char *const numbers[AM_NO_BID_REASONS] = {AM_OPENRTB_NO_BID_TABLE(NUMBER)};
#undef NUMBER
    return numbers[reason];
}

static void put_no_bid(const struct am_openrtb_bidder *to,
                       const struct am_match_decision *decision) {
    put_string(to, "{\"id\":", to->request->id);
    am_buffer_literal(to->out, ",\"seatbid\":[],\"nbr\":");
    am_buffer_view_append(to->out, am_view_of(am_openrtb_no_bid_number(to->openrtb->no_bid)));
    put_extension(to, decision, false);
    am_buffer_literal(to->out, "}");
}

void am_openrtb_render(struct am_buffer *out,
                       struct am_openrtb *openrtb,
                       const struct am_match_request *request,
                       const struct am_match_decision *decision) {
    struct am_openrtb_offer offers[AM_MAX_SLOTS];
    struct am_openrtb_bidder to = {out, openrtb, openrtb->image, request, 0};
    uint32_t count = decision ? collect_offers(&to, decision, offers) : 0;
    if (count)
        put_bids(&to, offers, count, decision);
    else if (openrtb->no_bid == AM_NO_BID_NONE)
        openrtb->no_bid = AM_NO_BID_NO_AD;
    if (count == 0 && (openrtb->test || openrtb->explains))
        put_no_bid(&to, decision);
}
