/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch log`: the event log as one stream, in order of time. */
#include "../base/timezone.h"
#include "../events/merge.h"
#include "command.h"
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OPTION_SINCE = 256, IDLE_MICROSECONDS = 100000 };
#define LONGEST INT64_C(3155760000) /* a hundred years, in seconds */

static const struct option options[] = {
    {"since", required_argument, NULL, OPTION_SINCE},
    {"follow", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int64_t unit_seconds(char unit) {
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

/* "2026-12-01T10:00:00Z", or "90m": so long ago. In microseconds. */
static bool parse_since(const char *text, int64_t *since) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    int64_t seconds = end > text && *end ? unit_seconds(*end) : 0;
    bool is_while = seconds && !end[1] && number >= 0 && !errno && number <= LONGEST / seconds;
    if (!is_while) {
        if (am_time_parse(am_view_of(text), &seconds, NULL) != AM_OK)
            return false;
        *since = seconds * AM_JOURNAL_SECOND;
        return true;
    }
    *since = ((int64_t)time(NULL) - number * seconds) * AM_JOURNAL_SECOND;
    return true;
}

/* Prints to the end; with `follow`, until the reader is gone. */
static enum am_code
print_lines(struct am_journal_merge *merge, bool follow, struct am_error *error) {
    struct am_cli_output output;
    struct am_view line;
    bool more = true, written = true;
    enum am_code code = am_cli_output_open(NULL, &output, error);
    while (code == AM_OK && written && (more || follow)) {
        code = am_journal_merge_next(merge, &line, &more, error);
        if (code == AM_OK && more) {
            written = am_cli_output_line(&output, line);
        } else if (code == AM_OK && follow) {
            written = fflush(stdout) == 0;
            usleep(IDLE_MICROSECONDS);
        }
    }
    return code == AM_OK ? am_cli_output_close(&output, error) : code;
}

static int print_log(const char *folder, int64_t since, bool follow) {
    struct am_error error;
    struct am_journal_merge *merge = NULL;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/log", folder) >= (int)sizeof path) {
        am_error_set(&error, AM_E_LIMIT, "the path of the ledger is too long");
        return am_cli_fail(&error);
    }
    enum am_code code = am_journal_merge_open(path, since, follow, &merge, &error);
    if (code == AM_OK)
        code = print_lines(merge, follow, &error);
    am_journal_merge_close(merge);
    return code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error);
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_log, argc, argv, AM_EXIT_UNDECIDED};
    int64_t since = INT64_MIN;
    bool follow = false;
    int option;
    while ((option = am_cli_option(&arguments)) != -1) {
        if (option == 'f')
            follow = true;
        else if (!parse_since(optarg, &since))
            return am_cli_usage(&arguments,
                                "--since is a time like 2026-12-01T10:00:00Z, or a while ago like "
                                "90m (s, m, h, d), not '%s'",
                                optarg);
    }
    const char *folder = am_cli_operand(&arguments, "LEDGER");
    return folder ? print_log(folder, since, follow) : arguments.status;
}

const struct am_cli_command am_cli_command_log = {
    .name = "log",
    .synopsis = "[--since TIME] [--follow] LEDGER",
    .summary = "Prints a ledger's event log, all files in order of time",
    .details =
        "  --since TIME  leaves out what is older: 2026-12-01T10:00:00Z, or 90m ago (s, m, h, d)\n"
        "  -f, --follow  goes on with what is written, until it is interrupted\n"
        "  -h, --help    show this help\n\n"
        "LEDGER is the folder of admatch-ledger. Each line is a JSON object; LOG.md describes\n"
        "its members.\n",
    .letters = ":fh",
    .options = options,
    .run = run,
};
