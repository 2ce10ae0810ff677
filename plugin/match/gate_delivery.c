/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger says of an ad: frequency caps, budgets, pacing; and what a placement takes.
 * Section 5 of docs/DECISION.md. */
#include "../model/keys.h"
#include "gate.h"

static struct am_gate_note *last_note(struct am_gates *gates) {
    return &gates->notes[AM_GATE_LAST_NOTE];
}

/* ---- frequency caps ---------------------------------------------------------------------------
 */

static uint64_t key_of(const struct am_image *image, uint32_t ad, enum am_model_record kind) {
    const struct am_image_ad *record = &image->ads[ad];
    switch (kind) {
    case AM_RECORD_ADVERTISER:
        return am_model_key(kind, am_image_string(image, image->terms[record->advertiser].text));
    case AM_RECORD_CAMPAIGN:
        return am_image_key_of_campaign(image, record->campaign);
    default:
        return am_image_key_of_ad(image, ad);
    }
}

static struct am_caps_cap cap_of(const struct am_image *image, uint32_t ad, uint32_t item) {
    return (struct am_caps_cap){key_of(image, ad, am_image_cap_kind(item)),
                                am_model_cap_period(item), am_model_cap_maximum(item)};
}

static enum am_caps_answer ask(const struct am_match_delivery *delivery,
                               const struct am_caps_cap *cap) {
    if (delivery->caps)
        return am_caps_state_ask(delivery->caps, cap, delivery->clock, NULL);
    struct am_caps *caps = am_ledger_caps(delivery->ledger);
    return caps ? am_caps_ask(caps, delivery->user, cap, delivery->clock, NULL) : AM_CAPS_NO_ROOM;
}

bool am_gate_is_capped(struct am_gates *gates, uint32_t ad) {
    const struct am_match_delivery *delivery = gates->delivery;
    struct am_image_list caps = am_image_caps_of(gates->image, ad);
    bool knows = delivery && (delivery->user || delivery->caps);
    for (uint32_t i = 0; delivery && i < caps.count; i++) {
        enum am_caps_answer answer = AM_CAPS_OPEN;
        bool skips = !knows && (caps.items[i] & AM_IMAGE_CAP_SKIP);
        if (knows) {
            struct am_caps_cap cap = cap_of(gates->image, ad, caps.items[i]);
            answer = ask(delivery, &cap);
        }
        if (!skips && answer == AM_CAPS_OPEN)
            continue;
        last_note(gates)->cap = skips ? 0 : caps.items[i];
        last_note(gates)->answer = answer;
        return true;
    }
    return false;
}

/* ---- budgets ----------------------------------------------------------------------------------
 */

static struct am_delivery_ask ask_of(const struct am_image *image,
                                     const struct am_match_candidate *candidate) {
    bool per_click = image->ads[candidate->ad].flags & AM_AD_CPC;
    return (struct am_delivery_ask){
        .price = am_pace_price(per_click, (int64_t)image->keywords[candidate->posting].bid),
        .ctr = image->details[candidate->ad].ctr,
        .per_click = per_click,
    };
}

enum am_delivery_verdict am_gate_budgets(struct am_gates *gates,
                                         const struct am_match_candidate *candidate) {
    const struct am_match_delivery *delivery = gates->delivery;
    if (!am_delivery_map_is_limited(delivery->map, candidate->ad))
        return AM_DELIVERY_LINE;
    if (delivery->seconds == 0) {
        last_note(gates)->delivery = (struct am_delivery_detail){.reason = AM_DELIVERY_UNBILLED};
        return AM_DELIVERY_BUDGET;
    }
    struct am_delivery_ask asked = ask_of(gates->image, candidate);
    return am_delivery_gate(delivery->worker, delivery->map, candidate->ad, &asked,
                            gates->explains ? &last_note(gates)->delivery : NULL);
}

/* ---- placing ----------------------------------------------------------------------------------
 */

/* Of users that the ledger knows: those that carry their caps count for themselves. */
static uint32_t
list_caps(const struct am_gates *gates, uint32_t ad, struct am_caps_cap caps[AM_AD_MAX_CAPS]) {
    struct am_image_list list = am_image_caps_of(gates->image, ad);
    for (uint32_t i = 0; i < list.count; i++)
        caps[i] = cap_of(gates->image, ad, list.items[i]);
    return list.count;
}

static void count_carried(const struct am_match_delivery *delivery,
                          const struct am_caps_cap *caps,
                          uint32_t count) {
    for (uint32_t i = 0; delivery->caps && i < count; i++)
        am_caps_state_count(delivery->caps, &caps[i], delivery->clock);
}

enum am_gate am_gate_reserve(struct am_gates *gates,
                             const struct am_match_candidate *candidate,
                             struct am_gate_reserved *reserved) {
    const struct am_match_delivery *delivery = gates->delivery;
    struct am_caps_cap caps[AM_AD_MAX_CAPS];
    bool limited = am_delivery_map_is_limited(delivery->map, candidate->ad);
    uint32_t cap_count = list_caps(gates, candidate->ad, caps);
    struct am_delivery_ask asked = ask_of(gates->image, candidate);
    const struct am_delivery_placement placement = {
        .sequence = delivery->number(delivery->context),
        .now = delivery->clock,
        .seconds = delivery->seconds,
        .lead = gates->lead,
        .user = delivery->user,
        .ad_key = am_image_key_of_ad(gates->image, candidate->ad),
        .caps = caps,
        .cap_count = delivery->user ? cap_count : 0,
        .caller = delivery->caller,
    };
    reserved->sequence = placement.sequence;
    if (limited || placement.cap_count) {
        enum am_delivery_verdict verdict =
            am_delivery_reserve(delivery->worker, delivery->map, candidate->ad, &asked, &placement,
                                gates->explains ? &last_note(gates)->delivery : NULL);
        if (verdict == AM_DELIVERY_CAP) {
            am_gate_is_capped(gates, candidate->ad);
            return AM_GATE_FREQUENCY_CAP;
        }
        if (verdict != AM_DELIVERY_LINE && verdict != AM_DELIVERY_LEAD)
            return AM_GATE_BUDGET;
    }
    count_carried(delivery, caps, cap_count);
    if (limited)
        reserved->pace = gates->lead ? AM_MATCH_PACE_LEAD : AM_MATCH_PACE_LINE;
    return AM_GATES;
}

void am_gate_release(struct am_gates *gates) {
    struct am_match_delivery *delivery = gates->delivery;
    for (uint32_t i = 0; delivery && i < gates->placed.count; i++)
        am_delivery_release(delivery->worker, gates->placed.winners[i].sequence, delivery->clock);
    if (delivery && delivery->caps)
        *delivery->caps = gates->carried;
}

uint32_t
am_gate_keep_note(struct am_gates *gates, enum am_gate gate, uint32_t index, uint32_t detail) {
    if (gate != AM_GATE_FREQUENCY_CAP && gate != AM_GATE_BUDGET && gate != AM_GATE_PACING)
        return detail;
    if (!gates->explains || index >= AM_GATE_NOTES)
        return AM_GATE_LAST_NOTE;
    gates->notes[index] = *last_note(gates);
    return index;
}
