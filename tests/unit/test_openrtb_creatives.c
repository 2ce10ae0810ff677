/* SPDX-License-Identifier: Apache-2.0 */
/* What impressions ask of creatives, and what creatives say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/model/creative.h"
#include "api_inventory.h"

/* An inventory of one ad with that creative, and one behind it that suits any impression. */
static struct am_api_response
ask(struct served *served, const char *creative, const char *body, const char *ad_members) {
    static char lines[8192];
    struct am_error error = {0};
    snprintf(lines, sizeof lines,
             "{\"id\":\"first\",\"advertiser\":\"a\",\"bid\":2,\"keywords\":[\"*\"]%s%s%s}\n"
             "{\"id\":\"second\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"
             "\"creative\":{\"adm\":\"<b>\",\"ext\":{\"dsa\":{}}}}\n",
             creative ? ",\"creative\":" : "", creative ? creative : "", ad_members);
    if (!start_serving(served, am_view_of(lines), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    const struct am_api_request request = {
        .content = AM_CONTENT_OPENRTB, .body = am_view_of(body), .now = 1792497600};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    assert_true(response.status == 200 || response.status == 204);
    return response;
}

static bool has(struct am_api_response response, const char *text) {
    return memmem(response.body.data, response.body.size, text, strlen(text)) != NULL;
}

/* Whether the ad of that creative wins, rather than the one behind it. */
static bool wins(const char *creative, const char *impression, const char *more) {
    struct served served;
    char body[2048];
    snprintf(body, sizeof body, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",%s}]%s}", impression, more);
    bool first = has(ask(&served, creative, body, ""), "\"adid\":\"first\"");
    stop_serving(&served);
    return first;
}

static void an_ad_without_a_creative_never_bids(void **state) {
    (void)state;
    assert_false(wins(NULL, "\"banner\":{}", ""));
    assert_true(wins("{}", "\"banner\":{}", ""));
}

static void impressions_choose_creatives(void **state) {
    (void)state;
    static const struct {
        const char *creative, *impression;
        bool wins;
    } cases[] = {
        {"{\"attr\":[3,13]}", "\"banner\":{\"battr\":[1,2]}", true},
        {"{\"attr\":[3,13]}", "\"banner\":{\"battr\":[8,13]}", false},
        {"{\"attr\":13}", "\"banner\":{\"battr\":[13]}", false},
        {"{\"attr\":[500]}", "\"banner\":{\"battr\":[501]}", false},
        {"{\"attr\":[500]}", "\"banner\":{\"battr\":[50]}", true},
        {"{\"type\":3}", "\"banner\":{\"btype\":[3]}", false},
        {"{\"type\":3}", "\"banner\":{\"btype\":[1,4]}", true},
        {"{\"mime\":\"image/png\"}", "\"banner\":{\"mimes\":[\"IMAGE/PNG\"]}", true},
        {"{\"mime\":\"image/png\"}", "\"banner\":{\"mimes\":[\"image/gif\"]}", false},
        {"{\"mime\":\"image/png\"}", "\"banner\":{\"mimes\":[\"image/new\"]}", false},
        {"{\"mime\":\"image/new\"}", "\"banner\":{\"mimes\":[\"image/new\"]}", false},
        {"{\"mime\":\"image/png\"}", "\"banner\":{\"mimes\":[]}", true},
        {"{}", "\"banner\":{\"mimes\":[\"image/gif\"]}", true},
        {"{\"apis\":[5]}", "\"banner\":{\"api\":[3,5]}", true},
        {"{\"apis\":[5,7]}", "\"banner\":{\"api\":[3,5]}", false},
        {"{\"apis\":[5]}", "\"banner\":{}", false},
        {"{\"instl\":1}", "\"banner\":{},\"instl\":1", true},
        {"{\"instl\":1}", "\"banner\":{}", false},
        {"{\"instl\":0}", "\"banner\":{},\"instl\":1", false},
        {"{\"instl\":0}", "\"banner\":{},\"instl\":0", true},
        {"{\"pos\":[1,4]}", "\"banner\":{\"pos\":4}", true},
        {"{\"pos\":[1,4]}", "\"banner\":{\"pos\":3}", false},
        {"{\"pos\":[1,4]}", "\"banner\":{}", true},
        {"{\"adm\":\"<img src='http://x.example/i.png'>\"}", "\"banner\":{},\"secure\":1", false},
        {"{\"adm\":\"<img src='http://x.example/i.png'>\"}", "\"banner\":{}", true},
        {"{\"vast\":\"<VAST/>\"}", "\"video\":{}", true},
        {"{\"vast\":\"<VAST/>\"}", "\"banner\":{}", false},
        {"{\"adm\":\"<b>\",\"vast\":\"<VAST/>\"}", "\"banner\":{}", true},
        {"{\"vast\":\"<VAST/>\"}", "\"banner\":{},\"video\":{}", true},
        {"{\"vast\":\"<VAST/>\"}", "\"video\":{\"maxduration\":30},\"banner\":{}", false},
        {"{\"vast\":\"<VAST/>\",\"duration\":30}", "\"video\":{\"maxduration\":30}", true},
        {"{\"vast\":\"<VAST/>\",\"duration\":31}", "\"video\":{\"maxduration\":30},\"banner\":{}",
         false},
        {"{\"vast\":\"<VAST/>\",\"duration\":4}", "\"video\":{\"minduration\":5},\"banner\":{}",
         false},
        {"{\"vast\":\"<VAST/>\",\"mime\":\"video/mp4\"}",
         "\"video\":{\"mimes\":[\"video/webm\"]},\"banner\":{}", false},
        {"{\"media\":[{\"mime\":\"video/mp4\"},{\"mime\":\"video/webm\"}]}",
         "\"video\":{\"mimes\":[\"video/webm\"]}", true},
        {"{\"vast\":\"<VAST/>\",\"attr\":[6]}", "\"video\":{\"battr\":[6]},\"banner\":{}", false},
        {"{\"vast\":\"<VAST/>\"}", "\"video\":{\"protocols\":[1,4]},\"banner\":{}", false},
        {"{\"vast\":\"<VAST/>\"}", "\"video\":{\"linearity\":2},\"banner\":{}", false},
        {"{\"vast\":\"<VAST/>\"}", "\"video\":{\"linearity\":1,\"protocols\":[2,5]}", true},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        if (wins(cases[i].creative, cases[i].impression, "") != cases[i].wins)
            fail_msg("%s for %s", cases[i].creative, cases[i].impression);
}

static void requests_choose_creatives(void **state) {
    (void)state;
    assert_false(wins("{}", "\"banner\":{}", ",\"regs\":{\"ext\":{\"dsa\":{\"dsarequired\":3}}}"));
    assert_true(
        wins("{\"ext\":{\"dsa\":{}}}", "\"banner\":{}", ",\"regs\":{\"dsa\":{\"dsarequired\":2}}"));
    assert_true(wins("{}", "\"banner\":{}", ",\"regs\":{\"dsa\":{\"dsarequired\":1}}"));
    assert_false(
        wins("{\"bundle\":\"com.Shop.app\"}", "\"banner\":{}", ",\"bapp\":[\"com.shop.App\"]"));
    assert_true(wins("{\"bundle\":\"com.shop.app\"}", "\"banner\":{}", ",\"bapp\":[\"shop.app\"]"));
    assert_true(wins("{\"bundle\":\"com.shop.app\"}", "\"banner\":{}", ",\"badv\":[\"shop.app\"]"));
    assert_false(wins("{\"cattax\":7}", "\"banner\":{}", ",\"bcat\":[\"IAB1\"]"));
    assert_true(wins("{\"cattax\":7}", "\"banner\":{}", ",\"cattax\":7,\"bcat\":[\"1\"]"));
    assert_true(wins("{\"cattax\":7}", "\"banner\":{}", ""));
}

static void members_of_creatives_are_handed_on(void **state) {
    (void)state;
    struct served served;
    struct am_api_response response =
        ask(&served,
            "{\"adm\":\"<b>\",\"attr\":[1,2],\"ext\":{\"dsa\":{\"behalf\":\"x\"}},\"cattax\":7,"
            "\"bundle\":\"com.x\","
            "\"apis\":[3],\"language\":\"en\",\"iurl\":\"https://x.example/i\",\"burl\":5}",
            "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"api\":[3]}}]}",
            ",\"categories\":[\"150\"],\"domain\":\"x.example\"");
    assert_true(
        has(response,
            "\"adm\":\"<b>\",\"iurl\":\"https://x.example/i\",\"attr\":[1,2],\"apis\":[3],"
            "\"bundle\":\"com.x\",\"language\":\"en\",\"ext\":{\"dsa\":{\"behalf\":\"x\"}},"
            "\"adomain\":[\"x.example\"],\"crid\":\"first\",\"cat\":[\"150\"],\"cattax\":7,"));
    stop_serving(&served);
    response = ask(&served, "{\"attr\":[\"1\"],\"ext\":[],\"cattax\":\"7\",\"apis\":3}",
                   "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"api\":[3]}}]}", "");
    assert_true(has(response, "\"adid\":\"first\""));
    assert_false(has(response, ",\"attr\":") || has(response, ",\"ext\":") ||
                 has(response, ",\"apis\":"));
    stop_serving(&served);
}

static void videos_have_vast(void **state) {
    (void)state;
    struct served served;
    struct am_api_response response =
        ask(&served, "{\"vast\":\"<VAST a=\\\"1\\\"/>\",\"duration\":15}",
            "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"video\":{\"maxduration\":30}}]}", "");
    assert_true(has(response, "\"adm\":\"<VAST a=\\\"1\\\"/>\",\"dur\":15,"));
    assert_true(has(response, "\"mtype\":2}"));
    stop_serving(&served);
    response = ask(&served,
                   "{\"title\":\"A & "
                   "B\\u0001\",\"duration\":75,\"skip\":5,\"media\":[{\"url\":\"https://x.example/"
                   "v.mp4?a=1&b=\\\"2\\\"\","
                   "\"mime\":\"video/mp4\",\"w\":640,\"h\":360},{\"url\":\"https://x.example/"
                   "v.webm\",\"mime\":\"video/webm\"}]}",
                   "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"video\":{\"mimes\":[\"video/"
                   "mp4\"],\"protocols\":[2,3,11]}}]}",
                   ",\"url\":\"https://x.example/?a=1&b=2\"");
    assert_true(has(
        response,
        "\"adm\":\"<VAST version='4.1'><Ad id='first'><InLine><AdSystem>admatch</AdSystem>"
        "<AdServingId>af63ef4c86020cd5</AdServingId><AdTitle>A &amp; B </AdTitle><Impression/>"
        "<Creatives><Creative id='first'><UniversalAdId idRegistry='unknown' idValue='unknown'>"
        "unknown</UniversalAdId><Linear skipoffset='00:00:05'><Duration>00:01:15</Duration>"
        "<MediaFiles><MediaFile delivery='progressive' type='video/mp4' width='640' height='360'>"
        "https://x.example/v.mp4?a=1&amp;b=&quot;2&quot;</MediaFile></MediaFiles><VideoClicks>"
        "<ClickThrough>https://x.example/?a=1&amp;b=2</ClickThrough></VideoClicks></Linear>"
        "</Creative></Creatives></InLine></Ad></VAST>\",\"protocol\":11,\"dur\":75,"));
    stop_serving(&served);
}

#define NATIVE(assets)                                                                             \
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{\"request\":\"{\\\"ver\\\":\\\"1.2\\\","     \
    "\\\"assets\\\":[" assets "]}\"}}]}"
#define TITLE(more) "{\\\"id\\\":1,\\\"required\\\":1,\\\"title\\\":{" more "}}"
#define ASSET(id, required, rest) "{\\\"id\\\":" id ",\\\"required\\\":" required "," rest "}"
#define IMAGE(type) "\\\"img\\\":{\\\"type\\\":" type "}"
#define DATA(type) "\\\"data\\\":{\\\"type\\\":" type "}"

static void native_ads_have_the_assets_that_are_asked_for(void **state) {
    (void)state;
    static const char creative[] =
        "{\"title\":\"Run "
        "\\\"fast\\\"\",\"image\":{\"url\":\"https://x.example/i.png\",\"w\":300,\"h\":250},"
        "\"icon\":\"https://x.example/"
        "c.png\",\"text\":\"Shoes\",\"cta\":\"Buy\",\"sponsored\":\"Acme\"}";
    struct served served;
    struct am_api_response response = ask(
        &served, creative,
        NATIVE(TITLE("\\\"len\\\":90") "," ASSET("2", "1", IMAGE("3")) "," ASSET("3", "0", IMAGE("1")) "," ASSET(
            "4", "1",
            DATA(
                "2")) "," ASSET("5", "0",
                                DATA(
                                    "12")) "," ASSET("6", "0",
                                                     DATA(
                                                         "1")) "," ASSET("7", "0",
                                                                         DATA(
                                                                             "3")) "," ASSET("8",
                                                                                             "0",
                                                                                             "\\\"v"
                                                                                             "ideo"
                                                                                             "\\\":"
                                                                                             "{}")),
        ",\"url\":\"https://x.example/\"");
    assert_true(has(response,
                    "\"adm\":\"{\\\"native\\\":{\\\"ver\\\":\\\"1.2\\\",\\\"assets\\\":["
                    "{\\\"id\\\":1,\\\"title\\\":{\\\"text\\\":\\\"Run \\\\\\\"fast\\\\\\\"\\\"}},"
                    "{\\\"id\\\":2,\\\"img\\\":{\\\"url\\\":\\\"https://x.example/"
                    "i.png\\\",\\\"w\\\":300,\\\"h\\\":250}},"
                    "{\\\"id\\\":3,\\\"img\\\":{\\\"url\\\":\\\"https://x.example/c.png\\\"}},"
                    "{\\\"id\\\":4,\\\"data\\\":{\\\"value\\\":\\\"Shoes\\\"}},"
                    "{\\\"id\\\":5,\\\"data\\\":{\\\"value\\\":\\\"Buy\\\"}},"
                    "{\\\"id\\\":6,\\\"data\\\":{\\\"value\\\":\\\"Acme\\\"}}],"
                    "\\\"link\\\":{\\\"url\\\":\\\"https://x.example/\\\"}}}\""));
    assert_true(has(response, "\"mtype\":4}"));
    stop_serving(&served);
}

static void required_assets_decide(void **state) {
    (void)state;
    static const struct {
        const char *creative, *body, *ad;
        unsigned status;
    } cases[] = {
        {"{\"title\":\"Run\"}", NATIVE(TITLE("\\\"len\\\":3")), ",\"url\":\"https://x.example/\"",
         200},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("\\\"len\\\":2")), ",\"url\":\"https://x.example/\"",
         204},
        {"{\"title\":\"R\xc3\xbcn\"}", NATIVE(TITLE("\\\"len\\\":3")),
         ",\"url\":\"https://x.example/\"", 200},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("")), "", 204},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("") "," ASSET("2", "1", IMAGE("3"))),
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("") "," ASSET("2", "0", IMAGE("3"))),
         ",\"url\":\"https://x.example/\"", 200},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("") "," ASSET("2", "1", DATA("3"))),
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\"}", NATIVE(TITLE("") ",null,5,{}"), ",\"url\":\"https://x.example/\"",
         200},
        {"{\"title\":\"Run\"}",
         "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{\"request\":\"x\"}}]}",
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\"}",
         "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{\"request\":\"{}\"}}]}",
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\"}", "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{}}]}",
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\",\"attr\":[1]}",
         "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{\"battr\":[1],\"request\":\"{"
         "\\\"native\\\":{\\\"assets\\\":[]}}\"}}]}",
         ",\"url\":\"https://x.example/\"", 204},
        {"{\"title\":\"Run\"}",
         "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"native\":{\"request\":\"{\\\"native\\\":{"
         "\\\"assets\\\":[]}}\"}}]}",
         ",\"url\":\"https://x.example/\"", 200},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct served served;
        struct am_api_response response =
            ask(&served, cases[i].creative, cases[i].body, cases[i].ad);
        if (response.status != cases[i].status)
            fail_msg("%s for %s", cases[i].creative, cases[i].body);
        stop_serving(&served);
    }
}

static void a_bid_has_the_id_of_its_auction(void **state) {
    (void)state;
    struct served served;
    char first[64], second[64];
    static const char *const bodies[] = {"{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}}]}",
                                         "{\"id\":\"s\",\"imp\":[{\"id\":\"1\",\"banner\":{}}]}"};
    char *const ids[] = {first, second};
    for (int i = 0; i < 2; i++) {
        struct am_api_response response = ask(&served, "{}", bodies[i], "");
        const char *at = memmem(response.body.data, response.body.size, "[{\"id\":\"", 8);
        assert_non_null(at);
        assert_int_equal(sscanf(at + 8, "%63[^\"]", ids[i]), 1);
        stop_serving(&served);
    }
    assert_string_not_equal(first, second);
}

static void only_what_is_loaded_must_be_secure(void **state) {
    (void)state;
    static const struct {
        const char *markup;
        bool insecure;
    } cases[] = {
        {"<img src=\"http://x.example/\">", true},
        {"<img src = 'HTTP://x.example/'>", true},
        {"<img src=http://x.example/>", true},
        {"<img src=\\\"http:\\/\\/x.example\\/\\\">", true},
        {"background:url(http://x.example/)", true},
        {"var u = \"http://x.example/\"", true},
        {"<link href=\"http://x.example/s.css\">", true},
        {"http://", true},
        {"<a href=\"http://x.example/\">", false},
        {"<a class=x href='http://x.example/'><img src='https://x.example'>", false},
        {"<area href=\"http://x.example/\">", false},
        {"<svg xmlns=\"http://www.w3.org/2000/svg\">", false},
        {"<x xmlns:y=\"http://y.example/ns\">", false},
        {"<!DOCTYPE html PUBLIC \"-//W3C\" \"http://x.example/d.dtd\">", false},
        {"createElementNS('http://www.w3.org/2000/svg', 'g')", false},
        {"https://x.example/", false},
        {"http:", false},
        {"http:/", false},
        {"ttp://x", false},
        {"://", false},
        {"", false},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        if (am_model_markup_is_insecure(am_view_of(cases[i].markup)) != cases[i].insecure)
            fail_msg("%s", cases[i].markup);
    assert_false(wins("{\"image\":\"http://x.example/i.png\"}", "\"banner\":{},\"secure\":1", ""));
    assert_true(wins("{\"image\":\"https://x.example/i.png\",\"url\":\"http://x.example\","
                     "\"nurl\":\"http://x.example\"}",
                     "\"banner\":{},\"secure\":1", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ad_without_a_creative_never_bids),
        cmocka_unit_test(impressions_choose_creatives),
        cmocka_unit_test(requests_choose_creatives),
        cmocka_unit_test(members_of_creatives_are_handed_on),
        cmocka_unit_test(videos_have_vast),
        cmocka_unit_test(native_ads_have_the_assets_that_are_asked_for),
        cmocka_unit_test(required_assets_decide),
        cmocka_unit_test(a_bid_has_the_id_of_its_auction),
        cmocka_unit_test(only_what_is_loaded_must_be_secure),
    };
    return cmocka_run_group_tests_name("openrtb_creatives", tests, NULL, NULL);
}
