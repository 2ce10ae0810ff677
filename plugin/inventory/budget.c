/* SPDX-License-Identifier: Apache-2.0 */
/* Members about what a record may deliver, and how fast. A misspelt member inside of them is an
 * error, since a limit that limits nothing costs money. */
#include <stdlib.h>

#include "reader.h"

static const char money[] = "an amount from 0 to 9000000000 with at most 6 decimals";
static const char events[] = "a whole number from 1 to 9000000000";

void am_inventory_start_delivery(struct am_inventory_delivery *delivery) {
    *delivery = (struct am_inventory_delivery){.pacing = AM_PACING_EVEN};
    for (int unit = 0; unit < AM_UNITS; unit++)
        delivery->total[unit] = delivery->daily[unit] = AM_BUDGET_NONE;
}

bool am_inventory_has_budget(const struct am_inventory_delivery *delivery) {
    for (int unit = 0; unit < AM_UNITS; unit++)
        if (delivery->total[unit] != AM_BUDGET_NONE || delivery->daily[unit] != AM_BUDGET_NONE)
            return true;
    return false;
}

/* ---- budgets ----------------------------------------------------------------------------------
 */

/* One amount, in nanos, impressions or clicks. */
static void read_amount(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        enum am_model_unit unit,
                        int64_t *amount) {
    enum { NANOS_A_MICRO = 1000, MICROS = 1000000 };
    int64_t number;
    if (unit != AM_UNIT_MONEY)
        am_inventory_read_number(reader, name, value, 0, 1, AM_BUDGET_MAX, events, amount);
    else if (am_inventory_read_number(reader, name, value, 6, 0, AM_BUDGET_MAX * MICROS, money,
                                      &number))
        *amount = number * NANOS_A_MICRO;
}

static void read_period(struct am_inventory_reader *reader,
                        const struct am_json_node *key,
                        const struct am_json_node *value,
                        enum am_model_unit unit,
                        struct am_inventory_delivery *delivery) {
    static const char *const totals[AM_UNITS] = {"budget.total", "budget.impressions.total",
                                                 "budget.clicks.total"};
    static const char *const dailies[AM_UNITS] = {"budget.daily", "budget.impressions.daily",
                                                  "budget.clicks.daily"};
    bool daily = am_json_string_is(&reader->json, key, "daily");
    read_amount(reader, daily ? dailies[unit] : totals[unit], value, unit,
                daily ? &delivery->daily[unit] : &delivery->total[unit]);
}

static bool is_period(struct am_inventory_reader *reader, const struct am_json_node *key) {
    return am_json_string_is(&reader->json, key, "total") ||
           am_json_string_is(&reader->json, key, "daily");
}

/* {"total":N,"daily":N} of impressions or clicks. */
static void read_events(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        enum am_model_unit unit,
                        struct am_inventory_delivery *delivery) {
    static const char *const names[] = {"total", "daily", NULL};
    if (value->type != AM_JSON_OBJECT || value->children == 0) {
        am_inventory_reader_expected(reader, name, "an object of total, daily or both", value);
        return;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *amount = am_json_after(&reader->json, key);
        if (is_period(reader, key))
            read_period(reader, key, amount, unit, delivery);
        else
            am_inventory_reader_unknown(reader, name, "unknown member",
                                        am_inventory_reader_string(reader, key), names);
        key = am_json_after(&reader->json, amount);
    }
}

static void read_budget(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    static const char *const names[] = {"total", "daily", "impressions", "clicks", NULL};
    struct am_inventory_delivery *delivery = record;
    if (value->type != AM_JSON_OBJECT || value->children == 0) {
        am_inventory_reader_expected(reader, name, "an object like {\"daily\":500}", value);
        return;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *part = am_json_after(&reader->json, key);
        if (is_period(reader, key))
            read_period(reader, key, part, AM_UNIT_MONEY, delivery);
        else if (am_json_string_is(&reader->json, key, "impressions"))
            read_events(reader, "budget.impressions", part, AM_UNIT_IMPRESSIONS, delivery);
        else if (am_json_string_is(&reader->json, key, "clicks"))
            read_events(reader, "budget.clicks", part, AM_UNIT_CLICKS, delivery);
        else
            am_inventory_reader_unknown(reader, name, "unknown member",
                                        am_inventory_reader_string(reader, key), names);
        key = am_json_after(&reader->json, part);
    }
}

/* ---- pacing -----------------------------------------------------------------------------------
 */

static void read_pacing(struct am_inventory_reader *reader,
                        const char *name,
                        const struct am_json_node *value,
                        void *record) {
    struct am_inventory_delivery *delivery = record;
    const char *names[AM_PACINGS];
    for (int i = 0; i < AM_PACINGS; i++)
        names[i] = am_model_pacing_name((enum am_model_pacing)i);
    delivery->has_pacing =
        am_inventory_read_name(reader, name, value, names, AM_PACINGS, &delivery->pacing);
}

static void read_weights(struct am_inventory_reader *reader,
                         const char *name,
                         const struct am_json_node *value,
                         struct am_inventory_delivery *delivery) {
    struct am_vector weights = AM_VECTOR_OF(uint32_t);
    const struct am_json_node *item = am_json_first(value);
    if (value->children != AM_CURVE_HOURS) {
        am_inventory_reader_error(reader,
                                  "%s: %u weights, expected 168: one for each hour of the week, "
                                  "from Monday 00:00",
                                  name, value->children);
        return;
    }
    for (uint32_t i = 0; i < value->children; i++) {
        int64_t weight = 1;
        if (!am_inventory_read_number(reader, name, item, 0, 1, AM_CURVE_WEIGHT_MAX,
                                      "168 whole numbers from 1 to 1000", &weight))
            break; /* one error is enough of 168 */
        uint32_t number = (uint32_t)weight;
        reader->out_of_memory |= !am_vector_push(&weights, &number);
        item = am_json_after(&reader->json, item);
    }
    if (weights.count == AM_CURVE_HOURS) {
        delivery->has_curve = true;
        delivery->curve = AM_CURVE_GIVEN;
        delivery->weights = am_inventory_reader_keep(reader, &weights);
    }
    am_vector_free(&weights);
}

void am_inventory_read_curve(struct am_inventory_reader *reader,
                             const char *name,
                             const struct am_json_node *value,
                             void *record) {
    static const char *const names[] = {"traffic", "flat"};
    struct am_inventory_delivery *delivery = record;
    if (value->type == AM_JSON_ARRAY)
        read_weights(reader, name, value, delivery);
    else if (value->type != AM_JSON_STRING)
        am_inventory_reader_expected(reader, name, "\"traffic\", \"flat\" or a list of 168 weights",
                                     value);
    else
        delivery->has_curve = am_inventory_read_name(reader, name, value, names, AM_COUNT_OF(names),
                                                     &delivery->curve);
}

/* ---- frequency caps ---------------------------------------------------------------------------
 */

static const char period_expected[] =
    "a period like \"30m\", \"12h\" or \"7d\", up to \"180d\", or \"lifetime\"";

/* What people write for a period that is one of ours. */
static const char *meant_period(struct am_view text) {
    static const struct {
        const char *written, *meant;
    } periods[] = {{"minute", "1m"},     {"hour", "1h"},       {"day", "1d"},      {"daily", "1d"},
                   {"week", "7d"},       {"weekly", "7d"},     {"1w", "7d"},       {"2w", "14d"},
                   {"4w", "28d"},        {"month", "30d"},     {"monthly", "30d"}, {"year", "180d"},
                   {"ever", "lifetime"}, {"total", "lifetime"}};
    for (size_t i = 0; i < AM_COUNT_OF(periods); i++)
        if (am_view_equal(text, am_view_of(periods[i].written)))
            return periods[i].meant;
    return NULL;
}

static uint32_t read_cap_period(struct am_inventory_reader *reader,
                                const char *name,
                                const struct am_json_node *value) {
    struct am_view text = {"", 0};
    if (value->type == AM_JSON_STRING)
        text = am_inventory_reader_string(reader, value);
    uint32_t period = am_model_cap_period_parse(text);
    if (period)
        return period;
    const char *meant = meant_period(text);
    if (meant)
        am_inventory_reader_error(reader, "%s: expected %s; did you mean \"%s\"?", name,
                                  period_expected, meant);
    else
        am_inventory_reader_expected(reader, name, period_expected, value);
    return 0;
}

/* One cap; 0: it is none. */
static uint32_t
read_cap(struct am_inventory_reader *reader, const char *name, const struct am_json_node *value) {
    static const char *const names[] = {"max_impressions", "period", NULL};
    int64_t maximum = 0;
    uint32_t period = 0;
    if (value->type != AM_JSON_OBJECT || !am_json_member(&reader->json, value, "max_impressions") ||
        !am_json_member(&reader->json, value, "period")) {
        am_inventory_reader_expected(reader, name,
                                     "caps like {\"max_impressions\":3,\"period\":\"1d\"}", value);
        return 0;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *part = am_json_after(&reader->json, key);
        if (am_json_string_is(&reader->json, key, "max_impressions"))
            am_inventory_read_number(reader, "frequency_caps.max_impressions", part, 0, 1,
                                     AM_CAP_IMPRESSIONS_MAX, "a whole number from 1 to 1000",
                                     &maximum);
        else if (am_json_string_is(&reader->json, key, "period"))
            period = read_cap_period(reader, "frequency_caps.period", part);
        else
            am_inventory_reader_unknown(reader, name, "unknown member",
                                        am_inventory_reader_string(reader, key), names);
        key = am_json_after(&reader->json, part);
    }
    return maximum && period ? am_model_cap(period, (uint32_t)maximum) : 0;
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Two caps of one period would share their count. */
static void check_periods(struct am_inventory_reader *reader,
                          const char *name,
                          const uint32_t *caps,
                          size_t count) {
    for (size_t i = 1; i < count; i++)
        if (am_model_cap_period(caps[i]) == am_model_cap_period(caps[i - 1]))
            am_inventory_reader_error(reader,
                                      "%s: caps of %u and of %u in the same period: the smaller "
                                      "one alone counts, remove the other",
                                      name, am_model_cap_maximum(caps[i - 1]),
                                      am_model_cap_maximum(caps[i]));
}

static void read_caps(struct am_inventory_reader *reader,
                      const char *name,
                      const struct am_json_node *value,
                      void *record) {
    struct am_inventory_delivery *delivery = record;
    if (value->type != AM_JSON_ARRAY || value->children > AM_RECORD_CAPS_MAX) {
        am_inventory_reader_expected(
            reader, name, "a list of at most 10, like [{\"max_impressions\":3,\"period\":\"1d\"}]",
            value);
        return;
    }
    uint32_t caps[AM_RECORD_CAPS_MAX], count = 0;
    struct am_vector kept = AM_VECTOR_OF(uint32_t);
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        uint32_t cap = read_cap(reader, name, item);
        if (cap)
            caps[count++] = cap;
        item = am_json_after(&reader->json, item);
    }
    if (count)
        qsort(caps, count, sizeof *caps, ascending);
    check_periods(reader, name, caps, count);
    for (uint32_t i = 0; i < count; i++)
        reader->out_of_memory |= !am_vector_push(&kept, &caps[i]);
    delivery->caps = am_inventory_reader_keep(reader, &kept);
    delivery->cap_count = (uint32_t)kept.count;
    am_vector_free(&kept);
}

static void read_without_user(struct am_inventory_reader *reader,
                              const char *name,
                              const struct am_json_node *value,
                              void *record) {
    static const char *const names[] = {"serve", "skip"};
    struct am_inventory_delivery *delivery = record;
    uint8_t which = 0;
    delivery->has_without_user =
        am_inventory_read_name(reader, name, value, names, AM_COUNT_OF(names), &which);
    delivery->skips_without_user = which == 1;
}

const struct am_inventory_member am_inventory_delivery_members[] = {
    {"budget", read_budget},
    {"pacing", read_pacing},
    {"pacing_curve", am_inventory_read_curve},
    {"frequency_caps", read_caps},
    {"without_user", read_without_user},
    {NULL, NULL},
};
