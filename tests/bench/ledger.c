/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger, measured: ledger FOLDER TMPFS CELLS CURVES. One line for each figure:
 * "NAME VALUE UNIT". Campaigns with one daily budget each, ads below them, CURVES different curves;
 * all are published, stepped, mapped, decided on, counted, written to a snapshot, and loaded again
 * after the live file was removed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../plugin/delivery/delivery.h"

#define DAY0 INT64_C(1796083200)

enum { LOOPS = 2000000, STEPS = 5 };

static struct am_ledger *ledger;
static struct am_ledger_worker *worker;
static struct am_delivery_map *map;
static uint32_t cells;

static double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Of this process's own work, so that others on the machine count little. */
static double seconds(void) {
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static double wall_seconds(void) {
    return seconds_of(CLOCK_MONOTONIC);
}

static void require(enum am_code code, const struct am_error *error) {
    if (code == AM_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void publish(uint32_t curves) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = 1, .currency = "EUR"};
    uint16_t weights[AM_PACE_HOURS];
    char id[16];
    require(am_ledger_publish_begin(ledger, &publication, DAY0, &error), &error);
    for (uint32_t i = 0; i < cells; i++) {
        snprintf(id, sizeof id, "c%u", i);
        for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
            weights[hour] = (uint16_t)(1 + (i % curves * 31 + hour * 7) % 1000);
        struct am_ledger_terms terms = {
            .kind = AM_LEDGER_CAMPAIGN,
            .id = am_view_of(id),
            .start = INT64_MIN,
            .end = INT64_MAX,
            .zone = AM_VIEW("Europe/Paris"),
            .curve = {.kind = curves > 1 ? AM_PACE_GIVEN : AM_PACE_FLAT, .weights = weights},
            .budgets = {{AM_LEDGER_UNLIMITED, INT64_C(100000000000), AM_PACE_EVEN},
                        {AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED, AM_PACE_EVEN},
                        {AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED, AM_PACE_EVEN}},
        };
        require(am_ledger_put(ledger, &terms, NULL, &error), &error);
    }
    am_ledger_publish_end(ledger);
}

static void make_map(void) {
    struct am_error error = {.code = AM_OK};
    char id[16];
    require(am_delivery_map_begin(ledger, 1, cells, &map, &error), &error);
    for (uint32_t ad = 0; ad < cells; ad++) {
        snprintf(id, sizeof id, "c%u", ad);
        struct am_delivery_map_ad what = {
            .keys = {0, am_model_key(AM_RECORD_CAMPAIGN, am_view_of(id)), 0},
            .limited = {false, true, false},
            .least_hold = 1000000,
            .least_price = 1000000,
            .highest_price = 2000000};
        require(am_delivery_map_put(map, ad, &what, &error), &error);
    }
    require(am_delivery_map_commit(map, &error), &error);
}

static void step(int64_t now) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_step_report report;
    require(am_ledger_step(ledger, worker, now, &report, &error), &error);
}

static void say(const char *name, double value, const char *unit) {
    printf("%-24s %10.1f %s\n", name, value, unit);
}

static uint32_t next(uint64_t *state) {
    *state = (uint64_t)((unsigned __int128)*state * 6364136223846793005u + 1442695040888963407u);
    return (uint32_t)(*state >> 33);
}

/* ---- decisions and events ---------------------------------------------------------------------
 */

static void decide(const char *name, bool all, uint32_t ads, bool with_events) {
    struct am_delivery_ask ask = {.price = 1000000};
    uint64_t state = 1, placed = 0;
    am_delivery_begin(worker, am_ledger_stepped(ledger));
    double began = seconds();
    for (uint32_t i = 0; i < LOOPS; i++) {
        uint32_t ad = next(&state) % ads;
        bool passes = am_delivery_gate(worker, map, ad, &ask, NULL) <= AM_DELIVERY_LEAD;
        if (!all) {
            placed += passes;
            continue;
        }
        struct am_delivery_placement placement = {
            .sequence = am_ledger_sequence(ledger), .now = DAY0, .seconds = 60};
        if (am_delivery_reserve(worker, map, ad, &ask, &placement, NULL) > AM_DELIVERY_LEAD)
            continue;
        placed++;
        if (!with_events) {
            am_delivery_release(worker, placement.sequence, DAY0);
            continue;
        }
        struct am_ledger_event event = {.sequence = placement.sequence,
                                        .amounts = {1000000, 1, 0},
                                        .time = DAY0 + 100,
                                        .holds = AM_LEDGER_HOLD_IMPRESSION};
        am_delivery_cells(map, ad, event.cells);
        am_delivery_charge(worker, &event, "", 0, NULL);
        am_ledger_count(worker, (struct am_ledger_position){1, i});
    }
    say(name, (seconds() - began) * 1e9 / LOOPS, placed ? "ns" : "ns (nothing passed)");
}

static void step_often(void) {
    int64_t now = DAY0 + 40000;
    step(now);
    double began = seconds();
    for (int64_t i = 1; i <= STEPS; i++)
        step(now + i);
    say("step", (seconds() - began) * 1e3 / STEPS, "ms");
    began = seconds();
    for (int64_t i = 1; i <= STEPS; i++)
        am_delivery_map_refresh(map);
    say("refresh of the map", (seconds() - began) * 1e3 / STEPS, "ms");
    began = seconds();
    step(DAY0 + 86400);
    say("step at midnight", (seconds() - began) * 1e3, "ms");
    step(DAY0 + 86400 + 40000);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

int main(int count, char **arguments) {
    struct am_error error = {.code = AM_OK};
    if (count != 5)
        return 2;
    cells = (uint32_t)atoi(arguments[3]);
    struct am_ledger_options options = {.folder = arguments[1],
                                        .tmpfs = arguments[2],
                                        .currency = "EUR",
                                        .cells = cells,
                                        .zones = am_timezones_load(NULL, &error)};
    require(am_ledger_open(&options, &ledger, &error), &error);
    am_ledger_recovered(ledger);
    require(am_ledger_worker_new(ledger, &worker, &error), &error);
    step(DAY0);
    double began = seconds();
    publish((uint32_t)atoi(arguments[4]));
    say("publish", seconds() - began, "s");
    began = seconds();
    make_map();
    say("map", seconds() - began, "s");
    step_often();
    decide("gate, 1,000 ads", false, 1000, false);
    decide("gate, all ads", false, cells, false);
    decide("reserve, release", true, 1000, false);
    decide("the same, all ads", true, cells, false);
    decide("reserve, charge, count", true, 1000, true);
    decide("the same, all ads", true, cells, true);
    began = wall_seconds();
    require(am_ledger_snapshot(ledger, DAY0, &error), &error);
    say("snapshot", wall_seconds() - began, "s");
    am_delivery_map_close(map);
    am_ledger_worker_free(worker);
    am_ledger_close(ledger);
    char command[512];
    snprintf(command, sizeof command, "rm -rf %s/*", arguments[2]);
    if (system(command) != 0)
        return 1;
    began = wall_seconds();
    require(am_ledger_open(&options, &ledger, &error), &error);
    am_ledger_recovered(ledger);
    say("back after a reboot", wall_seconds() - began, "s");
    am_ledger_close(ledger);
    return 0;
}
