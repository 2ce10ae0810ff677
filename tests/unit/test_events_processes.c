/* SPDX-License-Identifier: Apache-2.0 */
/* Events fired by threads of several processes: each counts once, also when processes are killed.
 * EVENTS_URLS and EVENTS_KILLS in the environment make the runs longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../plugin/events/recount.h"
#include "account.h"

enum { PROCESSES = 4, THREADS = 8, KILL_THREADS = 3, TIMES = 3, ALLOWED = 4000 };
#define PRICE INT64_C(1250001)

static struct account account;
static uint64_t url_count = 50000, kill_count = 100;

static int set_up(void **state) {
    (void)state;
    atomic_store(&account_time, 0);
    start_account(&account);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    end_account(&account);
    return 0;
}

/* What all processes share: the URLs, and how often each was answered in which way. */
struct shared_urls {
    _Atomic uint32_t ready;
    struct {
        struct placed placed;
        _Atomic uint32_t counted, duplicate, other;
    } urls[];
};

static struct shared_urls *urls;

static size_t urls_size(void) {
    return sizeof *urls + url_count * sizeof urls->urls[0];
}

static void make_urls(void) {
    urls = mmap(NULL, urls_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(urls != MAP_FAILED);
    for (uint64_t i = 0; i < url_count; i++)
        urls->urls[i].placed = place_ad(account.worker, (unsigned)(i % 3), PRICE, AM_PRICING_CPM);
}

static void fire_url(struct am_event_worker *worker, uint64_t index) {
    switch (fire(&account, worker, AM_JOURNAL_IMPRESSION, &urls->urls[index].placed)) {
    case AM_EVENT_COUNTED:
        atomic_fetch_add(&urls->urls[index].counted, 1);
        break;
    case AM_EVENT_DUPLICATE:
        atomic_fetch_add(&urls->urls[index].duplicate, 1);
        break;
    default:
        atomic_fetch_add(&urls->urls[index].other, 1);
    }
}

/* Recounts the log from `start` on (NULL: all of it) up to what the ledger counts now, and
 * compares; then logs these counters, for the next time. Returns how many impressions were counted
 * since. */
static uint64_t compare_with_log(struct am_journal_set *start) {
    struct am_ledger_counts counts;
    struct am_error error = {.code = AM_OK};
    uint64_t differing = 0;
    check(am_ledger_counts_take(account.ledger, &counts, &error), &error);
    struct am_journal_recount_options options = {
        account.log,   true,    start && start->found ? start : NULL,
        account.zones, &counts, account.ledger};
    struct am_journal_recount recount;
    check(am_journal_recount(&options, &recount, &error), &error);
    for (uint32_t i = 0; i < counts.record_count; i++) {
        const struct am_ledger_count_of *shown = &counts.records[i];
        const struct am_journal_sum *sum =
            am_journal_recount_find(&recount, shown->kind, shown->id);
        if (!sum || memcmp(sum->total, shown->total, sizeof sum->total) == 0)
            continue;
        differing++;
        printf("%.*s: ledger %lld, log %lld impressions\n", AM_VIEW_ARGUMENTS(shown->id),
               (long long)shown->total[1], (long long)sum->total[1]);
    }
    assert_int_equal(differing, 0);
    assert_int_equal(recount.unreadable, 0);
    assert_int_equal(recount.misplaced, 0);
    uint64_t events = recount.events[AM_JOURNAL_IMPRESSION][AM_EVENT_COUNTED];
    am_journal_recount_free(&recount);
    if (start)
        assert_true(am_event_log_counters(account.worker, &counts, start));
    am_ledger_counts_free(&counts);
    return events;
}

/* ---- each URL three times ---- */

/* Every URL's number three times over, in an order of the thread's own. */
static void *fire_share(void *argument) {
    uint64_t share = (uint64_t)(uintptr_t)argument, shots = url_count * TIMES;
    uint64_t step_size = 1000003; /* prime to every number of shots that is used */
    struct am_ledger_worker *ledger_worker;
    struct am_event_worker *worker;
    new_worker(&account, &ledger_worker, &worker);
    atomic_fetch_add(&urls->ready, 1);
    while (atomic_load(&urls->ready) < PROCESSES * THREADS)
        sched_yield();
    for (uint64_t shot = share; shot < shots; shot += (uint64_t)PROCESSES * THREADS)
        fire_url(worker, shot * step_size % shots % url_count);
    am_event_worker_free(worker);
    am_ledger_worker_free(ledger_worker);
    return NULL;
}

static void run_process(uint64_t process, uint64_t count, void *(*run)(void *)) {
    pthread_t threads[THREADS];
    struct am_error error = {.code = AM_OK};
    check(am_ledger_join(account.ledger, &error), &error);
    for (uint64_t i = 0; i < count; i++)
        (void)pthread_create(&threads[i], NULL, run, (void *)(uintptr_t)(process * count + i));
    for (uint64_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void each_url_counts_once_however_often_it_is_fired(void **state) {
    uint64_t wrong = 0;
    (void)state;
    make_urls();
    for (uint64_t process = 0; process < PROCESSES; process++)
        if (fork() == 0) {
            run_process(process, THREADS, fire_share);
            _exit(0);
        }
    for (int status; wait(&status) > 0;)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (uint64_t i = 0; i < url_count; i++)
        wrong += urls->urls[i].counted != 1 || urls->urls[i].duplicate != TIMES - 1 ||
                 urls->urls[i].other != 0;
    assert_int_equal(wrong, 0);
    assert_int_equal(counted_by(&account, AM_LEDGER_ADVERTISER, "acme", AM_LEDGER_IMPRESSIONS),
                     url_count);
    assert_int_equal(counted_by(&account, AM_LEDGER_ADVERTISER, "acme", AM_LEDGER_MONEY),
                     (int64_t)url_count * PRICE);
    assert_int_equal(compare_with_log(NULL), url_count);
    munmap(urls, urls_size());
}

/* ---- kills ---- */

/* By number of the placement, from the first on: how often its impression was answered as counted,
 * and how many billable lines the log has. Untouched pages cost nothing. */
enum { MOST_PLACEMENTS = 64 << 20 };
struct kill_tally {
    uint64_t first;
    _Atomic int64_t allowed; /* turns until the next kill: the log stays short enough to be read */
    _Atomic uint8_t answered[MOST_PLACEMENTS];
    uint8_t logged[MOST_PLACEMENTS];
};

static struct kill_tally *tally;

/* Places, shows once, and every fourth time once more. */
static void *fire_until_killed(void *argument) {
    struct am_ledger_worker *ledger_worker;
    struct am_event_worker *worker;
    (void)argument;
    new_worker(&account, &ledger_worker, &worker);
    for (unsigned turn = 0;; turn++) {
        while (atomic_fetch_sub(&tally->allowed, 1) <= 0)
            usleep(500);
        struct placed placed = place_ad(worker, turn % 3, PRICE, AM_PRICING_CPM);
        uint64_t index = placed.token.sequence - tally->first;
        for (unsigned times = turn % 4 ? 1 : 2; times; times--)
            if (fire(&account, worker, AM_JOURNAL_IMPRESSION, &placed) == AM_EVENT_COUNTED)
                atomic_fetch_add(&tally->answered[index], 1);
        if (turn % 16 == 0)
            am_event_worker_flush(worker);
    }
    return NULL;
}

static pid_t start_process(void) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when this test fails */
        run_process(0, KILL_THREADS, fire_until_killed);
    }
    assert_true(child > 0);
    return child;
}

static void kill_process(pid_t child) {
    int status;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Steps until nothing of a dead process is left. */
static void settle(void) {
    struct am_ledger_step_report report;
    do
        report = step(&account);
    while (report.dead || report.unfinished);
}

static bool tally_line(void *context, const struct am_journal_walked *line) {
    struct am_journal_record record;
    char memory[AM_JOURNAL_ID_MEMORY];
    uint16_t host, epoch;
    uint64_t sequence;
    (void)context;
    assert_true(am_journal_scan(line->text, &record));
    if (am_journal_kind(&record) == AM_JOURNAL_IMPRESSION &&
        am_journal_true(record.values[AM_JOURNAL_M_BILLABLE])) {
        assert_true(am_journal_id_read(am_journal_id(record.values[AM_JOURNAL_M_ID], memory), &host,
                                       &epoch, &sequence));
        tally->logged[sequence - tally->first]++;
    }
    return true;
}

/* What was answered as counted stands once in the log; nothing stands there twice. */
static void assert_answers_are_logged(uint64_t placements) {
    struct am_journal_walk_report report;
    struct am_journal_bounds bounds = {.count = 0};
    struct am_error error = {.code = AM_OK};
    uint64_t missing = 0, doubled = 0, answered = 0;
    check(am_journal_walk(account.log, &bounds, tally_line, NULL, &report, &error), &error);
    for (uint64_t i = 0; i < placements; i++) {
        missing += tally->answered[i] && !tally->logged[i];
        doubled += tally->logged[i] > 1 || tally->answered[i] > 1;
        answered += tally->answered[i];
    }
    assert_int_equal(missing, 0);
    assert_int_equal(doubled, 0);
    assert_true(answered > kill_count);
}

static void kills_lose_and_double_nothing(void **state) {
    pid_t children[PROCESSES];
    struct am_journal_set counters = {.found = false};
    struct am_error error;
    (void)state;
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(tally != MAP_FAILED);
    tally->first = am_ledger_sequence(account.ledger);
    for (int i = 0; i < PROCESSES; i++)
        children[i] = start_process();
    for (uint64_t kills = 0; kills < kill_count; kills++) {
        atomic_store(&tally->allowed, ALLOWED);
        usleep(2000 + (useconds_t)(kills * 7919 % 5003));
        int which = (int)(kills % PROCESSES);
        kill_process(children[which]);
        if (kills % 2) /* every other time, the next process starts before the repair */
            settle();
        children[which] = start_process();
        settle();
        assert_int_equal(am_event_hold_second(&account.holder, &error), AM_OK);
        compare_with_log(&counters);
    }
    for (int i = 0; i < PROCESSES; i++)
        kill_process(children[i]);
    settle();
    assert_int_equal(counted_by(&account, AM_LEDGER_ADVERTISER, "acme", AM_LEDGER_IMPRESSIONS),
                     compare_with_log(NULL));
    assert_answers_are_logged(am_ledger_sequence(account.ledger) - tally->first);
    munmap(tally, sizeof *tally);
}

static void read_setting(const char *name, uint64_t *value) {
    const char *text = getenv(name);
    if (text)
        *value = strtoull(text, NULL, 10);
}

/* ---- starts at one moment ---- */

enum { STARTERS = 50, ROUNDS = 4 };

static enum am_code open_both(struct account *own, struct am_error *error) {
    struct am_ledger_options options = {.folder = own->folder,
                                        .tmpfs = own->tmpfs,
                                        .inventory = "/srv/ads.jsonl",
                                        .currency = "EUR",
                                        .cells = 64,
                                        .placements = 64,
                                        .slots = 8,
                                        .zones = own->zones};
    enum am_code code = am_ledger_open(&options, &own->ledger, error);
    if (code != AM_OK)
        return code;
    own->options.ledger = own->ledger;
    own->options.tmpfs = am_ledger_home(own->ledger);
    own->options.slots = 8;
    code = am_event_service_open(&own->options, &own->service, &own->recovered, error);
    if (code != AM_OK)
        am_ledger_close(own->ledger);
    return code;
}

/* As am_account_open does. */
static void start_with_all(struct account *own, const int gate[2], uint32_t *account_of) {
    struct am_error error = {.code = AM_OK};
    enum am_code code;
    char byte;
    close(gate[1]);
    assert_int_equal(read(gate[0], &byte, 1), 0); /* until it opens */
    while ((code = open_both(own, &error)) == AM_E_CHANGED)
        usleep(10000);
    if (code != AM_OK) {
        fprintf(stderr, "refused: %s\n", error.message);
        _exit(1);
    }
    *account_of = (uint32_t)am_ledger_host(own->ledger) << 16 | am_ledger_epoch(own->ledger);
    _exit(0);
}

static void start_all(struct account *own) {
    size_t size = STARTERS * sizeof(uint32_t);
    uint32_t *accounts =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status, gate[2];
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < STARTERS; i++)
        if (fork() == 0)
            start_with_all(own, gate, &accounts[i]);
    close(gate[0]);
    close(gate[1]);
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    for (int i = 1; i < STARTERS; i++)
        assert_int_equal(accounts[i], accounts[0]);
    munmap(accounts, size);
}

/* On a new ledger, and after a reboot; on a disk, whose writes take their time. */
static void all_that_start_at_one_moment_open_one_ledger(void **state) {
    struct account own = account;
    char command[256], disk[] = "/tmp/admatch-starts-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(disk));
    own.options.folder = own.folder;
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(own.folder, sizeof own.folder, "%s/%d", disk, round / 2);
        snprintf(own.tmpfs, sizeof own.tmpfs, "%s/t%d", account.path, round);
        assert_int_equal(mkdir(own.tmpfs, 0700), 0);
        start_all(&own);
        snprintf(command, sizeof command, "! ls %s | grep new", own.folder);
        assert_int_equal(system(command), 0);
    }
    snprintf(command, sizeof command, "rm -r %s", disk);
    assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_that_start_at_one_moment_open_one_ledger),
        TEST(each_url_counts_once_however_often_it_is_fired),
        TEST(kills_lose_and_double_nothing),
    };
    read_setting("EVENTS_URLS", &url_count);
    read_setting("EVENTS_KILLS", &kill_count);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
