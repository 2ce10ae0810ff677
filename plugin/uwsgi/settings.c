/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../api/api.h"
#include "host.h"
#include "log.h"

struct am_uwsgi_settings am_uwsgi_settings = {
    .refresh = 5,
    .limit_body = 1 << 20,
    .limit_words = 100000,
    .limit_work = AM_MATCH_WORK_DEFAULT,
    .limit_memory = AM_API_MEMORY_DEFAULT,
    .loop = {.connections = 10000,
             .idle_timeout = 150,
             .head_timeout = 10,
             .body_timeout = 30,
             .write_timeout = 30,
             .grace = 5,
             .memory = 64 << 20,
             .modifier = 256},
};

/* Which numbers an option takes, and where they go. */
struct number {
    uint64_t *value;
    uint64_t least, most;
};

static struct number refresh_number = {&am_uwsgi_settings.refresh, 0, 86400};
static struct number body_number = {&am_uwsgi_settings.limit_body, 1024, 64 << 20};
static struct number words_number = {&am_uwsgi_settings.limit_words, 1, 10000000};
static struct number kept_number = {&am_uwsgi_settings.limit_memory, 65536, UINT64_C(1) << 40};
static struct number work_number = {&am_uwsgi_settings.limit_work, 10000, UINT64_C(1) << 40};

static struct number connections_number = {&am_uwsgi_settings.loop.connections, 1, 1000000};
static struct number idle_number = {&am_uwsgi_settings.loop.idle_timeout, 1, 86400};
static struct number head_number = {&am_uwsgi_settings.loop.head_timeout, 1, 86400};
static struct number body_timeout_number = {&am_uwsgi_settings.loop.body_timeout, 1, 86400};
static struct number write_number = {&am_uwsgi_settings.loop.write_timeout, 1, 86400};
static struct number grace_number = {&am_uwsgi_settings.loop.grace, 0, 86400};
static struct number memory_number = {&am_uwsgi_settings.loop.memory, 1 << 20, UINT64_C(1) << 40};
static struct number modifier_number = {&am_uwsgi_settings.loop.modifier, 0, 255};

static void set_number(char *option, char *value, void *data) {
    struct number *number = data;
    char *end = value;
    errno = 0;
    unsigned long long given = value ? strtoull(value, &end, 10) : 0;
    bool digits = value && *value >= '0' && *value <= '9' && *end == '\0';
    if (!digits || errno || given < number->least || given > number->most)
        am_uwsgi_log_and_exit("%s = %s: expected a whole number from %llu to %llu", option,
                              value ? value : "", (unsigned long long)number->least,
                              (unsigned long long)number->most);
    *number->value = given;
}

static void set_on_error(char *option, char *value, void *data) {
    bool *skip = data;
    if (value && strcmp(value, "stop") == 0)
        *skip = false;
    else if (value && strcmp(value, "skip") == 0)
        *skip = true;
    else
        am_uwsgi_log_and_exit(
            "%s = %s: expected stop (refuse an inventory that has a bad record) or "
            "skip (leave bad records out)",
            option, value ? value : "");
}

static void set_path(char *option, char *value, void *data) {
    char **path = data;
    if (!value || *value == '\0')
        am_uwsgi_log_and_exit("%s: expected a path", option);
    *path = value;
}

struct uwsgi_option am_uwsgi_options[] = {
    {"admatch-inventory", required_argument, 0,
     "serve the ads of this inventory: JSON Lines, plain or gzip, or a compiled image", set_path,
     &am_uwsgi_settings.inventory, UWSGI_OPT_MASTER | UWSGI_OPT_METRICS},
    {"admatch-state-dir", required_argument, 0,
     "private folder for compiled images (default /dev/shm/admatch-UID)", set_path,
     &am_uwsgi_settings.state_dir, 0},
    {"admatch-refresh", required_argument, 0,
     "seconds between checks of the inventory (default 5, 0: only on demand)", set_number,
     &refresh_number, 0},
    {"admatch-on-error", required_argument, 0,
     "stop: refuse an inventory that has a bad record (default); skip: leave bad records out",
     set_on_error, &am_uwsgi_settings.skip_bad_records, 0},
    {"admatch-test", no_argument, 0, "obey the `now` of requests; for tests, never in production",
     uwsgi_opt_true, &am_uwsgi_settings.test, 0},
    {"admatch-preview", no_argument, 0,
     "answer /preview, a page that shows which ads a text gets, and why others do not",
     uwsgi_opt_true, &am_uwsgi_settings.preview, 0},
    {"admatch-limit-body", required_argument, 0,
     "bytes of a request body, also when unpacked (default 1048576)", set_number, &body_number, 0},
    {"admatch-limit-words", required_argument, 0,
     "words of a request, all fields together (default 100000)", set_number, &words_number, 0},
    {"admatch-limit-work", required_argument, 0,
     "steps of a decision, which then has what was found (default 2000000)", set_number,
     &work_number, 0},
    {"admatch-limit-memory", required_argument, 0,
     "bytes of working memory that a context keeps between requests (default 1048576)", set_number,
     &kept_number, 0},
    {"admatch-connections", required_argument, 0,
     "with loop = admatch: connections of a process (default 10000)", set_number,
     &connections_number, 0},
    {"admatch-idle-timeout", required_argument, 0,
     "with loop = admatch: seconds that a kept connection waits for a request (default 150)",
     set_number, &idle_number, 0},
    {"admatch-head-timeout", required_argument, 0,
     "with loop = admatch: seconds from a head's first byte to its last (default 10)", set_number,
     &head_number, 0},
    {"admatch-body-timeout", required_argument, 0,
     "with loop = admatch: seconds for a body to come (default 30)", set_number,
     &body_timeout_number, 0},
    {"admatch-write-timeout", required_argument, 0,
     "with loop = admatch: seconds for an answer to be taken (default 30)", set_number,
     &write_number, 0},
    {"admatch-grace", required_argument, 0,
     "with loop = admatch: seconds for what has been begun when a process ends (default 5)",
     set_number, &grace_number, 0},
    {"admatch-connection-memory", required_argument, 0,
     "with loop = admatch: bytes of a process for pieces of requests and answers (default "
     "67108864)",
     set_number, &memory_number, 0},
    {"admatch-loop-modifier", required_argument, 0,
     "with loop = admatch: another plugin's modifier, whose requests never block", set_number,
     &modifier_number, 0},
    {0},
};

static char *absolute(char *path, const char *option) {
    char folder[PATH_MAX];
    char *joined = NULL;
    if (path[0] == '/')
        return path;
    if (!getcwd(folder, sizeof folder) || asprintf(&joined, "%s/%s", folder, path) < 0)
        am_uwsgi_log_and_exit("%s = %s: cannot make it absolute: give the whole path", option,
                              path);
    return joined;
}

void am_uwsgi_settings_finish(void) {
    if (am_uwsgi_settings.inventory)
        am_uwsgi_settings.inventory = absolute(am_uwsgi_settings.inventory, "admatch-inventory");
    if (am_uwsgi_settings.state_dir)
        am_uwsgi_settings.state_dir = absolute(am_uwsgi_settings.state_dir, "admatch-state-dir");
}
