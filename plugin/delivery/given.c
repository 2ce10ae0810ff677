/* SPDX-License-Identifier: Apache-2.0 */
#include "given.h"

#include <stdlib.h>

#include "../base/decimal.h"
#include "../base/json.h"

enum {
    NODES_MOST = 1 << 20,
    PLACEMENTS = 1024,
    CAPS_BYTES = 1 << 16,
    ID_BYTES = 4 * AM_LEDGER_ID_MAX_BYTES,
};
#define USER UINT64_C(1)

/* A document that is being read into a ledger. */
struct reading {
    struct am_delivery_given *given;
    const struct am_image *image;
    struct am_json json;
    int64_t now;
    uint64_t *paused; /* keys of records that are, ascending */
    size_t paused_count;
    struct am_error *error;
};

static enum am_code
expected(const struct reading *reading, const struct am_json_node *node, const char *what) {
    am_error_set(reading->error, AM_E_INVALID, "state: expected %s", what);
    am_json_path(&reading->json, node, reading->error->where, sizeof reading->error->where);
    return AM_E_INVALID;
}

/* Calls `read` for each member of an object. */
typedef enum am_code read_member(struct reading *reading,
                                 const struct am_json_node *key,
                                 const struct am_json_node *value,
                                 void *context);

static enum am_code for_members(struct reading *reading,
                                const struct am_json_node *object,
                                read_member *read,
                                void *context) {
    if (object->type != AM_JSON_OBJECT)
        return expected(reading, object, "an object");
    enum am_code code = AM_OK;
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children && code == AM_OK; i++) {
        const struct am_json_node *value = am_json_after(&reading->json, key);
        code = read(reading, key, value, context);
        key = am_json_after(&reading->json, value);
    }
    return code;
}

/* ---- counts -----------------------------------------------------------------------------------
 */

/* What is used in one unit; AM_LEDGER_UNLIMITED: not given. */
struct used {
    enum am_ledger_unit unit;
    int64_t total, today, line;
};

static unsigned places_of(enum am_ledger_unit unit, bool line) {
    return unit == AM_LEDGER_MONEY ? 9 : unit == AM_LEDGER_CLICKS && line ? 6 : 0;
}

static enum am_code read_amount(struct reading *reading,
                                const struct am_json_node *key,
                                const struct am_json_node *value,
                                void *context) {
    struct used *used = context;
    bool line = am_json_string_is(&reading->json, key, "line");
    int64_t *amount = am_json_string_is(&reading->json, key, "total")   ? &used->total
                      : am_json_string_is(&reading->json, key, "daily") ? &used->today
                      : line                                            ? &used->line
                                                                        : NULL;
    if (!amount)
        return expected(reading, key, "total, daily or line");
    if (value->type != AM_JSON_NUMBER ||
        am_decimal_parse(am_json_raw(&reading->json, value), places_of(used->unit, line), amount,
                         reading->error) != AM_OK ||
        *amount < 0)
        return expected(reading, value, "an amount of that unit, from 0");
    return AM_OK;
}

/* ---- records ----------------------------------------------------------------------------------
 */

struct record {
    enum am_ledger_kind kind;
    struct am_view id;
    uint64_t key;
    uint32_t cell; /* or AM_LEDGER_NO_CELL: an ad without limits */
};

static enum am_code read_cap(struct reading *reading,
                             const struct am_json_node *key,
                             const struct am_json_node *value,
                             void *context) {
    const struct record *record = context;
    char memory[ID_BYTES], opened_memory[ID_BYTES];
    struct am_view text = key->size <= sizeof memory
                              ? am_json_string(&reading->json, key, memory, NULL)
                              : AM_VIEW("");
    const struct am_json_node *count = am_json_member(&reading->json, value, "count");
    const struct am_json_node *opened = am_json_member(&reading->json, value, "opened");
    struct am_caps_cap cap = {record->key, am_model_cap_period_parse(text), AM_CAPS_COUNT_MAX};
    int64_t number = 0, time = 0;
    if (!cap.period)
        return expected(reading, key, "a period like \"1d\"");
    if (!count || !opened || count->type != AM_JSON_NUMBER || opened->type != AM_JSON_STRING ||
        opened->size > sizeof opened_memory ||
        am_decimal_parse(am_json_raw(&reading->json, count), 0, &number, reading->error) != AM_OK ||
        number < 0 || number > AM_CAPS_COUNT_MAX ||
        am_time_parse(am_json_string(&reading->json, opened, opened_memory, NULL), &time,
                      reading->error) != AM_OK)
        return expected(reading, value, "{\"count\":3,\"opened\":\"2026-12-01T09:00:00Z\"}");
    struct am_caps *caps = am_ledger_caps(reading->given->opened.ledger);
    for (; caps && number > 0; number--)
        (void)am_caps_count(caps, USER, &cap, time);
    return AM_OK;
}

/* Paused records were put as such: see is_paused. */
static enum am_code read_record_member(struct reading *reading,
                                       const struct am_json_node *key,
                                       const struct am_json_node *value,
                                       void *context) {
    struct record *record = context;
    if (am_json_string_is(&reading->json, key, "paused"))
        return value->type == AM_JSON_TRUE || value->type == AM_JSON_FALSE
                   ? AM_OK
                   : expected(reading, value, "true or false");
    if (am_json_string_is(&reading->json, key, "caps"))
        return for_members(reading, value, read_cap, record);
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        struct used used = {(enum am_ledger_unit)unit, AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED,
                            AM_LEDGER_UNLIMITED};
        if (!am_json_string_is(&reading->json, key, am_ledger_unit_name(used.unit)))
            continue;
        enum am_code code = for_members(reading, value, read_amount, &used);
        if (code != AM_OK || record->cell == AM_LEDGER_NO_CELL)
            return code;
        if (used.today == AM_LEDGER_UNLIMITED)
            used.today = 0;
        if (used.total < used.today)
            used.total = used.today;
        am_ledger_give(reading->given->opened.ledger, record->cell, used.unit, used.total,
                       used.today, used.line, reading->now);
        return AM_OK;
    }
    return expected(reading, key, "spend, impressions, clicks, paused or caps");
}

static bool has_ad(const struct am_image *image, uint64_t key) {
    for (uint32_t ad = 0; ad < image->settings->ad_count; ad++)
        if (am_image_key_of_ad(image, ad) == key)
            return true;
    return false;
}

static bool decode_id(const struct reading *reading,
                      const struct am_json_node *key,
                      char memory[ID_BYTES],
                      struct am_view *id) {
    if (key->size > ID_BYTES)
        return false;
    *id = am_json_string(&reading->json, key, memory, NULL);
    return id->size > 0 && id->size <= AM_LEDGER_ID_MAX_BYTES;
}

static enum am_code read_record(struct reading *reading,
                                const struct am_json_node *key,
                                const struct am_json_node *value,
                                void *context) {
    struct record record = {.kind = *(const enum am_ledger_kind *)context};
    char memory[ID_BYTES];
    if (!decode_id(reading, key, memory, &record.id))
        return expected(reading, key, "an id of 1 to 255 bytes");
    record.key = am_model_key((enum am_model_record)record.kind, record.id);
    record.cell = am_ledger_find(reading->given->opened.ledger, record.key);
    if (record.cell == AM_LEDGER_NO_CELL &&
        !(record.kind == AM_LEDGER_AD && has_ad(reading->image, record.key)))
        return expected(reading, key, "the id of a record of this inventory");
    return for_members(reading, value, read_record_member, &record);
}

static enum am_code read_kind(struct reading *reading,
                              const struct am_json_node *key,
                              const struct am_json_node *value,
                              void *context) {
    (void)context;
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        enum am_ledger_kind named = (enum am_ledger_kind)kind;
        if (am_json_string_is(&reading->json, key, am_ledger_kind_name(named)))
            return for_members(reading, value, read_record, &named);
    }
    return expected(reading, key, "advertiser, campaign or ad");
}

/* ---- the ledger -------------------------------------------------------------------------------
 */

static int ascending(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Lists the keys of one kind's records that are paused. What is wrong with the document is found
 * when it is read as a whole. */
static void list_paused(struct reading *reading, enum am_ledger_kind kind) {
    const struct am_json_node *records =
        am_json_member(&reading->json, reading->json.nodes, am_ledger_kind_name(kind));
    char memory[ID_BYTES];
    if (!records || records->type != AM_JSON_OBJECT)
        return;
    const struct am_json_node *key = am_json_first(records);
    for (uint32_t i = 0; i < records->children; i++) {
        const struct am_json_node *value = am_json_after(&reading->json, key);
        const struct am_json_node *paused =
            value->type == AM_JSON_OBJECT ? am_json_member(&reading->json, value, "paused") : NULL;
        struct am_view id;
        if (paused && paused->type == AM_JSON_TRUE && decode_id(reading, key, memory, &id))
            reading->paused[reading->paused_count++] = am_model_key((enum am_model_record)kind, id);
        key = am_json_after(&reading->json, value);
    }
}

static bool is_paused(const struct reading *reading, enum am_ledger_kind kind, struct am_view id) {
    uint64_t key = am_model_key((enum am_model_record)kind, id);
    return reading->paused_count &&
           bsearch(&key, reading->paused, reading->paused_count, sizeof key, ascending) != NULL;
}

static void adjust(void *context, struct am_ledger_terms *terms) {
    terms->paused |= is_paused(context, terms->kind, terms->id);
}

/* An ad without limits has no record, unless it is to be paused. */
static enum am_code make_paused_ads(const struct reading *reading) {
    const struct am_image *image = reading->image;
    for (uint32_t ad = 0; reading->paused_count && ad < image->settings->ad_count; ad++) {
        struct am_ledger_terms terms =
            am_delivery_terms_of(AM_LEDGER_AD, am_image_string(image, image->details[ad].id));
        terms.paused = true;
        if (!is_paused(reading, terms.kind, terms.id))
            continue;
        enum am_code code = am_ledger_set(reading->given->opened.ledger, &terms, reading->now, NULL,
                                          reading->error);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}

/* Budgets of which the document says nothing: nothing is used of them. */
static void give_nothing(const struct reading *reading) {
    const struct am_image *image = reading->image;
    for (uint64_t i = 0; i < image->limits_count; i++) {
        const struct am_image_limits *limits = &image->limits[i];
        uint64_t key =
            limits->kind == AM_RECORD_ADVERTISER ? am_image_key_of_advertiser(image, limits->record)
            : limits->kind == AM_RECORD_CAMPAIGN ? am_image_key_of_campaign(image, limits->record)
                                                 : am_image_key_of_ad(image, limits->record);
        uint32_t cell = am_ledger_find(reading->given->opened.ledger, key);
        for (int unit = 0; unit < AM_LEDGER_UNITS && cell != AM_LEDGER_NO_CELL; unit++)
            am_ledger_give(reading->given->opened.ledger, cell, (enum am_ledger_unit)unit, 0, 0,
                           AM_LEDGER_UNLIMITED, reading->now);
    }
}

static enum am_code publish(struct reading *reading) {
    const struct am_delivery_private_options options = {
        .now = reading->now, .placements = PLACEMENTS, .caps_bytes = CAPS_BYTES};
    struct am_delivery_private *opened = &reading->given->opened;
    enum am_code code = am_delivery_private_open(opened, reading->image, &options, reading->error);
    if (code == AM_OK)
        code = make_paused_ads(reading);
    return code == AM_OK ? am_delivery_private_publish(opened, reading->image, reading->now, adjust,
                                                       reading, reading->error)
                         : code;
}

static enum am_code fill(struct reading *reading) {
    struct am_delivery_given *given = reading->given;
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++)
        list_paused(reading, (enum am_ledger_kind)kind);
    if (reading->paused_count)
        qsort(reading->paused, reading->paused_count, sizeof *reading->paused, ascending);
    enum am_code code = publish(reading);
    if (code != AM_OK)
        return code;
    give_nothing(reading);
    code = for_members(reading, reading->json.nodes, read_kind, NULL);
    am_delivery_map_refresh(given->opened.map);
    am_delivery_begin(given->opened.worker, reading->now);
    return code;
}

enum am_code am_delivery_given_make(const struct am_image *image,
                                    struct am_view document,
                                    int64_t now,
                                    struct am_delivery_given **made,
                                    struct am_error *error) {
    uint32_t capacity = document.size < NODES_MOST ? (uint32_t)document.size + 1 : NODES_MOST;
    struct am_json_node *nodes = malloc(capacity * sizeof *nodes);
    struct am_delivery_given *given = calloc(1, sizeof *given);
    struct reading reading = {.given = given, .image = image, .now = now, .error = error};
    enum am_code code = AM_E_MEMORY;
    reading.paused = malloc(capacity * sizeof *reading.paused); /* fewer than nodes */
    if (nodes && given && reading.paused) {
        given->user = USER;
        code = am_json_parse(document, nodes, capacity, &reading.json, error);
        if (code == AM_OK)
            code = fill(&reading);
    } else {
        am_error_set(error, AM_E_MEMORY, "out of memory: the given state");
    }
    free(reading.paused);
    free(nodes);
    if (code == AM_OK)
        *made = given;
    else
        am_delivery_given_free(given);
    return code;
}

void am_delivery_given_free(struct am_delivery_given *given) {
    if (!given)
        return;
    am_delivery_private_close(&given->opened);
    free(given);
}
