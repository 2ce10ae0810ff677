/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the loop that know no uWSGI: its timer wheel, its buffers, its table of connections,
 * and the balance between processes; each against a model that is as plain as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/uwsgi/loop/balance.h"
#include "../../plugin/uwsgi/loop/connection.h"

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

/* ---- the wheel --------------------------------------------------------------------------------
 */

enum { TIMERS = 64 };

static void a_timer_expires_in_its_second(void **state) {
    (void)state;
    struct am_loop_wheel wheel;
    struct am_loop_timer timer = {0};
    am_loop_wheel_start(&wheel, 1000);
    for (int64_t after = 0; after < INT64_C(3) * AM_LOOP_WHEEL_SLOTS; after += 85) {
        int64_t now = wheel.now;
        am_loop_wheel_set(&wheel, &timer, now + after);
        if (after)
            assert_null(am_loop_wheel_expire(&wheel, now + after - 1));
        assert_ptr_equal(am_loop_wheel_expire(&wheel, now + after), &timer);
        assert_null(am_loop_wheel_expire(&wheel, now + after));
    }
}

static void a_cancelled_timer_does_not_expire(void **state) {
    (void)state;
    struct am_loop_wheel wheel;
    struct am_loop_timer timer = {0};
    am_loop_wheel_start(&wheel, 5);
    am_loop_wheel_cancel(&timer);
    am_loop_wheel_set(&wheel, &timer, 7);
    am_loop_wheel_cancel(&timer);
    assert_null(am_loop_wheel_expire(&wheel, 1000));
}

static void put_off_many_times_it_expires_once(void **state) {
    (void)state;
    struct am_loop_wheel wheel;
    struct am_loop_timer timer = {0};
    am_loop_wheel_start(&wheel, 0);
    for (int64_t now = 0; now < 1000; now++) {
        am_loop_wheel_set(&wheel, &timer, now + 150);
        assert_null(am_loop_wheel_expire(&wheel, now));
    }
    assert_null(am_loop_wheel_expire(&wheel, 999 + 149));
    assert_ptr_equal(am_loop_wheel_expire(&wheel, 999 + 150), &timer);
}

/* The model: an array of deadlines, 0 for none. */
static void expire_as_the_model_does(struct am_loop_wheel *wheel,
                                     struct am_loop_timer *timers,
                                     int64_t *deadlines,
                                     int64_t now) {
    struct am_loop_timer *timer;
    while ((timer = am_loop_wheel_expire(wheel, now))) {
        int64_t *deadline = &deadlines[timer - timers];
        assert_true(*deadline && *deadline <= now);
        *deadline = 0;
    }
    for (unsigned i = 0; i < TIMERS; i++)
        assert_true(!deadlines[i] || deadlines[i] > now);
}

static void timers_agree_with_a_list_of_deadlines(void **state) {
    (void)state;
    static struct am_loop_wheel wheel;
    struct am_loop_timer timers[TIMERS] = {0};
    int64_t deadlines[TIMERS] = {0}, now = 100;
    am_loop_wheel_start(&wheel, now);
    for (unsigned step = 0; step < 200000; step++) {
        unsigned which = random_below(TIMERS);
        if (random_below(8) == 0) {
            am_loop_wheel_cancel(&timers[which]);
            deadlines[which] = 0;
        } else {
            deadlines[which] = now - 2 + random_below(random_below(2) ? 10 : 700);
            am_loop_wheel_set(&wheel, &timers[which], deadlines[which]);
        }
        if (random_below(4) == 0) {
            now += random_below(random_below(50) ? 3 : 600);
            expire_as_the_model_does(&wheel, timers, deadlines, now);
        }
    }
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

static void what_is_appended_is_consumed_in_order(void **state) {
    (void)state;
    struct am_loop_pending bytes = {0};
    char expected[64 << 10];
    size_t size = 0;
    am_loop_pending_limit(sizeof expected);
    for (unsigned step = 0; step < 20000; step++) {
        char more[700];
        size_t length = random_below(sizeof more);
        for (size_t i = 0; i < length; i++)
            more[i] = (char)random_below(256);
        if (size + length < sizeof expected - sizeof more) {
            assert_true(am_loop_pending_append(&bytes, more, length));
            memcpy(expected + size, more, length);
            size += length;
        }
        size_t consumed = random_below(900) < size ? random_below(900) : 0;
        consumed = consumed < size ? consumed : size;
        am_loop_pending_consume(&bytes, consumed);
        memmove(expected, expected + consumed, size - consumed);
        size -= consumed;
        assert_int_equal(bytes.size, size);
        assert_true(size == 0 || memcmp(bytes.data, expected, size) == 0);
        assert_int_equal(am_loop_pending_total(), bytes.room);
    }
    am_loop_pending_free(&bytes);
    assert_int_equal(am_loop_pending_total(), 0);
}

static void all_together_stay_within_the_bound(void **state) {
    (void)state;
    struct am_loop_pending first = {0}, second = {0};
    static const char data[3000];
    am_loop_pending_limit(4096);
    assert_true(am_loop_pending_append(&first, data, 3000));
    assert_false(am_loop_pending_append(&second, data, 3000));
    assert_int_equal(second.size, 0);
    assert_false(am_loop_pending_reserve(&first, SIZE_MAX));
    am_loop_pending_consume(&first, 3000);
    assert_true(am_loop_pending_append(&second, data, 3000));
    assert_int_equal(am_loop_pending_total(), 3000);
    am_loop_pending_free(&second);
}

/* ---- connections ------------------------------------------------------------------------------
 */

static void the_table_gives_each_entry_once_and_knows_old_keys(void **state) {
    (void)state;
    enum { CAPACITY = 50 };
    struct am_loop_connection *open[CAPACITY] = {NULL};
    uint64_t stale[1000], key;
    unsigned count = 0, stale_count = 0;
    assert_true(am_loop_connections_start(CAPACITY));
    for (unsigned step = 0; step < 20000; step++) {
        unsigned which = random_below(CAPACITY);
        if (open[which]) {
            key = am_loop_connection_key(open[which]);
            assert_ptr_equal(am_loop_connection_of_key(key), open[which]);
            assert_int_equal(open[which]->fd, which);
            am_loop_connection_free(open[which]);
            stale[stale_count++ % AM_COUNT_OF(stale)] = key;
            open[which] = NULL;
            count--;
        } else {
            open[which] = am_loop_connection_new((int)which);
            assert_non_null(open[which]);
            count++;
        }
        assert_int_equal(am_loop_connections_count(), count);
        assert_int_equal(am_loop_connections_full(), count == CAPACITY);
        for (unsigned i = 0; i < AM_COUNT_OF(stale) && i < stale_count; i += 97)
            assert_null(am_loop_connection_of_key(stale[i]));
    }
    unsigned walked = 0;
    for (struct am_loop_connection *c = NULL; (c = am_loop_connection_next(c)); walked++)
        assert_ptr_equal(open[c->fd], c);
    assert_int_equal(walked, count);
}

static void the_idlest_is_one_that_rests_and_is_old_enough(void **state) {
    (void)state;
    struct am_loop_connection *connections[4];
    assert_true(am_loop_connections_start(4));
    for (int i = 0; i < 4; i++) {
        connections[i] = am_loop_connection_new(i);
        connections[i]->timer.deadline = 100 + i;
    }
    assert_null(am_loop_connection_new(4));
    connections[0]->state = AM_LOOP_HEAD;
    assert_ptr_equal(am_loop_connection_least_recent(102), connections[1]);
    assert_null(am_loop_connection_least_recent(100));
    am_loop_pending_limit(4096);
    assert_true(am_loop_pending_append(&connections[1]->input, "GET", 3));
    assert_ptr_equal(am_loop_connection_least_recent(102), connections[2]);
    am_loop_pending_free(&connections[1]->input);
}

/* ---- balance ----------------------------------------------------------------------------------
 */

static void balanced_processes_close_nothing(void **state) {
    (void)state;
    am_loop_balance_set(100, 100, 1);
    assert_false(am_loop_balance_take());
    am_loop_balance_set(110, 200, 2);
    assert_false(am_loop_balance_take());
    am_loop_balance_set(12000, 20000, 2);
    assert_false(am_loop_balance_take());
    am_loop_balance_set(0, 100, 2);
    assert_false(am_loop_balance_take());
    am_loop_balance_set(5, 0, 0);
    assert_false(am_loop_balance_take());
}

/* What goes away connects anew, to any process. */
static void a_process_with_all_connections_shares_them(void **state) {
    (void)state;
    uint64_t own = 10000, other = 0;
    for (unsigned seconds = 0; seconds < 60; seconds++) {
        am_loop_balance_set(own, own + other, 2);
        for (unsigned i = 0; i < 20000 && am_loop_balance_take(); i++) {
            own--;
            *(i % 2 ? &own : &other) += 1;
        }
        am_loop_balance_taken();
    }
    assert_in_range(own, 5000, 6300);
}

static void what_was_taken_is_reported_once(void **state) {
    (void)state;
    am_loop_balance_set(1000, 1000, 2);
    assert_true(am_loop_balance_take() && am_loop_balance_take());
    assert_int_equal(am_loop_balance_taken(), 2);
    assert_int_equal(am_loop_balance_taken(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_expires_in_its_second),
        cmocka_unit_test(a_cancelled_timer_does_not_expire),
        cmocka_unit_test(put_off_many_times_it_expires_once),
        cmocka_unit_test(timers_agree_with_a_list_of_deadlines),
        cmocka_unit_test(what_is_appended_is_consumed_in_order),
        cmocka_unit_test(all_together_stay_within_the_bound),
        cmocka_unit_test(the_table_gives_each_entry_once_and_knows_old_keys),
        cmocka_unit_test(the_idlest_is_one_that_rests_and_is_old_enough),
        cmocka_unit_test(balanced_processes_close_nothing),
        cmocka_unit_test(a_process_with_all_connections_shares_them),
        cmocka_unit_test(what_was_taken_is_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
