/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check of time zones, advertisers and keys: images made by hand, each with one fault. */
#include "faults.h"

static uint32_t add_zone(struct image_writer *writer) {
    static const struct am_image_zone berlin = {
        .first_offset = 3600,
        .rule = {.standard = 3600,
                 .saving = 7200,
                 .begin = {.kind = 'M', .month = 3, .week = 5, .time = 7200},
                 .end = {.kind = 'M', .month = 10, .week = 5, .time = 10800},
                 .saves = 1},
    };
    uint32_t zone = image_writer_add(writer, AM_SECTION_ZONES, &berlin);
    AT(writer, ZONES, zone, zone)->first_transition =
        (uint32_t)image_writer_count(writer, AM_SECTION_TRANSITIONS);
    return zone;
}

static void add_name(struct image_writer *writer, const char *name, uint32_t zone) {
    const struct am_image_zone_name named = {image_writer_string(writer, am_view_of(name)), zone};
    image_writer_add(writer, AM_SECTION_ZONE_NAMES, &named);
}

static void add_transition(struct image_writer *writer, uint32_t zone, int64_t time) {
    const struct am_timezone_transition transition = {.time = time, .offset = 3600};
    image_writer_add(writer, AM_SECTION_TRANSITIONS, &transition);
    AT(writer, ZONES, zone, zone)->transition_count++;
}

static void zone_with_transitions(struct image_writer *writer) {
    uint32_t zone = add_zone(writer);
    add_name(writer, "Zone/A", zone);
    add_name(writer, "Zone/B", zone);
    add_transition(writer, zone, 1000000000);
    add_transition(writer, zone, 1100000000);
}

static void zones_without_utc(struct image_writer *writer) {
    AT(writer, ZONE_NAMES, zone_name, 0)->name = image_writer_string(writer, AM_VIEW("UTX"));
}

static void zone_name_twice(struct image_writer *writer) {
    add_name(writer, "UTC", 0);
}

static void zone_names_out_of_order(struct image_writer *writer) {
    add_name(writer, "Africa/Lagos", 0);
}

static void name_of_no_zone(struct image_writer *writer) {
    add_name(writer, "Zone/A", 1);
}

static void zone_without_name(struct image_writer *writer) {
    add_name(writer, "", 0);
}

static void offset_of_months(struct image_writer *writer) {
    AT(writer, ZONES, zone, 0)->first_offset = 10000000;
}

static void rule_of_month_13(struct image_writer *writer) {
    AT(writer, ZONES, zone, add_zone(writer))->rule.begin.month = 13;
}

static void rule_of_day_8(struct image_writer *writer) {
    AT(writer, ZONES, zone, add_zone(writer))->rule.end.day = 8;
}

static void rule_of_no_kind(struct image_writer *writer) {
    AT(writer, ZONES, zone, add_zone(writer))->rule.begin.kind = 'X';
}

static void rule_that_saves_twice(struct image_writer *writer) {
    AT(writer, ZONES, zone, add_zone(writer))->rule.saves = 2;
}

static void transitions_that_go_back(struct image_writer *writer) {
    uint32_t zone = add_zone(writer);
    add_transition(writer, zone, 1100000000);
    add_transition(writer, zone, 1000000000);
}

static void transition_after_all_years(struct image_writer *writer) {
    add_transition(writer, add_zone(writer), INT64_MAX);
}

static void transition_of_no_zone(struct image_writer *writer) {
    add_transition(writer, 0, 1000000000);
    AT(writer, ZONES, zone, 0)->transition_count = 0;
}

static void transitions_beyond_the_last(struct image_writer *writer) {
    AT(writer, ZONES, zone, 0)->transition_count = 1;
}

static void transitions_shared(struct image_writer *writer) {
    uint32_t first = add_zone(writer);
    add_transition(writer, first, 1000000000);
    uint32_t second = add_zone(writer);
    AT(writer, ZONES, zone, second)->first_transition = 0;
    AT(writer, ZONES, zone, second)->transition_count = 1;
}

static void key_of_another_id(const struct am_image_bytes *bytes) {
    uint64_t *keys = image_writer_section(bytes, AM_SECTION_KEYS, NULL);
    keys[0] ^= 1;
}

static void advertiser_of_a_label(const struct am_image_bytes *bytes) {
    uint32_t *advertisers = image_writer_section(bytes, AM_SECTION_ADVERTISERS, NULL);
    advertisers[0] = SAMPLE_LABEL;
}

static const struct fault faults[] = {
    WRITER(zone_with_transitions, SOUND),
    WRITER(zones_without_utc, "UTC is missing"),
    WRITER(zone_name_twice, "the names do not ascend"),
    WRITER(zone_names_out_of_order, "the names do not ascend"),
    WRITER(name_of_no_zone, "no such string or zone"),
    WRITER(zone_without_name, "no such string or zone"),
    WRITER(offset_of_months, "an offset or rule out of range"),
    WRITER(rule_of_month_13, "an offset or rule out of range"),
    WRITER(rule_of_day_8, "an offset or rule out of range"),
    WRITER(rule_of_no_kind, "an offset or rule out of range"),
    WRITER(rule_that_saves_twice, "an offset or rule out of range"),
    WRITER(transitions_that_go_back, "its transitions do not ascend"),
    WRITER(transition_after_all_years, "its transitions do not ascend"),
    WRITER(transition_of_no_zone, "it belongs to no zone"),
    WRITER(transitions_beyond_the_last, "its transitions are out of place"),
    WRITER(transitions_shared, "its transitions are out of place"),
    BYTES(key_of_another_id, "it is not that of its id"),
    BYTES(advertiser_of_a_label, "they are not the terms of advertisers"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
