/* SPDX-License-Identifier: Apache-2.0 */
/* What the events allocate, made to fail: see failing_allocations.h. */
#include <stdbool.h>
#include <stdint.h>

#include "failing_allocations.h"

#include "../../plugin/events/merge.h"
#include "../../plugin/events/recount.h"
#include "account.h"

static struct account account;

static int set_up(void **state) {
    (void)state;
    set_clock(NOON);
    start_account(&account);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    end_account(&account);
    return 0;
}

/* Hours of lines, so that there is something to read, compress, and index. */
static void fill_log(void) {
    for (int hour = 0; hour < 3; hour++) {
        set_clock(NOON + INT64_C(3600) * hour);
        struct placed placed = place_ad(account.worker, 1, UNIT, AM_PRICING_CPM);
        struct am_event_decided_ad ad = {
            .sequence = placed.token.sequence, .ad = placed.token.ad, .names = account_ads[1]};
        struct am_event_decision decision = {.ads = &ad, .ad_count = 1};
        am_event_log_decision(account.worker, &decision);
        fire(&account, account.worker, AM_JOURNAL_IMPRESSION, &placed);
    }
    am_event_worker_flush(account.worker);
}

static enum am_code open_service(void *context, struct am_error *error) {
    struct am_event_service *service = NULL;
    struct am_event_worker *worker = NULL;
    struct am_event_recovered recovered;
    char command[256];
    (void)context;
    snprintf(command, sizeof command, "rm -f %s/events %s/names-*", am_ledger_home(account.ledger),
             am_ledger_home(account.ledger));
    assert_int_equal(system(command), 0);
    enum am_code code = am_event_service_open(&account.options, &service, &recovered, error);
    if (code == AM_OK && recovered.ring_lost) /* it starts without, and says so */
        code = recovered.ring_error.code;
    if (code == AM_OK)
        code = am_event_worker_new(service, account.ledger_worker, &worker, error);
    if (recovered.ring_lost)
        *error = recovered.ring_error;
    am_event_worker_free(worker);
    am_event_service_close(service);
    return code;
}

static void opening_a_service(void **state) {
    struct am_error error = {.code = AM_OK};
    (void)state;
    fill_log();
    check(am_ledger_snapshot(account.ledger, now_seconds(), &error), &error);
    check(am_event_hold_save(&account.holder, &error), &error);
    try_with_every_failure(open_service, NULL);
}

static enum am_code save_ring(void *context, struct am_error *error) {
    (void)context;
    return am_event_hold_save(&account.holder, error);
}

static void saving_the_ring(void **state) {
    (void)state;
    try_with_every_failure(save_ring, NULL);
}

static enum am_code recount(void *context, struct am_error *error) {
    struct am_journal_recount recount;
    struct am_journal_recount_options options = {
        .folder = account.log, .whole = *(bool *)context, .zones = account.zones};
    enum am_code code = am_journal_recount(&options, &recount, error);
    am_journal_recount_free(&recount);
    return code;
}

static void recounting(void **state) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    bool whole = true;
    (void)state;
    fill_log();
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    assert_true(am_event_log_counters(account.worker, &counts, NULL));
    am_ledger_counts_free(&counts);
    try_with_every_failure(recount, &whole);
    whole = false;
    try_with_every_failure(recount, &whole);
}

static enum am_code take_counts(void *context, struct am_error *error) {
    struct am_ledger_counts counts;
    (void)context;
    enum am_code code = am_ledger_counts_take(account.ledger, &counts, error);
    if (code == AM_OK)
        am_ledger_counts_free(&counts);
    return code;
}

static void taking_counts(void **state) {
    (void)state;
    try_with_every_failure(take_counts, NULL);
}

static enum am_code log_counters(void *context, struct am_error *error) {
    (void)context;
    enum am_code code = am_event_hold_counters(&account.holder, error);
    assert_int_equal(am_event_hold_counters_due(&account.holder), code != AM_OK);
    return code;
}

/* What fails stays due: the next second tries it again. */
static void logging_counters(void **state) {
    (void)state;
    fill_log();
    try_with_every_failure(log_counters, NULL);
}

static enum am_code merge(void *context, struct am_error *error) {
    struct am_journal_merge *merge = NULL;
    struct am_view line;
    bool more = true;
    (void)context;
    enum am_code code = am_journal_merge_open(account.log, INT64_MIN, false, &merge, error);
    while (code == AM_OK && more)
        code = am_journal_merge_next(merge, &line, &more, error);
    am_journal_merge_close(merge);
    return code;
}

static void merging(void **state) {
    (void)state;
    fill_log();
    try_with_every_failure(merge, NULL);
}

static enum am_code tidy(void *context, struct am_error *error) {
    struct am_journal_tidied tidied;
    char command[256];
    (void)context;
    /* Files that were packed before are plain again, and days have no index. */
    snprintf(command, sizeof command, "gunzip -qf %s/*.gz 2> /dev/null; rm -f %s/names/*.index",
             account.log, account.folder);
    assert_true(system(command) >= 0);
    return am_event_hold_tidy(&account.holder, 40, &tidied, error);
}

static void tidying(void **state) {
    (void)state;
    fill_log();
    set_clock(NOON + INT64_C(3) * 86400);
    try_with_every_failure(tidy, NULL);
}

static enum am_code load_robots(void *path, struct am_error *error) {
    struct am_event_robots *robots;
    enum am_code code = am_event_robots_load(path, &robots, error);
    am_event_robots_free(robots);
    return code;
}

static void loading_robots(void **state) {
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/robots", account.path);
    FILE *file = fopen(path, "w");
    fputs("acme-checker\n!acme-checkers\n", file);
    fclose(file);
    try_with_every_failure(load_robots, path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(opening_a_service), TEST(saving_the_ring), TEST(recounting), TEST(taking_counts),
        TEST(logging_counters),  TEST(merging),         TEST(tidying),    TEST(loading_robots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
