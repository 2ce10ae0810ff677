/* SPDX-License-Identifier: Apache-2.0 */
/* Events whose charge meets a midnight: they are of the day whose room they took. */
#include <pthread.h>

#include "delivery.h"

#include "../../plugin/delivery/work.h"

#define MIDNIGHT (DAY0 + DAYS(1))
enum { BUDGET = 10, NAP_MICROSECONDS = 20000 };

static struct test_ledger test;
static uint32_t campaign;

static int start(void **state) {
    (void)state;
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY].daily = BUDGET * UNIT;
    terms.budgets[AM_LEDGER_MONEY].pacing = AM_PACE_ASAP;
    test_start(&test, DAY0);
    test_publish(&test, &terms, 1, DAY0);
    campaign = am_ledger_find(test.ledger, test_key(AM_LEDGER_CAMPAIGN, "c"));
    test_step(&test, MIDNIGHT - 1);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_stop(&test);
    return 0;
}

static struct am_ledger_event late_event(int64_t spend) {
    return (struct am_ledger_event){
        .sequence = AM_LEDGER_NO_SEQUENCE,
        .cells = {AM_LEDGER_NO_CELL, campaign, AM_LEDGER_NO_CELL},
        .amounts = {spend, 1, 0},
        .time = MIDNIGHT - 1,
        .holds = AM_LEDGER_HOLD_IMPRESSION,
    };
}

static void use_the_day_up(void) {
    struct am_ledger_event event = late_event(BUDGET * UNIT);
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, NULL), AM_LEDGER_CHARGED);
    am_ledger_count(test.worker, (struct am_ledger_position){1, 10});
    event = late_event(UNIT);
    assert_int_equal(am_delivery_charge(test.worker, &event, "", 0, NULL), AM_LEDGER_NO_ROOM);
    am_ledger_count(test.worker, (struct am_ledger_position){1, 20});
}

static void assert_spent(int64_t yesterday, int64_t today) {
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.total[AM_LEDGER_MONEY] - record.today[AM_LEDGER_MONEY],
                     yesterday * UNIT);
    assert_int_equal(record.today[AM_LEDGER_MONEY], today * UNIT);
}

/* ---- a worker that waits ----------------------------------------------------------------------
 */

struct waiting {
    struct am_ledger_worker *worker;
    struct am_ledger_event event;
    enum am_ledger_outcome outcome;
};

static void *charge(void *context) {
    struct waiting *waiting = context;
    waiting->outcome = am_delivery_charge(waiting->worker, &waiting->event, "", 0, NULL);
    am_ledger_count(waiting->worker, (struct am_ledger_position){1, 10});
    return NULL;
}

/* What a step does whose repair ends after midnight. */
static void begin_the_day_under_a_freeze(pthread_t *thread, struct waiting *waiting) {
    am_ledger_lock(test.ledger);
    __atomic_store_n(&test.ledger->header->frozen, 1, __ATOMIC_SEQ_CST);
    assert_int_equal(pthread_create(thread, NULL, charge, waiting), 0);
    usleep(NAP_MICROSECONDS);
    test.ledger->now = MIDNIGHT;
    am_ledger_zones_look(test.ledger, MIDNIGHT);
    am_ledger_record_begin_day(test.ledger, campaign, (int32_t)(MIDNIGHT / 86400));
    am_ledger_thaw(test.ledger);
    am_ledger_unlock(test.ledger);
}

static void an_event_that_waits_while_the_day_begins_is_of_the_new_day(void **state) {
    (void)state;
    pthread_t thread;
    struct am_error error;
    struct waiting waiting = {.event = late_event(UNIT)};
    use_the_day_up();
    test_check(am_ledger_worker_new(test.ledger, &waiting.worker, &error), &error);
    begin_the_day_under_a_freeze(&thread, &waiting);
    pthread_join(thread, NULL);
    assert_int_equal(waiting.outcome, AM_LEDGER_CHARGED);
    assert_int_equal(waiting.event.time, MIDNIGHT);
    assert_spent(BUDGET, 1);
    am_ledger_worker_free(waiting.worker);
}

/* ---- a worker that is dead --------------------------------------------------------------------
 */

static struct am_ledger_position note_time(void *context,
                                           uint32_t slot,
                                           const struct am_ledger_event *event,
                                           enum am_ledger_outcome outcome,
                                           const void *note,
                                           size_t note_size,
                                           struct am_ledger_position last) {
    (void)slot, (void)note, (void)note_size;
    assert_int_equal(outcome, AM_LEDGER_CHARGED);
    *(int64_t *)context = event->time;
    return last;
}

static void
an_event_of_a_dead_worker_that_is_finished_after_midnight_is_of_the_new_day(void **state) {
    (void)state;
    int64_t logged = 0;
    struct am_error error;
    struct am_ledger_worker *dead;
    use_the_day_up();
    test_check(am_ledger_worker_new(test.ledger, &dead, &error), &error);
    /* As a kill leaves it between the note and the charge. */
    struct am_ledger_slot *slot = dead->slot;
    struct am_ledger_queued *queued = &slot->queue[slot->head % AM_LEDGER_LIVE_QUEUE];
    queued->event = late_event(UNIT);
    queued->note_size = 0;
    queued->state = AM_LEDGER_QUEUED_NOTED;
    am_ledger_worker_free(dead);
    test_step(&test, MIDNIGHT);
    am_ledger_finish(test.worker, note_time, &logged);
    assert_int_equal(logged, MIDNIGHT);
    assert_spent(BUDGET, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_event_that_waits_while_the_day_begins_is_of_the_new_day),
        TEST(an_event_of_a_dead_worker_that_is_finished_after_midnight_is_of_the_new_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
