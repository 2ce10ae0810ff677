/* SPDX-License-Identifier: Apache-2.0 */
#include "holder.h"

#include <stdlib.h>
#include <time.h>

#include "amounts.h"
#include "counters.h"
#include "event_line.h"
#include "parts.h"

enum { AHEAD_SECONDS = 10, TIDY_MILLISECONDS = 10000 };
#define JUMP (5 * AM_JOURNAL_SECOND)
#define RETRY (10 * AM_JOURNAL_SECOND)
#define STEADY (3600 * AM_JOURNAL_SECOND)

static int64_t boot_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * AM_JOURNAL_SECOND + now.tv_nsec / 1000;
}

void am_event_hold(struct am_event_holder *holder,
                   struct am_event_service *service,
                   struct am_event_worker *worker,
                   const struct am_event_recovered *recovered) {
    int64_t boot = boot_time();
    *holder = (struct am_event_holder){
        .service = service,
        .worker = worker,
        .steady_since = boot,
        .ahead = service->journal.clock() - boot,
        .sequence = am_ledger_sequence(service->ledger),
        .told_lost = am_journal_health(&service->journal).lost_lines,
    };
    if (recovered)
        am_event_log_recovered(worker, recovered);
}

bool am_event_hold_is_steady(const struct am_event_holder *holder) {
    return boot_time() - atomic_load(&holder->steady_since) >= STEADY;
}

static void watch_clock(struct am_event_holder *holder, int64_t now) {
    int64_t boot = boot_time(), moved = now - boot - holder->ahead;
    if (moved > JUMP || moved < -JUMP) {
        holder->ahead = now - boot;
        atomic_store(&holder->steady_since, boot);
        if (moved < 0) /* a day may have been put back */
            atomic_store(&holder->counters_due, true);
    }
}

/* Room for as many placements as ten seconds at the present rate bring. */
static void clear_ahead(struct am_event_holder *holder, int64_t now) {
    struct am_event_service *service = holder->service;
    uint64_t next = am_ledger_sequence(service->ledger);
    uint64_t wanted = (next - holder->sequence) * AHEAD_SECONDS;
    am_event_ring_advance(service->ring, next, wanted, now);
    holder->sequence = next;
}

/* Says in the log how many lines it lacks. That line is lost, too, while there is no room: then it
 * is tried again later. */
static void tell_lost(struct am_event_holder *holder, int64_t now) {
    struct am_journal_health health = am_journal_health(&holder->service->journal);
    if (health.lost_lines == holder->told_lost || (health.full && now < holder->try_again))
        return;
    if (!holder->lost_since)
        holder->lost_since = now;
    holder->try_again = now + RETRY;
    if (!am_event_log_gap(holder->worker, "full", holder->lost_since,
                          health.lost_lines - holder->told_lost))
        return;
    holder->told_lost = health.lost_lines;
    holder->lost_since = 0;
    atomic_store(&holder->counters_due, true);
}

static void begin_hour(struct am_event_holder *holder, int64_t now) {
    int64_t hour = now / (3600 * AM_JOURNAL_SECOND);
    if (hour == holder->counters_hour)
        return;
    holder->counters_hour = hour;
    atomic_store(&holder->counters_due, true);
}

enum am_code am_event_hold_second(struct am_event_holder *holder, struct am_error *error) {
    struct am_event_service *service = holder->service;
    int64_t now = service->journal.clock();
    watch_clock(holder, now);
    clear_ahead(holder, now / AM_JOURNAL_SECOND);
    am_journal_close_idle(&service->journal);
    tell_lost(holder, now);
    begin_hour(holder, now);
    return am_event_rates_salt(service->rates, now / AM_JOURNAL_SECOND, error);
}

/* ---- events of killed workers ---- */

/* Whether a lane's last line is the one that was noted. */
static bool
is_written(struct am_journal *journal, uint32_t lane, const struct am_event_note *note) {
    char memory[AM_JOURNAL_LINE_MAX], id_memory[AM_JOURNAL_ID_MEMORY];
    struct am_journal_record record;
    int64_t time;
    uint16_t host, epoch;
    uint64_t sequence;
    struct am_view text = am_journal_last_line(journal, lane, memory);
    return am_journal_scan(text, &record) && am_journal_kind(&record) == note->kind &&
           am_journal_time(&record, &time) && time == note->time &&
           am_journal_id_read(am_journal_id(record.values[AM_JOURNAL_M_ID], id_memory), &host,
                              &epoch, &sequence) &&
           sequence == note->sequence && host == note->host && epoch == note->epoch;
}

/* The ids of records that have cells; an ad without one keeps the id of its names. */
static void names_of_cells(struct am_event_service *service,
                           const struct am_ledger_event *event,
                           struct am_event_target *target) {
    struct am_event_ad_names *names = &target->memory.names;
    struct am_view *ids[AM_LEDGER_KINDS] = {[AM_LEDGER_ADVERTISER] = &names->advertiser,
                                            [AM_LEDGER_CAMPAIGN] = &names->campaign,
                                            [AM_LEDGER_AD] = &names->ad};
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        struct am_ledger_record_state state;
        if (event->cells[kind] < AM_LEDGER_CLOSED_CELL &&
            am_ledger_read(service->ledger, event->cells[kind], &state, NULL) == AM_OK)
            *ids[kind] = state.id;
    }
}

static void find_names(const struct am_event_holder *holder,
                       const struct am_ledger_event *event,
                       const struct am_event_note *note,
                       struct am_event_target *target) {
    struct am_event_service *service = holder->service;
    target->memory.names = (struct am_event_ad_names){.match = AM_MATCH_ANY};
    if (!am_event_find_gone(service, note->decided, note->ad, note->keyword, target))
        names_of_cells(service, event, target);
}

static struct am_ledger_position write_noted(const struct am_event_holder *holder,
                                             uint32_t lane,
                                             const struct am_ledger_event *event,
                                             enum am_ledger_outcome outcome,
                                             const struct am_event_note *note) {
    struct am_event_service *service = holder->service;
    struct am_journal_writer *writer;
    struct am_journal_line line;
    struct am_event_target target;
    struct am_journal_position position = am_journal_position(&service->journal, lane);
    if (am_journal_writer_open(&service->journal, lane, &writer, NULL) == AM_OK) {
        find_names(holder, event, note, &target);
        am_journal_begin_at(writer, (enum am_journal_kind)note->kind, note->time, &line);
        am_event_put_line(line.text, &(struct am_event_line){
                                         .note = note,
                                         .names = &target.memory.names,
                                         .outcome = outcome == AM_LEDGER_NO_ROOM ? AM_EVENT_BUDGET
                                                                                 : AM_EVENT_COUNTED,
                                     });
        am_journal_write(writer, &position);
        am_journal_end(writer);
        am_journal_writer_close(writer);
    }
    return (struct am_ledger_position){position.number, position.offset};
}

static struct am_ledger_position finish(void *context,
                                        uint32_t slot,
                                        const struct am_ledger_event *event,
                                        enum am_ledger_outcome outcome,
                                        const void *note_bytes,
                                        size_t note_size,
                                        struct am_ledger_position last) {
    const struct am_event_holder *holder = context;
    struct am_journal *journal = &holder->service->journal;
    struct am_event_note note;
    if (note_size != sizeof note || slot >= journal->shared->lane_count)
        return last; /* noted by somebody else */
    memcpy(&note, note_bytes, sizeof note);
    note.time = am_event_noted_time(&note, event);
    if (am_journal_repair(journal, slot, NULL) == AM_OK && is_written(journal, slot, &note)) {
        struct am_journal_position end = am_journal_position(journal, slot);
        return (struct am_ledger_position){end.number, end.offset};
    }
    return write_noted(holder, slot, event, outcome, &note);
}

void am_event_hold_finish(struct am_event_holder *holder) {
    am_ledger_finish(holder->worker->ledger_worker, finish, holder);
}

/* ---- threads that may wait for a disk ---- */

bool am_event_hold_counters_due(const struct am_event_holder *holder) {
    return atomic_load(&holder->counters_due);
}

/* A recount starts behind these places: those that the log cannot have are of damaged memory. */
static enum am_code check_positions(const struct am_event_service *service,
                                    const struct am_ledger_counts *counts,
                                    struct am_error *error) {
    for (uint32_t i = 0; i < counts->position_count; i++) {
        const struct am_ledger_position_of *of = &counts->positions[i];
        struct am_journal_position end = {0, 0};
        if (of->slot < service->journal.shared->lane_count)
            end = am_journal_position(&service->journal, of->slot);
        if (of->position.file > end.number ||
            (of->position.file == end.number && of->position.offset > end.offset))
            return am_error_set(
                error, AM_E_CORRUPT,
                "its shared memory is damaged: lane %u of the log is counted beyond "
                "its end. No counters are logged",
                of->slot);
    }
    return AM_OK;
}

enum am_code am_event_hold_counters(struct am_event_holder *holder, struct am_error *error) {
    struct am_ledger_counts counts;
    atomic_store(&holder->counters_due, false);
    enum am_code code = am_ledger_counts_take(holder->service->ledger, &counts, error);
    if (code != AM_OK) {
        atomic_store(&holder->counters_due, true);
        return code;
    }
    code = check_positions(holder->service, &counts, error);
    /* Lines that are lost for want of room make them due when there is room again: tell_lost. */
    if (code == AM_OK && !am_event_log_counters(holder->worker, &counts, NULL))
        code = am_error_set(error, AM_E_IO, "no room for the counters in the log");
    am_ledger_counts_free(&counts);
    return code;
}

enum am_code am_event_hold_save(struct am_event_holder *holder, struct am_error *error) {
    return am_event_save_ring(holder->service, error);
}

enum am_code am_event_hold_tidy(struct am_event_holder *holder,
                                uint32_t keep_days,
                                struct am_journal_tidied *tidied,
                                struct am_error *error) {
    struct am_event_service *service = holder->service;
    bool steady = am_event_hold_is_steady(holder);
    int64_t now = service->journal.clock() / AM_JOURNAL_SECOND;
    struct am_error names_error;
    enum am_code code =
        am_journal_tidy(&service->journal, keep_days, steady, TIDY_MILLISECONDS, tidied, error);
    enum am_code names_code = am_event_names_tidy(service->names, now, steady, &names_error);
    if (code == AM_OK && names_code != AM_OK && error)
        *error = names_error;
    return code == AM_OK ? names_code : code;
}
