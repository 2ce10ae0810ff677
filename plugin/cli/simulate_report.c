/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate_report.h"

#include <inttypes.h>
#include <jansson.h>

#include "../base/decimal.h"
#include "command.h"

enum { NANO_PLACES = 9, NUMBER_TEXT = 24 };

static uint32_t campaign_count(const struct am_cli_simulation *simulation) {
    return simulation->image->settings->campaign_count;
}

int64_t am_cli_simulation_revenue(const struct am_cli_simulation *simulation) {
    int64_t revenue = 0;
    for (uint32_t i = 0; i <= campaign_count(simulation); i++)
        revenue += simulation->tallies[i].billed;
    return revenue;
}

/* ---- values -----------------------------------------------------------------------------------
 */

static json_t *text_of(struct am_view view) {
    return json_stringn(view.data, view.size);
}

static json_t *money_of(int64_t nanos) {
    char text[AM_DECIMAL_TEXT_SIZE];
    return text_of((struct am_view){text, am_decimal_write(nanos, NANO_PLACES, text)});
}

/* Money as text, so that no reader rounds it. */
static json_t *amount_of(enum am_ledger_unit unit, int64_t amount) {
    return unit == AM_LEDGER_MONEY ? money_of(amount) : json_integer(amount);
}

static json_t *limit_of(enum am_ledger_unit unit, int64_t limit) {
    if (limit == AM_LEDGER_UNLIMITED)
        return json_null();
    return amount_of(unit, unit == AM_LEDGER_CLICKS ? limit / AM_PACE_MILLION : limit);
}

/* Of clicks in millionths. */
static json_t *reserved_of(enum am_ledger_unit unit, const struct am_ledger_limit_state *limit) {
    if (unit == AM_LEDGER_CLICKS)
        return json_real((double)(limit->reserved + limit->expected) / AM_PACE_MILLION);
    return amount_of(unit, limit->reserved);
}

/* ---- members ----------------------------------------------------------------------------------
 */

/* Placements by priority. False: no memory. */
static bool add_priority(json_t *object, int32_t priority, uint64_t placed) {
    char key[NUMBER_TEXT];
    snprintf(key, sizeof key, "%" PRId32, priority);
    json_t *sum = json_object_get(object, key);
    if (sum)
        return json_integer_set(sum, json_integer_value(sum) + (json_int_t)placed) == 0;
    return json_object_set_new(object, key, json_integer((json_int_t)placed)) == 0;
}

static json_t *by_priority(const struct am_cli_simulation *simulation) {
    const struct am_image *image = simulation->image;
    json_t *object = json_object();
    for (uint32_t ad = 0; object && ad < image->settings->ad_count; ad++)
        if (simulation->placed[ad] &&
            !add_priority(object, image->details[ad].priority, simulation->placed[ad])) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* By quarter of an hour: impressions, or what was spent. */
static json_t *series_of(const struct am_cli_tally *tally, bool spend) {
    json_t *object = json_object();
    for (size_t i = 0; object && i < tally->quarters.count; i++) {
        const struct am_cli_quarter *quarter =
            AM_VECTOR_AT(&tally->quarters, struct am_cli_quarter, i);
        char key[NUMBER_TEXT];
        if (spend ? quarter->spend == 0 : quarter->impressions == 0)
            continue;
        snprintf(key, sizeof key, "%" PRId64, quarter->number);
        if (json_object_set_new(object, key,
                                spend ? money_of(quarter->spend)
                                      : json_integer((json_int_t)quarter->impressions)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *campaign_of(const struct am_cli_simulation *simulation, uint32_t campaign) {
    const struct am_image *image = simulation->image;
    const struct am_cli_tally *tally = &simulation->tallies[campaign];
    return json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "id",
                     text_of(am_image_string(image, image->campaigns[campaign].id)), "billed",
                     money_of(tally->billed), "decisions", (json_int_t)tally->decisions, "lead",
                     (json_int_t)tally->lead, "impressions", (json_int_t)tally->impressions, "late",
                     (json_int_t)tally->late, "unbilled", (json_int_t)tally->unbilled, "clicks",
                     (json_int_t)tally->clicks, "unbilled_clicks",
                     (json_int_t)tally->unbilled_clicks, "series", series_of(tally, false),
                     "spend_series", series_of(tally, true));
}

static json_t *campaigns_of(const struct am_cli_simulation *simulation) {
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < campaign_count(simulation); i++)
        if (json_array_append_new(array, campaign_of(simulation, i)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* Appends the limits of one record. False: no memory. */
static bool add_limits(json_t *array, const struct am_ledger_record_state *record) {
    for (int i = 0; i < AM_LEDGER_UNITS; i++) {
        enum am_ledger_unit unit = (enum am_ledger_unit)i;
        const struct am_ledger_limit_state *limit = &record->limits[unit];
        if (!limit->limited)
            continue;
        json_t *item = json_pack(
            "{s:s,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "kind", am_ledger_kind_name(record->kind), "id",
            text_of(record->id), "unit", am_ledger_unit_name(unit), "total",
            limit_of(unit, limit->total), "daily", limit_of(unit, limit->daily), "counted",
            amount_of(unit, record->total[unit]), "today", amount_of(unit, record->today[unit]),
            "reserved", reserved_of(unit, limit));
        if (json_array_append_new(array, item) != 0)
            return false;
    }
    return true;
}

static json_t *limits_of(const struct am_cli_simulation *simulation) {
    struct am_ledger *ledger = simulation->opened.ledger;
    json_t *array = json_array();
    for (uint32_t cell = 0; array && ledger && cell < am_ledger_cells(ledger); cell++) {
        struct am_ledger_record_state record;
        if (am_ledger_read(ledger, cell, &record, NULL) == AM_OK && !add_limits(array, &record)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* ---- the report -------------------------------------------------------------------------------
 */

static double fill_of(const struct am_cli_simulation *simulation) {
    return simulation->requests ? (double)simulation->filled / (double)simulation->requests : 0;
}

static json_t *report_of(const struct am_cli_simulation *simulation) {
    return json_pack(
        "{s:I,s:I,s:f,s:I,s:o,s:o,s:I,s:o,s:o}", "requests", (json_int_t)simulation->requests,
        "filled", (json_int_t)simulation->filled, "fill", fill_of(simulation), "placements",
        (json_int_t)simulation->placements, "by_priority", by_priority(simulation), "revenue",
        money_of(am_cli_simulation_revenue(simulation)), "expired", (json_int_t)simulation->expired,
        "campaigns", campaigns_of(simulation), "limits", limits_of(simulation));
}

enum am_code am_cli_simulation_report(struct am_cli_simulation *simulation,
                                      const char *path,
                                      struct am_error *error) {
    struct am_cli_output output;
    json_t *report = report_of(simulation);
    char *text = report ? json_dumps(report, JSON_COMPACT) : NULL;
    json_decref(report);
    if (!text)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the report");
    enum am_code code = am_cli_output_open(path, &output, error);
    if (code == AM_OK) {
        am_cli_output_line(&output, am_view_of(text));
        code = am_cli_output_close(&output, error);
    }
    free(text);
    return code;
}

void am_cli_simulation_summary(const struct am_cli_simulation *simulation, FILE *stream) {
    char number[AM_CLI_NUMBER_SIZE], money[AM_DECIMAL_TEXT_SIZE];
    struct am_view currency =
        am_image_string(simulation->image, simulation->image->settings->currency);
    size_t size = am_decimal_write(am_cli_simulation_revenue(simulation), NANO_PLACES, money);
    fprintf(stream, "requests    %s\n", am_cli_number(simulation->requests, number));
    fprintf(stream, "filled      %s (%.1f %%)\n", am_cli_number(simulation->filled, number),
            100 * fill_of(simulation));
    fprintf(stream, "placements  %s\n", am_cli_number(simulation->placements, number));
    fprintf(stream, "expired     %s\n", am_cli_number(simulation->expired, number));
    fprintf(stream, "revenue     %.*s %.*s\n", (int)size, money, (int)currency.size, currency.data);
}
