/* SPDX-License-Identifier: Apache-2.0 */
/* The log's sums: lines of counters, recounts from any of them, days in their time zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/events/recount.h"
#include "account.h"

#define HOUR INT64_C(3600)

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

static struct am_journal_recount recount_log(bool whole, const struct am_ledger_counts *until) {
    struct am_journal_recount_options options = {account.log,   whole, NULL,
                                                 account.zones, until, account.ledger};
    struct am_journal_recount recount;
    struct am_error error = {.code = AM_OK};
    check(am_journal_recount(&options, &recount, &error), &error);
    return recount;
}

static void print_difference(void *context,
                             const struct am_ledger_count_of *shown,
                             const struct am_journal_sum *sum) {
    (void)context;
    struct am_view id = shown ? shown->id : sum ? sum->id : AM_VIEW("nothing");
    printf("%.*s: shown %lld %lld %lld today %lld, log %lld %lld %lld today %lld\n",
           AM_VIEW_ARGUMENTS(id), shown ? (long long)shown->total[0] : -1,
           shown ? (long long)shown->total[1] : -1, shown ? (long long)shown->total[2] : -1,
           shown ? (long long)shown->today[0] : -1, sum ? (long long)sum->total[0] : -1,
           sum ? (long long)sum->total[1] : -1, sum ? (long long)sum->total[2] : -1,
           sum ? (long long)sum->today[0] : -1);
}

/* The whole log, and the log from its newest counters on, give what the ledger shows. */
static void assert_log_is_ledger(void) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    for (int whole = 0; whole < 2; whole++) {
        struct am_journal_recount recount = recount_log(whole, &counts);
        assert_int_equal(recount.unreadable, 0);
        assert_int_equal(recount.misplaced, 0);
        assert_int_equal(recount.report.missing, 0);
        assert_int_equal(am_journal_recount_compare(&recount, &counts, print_difference, NULL), 0);
        am_journal_recount_free(&recount);
    }
    am_ledger_counts_free(&counts);
}

static void log_counters(void) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    assert_true(am_event_log_counters(account.worker, &counts, NULL));
    am_ledger_counts_free(&counts);
}

static void impression(unsigned ad, int64_t price) {
    struct placed placed = place_ad(account.worker, ad, price, AM_PRICING_CPM);
    assert_int_equal(fire(&account, account.worker, AM_JOURNAL_IMPRESSION, &placed),
                     AM_EVENT_COUNTED);
}

static void an_empty_log_has_no_sums(void **state) {
    (void)state;
    struct am_journal_recount recount = recount_log(false, NULL);
    assert_int_equal(recount.sums.count, 0);
    assert_false(recount.set.found);
    am_journal_recount_free(&recount);
    assert_log_is_ledger();
}

static void sums_are_by_record(void **state) {
    (void)state;
    impression(0, UNIT);
    impression(1, 2 * UNIT);
    impression(2, 4 * UNIT);
    struct am_journal_recount recount = recount_log(false, NULL);
    assert_int_equal(recount.sums.count, 4); /* acme, c1, c2, a2 */
    const struct am_journal_sum *sum =
        am_journal_recount_find(&recount, AM_LEDGER_CAMPAIGN, AM_VIEW("c1"));
    assert_int_equal(sum->total[AM_LEDGER_MONEY], 3 * UNIT);
    assert_int_equal(sum->total[AM_LEDGER_IMPRESSIONS], 2);
    assert_int_equal(sum->today[AM_LEDGER_MONEY], 3 * UNIT);
    assert_null(am_journal_recount_find(&recount, AM_LEDGER_AD, AM_VIEW("a1")));
    assert_non_null(am_journal_recount_find(&recount, AM_LEDGER_AD, AM_VIEW("a2")));
    assert_int_equal(recount.events[AM_JOURNAL_IMPRESSION][AM_EVENT_COUNTED], 3);
    am_journal_recount_free(&recount);
    assert_log_is_ledger();
}

static void a_recount_starts_from_the_newest_counters(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        impression(0, UNIT);
        impression(1, UNIT);
        log_counters();
    }
    impression(2, UNIT);
    struct am_journal_recount recount = recount_log(false, NULL);
    assert_true(recount.set.found);
    assert_int_equal(recount.events[AM_JOURNAL_IMPRESSION][AM_EVENT_COUNTED], 1);
    assert_int_equal(am_journal_recount_find(&recount, AM_LEDGER_CAMPAIGN, AM_VIEW("c1"))->total[0],
                     6 * UNIT);
    am_journal_recount_free(&recount);
    assert_log_is_ledger();
}

/* Also when their lines are many, and files rotate in between. */
static void counters_of_many_records_are_split_into_lines(void **state) {
    struct am_error error = {.code = AM_OK};
    char id[64];
    (void)state;
    account.service->journal.rotate_bytes = 30000;
    for (int i = 0; i < 900; i++) {
        uint32_t cell;
        snprintf(id, sizeof id, "campaign \"%d\" \x01\x02", i);
        struct am_ledger_terms terms = terms_of(AM_LEDGER_CAMPAIGN, id, "acme");
        check(am_ledger_set(account.ledger, &terms, now_seconds(), &cell, &error), &error);
    }
    impression(0, UNIT);
    log_counters();
    impression(0, UNIT);
    struct am_journal_recount recount = recount_log(false, NULL);
    assert_true(recount.set.found);
    assert_int_equal(recount.sums.count, 904);
    am_journal_recount_free(&recount);
    assert_log_is_ledger();
}

static void counters_that_are_not_whole_are_passed_over(void **state) {
    struct am_journal_line line;
    struct am_journal_position position;
    (void)state;
    impression(0, UNIT);
    log_counters();
    impression(0, UNIT);
    set_clock(NOON + 1);
    struct am_journal_writer *writer = am_event_worker_writer(account.worker);
    am_journal_begin(writer, AM_JOURNAL_COUNTERS, &line);
    am_journal_put_text(line.text, "cut", AM_VIEW("2026-12-01T12:00:01.000000Z"));
    am_journal_put_number(line.text, "part", 0);
    am_journal_write(writer, &position);
    am_journal_end(writer);
    assert_log_is_ledger();
}

static void an_hour_without_counters_is_added_to_an_older_one(void **state) {
    (void)state;
    for (int hour = 0; hour < 5; hour++) {
        set_clock(NOON + hour * HOUR);
        impression(0, UNIT);
        if (hour == 1)
            log_counters();
    }
    struct am_journal_recount recount = recount_log(false, NULL);
    assert_int_equal(recount.events[AM_JOURNAL_IMPRESSION][AM_EVENT_COUNTED], 3);
    am_journal_recount_free(&recount);
    assert_log_is_ledger();
}

static void compressed_files_are_read_like_others(void **state) {
    struct am_journal_tidied tidied;
    struct am_error error = {.code = AM_OK};
    (void)state;
    for (int hour = 0; hour < 4; hour++) {
        set_clock(NOON + hour * HOUR);
        impression(0, UNIT);
        if (hour == 1)
            log_counters();
    }
    check(am_event_hold_tidy(&account.holder, 40, &tidied, &error), &error);
    assert_int_equal(tidied.compressed, 3);
    assert_log_is_ledger();
}

/* ---- days ---- */

static void set_zone(const char *zone) {
    struct am_error error = {.code = AM_OK};
    uint32_t cell;
    struct am_ledger_terms terms = terms_of(AM_LEDGER_CAMPAIGN, "c1", "acme");
    terms.zone = am_view_of(zone);
    check(am_ledger_set(account.ledger, &terms, now_seconds(), &cell, &error), &error);
}

static void a_day_ends_at_midnight_of_its_zone(void **state) {
    (void)state;
    set_zone("America/New_York"); /* five hours behind UTC */
    log_counters();
    int64_t midnight = NOON + 17 * HOUR;
    static const int64_t seconds[] = {-3600, -1, 0, 1, -2, 3600};
    for (size_t i = 0; i < AM_COUNT_OF(seconds); i++) {
        set_clock(midnight + seconds[i]);
        if (seconds[i] >= 0)
            step(&account);
        impression(0, UNIT);
        assert_log_is_ledger();
    }
    struct am_journal_recount recount = recount_log(false, NULL);
    const struct am_journal_sum *sum =
        am_journal_recount_find(&recount, AM_LEDGER_CAMPAIGN, AM_VIEW("c1"));
    assert_int_equal(sum->total[AM_LEDGER_IMPRESSIONS], 6);
    /* One came with a clock that stepped back: it is of the day whose budget it used. */
    assert_int_equal(sum->today[AM_LEDGER_IMPRESSIONS], 4);
    assert_int_equal(sum->day, am_journal_day(sum->zone, midnight));
    am_journal_recount_free(&recount);
}

static void sums_of_another_day_are_nothing_today(void **state) {
    struct am_journal_sum sum = {.day = 5, .today = {1, 2, 3}};
    int64_t today[AM_LEDGER_UNITS];
    (void)state;
    am_journal_sum_of_day(&sum, 5, today);
    assert_int_equal(today[1], 2);
    am_journal_sum_of_day(&sum, 6, today);
    assert_int_equal(today[1], 0);
}

/* ---- adjustments, records that come and go ---- */

static void raw_line(enum am_journal_kind kind, const char *members) {
    struct am_journal_line line;
    struct am_journal_position position;
    struct am_journal_writer *writer = am_event_worker_writer(account.worker);
    am_journal_begin(writer, kind, &line);
    am_buffer_append(line.text, members, strlen(members));
    assert_true(am_journal_write(writer, &position));
    am_journal_end(writer);
}

static int64_t spend_in_log(enum am_ledger_kind kind, const char *id) {
    struct am_journal_recount recount = recount_log(false, NULL);
    const struct am_journal_sum *sum = am_journal_recount_find(&recount, kind, am_view_of(id));
    int64_t spend = sum ? sum->total[AM_LEDGER_MONEY] : -1;
    am_journal_recount_free(&recount);
    return spend;
}

static void adjustments_are_added(void **state) {
    (void)state;
    impression(0, UNIT);
    raw_line(AM_JOURNAL_CONTROL, ",\"change\":\"adjust\",\"campaign\":\"c1\",\"spend\":-0.5");
    assert_int_equal(spend_in_log(AM_LEDGER_CAMPAIGN, "c1"), UNIT / 2);
}

static void a_record_that_was_freed_counts_anew(void **state) {
    (void)state;
    impression(1, UNIT);
    assert_int_equal(spend_in_log(AM_LEDGER_AD, "a2"), UNIT);
    set_clock(NOON + 1);
    raw_line(AM_JOURNAL_CELL, ",\"kind\":\"ad\",\"id\":\"a2\",\"change\":\"freed\"");
    assert_int_equal(spend_in_log(AM_LEDGER_AD, "a2"), 0);
    set_clock(NOON + 2);
    raw_line(AM_JOURNAL_CELL, ",\"kind\":\"ad\",\"id\":\"a2\",\"change\":\"made\"");
    assert_int_equal(spend_in_log(AM_LEDGER_AD, "a2"), 0);
    impression(1, 3 * UNIT);
    assert_int_equal(spend_in_log(AM_LEDGER_AD, "a2"), 3 * UNIT);
    assert_int_equal(spend_in_log(AM_LEDGER_CAMPAIGN, "c1"), 4 * UNIT);
}

static void lines_that_make_no_sense_are_counted(void **state) {
    char path[160];
    (void)state;
    impression(0, UNIT);
    snprintf(path, sizeof path, "%s/w9-2026120110.jsonl", account.log);
    FILE *file = fopen(path, "w");
    fputs("nonsense\n"
          "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"view\",\"n\":\"w9-2026120110:9\","
          "\"billable\":true}\n"
          "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"view\",\"n\":\"w9-2026120110:9\","
          "\"billable\":false,\"reason\":\"robot\"}\n"
          "{\"t\":\"2026-12-01T12",
          file);
    fclose(file);
    struct am_journal_recount recount = recount_log(true, NULL);
    assert_int_equal(recount.unreadable, 1);
    assert_int_equal(recount.misplaced, 1);
    assert_int_equal(recount.report.torn, 1);
    assert_int_equal(recount.events[AM_JOURNAL_VIEW][AM_EVENT_COUNTED], 1);
    assert_int_equal(recount.events[AM_JOURNAL_VIEW][AM_EVENT_ROBOT], 1);
    am_journal_recount_free(&recount);
}

static void move(const char *from, const char *to) {
    char paths[2][256];
    snprintf(paths[0], sizeof paths[0], "%s/%s", account.log, from);
    snprintf(paths[1], sizeof paths[1], "%s/%s", account.log, to);
    assert_int_equal(rename(paths[0], paths[1]), 0);
}

static void assert_lacks(const struct am_ledger_counts *until, const char *wanted) {
    char text[AM_JOURNAL_LACK_TEXT_SIZE];
    struct am_journal_recount recount = recount_log(false, until);
    assert_int_equal(recount.report.missing, 1);
    am_journal_lack_write(&recount.report.lacks[0], text);
    assert_non_null(strstr(text, wanted));
    am_journal_recount_free(&recount);
}

/* In the middle of the log, at its end, and as part of a file. */
static void lines_that_are_missing_are_named(void **state) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    char path[256];
    (void)state;
    for (int hour = 0; hour < 4; hour++) {
        set_clock(NOON + hour * HOUR);
        if (hour == 1)
            log_counters();
        impression(0, UNIT);
        impression(1, UNIT);
    }
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    move("w0-2026120112.jsonl", "away"); /* before the counters: nobody needs it */
    struct am_journal_recount recount = recount_log(false, &counts);
    assert_int_equal(recount.report.missing, 0);
    am_journal_recount_free(&recount);
    move("w0-2026120114.jsonl", "away");
    assert_lacks(NULL, "w0-2026120114 from byte 0 to byte ");
    assert_lacks(&counts, "w0-2026120114 from byte 0 to byte ");
    move("away", "w0-2026120114.jsonl");
    snprintf(path, sizeof path, "%s/w0-2026120114.jsonl", account.log);
    assert_int_equal(truncate(path, 500), 0);
    assert_lacks(NULL, "w0-2026120114 from byte ");
    move("w0-2026120114.jsonl", "away");
    move("w0-2026120115.jsonl", "w0-2026120114.jsonl");
    recount = recount_log(false, &counts);
    assert_true(recount.report.missing > 0);
    am_journal_recount_free(&recount);
    am_ledger_counts_free(&counts);
}

/* Where the first line of a file was lost for want of room. */
static void of_a_file_without_a_line_nothing_is_missing(void **state) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    (void)state;
    impression(0, UNIT);
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    assert_int_equal(counts.position_count, 1);
    counts.positions[0].position.file++;
    counts.positions[0].position.offset = 0;
    struct am_journal_recount recount = recount_log(false, &counts);
    assert_int_equal(recount.report.missing, 0);
    am_journal_recount_free(&recount);
    am_ledger_counts_free(&counts);
}

static void a_packed_file_that_is_none_is_refused(void **state) {
    struct am_journal_tidied tidied;
    struct am_journal_recount recount;
    struct am_error error = {.code = AM_OK};
    struct am_journal_recount_options options = {
        .folder = account.log, .whole = true, .zones = account.zones};
    char path[256];
    (void)state;
    for (int hour = 0; hour < 2; hour++) {
        set_clock(NOON + hour * HOUR);
        impression(0, UNIT);
    }
    check(am_event_hold_tidy(&account.holder, 40, &tidied, &error), &error);
    snprintf(path, sizeof path, "%s/w0-2026120112.jsonl.gz", account.log);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fputs("xx", file);
    fclose(file);
    assert_int_equal(am_journal_recount(&options, &recount, &error), AM_E_CORRUPT);
    assert_string_equal(error.message, "the log's file w0-2026120112.jsonl.gz is damaged");
    am_journal_recount_free(&recount);
}

static void differences_are_found(void **state) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    (void)state;
    impression(0, UNIT);
    raw_line(AM_JOURNAL_IMPRESSION,
             ",\"campaign\":\"c2\",\"advertiser\":\"acme\",\"spend\":1,\"billable\":true");
    raw_line(AM_JOURNAL_CONTROL, ",\"change\":\"adjust\",\"campaign\":\"gone\",\"clicks\":1");
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    struct am_journal_recount recount = recount_log(true, NULL);
    assert_int_equal(am_journal_recount_compare(&recount, &counts, print_difference, NULL), 3);
    am_journal_recount_free(&recount);
    am_ledger_counts_free(&counts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_log_has_no_sums),
        TEST(sums_are_by_record),
        TEST(a_recount_starts_from_the_newest_counters),
        TEST(counters_of_many_records_are_split_into_lines),
        TEST(counters_that_are_not_whole_are_passed_over),
        TEST(an_hour_without_counters_is_added_to_an_older_one),
        TEST(compressed_files_are_read_like_others),
        TEST(a_day_ends_at_midnight_of_its_zone),
        TEST(sums_of_another_day_are_nothing_today),
        TEST(adjustments_are_added),
        TEST(a_record_that_was_freed_counts_anew),
        TEST(lines_that_make_no_sense_are_counted),
        TEST(lines_that_are_missing_are_named),
        TEST(of_a_file_without_a_line_nothing_is_missing),
        TEST(a_packed_file_that_is_none_is_refused),
        TEST(differences_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
