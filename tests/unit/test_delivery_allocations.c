/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger allocates, made to fail: see failing_allocations.h. */
#include "delivery_shared.h"
#include "failing_allocations.h"

static struct shared shared;
static struct am_timezones *zones;

static struct am_ledger_options options_of(bool in_files) {
    struct test_ledger test = {.zones = zones};
    struct am_ledger_options options = test_options(&test);
    options.notify = NULL;
    options.folder = in_files ? shared.folder : NULL;
    options.tmpfs = shared.tmpfs;
    return options;
}

static struct am_ledger_terms terms_of(void) {
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, "c");
    terms.budgets[AM_LEDGER_MONEY].daily = 24 * UNIT;
    return terms;
}

static enum am_code publish(struct am_ledger *ledger, struct am_error *error) {
    struct am_ledger_publication publication = {.time = 1, .currency = "EUR"};
    struct am_ledger_terms terms = terms_of();
    enum am_code code = am_ledger_publish_begin(ledger, &publication, DAY0, error);
    if (code == AM_OK) {
        code = am_ledger_put(ledger, &terms, NULL, error);
        am_ledger_publish_end(ledger);
    }
    return code;
}

static enum am_code make_map(struct am_ledger *ledger, struct am_error *error) {
    static const uint32_t periods[] = {30};
    struct am_delivery_map_ad what = {.keys = {0, test_key(AM_LEDGER_CAMPAIGN, "c"), 0},
                                      .periods = {NULL, periods, NULL},
                                      .period_counts = {0, 1, 0}};
    struct am_delivery_map *map = NULL;
    enum am_code code = am_delivery_map_begin(ledger, 1, 3, &map, error);
    if (code != AM_OK)
        return code;
    for (uint32_t ad = 0; ad < 3 && code == AM_OK; ad++)
        code = am_delivery_map_put(map, ad, &what, error);
    if (code == AM_OK)
        code = am_delivery_map_commit(map, error);
    am_delivery_map_close(map);
    return code;
}

/* All that a ledger goes through in a life. */
static enum am_code live_on(void *context, struct am_error *error) {
    struct am_ledger_options options = options_of(*(bool *)context);
    struct am_ledger *ledger = NULL;
    struct am_ledger_worker *worker = NULL;
    struct am_ledger_step_report report;
    enum am_code code = am_ledger_open(&options, &ledger, error);
    if (code == AM_OK && am_ledger_recovering(ledger))
        am_ledger_recovered(ledger);
    if (code == AM_OK)
        code = am_ledger_worker_new(ledger, &worker, error);
    if (code == AM_OK)
        code = am_ledger_step(ledger, worker, DAY0, &report, error);
    if (code == AM_OK)
        code = publish(ledger, error);
    if (code == AM_OK)
        code = make_map(ledger, error);
    if (code == AM_OK && options.folder)
        code = am_ledger_snapshot(ledger, DAY0, error);
    am_ledger_worker_free(worker);
    am_ledger_close(ledger);
    return code;
}

static void a_life_in_private_memory(void **state) {
    (void)state;
    bool in_files = false;
    try_with_every_failure(live_on, &in_files);
}

static void a_life_in_files(void **state) {
    (void)state;
    bool in_files = true;
    try_with_every_failure(live_on, &in_files);
}

static enum am_code reboot(void *context, struct am_error *error) {
    (void)context;
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s/*", shared.tmpfs);
    if (system(command) != 0)
        return AM_E_IO;
    bool in_files = true;
    return live_on(&in_files, error);
}

static void a_recovery_from_a_snapshot(void **state) {
    struct am_error error;
    bool in_files = true;
    (void)state;
    assert_int_equal(live_on(&in_files, &error), AM_OK);
    try_with_every_failure(reboot, NULL);
}

/* Repairs allocate: without memory a dead worker waits for the next step. */
static void a_repair_without_memory_is_made_by_the_next_step(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_options options = options_of(true);
    struct am_ledger *ledger = NULL;
    struct am_ledger_worker *worker = NULL;
    struct am_ledger_step_report report;
    test_check(am_ledger_open(&options, &ledger, &error), &error);
    if (am_ledger_recovering(ledger))
        am_ledger_recovered(ledger);
    pid_t child = fork();
    if (child == 0) {
        am_ledger_worker_new(ledger, &worker, &error);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    test_check(am_ledger_worker_new(ledger, &worker, &error), &error);
    test_check(am_ledger_step(ledger, worker, DAY0, &report, &error), &error);
    assert_int_equal(report.dead, 1);
    child = fork();
    if (child == 0) {
        am_ledger_worker_new(ledger, &worker, &error);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    until_failure = 0;
    am_ledger_step(ledger, worker, DAY0 + 1, &report, &error);
    until_failure = -1;
    assert_int_equal(report.dead, 1);
    test_check(am_ledger_step(ledger, worker, DAY0 + 2, &report, &error), &error);
    assert_int_equal(report.dead, 1);
    test_check(am_ledger_step(ledger, worker, DAY0 + 3, &report, &error), &error);
    assert_int_equal(report.dead, 0);
    am_ledger_worker_free(worker);
    am_ledger_close(ledger);
}

static int start(void **state) {
    (void)state;
    shared_make(&shared);
    zones = am_timezones_load(NULL, NULL);
    return zones == NULL;
}

static int stop(void **state) {
    (void)state;
    am_timezones_free(zones);
    shared_remove(&shared);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_in_private_memory),
        cmocka_unit_test(a_life_in_files),
        cmocka_unit_test(a_recovery_from_a_snapshot),
        cmocka_unit_test(a_repair_without_memory_is_made_by_the_next_step),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
