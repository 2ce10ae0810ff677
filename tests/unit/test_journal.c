/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: lines, lanes, rotation, repair, compression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/events/lane.h"
#include "journal_folder.h"

#define HOUR (3600 * AM_JOURNAL_SECOND)
#define TEN_OCLOCK (INT64_C(1796119200) * AM_JOURNAL_SECOND) /* 2026-12-01T10:00:00Z */

static struct journal_folder folder;

static int set_up(void **state) {
    (void)state;
    journal_start(&folder, 8);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    journal_end(&folder);
    return 0;
}

/* ---- lines ---- */

static void assert_time(int64_t time, const char *wanted) {
    char text[AM_JOURNAL_TIME_SIZE];
    int64_t read;
    am_journal_time_write(time, text);
    assert_memory_equal(text, wanted, sizeof text);
    assert_true(am_journal_time_read((struct am_view){text, sizeof text}, &read));
    assert_int_equal(read, time);
}

static void times_are_written_to_the_microsecond(void **state) {
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000000Z");
    assert_time(-1, "1969-12-31T23:59:59.999999Z");
    assert_time(INT64_C(1796121067123456), "2026-12-01T10:31:07.123456Z");
    assert_time(INT64_C(951868799999999), "2000-02-29T23:59:59.999999Z");
    assert_time(INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z");
    assert_time(INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z");
    char text[AM_JOURNAL_TIME_SIZE];
    am_journal_time_write(INT64_MIN, text);
    assert_memory_equal(text, "0000-01-01T00:00:00.000000Z", sizeof text);
    am_journal_time_write(INT64_MAX, text);
    assert_memory_equal(text, "9999-12-31T23:59:59.999999Z", sizeof text);
}

static void other_forms_of_times_are_refused(void **state) {
    static const char *const bad[] = {
        "",
        "2026-12-01T10:31:07Z",
        "2026-12-01T10:31:07.123456",
        "2026-12-01T10:31:07.123456z",
        "2026-12-01 10:31:07.123456Z",
        "2026-13-01T10:31:07.123456Z",
        "2026-00-01T10:31:07.123456Z",
        "2026-12-32T10:31:07.123456Z",
        "2026-12-01T24:31:07.123456Z",
        "2026-12-01T10:60:07.123456Z",
        "2026-12-01T10:31:60.123456Z",
        "2026-12-01T10:31:07.12345xZ",
        "2026-12-01T10:31:07.1234567",
        "-026-12-01T10:31:07.123456Z",
    };
    int64_t time;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_false(am_journal_time_read(am_view_of(bad[i]), &time));
}

static void names_of_files_say_lane_hour_and_part(void **state) {
    static const struct {
        uint32_t lane;
        uint64_t hour, part;
        const char *name;
    } cases[] = {
        {3, 498922, 0, "w3-2026120110"},
        {0, 0, 0, "w0-1970010100"},
        {4095, 498922, 65535, "w4095-2026120110.65535"},
        {12, 498922, 7, "w12-2026120110.7"},
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        char name[AM_JOURNAL_NAME_SIZE];
        uint32_t lane;
        uint64_t number;
        am_journal_name_write(cases[i].lane, am_journal_number(cases[i].hour, cases[i].part), name);
        assert_string_equal(name, cases[i].name);
        assert_true(am_journal_name_read(am_view_of(name), &lane, &number));
        assert_int_equal(lane, cases[i].lane);
        assert_int_equal(number, am_journal_number(cases[i].hour, cases[i].part));
    }
}

static void other_names_are_no_files_of_the_log(void **state) {
    static const char *const bad[] = {
        "",
        "w",
        "w-2026120110",
        "x3-2026120110",
        "w3",
        "w3-",
        "w3-202612011",
        "w3-2026120124",
        "w3-2026130110",
        "w3-1969120110",
        "w3-2026120110.",
        "w3-2026120110.0",
        "w3-2026120110.01",
        "w3-2026120110.65536",
        "w03-2026120110",
        "w4096-2026120110",
        "w3-2026120110x",
        "w99999999999999999999-2026120110",
    };
    uint32_t lane;
    uint64_t number, offset;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_false(am_journal_name_read(am_view_of(bad[i]), &lane, &number));
    assert_true(
        am_journal_place_read(am_view_of("w3-2026120110.2:88123"), &lane, &number, &offset));
    assert_int_equal(offset, 88123);
    assert_false(am_journal_place_read(am_view_of("w3-2026120110"), &lane, &number, &offset));
    assert_false(am_journal_place_read(am_view_of("w3-2026120110:"), &lane, &number, &offset));
    assert_false(am_journal_place_read(am_view_of("w3-2026120110:1x"), &lane, &number, &offset));
}

static void ids_of_placements_are_read_back(void **state) {
    char memory[64];
    struct am_buffer line = am_buffer_over(memory, sizeof memory);
    uint16_t host, epoch;
    uint64_t sequence;
    (void)state;
    am_journal_put_id(&line, 65535, 3, (UINT64_C(1) << 40) - 1);
    assert_memory_equal(memory, ",\"id\":\"65535-3-1099511627775\"", line.size);
    assert_true(am_journal_id_read(am_view_of("65535-3-1099511627775"), &host, &epoch, &sequence));
    assert_int_equal(host, 65535);
    assert_int_equal(epoch, 3);
    assert_int_equal(sequence, (UINT64_C(1) << 40) - 1);
    static const char *const bad[] = {
        "",       "1-2",     "1-2-",  "65536-1-1", "1-2-1099511627776",
        "01-2-3", "1-2-3-4", "a-b-c", "1--3",      "-1-2-3"};
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_false(am_journal_id_read(am_view_of(bad[i]), &host, &epoch, &sequence));
}

static void kinds_of_lines_have_names(void **state) {
    (void)state;
    for (int kind = 0; kind < AM_JOURNAL_KINDS; kind++)
        assert_int_equal(am_journal_kind_of(am_journal_kind_name((enum am_journal_kind)kind)),
                         kind);
    assert_int_equal(am_journal_kind_of(am_view_of("impressions")), AM_JOURNAL_KINDS);
}

/* ---- lanes ---- */

static bool file_is_there(const char *name) {
    struct stat status;
    return fstatat(folder.journal.folder, name, &status, 0) == 0;
}

static uint64_t file_size(const char *name) {
    struct stat status;
    return fstatat(folder.journal.folder, name, &status, 0) == 0 ? (uint64_t)status.st_size : 0;
}

static void a_line_is_one_json_object_with_its_place(void **state) {
    struct am_journal_line line;
    struct am_journal_position position;
    char text[512] = "";
    (void)state;
    journal_time = TEN_OCLOCK + 1;
    struct am_journal_writer *writer = journal_writer(&folder, 3);
    for (int i = 0; i < 2; i++) {
        am_journal_begin(writer, AM_JOURNAL_CLICK, &line);
        assert_int_equal(line.time, TEN_OCLOCK + 1);
        am_journal_put_id(line.text, 7, 3, 184467);
        am_journal_put_text(line.text, "ad", AM_VIEW("a\"1\n"));
        am_journal_put_money(line.text, "spend", 1250000);
        am_journal_put_flag(line.text, "billable", true);
        assert_true(am_journal_write(writer, &position));
        am_journal_end(writer);
    }
    am_journal_writer_close(writer);
    int file = openat(folder.journal.folder, "w3-2026120110.jsonl", O_RDONLY);
    assert_int_equal(read(file, text, sizeof text), (ssize_t)position.offset);
    close(file);
    assert_string_equal(
        text, "{\"t\":\"2026-12-01T10:00:00.000001Z\",\"e\":\"click\",\"n\":\"w3-2026120110:0\","
              "\"id\":\"7-3-184467\",\"ad\":\"a\\\"1\\n\",\"spend\":0.00125,\"billable\":true}\n"
              "{\"t\":\"2026-12-01T10:00:00.000001Z\",\"e\":\"click\",\"n\":\"w3-2026120110:134\","
              "\"id\":\"7-3-184467\",\"ad\":\"a\\\"1\\n\",\"spend\":0.00125,\"billable\":true}\n");
    assert_int_equal(position.number, am_journal_number(498922, 0));
}

static void a_line_that_was_not_written_leaves_nothing(void **state) {
    struct am_journal_line line;
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 0);
    am_journal_begin(writer, AM_JOURNAL_VIEW, &line);
    am_journal_put_number(line.text, "position", 7);
    am_journal_end(writer);
    journal_put(writer, 1);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 2);
}

static void a_line_that_is_too_long_is_lost_and_counted(void **state) {
    struct am_journal_line line;
    struct am_journal_position before, position;
    static char text[AM_JOURNAL_LINE_MAX];
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 0);
    before.offset = folder.shared->lanes[0].offset;
    memset(text, 'x', sizeof text);
    am_journal_begin(writer, AM_JOURNAL_VIEW, &line);
    am_journal_put_text(line.text, "keyword", ((struct am_view){text, sizeof text}));
    assert_false(am_journal_write(writer, &position));
    am_journal_end(writer);
    assert_int_equal(position.offset, before.offset);
    assert_int_equal(am_journal_health(&folder.journal).lost_lines, 1);
    journal_put(writer, 1);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 2);
}

static void a_new_hour_begins_a_new_file(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK + HOUR - 1;
    struct am_journal_writer *writer = journal_writer(&folder, 1);
    journal_put(writer, 0);
    journal_put(writer, 1);
    journal_time = TEN_OCLOCK + HOUR;
    journal_put(writer, 2);
    journal_time = TEN_OCLOCK + 5 * HOUR;
    journal_put(writer, 3);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w1-2026120110.jsonl"));
    assert_true(file_is_there("w1-2026120111.jsonl"));
    assert_true(file_is_there("w1-2026120115.jsonl"));
    journal_assert_holds(&folder, 0, 4);
}

static void a_file_that_is_large_is_followed_by_another_part(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    folder.journal.rotate_bytes = 240;
    struct am_journal_writer *writer = journal_writer(&folder, 1);
    for (uint64_t i = 0; i < 9; i++)
        journal_put(writer, i);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w1-2026120110.jsonl"));
    assert_true(file_is_there("w1-2026120110.1.jsonl"));
    assert_true(file_is_there("w1-2026120110.2.jsonl"));
    assert_false(file_is_there("w1-2026120110.3.jsonl"));
    journal_assert_holds(&folder, 0, 9);
}

static void reboot(void) {
    am_journal_close(&folder.journal);
    munmap(folder.shared, am_journal_shared_size(folder.shared->lane_count));
    journal_restart(&folder, 4);
}

/* Each file's first line says where the one before ended, also over a reboot, whether that one was
 * compressed or not, and over files that nothing was written to. */
static void a_file_says_what_it_comes_after(void **state) {
    struct am_journal_tidied tidied;
    struct am_error error = {.code = AM_OK};
    (void)state;
    for (int hour = 0; hour < 6; hour++) {
        journal_time = TEN_OCLOCK + hour * HOUR;
        struct am_journal_writer *writer = journal_writer(&folder, 1);
        journal_put(writer, 2 * (uint64_t)hour);
        journal_put(writer, 2 * (uint64_t)hour + 1);
        am_journal_writer_close(writer);
        if (hour == 1)
            assert_int_equal(am_journal_tidy(&folder.journal, 0, true, 60000, &tidied, &error),
                             AM_OK);
        if (hour % 2)
            reboot();
        if (hour == 3) /* as a crash leaves it between making a file and its first line */
            close(openat(folder.journal.folder, "w1-2026120114.jsonl", O_WRONLY | O_CREAT, 0600));
    }
    journal_assert_holds(&folder, 0, 12);
    for (int hour = 0; hour < 6; hour++) {
        char name[64], kept[80];
        const char *form = file_is_there("w1-2026120110.jsonl.gz") && hour == 0 ? ".gz" : "";
        snprintf(name, sizeof name, "w1-20261201%d%s.jsonl%s", 10 + hour, hour == 4 ? ".1" : "",
                 form);
        snprintf(kept, sizeof kept, "%s.away", name);
        assert_int_equal(renameat(folder.journal.folder, name, folder.journal.folder, kept), 0);
        struct journal_content content = journal_read(&folder, 12);
        assert_int_equal(content.report.missing,
                         hour < 5); /* behind the last one there is nothing */
        if (hour < 5)
            assert_int_equal(am_journal_number_hour(content.report.lacks[0].to.number) -
                                 am_journal_hour(TEN_OCLOCK),
                             hour);
        free(content.seen);
        assert_int_equal(renameat(folder.journal.folder, kept, folder.journal.folder, name), 0);
    }
}

static void a_clock_that_jumps_back_never_writes_into_an_older_file(void **state) {
    (void)state;
    folder.journal.rotate_bytes = 200;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    static const int64_t jumps[] = {0, 5, -3, -400000, 0, 1, 100000, -1, 2};
    uint64_t number = 0;
    for (size_t jump = 0; jump < AM_COUNT_OF(jumps); jump++)
        for (int i = 0; i < 5; i++) {
            journal_time = TEN_OCLOCK + jumps[jump] * HOUR + i;
            journal_put(writer, number++);
        }
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, number);
    (void)state;
}

static void a_clock_before_1970_is_no_danger(void **state) {
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_time = -HOUR;
    journal_put(writer, 0);
    journal_time = TEN_OCLOCK;
    journal_put(writer, 1);
    journal_time = -400000 * HOUR;
    journal_put(writer, 2);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w0-1970010100.1.jsonl"));
    journal_assert_holds(&folder, 0, 3);
}

static void another_writer_goes_on_in_the_same_file(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    for (uint64_t i = 0; i < 5; i++) {
        struct am_journal_writer *writer = journal_writer(&folder, 2);
        journal_put(writer, i);
        am_journal_writer_close(writer);
    }
    assert_false(file_is_there("w2-2026120110.1.jsonl"));
    journal_assert_holds(&folder, 0, 5);
}

static void after_a_reboot_new_files_are_written(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    struct am_journal_writer *writer = journal_writer(&folder, 2);
    journal_put(writer, 0);
    am_journal_writer_close(writer);
    /* A crash of the machine tore the last line. */
    int file = openat(folder.journal.folder, "w2-2026120110.jsonl", O_WRONLY | O_APPEND);
    assert_int_equal(write(file, "{\"t\":", 5), 5);
    close(file);
    journal_restart(&folder, 8);
    writer = journal_writer(&folder, 2);
    journal_put(writer, 1);
    journal_time = TEN_OCLOCK - 2 * HOUR; /* and its clock is wrong */
    journal_put(writer, 2);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w2-2026120110.1.jsonl"));
    struct journal_content content = journal_read(&folder, 3);
    assert_int_equal(content.report.torn, 1);
    assert_int_equal(content.wrong, 0);
    assert_memory_equal(content.seen, "\1\1\1", 3);
    free(content.seen);
}

static void files_that_are_in_the_way_are_passed_over(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    int file = openat(folder.journal.folder, "w2-2026120110.jsonl", O_WRONLY | O_CREAT, 0600);
    close(file);
    assert_int_equal(symlinkat("/etc/passwd", folder.journal.folder, "w2-2026120110.1.jsonl"), 0);
    struct am_journal_writer *writer = journal_writer(&folder, 2);
    journal_put(writer, 0);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w2-2026120110.2.jsonl"));
    assert_int_equal(unlinkat(folder.journal.folder, "w2-2026120110.1.jsonl", 0), 0);
    journal_assert_holds(&folder, 0, 1);
}

static void a_file_that_somebody_cut_is_left_alone(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    struct am_journal_writer *writer = journal_writer(&folder, 2);
    journal_put(writer, 0);
    journal_put(writer, 1);
    uint64_t first = folder.shared->lanes[2].offset / 2;
    am_journal_writer_close(writer);
    int file = openat(folder.journal.folder, "w2-2026120110.jsonl", O_WRONLY);
    assert_int_equal(ftruncate(file, (off_t)first), 0);
    close(file);
    writer = journal_writer(&folder, 2);
    journal_put(writer, 2);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w2-2026120110.1.jsonl"));
    assert_int_equal(file_size("w2-2026120110.jsonl"), first);
}

/* ---- waiting lines ---- */

static void waiting_lines_are_written_by_a_flush(void **state) {
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < 100; i++)
        journal_put_waiting(writer, i);
    assert_int_equal(folder.shared->lanes[0].offset, 0);
    am_journal_flush(writer);
    assert_int_not_equal(folder.shared->lanes[0].offset, 0);
    journal_assert_holds(&folder, 0, 100);
    journal_put_waiting(writer, 100);
    journal_put(writer, 101);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 102);
}

static void many_waiting_lines_are_written_without_a_flush(void **state) {
    enum { LINES = 40000 };
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < LINES; i++)
        journal_put_waiting(writer, i);
    assert_int_not_equal(folder.shared->lanes[0].offset, 0);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, LINES);
}

static void the_longest_waiting_line_is_written_and_a_longer_one_is_lost(void **state) {
    struct am_journal_line line;
    char *text = malloc(AM_JOURNAL_BATCH_MAX);
    (void)state;
    memset(text, 'x', AM_JOURNAL_BATCH_MAX);
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < 2; i++) {
        am_journal_batch_begin(writer, AM_JOURNAL_DECISION, &line);
        am_journal_put_text(line.text, "query",
                            ((struct am_view){text, AM_JOURNAL_BATCH_MAX - 200 + i * 200}));
        am_journal_put_number(line.text, "position", i);
        am_journal_batch_end(writer);
    }
    free(text);
    am_journal_writer_close(writer);
    assert_int_equal(am_journal_health(&folder.journal).lost_lines, 1);
    journal_assert_holds(&folder, 0, 1);
}

static _Atomic uint64_t next_number;
static _Atomic bool flushing;

static void *put_both_ways(void *writer) {
    for (int i = 0; i < 5000; i++) {
        journal_put_waiting(writer, atomic_fetch_add(&next_number, 1));
        journal_put(writer, atomic_fetch_add(&next_number, 1));
    }
    return NULL;
}

static void *flush_again_and_again(void *writer) {
    while (atomic_load(&flushing))
        am_journal_flush(writer);
    return NULL;
}

static void threads_of_a_writer_lose_no_line(void **state) {
    pthread_t threads[3], flusher;
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    atomic_store(&next_number, 0);
    atomic_store(&flushing, true);
    (void)pthread_create(&flusher, NULL, flush_again_and_again, writer);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        (void)pthread_create(&threads[i], NULL, put_both_ways, writer);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    atomic_store(&flushing, false);
    pthread_join(flusher, NULL);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, atomic_load(&next_number));
}

/* ---- no room ---- */

/* A limit on the size of files stands for a disk that is full: writes come short, then fail. */
static void limit_files(rlim_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_loses_whole_lines_and_counts_them(void **state) {
    uint64_t written = 0, lost = 0;
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    limit_files(1000);
    for (uint64_t i = 0; i < 20; i++) {
        if (journal_put(writer, written))
            written++;
        else
            lost++;
    }
    assert_true(written > 5 && lost > 5);
    assert_true(am_journal_health(&folder.journal).full);
    for (uint64_t i = 0; i < 3; i++)
        journal_put_waiting(writer, 100);
    am_journal_flush(writer);
    assert_int_equal(am_journal_health(&folder.journal).lost_lines, lost + 3);
    journal_assert_holds(&folder, 0, written);
    limit_files(RLIM_INFINITY);
    assert_true(journal_put(writer, written));
    assert_false(am_journal_health(&folder.journal).full);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, written + 1);
}

static void a_folder_without_room_for_files_loses_lines_until_it_has(void **state) {
    char away[96];
    (void)state;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    snprintf(away, sizeof away, "%s/away", folder.path);
    assert_int_equal(rename(folder.log, away), 0);
    assert_int_equal(rmdir(away), 0); /* the folder exists no more: nothing can be made in it */
    assert_false(journal_put(writer, 0));
    journal_put_waiting(writer, 1);
    am_journal_flush(writer);
    assert_int_equal(am_journal_health(&folder.journal).lost_lines, 2);
    am_journal_close(&folder.journal);
    struct am_error error;
    assert_int_equal(am_journal_open(folder.log, folder.shared, &folder.journal, &error), AM_OK);
    assert_true(journal_put(writer, 0));
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 1);
}

/* ---- repair ---- */

static void die(void) {
    kill(getpid(), SIGKILL);
}

/* Runs in a child that is killed at its end. */
static void in_killed_child(void (*run)(void *), void *argument) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(argument);
        die();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void begin_and_write_half(void *argument) {
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    struct am_journal_line line;
    journal_put(writer, 0);
    am_journal_begin(writer, AM_JOURNAL_VIEW, &line);
    const char *half = argument;
    int file = openat(folder.journal.folder, "w0-2026120110.jsonl", O_WRONLY);
    if (pwrite(file, half, strlen(half), (off_t)folder.shared->lanes[0].offset) < 0)
        _exit(1);
}

static void a_line_that_a_kill_tore_is_cut_off(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    in_killed_child(begin_and_write_half, "{\"t\":\"2026-12-01T10:00:00.000000Z\",\"e\":\"vi");
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 1);
    am_journal_writer_close(writer);
    assert_false(file_is_there("w0-2026120110.1.jsonl"));
    journal_assert_holds(&folder, 0, 2);
}

static void whole_lines_that_a_killed_writer_had_not_noted_are_taken_in(void **state) {
    char text[256];
    (void)state;
    journal_time = TEN_OCLOCK;
    static const char format[] =
        "{\"t\":\"2026-12-01T10:00:00.000000Z\",\"e\":\"view\",\"n\":\"w0-2026120110:%d\","
        "\"position\":%d}\n";
    int first = snprintf(text, sizeof text, format, 0, 0);
    int second = snprintf(text, sizeof text, format, first, 1);
    strcpy(text + second, "{\"t\":");
    in_killed_child(begin_and_write_half, text);
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 2);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 3);
}

static void begin_only(void *argument) {
    struct am_journal_line line;
    (void)argument;
    am_journal_begin(journal_writer(&folder, 0), AM_JOURNAL_VIEW, &line);
}

static void a_writer_killed_before_its_first_line_leaves_an_empty_file(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    in_killed_child(begin_only, NULL);
    struct am_error error;
    assert_int_equal(am_journal_repair(&folder.journal, 0, &error), AM_OK);
    assert_int_equal(am_journal_repair(&folder.journal, 0, &error), AM_OK);
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 0);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 1);
}

static void write_until_killed(void *argument) {
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    (void)argument;
    for (;;) {
        journal_put(writer, atomic_fetch_add(&((_Atomic uint64_t *)argument)[0], 1));
        for (int i = 0; i < 3; i++)
            journal_put_waiting(writer, UINT32_MAX);
        am_journal_flush(writer);
    }
}

/* Numbers that were given out but not written are those that the kills cut short. */
static void kills_at_any_moment_leave_whole_lines(void **state) {
    enum { KILLS = 30 };
    _Atomic uint64_t *number = shared_memory(4096);
    uint64_t missing = 0, twice = 0;
    (void)state;
    folder.journal.rotate_bytes = 100000;
    for (int i = 0; i < KILLS; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            write_until_killed((void *)number);
        usleep(2000 + (useconds_t)(i * 137));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
    }
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    am_journal_writer_close(writer);
    uint64_t count = atomic_load(number);
    struct journal_content content = journal_read(&folder, count);
    assert_int_equal(content.report.torn, 0);
    for (uint64_t i = 0; i < count; i++) {
        missing += content.seen[i] == 0;
        twice += content.seen[i] > 1;
    }
    assert_true(count > KILLS);
    assert_true(missing <= KILLS);
    assert_int_equal(twice, 0);
    free(content.seen);
    munmap((void *)number, 4096);
}

/* ---- the holder ---- */

static void syncing_follows_the_lanes(void **state) {
    struct am_error error;
    (void)state;
    journal_time = TEN_OCLOCK;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    struct am_journal_syncer *syncer = am_journal_syncer_new(&folder.journal, &error);
    assert_int_equal(am_journal_sync(syncer), 0);
    journal_put(writer, 0);
    assert_int_equal(am_journal_health(&folder.journal).unsynced_bytes,
                     folder.shared->lanes[0].offset);
    assert_int_equal(am_journal_sync(syncer), 0);
    assert_int_equal(am_journal_health(&folder.journal).unsynced_bytes, 0);
    journal_time = TEN_OCLOCK + HOUR;
    journal_put(writer, 1);
    assert_int_not_equal(am_journal_health(&folder.journal).unsynced_bytes, 0);
    assert_int_equal(am_journal_sync(syncer), 0);
    assert_int_equal(am_journal_health(&folder.journal).unsynced_bytes, 0);
    am_journal_syncer_free(syncer);
    am_journal_writer_close(writer);
}

static struct am_journal_tidied tidy(uint32_t days, bool steady, uint32_t milliseconds) {
    struct am_journal_tidied tidied;
    struct am_error error;
    if (am_journal_tidy(&folder.journal, days, steady, milliseconds, &tidied, &error) != AM_OK)
        fail_msg("%s", error.message);
    return tidied;
}

static void closed_files_are_compressed_and_lose_no_line(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    folder.journal.rotate_bytes = 2000;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < 200; i++)
        journal_put(writer, i);
    struct am_journal_tidied tidied = tidy(40, true, 60000);
    assert_int_equal(tidied.removed, 0);
    assert_true(tidied.compressed >= 8);
    assert_true(file_is_there("w0-2026120110.jsonl.gz"));
    assert_false(file_is_there("w0-2026120110.jsonl"));
    journal_assert_holds(&folder, 0, 200);
    /* The file that is being written goes on. */
    journal_put(writer, 200);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 201);
    assert_int_equal(tidy(40, true, 60000).compressed, 0);
}

static void idle_files_are_closed_when_their_hour_is_over(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 0);
    am_journal_close_idle(&folder.journal);
    assert_int_equal(tidy(40, true, 1000).compressed, 0);
    journal_time = TEN_OCLOCK + HOUR;
    am_journal_close_idle(&folder.journal);
    assert_int_equal(tidy(40, true, 1000).compressed, 1);
    journal_time = TEN_OCLOCK; /* the clock steps back: the closed file stays closed */
    journal_put(writer, 1);
    am_journal_writer_close(writer);
    assert_true(file_is_there("w0-2026120110.jsonl.gz"));
    assert_true(file_is_there("w0-2026120110.1.jsonl"));
    journal_assert_holds(&folder, 0, 2);
}

static void a_round_of_compressing_is_bounded_in_time(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    folder.journal.rotate_bytes = 100;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < 20; i++)
        journal_put(writer, i);
    struct am_journal_tidied first = tidy(40, true, 0);
    assert_int_equal(first.compressed, 1);
    assert_true(first.left >= 8);
    assert_int_equal(tidy(40, true, 60000).compressed, first.left);
    am_journal_writer_close(writer);
    journal_assert_holds(&folder, 0, 20);
}

static void an_interrupted_compression_is_done_again(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    journal_put(writer, 0);
    journal_time = TEN_OCLOCK + HOUR;
    journal_put(writer, 1);
    am_journal_writer_close(writer);
    int file =
        openat(folder.journal.folder, "w0-2026120110.jsonl.gz.tmp", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "half", 4), 4);
    close(file);
    file = openat(folder.journal.folder, "w0-2026120110.jsonl.gz", O_WRONLY | O_CREAT, 0600);
    close(file);
    assert_int_equal(tidy(40, true, 1000).compressed, 1);
    assert_false(file_is_there("w0-2026120110.jsonl.gz.tmp"));
    assert_false(file_is_there("w0-2026120110.jsonl"));
    journal_assert_holds(&folder, 0, 2);
}

static void make_old(const char *name, int64_t days) {
    struct timespec times[2] = {{0, 0}, {0, 0}};
    times[0].tv_sec = times[1].tv_sec = TEN_OCLOCK / AM_JOURNAL_SECOND - days * 86400;
    assert_int_equal(utimensat(folder.journal.folder, name, times, 0), 0);
}

static void old_files_are_removed_unless_the_clock_has_jumped(void **state) {
    (void)state;
    journal_time = TEN_OCLOCK;
    folder.journal.rotate_bytes = 135;
    struct am_journal_writer *writer = journal_writer(&folder, 0);
    for (uint64_t i = 0; i < 8; i++)
        journal_put(writer, i);
    am_journal_writer_close(writer);
    make_old("w0-2026120110.jsonl", 39);
    make_old("w0-2026120110.1.jsonl", 41);
    make_old("w0-2026120110.3.jsonl", 41); /* the present one is never removed */
    assert_int_equal(tidy(40, false, 60000).removed, 0);
    assert_true(file_is_there("w0-2026120110.1.jsonl.gz"));
    assert_int_equal(tidy(40, true, 60000).removed, 1);
    assert_false(file_is_there("w0-2026120110.1.jsonl.gz"));
    assert_true(file_is_there("w0-2026120110.jsonl.gz"));
    assert_true(file_is_there("w0-2026120110.3.jsonl"));
    assert_int_equal(tidy(0, true, 60000).removed, 0);
}

static void a_folder_that_cannot_be_had_is_named(void **state) {
    struct am_journal journal;
    struct am_error error;
    (void)state;
    assert_int_equal(am_journal_open("/proc/nowhere/log", folder.shared, &journal, &error),
                     AM_E_IO);
    assert_string_equal(error.message,
                        "cannot make the folder /proc/nowhere/log: No such file or directory");
    struct am_journal_writer *writer;
    assert_int_equal(am_journal_writer_open(&folder.journal, 8, &writer, &error), AM_E_LIMIT);
    assert_null(writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_to_the_microsecond),
        cmocka_unit_test(other_forms_of_times_are_refused),
        cmocka_unit_test(names_of_files_say_lane_hour_and_part),
        cmocka_unit_test(other_names_are_no_files_of_the_log),
        cmocka_unit_test(ids_of_placements_are_read_back),
        cmocka_unit_test(kinds_of_lines_have_names),
        TEST(a_line_is_one_json_object_with_its_place),
        TEST(a_line_that_was_not_written_leaves_nothing),
        TEST(a_line_that_is_too_long_is_lost_and_counted),
        TEST(a_new_hour_begins_a_new_file),
        TEST(a_file_that_is_large_is_followed_by_another_part),
        TEST(a_file_says_what_it_comes_after),
        TEST(a_clock_that_jumps_back_never_writes_into_an_older_file),
        TEST(a_clock_before_1970_is_no_danger),
        TEST(another_writer_goes_on_in_the_same_file),
        TEST(after_a_reboot_new_files_are_written),
        TEST(files_that_are_in_the_way_are_passed_over),
        TEST(a_file_that_somebody_cut_is_left_alone),
        TEST(waiting_lines_are_written_by_a_flush),
        TEST(many_waiting_lines_are_written_without_a_flush),
        TEST(the_longest_waiting_line_is_written_and_a_longer_one_is_lost),
        TEST(threads_of_a_writer_lose_no_line),
        TEST(a_full_disk_loses_whole_lines_and_counts_them),
        TEST(a_folder_without_room_for_files_loses_lines_until_it_has),
        TEST(a_line_that_a_kill_tore_is_cut_off),
        TEST(whole_lines_that_a_killed_writer_had_not_noted_are_taken_in),
        TEST(a_writer_killed_before_its_first_line_leaves_an_empty_file),
        TEST(kills_at_any_moment_leave_whole_lines),
        TEST(syncing_follows_the_lanes),
        TEST(closed_files_are_compressed_and_lose_no_line),
        TEST(idle_files_are_closed_when_their_hour_is_over),
        TEST(a_round_of_compressing_is_bounded_in_time),
        TEST(an_interrupted_compression_is_done_again),
        TEST(old_files_are_removed_unless_the_clock_has_jumped),
        TEST(a_folder_that_cannot_be_had_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
