/* SPDX-License-Identifier: Apache-2.0 */
/* The log as one stream: in order of time, from a time on, and while it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "../../plugin/events/merge.h"
#include "journal_folder.h"
#include "xorshift.h"

#define START (INT64_C(1796119200) * AM_JOURNAL_SECOND) /* 2026-12-01T10:00:00Z */
#define HOUR (3600 * AM_JOURNAL_SECOND)
enum { LANES = 5 };

static struct journal_folder folder;

static int set_up(void **state) {
    (void)state;
    journal_start(&folder, LANES);
    journal_time = START;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    journal_end(&folder);
    return 0;
}

static struct am_journal_merge *open_merge(int64_t since, bool follow) {
    struct am_journal_merge *merge;
    struct am_error error;
    if (am_journal_merge_open(folder.log, since, follow, &merge, &error) != AM_OK)
        fail_msg("%s", error.message);
    return merge;
}

/* The next line's time and number. False at the end. */
static bool next(struct am_journal_merge *merge, int64_t *time, uint64_t *number) {
    struct am_journal_record record;
    struct am_error error;
    struct am_view line;
    bool more;
    if (am_journal_merge_next(merge, &line, &more, &error) != AM_OK)
        fail_msg("%s", error.message);
    if (!more)
        return false;
    assert_true(am_journal_scan(line, &record));
    struct am_view t = record.values[AM_JOURNAL_M_T];
    assert_true(am_journal_time_read((struct am_view){t.data + 1, t.size - 2}, time));
    assert_true(am_journal_unsigned(record.values[AM_JOURNAL_M_POSITION], number));
    return true;
}

static uint64_t random_state = XORSHIFT64_SEED;

static uint64_t random_number(uint64_t below) {
    return xorshift64(&random_state) % below;
}

static void assert_all_in_order(uint64_t count) {
    struct am_journal_merge *merge = open_merge(INT64_MIN, false);
    uint8_t *seen = calloc(count, 1);
    int64_t time, last = INT64_MIN;
    uint64_t number, lines = 0;
    while (next(merge, &time, &number)) {
        assert_true(time >= last);
        assert_true(number < count && !seen[number]);
        seen[number] = 1;
        last = time;
        lines++;
    }
    assert_int_equal(lines, count);
    free(seen);
    am_journal_merge_close(merge);
}

static void lines_of_all_lanes_come_in_order_of_time(void **state) {
    struct am_journal_writer *writers[LANES];
    enum { LINES = 3000 };
    (void)state;
    folder.journal.rotate_bytes = 3000;
    for (uint32_t lane = 0; lane < LANES; lane++)
        writers[lane] = journal_writer(&folder, lane);
    for (uint64_t i = 0; i < LINES; i++) {
        /* Lines that wait are written up to 0.2 s after later ones. */
        struct am_journal_writer *writer = writers[random_number(LANES)];
        if (random_number(3))
            journal_put_waiting(writer, i);
        else
            journal_put(writer, i);
        journal_time += (int64_t)random_number(20000);
        if (i % 20 == 19)
            for (uint32_t lane = 0; lane < LANES; lane++)
                am_journal_flush(writers[lane]);
    }
    for (uint32_t lane = 0; lane < LANES; lane++)
        am_journal_writer_close(writers[lane]);
    assert_all_in_order(LINES);
    struct am_journal_tidied tidied;
    struct am_error error;
    assert_int_equal(am_journal_tidy(&folder.journal, 40, true, 60000, &tidied, &error), AM_OK);
    assert_true(tidied.compressed > 10);
    assert_all_in_order(LINES);
}

static void lines_before_a_time_are_left_out(void **state) {
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    int64_t time;
    uint64_t number, count = 0;
    (void)state;
    for (uint64_t i = 0; i < 600; i++) {
        journal_put(writer, i);
        journal_time += 60 * AM_JOURNAL_SECOND; /* ten hours */
    }
    am_journal_writer_close(writer);
    struct am_journal_merge *merge = open_merge(START + 5 * HOUR, false);
    for (uint64_t i = 300; next(merge, &time, &number); i++, count++)
        assert_int_equal(number, i);
    assert_int_equal(count, 300);
    am_journal_merge_close(merge);
    merge = open_merge(START + 20 * HOUR, false);
    assert_false(next(merge, &time, &number));
    am_journal_merge_close(merge);
}

static void a_clock_that_jumps_loses_no_line(void **state) {
    static const int64_t jumps[] = {0, 10, -10, 1000, -2000, 3, 0, 1};
    struct am_journal_writer *writers[2] = {journal_writer(&folder, 0), journal_writer(&folder, 1)};
    uint64_t number = 0, seen = 0, which;
    int64_t time;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(jumps); i++)
        for (int line = 0; line < 10; line++) {
            journal_time = START + jumps[i] * HOUR + line;
            journal_put(writers[line % 2], number++);
        }
    am_journal_writer_close(writers[0]);
    am_journal_writer_close(writers[1]);
    struct am_journal_merge *merge = open_merge(INT64_MIN, false);
    while (next(merge, &time, &which))
        seen++;
    assert_int_equal(seen, number);
    am_journal_merge_close(merge);
}

static void an_empty_folder_gives_nothing(void **state) {
    int64_t time;
    uint64_t number;
    (void)state;
    struct am_journal_merge *merge = open_merge(INT64_MIN, false);
    assert_false(next(merge, &time, &number));
    am_journal_merge_close(merge);
    struct am_error error;
    assert_int_equal(am_journal_merge_open("/nowhere", 0, false, &merge, &error), AM_E_IO);
    assert_null(merge);
}

static void lines_that_are_none_stay_where_they_are(void **state) {
    char path[128];
    struct am_error error;
    struct am_view line;
    bool more;
    int lines = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/w0-2026120110.jsonl", folder.log);
    FILE *file = fopen(path, "w");
    fputs("nonsense\n\n{\"t\":\"2026-12-01T10:00:00.000000Z\"}\n{\"t\":\"x\"}\nhalf a li", file);
    fclose(file);
    struct am_journal_merge *merge = open_merge(INT64_MIN, false);
    while (am_journal_merge_next(merge, &line, &more, &error) == AM_OK && more)
        lines++;
    assert_int_equal(lines, 4);
    am_journal_merge_close(merge);
}

/* ---- following ---- */

enum { FOLLOWED = 4000 };
static _Atomic uint64_t followed;

static void *write_on(void *argument) {
    struct am_journal_writer *writer = argument;
    uint64_t number;
    while ((number = atomic_fetch_add(&followed, 1)) < FOLLOWED) {
        if (number % 2)
            journal_put(writer, number);
        else
            journal_put_waiting(writer, number);
        if (number % 20 == 0) {
            am_journal_flush(writer);
            usleep(1000);
        }
    }
    am_journal_flush(writer);
    return NULL;
}

static void a_follower_sees_every_line_of_files_that_come_and_go(void **state) {
    pthread_t threads[2];
    struct am_journal_writer *writers[2] = {journal_writer(&folder, 0), journal_writer(&folder, 3)};
    uint8_t *seen = calloc(FOLLOWED, 1);
    struct am_journal_tidied tidied;
    struct am_error error;
    uint64_t number, lines = 0;
    int64_t time;
    (void)state;
    journal_time = 0; /* the real clock */
    folder.journal.rotate_bytes = 20000;
    struct am_journal_merge *merge = open_merge(INT64_MIN, true);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        (void)pthread_create(&threads[i], NULL, write_on, writers[i]);
    for (int idle = 0; lines < FOLLOWED && idle < 300; idle++) {
        while (next(merge, &time, &number)) {
            assert_true(number < FOLLOWED && !seen[number]);
            seen[number] = 1;
            lines++;
        }
        am_journal_tidy(&folder.journal, 40, true, 10, &tidied, &error);
        usleep(20000);
    }
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++) {
        pthread_join(threads[i], NULL);
        am_journal_writer_close(writers[i]);
    }
    assert_int_equal(lines, FOLLOWED);
    assert_false(next(merge, &time, &number));
    am_journal_merge_close(merge);
    free(seen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lines_of_all_lanes_come_in_order_of_time),
        TEST(lines_before_a_time_are_left_out),
        TEST(a_clock_that_jumps_loses_no_line),
        TEST(an_empty_folder_gives_nothing),
        TEST(lines_that_are_none_stay_where_they_are),
        TEST(a_follower_sees_every_line_of_files_that_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
