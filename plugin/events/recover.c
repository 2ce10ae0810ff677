/* SPDX-License-Identifier: Apache-2.0 */
/* After a reboot: the ring as it was saved, and the log since then, read again. */
#include <stdlib.h>

#include "amounts.h"
#include "handle.h"
#include "judge.h"
#include "parts.h"
#include "walk.h"

struct replay {
    struct am_event_service *service;
    struct am_event_recovered *recovered;
    struct am_journal_position *ring_from; /* of each lane, here and below; NULL: not wanted */
    struct am_journal_position *ledger_from;
    struct am_journal_position *ends; /* all that is known to have been written */
    bool notices;                     /* this walk is for lines about records alone */
    uint64_t next;                    /* the first placement to come */
    enum am_code code;
    struct am_error *error;
};

static bool is_at_or_after(struct am_journal_position a, struct am_journal_position b) {
    return a.number != b.number ? a.number > b.number : a.offset >= b.offset;
}

static bool is_wanted(const struct replay *replay,
                      const struct am_journal_position *from,
                      const struct am_journal_walked *line) {
    return from && (line->lane >= replay->service->journal.shared->lane_count ||
                    is_at_or_after(line->begin, from[line->lane]));
}

/* ---- the ring ---- */

/* Whether the line's event has claimed its bit. */
static bool has_claimed(const struct am_journal_record *record) {
    struct am_view budget = am_event_outcome_name(AM_EVENT_BUDGET);
    struct am_view reason = record->values[AM_JOURNAL_M_REASON];
    return am_journal_true(record->values[AM_JOURNAL_M_BILLABLE]) ||
           (reason.size == budget.size + 2 &&
            memcmp(reason.data + 1, budget.data, budget.size) == 0);
}

static bool bit_of(enum am_journal_kind kind, enum am_event_ring_bit *bit) {
    static const struct {
        enum am_journal_kind kind;
        enum am_event_ring_bit bit;
    } bits[] = {
        {AM_JOURNAL_IMPRESSION, AM_EVENT_RING_IMPRESSION},
        {AM_JOURNAL_CLICK, AM_EVENT_RING_CLICK},
        {AM_JOURNAL_VIEW, AM_EVENT_RING_VIEW},
        {AM_JOURNAL_BILL, AM_EVENT_RING_BILL},
    };
    for (size_t i = 0; i < AM_COUNT_OF(bits); i++)
        if (bits[i].kind == kind) {
            *bit = bits[i].bit;
            return true;
        }
    return false;
}

static void restore_bit(struct replay *replay,
                        enum am_journal_kind kind,
                        const struct am_journal_record *record) {
    struct am_ledger *ledger = replay->service->ledger;
    struct am_view id = record->values[AM_JOURNAL_M_ID];
    enum am_event_ring_bit bit;
    uint16_t host, epoch;
    uint64_t sequence;
    if (!bit_of(kind, &bit) || !has_claimed(record) || id.size < 2)
        return;
    struct am_view inside = {id.data + 1, id.size - 2};
    if (am_journal_id_read(inside, &host, &epoch, &sequence) && host == am_ledger_host(ledger) &&
        epoch == am_ledger_epoch(ledger))
        am_event_ring_restore(replay->service->ring, sequence, bit);
}

/* ---- the ledger ---- */

static enum am_code
replay_notice(struct replay *replay, const struct am_journal_record *record, int64_t time) {
    char memory[AM_JOURNAL_ID_MEMORY];
    enum am_ledger_kind kind = am_journal_ledger_kind(record->values[AM_JOURNAL_M_KIND]);
    struct am_view change = record->values[AM_JOURNAL_M_CHANGE];
    bool made = am_view_equal(change, AM_VIEW("\"made\""));
    if ((!made && !am_view_equal(change, AM_VIEW("\"freed\""))) || kind == AM_LEDGER_KINDS) {
        replay->recovered->bad_lines++;
        return AM_OK;
    }
    return am_ledger_replay_notice(replay->service->ledger, made ? AM_LEDGER_MADE : AM_LEDGER_FREED,
                                   kind, am_journal_id(record->values[AM_JOURNAL_M_ID], memory),
                                   time / AM_JOURNAL_SECOND, replay->error);
}

static enum am_code replay_amounts(struct replay *replay,
                                   const struct am_journal_walked *line,
                                   enum am_journal_kind kind,
                                   const struct am_journal_record *record,
                                   int64_t time) {
    static const enum am_journal_member members[AM_LEDGER_KINDS] = {
        [AM_LEDGER_ADVERTISER] = AM_JOURNAL_M_ADVERTISER,
        [AM_LEDGER_CAMPAIGN] = AM_JOURNAL_M_CAMPAIGN,
        [AM_LEDGER_AD] = AM_JOURNAL_M_AD,
    };
    char memory[AM_LEDGER_KINDS][AM_JOURNAL_ID_MEMORY];
    struct am_journal_amounts added;
    struct am_ledger_replayed replayed = {.time = time / AM_JOURNAL_SECOND,
                                          .slot = line->lane,
                                          .position = {line->end.number, line->end.offset}};
    if (!am_journal_amounts(kind, record, &added))
        return AM_OK;
    for (int i = 0; i < AM_LEDGER_KINDS; i++)
        if (i != AM_LEDGER_AD || added.ad)
            replayed.ids[i] = am_journal_id(record->values[members[i]], memory[i]);
    memcpy(replayed.amounts, added.amounts, sizeof replayed.amounts);
    return am_ledger_replay(replay->service->ledger, &replayed, replay->error);
}

/* ---- the walk ---- */

static bool visit(void *context, const struct am_journal_walked *line) {
    struct replay *replay = context;
    struct am_journal_record record;
    int64_t time;
    if (!am_journal_scan(line->text, &record) || !am_journal_time(&record, &time)) {
        replay->recovered->bad_lines += !replay->notices;
        return true;
    }
    enum am_journal_kind kind = am_journal_kind(&record);
    bool for_ledger = is_wanted(replay, replay->ledger_from, line);
    if (time > replay->recovered->last)
        replay->recovered->last = time;
    if (replay->notices && for_ledger && kind == AM_JOURNAL_CELL)
        replay->code = replay_notice(replay, &record, time);
    if (!replay->notices && for_ledger)
        replay->code = replay_amounts(replay, line, kind, &record, time);
    if (!replay->notices && is_wanted(replay, replay->ring_from, line))
        restore_bit(replay, kind, &record);
    return replay->code == AM_OK;
}

/* Where a lane's lines are wanted from, by the ring or by the ledger. */
static struct am_journal_position first_wanted(const struct replay *replay, uint32_t lane) {
    if (!replay->ring_from)
        return replay->ledger_from[lane];
    if (!replay->ledger_from || is_at_or_after(replay->ledger_from[lane], replay->ring_from[lane]))
        return replay->ring_from[lane];
    return replay->ledger_from[lane];
}

static enum am_code walk(struct replay *replay, bool notices) {
    struct am_event_service *service = replay->service;
    uint32_t lanes = service->journal.shared->lane_count;
    struct am_journal_position *from = calloc(lanes, sizeof *from);
    struct am_journal_walk_report report;
    struct am_error error;
    if (!from)
        return am_error_set(replay->error, AM_E_MEMORY, "no memory for replaying the log");
    for (uint32_t lane = 0; lane < lanes; lane++)
        from[lane] = first_wanted(replay, lane);
    replay->notices = notices;
    struct am_journal_bounds bounds = {
        .from = from, .count = lanes, .kept = am_journal_last_hour(from, lanes)};
    enum am_code code = am_journal_walk(service->log_path, &bounds, visit, replay, &report, &error);
    free(from);
    replay->recovered->lines += notices ? 0 : report.lines;
    replay->recovered->walked = report;
    if (replay->code != AM_OK) /* and its error is set */
        return replay->code;
    if (code != AM_OK && replay->error)
        *replay->error = error;
    return code;
}

static void ledger_positions(const struct am_event_service *service,
                             struct am_journal_position *positions) {
    for (uint32_t lane = 0; lane < service->journal.shared->lane_count; lane++) {
        struct am_ledger_position position = {0, 0};
        if (am_ledger_replay_from(service->ledger, lane, &position))
            positions[lane] = (struct am_journal_position){position.file, position.offset};
    }
}

/* A ring that cannot be loaded is no reason not to start: its older placements stay expired. */
static void load_ring(struct replay *replay, struct am_journal_position *lanes) {
    struct am_event_service *service = replay->service;
    struct am_event_recovered *recovered = replay->recovered;
    replay->next = atomic_load(&service->ring->begin);
    struct am_event_ring_loaded loaded = {lanes, service->journal.shared->lane_count, 0};
    recovered->ring_lost = am_event_ring_load(service->ring, service->folder, &loaded,
                                              &recovered->ring_error) != AM_OK;
    recovered->ring_damaged = loaded.damaged;
    if (!recovered->ring_lost)
        replay->ring_from = lanes;
}

enum am_code am_event_save_ring(struct am_event_service *service, struct am_error *error) {
    uint32_t lane_count = service->journal.shared->lane_count;
    struct am_journal_position *lanes = calloc(lane_count, sizeof *lanes);
    if (!lanes)
        return am_error_set(error, AM_E_MEMORY, "no memory for saving the ring");
    for (uint32_t lane = 0; lane < lane_count; lane++)
        lanes[lane] = am_journal_position(&service->journal, lane);
    enum am_code code =
        am_event_ring_save(service->ring, service->folder, lanes, lane_count, error);
    free(lanes);
    return code;
}

/* What the snapshot and the ring have of each lane was written. A file that is missing now may also
 * have had what came after it; and no lane goes on before such an end. */
static enum am_code check_ends(struct replay *replay, const struct am_journal_position *ring) {
    struct am_event_service *service = replay->service;
    uint32_t lanes = service->journal.shared->lane_count;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        if (is_at_or_after(ring[lane], replay->ends[lane]))
            replay->ends[lane] = ring[lane];
        am_journal_pass(&service->journal, lane, replay->ends[lane]);
    }
    return am_journal_check_ends(service->log_path, replay->ends, lanes, &replay->recovered->walked,
                                 replay->error);
}

/* Lines that are missing or cannot be read may be of events whose bits were set: then no older
 * placement counts, so that none counts twice. */
static void doubt_ring(struct replay *replay) {
    struct am_event_recovered *recovered = replay->recovered;
    recovered->ring_doubted = recovered->walked.missing || recovered->bad_lines;
    if (recovered->ring_doubted)
        atomic_store(&replay->service->ring->begin, replay->next);
}

/* A new ledger is on the disk before its first placement: only by a snapshot does a reboot know
 * the account that tokens name. The ring comes first, as always. */
static enum am_code save_new(struct am_event_service *service, struct am_error *error) {
    enum am_code code = am_event_save_ring(service, error);
    return code == AM_OK ? am_ledger_snapshot(service->ledger,
                                              service->journal.clock() / AM_JOURNAL_SECOND, error)
                         : code;
}

static enum am_code
recover(struct replay *replay, const struct am_journal_position *ring, bool ledger_is_new) {
    struct am_event_service *service = replay->service;
    enum am_code code = AM_OK;
    if (ledger_is_new)
        code = walk(replay, true);
    if (code == AM_OK && (replay->ring_from || replay->ledger_from))
        code = walk(replay, false);
    if (code == AM_OK)
        code = check_ends(replay, ring);
    if (code == AM_OK && replay->ring_from)
        doubt_ring(replay);
    if (code == AM_OK && ledger_is_new && !am_ledger_has_snapshot(service->ledger))
        code = save_new(service, replay->error);
    if (code == AM_OK && ledger_is_new)
        am_ledger_recovered(service->ledger);
    return code;
}

enum am_code am_event_recover(struct am_event_service *service,
                              bool ring_is_new,
                              struct am_event_recovered *recovered,
                              struct am_error *error) {
    uint32_t lanes = service->journal.shared->lane_count;
    bool ledger_is_new = am_ledger_recovering(service->ledger);
    *recovered = (struct am_event_recovered){.recovered = ring_is_new || ledger_is_new};
    if (!recovered->recovered)
        return AM_OK;
    struct replay replay = {.service = service, .recovered = recovered, .error = error};
    struct am_journal_position *ring = calloc((size_t)3 * lanes, sizeof *ring);
    if (!ring)
        return am_error_set(error, AM_E_MEMORY, "no memory for recovering");
    struct am_journal_position *ledger = ring + lanes;
    replay.ends = ledger + lanes;
    if (ring_is_new)
        load_ring(&replay, ring);
    ledger_positions(service, ledger);
    memcpy(replay.ends, ledger, lanes * sizeof *ledger);
    if (ledger_is_new)
        replay.ledger_from = ledger;
    enum am_code code = recover(&replay, ring, ledger_is_new);
    free(ring);
    return code;
}

void am_event_log_recovered(struct am_event_worker *worker,
                            const struct am_event_recovered *recovered) {
    bool missing = recovered->walked.missing > 0;
    if (recovered->recovered && (missing || recovered->last))
        am_event_log_gap(worker, missing ? "missing" : "restart", recovered->last, 0);
}
