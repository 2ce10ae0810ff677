/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner of the log's lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../plugin/events/amounts.h"
#include "xorshift.h"

static struct am_journal_record record;

static bool scan(const char *text) {
    return am_journal_scan(am_view_of(text), &record);
}

static void assert_member(enum am_journal_member member, const char *wanted) {
    struct am_view value = record.values[member];
    if (!am_view_equal(value, am_view_of(wanted)))
        fail_msg("member %d is %.*s, not %s", member, AM_VIEW_ARGUMENTS(value), wanted);
}

static void every_member_is_found(void **state) {
    static const char *const names[AM_JOURNAL_MEMBERS] = {
        "t",       "e",        "n",        "id",      "ad",       "ads",        "advertiser",
        "after",   "billable", "campaign", "cells",   "change",   "clicks",     "count",
        "cut",     "day",      "field",    "filled",  "from",     "generation", "impressions",
        "keyword", "kind",     "last",     "late",    "limited",  "lines",      "match",
        "name",    "order",    "pace",     "part",    "position", "positions",  "price",
        "pricing", "query",    "reason",   "request", "side",     "slot",       "slots",
        "spend",   "timezone", "today",    "value"};
    char text[4096] = "{";
    (void)state;
    for (int i = 0; i < AM_JOURNAL_MEMBERS; i++)
        sprintf(text + strlen(text), "%s\"%s\":%d", i ? "," : "", names[i], i);
    strcat(text, "}");
    assert_true(scan(text));
    for (int i = 0; i < AM_JOURNAL_MEMBERS; i++) {
        uint64_t number;
        assert_true(am_journal_unsigned(record.values[i], &number));
        assert_int_equal(number, i);
    }
}

static void other_members_are_passed_over(void **state) {
    (void)state;
    assert_true(
        scan("{\"x\":1,\"\":2,\"tt\":3,\"adss\":[1,{\"ad\":\"}\"}],\"idx\":null,\"ad\":\"a\","
             "\"Ad\":\"b\",\"imp\":1,\"z\":{\"t\":[]}}"));
    assert_member(AM_JOURNAL_M_AD, "\"a\"");
    assert_member(AM_JOURNAL_M_T, "");
    assert_member(AM_JOURNAL_M_ADS, "");
    assert_member(AM_JOURNAL_M_IMPRESSIONS, "");
}

static void of_a_member_that_stands_twice_the_last_counts(void **state) {
    (void)state;
    assert_true(scan("{\"ad\":\"a\",\"ad\":\"b\"}"));
    assert_member(AM_JOURNAL_M_AD, "\"b\"");
    assert_true(scan("{}"));
    assert_member(AM_JOURNAL_M_AD, "");
}

static void what_is_no_object_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        "{",
        "}",
        "[]",
        "{}x",
        "{ }",
        "{\"t\"}",
        "{\"t\":}",
        "{\"t\":1",
        "{\"t\":1,",
        "{\"t\":1,}",
        "{\"t\":1}}",
        "{t:1}",
        "{\"t\":\"a}",
        "{\"t\":\"a\\\"}",
        "{\"t\":\"a\nb\"}",
        "{\"t\":[1}",
        "{\"t\":[1]]}",
        "{\"t\":{\"a\":1]}",
        "{\"t\":\"\x01\"}",
        "{\"t\" :1}",
        "{\"t\":1 }",
        "{\"t\":1\"n\":2}",
        "\xff",
        "{\"t\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        if (scan(bad[i]))
            fail_msg("taken for a line: %s", bad[i]);
}

static void items_of_arrays_are_given_one_by_one(void **state) {
    struct am_view item;
    size_t at = 0;
    (void)state;
    assert_true(scan("{\"ads\":[{\"id\":\"1\"},\"]\",3,[4]],\"slots\":[]}"));
    struct am_view array = record.values[AM_JOURNAL_M_ADS];
    static const char *const wanted[] = {"{\"id\":\"1\"}", "\"]\"", "3", "[4]"};
    for (size_t i = 0; i < AM_COUNT_OF(wanted); i++) {
        assert_true(am_journal_item(array, &at, &item));
        assert_int_equal(item.size, strlen(wanted[i]));
        assert_memory_equal(item.data, wanted[i], item.size);
    }
    assert_false(am_journal_item(array, &at, &item));
    at = 0;
    assert_false(am_journal_item(record.values[AM_JOURNAL_M_SLOTS], &at, &item));
    assert_false(am_journal_item(AM_VIEW("\"text\""), &at, &item));
}

static void texts_are_decoded(void **state) {
    char memory[64];
    (void)state;
    struct am_view text = am_journal_text(AM_VIEW("\"plain\""), memory);
    assert_true(am_view_equal(text, AM_VIEW("plain")));
    text = am_journal_text(AM_VIEW("\"a\\\"\\u00e9\\n\""), memory);
    assert_true(am_view_equal(text, AM_VIEW("a\"\xc3\xa9\n")));
    static const struct am_view bad[] = {
        {"1", 1}, {"\"", 1}, {"", 0}, {"\"\\x\"", 4}, {"\"\\ud800\"", 8}};
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_int_equal(am_journal_text(bad[i], memory).size, 0);
}

static void numbers_are_read_exactly(void **state) {
    uint64_t number;
    int64_t nanos;
    (void)state;
    assert_true(am_journal_unsigned(AM_VIEW("18446744073709551615"), &number));
    assert_true(number == UINT64_MAX);
    assert_false(am_journal_unsigned(AM_VIEW("18446744073709551616"), &number));
    assert_false(am_journal_unsigned(AM_VIEW("-1"), &number));
    assert_false(am_journal_unsigned(AM_VIEW("1.0"), &number));
    assert_false(am_journal_unsigned(AM_VIEW(""), &number));
    assert_true(am_journal_money(AM_VIEW("-12.5"), &nanos));
    assert_true(nanos == -12500000000);
    assert_true(am_journal_money(AM_VIEW("0.000000001"), &nanos));
    assert_true(nanos == 1);
    static const char *const bad[] = {
        "", "-", ".", "1.2.3", "1e3", "0.0000000001", "1 ", "abc", "9300000000000"};
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_false(am_journal_money(am_view_of(bad[i]), &nanos));
}

/* ---- against jansson ---- */

static uint64_t random_state = XORSHIFT64_SEED;

static uint64_t random_number(uint64_t below) {
    return xorshift64(&random_state) % below;
}

static json_t *random_value(int depth) {
    static const char *const texts[] = {"",         "a", "\"", "\\",    "\n",
                                        "\xc3\xa9", "}", "[",  "a,b:c", "\xf0\x9f\x98\x80"};
    switch (random_number(depth ? 7 : 5)) {
    case 0:
        return json_integer((json_int_t)random_number(1000000));
    case 1:
        return json_true();
    case 2:
        return json_null();
    case 3:
    case 4:
        return json_string(texts[random_number(AM_COUNT_OF(texts))]);
    case 5: {
        json_t *array = json_array();
        for (uint64_t i = random_number(4); i; i--)
            json_array_append_new(array, random_value(depth - 1));
        return array;
    }
    default: {
        static const char *const keys[] = {"t", "ad", "\"", "x", "slots"};
        json_t *object = json_object();
        for (uint64_t i = random_number(4); i; i--)
            json_object_set_new(object, keys[random_number(AM_COUNT_OF(keys))],
                                random_value(depth - 1));
        return object;
    }
    }
}

static void assert_value(enum am_journal_member member, json_t *wanted) {
    struct am_view value = record.values[member];
    json_t *read = json_loadb(value.data, value.size, JSON_DECODE_ANY, NULL);
    assert_non_null(read);
    assert_true(json_equal(read, wanted));
    json_decref(read);
}

static void random_lines_are_read_as_jansson_reads_them(void **state) {
    (void)state;
    for (int i = 0; i < 5000; i++) {
        json_t *line = json_object();
        json_object_set_new(line, "ad", random_value(3));
        json_object_set_new(line, "slots", random_value(3));
        json_object_set_new(line, "unknown", random_value(3));
        char *text = json_dumps(line, JSON_COMPACT);
        assert_true(scan(text));
        assert_value(AM_JOURNAL_M_AD, json_object_get(line, "ad"));
        assert_value(AM_JOURNAL_M_SLOTS, json_object_get(line, "slots"));
        free(text);
        json_decref(line);
    }
}

/* ---- what lines add ---- */

static void
assert_amounts(const char *text, bool adds, int64_t spend, int64_t impressions, int64_t clicks) {
    struct am_journal_amounts added;
    assert_true(scan(text));
    assert_int_equal(am_journal_amounts(am_journal_kind(&record), &record, &added), adds);
    if (!adds)
        return;
    assert_int_equal(added.amounts[AM_LEDGER_MONEY], spend);
    assert_int_equal(added.amounts[AM_LEDGER_IMPRESSIONS], impressions);
    assert_int_equal(added.amounts[AM_LEDGER_CLICKS], clicks);
}

static void billable_events_and_adjustments_add_to_counters(void **state) {
    (void)state;
    assert_amounts("{\"e\":\"impression\",\"spend\":0.00125,\"billable\":true}", true, 1250000, 1,
                   0);
    assert_amounts("{\"e\":\"impression\",\"billable\":true}", true, 0, 1, 0);
    assert_amounts("{\"e\":\"bill\",\"spend\":1,\"billable\":true}", true, 1000000000, 1, 0);
    assert_amounts("{\"e\":\"click\",\"spend\":0.5,\"billable\":true}", true, 500000000, 0, 1);
    assert_amounts("{\"e\":\"click\",\"spend\":0.5,\"billable\":false}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"click\",\"spend\":0.5}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"click\",\"spend\":\"0.5\",\"billable\":true}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"view\",\"billable\":true}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"conversion\",\"billable\":true}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"control\",\"change\":\"adjust\",\"spend\":-12.5,\"clicks\":-3}", true,
                   -12500000000, 0, -3);
    assert_amounts("{\"e\":\"control\",\"change\":\"paused\",\"spend\":1}", false, 0, 0, 0);
    assert_amounts("{\"e\":\"control\",\"change\":\"adjust\",\"clicks\":1.5}", false, 0, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_found),
        cmocka_unit_test(other_members_are_passed_over),
        cmocka_unit_test(of_a_member_that_stands_twice_the_last_counts),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(items_of_arrays_are_given_one_by_one),
        cmocka_unit_test(texts_are_decoded),
        cmocka_unit_test(numbers_are_read_exactly),
        cmocka_unit_test(random_lines_are_read_as_jansson_reads_them),
        cmocka_unit_test(billable_events_and_adjustments_add_to_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
