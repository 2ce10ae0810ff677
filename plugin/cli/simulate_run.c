/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate_run.h"

#include "../base/timezone.h"

enum { ROOM_PART = 4 /* of the room in flight that may be used: no bucket then overflows */ };

/* ---- time -------------------------------------------------------------------------------------
 */

static int64_t quarter_of(int64_t second) {
    return second / AM_CLI_QUARTER_SECONDS - (second % AM_CLI_QUARTER_SECONDS < 0);
}

static enum am_code
step(struct am_cli_simulation *simulation, int64_t second, struct am_error *error) {
    struct am_ledger_step_report report;
    if (second <= simulation->stepped)
        return AM_OK;
    enum am_code code = am_ledger_step(simulation->opened.ledger, simulation->opened.worker, second,
                                       &report, error);
    if (code != AM_OK)
        return code;
    am_delivery_map_refresh(simulation->opened.map);
    am_delivery_begin(simulation->opened.worker, second);
    simulation->stepped = second;
    simulation->expired += report.expired;
    simulation->in_flight = report.in_flight;
    return AM_OK;
}

/* Steps to a second, and before that to each quarter of an hour that is watched. */
static enum am_code
step_to(struct am_cli_simulation *simulation, int64_t second, struct am_error *error) {
    const struct am_cli_simulation_options *options = &simulation->options;
    enum am_code code = AM_OK;
    while (code == AM_OK && options->watch &&
           simulation->watched + AM_CLI_QUARTER_SECONDS <= second) {
        simulation->watched += AM_CLI_QUARTER_SECONDS;
        code = step(simulation, simulation->watched, error);
        if (code == AM_OK)
            options->watch(options->watcher, &simulation->opened, simulation->watched);
    }
    return code == AM_OK ? step(simulation, second, error) : code;
}

/* ---- what counts ------------------------------------------------------------------------------
 */

struct am_cli_tally *am_cli_simulation_tally(const struct am_cli_simulation *simulation,
                                             uint32_t ad) {
    uint32_t campaign = simulation->image->ads[ad].campaign;
    uint32_t none = simulation->image->settings->campaign_count;
    return &simulation->tallies[campaign == AM_NONE ? none : campaign];
}

static void count_quarter(struct am_cli_simulation *simulation,
                          struct am_cli_tally *tally,
                          int64_t second,
                          const struct am_cli_quarter *more) {
    struct am_vector *quarters = &tally->quarters;
    int64_t number = quarter_of(second) - quarter_of(simulation->first);
    struct am_cli_quarter *last =
        quarters->count ? AM_VECTOR_AT(quarters, struct am_cli_quarter, quarters->count - 1) : NULL;
    if (!last || last->number != number) {
        last = am_vector_extend(quarters, 1);
        if (!last) {
            simulation->out_of_memory = true;
            return;
        }
        *last = (struct am_cli_quarter){.number = number};
    }
    last->impressions += more->impressions;
    last->spend += more->spend;
}

static enum am_ledger_outcome charge(struct am_cli_simulation *simulation,
                                     const struct am_cli_event *event,
                                     int64_t spend,
                                     bool *late) {
    struct am_ledger_worker *worker = simulation->opened.worker;
    struct am_ledger_event charged = {
        .sequence = event->sequence,
        .time = event->time / AM_CLI_MICROSECONDS,
        .holds = event->click ? AM_LEDGER_HOLD_CLICK : AM_LEDGER_HOLD_IMPRESSION,
    };
    charged.amounts[AM_LEDGER_MONEY] = spend;
    charged.amounts[event->click ? AM_LEDGER_CLICKS : AM_LEDGER_IMPRESSIONS] = 1;
    am_delivery_cells(simulation->opened.map, event->ad, charged.cells);
    enum am_ledger_outcome outcome = am_delivery_charge(worker, &charged, "", 0, late);
    am_ledger_count(worker, (struct am_ledger_position){0, 0});
    return outcome;
}

static void happen(struct am_cli_simulation *simulation, const struct am_cli_event *event) {
    const struct am_image *image = simulation->image;
    struct am_cli_tally *tally = am_cli_simulation_tally(simulation, event->ad);
    bool per_click = image->ads[event->ad].flags & AM_AD_CPC, late;
    int64_t price = am_pace_price(per_click, (int64_t)image->keywords[event->keyword].bid);
    int64_t spend = per_click == event->click ? price : 0;
    bool counted = charge(simulation, event, spend, &late) != AM_LEDGER_NO_ROOM;
    if (event->click)
        *(counted ? &tally->clicks : &tally->unbilled_clicks) += 1;
    else
        *(counted ? &tally->impressions : &tally->unbilled) += 1;
    tally->late += !event->click && event->limited && late;
    if (!counted)
        return;
    tally->billed += spend;
    const struct am_cli_quarter more = {.impressions = !event->click, .spend = spend};
    count_quarter(simulation, tally, event->time / AM_CLI_MICROSECONDS, &more);
}

/* ---- events -----------------------------------------------------------------------------------
 */

static void expect(struct am_cli_simulation *simulation, const struct am_cli_event *event) {
    if (!am_cli_heap_push(&simulation->heap, event))
        simulation->out_of_memory = true;
}

static void expect_click(struct am_cli_simulation *simulation, struct am_cli_event event) {
    int64_t after;
    uint32_t ctr = simulation->image->details[event.ad].ctr;
    if (event.click ||
        !am_cli_chance_clicks(&simulation->options.chance, event.placement, ctr, &after))
        return;
    event.time += after;
    event.click = true;
    expect(simulation, &event);
}

/* All events up to a time, in microseconds. */
static enum am_code
happen_until(struct am_cli_simulation *simulation, int64_t time, struct am_error *error) {
    const struct am_cli_event *next;
    enum am_code code = AM_OK;
    while (code == AM_OK && (next = am_cli_heap_first(&simulation->heap)) && next->time <= time) {
        struct am_cli_event event = am_cli_heap_pop(&simulation->heap);
        code = step_to(simulation, event.time / AM_CLI_MICROSECONDS, error);
        if (code != AM_OK)
            return code;
        happen(simulation, &event);
        expect_click(simulation, event);
        if (simulation->out_of_memory)
            code = am_error_set(error, AM_E_MEMORY, "out of memory: events of the simulation");
    }
    return code;
}

static void place(struct am_cli_simulation *simulation, const struct am_match_winner *winner) {
    struct am_cli_tally *tally = am_cli_simulation_tally(simulation, winner->ad);
    struct am_cli_event event = {
        .placement = ++simulation->placements,
        .sequence = winner->sequence,
        .ad = winner->ad,
        .keyword = winner->keyword,
        .limited = winner->pace != AM_MATCH_PACE_NONE,
    };
    int64_t after;
    simulation->placed[winner->ad]++;
    simulation->in_flight++;
    tally->decisions++;
    tally->lead += winner->pace == AM_MATCH_PACE_LEAD;
    if (!am_cli_chance_renders(&simulation->options.chance, event.placement, &after))
        return;
    event.time = simulation->now * AM_CLI_MICROSECONDS + after;
    expect(simulation, &event);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static uint64_t number(void *context) {
    const struct am_cli_simulation *simulation = context;
    return am_ledger_sequence(simulation->opened.ledger);
}

/* Until a week was seen, a server's own curve is flat, too. */
static void adjust(void *context, struct am_ledger_terms *terms) {
    const struct am_cli_simulation *simulation = context;
    if (terms->curve.kind == AM_PACE_TRAFFIC)
        terms->curve.kind = AM_PACE_FLAT;
    for (int unit = 0; unit < AM_LEDGER_UNITS && simulation->options.asap; unit++)
        terms->budgets[unit].pacing = AM_PACE_ASAP;
}

static enum am_code
begin(struct am_cli_simulation *simulation, int64_t now, struct am_error *error) {
    const struct am_delivery_private_options options = {
        .now = now, .placements = simulation->options.placements};
    enum am_code code =
        am_delivery_private_open(&simulation->opened, simulation->image, &options, error);
    if (code == AM_OK)
        code = am_delivery_private_publish(&simulation->opened, simulation->image, now, adjust,
                                           simulation, error);
    if (code != AM_OK)
        return code;
    am_delivery_map_refresh(simulation->opened.map);
    simulation->first = simulation->stepped = now;
    simulation->watched = quarter_of(now) * AM_CLI_QUARTER_SECONDS;
    simulation->begun = true;
    simulation->delivery = (struct am_match_delivery){
        .worker = simulation->opened.worker,
        .map = simulation->opened.map,
        .ledger = simulation->opened.ledger,
        .seconds = simulation->options.reserve,
        .keeps = true,
        .number = number,
        .context = simulation,
    };
    return AM_OK;
}

static enum am_code advance(void *context, int64_t now, struct am_error *error) {
    struct am_cli_simulation *simulation = context;
    if (now < AM_TIME_MIN)
        return am_error_set(error, AM_E_INVALID, "a request that is simulated needs its \"now\"");
    if (simulation->begun && now < simulation->now)
        return am_error_set(error, AM_E_INVALID,
                            "\"now\" is before that of the last request: requests ascend by time");
    enum am_code code = simulation->begun ? AM_OK : begin(simulation, now, error);
    if (code == AM_OK)
        code = happen_until(simulation, now * AM_CLI_MICROSECONDS, error);
    if (code == AM_OK)
        code = step_to(simulation, now, error);
    simulation->now = now;
    return code;
}

static enum am_code check(struct am_cli_simulation *simulation, struct am_error *error) {
    if (simulation->out_of_memory)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the simulation");
    simulation->full = simulation->in_flight > simulation->options.placements / ROOM_PART;
    return simulation->full
               ? am_error_set(error, AM_E_LIMIT, "more than %u placements are in flight",
                              simulation->options.placements / ROOM_PART)
               : AM_OK;
}

enum am_code am_cli_simulation_request(struct am_cli_simulation *simulation,
                                       struct am_view body,
                                       struct am_error *error) {
    const struct am_api_request request = {
        .content = AM_CONTENT_JSON,
        .body = body,
        .now = INT64_MIN,
        .test = true,
        .simulation = &simulation->hooks,
    };
    struct am_api_response response;
    am_api_decide(simulation->api, &request, &response);
    if (!response.decision)
        return am_error_set(error, AM_E_INVALID, "the request is refused: %.*s",
                            (int)response.body.size, response.body.data);
    simulation->requests++;
    simulation->filled += response.decision->ad_count > 0;
    for (uint32_t i = 0; i < response.decision->ad_count; i++)
        place(simulation, &response.decision->ads[i]);
    return check(simulation, error);
}

enum am_code am_cli_simulation_finish(struct am_cli_simulation *simulation,
                                      struct am_error *error) {
    if (!simulation->begun)
        return AM_OK;
    enum am_code code = happen_until(simulation, INT64_MAX, error);
    return code == AM_OK
               ? step_to(simulation, simulation->now + simulation->options.reserve + 1, error)
               : code;
}

/* ---- one simulation ---------------------------------------------------------------------------
 */

enum am_code am_cli_simulation_open(struct am_cli_simulation *simulation,
                                    const struct am_image *image,
                                    const struct am_cli_simulation_options *options,
                                    struct am_error *error) {
    size_t tallies = (size_t)image->settings->campaign_count + 1;
    *simulation = (struct am_cli_simulation){.image = image, .options = *options};
    simulation->hooks = (struct am_api_simulation){advance, simulation, &simulation->delivery};
    simulation->api = am_api_new(&AM_API_LIMITS_DEFAULT, error);
    if (!simulation->api)
        return AM_E_MEMORY;
    simulation->placed = calloc(image->settings->ad_count + 1, sizeof *simulation->placed);
    simulation->tallies = calloc(tallies, sizeof *simulation->tallies);
    if (!simulation->placed || !simulation->tallies)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the simulation");
    for (size_t i = 0; i < tallies; i++)
        simulation->tallies[i].quarters = AM_VECTOR_OF(struct am_cli_quarter);
    return am_api_attach(simulation->api, image, error);
}

void am_cli_simulation_close(struct am_cli_simulation *simulation) {
    am_api_free(simulation->api);
    am_delivery_private_close(&simulation->opened);
    am_cli_heap_free(&simulation->heap);
    for (size_t i = 0; simulation->tallies && i <= simulation->image->settings->campaign_count; i++)
        am_vector_free(&simulation->tallies[i].quarters);
    free(simulation->tallies);
    free(simulation->placed);
}
