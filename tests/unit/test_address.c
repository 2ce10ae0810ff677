/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, blocks of them, and the walk through X-Forwarded-For. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugin/base/address.h"

static struct am_address parsed(const char *text) {
    struct am_address address;
    assert_true(am_address_parse(am_view_of(text), &address));
    return address;
}

static void assert_same(const char *a, const char *b) {
    struct am_address first = parsed(a), second = parsed(b);
    assert_memory_equal(&first, &second, sizeof first);
}

static void both_spellings_of_an_address_are_equal(void **state) {
    (void)state;
    assert_same("192.0.2.1", "::ffff:192.0.2.1");
    assert_same("192.0.2.1", "::FFFF:C000:0201");
    assert_same("192.0.2.1", " 192.0.2.1:65535\t");
    assert_same("192.0.2.1", "[::ffff:192.0.2.1]:80");
    assert_same("2001:db8::1", "2001:0DB8:0:0:0:0:0:1");
    assert_same("2001:db8::1", "[2001:db8::1]");
    assert_same("2001:db8::1", "[2001:db8::1]:443");
}

static void what_is_no_address_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        " ",
        "unknown",
        "_hidden",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1:",
        "192.0.2.1:http",
        "192.0.2.1:123456",
        "192.0.2.1 192.0.2.2",
        "2001:db8::1::",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "[192.0.2.1]",
        "[]",
        "[",
        "fe80::1%eth0",
        "for=192.0.2.1",
        "\"192.0.2.1\"",
        ":",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct am_address address;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        if (am_address_parse(am_view_of(bad[i]), &address))
            fail_msg("taken for an address: %s", bad[i]);
    assert_false(am_address_parse((struct am_view){"192.0.2.1\0", 10}, &address));
    assert_false(am_address_parse((struct am_view){NULL, 0}, &address));
}

static void loopback_is_recognised(void **state) {
    struct am_address address = parsed("127.8.9.1");
    (void)state;
    assert_true(am_address_is_loopback(&address));
    address = parsed("::1");
    assert_true(am_address_is_loopback(&address));
    address = parsed("128.0.0.1");
    assert_false(am_address_is_loopback(&address));
    address = parsed("::2");
    assert_false(am_address_is_loopback(&address));
}

static void a_subscriber_is_a_24_or_a_48(void **state) {
    struct am_address network, wanted;
    (void)state;
    network = parsed("192.0.2.77");
    network = am_address_network(&network);
    wanted = parsed("192.0.2.0");
    assert_memory_equal(&network, &wanted, sizeof wanted);
    network = parsed("2001:db8:1:ffff:ffff::9");
    network = am_address_network(&network);
    wanted = parsed("2001:db8:1::");
    assert_memory_equal(&network, &wanted, sizeof wanted);
}

static bool block_holds(const char *block, const char *address) {
    struct am_address_range range;
    struct am_address parsed_address = parsed(address);
    struct am_error error;
    assert_int_equal(am_address_range_parse(am_view_of(block), &range, &error), AM_OK);
    return am_address_in_range(&range, &parsed_address);
}

static void a_block_holds_what_its_prefix_says(void **state) {
    (void)state;
    assert_true(block_holds("10.0.0.0/8", "10.255.255.255"));
    assert_false(block_holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(block_holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(block_holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_true(block_holds("192.0.2.64/26", "192.0.2.127"));
    assert_false(block_holds("192.0.2.64/26", "192.0.2.128"));
    assert_true(block_holds("192.0.2.1", "192.0.2.1"));
    assert_false(block_holds("192.0.2.1", "192.0.2.2"));
    assert_true(block_holds("0.0.0.0/0", "203.0.113.9"));
    assert_false(block_holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(block_holds("::/0", "203.0.113.9"));
    assert_true(block_holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(block_holds("2001:db8::/33", "2001:db8:8000::1"));
}

static void a_bad_block_is_named_with_what_was_meant(void **state) {
    static const struct {
        const char *block, *message;
    } cases[] = {
        {"10.0.0.1/8", "10.0.0.1/8 has bits set after its prefix: expected 10.0.0.0/8, or a "
                       "longer prefix"},
        {"2001:db8::1/32", "2001:db8::1/32 has bits set after its prefix: expected "
                           "2001:db8::/32, or a longer prefix"},
        {"10.0.0.0/33", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found "
                        "\"10.0.0.0/33\""},
        {"::/129", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found \"::/129\""},
        {"10.0.0.0/", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found "
                      "\"10.0.0.0/\""},
        {"10.0.0.0/-1", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found "
                        "\"10.0.0.0/-1\""},
        {"proxy", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found "
                  "\"proxy\""},
        {"/8", "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found \"/8\""},
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct am_address_range range;
        struct am_error error;
        assert_int_equal(am_address_range_parse(am_view_of(cases[i].block), &range, &error),
                         AM_E_INVALID);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void lists_of_blocks_are_read_until_one_is_bad_or_there_is_no_room(void **state) {
    struct am_address_range items[3];
    struct am_address_ranges ranges = {items, 0, 3};
    struct am_error error;
    (void)state;
    assert_int_equal(am_address_ranges_add(&ranges, am_view_of(" 10.0.0.0/8,\t::1 "), &error),
                     AM_OK);
    assert_int_equal(ranges.count, 2);
    assert_int_equal(am_address_ranges_add(&ranges, am_view_of(""), &error), AM_OK);
    assert_int_equal(am_address_ranges_add(&ranges, am_view_of("10/8"), &error), AM_E_INVALID);
    assert_int_equal(ranges.count, 2);
    assert_int_equal(am_address_ranges_add(&ranges, am_view_of("1.1.1.1 2.2.2.2"), &error),
                     AM_E_LIMIT);
    assert_string_equal(error.message, "more than 3 address blocks");
}

static void assert_client(const char *peer, const char *forwarded, const char *wanted) {
    struct am_address_range items[4];
    struct am_address_ranges trusted = {items, 0, 4};
    struct am_address from = parsed(peer), expected = parsed(wanted);
    struct am_error error;
    assert_int_equal(
        am_address_ranges_add(&trusted, am_view_of("10.0.0.0/8 fd00::/8 127.0.0.1"), &error),
        AM_OK);
    struct am_address client = am_address_client(&from, am_view_of(forwarded), &trusted);
    if (memcmp(&client, &expected, sizeof client) != 0)
        fail_msg("%s behind %s is not %s", forwarded, peer, wanted);
}

static void the_client_is_the_first_from_the_right_that_is_not_trusted(void **state) {
    (void)state;
    assert_client("203.0.113.5", "198.51.100.1", "203.0.113.5");
    assert_client("203.0.113.5", "", "203.0.113.5");
    assert_client("10.0.0.1", "", "10.0.0.1");
    assert_client("10.0.0.1", "198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1");
    assert_client("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.9.9.9", "198.51.100.1");
    assert_client("::ffff:10.0.0.1", "6.6.6.6,198.51.100.1,[fd00::7]:4711", "198.51.100.1");
    assert_client("fd00::1", "2001:db8::1", "2001:db8::1");
    assert_client("127.0.0.1", "198.51.100.1:5000", "198.51.100.1");
    assert_client("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3");
}

static void garbage_ends_the_walk_at_the_last_address_found(void **state) {
    (void)state;
    assert_client("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1");
    assert_client("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2");
    assert_client("10.0.0.1", "198.51.100.1,", "10.0.0.1");
    assert_client("10.0.0.1", ",", "10.0.0.1");
    assert_client("10.0.0.1", "198.51.100.1, 10.0.0.2 10.0.0.3", "10.0.0.1");
    assert_client("10.0.0.1", "\xff\xfe", "10.0.0.1");
}

static void a_list_of_trusted_addresses_is_not_walked_without_end(void **state) {
    char list[AM_ADDRESS_MAX_HOPS * 12 + 32] = "198.51.100.1";
    (void)state;
    for (int i = 0; i < AM_ADDRESS_MAX_HOPS - 1; i++)
        strcat(list, ", 10.0.0.2");
    assert_client("10.0.0.1", list, "198.51.100.1");
    strcat(list, ", 10.0.0.2");
    assert_client("10.0.0.1", list, "10.0.0.2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_spellings_of_an_address_are_equal),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(loopback_is_recognised),
        cmocka_unit_test(a_subscriber_is_a_24_or_a_48),
        cmocka_unit_test(a_block_holds_what_its_prefix_says),
        cmocka_unit_test(a_bad_block_is_named_with_what_was_meant),
        cmocka_unit_test(lists_of_blocks_are_read_until_one_is_bad_or_there_is_no_room),
        cmocka_unit_test(the_client_is_the_first_from_the_right_that_is_not_trusted),
        cmocka_unit_test(garbage_ends_the_walk_at_the_last_address_found),
        cmocka_unit_test(a_list_of_trusted_addresses_is_not_walked_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
