/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch control`: pauses and resumes campaigns and advertisers of a server that runs, and shows
 * all of them. */
#include "../base/decimal.h"
#include "../base/timezone.h"
#include "../control/request.h"
#include "../delivery/look.h"
#include "command.h"

#include <stdlib.h>
#include <time.h>

enum {
    OPTION_LEDGER = 256,
    OPTION_CAMPAIGN,
    OPTION_ADVERTISER,
    OPTION_UNTIL,
    OPTION_REASON,
    OPTION_TMPFS,
};
enum { ANSWER_SECONDS = 10 };

static const struct option options[] = {
    {"ledger", required_argument, NULL, OPTION_LEDGER},
    {"campaign", required_argument, NULL, OPTION_CAMPAIGN},
    {"advertiser", required_argument, NULL, OPTION_ADVERTISER},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"tmpfs", required_argument, NULL, OPTION_TMPFS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct wish {
    const char *ledger, *tmpfs, *id, *reason, *until;
    struct am_control_request request;
};

/* ---- show ---- */

static void write_money(int64_t nanos, char text[AM_DECIMAL_TEXT_SIZE]) {
    text[am_decimal_write(nanos, 9, text)] = '\0';
}

static void write_state(const struct am_ledger_record_state *state,
                        const struct am_control_override *override,
                        char text[64]) {
    char until[AM_TIME_TEXT_SIZE];
    if (!state->halted || !override || override->until == AM_CONTROL_FOREVER) {
        stpcpy(text, state->halted   ? "paused by control"
                     : state->gone   ? "not in the inventory"
                     : state->paused ? "paused"
                                     : "running");
        return;
    }
    am_time_write(override->until, until);
    stpcpy(stpcpy(text, "paused until "), until);
}

/* "12.5 of 200 daily", "41.2 of 5000 total", of the limit that stops first; "12.5 today" where
 * nothing limits it. */
static void write_used(const struct am_ledger_record_state *state, char text[80]) {
    const struct am_ledger_limit_state *limit = &state->limits[AM_LEDGER_MONEY];
    char used[AM_DECIMAL_TEXT_SIZE], most[AM_DECIMAL_TEXT_SIZE];
    bool daily = limit->daily != AM_LEDGER_UNLIMITED && limit->limit == limit->daily;
    bool total = limit->limited && !daily;
    write_money(total ? state->total[AM_LEDGER_MONEY] : state->today[AM_LEDGER_MONEY], used);
    char *end = stpcpy(text, used);
    if (!limit->limited) {
        stpcpy(end, " today");
        return;
    }
    write_money(daily ? limit->daily : limit->total, most);
    stpcpy(stpcpy(stpcpy(end, " of "), most), daily ? " daily" : " total");
}

static void print_record(const struct am_ledger_record_state *state,
                         const struct am_control_override *override) {
    char text[64], used[80], spend[AM_DECIMAL_TEXT_SIZE];
    write_state(state, override, text);
    write_used(state, used);
    write_money(state->total[AM_LEDGER_MONEY], spend);
    am_cli_print_line(stdout, "%-10s  %-24.*s  %-36s  %-28s  %16s  %12lld  %10lld  %s",
                      am_ledger_kind_name(state->kind), AM_VIEW_ARGUMENTS(state->id), text, used,
                      spend, (long long)state->total[AM_LEDGER_IMPRESSIONS],
                      (long long)state->total[AM_LEDGER_CLICKS], override ? override->reason : "");
}

static enum am_code
print_records(struct am_ledger *ledger, const char *folder, struct am_error *error) {
    struct am_control_overrides overrides;
    enum am_code code = am_control_overrides_read(folder, &overrides, error);
    printf("%-10s  %-24s  %-36s  %-28s  %16s  %12s  %10s  %s\n", "kind", "id", "state",
           "spent, of its limit", "spent in all", "impressions", "clicks", "reason");
    for (uint32_t cell = 0; code == AM_OK && cell < am_ledger_cells(ledger); cell++) {
        struct am_ledger_record_state state;
        if (am_ledger_read(ledger, cell, &state, NULL) == AM_OK)
            print_record(&state, am_control_overrides_find(&overrides, state.kind, state.id));
    }
    am_control_overrides_free(&overrides);
    return code;
}

static enum am_code show(const struct wish *wish, struct am_error *error) {
    struct am_timezones *zones = am_timezones_load(NULL, error);
    struct am_ledger *ledger = NULL;
    const struct am_ledger_options ledger_options = {
        .folder = wish->ledger, .tmpfs = wish->tmpfs, .zones = zones};
    enum am_code code = zones ? am_ledger_is_live(wish->ledger, wish->tmpfs, error) : AM_E_IO;
    if (code == AM_OK)
        code = am_ledger_open(&ledger_options, &ledger, error);
    if (code == AM_OK)
        code = print_records(ledger, wish->ledger, error);
    am_ledger_close(ledger);
    am_timezones_free(zones);
    return code;
}

/* ---- the command line ---- */

static bool
take_id(struct wish *wish, enum am_ledger_kind kind, struct am_cli_arguments *arguments) {
    struct am_control_override *override = &wish->request.override;
    if (wish->id)
        am_cli_usage(arguments, "one --campaign or --advertiser is expected");
    else if (!optarg[0] || strlen(optarg) >= sizeof override->id)
        am_cli_usage(arguments, "an id has 1 to %d bytes", AM_LEDGER_ID_MAX_BYTES);
    else {
        wish->id = optarg;
        override->kind = kind;
        stpcpy(override->id, optarg);
        return true;
    }
    return false;
}

static bool take_reason(struct wish *wish, struct am_cli_arguments *arguments) {
    if (strlen(optarg) > AM_CONTROL_REASON_MAX) {
        am_cli_usage(arguments, "--reason has at most %d bytes", AM_CONTROL_REASON_MAX);
        return false;
    }
    wish->reason = optarg;
    stpcpy(wish->request.override.reason, optarg);
    return true;
}

static bool take_until(struct wish *wish, struct am_cli_arguments *arguments) {
    wish->until = optarg;
    if (am_time_parse(am_view_of(optarg), &wish->request.override.until, NULL) == AM_OK)
        return true;
    am_cli_usage(arguments, "--until is a time like 2026-12-01T10:00:00Z, not '%s'", optarg);
    return false;
}

/* False when the value of an option is none. */
static bool take_option(struct wish *wish, int option, struct am_cli_arguments *arguments) {
    switch (option) {
    case OPTION_CAMPAIGN:
        return take_id(wish, AM_LEDGER_CAMPAIGN, arguments);
    case OPTION_ADVERTISER:
        return take_id(wish, AM_LEDGER_ADVERTISER, arguments);
    case OPTION_UNTIL:
        return take_until(wish, arguments);
    case OPTION_REASON:
        return take_reason(wish, arguments);
    case OPTION_LEDGER:
        wish->ledger = optarg;
        return true;
    default:
        wish->tmpfs = optarg;
        return true;
    }
}

static int obey(struct wish *wish, const char *action, struct am_cli_arguments *arguments) {
    struct am_error error;
    bool pause = strcmp(action, "pause") == 0, shows = strcmp(action, "show") == 0;
    if (!pause && !shows && strcmp(action, "resume") != 0)
        return am_cli_usage(arguments, "expected pause, resume or show, found '%s'", action);
    if (!wish->ledger)
        return am_cli_usage(arguments, "--ledger DIR is missing");
    if (shows != !wish->id)
        return am_cli_usage(arguments, shows ? "show takes no --campaign and no --advertiser"
                                             : "--campaign ID or --advertiser ID is missing");
    if (wish->until && !pause)
        return am_cli_usage(arguments, "--until is for pause");
    if (wish->reason && shows)
        return am_cli_usage(arguments, "--reason is for pause and resume");
    wish->request.action = pause ? AM_CONTROL_PAUSE : AM_CONTROL_RESUME;
    enum am_code code = shows
                            ? show(wish, &error)
                            : am_control_send(wish->ledger, &wish->request, ANSWER_SECONDS, &error);
    return code == AM_OK ? am_cli_finish(AM_EXIT_OK) : am_cli_fail(&error);
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_control, argc, argv, AM_EXIT_UNDECIDED};
    struct wish wish = {.request = {.override = {.until = AM_CONTROL_FOREVER}}};
    int option;
    while ((option = am_cli_option(&arguments)) != -1)
        if (!take_option(&wish, option, &arguments))
            return arguments.status;
    const char *action = am_cli_operand(&arguments, "pause, resume or show");
    return action ? obey(&wish, action, &arguments) : arguments.status;
}

const struct am_cli_command am_cli_command_control = {
    .name = "control",
    .synopsis = "--ledger DIR [OPTIONS] pause|resume|show",
    .summary = "Pauses and resumes campaigns of a server that runs, and shows all",
    .details = "  --ledger DIR     the folder of admatch-ledger\n"
               "  --campaign ID    this campaign\n"
               "  --advertiser ID  this advertiser, with all of its campaigns\n"
               "  --until TIME     pause up to 2026-12-01T10:00:00Z; without it, until it is "
               "resumed\n"
               "  --reason TEXT    goes to the event log, with who asked\n"
               "  --tmpfs PATH     where the ledger's live file is (/dev/shm)\n"
               "  -h, --help       show this help\n\n"
               "When `pause` has ended, no ad of it is placed any more. Whoever may write to the\n"
               "folder may control. CONTROL.md has the rest.\n",
    .letters = ":h",
    .options = options,
    .paths = (const char *const[]){"ledger", "tmpfs", NULL},
    .run = run,
};
