/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets and frequency caps. */
#include "../model/week.h"
#include "build.h"

/* ---- hours ------------------------------------------------------------------------------------
 *
 * A line is flat while a record cannot run: the hours that the top of its targeting leaves. */

struct minutes {
    bool all;
    uint64_t bits[(AM_WEEK_MINUTES + 63) / 64];
};

static void set_run(struct minutes *minutes, uint32_t begin, uint32_t end) {
    for (uint32_t minute = begin; minute < end; minute++)
        minutes->bits[minute / 64] |= UINT64_C(1) << minute % 64;
}

static struct minutes minutes_of(const struct am_inventory_targeting *leaf) {
    struct minutes minutes = {.all = false};
    if (leaf->kind == AM_TARGETING_TIMES) {
        for (uint32_t i = 0; i < leaf->count; i++)
            set_run(&minutes, am_model_week_run_begin(leaf->times[i]),
                    am_model_week_run_end(leaf->times[i]));
        return minutes;
    }
    for (uint32_t hour = 0; hour < AM_CURVE_HOURS; hour++)
        if (leaf->hours[hour / 64] >> hour % 64 & 1)
            set_run(&minutes, hour * 60, hour * 60 + 60);
    return minutes;
}

static void keep_common(struct minutes *minutes, const struct minutes *others) {
    for (size_t i = 0; i < AM_COUNT_OF(minutes->bits); i++)
        minutes->bits[i] = minutes->all ? others->bits[i] : minutes->bits[i] & others->bits[i];
    minutes->all = false;
}

/* Leaves the minutes in which a targeting can hold. */
static void restrict_to(struct minutes *minutes, const struct am_inventory_targeting *targeting) {
    for (uint32_t i = 0; targeting && i < targeting->count; i++) {
        const struct am_inventory_targeting *child = &targeting->children[i];
        if (child->kind != AM_TARGETING_HOURS && child->kind != AM_TARGETING_TIMES)
            continue;
        struct minutes others = minutes_of(child);
        keep_common(minutes, &others);
    }
}

static bool has_minute(const struct minutes *minutes, uint32_t minute) {
    return minute < AM_WEEK_MINUTES && (minutes->bits[minute / 64] >> minute % 64 & 1);
}

/* As a list of runs; hours that have nothing in common make one that holds no minute. */
static am_image_list_ref store_minutes(struct am_builder *builder, const struct minutes *minutes) {
    uint32_t runs[AM_WEEK_MINUTES / 2], count = 0, begin = 0;
    if (minutes->all)
        return 0;
    for (uint32_t minute = 0; minute <= AM_WEEK_MINUTES; minute++) {
        if (has_minute(minutes, minute) && !(minute && has_minute(minutes, minute - 1)))
            begin = minute;
        if (!has_minute(minutes, minute) && minute && has_minute(minutes, minute - 1))
            runs[count++] = am_model_week_run(begin, minute);
    }
    if (count == 0)
        runs[count++] = am_model_week_run(0, 0);
    return am_build_pools_list(&builder->pools, runs, count);
}

/* ---- limits -----------------------------------------------------------------------------------
 */

/* What a record's limits follow from. */
struct limited {
    enum am_model_record kind;
    uint32_t record;
    const struct am_inventory_delivery *delivery;
    const struct am_inventory_delivery *curve; /* that it is paced by */
    struct am_view timezone;
    int64_t start, end;
    struct minutes minutes;
    struct am_view minutes_timezone;
};

static bool add_limits(struct am_builder *builder, const struct limited *limited) {
    struct am_build_pools *pools = &builder->pools;
    const struct am_inventory_delivery *delivery = limited->delivery;
    struct am_image_limits limits = {
        .start = limited->start,
        .end = limited->end,
        .record = limited->record,
        .kind = (uint8_t)limited->kind,
        .pacing = delivery->pacing,
        .curve = limited->curve->curve,
        .timezone = am_build_pools_string(pools, limited->timezone),
        .hours = store_minutes(builder, &limited->minutes),
    };
    if (limits.hours)
        limits.hours_timezone = am_build_pools_string(pools, limited->minutes_timezone);
    if (limits.curve == AM_CURVE_GIVEN)
        limits.weights = am_build_pools_list(pools, limited->curve->weights, AM_CURVE_HOURS);
    memcpy(limits.total, delivery->total, sizeof limits.total);
    memcpy(limits.daily, delivery->daily, sizeof limits.daily);
    return am_vector_push(&builder->limits, &limits);
}

static struct am_view or_else(struct am_view text, struct am_view otherwise) {
    return text.size ? text : otherwise;
}

/* The record's own curve, or the inventory's: TRAFFIC where neither has one. */
static const struct am_inventory_delivery *curve_of(const struct am_inventory *inventory,
                                                    const struct am_inventory_delivery *delivery) {
    return delivery->has_curve ? delivery : &inventory->delivery;
}

/* The index into ADVERTISERS; every name of the inventory has one. */
static uint32_t advertiser_index(struct am_builder *builder, struct am_view id) {
    uint32_t term = am_build_pools_term(&builder->pools, AM_TERM_ADVERTISER, AM_NONE, id);
    const uint32_t *terms = builder->advertisers.data;
    uint32_t low = 0, high = (uint32_t)builder->advertisers.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (terms[middle] < term)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* In the order of ADVERTISERS, not of the file. */
static bool limit_advertisers(struct am_builder *builder, const uint32_t *records) {
    const struct am_inventory *inventory = builder->inventory;
    for (uint32_t i = 0; i < builder->advertisers.count; i++) {
        if (records[i] == AM_NONE)
            continue;
        const struct am_inventory_advertiser *advertiser = &inventory->advertisers[records[i]];
        const struct limited limited = {
            .kind = AM_RECORD_ADVERTISER,
            .record = i,
            .delivery = &advertiser->delivery,
            .curve = curve_of(inventory, &advertiser->delivery),
            .timezone = or_else(advertiser->timezone, inventory->timezone),
            .start = INT64_MIN,
            .end = INT64_MAX,
            .minutes = {.all = true},
        };
        if (am_inventory_has_budget(limited.delivery) && !add_limits(builder, &limited))
            return false;
    }
    return true;
}

static bool limit_campaigns(struct am_builder *builder) {
    const struct am_inventory *inventory = builder->inventory;
    for (uint32_t i = 0; i < inventory->campaign_count; i++) {
        const struct am_inventory_rules *rules = &inventory->campaigns[i].rules;
        if (!am_inventory_has_budget(&rules->delivery))
            continue;
        struct limited limited = {
            .kind = AM_RECORD_CAMPAIGN,
            .record = i,
            .delivery = &rules->delivery,
            .curve = curve_of(inventory, &rules->delivery),
            .timezone = or_else(rules->timezone, inventory->timezone),
            .start = rules->start,
            .end = rules->end,
            .minutes = {.all = true},
        };
        restrict_to(&limited.minutes, rules->targeting);
        limited.minutes_timezone = limited.timezone;
        if (!add_limits(builder, &limited))
            return false;
    }
    return true;
}

/* An ad runs in its own hours and its campaign's. Where these are of different time zones, which no
 * week of minutes can say, its own count alone. */
static void restrict_ad(struct limited *limited,
                        const struct am_inventory_rules *own,
                        const struct am_inventory_rules *above,
                        struct am_view zone_above) {
    restrict_to(&limited->minutes, own->targeting);
    limited->minutes_timezone = limited->timezone;
    if (!above)
        return;
    if (limited->minutes.all)
        limited->minutes_timezone = zone_above;
    if (am_view_equal(limited->minutes_timezone, zone_above))
        restrict_to(&limited->minutes, above->targeting);
}

static bool limit_ad(struct am_builder *builder, uint32_t index) {
    const struct am_inventory *inventory = builder->inventory;
    const struct am_inventory_ad *ad = &inventory->ads[index];
    const struct am_image_ad *record = AM_VECTOR_AT(&builder->ads, struct am_image_ad, index);
    const struct am_inventory_rules *above =
        ad->campaign == AM_NONE ? NULL : &inventory->campaigns[ad->campaign].rules;
    struct am_view zone_above =
        above ? or_else(above->timezone, inventory->timezone) : inventory->timezone;
    struct limited limited = {
        .kind = AM_RECORD_AD,
        .record = index,
        .delivery = &ad->rules.delivery,
        .curve = above ? curve_of(inventory, &above->delivery) : &inventory->delivery,
        .timezone = or_else(ad->rules.timezone, zone_above),
        .start = record->start,
        .end = record->end,
        .minutes = {.all = true},
    };
    restrict_ad(&limited, &ad->rules, above, zone_above);
    return add_limits(builder, &limited);
}

static bool limit_ads(struct am_builder *builder) {
    const struct am_inventory *inventory = builder->inventory;
    for (uint32_t i = 0; i < inventory->ad_count; i++)
        if (am_inventory_has_budget(&inventory->ads[i].rules.delivery) && !limit_ad(builder, i))
            return false;
    return true;
}

/* ---- frequency caps ---------------------------------------------------------------------------
 */

struct cap_list {
    uint32_t items[AM_AD_MAX_CAPS];
    uint32_t count;
};

static void add_caps(struct cap_list *list,
                     enum am_model_record kind,
                     const struct am_inventory_delivery *delivery) {
    for (uint32_t i = 0; i < delivery->cap_count; i++)
        list->items[list->count++] =
            am_image_cap(kind, delivery->skips_without_user, delivery->caps[i]);
}

static bool has_caps(const struct am_inventory *inventory) {
    uint64_t caps = 0;
    for (uint32_t i = 0; i < inventory->advertiser_count; i++)
        caps += inventory->advertisers[i].delivery.cap_count;
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        caps += inventory->campaigns[i].rules.delivery.cap_count;
    for (uint32_t i = 0; i < inventory->ad_count; i++)
        caps += inventory->ads[i].rules.delivery.cap_count;
    return caps;
}

static bool cap_ads(struct am_builder *builder, const uint32_t *records) {
    const struct am_inventory *inventory = builder->inventory;
    if (!has_caps(inventory))
        return true;
    for (uint32_t i = 0; i < inventory->ad_count; i++) {
        const struct am_inventory_ad *ad = &inventory->ads[i];
        struct am_image_ad *record = AM_VECTOR_AT(&builder->ads, struct am_image_ad, i);
        struct cap_list list = {.count = 0};
        uint32_t advertiser = records[advertiser_index(builder, ad->advertiser)];
        if (advertiser != AM_NONE)
            add_caps(&list, AM_RECORD_ADVERTISER, &inventory->advertisers[advertiser].delivery);
        if (ad->campaign != AM_NONE)
            add_caps(&list, AM_RECORD_CAMPAIGN, &inventory->campaigns[ad->campaign].rules.delivery);
        add_caps(&list, AM_RECORD_AD, &ad->rules.delivery);
        am_image_list_ref ref = am_build_pools_list(&builder->pools, list.items, list.count);
        if (list.count)
            record->flags |= AM_AD_CAPPED;
        if (!am_vector_push(&builder->ad_caps, &ref))
            return false;
    }
    return true;
}

bool am_build_limits(struct am_builder *builder, struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    size_t count = builder->advertisers.count;
    uint32_t *records = malloc((count + 1) * sizeof *records); /* by advertiser; or AM_NONE */
    if (!records)
        return am_build_out_of_memory(error);
    memset(records, 0xFF, (count + 1) * sizeof *records);
    for (uint32_t i = 0; i < inventory->advertiser_count; i++)
        records[advertiser_index(builder, inventory->advertisers[i].id)] = i;
    bool done = limit_advertisers(builder, records) && limit_campaigns(builder) &&
                limit_ads(builder) && cap_ads(builder, records);
    free(records);
    return done || am_build_out_of_memory(error);
}
