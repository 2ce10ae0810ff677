/* SPDX-License-Identifier: Apache-2.0 */
/* Members of advertisers, campaigns and ads. */
#include <ctype.h>
#include <stdio.h>

#include "../model/macros.h"
#include "hints.h"
#include "reader.h"

static const char money[] = "a decimal from 0 to 1000000 with at most 6 decimals";

/* ---- what campaigns and ads have in common ------------------------------------------------------
 */

static void read_status(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    struct am_inventory_rules *rules = record;
    rules->paused = am_json_string_is(&reader->json, value, "paused");
    if (!rules->paused && !am_json_string_is(&reader->json, value, "active"))
        am_inventory_reader_expected(reader, name, "\"active\" or \"paused\"", value);
}

static void read_start(struct am_inventory_reader *reader,
                       const char *name,
                       const struct am_json_node *value,
                       void *record) {
    am_inventory_read_time(reader, name, value, &((struct am_inventory_rules *)record)->start);
}

static void read_end(struct am_inventory_reader *reader,
                     const char *name,
                     const struct am_json_node *value,
                     void *record) {
    am_inventory_read_time(reader, name, value, &((struct am_inventory_rules *)record)->end);
}

static void read_priority(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    struct am_inventory_rules *rules = record;
    int64_t priority;
    if (am_inventory_read_number(reader, name, value, 0, -1000, 1000,
                                 "an integer from -1000 to 1000", &priority)) {
        rules->has_priority = true;
        rules->priority = (int32_t)priority;
    }
}

static void read_targeting(struct am_inventory_reader *reader,
                           const char *name,
                           const struct am_json_node *value,
                           void *record) {
    (void)name;
    am_inventory_read_targeting(reader, value, &((struct am_inventory_rules *)record)->targeting);
}

static void read_timezone(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    am_inventory_read_timezone(reader, name, value,
                               &((struct am_inventory_rules *)record)->timezone);
}

static void read_labels(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    am_inventory_read_strings(reader, name, value, &((struct am_inventory_rules *)record)->labels);
}

static void read_exclude_labels(struct am_inventory_reader *reader,
                                const char *name,
                                const struct am_json_node *value,
                                void *record) {
    am_inventory_read_strings(reader, name, value,
                              &((struct am_inventory_rules *)record)->exclude_labels);
}

static void read_categories(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            void *record) {
    struct am_inventory_strings *categories = &((struct am_inventory_rules *)record)->categories;
    if (!am_inventory_read_strings(reader, name, value, categories))
        return;
    for (uint32_t i = 0; i < categories->count; i++)
        am_inventory_check_parts(reader, name, categories->items[i], '-');
}

static void read_domain(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    struct am_inventory_rules *rules = record;
    if (!am_inventory_read_text(reader, name, value, AM_ID_MAX_BYTES, &rules->domain))
        return;
    am_inventory_check_parts(reader, name, rules->domain, '.');
    am_model_attribute_fold(AM_ATTRIBUTE_SITE, rules->domain,
                            (char *)(uintptr_t)rules->domain.data);
    am_inventory_hint_domain(reader, rules->domain);
}

/* Appends the items to reader->keywords; negative ones are separated at the record's end. */
static void read_keyword_list(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              bool negative) {
    if (value->type != AM_JSON_ARRAY) {
        am_inventory_reader_expected(reader, name, "a list of keywords", value);
        return;
    }
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        am_inventory_read_keyword(reader, item, negative);
        item = am_json_after(&reader->json, item);
    }
}

static void read_negative_keywords(struct am_inventory_reader *reader,
                                   const char *name,
                                   const struct am_json_node *value,
                                   void *record) {
    (void)record;
    read_keyword_list(reader, name, value, true);
}

static const struct am_inventory_member rules_members[] = {
    {"status", read_status},
    {"start", read_start},
    {"end", read_end},
    {"priority", read_priority},
    {"targeting", read_targeting},
    {"timezone", read_timezone},
    {"labels", read_labels},
    {"exclude_labels", read_exclude_labels},
    {"categories", read_categories},
    {"domain", read_domain},
    {"negative_keywords", read_negative_keywords},
    {NULL, NULL},
};

static void read_name(struct am_inventory_reader *reader,
                      const char *member,
                      const struct am_json_node *value,
                      struct am_view *name) {
    if (am_inventory_read_text(reader, member, value, AM_ID_MAX_BYTES, name))
        am_inventory_hint_name(reader, member, *name);
}

/* ---- advertiser -------------------------------------------------------------------------------
 */

static void read_advertiser_id(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               void *record) {
    read_name(reader, name, value, &((struct am_inventory_advertiser *)record)->id);
}

static void read_advertiser_timezone(struct am_inventory_reader *reader,
                                     const char *name,
                                     const struct am_json_node *value,
                                     void *record) {
    am_inventory_read_timezone(reader, name, value,
                               &((struct am_inventory_advertiser *)record)->timezone);
}

/* ---- campaign ---------------------------------------------------------------------------------
 */

static void read_campaign_id(struct am_inventory_reader *reader,
                             const char *name,
                             const struct am_json_node *value,
                             void *record) {
    read_name(reader, name, value, &((struct am_inventory_campaign *)record)->id);
}

static void read_campaign_advertiser(struct am_inventory_reader *reader,
                                     const char *name,
                                     const struct am_json_node *value,
                                     void *record) {
    read_name(reader, name, value, &((struct am_inventory_campaign *)record)->advertiser);
}

static const struct am_inventory_member campaign_members[] = {
    {"id", read_campaign_id},
    {"advertiser", read_campaign_advertiser},
    {NULL, NULL},
};

/* ---- ad ---------------------------------------------------------------------------------------
 */

struct ad_record {
    struct am_inventory_ad ad;
    struct am_inventory_draft draft;
    bool has_bid, has_ctr, has_pricing; /* has_pricing: one that was understood, or none */
};

static void read_ad_id(struct am_inventory_reader *reader,
                       const char *name,
                       const struct am_json_node *value,
                       void *record) {
    read_name(reader, name, value, &((struct ad_record *)record)->ad.id);
}

static void read_ad_campaign(struct am_inventory_reader *reader,
                             const char *name,
                             const struct am_json_node *value,
                             void *record) {
    read_name(reader, name, value, &((struct ad_record *)record)->draft.campaign_id);
}

static void read_ad_advertiser(struct am_inventory_reader *reader,
                               const char *name,
                               const struct am_json_node *value,
                               void *record) {
    read_name(reader, name, value, &((struct ad_record *)record)->ad.advertiser);
}

static void read_bid(struct am_inventory_reader *reader,
                     const char *name,
                     const struct am_json_node *value,
                     void *record) {
    struct ad_record *ad = record;
    ad->has_bid = true;
    am_inventory_read_number(reader, name, value, 6, 0, AM_MONEY_MAX, money, &ad->ad.bid);
}

static void read_pricing(struct am_inventory_reader *reader,
                         const char *name,
                         const struct am_json_node *value,
                         void *record) {
    struct ad_record *ad = record;
    if (am_json_string_is(&reader->json, value, "cpc"))
        ad->ad.pricing = AM_PRICING_CPC;
    else if (!am_json_string_is(&reader->json, value, "cpm")) {
        ad->has_pricing = false;
        am_inventory_reader_expected(reader, name, "\"cpm\" or \"cpc\"", value);
    }
}

static void read_ctr(struct am_inventory_reader *reader,
                     const char *name,
                     const struct am_json_node *value,
                     void *record) {
    struct ad_record *ad = record;
    ad->has_ctr = true;
    am_inventory_read_number(reader, name, value, 6, 1, 1000000,
                             "a decimal above 0, at most 1, with at most 6 decimals", &ad->ad.ctr);
}

static void read_quality(struct am_inventory_reader *reader,
                         const char *name,
                         const struct am_json_node *value,
                         void *record) {
    am_inventory_read_number(reader, name, value, 3, 0, AM_PER_MILLE_MAX,
                             "a decimal from 0 to 1000 with at most 3 decimals",
                             &((struct ad_record *)record)->ad.quality);
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void read_sizes(struct am_inventory_reader *reader,
                       const char *name,
                       const struct am_json_node *value,
                       void *record) {
    struct am_inventory_ad *ad = &((struct ad_record *)record)->ad;
    if (value->type != AM_JSON_ARRAY) {
        am_inventory_reader_expected(reader, name, "a list of sizes like \"300x250\"", value);
        return;
    }
    struct am_vector sizes = AM_VECTOR_OF(uint32_t);
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        struct am_view text = {"", 0};
        if (item->type == AM_JSON_STRING)
            text = am_inventory_reader_string(reader, item);
        uint32_t size = am_model_size_parse(text);
        char meant[AM_MEANT_SIZE];
        if (size == 0)
            am_inventory_reader_expected_meant(reader, name, "sizes like \"300x250\"", item,
                                               am_inventory_meant_size(text, meant));
        else if (!am_vector_push(&sizes, &size))
            reader->out_of_memory = true;
        item = am_json_after(&reader->json, item);
    }
    uint32_t *items = sizes.data;
    if (sizes.count)
        qsort(items, sizes.count, sizeof *items, ascending);
    size_t kept = 0;
    for (size_t i = 0; i < sizes.count; i++)
        if (kept == 0 || items[i] != items[kept - 1])
            items[kept++] = items[i];
    sizes.count = kept;
    ad->sizes = am_inventory_reader_keep(reader, &sizes);
    ad->size_count = (uint32_t)kept;
    am_vector_free(&sizes);
}

static void read_keywords(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    (void)record;
    read_keyword_list(reader, name, value, false);
}

static void read_url(struct am_inventory_reader *reader,
                     const char *name,
                     const struct am_json_node *value,
                     void *record) {
    struct am_view *url = &((struct ad_record *)record)->ad.url;
    if (am_inventory_read_text(reader, name, value, AM_URL_MAX_BYTES, url))
        am_inventory_hint_url(reader, *url);
}

static void read_creative(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    if (value->type != AM_JSON_OBJECT)
        am_inventory_reader_expected(reader, name, "an object", value);
    else if (value->size > AM_CREATIVE_MAX_BYTES)
        am_inventory_reader_error(reader, "creative: %u bytes, expected at most %d", value->size,
                                  AM_CREATIVE_MAX_BYTES);
    else
        ((struct ad_record *)record)->ad.creative =
            am_inventory_reader_keep_text(reader, am_json_raw(&reader->json, value));
}

static const struct am_inventory_member ad_members[] = {
    {"id", read_ad_id},        {"campaign", read_ad_campaign}, {"advertiser", read_ad_advertiser},
    {"bid", read_bid},         {"pricing", read_pricing},      {"ctr", read_ctr},
    {"quality", read_quality}, {"sizes", read_sizes},          {"keywords", read_keywords},
    {"url", read_url},         {"creative", read_creative},    {NULL, NULL},
};

/* ---- records ----------------------------------------------------------------------------------
 */

static void start_rules(struct am_inventory_reader *reader, struct am_inventory_rules *rules) {
    *rules =
        (struct am_inventory_rules){.start = INT64_MIN, .end = INT64_MAX, .line = reader->line};
    am_inventory_start_delivery(&rules->delivery);
    reader->keywords.count = 0;
}

static void note_delivery(struct am_inventory_reader *reader,
                          const struct am_inventory_delivery *delivery) {
    reader->has_delivery |= am_inventory_has_budget(delivery) || delivery->has_pacing ||
                            delivery->has_without_user || delivery->cap_count;
}

static void finish_rules(struct am_inventory_reader *reader,
                         const struct am_inventory_rules *rules) {
    note_delivery(reader, &rules->delivery);
    char start[AM_TIME_TEXT_SIZE], end[AM_TIME_TEXT_SIZE];
    if (rules->end > rules->start)
        return;
    am_time_write(rules->start, start);
    am_time_write(rules->end, end);
    am_inventory_reader_error(reader, "end: expected a time after start, found %s, and %s as start",
                              end, start);
}

/* Moves the negative, or the positive, ones of the keywords read into the arena. */
static const struct am_inventory_keyword *
keep_keywords(struct am_inventory_reader *reader, bool negative, uint32_t *count) {
    struct am_vector chosen = AM_VECTOR_OF(struct am_inventory_keyword);
    const struct am_inventory_keyword *keywords = reader->keywords.data;
    for (size_t i = 0; i < reader->keywords.count; i++)
        if (keywords[i].negative == negative && !am_vector_push(&chosen, &keywords[i]))
            reader->out_of_memory = true;
    *count = (uint32_t)chosen.count;
    const struct am_inventory_keyword *kept = am_inventory_reader_keep(reader, &chosen);
    am_vector_free(&chosen);
    return kept;
}

static void label_record(struct am_inventory_reader *reader, const char *kind) {
    const struct am_json_node *id = am_json_member(&reader->json, reader->json.nodes, "id");
    struct am_view text = {"", 0};
    if (id && id->type == AM_JSON_STRING)
        text = am_inventory_reader_string(reader, id);
    if (text.size > AM_ID_MAX_BYTES)
        text.size = 0;
    am_inventory_reader_label(reader, kind, text);
}

static void
require(struct am_inventory_reader *reader, bool there, const char *name, const char *what) {
    const struct am_json_node *member = am_json_member(&reader->json, reader->json.nodes, name);
    if (!there && !member)
        am_inventory_reader_error(reader, "%s is missing: expected %s", name, what);
}

static void read_campaign(struct am_inventory_reader *reader) {
    struct am_inventory_campaign campaign = {0};
    label_record(reader, "campaign");
    start_rules(reader, &campaign.rules);
    const struct am_inventory_members members[] = {
        {campaign_members, &campaign},
        {rules_members, &campaign.rules},
        {am_inventory_delivery_members, &campaign.rules.delivery}};
    am_inventory_read_members(reader, AM_OBJECT_CAMPAIGN, members, AM_COUNT_OF(members));
    require(reader, campaign.id.size, "id", "a string");
    require(reader, campaign.advertiser.size, "advertiser", "a string");
    finish_rules(reader, &campaign.rules);
    campaign.rules.negatives = keep_keywords(reader, true, &campaign.rules.negative_count);
    struct am_inventory_draft draft = {.bad = reader->bad};
    if (!am_vector_push(&reader->campaigns, &campaign) ||
        !am_vector_push(&reader->campaign_drafts, &draft))
        reader->out_of_memory = true;
}

static const struct am_inventory_member advertiser_members[] = {
    {"id", read_advertiser_id},
    {"timezone", read_advertiser_timezone},
    {NULL, NULL},
};

static void read_advertiser(struct am_inventory_reader *reader) {
    struct am_inventory_advertiser advertiser = {.line = reader->line};
    const struct am_inventory_members members[] = {
        {advertiser_members, &advertiser}, {am_inventory_delivery_members, &advertiser.delivery}};
    label_record(reader, "advertiser");
    am_inventory_start_delivery(&advertiser.delivery);
    am_inventory_read_members(reader, AM_OBJECT_ADVERTISER, members, AM_COUNT_OF(members));
    require(reader, advertiser.id.size, "id", "a string");
    struct am_inventory_draft draft = {.bad = reader->bad};
    if (!am_vector_push(&reader->advertisers, &advertiser) ||
        !am_vector_push(&reader->advertiser_drafts, &draft))
        reader->out_of_memory = true;
}

static void check_pricing(struct am_inventory_reader *reader, const struct ad_record *record) {
    if (record->ad.pricing == AM_PRICING_CPC && !record->has_ctr)
        am_inventory_reader_error(reader,
                                  "ctr is missing: \"cpc\" needs the expected click-through rate");
    if (record->ad.pricing == AM_PRICING_CPM && record->has_ctr && record->has_pricing)
        am_inventory_reader_warning(reader, "ctr has no effect with pricing \"cpm\"");
    if (record->ad.pricing == AM_PRICING_CPC && record->ad.bid > 0 && record->ad.ctr > 0 &&
        record->ad.bid < 1000 && record->ad.bid * record->ad.ctr < 1000)
        am_inventory_reader_warning(reader, "bid and ctr give an eCPM of 0 (below 0.000001)");
}

/* Servers, proxies and old browsers cut or refuse longer URLs. */
enum { CLICK_URL_BYTES = 4000, CLICK_URL_FRAME = 128 /* server, path and token, about */ };

static uint32_t count_macros(struct am_view text, bool creative) {
    uint32_t count = 0;
    enum am_model_macro macro;
    for (size_t at = 0; (macro = am_model_macro_find(text, creative, &at)) != AM_MACROS; count++)
        at += am_model_macro_text(macro).size;
    return count;
}

static void check_links(struct am_inventory_reader *reader, const struct am_inventory_ad *ad) {
    size_t size = am_buffer_percent_size(ad->url) + CLICK_URL_FRAME;
    if (size > CLICK_URL_BYTES)
        am_inventory_reader_warning(
            reader,
            "url: a click URL that leads there has about %zu bytes, and some browsers and "
            "proxies take no more than %d",
            size, CLICK_URL_BYTES);
    if (count_macros(ad->url, false) + count_macros(ad->creative, true) > AM_AD_MAX_MACROS)
        am_inventory_reader_error(reader, "more than %d macros in url and creative",
                                  AM_AD_MAX_MACROS);
}

static void read_ad(struct am_inventory_reader *reader) {
    struct ad_record record = {.ad = {.campaign = AM_NONE, .quality = 1000}, .has_pricing = true};
    struct am_inventory_ad *ad = &record.ad;
    label_record(reader, "ad");
    start_rules(reader, &ad->rules);
    const struct am_inventory_members members[] = {
        {ad_members, &record},
        {rules_members, &ad->rules},
        {am_inventory_delivery_members, &ad->rules.delivery}};
    am_inventory_read_members(reader, AM_OBJECT_AD, members, AM_COUNT_OF(members));
    if (ad->rules.delivery.has_curve)
        am_inventory_reader_error(reader,
                                  "pacing_curve: an ad is paced by the curve of its campaign: "
                                  "expected it there, or on the inventory line");
    require(reader, ad->id.size, "id", "a string");
    require(reader, record.has_bid, "bid", money);
    if (!ad->advertiser.size && !record.draft.campaign_id.size && !reader->bad)
        am_inventory_reader_error(reader, "expected a campaign or an advertiser");
    check_pricing(reader, &record);
    check_links(reader, ad);
    finish_rules(reader, &ad->rules);
    if (ad->pricing == AM_PRICING_CPM)
        ad->ctr = 0;
    ad->rules.negatives = keep_keywords(reader, true, &ad->rules.negative_count);
    ad->keywords = keep_keywords(reader, false, &ad->keyword_count);
    if (ad->keyword_count == 0 && !reader->bad)
        am_inventory_reader_warning(reader, "no keyword: nothing can reach this ad");
    record.draft.bad = reader->bad;
    if (!am_vector_push(&reader->ads, ad) || !am_vector_push(&reader->ad_drafts, &record.draft))
        reader->out_of_memory = true;
}

void am_inventory_read_record(struct am_inventory_reader *reader) {
    const struct am_json *json = &reader->json;
    const struct am_json_node *type = am_json_member(json, json->nodes, "type");
    const struct am_json_node *duplicate = am_json_duplicate_key(json);
    if (duplicate) {
        struct am_view name = am_json_raw(json, duplicate);
        label_record(reader, type && am_json_string_is(json, type, "campaign") ? "campaign" : "ad");
        am_inventory_reader_error(reader, "the member " AM_QUOTED " stands twice in one object",
                                  AM_QUOTED_ARGUMENTS(name));
        return;
    }
    if (!type || am_json_string_is(json, type, "ad"))
        read_ad(reader);
    else if (am_json_string_is(json, type, "campaign"))
        read_campaign(reader);
    else if (am_json_string_is(json, type, "advertiser"))
        read_advertiser(reader);
    else if (am_json_string_is(json, type, "inventory"))
        am_inventory_read_settings(reader);
    else
        am_inventory_reader_expected(reader, "type",
                                     "\"inventory\", \"advertiser\", \"campaign\" or \"ad\"", type);
}
