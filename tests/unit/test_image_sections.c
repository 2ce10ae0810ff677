/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of an image: optional ones that a reader skips, time zones, keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <xxhash.h>

#include "engine.h"

/* The image with one more section at its end. */
static struct am_image_bytes
with_section(const struct am_image_bytes *bytes, uint16_t id, uint16_t flags) {
    const struct am_image_header *old = bytes->data;
    size_t table = sizeof *old, entry = sizeof(struct am_image_section_entry);
    size_t size = bytes->size + 2 * AM_IMAGE_ALIGNMENT;
    char *data = aligned_alloc(AM_IMAGE_ALIGNMENT, size);
    assert_non_null(data);
    memset(data, 0, size);
    memcpy(data, bytes->data, table + old->section_count * entry);
    /* One entry more moves all sections by a cache line, and the new one comes last. */
    size_t first =
        ((const struct am_image_section_entry *)((const char *)bytes->data + table))->offset;
    memcpy(data + first + AM_IMAGE_ALIGNMENT, (const char *)bytes->data + first,
           bytes->size - first);
    struct am_image_section_entry *entries = (void *)(data + table);
    for (uint32_t i = 0; i < old->section_count; i++)
        entries[i].offset += AM_IMAGE_ALIGNMENT;
    entries[old->section_count] =
        (struct am_image_section_entry){.id = id,
                                        .flags = flags,
                                        .record_size = 8,
                                        .offset = size - AM_IMAGE_ALIGNMENT,
                                        .count = 3};
    struct am_image_header *header = (void *)data;
    header->section_count++;
    header->minor_version++;
    header->total_size = size;
    size_t checked = offsetof(struct am_image_header, total_size);
    header->checksum = XXH3_64bits(data + checked, size - checked);
    return (struct am_image_bytes){data, size};
}

static const char inventory[] =
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\"}\n"
    "{\"id\":\"a1\",\"campaign\":\"c1\",\"bid\":1,\"keywords\":[\"shoes\"]}\n"
    "{\"id\":\"a2\",\"advertiser\":\"peak\",\"bid\":1,\"keywords\":[\"boots\"],"
    "\"timezone\":\"America/New_York\",\"targeting\":{\"hour\":[0]}}\n";

static void an_unknown_optional_section_is_skipped(void **state) {
    (void)state;
    struct am_image_bytes plain = engine_build(inventory);
    struct am_image_bytes newer = with_section(&plain, 77, AM_SECTION_OPTIONAL);
    struct am_image *image;
    struct am_error error = {0};
    if (am_image_open_memory(newer.data, newer.size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK)
        fail_msg("%s", error.message);
    assert_int_equal(image->settings->ad_count, 2);
    am_image_close(image);
    am_image_bytes_free(&newer);
    am_image_bytes_free(&plain);
}

static void an_unknown_required_section_is_refused(void **state) {
    (void)state;
    struct am_image_bytes plain = engine_build(inventory);
    struct am_image_bytes newer = with_section(&plain, 77, 0);
    struct am_image *image;
    struct am_error error = {0};
    assert_int_equal(am_image_open_memory(newer.data, newer.size, "test", &image, &error),
                     AM_E_VERSION);
    assert_non_null(strstr(error.message, "section 77"));
    am_image_bytes_free(&newer);
    am_image_bytes_free(&plain);
}

static void a_known_section_cannot_come_twice(void **state) {
    (void)state;
    struct am_image_bytes plain = engine_build(inventory);
    struct am_image_bytes doubled =
        with_section(&plain, AM_SECTION_TRANSITIONS, AM_SECTION_OPTIONAL);
    struct am_image *image;
    assert_int_equal(am_image_open_memory(doubled.data, doubled.size, "test", &image, NULL),
                     AM_E_CORRUPT);
    am_image_bytes_free(&doubled);
    am_image_bytes_free(&plain);
}

/* Every zone of this machine, at times before, among and after its transitions. */
static void an_image_has_the_zones_of_the_machine_that_built_it(void **state) {
    (void)state;
    struct engine engine;
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    engine_start(&engine, inventory);
    assert_int_equal(engine.image->zone_name_count, am_timezones_count(zones));
    assert_true(engine.image->zone_count < engine.image->zone_name_count);
    assert_int_equal(engine.image->header->zones_digest, am_timezones_digest(zones));
    for (uint32_t i = 0; i < am_timezones_count(zones); i++) {
        uint32_t index;
        assert_true(am_image_find_zone(engine.image, am_timezones_name(zones, i), &index));
        const struct am_timezone zone = am_image_zone_at(engine.image, index);
        for (int64_t time = INT64_C(900000000); time < INT64_C(2300000000); time += 1234567)
            assert_int_equal(am_timezone_offset(&zone, time),
                             am_timezone_offset(am_timezones_at(zones, i), time));
    }
    assert_false(am_image_find_zone(engine.image, AM_VIEW("Atlantis/Poseidonis"), &(uint32_t){0}));
    am_timezones_free(zones);
    engine_stop(&engine);
}

AM_WRAPS static uint64_t key_of(const char *id, uint64_t kind) {
    return XXH3_64bits_withSeed(id, strlen(id), UINT64_C(0x9E3779B97F4A7C15) * (kind + 1));
}

static void keys_depend_on_kind_and_id_alone(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, inventory);
    assert_int_equal(am_image_key_of_ad(engine.image, 0), key_of("a1", 2));
    assert_int_equal(am_image_key_of_ad(engine.image, 1), key_of("a2", 2));
    assert_int_equal(am_image_key_of_campaign(engine.image, 0), key_of("c1", 1));
    assert_int_equal(engine.image->advertiser_count, 2);
    assert_int_equal(am_image_key_of_advertiser(engine.image, 0), key_of("acme", 0));
    assert_int_equal(am_image_key_of_advertiser(engine.image, 1), key_of("peak", 0));
    engine_stop(&engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_optional_section_is_skipped),
        cmocka_unit_test(an_unknown_required_section_is_refused),
        cmocka_unit_test(a_known_section_cannot_come_twice),
        cmocka_unit_test(an_image_has_the_zones_of_the_machine_that_built_it),
        cmocka_unit_test(keys_depend_on_kind_and_id_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
