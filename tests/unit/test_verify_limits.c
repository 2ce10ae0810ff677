/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check of budgets and frequency caps: images made by hand, each with one fault. */
#include "faults.h"

#include "../../plugin/model/week.h"

/* A budget of the campaign, in hours and by a curve of its own, and caps of both records. */
static void limits_and_caps(struct image_writer *writer) {
    const uint32_t hours[] = {am_model_week_run(0, 60), am_model_week_run(120, 180)};
    const uint32_t caps[] = {
        am_image_cap(AM_RECORD_CAMPAIGN, true, am_model_cap(30, 1)),
        am_image_cap(AM_RECORD_AD, false, am_model_cap(AM_CAP_LIFETIME, 1000))};
    uint32_t weights[AM_CURVE_HOURS];
    for (int i = 0; i < AM_CURVE_HOURS; i++)
        weights[i] = AM_CURVE_WEIGHT_MAX;
    const struct am_image_limits limits = {
        .total = {5000, AM_BUDGET_NONE, AM_BUDGET_NONE},
        .daily = {AM_BUDGET_NONE, 100, AM_BUDGET_NONE},
        .start = 0,
        .end = INT64_MAX,
        .kind = AM_RECORD_CAMPAIGN,
        .curve = AM_CURVE_GIVEN,
        .timezone = image_writer_string(writer, AM_VIEW("UTC")),
        .hours = image_writer_list(writer, hours, AM_COUNT_OF(hours)),
        .weights = image_writer_list(writer, weights, AM_CURVE_HOURS),
    };
    image_writer_add(writer, AM_SECTION_LIMITS, &limits);
    am_image_list_ref list = image_writer_list(writer, caps, AM_COUNT_OF(caps));
    image_writer_add(writer, AM_SECTION_AD_CAPS, &list);
    image_writer_add(writer, AM_SECTION_AD_CAPS, &(am_image_list_ref){0});
    image_writer_at(writer, AM_SECTION_ADS, struct am_image_ad, 0)->flags |= AM_AD_CAPPED;
}

static struct am_image_limits *limits_of(struct image_writer *writer) {
    return AT(writer, LIMITS, limits, 0);
}

static void set_hours(struct image_writer *writer, uint32_t begin, uint32_t end) {
    uint32_t run = am_model_week_run(begin, end);
    am_image_list_ref list = image_writer_list(writer, &run, 1);
    limits_of(writer)->hours = list;
}

/* `second` may be 0: there is only one. */
static void set_caps(struct image_writer *writer, uint32_t ad, uint32_t first, uint32_t second) {
    const uint32_t caps[] = {first, second};
    am_image_list_ref list = image_writer_list(writer, caps, second ? 2 : 1);
    *image_writer_at(writer, AM_SECTION_AD_CAPS, am_image_list_ref, ad) = list;
}

static void set_many_caps(struct image_writer *writer) {
    uint32_t caps[AM_RECORD_CAPS_MAX + 1];
    for (uint32_t i = 0; i <= AM_RECORD_CAPS_MAX; i++)
        caps[i] = am_image_cap(AM_RECORD_AD, false, am_model_cap(i + 1, 1));
    am_image_list_ref list = image_writer_list(writer, caps, AM_RECORD_CAPS_MAX + 1);
    *image_writer_at(writer, AM_SECTION_AD_CAPS, am_image_list_ref, 0) = list;
}

static void amount_below_none(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->total[AM_UNIT_CLICKS] = -2;
}

static void impressions_above_the_limit(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->daily[AM_UNIT_IMPRESSIONS] = AM_BUDGET_MAX + 1;
}

static void money_above_the_limit(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->total[AM_UNIT_MONEY] = AM_BUDGET_MAX * 1000000000 + 1;
}

static void limits_without_a_budget(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->total[AM_UNIT_MONEY] = AM_BUDGET_NONE;
    limits_of(writer)->daily[AM_UNIT_IMPRESSIONS] = AM_BUDGET_NONE;
}

static void limits_of_no_kind(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->kind = AM_RECORDS;
}

static void limits_of_no_pacing(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->pacing = AM_PACINGS;
}

static void limits_of_no_curve(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->curve = AM_CURVES;
}

static void limits_of_no_record(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->record = 1;
}

static void limits_of_no_advertiser(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->kind = AM_RECORD_ADVERTISER;
    limits_of(writer)->record = 9;
}

static void limits_that_end_after_all_years(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->end = AM_TIME_MAX + 1;
}

static void limits_in_no_time_zone(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->timezone = string_of_size(writer, AM_ID_MAX_BYTES + 1);
}

static void hours_beyond_the_week(struct image_writer *writer) {
    limits_and_caps(writer);
    set_hours(writer, 60, AM_WEEK_MINUTES + 1);
}

static void hours_that_end_before_they_begin(struct image_writer *writer) {
    limits_and_caps(writer);
    set_hours(writer, 60, 59);
}

static void hours_without_a_minute(struct image_writer *writer) {
    limits_and_caps(writer);
    set_hours(writer, 0, 0);
}

static void hours_without_a_minute_later(struct image_writer *writer) {
    limits_and_caps(writer);
    set_hours(writer, 60, 60);
}

static void curve_of_one_weight(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->weights = sample_list_of(writer, 1);
}

static void flat_curve_with_weights(struct image_writer *writer) {
    limits_and_caps(writer);
    limits_of(writer)->curve = AM_CURVE_FLAT;
}

static void limits_twice(struct image_writer *writer) {
    limits_and_caps(writer);
    struct am_image_limits again = *limits_of(writer);
    image_writer_add(writer, AM_SECTION_LIMITS, &again);
}

static void limits_of_an_ad_behind_its_campaign(struct image_writer *writer) {
    limits_and_caps(writer);
    struct am_image_limits again = *limits_of(writer);
    again.kind = AM_RECORD_AD;
    image_writer_add(writer, AM_SECTION_LIMITS, &again);
}

static void caps_that_descend(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, am_image_cap(AM_RECORD_AD, false, am_model_cap(2, 1)),
             am_image_cap(AM_RECORD_AD, false, am_model_cap(1, 1)));
}

static void cap_of_nothing(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, am_image_cap(AM_RECORD_AD, false, am_model_cap(1, 0)), 0);
}

static void cap_of_too_much(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, am_image_cap(AM_RECORD_AD, false, am_model_cap(1, 1001)), 0);
}

static void cap_of_no_time(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, am_image_cap(AM_RECORD_AD, false, am_model_cap(0, 1)), 0);
}

static void cap_of_too_long(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, am_image_cap(AM_RECORD_AD, false, am_model_cap(AM_CAP_PERIOD_MAX + 1, 1)),
             0);
}

static void cap_of_no_kind(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 0, UINT32_C(3) << 30 | am_model_cap(1, 1), 0);
}

static void cap_of_a_campaign_without_one(struct image_writer *writer) {
    limits_and_caps(writer);
    set_caps(writer, 1, am_image_cap(AM_RECORD_CAMPAIGN, false, am_model_cap(1, 1)), 0);
    AT(writer, ADS, ad, 1)->flags |= AM_AD_CAPPED;
}

static void caps_without_a_flag(struct image_writer *writer) {
    limits_and_caps(writer);
    AT(writer, ADS, ad, 0)->flags = 0;
}

static void flag_without_caps(struct image_writer *writer) {
    limits_and_caps(writer);
    AT(writer, ADS, ad, 1)->flags |= AM_AD_CAPPED;
}

static void too_many_caps_of_a_record(struct image_writer *writer) {
    limits_and_caps(writer);
    set_many_caps(writer);
}

static void settings_of_no_unique(struct image_writer *writer) {
    writer->settings.unique = AM_UNIQUES;
}

static void caps_of_one_ad(struct image_writer *writer) {
    limits_and_caps(writer);
    writer->sections[AM_SECTION_AD_CAPS].count = 1;
}

static const struct fault faults[] = {
    WRITER(limits_and_caps, SOUND),
    WRITER(settings_of_no_unique, "unique is out of range"),
    WRITER(caps_of_one_ad, "its settings count other records than its sections have"),
    WRITER(amount_below_none, "an amount out of range"),
    WRITER(impressions_above_the_limit, "an amount out of range"),
    WRITER(money_above_the_limit, "an amount out of range"),
    WRITER(limits_without_a_budget, "no budget"),
    WRITER(limits_of_no_kind, "an unknown kind, pacing or curve"),
    WRITER(limits_of_no_pacing, "an unknown kind, pacing or curve"),
    WRITER(limits_of_no_curve, "an unknown kind, pacing or curve"),
    WRITER(limits_of_no_record, "no such record"),
    WRITER(limits_of_no_advertiser, "no such record"),
    WRITER(limits_that_end_after_all_years, "its start or end is in no year from 0 to 9999"),
    WRITER(limits_in_no_time_zone, "its time zone is no name"),
    WRITER(hours_beyond_the_week, "its hours are no ascending runs of a week"),
    WRITER(hours_that_end_before_they_begin, "its hours are no ascending runs of a week"),
    WRITER(hours_without_a_minute, SOUND),
    WRITER(hours_without_a_minute_later, "its hours are no ascending runs of a week"),
    WRITER(curve_of_one_weight, "its curve is no 168 weights"),
    WRITER(flat_curve_with_weights, "its curve is no 168 weights"),
    WRITER(limits_twice, "its records do not ascend"),
    WRITER(limits_of_an_ad_behind_its_campaign, SOUND),
    WRITER(caps_that_descend, "its caps are no ascending list"),
    WRITER(cap_of_nothing, "a cap out of range"),
    WRITER(cap_of_too_much, "a cap out of range"),
    WRITER(cap_of_no_time, "a cap out of range"),
    WRITER(cap_of_too_long, "a cap out of range"),
    WRITER(cap_of_no_kind, "a cap out of range"),
    WRITER(cap_of_a_campaign_without_one, "a cap out of range"),
    WRITER(caps_without_a_flag, "its flag of caps is wrong"),
    WRITER(flag_without_caps, "its flag of caps is wrong"),
    WRITER(too_many_caps_of_a_record, "too many caps of a record"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
