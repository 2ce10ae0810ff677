/* SPDX-License-Identifier: Apache-2.0 */
/* What counts: the judgement, robots, prefetches, and rates of clicks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/events/judge.h"
#include "../../plugin/events/rates.h"

/* ---- the judgement ---- */

static struct am_event_facts good(enum am_journal_kind kind) {
    return (struct am_event_facts){.kind = kind,
                                   .verified = true,
                                   .current = true,
                                   .known = true,
                                   .own = AM_EVENT_FIRST,
                                   .impression = AM_EVENT_REPEAT};
}

static const enum am_journal_kind kinds[] = {AM_JOURNAL_IMPRESSION, AM_JOURNAL_CLICK,
                                             AM_JOURNAL_VIEW, AM_JOURNAL_EVENT,
                                             AM_JOURNAL_CONVERSION};

static void what_nothing_speaks_against_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(kinds); i++) {
        struct am_event_facts facts = good(kinds[i]);
        assert_int_equal(am_event_judge(&facts), AM_EVENT_COUNTED);
    }
}

/* A second reading of the contract: reasons in the order in which they are asked. */
static enum am_event_outcome expected(const struct am_event_facts *facts) {
    bool server = facts->kind == AM_JOURNAL_CONVERSION;
    int64_t most = server ? 2592000 : facts->kind == AM_JOURNAL_CLICK ? 86400 : 3600;
    const struct {
        bool holds;
        enum am_event_outcome outcome;
    } reasons[] = {
        {!facts->verified, AM_EVENT_BAD_SIGNATURE},
        {facts->ignored, AM_EVENT_IGNORED},
        {facts->prefetch && !server, AM_EVENT_PREFETCH},
        {facts->head && !server, AM_EVENT_HEAD},
        {facts->robot && !server, AM_EVENT_ROBOT},
        {!facts->current || !facts->known, AM_EVENT_EXPIRED},
        {facts->age > most || facts->own == AM_EVENT_OUTSIDE, AM_EVENT_EXPIRED},
        {facts->own == AM_EVENT_REPEAT, AM_EVENT_DUPLICATE},
        {facts->kind == AM_JOURNAL_CLICK && !facts->click_first &&
             facts->impression != AM_EVENT_REPEAT,
         AM_EVENT_NO_IMPRESSION},
    };
    for (size_t i = 0; i < AM_COUNT_OF(reasons); i++)
        if (reasons[i].holds)
            return reasons[i].outcome;
    return AM_EVENT_COUNTED;
}

static void all_facts_are_judged_in_the_order_of_the_contract(void **state) {
    static const int64_t ages[] = {-86400, 0, 3600, 3601, 86400, 86401, 2592000, 2592001};
    (void)state;
    for (size_t kind = 0; kind < AM_COUNT_OF(kinds); kind++)
        for (size_t age = 0; age < AM_COUNT_OF(ages); age++)
            for (int claims = 0; claims < 9; claims++)
                for (unsigned bits = 0; bits < 256; bits++) {
                    struct am_event_facts facts = {
                        .kind = kinds[kind],
                        .verified = bits & 1,
                        .current = bits & 2,
                        .known = bits & 4,
                        .age = ages[age],
                        .own = (enum am_event_claim)(claims % 3),
                        .impression = (enum am_event_claim)(claims / 3),
                        .click_first = bits & 8,
                        .ignored = bits & 16,
                        .prefetch = bits & 32,
                        .head = bits & 64,
                        .robot = bits & 128,
                    };
                    assert_int_equal(am_event_judge(&facts), expected(&facts));
                }
}

static void outcomes_have_names(void **state) {
    static const char *const names[AM_EVENT_OUTCOMES] = {
        "counted", "bad_signature", "ignored",       "prefetch", "head",  "robot",
        "expired", "duplicate",     "no_impression", "rate",     "budget"};
    (void)state;
    for (int i = 0; i < AM_EVENT_OUTCOMES; i++)
        assert_true(
            am_view_equal(am_event_outcome_name((enum am_event_outcome)i), am_view_of(names[i])));
}

static void browsers_that_fetch_ahead_say_so(void **state) {
    static const struct am_event_headers ahead[] = {
        {.sec_purpose = {"prefetch", 8}}, {.sec_purpose = {"prefetch;prerender", 18}},
        {.sec_purpose = {"PREFETCH", 8}}, {.purpose = {"prefetch", 8}},
        {.x_moz = {"prefetch", 8}},       {.x_purpose = {"preview", 7}},
        {.x_purpose = {": preview", 9}},
    };
    static const struct am_event_headers now[] = {
        {.head = true},
        {.sec_purpose = {"", 0}},
        {.purpose = {"navigate", 8}},
        {.sec_purpose = {"prefetc", 7}},
        {.agent = {"prefetch", 8}},
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(ahead); i++)
        assert_true(am_event_is_prefetch(&ahead[i]));
    for (size_t i = 0; i < AM_COUNT_OF(now); i++)
        assert_false(am_event_is_prefetch(&now[i]));
}

/* ---- robots ---- */

static const char *const people[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80) Presto/2.8.119 Version/11.10",
    "Dalvik/2.1.0 (Linux; U; Android 12)",
};
static const char *const machines[] = {
    "",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0.0.0 Safari/537.36",
    "facebookexternalhit/1.1",
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "Java/17.0.1",
    "Baiduspider",
    "CUBOT robot",
    "Mozilla/5.0 (compatible; YandexBot/3.0)",
    "Apache-HttpClient/4.5",
};

static void machines_that_say_so_are_told_from_people(void **state) {
    struct am_event_robots *robots;
    struct am_error error;
    (void)state;
    assert_int_equal(am_event_robots_load(NULL, &robots, &error), AM_OK);
    for (size_t i = 0; i < AM_COUNT_OF(people); i++)
        if (am_event_robots_match(robots, am_view_of(people[i])))
            fail_msg("taken for a robot: %s", people[i]);
    for (size_t i = 0; i < AM_COUNT_OF(machines); i++)
        if (!am_event_robots_match(robots, am_view_of(machines[i])))
            fail_msg("not taken for a robot: %s", machines[i]);
    am_event_robots_free(robots);
}

static char path[] = "/tmp/admatch-test-robots-XXXXXX";

static enum am_code
load_list(const char *text, struct am_event_robots **robots, struct am_error *error) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return am_event_robots_load(path, robots, error);
}

static void a_file_adds_robots_and_exceptions(void **state) {
    struct am_event_robots *robots;
    struct am_error error;
    (void)state;
    assert_int_equal(
        load_list("# ours\r\n\nacme-check \nzzz\n!acme-checkout\n!botany\n!bot.example", &robots,
                  &error),
        AM_OK);
    assert_true(am_event_robots_match(robots, AM_VIEW("ACME-Check/1")));
    assert_false(am_event_robots_match(robots, AM_VIEW("ACME-Checkout/1")));
    assert_true(am_event_robots_match(robots, AM_VIEW("acme-checkout acme-check")));
    assert_false(am_event_robots_match(robots, AM_VIEW("Botany Weekly")));
    assert_false(am_event_robots_match(robots, AM_VIEW("see bot.example")));
    assert_true(am_event_robots_match(robots, AM_VIEW("bot")));
    assert_true(am_event_robots_match(robots, AM_VIEW("aazzz")));
    assert_false(am_event_robots_match(robots, AM_VIEW("zz")));
    am_event_robots_free(robots);
}

static void an_agent_is_looked_at_up_to_a_limit(void **state) {
    struct am_event_robots *robots;
    struct am_error error;
    char agent[AM_EVENT_ROBOTS_AGENT_MAX + 10];
    (void)state;
    assert_int_equal(am_event_robots_load(NULL, &robots, &error), AM_OK);
    memset(agent, 'x', sizeof agent);
    memcpy(agent + AM_EVENT_ROBOTS_AGENT_MAX - 3, "bot", 3);
    assert_true(am_event_robots_match(robots, (struct am_view){agent, sizeof agent}));
    memset(agent, 'x', sizeof agent);
    memcpy(agent + AM_EVENT_ROBOTS_AGENT_MAX - 2, "bot", 3);
    assert_false(am_event_robots_match(robots, (struct am_view){agent, sizeof agent}));
    am_event_robots_free(robots);
}

static void bad_lists_are_refused_with_the_line(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"ok-text\nab\n", ":2: expected a text of 3 to 100 bytes, found 2"},
        {"!\n", ":1: expected a text of 3 to 100 bytes, found 0"},
        {"Googlebot\n", ":1: expected a text in lower case (agents are compared without case), "
                        "found \"Googlebot\""},
    };
    struct am_event_robots *robots;
    struct am_error error;
    char message[256];
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        assert_int_equal(load_list(cases[i].text, &robots, &error), AM_E_INVALID);
        assert_null(robots);
        snprintf(message, sizeof message, "%s%s", path, cases[i].message);
        assert_string_equal(error.message, message);
    }
    assert_int_equal(am_event_robots_load("/nowhere", &robots, &error), AM_E_IO);
    assert_int_equal(am_event_robots_load("/", &robots, &error), AM_E_INVALID);
}

static void a_list_has_an_end(void **state) {
    struct am_event_robots *robots;
    struct am_error error;
    (void)state;
    char *text = malloc(AM_EVENT_ROBOTS_MAX_LINES * 10 + 10), *at = text;
    for (int i = 0; i < AM_EVENT_ROBOTS_MAX_LINES + 1; i++)
        at += sprintf(at, "x%07d\n", i);
    assert_int_equal(load_list(text, &robots, &error), AM_E_LIMIT);
    free(text);
}

/* ---- rates ---- */

static struct am_event_rates *rates;
static struct am_event_rate_limits limits;
enum { TABLE = 64 << 10 };
#define DAY INT64_C(86400)
#define NOON (20000 * DAY + DAY / 2)

static int set_up(void **state) {
    struct am_error error;
    (void)state;
    rates = mmap(NULL, am_event_rates_size(TABLE), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return am_event_rates_start(rates, TABLE, NOON, &error) == AM_OK &&
                   am_event_rates_parse(AM_VIEW(AM_EVENT_RATES_DEFAULT), &limits, &error) == AM_OK
               ? 0
               : -1;
}

static int tear_down(void **state) {
    (void)state;
    munmap(rates, am_event_rates_size(TABLE));
    return 0;
}

static bool click_from(const char *address, const char *agent, uint64_t advertiser, int64_t now) {
    struct am_event_client client = {.agent = am_view_of(agent), .advertiser = advertiser};
    assert_true(am_address_parse(am_view_of(address), &client.address));
    return am_event_rates_take(rates, &limits, &client, now);
}

static bool click_at(int64_t now) {
    return click_from("192.0.2.1", "agent", 1, now);
}

static void one_click_a_minute_counts(void **state) {
    (void)state;
    assert_true(click_at(NOON));
    assert_false(click_at(NOON));
    assert_false(click_at(NOON + 59));
    assert_true(click_at(NOON + 60));
    assert_false(click_at(NOON + 61));
}

static void longer_periods_have_limits_of_their_own(void **state) {
    int counted = 0;
    (void)state;
    for (int minute = 0; minute < 10; minute++)
        counted += click_at(NOON + INT64_C(60) * minute);
    assert_int_equal(counted, 3);
    for (int minute = 10; minute < 60; minute++)
        counted += click_at(NOON + INT64_C(60) * minute);
    assert_int_equal(counted, 10);
    for (int minute = 60; minute < 11 * 60; minute++)
        counted += click_at(NOON + INT64_C(60) * minute);
    assert_int_equal(counted, 25);
}

static void clients_are_networks_and_agents_for_each_advertiser(void **state) {
    (void)state;
    assert_true(click_from("192.0.2.1", "agent", 1, NOON));
    assert_false(click_from("192.0.2.99", "agent", 1, NOON));
    assert_false(click_from("::ffff:192.0.2.7", "agent", 1, NOON));
    assert_true(click_from("192.0.3.1", "agent", 1, NOON));
    assert_true(click_from("192.0.2.1", "other", 1, NOON));
    assert_true(click_from("192.0.2.1", "agent", 2, NOON));
    assert_true(click_from("2001:db8:1:2::3", "agent", 1, NOON));
    assert_false(click_from("2001:db8:1:ffff::4", "agent", 1, NOON));
    assert_true(click_from("2001:db8:2::3", "agent", 1, NOON));
}

static void loopback_is_not_limited(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(click_from("127.0.0.1", "agent", 1, NOON));
        assert_true(click_from("::1", "agent", 1, NOON));
    }
}

static void what_is_given_back_can_be_taken_again(void **state) {
    struct am_event_client client = {.agent = AM_VIEW("agent"), .advertiser = 1};
    (void)state;
    assert_true(am_address_parse(AM_VIEW("192.0.2.1"), &client.address));
    assert_true(am_event_rates_take(rates, &limits, &client, NOON));
    am_event_rates_give_back(rates, &limits, &client, NOON);
    am_event_rates_give_back(rates, &limits, &client, NOON); /* nothing is left */
    assert_true(am_event_rates_take(rates, &limits, &client, NOON));
    assert_false(am_event_rates_take(rates, &limits, &client, NOON));
}

static void a_refused_click_takes_from_no_rate(void **state) {
    (void)state;
    assert_true(click_at(NOON));
    for (int i = 0; i < 100; i++)
        assert_false(click_at(NOON + 1));
    assert_true(click_at(NOON + 60));
    assert_true(click_at(NOON + 120));
    assert_false(click_at(NOON + 180));
}

static void a_new_day_has_a_new_salt(void **state) {
    struct am_error error;
    uint64_t before = rates->salt[0];
    (void)state;
    assert_true(click_at(NOON));
    assert_int_equal(am_event_rates_salt(rates, NOON + 3600, &error), AM_OK);
    assert_true(rates->salt[0] == before);
    assert_int_equal(am_event_rates_salt(rates, NOON + DAY, &error), AM_OK);
    assert_true(rates->salt[0] != before);
    assert_true(click_at(NOON + DAY));
    before = rates->salt[0];
    assert_int_equal(am_event_rates_salt(rates, NOON, &error), AM_OK); /* the clock steps back */
    assert_true(rates->salt[0] == before);
    assert_false(click_at(NOON + DAY));
}

static void a_clock_that_jumps_limits_no_less(void **state) {
    int counted = 0;
    (void)state;
    for (int i = 0; i < 1000; i++)
        counted += click_at(NOON - INT64_C(3600) * i);
    assert_true(counted <= 4); /* at most one for each period that a jump could end */
    assert_false(click_at(INT64_MIN / 2));
    assert_false(click_at(0));
}

static void a_full_table_gives_up_what_ends_first(void **state) {
    (void)state;
    char address[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(address, sizeof address, "10.%d.%d.1", i / 256, i % 256);
        assert_true(click_from(address, "agent", 1, NOON));
    }
    assert_true(atomic_load(&rates->evicted) > 10000);
}

static void processes_together_take_no_more_than_there_is(void **state) {
    _Atomic uint32_t *taken =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct am_error error;
    (void)state;
    assert_int_equal(am_event_rates_parse(AM_VIEW("1000/d"), &limits, &error), AM_OK);
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            for (int tries = 0; tries < 1000; tries++)
                atomic_fetch_add(taken, click_at(NOON));
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    assert_int_equal(atomic_load(taken), 1000);
    munmap((void *)taken, 4096);
}

static void rates_are_read_from_options(void **state) {
    struct am_event_rate_limits read;
    struct am_error error;
    (void)state;
    assert_int_equal(am_event_rates_parse(AM_VIEW("1/m 3/10m 10/h 25/d"), &read, &error), AM_OK);
    assert_int_equal(read.count, 4);
    assert_int_equal(read.items[1].count, 3);
    assert_int_equal(read.items[1].period, 600);
    assert_int_equal(read.items[3].period, 86400);
    assert_int_equal(am_event_rates_parse(AM_VIEW("none"), &read, &error), AM_OK);
    assert_int_equal(read.count, 0);
    assert_int_equal(am_event_rates_parse(AM_VIEW(" 1023/24h  5/s"), &read, &error), AM_OK);
    assert_int_equal(read.count, 2);
    static const char *const bad[] = {"",     "x",    "1",     "1/",    "0/m",     "1024/m",
                                      "1/0m", "1/2d", "1/25h", "1/mm",  "-1/m",    "1/m,2/h",
                                      "1/w",  "1/10", "/m",    "1/m x", "1/86401s"};
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++)
        assert_int_equal(am_event_rates_parse(am_view_of(bad[i]), &read, &error), AM_E_INVALID);
    assert_int_equal(am_event_rates_parse(AM_VIEW("1/s 1/m 1/h 1/d 2/d"), &read, &error),
                     AM_E_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nothing_speaks_against_counts),
        cmocka_unit_test(all_facts_are_judged_in_the_order_of_the_contract),
        cmocka_unit_test(outcomes_have_names),
        cmocka_unit_test(browsers_that_fetch_ahead_say_so),
        cmocka_unit_test(machines_that_say_so_are_told_from_people),
        cmocka_unit_test(a_file_adds_robots_and_exceptions),
        cmocka_unit_test(an_agent_is_looked_at_up_to_a_limit),
        cmocka_unit_test(bad_lists_are_refused_with_the_line),
        cmocka_unit_test(a_list_has_an_end),
        TEST(one_click_a_minute_counts),
        TEST(longer_periods_have_limits_of_their_own),
        TEST(clients_are_networks_and_agents_for_each_advertiser),
        TEST(loopback_is_not_limited),
        TEST(what_is_given_back_can_be_taken_again),
        TEST(a_refused_click_takes_from_no_rate),
        TEST(a_new_day_has_a_new_salt),
        TEST(a_clock_that_jumps_limits_no_less),
        TEST(a_full_table_gives_up_what_ends_first),
        TEST(processes_together_take_no_more_than_there_is),
        TEST(rates_are_read_from_options),
    };
    int file = mkstemp(path);
    int failed = file < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    close(file);
    unlink(path);
    return failed;
}
