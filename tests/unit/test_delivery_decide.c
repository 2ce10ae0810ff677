/* SPDX-License-Identifier: Apache-2.0 */
/* Gates, reservations and events, in simulated time. */
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

/* ---- helpers ----------------------------------------------------------------------------------
 */

static struct am_ledger_terms
limited(enum am_ledger_kind kind, const char *id, enum am_ledger_unit unit, int64_t total) {
    struct am_ledger_terms terms = test_terms(kind, id);
    terms.budgets[unit].total = total;
    return terms;
}

static void publish(const struct am_ledger_terms *terms, size_t count) {
    test_publish(&test, terms, count, DAY0);
    test_map(&test, "v", "c", 2);
    test_step(&test, DAY0 + 1);
}

static struct am_ledger_limit_state
limit_of(enum am_ledger_kind kind, const char *id, enum am_ledger_unit unit) {
    return test_read(&test, kind, id).limits[unit];
}

static struct am_ledger_limit_state money(const char *campaign) {
    return limit_of(AM_LEDGER_CAMPAIGN, campaign, AM_LEDGER_MONEY);
}

static enum am_delivery_verdict gate(const struct am_delivery_ask *ask, const char *expected) {
    struct am_delivery_detail detail = {.reason = AM_DELIVERY_FREE};
    char text[128];
    enum am_delivery_verdict verdict = am_delivery_gate(test.worker, test.map, 0, ask, &detail);
    struct am_buffer buffer = am_buffer_over(text, sizeof text);
    am_delivery_detail_write(&detail, &buffer);
    am_buffer_append(&buffer, "", 1);
    assert_string_equal(text, expected);
    return verdict;
}

/* Reserves without asking the gate first. */
static enum am_delivery_verdict
reserve(const struct am_delivery_ask *ask, uint32_t caller, uint64_t *sequence) {
    struct am_delivery_placement placement = {.sequence = am_ledger_sequence(test.ledger),
                                              .now = DAY0 + 1,
                                              .seconds = 60,
                                              .caller = caller};
    *sequence = placement.sequence;
    return am_delivery_reserve(test.worker, test.map, 0, ask, &placement, NULL);
}

static const struct am_delivery_ask one = {.price = UNIT};
static const struct am_delivery_ask click = {.price = UNIT, .ctr = 250000, .per_click = true};

/* ---- budget -----------------------------------------------------------------------------------
 */

static void an_ad_that_nothing_limits_is_free(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_ADVERTISER, "v"),
                                      test_terms(AM_LEDGER_CAMPAIGN, "c")};
    uint64_t sequence;
    publish(terms, 2);
    assert_int_equal(gate(&one, ""), AM_DELIVERY_LINE);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(test_step(&test, DAY0 + 2).in_flight, 0);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[AM_LEDGER_MONEY], UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_ADVERTISER, "v").total[AM_LEDGER_IMPRESSIONS], 1);
}

static void holds_count_as_used_until_they_expire(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 3 * UNIT / 2);
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(gate(&one, "campaign total 1 of 1.5"), AM_DELIVERY_BUDGET);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_BUDGET);
    struct am_ledger_step_report report = test_step(&test, DAY0 + 61);
    assert_int_equal(report.expired, 0);
    assert_int_equal(report.in_flight, 1);
    report = test_step(&test, DAY0 + 62); /* the first step after the 60 seconds */
    assert_int_equal(report.expired, 1);
    assert_int_equal(money("c").reserved, 0);
    assert_int_equal(gate(&one, ""), AM_DELIVERY_LINE);
}

static void all_levels_must_allow_and_none_keeps_a_hold_of_a_refused_ad(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {limited(AM_LEDGER_ADVERTISER, "v", AM_LEDGER_IMPRESSIONS, 5),
                                      limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 10 * UNIT),
                                      limited(AM_LEDGER_AD, "a0", AM_LEDGER_MONEY, 2 * UNIT)};
    uint64_t sequence;
    publish(terms, 3);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(gate(&one, "ad total 2 of 2"), AM_DELIVERY_BUDGET);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_BUDGET);
    assert_int_equal(money("c").reserved, 2 * UNIT);
    assert_int_equal(limit_of(AM_LEDGER_ADVERTISER, "v", AM_LEDGER_IMPRESSIONS).reserved, 2);
    assert_int_equal(limit_of(AM_LEDGER_AD, "a0", AM_LEDGER_MONEY).reserved, 2 * UNIT);
    assert_int_equal(test_step(&test, DAY0 + 2).in_flight, 2);
}

static void budget_is_asked_on_all_limits_before_pacing_on_any(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_ADVERTISER, "v"),
                                      limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS, 1)};
    uint64_t sequence;
    terms[0].budgets[AM_LEDGER_MONEY].daily = 1000 * UNIT;
    publish(terms, 2);
    struct am_delivery_ask ask = {.price = 20 * UNIT};
    assert_int_equal(reserve(&ask, 0, &sequence), AM_DELIVERY_LINE);
    ask.price = UNIT;
    /* Its advertiser is above its line, its campaign has used its budget up. */
    assert_int_equal(gate(&ask, "campaign total impressions 1 of 1"), AM_DELIVERY_BUDGET);
}

static void day_before_total(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 3 * UNIT);
    terms.budgets[AM_LEDGER_MONEY].daily = 2 * UNIT;
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    publish(&terms, 1);
    for (unsigned i = 0; i < 2; i++)
        test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 1);
    assert_int_equal(gate(&one, "campaign daily 2 of 2"), AM_DELIVERY_BUDGET);
    test_step(&test, DAY0 + HOURS(24));
    test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + HOURS(24));
    assert_int_equal(gate(&one, "campaign total 3 of 3"), AM_DELIVERY_BUDGET);
}

static void a_free_ad_passes_a_budget_that_is_used_up(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, UNIT);
    struct am_delivery_ask free_ad = {.price = 0};
    publish(&terms, 1);
    test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 1);
    assert_int_equal(gate(&one, "campaign total 1 of 1"), AM_DELIVERY_BUDGET);
    assert_int_equal(gate(&free_ad, ""), AM_DELIVERY_LINE);
}

/* ---- pacing -----------------------------------------------------------------------------------
 */

static void line_slack_and_lead(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY].daily = 864 * UNIT;
    terms.zone = AM_VIEW("Europe/Paris"); /* one hour of its day has passed at DAY0 */
    test_step(&test, DAY0 - HOURS(1));
    test_publish(&test, &terms, 1, DAY0 - HOURS(1));
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0); /* line 36, slack 2, lead 17.28 */
    struct am_delivery_ask ask = {.price = UNIT};
    uint64_t sequence;
    for (unsigned i = 0; i < 38; i++) {
        assert_int_equal(gate(&ask, ""), AM_DELIVERY_LINE);
        assert_int_equal(reserve(&ask, 0, &sequence), AM_DELIVERY_LINE);
    }
    assert_int_equal(gate(&ask, "campaign 38 used, 38 allowed by 01:00:00"), AM_DELIVERY_LEAD);
    assert_int_equal(reserve(&ask, 0, &sequence), AM_DELIVERY_BUDGET);
    struct am_delivery_placement placement = {.now = DAY0, .seconds = 60, .lead = true};
    for (unsigned i = 0; i < 17; i++) {
        placement.sequence = am_ledger_sequence(test.ledger);
        assert_int_equal(am_delivery_reserve(test.worker, test.map, 0, &ask, &placement, NULL),
                         AM_DELIVERY_LEAD);
    }
    assert_int_equal(gate(&ask, "campaign 55 used, 38 allowed by 01:00:00"), AM_DELIVERY_PACING);
    ask.price = UNIT / 5; /* 55 + 0.2 fits 36 + 1.728 + 17.28 no more; two prices are below L/500 */
    assert_int_equal(gate(&ask, "campaign 55 used, 37.728 allowed by 01:00:00"),
                     AM_DELIVERY_PACING);
    ask.price = 5 * UNIT; /* with more slack, 10, there is room: 36 + 10 + 17.28 */
    assert_int_equal(gate(&ask, "campaign 55 used, 46 allowed by 01:00:00"), AM_DELIVERY_LEAD);
}

static void lines_in_all_units(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_IMPRESSIONS].daily = 86400;
    publish(&terms, 1);
    uint64_t sequence;
    for (unsigned i = 0; i < 173; i++) /* line 1, slack 172 */
        assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(gate(&one, "campaign impressions 173 used, 173 allowed by 00:00:01"),
                     AM_DELIVERY_LEAD);
    terms.budgets[AM_LEDGER_IMPRESSIONS].daily = NONE;
    terms.budgets[AM_LEDGER_CLICKS].daily = 864;
    publish(&terms, 1);
    test_step(&test, DAY0 + 50); /* line 0.5, slack 2 */
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(reserve(&click, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(gate(&click, "campaign clicks 2.5 used, 2.5 allowed by 00:00:50"),
                     AM_DELIVERY_LEAD);
}

/* ---- clicks -----------------------------------------------------------------------------------
 */

static void a_click_holds_what_it_is_expected_to_cost(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 3 * UNIT);
    terms.budgets[AM_LEDGER_CLICKS].total = 2;
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&click, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(money("c").expected, UNIT / 4);
    assert_int_equal(money("c").reserved, 0);
    struct am_ledger_limit_state clicks = limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_CLICKS);
    assert_int_equal(clicks.expected, 250000);
    assert_int_equal(clicks.total, 2000000);
    /* The impression leaves it. */
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, 0, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(money("c").expected, UNIT / 4);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_CLICK, UNIT, DAY0 + 3),
                     AM_LEDGER_CHARGED);
    assert_int_equal(money("c").expected, 0);
    assert_int_equal(money("c").counted, UNIT);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_CLICKS).counted, 1000000);
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.total[AM_LEDGER_CLICKS], 1);
    assert_int_equal(record.total[AM_LEDGER_IMPRESSIONS], 1);
    assert_int_equal(test_step(&test, DAY0 + 4).in_flight, 0);
}

static void a_click_without_its_impression_and_an_impression_after_it(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 3 * UNIT);
    terms.budgets[AM_LEDGER_IMPRESSIONS].total = 1;
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&click, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_CLICK, UNIT, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS).reserved, 1);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, 0, DAY0 + 3),
                     AM_LEDGER_CHARGED);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS).reserved, 0);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS).counted, 1);
}

static void clicks_above_a_budget_are_not_billed(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT);
    uint64_t sequences[8];
    publish(&terms, 1);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(reserve(&click, 0, &sequences[i]), AM_DELIVERY_LINE);
    assert_int_equal(gate(&click, "campaign total 2 of 2"), AM_DELIVERY_BUDGET);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(test_event(&test, 0, sequences[i], AM_LEDGER_HOLD_CLICK, UNIT, DAY0 + 2),
                         i < 2 ? AM_LEDGER_CHARGED : AM_LEDGER_NO_ROOM);
    assert_int_equal(money("c").counted, 2 * UNIT);
    assert_int_equal(money("c").reserved, 0);
    assert_int_equal(money("c").expected, 0);
}

static void no_click_is_placed_that_could_not_be_billed(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 3 * UNIT / 2);
    publish(&terms, 1);
    test_event(&test, 0, AM_LEDGER_NO_SEQUENCE, AM_LEDGER_HOLD_CLICK, UNIT, DAY0 + 1);
    /* 1 + 0.25 is below 1.5, 1 + 1 is not */
    assert_int_equal(gate(&click, "campaign total 1 of 1.5"), AM_DELIVERY_BUDGET);
}

static void without_ctr_a_click_holds_nothing(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_CLICKS, 1);
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_CLICKS).expected, 0);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_CLICK, 0, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(gate(&one, "campaign total clicks 1 of 1"), AM_DELIVERY_BUDGET);
}

/* ---- events -----------------------------------------------------------------------------------
 */

static void a_late_event_needs_room_on_every_level(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {limited(AM_LEDGER_ADVERTISER, "v", AM_LEDGER_MONEY, UNIT),
                                      limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 9 * UNIT)};
    uint64_t sequence;
    publish(terms, 2);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    test_step(&test, DAY0 + 62);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 70),
                     AM_LEDGER_CHARGED);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 70),
                     AM_LEDGER_NO_ROOM);
    assert_int_equal(money("c").counted, UNIT);
    assert_int_equal(money("c").reserved, 0);
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.total[AM_LEDGER_IMPRESSIONS], 1);
}

static void what_an_exchange_charges_anyway_is_counted(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, UNIT);
    struct am_ledger_event event = {
        .sequence = 12345, .time = DAY0 + 1, .holds = AM_LEDGER_HOLD_IMPRESSION, .force = true};
    bool late = false;
    publish(&terms, 1);
    event.amounts[AM_LEDGER_MONEY] = 3 * UNIT;
    am_delivery_cells(test.map, 0, event.cells);
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, &late), AM_LEDGER_OVERDRAWN);
    assert_true(late);
    am_ledger_count(test.worker, (struct am_ledger_position){1, 1});
    assert_int_equal(money("c").counted, 3 * UNIT);
    assert_int_equal(money("c").reserved, 0);
}

static void a_bill_below_the_bid_gives_the_rest_back(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT);
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT / 4, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(money("c").counted, UNIT / 4);
    assert_int_equal(money("c").reserved, 0);
}

static void a_released_placement_gives_everything_back_once(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT);
    terms.budgets[AM_LEDGER_CLICKS].total = 10;
    uint64_t sequence;
    publish(&terms, 1);
    assert_int_equal(reserve(&click, 0, &sequence), AM_DELIVERY_LINE);
    assert_true(am_delivery_release(test.worker, sequence, DAY0 + 2));
    assert_false(am_delivery_release(test.worker, sequence, DAY0 + 2));
    assert_false(am_delivery_release(test.worker, sequence + 1, DAY0 + 2));
    assert_int_equal(money("c").expected, 0);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_CLICKS).expected, 0);
    assert_int_equal(test_step(&test, DAY0 + 2).in_flight, 0);
}

static void adjustments_go_both_ways(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT);
    struct am_ledger_event event = {
        .sequence = AM_LEDGER_NO_SEQUENCE, .time = DAY0 + 1, .force = true};
    publish(&terms, 1);
    am_delivery_cells(test.map, 0, event.cells);
    event.amounts[AM_LEDGER_MONEY] = 2 * UNIT;
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, NULL), AM_LEDGER_CHARGED);
    am_ledger_count(test.worker, (struct am_ledger_position){1, 1});
    assert_int_equal(gate(&one, "campaign total 2 of 2"), AM_DELIVERY_BUDGET);
    event.amounts[AM_LEDGER_MONEY] = -5 * UNIT;
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, NULL), AM_LEDGER_CHARGED);
    am_ledger_count(test.worker, (struct am_ledger_position){1, 2});
    assert_int_equal(money("c").counted, -3 * UNIT);
    assert_int_equal(gate(&one, ""), AM_DELIVERY_LINE);
}

static void an_ad_that_changed_campaign_leaves_its_hold_behind(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT),
                                      limited(AM_LEDGER_CAMPAIGN, "d", AM_LEDGER_MONEY, 2 * UNIT)};
    uint64_t sequence;
    publish(terms, 2);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    test_publish(&test, terms, 2, DAY0 + 1);
    test_map(&test, "v", "d", 1);
    assert_int_equal(test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 2),
                     AM_LEDGER_CHARGED);
    assert_int_equal(money("c").counted, 0);
    assert_int_equal(money("c").reserved, 0);
    assert_int_equal(money("d").counted, UNIT);
    assert_int_equal(money("d").reserved, 0);
}

/* ---- what else stops limited ads --------------------------------------------------------------
 */

static void a_step_that_is_too_old_stops_limited_ads(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, 2 * UNIT);
    uint64_t sequence;
    publish(&terms, 1);
    am_delivery_begin(test.worker, DAY0 + 6);
    assert_int_equal(gate(&one, ""), AM_DELIVERY_LINE);
    am_delivery_begin(test.worker, DAY0 + 7);
    assert_int_equal(gate(&one, "the ledger is not up to date"), AM_DELIVERY_BUDGET);
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_BUDGET);
}

static void the_table_of_placements_fails_closed(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS, 1000000);
    struct am_delivery_detail detail = {.reason = AM_DELIVERY_FREE};
    struct am_delivery_placement placement = {.now = DAY0 + 1, .seconds = 60};
    uint32_t placed = 0;
    publish(&terms, 1);
    for (;; placed++) {
        placement.sequence = am_ledger_sequence(test.ledger);
        if (am_delivery_reserve(test.worker, test.map, 0, &one, &placement, &detail) !=
            AM_DELIVERY_LINE)
            break;
    }
    assert_int_equal(detail.reason, AM_DELIVERY_FULL);
    assert_in_range(placed, 4096 * 6 / 10, 4096);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS).reserved, placed);
    test_step(&test, DAY0 + 62);
    assert_int_equal(limit_of(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS).reserved, 0);
    assert_int_equal(reserve(&one, 0, &placement.sequence), AM_DELIVERY_LINE);
}

static void a_caller_that_never_confirms_is_stopped(void **state) {
    (void)state;
    struct am_ledger_terms terms = limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_IMPRESSIONS, 1000000);
    struct am_delivery_detail detail = {.reason = AM_DELIVERY_FREE};
    struct am_delivery_placement placement = {.now = DAY0 + 1, .seconds = 60, .caller = 77};
    uint64_t sequences[AM_DELIVERY_CALLER_MAX], sequence;
    publish(&terms, 1);
    for (unsigned i = 0; i < AM_DELIVERY_CALLER_MAX; i++)
        assert_int_equal(reserve(&one, 77, &sequences[i]), AM_DELIVERY_LINE);
    placement.sequence = am_ledger_sequence(test.ledger);
    assert_int_equal(am_delivery_reserve(test.worker, test.map, 0, &one, &placement, &detail),
                     AM_DELIVERY_BUDGET);
    assert_int_equal(detail.reason, AM_DELIVERY_UNCONFIRMED);
    assert_int_equal(reserve(&one, 78, &sequence), AM_DELIVERY_LINE);
    /* One is shown, one is released, the rest expires. */
    test_event(&test, 0, sequences[0], AM_LEDGER_HOLD_IMPRESSION, UNIT, DAY0 + 2);
    am_delivery_release(test.worker, sequences[1], DAY0 + 2);
    assert_int_equal(reserve(&one, 77, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(reserve(&one, 77, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(reserve(&one, 77, &sequence), AM_DELIVERY_BUDGET);
    test_step(&test, DAY0 + 62);
    for (unsigned i = 0; i < AM_DELIVERY_CALLER_MAX; i++)
        assert_int_equal(reserve(&one, 77, &sequences[i]), AM_DELIVERY_LINE);
}

/* ---- bits -------------------------------------------------------------------------------------
 */

static void bits_tell_what_is_certainly_stopped(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_ADVERTISER, "v"),
                                      limited(AM_LEDGER_CAMPAIGN, "c", AM_LEDGER_MONEY, UNIT)};
    uint64_t sequence;
    publish(terms, 2);
    assert_false(am_delivery_map_stopped(test.map, 0));
    assert_int_equal(reserve(&one, 0, &sequence), AM_DELIVERY_LINE);
    assert_false(am_delivery_map_stopped(test.map, 0));
    test_step(&test, DAY0 + 2);
    assert_true(am_delivery_map_stopped(test.map, 0));
    assert_true(am_delivery_map_stopped(test.map, 1));
    test_step(&test, DAY0 + 62);
    assert_false(am_delivery_map_stopped(test.map, 0));
    assert_false(am_delivery_map_paused(test.map, 0));
    terms[0].paused = true;
    struct am_error error = {.code = AM_OK};
    test_check(am_ledger_set(test.ledger, &terms[0], DAY0 + 62, NULL, &error), &error);
    am_delivery_map_refresh(test.map);
    assert_true(am_delivery_map_stopped(test.map, 0));
    assert_true(am_delivery_map_paused(test.map, 0));
}

/* No ad that a gate would let through has its bit set, at any price that its map admits. */
static void a_bit_never_stops_what_the_gates_would_not(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    struct am_error error = {.code = AM_OK};
    uint32_t stopped = 0;
    for (unsigned round = 0; round < 3000; round++) {
        int64_t now = DAY0 + test_random(86400);
        unsigned unit = test_random(AM_LEDGER_UNITS);
        for (unsigned i = 0; i < AM_LEDGER_UNITS; i++)
            terms.budgets[i] = (struct am_ledger_budget){.total = NONE, .daily = NONE};
        terms.budgets[unit].daily = 1 + test_random(100);
        test_step(&test, DAY0);
        test_publish(&test, &terms, 1, DAY0);
        int64_t least = test_random(3), highest = least + test_random(10);
        am_delivery_map_close(test.map);
        test_check(am_delivery_map_begin(test.ledger, round, 1, &test.map, &error), &error);
        struct am_delivery_map_ad what = {.keys = {0, test_key(AM_LEDGER_CAMPAIGN, "c"), 0},
                                          .least_hold = least,
                                          .least_price = least,
                                          .highest_price = highest};
        test_check(am_delivery_map_put(test.map, 0, &what, &error), &error);
        test_check(am_delivery_map_commit(test.map, &error), &error);
        struct am_ledger_event event = {
            .sequence = AM_LEDGER_NO_SEQUENCE, .time = DAY0, .force = true};
        am_delivery_cells(test.map, 0, event.cells);
        int64_t counted = test_read(&test, AM_LEDGER_CAMPAIGN, "c").today[unit];
        event.amounts[unit] = test_random(110) - counted;
        am_delivery_charge(test.worker, &event, "", 0, NULL);
        am_ledger_count(test.worker, (struct am_ledger_position){0, 0});
        test_step(&test, now);
        if (!am_delivery_map_stopped(test.map, 0))
            continue;
        stopped++;
        for (int64_t price = least; price <= highest; price++) {
            struct am_delivery_ask ask = {.price = price, .ctr = test_random(1000000)};
            assert_true(am_delivery_gate(test.worker, test.map, 0, &ask, NULL) >=
                        AM_DELIVERY_PACING);
        }
    }
    assert_in_range(stopped, 500, 2500);
}

static void nine_limits_of_one_ad(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_ADVERTISER, "v"),
                                      test_terms(AM_LEDGER_CAMPAIGN, "c"),
                                      test_terms(AM_LEDGER_AD, "a0")};
    uint64_t sequence;
    for (unsigned i = 0; i < 9; i++)
        terms[i / 3].budgets[i % 3].total = 1000 * UNIT;
    publish(terms, 3);
    const struct am_delivery_ask ask = {.price = UNIT, .ctr = 1000};
    assert_int_equal(reserve(&ask, 0, &sequence), AM_DELIVERY_LINE);
    static const char *const ids[] = {"v", "c", "a0"};
    for (unsigned kind = 0; kind < 3; kind++) {
        assert_int_equal(limit_of(kind, ids[kind], AM_LEDGER_MONEY).reserved, UNIT);
        assert_int_equal(limit_of(kind, ids[kind], AM_LEDGER_IMPRESSIONS).reserved, 1);
        assert_int_equal(limit_of(kind, ids[kind], AM_LEDGER_CLICKS).expected, 1000);
    }
    /* The last one of the nine stops it, too. */
    terms[2].budgets[AM_LEDGER_CLICKS].total = 1;
    publish(terms, 3);
    test_event(&test, 0, sequence, AM_LEDGER_HOLD_CLICK, 0, DAY0 + 1);
    assert_int_equal(gate(&ask, "ad total clicks 1 of 1"), AM_DELIVERY_BUDGET);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(an_ad_that_nothing_limits_is_free),
        TEST(holds_count_as_used_until_they_expire),
        TEST(all_levels_must_allow_and_none_keeps_a_hold_of_a_refused_ad),
        TEST(budget_is_asked_on_all_limits_before_pacing_on_any),
        TEST(day_before_total),
        TEST(a_free_ad_passes_a_budget_that_is_used_up),
        TEST(line_slack_and_lead),
        TEST(lines_in_all_units),
        TEST(a_click_holds_what_it_is_expected_to_cost),
        TEST(a_click_without_its_impression_and_an_impression_after_it),
        TEST(clicks_above_a_budget_are_not_billed),
        TEST(no_click_is_placed_that_could_not_be_billed),
        TEST(without_ctr_a_click_holds_nothing),
        TEST(a_late_event_needs_room_on_every_level),
        TEST(what_an_exchange_charges_anyway_is_counted),
        TEST(a_bill_below_the_bid_gives_the_rest_back),
        TEST(a_released_placement_gives_everything_back_once),
        TEST(adjustments_go_both_ways),
        TEST(an_ad_that_changed_campaign_leaves_its_hold_behind),
        TEST(a_step_that_is_too_old_stops_limited_ads),
        TEST(the_table_of_placements_fails_closed),
        TEST(a_caller_that_never_confirms_is_stopped),
        TEST(bits_tell_what_is_certainly_stopped),
        TEST(a_bit_never_stops_what_the_gates_would_not),
        TEST(nine_limits_of_one_ad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
