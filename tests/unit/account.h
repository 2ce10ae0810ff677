/* SPDX-License-Identifier: Apache-2.0 */
/* A whole account for tests: a ledger with an advertiser, a campaign and two ads, and the events on
 * top of it, in folders of its own. */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugin/delivery/look.h"
#include "../../plugin/events/amounts.h"
#include "../../plugin/events/holder.h"
#include "../../plugin/events/parts.h"
#include "../../plugin/events/walk.h"
#include "../../plugin/model/keys.h"

#define UNIT INT64_C(1000000000) /* nanos of a unit of the currency */
#define NOON INT64_C(1796126400) /* 2026-12-01T12:00:00Z, a Tuesday */

static _Atomic int64_t account_time; /* microseconds; 0: the real one */

static int64_t account_clock(void) {
    int64_t time = atomic_load(&account_time);
    struct timespec now;
    if (time)
        return time;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * AM_JOURNAL_SECOND + now.tv_nsec / 1000;
}

static inline void set_clock(int64_t seconds) {
    atomic_store(&account_time, seconds * AM_JOURNAL_SECOND);
}

struct account {
    char path[64], folder[80], tmpfs[80], log[96];
    struct am_timezones *zones;
    struct am_ledger *ledger;
    struct am_event_service *service;
    struct am_event_recovered recovered;
    struct am_event_options options;
    struct am_ledger_worker *ledger_worker;
    struct am_event_worker *worker;
    struct am_event_holder holder;
    int64_t published;
    int64_t daily; /* nanos of campaign c1; AM_LEDGER_UNLIMITED: none */
};

static inline void check(enum am_code code, const struct am_error *error) {
    if (code != AM_OK)
        fail_msg("code %d: %s", code, error->message);
}

static inline int64_t now_seconds(void) {
    return account_clock() / AM_JOURNAL_SECOND;
}

static inline struct am_ledger_terms
terms_of(enum am_ledger_kind kind, const char *id, const char *above) {
    struct am_ledger_terms terms = {.kind = kind,
                                    .id = am_view_of(id),
                                    .start = INT64_MIN,
                                    .end = INT64_MAX,
                                    .curve = {.kind = AM_PACE_FLAT}};
    if (above)
        terms.above = am_model_key((enum am_model_record)(kind - 1), am_view_of(above));
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms.budgets[unit] =
            (struct am_ledger_budget){AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED, AM_PACE_ASAP};
    return terms;
}

/* Advertiser acme, campaigns c1 (with a daily budget where the account has one) and c2, ad a2 with
 * a budget of its own. Ads a1 and a2 are of c1, a3 of c2. */
static inline void publish(struct account *account) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = ++account->published, .currency = "EUR"};
    struct am_ledger_terms terms[] = {
        terms_of(AM_LEDGER_ADVERTISER, "acme", NULL),
        terms_of(AM_LEDGER_CAMPAIGN, "c1", "acme"),
        terms_of(AM_LEDGER_CAMPAIGN, "c2", "acme"),
        terms_of(AM_LEDGER_AD, "a2", "c1"),
    };
    terms[1].budgets[AM_LEDGER_MONEY].daily = account->daily;
    terms[3].budgets[AM_LEDGER_MONEY].total = 1000 * UNIT;
    check(am_ledger_publish_begin(account->ledger, &publication, now_seconds(), &error), &error);
    for (size_t i = 0; i < AM_COUNT_OF(terms); i++) {
        uint32_t cell;
        check(am_ledger_put(account->ledger, &terms[i], &cell, &error), &error);
    }
    am_ledger_publish_end(account->ledger);
}

static inline void open_account(struct account *account) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_options options = {.folder = account->folder,
                                        .tmpfs = account->tmpfs,
                                        .currency = "EUR",
                                        .cells = 1024,
                                        .placements = 4096,
                                        .slots = 64,
                                        .caps_bytes = 1 << 16,
                                        .zones = account->zones};
    check(am_ledger_open(&options, &account->ledger, &error), &error);
    account->options.ledger = account->ledger;
    account->options.tmpfs = am_ledger_home(account->ledger);
    check(am_event_service_open(&account->options, &account->service, &account->recovered, &error),
          &error);
}

static inline void new_worker(struct account *account,
                              struct am_ledger_worker **ledger_worker,
                              struct am_event_worker **worker) {
    struct am_error error = {.code = AM_OK};
    check(am_ledger_worker_new(account->ledger, ledger_worker, &error), &error);
    check(am_event_worker_new(account->service, *ledger_worker, worker, &error), &error);
}

/* Steps the ledger, and completes what killed workers left. */
static inline struct am_ledger_step_report step(struct account *account) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_step_report report;
    check(am_ledger_step(account->ledger, account->ledger_worker, now_seconds(), &report, &error),
          &error);
    if (report.unfinished)
        am_event_hold_finish(&account->holder);
    return report;
}

/* This process and thread become worker and holder. */
static inline void join_account(struct account *account) {
    new_worker(account, &account->ledger_worker, &account->worker);
    assert_true(am_ledger_hold(account->ledger));
    am_event_hold(&account->holder, account->service, account->worker, &account->recovered);
    publish(account);
    step(account);
    am_delivery_begin(account->ledger_worker, now_seconds());
}

static inline void leave_account(struct account *account) {
    am_event_worker_free(account->worker);
    am_ledger_worker_free(account->ledger_worker);
    am_event_service_close(account->service);
    am_ledger_close(account->ledger);
}

static inline void start_account_in(struct account *account, const char *path) {
    *account = (struct account){.daily = AM_LEDGER_UNLIMITED};
    assert_true(strlen(path) < sizeof account->path);
    strcpy(account->path, path);
    snprintf(account->folder, sizeof account->folder, "%s/ledger", account->path);
    snprintf(account->tmpfs, sizeof account->tmpfs, "%s/tmpfs", account->path);
    snprintf(account->log, sizeof account->log, "%s/log", account->folder);
    assert_int_equal(mkdir(account->tmpfs, 0700), 0);
    account->zones = am_timezones_load(NULL, NULL);
    account->options = (struct am_event_options){.folder = account->folder,
                                                 .slots = 64,
                                                 .ring_bytes = 1 << 20,
                                                 .rates_bytes = 1 << 16,
                                                 .clock = account_clock};
    open_account(account);
    join_account(account);
}

static inline void start_account(struct account *account) {
    char path[] = "/dev/shm/admatch-events-XXXXXX";
    assert_non_null(mkdtemp(path));
    start_account_in(account, path);
}

static inline void end_account(struct account *account) {
    char command[96];
    leave_account(account);
    am_timezones_free(account->zones);
    snprintf(command, sizeof command, "rm -rf %s", account->path);
    assert_int_equal(system(command), 0);
}

/* What a reboot leaves: the files on disk. */
static inline void lose_memory(struct account *account) {
    char command[128];
    leave_account(account);
    snprintf(command, sizeof command, "rm -rf %s/*", account->tmpfs);
    assert_int_equal(system(command), 0);
    open_account(account);
    join_account(account);
}

static inline int64_t counted_by(struct account *account,
                                 enum am_ledger_kind kind,
                                 const char *id,
                                 enum am_ledger_unit unit) {
    struct am_ledger_record_state state;
    struct am_error error = {.code = AM_OK};
    uint32_t cell =
        am_ledger_find(account->ledger, am_model_key((enum am_model_record)kind, am_view_of(id)));
    if (cell == AM_LEDGER_NO_CELL)
        return -1;
    check(am_ledger_read(account->ledger, cell, &state, &error), &error);
    return state.total[unit];
}

/* ---- placements and events ---- */

struct placed {
    struct am_token token;
    char shown[AM_TOKEN_TEXT_SIZE], click[AM_TOKEN_TEXT_SIZE];
};

#define LANDING "https://shop.example/?q=a%20b"

static const struct am_event_ad_names account_ads[] = {
    {{"a1", 2}, {"c1", 2}, {"acme", 4}, {"running shoes", 13}, AM_MATCH_BROAD},
    {{"a2", 2}, {"c1", 2}, {"acme", 4}, {"boots", 5}, AM_MATCH_EXACT},
    {{"a3", 2}, {"c2", 2}, {"acme", 4}, {"", 0}, AM_MATCH_ANY},
};

/* A placement of one of the ads, decided now. */
static inline struct placed place_ad(struct am_event_worker *worker,
                                     unsigned ad,
                                     int64_t price,
                                     enum am_model_pricing pricing) {
    const struct am_event_ad_names *names = &account_ads[ad];
    struct placed placed = {
        .token = {.time = (uint32_t)now_seconds(),
                  .sequence = am_event_sequence(worker, now_seconds()),
                  .ad = am_model_key(AM_RECORD_AD, names->ad),
                  .price = (uint64_t)price,
                  .keyword = am_event_keyword_hash(names->match, names->keyword),
                  .pricing = (uint8_t)pricing,
                  .position = (uint8_t)ad}};
    struct am_token_body body;
    am_event_seal(worker, &placed.token, &body);
    am_event_sign(worker, AM_TOKEN_SHOWN, &body, (struct am_view){NULL, 0}, placed.shown);
    am_event_sign(worker, AM_TOKEN_CLICK, &body, AM_VIEW(LANDING), placed.click);
    return placed;
}

/* The image that is served has all three ads. */
static inline bool
resolve_ad(const void *context, uint64_t ad, uint32_t keyword, struct am_event_ad_names *found) {
    (void)context;
    for (size_t i = 0; i < AM_COUNT_OF(account_ads); i++) {
        const struct am_event_ad_names *names = &account_ads[i];
        if (am_model_key(AM_RECORD_AD, names->ad) != ad)
            continue;
        *found = *names;
        if (am_event_keyword_hash(names->match, names->keyword) != keyword)
            found->keyword.size = 0;
        return true;
    }
    return false;
}

#define BROWSER "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"

static inline struct am_event_request
request_of(struct account *account, enum am_journal_kind kind, const struct placed *placed) {
    bool click = kind == AM_JOURNAL_CLICK;
    struct am_event_request request = {
        .kind = kind,
        .token = {click ? placed->click : placed->shown, AM_TOKEN_TEXT_SIZE},
        .headers = {.agent = AM_VIEW(BROWSER)},
        .generation = UINT64_C(0x0f3c000000000001),
        .resolve = resolve_ad,
        .context = account};
    if (click)
        request.url = AM_VIEW(LANDING);
    am_address_parse(AM_VIEW("127.0.0.1"), &request.client);
    return request;
}

static inline enum am_event_outcome fire(struct account *account,
                                         struct am_event_worker *worker,
                                         enum am_journal_kind kind,
                                         const struct placed *placed) {
    struct am_event_request request = request_of(account, kind, placed);
    struct am_event_answer answer;
    am_event_handle(worker, &request, &answer);
    return answer.outcome;
}

#endif
