/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what was spent, shown and clicked, by advertiser, campaign and limited ad, in memory
 * that every process of every instance on the host shares, with snapshots on disk.
 *
 *     DIR/lock              flock: the holder, the one process that steps, snapshots and expires
 *     DIR/id                a random number, made with DIR
 *     DIR/owner             the inventory path that the ledger belongs to
 *     DIR/home              the holder's live file, as device, inode and boot
 *     DIR/snapshot-N        the newest two snapshots
 *     DIR/caps              open windows of frequency caps
 *     TMPFS/admatch-ledger-UID-DEVICE-INODE-ID/   (of DIR)
 *         live              records, limits, placements, workers' slots: layout.h draws it
 *         caps              the table of frequency caps, made with the first inventory that has any
 *         map-GENERATION    ads to cells, one for each image: map.h
 *
 * Words of this room:
 *     record      an advertiser, a campaign or an ad that is counted
 *     cell        a record's index in the live file; stable while the record exists
 *     limit       a budget of one record in one unit (money, impressions, clicks)
 *     placement   an ad that a decision placed, in flight until its events or its expiry
 *     slot        the shared memory of one worker thread: what it is doing, and its events
 *     publisher, holder, worker   roles; one process may have all of them
 *
 * Units: money in nanos (10^-9 of the currency), impressions and clicks in whole events; inside a
 * limit of clicks everything is in millionths of a click. Times are whole seconds since the epoch.
 *
 * Prefixes of this room: am_ledger_ (the account: files, processes, publications, the step),
 * am_delivery_ (what decisions and events do), am_pace_ (arithmetic of lines), am_caps_ (frequency
 * caps).
 *
 * Thread rule: a `struct am_ledger` may be used by any thread of its process, and by processes
 * forked after am_ledger_open; a `struct am_ledger_worker` by one thread at a time, only in the
 * process that made it. Functions marked [holder] run in the process that am_ledger_hold succeeded
 * in; functions marked [lock] take the ledger's robust mutex, so they may wait for a fraction of a
 * millisecond and must not run inside a decision. */
#ifndef AM_DELIVERY_LEDGER_H
#define AM_DELIVERY_LEDGER_H

#include "../base/bytes.h"
#include "../base/error.h"
#include "../base/timezone.h"
#include "../model/keys.h"
#include "pace.h"

/* Those of am_model_key, which is the key of a record here, too. */
enum am_ledger_kind {
    AM_LEDGER_ADVERTISER = AM_RECORD_ADVERTISER,
    AM_LEDGER_CAMPAIGN = AM_RECORD_CAMPAIGN,
    AM_LEDGER_AD = AM_RECORD_AD,
    AM_LEDGER_KINDS,
};
enum am_ledger_unit { AM_LEDGER_MONEY, AM_LEDGER_IMPRESSIONS, AM_LEDGER_CLICKS, AM_LEDGER_UNITS };

const char *am_ledger_kind_name(enum am_ledger_kind kind); /* "advertiser", "campaign", "ad" */
const char *am_ledger_unit_name(enum am_ledger_unit unit); /* "spend", "impressions", "clicks" */

enum {
    AM_LEDGER_FORMAT_VERSION = 1,
    AM_LEDGER_ID_MAX_BYTES = 255,
    AM_LEDGER_CAPS_MAX = 10,       /* frequency caps of one record */
    AM_LEDGER_NOTE_BYTES = 160,    /* of an event, kept for whoever takes over: see events below */
    AM_LEDGER_STALE_SECONDS = 5,   /* age of the step above which limited ads stop */
    AM_LEDGER_GONE_DAYS = 35,      /* that a record is kept without being published */
    AM_LEDGER_MIN_CELLS = 65536,   /* default: this, or twice those of the first inventory */
    AM_LEDGER_PLACEMENTS = 262144, /* default; 72 bytes each */
    AM_LEDGER_SLOTS = 256,         /* default; 8,448 bytes each; at most 1,024 */
};

#define AM_LEDGER_NO_CELL UINT32_MAX           /* not counted */
#define AM_LEDGER_CLOSED_CELL (UINT32_MAX - 1) /* has a limit and found no room: never runs */

/* A place in the log of one slot: see "events". */
struct am_ledger_position {
    uint64_t file;
    uint64_t offset; /* of the byte after the line */
};

/* ---- opening ----------------------------------------------------------------------------------
 */

struct am_ledger;
struct am_ledger_worker;

/* A record was made or freed, or something must be logged. Called by the process that did it,
 * without the lock. */
enum am_ledger_notice_kind { AM_LEDGER_MADE, AM_LEDGER_FREED, AM_LEDGER_WARNING };
struct am_ledger_notice {
    enum am_ledger_notice_kind what;
    enum am_ledger_kind kind; /* MADE, FREED */
    struct am_view id;        /* MADE, FREED; valid during the call */
    const char *text;         /* WARNING */
};
typedef void am_ledger_notify(void *context, const struct am_ledger_notice *notice);

enum { AM_LEDGER_PUBLISH_MILLISECONDS = 30000 };

struct am_ledger_options {
    const char *folder;    /* DIR; made with mode 0700 where it is missing. NULL: private memory,
                              for simulation and given state: no files, no other process */
    const char *tmpfs;     /* NULL: /dev/shm */
    const char *inventory; /* absolute path that DIR belongs to; NULL: not checked */
    const char *currency;  /* ISO 4217 */
    uint32_t cells, placements, slots; /* 0: the defaults above; of a new live file only */
    uint64_t caps_bytes;               /* 0: 64 MiB */
    unsigned publish_milliseconds;     /* how long a publication waits for another; 0: as above */
    const struct am_timezones *zones; /* outlives the ledger; only publishing and stepping use it */
    am_ledger_notify *notify;         /* may be NULL */
    void *context;
};

/* Maps the live file. Where it is missing (a first start, a reboot), takes DIR/lock, makes it, and
 * loads the newest sound snapshot; then am_ledger_recovering is true, limited ads stop, and the
 * caller replays the log (below) and calls am_ledger_recovered. Call it before the first fork (in
 * the master), or in any process.
 * AM_E_VERSION: another format version. AM_E_CORRUPT: a damaged live file, or no sound snapshot
 * among those there are; nothing is changed. AM_E_INVALID: DIR belongs to another inventory or
 * user, its currency differs, or its holder lives in another mount namespace. AM_E_CHANGED: another
 * process is making or recovering the live file: try again. AM_E_LIMIT: the tmpfs is too small; the
 * message has the bytes wanted and free. AM_E_IO, AM_E_MEMORY. */
enum am_code am_ledger_open(const struct am_ledger_options *options,
                            struct am_ledger **opened,
                            struct am_error *error);

/* Unmaps. The process's workers must be gone. NULL is fine. */
void am_ledger_close(struct am_ledger *ledger);

/* Bytes of tmpfs that a new live file of these options takes at once, and when all its cells are in
 * use; caps (caps_bytes, with the first inventory that has any) and maps (4 bytes an ad and up to
 * 64) come on top. For the line that a start logs. */
uint64_t am_ledger_bytes_at_start(const struct am_ledger_options *options);
uint64_t am_ledger_bytes(const struct am_ledger_options *options);

/* Moves DIR to another inventory path. Any process. AM_E_IO. */
enum am_code am_ledger_rebind(const char *folder, const char *inventory, struct am_error *error);

/* Tries to become the holder: one process for each DIR, on all instances; kept until
 * am_ledger_unhold or the end of the process. False: another process is (try again each second).
 * Call it in the process that steps, after its fork: a lock taken before would be the children's,
 * too. */
bool am_ledger_hold(struct am_ledger *ledger);
void am_ledger_unhold(struct am_ledger *ledger);

/* Registers this process, before it makes workers; after fork, never before. Call it in a thread
 * that lives as long as the process (the kernel tells by that thread's robust mutex that the
 * process is gone). AM_E_LIMIT: no room for another process. [lock] */
enum am_code am_ledger_join(struct am_ledger *ledger, struct am_error *error);

/* A slot for one thread (or context). AM_E_LIMIT: all slots are taken; the message names the
 * option. Freed slots are reused at once, those of dead processes from the holder's next step on:
 * where it fails at a restart, try again a second later. [lock] */
enum am_code am_ledger_worker_new(struct am_ledger *ledger,
                                  struct am_ledger_worker **worker,
                                  struct am_error *error);
void am_ledger_worker_free(struct am_ledger_worker *worker);           /* NULL is fine. [lock] */
uint32_t am_ledger_worker_slot(const struct am_ledger_worker *worker); /* its number */

/* True when the live file was unlinked or replaced: limited ads stop in this mapping for good.
 * Close and open again. One load; any thread. */
bool am_ledger_is_lost(const struct am_ledger *ledger);

/* What identifies this account in tokens, and the counter that numbers placements: unique within
 * (host, epoch), 40 bits, goes on after a restart. Any thread. */
uint16_t am_ledger_host(const struct am_ledger *ledger);
uint16_t am_ledger_epoch(const struct am_ledger *ledger);
uint64_t am_ledger_sequence(struct am_ledger *ledger); /* the next number */

/* ---- publishing: what limits what ---------------------------------------------------------------
 */

enum { AM_LEDGER_UNLIMITED = -1 };

struct am_ledger_budget {
    int64_t total, daily; /* nanos, impressions, clicks; AM_LEDGER_UNLIMITED: none */
    uint8_t pacing;       /* enum am_pace_kind */
};

struct am_ledger_terms {
    enum am_ledger_kind kind;
    struct am_view id;
    uint64_t above;      /* key of the ad's campaign, the campaign's advertiser, or 0 */
    bool paused;         /* the inventory's */
    int64_t start, end;  /* INT64_MIN, INT64_MAX where there is none */
    struct am_view zone; /* of the budget's day: the record's own, else that of the record above it
                            or the inventory's; empty: UTC */
    struct am_pace_curve_spec curve; /* pace.h */
    struct am_ledger_budget budgets[AM_LEDGER_UNITS];
};

/* The order of publications: by time, then by digest; an older one than the ledger's last is
 * refused, so that an instance that lags never sets limits. */
struct am_ledger_publication {
    int64_t time; /* am_ledger_publication_time when this version was first seen */
    uint8_t digest[16];
    const char *currency;
};

/* Seconds since the host started: a clock that nobody puts back and all instances of a host share.
 * A live file does not outlive it. Any thread. */
int64_t am_ledger_publication_time(void);

/* Publishes terms, record by record. Between begin and end: am_ledger_put for every advertiser and
 * campaign, and each ad that has a budget, or a record already (am_ledger_find): without budgets
 * its limits are removed. Records that are not put are gone: they count on, under the limits that
 * they had, and are freed after AM_LEDGER_GONE_DAYS. Lines are anchored where a limit, curve,
 * pacing, zone, start or end changed or a pause was lifted, and nowhere else. A publisher killed in
 * between leaves a ledger that the next publication completes.
 * Any process; one at a time: a second one waits for publish_milliseconds, then gets AM_E_IO, with
 * the lock's name. begin: AM_E_CHANGED: older than the last publication, which a notice says, too;
 * AM_E_INVALID: another currency. put: AM_E_LIMIT: no room; AM_E_INVALID: another record's id has
 * the same key; the record does not run (its cell is AM_LEDGER_CLOSED_CELL), the publication goes
 * on. `now` is the time of the whole publication. [lock] */
enum am_code am_ledger_publish_begin(struct am_ledger *ledger,
                                     const struct am_ledger_publication *publication,
                                     int64_t now,
                                     struct am_error *error);
enum am_code am_ledger_put(struct am_ledger *ledger,
                           const struct am_ledger_terms *terms,
                           uint32_t *cell,
                           struct am_error *error);
void am_ledger_publish_end(struct am_ledger *ledger);
/* Instead of am_ledger_publish_end, after a failure: no record is gone, and no line is anchored.
 * The terms that were put stay until the next publication. */
void am_ledger_publish_abandon(struct am_ledger *ledger);

/* Sets the terms of one record now, outside of a publication: overrides. Makes the record where
 * there is none. The same rules and errors as am_ledger_put. [lock] */
enum am_code am_ledger_set(struct am_ledger *ledger,
                           const struct am_ledger_terms *terms,
                           int64_t now,
                           uint32_t *cell,
                           struct am_error *error);

/* Pauses a record, or lifts that pause, whatever its terms say: publications leave it as it is, and
 * snapshots keep it. Its ads stop when maps are refreshed (am_delivery_maps_refresh); where the
 * terms do not pause it, lifting anchors the lines of the record and of those below it. Any
 * process; it waits for no publication. AM_E_NOT_FOUND: there is no such record. AM_E_MEMORY.
 * [lock] */
enum am_code am_ledger_halt(
    struct am_ledger *ledger, uint32_t cell, bool halted, int64_t now, struct am_error *error);

/* State that is given instead of counted, for tests and replays: in a ledger in private memory,
 * after its publication. Used money, impressions or clicks of a record: in all, and of today; and
 * the line of the limit's window, which then stays, or AM_LEDGER_UNLIMITED: the line begins at
 * (start of the window, 0), and is L for a flight without a start. */
void am_ledger_give(struct am_ledger *ledger,
                    uint32_t cell,
                    enum am_ledger_unit unit,
                    int64_t total,
                    int64_t today,
                    int64_t line,
                    int64_t now);

/* ---- reading ------------------------------------------------------------------------------------
 */

/* The cell of a record, or AM_LEDGER_NO_CELL. Any thread, no lock. */
uint32_t am_ledger_find(const struct am_ledger *ledger, uint64_t key);

/* One limit, as the decision sees it; of the window (the day, else all of the record's time). */
struct am_ledger_limit_state {
    bool limited;
    int64_t total, daily; /* AM_LEDGER_UNLIMITED where there is none */
    int64_t counted, reserved, expected;
    int64_t before; /* counted before the window */
    int64_t limit;  /* L: min(daily, total - before) */
    int64_t line;   /* L where nothing is paced */
    uint8_t pacing;
};

struct am_ledger_record_state {
    enum am_ledger_kind kind;
    uint64_t key;
    struct am_view id; /* lives as long as the ledger is mapped and the record exists */
    bool paused;       /* by the inventory */
    bool halted;       /* by am_ledger_halt */
    bool gone;
    int64_t total[AM_LEDGER_UNITS]; /* counted since the record was made; clicks are whole */
    int64_t today[AM_LEDGER_UNITS];
    int64_t day; /* days since 1970-01-01 of the record's calendar day */
    struct am_ledger_limit_state limits[AM_LEDGER_UNITS]; /* clicks in millionths */
};

/* A consistent copy. AM_E_NOT_FOUND: no such record (any more). Folds queued events first. [lock]
 */
enum am_code am_ledger_read(struct am_ledger *ledger,
                            uint32_t cell,
                            struct am_ledger_record_state *state,
                            struct am_error *error);

/* What is counted by all records, and how far that is of each slot's log, at one moment: for lines
 * from which a recount may start. Ids live as am_ledger_record_state's do. AM_E_MEMORY. [lock] for
 * the whole copy. */
struct am_ledger_counts {
    struct am_ledger_count_of {
        uint32_t cell;
        enum am_ledger_kind kind;
        uint64_t key;
        struct am_view id;
        int64_t total[AM_LEDGER_UNITS], today[AM_LEDGER_UNITS];
        int64_t day;
    } * records;
    uint32_t record_count;
    struct am_ledger_position_of {
        uint32_t slot;
        struct am_ledger_position position;
    } * positions;
    uint32_t position_count;
};
enum am_code am_ledger_counts_take(struct am_ledger *ledger,
                                   struct am_ledger_counts *counts,
                                   struct am_error *error);
void am_ledger_counts_free(struct am_ledger_counts *counts);

/* Cells are 0 to this - 1; free ones among them read as AM_E_NOT_FOUND. */
uint32_t am_ledger_cells(const struct am_ledger *ledger);

/* ---- the step -----------------------------------------------------------------------------------
 */

struct am_ledger_step_report {
    uint32_t paced;      /* lines written */
    uint32_t expired;    /* placements whose hold expired */
    uint32_t in_flight;  /* placements left */
    uint32_t days;       /* records whose day ended */
    uint32_t freed;      /* records freed */
    uint32_t dead;       /* processes found dead */
    uint32_t unfinished; /* events that a dead worker left: call am_ledger_finish */
    bool lost;           /* the live file was unlinked or replaced: am_ledger_rebuild */
};

/* Once a second, [holder]: ends days, writes lines and lead limits, expires placements, folds
 * queued events, frees the slots of dead processes and repairs what they left, learns the traffic
 * curve, frees records that are long gone. Of (ledger, now) alone, so that simulated time runs the
 * same code; a `now` before the last step's lowers no line. `worker` is the calling thread's own.
 * [lock] */
enum am_code am_ledger_step(struct am_ledger *ledger,
                            struct am_ledger_worker *worker,
                            int64_t now,
                            struct am_ledger_step_report *report,
                            struct am_error *error);

/* The time of the last step. Any thread. */
int64_t am_ledger_stepped(const struct am_ledger *ledger);

/* The traffic curve: mean decisions by hour of the week in UTC, or flat (all 1) until a week was
 * seen. Setting it is for simulation. [lock] */
void am_ledger_traffic(struct am_ledger *ledger, uint32_t weights[AM_PACE_HOURS]);
void am_ledger_traffic_set(struct am_ledger *ledger, const uint32_t weights[AM_PACE_HOURS]);

/* ---- events: durable counting -------------------------------------------------------------------
 *
 * An event changes counters in three steps, so that its log line can stand between the decision
 * whether it is billed and the counting, and so that a kill anywhere neither loses nor doubles it:
 *
 *     am_delivery_charge   decides: takes room under every limit or none; notes the event
 *     (write the log line)
 *     am_ledger_count      counts what was charged; the line's place goes along
 *
 * Each worker thread writes a log file of its own, so that `position` (file, end of the line)
 * orders all it has written: everything up to a slot's position is in the counters of a snapshot,
 * nothing after it is. `file` is the caller's number of the file, ascending over time for each
 * slot, whoever owns the slot. Where no line was written (a full disk) pass the last position. */

enum am_ledger_outcome {
    AM_LEDGER_CHARGED,  /* counted and billable */
    AM_LEDGER_NO_ROOM,  /* late or above a limit: nothing is counted; "budget" */
    AM_LEDGER_OVERDRAWN /* counted above a limit, as `force` asked: an exchange charges anyway */
};

struct am_ledger_event {
    uint64_t sequence; /* of the placement whose hold it uses up; AM_LEDGER_NO_SEQUENCE: none, and
                          where the token is of another host or epoch */
    uint32_t cells[AM_LEDGER_KINDS];  /* by kind; AM_LEDGER_NO_CELL where there is none */
    int64_t amounts[AM_LEDGER_UNITS]; /* nanos, impressions, clicks; negative in adjustments */
    int64_t time;                     /* of the log line: it decides the day */
    uint8_t holds;                    /* enum am_ledger_holds: which part of the hold it uses up */
    bool force;                       /* count even where there is no room */
};
#define AM_LEDGER_NO_SEQUENCE UINT64_MAX

enum am_ledger_holds {
    AM_LEDGER_HOLD_NONE = 0,       /* an adjustment */
    AM_LEDGER_HOLD_IMPRESSION = 1, /* an impression, a bill */
    AM_LEDGER_HOLD_CLICK = 2,      /* a click */
};

/* Counts the worker's charged event; it is then in every counter, or in the worker's queue, which
 * the next event of anybody or the next step folds. Never loses it. The calling thread of
 * `worker`. May wait while the queue is full. */
void am_ledger_count(struct am_ledger_worker *worker, struct am_ledger_position position);

/* What a dead worker left between charging and counting: write its log line unless the slot's file
 * already ends with it, and say where the line ends. `note` is what am_delivery_charge was given.
 */
typedef struct am_ledger_position am_ledger_finish_event(void *context,
                                                         uint32_t slot,
                                                         const struct am_ledger_event *event,
                                                         enum am_ledger_outcome outcome,
                                                         const void *note,
                                                         size_t note_size,
                                                         struct am_ledger_position last);

/* Completes the events of dead workers and frees their slots. [holder], after a step that reports
 * `unfinished`; `worker` is the calling thread's own. [lock] between, not during, the calls of
 * `finish`. */
void am_ledger_finish(struct am_ledger_worker *worker,
                      am_ledger_finish_event *finish,
                      void *context);

/* ---- snapshots and recovery ---------------------------------------------------------------------
 */

/* Writes DIR/snapshot-N, durably, and removes all but the newest two. [holder], each minute.
 * A failure leaves the last one. AM_E_IO. [lock] while the counts are copied. */
enum am_code am_ledger_snapshot(struct am_ledger *ledger, int64_t now, struct am_error *error);

/* Writes DIR/caps: the open windows of the frequency caps, so that a reboot does not forget what
 * users have seen since. [holder], every ten minutes and at a clean end. AM_E_IO, AM_E_MEMORY. */
enum am_code am_ledger_snapshot_caps(struct am_ledger *ledger, int64_t now, struct am_error *error);

/* After a recovery that could not be saved: what was counted before the memory was lost may be
 * missing from the disk, and what is counted now would be missing after the next loss. Limited ads
 * stop until a snapshot succeeds. The process that recovers. */
void am_ledger_distrust(struct am_ledger *ledger);
bool am_ledger_is_distrusted(const struct am_ledger *ledger); /* any thread */

/* Whether DIR has a snapshot, damaged or not: a ledger that has none is new. Any thread. */
bool am_ledger_has_snapshot(const struct am_ledger *ledger);

/* After am_ledger_open made a live file, until am_ledger_recovered. */
bool am_ledger_recovering(const struct am_ledger *ledger);

/* Where a slot's log goes on behind the snapshot: replay from there. False: nothing of that slot is
 * in the snapshot, replay all of its files. */
bool am_ledger_replay_from(const struct am_ledger *ledger,
                           uint32_t slot,
                           struct am_ledger_position *position);

/* One line of the log again: adds its amounts, whatever the limits. The records are given by id, in
 * order of kind, an empty view where there is none: advertisers and campaigns are made where they
 * are missing, ads are not. */
struct am_ledger_replayed {
    struct am_view ids[AM_LEDGER_KINDS];
    int64_t amounts[AM_LEDGER_UNITS];
    int64_t time;
    uint32_t slot;
    struct am_ledger_position position;
};
enum am_code am_ledger_replay(struct am_ledger *ledger,
                              const struct am_ledger_replayed *line,
                              struct am_error *error);
/* The same for a line that a record was made or freed. */
enum am_code am_ledger_replay_notice(struct am_ledger *ledger,
                                     enum am_ledger_notice_kind what,
                                     enum am_ledger_kind kind,
                                     struct am_view id,
                                     int64_t time,
                                     struct am_error *error);
/* Opens the ledger for use: limited ads run from the next step on. */
void am_ledger_recovered(struct am_ledger *ledger);

/* After a step that reports `lost`: makes a new live file from a last snapshot of the old mapping;
 * the caller then closes, opens and replays, as after a reboot. [holder] */
enum am_code am_ledger_rebuild(struct am_ledger *ledger, int64_t now, struct am_error *error);

#endif
