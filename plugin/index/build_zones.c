/* SPDX-License-Identifier: Apache-2.0 */
/* The time zones of this machine, so that an image means the same on every other. */
#include "build.h"

static bool transitions_equal(const struct am_builder *builder,
                              const struct am_image_zone *zone,
                              const struct am_timezone *wanted) {
    const struct am_timezone_transition *transitions =
        AM_VECTOR_AT(&builder->transitions, struct am_timezone_transition, zone->first_transition);
    return memcmp(transitions, wanted->transitions, wanted->count * sizeof *transitions) == 0;
}

static bool zone_equal(const void *context, uint32_t id, const void *key) {
    const struct am_builder *builder = context;
    const struct am_timezone *wanted = key;
    const struct am_image_zone *zone = AM_VECTOR_AT(&builder->zones, struct am_image_zone, id);
    return zone->transition_count == wanted->count && zone->first_offset == wanted->first_offset &&
           memcmp(&zone->rule, &wanted->rule, sizeof zone->rule) == 0 &&
           (wanted->count == 0 || transitions_equal(builder, zone, wanted));
}

static bool add_zone(struct am_builder *builder, const struct am_timezone *zone) {
    struct am_image_zone record = {.first_transition = (uint32_t)builder->transitions.count,
                                   .transition_count = zone->count,
                                   .first_offset = zone->first_offset,
                                   .rule = zone->rule};
    void *room = am_vector_extend(&builder->transitions, zone->count);
    if (!room && zone->count)
        return false;
    if (zone->count)
        memcpy(room, zone->transitions, zone->count * sizeof *zone->transitions);
    return am_vector_push(&builder->zones, &record);
}

/* Many names stand for the same zone. */
static bool
add_name(struct am_builder *builder, struct am_view name, const struct am_timezone *zone) {
    struct am_view transitions = {(const char *)zone->transitions,
                                  zone->count * sizeof *zone->transitions};
    struct am_view rule = {(const char *)&zone->rule, sizeof zone->rule};
    struct am_intern_slot *slot = am_intern_find(
        &builder->zone_table,
        am_keyed_hash_pair(am_keyed_hash(transitions).value, am_keyed_hash(rule).value), zone_equal,
        builder, zone);
    if (!slot)
        return false;
    if (slot->id == UINT32_MAX) {
        if (!add_zone(builder, zone))
            return false;
        slot->id = (uint32_t)(builder->zones.count - 1);
    }
    struct am_image_zone_name named = {am_build_pools_string(&builder->pools, name), slot->id};
    return am_vector_push(&builder->zone_names, &named);
}

static bool unknown_zone(struct am_view name, struct am_error *error) {
    am_error_set(error, AM_E_INVALID,
                 "the inventory names the time zone %.*s, which this machine does not know: "
                 "install the package tzdata",
                 AM_VIEW_ARGUMENTS(name));
    return false;
}

static bool
check_zone(const struct am_builder *builder, struct am_view name, struct am_error *error) {
    uint32_t zone;
    return name.size == 0 || am_build_find_zone(builder, name, &zone) || unknown_zone(name, error);
}

static bool check_inventory(const struct am_builder *builder, struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    if (!check_zone(builder, inventory->timezone, error))
        return false;
    for (uint32_t i = 0; i < inventory->advertiser_count; i++)
        if (!check_zone(builder, inventory->advertisers[i].timezone, error))
            return false;
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        if (!check_zone(builder, inventory->campaigns[i].rules.timezone, error))
            return false;
    for (uint32_t i = 0; i < inventory->ad_count; i++)
        if (!check_zone(builder, inventory->ads[i].rules.timezone, error))
            return false;
    return true;
}

bool am_build_find_zone(const struct am_builder *builder, struct am_view name, uint32_t *zone) {
    const struct am_image_zone_name *found = am_image_find_zone_name(
        builder->zone_names.data, builder->zone_names.count, builder->pools.strings.data, name);
    if (found)
        *zone = found->zone;
    return found;
}

bool am_build_zones(struct am_builder *builder, struct am_error *error) {
    static const struct am_timezone utc;
    const struct am_timezones *zones = builder->timezones;
    if (!zones && !add_name(builder, AM_VIEW("UTC"), &utc))
        return am_build_out_of_memory(error);
    for (uint32_t i = 0; zones && i < am_timezones_count(zones); i++)
        if (!add_name(builder, am_timezones_name(zones, i), am_timezones_at(zones, i)))
            return am_build_out_of_memory(error);
    return builder->pools.failure || check_inventory(builder, error);
}
