/* SPDX-License-Identifier: Apache-2.0 */
/* One winner. */
#include "../page/page.h"
#include "parts.h"

struct placed {
    struct am_buffer *out;
    const struct am_preview *preview;
    const struct am_image *image;
    const struct am_match_winner *winner;
};

static struct am_api_page_value string_of(const struct placed *to, am_image_string_ref ref) {
    return AM_PAGE_TEXT(am_image_string(to->image, ref));
}

static const char *field_name(enum am_match_field_kind kind) {
    static const char *const names[] = {
        [AM_FIELD_QUERY] = "the query",      [AM_FIELD_KEYWORD] = "keywords",
        [AM_FIELD_TITLE] = "the title",      [AM_FIELD_TEXT] = "the text",
        [AM_FIELD_URL] = "the page address",
    };
    return names[kind];
}

static void put_reason_why(const struct placed *to) {
    const struct am_image_keyword *keyword = &to->image->keywords[to->winner->keyword];
    if (to->winner->field == AM_NONE) {
        AM_PAGE_PUT(to->out, "<p class=\"why\">Keyword <b>*</b>: reaches every request.</p>\n");
        return;
    }
    const struct am_match_field *field = &to->preview->request->fields[to->winner->field];
    enum am_model_match_type type = (enum am_model_match_type)keyword->match;
    AM_PAGE_PUT(to->out,
                "<p class=\"why\"><span class=\"type\">{}</span> keyword <b><bdi>{}</bdi></b> in "
                "{}</p>\n",
                AM_PAGE_NAME(am_model_match_type_name(type)), string_of(to, keyword->text),
                AM_PAGE_NAME(field_name(field->kind)));
    am_preview_excerpt(to->out, am_api_texts_given(to->preview->reader, field), to->winner);
}

static void put_price(const struct placed *to) {
    const struct am_image_keyword *keyword = &to->image->keywords[to->winner->keyword];
    struct am_api_page_value currency = string_of(to, to->image->settings->currency);
    if (to->image->ads[to->winner->ad].flags & AM_AD_CPC)
        AM_PAGE_PUT(to->out, "<p class=\"price\"><b>{} {}</b> a click, eCPM {} {}</p>\n",
                    AM_PAGE_MICROS(keyword->bid), currency, AM_PAGE_MICROS(keyword->ecpm),
                    currency);
    else
        AM_PAGE_PUT(to->out, "<p class=\"price\"><b>{} {}</b> a thousand views</p>\n",
                    AM_PAGE_MICROS(keyword->bid), currency);
}

static void put_owner(const struct placed *to) {
    const struct am_image_ad *ad = &to->image->ads[to->winner->ad];
    AM_PAGE_PUT(to->out, "<p class=\"owner\"><bdi>{}</bdi>",
                string_of(to, to->image->terms[ad->advertiser].text));
    if (ad->campaign != AM_NONE)
        AM_PAGE_PUT(to->out, " · campaign <code><bdi>{}</bdi></code>",
                    string_of(to, to->image->campaigns[ad->campaign].id));
    AM_PAGE_PUT(to->out, "</p>\n");
}

void am_preview_ad(struct am_buffer *out,
                   const struct am_preview *preview,
                   const struct am_match_winner *placed,
                   bool shows_creative) {
    const struct placed to = {out, preview, preview->image, placed};
    const struct am_image_ad_details *details = &to.image->details[placed->ad];
    struct am_view url = am_image_string(to.image, details->url);
    AM_PAGE_PUT(out,
                "<li class=\"ad\"><div class=\"head\"><h3>ad <code><bdi>{}</bdi></code></h3>\n",
                string_of(&to, details->id));
    put_price(&to);
    AM_PAGE_PUT(out, "</div>\n");
    put_owner(&to);
    put_reason_why(&to);
    if (url.size) {
        AM_PAGE_PUT(out, "<p class=\"address\">leads to ");
        am_preview_address(out, url);
        AM_PAGE_PUT(out, "</p>\n");
    }
    if (shows_creative)
        am_preview_creative(out, preview, placed->ad);
    else
        AM_PAGE_PUT(out, "<p class=\"empty\">Creatives above are all that this page has room "
                         "for.</p>\n");
    AM_PAGE_PUT(out, "</li>\n");
}
