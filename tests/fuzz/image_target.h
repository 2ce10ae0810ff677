/* For fuzz targets that make images: what must hold of any image that the deep check passes. */
#ifndef AM_TESTS_FUZZ_IMAGE_TARGET_H
#define AM_TESTS_FUZZ_IMAGE_TARGET_H

#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/api/api.h"
#include "../../plugin/base/json.h"
#include "../../plugin/index/builder.h"

static void fuzz_require(bool holds) {
    if (!holds)
        abort();
}

static const struct am_timezones *fuzz_zones(void) {
    static struct am_timezones *zones;
    if (!zones)
        zones = am_timezones_load(NULL, NULL);
    fuzz_require(zones != NULL);
    return zones;
}

/* Requests that go every way through an image made from words a to f and the attributes below. */
static const char *const fuzz_requests[] = {
    "{\"query\":\"a b c\",\"explain\":true}",
    "{\"text\":\"d e f a b c d e f running caf\\u00e9 a a b b c c e d c b a f f e e d d a c e b d "
    "f\",\"explain\":true,"
    "\"slots\":[{\"id\":\"s\",\"count\":3,\"size\":[\"1x1\"],\"floor\":0.5},{\"id\":\"t\","
    "\"count\":"
    "100}]}",
    "{\"keywords\":[\"a\",\"a b\",\"f\"],\"title\":\"b c\",\"url\":\"https://x.example/a/b?c=d\","
    "\"unique\":\"none\",\"slots\":[{\"id\":\"s\",\"count\":9}],\"now\":\"2026-11-21T05:00:00Z\","
    "\"context\":{\"country\":\"US\",\"device\":[\"mobile\"],\"kv\":{\"k\":[\"v\"]},"
    "\"timezone\":\"Europe/Berlin\"},"
    "\"block\":{\"advertisers\":[\"acme\"],\"categories\":[\"IAB7\"],\"domains\":[\"b.c\"]}}",
};

static void fuzz_check_answer(const struct am_api_response *response) {
    enum { NODES = 1 << 18 };
    static struct am_json_node nodes[NODES];
    struct am_json json;
    /* 500: the answer does not fit, which only an image with absurd texts brings about. */
    fuzz_require(response->status == 200 || response->status == 500);
    /* An image's creative is JSON by the builder's word only: it is copied, not read. */
    if (response->status != 200)
        fuzz_require(am_json_parse(response->body, nodes, NODES, &json, NULL) == AM_OK);
}

/* Decides with the image, which must have passed the deep check. As in a server, one working memory
 * serves one image after the other. */
static void fuzz_use_image(const struct am_image *image) {
    static const struct am_api_limits limits = {1 << 16, 1000};
    static struct am_api *api;
    struct am_error error = {0};
    if (!api)
        api = am_api_new(&limits, &error);
    fuzz_require(api != NULL);
    /* Refusal is fine: time zones or languages that this machine does not know. */
    if (am_api_attach(api, image, fuzz_zones(), &error) == AM_OK)
        for (size_t i = 0; i < AM_COUNT_OF(fuzz_requests); i++) {
            const struct am_api_request request = {.content = AM_CONTENT_JSON,
                                                   .body = am_view_of(fuzz_requests[i]),
                                                   .now = 1792497600,
                                                   .test = true};
            struct am_api_response response;
            am_api_decide(api, &request, &response);
            fuzz_check_answer(&response);
        }
    else
        fuzz_require(error.message[0]);
}

#endif
