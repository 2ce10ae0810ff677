/* SPDX-License-Identifier: Apache-2.0 */
/* A small ledger in private memory, and what is done with one that a fuzzer has changed. */
#ifndef AM_FUZZ_LEDGER_TARGET_H
#define AM_FUZZ_LEDGER_TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugin/delivery/chains.h"
#include "../../plugin/delivery/delivery.h"
#include "../../plugin/delivery/verify.h"

#define FUZZ_DAY INT64_C(1796083200)

static inline void fuzz_require(bool holds) {
    if (!holds)
        abort();
}

static inline const struct am_timezones *fuzz_zones(void) {
    static struct am_timezones *zones;
    if (!zones)
        zones = am_timezones_load(NULL, NULL);
    return zones;
}

static inline struct am_ledger *fuzz_open(const char *folder, const char *tmpfs) {
    struct am_ledger *ledger = NULL;
    struct am_ledger_options options = {.folder = folder,
                                        .tmpfs = tmpfs,
                                        .currency = "EUR",
                                        .cells = 64,
                                        .placements = 64,
                                        .slots = 2,
                                        .caps_bytes = 4096,
                                        .zones = fuzz_zones()};
    fuzz_require(am_ledger_open(&options, &ledger, NULL) == AM_OK);
    if (am_ledger_recovering(ledger))
        am_ledger_recovered(ledger);
    return ledger;
}

static inline struct am_ledger_terms fuzz_terms(unsigned i) {
    static const char *const ids[] = {"v", "c", "a campaign with a long id", "a0"};
    static uint16_t weights[AM_PACE_HOURS];
    static struct am_pace_hours hours;
    memset(&hours, 0x77, sizeof hours);
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        weights[hour] = (uint16_t)(1 + hour);
    struct am_ledger_terms terms = {
        .kind = i == 0   ? AM_LEDGER_ADVERTISER
                : i == 3 ? AM_LEDGER_AD
                         : AM_LEDGER_CAMPAIGN,
        .id = am_view_of(ids[i]),
        .start = INT64_MIN,
        .end = i == 2 ? FUZZ_DAY + 1000000 : INT64_MAX,
        .zone = i == 1 ? AM_VIEW("Europe/Paris") : (struct am_view){NULL, 0},
        .curve = {.kind = (uint8_t)(i % 3), .weights = weights, .hours = i == 1 ? &hours : NULL},
    };
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms.budgets[unit] = (struct am_ledger_budget){
            (i + unit) % 2 ? 1000000 : AM_LEDGER_UNLIMITED,
            (i + unit) % 3 ? 500000 : AM_LEDGER_UNLIMITED, (uint8_t)((i + unit) % 3)};
    terms.above = i == 0   ? 0
                  : i == 3 ? am_model_key(AM_RECORD_CAMPAIGN, AM_VIEW("c"))
                           : am_model_key(AM_RECORD_ADVERTISER, AM_VIEW("v"));
    return terms;
}

/* The first `count` records are published, the others are gone. */
static inline void fuzz_publish(struct am_ledger *ledger, unsigned count, int64_t now) {
    struct am_ledger_publication publication = {.time = INT64_MAX, .currency = "EUR"};
    memset(publication.digest, 0xFF, sizeof publication.digest);
    if (am_ledger_publish_begin(ledger, &publication, now, NULL) != AM_OK)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct am_ledger_terms terms = fuzz_terms(i);
        am_ledger_put(ledger, &terms, NULL, NULL);
    }
    am_ledger_publish_end(ledger);
}

static inline struct am_delivery_map *fuzz_map(struct am_ledger *ledger) {
    struct am_delivery_map *map = NULL;
    fuzz_require(am_delivery_map_begin(ledger, 1, 2, &map, NULL) == AM_OK);
    for (uint32_t ad = 0; ad < 2; ad++) {
        struct am_delivery_map_ad what = {
            .keys = {am_model_key(AM_RECORD_ADVERTISER, AM_VIEW("v")),
                     am_model_key(AM_RECORD_CAMPAIGN, AM_VIEW("c")),
                     ad ? 0 : am_model_key(AM_RECORD_AD, AM_VIEW("a0"))}};
        if (am_delivery_map_put(map, ad, &what, NULL) != AM_OK)
            break;
    }
    am_delivery_map_commit(map, NULL);
    return map;
}

static inline void
fuzz_place(struct am_ledger_worker *worker, const struct am_delivery_map *map, uint64_t sequence) {
    struct am_delivery_ask ask = {.price = 100, .ctr = 1000, .per_click = sequence % 2};
    struct am_delivery_placement placement = {
        .sequence = sequence, .now = FUZZ_DAY, .seconds = 60, .caller = 1};
    struct am_delivery_detail detail = {.reason = AM_DELIVERY_FREE};
    char memory[256];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_delivery_begin(worker, FUZZ_DAY);
    am_delivery_gate(worker, map, sequence % 2, &ask, &detail);
    am_delivery_detail_write(&detail, &buffer);
    am_delivery_reserve(worker, map, sequence % 2, &ask, &placement, &detail);
}

static inline void fuzz_event(struct am_ledger_worker *worker,
                              const struct am_delivery_map *map,
                              uint64_t sequence,
                              bool count) {
    struct am_ledger_event event = {.sequence = sequence,
                                    .amounts = {100, 1, 0},
                                    .time = FUZZ_DAY,
                                    .holds = AM_LEDGER_HOLD_IMPRESSION};
    am_delivery_cells(map, 0, event.cells);
    am_delivery_charge(worker, &event, "note", 4, NULL);
    if (count)
        am_ledger_count(worker, (struct am_ledger_position){1, sequence});
}

static inline struct am_ledger_position fuzz_finish(void *context,
                                                    uint32_t slot,
                                                    const struct am_ledger_event *event,
                                                    enum am_ledger_outcome outcome,
                                                    const void *note,
                                                    size_t note_size,
                                                    struct am_ledger_position last) {
    (void)context;
    (void)slot;
    (void)event;
    (void)outcome;
    uint8_t sum = 0;
    for (size_t i = 0; i < note_size; i++)
        sum ^= ((const uint8_t *)note)[i];
    return (struct am_ledger_position){last.file, sum};
}

static inline void fuzz_step(struct am_ledger_worker *worker, int64_t now) {
    struct am_ledger *ledger = worker->ledger;
    struct am_ledger_step_report report;
    fuzz_require(am_ledger_step(ledger, worker, now, &report, NULL) == AM_OK);
    am_ledger_finish(worker, fuzz_finish, NULL);
    am_delivery_maps_refresh(ledger, now);
}

static inline void fuzz_read(struct am_ledger *ledger) {
    struct am_ledger_record_state state;
    for (uint32_t cell = 0; cell < am_ledger_cells(ledger); cell++)
        am_ledger_read(ledger, cell, &state, NULL);
}

/* Everything that a ledger is for. It stays sound through all of it. */
static inline void fuzz_use(struct am_ledger *ledger, struct am_ledger_worker *worker) {
    fuzz_step(worker, FUZZ_DAY + 1);
    struct am_delivery_map *map = fuzz_map(ledger);
    for (uint64_t sequence = 1; sequence < 6; sequence++)
        fuzz_place(worker, map, sequence);
    fuzz_event(worker, map, 2, true);
    fuzz_event(worker, map, 3, true);
    am_delivery_release(worker, 4, FUZZ_DAY + 2);
    fuzz_publish(ledger, 4, FUZZ_DAY + 2);
    fuzz_read(ledger);
    fuzz_step(worker, FUZZ_DAY + 90000);
    fuzz_publish(ledger, 1, FUZZ_DAY + 90000);
    fuzz_require(am_ledger_verify(ledger) == NULL);
    am_delivery_map_close(map);
    fuzz_step(worker, FUZZ_DAY + INT64_C(90000) * 40);
    fuzz_publish(ledger, 4, FUZZ_DAY + INT64_C(90000) * 40);
    fuzz_read(ledger);
    fuzz_require(am_ledger_verify(ledger) == NULL);
}

#endif
