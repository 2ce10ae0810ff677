/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an account, and its workers. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../delivery/image_terms.h"
#include "../delivery/look.h"
#include "../events/handle.h"
#include "account_parts.h"

enum {
    OPEN_TRIES = 300, /* a tenth of a second each */
    LEAST_SLOTS = AM_LEDGER_SLOTS,
    MOST_SLOTS = 1024,
    MOST_CELLS = 16777216, /* of admatch-cells */
    OTHER_SLOTS = 16,      /* of mules, and of processes that publish */
};

_Thread_local struct am_event_worker *am_account_thread_worker;

struct am_account *am_account_new(const struct am_account_options *options,
                                  struct am_metrics *metrics,
                                  const struct am_publish_sink *sink,
                                  struct am_error *error) {
    struct am_account *account = calloc(1, sizeof *account);
    if (!account) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    *account = (struct am_account){.options = options, .metrics = metrics, .sink = sink};
    account->zones = am_timezones_load(NULL, error);
    if (account->zones)
        return account;
    free(account);
    return NULL;
}

static void close_account(struct am_account *account) {
    am_account_worker_free(&account->publisher);
    am_delivery_map_close(account->map);
    account->map = NULL;
    am_event_service_close(account->service);
    am_ledger_close(account->ledger);
    account->service = NULL;
    account->ledger = NULL;
}

void am_account_free(struct am_account *account) {
    if (!account)
        return;
    close_account(account);
    am_timezones_free(account->zones);
    free(account);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static void notify(void *context, const struct am_ledger_notice *notice) {
    const struct am_account *account = context;
    if (notice->what == AM_LEDGER_WARNING)
        am_publish_log(account->sink, "%s", notice->text);
    else if (am_account_thread_worker)
        am_event_log_record(am_account_thread_worker, notice);
}

/* A reload has the workers before it and those after it at once. */
static uint32_t slots_for(uint32_t contexts) {
    uint64_t wanted = UINT64_C(2) * contexts + OTHER_SLOTS;
    return wanted < LEAST_SLOTS ? LEAST_SLOTS : wanted > MOST_SLOTS ? MOST_SLOTS : (uint32_t)wanted;
}

static uint32_t count_limited_ads(const struct am_image *image) {
    uint32_t count = 0;
    for (uint64_t i = 0; i < image->limits_count; i++)
        count += image->limits[i].kind == AM_LEDGER_AD;
    return count;
}

/* Twice the records of the first inventory. */
static uint32_t cells_for(const struct am_account *account, const struct am_image *image) {
    if (account->options->cells || !image)
        return account->options->cells;
    uint64_t cells = 2 * ((uint64_t)image->settings->campaign_count + image->advertiser_count +
                          count_limited_ads(image));
    if (cells > MOST_CELLS)
        return MOST_CELLS;
    return cells > AM_LEDGER_MIN_CELLS ? (uint32_t)cells : AM_LEDGER_MIN_CELLS;
}

static enum am_code open_ledger(struct am_account *account,
                                const struct am_image *image,
                                struct am_ledger_options *options,
                                struct am_error *error) {
    static char currency[4];
    *options = (struct am_ledger_options){
        .folder = account->options->folder,
        .inventory = account->options->inventory,
        .cells = cells_for(account, image),
        .placements = account->options->placements,
        .caps_bytes = account->options->caps_bytes,
        .slots = slots_for(account->options->contexts),
        .zones = account->zones,
        .notify = notify,
        .context = account,
    };
    if (image) {
        am_delivery_currency(image, currency);
        options->currency = currency;
    }
    return am_ledger_open(options, &account->ledger, error);
}

static enum am_code open_service(struct am_account *account,
                                 const struct am_image *image,
                                 const struct am_ledger_options *ledger,
                                 struct am_event_recovered *recovered,
                                 struct am_error *error) {
    const struct am_account_options *options = account->options;
    const struct am_event_options events = {
        .folder = options->folder,
        .tmpfs = am_ledger_home(account->ledger),
        .ledger = account->ledger,
        .slots = am_ledger_slots(account->ledger),
        .ring_bytes = options->ring_bytes,
        .ads = image ? image->settings->ad_count : 0,
        .keys = options->keys,
        .robots = options->robots,
        .click_rates = options->click_rates,
        .click_first = options->click_first,
        .reserve = options->reserve,
        .reserve_bids = options->reserve_bids,
    };
    enum am_code code = am_event_service_open(&events, &account->service, recovered, error);
    if (code == AM_OK && recovered->recovered)
        am_publish_log(account->sink,
                       "ledger %s: %llu MB of shared memory for counters, %llu MB when all cells "
                       "are in use, %llu MB for events and their ring of %lld placements",
                       options->folder,
                       (unsigned long long)(am_ledger_bytes_at_start(ledger) >> 20),
                       (unsigned long long)(am_ledger_bytes(ledger) >> 20),
                       (unsigned long long)(am_event_service_bytes(&events) >> 20),
                       (long long)am_event_service_placements(&events));
    return code;
}

static void log_ring(const struct am_account *account, const struct am_event_recovered *recovered) {
    if (recovered->ring_lost)
        am_publish_log(account->sink, "ledger %s: events of older placements have expired: %s",
                       account->options->folder, recovered->ring_error.message);
    if (recovered->ring_doubted)
        am_publish_log(account->sink,
                       "ledger %s: events of older placements have expired: the log is not whole",
                       account->options->folder);
    if (recovered->ring_damaged)
        am_publish_log(account->sink,
                       "ledger %s: %llu blocks of its file ring are damaged: events of placements "
                       "up to the newest of them have expired",
                       account->options->folder, (unsigned long long)recovered->ring_damaged);
}

static void log_lacks(const struct am_account *account,
                      const struct am_journal_walk_report *walked) {
    char text[AM_JOURNAL_LACK_TEXT_SIZE];
    for (uint64_t i = 0; i < walked->missing && i < AM_JOURNAL_LACKS; i++) {
        am_journal_lack_write(&walked->lacks[i], text);
        am_publish_log(
            account->sink,
            "ledger %s: its log lacks %s: what was counted there is missing from the "
            "counters. Put the file back, stop all instances, remove %s, and start them: "
            "they count again",
            account->options->folder, text, am_ledger_home(account->ledger));
    }
    if (walked->missing > AM_JOURNAL_LACKS)
        am_publish_log(account->sink, "ledger %s: its log lacks %llu more runs of lines",
                       account->options->folder,
                       (unsigned long long)(walked->missing - AM_JOURNAL_LACKS));
}

static void log_recovery(const struct am_account *account,
                         const struct am_event_recovered *recovered) {
    log_ring(account, recovered);
    if (!recovered->recovered)
        return;
    if (recovered->begun_anew)
        am_publish_log(
            account->sink,
            "ledger %s: no snapshot is left, so a new account begins: it has what the log "
            "has, and events of older placements have expired",
            account->options->folder);
    if (recovered->unsaved)
        am_publish_log(account->sink,
                       "ledger %s: cannot be saved, so what it counted last may be missing: ads "
                       "with budgets are not placed until it can: %s",
                       account->options->folder, recovered->save_error.message);
    if (recovered->lines)
        am_publish_log(account->sink,
                       "ledger %s: counted again from its snapshot and %llu lines of the log",
                       account->options->folder, (unsigned long long)recovered->lines);
    if (recovered->bad_lines || recovered->walked.torn)
        am_publish_log(account->sink,
                       "ledger %s: %llu lines of the log could not be read, %llu files end with "
                       "part of a line",
                       account->options->folder, (unsigned long long)recovered->bad_lines,
                       (unsigned long long)recovered->walked.torn);
    log_lacks(account, &recovered->walked);
}

static enum am_code open_once(struct am_account *account,
                              const struct am_image *image,
                              struct am_event_recovered *recovered,
                              struct am_error *error) {
    struct am_ledger_options options;
    enum am_code code = open_ledger(account, image, &options, error);
    if (code == AM_OK)
        code = open_service(account, image, &options, recovered, error);
    if (code != AM_OK)
        close_account(account);
    return code;
}

/* Lines may be missing since the last one, which the log says itself. */
static enum am_code tell_gap(struct am_account *account,
                             const struct am_event_recovered *recovered,
                             struct am_error *error) {
    if (!recovered->recovered || (!recovered->last && !recovered->walked.missing))
        return AM_OK;
    enum am_code code = am_account_join(account, error);
    if (code == AM_OK && !account->publisher.events)
        code = am_account_worker_new(account, &account->publisher, error);
    if (code == AM_OK)
        am_event_log_recovered(account->publisher.events, recovered);
    return code;
}

enum am_code
am_account_open(struct am_account *account, const struct am_image *image, struct am_error *error) {
    const struct timespec pause = {0, 100000000};
    struct am_event_recovered recovered = {.recovered = false};
    if (account->ledger)
        return AM_OK;
    enum am_code code = AM_E_CHANGED;
    for (int try = 0; code == AM_E_CHANGED && try < OPEN_TRIES; try++) {
        if (try)
            nanosleep(&pause, NULL);
        code = open_once(account, image, &recovered, error);
    }
    if (code != AM_OK)
        return code;
    account->opener = getpid();
    log_recovery(account, &recovered);
    return tell_gap(account, &recovered, error);
}

/* ---- processes and workers --------------------------------------------------------------------
 */

enum am_code am_account_join(struct am_account *account, struct am_error *error) {
    return am_ledger_join(account->ledger, error);
}

enum am_code am_account_worker_new(struct am_account *account,
                                   struct am_account_worker *worker,
                                   struct am_error *error) {
    *worker = (struct am_account_worker){NULL, NULL};
    enum am_code code = am_ledger_worker_new(account->ledger, &worker->ledger, error);
    if (code == AM_OK)
        code = am_event_worker_new(account->service, worker->ledger, &worker->events, error);
    if (code != AM_OK)
        am_account_worker_free(worker);
    return code;
}

void am_account_worker_free(struct am_account_worker *worker) {
    am_event_worker_free(worker->events);
    am_ledger_worker_free(worker->ledger);
    *worker = (struct am_account_worker){NULL, NULL};
}

void am_account_leave(struct am_account *account) {
    am_account_thread_worker = NULL;
    am_account_worker_free(&account->publisher);
}
