/* SPDX-License-Identifier: Apache-2.0 */
/* Who ads were: noting, finding, days, and a reboot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/events/names.h"
#include "../../plugin/model/keys.h"

#define DAY INT64_C(86400)
#define NOON (20788 * DAY + DAY / 2) /* 2026-12-01T12:00:00Z */

static char folder[64], tmpfs[80];
static struct am_event_names *names;

static struct am_event_names *open_names(void) {
    struct am_event_names *made;
    struct am_error error;
    if (am_event_names_open(folder, tmpfs, 0, &made, &error) != AM_OK)
        fail_msg("%s", error.message);
    return made;
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "/tmp/admatch-test-names-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(tmpfs, sizeof tmpfs, "%s/tmpfs", folder);
    mkdir(tmpfs, 0700);
    names = open_names();
    return 0;
}

static int tear_down(void **state) {
    char command[96];
    (void)state;
    am_event_names_close(names);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static uint64_t key_of(const char *ad) {
    return am_model_key(AM_RECORD_AD, am_view_of(ad));
}

static void note_at(int64_t time, const char *ad, const char *keyword) {
    struct am_event_ad_names what = {am_view_of(ad), AM_VIEW("c \"1\""), AM_VIEW("acme"),
                                     am_view_of(keyword), AM_MATCH_BROAD};
    am_event_names_note(names, time, key_of(ad), am_event_keyword_hash(what.match, what.keyword),
                        &what);
}

static bool
find_at(int64_t time, const char *ad, const char *keyword, struct am_event_ad_memory *memory) {
    return am_event_names_find(names, time, key_of(ad),
                               am_event_keyword_hash(AM_MATCH_BROAD, am_view_of(keyword)), memory);
}

static void assert_text(struct am_view text, const char *wanted) {
    assert_true(am_view_equal(text, am_view_of(wanted)));
}

static void assert_found(int64_t time, const char *ad, const char *keyword) {
    struct am_event_ad_memory memory;
    assert_true(find_at(time, ad, keyword, &memory));
    assert_text(memory.names.ad, ad);
    assert_text(memory.names.campaign, "c \"1\"");
    assert_text(memory.names.advertiser, "acme");
    assert_text(memory.names.keyword, keyword);
    assert_int_equal(memory.names.match, AM_MATCH_BROAD);
}

static void assert_missing(int64_t time, const char *ad, const char *keyword) {
    struct am_event_ad_memory memory;
    assert_false(find_at(time, ad, keyword, &memory));
}

static uint64_t lines_of_day(const char *day) {
    char path[128], line[4096];
    uint64_t count = 0;
    snprintf(path, sizeof path, "%s/names/%s.jsonl", folder, day);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        count++;
    if (file)
        fclose(file);
    return count;
}

static void a_keyword_is_hashed_with_its_match_type(void **state) {
    (void)state;
    assert_int_not_equal(am_event_keyword_hash(AM_MATCH_BROAD, AM_VIEW("shoes")),
                         am_event_keyword_hash(AM_MATCH_EXACT, AM_VIEW("shoes")));
    assert_int_equal(am_event_keyword_hash(AM_MATCH_ANY, AM_VIEW("")),
                     am_event_keyword_hash(AM_MATCH_ANY, (struct am_view){NULL, 0}));
}

static void names_are_found_after_a_flush(void **state) {
    (void)state;
    note_at(NOON, "a1", "running shoes");
    assert_missing(NOON, "a1", "running shoes");
    am_event_names_flush(names);
    assert_found(NOON, "a1", "running shoes");
    assert_found(NOON + 3600, "a1", "running shoes");
    assert_missing(NOON, "a2", "running shoes");
    assert_missing(NOON + DAY, "a1", "running shoes");
    assert_missing(NOON - DAY, "a1", "running shoes");
}

static void a_name_is_written_once_a_day(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        note_at(NOON + i, "a1", "shoes");
        if (i % 10 == 0)
            am_event_names_flush(names);
    }
    note_at(NOON, "a1", "boots");
    am_event_names_flush(names);
    note_at(NOON + DAY, "a1", "shoes");
    am_event_names_flush(names);
    assert_int_equal(lines_of_day("2026-12-01"), 2);
    assert_int_equal(lines_of_day("2026-12-02"), 1);
}

static void another_keyword_of_the_ad_gives_its_ids(void **state) {
    struct am_event_ad_memory memory;
    (void)state;
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    assert_true(find_at(NOON, "a1", "boots", &memory));
    assert_text(memory.names.ad, "a1");
    assert_text(memory.names.keyword, "");
}

static void the_longest_names_are_kept(void **state) {
    char ad[AM_ID_MAX_BYTES + 1], keyword[AM_KEYWORD_MAX_BYTES + 1];
    (void)state;
    memset(ad, '\x01', AM_ID_MAX_BYTES);
    memset(keyword, '\x02', AM_KEYWORD_MAX_BYTES);
    ad[AM_ID_MAX_BYTES] = keyword[AM_KEYWORD_MAX_BYTES] = '\0';
    note_at(NOON, ad, keyword);
    am_event_names_flush(names);
    assert_found(NOON, ad, keyword);
}

static void a_name_whose_writer_was_killed_is_written_by_another(void **state) {
    (void)state;
    if (fork() == 0) {
        note_at(NOON, "a1", "shoes");
        _exit(0); /* without a flush */
    }
    wait(NULL);
    assert_missing(NOON, "a1", "shoes");
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    assert_found(NOON, "a1", "shoes");
}

static void more_lines_than_can_wait_are_lost_and_noted_again(void **state) {
    char ad[32];
    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(ad, sizeof ad, "ad-%d", i);
        note_at(NOON, ad, "shoes");
    }
    assert_true(am_event_names_lost(names) > 0);
    am_event_names_flush(names);
    assert_found(NOON, "ad-0", "shoes");
    assert_missing(NOON, "ad-1999", "shoes");
    note_at(NOON + 10, "ad-1999", "shoes");
    am_event_names_flush(names);
    assert_found(NOON, "ad-1999", "shoes");
}

static void write_many(int process) {
    char ad[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(ad, sizeof ad, "ad-%d", process % 2 ? 1999 - i : i);
        note_at(NOON, ad, "shoes");
        am_event_names_flush(names);
    }
}

/* Twice where two note it in the same moment. */
static void processes_write_all_names(void **state) {
    char ad[32];
    (void)state;
    for (int process = 0; process < 4; process++)
        if (fork() == 0) {
            write_many(process);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    assert_in_range(lines_of_day("2026-12-01"), 2000, 4000);
    for (int i = 0; i < 2000; i++) {
        snprintf(ad, sizeof ad, "ad-%d", i);
        assert_found(NOON, ad, "shoes");
    }
}

static void *note_in_thread(void *argument) {
    char ad[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(ad, sizeof ad, "ad-%d", i % 500);
        note_at(NOON + (int64_t)(intptr_t)argument * (i % 3) * DAY / 2, ad, "shoes");
        if (i % 50 == 0)
            am_event_names_flush(names);
    }
    return NULL;
}

static void threads_share_the_tables_of_days(void **state) {
    pthread_t threads[3];
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        (void)pthread_create(&threads[i], NULL, note_in_thread, (void *)(intptr_t)i);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    am_event_names_flush(names);
    assert_found(NOON, "ad-0", "shoes");
    assert_found(NOON + DAY, "ad-1", "shoes");
}

static void a_clock_that_jumps_wildly_maps_a_bounded_number_of_days(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++)
        note_at(NOON + INT64_C(400) * i * DAY, "a1", "shoes");
    note_at(INT64_MIN / 2, "a1", "shoes");
    am_event_names_flush(names);
    assert_found(NOON, "a1", "shoes");
    char command[128];
    snprintf(command, sizeof command, "test $(ls %s | wc -l) -le 4", tmpfs);
    assert_int_equal(system(command), 0);
}

/* ---- reboots and days that are over ---- */

static void lose_tmpfs(void) {
    char command[128];
    am_event_names_close(names);
    snprintf(command, sizeof command, "rm -f %s/*", tmpfs);
    assert_int_equal(system(command), 0);
    names = open_names();
}

static void after_a_reboot_the_tables_are_made_from_the_lines(void **state) {
    struct am_error error;
    (void)state;
    note_at(NOON - DAY, "a0", "shoes");
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    lose_tmpfs();
    assert_missing(NOON, "a1", "shoes");
    assert_int_equal(am_event_names_restore(names, NOON + 60, &error), AM_OK);
    assert_found(NOON, "a1", "shoes");
    assert_found(NOON - DAY, "a0", "shoes");
    note_at(NOON + 120, "a1", "shoes");
    am_event_names_flush(names);
    assert_int_equal(lines_of_day("2026-12-01"), 1);
}

static void tidy(int64_t now, bool steady) {
    struct am_error error;
    if (am_event_names_tidy(names, now, steady, &error) != AM_OK)
        fail_msg("%s", error.message);
}

static void days_that_are_over_are_found_by_their_index(void **state) {
    char ad[32];
    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(ad, sizeof ad, "ad-%d", i);
        note_at(NOON, ad, i % 2 ? "shoes" : "boots");
        am_event_names_flush(names);
    }
    lose_tmpfs();
    tidy(NOON + DAY, true); /* yesterday has its table still, so it gets no index */
    assert_missing(NOON, "ad-0", "boots");
    tidy(NOON + 2 * DAY, true);
    for (int i = 0; i < 300; i++) {
        snprintf(ad, sizeof ad, "ad-%d", i);
        assert_found(NOON, ad, i % 2 ? "shoes" : "boots");
    }
    assert_missing(NOON, "ad-300", "shoes");
    struct am_event_ad_memory memory;
    assert_true(find_at(NOON, "ad-1", "boots", &memory));
    assert_text(memory.names.keyword, "");
}

static bool is_there(const char *name) {
    char path[160];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &status) == 0;
}

static void old_days_go_when_the_clock_is_steady(void **state) {
    (void)state;
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    tidy(NOON + 2 * DAY, true);
    assert_true(is_there("names/2026-12-01.index"));
    assert_false(is_there("tmpfs/names-2026-12-01"));
    tidy(NOON + 35 * DAY, true);
    assert_true(is_there("names/2026-12-01.jsonl"));
    tidy(NOON + 36 * DAY, false);
    assert_true(is_there("names/2026-12-01.jsonl"));
    tidy(NOON + 36 * DAY, true);
    assert_false(is_there("names/2026-12-01.jsonl"));
    assert_false(is_there("names/2026-12-01.index"));
}

static void other_files_are_left_alone(void **state) {
    char command[256];
    (void)state;
    snprintf(command, sizeof command,
             "cd %s && touch names/README names/2026-13-01.jsonl names/2001-01-01.txt "
             "tmpfs/live tmpfs/names-2001-01-01x",
             folder);
    assert_int_equal(system(command), 0);
    tidy(NOON, true);
    assert_true(is_there("names/README"));
    assert_true(is_there("names/2026-13-01.jsonl"));
    assert_true(is_there("names/2001-01-01.txt"));
    assert_true(is_there("tmpfs/live"));
    assert_true(is_there("tmpfs/names-2001-01-01x"));
}

static void damaged_files_give_no_names(void **state) {
    char path[160];
    (void)state;
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    snprintf(path, sizeof path, "%s/names/2026-12-01.jsonl", folder);
    assert_int_equal(truncate(path, 20), 0);
    assert_missing(NOON, "a1", "shoes");
    FILE *file = fopen(path, "w");
    fputs("{\"ad\":\"a2\",\"campaign\":\"c\",\"advertiser\":\"v\",\"keyword\":\"k\",\"match\":"
          "\"broad\"}\nnonsense\n",
          file);
    fclose(file);
    assert_missing(NOON, "a1", "shoes"); /* the line is another ad's */
    snprintf(path, sizeof path, "%s/names-2026-12-01", tmpfs);
    lose_tmpfs();
    file = fopen(path, "w");
    fputs("no table", file);
    fclose(file);
    note_at(NOON, "a1", "shoes");
    am_event_names_flush(names);
    assert_missing(NOON, "a1", "shoes");
    assert_int_equal(am_event_names_lost(names), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_keyword_is_hashed_with_its_match_type),
        TEST(names_are_found_after_a_flush),
        TEST(a_name_is_written_once_a_day),
        TEST(another_keyword_of_the_ad_gives_its_ids),
        TEST(the_longest_names_are_kept),
        TEST(a_name_whose_writer_was_killed_is_written_by_another),
        TEST(more_lines_than_can_wait_are_lost_and_noted_again),
        TEST(processes_write_all_names),
        TEST(threads_share_the_tables_of_days),
        TEST(a_clock_that_jumps_wildly_maps_a_bounded_number_of_days),
        TEST(after_a_reboot_the_tables_are_made_from_the_lines),
        TEST(days_that_are_over_are_found_by_their_index),
        TEST(old_days_go_when_the_clock_is_steady),
        TEST(other_files_are_left_alone),
        TEST(damaged_files_give_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
