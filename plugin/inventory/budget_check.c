/* SPDX-License-Identifier: Apache-2.0 */
/* What is allowed of budgets, pacing and caps, and seldom meant. Runs once all records are read,
 * and ads know their campaigns. */
#include "reader.h"

enum { DAY = 86400, LATE_SECONDS = 6 * 3600 };

/* A record to look at. */
struct subject {
    const char *kind;
    struct am_view id;
    uint32_t line;
    const struct am_inventory_delivery *delivery;
    struct am_view timezone;
    int64_t start, end; /* INT64_MIN, INT64_MAX: none */
    int64_t price;      /* the highest of the ads below it, nanos; 0: there are none */
};

static void begin(struct am_inventory_reader *reader, const struct subject *subject) {
    am_inventory_reader_label(reader, subject->kind, subject->id);
    reader->line = subject->line;
}

/* ---- amounts ----------------------------------------------------------------------------------
 */

static void check_price(struct am_inventory_reader *reader, const struct subject *subject) {
    const struct am_inventory_delivery *delivery = subject->delivery;
    const int64_t limits[] = {delivery->total[AM_UNIT_MONEY], delivery->daily[AM_UNIT_MONEY]};
    for (size_t i = 0; i < AM_COUNT_OF(limits); i++) {
        char limit[AM_DECIMAL_TEXT_SIZE], price[AM_DECIMAL_TEXT_SIZE];
        if (limits[i] == AM_BUDGET_NONE || limits[i] >= subject->price)
            continue;
        size_t limit_size = am_decimal_write(limits[i], 9, limit);
        size_t price_size = am_decimal_write(subject->price, 9, price);
        am_inventory_reader_warning(reader,
                                    "budget.%s: %.*s is below one price: an impression or click "
                                    "here costs up to %.*s, and does not run",
                                    i == 0 ? "total" : "daily", (int)limit_size, limit,
                                    (int)price_size, price);
    }
}

/* ---- days -------------------------------------------------------------------------------------
 */

static int64_t
local_time(const struct am_inventory_reader *reader, const struct subject *subject, int64_t time) {
    const struct am_timezones *zones = reader->options->zones;
    const struct am_timezone *zone =
        zones && subject->timezone.size ? am_timezone_find(zones, subject->timezone) : NULL;
    return time + am_timezone_offset(zone, time);
}

static int64_t day_of(int64_t local) {
    return local / DAY - (local % DAY < 0);
}

static bool has_daily(const struct am_inventory_delivery *delivery) {
    for (int unit = 0; unit < AM_UNITS; unit++)
        if (delivery->daily[unit] != AM_BUDGET_NONE)
            return true;
    return false;
}

static void check_days(struct am_inventory_reader *reader, const struct subject *subject) {
    static const char *const names[AM_UNITS] = {"budget", "budget.impressions", "budget.clicks"};
    if (subject->start == INT64_MIN || subject->end == INT64_MAX || subject->end <= subject->start)
        return;
    int64_t days = day_of(local_time(reader, subject, subject->end - 1)) -
                   day_of(local_time(reader, subject, subject->start)) + 1;
    for (int unit = 0; unit < AM_UNITS; unit++) {
        int64_t total = subject->delivery->total[unit], daily = subject->delivery->daily[unit];
        if (total == AM_BUDGET_NONE || daily == AM_BUDGET_NONE || daily >= total ||
            daily > (total - 1) / days)
            continue;
        am_inventory_reader_warning(reader,
                                    "%s: daily for the %lld days from start to end is less than "
                                    "total: the rest of total cannot be used",
                                    names[unit], (long long)days);
    }
}

static void check_first_day(struct am_inventory_reader *reader, const struct subject *subject) {
    if (subject->start == INT64_MIN || !has_daily(subject->delivery))
        return;
    int64_t local = local_time(reader, subject, subject->start);
    int64_t left = DAY - (local - day_of(local) * DAY);
    if (left > LATE_SECONDS)
        return;
    am_inventory_reader_warning(reader,
                                "start: late in its first day: the whole daily budget may be used "
                                "in the %lld minutes that are left of it",
                                (long long)((left + 59) / 60));
}

/* ---- pacing and caps --------------------------------------------------------------------------
 */

/* A total is paced until the record's end. */
static bool has_no_line(const struct am_inventory_delivery *delivery, int64_t end) {
    for (int unit = 0; unit < AM_UNITS; unit++)
        if (delivery->total[unit] != AM_BUDGET_NONE && delivery->daily[unit] == AM_BUDGET_NONE &&
            end == INT64_MAX)
            return true;
    return false;
}

static void check_pacing(struct am_inventory_reader *reader, const struct subject *subject) {
    const struct am_inventory_delivery *delivery = subject->delivery;
    if (delivery->has_pacing && !am_inventory_has_budget(delivery))
        am_inventory_reader_warning(reader, "pacing: there is no budget to pace here");
    else if (delivery->has_pacing && delivery->pacing != AM_PACING_ASAP &&
             has_no_line(delivery, subject->end))
        am_inventory_reader_warning(reader,
                                    "pacing: a total without an end is not paced: it is used as "
                                    "fast as it can be; give the record an end, or a daily budget");
    if (delivery->has_without_user && delivery->skips_without_user && delivery->cap_count == 0)
        am_inventory_reader_warning(reader,
                                    "without_user: \"skip\" has no effect without frequency_caps");
}

static void check_subject(struct am_inventory_reader *reader, const struct subject *subject) {
    begin(reader, subject);
    check_pacing(reader, subject);
    if (!am_inventory_has_budget(subject->delivery))
        return;
    check_price(reader, subject);
    check_days(reader, subject);
    check_first_day(reader, subject);
}

/* ---- records ----------------------------------------------------------------------------------
 */

static struct am_view or_else(struct am_view text, struct am_view otherwise) {
    return text.size ? text : otherwise;
}

static void check_advertiser(struct am_inventory_reader *reader, uint32_t index) {
    const struct am_inventory_advertiser *advertiser =
        AM_VECTOR_AT(&reader->advertisers, struct am_inventory_advertiser, index);
    const struct am_inventory_draft *draft =
        AM_VECTOR_AT(&reader->advertiser_drafts, struct am_inventory_draft, index);
    const struct subject subject = {
        .kind = "advertiser",
        .id = advertiser->id,
        .line = advertiser->line,
        .delivery = &advertiser->delivery,
        .timezone = or_else(advertiser->timezone, reader->inventory->timezone),
        .start = INT64_MIN,
        .end = INT64_MAX,
        .price = draft->price,
    };
    if (draft->bad)
        return;
    check_subject(reader, &subject);
    if (!draft->has_ads)
        am_inventory_reader_warning(reader, "no campaign or ad names it as its advertiser");
}

static struct subject subject_of(const char *kind,
                                 struct am_view id,
                                 const struct am_inventory_rules *rules,
                                 struct am_view zone_above,
                                 const struct am_inventory_draft *draft) {
    return (struct subject){
        .kind = kind,
        .id = id,
        .line = rules->line,
        .delivery = &rules->delivery,
        .timezone = or_else(rules->timezone, zone_above),
        .start = rules->start,
        .end = rules->end,
        .price = draft->price,
    };
}

static void check_campaign(struct am_inventory_reader *reader, uint32_t index) {
    const struct am_inventory_campaign *campaign =
        AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, index);
    const struct am_inventory_draft *draft =
        AM_VECTOR_AT(&reader->campaign_drafts, struct am_inventory_draft, index);
    const struct subject subject =
        subject_of("campaign", campaign->id, &campaign->rules, reader->inventory->timezone, draft);
    if (!draft->bad)
        check_subject(reader, &subject);
}

static void check_ad(struct am_inventory_reader *reader, uint32_t index) {
    const struct am_inventory_ad *ad = AM_VECTOR_AT(&reader->ads, struct am_inventory_ad, index);
    const struct am_inventory_draft *draft =
        AM_VECTOR_AT(&reader->ad_drafts, struct am_inventory_draft, index);
    const struct am_inventory_rules *above =
        ad->campaign == AM_NONE
            ? NULL
            : &AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, ad->campaign)->rules;
    struct am_view zone = reader->inventory->timezone;
    struct subject subject =
        subject_of("ad", ad->id, &ad->rules, above ? or_else(above->timezone, zone) : zone, draft);
    if (draft->bad)
        return;
    if (above && above->start > subject.start)
        subject.start = above->start;
    if (above && above->end < subject.end)
        subject.end = above->end;
    check_subject(reader, &subject);
    if (am_inventory_has_budget(subject.delivery) &&
        (ad->keyword_count == 0 || subject.end <= subject.start))
        am_inventory_reader_warning(reader, "budget: this ad can never win: %s",
                                    ad->keyword_count == 0
                                        ? "it has no keyword"
                                        : "its times and its campaign's have no moment in common");
}

void am_inventory_check_budgets(struct am_inventory_reader *reader) {
    if (!reader->has_delivery)
        return;
    for (uint32_t i = 0; i < reader->advertisers.count; i++)
        check_advertiser(reader, i);
    for (uint32_t i = 0; i < reader->campaigns.count; i++)
        check_campaign(reader, i);
    for (uint32_t i = 0; i < reader->ads.count; i++)
        check_ad(reader, i);
}
