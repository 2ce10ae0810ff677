/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "request.h"

struct renderer {
    struct am_buffer *out;
    const struct am_image *image;
    const struct am_match_request *request;
    struct am_api_placements *placements; /* NULL: nothing is counted */
    bool prices;
};

static struct am_view text_of(const struct renderer *to, am_image_string_ref ref) {
    return am_image_string(to->image, ref);
}

static void put_span(struct am_buffer *out, const struct am_match_span *span) {
    am_buffer_literal(out, "{\"bytes\":[");
    am_buffer_unsigned(out, span->begin);
    am_buffer_literal(out, ",");
    am_buffer_unsigned(out, span->end);
    am_buffer_literal(out, "],\"utf16\":[");
    am_buffer_unsigned(out, span->utf16_begin);
    am_buffer_literal(out, ",");
    am_buffer_unsigned(out, span->utf16_end);
    am_buffer_literal(out, "]}");
}

static void put_place(const struct renderer *to, const struct am_match_winner *placed) {
    const struct am_match_field *field = &to->request->fields[placed->field];
    am_buffer_literal(to->out, ",\"field\":\"");
    am_buffer_view_append(to->out, am_api_request_field_name(field->kind));
    am_buffer_literal(to->out, "\"");
    if (field->kind == AM_FIELD_KEYWORD) {
        am_buffer_literal(to->out, ",\"index\":");
        am_buffer_unsigned(to->out, field->index);
    }
    am_buffer_literal(to->out, ",\"spans\":[");
    for (uint32_t i = 0; i < placed->span_count; i++) {
        if (i > 0)
            am_buffer_literal(to->out, ",");
        put_span(to->out, &placed->spans[i]);
    }
    am_buffer_literal(to->out, "]");
}

static void put_match(const struct renderer *to, const struct am_match_winner *placed) {
    const struct am_image_keyword *keyword = &to->image->keywords[placed->keyword];
    am_buffer_literal(to->out, ",\"match\":{\"keyword\":");
    am_buffer_json_string(to->out, text_of(to, keyword->text));
    am_buffer_literal(to->out, ",\"type\":\"");
    am_buffer_view_append(
        to->out, am_view_of(am_model_match_type_name((enum am_model_match_type)keyword->match)));
    am_buffer_literal(to->out, "\"");
    if (placed->field != AM_NONE)
        put_place(to, placed);
    am_buffer_literal(to->out, "}");
}

static void put_campaign(const struct renderer *to, const struct am_image_ad *ad) {
    if (ad->campaign == AM_NONE)
        return;
    am_buffer_literal(to->out, ",\"campaign\":");
    am_buffer_json_string(to->out, text_of(to, to->image->campaigns[ad->campaign].id));
}

/* "ad" and "campaign", which answers and explanations begin with alike. */
static void put_names(const struct renderer *to, uint32_t ad) {
    am_buffer_literal(to->out, "{\"ad\":");
    am_buffer_json_string(to->out, text_of(to, to->image->details[ad].id));
    put_campaign(to, &to->image->ads[ad]);
}

static void put_price(const struct renderer *to, const struct am_match_winner *placed) {
    const struct am_image_keyword *keyword = &to->image->keywords[placed->keyword];
    am_buffer_literal(to->out, ",\"price\":");
    am_buffer_decimal(to->out, (int64_t)keyword->bid, 6);
    if (to->image->ads[placed->ad].flags & AM_AD_CPC)
        am_buffer_literal(to->out, ",\"pricing\":\"cpc\",\"ecpm\":");
    else
        am_buffer_literal(to->out, ",\"pricing\":\"cpm\",\"ecpm\":");
    am_buffer_decimal(to->out, (int64_t)keyword->ecpm, 6);
}

static void put_ad(const struct renderer *to, const struct am_match_winner *placed) {
    const struct am_image *image = to->image;
    struct am_view url = text_of(to, image->details[placed->ad].url);
    struct am_view creative = text_of(to, image->details[placed->ad].creative);
    bool linked = to->placements && to->placements->counting->public_url.size;
    put_names(to, placed->ad);
    am_buffer_literal(to->out, ",\"advertiser\":");
    am_buffer_json_string(to->out,
                          text_of(to, image->terms[image->ads[placed->ad].advertiser].text));
    if (to->prices)
        put_price(to, placed);
    put_match(to, placed);
    if (url.size) {
        am_buffer_literal(to->out, ",\"url\":");
        if (linked)
            am_api_placements_put_url(to->placements, to->out);
        else
            am_buffer_json_string(to->out, url);
    }
    if (creative.size) {
        am_buffer_literal(to->out, ",\"creative\":");
        if (linked)
            am_api_placements_put_creative(to->placements, to->out);
        else
            am_buffer_view_append(to->out, creative);
    }
    if (placed->pace != AM_MATCH_PACE_NONE) {
        am_buffer_literal(to->out, ",\"pace\":\"");
        am_buffer_view_append(to->out, am_api_pace_name(placed->pace));
        am_buffer_literal(to->out, "\"");
    }
    if (linked)
        am_api_placements_put_urls(to->placements, to->out);
    am_buffer_literal(to->out, "}");
}

/* The texts of an ad are scattered over the image. They are prefetched for all ads at once; read
 * one after the other, each would cost a cache miss. */
static void fetch_texts(const struct renderer *to, const struct am_match_decision *decision) {
    const struct am_image *image = to->image;
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        const struct am_image_ad *ad = &image->ads[decision->ads[i].ad];
        const struct am_image_ad_details *details = &image->details[decision->ads[i].ad];
        am_image_prefetch_string(image, details->id);
        if (to->placements)
            __builtin_prefetch(&image->keys[decision->ads[i].ad]);
        am_image_prefetch_string(image, details->url);
        am_image_prefetch_string(image, details->creative);
        am_image_prefetch_string(image, image->keywords[decision->ads[i].keyword].text);
        __builtin_prefetch(&image->terms[ad->advertiser]);
        if (ad->campaign != AM_NONE)
            __builtin_prefetch(&image->campaigns[ad->campaign]);
    }
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        const struct am_image_ad *ad = &image->ads[decision->ads[i].ad];
        am_image_prefetch_string(image, image->terms[ad->advertiser].text);
        if (ad->campaign != AM_NONE)
            am_image_prefetch_string(image, image->campaigns[ad->campaign].id);
    }
}

static void put_corrections(const struct renderer *to, const struct am_match_decision *decision) {
    if (decision->correction_count == 0)
        return;
    am_buffer_literal(to->out, ",\"corrected\":[");
    for (uint32_t i = 0; i < decision->correction_count; i++) {
        if (i > 0)
            am_buffer_literal(to->out, ",");
        am_buffer_literal(to->out, "{\"from\":");
        am_buffer_json_string(to->out, decision->corrections[i].from);
        am_buffer_literal(to->out, ",\"to\":");
        am_buffer_json_string(to->out, decision->corrections[i].to);
        am_buffer_literal(to->out, "}");
    }
    am_buffer_literal(to->out, "]");
}

static void put_slots(const struct renderer *to, const struct am_match_decision *decision) {
    const struct am_match_winner *placed = decision->ads;
    am_buffer_literal(to->out, ",\"slots\":[");
    for (uint32_t slot = 0; slot < to->request->slot_count; slot++) {
        if (slot > 0)
            am_buffer_literal(to->out, ",");
        am_buffer_literal(to->out, "{\"id\":");
        am_buffer_json_string(to->out, to->request->slots[slot].id);
        am_buffer_literal(to->out, ",\"ads\":[");
        for (uint32_t i = 0; i < decision->slot_filled[slot]; i++) {
            if (i > 0)
                am_buffer_literal(to->out, ",");
            if (to->placements)
                am_api_placements_next(to->placements, placed, to->request->slots[slot].id, i);
            put_ad(to, placed++);
        }
        am_buffer_literal(to->out, "]}");
    }
    am_buffer_literal(to->out, "]");
}

static void put_rejected(const struct renderer *to, const struct am_match_rejected *rejected) {
    put_names(to, rejected->ad);
    am_buffer_literal(to->out, ",\"keyword\":");
    am_buffer_json_string(to->out, text_of(to, to->image->keywords[rejected->keyword].text));
    am_buffer_literal(to->out, ",\"reason\":\"");
    am_buffer_view_append(to->out, am_view_of(am_gate_name(rejected->gate)));
    am_buffer_literal(to->out, "\"");
    if (rejected->detail.size) {
        am_buffer_literal(to->out, ",\"detail\":");
        am_buffer_json_string(to->out, rejected->detail);
    }
    am_buffer_literal(to->out, "}");
}

/* What the request did not say itself. */
static void put_derived(const struct renderer *to) {
    const struct am_match_request *request = to->request;
    const uint32_t first = request->attribute_count - request->derived_count;
    am_buffer_literal(to->out, ",\"derived\":[");
    for (uint32_t i = first; i < request->attribute_count; i++) {
        if (i > first)
            am_buffer_literal(to->out, ",");
        am_buffer_literal(to->out, "{\"attribute\":");
        am_buffer_json_string(
            to->out, am_view_of(am_model_attribute_name(request->attributes[i].attribute)));
        am_buffer_literal(to->out, ",\"value\":");
        am_buffer_json_string(to->out, request->attributes[i].value);
        am_buffer_literal(to->out, "}");
    }
    am_buffer_literal(to->out, "]");
}

static void put_explain(const struct renderer *to, const struct am_match_decision *decision) {
    am_buffer_literal(to->out, "\"explain\":{\"candidates\":");
    am_buffer_unsigned(to->out, decision->candidates);
    am_buffer_literal(to->out, ",\"rejected_total\":");
    am_buffer_unsigned(to->out, decision->rejected_total);
    am_buffer_literal(to->out, ",\"rejected\":[");
    for (uint32_t i = 0; i < decision->rejected_count; i++) {
        if (i > 0)
            am_buffer_literal(to->out, ",");
        put_rejected(to, &decision->rejected[i]);
    }
    am_buffer_literal(to->out, "]");
    if (to->request->derived_count)
        put_derived(to);
    am_buffer_literal(to->out, "}");
}

void am_api_render_explain(struct am_buffer *out,
                           const struct am_image *image,
                           const struct am_match_request *request,
                           const struct am_match_decision *decision) {
    const struct renderer to = {.out = out, .image = image, .request = request};
    put_explain(&to, decision);
}

static void put_gate(const struct renderer *to, enum am_gate gate, const struct am_match_why *why) {
    const struct am_match_why_gate *answer = &why->gates[gate];
    am_buffer_literal(to->out, "{\"gate\":\"");
    am_buffer_view_append(to->out, am_view_of(am_gate_name(gate)));
    am_buffer_literal(to->out, "\",\"stops\":");
    am_buffer_view_append(to->out, answer->stops ? AM_VIEW("true") : AM_VIEW("false"));
    if (answer->detail.size) {
        am_buffer_literal(to->out, ",\"detail\":");
        am_buffer_json_string(to->out, answer->detail);
    }
    am_buffer_literal(to->out, "}");
}

static void put_nearest(const struct renderer *to, const struct am_match_why *why) {
    am_buffer_literal(to->out, ",\"missing\":[");
    for (uint32_t i = 0; i < why->missing_count; i++) {
        if (i > 0)
            am_buffer_literal(to->out, ",");
        am_buffer_json_string(to->out, why->missing[i]);
    }
    am_buffer_literal(to->out, "]");
}

static void put_why_keyword(const struct renderer *to, const struct am_match_why *why) {
    const struct am_image_keyword *keyword = &to->image->keywords[why->keyword];
    am_buffer_literal(to->out, ",\"keyword\":");
    am_buffer_json_string(to->out, text_of(to, keyword->text));
    am_buffer_literal(to->out, ",\"type\":\"");
    am_buffer_view_append(
        to->out, am_view_of(am_model_match_type_name((enum am_model_match_type)keyword->match)));
    am_buffer_literal(to->out, "\"");
    if (!why->reached)
        put_nearest(to, why);
}

static void put_boolean(const struct renderer *to, const char *name, bool value) {
    am_buffer_literal(to->out, ",\"");
    am_buffer_view_append(to->out, am_view_of(name));
    am_buffer_view_append(to->out, value ? AM_VIEW("\":true") : AM_VIEW("\":false"));
}

static void put_why(const struct renderer *to, const struct am_match_why *why) {
    am_buffer_literal(to->out, ",\"why\":");
    if (why->ad == AM_NONE) {
        am_buffer_literal(to->out, "{\"ad\":");
        am_buffer_json_string(to->out, to->request->why);
        am_buffer_literal(to->out, ",\"known\":false}");
        return;
    }
    put_names(to, why->ad);
    put_boolean(to, "known", true);
    put_boolean(to, "reached", why->reached);
    put_boolean(to, "placed", why->placed);
    if (why->keyword != AM_NONE)
        put_why_keyword(to, why);
    am_buffer_literal(to->out, ",\"gates\":[");
    for (int gate = 0; gate < AM_GATES; gate++) {
        if (gate > 0)
            am_buffer_literal(to->out, ",");
        put_gate(to, (enum am_gate)gate, why);
    }
    am_buffer_literal(to->out, "]}");
}

void am_api_render_decision(struct am_buffer *out,
                            const struct am_image *image,
                            const struct am_match_request *request,
                            const struct am_match_decision *decision,
                            struct am_api_placements *placements,
                            struct am_api_delivery *delivery,
                            bool prices) {
    const struct renderer to = {out, image, request, placements, prices};
    fetch_texts(&to, decision);
    am_buffer_literal(out, "{");
    if (request->id.data) {
        am_buffer_literal(out, "\"id\":");
        am_buffer_json_string(out, request->id);
        am_buffer_literal(out, ",");
    }
    am_buffer_literal(out, "\"generation\":\"");
    am_buffer_append(out, image->generation, AM_GENERATION_TEXT_SIZE - 1);
    am_buffer_literal(out, "\"");
    if (decision->truncated)
        am_buffer_literal(out, ",\"truncated\":true");
    put_corrections(&to, decision);
    put_slots(&to, decision);
    if (delivery)
        am_api_delivery_put_user(delivery, out);
    if (request->explain) {
        am_buffer_literal(out, ",");
        put_explain(&to, decision);
    }
    if (decision->why)
        put_why(&to, decision->why);
    am_buffer_literal(out, "}");
}

void am_api_render_error(struct am_buffer *out,
                         unsigned status,
                         struct am_view reason,
                         struct am_view where) {
    am_buffer_literal(out, "{\"error\":{\"status\":");
    am_buffer_unsigned(out, status);
    am_buffer_literal(out, ",\"reason\":");
    am_buffer_json_string(out, reason);
    if (where.size) {
        am_buffer_literal(out, ",\"where\":");
        am_buffer_json_string(out, where);
    }
    am_buffer_literal(out, "}}");
}
