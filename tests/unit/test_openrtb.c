/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests of OpenRTB in, bid responses out, over a small inventory: docs/OPENRTB.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/model/countries.h"
#include "api_inventory.h"

/* Which ad bids tells what was read of the request. */
#define INVENTORY                                                                                  \
    "{\"type\":\"inventory\",\"currency\":\"EUR\",\"language\":\"en\"}\n"                          \
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\",\"domain\":\"acme.example\","    \
    "\"categories\":[\"IAB17\",\"IAB7-39\"]}\n"                                                    \
    "{\"id\":\"shoes\",\"campaign\":\"c1\",\"bid\":1.25,\"keywords\":[\"running shoes\"],"         \
    "\"sizes\":[\"300x250\",\"728x90\"],\"creative\":{\"title\":\"Run \\\"fast\\\"\"}}\n"          \
    "{\"id\":\"markup\",\"advertiser\":\"beta\",\"bid\":0.4,\"pricing\":\"cpc\",\"ctr\":0.004,"    \
    "\"keywords\":[\"[markup]\"],\"creative\":{\"adm\":\"<img "                                    \
    "src=\\\"http:\\/\\/b.example\\\">\","                                                         \
    "\"nurl\":\"https://b.example/win\",\"burl\":7,\"lurl\":\"https://b.example/lost\"}}\n"        \
    "{\"id\":\"tea\",\"advertiser\":\"acme\",\"bid\":3,\"keywords\":[\"tea\"]}\n"                  \
    "{\"id\":\"tea2\",\"advertiser\":\"cup\",\"bid\":2,\"keywords\":[\"tea\"],"                    \
    "\"domain\":\"com.cup.app\"}\n"                                                                \
    "{\"id\":\"tea3\",\"advertiser\":\"pot\",\"bid\":1,\"keywords\":[\"tea\"]}\n"                  \
    "{\"id\":\"de\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"],"                          \
    "\"targeting\":{\"country\":[\"DE\"]}}\n"                                                      \
    "{\"id\":\"tv\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"                          \
    "\"targeting\":{\"device\":[\"tv\"]}}\n"                                                       \
    "{\"id\":\"tablet\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"                      \
    "\"targeting\":{\"device\":[\"tablet\"]}}\n"                                                   \
    "{\"id\":\"phone\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"                       \
    "\"targeting\":{\"device\":[\"mobile\"]}}\n"                                                   \
    "{\"id\":\"desk\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"                        \
    "\"targeting\":{\"device\":[\"desktop\"]}}\n"                                                  \
    "{\"id\":\"screen\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"                      \
    "\"targeting\":{\"device\":[\"ooh\"]}}\n"                                                      \
    "{\"id\":\"pt\",\"advertiser\":\"d\",\"bid\":1,\"keywords\":[\"*\"],"                          \
    "\"targeting\":{\"language\":[\"pt\"]}}\n"                                                     \
    "{\"id\":\"pt-br\",\"advertiser\":\"d\",\"bid\":2,\"keywords\":[\"*\"],"                       \
    "\"targeting\":{\"language\":[\"pt-BR\"]}}\n"                                                  \
    "{\"id\":\"place\",\"advertiser\":\"e\",\"bid\":1,\"keywords\":[\"*\"],"                       \
    "\"targeting\":{\"placement\":[\"top\"]}}\n"                                                   \
    "{\"id\":\"site\",\"advertiser\":\"f\",\"bid\":1,\"keywords\":[\"*\"],"                        \
    "\"targeting\":{\"site\":[\"news.example\",\"com.news.app\"]}}\n"                              \
    "{\"id\":\"topic\",\"advertiser\":\"g\",\"bid\":1,\"keywords\":[\"*\"],"                       \
    "\"targeting\":{\"category\":[\"IAB1\",\"IAB2\",\"IAB3\",\"IAB4\"]}}\n"                        \
    "{\"id\":\"where\",\"advertiser\":\"h\",\"bid\":1,\"keywords\":[\"*\"],\"targeting\":"         \
    "{\"region\":[\"WI\"],\"metro\":[\"613\"],\"city\":[\"Somerset\"],\"os\":[\"iOS\"]}}\n"        \
    "{\"id\":\"seller\",\"advertiser\":\"i\",\"bid\":1,\"keywords\":[\"*\"],\"targeting\":"        \
    "{\"any\":[{\"kv\":{\"site.id\":[\"s1\"]}},{\"kv\":{\"publisher.id\":[\"p1\"]}},"              \
    "{\"kv\":{\"app.id\":[\"a1\"]}}]}}\n"                                                          \
    "{\"id\":\"free\",\"advertiser\":\"i\",\"bid\":1,\"keywords\":[\"*\"],"                        \
    "\"targeting\":{\"kv\":{\"sport\":[\"run\"]}}}\n"

/* Ads that have no creative get one. */
static struct am_view with_creatives(const char *lines, char *text) {
    static const char creative[] = ",\"creative\":{\"adm\":\"<b>\"}}";
    char *at = text;
    while (*lines) {
        size_t size = (size_t)(strchr(lines, '\n') - lines);
        bool lacks =
            memmem(lines, size, "\"keywords\"", 10) && !memmem(lines, size, "\"creative\"", 10);
        memcpy(at, lines, size);
        at += size;
        if (lacks)
            at = stpcpy(at - 1, creative);
        *at++ = '\n';
        lines += size + 1;
    }
    return (struct am_view){text, (size_t)(at - text)};
}

static int set_up(void **state) {
    static char text[2 * sizeof INVENTORY];
    struct served *served = malloc(sizeof *served);
    struct am_error error = {0};
    assert_non_null(served);
    if (!start_serving(served, with_creatives(INVENTORY, text), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    *state = served;
    return 0;
}

static int tear_down(void **state) {
    stop_serving(*state);
    free(*state);
    return 0;
}

static struct am_api_response ask(void **state, const char *body) {
    struct served *served = *state;
    const struct am_api_request request = {
        .content = AM_CONTENT_OPENRTB, .body = am_view_of(body), .now = 1792497600};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    assert_int_equal(response.body.size == 0, response.status == 204);
    return response;
}

static void assert_body(struct am_api_response response, unsigned status, const char *wanted) {
    assert_int_equal(response.status, status);
    if (!am_view_equal(response.body, am_view_of(wanted)))
        fail_msg("%.*s instead of %s", AM_VIEW_ARGUMENTS(response.body), wanted);
}

/* The same with the generation, which the builder decides, put in for %s. */
static void assert_bids(void **state, struct am_api_response response, const char *wanted_format) {
    const struct served *served = *state;
    char wanted[4096];
    const char *format = strstr(wanted_format, "%s");
    assert_non_null(format);
    snprintf(wanted, sizeof wanted, "%.*s%s%s", (int)(format - wanted_format), wanted_format,
             served->image->generation, format + 2);
    assert_body(response, 200, wanted);
}

/* Which ad bids on the first impression: its id, or "" for none. `more` are members beside "id". */
static const char *winner(void **state, const char *more) {
    static char id[64];
    char body[8192];
    snprintf(body, sizeof body, "{\"id\":\"r\",%s}", more);
    struct am_api_response response = ask(state, body);
    if (response.status == 204)
        return "";
    if (response.status != 200)
        fail_msg("%.*s for %s", AM_VIEW_ARGUMENTS(response.body), body);
    const char *at = memmem(response.body.data, response.body.size, "\"adid\":\"", 8);
    assert_non_null(at);
    sscanf(at + 8, "%63[^\"]", id);
    return id;
}

#define IMP "\"imp\":[{\"id\":\"1\",\"banner\":{}}]"
#define assert_winner(more, wanted) assert_string_equal(winner(state, more), wanted)

static void assert_refused(void **state, const char *body, const char *reason, const char *where) {
    char wanted[1024];
    snprintf(wanted, sizeof wanted,
             "{\"error\":{\"status\":400,\"reason\":\"%s\",\"where\":\"%s\"}}", reason, where);
    assert_body(ask(state, body), 400, wanted);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void a_bid_tells_all_that_is_known_of_the_ad(void **state) {
    assert_bids(
        state,
        ask(state, "{\"id\":\"r1\",\"imp\":[{\"id\":\"i\\u00e9\",\"banner\":{\"w\":728,\"h\":90},"
                   "\"bidfloor\":1.25,\"bidfloorcur\":\"EUR\"}],"
                   "\"site\":{\"page\":\"https://x.example/running-shoes\"}}"),
        "{\"id\":\"r1\",\"seatbid\":[{\"bid\":[{\"id\":\"08dc8307b57be76c-1\",\"impid\":"
        "\"i\xc3\xa9\",\"price\":1."
        "25,\"adid\":\"shoes\",\"adm\":\"{\\\"title\\\":\\\"Run \\\\\\\"fast\\\\\\\"\\\"}\","
        "\"adomain\":[\"acme.example\"],\"cid\":\"c1\",\"crid\":\"shoes\",\"cat\":[\"IAB17\","
        "\"IAB7-39\"],\"w\":728,\"h\":90,\"mtype\":1}],\"seat\":\"acme\"}],\"bidid\":\"%s\","
        "\"cur\":\"EUR\"}");
}

static void markup_and_notices_of_the_creative_are_handed_on(void **state) {
    assert_bids(state, ask(state, "{\"id\":\"r1\"," IMP ",\"site\":{\"search\":\"markup\"}}"),
                "{\"id\":\"r1\",\"seatbid\":[{\"bid\":[{\"id\":\"08dc8307b57be76c-1\",\"impid\":"
                "\"1\",\"price\":1.6,"
                "\"adid\":\"markup\",\"adm\":\"<img src=\\\"http:\\/\\/b.example\\\">\","
                "\"nurl\":\"https://b.example/win\",\"lurl\":\"https://b.example/lost\","
                "\"crid\":\"markup\",\"mtype\":1}],\"seat\":\"beta\"}],\"bidid\":\"%s\",\"cur\":"
                "\"EUR\"}");
}

static void bids_of_one_advertiser_share_a_seat(void **state) {
    assert_bids(
        state,
        ask(state, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}},{\"id\":\"2\","
                   "\"banner\":{\"format\":[{\"w\":468,\"h\":60},{\"w\":1,\"h\":1}]}},"
                   "{\"id\":\"3\",\"banner\":{}}],"
                   "\"site\":{\"keywords\":\"tea,running shoes\"},\"badv\":[\"cup.app\"],"
                   "\"ext\":{\"admatch\":{\"unique\":\"ad\"}}}"),
        "{\"id\":\"r\",\"seatbid\":[{\"bid\":[{\"id\":\"af63ef4c86020cd5-1\",\"impid\":\"1\","
        "\"price\":3,\"adid\":"
        "\"tea\",\"adm\":\"<b>\",\"crid\":\"tea\",\"mtype\":1},{\"id\":\"af63ef4c86020cd5-2\","
        "\"impid\":\"3\","
        "\"price\":1.25,"
        "\"adid\":\"shoes\",\"adm\":\"{\\\"title\\\":\\\"Run \\\\\\\"fast\\\\\\\"\\\"}\","
        "\"adomain\":[\"acme.example\"],\"cid\":\"c1\",\"crid\":\"shoes\",\"cat\":[\"IAB17\","
        "\"IAB7-39\"],\"w\":300,\"h\":250,\"mtype\":1}],\"seat\":\"acme\"},"
        "{\"bid\":[{\"id\":\"af63ef4c86020cd5-3\",\"impid\":\"2\",\"price\":1,\"adid\":\"tea3\","
        "\"adm\":\"<b>\",\"crid\":\"tea3\","
        "\"w\":468,\"h\":60,\"mtype\":1}],\"seat\":\"pot\"}],\"bidid\":\"%s\",\"cur\":\"EUR\"}");
}

static void an_advertiser_may_win_several_impressions(void **state) {
#define TWO                                                                                        \
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}},{\"id\":\"2\",\"banner\":{}}],"           \
    "\"site\":{\"keywords\":\"tea,running shoes\"},\"bseat\":[\"cup\",\"pot\"]"
    assert_int_equal(ask(state, TWO "}").decision->ad_count, 2);
    assert_int_equal(
        ask(state, TWO ",\"ext\":{\"admatch\":{\"unique\":\"advertiser\"}}}").decision->ad_count,
        1);
    assert_int_equal(ask(state, TWO ",\"badv\":[\"acme.example\"]}").decision->ad_count, 1);
    assert_int_equal(
        ask(state, TWO ",\"badv\":[\"acme.example\"],\"ext\":{\"admatch\":{\"unique\":\"none\"}}}")
            .decision->ad_count,
        2);
}

static void no_bid_is_an_empty_answer(void **state) {
    struct am_api_response response = ask(state, "{\"id\":\"r\"," IMP "}");
    assert_int_equal(response.status, 204);
    assert_non_null(response.decision);
    assert_int_equal(response.decision->ad_count, 0);
    assert_int_equal(response.request->slot_count, 1);
}

static void in_test_mode_no_bid_has_a_reason(void **state) {
#define TEST_MODE "{\"id\":\"r\",\"test\":1,"
#define REASON(number) "{\"id\":\"r\",\"seatbid\":[],\"nbr\":" number "}"
    assert_body(ask(state,
                    TEST_MODE "\"imp\":[{\"id\":\"1\",\"banner\":{},\"bidfloor\":9,"
                              "\"bidfloorcur\":\"EUR\"}],\"site\":{\"search\":\"running shoes\"}}"),
                200,
                "{\"id\":\"r\",\"seatbid\":[],\"nbr\":500,\"ext\":{\"admatch\":{\"gate\":\"floor\","
                "\"ad\":\"shoes\",\"detail\":\"eCPM 1.25; the floor is 9\"}}}");
    assert_body(ask(state, TEST_MODE IMP ",\"cur\":[\"USD\",\"GBP\"]}"), 200, REASON("501"));
    assert_body(ask(state, TEST_MODE "\"imp\":[{\"id\":\"1\",\"audio\":{}}]}"), 200, REASON("502"));
    assert_body(ask(state, TEST_MODE IMP ",\"cattax\":4}"), 200, REASON("503"));
    assert_body(ask(state, TEST_MODE IMP ",\"wlang\":[\"de\"]}"), 200, REASON("504"));
    assert_body(ask(state, TEST_MODE IMP ",\"wlang\":[\"de\"],\"cur\":[\"USD\"]}"), 200,
                REASON("504"));
    assert_null(ask(state, TEST_MODE IMP ",\"cur\":[\"USD\"]}").decision);
    assert_int_equal(ask(state, "{\"id\":\"r\",\"test\":0," IMP "}").status, 204);
}

static void bid_requests_are_explained_when_they_ask(void **state) {
#define ASK ",\"ext\":{\"admatch\":{\"explain\":true}}}"
#define EXPLAIN "\"ext\":{\"admatch\":{\"explain\":{\"candidates\":"
    struct am_api_response response =
        ask(state, "{\"id\":\"r\"," IMP ",\"site\":{\"search\":\"tea\"},\"bseat\":[\"cup\"]" ASK);
    assert_int_equal(response.status, 200);
    assert_non_null(memmem(response.body.data, response.body.size, EXPLAIN, strlen(EXPLAIN)));
    static const char blocked[] = "\"reason\":\"blocked_advertiser\",\"detail\":\"cup\"";
    assert_non_null(memmem(response.body.data, response.body.size, blocked, strlen(blocked)));
    response = ask(state, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}}]" ASK);
    assert_int_equal(response.status, 200);
    assert_non_null(memmem(response.body.data, response.body.size, "\"nbr\":500", 9));
    assert_non_null(memmem(response.body.data, response.body.size, EXPLAIN, strlen(EXPLAIN)));
    assert_body(ask(state, "{\"id\":\"r\",\"cur\":[\"USD\"]," IMP ASK), 200, REASON("501"));
}

static void without_an_image_there_is_no_answer(void **state) {
    (void)state;
    struct am_error error = {0};
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    struct am_api_request request = {.content = AM_CONTENT_OPENRTB, .body = AM_VIEW("{}")};
    struct am_api_response response;
    assert_non_null(api);
    am_api_decide(api, &request, &response);
    assert_int_equal(response.status, 503);
    am_api_free(api);
}

/* ---- requests that are none ----------------------------------------------------------------- */

static void what_is_required_is_asked_for(void **state) {
    assert_refused(state, "{}", "expected the member \\\"id\\\"", "$");
    assert_refused(state, "{\"id\":\"r\"}", "expected the member \\\"imp\\\"", "$");
    assert_refused(state, "{\"id\":\"r\",\"imp\":[]}", "expected the member \\\"imp\\\"", "$");
    assert_refused(state, "[]", "expected an object, found an array", "$");
}

static void what_is_unknown_or_null_is_passed_over(void **state) {
    assert_winner(IMP ",\"site\":{\"page\":null,\"search\":\"tea\",\"publisher\":{\"id\":7}},"
                      "\"app\":null,\"device\":{\"ua\":7,\"geo\":null,\"devicetype\":null},"
                      "\"future\":[{\"a\":[{}]}],\"ext\":{\"other\":{\"admatch\":1}}",
                  "tea");
    assert_winner(IMP ",\"site\":{\"search\":\"tea\"},\"ext\":[]", "tea");
}

static void long_values_that_no_inventory_has_are_passed_over(void **state) {
    char body[2048];
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(body, sizeof body,
             IMP ",\"badv\":[\"%s\",\"\"],\"bseat\":[\"%s\"],\"site\":{\"domain\":\"%s\","
                 "\"search\":\"tea\"},\"device\":{\"language\":\"%s\"}",
             name, name, name, name);
    assert_winner(body, "tea");
}

/* ---- impressions ---------------------------------------------------------------------------- */

#define SHOES "\"site\":{\"search\":\"running shoes\"},\"imp\":[{\"id\":\"1\","
#define SIZES(banner) SHOES "\"banner\":{" banner "}}]"

static void sizes_come_from_the_banner_and_its_formats(void **state) {
    assert_winner(SIZES("\"w\":300,\"h\":250"), "shoes");
    assert_winner(SIZES("\"w\":300.0,\"h\":2.5e2"), "shoes");
    assert_winner(SIZES("\"w\":300,\"h\":600"), "");
    assert_winner(SIZES("\"w\":300"), "");
    assert_winner(SIZES(""), "shoes");
    assert_winner(SIZES("\"w\":0,\"h\":0"), "shoes");
    assert_winner(SIZES("\"format\":[]"), "shoes");
    assert_winner(SIZES("\"format\":[{\"w\":1,\"h\":1},{\"w\":728,\"h\":90}]"), "shoes");
    assert_winner(SIZES("\"format\":[{\"w\":1,\"h\":1}],\"w\":728,\"h\":90"), "shoes");
    assert_winner(SIZES("\"w\":728,\"format\":[{\"w\":1,\"h\":1}],\"h\":90"), "shoes");
    assert_winner(SIZES("\"format\":[{\"wratio\":4,\"hratio\":3}]"), "");
    assert_winner(SIZES("\"w\":65836,\"h\":250"), "");
    assert_winner(SIZES("\"w\":-300,\"h\":250"), "");
    assert_winner(SIZES("\"w\":300.5,\"h\":250"), "");
    assert_winner(SIZES("\"w\":1e99,\"h\":250"), "");
}

static void more_sizes_than_a_slot_has_room_for_are_passed_over(void **state) {
    char body[4096] = SHOES "\"banner\":{\"format\":[";
    for (int i = 1; i <= 32; i++)
        snprintf(body + strlen(body), 32, "{\"w\":%d,\"h\":1},", i);
    strcat(body, "{\"w\":300,\"h\":250}]}}]");
    assert_winner(body, "");
}

static void only_public_banners_are_bid_on(void **state) {
    assert_winner(SHOES "\"video\":{},\"native\":{\"request\":\"{}\"}}]", "");
    assert_winner(SHOES "\"video\":{},\"banner\":{}}]", "shoes");
    assert_winner(
        SHOES "\"banner\":{},\"pmp\":{\"private_auction\":1,\"deals\":[{\"id\":\"d\"}]}}]", "");
    assert_winner(SHOES "\"banner\":{},\"pmp\":{\"private_auction\":0}}]", "shoes");
    assert_winner(SHOES "\"banner\":null}]", "");
}

static void impressions_that_are_passed_over_leave_the_others_in_place(void **state) {
    struct am_api_response response =
        ask(state, "{\"id\":\"r\",\"imp\":[{\"id\":\"v\",\"video\":{}},{\"id\":\"b\","
                   "\"banner\":{},\"secure\":1}],\"site\":{\"search\":\"markup\"}}");
    assert_int_equal(response.status, 204);
    assert_int_equal(response.decision->ad_count, 0);
    response = ask(state, "{\"id\":\"r\",\"imp\":[{\"id\":\"v\",\"secure\":1},{\"id\":\"b\","
                          "\"banner\":{}}],\"site\":{\"search\":\"markup\"}}");
    assert_int_equal(response.status, 200);
    assert_non_null(memmem(response.body.data, response.body.size, "\"impid\":\"b\"", 11));
}

#define FLOOR(floor) SHOES "\"banner\":{},\"bidfloorcur\":\"eur\",\"bidfloor\":" floor "}]"

static void floors_are_rounded_up_and_never_wrap(void **state) {
    assert_winner(FLOOR("0"), "shoes");
    assert_winner(FLOOR("-1"), "shoes");
    assert_winner(FLOOR("1.25"), "shoes");
    assert_winner(FLOOR("125e-2"), "shoes");
    assert_winner(FLOOR("0.0000125E+5"), "shoes");
    assert_winner(FLOOR("1.2499999999999999999999999999999999999"), "shoes");
    assert_winner(FLOOR("1.25000000000000000000000000000000000"), "shoes");
    assert_winner(FLOOR("1.2500000000000001"), "");
    assert_winner(FLOOR("1.250001"), "");
    assert_winner(FLOOR("1e-400"), "shoes");
    assert_winner(FLOOR("0e999999999999999999999"), "shoes");
    assert_winner(FLOOR("1e12"), "");
    assert_winner(FLOOR("9223372036854.775807"), "");
    assert_winner(FLOOR("9223372036854.7758071"), "");
    assert_winner(FLOOR("92233720368547758070"), "");
    assert_winner(FLOOR("1e99999999999999999999"), "");
}

static void a_floor_in_another_currency_is_no_floor_to_bid_at(void **state) {
    assert_winner(SHOES "\"banner\":{},\"bidfloor\":0.1}]", "");
    assert_winner(SHOES "\"banner\":{},\"bidfloor\":0.1,\"bidfloorcur\":\"USD\"}]", "");
    assert_winner(SHOES "\"banner\":{},\"bidfloor\":0,\"bidfloorcur\":\"USD\"}]", "shoes");
    assert_winner(SHOES "\"banner\":{},\"bidfloorcur\":\"USD\"}]", "shoes");
}

static void each_impression_is_a_placement(void **state) {
    assert_winner("\"imp\":[{\"id\":\"1\",\"banner\":{},\"tagid\":\"TOP\"}]", "place");
    assert_winner("\"imp\":[{\"id\":\"1\",\"banner\":{},\"tagid\":\"top\"},{\"id\":\"2\"}]",
                  "place");
    struct am_api_response response =
        ask(state, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{},\"tagid\":\"side\"},"
                   "{\"id\":\"2\",\"banner\":{}},{\"id\":\"3\",\"banner\":{},\"tagid\":\"Top\"}]}");
    assert_int_equal(response.decision->ad_count, 1);
    assert_int_equal(response.decision->slot_filled[2], 1);
}

static void insecure_creatives_do_not_bid_where_that_matters(void **state) {
    assert_winner("\"site\":{\"search\":\"markup\"},\"imp\":[{\"id\":\"1\",\"banner\":{},"
                  "\"secure\":1}]",
                  "");
    assert_winner("\"site\":{\"search\":\"markup\"},\"imp\":[{\"id\":\"1\",\"banner\":{},"
                  "\"secure\":0}]",
                  "markup");
}

/* ---- where and to whom ---------------------------------------------------------------------- */

static void texts_become_fields(void **state) {
    assert_winner(IMP ",\"site\":{\"page\":\"https://x.example/a/running%20shoes.html\"}", "shoes");
    assert_winner(IMP ",\"site\":{\"page\":\"https://running.example/shoes\"}", "");
    assert_winner(IMP ",\"site\":{\"content\":{\"title\":\"Shoes for running\"}}", "shoes");
    assert_winner(IMP ",\"site\":{\"content\":{\"url\":\"/running-shoes\"}}", "shoes");
    assert_winner(IMP ",\"site\":{\"page\":\"/\",\"content\":{\"url\":\"/running-shoes\"}}", "");
    assert_winner(IMP ",\"site\":{\"content\":{\"url\":\"/running-shoes\"},\"page\":\"/\"}", "");
    assert_winner(IMP ",\"app\":{\"name\":\"Running Shoes\"}", "shoes");
    assert_winner(IMP ",\"app\":{\"name\":\"Running Shoes\",\"content\":{\"title\":\"Tea\"}}",
                  "tea");
    assert_winner(IMP ",\"ext\":{\"admatch\":{\"text\":\"new running shoes\"}}", "shoes");
}

static void keywords_come_as_one_string_or_as_a_list(void **state) {
    assert_winner(IMP ",\"site\":{\"keywords\":\"x, markup ,y\"}", "markup");
    assert_winner(IMP ",\"site\":{\"keywords\":\",,markup\"}", "markup");
    assert_winner(IMP ",\"site\":{\"kwarray\":[\"x\",\" markup\"]}", "markup");
    assert_winner(IMP ",\"site\":{\"kwarray\":[\"x,markup\"]}", "");
    assert_winner(IMP ",\"app\":{\"keywords\":\"markup\"}", "markup");
    assert_winner(IMP ",\"app\":{\"kwarray\":[\"markup\"]}", "markup");
    assert_winner(IMP ",\"dooh\":{\"keywords\":\"markup\"}", "markup");
    assert_winner(IMP ",\"app\":{\"content\":{\"keywords\":\"markup\"}}", "markup");
    assert_winner(IMP ",\"site\":{\"content\":{\"kwarray\":[\"markup\"]}}", "markup");
}

static void keywords_beyond_the_limit_are_passed_over(void **state) {
    char body[4096] = IMP ",\"site\":{\"keywords\":\"";
    for (int i = 0; i < 251; i++)
        strcat(body, "x,");
    size_t size = strlen(body);
    strcpy(body + size, "markup\"}");
    assert_winner(body, "markup");
    strcpy(body + size, "x,markup\"}");
    assert_winner(body, "");
}

static void sites_categories_and_places_become_attributes(void **state) {
    assert_winner(IMP ",\"site\":{\"domain\":\"News.example\"}", "site");
    assert_winner(IMP ",\"app\":{\"bundle\":\"com.news.app\"}", "site");
    assert_winner(IMP ",\"app\":{\"domain\":\"news.example\"}", "site");
    assert_winner(IMP ",\"dooh\":{\"domain\":\"news.example\"}", "site");
    assert_winner(IMP ",\"site\":{\"cat\":[\"IAB9\",\"IAB1\"]}", "topic");
    assert_winner(IMP ",\"site\":{\"sectioncat\":[\"IAB2\"]}", "topic");
    assert_winner(IMP ",\"app\":{\"pagecat\":[\"IAB3\"]}", "topic");
    assert_winner(IMP ",\"app\":{\"content\":{\"cat\":[\"IAB4\"]}}", "topic");
    assert_winner(IMP ",\"device\":{\"os\":\"ios\",\"geo\":{\"region\":\"WI\",\"metro\":\"613\","
                      "\"city\":\"Somerset\"}}",
                  "where");
    assert_winner(IMP ",\"ext\":{\"admatch\":{\"kv\":{\"sport\":[\"x\",\"run\"]}}}", "free");
    assert_winner(IMP ",\"ext\":{\"admatch\":{\"kv\":{\"sport\":\"Run\"}}}", "");
}

/* Sites that "news.example" in targeting includes, and others. */
static void the_site_is_where_the_page_is(void **state) {
    static const struct {
        const char *site, *winner;
    } sites[] = {
        {"\"domain\":\"news.example\"", "site"},
        {"\"domain\":\"www.news.example\"", "site"},
        {"\"domain\":\"https://WWW.News.example/x\"", "site"},
        {"\"domain\":\"sport.news.example\"", "site"},
        {"\"domain\":\"badnews.example\"", ""},
        {"\"domain\":\"example\"", ""},
        {"\"page\":\"https://news.example/x\"", "site"},
        {"\"page\":\"http://www.news.example:8080\"", "site"},
        {"\"page\":\"//a.b.news.example?x\"", "site"},
        {"\"page\":\"https://user:word@news.example/\"", "site"},
        {"\"page\":\"https://news.example.other.example/\"", ""},
        {"\"page\":\"https://other.example/news.example\"", ""},
        {"\"page\":\"https://other.example/\",\"domain\":\"news.example\"", ""},
        {"\"page\":\"https://news.example/\",\"domain\":\"other.example\"", "site"},
        {"\"page\":\"/x\",\"domain\":\"news.example\"", "site"},
        {"\"page\":\"https://\",\"domain\":\"news.example\"", "site"},
        {"\"ref\":\"https://news.example/\"", ""},
    };
    for (size_t i = 0; i < AM_COUNT_OF(sites); i++) {
        char more[256];
        snprintf(more, sizeof more, IMP ",\"site\":{%s}", sites[i].site);
        if (strcmp(winner(state, more), sites[i].winner) != 0)
            fail_msg("%s", sites[i].site);
    }
    assert_winner(IMP ",\"app\":{\"domain\":\"m.news.example\"}", "site");
}

static void sellers_are_free_keys(void **state) {
    assert_winner(IMP ",\"site\":{\"id\":\"s1\"}", "seller");
    assert_winner(IMP ",\"site\":{\"publisher\":{\"id\":\"p1\"}}", "seller");
    assert_winner(IMP ",\"app\":{\"id\":\"a1\"}", "seller");
    assert_winner(IMP ",\"app\":{\"publisher\":{\"id\":\"p1\"}}", "seller");
    assert_winner(IMP ",\"app\":{\"id\":\"s1\"}", "");
}

static void the_home_of_the_user_stands_in_for_the_place_of_the_device(void **state) {
    assert_winner(IMP ",\"user\":{\"geo\":{\"country\":\"DEU\"}}", "de");
    assert_winner(IMP ",\"user\":{\"geo\":{\"country\":\"DEU\"}},\"device\":{\"geo\":{}}", "de");
    assert_winner(
        IMP ",\"user\":{\"geo\":{\"country\":\"DEU\"}},\"device\":{\"geo\":{\"country\":\"FR\"}}",
        "");
    assert_winner(IMP ",\"user\":{\"geo\":{\"country\":\"DEU\"}},\"regs\":{\"gdpr\":1}", "");
}

static void countries_of_three_letters_become_two(void **state) {
    assert_winner(IMP ",\"device\":{\"geo\":{\"country\":\"DEU\"}}", "de");
    assert_winner(IMP ",\"device\":{\"geo\":{\"country\":\"de\"}}", "de");
    assert_winner(IMP ",\"device\":{\"geo\":{\"country\":\"FRA\"}}", "");
    assert_winner(IMP ",\"device\":{\"geo\":{\"country\":\"Germany\"}}", "");
    static const char *const pairs[][2] = {
        {"ABW", "AW"}, {"ZWE", "ZW"}, {"AND", "AD"}, {"ATG", "AG"}, {"AUT", "AT"}, {"AUS", "AU"},
        {"CHE", "CH"}, {"CHN", "CN"}, {"DNK", "DK"}, {"EST", "EE"}, {"GNQ", "GQ"}, {"GRL", "GL"},
        {"IRL", "IE"}, {"KOR", "KR"}, {"PRK", "KP"}, {"MEX", "MX"}, {"POL", "PL"}, {"PRT", "PT"},
        {"SRB", "RS"}, {"SVN", "SI"}, {"SWE", "SE"}, {"TUR", "TR"}, {"UKR", "UA"}, {"xkx", "XK"},
    };
    for (size_t i = 0; i < AM_COUNT_OF(pairs); i++) {
        assert_true(am_view_equal(am_model_country_short(am_view_of(pairs[i][0])),
                                  am_view_of(pairs[i][1])));
        assert_true(am_view_equal(am_model_country_short(am_view_of(pairs[i][1])),
                                  am_view_of(pairs[i][1])));
    }
}

/* Every two letters: 249 countries of ISO 3166-1, and XK; every three letters: as many, no two of
 * them the same. */
static void every_country_has_both_codes(void **state) {
    (void)state;
    unsigned shorts = 0, longs = 0;
    bool named[26][26] = {{false}};
    for (char code[4] = "AAA"; code[0] <= 'Z'; code[0]++)
        for (code[1] = 'A'; code[1] <= 'Z'; code[1]++) {
            shorts += am_model_country_short((struct am_view){code, 2}).data != NULL;
            for (code[2] = 'A'; code[2] <= 'Z'; code[2]++) {
                struct am_view found = am_model_country_short((struct am_view){code, 3});
                if (!found.data)
                    continue;
                longs++;
                assert_false(named[found.data[0] - 'A'][found.data[1] - 'A']);
                named[found.data[0] - 'A'][found.data[1] - 'A'] = true;
            }
        }
    assert_int_equal(shorts, 250);
    assert_int_equal(longs, 250);
    assert_null(am_model_country_short(AM_VIEW("U")).data);
    assert_null(am_model_country_short(AM_VIEW("USAX")).data);
    assert_null(am_model_country_short(AM_VIEW("")).data);
    assert_null(am_model_country_short(AM_VIEW("\xc3\xa9X")).data);
}

static void device_types_have_names(void **state) {
    static const char *const names[] = {"",   "phone", "desk",   "tv", "phone", "tablet",
                                        "tv", "tv",    "screen", "",   ""};
    for (size_t i = 0; i < AM_COUNT_OF(names); i++) {
        char more[128];
        snprintf(more, sizeof more, IMP ",\"device\":{\"devicetype\":%zu}", i);
        assert_winner(more, names[i]);
    }
    assert_winner(IMP ",\"device\":{\"devicetype\":-1}", "");
    assert_winner(IMP ",\"device\":{\"devicetype\":1.5}", "");
}

static void a_language_of_a_country_is_the_language_too(void **state) {
    assert_winner(IMP ",\"device\":{\"language\":\"pt\"}", "pt");
    assert_winner(IMP ",\"device\":{\"langb\":\"pt-BR\"}", "pt-br");
    assert_winner(IMP ",\"device\":{\"langb\":\"pt-PT\"}", "pt");
    assert_winner(IMP ",\"site\":{\"content\":{\"language\":\"pt\"}}", "pt");
    assert_winner(IMP ",\"site\":{\"content\":{\"langb\":\"PT-br\"}}", "pt-br");
    assert_winner(IMP ",\"device\":{\"language\":\"\"}", "");
}

static void keywords_of_the_user_are_used_only_when_nothing_speaks_against_it(void **state) {
#define USER "\"user\":{\"id\":\"u\",\"keywords\":\"markup\"}"
    assert_winner(IMP "," USER, "markup");
    assert_winner(IMP ",\"user\":{\"kwarray\":[\"markup\"]}", "markup");
    assert_winner(USER "," IMP ",\"regs\":{\"coppa\":0,\"gdpr\":0,\"us_privacy\":\"\"}", "markup");
    assert_winner(USER "," IMP ",\"regs\":{\"coppa\":1}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"gdpr\":1}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"ext\":{\"gdpr\":1}}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"us_privacy\":\"1YNN\"}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"ext\":{\"us_privacy\":\"1---\"}}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"gpp\":\"DBAA\"}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"ext\":{\"gpc\":\"1\"}}", "");
    assert_winner(USER "," IMP ",\"regs\":{\"gpc\":1}", "");
    assert_winner(USER "," IMP ",\"device\":{\"dnt\":1}", "");
    assert_winner(USER "," IMP ",\"device\":{\"lmt\":1}", "");
    assert_winner(USER "," IMP ",\"device\":{\"lmt\":0}", "markup");
}

/* ---- what is allowed and what is blocked ---------------------------------------------------- */

#define TEA IMP ",\"site\":{\"search\":\"tea\"},"

static void blocks_are_kept(void **state) {
    assert_winner(TEA "\"bseat\":[\"acme\"]", "tea2");
    assert_winner(TEA "\"bseat\":[\"acme\"],\"badv\":[\"Cup.App\"]", "tea3");
    assert_winner(TEA "\"bseat\":[\"acme\"],\"bapp\":[\"com.cup.app\"]", "tea3");
    assert_winner(TEA "\"bseat\":[\"acme\",\"cup\",\"pot\"]", "");
    assert_winner(SIZES("") ",\"bcat\":[\"IAB7\"]", "");
    assert_winner(SIZES("") ",\"bcat\":[\"IAB7-1\"]", "shoes");
    assert_winner(SIZES("") ",\"badv\":[\"acme.example\"]", "");
    assert_winner(SIZES("") ",\"bcat\":[\" iab7\"]", "");
    assert_winner(SIZES("") ",\"bcat\":[\"iab7-1\"]", "shoes");
    static const char *const written[] = {
        "www.acme.example",        "https://acme.example/", " ACME.example ",  "acme.example.",
        "http://Www.acme.example", "//acme.example/x?y",    "acme.example:443"};
    for (size_t i = 0; i < AM_COUNT_OF(written); i++) {
        char more[256];
        snprintf(more, sizeof more, SIZES("") ",\"badv\":[\"%s\"]", written[i]);
        assert_winner(more, "");
    }
    assert_winner(SIZES("") ",\"badv\":[\"x.acme.example\",\"cme.example\"]", "shoes");
}

static void only_allowed_seats_win(void **state) {
    assert_winner(TEA "\"wseat\":[\"pot\"]", "tea3");
    assert_winner(TEA "\"wseat\":[\"nobody\",\"cup\"]", "tea2");
    assert_winner(TEA "\"wseat\":[\"nobody\"]", "");
    assert_winner(TEA "\"wseat\":[]", "tea");
    assert_winner(TEA "\"wseat\":[\"pot\",\"acme\"],\"bseat\":[\"acme\"]", "tea3");
}

/* However many others rank before it: there is no number of tries. */
static void a_seat_wins_behind_any_number_of_others(void **state) {
    (void)state;
    char lines[16384], *at = lines;
    for (int i = 0; i < 100; i++)
        at += sprintf(at,
                      "{\"id\":\"a%d\",\"advertiser\":\"v%d\",\"bid\":%d,\"keywords\":[\"x\"],"
                      "\"creative\":{\"adm\":\"x\"}}\n",
                      i, i, 1000 - i);
    struct served served;
    struct am_error error = {0};
    struct am_api_response response;
    const struct am_api_limits limits = {1 << 16, 1000, 0, 0};
    assert_true(start_serving(&served, am_view_of(lines), &limits, &error));
    const struct am_api_request request = {
        .content = AM_CONTENT_OPENRTB,
        .body = AM_VIEW("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}}],\"site\":{\"search\":"
                        "\"x\"},\"wseat\":[\"v97\",\"v99\"]}")};
    am_api_decide(served.api, &request, &response);
    assert_int_equal(response.status, 200);
    assert_non_null(memmem(response.body.data, response.body.size, "\"a97\"", 5));
    stop_serving(&served);
}

static void currencies_and_languages_that_include_ours_allow_bids(void **state) {
    assert_winner(TEA "\"cur\":[\"USD\",\"eur\"]", "tea");
    assert_winner(TEA "\"cur\":[]", "tea");
    assert_winner(TEA "\"cur\":[\"USD\"]", "");
    assert_winner(TEA "\"wlang\":[\"de\",\"EN\"]", "tea");
    assert_winner(TEA "\"wlang\":[]", "tea");
    assert_winner(TEA "\"wlangb\":[\"de\",\"en-GB\"]", "tea");
    assert_winner(TEA "\"wlangb\":[\"de-EN\"]", "");
}

static void only_allowed_categories_win(void **state) {
    assert_winner(TEA "\"acat\":[]", "tea");
    assert_winner(TEA "\"acat\":[\"IAB1\"]", "");
    assert_winner(SIZES("") ",\"acat\":[\"IAB17\"]", "");
    assert_winner(SIZES("") ",\"acat\":[\"IAB17\",\"IAB7\"]", "shoes");
    assert_winner(SIZES("") ",\"acat\":\"iab17, iab7-39\"", "shoes");
    assert_winner(SIZES("") ",\"acat\":[\"IAB17\",\"IAB7-3\"]", "");
    assert_winner(SIZES("") ",\"acat\":[\"IAB17\",\"IAB7\"],\"acat\":[\"IAB17\"]", "");
}

static void taxonomies_that_are_known_are_answered_in(void **state) {
    assert_winner(SIZES("") ",\"cattax\":8", "");
    struct am_api_response response =
        ask(state, "{\"id\":\"r\",\"cattax\":7,\"bcat\":[\"150\"]," SIZES("") "}");
    assert_non_null(memmem(response.body.data, response.body.size, "\"cattax\":7", 10));
    response = ask(state, "{\"id\":\"r\",\"cattax\":1," SIZES("") "}");
    assert_null(memmem(response.body.data, response.body.size, "cattax", 6));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_bid_tells_all_that_is_known_of_the_ad),
        TEST(markup_and_notices_of_the_creative_are_handed_on),
        TEST(bids_of_one_advertiser_share_a_seat),
        TEST(an_advertiser_may_win_several_impressions),
        TEST(no_bid_is_an_empty_answer),
        TEST(in_test_mode_no_bid_has_a_reason),
        TEST(bid_requests_are_explained_when_they_ask),
        cmocka_unit_test(without_an_image_there_is_no_answer),
        TEST(what_is_required_is_asked_for),
        TEST(what_is_unknown_or_null_is_passed_over),
        TEST(long_values_that_no_inventory_has_are_passed_over),
        TEST(sizes_come_from_the_banner_and_its_formats),
        TEST(more_sizes_than_a_slot_has_room_for_are_passed_over),
        TEST(only_public_banners_are_bid_on),
        TEST(impressions_that_are_passed_over_leave_the_others_in_place),
        TEST(floors_are_rounded_up_and_never_wrap),
        TEST(a_floor_in_another_currency_is_no_floor_to_bid_at),
        TEST(each_impression_is_a_placement),
        TEST(insecure_creatives_do_not_bid_where_that_matters),
        TEST(texts_become_fields),
        TEST(keywords_come_as_one_string_or_as_a_list),
        TEST(keywords_beyond_the_limit_are_passed_over),
        TEST(sites_categories_and_places_become_attributes),
        TEST(the_site_is_where_the_page_is),
        TEST(sellers_are_free_keys),
        TEST(the_home_of_the_user_stands_in_for_the_place_of_the_device),
        TEST(countries_of_three_letters_become_two),
        cmocka_unit_test(every_country_has_both_codes),
        TEST(device_types_have_names),
        TEST(a_language_of_a_country_is_the_language_too),
        TEST(keywords_of_the_user_are_used_only_when_nothing_speaks_against_it),
        TEST(blocks_are_kept),
        TEST(only_allowed_seats_win),
        TEST(a_seat_wins_behind_any_number_of_others),
        TEST(only_allowed_categories_win),
        TEST(taxonomies_that_are_known_are_answered_in),
        TEST(currencies_and_languages_that_include_ours_allow_bids),
    };
    return cmocka_run_group_tests_name("openrtb", tests, NULL, NULL);
}
