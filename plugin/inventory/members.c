/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a record by their names, and values that are one of a few names. */
#include <stdio.h>

#include "hints.h"
#include "reader.h"

enum { NAMES_MOST = 8 };

enum { MAX_NAMES = 40 };

static void warn_unknown(struct am_inventory_reader *reader,
                         enum am_inventory_object object,
                         const struct am_json_node *key,
                         const struct am_inventory_members *members,
                         size_t count) {
    const char *names[MAX_NAMES] = {"type"};
    size_t name_count = 1;
    for (size_t i = 0; i < count; i++)
        for (const struct am_inventory_member *member = members[i].list; member->name; member++)
            names[name_count++] = member->name;
    struct am_view name = am_inventory_reader_string(reader, key);
    char hint[AM_HINT_SIZE];
    am_inventory_reader_warning(reader, "unknown member \"" AM_QUOTED "\"%s",
                                AM_QUOTED_ARGUMENTS(name),
                                am_inventory_hint_member(object, name, names, hint));
}

/* False: none of the lists has it. */
static bool read_member(struct am_inventory_reader *reader,
                        const struct am_json_node *key,
                        const struct am_json_node *value,
                        const struct am_inventory_members *members,
                        size_t count) {
    for (size_t i = 0; i < count; i++)
        for (const struct am_inventory_member *member = members[i].list; member->name; member++)
            if (am_json_string_is(&reader->json, key, member->name)) {
                member->read(reader, member->name, value, members[i].record);
                return true;
            }
    return false;
}

void am_inventory_read_members(struct am_inventory_reader *reader,
                               enum am_inventory_object object,
                               const struct am_inventory_members *members,
                               size_t count) {
    const struct am_json_node *root = reader->json.nodes;
    const struct am_json_node *key = am_json_first(root);
    for (uint32_t i = 0; i < root->children; i++) {
        const struct am_json_node *value = am_json_after(&reader->json, key);
        if (!read_member(reader, key, value, members, count) &&
            !am_json_string_is(&reader->json, key, "type"))
            warn_unknown(reader, object, key, members, count);
        key = am_json_after(&reader->json, value);
    }
}

void am_inventory_read_timezone(struct am_inventory_reader *reader,
                                const char *name,
                                const struct am_json_node *value,
                                struct am_view *timezone) {
    if (!am_inventory_read_text(reader, name, value, AM_ID_MAX_BYTES, timezone))
        return;
    const struct am_timezones *zones = reader->options->zones;
    if (zones && !am_timezone_find(zones, *timezone))
        am_inventory_reader_expected_meant(
            reader, name, "an IANA time zone that this machine knows (package tzdata)", value,
            am_inventory_meant_timezone(zones, *timezone));
}

void am_inventory_reader_unknown(struct am_inventory_reader *reader,
                                 const char *name,
                                 const char *what,
                                 struct am_view found,
                                 const char *const *names) {
    const char *nearest = am_model_nearest_name(found, names);
    char all[128] = "";
    for (size_t i = 0, used = 0; names[i] && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s\"%s\"",
                                 i == 0         ? ""
                                 : names[i + 1] ? ", "
                                                : " or ",
                                 names[i]);
    am_inventory_reader_error(reader, "%s: %s \"" AM_QUOTED "\": expected %s%s%s%s", name, what,
                              AM_QUOTED_ARGUMENTS(found), all, nearest ? "; did you mean \"" : "",
                              nearest ? nearest : "", nearest ? "\"?" : "");
}

bool am_inventory_read_name(struct am_inventory_reader *reader,
                            const char *name,
                            const struct am_json_node *value,
                            const char *const *names,
                            size_t count,
                            uint8_t *which) {
    const char *list[NAMES_MOST] = {NULL};
    for (size_t i = 0; i < count && i + 1 < NAMES_MOST; i++) {
        list[i] = names[i];
        if (!am_json_string_is(&reader->json, value, names[i]))
            continue;
        *which = (uint8_t)i;
        return true;
    }
    struct am_view found = value->type == AM_JSON_STRING ? am_inventory_reader_string(reader, value)
                                                         : am_json_raw(&reader->json, value);
    am_inventory_reader_unknown(reader, name, "unknown value", found, list);
    return false;
}
