/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting trees alone, on the image: what holds, what is stored once, what is asked once. */
#include "engine.h"

#include "../../plugin/match/matcher.h"

enum { MONDAY = 4 * 86400 }; /* 5 January 1970, 00:00 UTC */

#define COUNTRY(value)                                                                             \
    { AM_ATTRIBUTE_COUNTRY, {"", 0}, AM_VIEW(value) }
#define DEVICE(value)                                                                              \
    { AM_ATTRIBUTE_DEVICE, {"", 0}, AM_VIEW(value) }
#define KV(key, value)                                                                             \
    { AM_ATTRIBUTE_KV, AM_VIEW(key), AM_VIEW(value) }

struct question {
    const char *targeting;
    struct am_match_attribute given[3]; /* until the first without a value */
    bool holds;
};

static struct am_match_request request_of(const struct am_match_attribute *given, size_t most) {
    static struct am_match_slot slot = {.count = 8};
    uint32_t count = 0;
    while (count < most && given[count].value.size)
        count++;
    return (struct am_match_request){.attributes = given,
                                     .attribute_count = count,
                                     .slots = &slot,
                                     .slot_count = 1,
                                     .unique = AM_UNIQUE_AD,
                                     .now = MONDAY};
}

static void start_with(struct engine *engine, const char *targeting) {
    char line[2048];
    snprintf(line, sizeof line,
             "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"*\"],\"targeting\":%s}",
             targeting);
    engine_start(engine, line);
}

static void ask_all(const struct question *questions, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct engine engine;
        start_with(&engine, questions[i].targeting);
        struct am_match_request request = request_of(questions[i].given, 3);
        const char *answer = engine_decide(&engine, &request);
        if ((answer[0] == 'a') != questions[i].holds)
            fail_msg("%s, question %zu: %s", questions[i].targeting, i, answer);
        engine_stop(&engine);
    }
}

static void a_list_holds_for_any_of_its_values(void **state) {
    (void)state;
    static const struct question questions[] = {
        {"{\"country\":[\"US\",\"ca\"]}", {COUNTRY("us")}, true},
        {"{\"country\":[\"US\",\"ca\"]}", {COUNTRY("ca")}, true},
        {"{\"country\":[\"US\",\"ca\"]}", {COUNTRY("fr")}, false},
        {"{\"country\":[\"US\"]}", {COUNTRY("fr"), COUNTRY("us")}, true},
        {"{\"country\":[\"US\"]}", {DEVICE("us")}, false},
        {"{\"country\":[\"US\"]}", {{0}}, false},
        {"{}", {{0}}, true},
    };
    ask_all(questions, AM_COUNT_OF(questions));
}

static void an_object_holds_when_all_its_members_do(void **state) {
    (void)state;
    static const char both[] = "{\"country\":[\"US\"],\"device\":[\"mobile\"]}";
    static const struct question questions[] = {
        {both, {COUNTRY("us"), DEVICE("mobile")}, true},
        {both, {DEVICE("mobile"), COUNTRY("us")}, true},
        {both, {COUNTRY("us"), DEVICE("tv")}, false},
        {both, {DEVICE("mobile")}, false},
    };
    ask_all(questions, AM_COUNT_OF(questions));
}

static void not_any_and_all_combine_objects(void **state) {
    (void)state;
    static const char not_us_phones[] = "{\"not\":{\"country\":[\"US\"],\"device\":[\"mobile\"]}}";
    static const char any[] = "{\"any\":[{\"country\":[\"US\"]},{\"device\":[\"mobile\"]}]}";
    static const char all[] = "{\"all\":[{\"country\":[\"US\"]},{\"not\":{\"device\":[\"tv\"]}}]}";
    static const char nested[] =
        "{\"any\":[{\"all\":[{\"country\":[\"US\"]},{\"device\":[\"tv\"]}]},"
        "{\"not\":{\"any\":[{\"country\":[\"US\",\"FR\"]}]}}]}";
    static const struct question questions[] = {
        {not_us_phones, {COUNTRY("us"), DEVICE("mobile")}, false},
        {not_us_phones, {COUNTRY("us"), DEVICE("tv")}, true},
        {not_us_phones, {{0}}, true},
        {any, {COUNTRY("us")}, true},
        {any, {DEVICE("mobile")}, true},
        {any, {COUNTRY("fr"), DEVICE("tv")}, false},
        {all, {COUNTRY("us")}, true},
        {all, {COUNTRY("us"), DEVICE("tv")}, false},
        {all, {DEVICE("mobile")}, false},
        {nested, {COUNTRY("us"), DEVICE("tv")}, true},
        {nested, {COUNTRY("us")}, false},
        {nested, {COUNTRY("fr")}, false},
        {nested, {COUNTRY("de")}, true},
        {"{\"not\":{}}", {COUNTRY("us")}, false},
        {"{\"any\":[{},{\"country\":[\"US\"]}]}", {{0}}, true},
    };
    ask_all(questions, AM_COUNT_OF(questions));
}

static void free_keys_are_compared_exactly(void **state) {
    (void)state;
    static const char sport[] = "{\"kv\":{\"sport\":[\"Running\"]}}";
    static const char both[] = "{\"kv\":{\"a\":[\"1\"],\"b\":[\"2\"]}}";
    static const struct question questions[] = {
        {sport, {KV("sport", "Running")}, true},
        {sport, {KV("sport", "running")}, false},
        {sport, {KV("Sport", "Running")}, false},
        {sport, {KV("other", "Running")}, false},
        {both, {KV("a", "1"), KV("b", "2")}, true},
        {both, {KV("a", "2"), KV("b", "1")}, false},
        {both, {KV("a", "1")}, false},
        {"{\"kv\":{\"a\":[\"1\"]},\"not\":{\"kv\":{\"a\":[\"2\"]}}}",
         {KV("a", "1"), KV("a", "2")},
         false},
    };
    ask_all(questions, AM_COUNT_OF(questions));
}

static void hours_count_from_monday_midnight(void **state) {
    (void)state;
    static const struct {
        int64_t seconds;
        bool holds;
    } times[] = {{0, true},
                 {3599, true},
                 {3600, false},
                 {INT64_C(167) * 3600, true},
                 {-3600, true},
                 {-3601, false},
                 {INT64_C(7) * 86400, true},
                 {INT64_C(64) * 3600, true},
                 {INT64_C(63) * 3600, false}};
    struct engine engine;
    start_with(&engine, "{\"hour\":[0,64,167]}");
    for (size_t i = 0; i < AM_COUNT_OF(times); i++) {
        struct am_match_request request = request_of(NULL, 0);
        request.now = MONDAY + times[i].seconds;
        assert_int_equal(engine_decide(&engine, &request)[0] == 'a', times[i].holds);
    }
    engine_stop(&engine);
}

static void trees_nest_as_deep_as_the_limit(void **state) {
    (void)state;
    char text[512], *at = text;
    for (int i = 1; i < AM_TARGETING_MAX_DEPTH; i++)
        at += sprintf(at, "{\"not\":");
    at += sprintf(at, "{\"country\":[\"US\"]}");
    for (int i = 1; i < AM_TARGETING_MAX_DEPTH; i++)
        at += sprintf(at, "}");
    bool holds = AM_TARGETING_MAX_DEPTH % 2 == 1;
    const struct question questions[] = {{text, {COUNTRY("us")}, holds},
                                         {text, {COUNTRY("fr")}, !holds}};
    ask_all(questions, AM_COUNT_OF(questions));
}

static void the_trees_of_an_ad_and_of_its_campaign_must_hold(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"x\","
                          "\"targeting\":{\"country\":[\"US\"]}}\n"
                          "{\"id\":\"a\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"device\":[\"mobile\"]}}");
    static const struct am_match_attribute given[] = {COUNTRY("us"), DEVICE("mobile")};
    for (uint32_t first = 0; first < 2; first++)
        for (uint32_t count = 0; count <= 2 - first; count++) {
            struct am_match_request request = request_of(given + first, count);
            assert_int_equal(engine_decide(&engine, &request)[0] == 'a', count == 2);
        }
    engine_stop(&engine);
}

/* Four records, two trees: order and repetition of values make no difference, a time zone does. */
static void identical_trees_are_stored_once(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"x\","
                          "\"targeting\":{\"country\":[\"US\",\"CA\"]}}\n"
                          "{\"id\":\"a1\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"country\":[\"ca\",\"us\",\"CA\"]}}\n"
                          "{\"id\":\"a2\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"country\":[\"CA\",\"US\"]}}\n"
                          "{\"id\":\"a3\",\"advertiser\":\"z\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"country\":[\"CA\"]}}");
    const struct am_image *image = engine.image;
    assert_int_equal(image->tree_count, 2);
    assert_int_equal(image->ads[0].tree, image->ads[0].campaign_tree);
    assert_int_equal(image->ads[1].tree, image->ads[0].tree);
    assert_int_not_equal(image->ads[2].tree, image->ads[0].tree);
    assert_int_equal(image->ads[2].campaign_tree, AM_NONE);
    engine_stop(&engine);
}

static void hours_of_two_time_zones_are_two_trees(void **state) {
    (void)state;
    struct am_image_bytes bytes =
        engine_build("{\"id\":\"a1\",\"advertiser\":\"x\",\"bid\":1,\"targeting\":{\"hour\":[1]}}\n"
                     "{\"id\":\"a2\",\"advertiser\":\"x\",\"bid\":1,\"targeting\":{\"hour\":[1]}}\n"
                     "{\"id\":\"a3\",\"advertiser\":\"x\",\"bid\":1,\"targeting\":{\"hour\":[1]},"
                     "\"timezone\":\"Europe/Berlin\"}");
    struct am_image *image = NULL;
    struct am_error error = {0};
    assert_int_equal(am_image_open_memory(bytes.data, bytes.size, "test", &image, &error), AM_OK);
    assert_int_equal(image->tree_count, 2);
    am_image_close(image);
    am_image_bytes_free(&bytes);
}

/* The answer is remembered for the request: with its attributes taken away it stays. */
static void a_tree_is_evaluated_once_a_request(void **state) {
    (void)state;
    struct engine engine;
    static const struct am_match_attribute given[] = {COUNTRY("us")};
    start_with(&engine, "{\"country\":[\"US\"]}");
    struct am_match_request request = request_of(given, 1);
    am_match_work_start(&engine.matcher->work);
    am_gate_targeting_start(&engine.matcher->gates.targeting, &request);
    assert_int_equal(am_gate_targeting_failing(&engine.matcher->gates.targeting, &request, 0), 0);
    engine.matcher->gates.targeting.term_count = 0;
    assert_int_equal(am_gate_targeting_failing(&engine.matcher->gates.targeting, &request, 0), 0);
    request.attribute_count = 0;
    am_gate_targeting_start(&engine.matcher->gates.targeting, &request);
    assert_int_not_equal(am_gate_targeting_failing(&engine.matcher->gates.targeting, &request, 0),
                         0);
    engine_stop(&engine);
}

/* Each member of the root is one leaf here, so that the second has index 2. */
static void the_first_member_that_does_not_hold_is_told(void **state) {
    (void)state;
    struct engine engine;
    static const struct am_match_attribute given[] = {COUNTRY("us"), DEVICE("mobile")};
    start_with(&engine, "{\"country\":[\"US\"],\"device\":[\"mobile\"],\"os\":[\"ios\"]}");
    for (uint32_t count = 0; count <= 2; count++) {
        struct am_match_request request = request_of(given, count);
        request.explain = true;
        assert_string_equal(engine_decide(&engine, &request), "");
        assert_int_equal(am_gate_targeting_failing(&engine.matcher->gates.targeting, &request, 0),
                         1 + count + 1);
        static const char *const details[] = {"country: wants US; the request has none",
                                              "device: wants mobile; the request has none",
                                              "os: wants ios; the request has none"};
        assert_int_equal(engine.decision.rejected_count, 1);
        assert_true(am_view_equal(engine.decision.rejected[0].detail, am_view_of(details[count])));
    }
    engine_stop(&engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_holds_for_any_of_its_values),
        cmocka_unit_test(an_object_holds_when_all_its_members_do),
        cmocka_unit_test(not_any_and_all_combine_objects),
        cmocka_unit_test(free_keys_are_compared_exactly),
        cmocka_unit_test(hours_count_from_monday_midnight),
        cmocka_unit_test(trees_nest_as_deep_as_the_limit),
        cmocka_unit_test(the_trees_of_an_ad_and_of_its_campaign_must_hold),
        cmocka_unit_test(identical_trees_are_stored_once),
        cmocka_unit_test(hours_of_two_time_zones_are_two_trees),
        cmocka_unit_test(a_tree_is_evaluated_once_a_request),
        cmocka_unit_test(the_first_member_that_does_not_hold_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
