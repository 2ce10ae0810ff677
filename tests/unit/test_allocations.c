/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine allocates, made to fail: see failing_allocations.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "../../plugin/delivery/given.h"
#include "api_inventory.h"
#include "failing_allocations.h"

/* ---- the work ---------------------------------------------------------------------------------
 */

static const char inventory_text[] =
    "{\"type\":\"inventory\",\"currency\":\"EUR\",\"language\":\"en\"}\n"
    "{\"type\":\"advertiser\",\"id\":\"acme\",\"budget\":{\"daily\":5},\"frequency_caps\":"
    "[{\"max_impressions\":3,\"period\":\"1d\"},{\"max_impressions\":1,\"period\":\"1h\"}]}\n"
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\",\"priority\":1,"
    "\"budget\":{\"impressions\":{\"total\":9}},\"end\":\"2099-01-01T00:00:00Z\","
    "\"negative_keywords\":[\"free\"],\"labels\":[\"l\"],\"exclude_labels\":[\"m\"],"
    "\"categories\":[\"IAB7-39\"],\"domain\":\"x.acme.example\",\"timezone\":\"Europe/Berlin\","
    "\"targeting\":{\"hour\":[1,2],\"country\":[\"US\"]}}\n"
    "{\"id\":\"a1\",\"campaign\":\"c1\",\"bid\":1.25,\"keywords\":[\"a b\",\"\\\"a b "
    "c\\\"\",\"[a]\","
    "\"running shoes\",\"-x\"],\"sizes\":[\"300x250\",\"1x1\"]}\n"
    "{\"id\":\"a2\",\"advertiser\":\"b\",\"pricing\":\"cpc\",\"ctr\":0.01,\"bid\":1,"
    "\"keywords\":[\"*\",\"caf\xc3\xa9\"],\"targeting\":{\"not\":{\"country\":[\"US\"]},"
    "\"any\":[{\"kv\":{\"k\":[\"v\",\"w\"]}},{\"device\":[\"mobile\"]}]},"
    "\"url\":\"https://b.example/\",\"creative\":{\"t\":\"\\u00e9\"}}\n";

static enum am_code load(struct am_view text,
                         const struct am_timezones *zones,
                         struct am_inventory **inventory,
                         struct am_error *error) {
    const struct am_inventory_load_options options = {.zones = zones};
    struct am_inventory_report report = {0};
    enum am_code code = am_inventory_load_memory(text, "test", &options, inventory, &report, error);
    am_inventory_report_free(&report);
    return code;
}

static enum am_code load_and_free(void *context, struct am_error *error) {
    struct am_inventory *inventory = NULL;
    enum am_code code = load(*(struct am_view *)context, NULL, &inventory, error);
    am_inventory_free(inventory);
    return code;
}

static void loading_an_inventory(void **state) {
    (void)state;
    struct am_view text = am_view_of(inventory_text);
    try_with_every_failure(load_and_free, &text);
}

static void loading_a_packed_inventory(void **state) {
    (void)state;
    static char packed[4096];
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)inventory_text,
                       .avail_in = sizeof inventory_text - 1,
                       .next_out = (Bytef *)packed,
                       .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    struct am_view text = {packed, stream.total_out};
    deflateEnd(&stream);
    try_with_every_failure(load_and_free, &text);
}

static enum am_code load_what_is_wrong(void *context, struct am_error *error) {
    (void)context;
    struct am_inventory *inventory = NULL;
    struct am_view text =
        AM_VIEW("{\"id\":1}\n{\"id\":\"a\",\"bid\":\"x\",\"keyword\":[]}\nnonsense\n");
    enum am_code code = load(text, NULL, &inventory, error);
    assert_null(inventory);
    return code == AM_E_INVALID ? AM_OK : code;
}

static void reporting_errors_of_an_inventory(void **state) {
    (void)state;
    try_with_every_failure(load_what_is_wrong, NULL);
}

static enum am_code load_zones(void *context, struct am_error *error) {
    (void)context;
    struct am_error refused = {.code = AM_OK};
    struct am_timezones *zones = am_timezones_load(NULL, &refused);
    am_timezones_free(zones);
    if (zones)
        return AM_OK;
    *error = refused;
    return refused.code;
}

static void reading_the_time_zones(void **state) {
    (void)state;
    try_with_every_failure(load_zones, NULL);
}

struct to_build {
    struct am_inventory *inventory;
    struct am_timezones *zones;
};

static enum am_code build(void *context, struct am_error *error) {
    const struct to_build *wanted = context;
    struct am_image_bytes bytes = {0};
    enum am_code code = am_build_image(wanted->inventory, wanted->zones, false, &bytes, error);
    am_image_bytes_free(&bytes);
    return code;
}

static void building_an_image(void **state) {
    (void)state;
    struct to_build wanted = {.zones = am_timezones_load(NULL, NULL)};
    assert_int_equal(load(am_view_of(inventory_text), NULL, &wanted.inventory, NULL), AM_OK);
    try_with_every_failure(build, &wanted);
    am_inventory_free(wanted.inventory);
    am_timezones_free(wanted.zones);
}

static enum am_code open_and_verify(void *context, struct am_error *error) {
    const struct served *served = context;
    struct am_image *image = NULL;
    enum am_code code =
        am_image_open_memory(served->bytes.data, served->bytes.size, "test", &image, error);
    if (code == AM_OK)
        code = am_image_verify(image, error);
    am_image_close(image);
    return code;
}

static const struct am_api_limits limits = {1 << 16, 1000, 0, 0};

static int start(void **state) {
    static struct served served;
    struct am_error error = {0};
    *state = &served;
    if (start_serving(&served, am_view_of(inventory_text), &limits, &error))
        return 0;
    print_error("%s\n", error.message);
    return 1;
}

static int stop(void **state) {
    stop_serving(*state);
    return 0;
}

static void opening_an_image(void **state) {
    try_with_every_failure(open_and_verify, *state);
}

static enum am_code make_working_memory(void *context, struct am_error *error) {
    const struct served *served = context;
    struct am_api *api = am_api_new(&limits, error);
    if (!api)
        return error->code;
    enum am_code code = am_api_attach(api, served->image, error);
    if (code != AM_OK)
        assert_null(am_api_image(api));
    am_api_free(api);
    return code;
}

static void making_a_cores_working_memory(void **state) {
    try_with_every_failure(make_working_memory, *state);
}

/* A core that fails to move to a new image keeps the one it has. */
static enum am_code attach_again(void *context, struct am_error *error) {
    struct served *served = context;
    enum am_code code = am_api_attach(served->api, served->image, error);
    assert_ptr_equal(am_api_image(served->api), served->image);
    return code;
}

static void moving_to_a_new_image(void **state) {
    struct served *served = *state;
    struct am_error error;
    try_with_every_failure(attach_again, served);
    assert_int_equal(attach_again(served, &error), AM_OK);
}

/* Requests may not allocate at all. */
static void a_request_allocates_nothing(void **state) {
    const struct served *served = *state;
    static const char *const bodies[] = {
        ("{\"text\":\"a b c running shoe\",\"explain\":true,\"slots\":[{\"count\":3}],"
         "\"context\":{\"country\":\"US\",\"kv\":{\"k\":[\"v\"]}}}"),
        "{\"query\":", "[]", "{\"count\":1e999}"};
    for (size_t i = 0; i < AM_COUNT_OF(bodies); i++)
        for (int content = AM_CONTENT_JSON; content <= AM_CONTENT_QUERY_STRING; content++) {
            const struct am_api_request request = {.content = (enum am_api_content)content,
                                                   .body = am_view_of(bodies[i])};
            struct am_api_response response;
            until_failure = 0;
            am_api_decide(served->api, &request, &response);
            assert_int_equal(until_failure, 0);
            until_failure = -1;
            assert_true(response.body.size > 0);
        }
}

/* A state that is given, which tests alone do, is made anew, and leaves nothing behind. */
static enum am_code give_state(void *context, struct am_error *error) {
    const struct served *served = context;
    struct am_delivery_given *given = NULL;
    enum am_code code = am_delivery_given_make(
        served->image,
        AM_VIEW("{\"campaign\":{\"c1\":{\"impressions\":{\"total\":3},\"paused\":true}},"
                "\"ad\":{\"a2\":{\"paused\":true}},\"advertiser\":{\"acme\":{\"caps\":{\"1d\":"
                "{\"count\":2,\"opened\":\"2026-12-01T00:00:00Z\"}}}}}"),
        1796083200, &given, error);
    am_delivery_given_free(given);
    return code;
}

static void giving_a_state(void **state) {
    struct am_error error;
    try_with_every_failure(give_state, *state);
    assert_int_equal(give_state(*state, &error), AM_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_an_inventory),
        cmocka_unit_test(loading_a_packed_inventory),
        cmocka_unit_test(reporting_errors_of_an_inventory),
        cmocka_unit_test(reading_the_time_zones),
        cmocka_unit_test(building_an_image),
        cmocka_unit_test(opening_an_image),
        cmocka_unit_test(making_a_cores_working_memory),
        cmocka_unit_test(moving_to_a_new_image),
        cmocka_unit_test(a_request_allocates_nothing),
        cmocka_unit_test(giving_a_state),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
