/* SPDX-License-Identifier: Apache-2.0 */
/* Roll-ups: what is kept and for how long, the most search terms, sums beyond 64 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/reports/format.h"
#include "../../plugin/reports/rollup.h"
#include "../../plugin/reports/terms.h"

#define DAY INT64_C(86400)
/* 2025-11-01T00:00:00Z */
#define START INT64_C(1761955200)

static char folder[64];
static struct am_error error;

static void check(enum am_code code) {
    if (code != AM_OK)
        fail_msg("%s", error.message);
}

static int set_up(void **state) {
    char path[96];
    (void)state;
    strcpy(folder, "/tmp/admatch-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "mkdir %s/log", folder);
    return system(path);
}

static int tear_down(void **state) {
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static FILE *open_log(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/log/%s.jsonl", folder, name);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    return file;
}

/* A decision and its impression. */
static void
put_ad(FILE *file, unsigned number, int64_t time, const char *query, const char *spend) {
    char text[AM_TIME_TEXT_SIZE];
    am_time_write(time, text);
    text[19] = '\0'; /* without the Z */
    fprintf(file,
            "{\"t\":\"%s.000000Z\",\"e\":\"decision\",\"n\":\"x\",\"query\":\"%s\",\"ads\":[{"
            "\"id\":\"1-1-%u\",\"ad\":\"a\",\"campaign\":\"c\",\"field\":\"query\"}]}\n"
            "{\"t\":\"%s.000001Z\",\"e\":\"impression\",\"n\":\"x\",\"id\":\"1-1-%u\",\"ad\":\"a\","
            "\"campaign\":\"c\",\"spend\":%s,\"billable\":true}\n",
            text, query, number, text, number, spend);
}

static void count_all(uint64_t terms) {
    struct am_report_rollup *rollup;
    struct am_report_round round = {.more = true};
    check(am_report_rollup_open(folder, terms, &rollup, &error));
    while (round.more)
        check(am_report_rollup_round(rollup, &round, &error));
    am_report_rollup_close(rollup);
}

struct text {
    char bytes[4096];
    size_t size;
};

static bool write_text(void *context, struct am_view piece) {
    struct text *text = context;
    assert_true(text->size + piece.size < sizeof text->bytes);
    memcpy(text->bytes + text->size, piece.data, piece.size);
    text->size += piece.size;
    text->bytes[text->size] = '\0';
    return true;
}

static struct text print(struct am_report_query query) {
    struct am_report_reader *reader;
    struct text text = {.size = 0};
    query.from = AM_TIME_MIN;
    query.to = AM_TIME_MAX;
    check(am_report_reader_open(folder, &reader, &error));
    check(am_report_print(reader, &query, AM_REPORT_CSV, write_text, &text, &error));
    am_report_reader_close(reader);
    return text;
}

static unsigned line_count(const struct text *text) {
    unsigned count = 0;
    for (size_t i = 0; i < text->size; i++)
        count += text->bytes[i] == '\n';
    return count;
}

static void test_terms_are_folded(void **state) {
    static const char *const cases[][2] = {
        {"Running  SHOES ", "running shoes"},
        {"\t tea\n pot", "tea pot"},
        {"WEISS weiß", "weiss weiss"},
        {"ＦＵＬＬ", "full"},
        {"Cafe\xcc\x81", "caf\xc3\xa9"},
        {"\xff\xfe Ab", "\xff\xfe ab"}, /* no UTF-8: as it is, but for ASCII */
        {"   ", ""},
        {"", ""},
    };
    struct am_report_terms terms;
    (void)state;
    am_report_terms_init(&terms, NULL, 1);
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct am_view term = am_report_terms_fold(&terms, am_view_of(cases[i][0]));
        if (!am_view_equal(term, am_view_of(cases[i][1])))
            fail_msg("'%s' became '%.*s'", cases[i][0], AM_VIEW_ARGUMENTS(term));
    }
    am_report_terms_free(&terms);
}

static void test_the_most_terms_of_a_day(void **state) {
    FILE *file = open_log("w0-2025110100");
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        char query[16];
        snprintf(query, sizeof query, "word %u", i % 10);
        put_ad(file, i + 1, START + i, query, "0.5");
    }
    fclose(file);
    count_all(3);
    struct text text = print((struct am_report_query){.kind = AM_REPORT_TERMS});
    assert_non_null(strstr(text.bytes, "\n(other),,,,c,a,14,14,0,"));
    for (unsigned i = 0; i < 3; i++) {
        char line[64];
        snprintf(line, sizeof line, "\nword %u,,,query,c,a,2,2,0,0,1,500,\r\n", i);
        assert_non_null(strstr(text.bytes, line));
    }
    assert_int_equal(line_count(&text), 5);
    file = open_log("w0-2025110200"); /* the next day has room again */
    put_ad(file, 100, START + DAY, "word 9", "0.5");
    fclose(file);
    count_all(3);
    text = print((struct am_report_query){.kind = AM_REPORT_TERMS});
    assert_non_null(strstr(text.bytes, "\nword 9,,,query,c,a,1,1,0,0,0.5,500,\r\n"));
}

static unsigned rows_of(enum am_report_kind kind) {
    struct text text =
        print((struct am_report_query){.kind = kind, .by = {AM_REPORT_BY_HOUR}, .by_count = 1});
    return line_count(&text) - 1;
}

static void test_what_is_old_is_removed(void **state) {
    struct am_report_rollup *rollup;
    (void)state;
    FILE *file = open_log("w0-2025110100");
    put_ad(file, 1, START, "tea", "1");
    fclose(file);
    file = open_log("w0-2025110200");
    put_ad(file, 2, START + DAY, "tea", "1");
    fclose(file);
    count_all(10);
    const struct {
        int64_t days;
        unsigned hours, terms;
    } steps[] = {{35, 2, 1}, {36, 2, 1}, {37, 2, 0}, {400, 2, 0}, {401, 1, 0}, {402, 0, 0}};
    check(am_report_rollup_open(folder, 10, &rollup, &error));
    for (size_t i = 0; i < AM_COUNT_OF(steps); i++) {
        check(am_report_rollup_prune(rollup, START + steps[i].days * DAY, &error));
        assert_int_equal(rows_of(AM_REPORT_DELIVERY), steps[i].hours);
        assert_int_equal(rows_of(AM_REPORT_TERMS), steps[i].terms);
    }
    am_report_rollup_close(rollup);
}

/* Each hour fits into 64 bits of nanos, their sum does not. */
static void test_sums_beyond_64_bits(void **state) {
    (void)state;
    FILE *file = open_log("w0-2025110100");
    for (unsigned i = 0; i < 5; i++)
        put_ad(file, i + 1, START + i * 3600, "tea", "9000000000.000000001");
    fclose(file);
    count_all(10);
    struct text text = print((struct am_report_query){.by_count = 0});
    assert_non_null(strstr(text.bytes, "\n5,5,0,0,45000000000.000000005,"));
}

/* An hour that does not fit is an error, and what was counted before stays. */
static void test_an_hour_beyond_64_bits_is_refused(void **state) {
    struct am_report_rollup *rollup;
    struct am_report_round round;
    enum am_code code = AM_OK;
    (void)state;
    FILE *file = open_log("w0-2025110100");
    put_ad(file, 1, START, "tea", "9000000000");
    fclose(file);
    count_all(10);
    file = open_log("w0-2025110100");
    put_ad(file, 2, START, "tea", "9000000000");
    fclose(file);
    check(am_report_rollup_open(folder, 10, &rollup, &error));
    for (int i = 0; i < 3 && code == AM_OK; i++)
        code = am_report_rollup_round(rollup, &round, &error);
    assert_int_equal(code, AM_E_IO);
    am_report_rollup_close(rollup);
    struct text text = print((struct am_report_query){.by_count = 0});
    assert_non_null(strstr(text.bytes, ",9000000000,"));
}

/* Rows that a placement remembers may have been removed. */
static void test_a_removed_term_is_unknown(void **state) {
    struct am_report_rollup *rollup;
    (void)state;
    FILE *file = open_log("w0-2025110100");
    put_ad(file, 1, START, "tea", "1");
    fclose(file);
    count_all(10);
    check(am_report_rollup_open(folder, 10, &rollup, &error));
    check(am_report_rollup_prune(rollup, START + 36 * DAY, &error));
    am_report_rollup_close(rollup);
    file = open_log("w0-2025110200");
    fputs("{\"t\":\"2025-11-02T00:00:00.000000Z\",\"e\":\"click\",\"n\":\"x\",\"id\":\"1-1-1\","
          "\"ad\":\"a\","
          "\"campaign\":\"c\",\"spend\":2,\"billable\":true}\n",
          file);
    fclose(file);
    count_all(10);
    struct text text = print((struct am_report_query){.kind = AM_REPORT_TERMS});
    assert_non_null(strstr(text.bytes, "\n(unknown),,,,c,a,0,0,1,,2,,2\r\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_are_folded),
        cmocka_unit_test_setup_teardown(test_the_most_terms_of_a_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_old_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sums_beyond_64_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_hour_beyond_64_bits_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_removed_term_is_unknown, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
