/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in files, for tests of several processes. */
#ifndef AM_TEST_DELIVERY_SHARED_H
#define AM_TEST_DELIVERY_SHARED_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "delivery.h"

struct shared {
    char folder[64], tmpfs[64];
};

static inline void shared_make(struct shared *shared) {
    snprintf(shared->folder, sizeof shared->folder, "/tmp/admatch-ledger-XXXXXX");
    snprintf(shared->tmpfs, sizeof shared->tmpfs, "/dev/shm/admatch-test-XXXXXX");
    assert_non_null(mkdtemp(shared->folder));
    assert_non_null(mkdtemp(shared->tmpfs));
}

static inline void shared_remove(struct shared *shared) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s %s", shared->folder, shared->tmpfs);
    assert_int_equal(system(command), 0);
}

/* The folder of the live file, the only one in the tmpfs. */
static inline void shared_home(const struct shared *shared, char path[512]) {
    DIR *folder = opendir(shared->tmpfs);
    struct dirent *entry;
    path[0] = '\0';
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            snprintf(path, 512, "%s/%s", shared->tmpfs, entry->d_name);
    closedir(folder);
}

/* What a reboot leaves. */
static inline void shared_reboot(const struct shared *shared) {
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s/*", shared->tmpfs);
    assert_int_equal(system(command), 0);
}

static inline enum am_code
shared_open(struct test_ledger *test, const struct shared *shared, struct am_error *error) {
    *test = (struct test_ledger){.zones = am_timezones_load(NULL, NULL)};
    struct am_ledger_options options = test_options(test);
    options.folder = shared->folder;
    options.tmpfs = shared->tmpfs;
    enum am_code code = am_ledger_open(&options, &test->ledger, error);
    if (code != AM_OK)
        am_timezones_free(test->zones);
    return code;
}

/* Opens it, makes a worker, and where it is new, ends its recovery. */
static inline void shared_start(struct test_ledger *test, const struct shared *shared) {
    struct am_error error = {.code = AM_OK};
    test_check(shared_open(test, shared, &error), &error);
    if (am_ledger_recovering(test->ledger))
        am_ledger_recovered(test->ledger);
    test_check(am_ledger_worker_new(test->ledger, &test->worker, &error), &error);
}

#endif
