/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads in several processes on one ledger, killed with -9 at any moment, and the holder
 * with them. At the end every counter is the sum of the log, nothing is above a limit, no answered
 * event is missing or counted twice, and all guards are what is counted.
 *
 * AM_KILLS_PLACEMENTS, AM_KILLS_PROCESSES, AM_KILLS_THREADS, AM_KILLS_KILLS make it longer. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "delivery_shared.h"

#include "../../plugin/delivery/verify.h"

enum {
    ADVERTISERS = 4,
    CAMPAIGNS = 12,
    ADS = 60,
    SLOTS = 128,
    NUMBERS = 1 << 20, /* events of one slot, at most */
    SECONDS_A_STEP = 900,
    RESERVE = 4000,
    PENDING = 16,
    PLACEMENTS = 150000,
    RECORDS = ADVERTISERS + CAMPAIGNS + ADS,
};

/* ---- what the processes share -----------------------------------------------------------------
 */

struct control {
    int64_t now;
    uint32_t stop;
    uint64_t placements;
    uint32_t steps, finished, repaired, publications;
    uint32_t numbers[SLOTS];              /* events begun */
    uint8_t answered[SLOTS][NUMBERS / 8]; /* events whose caller got an answer */
};

/* What a worker writes for each event, and notes for whoever takes over. */
struct line {
    uint32_t slot, number;
    uint32_t cells[AM_LEDGER_KINDS];
    uint32_t outcome;
    int64_t amounts[AM_LEDGER_UNITS];
    int64_t time;
};

static struct control *control;
static struct shared shared;
static struct test_ledger test;
static unsigned processes = 3, threads = 4, kills = 60;
static uint64_t placements_wanted = PLACEMENTS;

static int64_t price_of(uint32_t ad) {
    return 1000 + ad * 77;
}

static struct am_delivery_ask ask_of(uint32_t ad) {
    return (struct am_delivery_ask){
        .price = price_of(ad), .ctr = ad % 3 ? 0 : 200000, .per_click = ad % 3 == 0};
}

/* ---- terms ------------------------------------------------------------------------------------
 */

/* Limits of 1 to 1,000,000 prices (a price is 3,000), of all kinds, and some that none reaches, so
 * that there is something to place to the end. */
static const int64_t prices[] = {1, 7, 100, 3000, 50000, 1000000, INT64_C(1000000000)};

static void limit(struct am_ledger_terms *terms, unsigned unit, int64_t total, int64_t daily) {
    int64_t price = unit == AM_LEDGER_MONEY ? 3000 : 1;
    terms->budgets[unit].total = total == NONE ? NONE : total * price;
    terms->budgets[unit].daily = daily == NONE ? NONE : daily * price;
    terms->budgets[unit].pacing = (uint8_t)(daily == NONE ? AM_PACE_ASAP : daily % 3);
}

static void set_limits(struct am_ledger_terms *terms, unsigned i) {
    int64_t some = prices[i / 2 % 6], none_reaches = prices[6];
    switch (terms->kind) {
    case AM_LEDGER_ADVERTISER:
        limit(terms, i % 3, none_reaches, none_reaches / 2);
        break;
    case AM_LEDGER_CAMPAIGN:
        limit(terms, i % 3, i % 2 ? none_reaches : some, i % 4 == 1 ? 50000 : NONE);
        break;
    default:
        limit(terms, i / 4 % 3, i % 8 ? some * 10 : NONE, i % 8 ? NONE : some);
    }
}

/* What a publisher changes all the time: curves, pacing and ends of limits that none reaches. */
static void vary(struct am_ledger_terms *terms, unsigned i, unsigned round) {
    static uint16_t weights[AM_PACE_HOURS];
    for (unsigned hour = 0; hour < AM_PACE_HOURS; hour++)
        weights[hour] = (uint16_t)(1 + (hour * 7 + round) % 1000);
    if (round == 0 || terms->kind == AM_LEDGER_AD ||
        (terms->kind == AM_LEDGER_CAMPAIGN && i % 2 == 0))
        return;
    terms->curve =
        (struct am_pace_curve_spec){.kind = (uint8_t)((i + round) % 3), .weights = weights};
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        struct am_ledger_budget *budget = &terms->budgets[unit];
        budget->pacing = (uint8_t)((budget->pacing + round) % 3);
        if (budget->total != NONE)
            budget->total += round;
    }
    terms->end = round % 2 ? DAY0 + DAYS(1000) : INT64_MAX;
}

static unsigned
set_terms(struct am_ledger_terms terms[RECORDS], char ids[RECORDS][16], unsigned round) {
    unsigned count = 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        enum am_ledger_kind kind = i < ADVERTISERS               ? AM_LEDGER_ADVERTISER
                                   : i < ADVERTISERS + CAMPAIGNS ? AM_LEDGER_CAMPAIGN
                                                                 : AM_LEDGER_AD;
        if (kind == AM_LEDGER_AD && i % 4)
            continue;
        snprintf(ids[count], sizeof ids[count], "%u", i);
        terms[count] = test_terms(kind, ids[count]);
        set_limits(&terms[count], i);
        vary(&terms[count], i, round);
        count++;
    }
    return count;
}

static void publish(unsigned round) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_terms terms[RECORDS];
    char ids[RECORDS][16];
    unsigned count = set_terms(terms, ids, round);
    struct am_ledger_publication publication = {
        .time = __atomic_add_fetch(&control->publications, 1, __ATOMIC_RELAXED), .currency = "EUR"};
    if (am_ledger_publish_begin(test.ledger, &publication, control->now, &error) != AM_OK)
        abort();
    for (unsigned i = 0; i < count; i++)
        if (am_ledger_put(test.ledger, &terms[i], NULL, &error) != AM_OK)
            abort();
    am_ledger_publish_end(test.ledger);
}

static void make_map(void) {
    struct am_error error = {.code = AM_OK};
    test_check(am_delivery_map_begin(test.ledger, 1, ADS, &test.map, &error), &error);
    for (uint32_t ad = 0; ad < ADS; ad++) {
        char own[16], campaign[16], advertiser[16];
        snprintf(own, sizeof own, "%u", ADVERTISERS + CAMPAIGNS + ad);
        snprintf(campaign, sizeof campaign, "%u", ADVERTISERS + ad % CAMPAIGNS);
        snprintf(advertiser, sizeof advertiser, "%u", ad % ADVERTISERS);
        struct am_delivery_map_ad what = {.keys = {test_key(AM_LEDGER_ADVERTISER, advertiser),
                                                   test_key(AM_LEDGER_CAMPAIGN, campaign),
                                                   test_key(AM_LEDGER_AD, own)},
                                          .least_price = price_of(ad),
                                          .least_hold = 1,
                                          .highest_price = price_of(ad)};
        test_check(am_delivery_map_put(test.map, ad, &what, &error), &error);
    }
    test_check(am_delivery_map_commit(test.map, &error), &error);
}

/* ---- the log ----------------------------------------------------------------------------------
 */

static int log_open(uint32_t slot) {
    char path[128];
    snprintf(path, sizeof path, "%s/log-%u", shared.folder, slot);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static struct am_ledger_position log_write(int fd, const struct line *line) {
    if (write(fd, line, sizeof *line) != (ssize_t)sizeof *line)
        abort();
    return (struct am_ledger_position){1, (uint64_t)lseek(fd, 0, SEEK_END)};
}

static struct am_ledger_position finish(void *context,
                                        uint32_t slot,
                                        const struct am_ledger_event *event,
                                        enum am_ledger_outcome outcome,
                                        const void *note,
                                        size_t note_size,
                                        struct am_ledger_position last) {
    struct line line, written = {.number = 0};
    int fd = log_open(slot);
    off_t size = lseek(fd, 0, SEEK_END);
    (void)context;
    /* A kill may cut a write(2) between two pages. */
    size -= size % (off_t)sizeof line;
    if (ftruncate(fd, size) != 0)
        abort();
    if (note_size != sizeof line || last.offset > (uint64_t)size)
        abort();
    memcpy(&line, note, sizeof line);
    line.outcome = outcome;
    line.time = event->time;
    if (size >= (off_t)sizeof line &&
        pread(fd, &written, sizeof written, size - (off_t)sizeof written) !=
            (ssize_t)sizeof written)
        abort();
    struct am_ledger_position position = {1, (uint64_t)size};
    if (written.number != line.number)
        position = log_write(fd, &line);
    close(fd);
    __atomic_fetch_add(&control->finished, 1, __ATOMIC_RELAXED);
    return position;
}

/* ---- workers ----------------------------------------------------------------------------------
 */

struct pending {
    uint64_t sequence;
    uint32_t ad;
};

struct worker {
    struct am_ledger_worker *ledger;
    struct am_delivery_map *map;
    int log;
    uint32_t slot;
    uint64_t random;
    struct pending pending[PENDING];
    unsigned pending_count;
};

static uint32_t random_below(struct worker *worker, uint32_t bound) {
    worker->random =
        (uint64_t)((unsigned __int128)worker->random * 6364136223846793005u + 1442695040888963407u);
    return (uint32_t)(worker->random >> 33) % bound;
}

static void event(struct worker *worker, const struct pending *pending, bool click) {
    struct am_delivery_ask ask = ask_of(pending->ad);
    struct am_ledger_event what = {
        .sequence = pending->sequence,
        .time = __atomic_load_n(&control->now, __ATOMIC_RELAXED),
        .holds = click ? AM_LEDGER_HOLD_CLICK : AM_LEDGER_HOLD_IMPRESSION,
    };
    what.amounts[AM_LEDGER_MONEY] = ask.per_click == click ? ask.price : 0;
    what.amounts[click ? AM_LEDGER_CLICKS : AM_LEDGER_IMPRESSIONS] = 1;
    am_delivery_cells(worker->map, pending->ad, what.cells);
    struct line line = {.slot = worker->slot};
    line.number = __atomic_add_fetch(&control->numbers[worker->slot], 1, __ATOMIC_RELAXED);
    if (line.number >= NUMBERS)
        abort();
    memcpy(line.cells, what.cells, sizeof line.cells);
    memcpy(line.amounts, what.amounts, sizeof line.amounts);
    line.outcome = am_delivery_charge(worker->ledger, &what, &line, sizeof line, NULL);
    line.time = what.time;
    am_ledger_count(worker->ledger, log_write(worker->log, &line));
    control->answered[worker->slot][line.number / 8] |= (uint8_t)(1U << line.number % 8);
}

static void place(struct worker *worker) {
    uint32_t ad = random_below(worker, ADS);
    struct am_delivery_ask ask = ask_of(ad);
    am_delivery_begin(worker->ledger, am_ledger_stepped(test.ledger));
    enum am_delivery_verdict verdict =
        am_delivery_gate(worker->ledger, worker->map, ad, &ask, NULL);
    if (verdict > AM_DELIVERY_LEAD)
        return;
    struct am_delivery_placement placement = {
        .sequence = am_ledger_sequence(test.ledger),
        .now = __atomic_load_n(&control->now, __ATOMIC_RELAXED),
        .seconds = RESERVE,
        .lead = verdict == AM_DELIVERY_LEAD,
        .caller = random_below(worker, 8) ? 0 : 1 + random_below(worker, 5),
    };
    if (am_delivery_reserve(worker->ledger, worker->map, ad, &ask, &placement, NULL) >
        AM_DELIVERY_LEAD)
        return;
    __atomic_fetch_add(&control->placements, 1, __ATOMIC_RELAXED);
    struct pending pending = {placement.sequence, ad};
    if (worker->pending_count < PENDING)
        worker->pending[worker->pending_count++] = pending;
    else
        worker->pending[random_below(worker, PENDING)] = pending; /* the other one expires */
}

static void use(struct worker *worker) {
    if (worker->pending_count == 0)
        return;
    unsigned at = random_below(worker, worker->pending_count);
    struct pending pending = worker->pending[at];
    switch (random_below(worker, 8)) {
    case 0:
        am_delivery_release(worker->ledger, pending.sequence, control->now);
        break;
    case 1:
        event(worker, &pending, true);
        break;
    case 2: /* both, and the impression again: a late one */
        event(worker, &pending, false);
        event(worker, &pending, true);
        event(worker, &pending, false);
        break;
    default:
        event(worker, &pending, false);
        if (random_below(worker, 3) == 0)
            return; /* a click may come */
    }
    worker->pending[at] = worker->pending[--worker->pending_count];
}

static void *work(void *context) {
    struct am_error error;
    struct worker worker = {.map = test.map,
                            .random = (uintptr_t)context * 977 + (uint64_t)getpid()};
    while (am_ledger_worker_new(test.ledger, &worker.ledger, &error) != AM_OK)
        usleep(1000); /* the slots of the dead come back with the next step */
    worker.slot = am_ledger_worker_slot(worker.ledger);
    worker.log = log_open(worker.slot);
    while (!__atomic_load_n(&control->stop, __ATOMIC_RELAXED)) {
        place(&worker);
        use(&worker);
    }
    close(worker.log);
    am_ledger_worker_free(worker.ledger);
    return NULL;
}

static void worker_process(void) {
    pthread_t all[64];
    struct am_error error;
    if (am_ledger_join(test.ledger, &error) != AM_OK)
        abort();
    for (uintptr_t i = 0; i < threads; i++)
        if (pthread_create(&all[i], NULL, work, (void *)i) != 0)
            abort();
    for (unsigned i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    am_ledger_close(test.ledger);
    _exit(0);
}

/* ---- the holder -------------------------------------------------------------------------------
 */

static void step(struct am_ledger_worker *worker, int64_t now) {
    struct am_ledger_step_report report;
    struct am_error error = {.code = AM_OK};
    if (am_ledger_step(test.ledger, worker, now, &report, &error) != AM_OK || report.lost)
        abort();
    if (report.unfinished)
        am_ledger_finish(worker, finish, NULL);
    am_delivery_map_refresh(test.map);
    __atomic_fetch_add(&control->repaired, report.dead, __ATOMIC_RELAXED);
    __atomic_fetch_add(&control->steps, 1, __ATOMIC_RELAXED);
}

static void holder_process(void) {
    struct am_ledger_worker *worker;
    struct am_error error;
    while (!am_ledger_hold(test.ledger))
        usleep(1000);
    if (am_ledger_worker_new(test.ledger, &worker, &error) != AM_OK)
        abort();
    for (unsigned i = 0; !__atomic_load_n(&control->stop, __ATOMIC_RELAXED); i++) {
        __atomic_fetch_add(&control->now, SECONDS_A_STEP, __ATOMIC_RELAXED);
        step(worker, control->now);
        if (i % 64 == 63 && am_ledger_snapshot(test.ledger, control->now, &error) != AM_OK)
            abort();
        usleep(2000);
    }
    am_ledger_worker_free(worker);
    am_ledger_close(test.ledger);
    _exit(0);
}

static void publisher_process(void) {
    struct am_error error;
    if (am_ledger_join(test.ledger, &error) != AM_OK)
        abort();
    for (unsigned round = 1; !__atomic_load_n(&control->stop, __ATOMIC_RELAXED); round++) {
        publish(round);
        usleep(1000);
    }
    am_ledger_close(test.ledger);
    _exit(0);
}

/* ---- the killing ------------------------------------------------------------------------------
 */

static pid_t start_child(unsigned i) {
    pid_t child = fork();
    if (child == 0) {
        if (i == 0)
            holder_process();
        if (i > processes)
            publisher_process();
        worker_process();
    }
    return child;
}

/* Kills at random until both counts are reached. */
static void run(void) {
    pid_t children[64] = {0};
    unsigned killed = 0;
    for (unsigned i = 0; i <= processes + 1; i++)
        children[i] = start_child(i);
    while (killed < kills || control->placements < placements_wanted) {
        usleep((useconds_t)(2000 + test_random(20000)));
        if (killed == kills)
            continue;
        unsigned victim = test_random(4) ? 1 + test_random(processes + 1) : 0;
        kill(children[victim], SIGKILL);
        waitpid(children[victim], NULL, 0);
        children[victim] = start_child(victim);
        killed++;
    }
    __atomic_store_n(&control->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= processes + 1; i++) {
        int status;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
}

/* ---- the reckoning ----------------------------------------------------------------------------
 */

struct sums {
    int64_t total[AM_LEDGER_UNITS];
    int64_t *days[AM_LEDGER_UNITS]; /* by day since the first */
};

static struct sums *sums;
static unsigned full; /* limits that are used up */
static int64_t first_day, day_count;

static void add_line(const struct line *line, uint8_t *seen) {
    assert_true(line->number < NUMBERS);
    if (seen[line->number / 8] >> line->number % 8 & 1)
        fail_msg("event %u of slot %u is in the log twice", line->number, line->slot);
    seen[line->number / 8] |= (uint8_t)(1U << line->number % 8);
    if (line->outcome == AM_LEDGER_NO_ROOM)
        return;
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        if (line->cells[kind] == AM_LEDGER_NO_CELL)
            continue;
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
            sums[line->cells[kind]].total[unit] += line->amounts[unit];
            int64_t day = line->time / 86400 - first_day;
            assert_in_range(day, 0, day_count - 1);
            sums[line->cells[kind]].days[unit][day] += line->amounts[unit];
        }
    }
}

static uint64_t read_log(uint32_t slot) {
    static uint8_t seen[NUMBERS / 8];
    struct line line;
    uint64_t lines = 0;
    memset(seen, 0, sizeof seen);
    int fd = log_open(slot);
    FILE *file = fdopen(fd, "rb");
    assert_non_null(file);
    for (; fread(&line, sizeof line, 1, file) == 1; lines++) {
        assert_int_equal(line.slot, slot);
        add_line(&line, seen);
    }
    fclose(file);
    for (uint32_t i = 0; i < NUMBERS / 8; i++)
        if (control->answered[slot][i] & (uint8_t)~seen[i])
            fail_msg("an answered event of slot %u is not in the log", slot);
    return lines;
}

static int64_t scale(unsigned unit) {
    return unit == AM_LEDGER_CLICKS ? 1000000 : 1;
}

static void check_limit(const struct am_ledger_limit_state *limit,
                        const struct sums *sum,
                        unsigned unit,
                        const char *name) {
    if (limit->reserved || limit->expected)
        fail_msg("%s: unit %u: %lld reserved, %lld expected are left", name, unit,
                 (long long)limit->reserved, (long long)limit->expected);
    if (limit->total != NONE) {
        assert_true(sum->total[unit] * scale(unit) <= limit->total);
        full += sum->total[unit] * scale(unit) >
                limit->total - limit->total / 100 - (unit == AM_LEDGER_MONEY ? price_of(ADS) : 1);
    }
    for (int64_t day = 0; limit->daily != NONE && day < day_count; day++)
        if (sum->days[unit][day] * scale(unit) > limit->daily)
            fail_msg("%s: unit %u: %lld on day %lld, of %lld", name, unit,
                     (long long)sum->days[unit][day], (long long)day, (long long)limit->daily);
}

static void check_record(uint32_t cell) {
    struct am_ledger_record_state record;
    struct am_error error = {.code = AM_OK};
    test_check(am_ledger_read(test.ledger, cell, &record, &error), &error);
    char name[32];
    snprintf(name, sizeof name, "%s %.*s", am_ledger_kind_name(record.kind),
             AM_VIEW_ARGUMENTS(record.id));
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record.total[unit] != sums[cell].total[unit])
            fail_msg("%s: unit %u: counted %lld, logged %lld", name, unit,
                     (long long)record.total[unit], (long long)sums[cell].total[unit]);
        int64_t today =
            record.day - first_day < day_count ? sums[cell].days[unit][record.day - first_day] : 0;
        if (record.today[unit] != today)
            fail_msg("%s: unit %u: today %lld, logged %lld", name, unit,
                     (long long)record.today[unit], (long long)today);
        if (record.limits[unit].limited)
            check_limit(&record.limits[unit], &sums[cell], unit, name);
    }
}

/* The last publication is whole, whatever killed ones have left. */
static void check_terms(void) {
    struct am_ledger_terms terms[RECORDS];
    char ids[RECORDS][16];
    unsigned count = set_terms(terms, ids, 0);
    for (unsigned i = 0; i < count; i++) {
        struct am_ledger_record_state record = test_read(&test, terms[i].kind, ids[i]);
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
            const struct am_ledger_budget *budget = &terms[i].budgets[unit];
            bool limited = budget->total != NONE || budget->daily != NONE;
            assert_int_equal(record.limits[unit].limited, limited);
            if (!limited)
                continue;
            assert_int_equal(record.limits[unit].pacing, budget->pacing);
            assert_true(record.limits[unit].total ==
                        (budget->total == NONE ? NONE : budget->total * scale(unit)));
            assert_true(record.limits[unit].daily ==
                        (budget->daily == NONE ? NONE : budget->daily * scale(unit)));
        }
    }
    const char *problem = am_ledger_verify(test.ledger);
    if (problem)
        fail_msg("%s", problem);
}

static void reckon(void) {
    struct am_error error = {.code = AM_OK};
    uint32_t cells = am_ledger_cells(test.ledger);
    uint64_t lines = 0;
    test_check(am_ledger_worker_new(test.ledger, &test.worker, &error), &error);
    publish(0);
    check_terms();
    assert_true(am_ledger_hold(test.ledger));
    for (unsigned i = 0; i < 5; i++)
        step(test.worker, control->now);
    first_day = DAY0 / 86400;
    day_count = control->now / 86400 - first_day + 1;
    sums = calloc(cells, sizeof *sums);
    for (uint32_t cell = 0; cell < cells; cell++)
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
            sums[cell].days[unit] = calloc((size_t)day_count, sizeof(int64_t));
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        lines += read_log(slot);
    struct am_ledger_step_report report;
    test_check(
        am_ledger_step(test.ledger, test.worker, control->now + RESERVE + 1, &report, &error),
        &error);
    assert_int_equal(report.in_flight, 0);
    assert_int_equal(report.dead, 0);
    assert_int_equal(report.unfinished, 0);
    for (uint32_t cell = 0; cell < cells; cell++)
        check_record(cell);
    assert_true(full > 3 || placements_wanted < PLACEMENTS);
    print_message(
        "%llu placements, %llu events on %lld days, %u limits used up, %u steps, %u publications, "
        "%u dead processes, %u events finished for them\n",
        (unsigned long long)control->placements, (unsigned long long)lines, (long long)day_count,
        full, control->steps, control->publications, control->repaired, control->finished);
    for (uint32_t cell = 0; cell < cells; cell++)
        for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
            free(sums[cell].days[unit]);
    free(sums);
}

static void kills_neither_lose_nor_double_nor_overspend(void **state) {
    (void)state;
    control =
        mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(control != MAP_FAILED);
    control->now = DAY0 + HOURS(20);
    shared_make(&shared);
    struct am_error error = {.code = AM_OK};
    test = (struct test_ledger){.zones = am_timezones_load(NULL, NULL)};
    struct am_ledger_options options = test_options(&test);
    options.folder = shared.folder;
    options.tmpfs = shared.tmpfs;
    options.slots = SLOTS;
    options.placements = 1 << 15;
    test_check(am_ledger_open(&options, &test.ledger, &error), &error);
    am_ledger_recovered(test.ledger);
    publish(0);
    make_map();
    run();
    reckon();
    test_stop(&test);
    shared_remove(&shared);
    munmap(control, sizeof *control);
}

static uint64_t setting(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_neither_lose_nor_double_nor_overspend),
    };
    placements_wanted = setting("AM_KILLS_PLACEMENTS", placements_wanted);
    processes = (unsigned)setting("AM_KILLS_PROCESSES", processes);
    threads = (unsigned)setting("AM_KILLS_THREADS", threads);
    kills = (unsigned)setting("AM_KILLS_KILLS", kills);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
