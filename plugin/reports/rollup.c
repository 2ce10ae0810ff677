/* SPDX-License-Identifier: Apache-2.0 */
#include "rollup.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../base/clock.h"
#include "counting.h"

/* A decision waits for a tenth of a second before it is written; clicks count for a day. */
enum { SETTLE_MILLISECONDS = 1000, PLACE_HOURS = 26, HOUR_SECONDS = 3600, DAY_HOURS = 24 };

/* How far the log is counted, by lane. */
struct positions {
    struct am_journal_position decisions[AM_JOURNAL_MAX_LANES];
    struct am_journal_position events[AM_JOURNAL_MAX_LANES];
};

struct state {
    int64_t hour;   /* of the files that are read: no older ones are left */
    int64_t newest; /* time of the newest line, microseconds */
    int64_t lines, unreadable, gone;
};

struct am_report_rollup {
    struct am_report_store store;
    struct am_report_counting counting;
    char log[4096];
    struct positions before, after;
    struct state state;
    bool behind; /* the last round left older files than those that are written now */
};

enum am_code am_report_rollup_open(const char *folder,
                                   uint64_t terms,
                                   struct am_report_rollup **made,
                                   struct am_error *error) {
    struct am_report_rollup *rollup = calloc(1, sizeof *rollup);
    *made = rollup;
    if (!rollup)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    am_report_counting_init(&rollup->counting, &rollup->store, terms);
    enum am_code code = am_report_store_open(&rollup->store, folder, AM_REPORT_WRITE, error);
    if (code == AM_OK)
        snprintf(rollup->log, sizeof rollup->log, "%s/log", folder); /* shorter than the store's */
    if (code == AM_OK)
        return AM_OK;
    am_report_rollup_close(rollup);
    *made = NULL;
    return code;
}

void am_report_rollup_close(struct am_report_rollup *rollup) {
    if (!rollup)
        return;
    am_report_counting_free(&rollup->counting);
    am_report_store_close(&rollup->store);
    free(rollup);
}

/* ---- what the file says of itself ---- */

static enum am_code read_state(struct am_report_rollup *rollup, struct am_error *error) {
    bool row;
    sqlite3_stmt *statement = am_report_store_get(&rollup->store, AM_REPORT_STATE, error);
    rollup->state = (struct state){.hour = 0, .newest = INT64_MIN};
    if (!statement)
        return AM_E_IO;
    enum am_code code = am_report_store_step(&rollup->store, statement, &row, error);
    if (code == AM_OK && row)
        rollup->state =
            (struct state){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1),
                           sqlite3_column_int64(statement, 2), sqlite3_column_int64(statement, 3),
                           sqlite3_column_int64(statement, 4)};
    sqlite3_reset(statement);
    return code;
}

static enum am_code write_state(struct am_report_rollup *rollup, struct am_error *error) {
    const struct state *state = &rollup->state;
    const int64_t numbers[] = {state->hour, state->newest, state->lines, state->unreadable,
                               state->gone};
    return am_report_store_run(&rollup->store, AM_REPORT_STATE_PUT, numbers, AM_COUNT_OF(numbers),
                               error);
}

static struct am_journal_position position_column(sqlite3_stmt *statement, int number) {
    return (struct am_journal_position){(uint64_t)sqlite3_column_int64(statement, number),
                                        (uint64_t)sqlite3_column_int64(statement, number + 1)};
}

static enum am_code read_positions(struct am_report_rollup *rollup, struct am_error *error) {
    bool row;
    enum am_code code;
    struct positions *positions = &rollup->before;
    sqlite3_stmt *statement = am_report_store_get(&rollup->store, AM_REPORT_POSITIONS, error);
    memset(positions, 0, sizeof *positions);
    if (!statement)
        return AM_E_IO;
    while ((code = am_report_store_step(&rollup->store, statement, &row, error)) == AM_OK && row) {
        int64_t lane = sqlite3_column_int64(statement, 0);
        if (lane < 0 || lane >= AM_JOURNAL_MAX_LANES)
            continue;
        positions->decisions[lane] = position_column(statement, 1);
        positions->events[lane] = position_column(statement, 3);
    }
    sqlite3_reset(statement);
    return code;
}

static bool is_same(struct am_journal_position a, struct am_journal_position b) {
    return a.number == b.number && a.offset == b.offset;
}

static enum am_code write_positions(struct am_report_rollup *rollup, struct am_error *error) {
    enum am_code code = AM_OK;
    for (int64_t lane = 0; code == AM_OK && lane < AM_JOURNAL_MAX_LANES; lane++) {
        struct am_journal_position decisions = rollup->after.decisions[lane];
        struct am_journal_position events = rollup->after.events[lane];
        if (is_same(decisions, rollup->before.decisions[lane]) &&
            is_same(events, rollup->before.events[lane]))
            continue;
        const int64_t numbers[] = {lane, (int64_t)decisions.number, (int64_t)decisions.offset,
                                   (int64_t)events.number, (int64_t)events.offset};
        code = am_report_store_run(&rollup->store, AM_REPORT_POSITION_PUT, numbers,
                                   AM_COUNT_OF(numbers), error);
    }
    return code;
}

/* ---- a round ---- */

static enum am_code walk(struct am_report_rollup *rollup,
                         const struct am_journal_bounds *bounds,
                         am_journal_visit *visit,
                         struct am_journal_walk_report *report,
                         struct am_error *error) {
    enum am_code code =
        am_journal_walk(rollup->log, bounds, visit, &rollup->counting, report, error);
    if (code != AM_E_CHANGED || rollup->counting.code == AM_OK)
        return code;
    if (error)
        *error = rollup->counting.error;
    return rollup->counting.code;
}

static void set_end(struct am_journal_position *to, uint64_t number) {
    for (uint32_t lane = 0; lane < AM_JOURNAL_MAX_LANES; lane++)
        to[lane] = (struct am_journal_position){number, 0};
}

/* Decisions of the oldest hour of files that has some left, in `to`. */
static enum am_code read_hours(struct am_report_rollup *rollup,
                               struct am_journal_position *to,
                               struct am_report_round *round,
                               struct am_error *error) {
    const struct am_journal_bounds bounds = {.from = rollup->before.decisions,
                                             .to = to,
                                             .reached = rollup->after.decisions,
                                             .count = AM_JOURNAL_MAX_LANES};
    struct am_journal_walk_report report = {.lines = 0};
    uint64_t hour = (uint64_t)rollup->state.hour;
    for (;;) {
        uint64_t end = am_journal_number(hour + 1, 0), next = UINT64_MAX;
        set_end(to, end);
        enum am_code code = walk(rollup, &bounds, am_report_count_decision, &report, error);
        if (code == AM_OK)
            code = am_journal_next_number(rollup->log, end, &next, error);
        rollup->state.hour = (int64_t)hour;
        round->lines = report.lines;
        round->ended = next == UINT64_MAX;
        if (code != AM_OK || report.lines || round->ended)
            return code;
        hour = am_journal_number_hour(next);
    }
}

static enum am_code read_decisions(struct am_report_rollup *rollup,
                                   struct am_report_round *round,
                                   struct am_error *error) {
    struct am_journal_position *to = calloc(AM_JOURNAL_MAX_LANES, sizeof *to);
    if (!to)
        return am_error_set(error, AM_E_MEMORY, "no memory for the reports");
    enum am_code code = read_hours(rollup, to, round, error);
    free(to);
    return code;
}

/* Events up to where decisions had been read before this round. */
static enum am_code read_events(struct am_report_rollup *rollup,
                                struct am_report_round *round,
                                struct am_error *error) {
    const struct am_journal_bounds bounds = {.from = rollup->before.events,
                                             .to = rollup->before.decisions,
                                             .reached = rollup->after.events,
                                             .count = AM_JOURNAL_MAX_LANES};
    struct am_journal_walk_report report;
    enum am_code code = walk(rollup, &bounds, am_report_count_event, &report, error);
    rollup->state.lines += (int64_t)report.lines;
    round->more = round->lines || !round->ended;
    round->lines += report.lines;
    round->gone = report.gone;
    return code;
}

static enum am_code finish_round(struct am_report_rollup *rollup,
                                 const struct am_report_round *round,
                                 struct am_error *error) {
    struct am_report_counting *counting = &rollup->counting;
    struct state *state = &rollup->state;
    if (counting->newest > state->newest)
        state->newest = counting->newest;
    const int64_t oldest_place = state->newest / AM_JOURNAL_SECOND / HOUR_SECONDS - PLACE_HOURS;
    state->unreadable += (int64_t)counting->unreadable;
    state->gone += (int64_t)round->gone;
    enum am_code code = am_report_counting_flush(counting, error);
    if (code == AM_OK)
        code = am_report_store_run(&rollup->store, AM_REPORT_PLACES_PRUNE, &oldest_place, 1, error);
    if (code == AM_OK)
        code = write_positions(rollup, error);
    return code == AM_OK ? write_state(rollup, error) : code;
}

static enum am_code count_round(struct am_report_rollup *rollup,
                                struct am_report_round *round,
                                struct am_error *error) {
    enum am_code code = read_state(rollup, error);
    if (code == AM_OK)
        code = read_positions(rollup, error);
    rollup->after = rollup->before;
    rollup->counting.unreadable = 0;
    if (code == AM_OK)
        code = read_decisions(rollup, round, error);
    if (code == AM_OK)
        code = read_events(rollup, round, error);
    return code == AM_OK ? finish_round(rollup, round, error) : code;
}

/* Until what waited in memory when the newest line was written has been written, too. */
static enum am_code settle(struct am_report_rollup *rollup, struct am_error *error) {
    enum am_code code = rollup->behind ? AM_OK : read_state(rollup, error);
    int64_t now = am_clock_milliseconds(CLOCK_REALTIME);
    int64_t left = rollup->state.newest / 1000 + SETTLE_MILLISECONDS - now;
    left = left < SETTLE_MILLISECONDS ? left : SETTLE_MILLISECONDS - 1;
    const struct timespec pause = {0, left * 1000000};
    if (code == AM_OK && left > 0 && !rollup->behind)
        nanosleep(&pause, NULL);
    return code;
}

enum am_code am_report_rollup_round(struct am_report_rollup *rollup,
                                    struct am_report_round *round,
                                    struct am_error *error) {
    *round = (struct am_report_round){.lines = 0};
    if (am_report_store_is_gone(&rollup->store))
        return am_error_set(error, AM_E_CHANGED, "the reports %s were removed: making new ones",
                            rollup->store.path);
    enum am_code code = settle(rollup, error);
    if (code == AM_OK)
        code = am_report_store_run(&rollup->store, AM_REPORT_BEGIN, NULL, 0, error);
    if (code != AM_OK)
        return code;
    code = count_round(rollup, round, error);
    if (code == AM_OK)
        code = am_report_store_run(&rollup->store, AM_REPORT_COMMIT, NULL, 0, error);
    /* Another process may change the rest of them before the next round. */
    am_report_places_clear(&rollup->counting.places);
    rollup->behind = code == AM_OK && !round->ended;
    if (code == AM_OK)
        return AM_OK;
    am_report_counting_clear(&rollup->counting);
    (void)am_report_store_run(&rollup->store, AM_REPORT_ROLLBACK, NULL, 0, NULL);
    return code;
}

/* ---- what is too old ---- */

enum am_code
am_report_rollup_prune(struct am_report_rollup *rollup, int64_t now, struct am_error *error) {
    int64_t hour = now / HOUR_SECONDS, day = hour / DAY_HOURS;
    const struct {
        enum am_report_statement statement;
        int64_t oldest;
    } tables[] = {
        {AM_REPORT_HOURLY_PRUNE, hour - AM_REPORT_HOURLY_DAYS * DAY_HOURS},
        {AM_REPORT_OUTCOMES_PRUNE, hour - AM_REPORT_HOURLY_DAYS * DAY_HOURS},
        {AM_REPORT_TERMS_PRUNE, day - AM_REPORT_TERM_DAYS},
        {AM_REPORT_DAYS_PRUNE, day - AM_REPORT_TERM_DAYS},
        {AM_REPORT_SEEN_PRUNE, hour},
    };
    enum am_code code = AM_OK;
    am_report_counting_clear(&rollup->counting); /* it may know rows that go */
    for (size_t i = 0; code == AM_OK && i < AM_COUNT_OF(tables); i++)
        code =
            am_report_store_run(&rollup->store, tables[i].statement, &tables[i].oldest, 1, error);
    return code;
}
