/* SPDX-License-Identifier: Apache-2.0 */
/* Events from their request to log and counters, in one process: outcomes, lines, the ads of older
 * inventories, reboots, full disks, clocks that jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

static enum am_event_outcome event(enum am_journal_kind kind, const struct placed *placed) {
    return fire(&account, account.worker, kind, placed);
}

static int64_t spend_of(const char *campaign) {
    return counted_by(&account, AM_LEDGER_CAMPAIGN, campaign, AM_LEDGER_MONEY);
}

static int64_t impressions_of(const char *campaign) {
    return counted_by(&account, AM_LEDGER_CAMPAIGN, campaign, AM_LEDGER_IMPRESSIONS);
}

static int64_t clicks_of(const char *campaign) {
    return counted_by(&account, AM_LEDGER_CAMPAIGN, campaign, AM_LEDGER_CLICKS);
}

/* ---- the log's lines ---- */

struct wanted_line {
    enum am_journal_kind kind;
    unsigned skip; /* lines of that kind before it */
    char text[4096];
};

static bool keep_line(void *context, const struct am_journal_walked *line) {
    struct wanted_line *wanted = context;
    struct am_journal_record record;
    assert_true(am_journal_scan(line->text, &record));
    if (am_journal_kind(&record) != wanted->kind)
        return true;
    if (wanted->skip > 0) {
        wanted->skip--;
        return true;
    }
    snprintf(wanted->text, sizeof wanted->text, "%.*s", AM_VIEW_ARGUMENTS(line->text));
    return false;
}

/* The line of that kind without its place, which differs. */
/* A line without a member whose text is not known before. */
static void cut_out(char *line, const char *member) {
    char *begin = strstr(line, member);
    char *behind = begin ? strchr(begin + strlen(member), '"') : NULL;
    if (behind)
        memmove(begin, behind + 1, strlen(behind));
}

static const char *line_of(enum am_journal_kind kind, unsigned skip) {
    static struct wanted_line wanted;
    struct am_journal_walk_report report;
    struct am_journal_bounds bounds = {.count = 0};
    wanted = (struct wanted_line){.kind = kind, .skip = skip};
    am_event_worker_flush(account.worker);
    (void)am_journal_walk(account.log, &bounds, keep_line, &wanted, &report, NULL);
    cut_out(wanted.text, ",\"n\":\"");
    cut_out(wanted.text, ",\"after\":\"");
    return wanted.text;
}

static void assert_line(enum am_journal_kind kind,
                        unsigned skip,
                        const char *format,
                        const struct placed *placed) {
    char line[4096];
    snprintf(line, sizeof line, format, placed->token.host, placed->token.epoch,
             (unsigned long long)placed->token.sequence);
    assert_string_equal(line_of(kind, skip), line);
}

static void an_impression_is_counted_and_logged_once(void **state) {
    struct placed placed = place_ad(account.worker, 0, 1250000, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_DUPLICATE);
    assert_int_equal(spend_of("c1"), 1250000);
    assert_int_equal(impressions_of("c1"), 1);
    assert_int_equal(counted_by(&account, AM_LEDGER_ADVERTISER, "acme", AM_LEDGER_MONEY), 1250000);
    assert_int_equal(counted_by(&account, AM_LEDGER_AD, "a2", AM_LEDGER_IMPRESSIONS), 0);
    assert_line(AM_JOURNAL_IMPRESSION, 0,
                "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"impression\",\"id\":\"%u-%u-%llu\","
                "\"ad\":\"a1\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"keyword\":\"running "
                "shoes\",\"match\":\"broad\",\"spend\":0.00125,\"position\":0,\"generation\":"
                "\"0f3c000000000001\",\"billable\":true,\"side\":\"client\"}",
                &placed);
    assert_line(AM_JOURNAL_IMPRESSION, 1,
                "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"impression\",\"id\":\"%u-%u-%llu\","
                "\"ad\":\"a1\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"keyword\":\"running "
                "shoes\",\"match\":\"broad\",\"position\":0,\"generation\":\"0f3c000000000001\","
                "\"billable\":false,\"reason\":\"duplicate\",\"side\":\"client\"}",
                &placed);
}

static void a_click_is_billed_by_cpc_and_needs_its_impression(void **state) {
    struct placed placed = place_ad(account.worker, 1, 30 * UNIT / 100, AM_PRICING_CPC);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_CLICK, &placed), AM_EVENT_NO_IMPRESSION);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_int_equal(spend_of("c1"), 0);
    assert_int_equal(event(AM_JOURNAL_CLICK, &placed), AM_EVENT_COUNTED);
    assert_int_equal(event(AM_JOURNAL_CLICK, &placed), AM_EVENT_DUPLICATE);
    assert_int_equal(spend_of("c1"), 30 * UNIT / 100);
    assert_int_equal(clicks_of("c1"), 1);
    assert_int_equal(counted_by(&account, AM_LEDGER_AD, "a2", AM_LEDGER_MONEY), 30 * UNIT / 100);
    assert_int_equal(counted_by(&account, AM_LEDGER_AD, "a2", AM_LEDGER_IMPRESSIONS), 1);
    assert_line(AM_JOURNAL_CLICK, 1,
                "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"click\",\"id\":\"%u-%u-%llu\","
                "\"ad\":\"a2\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"keyword\":\"boots\","
                "\"match\":\"exact\",\"spend\":0.3,\"limited\":true,\"position\":1,\"generation\":"
                "\"0f3c000000000001\",\"billable\":true,\"side\":\"client\"}",
                &placed);
}

static void with_click_first_a_click_needs_no_impression(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPC);
    (void)state;
    account.service->click_first = true;
    assert_int_equal(event(AM_JOURNAL_CLICK, &placed), AM_EVENT_COUNTED);
}

static void views_are_single_and_custom_events_are_not(void **state) {
    struct placed placed = place_ad(account.worker, 2, UNIT, AM_PRICING_CPM);
    struct am_event_request request = request_of(&account, AM_JOURNAL_EVENT, &placed);
    struct am_event_answer answer;
    (void)state;
    assert_int_equal(event(AM_JOURNAL_VIEW, &placed), AM_EVENT_COUNTED);
    assert_int_equal(event(AM_JOURNAL_VIEW, &placed), AM_EVENT_DUPLICATE);
    request.name = AM_VIEW("video_50");
    for (int i = 0; i < 2; i++) {
        am_event_handle(account.worker, &request, &answer);
        assert_int_equal(answer.outcome, AM_EVENT_COUNTED);
    }
    assert_int_equal(impressions_of("c2"), 0);
    assert_line(AM_JOURNAL_EVENT, 0,
                "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"event\",\"id\":\"%u-%u-%llu\","
                "\"ad\":\"a3\",\"campaign\":\"c2\",\"advertiser\":\"acme\",\"position\":2,"
                "\"generation\":\"0f3c000000000001\",\"name\":\"video_50\",\"billable\":true,"
                "\"side\":\"client\"}",
                &placed);
}

static void a_counted_click_hands_out_a_conversion_token(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPC);
    struct am_event_request request = request_of(&account, AM_JOURNAL_CLICK, &placed);
    struct am_event_answer answer;
    (void)state;
    event(AM_JOURNAL_IMPRESSION, &placed);
    set_clock(NOON + 600);
    am_event_handle(account.worker, &request, &answer);
    assert_true(answer.redirect);
    assert_true(answer.has_click);
    struct placed converted = placed;
    memcpy(converted.shown, answer.click, AM_TOKEN_TEXT_SIZE);
    request = request_of(&account, AM_JOURNAL_CONVERSION, &converted);
    request.headers.agent = AM_VIEW("python-requests/2.31"); /* servers report conversions */
    request.has_value = am_event_value_parse(AM_VIEW("12.50"), &request.value);
    assert_true(request.has_value);
    set_clock(NOON + 600 + INT64_C(30) * 86400);
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_COUNTED);
    assert_false(answer.redirect);
    set_clock(NOON + 601 + INT64_C(30) * 86400);
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_EXPIRED);
    assert_int_equal(clicks_of("c1"), 1);
    assert_non_null(strstr(line_of(AM_JOURNAL_CONVERSION, 0), ",\"value\":12.5,\"billable\":true,"
                                                              "\"side\":\"server\"}"));
    /* A token is of its kind. */
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &converted), AM_EVENT_BAD_SIGNATURE);
    request.token = (struct am_view){placed.shown, AM_TOKEN_TEXT_SIZE};
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_BAD_SIGNATURE);
    assert_non_null(strstr(line_of(AM_JOURNAL_CONVERSION, 2), "\"reason\":\"bad_signature\","
                                                              "\"side\":\"server\"}"));
}

static void values_of_conversions_are_decimals_from_0_on(void **state) {
    int64_t value;
    (void)state;
    assert_true(am_event_value_parse(AM_VIEW("0"), &value));
    assert_true(am_event_value_parse(AM_VIEW("12.505"), &value));
    assert_true(value == 12505000000);
    assert_false(am_event_value_parse(AM_VIEW("-1"), &value));
    assert_false(am_event_value_parse(AM_VIEW("1,5"), &value));
    assert_false(am_event_value_parse(AM_VIEW("1e5"), &value));
    assert_false(am_event_value_parse(AM_VIEW(""), &value));
}

static void forged_events_are_logged_without_a_word_of_theirs(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    placed.shown[30] ^= 1;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_BAD_SIGNATURE);
    assert_string_equal(line_of(AM_JOURNAL_IMPRESSION, 0),
                        "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"impression\",\"billable\":"
                        "false,\"reason\":\"bad_signature\",\"side\":\"client\"}");
    struct am_event_request request = request_of(&account, AM_JOURNAL_CLICK, &placed);
    struct am_event_answer answer;
    request.url = AM_VIEW("https://evil.example/");
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_BAD_SIGNATURE);
    assert_false(answer.redirect);
}

static void what_does_not_count_leaves_the_placement_to_who_does(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct am_event_answer answer;
    struct am_event_headers headers[] = {
        {.agent = AM_VIEW(BROWSER), .head = true},
        {.agent = AM_VIEW(BROWSER), .sec_purpose = AM_VIEW("prefetch")},
        {.agent = AM_VIEW("Googlebot/2.1")},
        {.agent = AM_VIEW(BROWSER), .ignored = true},
    };
    static const enum am_event_outcome outcomes[] = {AM_EVENT_HEAD, AM_EVENT_PREFETCH,
                                                     AM_EVENT_ROBOT, AM_EVENT_IGNORED};
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(headers); i++) {
        struct am_event_request request = request_of(&account, AM_JOURNAL_IMPRESSION, &placed);
        request.headers = headers[i];
        am_event_handle(account.worker, &request, &answer);
        assert_int_equal(answer.outcome, outcomes[i]);
    }
    assert_int_equal(impressions_of("c1"), 0);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
}

static void tokens_have_their_time(void **state) {
    struct placed first = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct placed second = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct am_event_request request = request_of(&account, AM_JOURNAL_CLICK, &first);
    struct am_event_answer answer;
    (void)state;
    set_clock(NOON + 3600);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &first), AM_EVENT_COUNTED);
    set_clock(NOON + 3601);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &second), AM_EVENT_EXPIRED);
    assert_int_equal(event(AM_JOURNAL_VIEW, &second), AM_EVENT_EXPIRED);
    set_clock(NOON + 86401);
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_EXPIRED);
    assert_true(answer.redirect); /* too old to count, not too old to work */
    set_clock(NOON - 100);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &second), AM_EVENT_COUNTED);
}

static void events_after_the_reservation_are_late(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    set_clock(NOON + 60);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_null(strstr(line_of(AM_JOURNAL_IMPRESSION, 0), "late"));
    set_clock(NOON + 61);
    assert_int_equal(event(AM_JOURNAL_CLICK, &placed), AM_EVENT_COUNTED);
    assert_non_null(strstr(line_of(AM_JOURNAL_CLICK, 0), "\"billable\":true,\"late\":true,"));
}

static void tokens_of_another_host_or_epoch_are_expired(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct am_token_body body;
    const struct am_token_key *key = &account.worker->keys.keys.items[0];
    (void)state;
    placed.token.epoch++;
    am_token_seal(key, &placed.token, &body);
    am_token_sign(key, AM_TOKEN_SHOWN, &body, (struct am_view){NULL, 0},
                  placed.shown);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_EXPIRED);
}

static void clicks_have_rates(void **state) {
    struct am_event_answer answer;
    enum am_event_outcome outcomes[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPC);
        event(AM_JOURNAL_IMPRESSION, &placed);
        struct am_event_request request = request_of(&account, AM_JOURNAL_CLICK, &placed);
        assert_true(am_address_parse(AM_VIEW("192.0.2.1"), &request.client));
        set_clock(NOON + (i == 2 ? 60 : 0));
        am_event_handle(account.worker, &request, &answer);
        outcomes[i] = answer.outcome;
        assert_true(answer.redirect);
    }
    assert_int_equal(outcomes[0], AM_EVENT_COUNTED);
    assert_int_equal(outcomes[1], AM_EVENT_RATE);
    assert_int_equal(outcomes[2], AM_EVENT_COUNTED);
}

static void above_a_budget_nothing_is_billed(void **state) {
    (void)state;
    account.daily = 2 * UNIT;
    publish(&account);
    step(&account);
    for (int i = 0; i < 5; i++) {
        struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed),
                         i < 2 ? AM_EVENT_COUNTED : AM_EVENT_BUDGET);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_DUPLICATE);
    }
    assert_int_equal(spend_of("c1"), 2 * UNIT);
    assert_int_equal(impressions_of("c1"), 2);
    assert_non_null(strstr(line_of(AM_JOURNAL_IMPRESSION, 4), "\"price\":1,"));
    assert_non_null(strstr(line_of(AM_JOURNAL_IMPRESSION, 4), "\"reason\":\"budget\""));
}

/* ---- decisions and older inventories ---- */

static struct am_event_decided_ad decided(const struct placed *placed, unsigned ad) {
    return (struct am_event_decided_ad){.keyword = placed->token.keyword,
                                        .sequence = placed->token.sequence,
                                        .ad = placed->token.ad,
                                        .names = account_ads[ad],
                                        .slot = AM_VIEW("top"),
                                        .field = AM_VIEW("query"),
                                        .pace = ad == 1 ? AM_VIEW("line") : AM_VIEW(""),
                                        .price = (int64_t)placed->token.price,
                                        .pricing = placed->token.pricing,
                                        .position = (uint8_t)ad};
}

static void log_decision_of(const struct placed *placed, unsigned ad) {
    struct am_event_decided_slot slot = {AM_VIEW("top"), 2, 1};
    struct am_event_decided_ad one = decided(placed, ad);
    struct am_event_decision decision = {.request = AM_VIEW("r-1"),
                                         .query = AM_VIEW("trail \"shoes\""),
                                         .slots = &slot,
                                         .ads = &one,
                                         .slot_count = 1,
                                         .ad_count = 1,
                                         .generation = 1};
    am_event_log_decision(account.worker, &decision);
}

static void decisions_are_logged_with_their_ads(void **state) {
    struct placed placed = place_ad(account.worker, 1, 1250000, AM_PRICING_CPC);
    (void)state;
    log_decision_of(&placed, 1);
    assert_line(AM_JOURNAL_DECISION, 0,
                "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"decision\",\"request\":\"r-1\","
                "\"query\":\"trail \\\"shoes\\\"\",\"slots\":[{\"count\":2,\"filled\":1,\"id\":"
                "\"top\"}],\"ads\":[{\"position\":1,\"id\":\"%u-%u-%llu\",\"slot\":\"top\",\"ad\":"
                "\"a2\",\"campaign\":\"c1\",\"advertiser\":\"acme\",\"keyword\":\"boots\","
                "\"match\":\"exact\",\"field\":\"query\",\"price\":0.00125,\"pricing\":\"cpc\","
                "\"pace\":\"line\"}],\"generation\":\"0000000000000001\"}",
                &placed);
}

static void a_long_query_is_cut_between_characters(void **state) {
    static char query[1200];
    struct am_event_decision decision = {.query = {query, sizeof query}};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof query; i += 3)
        memcpy(query + i, "\xe2\x82\xac", 3);
    am_event_log_decision(account.worker, &decision);
    const char *begin = strstr(line_of(AM_JOURNAL_DECISION, 0), "\"query\":\"") + 9;
    assert_int_equal(strchr(begin, '"') - begin, 999);
}

static void ads_that_a_swap_removed_are_logged_and_counted_whole(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct am_event_request request = request_of(&account, AM_JOURNAL_IMPRESSION, &placed);
    struct am_event_answer answer;
    (void)state;
    request.resolve = NULL; /* the image has none of the ads any more */
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_EXPIRED); /* nobody knows the ad */
    log_decision_of(&placed, 0);
    am_event_worker_flush(account.worker);
    am_event_handle(account.worker, &request, &answer);
    assert_int_equal(answer.outcome, AM_EVENT_COUNTED);
    assert_int_equal(spend_of("c1"), UNIT);
    assert_non_null(strstr(line_of(AM_JOURNAL_IMPRESSION, 1), "\"keyword\":\"running shoes\""));
}

/* ---- reboots ---- */

static void save(void) {
    struct am_error error = {.code = AM_OK};
    check(am_ledger_snapshot(account.ledger, now_seconds(), &error), &error);
    check(am_event_hold_save(&account.holder, &error), &error);
}

static void after_a_reboot_counters_and_bits_are_as_before(void **state) {
    struct placed before[3], after[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        before[i] = place_ad(account.worker, i, UNIT, AM_PRICING_CPM);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &before[i]), AM_EVENT_COUNTED);
    }
    save();
    for (unsigned i = 0; i < 3; i++) {
        after[i] = place_ad(account.worker, i, UNIT, AM_PRICING_CPM);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after[i]), AM_EVENT_COUNTED);
        assert_int_equal(event(AM_JOURNAL_CLICK, &before[i]), AM_EVENT_COUNTED);
    }
    lose_memory(&account);
    assert_true(account.recovered.recovered);
    assert_false(account.recovered.ring_lost);
    assert_int_equal(account.recovered.bad_lines, 0);
    assert_int_equal(account.recovered.lines, 6);
    assert_int_equal(spend_of("c1"), 4 * UNIT);
    assert_int_equal(impressions_of("c1"), 4);
    assert_int_equal(clicks_of("c1"), 2);
    assert_int_equal(impressions_of("c2"), 2);
    assert_int_equal(counted_by(&account, AM_LEDGER_ADVERTISER, "acme", AM_LEDGER_MONEY), 6 * UNIT);
    assert_int_equal(counted_by(&account, AM_LEDGER_AD, "a2", AM_LEDGER_MONEY), 2 * UNIT);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &before[i]), AM_EVENT_DUPLICATE);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after[i]), AM_EVENT_DUPLICATE);
        assert_int_equal(event(AM_JOURNAL_CLICK, &before[i]), AM_EVENT_DUPLICATE);
        assert_int_equal(event(AM_JOURNAL_CLICK, &after[i]), AM_EVENT_COUNTED);
    }
    struct placed next = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    assert_true(next.token.sequence > after[2].token.sequence);
    assert_string_equal(line_of(AM_JOURNAL_GAP, 0),
                        "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"gap\",\"reason\":"
                        "\"restart\",\"from\":\"2026-12-01T12:00:00.000000Z\"}");
}

static void remove_snapshots(void) {
    struct dirent *entry;
    DIR *listing = opendir(account.folder);
    assert_non_null(listing);
    while ((entry = readdir(listing)))
        if (strncmp(entry->d_name, "snapshot-", 9) == 0)
            assert_int_equal(unlinkat(dirfd(listing), entry->d_name, 0), 0);
    closedir(listing);
}

static void without_any_snapshot_the_whole_log_is_replayed(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    remove_snapshots();
    lose_memory(&account);
    assert_int_equal(spend_of("c1"), UNIT);
}

static void records_made_and_freed_are_replayed(void **state) {
    struct am_ledger_notice made = {
        .what = AM_LEDGER_MADE, .kind = AM_LEDGER_AD, .id = AM_VIEW("a2")};
    struct placed placed = place_ad(account.worker, 1, UNIT, AM_PRICING_CPM);
    (void)state;
    am_event_log_record(account.worker, &made);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_string_equal(line_of(AM_JOURNAL_CELL, 0),
                        "{\"t\":\"2026-12-01T12:00:00.000000Z\",\"e\":\"cell\",\"kind\":\"ad\","
                        "\"id\":\"a2\",\"change\":\"made\"}");
    lose_memory(&account);
    assert_int_equal(counted_by(&account, AM_LEDGER_AD, "a2", AM_LEDGER_MONEY), UNIT);
}

static void a_damaged_ring_costs_old_events_and_no_start(void **state) {
    char path[128];
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    save();
    snprintf(path, sizeof path, "%s/ring-index", account.folder);
    assert_int_equal(truncate(path, 10), 0);
    lose_memory(&account);
    assert_true(account.recovered.ring_lost);
    assert_string_equal(account.recovered.ring_error.message, "ring-index is cut short");
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_EXPIRED);
    placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
}

static void of_a_zeroed_ring_nothing_counts_twice(void **state) {
    char path[128];
    struct stat status;
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    save();
    snprintf(path, sizeof path, "%s/ring", account.folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, status.st_size), 0);
    lose_memory(&account);
    assert_true(account.recovered.ring_damaged > 0);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_EXPIRED);
    assert_int_equal(spend_of("c1"), UNIT);
}

/* Before the holder has saved anything. */
static void a_reboot_in_a_new_ledgers_first_second_loses_no_placement(void **state) {
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct placed shown = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &shown), AM_EVENT_COUNTED);
    lose_memory(&account);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &shown), AM_EVENT_DUPLICATE);
    assert_int_equal(spend_of("c1"), 2 * UNIT);
}

/* Three hours of the log, of which the middle one is lost with the memory. */
static void a_reboot_says_what_the_log_lacks_and_counts_nothing_twice(void **state) {
    char path[160], text[AM_JOURNAL_LACK_TEXT_SIZE];
    struct placed placed[3];
    (void)state;
    for (int hour = 0; hour < 3; hour++) {
        set_clock(NOON + hour * INT64_C(3600) - 600);
        placed[hour] = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
        set_clock(NOON + hour * INT64_C(3600));
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed[hour]), AM_EVENT_COUNTED);
        if (hour == 0)
            save();
    }
    snprintf(path, sizeof path, "%s/log/w0-2026120113.jsonl", account.folder);
    assert_int_equal(unlink(path), 0);
    lose_memory(&account);
    assert_int_equal(account.recovered.walked.missing, 1);
    am_journal_lack_write(&account.recovered.walked.lacks[0], text);
    assert_non_null(strstr(text, "w0-2026120113 from byte 0 to byte "));
    assert_true(account.recovered.ring_doubted);
    set_clock(NOON + 3600);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed[1]), AM_EVENT_EXPIRED);
    assert_int_equal(spend_of("c1"), 2 * UNIT);
}

/* The lane's only file since the last save, and so all that names it, is lost with the memory. */
static void a_reboot_without_the_file_of_the_snapshot_counts_nothing_twice(void **state) {
    char path[160], text[AM_JOURNAL_LACK_TEXT_SIZE];
    struct placed before = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct placed after = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &before), AM_EVENT_COUNTED);
    step(&account);
    save();
    struct am_journal_position end =
        am_journal_position(am_event_service_journal(account.service), 0);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after), AM_EVENT_COUNTED);
    snprintf(path, sizeof path, "%s/w0-2026120112.jsonl", account.log);
    assert_int_equal(unlink(path), 0);
    lose_memory(&account);
    assert_int_equal(account.recovered.walked.missing, 1);
    am_journal_lack_write(&account.recovered.walked.lacks[0], text);
    assert_string_equal(text, "w0-2026120112 from byte 0 on");
    assert_true(account.recovered.ring_doubted);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after), AM_EVENT_EXPIRED);
    assert_int_equal(spend_of("c1"), UNIT);
    assert_string_equal(line_of(AM_JOURNAL_GAP, 0), "{\"t\":\"2026-12-01T12:00:00.000000Z\","
                                                    "\"e\":\"gap\",\"reason\":\"missing\"}");
    assert_true(am_journal_position(am_event_service_journal(account.service), 0).number >
                end.number);
}

/* Cut before what the snapshot has of it: whatever was behind that is gone, too. */
static void a_reboot_with_a_file_that_was_cut_counts_nothing_twice(void **state) {
    char path[160], text[AM_JOURNAL_LACK_TEXT_SIZE];
    struct placed before = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    struct placed after = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &before), AM_EVENT_COUNTED);
    step(&account);
    save();
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after), AM_EVENT_COUNTED);
    snprintf(path, sizeof path, "%s/w0-2026120112.jsonl", account.log);
    assert_int_equal(truncate(path, 50), 0);
    lose_memory(&account);
    am_journal_lack_write(&account.recovered.walked.lacks[0], text);
    assert_string_equal(text, "w0-2026120112 from byte 0 on");
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &after), AM_EVENT_EXPIRED);
    assert_int_equal(spend_of("c1"), UNIT);
}

/* Files that are removed for their age were counted long ago. */
static void a_reboot_misses_no_file_that_was_removed_for_its_age(void **state) {
    char path[160];
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    step(&account);
    save();
    set_clock(NOON + INT64_C(50) * 86400);
    struct am_journal_writer *writer;
    struct am_journal_line line;
    struct am_journal_position position;
    struct am_error error = {.code = AM_OK};
    check(am_journal_writer_open(am_event_service_journal(account.service), 1, &writer, &error),
          &error);
    am_journal_begin(writer, AM_JOURNAL_VIEW, &line);
    assert_true(am_journal_write(writer, &position));
    am_journal_end(writer);
    am_journal_writer_close(writer);
    snprintf(path, sizeof path, "%s/w0-2026120112.jsonl", account.log);
    assert_int_equal(unlink(path), 0);
    lose_memory(&account);
    assert_int_equal(account.recovered.walked.missing, 0);
    assert_int_equal(spend_of("c1"), UNIT);
}

static void a_shared_file_of_another_version_is_refused(void **state) {
    char path[256];
    struct am_event_service *service;
    struct am_event_recovered recovered;
    struct am_error error;
    uint64_t version = 7;
    (void)state;
    snprintf(path, sizeof path, "%s/events", am_ledger_home(account.ledger));
    int file = open(path, O_WRONLY);
    assert_int_equal(pwrite(file, &version, sizeof version, 8), sizeof version);
    assert_int_equal(am_event_service_open(&account.options, &service, &recovered, &error),
                     AM_E_VERSION);
    assert_null(service);
    version = 2;
    assert_int_equal(pwrite(file, &version, sizeof version, 8), sizeof version);
    assert_int_equal(pwrite(file, "x", 1, 24), 1);
    assert_int_equal(am_event_service_open(&account.options, &service, &recovered, &error),
                     AM_E_CORRUPT);
    close(file);
    assert_int_equal(truncate(path, 8), 0);
    assert_int_equal(am_event_service_open(&account.options, &service, &recovered, &error),
                     AM_E_CORRUPT);
}

static void a_second_instance_shares_bits_log_and_counters(void **state) {
    struct account other = account;
    struct am_error error = {.code = AM_OK};
    struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    (void)state;
    check(am_event_service_open(&other.options, &other.service, &other.recovered, &error), &error);
    assert_false(other.recovered.recovered);
    new_worker(&other, &other.ledger_worker, &other.worker);
    assert_int_equal(fire(&other, other.worker, AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
    assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_DUPLICATE);
    assert_int_equal(spend_of("c1"), UNIT);
    am_event_worker_free(other.worker);
    am_ledger_worker_free(other.ledger_worker);
    am_event_service_close(other.service);
}

/* ---- disks and clocks ---- */

static void limit_files(rlim_t bytes) {
    struct rlimit limit = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void on_a_full_disk_events_count_and_the_log_says_what_it_lacks(void **state) {
    struct am_error error;
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct placed placed = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
        if (i == 2)
            limit_files(account.service->journal.shared->lanes[0].offset + 100);
        if (i == 7)
            limit_files(RLIM_INFINITY);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed), AM_EVENT_COUNTED);
        set_clock(NOON + i);
        assert_int_equal(am_event_hold_second(&account.holder, &error), AM_OK);
    }
    assert_int_equal(spend_of("c1"), 10 * UNIT);
    assert_non_null(strstr(line_of(AM_JOURNAL_GAP, 0), "\"reason\":\"full\""));
    assert_true(am_journal_health(&account.service->journal).lost_lines >= 5);
    assert_int_equal(account.holder.lost_since, 0);
}

/* A file system of 600 KiB of this process's own, over the folder. False: not allowed here. */
static bool mount_small(const char *path) {
    int flags = CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0);
    return unshare(flags) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", path, "tmpfs", 0, "size=600k,mode=0700") == 0;
}

static void put_filler(const char *path, size_t size) {
    static char zeros[4096];
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    for (; size; size -= sizeof zeros)
        if (write(file, zeros, sizeof zeros) != sizeof zeros)
            _exit(3);
    close(file);
}

/* In a child: fills its disk, goes on, makes room, and compares. */
static void live_on_a_full_disk(struct account *small, const char *path) {
    struct am_error error = {.code = AM_OK};
    char filler[128];
    int64_t fired = 0;
    snprintf(filler, sizeof filler, "%s/ledger/filler", path);
    start_account_in(small, path);
    put_filler(filler, 400 << 10);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++, fired++) {
            struct placed placed = place_ad(small->worker, 0, UNIT, AM_PRICING_CPM);
            if (fire(small, small->worker, AM_JOURNAL_IMPRESSION, &placed) != AM_EVENT_COUNTED)
                _exit(4);
        }
        if (am_journal_health(&small->service->journal).full != (round == 0))
            _exit(5);
        if (round == 0)
            unlink(filler);
        set_clock(now_seconds() + 60);
        am_event_hold_second(&small->holder, &error);
    }
    if (!am_event_hold_counters_due(&small->holder) ||
        am_event_hold_counters(&small->holder, &error) != AM_OK)
        _exit(6);
    struct am_ledger_counts counts;
    struct am_journal_recount recount;
    struct am_journal_recount_options options = {
        .folder = small->log, .zones = small->zones, .until = &counts, .ledger = small->ledger};
    check(am_ledger_counts_take(small->ledger, &counts, &error), &error);
    check(am_journal_recount(&options, &recount, &error), &error);
    const struct am_journal_sum *sum =
        am_journal_recount_find(&recount, AM_LEDGER_CAMPAIGN, AM_VIEW("c1"));
    _exit(sum && sum->total[AM_LEDGER_IMPRESSIONS] == fired && !recount.unreadable ? 0 : 7);
}

static void a_disk_that_fills_up_and_is_emptied_costs_lines_and_no_count(void **state) {
    struct account small;
    char path[96], folder[128];
    int status;
    (void)state;
    snprintf(path, sizeof path, "%s/small", account.path);
    snprintf(folder, sizeof folder, "%s/ledger", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    pid_t child = fork();
    if (child == 0) {
        if (!mount_small(folder))
            _exit(2);
        live_on_a_full_disk(&small, path);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        skip(); /* mounting is not allowed here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void counters_are_due_each_hour(void **state) {
    struct am_error error;
    (void)state;
    for (int i = 0; i < 4; i++) {
        set_clock(NOON + INT64_C(1800) * i);
        assert_int_equal(am_event_hold_second(&account.holder, &error), AM_OK);
        assert_int_equal(am_event_hold_counters_due(&account.holder), i % 2 == 0);
        if (i % 2 == 0)
            assert_int_equal(am_event_hold_counters(&account.holder, &error), AM_OK);
        assert_false(am_event_hold_counters_due(&account.holder));
    }
    assert_non_null(
        strstr(line_of(AM_JOURNAL_COUNTERS, 1), "\"cut\":\"2026-12-01T13:00:00.000000Z\""));
}

static void clocks_that_jump_count_nothing_twice_and_lose_nothing(void **state) {
    static const int64_t jumps[] = {0, 7200, -7200, 34560000, -34560000, 3, -1, 1800};
    struct placed placed[AM_COUNT_OF(jumps)];
    struct am_error error;
    int64_t wanted = 0;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(jumps); i++) {
        set_clock(NOON + jumps[i]);
        assert_int_equal(am_event_hold_second(&account.holder, &error), AM_OK);
        assert_false(am_event_hold_is_steady(&account.holder));
        placed[i] = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed[i]), AM_EVENT_COUNTED);
        wanted += UNIT;
        for (size_t j = 0; j <= i; j++) {
            enum am_event_outcome outcome = event(AM_JOURNAL_IMPRESSION, &placed[j]);
            assert_true(outcome == AM_EVENT_DUPLICATE || outcome == AM_EVENT_EXPIRED);
        }
    }
    assert_int_equal(spend_of("c1"), wanted);
    lose_memory(&account);
    assert_int_equal(spend_of("c1"), wanted);
}

static void changed_keys_are_taken_up_and_bad_ones_are_not(void **state) {
    char path[128];
    struct am_error error = {.code = AM_OK};
    (void)state;
    snprintf(path, sizeof path, "%s/keys", account.path);
    const char *keys[] = {"000102030405060708090a0b0c0d0e0f\n",
                          "f00102030405060708090a0b0c0d0e0f\n000102030405060708090a0b0c0d0e0f\n",
                          "nonsense\n"};
    struct placed placed[3];
    account.options.keys = path;
    for (int i = 0; i < 3; i++) {
        FILE *file = fopen(path, "w");
        fputs(keys[i], file);
        fclose(file);
        chmod(path, 0600);
        if (i == 0) {
            leave_account(&account);
            open_account(&account);
            join_account(&account);
        }
        enum am_code code = am_event_service_second(account.service, &error);
        assert_int_equal(code, i == 2 ? AM_E_INVALID : AM_OK);
        placed[i] = place_ad(account.worker, 0, UNIT, AM_PRICING_CPM);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(event(AM_JOURNAL_IMPRESSION, &placed[i]), AM_EVENT_COUNTED);
    assert_int_equal(am_event_service_second(account.service, &error), AM_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_impression_is_counted_and_logged_once),
        TEST(a_click_is_billed_by_cpc_and_needs_its_impression),
        TEST(with_click_first_a_click_needs_no_impression),
        TEST(views_are_single_and_custom_events_are_not),
        TEST(a_counted_click_hands_out_a_conversion_token),
        TEST(values_of_conversions_are_decimals_from_0_on),
        TEST(forged_events_are_logged_without_a_word_of_theirs),
        TEST(what_does_not_count_leaves_the_placement_to_who_does),
        TEST(tokens_have_their_time),
        TEST(events_after_the_reservation_are_late),
        TEST(tokens_of_another_host_or_epoch_are_expired),
        TEST(clicks_have_rates),
        TEST(above_a_budget_nothing_is_billed),
        TEST(decisions_are_logged_with_their_ads),
        TEST(a_long_query_is_cut_between_characters),
        TEST(ads_that_a_swap_removed_are_logged_and_counted_whole),
        TEST(after_a_reboot_counters_and_bits_are_as_before),
        TEST(without_any_snapshot_the_whole_log_is_replayed),
        TEST(records_made_and_freed_are_replayed),
        TEST(a_damaged_ring_costs_old_events_and_no_start),
        TEST(of_a_zeroed_ring_nothing_counts_twice),
        TEST(a_reboot_in_a_new_ledgers_first_second_loses_no_placement),
        TEST(a_reboot_says_what_the_log_lacks_and_counts_nothing_twice),
        TEST(a_reboot_without_the_file_of_the_snapshot_counts_nothing_twice),
        TEST(a_reboot_with_a_file_that_was_cut_counts_nothing_twice),
        TEST(a_reboot_misses_no_file_that_was_removed_for_its_age),
        TEST(a_shared_file_of_another_version_is_refused),
        TEST(a_second_instance_shares_bits_log_and_counters),
        TEST(on_a_full_disk_events_count_and_the_log_says_what_it_lacks),
        TEST(a_disk_that_fills_up_and_is_emptied_costs_lines_and_no_count),
        TEST(counters_are_due_each_hour),
        TEST(clocks_that_jump_count_nothing_twice_and_lose_nothing),
        TEST(changed_keys_are_taken_up_and_bad_ones_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
