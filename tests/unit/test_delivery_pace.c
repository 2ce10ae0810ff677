/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of budgets: against sums over every second, and numbers of the contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/delivery/pace.h"

static struct am_timezones *zones;

static const struct am_timezone *zone_of(const char *name) {
    return am_timezone_find(zones, am_view_of(name));
}

static uint32_t random_below(uint32_t bound) {
    static uint64_t state = 1;
    state = (uint64_t)((unsigned __int128)state * 6364136223846793005u + 1442695040888963407u);
    return (uint32_t)(state >> 33) % bound;
}

/* ---- prices, holds, lines ---------------------------------------------------------------------
 */

static void a_cpm_in_micros_is_the_nanos_of_one_impression(void **state) {
    (void)state;
    assert_int_equal(am_pace_price(false, 1250000), 1250000);
    assert_int_equal(am_pace_price(true, 1250000), 1250000000);
}

static void a_click_is_held_by_its_expected_price_rounded_up(void **state) {
    (void)state;
    assert_int_equal(am_pace_hold(false, 1250000, 77), 1250000);
    assert_int_equal(am_pace_hold(true, 1250000000, 10000), 12500000);
    assert_int_equal(am_pace_hold(true, 1000001, 1), 2);
    assert_int_equal(am_pace_hold(true, 1, 1), 1);
    assert_int_equal(am_pace_hold(true, 0, 1000000), 0);
    assert_int_equal(am_pace_hold(true, INT64_C(1000000000000000), 1000000),
                     INT64_C(1000000000000000));
}

static void a_line_goes_from_its_anchor_to_the_limit(void **state) {
    (void)state;
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 100, 0, 10), 100);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 100, 3, 10), 370);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 100, 10, 10), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 100, 11, 10), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 1000, 1, 10), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 2000, 1, 10), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, 0, 5, 0), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 10, 0, 1, 3), 3);
    assert_int_equal(am_pace_line(AM_PACE_ASAP, 1000, 0, 0, 10), 1000);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 0, 0, 0, 10), 0);
    assert_int_equal(am_pace_line(AM_PACE_EVEN, 1000, -500, 5, 10), 250);
}

static void frontloaded_truncates_twice(void **state) {
    (void)state;
    /* e = 333, then 333 + 333 x 2 / 6 = 333 + 111 */
    assert_int_equal(am_pace_line(AM_PACE_FRONTLOADED, 1000, 0, 1, 3), 444);
    assert_int_equal(am_pace_line(AM_PACE_FRONTLOADED, 1000, 0, 3, 3), 1000);
    for (uint64_t a = 0; a <= 1000; a++)
        assert_in_range(am_pace_line(AM_PACE_FRONTLOADED, 1000, 0, a, 1000),
                        am_pace_line(AM_PACE_EVEN, 1000, 0, a, 1000), 1000);
}

static void the_largest_numbers_do_not_overflow(void **state) {
    (void)state;
    int64_t limit = INT64_C(9000000000) * 1000000000;
    uint64_t b = UINT64_MAX / 2;
    assert_int_equal(am_pace_line(AM_PACE_EVEN, limit, 0, b / 2, b), limit / 2 - 1);
    assert_int_equal(am_pace_line(AM_PACE_FRONTLOADED, limit, 0, b - 1, b), limit - 1);
    assert_int_equal(am_pace_hold(true, limit, 1000000), limit);
}

static void slack_is_two_prices_or_a_five_hundredth(void **state) {
    (void)state;
    assert_int_equal(am_pace_slack(1, 1000), 2);
    assert_int_equal(am_pace_slack(1, 1499), 2);
    assert_int_equal(am_pace_slack(1, 1500), 3);
    assert_int_equal(am_pace_slack(2, 1500), 4);
    assert_int_equal(am_pace_slack(5, 1500), 10);
    assert_int_equal(am_pace_slack(0, 499), 0);
    assert_int_equal(am_pace_lead(149), 2);
}

/* ---- weights ----------------------------------------------------------------------------------
 */

static bool minute_runs(const struct am_pace_schedule *schedule, int64_t time) {
    if (!schedule->hours)
        return true;
    int64_t local = time + am_timezone_offset(schedule->hours_zone, time) + INT64_C(3) * 86400;
    int64_t minute = local / 60 % AM_PACE_WEEK_MINUTES;
    return schedule->hours->bits[minute / 64] >> (minute % 64) & 1;
}

/* The weight of one second, from its definition. */
static uint64_t weight_at(const struct am_pace_schedule *schedule, int64_t time) {
    if (!minute_runs(schedule, time))
        return 0;
    return schedule->weights ? schedule->weights[am_timezone_week_minute(schedule->zone, time) / 60]
                             : 1;
}

static void fill_schedule(struct am_pace_schedule *schedule,
                          uint32_t weights[AM_PACE_HOURS],
                          struct am_pace_hours *hours) {
    static const char *const names[] = {
        "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
        "UTC",          "Pacific/Apia"};
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = 1 + random_below(1000);
    for (unsigned i = 0; i < sizeof hours->bits / sizeof *hours->bits; i++)
        hours->bits[i] = (uint64_t)random_below(UINT32_MAX) << 32 | random_below(UINT32_MAX);
    *schedule = (struct am_pace_schedule){
        .weights = random_below(4) ? weights : NULL,
        .zone = zone_of(names[random_below(6)]),
        .hours = random_below(2) ? hours : NULL,
        .hours_zone = zone_of(names[random_below(6)]),
    };
}

/* Around changes of the clock in 2026, and one that skipped a day in 2011. */
static int64_t random_start(void) {
    static const int64_t changes[] = {1774746000, 1792890000, 1772953200, 1793512800,
                                      1775313000, 1791037800, 1325239200, 1796083200};
    return changes[random_below(8)] - random_below(100000);
}

static void the_integral_is_the_sum_over_all_seconds(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    struct am_pace_hours hours;
    struct am_pace_schedule schedule;
    for (unsigned round = 0; round < 60; round++) {
        fill_schedule(&schedule, weights, &hours);
        int64_t from = random_start(), to = from + random_below(round % 10 ? 200000 : 1500000);
        uint64_t sum = 0;
        for (int64_t time = from; time < to; time++)
            sum += weight_at(&schedule, time);
        assert_true(am_pace_weigh(&schedule, from, to) == sum);
        assert_true(am_pace_weigh(&schedule, to, from) == 0);
        int64_t end, time = from + random_below(200000);
        uint32_t weight = am_pace_weight(&schedule, time, &end);
        assert_in_range(end - time, 1, 3600);
        for (int64_t second = time; second < end; second++)
            assert_true(weight_at(&schedule, second) == weight);
    }
}

static void integrals_over_centuries_add_up(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    struct am_pace_hours hours;
    struct am_pace_schedule schedule;
    for (unsigned round = 0; round < 20; round++) {
        fill_schedule(&schedule, weights, &hours);
        int64_t from = random_start(), to = INT64_C(253402300799);
        int64_t middle = from + random_below(UINT32_MAX);
        assert_true(am_pace_weigh(&schedule, from, to) ==
                    am_pace_weigh(&schedule, from, middle) + am_pace_weigh(&schedule, middle, to));
    }
}

static void heavy_curves_are_halved_until_they_fit(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = i ? i * 10 : 1;
    weights[5] = 100000000;
    am_pace_fit(weights);
    assert_int_equal(weights[5], 25000000);
    assert_int_equal(weights[0], 1);
    assert_int_equal(weights[100], 250);
    am_pace_fit(weights);
    assert_int_equal(weights[5], 25000000);
}

/* ---- days -------------------------------------------------------------------------------------
 */

static void days_begin_with_the_first_second_of_their_date(void **state) {
    (void)state;
    static const char *const names[] = {"Europe/Paris",      "America/New_York", "Asia/Beirut",
                                        "America/Sao_Paulo", "Pacific/Apia",     "America/St_Johns",
                                        "Asia/Gaza",         "America/Havana",   "UTC"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const struct am_timezone *zone = zone_of(names[i]);
        int64_t previous = am_pace_day_start(zone, 14600);
        for (int64_t day = 14601; day < 21000; day++) {
            int64_t start = am_pace_day_start(zone, day);
            assert_true(start >= previous);
            /* The date comes at that second, and not a second before. */
            assert_true((start + am_timezone_offset(zone, start)) / 86400 >= day);
            assert_true((start - 1 + am_timezone_offset(zone, start - 1)) / 86400 < day);
            assert_true(am_pace_day(zone, start) >= day);
            assert_true(am_pace_day(zone, start - 1) < day);
            previous = start;
        }
    }
}

static void days_of_23_and_25_hours(void **state) {
    (void)state;
    const struct am_timezone *paris = zone_of("Europe/Paris");
    int64_t spring = am_pace_day(paris, 1774746000), autumn = am_pace_day(paris, 1792890000);
    assert_int_equal(am_pace_day_start(paris, spring + 1) - am_pace_day_start(paris, spring),
                     23 * 3600);
    assert_int_equal(am_pace_day_start(paris, autumn + 1) - am_pace_day_start(paris, autumn),
                     25 * 3600);
}

static void a_skipped_date_has_no_seconds(void **state) {
    (void)state;
    const struct am_timezone *apia = zone_of("Pacific/Apia");
    int64_t skipped = 15338; /* 2011-12-30 */
    int64_t start = am_pace_day_start(apia, skipped);
    assert_int_equal(start, am_pace_day_start(apia, skipped + 1));
    assert_int_equal(am_pace_day(apia, start), skipped + 1);
    assert_int_equal(am_pace_day(apia, start - 1), skipped - 1);
}

static int load_zones(void **state) {
    (void)state;
    zones = am_timezones_load(NULL, NULL);
    return zones == NULL;
}

static int free_zones(void **state) {
    (void)state;
    am_timezones_free(zones);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cpm_in_micros_is_the_nanos_of_one_impression),
        cmocka_unit_test(a_click_is_held_by_its_expected_price_rounded_up),
        cmocka_unit_test(a_line_goes_from_its_anchor_to_the_limit),
        cmocka_unit_test(frontloaded_truncates_twice),
        cmocka_unit_test(the_largest_numbers_do_not_overflow),
        cmocka_unit_test(slack_is_two_prices_or_a_five_hundredth),
        cmocka_unit_test(the_integral_is_the_sum_over_all_seconds),
        cmocka_unit_test(integrals_over_centuries_add_up),
        cmocka_unit_test(heavy_curves_are_halved_until_they_fit),
        cmocka_unit_test(days_begin_with_the_first_second_of_their_date),
        cmocka_unit_test(days_of_23_and_25_hours),
        cmocka_unit_test(a_skipped_date_has_no_seconds),
    };
    return cmocka_run_group_tests(tests, load_zones, free_zones);
}
