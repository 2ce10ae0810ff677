/* SPDX-License-Identifier: Apache-2.0 */
/* VAST documents of creatives that only have files. */
#include "bidder.h"

/* ---- text that is XML, in a string of JSON ----------------------------------------------------
 */

static void put_character(struct am_buffer *out, char c) {
    switch (c) {
    case '&':
        am_buffer_literal(out, "&amp;");
        break;
    case '<':
        am_buffer_literal(out, "&lt;");
        break;
    case '>':
        am_buffer_literal(out, "&gt;");
        break;
    case '\'':
        am_buffer_literal(out, "&apos;");
        break;
    case '"':
        am_buffer_literal(out, "&quot;");
        break;
    case '\\':
        am_buffer_literal(out, "\\\\");
        break;
    default:
        am_buffer_append(out, (unsigned char)c < 0x20 ? " " : &c, 1);
    }
}

static void put_text(struct am_buffer *out, struct am_view text) {
    for (size_t i = 0; i < text.size; i++)
        put_character(out, text.data[i]);
}

/* A string member of an object of the creative; empty without one. */
static struct am_view text_member(const struct am_openrtb_bidder *to,
                                  const struct am_json *creative,
                                  const struct am_json_node *object,
                                  const char *name) {
    const struct am_json_node *value = am_json_member(creative, object, name);
    if (!value || value->type != AM_JSON_STRING)
        return (struct am_view){"", 0};
    return am_json_string(creative, value, to->openrtb->creatives->text, NULL);
}

static int64_t
whole_member(const struct am_json *creative, const struct am_json_node *object, const char *name) {
    const struct am_json_node *value = am_json_member(creative, object, name);
    int64_t whole;
    bool read = value && value->type == AM_JSON_NUMBER &&
                am_decimal_parse(am_json_raw(creative, value), 0, &whole, NULL) == AM_OK;
    return read && whole > 0 && whole < INT32_MAX ? whole : 0;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void put_two_digits(struct am_buffer *out, int64_t number) {
    const char digits[2] = {(char)('0' + number / 10 % 10), (char)('0' + number % 10)};
    am_buffer_append(out, digits, sizeof digits);
}

/* "00:01:30" */
static void put_time(struct am_buffer *out, int64_t seconds) {
    put_two_digits(out, seconds / 3600);
    am_buffer_literal(out, ":");
    put_two_digits(out, seconds / 60 % 60);
    am_buffer_literal(out, ":");
    put_two_digits(out, seconds % 60);
}

static void put_side(struct am_buffer *out, const char *name, int64_t side) {
    am_buffer_literal(out, " ");
    am_buffer_view_append(out, am_view_of(name));
    am_buffer_literal(out, "='");
    am_buffer_unsigned(out, (uint64_t)side);
    am_buffer_literal(out, "'");
}

/* Only files of types that the impression takes. */
static void put_file(const struct am_openrtb_bidder *to,
                     const struct am_openrtb_offer *offer,
                     const struct am_json *creative,
                     const struct am_json_node *file) {
    const uint32_t asked = offer->slot->creatives.media[AM_CREATIVE_VIDEO].mimes;
    struct am_view type = text_member(to, creative, file, "mime");
    if (type.size == 0 || (asked && !(am_model_mime_bit(type) & asked)))
        return;
    am_buffer_literal(to->out, "<MediaFile delivery='progressive' type='");
    put_text(to->out, type);
    am_buffer_literal(to->out, "'");
    put_side(to->out, "width", whole_member(creative, file, "w"));
    put_side(to->out, "height", whole_member(creative, file, "h"));
    am_buffer_literal(to->out, ">");
    put_text(to->out, text_member(to, creative, file, "url"));
    am_buffer_literal(to->out, "</MediaFile>");
}

static void put_files(const struct am_openrtb_bidder *to,
                      const struct am_openrtb_offer *offer,
                      const struct am_json *creative) {
    const struct am_json_node *media = am_json_member(creative, creative->nodes, "media");
    if (!media || media->type != AM_JSON_ARRAY)
        return;
    const struct am_json_node *file = am_json_first(media);
    am_buffer_literal(to->out, "<MediaFiles>");
    for (uint32_t i = 0; i < media->children; i++, file = am_json_after(creative, file))
        put_file(to, offer, creative, file);
    am_buffer_literal(to->out, "</MediaFiles>");
}

static void put_linear(const struct am_openrtb_bidder *to,
                       const struct am_openrtb_offer *offer,
                       const struct am_json *creative) {
    struct am_view url = am_image_string(to->image, to->image->details[offer->placed->ad].url);
    int64_t skip = whole_member(creative, creative->nodes, "skip");
    am_buffer_literal(to->out, "<Linear");
    if (skip) {
        am_buffer_literal(to->out, " skipoffset='");
        put_time(to->out, skip);
        am_buffer_literal(to->out, "'");
    }
    am_buffer_literal(to->out, "><Duration>");
    put_time(to->out, whole_member(creative, creative->nodes, "duration"));
    am_buffer_literal(to->out, "</Duration>");
    put_files(to, offer, creative);
    if (url.size) {
        am_buffer_literal(to->out, "<VideoClicks><ClickThrough>");
        put_text(to->out, url);
        am_buffer_literal(to->out, "</ClickThrough></VideoClicks>");
    }
    am_buffer_literal(to->out, "</Linear>");
}

unsigned am_openrtb_put_vast(const struct am_openrtb_bidder *to,
                             const struct am_openrtb_offer *offer,
                             const struct am_json *creative) {
    enum { SERVING_ID_FROM = 11 /* VAST 4.1 */ };
    const uint8_t newest = to->openrtb->vasts[offer->slot - to->request->slots];
    const unsigned index = newest ? newest - 1u : AM_OPENRTB_VAST_USUAL;
    struct am_view id = am_image_string(to->image, to->image->details[offer->placed->ad].id);
    struct am_view title = text_member(to, creative, creative->nodes, "title");
    am_poison_clear(to->openrtb->creatives->text, AM_CREATIVE_MAX_BYTES);
    am_buffer_literal(to->out, "\"<VAST version='");
    am_buffer_view_append(to->out, am_view_of(am_openrtb_vasts[index].version));
    am_buffer_literal(to->out, "'><Ad id='");
    put_text(to->out, id);
    am_buffer_literal(to->out, "'><InLine><AdSystem>admatch</AdSystem>");
    if (am_openrtb_vasts[index].protocol >= SERVING_ID_FROM) {
        am_buffer_literal(to->out, "<AdServingId>");
        am_openrtb_put_auction(to);
        am_buffer_literal(to->out, "</AdServingId>");
    }
    am_buffer_literal(to->out, "<AdTitle>");
    put_text(to->out, title.size ? title : id);
    am_buffer_literal(to->out, "</AdTitle><Impression/><Creatives><Creative id='");
    put_text(to->out, id);
    am_buffer_literal(to->out, "'><UniversalAdId idRegistry='unknown' idValue='unknown'>unknown"
                               "</UniversalAdId>");
    put_linear(to, offer, creative);
    am_buffer_literal(to->out, "</Creative></Creatives></InLine></Ad></VAST>\"");
    return index;
}
