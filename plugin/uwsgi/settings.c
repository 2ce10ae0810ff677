/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "../client/geo.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../api/http.h"
#include "../events/rates.h"
#include "../reports/rollup.h"
#include "host.h"
#include "log.h"
#include "sockets.h"

struct am_uwsgi_settings am_uwsgi_settings = {
    .refresh = 5,
    .log_keep = 40,
    .terms = AM_REPORT_TERMS_DEFAULT,
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
static struct number rpc_number = {&am_uwsgi_settings.rpc, 0, 1024};
static struct number gzip_number = {&am_uwsgi_settings.gzip, 0, 64 << 20};

static struct number connections_number = {&am_uwsgi_settings.loop.connections, 1, 1000000};
static struct number idle_number = {&am_uwsgi_settings.loop.idle_timeout, 1, 86400};
static struct number head_number = {&am_uwsgi_settings.loop.head_timeout, 1, 86400};
static struct number body_timeout_number = {&am_uwsgi_settings.loop.body_timeout, 1, 86400};
static struct number write_number = {&am_uwsgi_settings.loop.write_timeout, 1, 86400};
static struct number grace_number = {&am_uwsgi_settings.loop.grace, 0, 86400};
static struct number memory_number = {&am_uwsgi_settings.loop.memory, 1 << 20, UINT64_C(1) << 40};
static struct number modifier_number = {&am_uwsgi_settings.loop.modifier, 0, 255};

static struct number cells_number = {&am_uwsgi_settings.cells, 1024, 16 << 20};
static struct number inflight_number = {&am_uwsgi_settings.inflight, 1024, 16 << 20};
static struct number caps_number = {&am_uwsgi_settings.caps, 1 << 20, UINT64_C(4) << 30};
static struct number reserve_number = {&am_uwsgi_settings.reserve, 1, 86400};
static struct number reserve_bids_number = {&am_uwsgi_settings.reserve_bids, 1, 86400};
static struct number ring_number = {&am_uwsgi_settings.ring, 256 << 10, UINT64_C(4) << 30};
static struct number keep_number = {&am_uwsgi_settings.log_keep, 0, 36500};

static struct number terms_number = {&am_uwsgi_settings.terms, 0, AM_REPORT_TERMS_MOST};

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

static void set_click_rates(char *option, char *value, void *data) {
    char **rates = data;
    struct am_event_rate_limits limits;
    struct am_error error;
    if (am_event_rates_parse(am_view_of(value), &limits, &error) != AM_OK)
        am_uwsgi_log_and_exit("%s = %s: %s", option, value ? value : "", error.message);
    *rates = value;
}

static void set_public_url(char *option, char *value, void *data) {
    struct am_view *url = data;
    *url = am_view_of(value);
    if (!am_api_public_url_fine(*url))
        am_uwsgi_log_and_exit("%s = %s: expected a URL like https://ads.example, without a / at "
                              "its end, a query or a fragment",
                              option, value ? value : "");
}

static void set_log_query(char *option, char *value, void *data) {
    enum am_api_log_query *query = data;
    if (value && strcmp(value, "full") == 0)
        *query = AM_LOG_QUERY_FULL;
    else if (value && strcmp(value, "normalised") == 0)
        *query = AM_LOG_QUERY_NORMALISED;
    else if (value && strcmp(value, "none") == 0)
        *query = AM_LOG_QUERY_NONE;
    else
        am_uwsgi_log_and_exit("%s = %s: expected full, normalised or none", option,
                              value ? value : "");
}

static void add_trusted(char *option, char *value, void *data) {
    static struct am_address_range ranges[256];
    struct am_address_ranges *trusted = data;
    struct am_error error;
    trusted->items = ranges;
    trusted->capacity = AM_COUNT_OF(ranges);
    if (am_address_ranges_add(trusted, am_view_of(value), &error) != AM_OK)
        am_uwsgi_log_and_exit("%s = %s: %s", option, value ? value : "", error.message);
}

/* Names are separated by white space or commas. */
static void add_events(char *option, char *value, void *data) {
    static const char separators[] = " \t,";
    struct am_api_counting *counting = data;
    for (char *at = value; at && *(at += strspn(at, separators)); at += strcspn(at, separators)) {
        struct am_view name = {at, strcspn(at, separators)};
        if (counting->event_count == AM_API_EVENTS_MAX || name.size > AM_API_EVENT_NAME_MAX_BYTES)
            am_uwsgi_log_and_exit("%s = %s: expected at most %d names of at most %d bytes", option,
                                  value, AM_API_EVENTS_MAX, AM_API_EVENT_NAME_MAX_BYTES);
        counting->events[counting->event_count++] = name;
    }
}

/* The list, and behind it the texts that it points to, two bytes for each pointer; for as long as
 * the process lives. */
static void set_origins(char *option, char *value, void *data) {
    const char *const **origins = data;
    size_t count = 0, size = value ? strlen(value) : 0;
    const char **list = calloc(size / 2 + 2, sizeof *list + 2);
    if (!list)
        am_uwsgi_log_and_exit("%s: out of memory", option);
    char *rest = (char *)(list + size / 2 + 2), *origin;
    memcpy(rest, value ? value : "", size);
    while ((origin = strsep(&rest, " ")))
        if (*origin)
            list[count++] = origin;
    for (size_t i = 0; i < count || i == 0; i++)
        if (!count || !am_api_http_is_origin(list[i]))
            am_uwsgi_log_and_exit("%s = %s: expected *, or origins like https://www.example.com, "
                                  "without a path, with spaces between them",
                                  option, value ? value : "");
    *origins = list;
}

/* Separated by commas or white space; each once or more. */
static void add_derived(char *option, char *value, void *data) {
    struct am_uwsgi_settings *settings = data;
    static const char separators[] = " \t,";
    for (char *at = value; at && *(at += strspn(at, separators)); at += strcspn(at, separators)) {
        struct am_view name = {at, strcspn(at, separators)};
        bool *switches = am_view_equal(name, AM_VIEW("geo"))        ? &settings->derive_geo
                         : am_view_equal(name, AM_VIEW("agent"))    ? &settings->deriving.agent
                         : am_view_equal(name, AM_VIEW("language")) ? &settings->deriving.language
                                                                    : NULL;
        if (!switches)
            am_uwsgi_log_and_exit("%s = %s: expected geo, agent, language, or several of them",
                                  option, value);
        *switches = true;
    }
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
    {"admatch-ledger", required_argument, 0,
     "count what is placed, shown and clicked in this folder: ledger, event log, keys", set_path,
     &am_uwsgi_settings.ledger, 0},
    {"admatch-public-url", required_argument, 0,
     "with admatch-ledger: the URL under which browsers reach this server; answers get urls",
     set_public_url, &am_uwsgi_settings.counting.public_url, 0},
    {"admatch-public", required_argument, 0,
     "sockets that anybody may reach, by address: no prices, no explain, no metrics there",
     am_uwsgi_sockets_add_public, NULL, 0},
    {"admatch-keys", required_argument, 0,
     "with admatch-ledger: file of one or two keys that sign tokens (default: a key of the "
     "ledger's own)",
     set_path, &am_uwsgi_settings.keys, 0},
    {"admatch-trusted", required_argument, 0,
     "proxies whose X-Forwarded-For is believed, as addresses or blocks", add_trusted,
     &am_uwsgi_settings.counting.trusted, 0},
    {"admatch-events", required_argument, 0, "with admatch-ledger: up to 12 names of custom events",
     add_events, &am_uwsgi_settings.counting, 0},
    {"admatch-robots", required_argument, 0,
     "with admatch-ledger: file of more robots, a lower-case text a line", set_path,
     &am_uwsgi_settings.robots, 0},
    {"admatch-click-rates", required_argument, 0,
     "with admatch-ledger: counted clicks of a client on an advertiser (default 1/m 3/10m 10/h "
     "25/d; none)",
     set_click_rates, &am_uwsgi_settings.click_rates, 0},
    {"admatch-click-first", no_argument, 0,
     "with admatch-ledger: clicks count without an impression", uwsgi_opt_true,
     &am_uwsgi_settings.click_first, 0},
    {"admatch-log-query", required_argument, 0,
     "with admatch-ledger: queries in the log of decisions: full (default), normalised or none",
     set_log_query, &am_uwsgi_settings.counting.log_query, 0},
    {"admatch-log-keep", required_argument, 0,
     "with admatch-ledger: days that the event log is kept (default 40, 0: for ever)", set_number,
     &keep_number, 0},
    {"admatch-terms", required_argument, 0,
     "with admatch-ledger: search terms a day in the reports (default 1000000)", set_number,
     &terms_number, 0},
    {"admatch-ring", required_argument, 0,
     "with admatch-ledger: bytes that tell events from their repeats, four bits a placement "
     "(default 16777216)",
     set_number, &ring_number, 0},
    {"admatch-cells", required_argument, 0,
     "with admatch-ledger: records of a new ledger (default: twice those of its first inventory, "
     "at least 65536)",
     set_number, &cells_number, 0},
    {"admatch-rpc", required_argument, 0,
     "apps of this instance may call admatch.decide and the like, so many at a time in each worker "
     "(default 0: none)",
     set_number, &rpc_number, 0},
    {"admatch-derive", required_argument, 0,
     "what requests do not say of visitors is derived: geo, agent, language, or several of them "
     "(default: nothing)",
     add_derived, &am_uwsgi_settings, 0},
    {"admatch-geoip", required_argument, 0,
     "with admatch-derive = geo: file of addresses, in MaxMind's DB format, of the kind City or "
     "Country",
     set_path, &am_uwsgi_settings.geoip, 0},
    {"admatch-inflight", required_argument, 0,
     "with admatch-ledger: placements whose events are awaited, of a new ledger (default 262144)",
     set_number, &inflight_number, 0},
    {"admatch-caps", required_argument, 0,
     "with admatch-ledger: bytes of the table of frequency caps (default 67108864)", set_number,
     &caps_number, 0},
    {"admatch-reserve", required_argument, 0,
     "with admatch-ledger: seconds that a placement is reserved for its events (default 60)",
     set_number, &reserve_number, 0},
    {"admatch-reserve-bids", required_argument, 0,
     "with admatch-ledger: the same for bids (default 120)", set_number, &reserve_bids_number, 0},
    {"admatch-gzip", required_argument, 0,
     "pack answers of more than so many bytes for clients that take gzip (default 0: never)",
     set_number, &gzip_number, 0},
    {"admatch-cors", required_argument, 0,
     "* or origins (https://www.example.com) of pages whose scripts may ask for ads", set_origins,
     &am_uwsgi_settings.origins, 0},
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

char am_uwsgi_loop_name[] = "admatch";

bool am_uwsgi_loop_is_chosen(void) {
    return uwsgi.loop && strcmp(uwsgi.loop, am_uwsgi_loop_name) == 0;
}

/* Has the master execute itself anew, as on SIGHUP. In the mule. */
static void start_anew(void) {
    if (kill(uwsgi.workers[0].pid, SIGHUP) != 0)
        am_publish_log(&am_uwsgi_log, "the master cannot be asked to start anew: reload it");
}

/* In the mule. */
static bool is_serving(void) {
    for (int i = 1; i <= uwsgi.numproc; i++)
        if (uwsgi.workers[i].pid > 0 && uwsgi.workers[i].cursed_at)
            return true;
    return false;
}

static void end_process(void) {
    _exit(0);
}

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

static char *absolute_or_null(char *path, const char *option) {
    return path ? absolute(path, option) : NULL;
}

static void finish_account(void) {
    struct am_uwsgi_settings *settings = &am_uwsgi_settings;
    if (settings->ledger && strcmp(settings->ledger, "none") == 0) {
        settings->ledger = NULL;
        settings->ignores_limits = true;
    }
    if (!settings->ledger) {
        if (settings->counting.public_url.size)
            am_uwsgi_log_and_exit("admatch-public-url needs admatch-ledger = DIR, where what its "
                                  "URLs report is counted");
        return;
    }
    settings->account = (struct am_account_options){
        .folder = absolute(settings->ledger, "admatch-ledger"),
        .inventory = settings->inventory,
        .keys = absolute_or_null(settings->keys, "admatch-keys"),
        .robots = absolute_or_null(settings->robots, "admatch-robots"),
        .click_rates = settings->click_rates,
        .click_first = settings->click_first,
        .cells = (uint32_t)settings->cells,
        .placements = (uint32_t)settings->inflight,
        .caps_bytes = settings->caps,
        .reserve = (uint32_t)settings->reserve,
        .reserve_bids = (uint32_t)settings->reserve_bids,
        .ring_bytes = settings->ring,
        .log_keep = (uint32_t)settings->log_keep,
        .terms = (uint32_t)settings->terms,
        .contexts = (uint32_t)(uwsgi.numproc * (uwsgi.cores + (int)settings->rpc)),
        .counting = &settings->counting,
        .lost = start_anew,
        .serving = is_serving,
        .ended = end_process,
    };
}

const struct am_api_deriving *am_uwsgi_settings_derive(void) {
    struct am_uwsgi_settings *settings = &am_uwsgi_settings;
    struct am_api_deriving *deriving = &settings->deriving;
    struct am_error error;
    if (settings->derive_geo != (settings->geoip != NULL))
        am_uwsgi_log_and_exit("admatch-derive = geo and admatch-geoip = FILE need one another");
    deriving->trusted = &settings->counting.trusted;
    if (settings->geoip)
        deriving->geo = am_client_geo_new(absolute(settings->geoip, "admatch-geoip"), &error);
    if (settings->geoip && !deriving->geo)
        am_uwsgi_log_and_exit("cannot start: %s", error.message);
    return deriving->geo || deriving->agent || deriving->language ? deriving : NULL;
}

void am_uwsgi_settings_finish(void) {
    if (am_uwsgi_settings.inventory)
        am_uwsgi_settings.inventory = absolute(am_uwsgi_settings.inventory, "admatch-inventory");
    if (am_uwsgi_settings.state_dir)
        am_uwsgi_settings.state_dir = absolute(am_uwsgi_settings.state_dir, "admatch-state-dir");
    finish_account();
}
