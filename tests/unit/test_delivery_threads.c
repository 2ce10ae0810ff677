/* SPDX-License-Identifier: Apache-2.0 */
/* Worker threads beside a holder that steps, a publisher that changes terms all the time, and a
 * reader: for ThreadSanitizer, and for the sums at the end. */
#include <pthread.h>

#include "delivery_shared.h"

enum { WORKERS = 4, ADS = 16, ROUNDS = 4000, USERS = 40, PUBLICATIONS = 60 };

static struct shared shared;
static struct test_ledger test;
static uint32_t stop;
static int64_t now = DAY0 + HOURS(23);

static int64_t clock_now(void) {
    return __atomic_load_n(&now, __ATOMIC_RELAXED);
}

struct worker {
    struct am_ledger_worker *ledger;
    uint64_t random;
    int64_t counted[AM_LEDGER_UNITS];
};

static uint32_t random_below(struct worker *worker, uint32_t bound) {
    worker->random =
        (uint64_t)((unsigned __int128)worker->random * 6364136223846793005u + 1442695040888963407u);
    return (uint32_t)(worker->random >> 33) % bound;
}

static const uint32_t periods[] = {30, 1440};

static void count(struct worker *worker, uint32_t ad, uint64_t sequence, bool click) {
    struct am_ledger_event event = {.sequence = sequence,
                                    .time = clock_now(),
                                    .holds =
                                        click ? AM_LEDGER_HOLD_CLICK : AM_LEDGER_HOLD_IMPRESSION};
    event.amounts[AM_LEDGER_MONEY] = click == (ad % 2 == 0) ? 1000 : 0;
    event.amounts[click ? AM_LEDGER_CLICKS : AM_LEDGER_IMPRESSIONS] = 1;
    am_delivery_cells(test.map, ad, event.cells);
    if (am_delivery_charge(worker->ledger, &event, "note", 4, NULL) == AM_LEDGER_CHARGED)
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
            worker->counted[unit] += event.amounts[unit];
    am_ledger_count(worker->ledger, (struct am_ledger_position){1, 1});
}

static void place(struct worker *worker) {
    uint32_t ad = random_below(worker, ADS);
    struct am_delivery_detail detail;
    struct am_delivery_ask ask = {.price = 1000, .ctr = 300000, .per_click = ad % 2 == 0};
    const struct am_caps_cap caps[] = {{test_key(AM_LEDGER_CAMPAIGN, "c"), 30, 400},
                                       {test_key(AM_LEDGER_CAMPAIGN, "c"), 1440, 900}};
    struct am_delivery_placement placement = {.sequence = am_ledger_sequence(test.ledger),
                                              .now = clock_now(),
                                              .seconds = 20,
                                              .user = 1 + random_below(worker, USERS),
                                              .caps = caps,
                                              .cap_count = 2,
                                              .caller = random_below(worker, 2)};
    am_delivery_begin(worker->ledger, am_ledger_stepped(test.ledger));
    enum am_delivery_verdict verdict =
        am_delivery_gate(worker->ledger, test.map, ad, &ask, &detail);
    placement.lead = verdict == AM_DELIVERY_LEAD;
    if (verdict > AM_DELIVERY_LEAD || am_delivery_reserve(worker->ledger, test.map, ad, &ask,
                                                          &placement, &detail) > AM_DELIVERY_LEAD)
        return;
    switch (random_below(worker, 5)) {
    case 0:
        return; /* it expires */
    case 1:
        am_delivery_release(worker->ledger, placement.sequence, clock_now());
        return;
    case 2:
        count(worker, ad, placement.sequence, true);
        /* fall through */
    default:
        count(worker, ad, placement.sequence, false);
    }
}

static void *work(void *context) {
    struct worker *worker = context;
    for (unsigned round = 0; round < ROUNDS; round++)
        place(worker);
    return NULL;
}

static void step(struct am_ledger_worker *worker) {
    struct am_ledger_step_report report;
    __atomic_fetch_add(&now, 5, __ATOMIC_RELAXED);
    if (am_ledger_step(test.ledger, worker, clock_now(), &report, NULL) != AM_OK)
        abort();
    am_delivery_map_refresh(test.map);
}

static void *hold(void *context) {
    struct am_error error;
    for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        step(context);
        if (i % 16 == 0 && am_ledger_snapshot(test.ledger, clock_now(), &error) != AM_OK)
            abort();
        usleep(500);
    }
    return NULL;
}

/* Limits come and go, windows and curves change, pauses are lifted. */
static void set_terms(struct am_ledger_terms terms[3], unsigned round) {
    terms[0] = test_terms(AM_LEDGER_ADVERTISER, "v");
    terms[1] = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms[2] = test_terms(AM_LEDGER_AD, "a0");
    terms[1].above = test_key(AM_LEDGER_ADVERTISER, "v");
    terms[2].above = test_key(AM_LEDGER_CAMPAIGN, "c");
    for (unsigned i = 0; i < 9; i++) {
        struct am_ledger_budget *budget = &terms[i / 3].budgets[i % 3];
        if ((round + i) % 4 == 0)
            budget->daily = i % 3 ? 20000 + round : 40000000 + round;
        if ((round + i) % 3 == 0)
            budget->total = INT64_C(1000000000);
        budget->pacing = (uint8_t)((round + i) % 3);
    }
    terms[0].paused = round % 5 == 4;
    terms[1].curve.kind = round % 2 ? AM_PACE_TRAFFIC : AM_PACE_FLAT;
    terms[1].zone = round % 7 == 3 ? AM_VIEW("Asia/Kathmandu") : AM_VIEW("Europe/Paris");
}

static void *publish(void *context) {
    struct am_error error;
    (void)context;
    for (unsigned round = 0; round < PUBLICATIONS; round++) {
        struct am_ledger_terms terms[3];
        set_terms(terms, round);
        test_publish(&test, terms, 3, clock_now());
        terms[2].budgets[AM_LEDGER_MONEY].total = 5000000;
        am_ledger_set(test.ledger, &terms[2], clock_now(), NULL, &error);
        usleep(1000);
    }
    return NULL;
}

static void *read_all(void *context) {
    struct am_ledger_record_state state;
    uint32_t weights[AM_PACE_HOURS];
    (void)context;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (uint32_t cell = 0; cell < am_ledger_cells(test.ledger); cell++)
            am_ledger_read(test.ledger, cell, &state, NULL);
        am_ledger_find(test.ledger, test_key(AM_LEDGER_AD, "a0"));
        am_ledger_traffic(test.ledger, weights);
        usleep(300);
    }
    return NULL;
}

static void make_map(void) {
    struct am_error error = {.code = AM_OK};
    test_check(am_delivery_map_begin(test.ledger, 1, ADS, &test.map, &error), &error);
    for (uint32_t ad = 0; ad < ADS; ad++) {
        struct am_delivery_map_ad what = {.keys = {test_key(AM_LEDGER_ADVERTISER, "v"),
                                                   test_key(AM_LEDGER_CAMPAIGN, "c"),
                                                   ad ? 0 : test_key(AM_LEDGER_AD, "a0")},
                                          .periods = {NULL, periods, NULL},
                                          .period_counts = {0, 2, 0},
                                          .least_price = 1000,
                                          .highest_price = 1000};
        test_check(am_delivery_map_put(test.map, ad, &what, &error), &error);
    }
    test_check(am_delivery_map_commit(test.map, &error), &error);
}

static void check(enum am_ledger_kind kind, const char *id, const int64_t counted[]) {
    struct am_ledger_record_state record = test_read(&test, kind, id);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (counted)
            assert_int_equal(record.total[unit], counted[unit]);
        if (!record.limits[unit].limited)
            continue;
        assert_int_equal(record.limits[unit].reserved, 0);
        assert_int_equal(record.limits[unit].expected, 0);
    }
}

static void all_at_once(void **state) {
    (void)state;
    static struct worker workers[WORKERS];
    pthread_t threads[WORKERS], holder, publisher, reader;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_worker *holding;
    struct am_ledger_terms terms[3];
    shared_make(&shared);
    shared_start(&test, &shared);
    set_terms(terms, 0);
    test_publish(&test, terms, 3, now);
    make_map();
    test_check(am_ledger_worker_new(test.ledger, &holding, &error), &error);
    step(holding);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].random = i + 1;
        test_check(am_ledger_worker_new(test.ledger, &workers[i].ledger, &error), &error);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    assert_int_equal(pthread_create(&holder, NULL, hold, holding), 0);
    assert_int_equal(pthread_create(&publisher, NULL, publish, NULL), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_all, NULL), 0);
    int64_t counted[AM_LEDGER_UNITS] = {0};
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
            counted[unit] += workers[i].counted[unit];
        am_ledger_worker_free(workers[i].ledger);
    }
    pthread_join(publisher, NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(holder, NULL);
    pthread_join(reader, NULL);
    now += 100;
    step(holding);
    assert_in_range(counted[AM_LEDGER_IMPRESSIONS], 200, WORKERS * ROUNDS);
    check(AM_LEDGER_ADVERTISER, "v", counted);
    check(AM_LEDGER_CAMPAIGN, "c", counted);
    check(AM_LEDGER_AD, "a0", NULL);
    am_ledger_worker_free(holding);
    test_stop(&test);
    shared_remove(&shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
