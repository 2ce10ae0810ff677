/* SPDX-License-Identifier: Apache-2.0 */
/* Control: pauses that the ledger keeps whatever is published, overrides on the disk, requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "../../plugin/base/file_lock.h"
#include "../../plugin/control/request.h"
#include "account.h"

static struct account account;
static struct am_error error;

static int set_up(void **state) {
    (void)state;
    set_clock(NOON);
    start_account(&account);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    end_account(&account);
    return 0;
}

static uint32_t cell_of(enum am_ledger_kind kind, const char *id) {
    uint32_t cell =
        am_ledger_find(account.ledger, am_model_key((enum am_model_record)kind, am_view_of(id)));
    assert_int_not_equal(cell, AM_LEDGER_NO_CELL);
    return cell;
}

static struct am_ledger_record_state state_of(enum am_ledger_kind kind, const char *id) {
    struct am_ledger_record_state state;
    check(am_ledger_read(account.ledger, cell_of(kind, id), &state, &error), &error);
    return state;
}

static void halt(const char *id, bool halted) {
    check(am_ledger_halt(account.ledger, cell_of(AM_LEDGER_CAMPAIGN, id), halted, now_seconds(),
                         &error),
          &error);
}

static void test_a_halt_outlives_publications_and_reboots(void **state) {
    (void)state;
    halt("c1", true);
    for (int i = 0; i < 3; i++) {
        assert_true(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
        assert_false(state_of(AM_LEDGER_CAMPAIGN, "c1").paused);
        assert_false(state_of(AM_LEDGER_CAMPAIGN, "c2").halted);
        if (i == 0)
            publish(&account);
        else
            check(am_ledger_snapshot(account.ledger, now_seconds(), &error), &error);
        if (i == 1)
            lose_memory(&account);
    }
    halt("c1", false);
    assert_false(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
    assert_int_equal(am_ledger_halt(account.ledger, am_ledger_cells(account.ledger), true,
                                    now_seconds(), &error),
                     AM_E_NOT_FOUND);
}

/* Another process publishes, and is stopped. */
static int stop_a_publisher(void) {
    char path[256];
    snprintf(path, sizeof path, "%s/publisher", am_ledger_home(account.ledger));
    int publisher = am_file_lock(path, 0);
    assert_true(publisher >= 0);
    alarm(60); /* whoever waits for it for ever */
    return publisher;
}

static void test_a_halt_waits_for_no_publication(void **state) {
    int publisher = stop_a_publisher();
    (void)state;
    halt("c1", true);
    assert_true(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
    halt("c1", false);
    assert_false(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
    alarm(0);
    close(publisher);
}

static void test_a_publication_names_the_lock_that_it_waits_for(void **state) {
    const struct am_ledger_publication publication = {.time = 1000, .currency = "EUR"};
    const struct am_ledger_options options = {.folder = account.folder,
                                              .tmpfs = account.tmpfs,
                                              .currency = "EUR",
                                              .publish_milliseconds = 50,
                                              .zones = account.zones};
    struct am_ledger *other;
    int publisher = stop_a_publisher();
    (void)state;
    check(am_ledger_open(&options, &other, &error), &error);
    assert_int_equal(am_ledger_publish_begin(other, &publication, NOON, &error), AM_E_IO);
    assert_non_null(strstr(error.message, "/publisher"));
    assert_non_null(strstr(error.message, account.folder));
    close(publisher);
    check(am_ledger_publish_begin(other, &publication, NOON, &error), &error);
    am_ledger_publish_end(other);
    alarm(0);
    am_ledger_close(other);
}

static struct am_control_override override_of(const char *id, const char *reason) {
    struct am_control_override override = {
        .kind = AM_LEDGER_CAMPAIGN, .who = "uid 7", .since = NOON, .until = AM_CONTROL_FOREVER};
    stpcpy(override.id, id);
    stpcpy(override.reason, reason);
    return override;
}

static void test_overrides_are_kept_in_a_file(void **state) {
    struct am_control_overrides overrides, found;
    struct am_control_override first = override_of("c1", "a \"reason\"\n\xc3\xa9");
    struct am_control_override second = override_of("c2", "");
    (void)state;
    second.kind = AM_LEDGER_ADVERTISER;
    second.until = NOON + 5;
    check(am_control_overrides_read(account.folder, &overrides, &error), &error);
    assert_int_equal(overrides.items.count, 0);
    assert_true(am_control_overrides_put(&overrides, &first));
    assert_true(am_control_overrides_put(&overrides, &second));
    assert_true(am_control_overrides_put(&overrides, &first));
    check(am_control_overrides_write(account.folder, &overrides, &error), &error);
    check(am_control_overrides_read(account.folder, &found, &error), &error);
    assert_int_equal(found.items.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct am_control_override *wanted = i ? &second : &first;
        const struct am_control_override *read =
            am_control_overrides_find(&found, wanted->kind, am_view_of(wanted->id));
        assert_non_null(read);
        assert_string_equal(read->reason, wanted->reason);
        assert_string_equal(read->who, "uid 7");
        assert_int_equal(read->until, wanted->until);
        assert_int_equal(read->since, NOON);
    }
    am_control_overrides_remove(
        &found, am_control_overrides_find(&found, AM_LEDGER_CAMPAIGN, AM_VIEW("c1")));
    assert_null(am_control_overrides_find(&found, AM_LEDGER_CAMPAIGN, AM_VIEW("c1")));
    assert_non_null(am_control_overrides_find(&found, AM_LEDGER_ADVERTISER, AM_VIEW("c2")));
    am_control_overrides_free(&found);
    am_control_overrides_free(&overrides);
}

static void test_overrides_that_are_none_are_refused(void **state) {
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[7]",
        "[{}]",
        "[{\"kind\":\"ad\",\"id\":\"x\"}]",
        "[{\"kind\":\"campaign\",\"id\":\"\"}]",
        "[{\"kind\":\"campaign\",\"id\":7}]",
        "[{\"kind\":\"campaign\",\"id\":\"x\",\"reason\":7}]",
        "[{\"kind\":\"campaign\",\"id\":\"x\",\"until\":\"soon\"}]",
    };
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++) {
        struct am_control_overrides overrides;
        check(am_control_file_write(account.folder, "overrides.json", am_view_of(texts[i]), &error),
              &error);
        assert_int_equal(am_control_overrides_read(account.folder, &overrides, &error),
                         AM_E_CORRUPT);
        assert_non_null(strstr(error.message, "overrides.json"));
        am_control_overrides_free(&overrides);
    }
}

static void test_the_ledger_gets_the_overrides(void **state) {
    struct am_control_overrides overrides = {AM_VECTOR_OF(struct am_control_override)};
    const struct am_control_override known = override_of("c1", ""), unknown = override_of("c9", "");
    bool changed = false;
    (void)state;
    assert_true(am_control_overrides_put(&overrides, &known));
    assert_true(am_control_overrides_put(&overrides, &unknown));
    for (int i = 0; i < 2; i++) {
        changed = false;
        check(am_control_overrides_apply(&overrides, account.ledger, NOON, &changed, &error),
              &error);
        assert_int_equal(changed, i == 0);
        assert_true(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
    }
    am_control_overrides_free(&overrides);
}

static void test_a_pause_without_an_override_is_lifted(void **state) {
    struct am_control_overrides overrides = {AM_VECTOR_OF(struct am_control_override)};
    const struct am_control_override kept = override_of("c2", "");
    (void)state;
    halt("c1", true);
    halt("c2", true);
    check(am_ledger_snapshot(account.ledger, now_seconds(), &error), &error);
    lose_memory(&account);
    assert_true(am_control_overrides_put(&overrides, &kept));
    for (int i = 0; i < 2; i++) {
        bool changed = false;
        check(am_control_overrides_lift_others(&overrides, account.ledger, NOON, &changed, &error),
              &error);
        assert_int_equal(changed, i == 0);
        assert_false(state_of(AM_LEDGER_CAMPAIGN, "c1").halted);
        assert_true(state_of(AM_LEDGER_CAMPAIGN, "c2").halted);
    }
    am_control_overrides_free(&overrides);
}

static void test_the_lock_of_the_overrides_is_named_when_it_is_kept(void **state) {
    (void)state;
    int lock = am_control_overrides_lock(account.ledger, &error);
    assert_true(lock >= 0);
    alarm(60); /* whoever waits for it for ever */
    assert_int_equal(am_control_overrides_lock(account.ledger, &error), -1);
    assert_int_equal(error.code, AM_E_IO);
    assert_non_null(strstr(error.message, "/overrides open"));
    close(lock);
    lock = am_control_overrides_lock(account.ledger, &error);
    assert_true(lock >= 0);
    close(lock);
    alarm(0);
}

/* ---- requests ---- */

static unsigned taken;

static enum am_code
take(void *context, const struct am_control_request *request, struct am_error *refusal) {
    (void)context;
    taken++;
    assert_int_equal(request->action, AM_CONTROL_RESUME);
    assert_string_equal(request->override.id, "c1");
    char who[32];
    snprintf(who, sizeof who, "uid %u", getuid());
    assert_string_equal(request->override.who, who);
    return am_error_set(refusal, AM_E_INVALID, "no");
}

static void test_a_request_that_nobody_takes_is_withdrawn(void **state) {
    const struct am_control_request request = {AM_CONTROL_RESUME, override_of("c1", "why")};
    (void)state;
    taken = 0;
    check(am_control_folder_make(account.folder, &error), &error);
    check(am_control_folder_make(account.folder, &error), &error);
    assert_int_equal(am_control_send(account.folder, &request, 0, &error), AM_E_NOT_FOUND);
    check(am_control_take(account.folder, take, NULL, &error), &error);
    assert_int_equal(taken, 0);
}

static void put_request(const char *name, const char *text) {
    char folder[96];
    snprintf(folder, sizeof folder, "%s/control", account.folder);
    check(am_control_file_write(folder, name, am_view_of(text), &error), &error);
}

static bool has_file(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/control/%s", account.folder, name);
    return access(path, F_OK) == 0;
}

static void test_each_request_is_taken_once(void **state) {
    (void)state;
    taken = 0;
    check(am_control_folder_make(account.folder, &error), &error);
    put_request("1.request", "{\"action\":\"resume\",\"kind\":\"campaign\",\"id\":\"c1\","
                             "\"who\":\"somebody else\"}");
    put_request("2.request", "{\"action\":\"explode\",\"kind\":\"campaign\",\"id\":\"c1\"}");
    put_request("3.request", "{");
    put_request("4.other", "{\"action\":\"resume\",\"kind\":\"campaign\",\"id\":\"c1\"}");
    for (int i = 0; i < 2; i++)
        check(am_control_take(account.folder, take, NULL, &error), &error);
    assert_int_equal(taken, 1);
    assert_true(has_file("1.answer") && has_file("2.answer") && has_file("3.answer"));
    assert_false(has_file("1.request") || has_file("2.request") || has_file("3.request"));
    assert_true(has_file("4.other"));
}

static void make_old(const char *name) {
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 62}, {.tv_sec = time(NULL) - 62}};
    char path[128];
    snprintf(path, sizeof path, "%s/control/%s", account.folder, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A command that waits for one second, and as long again. */
struct command {
    pthread_t thread;
    enum am_code code;
    struct am_error error;
    useconds_t obeyed_after; /* what the holder takes for it, microseconds */
};

static void *send_request(void *context) {
    struct command *command = context;
    const struct am_control_request request = {AM_CONTROL_RESUME, override_of("c1", "why")};
    command->code = am_control_send(account.folder, &request, 1, &command->error);
    return NULL;
}

static enum am_code
take_slowly(void *context, const struct am_control_request *request, struct am_error *refusal) {
    const struct command *command = context;
    (void)request;
    (void)refusal;
    taken++;
    usleep(command->obeyed_after);
    return AM_OK;
}

static void run_slowly(struct command *command) {
    taken = 0;
    check(am_control_folder_make(account.folder, &error), &error);
    assert_int_equal(pthread_create(&command->thread, NULL, send_request, command), 0);
    while (!taken)
        check(am_control_take(account.folder, take_slowly, command, &error), &error);
    pthread_join(command->thread, NULL);
}

static void test_a_request_that_is_under_way_is_waited_for(void **state) {
    struct command command = {.obeyed_after = 1400000};
    (void)state;
    run_slowly(&command);
    check(command.code, &command.error);
}

static unsigned count_files(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/control", account.folder);
    DIR *listing = opendir(path);
    const struct dirent *entry;
    unsigned count = 0;
    while ((entry = readdir(listing)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static void test_a_request_that_takes_too_long_is_said_to_be_under_way(void **state) {
    struct command command = {.obeyed_after = 2400000};
    (void)state;
    run_slowly(&command);
    assert_int_equal(command.code, AM_E_IO);
    assert_non_null(strstr(command.error.message, "under way"));
    assert_null(strstr(command.error.message, "othing was changed"));
    assert_int_equal(count_files(), 1); /* an answer that nobody reads */
}

static void test_what_nobody_waits_for_is_removed(void **state) {
    (void)state;
    taken = 0;
    check(am_control_folder_make(account.folder, &error), &error);
    put_request("1.answer", "{}");
    put_request(".2.request.tmp", "{");
    put_request("3.answer", "{}");
    make_old("1.answer");
    make_old(".2.request.tmp");
    check(am_control_take(account.folder, take, NULL, &error), &error);
    assert_false(has_file("1.answer") || has_file(".2.request.tmp"));
    assert_true(has_file("3.answer"));
}

static void test_old_requests_are_refused_and_those_of_a_dead_holder_obeyed(void **state) {
    static const char text[] = "{\"action\":\"resume\",\"kind\":\"campaign\",\"id\":\"c1\"}";
    (void)state;
    taken = 0;
    check(am_control_folder_make(account.folder, &error), &error);
    put_request("1.request", text);
    put_request("2.taken", text);
    make_old("1.request");
    make_old("2.taken");
    check(am_control_take(account.folder, take, NULL, &error), &error);
    assert_int_equal(taken, 0);
    assert_true(has_file("1.answer") && has_file("2.answer"));
    put_request("3.taken", text);
    for (int i = 0; i < 2; i++)
        check(am_control_take(account.folder, take, NULL, &error), &error);
    assert_int_equal(taken, 1);
    assert_true(has_file("3.answer"));
    assert_int_equal(count_files(), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_halt_outlives_publications_and_reboots, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_halt_waits_for_no_publication, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_publication_names_the_lock_that_it_waits_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_overrides_are_kept_in_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_overrides_that_are_none_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_ledger_gets_the_overrides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pause_without_an_override_is_lifted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_lock_of_the_overrides_is_named_when_it_is_kept,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_that_nobody_takes_is_withdrawn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_request_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_that_is_under_way_is_waited_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_that_takes_too_long_is_said_to_be_under_way,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_nobody_waits_for_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_old_requests_are_refused_and_those_of_a_dead_holder_obeyed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
