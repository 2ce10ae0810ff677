/* SPDX-License-Identifier: Apache-2.0 */
#include "placements.h"

#include "request.h"

struct am_view am_api_pace_name(enum am_match_pace pace) {
    return pace == AM_MATCH_PACE_NONE   ? AM_VIEW("")
           : pace == AM_MATCH_PACE_LINE ? AM_VIEW("line")
                                        : AM_VIEW("lead");
}

void am_api_placements_begin(struct am_api_placements *placements,
                             const struct am_image *image,
                             const struct am_match_request *request,
                             int64_t now) {
    placements->image = image;
    placements->request = request;
    placements->count = 0;
    placements->now = now;
    AM_POISON_ITEMS(placements->ads, 0, AM_MAX_ADS_PER_REQUEST);
    if (!request->delivery)
        am_event_decide(placements->worker, now);
}

/* ---- landing pages ----------------------------------------------------------------------------
 */

static const struct am_image_ad_details *details_of(const struct am_api_placements *placements) {
    return &placements->image->details[placements->placed->ad];
}

static struct am_view campaign_of(const struct am_api_placements *placements) {
    uint32_t campaign = placements->image->ads[placements->placed->ad].campaign;
    return campaign == AM_NONE
               ? AM_VIEW("")
               : am_image_string(placements->image, placements->image->campaigns[campaign].id);
}

/* The context's first value. */
static struct am_view placement_of(const struct am_match_request *request) {
    for (uint32_t i = 0; i < request->attribute_count; i++)
        if (request->attributes[i].attribute == AM_ATTRIBUTE_PLACEMENT)
            return request->attributes[i].value;
    return AM_VIEW("");
}

static struct am_view value_of(const struct am_api_placements *placements,
                               enum am_model_macro macro) {
    const struct am_image *image = placements->image;
    const struct am_image_keyword *keyword = &image->keywords[placements->placed->keyword];
    switch (macro) {
    case AM_MACRO_KEYWORD:
        return am_image_string(image, keyword->text);
    case AM_MACRO_MATCH_TYPE:
        return am_view_of(am_model_match_type_name((enum am_model_match_type)keyword->match));
    case AM_MACRO_AD:
        return am_image_string(image, details_of(placements)->id);
    case AM_MACRO_CAMPAIGN:
        return campaign_of(placements);
    case AM_MACRO_PLACEMENT:
        return placement_of(placements->request);
    case AM_MACRO_ID:
        return (struct am_view){placements->id, placements->id_size};
    default:
        return AM_VIEW("");
    }
}

/* No control byte, white space or DEL ever reaches a header. Other bytes are the owner's matter. */
static bool can_be_redirected_to(struct am_view url) {
    for (size_t i = 0; i < url.size; i++)
        if ((unsigned char)url.data[i] <= ' ' || url.data[i] == 0x7F)
            return false;
    return url.size > 0;
}

/* `{click_id}` stays: a counted click replaces it. */
static void fill_url(struct am_api_placements *placements) {
    struct am_view url = am_image_string(placements->image, details_of(placements)->url);
    struct am_image_list macros =
        am_image_list_at(placements->image, details_of(placements)->macros);
    struct am_buffer filled = am_buffer_over(placements->url_memory, AM_PLACEMENT_URL_BYTES);
    size_t done = 0;
    placements->url = url;
    am_poison_clear(placements->url_memory, AM_PLACEMENT_MEMORY);
    for (uint32_t i = 0; i < macros.count && !am_image_macro_is_in_creative(macros.items[i]); i++) {
        enum am_model_macro macro = am_image_macro(macros.items[i]);
        size_t at = am_image_macro_at(macros.items[i]);
        if (macro == AM_MACRO_CLICK_ID)
            continue;
        am_buffer_append(&filled, url.data + done, at - done);
        am_buffer_percent(&filled, value_of(placements, macro));
        done = at + am_model_macro_text(macro).size;
    }
    if (done) {
        am_buffer_append(&filled, url.data + done, url.size - done);
        placements->url = am_buffer_view(&filled);
    }
    placements->has_click = !filled.overflowed && can_be_redirected_to(placements->url);
}

/* ---- placements -------------------------------------------------------------------------------
 */

static struct am_event_ad_names names_of(const struct am_api_placements *placements) {
    const struct am_image *image = placements->image;
    const struct am_image_keyword *keyword = &image->keywords[placements->placed->keyword];
    return (struct am_event_ad_names){
        .ad = am_image_string(image, details_of(placements)->id),
        .campaign = campaign_of(placements),
        .advertiser = am_image_string(
            image, image->terms[image->ads[placements->placed->ad].advertiser].text),
        .keyword = am_image_string(image, keyword->text),
        .match = (enum am_model_match_type)keyword->match,
    };
}

static struct am_view field_of(const struct am_api_placements *placements) {
    return placements->placed->field == AM_NONE
               ? AM_VIEW("")
               : am_api_request_field_name(
                     placements->request->fields[placements->placed->field].kind);
}

static struct am_event_decided_ad
decided(const struct am_api_placements *placements, struct am_view slot, uint32_t position) {
    const struct am_image *image = placements->image;
    bool cpc = image->ads[placements->placed->ad].flags & AM_AD_CPC;
    int64_t bid = (int64_t)image->keywords[placements->placed->keyword].bid;
    struct am_event_ad_names names = names_of(placements);
    return (struct am_event_decided_ad){
        .sequence = placements->request->delivery
                        ? placements->placed->sequence
                        : am_event_sequence(placements->worker, placements->now),
        .pace = am_api_pace_name(placements->placed->pace),
        .ad = am_image_key_of_ad(image, placements->placed->ad),
        .keyword = am_event_keyword_hash(names.match, names.keyword),
        .names = names,
        .slot = slot,
        .field = field_of(placements),
        .price = am_pace_price(cpc, bid),
        .pricing = cpc ? AM_PRICING_CPC : AM_PRICING_CPM,
        .position = (uint8_t)position,
    };
}

static void sign(struct am_api_placements *placements, const struct am_event_decided_ad *ad) {
    struct am_token_body body;
    struct am_token token = {
        .time = (uint32_t)placements->now,
        .sequence = ad->sequence,
        .ad = ad->ad,
        .price = (uint64_t)ad->price,
        .keyword = ad->keyword,
        .pricing = ad->pricing,
        .position = ad->position,
    };
    am_event_seal(placements->worker, &token, &body);
    am_event_sign(placements->worker, AM_TOKEN_SHOWN, &body, AM_VIEW(""), placements->shown);
    if (placements->has_click)
        am_event_sign(placements->worker, AM_TOKEN_CLICK, &body, placements->url,
                      placements->click);
}

void am_api_placements_next(struct am_api_placements *placements,
                            const struct am_match_winner *placed,
                            struct am_view slot,
                            uint32_t position) {
    placements->placed = placed;
    AM_UNPOISON_ITEMS(placements->ads, placements->count, 1);
    struct am_event_decided_ad *ad = &placements->ads[placements->count++];
    *ad = decided(placements, slot, position);
    am_event_prefetch(placements->worker, placements->now, ad->ad, ad->keyword);
    placements->id_size = am_event_id(placements->worker, ad->sequence, placements->id);
    if (!placements->counting->public_url.size)
        return;
    fill_url(placements);
    sign(placements, ad);
}

/* ---- rendering --------------------------------------------------------------------------------
 */

/* It is the only macro that a filled landing page can have. */
void am_api_placements_fill_click_id(struct am_buffer *out,
                                     struct am_view url,
                                     struct am_view click_id) {
    size_t at = 0, done = 0;
    while (am_model_macro_find(url, false, &at) != AM_MACROS) {
        am_buffer_append(out, url.data + done, at - done);
        am_buffer_view_append(out, click_id);
        done = at += am_model_macro_text(AM_MACRO_CLICK_ID).size;
    }
    am_buffer_append(out, url.data + done, url.size - done);
}

/* Behind the filled landing page. */
static struct am_buffer scratch_of(const struct am_api_placements *placements) {
    return am_buffer_over(placements->url_memory + AM_PLACEMENT_URL_BYTES,
                          AM_PLACEMENT_MEMORY - AM_PLACEMENT_URL_BYTES);
}

void am_api_placements_put_url(const struct am_api_placements *placements, struct am_buffer *out) {
    struct am_buffer plain = scratch_of(placements);
    size_t at = 0;
    if (am_model_macro_find(placements->url, false, &at) == AM_MACROS) {
        am_buffer_json_string(out, placements->url);
        return;
    }
    am_api_placements_fill_click_id(&plain, placements->url, AM_VIEW(""));
    am_buffer_json_string(out, am_buffer_view(&plain));
}

/* PUBLIC/v1/KIND/TOKEN, of characters that neither JSON nor HTML gives a meaning. */
static void put_address(const struct am_api_placements *placements,
                        struct am_buffer *out,
                        struct am_view path,
                        const char token[AM_TOKEN_TEXT_SIZE]) {
    am_buffer_view_append(out, placements->counting->public_url);
    am_buffer_view_append(out, path);
    am_buffer_append(out, token, AM_TOKEN_TEXT_SIZE);
}

static void put_click(const struct am_api_placements *placements, struct am_buffer *out) {
    if (!placements->has_click)
        return;
    put_address(placements, out, AM_VIEW("/v1/click/"), placements->click);
    am_buffer_literal(out, "?u=");
    am_buffer_percent(out, placements->url);
}

/* As a value in another URL. */
static void put_encoded_click(const struct am_api_placements *placements, struct am_buffer *out) {
    struct am_buffer click = scratch_of(placements);
    put_click(placements, &click);
    am_buffer_percent(out, am_buffer_view(&click));
}

static void put_macro(const struct am_api_placements *placements,
                      struct am_buffer *out,
                      enum am_model_macro macro) {
    switch (macro) {
    case AM_MACRO_CLICK_URL:
        put_click(placements, out);
        break;
    case AM_MACRO_CLICK_URL_ENC:
        put_encoded_click(placements, out);
        break;
    case AM_MACRO_IMPRESSION_URL:
        put_address(placements, out, AM_VIEW("/v1/impression/"), placements->shown);
        break;
    case AM_MACRO_VIEW_URL:
        put_address(placements, out, AM_VIEW("/v1/view/"), placements->shown);
        break;
    default: /* AM_MACRO_CACHEBUSTER */
        am_buffer_unsigned(out, placements->ads[placements->count - 1].sequence);
    }
}

void am_api_placements_put_creative(const struct am_api_placements *placements,
                                    struct am_buffer *out) {
    struct am_view creative = am_image_string(placements->image, details_of(placements)->creative);
    struct am_image_list macros =
        am_image_list_at(placements->image, details_of(placements)->macros);
    size_t done = 0;
    for (uint32_t i = 0; i < macros.count; i++) {
        size_t at = am_image_macro_at(macros.items[i]);
        if (!am_image_macro_is_in_creative(macros.items[i]))
            continue;
        am_buffer_append(out, creative.data + done, at - done);
        put_macro(placements, out, am_image_macro(macros.items[i]));
        done = at + am_model_macro_text(am_image_macro(macros.items[i])).size;
    }
    am_buffer_append(out, creative.data + done, creative.size - done);
}

void am_api_placements_put_urls(const struct am_api_placements *placements, struct am_buffer *out) {
    am_buffer_literal(out, ",\"urls\":{\"impression\":\"");
    put_address(placements, out, AM_VIEW("/v1/impression/"), placements->shown);
    if (placements->has_click) {
        am_buffer_literal(out, "\",\"click\":\"");
        put_click(placements, out);
    }
    am_buffer_literal(out, "\",\"view\":\"");
    put_address(placements, out, AM_VIEW("/v1/view/"), placements->shown);
    am_buffer_literal(out, "\"}");
}

/* ---- the log ----------------------------------------------------------------------------------
 */

/* The query's words as keywords are compared with them, one space between two. Landing pages have
 * been rendered by now, so that their memory is free. */
static struct am_view normalised(const struct am_api_placements *placements, struct am_view query) {
    const struct am_image *image = placements->image;
    struct am_text_word_rules rules = am_text_word_rules_of(
        am_image_string(image, image->settings->language), image->settings->fold_accents);
    struct am_text_splitter splitter;
    struct am_text_word words[AM_WORDS_LEAST];
    struct am_buffer text = am_buffer_over(placements->url_memory, AM_PLACEMENT_URL_BYTES);
    am_poison_clear(placements->url_memory, AM_PLACEMENT_URL_BYTES);
    am_poison_clear(placements->splitter.memory, placements->splitter.size);
    if (query.size > AM_PLACEMENT_QUERY_BYTES)
        query.size = AM_PLACEMENT_QUERY_BYTES;
    am_text_splitter_start(&splitter, query, &rules, placements->splitter);
    for (size_t count; (count = am_text_splitter_next(&splitter, words, AM_COUNT_OF(words)));)
        for (size_t i = 0; i < count; i++) {
            if (text.size)
                am_buffer_literal(&text, " ");
            am_buffer_append(&text, am_text_word_text(&splitter, &words[i]), words[i].size);
        }
    return am_buffer_view(&text);
}

static struct am_view query_of(const struct am_api_placements *placements) {
    const struct am_match_request *request = placements->request;
    enum am_api_log_query wanted = placements->counting->log_query;
    for (uint32_t i = 0; i < request->field_count && wanted != AM_LOG_QUERY_NONE; i++)
        if (request->fields[i].kind == AM_FIELD_QUERY)
            return wanted == AM_LOG_QUERY_NORMALISED
                       ? normalised(placements, request->fields[i].text)
                       : request->fields[i].text;
    return AM_VIEW("");
}

void am_api_placements_log(struct am_api_placements *placements,
                           const struct am_match_decision *decision) {
    const struct am_match_request *request = placements->request;
    struct am_event_decided_slot slots[AM_MAX_SLOTS];
    for (uint32_t i = 0; i < request->slot_count; i++)
        slots[i] = (struct am_event_decided_slot){request->slots[i].id, request->slots[i].count,
                                                  decision->slot_filled[i]};
    const struct am_event_decision line = {
        .request = request->id,
        .query = query_of(placements),
        .slots = slots,
        .ads = placements->ads,
        .slot_count = request->slot_count,
        .ad_count = placements->count,
        .generation = placements->image->header->checksum,
    };
    am_event_log_decision(placements->worker, &line);
}
