/* SPDX-License-Identifier: Apache-2.0 */
/* The counts of all records at one moment, while a publisher makes records. */
#include <pthread.h>

#include "delivery.h"

#include "../../plugin/delivery/live.h"

enum { CELLS = 8192, MANY = 5000, NAP_MICROSECONDS = 20000 };

static struct am_ledger *ledger;
static struct am_ledger_counts counts;

static int start(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    const struct am_ledger_options options = {
        .currency = "EUR", .cells = CELLS, .placements = 4096, .slots = 64};
    test_check(am_ledger_open(&options, &ledger, &error), &error);
    return 0;
}

static int stop(void **state) {
    (void)state;
    am_ledger_close(ledger);
    return 0;
}

static void *take_counts(void *context) {
    (void)context;
    struct am_error error = {.code = AM_OK};
    test_check(am_ledger_counts_take(ledger, &counts, &error), &error);
    return NULL;
}

/* With the lock. */
static void make_records(unsigned count) {
    struct am_error error = {.code = AM_OK};
    for (unsigned i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%u", i);
        uint32_t cell = am_ledger_record_make(ledger, AM_LEDGER_CAMPAIGN, am_view_of(id),
                                              test_key(AM_LEDGER_CAMPAIGN, id), DAY0, &error);
        assert_int_not_equal(cell, AM_LEDGER_NO_CELL);
    }
}

static void records_that_are_made_while_it_waits_for_the_lock_are_in_it(void **state) {
    (void)state;
    pthread_t thread;
    am_ledger_lock(ledger);
    assert_int_equal(pthread_create(&thread, NULL, take_counts, NULL), 0);
    usleep(NAP_MICROSECONDS); /* it has made room for the records that there are: none */
    make_records(MANY);
    am_ledger_unlock(ledger);
    pthread_join(thread, NULL);
    assert_int_equal(counts.record_count, MANY);
    am_ledger_counts_free(&counts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_that_are_made_while_it_waits_for_the_lock_are_in_it,
                                        start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
