/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger for tests: terms in a few words, a map of ads, decisions and events. Money is written in
 * units of the currency. */
#ifndef AM_TEST_DELIVERY_H
#define AM_TEST_DELIVERY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../plugin/delivery/delivery.h"

#define UNIT INT64_C(1000000000) /* nanos */
#define NONE AM_LEDGER_UNLIMITED

/* 2026-12-01T00:00:00Z, a Tuesday. */
#define DAY0 INT64_C(1796083200)
#define HOURS(n) ((int64_t)(n)*3600)
#define DAYS(n) ((int64_t)(n)*86400)

struct test_ledger {
    struct am_timezones *zones;
    struct am_ledger *ledger;
    struct am_ledger_worker *worker;
    struct am_delivery_map *map;
    int64_t published;
    uint32_t made, freed, warnings; /* notices */
};

/* The same numbers in each run. */
static inline uint32_t test_random(uint32_t below) {
    static uint64_t state = 1;
    state = (uint64_t)((unsigned __int128)state * 6364136223846793005u + 1442695040888963407u);
    return below ? (uint32_t)(state >> 33) % below : 0;
}

static inline void test_notify(void *context, const struct am_ledger_notice *notice) {
    struct test_ledger *notified = context;
    notified->made += notice->what == AM_LEDGER_MADE;
    notified->freed += notice->what == AM_LEDGER_FREED;
    notified->warnings += notice->what == AM_LEDGER_WARNING;
}

static inline struct am_ledger_options test_options(struct test_ledger *test) {
    return (struct am_ledger_options){.currency = "EUR",
                                      .cells = 1024,
                                      .placements = 4096,
                                      .slots = 64,
                                      .caps_bytes = 1 << 16,
                                      .zones = test->zones,
                                      .notify = test_notify,
                                      .context = test};
}

static inline void test_check(enum am_code code, const struct am_error *error) {
    if (code != AM_OK)
        fail_msg("code %d: %s", code, error->message);
}

/* A ledger in private memory, stepped at `now`. */
static inline void test_start(struct test_ledger *test, int64_t now) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_step_report report;
    *test = (struct test_ledger){.zones = am_timezones_load(NULL, NULL)};
    struct am_ledger_options options = test_options(test);
    test_check(am_ledger_open(&options, &test->ledger, &error), &error);
    test_check(am_ledger_worker_new(test->ledger, &test->worker, &error), &error);
    test_check(am_ledger_step(test->ledger, test->worker, now, &report, &error), &error);
}

static inline void test_stop(struct test_ledger *test) {
    am_delivery_map_close(test->map);
    am_ledger_worker_free(test->worker);
    am_ledger_close(test->ledger);
    am_timezones_free(test->zones);
}

static inline struct am_ledger_step_report test_step(struct test_ledger *test, int64_t now) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_step_report report;
    test_check(am_ledger_step(test->ledger, test->worker, now, &report, &error), &error);
    am_delivery_maps_refresh(test->ledger, now);
    am_delivery_begin(test->worker, now);
    return report;
}

/* Terms without any limit, flat. */
static inline struct am_ledger_terms test_terms(enum am_ledger_kind kind, const char *id) {
    struct am_ledger_terms terms = {.kind = kind,
                                    .id = am_view_of(id),
                                    .start = INT64_MIN,
                                    .end = INT64_MAX,
                                    .curve = {.kind = AM_PACE_FLAT}};
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms.budgets[unit] = (struct am_ledger_budget){.total = NONE, .daily = NONE};
    return terms;
}

static inline void test_publish(struct test_ledger *test,
                                const struct am_ledger_terms *terms,
                                size_t count,
                                int64_t now) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = ++test->published, .currency = "EUR"};
    test_check(am_ledger_publish_begin(test->ledger, &publication, now, &error), &error);
    for (size_t i = 0; i < count; i++)
        test_check(am_ledger_put(test->ledger, &terms[i], NULL, &error), &error);
    am_ledger_publish_end(test->ledger);
}

static inline uint64_t test_key(enum am_ledger_kind kind, const char *id) {
    return id ? am_model_key((enum am_model_record)kind, am_view_of(id)) : 0;
}

/* A map of `count` ads below the same records; the ads' own ids are "a0", "a1"... */
static inline void
test_map(struct test_ledger *test, const char *advertiser, const char *campaign, uint32_t count) {
    struct am_error error = {.code = AM_OK};
    am_delivery_map_close(test->map);
    test_check(
        am_delivery_map_begin(test->ledger, (uint64_t)test->published, count, &test->map, &error),
        &error);
    for (uint32_t ad = 0; ad < count; ad++) {
        char id[16];
        snprintf(id, sizeof id, "a%u", ad);
        struct am_delivery_map_ad what = {.keys = {test_key(AM_LEDGER_ADVERTISER, advertiser),
                                                   test_key(AM_LEDGER_CAMPAIGN, campaign),
                                                   test_key(AM_LEDGER_AD, id)},
                                          .least_hold = 1,
                                          .least_price = 1,
                                          .highest_price = UNIT};
        test_check(am_delivery_map_put(test->map, ad, &what, &error), &error);
    }
    test_check(am_delivery_map_commit(test->map, &error), &error);
}

static inline struct am_ledger_record_state
test_read(struct test_ledger *test, enum am_ledger_kind kind, const char *id) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_record_state state;
    uint32_t cell = am_ledger_find(test->ledger, test_key(kind, id));
    test_check(am_ledger_read(test->ledger, cell, &state, &error), &error);
    return state;
}

/* Places an ad of that price per impression; the verdict. */
static inline enum am_delivery_verdict
test_place(struct test_ledger *test, uint32_t ad, int64_t price, int64_t now, uint64_t *sequence) {
    struct am_delivery_ask price_of_one = {.price = price};
    *sequence = AM_LEDGER_NO_SEQUENCE;
    enum am_delivery_verdict verdict =
        am_delivery_gate(test->worker, test->map, ad, &price_of_one, NULL);
    if (verdict > AM_DELIVERY_LEAD)
        return verdict;
    struct am_delivery_placement placement = {.sequence = am_ledger_sequence(test->ledger),
                                              .now = now,
                                              .seconds = 60,
                                              .lead = verdict == AM_DELIVERY_LEAD};
    *sequence = placement.sequence;
    return am_delivery_reserve(test->worker, test->map, ad, &price_of_one, &placement, NULL);
}

/* An event of an ad: charged and counted. */
static inline enum am_ledger_outcome test_event(struct test_ledger *test,
                                                uint32_t ad,
                                                uint64_t sequence,
                                                enum am_ledger_holds holds,
                                                int64_t spend,
                                                int64_t now) {
    struct am_ledger_event happened = {.sequence = sequence, .time = now, .holds = (uint8_t)holds};
    happened.amounts[AM_LEDGER_MONEY] = spend;
    happened.amounts[holds == AM_LEDGER_HOLD_CLICK ? AM_LEDGER_CLICKS : AM_LEDGER_IMPRESSIONS] = 1;
    am_delivery_cells(test->map, ad, happened.cells);
    enum am_ledger_outcome outcome = am_delivery_charge(test->worker, &happened, "", 0, NULL);
    am_ledger_count(test->worker, (struct am_ledger_position){0, 0});
    return outcome;
}

#endif
