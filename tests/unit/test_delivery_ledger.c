/* SPDX-License-Identifier: Apache-2.0 */
/* Terms, windows, anchors and lines, in simulated time. */
#include "delivery.h"

static struct test_ledger test;

static int start(void **state) {
    (void)state;
    test_start(&test, DAY0);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_stop(&test);
    return 0;
}

static struct am_ledger_terms daily(const char *id, int64_t budget) {
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, id);
    terms.budgets[AM_LEDGER_MONEY].daily = budget;
    return terms;
}

static struct am_ledger_limit_state money(const char *id) {
    return test_read(&test, AM_LEDGER_CAMPAIGN, id).limits[AM_LEDGER_MONEY];
}

/* Shows an ad until it is stopped, at most `most` times; how often. */
static uint32_t show(int64_t price, int64_t now, uint32_t most) {
    uint32_t shown = 0;
    uint64_t sequence;
    for (; shown < most && test_place(&test, 0, price, now, &sequence) <= AM_DELIVERY_LEAD; shown++)
        assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, price, now),
                         AM_LEDGER_CHARGED);
    return shown;
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static void a_daily_budget_earns_its_share_of_the_day(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    assert_int_equal(money("c").line, 0);
    test_step(&test, DAY0 + HOURS(6));
    assert_int_equal(money("c").line, 6 * UNIT);
    test_step(&test, DAY0 + HOURS(24) - 1);
    assert_int_equal(money("c").line, 24 * UNIT - (24 * UNIT + 86399) / 86400);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").line, 0);
    test_step(&test, DAY0 + HOURS(36));
    assert_int_equal(money("c").line, 12 * UNIT);
}

static void a_campaign_made_at_noon_has_its_whole_budget_for_the_rest_of_the_day(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    test_step(&test, DAY0 + HOURS(12));
    test_publish(&test, &terms, 1, DAY0 + HOURS(12));
    test_step(&test, DAY0 + HOURS(18));
    assert_int_equal(money("c").line, 12 * UNIT);
}

static void a_window_begins_at_its_start_and_ends_at_its_end(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.start = DAY0 + HOURS(8);
    terms.end = DAY0 + HOURS(12);
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(7));
    assert_int_equal(money("c").line, 0);
    test_step(&test, DAY0 + HOURS(9));
    assert_int_equal(money("c").line, 6 * UNIT);
    test_step(&test, DAY0 + HOURS(12));
    assert_int_equal(money("c").line, 24 * UNIT);
}

static void a_flight_is_paced_from_start_to_end(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY].total = 100 * UNIT;
    terms.start = DAY0;
    terms.end = DAY0 + HOURS(100);
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(50));
    assert_int_equal(money("c").line, 50 * UNIT);
    test_step(&test, DAY0 + HOURS(99));
    assert_int_equal(money("c").line, 99 * UNIT);
    test_step(&test, DAY0 + HOURS(101));
    assert_int_equal(money("c").line, 100 * UNIT);
}

static void a_window_without_end_has_no_line(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_CAMPAIGN, "c"),
                                      test_terms(AM_LEDGER_ADVERTISER, "v")};
    terms[0].budgets[AM_LEDGER_MONEY].total = 100 * UNIT;
    terms[1].budgets[AM_LEDGER_MONEY].total = 100 * UNIT;
    terms[1].end = DAY0 + HOURS(100);
    test_publish(&test, terms, 2, DAY0);
    assert_int_equal(money("c").line, 100 * UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_ADVERTISER, "v").limits[0].line, 100 * UNIT);
}

static void an_advertisers_day_is_paced(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_ADVERTISER, "v");
    terms.budgets[AM_LEDGER_MONEY].daily = 24 * UNIT;
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(3));
    assert_int_equal(test_read(&test, AM_LEDGER_ADVERTISER, "v").limits[0].line, 3 * UNIT);
}

static void asap_has_no_line_and_frontloaded_a_steep_one(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {daily("asap", 24 * UNIT), daily("front", 24 * UNIT)};
    terms[0].budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    terms[1].budgets[AM_LEDGER_MONEY].pacing = AM_PACE_FRONTLOADED;
    test_publish(&test, terms, 2, DAY0);
    assert_int_equal(money("asap").line, 24 * UNIT);
    test_step(&test, DAY0 + HOURS(12));
    assert_int_equal(money("front").line, 15 * UNIT);
}

static void each_unit_has_a_limit_of_its_own(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.budgets[AM_LEDGER_IMPRESSIONS].daily = 24;
    terms.budgets[AM_LEDGER_CLICKS].daily = 24;
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(1) + 1);
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.limits[AM_LEDGER_IMPRESSIONS].line, 1);
    assert_int_equal(record.limits[AM_LEDGER_CLICKS].line, INT64_C(24000000) * 3601 / 86400);
}

/* ---- curves -----------------------------------------------------------------------------------
 */

static void a_given_curve_weighs_local_hours(void **state) {
    (void)state;
    uint16_t weights[AM_PACE_HOURS];
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = i % 24 < 12 ? 3 : 1;
    struct am_ledger_terms terms = daily("c", 48 * UNIT);
    terms.zone = AM_VIEW("Europe/Paris");
    terms.curve = (struct am_pace_curve_spec){.kind = AM_PACE_GIVEN, .weights = weights};
    test_publish(&test, &terms, 1, DAY0 - HOURS(1));
    test_step(&test, DAY0 - HOURS(1) + HOURS(6));
    assert_int_equal(money("c").line, 18 * UNIT);
    test_step(&test, DAY0 - HOURS(1) + HOURS(12));
    assert_int_equal(money("c").line, 36 * UNIT);
    test_step(&test, DAY0 - HOURS(1) + HOURS(18));
    assert_int_equal(money("c").line, 42 * UNIT);
}

static void hours_outside_of_the_targeting_weigh_nothing(void **state) {
    (void)state;
    struct am_pace_hours hours = {{0}};
    for (unsigned day = 0; day < 7; day++)
        for (unsigned minute = 9 * 60; minute < 17 * 60; minute++)
            hours.bits[(day * 1440 + minute) / 64] |= UINT64_C(1) << ((day * 1440 + minute) % 64);
    struct am_ledger_terms terms = daily("c", 8 * UNIT);
    terms.curve.hours = &hours;
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(9));
    assert_int_equal(money("c").line, 0);
    test_step(&test, DAY0 + HOURS(13));
    assert_int_equal(money("c").line, 4 * UNIT);
    test_step(&test, DAY0 + HOURS(17));
    assert_int_equal(money("c").line, 8 * UNIT);
}

static void the_traffic_curve_is_read_when_a_window_begins(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.curve.kind = AM_PACE_TRAFFIC;
    test_publish(&test, &terms, 1, DAY0);
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = i % 24 < 12 ? 3 : 1;
    am_ledger_traffic_set(test.ledger, weights);
    test_step(&test, DAY0 + HOURS(6));
    assert_int_equal(money("c").line, 6 * UNIT);
    test_step(&test, DAY0 + HOURS(24));
    test_step(&test, DAY0 + HOURS(24 + 6));
    assert_int_equal(money("c").line, 9 * UNIT);
}

static void a_flight_reads_the_traffic_curve_at_midnight_and_goes_on(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY].total = 48 * UNIT;
    terms.end = DAY0 + HOURS(48);
    terms.curve.kind = AM_PACE_TRAFFIC;
    test_publish(&test, &terms, 1, DAY0);
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = i % 24 < 12 ? 3 : 1;
    am_ledger_traffic_set(test.ledger, weights);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").line, 24 * UNIT);
    test_step(&test, DAY0 + HOURS(24 + 6));
    assert_int_equal(money("c").line, 33 * UNIT);
    test_step(&test, DAY0 + HOURS(48));
    assert_int_equal(money("c").line, 48 * UNIT);
}

static void traffic_is_learned_by_hour_of_the_week(void **state) {
    (void)state;
    uint32_t weights[AM_PACE_HOURS];
    for (int64_t hour = 0; hour < 168; hour++) {
        am_ledger_traffic(test.ledger, weights);
        for (unsigned i = 0; i < AM_PACE_HOURS; i++)
            assert_int_equal(weights[i], 1);
        for (int64_t i = 0; i < hour % 24; i++)
            am_delivery_begin(test.worker, DAY0 + HOURS(hour));
        for (int64_t second = 1; second <= 3600; second++) {
            struct am_ledger_step_report report;
            am_ledger_step(test.ledger, test.worker, DAY0 + HOURS(hour) + second, &report, NULL);
        }
    }
    am_ledger_traffic(test.ledger, weights);
    /* DAY0 is a Tuesday; an hour without decisions counts 1 */
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        assert_int_equal(weights[(24 + hour) % 168], hour % 24 ? hour % 24 : 1);
}

/* ---- anchors ----------------------------------------------------------------------------------
 */

static void a_swap_that_changes_nothing_moves_no_line(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.curve.kind = AM_PACE_TRAFFIC;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(6));
    assert_int_equal(show(UNIT, DAY0 + HOURS(6), 3), 3);
    test_publish(&test, &terms, 1, DAY0 + HOURS(6));
    test_step(&test, DAY0 + HOURS(12));
    assert_int_equal(money("c").line, 12 * UNIT);
}

static void a_changed_limit_is_anchored_at_what_is_used(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(12));
    assert_int_equal(show(UNIT, DAY0 + HOURS(12), 3), 3);
    terms.budgets[AM_LEDGER_MONEY].daily = 27 * UNIT;
    test_publish(&test, &terms, 1, DAY0 + HOURS(12));
    assert_int_equal(money("c").line, 3 * UNIT);
    test_step(&test, DAY0 + HOURS(18));
    assert_int_equal(money("c").line, 15 * UNIT);
}

static void every_change_of_the_window_anchors(void **state) {
    (void)state;
    enum { PACING, START, END, CURVE, HOURS_OF_DAY, TOTAL, CHANGES };
    static const uint16_t weights[AM_PACE_HOURS] = {1};
    static const struct am_pace_hours hours = {{1}};
    for (unsigned change = 0; change < CHANGES; change++) {
        char id[8];
        snprintf(id, sizeof id, "c%u", change);
        struct am_ledger_terms terms = daily(id, 24 * UNIT);
        test_step(&test, DAY0);
        test_publish(&test, &terms, 1, DAY0);
        test_step(&test, DAY0 + HOURS(6));
        assert_int_equal(money(id).line, 6 * UNIT);
        if (change == PACING)
            terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_FRONTLOADED;
        if (change == START)
            terms.start = DAY0 + HOURS(1);
        if (change == END)
            terms.end = DAY0 + HOURS(23);
        if (change == CURVE)
            terms.curve = (struct am_pace_curve_spec){.kind = AM_PACE_GIVEN, .weights = weights};
        if (change == HOURS_OF_DAY)
            terms.curve.hours = &hours;
        if (change == TOTAL)
            terms.budgets[AM_LEDGER_MONEY].total = 1000 * UNIT;
        test_publish(&test, &terms, 1, DAY0 + HOURS(6));
        if (change == CURVE || change == HOURS_OF_DAY)
            assert_int_equal(money(id).line, 24 * UNIT); /* nothing weighs any more */
        else
            assert_int_equal(money(id).line, 0);
    }
}

static void a_pause_that_is_lifted_anchors_all_below(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_ADVERTISER, "v"), daily("c", 24 * UNIT),
                                      test_terms(AM_LEDGER_AD, "a0"), daily("other", 24 * UNIT)};
    terms[1].above = test_key(AM_LEDGER_ADVERTISER, "v");
    terms[2].above = test_key(AM_LEDGER_CAMPAIGN, "c");
    terms[2].budgets[AM_LEDGER_IMPRESSIONS].daily = 2400;
    terms[0].paused = true;
    test_publish(&test, terms, 4, DAY0);
    test_step(&test, DAY0 + HOURS(12));
    assert_int_equal(money("c").line, 12 * UNIT);
    terms[0].paused = false;
    struct am_error error = {.code = AM_OK};
    test_check(am_ledger_set(test.ledger, &terms[0], DAY0 + HOURS(12), NULL, &error), &error);
    assert_int_equal(money("c").line, 0);
    assert_int_equal(money("other").line, 12 * UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_AD, "a0").limits[AM_LEDGER_IMPRESSIONS].line, 0);
    test_step(&test, DAY0 + HOURS(18));
    assert_int_equal(money("c").line, 12 * UNIT);
}

static void a_new_zone_begins_with_its_next_midnight(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(10));
    assert_int_equal(show(UNIT, DAY0 + HOURS(10), 2), 2);
    terms.zone = AM_VIEW("America/New_York"); /* 05:00 there: its midnight is at 05:00Z */
    test_publish(&test, &terms, 1, DAY0 + HOURS(10));
    assert_int_equal(money("c").counted, 2 * UNIT);
    assert_int_equal(money("c").line, 2 * UNIT);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").counted, 2 * UNIT);
    assert_int_equal(money("c").line, 2 * UNIT + 22 * UNIT * 14 / 19);
    test_step(&test, DAY0 + HOURS(29));
    assert_int_equal(money("c").counted, 0);
    assert_int_equal(money("c").line, 0);
}

static void days_have_23_and_25_hours(void **state) {
    (void)state;
    static const struct {
        int64_t begin, hours;
    } days[] = {{1774738800, 23}, {1792879200, 25}}; /* 2026-03-29 and 2026-10-25 in Paris */
    for (unsigned i = 0; i < 2; i++) {
        char id[8];
        snprintf(id, sizeof id, "c%u", i);
        struct am_ledger_terms terms = daily(id, days[i].hours * UNIT);
        terms.zone = AM_VIEW("Europe/Paris");
        test_step(&test, days[i].begin);
        test_publish(&test, &terms, 1, days[i].begin);
        test_step(&test, days[i].begin + HOURS(10));
        assert_int_equal(money(id).line, 10 * UNIT);
        test_step(&test, days[i].begin + HOURS(days[i].hours) - 1);
        assert_true(money(id).line > (days[i].hours - 1) * UNIT);
        test_step(&test, days[i].begin + HOURS(days[i].hours));
        assert_int_equal(money(id).line, 0);
    }
}

/* ---- limits -----------------------------------------------------------------------------------
 */

static void what_is_left_of_the_total_bounds_the_day(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 10 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].total = 15 * UNIT;
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    assert_int_equal(show(UNIT, DAY0 + 1, 100), 10);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").limit, 5 * UNIT);
    assert_int_equal(show(UNIT, DAY0 + HOURS(24), 100), 5);
    test_step(&test, DAY0 + HOURS(48));
    assert_int_equal(money("c").limit, 0);
    assert_int_equal(show(UNIT, DAY0 + HOURS(48), 100), 0);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[AM_LEDGER_MONEY], 15 * UNIT);
}

static void a_limit_starts_with_what_was_counted(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    assert_int_equal(show(UNIT, DAY0 + 1, 7), 7);
    terms.budgets[AM_LEDGER_MONEY].total = 10 * UNIT;
    test_publish(&test, &terms, 1, DAY0 + 1);
    test_step(&test, DAY0 + 2);
    assert_int_equal(money("c").counted, 7 * UNIT);
    assert_int_equal(show(UNIT, DAY0 + 2, 100), 3);
}

static void lowered_raised_removed_and_put_back(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY] = (struct am_ledger_budget){10 * UNIT, NONE, AM_PACE_ASAP};
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    assert_int_equal(show(UNIT, DAY0 + 1, 8), 8);
    terms.budgets[AM_LEDGER_MONEY].total = 5 * UNIT; /* lowered below what is used: stopped */
    test_publish(&test, &terms, 1, DAY0 + 1);
    test_step(&test, DAY0 + 2);
    assert_int_equal(show(UNIT, DAY0 + 2, 100), 0);
    terms.budgets[AM_LEDGER_MONEY].total = 9 * UNIT;
    test_publish(&test, &terms, 1, DAY0 + 2);
    test_step(&test, DAY0 + 3);
    assert_int_equal(show(UNIT, DAY0 + 3, 100), 1);
    terms.budgets[AM_LEDGER_MONEY].total = NONE; /* removed */
    test_publish(&test, &terms, 1, DAY0 + 3);
    test_step(&test, DAY0 + 4);
    assert_int_equal(show(UNIT, DAY0 + 4, 100), 100);
    terms.budgets[AM_LEDGER_MONEY].total = 110 * UNIT; /* put back */
    test_publish(&test, &terms, 1, DAY0 + 4);
    test_step(&test, DAY0 + 5);
    assert_int_equal(money("c").counted, 109 * UNIT);
    assert_int_equal(show(UNIT, DAY0 + 5, 100), 1);
}

static void what_is_in_flight_when_a_limit_is_removed_and_put_back_is_still_held(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY] = (struct am_ledger_budget){10 * UNIT, NONE, AM_PACE_ASAP};
    uint64_t first, second, third;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    assert_int_equal(test_place(&test, 0, 6 * UNIT, DAY0 + 1, &first), AM_DELIVERY_LINE);
    terms.budgets[AM_LEDGER_MONEY].total = NONE;
    test_publish(&test, &terms, 1, DAY0 + 1);
    test_step(&test, DAY0 + 2);
    assert_int_equal(test_place(&test, 0, 6 * UNIT, DAY0 + 2, &second), AM_DELIVERY_LINE);
    terms.budgets[AM_LEDGER_MONEY].total = 10 * UNIT;
    test_publish(&test, &terms, 1, DAY0 + 2);
    test_step(&test, DAY0 + 3);
    assert_int_equal(money("c").reserved, 6 * UNIT);
    assert_int_equal(test_place(&test, 0, 6 * UNIT, DAY0 + 3, &third), AM_DELIVERY_BUDGET);
    /* The second one never had room: its event finds the first one's hold in the way. */
    assert_int_equal(test_event(&test, 0, second, AM_LEDGER_HOLD_IMPRESSION, 6 * UNIT, DAY0 + 3),
                     AM_LEDGER_NO_ROOM);
    assert_int_equal(test_event(&test, 0, first, AM_LEDGER_HOLD_IMPRESSION, 6 * UNIT, DAY0 + 3),
                     AM_LEDGER_CHARGED);
    assert_int_equal(money("c").counted, 6 * UNIT);
    assert_int_equal(money("c").reserved, 0);
}

/* ---- midnight ---------------------------------------------------------------------------------
 */

static void reservations_stay_over_midnight_and_count_on_the_day_they_come(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 10 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    uint64_t sequence;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(24) - 1);
    assert_int_equal(show(UNIT, DAY0 + HOURS(24) - 1, 4), 4);
    assert_int_equal(test_place(&test, 0, UNIT, DAY0 + HOURS(24) - 1, &sequence), AM_DELIVERY_LINE);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").counted, 0);
    assert_int_equal(money("c").before, 4 * UNIT);
    assert_int_equal(money("c").reserved, UNIT);
    assert_int_equal(
        test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + HOURS(24)),
        AM_LEDGER_CHARGED);
    assert_int_equal(money("c").counted, UNIT);
    assert_int_equal(money("c").reserved, 0);
    assert_int_equal(show(UNIT, DAY0 + HOURS(24), 100), 9);
}

static void an_event_decides_its_day_by_its_own_time(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 10 * UNIT);
    struct am_ledger_record_state record;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(24) - 1);
    /* The step of the new day has not come yet. */
    test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + HOURS(24));
    record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.today[AM_LEDGER_MONEY], UNIT);
    assert_int_equal(record.day, DAY0 / 86400 + 1);
    /* One that took its time before, and is charged after it, is of the new day, too. */
    struct am_ledger_event event = {.sequence = AM_LEDGER_NO_SEQUENCE,
                                    .time = DAY0 + HOURS(24) - 1,
                                    .amounts = {2 * UNIT, 1, 0}};
    am_delivery_cells(test.map, 0, event.cells);
    am_delivery_charge(test.worker, &event, "", 0, NULL);
    assert_int_equal(event.time, DAY0 + HOURS(24));
    am_ledger_count(test.worker, (struct am_ledger_position){0, 0});
    record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.today[AM_LEDGER_MONEY], 3 * UNIT);
    test_step(&test, DAY0 + HOURS(24 + 12));
    assert_int_equal(money("c").line, 5 * UNIT);
    assert_int_equal(money("c").counted, 3 * UNIT);
}

static void an_event_charged_before_midnight_and_folded_after_it_is_of_the_old_day(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 10 * UNIT);
    struct am_ledger_event event = {.sequence = AM_LEDGER_NO_SEQUENCE,
                                    .time = DAY0 + HOURS(24) - 1,
                                    .amounts = {2 * UNIT, 1, 0}};
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(24) - 1);
    am_delivery_cells(test.map, 0, event.cells);
    am_delivery_charge(test.worker, &event, "", 0, NULL);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").reserved, 2 * UNIT);
    am_ledger_count(test.worker, (struct am_ledger_position){0, 0});
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.today[AM_LEDGER_MONEY], 0);
    assert_int_equal(record.total[AM_LEDGER_MONEY], 2 * UNIT);
    assert_int_equal(record.limits[AM_LEDGER_MONEY].counted, 0);
    assert_int_equal(record.limits[AM_LEDGER_MONEY].before, 2 * UNIT);
    assert_int_equal(record.limits[AM_LEDGER_MONEY].reserved, 0);
}

/* ---- clocks -----------------------------------------------------------------------------------
 */

static void a_clock_that_steps_back_lowers_no_line(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(12));
    test_step(&test, DAY0 + HOURS(11));
    assert_int_equal(money("c").line, 12 * UNIT);
    test_step(&test, DAY0 + HOURS(12) + 1800);
    assert_int_equal(money("c").line, 12 * UNIT + UNIT / 2);
}

static void a_clock_that_steps_back_over_midnight_gives_no_second_budget(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(show(UNIT, DAY0 + HOURS(24), 100), 24);
    test_step(&test, DAY0 + HOURS(23));
    assert_int_equal(money("c").counted, 24 * UNIT);
    assert_int_equal(show(UNIT, DAY0 + HOURS(23), 100), 0);
    test_step(&test, DAY0 + HOURS(24)); /* the same midnight again */
    assert_int_equal(money("c").counted, 24 * UNIT);
    assert_int_equal(show(UNIT, DAY0 + HOURS(24), 100), 0);
    test_step(&test, DAY0 + HOURS(48));
    assert_int_equal(money("c").counted, 0);
    assert_int_equal(show(UNIT, DAY0 + HOURS(48), 100), 24);
}

/* The time that its log line gets. */
static int64_t time_of_event(int64_t now) {
    struct am_ledger_event event = {
        .sequence = AM_LEDGER_NO_SEQUENCE, .time = now, .amounts = {UNIT, 1, 0}};
    am_delivery_cells(test.map, 0, event.cells);
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, NULL), AM_LEDGER_CHARGED);
    am_ledger_count(test.worker, (struct am_ledger_position){0, 0});
    return event.time;
}

static void events_after_a_step_back_over_midnight_are_of_the_day_that_runs(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(24));
    test_step(&test, DAY0 + HOURS(1));
    assert_int_equal(time_of_event(DAY0 + HOURS(1)), DAY0 + HOURS(24));
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.day, DAY0 / 86400 + 1);
    assert_int_equal(record.today[AM_LEDGER_MONEY], UNIT);
    assert_int_equal(time_of_event(DAY0 + HOURS(25)), DAY0 + HOURS(25));
    assert_int_equal(money("c").counted, 2 * UNIT);
}

static void events_after_a_step_back_by_days_are_of_the_clocks_day(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(49));
    assert_int_equal(time_of_event(DAY0 + HOURS(49)), DAY0 + HOURS(49));
    test_step(&test, DAY0 + HOURS(1));
    assert_int_equal(time_of_event(DAY0 + HOURS(1)), DAY0 + HOURS(1));
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.day, DAY0 / 86400);
    assert_int_equal(record.today[AM_LEDGER_MONEY], 2 * UNIT);
}

static void a_jump_into_the_future_and_back_leaves_days_that_end(void **state) {
    (void)state;
    struct am_ledger_terms terms = daily("c", 24 * UNIT);
    uint64_t sequence;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(12));
    test_step(&test, DAY0 + DAYS(365 * 70));
    assert_int_equal(test_place(&test, 0, 1, DAY0 + DAYS(365 * 70), &sequence), AM_DELIVERY_LINE);
    test_step(&test, DAY0 + HOURS(12) + 2);
    test_step(&test, DAY0 + HOURS(12) + 63);
    assert_int_equal(money("c").reserved,
                     0); /* it expires as if decided when the clock came back */
    test_step(&test, DAY0 + HOURS(18));
    int64_t line = money("c").line;
    test_step(&test, DAY0 + HOURS(24));
    assert_int_equal(money("c").line, 0);
    assert_true(line > 11 * UNIT && line < 13 * UNIT);
}

/* ---- records ----------------------------------------------------------------------------------
 */

static void records_that_are_gone_are_kept_for_35_days_and_count_on(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {daily("c", 24 * UNIT), daily("other", UNIT)};
    test_publish(&test, terms, 2, DAY0);
    test_map(&test, NULL, "c", 1);
    test_publish(&test, terms + 1, 1, DAY0 + 1);
    assert_true(test_read(&test, AM_LEDGER_CAMPAIGN, "c").gone);
    test_step(&test, DAY0 + 2);
    test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 2);
    assert_int_equal(money("c").counted, UNIT);
    test_step(&test, DAY0 + DAYS(36));
    assert_int_equal(test.freed, 0); /* a map refers to it */
    test_map(&test, NULL, "other", 1);
    test_step(&test, DAY0 + DAYS(37));
    assert_int_equal(test.freed, 1);
    assert_int_equal(am_ledger_find(test.ledger, test_key(AM_LEDGER_CAMPAIGN, "c")),
                     AM_LEDGER_NO_CELL);
    assert_int_equal(money("other").daily, UNIT);
    test_publish(&test, terms, 2, DAY0 + DAYS(37));
    assert_int_equal(money("c").counted, 0);
}

static void records_come_and_go_and_their_room_is_used_again(void **state) {
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct am_ledger_terms terms[100];
        char ids[100][32];
        int64_t now = DAY0 + DAYS(40) * round;
        test_step(&test, now);
        for (unsigned i = 0; i < 100; i++) {
            snprintf(ids[i], sizeof ids[i], "%.*s%u-%u", (int)(i % 20), "xxxxxxxxxxxxxxxxxxxx",
                     round, i);
            terms[i] = daily(ids[i], UNIT);
            terms[i].budgets[i % 3].total = 100;
        }
        test_publish(&test, terms, 100, now);
        for (unsigned i = 0; i < 100; i++) {
            struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, ids[i]);
            assert_true(am_view_equal(record.id, am_view_of(ids[i])));
            assert_int_equal(record.limits[AM_LEDGER_MONEY].daily, UNIT);
        }
    }
    assert_in_range(am_ledger_cells(test.ledger), 100, 300);
    assert_int_equal(test.made, 4000);
}

static void a_full_ledger_refuses_records_and_closes_their_ads(void **state) {
    (void)state;
    char id[16];
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = ++test.published, .currency = "EUR"};
    uint32_t cell = 0;
    test_check(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error), &error);
    for (unsigned i = 0; i <= 1024; i++) {
        snprintf(id, sizeof id, "c%u", i);
        struct am_ledger_terms terms = daily(id, UNIT);
        enum am_code code = am_ledger_put(test.ledger, &terms, &cell, &error);
        assert_int_equal(code, i < 1024 ? AM_OK : AM_E_LIMIT);
    }
    am_ledger_publish_end(test.ledger);
    assert_int_equal(cell, AM_LEDGER_CLOSED_CELL);
    assert_non_null(strstr(error.message, "admatch-cells"));
    assert_non_null(strstr(error.message, "stop all instances, remove "));
    test_check(am_delivery_map_begin(test.ledger, 1, 2, &test.map, &error), &error);
    struct am_delivery_map_ad what = {.keys = {0, test_key(AM_LEDGER_CAMPAIGN, "c1024"), 0},
                                      .limited = {false, true, false}};
    test_check(am_delivery_map_put(test.map, 0, &what, &error), &error);
    what.limited[1] = false; /* without a budget it runs, and is not counted */
    test_check(am_delivery_map_put(test.map, 1, &what, &error), &error);
    test_check(am_delivery_map_commit(test.map, &error), &error);
    test_step(&test, DAY0 + 1);
    struct am_delivery_ask ask = {.price = 1};
    struct am_delivery_detail detail;
    assert_int_equal(am_delivery_gate(test.worker, test.map, 0, &ask, &detail), AM_DELIVERY_BUDGET);
    assert_int_equal(detail.reason, AM_DELIVERY_NO_CELL);
    assert_true(am_delivery_map_stopped(test.map, 0));
    assert_int_equal(am_delivery_gate(test.worker, test.map, 1, &ask, NULL), AM_DELIVERY_LINE);
}

/* ---- given state ------------------------------------------------------------------------------
 */

static void given_state_has_its_line_or_that_of_its_window(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {daily("day", 24 * UNIT), daily("line", 24 * UNIT),
                                      test_terms(AM_LEDGER_CAMPAIGN, "flight"),
                                      test_terms(AM_LEDGER_CAMPAIGN, "no start")};
    terms[2].start = DAY0 - HOURS(24);
    for (unsigned i = 2; i < 4; i++) {
        terms[i].budgets[AM_LEDGER_MONEY].total = 48 * UNIT;
        terms[i].end = DAY0 + HOURS(24);
    }
    test_step(&test, DAY0 + HOURS(12));
    test_publish(&test, terms, 4, DAY0 + HOURS(12));
    static const char *const ids[] = {"day", "line", "flight", "no start"};
    for (unsigned i = 0; i < 4; i++)
        am_ledger_give(
            test.ledger, am_ledger_find(test.ledger, test_key(AM_LEDGER_CAMPAIGN, ids[i])),
            AM_LEDGER_MONEY, 7 * UNIT, 3 * UNIT, i == 1 ? 5 * UNIT : NONE, DAY0 + HOURS(12));
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(money("day").counted, 3 * UNIT);
        assert_int_equal(money("day").before, 4 * UNIT);
        assert_int_equal(money("day").line, 12 * UNIT);
        assert_int_equal(money("line").line, 5 * UNIT);
        assert_int_equal(money("flight").counted, 7 * UNIT);
        assert_int_equal(money("flight").line, 36 * UNIT);
        assert_int_equal(money("no start").line, 48 * UNIT);
        test_step(&test, DAY0 + HOURS(12));
    }
}

static void all_counts_of_one_moment(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {daily("c", 24 * UNIT), daily("d", 24 * UNIT)};
    struct am_error error = {.code = AM_OK};
    struct am_ledger_counts counts;
    test_publish(&test, terms, 2, DAY0);
    test_map(&test, NULL, "d", 1);
    test_step(&test, DAY0 + 1);
    struct am_ledger_event event = {
        .sequence = AM_LEDGER_NO_SEQUENCE,
        .time = DAY0 + 1,
        .amounts = {UNIT, 2, 3},
        .cells = {AM_LEDGER_NO_CELL, AM_LEDGER_NO_CELL, AM_LEDGER_NO_CELL}};
    am_delivery_cells(test.map, 0, event.cells);
    am_delivery_charge(test.worker, &event, "", 0, NULL);
    am_ledger_count(test.worker, (struct am_ledger_position){9, 77});
    test_check(am_ledger_counts_take(test.ledger, &counts, &error), &error);
    assert_int_equal(counts.record_count, 2);
    assert_true(am_view_equal(counts.records[1].id, AM_VIEW("d")));
    assert_int_equal(counts.records[1].total[AM_LEDGER_CLICKS], 3);
    assert_int_equal(counts.records[1].today[AM_LEDGER_MONEY], UNIT);
    assert_int_equal(counts.position_count, 1);
    assert_int_equal(counts.positions[0].slot, am_ledger_worker_slot(test.worker));
    assert_int_equal(counts.positions[0].position.offset, 77);
    am_ledger_counts_free(&counts);
}

/* ---- publications -----------------------------------------------------------------------------
 */

static void an_older_publication_sets_no_limits(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = 5, .digest = {7}, .currency = "EUR"};
    test_check(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error), &error);
    am_ledger_publish_end(test.ledger);
    publication.digest[0] = 6;
    assert_int_equal(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error),
                     AM_E_CHANGED);
    assert_int_equal(test.warnings, 1);
    publication.time = 4;
    publication.digest[0] = 8;
    assert_int_equal(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error),
                     AM_E_CHANGED);
    publication.time = 5;
    publication.digest[0] = 7; /* the same again */
    test_check(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error), &error);
    am_ledger_publish_end(test.ledger);
}

static void a_last_publication_of_a_time_to_come_refuses_none(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = am_ledger_publication_time() + 3600,
                                                .currency = "EUR"};
    test_check(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error), &error);
    am_ledger_publish_end(test.ledger);
    publication.time = am_ledger_publication_time();
    test_check(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error), &error);
    am_ledger_publish_end(test.ledger);
}

static void an_account_keeps_its_currency(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = 5, .currency = "USD"};
    assert_int_equal(am_ledger_publish_begin(test.ledger, &publication, DAY0, &error),
                     AM_E_INVALID);
    assert_non_null(strstr(error.message, "EUR"));
    assert_non_null(strstr(error.message, "USD"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_daily_budget_earns_its_share_of_the_day),
        TEST(a_campaign_made_at_noon_has_its_whole_budget_for_the_rest_of_the_day),
        TEST(a_window_begins_at_its_start_and_ends_at_its_end),
        TEST(a_flight_is_paced_from_start_to_end),
        TEST(a_window_without_end_has_no_line),
        TEST(an_advertisers_day_is_paced),
        TEST(asap_has_no_line_and_frontloaded_a_steep_one),
        TEST(each_unit_has_a_limit_of_its_own),
        TEST(a_given_curve_weighs_local_hours),
        TEST(hours_outside_of_the_targeting_weigh_nothing),
        TEST(the_traffic_curve_is_read_when_a_window_begins),
        TEST(a_flight_reads_the_traffic_curve_at_midnight_and_goes_on),
        TEST(traffic_is_learned_by_hour_of_the_week),
        TEST(a_swap_that_changes_nothing_moves_no_line),
        TEST(a_changed_limit_is_anchored_at_what_is_used),
        TEST(every_change_of_the_window_anchors),
        TEST(a_pause_that_is_lifted_anchors_all_below),
        TEST(a_new_zone_begins_with_its_next_midnight),
        TEST(days_have_23_and_25_hours),
        TEST(what_is_left_of_the_total_bounds_the_day),
        TEST(a_limit_starts_with_what_was_counted),
        TEST(lowered_raised_removed_and_put_back),
        TEST(what_is_in_flight_when_a_limit_is_removed_and_put_back_is_still_held),
        TEST(reservations_stay_over_midnight_and_count_on_the_day_they_come),
        TEST(an_event_decides_its_day_by_its_own_time),
        TEST(an_event_charged_before_midnight_and_folded_after_it_is_of_the_old_day),
        TEST(a_clock_that_steps_back_lowers_no_line),
        TEST(a_clock_that_steps_back_over_midnight_gives_no_second_budget),
        TEST(events_after_a_step_back_over_midnight_are_of_the_day_that_runs),
        TEST(events_after_a_step_back_by_days_are_of_the_clocks_day),
        TEST(a_jump_into_the_future_and_back_leaves_days_that_end),
        TEST(records_that_are_gone_are_kept_for_35_days_and_count_on),
        TEST(records_come_and_go_and_their_room_is_used_again),
        TEST(a_full_ledger_refuses_records_and_closes_their_ads),
        TEST(given_state_has_its_line_or_that_of_its_window),
        TEST(all_counts_of_one_moment),
        TEST(an_older_publication_sets_no_limits),
        TEST(a_last_publication_of_a_time_to_come_refuses_none),
        TEST(an_account_keeps_its_currency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
