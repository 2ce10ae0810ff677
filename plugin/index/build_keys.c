/* SPDX-License-Identifier: Apache-2.0 */
/* The stable keys of ads, campaigns and advertisers. */
#include "../model/keys.h"
#include "build.h"

static bool list_advertisers(struct am_builder *builder) {
    const struct am_image_term *terms = builder->pools.terms.data;
    for (uint32_t term = 0; term < builder->pools.terms.count; term++)
        if (terms[term].kind == AM_TERM_ADVERTISER && !am_vector_push(&builder->advertisers, &term))
            return false;
    return true;
}

/* The kind and id of a record, by the index of its key. */
static struct am_view
record_of_key(const struct am_builder *builder, size_t at, enum am_model_record *record) {
    const struct am_inventory *inventory = builder->inventory;
    if (at < inventory->ad_count) {
        *record = AM_RECORD_AD;
        return inventory->ads[at].id;
    }
    at -= inventory->ad_count;
    if (at < inventory->campaign_count) {
        *record = AM_RECORD_CAMPAIGN;
        return inventory->campaigns[at].id;
    }
    at -= inventory->campaign_count;
    uint32_t term = *AM_VECTOR_AT(&builder->advertisers, uint32_t, at);
    *record = AM_RECORD_ADVERTISER;
    return am_build_string(builder,
                           AM_VECTOR_AT(&builder->pools.terms, struct am_image_term, term)->text);
}

static bool
equal_keys(const struct am_builder *builder, size_t a, size_t b, struct am_error *error) {
    static const char *const names[AM_RECORDS] = {"advertiser", "campaign", "ad"};
    enum am_model_record kinds[2];
    struct am_view ids[2] = {record_of_key(builder, a, &kinds[0]),
                             record_of_key(builder, b, &kinds[1])};
    am_error_set(error, AM_E_INVALID,
                 "%s \"%.*s\" and %s \"%.*s\" have the same stable key, by which events and money "
                 "are counted: rename one of them",
                 names[kinds[0]], AM_VIEW_ARGUMENTS(ids[0]), names[kinds[1]],
                 AM_VIEW_ARGUMENTS(ids[1]));
    return false;
}

static size_t home_of(uint64_t key, size_t capacity) {
    return am_keyed_hash_pair(key, 0).value & (capacity - 1);
}

/* Open addressing; a slot holds the index of a key. Keys are hashes, but not keyed ones. */
static bool check_distinct(const struct am_builder *builder, struct am_error *error) {
    const uint64_t *keys = builder->keys.data;
    size_t count = builder->keys.count, capacity = 16;
    while (capacity < 2 * count)
        capacity *= 2;
    uint32_t *slots = calloc(capacity, sizeof *slots); /* index + 1; 0: empty */
    bool distinct = slots != NULL;
    if (!slots)
        am_build_out_of_memory(error);
    for (size_t i = 0; distinct && i < count; i++) {
        if (i + AM_FETCH_AHEAD < count)
            __builtin_prefetch(&slots[home_of(keys[i + AM_FETCH_AHEAD], capacity)], 1);
        size_t at = home_of(keys[i], capacity);
        while (slots[at] && keys[slots[at] - 1] != keys[i])
            at = (at + 1) & (capacity - 1);
        if (slots[at])
            distinct = equal_keys(builder, slots[at] - 1, i, error);
        slots[at] = (uint32_t)(i + 1);
    }
    free(slots);
    return distinct;
}

bool am_build_keys(struct am_builder *builder, struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    if (!list_advertisers(builder))
        return am_build_out_of_memory(error);
    size_t count = (size_t)inventory->ad_count + inventory->campaign_count;
    count += builder->advertisers.count;
    if (count >= UINT32_MAX)
        return am_build_too_many(error, "ads, campaigns and advertisers");
    uint64_t *keys = am_vector_extend(&builder->keys, count);
    if (!keys && count)
        return am_build_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        enum am_model_record record;
        struct am_view id = record_of_key(builder, i, &record);
        keys[i] = am_model_key(record, id);
    }
    return check_distinct(builder, error);
}
