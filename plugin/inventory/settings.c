/* SPDX-License-Identifier: Apache-2.0 */
/* Members of the `inventory` line. */
#include "../text/stem.h"
#include "hints.h"
#include "reader.h"

static void read_currency(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    struct am_view code;
    char meant[AM_MEANT_CURRENCY];
    if (!am_inventory_read_text(reader, name, value, AM_ID_MAX_BYTES, &code))
        return;
    bool fine = code.size == 3;
    for (size_t i = 0; i < code.size; i++)
        fine &= code.data[i] >= 'A' && code.data[i] <= 'Z';
    if (fine)
        ((struct am_inventory *)record)->currency = code;
    else
        am_inventory_reader_expected_meant(reader, name, "an ISO 4217 code like \"USD\"", value,
                                           am_inventory_meant_currency(code, meant));
}

static void
say_unknown_language(struct am_inventory_reader *reader, const char *member, struct am_view name) {
    const char *names[AM_LANGUAGE_NAMES_MOST];
    am_text_language_names(names);
    const char *nearest = am_inventory_meant_language(name);
    nearest = nearest ? nearest : am_model_nearest_name(name, names);
    am_inventory_reader_error(reader, "%s: unknown language \"" AM_QUOTED "\"%s%s%s", member,
                              AM_QUOTED_ARGUMENTS(name), nearest ? ", did you mean \"" : "",
                              nearest ? nearest : ": expected a code of ISO 639-1, such as \"en\"",
                              nearest ? "\"?" : "");
}

static void read_language(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    struct am_view *language = &((struct am_inventory *)record)->language;
    if (!am_inventory_read_text(reader, name, value, AM_ID_MAX_BYTES, language))
        return;
    reader->language_line = reader->line;
    enum am_code code = am_text_language_check(*language);
    reader->out_of_memory |= code == AM_E_MEMORY;
    if (code == AM_E_INVALID)
        say_unknown_language(reader, name, *language);
}

static void read_fold_accents(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              void *record) {
    reader->has_fold_accents = true;
    am_inventory_read_boolean(reader, name, value, &((struct am_inventory *)record)->fold_accents);
}

static void read_stem(struct am_inventory_reader *reader,
                      const char *name,
                      const struct am_json_node *value,
                      void *record) {
    struct am_inventory *inventory = record;
    am_inventory_read_boolean(reader, name, value, &inventory->stem);
    reader->has_stem = true;
}

static void read_spelling(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    am_inventory_read_boolean(reader, name, value, &((struct am_inventory *)record)->spelling);
}

static void read_broad_window(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              void *record) {
    int64_t window;
    if (am_inventory_read_number(reader, name, value, 0, 1, AM_BROAD_WINDOW_MAX,
                                 "an integer from 1 to 64", &window))
        ((struct am_inventory *)record)->broad_window = (uint32_t)window;
}

static void read_match_weight(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              void *record) {
    static const char *const weight_names[] = {[AM_MATCH_EXACT] = "match_weight.exact",
                                               [AM_MATCH_PHRASE] = "match_weight.phrase",
                                               [AM_MATCH_BROAD] = "match_weight.broad"};
    struct am_inventory *inventory = record;
    if (value->type != AM_JSON_OBJECT) {
        am_inventory_reader_expected(reader, name, "an object of exact, phrase and broad", value);
        return;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *weight = am_json_after(&reader->json, key);
        int type = AM_MATCH_EXACT;
        while (type <= AM_MATCH_BROAD &&
               !am_json_string_is(&reader->json, key,
                                  am_model_match_type_name((enum am_model_match_type)type)))
            type++;
        if (type > AM_MATCH_BROAD)
            am_inventory_reader_expected(reader, name, "members exact, phrase and broad", key);
        else
            am_inventory_read_number(reader, weight_names[type], weight, 3, 0, AM_PER_MILLE_MAX,
                                     "a decimal from 0 to 1000 with at most 3 decimals",
                                     &inventory->match_weight[type]);
        key = am_json_after(&reader->json, weight);
    }
}

static void read_timezone(struct am_inventory_reader *reader,
                          const char *name,
                          const struct am_json_node *value,
                          void *record) {
    am_inventory_read_timezone(reader, name, value, &((struct am_inventory *)record)->timezone);
}

static void read_unique(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    const char *names[AM_UNIQUES];
    for (int i = 0; i < AM_UNIQUES; i++)
        names[i] = am_model_unique_name((enum am_model_unique)i);
    am_inventory_read_name(reader, name, value, names, AM_UNIQUES,
                           &((struct am_inventory *)record)->unique);
}

static void read_curve(struct am_inventory_reader *reader,
                       const char *name,
                       const struct am_json_node *value,
                       void *record) {
    am_inventory_read_curve(reader, name, value, &((struct am_inventory *)record)->delivery);
}

static const struct am_inventory_member inventory_members[] = {
    {"currency", read_currency},
    {"language", read_language},
    {"fold_accents", read_fold_accents},
    {"stem", read_stem},
    {"spelling", read_spelling},
    {"broad_window", read_broad_window},
    {"match_weight", read_match_weight},
    {"timezone", read_timezone},
    {"unique", read_unique},
    {"pacing_curve", read_curve},
    {NULL, NULL},
};

void am_inventory_read_settings(struct am_inventory_reader *reader) {
    am_inventory_reader_label(reader, "inventory", (struct am_view){"", 0});
    if (reader->has_settings) {
        am_inventory_reader_error(reader,
                                  "a second line of type \"inventory\": expected at most one");
        return;
    }
    reader->has_settings = true;
    const struct am_inventory_members members = {inventory_members, reader->inventory};
    am_inventory_read_members(reader, AM_OBJECT_INVENTORY, &members, 1);
    reader->settings_bad = reader->bad;
}
