/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in files: who may open it, what is refused, snapshots, and what a reboot leaves. */
#include "delivery_shared.h"

#include "../../plugin/delivery/live.h"

#include <fcntl.h>
#include <sys/resource.h>

static struct shared shared;
static struct test_ledger test;

static int start(void **state) {
    (void)state;
    shared_make(&shared);
    shared_start(&test, &shared);
    return 0;
}

static int stop(void **state) {
    (void)state;
    test_stop(&test);
    shared_remove(&shared);
    return 0;
}

/* ---- helpers ----------------------------------------------------------------------------------
 */

static void live_path(char path[560]) {
    char home[512];
    shared_home(&shared, home);
    snprintf(path, 560, "%s/live", home);
}

static enum am_code refused(const char *expected) {
    struct test_ledger other;
    struct am_error error = {.code = AM_OK};
    enum am_code code = shared_open(&other, &shared, &error);
    assert_int_not_equal(code, AM_OK);
    if (!strstr(error.message, expected))
        fail_msg("expected \"%s\" in: %s", expected, error.message);
    return code;
}

static struct am_ledger_terms campaign(const char *id, int64_t daily) {
    struct am_ledger_terms terms = test_terms(AM_LEDGER_CAMPAIGN, id);
    terms.budgets[AM_LEDGER_MONEY].daily = daily;
    return terms;
}

static void spend(int64_t amount, int64_t now, uint64_t offset) {
    struct am_ledger_event event = {.sequence = AM_LEDGER_NO_SEQUENCE, .time = now, .force = true};
    event.amounts[AM_LEDGER_MONEY] = amount;
    am_delivery_cells(test.map, 0, event.cells);
    am_delivery_charge(test.worker, &event, "", 0, NULL);
    am_ledger_count(test.worker, (struct am_ledger_position){7, offset});
}

/* Closes all, as processes do that end. */
static void leave(void) {
    am_delivery_map_close(test.map);
    am_ledger_worker_free(test.worker);
    am_ledger_close(test.ledger);
    am_timezones_free(test.zones);
    test = (struct test_ledger){.zones = NULL};
}

static void snapshot(int64_t now) {
    struct am_error error = {.code = AM_OK};
    test_check(am_ledger_snapshot(test.ledger, now, &error), &error);
}

static void damage(const char *path, off_t at) {
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0xFF;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static void what_is_counted_lives_through_all_processes_ends(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(12));
    spend(5 * UNIT, DAY0 + HOURS(12), 1);
    uint16_t epoch = am_ledger_epoch(test.ledger), host = am_ledger_host(test.ledger);
    uint64_t sequence = am_ledger_sequence(test.ledger);
    leave();
    shared_start(&test, &shared);
    assert_int_equal(am_ledger_epoch(test.ledger), epoch);
    assert_int_equal(am_ledger_host(test.ledger), host);
    assert_int_equal(am_ledger_sequence(test.ledger), sequence + 1);
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.total[AM_LEDGER_MONEY], 5 * UNIT);
    assert_int_equal(record.limits[AM_LEDGER_MONEY].line, 12 * UNIT);
}

/* A folder that was made anew may get the inode of the one that was removed. */
static void a_new_folder_has_nothing_of_the_one_before_it(void **state) {
    (void)state;
    char command[128], old[512], home[512];
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    uint16_t epoch = am_ledger_epoch(test.ledger), host = am_ledger_host(test.ledger);
    shared_home(&shared, old);
    leave();
    snprintf(command, sizeof command, "rm -r %s/*", shared.folder);
    assert_int_equal(system(command), 0);
    shared_start(&test, &shared);
    assert_int_equal(am_ledger_find(test.ledger, am_model_key(AM_RECORD_CAMPAIGN, AM_VIEW("c"))),
                     AM_LEDGER_NO_CELL);
    assert_false(am_ledger_epoch(test.ledger) == epoch && am_ledger_host(test.ledger) == host);
    shared_home(&shared, home); /* fails where there are two */
    assert_string_not_equal(home, old);
    assert_int_equal(access(old, F_OK), -1);
}

static void a_damaged_id_is_refused(void **state) {
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/id", shared.folder);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(refused("id is damaged"), AM_E_CORRUPT);
    assert_int_equal(write(fd, "../../../../tmp/x\n", 18), 18);
    assert_int_equal(refused("id is damaged"), AM_E_CORRUPT);
    close(fd);
}

static void two_instances_share_their_counters(void **state) {
    (void)state;
    struct test_ledger other;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    shared_start(&other, &shared);
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    struct am_error error = {.code = AM_OK};
    test_check(am_delivery_map_open(other.ledger, (uint64_t)test.published, 1, &other.map, &error),
               &error);
    test_step(&test, DAY0 + HOURS(12));
    am_delivery_begin(other.worker, DAY0 + HOURS(12));
    uint64_t sequence;
    assert_int_equal(test_place(&other, 0, 2 * UNIT, DAY0 + HOURS(12), &sequence),
                     AM_DELIVERY_LINE);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].reserved, 2 * UNIT);
    /* The event comes to the other one. */
    assert_int_equal(
        test_event(&test, 0, sequence, AM_LEDGER_HOLD_IMPRESSION, 2 * UNIT, DAY0 + HOURS(12)),
        AM_LEDGER_CHARGED);
    assert_int_equal(test_read(&other, AM_LEDGER_CAMPAIGN, "c").limits[0].counted, 2 * UNIT);
    assert_int_equal(test_read(&other, AM_LEDGER_CAMPAIGN, "c").limits[0].reserved, 0);
    test_stop(&other);
}

static void one_process_holds_it(void **state) {
    (void)state;
    struct test_ledger other;
    shared_start(&other, &shared);
    assert_true(am_ledger_hold(test.ledger));
    assert_true(am_ledger_hold(test.ledger));
    assert_false(am_ledger_hold(other.ledger));
    am_ledger_unhold(test.ledger);
    assert_true(am_ledger_hold(other.ledger));
    assert_false(am_ledger_hold(test.ledger));
    test_stop(&other);
    assert_true(am_ledger_hold(test.ledger));
}

static void a_folder_belongs_to_one_inventory(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_options options = test_options(&test);
    struct am_ledger *ledger = NULL;
    options.folder = shared.folder;
    options.tmpfs = shared.tmpfs;
    options.inventory = "/srv/a.jsonl";
    test_check(am_ledger_open(&options, &ledger, &error), &error);
    am_ledger_close(ledger);
    options.inventory = "/srv/b.jsonl";
    assert_int_equal(am_ledger_open(&options, &ledger, &error), AM_E_INVALID);
    assert_non_null(strstr(error.message, "/srv/a.jsonl"));
    char owner[128];
    snprintf(owner, sizeof owner, "%s/owner", shared.folder);
    assert_non_null(strstr(error.message, owner));
    int fd = open(owner, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "/srv/b.jsonl\n", 13), 13);
    close(fd);
    test_check(am_ledger_open(&options, &ledger, &error), &error);
    am_ledger_close(ledger);
    test_check(am_ledger_rebind(shared.folder, "/srv/a.jsonl", &error), &error);
    test_check(am_ledger_rebind(shared.folder, "/srv/b.jsonl", &error), &error);
    test_check(am_ledger_open(&options, &ledger, &error), &error);
    am_ledger_close(ledger);
    assert_int_equal(am_ledger_rebind("/tmp", "/srv/b.jsonl", &error), AM_E_IO);
}

static void another_currency_is_refused(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_options options = test_options(&test);
    struct am_ledger *ledger = NULL;
    options.folder = shared.folder;
    options.tmpfs = shared.tmpfs;
    options.currency = "USD";
    assert_int_equal(am_ledger_open(&options, &ledger, &error), AM_E_INVALID);
    snapshot(DAY0);
    leave();
    shared_reboot(&shared);
    assert_int_equal(am_ledger_open(&options, &ledger, &error), AM_E_INVALID);
    shared_start(&test, &shared);
}

static void folders_that_others_can_reach_are_refused(void **state) {
    (void)state;
    assert_int_equal(chmod(shared.folder, 0750), 0);
    assert_int_equal(refused("closed to all others"), AM_E_INVALID);
    assert_int_equal(chmod(shared.folder, 0700), 0);
    char path[560];
    live_path(path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(refused("not trusted"), AM_E_INVALID);
    assert_int_equal(chmod(path, 0600), 0);
}

static void another_mount_namespace_is_refused(void **state) {
    (void)state;
    struct shared elsewhere = shared;
    struct test_ledger other;
    struct am_error error = {.code = AM_OK};
    snprintf(elsewhere.tmpfs, sizeof elsewhere.tmpfs, "/dev/shm/admatch-test-XXXXXX");
    assert_non_null(mkdtemp(elsewhere.tmpfs));
    assert_true(am_ledger_hold(test.ledger));
    assert_int_equal(shared_open(&other, &elsewhere, &error), AM_E_INVALID);
    assert_non_null(strstr(error.message, "mount namespace"));
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", elsewhere.tmpfs);
    assert_int_equal(system(command), 0);
}

/* A container has 64 MB: the defaults leave most of them. */
static void a_small_inventory_fits_into_a_container(void **state) {
    (void)state;
    struct am_ledger_options options = {.currency = "EUR"};
    assert_in_range(am_ledger_bytes_at_start(&options), 16 << 20, 24 << 20);
    char home[512], command[600];
    long blocks = 0;
    struct am_ledger_terms terms[100];
    char ids[100][8];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(ids[i], sizeof ids[i], "c%u", i);
        terms[i] = campaign(ids[i], UNIT);
    }
    test_publish(&test, terms, 100, DAY0);
    test_map(&test, NULL, "c1", 1000);
    shared_home(&shared, home);
    snprintf(command, sizeof command, "du -s --block-size=1 %s", home);
    FILE *du = popen(command, "r");
    assert_int_equal(fscanf(du, "%ld", &blocks), 1);
    pclose(du);
    struct am_ledger_options used = test_options(&test);
    assert_true((uint64_t)blocks < am_ledger_bytes_at_start(&used) + (8 << 20));
}

/* ---- damage -----------------------------------------------------------------------------------
 */

static void another_format_version_is_refused_and_left_alone(void **state) {
    (void)state;
    char path[560];
    live_path(path);
    damage(path, 8);
    assert_int_equal(refused("another format version"), AM_E_VERSION);
    damage(path, 8);
    struct test_ledger other;
    shared_start(&other, &shared);
    test_stop(&other);
}

static void a_damaged_live_file_is_refused_and_left_alone(void **state) {
    (void)state;
    static const off_t places[] = {0, 12, 16, 24, 40};
    char path[560];
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    live_path(path);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        damage(path, places[i]);
        assert_int_equal(refused("left as it is"), AM_E_CORRUPT);
        damage(path, places[i]);
    }
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].daily, 24 * UNIT);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(truncate(path, status.st_size - 4096), 0);
    assert_int_equal(refused("left as it is"), AM_E_CORRUPT);
    assert_int_equal(truncate(path, status.st_size), 0);
}

/* ---- snapshots --------------------------------------------------------------------------------
 */

/* Everything that a snapshot must keep. */
static void publish_everything(void) {
    static uint16_t weights[AM_PACE_HOURS];
    static struct am_pace_hours hours;
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = (uint16_t)(1 + i % 24);
    memset(&hours, 0xF7, sizeof hours);
    struct am_ledger_terms terms[] = {
        test_terms(AM_LEDGER_ADVERTISER, "v"), campaign("c", 24 * UNIT), campaign("d", 50 * UNIT),
        test_terms(AM_LEDGER_AD, "an ad whose id is rather longer than sixteen bytes")};
    terms[0].budgets[AM_LEDGER_MONEY] = (struct am_ledger_budget){1000 * UNIT, NONE, AM_PACE_EVEN};
    terms[1].above = test_key(AM_LEDGER_ADVERTISER, "v");
    terms[1].zone = AM_VIEW("Europe/Paris");
    terms[1].curve = (struct am_pace_curve_spec){.kind = AM_PACE_GIVEN,
                                                 .weights = weights,
                                                 .hours = &hours,
                                                 .hours_zone = AM_VIEW("America/New_York")};
    terms[2].budgets[AM_LEDGER_CLICKS].total = 100;
    terms[2].budgets[AM_LEDGER_IMPRESSIONS].daily = 1000;
    terms[2].curve.kind = AM_PACE_TRAFFIC;
    terms[2].start = DAY0 - 1000;
    terms[2].end = DAY0 + HOURS(500);
    terms[2].paused = true;
    terms[3].budgets[AM_LEDGER_MONEY].daily = UNIT;
    uint32_t traffic[AM_PACE_HOURS];
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        traffic[i] = 5 + i;
    am_ledger_traffic_set(test.ledger, traffic);
    test_publish(&test, terms, 4, DAY0);
    test_publish(&test, terms, 3, DAY0 + 1); /* the ad is gone */
    test_map(&test, "v", "c", 1);
}

static void states(struct am_ledger_record_state all[4]) {
    all[0] = test_read(&test, AM_LEDGER_ADVERTISER, "v");
    all[1] = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    all[2] = test_read(&test, AM_LEDGER_CAMPAIGN, "d");
    all[3] = test_read(&test, AM_LEDGER_AD, "an ad whose id is rather longer than sixteen bytes");
    for (unsigned i = 0; i < 4; i++)
        all[i].id = (struct am_view){NULL, 0};
}

static void assert_states(const struct am_ledger_record_state expected[4]) {
    struct am_ledger_record_state found[4];
    states(found);
    for (unsigned i = 0; i < 4; i++)
        assert_memory_equal(&expected[i], &found[i], sizeof found[i]);
}

static void a_reboot_gives_back_what_the_snapshot_has(void **state) {
    (void)state;
    struct am_ledger_record_state expected[4];
    uint32_t traffic[AM_PACE_HOURS];
    publish_everything();
    test_step(&test, DAY0 + HOURS(10));
    spend(3 * UNIT, DAY0 + HOURS(10), 100);
    spend(2 * UNIT, DAY0 + HOURS(30), 200); /* its day begins */
    test_step(&test, DAY0 + HOURS(30));
    states(expected);
    uint64_t sequence = am_ledger_sequence(test.ledger);
    uint32_t slot = am_ledger_worker_slot(test.worker);
    uint16_t epoch = am_ledger_epoch(test.ledger);
    snapshot(DAY0 + HOURS(30));
    leave();
    shared_reboot(&shared);
    struct am_error error = {.code = AM_OK};
    test_check(shared_open(&test, &shared, &error), &error);
    assert_true(am_ledger_recovering(test.ledger));
    struct am_ledger_position position;
    assert_true(am_ledger_replay_from(test.ledger, slot, &position));
    assert_int_equal(position.file, 7);
    assert_int_equal(position.offset, 200);
    assert_false(am_ledger_replay_from(test.ledger, slot + 1, &position));
    am_ledger_recovered(test.ledger);
    assert_states(expected);
    assert_int_equal(am_ledger_epoch(test.ledger), epoch);
    assert_true(am_ledger_sequence(test.ledger) > sequence + (1 << 20) - 2);
    am_ledger_traffic(test.ledger, traffic);
    assert_int_equal(traffic[100], 105);
    /* Lines go on from where they were. */
    test_check(am_ledger_worker_new(test.ledger, &test.worker, &error), &error);
    test_step(&test, DAY0 + HOURS(30));
    assert_states(expected);
}

static void what_was_logged_behind_the_snapshot_is_replayed_once(void **state) {
    (void)state;
    publish_everything();
    test_step(&test, DAY0 + HOURS(10));
    spend(3 * UNIT, DAY0 + HOURS(10), 100);
    snapshot(DAY0 + HOURS(10));
    uint32_t slot = am_ledger_worker_slot(test.worker);
    leave();
    shared_reboot(&shared);
    struct am_error error = {.code = AM_OK};
    test_check(shared_open(&test, &shared, &error), &error);
    struct am_ledger_replayed line = {.ids = {AM_VIEW("v"), AM_VIEW("c"), AM_VIEW("unknown ad")},
                                      .amounts = {UNIT, 1, 0},
                                      .time = DAY0 + HOURS(10),
                                      .slot = slot,
                                      .position = {7, 100}};
    test_check(am_ledger_replay(test.ledger, &line, &error), &error); /* the snapshot has it */
    line.position.offset = 150;
    test_check(am_ledger_replay(test.ledger, &line, &error), &error);
    test_check(am_ledger_replay(test.ledger, &line, &error), &error); /* twice */
    line.position = (struct am_ledger_position){8, 10};
    line.ids[AM_LEDGER_CAMPAIGN] = AM_VIEW("made since");
    test_check(am_ledger_replay(test.ledger, &line, &error), &error);
    line.slot = slot + 1; /* another worker's log */
    line.position = (struct am_ledger_position){1, 10};
    test_check(am_ledger_replay(test.ledger, &line, &error), &error);
    am_ledger_recovered(test.ledger);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 4 * UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].reserved, 0);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "made since").total[0], 2 * UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_ADVERTISER, "v").total[0], 6 * UNIT);
    assert_int_equal(am_ledger_find(test.ledger, test_key(AM_LEDGER_AD, "unknown ad")),
                     AM_LEDGER_NO_CELL);
}

static void lines_of_two_days_may_be_replayed_in_any_order(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_step(&test, DAY0 + HOURS(23));
    snapshot(DAY0 + HOURS(23));
    leave();
    shared_reboot(&shared);
    test_check(shared_open(&test, &shared, &error), &error);
    struct am_ledger_replayed line = {.ids = {{NULL, 0}, AM_VIEW("c"), {NULL, 0}},
                                      .amounts = {UNIT, 1, 0}};
    for (uint64_t i = 1; i <= 10; i++) {
        line.slot = i % 3;
        line.position.offset = i;
        line.time = DAY0 + HOURS(i % 2 ? 23 : 25);
        test_check(am_ledger_replay(test.ledger, &line, &error), &error);
    }
    am_ledger_recovered(test.ledger);
    struct am_ledger_record_state record = test_read(&test, AM_LEDGER_CAMPAIGN, "c");
    assert_int_equal(record.total[0], 10 * UNIT);
    assert_int_equal(record.today[0], 5 * UNIT);
    assert_int_equal(record.limits[0].counted, 5 * UNIT);
}

static void a_recovery_that_was_killed_is_gone_on_with(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    snapshot(DAY0);
    leave();
    shared_reboot(&shared);
    struct am_ledger_replayed line = {
        .ids = {{NULL, 0}, AM_VIEW("c"), {NULL, 0}}, .amounts = {UNIT, 1, 0}, .time = DAY0};
    pid_t child = fork();
    if (child == 0) {
        if (shared_open(&test, &shared, &error) != AM_OK || !am_ledger_recovering(test.ledger))
            _exit(1);
        line.position.offset = 1;
        am_ledger_replay(test.ledger, &line, &error);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    test_check(shared_open(&test, &shared, &error), &error);
    assert_true(am_ledger_recovering(test.ledger));
    for (line.position.offset = 1; line.position.offset <= 3; line.position.offset++)
        test_check(am_ledger_replay(test.ledger, &line, &error), &error);
    am_ledger_recovered(test.ledger);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 3 * UNIT);
}

static void two_snapshots_are_kept_and_a_torn_one_is_passed_over(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    char path[128];
    struct stat status;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    for (unsigned i = 1; i <= 4; i++) {
        spend(UNIT, DAY0 + 1, i);
        snapshot(DAY0 + 1);
    }
    for (unsigned i = 1; i <= 4; i++) {
        snprintf(path, sizeof path, "%s/snapshot-%010u", shared.folder, i);
        assert_int_equal(stat(path, &status), i > 2 ? 0 : -1);
    }
    leave();
    /* Each byte of the newest damaged, and each length of it. */
    for (off_t at = 0; at < status.st_size; at += 1 + at / 20) {
        damage(path, at);
        shared_reboot(&shared);
        struct am_error error = {.code = AM_OK};
        enum am_code code = shared_open(&test, &shared, &error);
        if (at >= 8 && at < 12) {
            assert_int_equal(code, AM_E_VERSION);
        } else {
            test_check(code, &error);
            am_ledger_recovered(test.ledger);
            assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 3 * UNIT);
            leave();
        }
        damage(path, at);
    }
    for (off_t size = status.st_size - 1; size >= 0; size -= 1 + size / 20) {
        assert_int_equal(truncate(path, size), 0);
        shared_reboot(&shared);
        shared_start(&test, &shared);
        assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 3 * UNIT);
        leave();
    }
    /* With both damaged there is nothing to begin from, and nothing is begun. */
    snprintf(path, sizeof path, "%s/snapshot-%010u", shared.folder, 3);
    damage(path, 300);
    shared_reboot(&shared);
    assert_int_equal(refused("snapshot-"), AM_E_CORRUPT);
    damage(path, 300);
    shared_start(&test, &shared);
}

static void a_snapshot_that_cannot_be_written_leaves_the_last_one(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    test_publish(&test, &terms, 1, DAY0);
    snapshot(DAY0);
    char path[128];
    snprintf(path, sizeof path, "%s/snapshot.new", shared.folder);
    assert_int_equal(mkdir(path, 0700), 0); /* in its way */
    assert_int_equal(am_ledger_snapshot(test.ledger, DAY0, &error), AM_E_IO);
    assert_int_equal(rmdir(path), 0);
    leave();
    shared_reboot(&shared);
    shared_start(&test, &shared);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].daily, 24 * UNIT);
}

/* A disk of the size of one snapshot. */
static void a_full_disk_leaves_the_last_snapshot(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    test_publish(&test, &terms, 1, DAY0);
    snapshot(DAY0);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGXFSZ, &ignore, &before);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {1000, 1000};
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(am_ledger_snapshot(test.ledger, DAY0, &error) == AM_E_IO ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    sigaction(SIGXFSZ, &before, NULL);
    assert_int_equal(status, 0);
    char path[128];
    snprintf(path, sizeof path, "%s/snapshot.new", shared.folder);
    assert_int_equal(access(path, F_OK), -1);
    leave();
    shared_reboot(&shared);
    shared_start(&test, &shared);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].daily, 24 * UNIT);
}

static void a_tmpfs_that_is_too_small_is_told(void **state) {
    (void)state;
    struct am_ledger_options options = test_options(&test);
    struct am_error error = {.code = AM_OK};
    struct am_ledger *ledger = NULL;
    struct shared other = {.folder = ""};
    shared_make(&other);
    options.folder = other.folder;
    options.tmpfs = other.tmpfs;
    options.placements = 1 << 20;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {16 << 20, 16 << 20};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        enum am_code code = am_ledger_open(&options, &ledger, &error);
        _exit(code == AM_E_LIMIT || code == AM_E_IO ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(am_ledger_bytes(&options) > 64 << 20);
    shared_remove(&other);
}

static void caps_are_kept_over_a_reboot(void **state) {
    (void)state;
    static const uint32_t periods[] = {30, AM_CAPS_LIFETIME};
    struct am_error error = {.code = AM_OK};
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    const struct am_caps_cap ever = {test_key(AM_LEDGER_CAMPAIGN, "c"), AM_CAPS_LIFETIME, 2};
    const struct am_caps_cap short_one = {ever.key, 30, 1};
    for (unsigned round = 0; round < 3; round++) {
        test_publish(&test, &terms, 1, DAY0);
        test_check(am_delivery_map_begin(test.ledger, 1, 1, &test.map, &error), &error);
        struct am_delivery_map_ad what = {
            .keys = {0, ever.key, 0}, .periods = {NULL, periods, NULL}, .period_counts = {0, 2, 0}};
        test_check(am_delivery_map_put(test.map, 0, &what, &error), &error);
        test_check(am_delivery_map_commit(test.map, &error), &error);
        struct am_caps *caps = am_ledger_caps(test.ledger);
        assert_non_null(caps);
        for (uint64_t user = 1; user <= 500; user++) {
            assert_int_equal(am_caps_count(caps, user, &ever, DAY0 + round),
                             round < 2 ? AM_CAPS_OPEN : AM_CAPS_FULL);
            am_caps_count(caps, user, &short_one, DAY0);
        }
        test_check(am_ledger_snapshot_caps(test.ledger, DAY0 + HOURS(1), &error), &error);
        leave();
        shared_reboot(&shared);
        shared_start(&test, &shared);
    }
    /* A damaged file is left out, and said. */
    char path[128];
    snprintf(path, sizeof path, "%s/caps", shared.folder);
    damage(path, 100);
    test_publish(&test, &terms, 1, DAY0);
    test_check(am_delivery_map_begin(test.ledger, 1, 1, &test.map, &error), &error);
    struct am_delivery_map_ad what = {
        .keys = {0, ever.key, 0}, .periods = {NULL, periods, NULL}, .period_counts = {0, 2, 0}};
    test_check(am_delivery_map_put(test.map, 0, &what, &error), &error);
    assert_int_equal(test.warnings, 1);
    test_check(am_delivery_map_commit(test.map, &error), &error);
    assert_int_equal(am_caps_count(am_ledger_caps(test.ledger), 1, &ever, DAY0), AM_CAPS_OPEN);
}

/* ---- a live file that is lost -----------------------------------------------------------------
 */

static void a_live_file_that_was_unlinked_stops_ads_and_is_made_again(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    struct am_delivery_ask ask = {.price = UNIT};
    struct am_delivery_detail detail;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + HOURS(12));
    spend(5 * UNIT, DAY0 + HOURS(12), 1);
    assert_true(am_ledger_hold(test.ledger));
    shared_reboot(&shared);
    assert_true(test_step(&test, DAY0 + HOURS(12) + 1).lost);
    assert_true(am_ledger_is_lost(test.ledger));
    assert_int_equal(am_delivery_gate(test.worker, test.map, 0, &ask, &detail), AM_DELIVERY_BUDGET);
    assert_int_equal(detail.reason, AM_DELIVERY_STALE);
    test_check(am_ledger_rebuild(test.ledger, DAY0 + HOURS(12) + 1, &error), &error);
    leave();
    test_check(shared_open(&test, &shared, &error), &error);
    assert_true(am_ledger_recovering(test.ledger));
    am_ledger_recovered(test.ledger);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").limits[0].counted, 5 * UNIT);
}

/* ---- a holder that was killed -----------------------------------------------------------------
 */

static void die_in_a_repair(void) {
    am_ledger_lock(test.ledger);
    AM_LEDGER_SET(test.ledger->header->frozen, 1);
    kill(getpid(), SIGKILL);
}

static void die_in_a_change(void) {
    struct am_ledger_record *record = &test.ledger->records[0];
    am_ledger_lock(test.ledger);
    am_ledger_redo(test.ledger, record->total[0], 7 * UNIT);
    am_ledger_redo(test.ledger, record->total[1], 7);
    AM_LEDGER_SET_RELEASE(test.ledger->header->redo.valid, 1);
    AM_LEDGER_SET(record->total[0], 7 * UNIT); /* one of the two */
    kill(getpid(), SIGKILL);
}

static void die_before_a_change(void) {
    am_ledger_lock(test.ledger);
    am_ledger_redo(test.ledger, test.ledger->records[0].total[0], 9 * UNIT);
    kill(getpid(), SIGKILL);
}

static void in_a_child(void die(void)) {
    pid_t child = fork();
    int status;
    if (child == 0)
        die();
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
}

/* Events wait for a repair; a dead one's freeze must not keep them. */
static void a_freeze_ends_with_its_maker(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 1);
    test_step(&test, DAY0 + 1);
    in_a_child(die_in_a_repair);
    alarm(20);
    spend(UNIT, DAY0 + 1, 1);
    alarm(0);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], UNIT);
}

static void a_change_is_whole_or_not_at_all(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    test_publish(&test, &terms, 1, DAY0);
    in_a_child(die_before_a_change);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 0);
    in_a_child(die_in_a_change);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[0], 7 * UNIT);
    assert_int_equal(test_read(&test, AM_LEDGER_CAMPAIGN, "c").total[1], 7);
}

/* ---- maps -------------------------------------------------------------------------------------
 */

static void a_map_that_nobody_has_is_removed(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    struct am_delivery_map *map = NULL;
    int64_t now = time(NULL);
    test_publish(&test, &terms, 1, now);
    test_map(&test, NULL, "c", 1);
    am_delivery_maps_refresh(test.ledger, now + 100);
    test_check(am_delivery_map_open(test.ledger, 1, 1, &map, &error), &error);
    am_delivery_map_close(test.map);
    test.map = NULL;
    am_delivery_maps_refresh(test.ledger, now + 200);
    am_delivery_map_close(map);
    test_check(am_delivery_map_open(test.ledger, 1, 1, &map, &error), &error); /* it was kept */
    am_delivery_map_close(map);
    am_delivery_maps_refresh(test.ledger, now + 300);
    assert_int_equal(am_delivery_map_open(test.ledger, 1, 1, &map, &error), AM_E_NOT_FOUND);
}

static void the_holder_writes_bits_for_all_who_map(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    struct test_ledger other;
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 70);
    shared_start(&other, &shared);
    test_check(am_delivery_map_open(other.ledger, 1, 70, &other.map, &error), &error);
    assert_false(am_delivery_map_stopped(other.map, 69));
    terms.paused = true;
    test_check(am_ledger_set(test.ledger, &terms, DAY0, NULL, &error), &error);
    test_step(&test, DAY0 + 1);
    assert_true(am_delivery_map_stopped(other.map, 69));
    assert_true(am_delivery_map_stopped(other.map, 0));
    test_stop(&other);
}

static void a_map_of_another_image_is_refused(void **state) {
    (void)state;
    struct am_ledger_terms terms = campaign("c", 24 * UNIT);
    struct am_error error = {.code = AM_OK};
    struct am_delivery_map *map = NULL;
    char home[512], path[560];
    test_publish(&test, &terms, 1, DAY0);
    test_map(&test, NULL, "c", 70);
    assert_int_equal(am_delivery_map_open(test.ledger, 1, 71, &map, &error), AM_E_CORRUPT);
    assert_int_equal(am_delivery_map_open(test.ledger, 2, 70, &map, &error), AM_E_NOT_FOUND);
    shared_home(&shared, home);
    snprintf(path, sizeof path, "%s/map-%016x", home, 1U);
    damage(path, 128 + 3); /* the first ad's chain */
    assert_int_equal(am_delivery_map_open(test.ledger, 1, 70, &map, &error), AM_E_CORRUPT);
    damage(path, 128 + 3);
}

static void an_ad_gets_a_limit_of_its_own_by_an_override(void **state) {
    (void)state;
    struct am_ledger_terms terms[] = {test_terms(AM_LEDGER_CAMPAIGN, "c"),
                                      test_terms(AM_LEDGER_AD, "a3")};
    struct am_error error = {.code = AM_OK};
    struct am_delivery_ask ask = {.price = UNIT};
    uint32_t cell;
    test_publish(&test, terms, 1, DAY0);
    test_map(&test, NULL, "c", 5);
    test_step(&test, DAY0 + 1);
    terms[1].above = test_key(AM_LEDGER_CAMPAIGN, "c");
    terms[1].budgets[AM_LEDGER_MONEY].total = UNIT / 2;
    test_check(am_ledger_set(test.ledger, &terms[1], DAY0 + 1, &cell, &error), &error);
    test_check(am_delivery_map_limit(test.map, 3, cell, &error), &error);
    am_delivery_map_refresh(test.map);
    assert_int_equal(am_delivery_gate(test.worker, test.map, 3, &ask, NULL), AM_DELIVERY_BUDGET);
    assert_int_equal(am_delivery_gate(test.worker, test.map, 2, &ask, NULL), AM_DELIVERY_LINE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(what_is_counted_lives_through_all_processes_ends),
        TEST(a_new_folder_has_nothing_of_the_one_before_it),
        TEST(a_damaged_id_is_refused),
        TEST(two_instances_share_their_counters),
        TEST(one_process_holds_it),
        TEST(a_folder_belongs_to_one_inventory),
        TEST(another_currency_is_refused),
        TEST(folders_that_others_can_reach_are_refused),
        TEST(another_mount_namespace_is_refused),
        TEST(a_small_inventory_fits_into_a_container),
        TEST(another_format_version_is_refused_and_left_alone),
        TEST(a_damaged_live_file_is_refused_and_left_alone),
        TEST(a_reboot_gives_back_what_the_snapshot_has),
        TEST(what_was_logged_behind_the_snapshot_is_replayed_once),
        TEST(lines_of_two_days_may_be_replayed_in_any_order),
        TEST(a_recovery_that_was_killed_is_gone_on_with),
        TEST(two_snapshots_are_kept_and_a_torn_one_is_passed_over),
        TEST(a_snapshot_that_cannot_be_written_leaves_the_last_one),
        TEST(a_full_disk_leaves_the_last_snapshot),
        TEST(a_tmpfs_that_is_too_small_is_told),
        TEST(caps_are_kept_over_a_reboot),
        TEST(a_live_file_that_was_unlinked_stops_ads_and_is_made_again),
        TEST(a_freeze_ends_with_its_maker),
        TEST(a_change_is_whole_or_not_at_all),
        TEST(a_map_that_nobody_has_is_removed),
        TEST(the_holder_writes_bits_for_all_who_map),
        TEST(a_map_of_another_image_is_refused),
        TEST(an_ad_gets_a_limit_of_its_own_by_an_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
