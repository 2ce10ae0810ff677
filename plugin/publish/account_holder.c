/* SPDX-License-Identifier: Apache-2.0 */
/* What one process of all instances does for a ledger: it steps it each second, finishes what dead
 * workers left, keeps the disk's part: sync, snapshots, rotation; and rolls the log up for reports.
 * It also obeys `admatch control`. Four threads of the mule, so that neither a build nor a slow
 * disk makes the step late, and reports make nothing late. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../delivery/map.h"
#include "../events/holder.h"
#include "../reports/rollup.h"
#include "account_control.h"
#include "account_parts.h"
#include "priority.h"

enum { WOKEN = 2 }; /* threads that the end wakes; the reporter may end anywhere */

enum {
    MINUTE = 60,
    SAVE_AGAIN = 5,
    CAPS_SECONDS = 600,
    REPEAT_SECONDS = 60,
    ROLLUP_SECONDS = 5,
    HOUR = 3600
};

/* At the end, until workers of this instance have ended: ten seconds at most. */
enum { LAST_STEPS = 200, LAST_STEP_MICROSECONDS = 50000, LAST_STEPS_A_SECOND = 20 };

/* A complaint that is logged when it is new, or a minute after it was logged last. */
struct complaint {
    char text[AM_ERROR_MESSAGE_SIZE];
    int64_t logged;
};

struct tending {
    struct am_account *account;
    pthread_t stepper;
    sem_t woken;                     /* stepper and writer: the process ends */
    struct am_account_worker worker; /* of the thread that steps */
    struct am_event_holder holder;
    _Atomic bool holds;  /* the holder is filled in */
    _Atomic bool ending; /* here and in the process's signal handler */
    bool lost;
    pthread_mutex_t maps; /* which the step and control refresh */
    struct complaint stepping, writing, reporting, controlling;
};

static void
complain(const struct tending *tending, struct complaint *complaint, const struct am_error *error) {
    int64_t now = am_clock_milliseconds(CLOCK_MONOTONIC) / 1000;
    if (strcmp(complaint->text, error->message) == 0 && now - complaint->logged < REPEAT_SECONDS)
        return;
    memcpy(complaint->text, error->message, sizeof complaint->text);
    complaint->logged = now;
    am_publish_log(tending->account->sink, "ledger %s: %s", tending->account->options->folder,
                   error->message);
}

/* Until just after the next whole second of the wall clock, which the ledger steps by. False: the
 * process ends. */
static bool wait_for_second(struct tending *tending) {
    int64_t until = am_clock_milliseconds(CLOCK_MONOTONIC) + 1001 -
                    am_clock_milliseconds(CLOCK_REALTIME) % 1000;
    const struct timespec time = {until / 1000, until % 1000 * 1000000};
    while (!atomic_load(&tending->ending) &&
           sem_clockwait(&tending->woken, CLOCK_MONOTONIC, &time) != 0 && errno == EINTR)
        continue;
    return !atomic_load(&tending->ending);
}

/* ---- the step ---------------------------------------------------------------------------------
 */

static bool take_hold(struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_error error;
    if (atomic_load(&tending->holds))
        return true;
    if (!am_ledger_hold(account->ledger))
        return false;
    if (!tending->worker.events &&
        am_account_worker_new(account, &tending->worker, &error) != AM_OK) {
        complain(tending, &tending->stepping, &error);
        /* All slots may belong to processes that are dead, which a step finds out. */
        tending->worker = (struct am_account_worker){NULL, NULL};
        return false;
    }
    am_account_thread_worker = tending->worker.events;
    am_event_hold(&tending->holder, account->service, tending->worker.events, NULL);
    atomic_store(&tending->holds, true);
    return true;
}

/* The file was removed: what is counted goes to the snapshot, from which the next start makes it
 * again. Other instances see the same in their own mules. */
static void give_up(struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_error error;
    if (atomic_load(&tending->holds) &&
        am_ledger_rebuild(account->ledger, am_clock_seconds(), &error) != AM_OK)
        complain(tending, &tending->stepping, &error);
    atomic_store(&tending->holds, false);
    tending->lost = true;
    am_publish_log(account->sink,
                   "ledger %s: its shared memory was removed (systemd's RemoveIPC?); starting anew",
                   account->options->folder);
    account->options->lost();
}

static void step(struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_ledger_step_report report = {.lost = false};
    struct am_error error;
    int64_t now = am_clock_seconds();
    if (am_ledger_step(account->ledger, tending->worker.ledger, now, &report, &error) != AM_OK)
        complain(tending, &tending->stepping, &error);
    pthread_mutex_lock(&tending->maps);
    am_delivery_maps_refresh(account->ledger, now);
    pthread_mutex_unlock(&tending->maps);
    if (report.unfinished)
        am_event_hold_finish(&tending->holder);
    if (am_event_hold_second(&tending->holder, &error) != AM_OK)
        complain(tending, &tending->stepping, &error);
}

static void show(const struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_metrics_ledger *gauges = &am_metrics_gauges(account->metrics)->ledger;
    struct am_journal *journal = am_event_service_journal(account->service);
    struct am_journal_health health = am_journal_health(journal);
    am_metrics_set(&gauges->holder, atomic_load(&tending->holds));
    am_metrics_set(&gauges->stepped_at, (uint64_t)am_ledger_stepped(account->ledger));
    am_metrics_set(&gauges->unsynced_bytes, health.unsynced_bytes);
    am_metrics_set(&gauges->lost_lines, health.lost_lines);
    am_metrics_set(&gauges->full, health.lost_lately);
    am_metrics_set(&gauges->ring_seconds,
                   (uint64_t)am_event_service_ring_seconds(account->service));
    am_metrics_set(&gauges->names_lost, am_event_service_names_lost(account->service));
}

static void each_second(struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_error error;
    if (tending->lost)
        return;
    if (am_event_service_second(account->service, &error) != AM_OK)
        complain(tending, &tending->stepping, &error);
    if (take_hold(tending))
        step(tending);
    show(tending);
    if (am_ledger_is_lost(account->ledger))
        give_up(tending);
}

/* While the process ends, workers may still count. */
static void *stepper(void *context) {
    struct tending *tending = context;
    do
        each_second(tending);
    while (wait_for_second(tending));
    for (int i = 0; i < LAST_STEPS && tending->account->options->serving(); i++) {
        usleep(LAST_STEP_MICROSECONDS);
        if (i % LAST_STEPS_A_SECOND == 0)
            each_second(tending);
    }
    each_second(tending);
    return NULL;
}

/* ---- the disk ---------------------------------------------------------------------------------
 */

static void check(struct tending *tending, enum am_code code, const struct am_error *error) {
    if (code != AM_OK)
        complain(tending, &tending->writing, error);
}

/* The ring comes first: a ledger that a snapshot brings back without its ring would take all its
 * placements for expired. */
static void each_minute(struct tending *tending) {
    struct am_account *account = tending->account;
    struct am_journal_tidied tidied;
    struct am_error error;
    check(tending, am_event_hold_save(&tending->holder, &error), &error);
    check(tending, am_ledger_snapshot(account->ledger, am_clock_seconds(), &error), &error);
    check(tending,
          am_event_hold_tidy(&tending->holder, account->options->log_keep, &tidied, &error),
          &error);
}

/* `second` since this process holds the ledger; the first one saves at once. */
static void write_out(struct tending *tending, int64_t second) {
    struct am_error error;
    if (am_event_hold_counters_due(&tending->holder))
        check(tending, am_event_hold_counters(&tending->holder, &error), &error);
    bool again = am_ledger_is_distrusted(tending->account->ledger);
    if (second % (again ? SAVE_AGAIN : MINUTE) == 0)
        each_minute(tending);
    if (second % CAPS_SECONDS == 0)
        check(tending,
              am_ledger_snapshot_caps(tending->account->ledger, am_clock_seconds(), &error),
              &error);
}

static void sync_log(struct tending *tending, struct am_journal_syncer *syncer) {
    struct am_error error;
    if (!syncer || !am_journal_sync(syncer))
        return;
    am_error_set(&error, AM_E_IO, "some files of its log could not be written to the disk");
    complain(tending, &tending->writing, &error);
}

/* At a clean end: what a start after a planned reboot begins with. Whatever was counted after it is
 * in the log. */
static void write_last(struct tending *tending, struct am_journal_syncer *syncer) {
    struct am_ledger *ledger = tending->account->ledger;
    struct am_error error;
    check(tending, am_event_hold_counters(&tending->holder, &error), &error);
    sync_log(tending, syncer);
    check(tending, am_event_hold_save(&tending->holder, &error), &error);
    check(tending, am_ledger_snapshot(ledger, am_clock_seconds(), &error), &error);
    check(tending, am_ledger_snapshot_caps(ledger, am_clock_seconds(), &error), &error);
    am_publish_log(tending->account->sink, "ledger %s: saved for the end of this process",
                   tending->account->options->folder);
}

static void *writer(void *context) {
    struct tending *tending = context;
    struct am_error error;
    struct am_journal_syncer *syncer =
        am_journal_syncer_new(am_event_service_journal(tending->account->service), &error);
    if (!syncer)
        complain(tending, &tending->writing, &error);
    int64_t second = 0;
    do
        if (atomic_load(&tending->holds)) {
            sync_log(tending, syncer);
            write_out(tending, second++);
        }
    while (wait_for_second(tending));
    pthread_join(tending->stepper, NULL);
    if (atomic_load(&tending->holds))
        write_last(tending, syncer);
    tending->account->options->ended();
    return NULL;
}

/* ---- reports ----------------------------------------------------------------------------------
 */

/* Rounds until the log's end is reached. False: the next one opens the file anew. */
static bool roll_up(struct tending *tending, struct am_report_rollup *rollup) {
    struct am_report_round round = {.ended = false};
    struct am_error error;
    while (!round.ended && atomic_load(&tending->holds))
        if (am_report_rollup_round(rollup, &round, &error) != AM_OK) {
            complain(tending, &tending->reporting, &error);
            return false;
        }
    return true;
}

static bool prune(struct tending *tending, struct am_report_rollup *rollup) {
    struct am_error error;
    if (!am_event_hold_is_steady(&tending->holder) ||
        am_report_rollup_prune(rollup, am_clock_seconds(), &error) == AM_OK)
        return true;
    complain(tending, &tending->reporting, &error);
    return false;
}

static void *reporter(void *context) {
    struct tending *tending = context;
    const struct am_account_options *options = tending->account->options;
    struct am_report_rollup *rollup = NULL;
    struct am_error error;
    int64_t pruned = am_clock_seconds();
    am_publish_priority_background();
    for (;; sleep(ROLLUP_SECONDS)) {
        if (!atomic_load(&tending->holds))
            continue;
        if (!rollup &&
            am_report_rollup_open(options->folder, options->terms, &rollup, &error) != AM_OK) {
            complain(tending, &tending->reporting, &error);
            continue;
        }
        bool fine = roll_up(tending, rollup);
        if (fine && am_clock_seconds() - pruned >= HOUR) {
            fine = prune(tending, rollup);
            pruned = am_clock_seconds();
        }
        if (!fine) {
            am_report_rollup_close(rollup);
            rollup = NULL;
        }
    }
    return NULL;
}

/* ---- control ----------------------------------------------------------------------------------
 */

static void complain_of_control(void *context, const struct am_error *error) {
    struct tending *tending = context;
    complain(tending, &tending->controlling, error);
}

static void *controller(void *context) {
    struct tending *tending = context;
    struct am_account_control control = {
        .account = tending->account,
        .holds = &tending->holds,
        .worker = &tending->worker,
        .maps = &tending->maps,
        .complain = complain_of_control,
        .context = tending,
    };
    am_account_control_run(&control);
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static int start_thread(void *(*run)(void *), struct tending *tending, pthread_t *thread) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int status = pthread_create(thread, NULL, run, tending);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

enum am_code am_account_tend(struct am_account *account, struct am_error *error) {
    enum am_code code = am_account_open(account, NULL, error);
    if (code == AM_OK)
        code = am_account_join(account, error);
    if (code != AM_OK)
        return code;
    struct tending *tending = calloc(1, sizeof *tending); /* as long as the process lives */
    if (!tending)
        return am_error_set(error, AM_E_MEMORY, "out of memory");
    tending->account = account;
    pthread_t thread;
    pthread_mutex_init(&tending->maps, NULL);
    if (sem_init(&tending->woken, 0, 0) != 0 ||
        start_thread(stepper, tending, &tending->stepper) != 0 ||
        start_thread(writer, tending, &thread) != 0 ||
        start_thread(reporter, tending, &thread) != 0 ||
        start_thread(controller, tending, &thread) != 0)
        return am_error_set(error, AM_E_IO, "no threads to tend the ledger");
    atomic_store(&account->tending, tending);
    return AM_OK;
}

bool am_account_end(struct am_account *account) {
    struct tending *tending = atomic_load(&account->tending);
    if (!tending || atomic_exchange(&tending->ending, true))
        return tending != NULL;
    for (int thread = 0; thread < WOKEN; thread++)
        sem_post(&tending->woken);
    return true;
}
