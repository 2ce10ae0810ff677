/* SPDX-License-Identifier: Apache-2.0 */
#include "image_terms.h"

#include <stdlib.h>

#include "../model/week.h"

_Static_assert((int)AM_UNIT_MONEY == AM_LEDGER_MONEY && (int)AM_UNIT_CLICKS == AM_LEDGER_CLICKS &&
                   (int)AM_UNITS == AM_LEDGER_UNITS,
               "units");
_Static_assert((int)AM_PACING_EVEN == AM_PACE_EVEN &&
                   (int)AM_PACING_FRONTLOADED == AM_PACE_FRONTLOADED &&
                   (int)AM_PACING_ASAP == AM_PACE_ASAP,
               "pacing");
_Static_assert((int)AM_CURVE_TRAFFIC == AM_PACE_TRAFFIC && (int)AM_CURVE_FLAT == AM_PACE_FLAT &&
                   (int)AM_CURVE_GIVEN == AM_PACE_GIVEN && (int)AM_CURVE_HOURS == AM_PACE_HOURS,
               "curves");
_Static_assert(AM_BUDGET_NONE == AM_LEDGER_UNLIMITED &&
                   (int)AM_RECORD_CAPS_MAX == AM_LEDGER_CAPS_MAX &&
                   (int)AM_CAP_LIFETIME == AM_CAPS_LIFETIME,
               "budgets and caps");

uint64_t am_delivery_generation(const struct am_image *image) {
    return image->header->checksum;
}

void am_delivery_currency(const struct am_image *image, char currency[4]) {
    struct am_view text = am_image_string(image, image->settings->currency);
    memset(currency, 0, 4);
    memcpy(currency, text.data, text.size < 3 ? text.size : 3);
}

/* ---- terms ------------------------------------------------------------------------------------
 */

/* What terms point to. */
struct curve_memory {
    uint16_t weights[AM_PACE_HOURS];
    struct am_pace_hours hours;
};

struct am_ledger_terms am_delivery_terms_of(enum am_ledger_kind kind, struct am_view id) {
    struct am_ledger_terms terms = {.kind = kind,
                                    .id = id,
                                    .start = INT64_MIN,
                                    .end = INT64_MAX,
                                    .curve = {.kind = AM_PACE_FLAT}};
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms.budgets[unit] =
            (struct am_ledger_budget){AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED, AM_PACE_ASAP};
    return terms;
}

static void set_hours(struct am_pace_hours *hours, struct am_image_list runs) {
    *hours = (struct am_pace_hours){{0}};
    for (uint32_t i = 0; i < runs.count; i++)
        for (uint32_t minute = am_model_week_run_begin(runs.items[i]);
             minute < am_model_week_run_end(runs.items[i]); minute++)
            hours->bits[minute / 64] |= UINT64_C(1) << minute % 64;
}

static void set_limits(struct am_ledger_terms *terms,
                       const struct am_image *image,
                       const struct am_image_limits *limits,
                       struct curve_memory *memory) {
    terms->start = limits->start;
    terms->end = limits->end;
    terms->zone = am_image_string(image, limits->timezone);
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms->budgets[unit] =
            (struct am_ledger_budget){limits->total[unit], limits->daily[unit], limits->pacing};
    terms->curve.kind = limits->curve;
    if (limits->curve == AM_CURVE_GIVEN) {
        struct am_image_list weights = am_image_list_at(image, limits->weights);
        for (uint32_t i = 0; i < AM_PACE_HOURS; i++)
            memory->weights[i] = (uint16_t)weights.items[i];
        terms->curve.weights = memory->weights;
    }
    if (limits->hours) {
        set_hours(&memory->hours, am_image_list_at(image, limits->hours));
        terms->curve.hours = &memory->hours;
        terms->curve.hours_zone = am_image_string(image, limits->hours_timezone);
    }
}

/* A walk over LIMITS beside that over all records, which are in the same order. */
struct walk {
    const struct am_delivery_publishing *publishing;
    const struct am_image *image;
    uint64_t next; /* limits */
    struct curve_memory memory;
};

/* The limits of the record, or NULL. */
static const struct am_image_limits *
next_limits(struct walk *walk, enum am_ledger_kind kind, uint32_t record) {
    const struct am_image_limits *limits = &walk->image->limits[walk->next];
    if (walk->next == walk->image->limits_count || limits->kind != (int)kind ||
        limits->record != record)
        return NULL;
    walk->next++;
    return limits;
}

static enum am_code
put_record(struct walk *walk, struct am_ledger_terms *terms, struct am_error *error) {
    const struct am_delivery_publishing *publishing = walk->publishing;
    uint32_t cell;
    if (publishing->adjust)
        publishing->adjust(publishing->context, terms);
    if (!publishing->missing_only)
        return am_ledger_put(publishing->ledger, terms, &cell, error);
    uint64_t key = am_model_key((enum am_model_record)terms->kind, terms->id);
    if (am_ledger_find(publishing->ledger, key) != AM_LEDGER_NO_CELL)
        return AM_OK;
    return am_ledger_set(publishing->ledger, terms, publishing->now, &cell, error);
}

static enum am_code put(struct walk *walk, struct am_ledger_terms *terms, struct am_error *error) {
    struct am_delivery_lack *lack = walk->publishing->lack;
    struct am_error reason = {0};
    enum am_code code = put_record(walk, terms, &reason);
    if (code == AM_E_LIMIT && lack) {
        if (lack->records++ == 0)
            lack->error = reason;
        return AM_OK;
    }
    if (code != AM_OK && error)
        *error = reason;
    return code;
}

static struct am_view inventory_zone(const struct am_image *image) {
    return am_image_string(image, image->settings->timezone);
}

static struct am_view advertiser_id(const struct am_image *image, uint32_t term) {
    return am_image_string(image, image->terms[term].text);
}

static enum am_code put_advertisers(struct walk *walk, struct am_error *error) {
    const struct am_image *image = walk->image;
    enum am_code code = AM_OK;
    for (uint32_t i = 0; i < image->advertiser_count && code == AM_OK; i++) {
        struct am_ledger_terms terms =
            am_delivery_terms_of(AM_LEDGER_ADVERTISER, advertiser_id(image, image->advertisers[i]));
        const struct am_image_limits *limits = next_limits(walk, AM_LEDGER_ADVERTISER, i);
        terms.zone = inventory_zone(image);
        if (limits)
            set_limits(&terms, image, limits, &walk->memory);
        code = put(walk, &terms, error);
    }
    return code;
}

static enum am_code put_campaigns(struct walk *walk, struct am_error *error) {
    const struct am_image *image = walk->image;
    enum am_code code = AM_OK;
    for (uint32_t i = 0; i < image->settings->campaign_count && code == AM_OK; i++) {
        const struct am_image_campaign *campaign = &image->campaigns[i];
        const struct am_image_limits *limits = next_limits(walk, AM_LEDGER_CAMPAIGN, i);
        struct am_ledger_terms terms =
            am_delivery_terms_of(AM_LEDGER_CAMPAIGN, am_image_string(image, campaign->id));
        terms.above =
            am_model_key(AM_RECORD_ADVERTISER, advertiser_id(image, campaign->advertiser));
        terms.paused = campaign->flags & AM_CAMPAIGN_PAUSED;
        terms.zone =
            campaign->timezone ? am_image_string(image, campaign->timezone) : inventory_zone(image);
        if (limits)
            set_limits(&terms, image, limits, &walk->memory);
        code = put(walk, &terms, error);
    }
    return code;
}

/* Ads without limits that have a record were limited once: that goes. */
static enum am_code put_ad(struct walk *walk, uint32_t ad, struct am_error *error) {
    const struct am_image *image = walk->image;
    const struct am_image_limits *limits = next_limits(walk, AM_LEDGER_AD, ad);
    uint64_t key = am_image_key_of_ad(image, ad);
    if (!limits && am_ledger_find(walk->publishing->ledger, key) == AM_LEDGER_NO_CELL)
        return AM_OK;
    const struct am_image_ad *record = &image->ads[ad];
    struct am_ledger_terms terms =
        am_delivery_terms_of(AM_LEDGER_AD, am_image_string(image, image->details[ad].id));
    terms.above = record->campaign == AM_NONE
                      ? am_model_key(AM_RECORD_ADVERTISER, advertiser_id(image, record->advertiser))
                      : am_image_key_of_campaign(image, record->campaign);
    terms.paused = record->flags & AM_AD_PAUSED;
    terms.zone = inventory_zone(image);
    if (limits)
        set_limits(&terms, image, limits, &walk->memory);
    return put(walk, &terms, error);
}

enum am_code am_delivery_put_image(const struct am_delivery_publishing *publishing,
                                   const struct am_image *image,
                                   struct am_error *error) {
    struct walk walk = {.publishing = publishing, .image = image};
    enum am_code code = put_advertisers(&walk, error);
    if (code == AM_OK)
        code = put_campaigns(&walk, error);
    for (uint32_t ad = 0; ad < image->settings->ad_count && code == AM_OK; ad++)
        code = put_ad(&walk, ad, error);
    return code;
}

/* ---- the map of its ads -----------------------------------------------------------------------
 */

struct bids {
    uint64_t least, highest; /* of an ad's keywords, micros; least above highest: it has none */
};

static struct bids *bids_of(const struct am_image *image) {
    uint32_t count = image->settings->ad_count;
    struct bids *bids = malloc(((size_t)count + 1) * sizeof *bids);
    for (uint32_t ad = 0; bids && ad < count; ad++)
        bids[ad] = (struct bids){UINT64_MAX, 0};
    for (uint64_t i = 0; bids && i < image->posting_count; i++) {
        if (image->postings[i].rank == 0)
            continue;
        struct bids *of = &bids[am_image_posting_ad(&image->postings[i])];
        uint64_t bid = image->keywords[i].bid;
        of->least = bid < of->least ? bid : of->least;
        of->highest = bid > of->highest ? bid : of->highest;
    }
    return bids;
}

/* The records above an ad, and its caps. */
struct map_ad {
    struct am_delivery_map_ad what;
    uint32_t periods[AM_LEDGER_KINDS][AM_LEDGER_CAPS_MAX];
};

static void add_caps(struct map_ad *mapped, const struct am_image *image, uint32_t ad) {
    struct am_image_list caps = am_image_caps_of(image, ad);
    for (uint32_t i = 0; i < caps.count; i++) {
        enum am_model_record kind = am_image_cap_kind(caps.items[i]);
        mapped->periods[kind][mapped->what.period_counts[kind]++] =
            am_model_cap_period(caps.items[i]);
        mapped->what.periods[kind] = mapped->periods[kind];
    }
}

static void add_prices(struct map_ad *mapped,
                       const struct am_image *image,
                       uint32_t ad,
                       const struct bids *bids) {
    bool per_click = image->ads[ad].flags & AM_AD_CPC;
    if (bids->least > bids->highest)
        return;
    mapped->what.least_price = am_pace_price(per_click, (int64_t)bids->least);
    mapped->what.highest_price = am_pace_price(per_click, (int64_t)bids->highest);
    mapped->what.least_hold =
        am_pace_hold(per_click, mapped->what.least_price, image->details[ad].ctr);
}

/* Which records have limits, a bit each: LIMITS names them in order. */
struct limited {
    uint64_t *bits[AM_LEDGER_KINDS];
};

static bool find_limited(const struct am_image *image, struct limited *limited) {
    const uint64_t counts[AM_LEDGER_KINDS] = {
        image->advertiser_count, image->settings->campaign_count, image->settings->ad_count};
    bool found = true;
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        limited->bits[kind] = calloc(counts[kind] / 64 + 1, sizeof(uint64_t));
        found &= limited->bits[kind] != NULL;
    }
    for (uint64_t i = 0; found && i < image->limits_count; i++)
        limited->bits[image->limits[i].kind][image->limits[i].record / 64] |=
            UINT64_C(1) << image->limits[i].record % 64;
    return found;
}

static bool is_limited(const struct limited *limited, enum am_ledger_kind kind, uint32_t record) {
    return limited->bits[kind][record / 64] >> record % 64 & 1;
}

/* The index into ADVERTISERS, which are all terms of that kind, ascending. */
static uint32_t advertiser_index(const struct am_image *image, uint32_t term) {
    uint32_t low = 0, high = (uint32_t)image->advertiser_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (image->advertisers[middle] < term)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum am_code map_ad(struct am_delivery_map *map,
                           const struct am_image *image,
                           uint32_t ad,
                           const struct bids *bids,
                           const struct limited *limited,
                           struct am_error *error) {
    const struct am_image_ad *record = &image->ads[ad];
    uint32_t advertiser = advertiser_index(image, record->advertiser);
    struct map_ad mapped;
    memset(&mapped, 0, sizeof mapped);
    mapped.what.keys[AM_LEDGER_ADVERTISER] = am_image_key_of_advertiser(image, advertiser);
    mapped.what.limited[AM_LEDGER_ADVERTISER] =
        is_limited(limited, AM_LEDGER_ADVERTISER, advertiser);
    if (record->campaign != AM_NONE) {
        mapped.what.keys[AM_LEDGER_CAMPAIGN] = am_image_key_of_campaign(image, record->campaign);
        mapped.what.limited[AM_LEDGER_CAMPAIGN] =
            is_limited(limited, AM_LEDGER_CAMPAIGN, record->campaign);
    }
    mapped.what.keys[AM_LEDGER_AD] = am_image_key_of_ad(image, ad);
    mapped.what.limited[AM_LEDGER_AD] = is_limited(limited, AM_LEDGER_AD, ad);
    add_caps(&mapped, image, ad);
    add_prices(&mapped, image, ad, &bids[ad]);
    return am_delivery_map_put(map, ad, &mapped.what, error);
}

static enum am_code
map_ads(struct am_delivery_map *map, const struct am_image *image, struct am_error *error) {
    struct limited limited = {{NULL}};
    struct bids *bids = bids_of(image);
    enum am_code code = AM_OK;
    if (!find_limited(image, &limited) || !bids)
        code = am_error_set(error, AM_E_MEMORY, "out of memory: the map of ads to their budgets");
    for (uint32_t ad = 0; ad < image->settings->ad_count && code == AM_OK; ad++)
        code = map_ad(map, image, ad, bids, &limited, error);
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++)
        free(limited.bits[kind]);
    free(bids);
    return code;
}

enum am_code am_delivery_map_image(struct am_ledger *ledger,
                                   const struct am_image *image,
                                   struct am_delivery_map **made,
                                   struct am_error *error) {
    struct am_delivery_map *map = NULL;
    enum am_code code = am_delivery_map_begin(ledger, am_delivery_generation(image),
                                              image->settings->ad_count, &map, error);
    if (code == AM_OK)
        code = map_ads(map, image, error);
    if (code == AM_OK)
        code = am_delivery_map_commit(map, error);
    if (code == AM_OK)
        *made = map;
    else
        am_delivery_map_close(map);
    return code;
}
