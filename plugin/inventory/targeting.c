/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting objects to trees. */
#include <stdio.h>

#include "../model/countries.h"
#include "hints.h"
#include "hours.h"
#include "reader.h"

static const char *const member_names[] = {
    "country",   "region",   "metro", "city",  "device", "os",  "browser", "language", "site",
    "placement", "category", "hour",  "hours", "kv",     "not", "all",     "any",      NULL};

static bool read_object(struct am_inventory_reader *reader,
                        const struct am_json_node *value,
                        unsigned depth,
                        struct am_inventory_targeting *node);

/* The children collected in `children` become those of `node`. */
static void adopt(struct am_inventory_reader *reader,
                  struct am_vector *children,
                  struct am_inventory_targeting *node) {
    node->children = am_inventory_reader_keep(reader, children);
    node->count = (uint32_t)children->count;
}

static bool read_objects(struct am_inventory_reader *reader,
                         const char *name,
                         const struct am_json_node *value,
                         unsigned depth,
                         struct am_inventory_targeting *node) {
    if (value->type != AM_JSON_ARRAY || value->children == 0) {
        am_inventory_reader_expected(reader, name, "a list of at least one targeting object",
                                     value);
        return false;
    }
    struct am_vector children = AM_VECTOR_OF(struct am_inventory_targeting);
    const struct am_json_node *item = am_json_first(value);
    bool fine = true;
    for (uint32_t i = 0; fine && i < value->children; i++) {
        struct am_inventory_targeting child;
        fine = read_object(reader, item, depth + 1, &child);
        if (fine && !am_vector_push(&children, &child))
            fine = !(reader->out_of_memory = true);
        item = am_json_after(&reader->json, item);
    }
    adopt(reader, &children, node);
    am_vector_free(&children);
    return fine;
}

static bool read_not(struct am_inventory_reader *reader,
                     const struct am_json_node *value,
                     unsigned depth,
                     struct am_inventory_targeting *node) {
    struct am_inventory_targeting child;
    struct am_vector children = AM_VECTOR_OF(struct am_inventory_targeting);
    if (value->type != AM_JSON_OBJECT) {
        am_inventory_reader_expected(reader, "targeting.not", "an object", value);
        return false;
    }
    if (!read_object(reader, value, depth + 1, &child))
        return false;
    bool fine = am_vector_push(&children, &child);
    reader->out_of_memory |= !fine;
    adopt(reader, &children, node);
    am_vector_free(&children);
    return fine;
}

static bool is_country(struct am_view code) {
    return code.size == 2 && code.data[0] >= 'a' && code.data[0] <= 'z' && code.data[1] >= 'a' &&
           code.data[1] <= 'z';
}

static bool refuse_country(struct am_inventory_reader *reader,
                           const char *name,
                           struct am_view code,
                           const struct am_json_node *item) {
    struct am_view meant = am_model_country_short(code);
    if (meant.data)
        am_inventory_reader_error(reader,
                                  "%s: expected ISO 3166 alpha-2 codes, found \"" AM_QUOTED
                                  "\", did you mean \"%.*s\"?",
                                  name, AM_QUOTED_ARGUMENTS(code), AM_VIEW_ARGUMENTS(meant));
    else
        am_inventory_reader_expected(reader, name, "ISO 3166 alpha-2 codes like \"US\"", item);
    return false;
}

static bool read_values(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        struct am_inventory_targeting *node) {
    struct am_vector values = AM_VECTOR_OF(struct am_view);
    const struct am_json_node *item = am_json_first(value);
    bool fine = true;
    for (uint32_t i = 0; fine && i < value->children; i++) {
        struct am_view text;
        fine = am_inventory_read_text(reader, name, item, AM_ID_MAX_BYTES, &text);
        if (fine) /* the arena's copy is ours: fold it in place */
            text = am_model_attribute_fold(node->attribute, text, (char *)(uintptr_t)text.data);
        if (fine && node->attribute == AM_ATTRIBUTE_COUNTRY && !is_country(text))
            fine = refuse_country(reader, name, text, item);
        if (fine)
            text = am_inventory_hint_value(reader, name, node->attribute, text);
        if (fine && !am_vector_push(&values, &text))
            fine = !(reader->out_of_memory = true);
        item = am_json_after(&reader->json, item);
    }
    values.count = am_inventory_sort_views(values.data, (uint32_t)values.count);
    node->values = am_inventory_reader_keep(reader, &values);
    node->count = (uint32_t)values.count;
    am_vector_free(&values);
    return fine;
}

static bool read_hours(struct am_inventory_reader *reader,
                       const struct am_json_node *value,
                       struct am_inventory_targeting *node) {
    const struct am_json_node *item = am_json_first(value);
    node->kind = AM_TARGETING_HOURS;
    for (uint32_t i = 0; i < value->children; i++) {
        int64_t hour;
        if (!am_inventory_read_number(reader, "targeting.hour", item, 0, 0, 167,
                                      "hours of the week, 0 (Monday 00:00) to 167", &hour))
            return false;
        node->hours[hour / 64] |= UINT64_C(1) << hour % 64;
        item = am_json_after(&reader->json, item);
    }
    if (value->children > 1 && !node->hours[1] && !node->hours[2] && node->hours[0] >> 24 == 0)
        am_inventory_reader_warning(reader,
                                    "targeting.hour: these are hours of Monday, did you mean those "
                                    "of every day, as in \"hours\":[\"mon-sun 09:00-18:00\"]?");
    return true;
}

/* The strings of a list, ", " between them. */
static bool read_times(struct am_inventory_reader *reader,
                       const struct am_json_node *value,
                       struct am_inventory_week *week,
                       struct am_vector *written) {
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        struct am_view text = {"", 0};
        if (item->type == AM_JSON_STRING)
            text = am_inventory_reader_string(reader, item);
        if (!am_inventory_week_add(week, text)) {
            char meant[AM_MEANT_SIZE];
            am_inventory_reader_expected_meant(reader, "targeting.hours",
                                               "times like \"mon-fri 09:00-18:00\"", item,
                                               am_inventory_meant_hours(text, meant));
            return false;
        }
        char *place = am_vector_extend(written, text.size + (i ? 2 : 0));
        if (!place)
            return !(reader->out_of_memory = true);
        if (i)
            place = (char *)memcpy(place, ", ", 2) + 2;
        memcpy(place, text.data, text.size);
        item = am_json_after(&reader->json, item);
    }
    return true;
}

static bool keep_runs(struct am_inventory_reader *reader,
                      const struct am_inventory_week *week,
                      struct am_inventory_targeting *node) {
    struct am_vector runs = AM_VECTOR_OF(uint32_t);
    uint32_t *items = am_vector_extend(&runs, AM_INVENTORY_WEEK_RUNS);
    if (!items)
        return !(reader->out_of_memory = true);
    runs.count = node->count = am_inventory_week_runs(week, items);
    bool fine = runs.count <= AM_HOURS_MAX_RUNS;
    if (fine)
        node->times = am_inventory_reader_keep(reader, &runs);
    else
        am_inventory_reader_error(reader,
                                  "targeting.hours: %zu times of a week apart, expected at most %d",
                                  runs.count, AM_HOURS_MAX_RUNS);
    am_vector_free(&runs);
    return fine;
}

static bool read_week(struct am_inventory_reader *reader,
                      const struct am_json_node *value,
                      struct am_inventory_targeting *node) {
    struct am_inventory_week week = {0};
    struct am_vector written = AM_VECTOR_OF(char);
    bool fine = read_times(reader, value, &week, &written);
    node->kind = AM_TARGETING_TIMES;
    if (fine && written.count > AM_HOURS_MAX_BYTES) {
        am_inventory_reader_error(reader,
                                  "targeting.hours: %zu bytes of times, expected at most %d",
                                  written.count, AM_HOURS_MAX_BYTES);
        fine = false;
    }
    fine = fine && keep_runs(reader, &week, node);
    if (fine)
        node->written =
            am_inventory_reader_keep_text(reader, (struct am_view){written.data, written.count});
    am_vector_free(&written);
    return fine;
}

/* "attribute": [values] */
static bool read_attribute(struct am_inventory_reader *reader,
                           enum am_model_attribute attribute,
                           struct am_view key,
                           const struct am_json_node *value,
                           struct am_inventory_targeting *node) {
    char name[128];
    snprintf(name, sizeof name, "targeting.%s%s" AM_QUOTED, am_model_attribute_name(attribute),
             key.size ? "." : "", AM_QUOTED_ARGUMENTS(key));
    *node = (struct am_inventory_targeting){
        .kind = AM_TARGETING_IN, .attribute = attribute, .key = key};
    if (value->type != AM_JSON_ARRAY) {
        am_inventory_reader_expected(reader, name, "a list", value);
        return false;
    }
    if (value->children == 0) {
        am_inventory_reader_error(reader, "%s: an empty list matches nothing; leave the member out",
                                  name);
        return false;
    }
    switch (attribute) {
    case AM_ATTRIBUTE_HOUR:
        return read_hours(reader, value, node);
    case AM_ATTRIBUTE_HOURS:
        return read_week(reader, value, node);
    default:
        return read_values(reader, name, value, node);
    }
}

static bool read_key_values(struct am_inventory_reader *reader,
                            const struct am_json_node *value,
                            struct am_vector *children) {
    if (value->type != AM_JSON_OBJECT) {
        am_inventory_reader_expected(reader, "targeting.kv", "an object of lists", value);
        return false;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *values = am_json_after(&reader->json, key);
        struct am_view name;
        struct am_inventory_targeting child;
        if (!am_inventory_read_text(reader, "targeting.kv", key, AM_ID_MAX_BYTES, &name) ||
            !read_attribute(reader, AM_ATTRIBUTE_KV, name, values, &child))
            return false;
        if (!am_vector_push(children, &child))
            return !(reader->out_of_memory = true);
        key = am_json_after(&reader->json, values);
    }
    return true;
}

static bool read_member(struct am_inventory_reader *reader,
                        struct am_view name,
                        const struct am_json_node *value,
                        unsigned depth,
                        struct am_vector *children) {
    struct am_inventory_targeting child = {0};
    bool fine;
    if (am_view_equal(name, AM_VIEW("kv")))
        return read_key_values(reader, value, children);
    if (am_view_equal(name, AM_VIEW("not"))) {
        child.kind = AM_TARGETING_NOT;
        fine = read_not(reader, value, depth, &child);
    } else if (am_view_equal(name, AM_VIEW("all")) || am_view_equal(name, AM_VIEW("any"))) {
        bool all = name.data[1] == 'l';
        child.kind = all ? AM_TARGETING_ALL : AM_TARGETING_ANY;
        fine = read_objects(reader, all ? "targeting.all" : "targeting.any", value, depth, &child);
    } else if (am_model_attribute_of(name) != AM_ATTRIBUTES) {
        fine = read_attribute(reader, am_model_attribute_of(name), (struct am_view){"", 0}, value,
                              &child);
    } else {
        char hint[AM_HINT_SIZE];
        am_inventory_reader_error(
            reader, "targeting: unknown attribute \"" AM_QUOTED "\"%s", AM_QUOTED_ARGUMENTS(name),
            am_inventory_hint_member(AM_OBJECT_TARGETING, name, member_names, hint));
        return false;
    }
    if (fine && !am_vector_push(children, &child))
        fine = !(reader->out_of_memory = true);
    return fine;
}

static bool read_object(struct am_inventory_reader *reader,
                        const struct am_json_node *value,
                        unsigned depth,
                        struct am_inventory_targeting *node) {
    *node = (struct am_inventory_targeting){.kind = AM_TARGETING_ALL};
    if (value->type != AM_JSON_OBJECT) {
        am_inventory_reader_expected(reader, "targeting", "an object", value);
        return false;
    }
    if (depth > AM_TARGETING_MAX_DEPTH) {
        am_inventory_reader_error(reader, "targeting: nested deeper than %d objects",
                                  AM_TARGETING_MAX_DEPTH);
        return false;
    }
    struct am_vector children = AM_VECTOR_OF(struct am_inventory_targeting);
    const struct am_json_node *key = am_json_first(value);
    bool fine = true;
    for (uint32_t i = 0; fine && i < value->children; i++) {
        const struct am_json_node *member = am_json_after(&reader->json, key);
        char copy[AM_ID_MAX_BYTES];
        struct am_view name = am_inventory_reader_string(reader, key);
        name.size = name.size < sizeof copy ? name.size : sizeof copy;
        memcpy(copy, name.data, name.size); /* others are decoded below */
        fine = read_member(reader, (struct am_view){copy, name.size}, member, depth, &children);
        key = am_json_after(&reader->json, member);
    }
    adopt(reader, &children, node);
    am_vector_free(&children);
    return fine;
}

bool am_inventory_read_targeting(struct am_inventory_reader *reader,
                                 const struct am_json_node *value,
                                 const struct am_inventory_targeting **targeting) {
    struct am_inventory_targeting root;
    if (!read_object(reader, value, 1, &root))
        return false;
    *targeting = NULL;
    if (root.count == 0)
        return true;
    struct am_inventory_targeting *kept = am_arena_take(&reader->inventory->arena, sizeof *kept);
    if (!kept)
        return !(reader->out_of_memory = true);
    *kept = root;
    *targeting = kept;
    return true;
}
