/* SPDX-License-Identifier: Apache-2.0 */
/* The order of events in simulations, and chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/cli/simulate_chance.h"
#include "../../plugin/cli/simulate_heap.h"
#include "xorshift.h"

enum { EVENTS = 5000, TIMES = 700, DRAWS = 100000 };

static bool is_before(const struct am_cli_event *a, const struct am_cli_event *b) {
    if (a->time != b->time)
        return a->time < b->time;
    return a->placement != b->placement ? a->placement < b->placement : !a->click && b->click;
}

/* Pushes and pops in turn: what comes out ascends as long as nothing earlier was pushed. */
static void events_come_in_order(void **state) {
    (void)state;
    struct am_cli_heap heap = {0};
    uint64_t seed = XORSHIFT64_SEED;
    int64_t now = 0;
    size_t popped = 0;
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint64_t random = xorshift64(&seed);
        const struct am_cli_event event = {
            .time = now + (int64_t)(random % TIMES), .placement = i / 2, .click = i % 2};
        assert_true(am_cli_heap_push(&heap, &event));
        if (random % 3 == 0) {
            now = am_cli_heap_pop(&heap).time;
            popped++;
        }
    }
    struct am_cli_event last = {.time = INT64_MIN};
    while (am_cli_heap_first(&heap)) {
        struct am_cli_event event = am_cli_heap_pop(&heap);
        assert_true(is_before(&last, &event));
        last = event;
        popped++;
    }
    assert_int_equal(popped, EVENTS);
    am_cli_heap_free(&heap);
}

/* The values are computed in Python from the definition in docs/PACING.md. */
static void chance_is_the_documented_one(void **state) {
    (void)state;
    assert_true(am_cli_chance_uniform(1, 1, 0) == 0x1.c9759d4b89736p-1);
    assert_true(am_cli_chance_uniform(1, 1, 3) == 0x1.0069fb7cf026ep-2);
    assert_true(am_cli_chance_uniform(UINT64_MAX, 12345, 5) == 0x1.01d327c6612c0p-2);
}

static void shares_and_delays_are_as_asked(void **state) {
    (void)state;
    const struct am_cli_chance chance = {.seed = 3, .render = 0.85, .delay = 1.5};
    unsigned shown = 0, soon = 0, clicked = 0;
    int64_t after;
    for (uint64_t q = 1; q <= DRAWS; q++) {
        if (!am_cli_chance_renders(&chance, q, &after))
            continue;
        shown++;
        soon += after < 1500000;
        clicked += am_cli_chance_clicks(&chance, q, 20000, &after);
        assert_false(am_cli_chance_clicks(&chance, q, 0, &after));
    }
    assert_in_range(shown, 84500, 85500);
    assert_in_range(soon, 42000, 43000);
    assert_in_range(clicked, 1580, 1820);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(chance_is_the_documented_one),
        cmocka_unit_test(shares_and_delays_are_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
