/* SPDX-License-Identifier: Apache-2.0 */
/* Campaigns and ads, and what they share through the pools. */
#include "build.h"

static bool negative_equal(const void *context, uint32_t id, const void *key) {
    const struct am_builder *builder = context;
    const struct am_build_negative *negative =
        AM_VECTOR_AT(&builder->negatives, struct am_build_negative, id);
    const struct am_build_negative *wanted = key;
    return negative->terminal == wanted->terminal && negative->text == wanted->text;
}

static bool negative_id(struct am_builder *builder,
                        const struct am_build_flat_keyword *flat,
                        uint32_t *id,
                        struct am_error *error) {
    struct am_build_negative negative = {
        flat->terminal, am_build_pools_string(&builder->pools, flat->source->text), AM_NONE};
    if (flat->twin != AM_NONE)
        negative.twin_terminal =
            AM_VECTOR_AT(&builder->flat, struct am_build_flat_keyword, flat->twin)->terminal;
    struct am_intern_slot *slot = am_intern_find(
        &builder->negative_table, am_keyed_hash_pair(negative.terminal, negative.text),
        negative_equal, builder, &negative);
    if (!slot)
        return am_build_out_of_memory(error);
    if (slot->id == UINT32_MAX) {
        if (!am_vector_push(&builder->negatives, &negative))
            return am_build_out_of_memory(error);
        slot->id = (uint32_t)(builder->negatives.count - 1);
    }
    *id = slot->id;
    return true;
}

/* The negative ids of a record, whose flattened keywords begin at *cursor. */
static bool negatives_of(struct am_builder *builder,
                         const struct am_inventory_rules *rules,
                         size_t *cursor,
                         am_image_list_ref *set,
                         struct am_error *error) {
    struct am_vector ids = AM_VECTOR_OF(uint32_t);
    bool done = false;
    for (uint32_t i = 0; i < rules->negative_count; i++) {
        uint32_t id;
        if (!negative_id(builder,
                         AM_VECTOR_AT(&builder->flat, struct am_build_flat_keyword, *cursor), &id,
                         error))
            goto cleanup;
        (*cursor)++;
        if (!am_vector_push(&ids, &id)) {
            am_build_out_of_memory(error);
            goto cleanup;
        }
    }
    builder->settings.negative_keywords += rules->negative_count;
    *set = am_build_pools_sorted_list(&builder->pools, ids.data, (uint32_t)ids.count);
    done = true;
cleanup:
    am_vector_free(&ids);
    return done;
}

/* ---- records ----------------------------------------------------------------------------------
 */

/* Every name that the inventory has is known (am_build_zones). */
static struct am_build_clock clock_of(const struct am_builder *builder, struct am_view timezone) {
    if (timezone.size == 0)
        timezone = builder->inventory->timezone;
    struct am_build_clock clock = {AM_NONE, timezone};
    if (timezone.size)
        am_build_find_zone(builder, timezone, &clock.zone);
    return clock;
}

/* What ads take over from their campaign, computed once. */
struct campaign_parts {
    am_image_list_ref negatives;
    uint32_t tree;
    struct am_build_shared_terms terms[AM_BUILD_TERM_LISTS];
};

static bool build_campaigns(struct am_builder *builder,
                            struct campaign_parts *parts,
                            size_t *cursor,
                            struct am_error *error) {
    for (uint32_t i = 0; i < builder->inventory->campaign_count; i++) {
        const struct am_inventory_campaign *campaign = &builder->inventory->campaigns[i];
        if (!negatives_of(builder, &campaign->rules, cursor, &parts[i].negatives, error))
            return false;
        const struct am_build_clock clock = clock_of(builder, campaign->rules.timezone);
        parts[i].tree = am_build_pools_tree(&builder->pools, campaign->rules.targeting, &clock);
        struct am_image_campaign record = {
            .id = am_build_pools_own_string(&builder->pools, campaign->id),
            .advertiser = am_build_pools_term(&builder->pools, AM_TERM_ADVERTISER, AM_NONE,
                                              campaign->advertiser),
            .timezone = am_build_pools_string(&builder->pools, campaign->rules.timezone),
            .flags = campaign->rules.paused ? AM_CAMPAIGN_PAUSED : 0,
        };
        if (!am_vector_push(&builder->campaigns, &record))
            return am_build_out_of_memory(error);
    }
    return true;
}

/* Finds the macros of one text. False: out of memory. */
static bool add_macros(struct am_vector *items, struct am_view text, bool creative) {
    size_t at = 0;
    for (;;) {
        enum am_model_macro macro = am_model_macro_find(text, creative, &at);
        if (macro == AM_MACROS)
            return true;
        uint32_t item = am_image_macro_item(creative, at, macro);
        if (!am_vector_push(items, &item))
            return false;
        at += am_model_macro_text(macro).size;
    }
}

static am_image_list_ref macros_of(struct am_builder *builder, const struct am_inventory_ad *ad) {
    struct am_vector items = AM_VECTOR_OF(uint32_t);
    am_image_list_ref list = 0;
    if (!add_macros(&items, ad->url, false) || !add_macros(&items, ad->creative, true))
        builder->pools.failure = AM_E_MEMORY;
    else if (items.count)
        list = am_build_pools_list(&builder->pools, items.data, (uint32_t)items.count);
    am_vector_free(&items);
    return list;
}

static struct am_image_ad_details details_of(struct am_builder *builder,
                                             const struct am_inventory_ad *ad,
                                             const struct am_inventory_rules *above,
                                             struct campaign_parts *parts) {
    struct am_build_pools *pools = &builder->pools;
    return (struct am_image_ad_details){
        .bid = (uint64_t)ad->bid,
        .id = am_build_pools_own_string(pools, ad->id),
        .url = am_build_pools_string(pools, ad->url),
        .creative = am_build_pools_string(pools, ad->creative),
        .priority = am_build_ad_priority(ad, builder->inventory),
        .quality = (uint32_t)ad->quality,
        .ctr = (uint32_t)ad->ctr,
        .categories = am_build_terms(builder, &ad->rules, above, parts ? parts->terms : NULL,
                                     AM_BUILD_CATEGORIES),
        .macros = macros_of(builder, ad),
    };
}

static struct am_image_ad record_of(struct am_builder *builder,
                                    const struct am_inventory_ad *ad,
                                    const struct am_inventory_rules *above,
                                    struct campaign_parts *parts) {
    struct am_build_pools *pools = &builder->pools;
    struct am_build_shared_terms *shared = parts ? parts->terms : NULL;
    const struct am_inventory_rules *own = &ad->rules;
    struct am_view timezone = own->timezone.size || !above ? own->timezone : above->timezone;
    struct am_view domain = own->domain.size || !above ? own->domain : above->domain;
    const struct am_build_clock clock = clock_of(builder, timezone);
    struct am_image_ad record = {
        .start = above && above->start > own->start ? above->start : own->start,
        .end = above && above->end < own->end ? above->end : own->end,
        .campaign = ad->campaign,
        .advertiser = am_build_pools_term(pools, AM_TERM_ADVERTISER, AM_NONE, ad->advertiser),
        .tree = am_build_pools_tree(pools, own->targeting, &clock),
        .campaign_tree = parts ? parts->tree : AM_NONE,
        .campaign_negatives = parts ? parts->negatives : 0,
        .sizes = am_build_pools_list(pools, ad->sizes, ad->size_count),
        .domain = domain.size ? am_build_pools_domain(pools, domain) : AM_NONE,
    };
    record.labels = am_build_terms(builder, own, above, shared, AM_BUILD_LABELS);
    record.exclude_labels = am_build_terms(builder, own, above, shared, AM_BUILD_EXCLUDE_LABELS);
    record.categories = am_build_terms(builder, own, above, shared, AM_BUILD_CATEGORIES_ABOVE);
    if (own->paused || (above && above->paused))
        record.flags |= AM_AD_PAUSED;
    if (ad->pricing == AM_PRICING_CPC)
        record.flags |= AM_AD_CPC;
    return record;
}

/* Beside the other texts of the ad, since an answer shows them together: a page of memory less to
 * find. */
static void store_keywords(struct am_builder *builder, size_t *cursor, uint32_t count) {
    struct am_build_flat_keyword *flat = builder->flat.data;
    for (uint32_t i = 0; i < count; i++, (*cursor)++) {
        if (*cursor + AM_FETCH_AHEAD < builder->flat.count)
            am_build_pools_prefetch_string(&builder->pools,
                                           flat[*cursor + AM_FETCH_AHEAD].source->text);
        flat[*cursor].text = am_build_pools_string(&builder->pools, flat[*cursor].source->text);
        if (flat[*cursor].twin != AM_NONE)
            flat[flat[*cursor].twin].text = flat[*cursor].text;
    }
}

static bool build_ads(struct am_builder *builder,
                      struct campaign_parts *parts,
                      size_t *cursor,
                      struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    if (!am_vector_reserve(&builder->ads, inventory->ad_count) ||
        !am_vector_reserve(&builder->details, inventory->ad_count))
        return am_build_out_of_memory(error);
    for (uint32_t i = 0; i < inventory->ad_count; i++) {
        const struct am_inventory_ad *ad = &inventory->ads[i];
        if (i + AM_FETCH_AHEAD < inventory->ad_count)
            am_build_pools_prefetch_string(&builder->pools, ad[AM_FETCH_AHEAD].url);
        bool in_campaign = ad->campaign != AM_NONE;
        const struct am_inventory_rules *above =
            in_campaign ? &inventory->campaigns[ad->campaign].rules : NULL;
        struct campaign_parts *shared = in_campaign ? &parts[ad->campaign] : NULL;
        struct am_image_ad record = record_of(builder, ad, above, shared);
        if (!negatives_of(builder, &ad->rules, cursor, &record.negatives, error))
            return false;
        struct am_image_ad_details details = details_of(builder, ad, above, shared);
        if (!am_vector_push(&builder->ads, &record) || !am_vector_push(&builder->details, &details))
            return am_build_out_of_memory(error);
        store_keywords(builder, cursor, ad->keyword_count);
    }
    return true;
}

static void build_settings(struct am_builder *builder) {
    const struct am_inventory *inventory = builder->inventory;
    struct am_image_settings *settings = &builder->settings;
    settings->currency = am_build_pools_string(&builder->pools, inventory->currency);
    settings->language = am_build_pools_string(&builder->pools, inventory->language);
    settings->fold_accents = inventory->fold_accents;
    settings->stem = inventory->stem;
    settings->broad_window = inventory->broad_window;
    settings->unique = inventory->unique;
    settings->timezone = am_build_pools_string(&builder->pools, inventory->timezone);
    for (int i = 0; i < AM_MATCH_TYPES; i++)
        settings->match_weight[i] = (uint32_t)inventory->match_weight[i];
    settings->ad_count = inventory->ad_count;
    settings->campaign_count = inventory->campaign_count;
    settings->negative_count = (uint32_t)builder->negatives.count;
}

bool am_build_records(struct am_builder *builder, struct am_error *error) {
    struct campaign_parts *parts =
        calloc((size_t)builder->inventory->campaign_count + 1, sizeof *parts);
    if (!parts)
        return am_build_out_of_memory(error);
    for (uint32_t i = 0; i < builder->inventory->advertiser_count; i++)
        am_build_pools_term(&builder->pools, AM_TERM_ADVERTISER, AM_NONE,
                            builder->inventory->advertisers[i].id);
    size_t cursor = 0;
    bool done = build_campaigns(builder, parts, &cursor, error) &&
                build_ads(builder, parts, &cursor, error);
    for (uint32_t i = 0; i < builder->inventory->campaign_count; i++)
        am_build_free_shared_terms(parts[i].terms);
    free(parts);
    if (done)
        build_settings(builder);
    return done;
}
