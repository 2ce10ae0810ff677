/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: an inventory text to an open image and a matcher, and questions to it. */
#ifndef TESTS_ENGINE_H
#define TESTS_ENGINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/index/builder.h"
#include "../../plugin/match/match.h"

struct engine {
    struct am_image_bytes bytes;
    struct am_image *image;
    struct am_matcher *matcher;
    struct am_match_decision decision;
    char answer[4096]; /* "a1 a2 | a3": ads by slot */
};

static inline struct am_image_bytes engine_build(const char *lines) {
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_error error = {0};
    static struct am_timezones *zones;
    if (!zones)
        zones = am_timezones_load(NULL, NULL);
    struct am_inventory_load_options options = {.zones = zones};
    struct am_image_bytes bytes = {0};
    if (am_inventory_load_memory(am_view_of(lines), "test", &options, &inventory, &report,
                                 &error) != AM_OK)
        fail_msg("load: %s", error.message);
    if (am_build_image(inventory, zones, false, &bytes, &error) != AM_OK)
        fail_msg("build: %s", error.message);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    return bytes;
}

static inline void engine_start(struct engine *engine, const char *lines) {
    struct am_error error = {0};
    const struct am_matcher_limits limits = AM_MATCHER_LIMITS_DEFAULT;
    *engine = (struct engine){.bytes = engine_build(lines)};
    if (am_image_open_memory(engine->bytes.data, engine->bytes.size, "test", &engine->image,
                             &error) ||
        am_image_verify(engine->image, &error))
        fail_msg("open: %s", error.message);
    engine->matcher = am_matcher_new(&limits, &error);
    assert_non_null(engine->matcher);
    if (am_matcher_attach(engine->matcher, engine->image, &error))
        fail_msg("attach: %s", error.message);
}

static inline void engine_stop(struct engine *engine) {
    am_matcher_free(engine->matcher);
    am_image_close(engine->image);
    am_image_bytes_free(&engine->bytes);
}

/* Decides and writes the ads' ids by slot. */
static inline const char *engine_decide(struct engine *engine,
                                        const struct am_match_request *request) {
    struct am_error error = {0};
    if (am_match_decide(engine->matcher, request, &engine->decision, &error) != AM_OK)
        fail_msg("decide: %s", error.message);
    size_t at = 0, ad = 0;
    engine->answer[0] = '\0';
    for (uint32_t slot = 0; slot < request->slot_count; slot++) {
        if (slot)
            at += (size_t)sprintf(engine->answer + at, "| ");
        for (uint32_t i = 0; i < engine->decision.slot_filled[slot]; i++, ad++) {
            struct am_view id = am_image_string(
                engine->image, engine->image->details[engine->decision.ads[ad].ad].id);
            at += (size_t)sprintf(engine->answer + at, "%.*s ", AM_VIEW_ARGUMENTS(id));
        }
    }
    return engine->answer;
}

/* One slot of `count` ads for a text field (kind) and nothing else. */
static inline const char *
engine_ask(struct engine *engine, enum am_match_field_kind kind, const char *text, uint32_t count) {
    struct am_match_field field = {kind, 0, am_view_of(text)};
    struct am_match_slot slot = {.count = count};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = &field,
                                       .field_count = 1,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .unique = AM_UNIQUE_AD};
    return engine_decide(engine, &request);
}

#endif
