/* SPDX-License-Identifier: Apache-2.0 */
/* Bid responses: a decision as OpenRTB says it. */
#include "openrtb.h"

struct bidder {
    struct am_buffer *out;
    const struct am_openrtb *openrtb;
    const struct am_image *image;
    const struct am_match_request *request;
    uint32_t bids; /* written so far */
};

/* A winner that may be offered. */
struct offer {
    const struct am_match_winner *placed;
    const struct am_match_slot *slot;
    bool written;
};

static struct am_view text_of(const struct bidder *to, am_image_string_ref ref) {
    return am_image_string(to->image, ref);
}

static struct am_view advertiser_of(const struct am_image *image,
                                    const struct am_match_winner *placed) {
    return am_image_string(image, image->terms[image->ads[placed->ad].advertiser].text);
}

/* ---- which winners may be offered ----------------------------------------------------------- */

static bool contains(struct am_view text, struct am_view part) {
    return text.size && memmem(text.data, text.size, part.data, part.size);
}

/* Whether the creative loads something without encryption, as far as its text tells. In JSON, a
 * slash may be escaped. */
static bool is_insecure(const struct bidder *to, const struct am_match_winner *placed) {
    struct am_view creative = text_of(to, to->image->details[placed->ad].creative);
    return contains(creative, AM_VIEW("http://")) || contains(creative, AM_VIEW("http:\\/\\/"));
}

static uint32_t collect_offers(const struct bidder *to,
                               const struct am_match_decision *decision,
                               struct offer *offers) {
    const struct am_match_winner *placed = decision->ads;
    uint32_t count = 0;
    for (uint32_t i = 0; i < to->request->slot_count; i++) {
        if (decision->slot_filled[i] == 0)
            continue;
        if (!(to->openrtb->secure[i] && is_insecure(to, placed)))
            offers[count++] = (struct offer){placed, &to->request->slots[i], false};
        placed += decision->slot_filled[i];
    }
    return count;
}

/* ---- one bid -------------------------------------------------------------------------------- */

static void put_string(const struct bidder *to, const char *name, struct am_view text) {
    am_buffer_view_append(to->out, am_view_of(name));
    am_buffer_json_string(to->out, text);
}

/* What the inventory's creative says in the words of OpenRTB is handed on as it stands. */
static bool
put_creative_member(const struct bidder *to, const struct am_json *creative, const char *name) {
    const struct am_json_node *value = am_json_member(creative, creative->nodes, name);
    if (!value || value->type != AM_JSON_STRING)
        return false;
    am_buffer_literal(to->out, ",\"");
    am_buffer_view_append(to->out, am_view_of(name));
    am_buffer_literal(to->out, "\":");
    am_buffer_view_append(to->out, am_json_raw(creative, value));
    return true;
}

/* Markup is the creative's member "adm", or else the whole creative as a string of JSON. */
static void put_creative(const struct bidder *to, const struct am_match_winner *placed) {
    static const char *const names[] = {"nurl", "burl", "lurl", "iurl"};
    struct am_view text = text_of(to, to->image->details[placed->ad].creative);
    struct am_json creative;
    if (text.size == 0)
        return;
    bool read = am_api_creative_read(to->openrtb->creatives, text, &creative);
    if (!read || !put_creative_member(to, &creative, "adm"))
        put_string(to, ",\"adm\":", text);
    for (size_t i = 0; read && i < AM_COUNT_OF(names); i++)
        put_creative_member(to, &creative, names[i]);
}

static void put_categories(const struct bidder *to, const struct am_match_winner *placed) {
    struct am_image_list set =
        am_image_list_at(to->image, to->image->details[placed->ad].categories);
    if (set.count == 0)
        return;
    am_buffer_literal(to->out, ",\"cat\":");
    for (uint32_t i = 0; i < set.count; i++)
        put_string(to, i ? "," : "[", text_of(to, to->image->terms[set.items[i]].text));
    am_buffer_literal(to->out, "]");
}

/* The first size of the impression that is the ad's too; an ad without sizes takes the first. */
static void put_size(const struct bidder *to, const struct offer *offer) {
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

static void put_bid(struct bidder *to, const struct offer *offer) {
    const struct am_image *image = to->image;
    const struct am_match_winner *placed = offer->placed;
    const struct am_image_ad *ad = &image->ads[placed->ad];
    struct am_view id = text_of(to, image->details[placed->ad].id);
    am_buffer_literal(to->out, "{\"id\":\"");
    am_buffer_unsigned(to->out, ++to->bids);
    put_string(to, "\",\"impid\":", offer->slot->id);
    am_buffer_literal(to->out, ",\"price\":");
    am_buffer_decimal(to->out, (int64_t)image->keywords[placed->keyword].ecpm, 6);
    put_string(to, ",\"adid\":", id);
    put_creative(to, placed);
    if (ad->domain != AM_NONE) {
        put_string(to, ",\"adomain\":[", text_of(to, image->terms[ad->domain].text));
        am_buffer_literal(to->out, "]");
    }
    if (ad->campaign != AM_NONE)
        put_string(to, ",\"cid\":", text_of(to, image->campaigns[ad->campaign].id));
    put_string(to, ",\"crid\":", id);
    put_categories(to, placed);
    put_size(to, offer);
    am_buffer_literal(to->out, ",\"mtype\":1}");
}

/* ---- the response --------------------------------------------------------------------------- */

/* All bids of the first offer's advertiser, which has its own seat. */
static void put_seat(struct bidder *to, struct offer *offers, uint32_t count) {
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

static void put_extension(const struct bidder *to, bool truncated) {
    if (truncated)
        am_buffer_literal(to->out, ",\"ext\":{\"admatch\":{\"truncated\":true}}");
}

static void put_bids(struct bidder *to, struct offer *offers, uint32_t count, bool truncated) {
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
    put_extension(to, truncated);
    am_buffer_literal(to->out, "}");
}

const char *am_openrtb_no_bid_number(enum am_openrtb_no_bid reason) {
#define NUMBER(ID, number) [AM_NO_BID_##ID] = #number,
    static const char *const numbers[AM_NO_BID_REASONS] = {AM_OPENRTB_NO_BID_TABLE(NUMBER)};
#undef NUMBER
    return numbers[reason];
}

static void put_no_bid(const struct bidder *to, bool truncated) {
    put_string(to, "{\"id\":", to->request->id);
    am_buffer_literal(to->out, ",\"seatbid\":[],\"nbr\":");
    am_buffer_view_append(to->out, am_view_of(am_openrtb_no_bid_number(to->openrtb->no_bid)));
    put_extension(to, truncated);
    am_buffer_literal(to->out, "}");
}

void am_openrtb_render(struct am_buffer *out,
                       struct am_openrtb *openrtb,
                       const struct am_match_request *request,
                       const struct am_match_decision *decision) {
    struct offer offers[AM_MAX_SLOTS];
    struct bidder to = {out, openrtb, openrtb->image, request, 0};
    uint32_t count = decision ? collect_offers(&to, decision, offers) : 0;
    if (count)
        put_bids(&to, offers, count, decision->truncated);
    else if (openrtb->no_bid == AM_NO_BID_NONE)
        openrtb->no_bid = AM_NO_BID_NO_AD;
    if (count == 0 && openrtb->test)
        put_no_bid(&to, decision && decision->truncated);
}
