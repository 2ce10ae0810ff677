/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps: the table, and the state that a caller carries. AM_CAPS_BYTES makes the table
 * larger: with 67108864, two caps for each of a million users. */
#include <pthread.h>
#include <sched.h>
#include <xxhash.h>

#include "delivery.h"

#include "../../plugin/delivery/caps_table.h"

enum { MINUTE = 60, DAY = 1440 };

static struct am_caps *table;
static void *memory;
static size_t table_bytes = 1 << 20;

static int start(void **state) {
    (void)state;
    memory = aligned_alloc(128, table_bytes);
    memset(memory, 0, table_bytes);
    table = am_caps_start(memory, table_bytes);
    return 0;
}

static int stop(void **state) {
    (void)state;
    free(memory);
    return 0;
}

static const struct am_caps_cap three_a_day = {.key = 1, .period = DAY, .maximum = 3};
static const struct am_caps_cap one_in_30_minutes = {.key = 1, .period = 30, .maximum = 1};
static const struct am_caps_cap two_ever = {.key = 2, .period = AM_CAPS_LIFETIME, .maximum = 2};

static enum am_caps_answer count(uint64_t user, const struct am_caps_cap *cap, int64_t now) {
    return am_caps_count(table, user, cap, now);
}

static uint32_t counted(uint64_t user, const struct am_caps_cap *cap, int64_t now) {
    struct am_caps_window window;
    am_caps_ask(table, user, cap, now, &window);
    return window.count;
}

/* ---- windows ----------------------------------------------------------------------------------
 */

static void a_window_opens_at_the_first_placement_and_ends_a_period_later(void **state) {
    (void)state;
    int64_t opened = DAY0 + 5;
    assert_int_equal(am_caps_ask(table, 9, &three_a_day, opened, NULL), AM_CAPS_OPEN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(count(9, &three_a_day, opened + i * HOURS(8) - (i == 3)), AM_CAPS_OPEN);
    assert_int_equal(count(9, &three_a_day, opened + HOURS(24) - 1), AM_CAPS_FULL);
    assert_int_equal(am_caps_ask(table, 9, &three_a_day, opened + HOURS(24) - 1, NULL),
                     AM_CAPS_FULL);
    assert_int_equal(am_caps_ask(table, 9, &three_a_day, opened + HOURS(24), NULL), AM_CAPS_OPEN);
    assert_int_equal(count(9, &three_a_day, opened + HOURS(24)), AM_CAPS_OPEN);
    struct am_caps_window window;
    am_caps_ask(table, 9, &three_a_day, opened + HOURS(24), &window);
    assert_int_equal(window.count, 1);
    assert_int_equal(window.opened, opened + HOURS(24));
}

static void users_records_and_periods_are_counted_apart(void **state) {
    (void)state;
    struct am_caps_cap other = one_in_30_minutes;
    other.key = 3;
    assert_int_equal(count(9, &one_in_30_minutes, DAY0), AM_CAPS_OPEN);
    assert_int_equal(count(9, &one_in_30_minutes, DAY0), AM_CAPS_FULL);
    assert_int_equal(count(8, &one_in_30_minutes, DAY0), AM_CAPS_OPEN);
    assert_int_equal(count(9, &other, DAY0), AM_CAPS_OPEN);
    assert_int_equal(count(9, &three_a_day, DAY0), AM_CAPS_OPEN);
}

static void a_changed_maximum_goes_on_with_the_same_count(void **state) {
    (void)state;
    struct am_caps_cap cap = three_a_day;
    for (unsigned i = 0; i < 3; i++)
        count(9, &cap, DAY0);
    cap.maximum = 5;
    assert_int_equal(count(9, &cap, DAY0), AM_CAPS_OPEN);
    cap.maximum = 2;
    assert_int_equal(count(9, &cap, DAY0), AM_CAPS_FULL);
    assert_int_equal(counted(9, &cap, DAY0), 4);
}

static void a_lifetime_never_ends(void **state) {
    (void)state;
    count(9, &two_ever, DAY0);
    count(9, &two_ever, DAY0 + DAYS(365));
    assert_int_equal(count(9, &two_ever, DAY0 + DAYS(365 * 30)), AM_CAPS_FULL);
}

static void a_placement_is_undone_while_its_window_is_open(void **state) {
    (void)state;
    count(9, &three_a_day, DAY0);
    count(9, &three_a_day, DAY0 + 10);
    am_caps_undo(table, 9, 1, DAY, DAY0 + 10, DAY0 + 70);
    assert_int_equal(counted(9, &three_a_day, DAY0 + 70), 1);
    /* In a window that opened later it was not counted. */
    count(9, &three_a_day, DAY0 + HOURS(24));
    am_caps_undo(table, 9, 1, DAY, DAY0 + HOURS(24) - 1, DAY0 + HOURS(24));
    assert_int_equal(counted(9, &three_a_day, DAY0 + HOURS(24)), 1);
    am_caps_undo(table, 9, 1, DAY, DAY0 + HOURS(24), DAY0 + HOURS(24));
    assert_int_equal(counted(9, &three_a_day, DAY0 + HOURS(24)), 0);
    am_caps_undo(table, 9, 1, DAY, DAY0 + HOURS(24), DAY0 + HOURS(24)); /* nothing is left */
    /* A window that holds nothing opens with the next one. */
    count(9, &three_a_day, DAY0 + HOURS(30));
    struct am_caps_window window;
    am_caps_ask(table, 9, &three_a_day, DAY0 + HOURS(30), &window);
    assert_int_equal(window.opened, DAY0 + HOURS(30));
}

/* Seen or counted, each for a user of its own. */
static void a_clock_that_is_put_back_opens_no_cap(void **state) {
    (void)state;
    int64_t then = DAY0 + DAYS(365), now = DAY0;
    for (uint64_t user = 8; user <= 9; user++) {
        count(user, &one_in_30_minutes, then);
        count(user, &two_ever, then);
        count(user, &two_ever, then);
    }
    assert_int_equal(am_caps_ask(table, 8, &two_ever, now, NULL), AM_CAPS_FULL);
    assert_int_equal(count(9, &two_ever, now), AM_CAPS_FULL);
    assert_int_equal(am_caps_ask(table, 8, &one_in_30_minutes, now, NULL), AM_CAPS_FULL);
    assert_int_equal(count(9, &one_in_30_minutes, now), AM_CAPS_FULL);
    /* The period begins again then, and ends. */
    assert_int_equal(count(8, &one_in_30_minutes, now + 30 * MINUTE - 1), AM_CAPS_FULL);
    assert_int_equal(count(9, &one_in_30_minutes, now + 30 * MINUTE - 1), AM_CAPS_FULL);
    assert_int_equal(count(8, &one_in_30_minutes, now + 30 * MINUTE), AM_CAPS_OPEN);
    assert_int_equal(count(9, &one_in_30_minutes, now + 30 * MINUTE), AM_CAPS_OPEN);
    assert_int_equal(am_caps_ask(table, 8, &two_ever, then, NULL), AM_CAPS_FULL);
}

static void a_clock_that_is_put_back_keeps_counts(void **state) {
    (void)state;
    count(9, &three_a_day, DAY0 + DAYS(365));
    assert_int_equal(count(9, &three_a_day, DAY0), AM_CAPS_OPEN);
    assert_int_equal(counted(9, &three_a_day, DAY0), 2);
    am_caps_undo(table, 9, 1, DAY, DAY0, DAY0 + 10);
    assert_int_equal(counted(9, &three_a_day, DAY0 + 10), 1);
    assert_int_equal(counted(9, &three_a_day, DAY0 + DAYS(1)), 0);
}

/* ---- room -------------------------------------------------------------------------------------
 */

/* Half full, as 64 MiB are with two caps for each of a million users. */
static void caps_are_exact_while_half_of_the_table_is_free(void **state) {
    (void)state;
    uint32_t users = (uint32_t)(table_bytes / 16 / 4);
    struct am_caps_counters counters;
    for (uint64_t user = 1; user <= users; user++) {
        struct am_caps_cap cap = three_a_day;
        cap.maximum = 1 + (uint32_t)(user % 3);
        for (unsigned i = 0; i < cap.maximum; i++) {
            assert_int_equal(count(user * 7919, &cap, DAY0 + i), AM_CAPS_OPEN);
            assert_int_equal(count(user * 7919, &one_in_30_minutes, DAY0 + i),
                             i ? AM_CAPS_FULL : AM_CAPS_OPEN);
        }
    }
    for (uint64_t user = 1; user <= users; user++)
        assert_int_equal(counted(user * 7919, &three_a_day, DAY0 + 9), 1 + user % 3);
    am_caps_read_counters(table, &counters);
    assert_int_equal(counters.evicted + counters.refused, 0);
}

static void the_window_that_ends_first_gives_way_and_a_lifetime_never(void **state) {
    (void)state;
    table = am_caps_start(memory, AM_CAPS_MIN_BYTES); /* 31 buckets, 248 entries */
    struct am_caps_counters counters;
    struct am_caps_cap week = {.key = 5, .period = 7 * DAY, .maximum = 1};
    for (uint64_t user = 1; user <= 100; user++)
        assert_int_equal(count(user, &two_ever, DAY0), AM_CAPS_OPEN);
    for (uint64_t user = 1; user <= 400; user++)
        count(user, &one_in_30_minutes, DAY0 + 1);
    for (uint64_t user = 1; user <= 60; user++)
        assert_int_equal(count(user, &week, DAY0 + 2), AM_CAPS_OPEN);
    am_caps_read_counters(table, &counters);
    assert_true(counters.evicted > 0);
    for (uint64_t user = 1; user <= 100; user++)
        assert_int_equal(counted(user, &two_ever, DAY0 + 3), 1);
    for (uint64_t user = 1; user <= 60; user++)
        assert_int_equal(counted(user, &week, DAY0 + 3), 1);
    /* With lifetimes alone there is no room left, and who has no room is capped. */
    uint32_t refused = 0;
    for (uint64_t user = 101; user <= 600; user++)
        refused += count(user, &two_ever, DAY0 + 4) == AM_CAPS_NO_ROOM;
    assert_in_range(refused, 500 + 100 - 248, 500 + 100 - 200);
    am_caps_read_counters(table, &counters);
    assert_int_equal(counters.refused, refused);
    assert_int_equal(am_caps_ask(table, 9999, &two_ever, DAY0 + 5, NULL), AM_CAPS_NO_ROOM);
}

static void memory_that_holds_no_table_is_refused(void **state) {
    (void)state;
    assert_ptr_equal(am_caps_over(memory, table_bytes), table);
    assert_null(am_caps_over(memory, table_bytes - 128));
    ((char *)memory)[9]++; /* the version */
    assert_null(am_caps_over(memory, table_bytes));
    memset(memory, 0, 128);
    assert_null(am_caps_over(memory, table_bytes));
}

/* ---- threads ----------------------------------------------------------------------------------
 */

enum { THREADS = 8, RACERS = 3, USERS = 64, ROUNDS = 4000, KEYS = 100, TABLES = 100 };

struct counting {
    unsigned number;
    uint32_t opened[USERS];
};

/* All threads count the same users at once, over windows that end and entries that are evicted. */
static void *count_users(void *context) {
    struct counting *counting = context;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct am_caps_cap cap = {.key = 7, .period = DAY, .maximum = 20};
        uint64_t user = 1 + (round + counting->number) % USERS;
        counting->opened[user - 1] += count(user, &cap, DAY0) == AM_CAPS_OPEN;
    }
    return NULL;
}

static void no_window_counts_above_its_maximum_with_many_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    static struct counting counting[THREADS];
    memset(counting, 0, sizeof counting);
    for (unsigned i = 0; i < THREADS; i++) {
        counting[i].number = i;
        assert_int_equal(pthread_create(&threads[i], NULL, count_users, &counting[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned user = 0; user < USERS; user++) {
        uint32_t opened = 0;
        for (unsigned i = 0; i < THREADS; i++)
            opened += counting[i].opened[user];
        assert_int_equal(opened, 20);
    }
}

/* All threads bring the same new key at the same moment, each behind a key of its own that takes
 * places of the same few buckets, so that they choose different ones. */
static unsigned arrived;

static void *race_for_places(void *context) {
    struct counting *counting = context;
    for (unsigned round = 0; round < KEYS; round++) {
        struct am_caps_cap cap = {.key = round, .period = AM_CAPS_LIFETIME, .maximum = 1};
        struct am_caps_cap own = {.key = round, .period = 1 + counting->number, .maximum = 9};
        __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < (round + 1) * RACERS)
            sched_yield();
        for (unsigned i = 0; i < counting->number; i++)
            count(2 + i, &own, DAY0);
        counting->opened[0] += count(1, &cap, DAY0) == AM_CAPS_OPEN;
    }
    return NULL;
}

static void a_key_has_one_entry_however_many_insert_it_at_once(void **state) {
    (void)state;
    static struct counting counting[RACERS];
    pthread_t threads[RACERS];
    uint32_t opened = 0;
    memset(counting, 0, sizeof counting);
    for (unsigned table_number = 0; table_number < TABLES; table_number++) {
        memset(memory, 0, table_bytes);
        table = am_caps_start(memory, AM_CAPS_MIN_BYTES);
        arrived = 0;
        for (unsigned i = 0; i < RACERS; i++) {
            counting[i].number = i;
            assert_int_equal(pthread_create(&threads[i], NULL, race_for_places, &counting[i]), 0);
        }
        for (unsigned i = 0; i < RACERS; i++)
            pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < RACERS; i++)
        opened += counting[i].opened[0];
    assert_int_equal(opened, KEYS * TABLES);
}

/* ---- the signed state -------------------------------------------------------------------------
 */

/* Stands in for SipHash. */
static void test_mac(void *context, const void *bytes, size_t size, uint8_t mac[16]) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical,
                             XXH3_128bits_withSeed(bytes, size, *(const uint64_t *)context));
    memcpy(mac, canonical.digest, 16);
}

static uint64_t mac_key = 42;

static bool carry(struct am_caps_state *state, int64_t now) {
    char text[AM_CAPS_STATE_TEXT];
    size_t size = am_caps_state_write(state, now, test_mac, &mac_key, text);
    assert_in_range(size, 1, AM_CAPS_STATE_TEXT);
    return am_caps_state_read(state, (struct am_view){text, size}, test_mac, &mac_key);
}

static void a_carried_state_counts_like_the_table(void **state) {
    (void)state;
    struct am_caps_state carried = {0};
    for (unsigned round = 0; round < 5000; round++) {
        struct am_caps_cap cap = {.key = test_random(10),
                                  .period = (uint32_t[]){30, DAY, AM_CAPS_LIFETIME}[test_random(3)],
                                  .maximum = 1 + test_random(5)};
        int64_t now = DAY0 + (int64_t)round * 97;
        struct am_caps_window a, b;
        assert_int_equal(am_caps_state_ask(&carried, &cap, now, &a),
                         am_caps_ask(table, 9, &cap, now, &b));
        assert_int_equal(a.count, b.count);
        assert_int_equal(a.opened, b.opened);
        if (test_random(2))
            continue;
        assert_int_equal(am_caps_state_count(&carried, &cap, now), count(9, &cap, now));
        assert_true(carry(&carried, now));
    }
}

static void a_clock_that_is_put_back_opens_no_cap_of_a_carried_state(void **state) {
    (void)state;
    struct am_caps_state carried = {0};
    int64_t then = DAY0 + DAYS(365);
    am_caps_state_count(&carried, &one_in_30_minutes, then);
    am_caps_state_count(&carried, &two_ever, then);
    am_caps_state_count(&carried, &two_ever, then);
    assert_int_equal(am_caps_state_count(&carried, &one_in_30_minutes, DAY0), AM_CAPS_FULL);
    assert_true(carry(&carried, DAY0));
    assert_int_equal(carried.count, 2);
    int64_t end = DAY0 + 30 * MINUTE;
    assert_int_equal(am_caps_state_ask(&carried, &one_in_30_minutes, end - 1, NULL), AM_CAPS_FULL);
    assert_int_equal(am_caps_state_ask(&carried, &one_in_30_minutes, end, NULL), AM_CAPS_OPEN);
    assert_int_equal(am_caps_state_ask(&carried, &two_ever, end, NULL), AM_CAPS_FULL);
}

static void what_is_forged_or_damaged_is_refused(void **state) {
    (void)state;
    struct am_caps_state carried = {0}, read;
    char text[AM_CAPS_STATE_TEXT + 1];
    am_caps_state_count(&carried, &three_a_day, DAY0);
    am_caps_state_count(&carried, &two_ever, DAY0);
    size_t size = am_caps_state_write(&carried, DAY0, test_mac, &mac_key, text);
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            assert_false(
                am_caps_state_read(&read, (struct am_view){text, size}, test_mac, &mac_key));
            assert_int_equal(read.count, 0);
            text[i] ^= (char)(1 << bit);
        }
    for (size_t i = 0; i < size; i++)
        assert_false(am_caps_state_read(&read, (struct am_view){text, i}, test_mac, &mac_key));
    text[size] = 'A';
    assert_false(am_caps_state_read(&read, (struct am_view){text, size + 1}, test_mac, &mac_key));
    uint64_t other_key = 43;
    assert_false(am_caps_state_read(&read, (struct am_view){text, size}, test_mac, &other_key));
    assert_true(am_caps_state_read(&read, (struct am_view){text, size}, test_mac, &mac_key));
    assert_int_equal(read.count, 2);
}

static void a_full_state_lets_the_window_go_that_ends_first(void **state) {
    (void)state;
    struct am_caps_state carried = {0};
    struct am_caps_cap cap = {.period = DAY, .maximum = 1};
    for (cap.key = 1; cap.key <= AM_CAPS_STATE_ENTRIES; cap.key++)
        assert_int_equal(am_caps_state_count(&carried, &cap, DAY0 + (int64_t)cap.key),
                         AM_CAPS_OPEN);
    assert_true(carry(&carried, DAY0 + 100));
    assert_int_equal(carried.count, AM_CAPS_STATE_ENTRIES);
    assert_int_equal(am_caps_state_count(&carried, &two_ever, DAY0 + 100), AM_CAPS_OPEN);
    cap.key = 1;
    assert_int_equal(am_caps_state_ask(&carried, &cap, DAY0 + 100, NULL), AM_CAPS_OPEN);
    cap.key = 2;
    assert_int_equal(am_caps_state_ask(&carried, &cap, DAY0 + 100, NULL),
                     two_ever.key == 2 ? AM_CAPS_FULL : AM_CAPS_OPEN);
    /* Lifetimes alone leave no room. */
    struct am_caps_cap ever = two_ever;
    for (ever.key = 1000; ever.key < 1000 + AM_CAPS_STATE_ENTRIES - 1; ever.key++)
        assert_int_equal(am_caps_state_count(&carried, &ever, DAY0 + 100), AM_CAPS_OPEN);
    assert_int_equal(am_caps_state_count(&carried, &ever, DAY0 + 100), AM_CAPS_NO_ROOM);
}

static void windows_that_have_ended_are_not_carried(void **state) {
    (void)state;
    struct am_caps_state carried = {0};
    am_caps_state_count(&carried, &one_in_30_minutes, DAY0);
    am_caps_state_count(&carried, &three_a_day, DAY0);
    assert_true(carry(&carried, DAY0 + INT64_C(30) * MINUTE));
    assert_int_equal(carried.count, 1);
}

/* ---- with placements --------------------------------------------------------------------------
 */

static struct test_ledger test;

static int start_ledger(void **state) {
    (void)state;
    test_start(&test, DAY0);
    return 0;
}

static int stop_ledger(void **state) {
    (void)state;
    test_stop(&test);
    return 0;
}

static const uint32_t periods[] = {30, DAY};

/* A campaign with caps, and perhaps a budget. */
static void publish_capped(int64_t impressions) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_IMPRESSIONS].total = impressions;
    test_publish(&test, &terms, 1, DAY0);
    test_check(am_delivery_map_begin(test.ledger, 1, 1, &test.map, &error), &error);
    struct am_delivery_map_ad what = {.keys = {0, test_key(AM_LEDGER_CAMPAIGN, "c"), 0},
                                      .periods = {NULL, periods, NULL},
                                      .period_counts = {0, 2, 0}};
    test_check(am_delivery_map_put(test.map, 0, &what, &error), &error);
    test_check(am_delivery_map_commit(test.map, &error), &error);
    test_step(&test, DAY0 + 1);
}

static enum am_delivery_verdict place_capped(uint32_t maximum, int64_t now, uint64_t *sequence) {
    const struct am_caps_cap caps[] = {
        {test_key(AM_LEDGER_CAMPAIGN, "c"), 30, maximum},
        {test_key(AM_LEDGER_CAMPAIGN, "c"), DAY, 100},
    };
    struct am_delivery_ask ask = {.price = 1};
    struct am_delivery_placement placement = {.sequence = am_ledger_sequence(test.ledger),
                                              .now = now,
                                              .seconds = 60,
                                              .user = 9,
                                              .caps = caps,
                                              .cap_count = 2};
    *sequence = placement.sequence;
    return am_delivery_reserve(test.worker, test.map, 0, &ask, &placement, NULL);
}

static uint32_t counted_in(uint32_t period, int64_t now) {
    struct am_caps_cap cap = {test_key(AM_LEDGER_CAMPAIGN, "c"), period, 100};
    struct am_caps_window window;
    am_caps_ask(am_ledger_caps(test.ledger), 9, &cap, now, &window);
    return window.count;
}

static void caps_are_counted_at_the_decision_and_undone_at_expiry(void **state) {
    (void)state;
    uint64_t sequence;
    for (unsigned with_budget = 0; with_budget < 2; with_budget++) {
        int64_t now = DAY0 + 2 + (int64_t)with_budget * 1000;
        am_delivery_map_close(test.map);
        test.map = NULL;
        publish_capped(with_budget ? 1000 : NONE);
        test_step(&test, now);
        assert_int_equal(place_capped(2, now, &sequence), AM_DELIVERY_LINE);
        assert_int_equal(place_capped(2, now, &sequence), AM_DELIVERY_LINE);
        assert_int_equal(place_capped(2, now, &sequence), AM_DELIVERY_CAP);
        assert_int_equal(counted_in(DAY, now), 2); /* the refused one left none */
        test_event(&test, 0, sequence - 1, AM_LEDGER_HOLD_IMPRESSION, 1, now + 1);
        test_step(&test, now + 61);
        assert_int_equal(counted_in(30, now + 61), 1); /* the one that was shown stays */
        assert_int_equal(counted_in(DAY, now + 61), 1);
        assert_int_equal(place_capped(2, now + 61, &sequence), AM_DELIVERY_LINE);
        am_delivery_release(test.worker, sequence, now + 61);
        assert_int_equal(counted_in(30, now + 61), 1);
        const struct am_caps_cap cap = {test_key(AM_LEDGER_CAMPAIGN, "c"), 30, 2};
        am_caps_undo(am_ledger_caps(test.ledger), 9, cap.key, 30, now, now + 61);
        am_caps_undo(am_ledger_caps(test.ledger), 9, cap.key, DAY, now, now + 61);
    }
}

static void a_budget_that_stops_leaves_no_cap_counted(void **state) {
    (void)state;
    uint64_t sequence;
    publish_capped(1);
    assert_int_equal(place_capped(9, DAY0 + 2, &sequence), AM_DELIVERY_LINE);
    assert_int_equal(place_capped(9, DAY0 + 2, &sequence), AM_DELIVERY_BUDGET);
    assert_int_equal(counted_in(30, DAY0 + 2), 1);
    assert_int_equal(counted_in(DAY, DAY0 + 2), 1);
}

static void details_say_how_many_in_which_time(void **state) {
    (void)state;
    static const struct {
        uint32_t maximum, period;
        const char *text;
    } details[] = {{3, DAY, "campaign 3 in 1d"}, {1, 30, "campaign 1 in 30m"},
                   {2, 90, "campaign 2 in 90m"}, {1000, 7 * DAY, "campaign 1000 in 7d"},
                   {5, 120, "campaign 5 in 2h"}, {1, AM_CAPS_LIFETIME, "campaign 1 in lifetime"}};
    char text[64];
    for (unsigned i = 0; i < AM_COUNT_OF(details); i++) {
        struct am_caps_cap cap = {1, details[i].period, details[i].maximum};
        struct am_buffer buffer = am_buffer_over(text, sizeof text);
        am_caps_detail_write(AM_LEDGER_CAMPAIGN, &cap, AM_CAPS_FULL, &buffer);
        am_buffer_append(&buffer, "", 1);
        assert_string_equal(text, details[i].text);
    }
    struct am_buffer buffer = am_buffer_over(text, sizeof text);
    am_caps_detail_write(AM_LEDGER_CAMPAIGN, &three_a_day, AM_CAPS_NO_ROOM, &buffer);
    assert_int_equal(buffer.size, sizeof "no room" - 1);
}

static void the_hash_of_a_user_is_never_zero(void **state) {
    (void)state;
    assert_true(am_caps_user(test_mac, &mac_key, AM_VIEW("u1")) != 0);
    assert_true(am_caps_user(test_mac, &mac_key, AM_VIEW("u1")) !=
                am_caps_user(test_mac, &mac_key, AM_VIEW("u2")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_window_opens_at_the_first_placement_and_ends_a_period_later),
        TEST(users_records_and_periods_are_counted_apart),
        TEST(a_changed_maximum_goes_on_with_the_same_count),
        TEST(a_lifetime_never_ends),
        TEST(a_placement_is_undone_while_its_window_is_open),
        TEST(a_clock_that_is_put_back_opens_no_cap),
        TEST(a_clock_that_is_put_back_keeps_counts),
        TEST(caps_are_exact_while_half_of_the_table_is_free),
        TEST(the_window_that_ends_first_gives_way_and_a_lifetime_never),
        TEST(memory_that_holds_no_table_is_refused),
        TEST(no_window_counts_above_its_maximum_with_many_threads),
        TEST(a_key_has_one_entry_however_many_insert_it_at_once),
        TEST(a_carried_state_counts_like_the_table),
        TEST(a_clock_that_is_put_back_opens_no_cap_of_a_carried_state),
        TEST(what_is_forged_or_damaged_is_refused),
        TEST(a_full_state_lets_the_window_go_that_ends_first),
        TEST(windows_that_have_ended_are_not_carried),
        TEST(details_say_how_many_in_which_time),
        TEST(the_hash_of_a_user_is_never_zero),
#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_ledger, stop_ledger)
        TEST(caps_are_counted_at_the_decision_and_undone_at_expiry),
        TEST(a_budget_that_stops_leaves_no_cap_counted),
    };
    const char *bytes = getenv("AM_CAPS_BYTES");
    if (bytes)
        table_bytes = strtoull(bytes, NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
