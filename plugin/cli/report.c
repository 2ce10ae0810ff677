/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch report`: what was delivered, by whatever is asked for, from the roll-ups of the log. */
#include "../reports/format.h"
#include "../reports/rollup.h"
#include "command.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>

enum {
    OPTION_BY = 256,
    OPTION_FROM,
    OPTION_TO,
    OPTION_TIMEZONE,
    OPTION_FORMAT,
    OPTION_ADVERTISER,
    OPTION_CAMPAIGN,
    OPTION_AD,
    OPTION_TERMS,
    OPTION_MIN,
    OPTION_OUTCOMES,
    OPTION_UPDATE,
};
enum { DAY_SECONDS = 86400, HOUR_SECONDS = 3600, DATE_SIZE = 10 };

static const struct option options[] = {
    {"by", required_argument, NULL, OPTION_BY},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"timezone", required_argument, NULL, OPTION_TIMEZONE},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"advertiser", required_argument, NULL, OPTION_ADVERTISER},
    {"campaign", required_argument, NULL, OPTION_CAMPAIGN},
    {"ad", required_argument, NULL, OPTION_AD},
    {"terms", no_argument, NULL, OPTION_TERMS},
    {"min", required_argument, NULL, OPTION_MIN},
    {"outcomes", no_argument, NULL, OPTION_OUTCOMES},
    {"update", no_argument, NULL, OPTION_UPDATE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct wish {
    const char *folder, *from, *to, *timezone;
    struct am_report_query query;
    enum am_report_format format;
    bool has_by, has_min, update;
};

/* ---- the command line ---- */

static bool take_by(struct wish *wish, const char *value, struct am_cli_arguments *arguments) {
    struct am_report_query *query = &wish->query;
    query->by_count = 0;
    for (const char *at = value;; at++) {
        struct am_view name = {at, strcspn(at, ",")};
        enum am_report_dimension dimension = am_report_dimension_of(name);
        bool again = false;
        for (uint32_t i = 0; i < query->by_count; i++)
            again |= query->by[i] == dimension;
        if (dimension == AM_REPORT_DIMENSIONS || again) {
            am_cli_usage(arguments,
                         "--by is a list like campaign,day, of advertiser, campaign, ad, keyword, "
                         "match, month, day and hour, each at most once, not '%s'",
                         value);
            return false;
        }
        query->by[query->by_count++] = dimension;
        at += name.size;
        if (!*at)
            return true;
    }
}

static bool take_min(struct wish *wish, const char *value, struct am_cli_arguments *arguments) {
    char *end;
    errno = 0;
    wish->query.least = strtoll(value, &end, 10);
    wish->has_min = true;
    if (end > value && !*end && !errno && wish->query.least >= 1)
        return true;
    am_cli_usage(arguments, "--min is a whole number of impressions from 1 on, not '%s'", value);
    return false;
}

static bool take_format(struct wish *wish, const char *value, struct am_cli_arguments *arguments) {
    wish->format = am_report_format_of(am_view_of(value));
    if (wish->format != AM_REPORT_FORMATS)
        return true;
    am_cli_usage(arguments, "--format is table, json or csv, not '%s'", value);
    return false;
}

static bool take_kind(struct wish *wish, int option, struct am_cli_arguments *arguments) {
    enum am_report_kind kind = option == OPTION_TERMS ? AM_REPORT_TERMS : AM_REPORT_OUTCOMES;
    if (wish->query.kind != AM_REPORT_DELIVERY && wish->query.kind != kind) {
        am_cli_usage(arguments, "--terms and --outcomes exclude each other");
        return false;
    }
    wish->query.kind = kind;
    return true;
}

/* False when the value of an option is none. */
static bool take_option(struct wish *wish, int option, struct am_cli_arguments *arguments) {
    switch (option) {
    case OPTION_BY:
        wish->has_by = true;
        return take_by(wish, optarg, arguments);
    case OPTION_FROM:
        wish->from = optarg;
        return true;
    case OPTION_TO:
        wish->to = optarg;
        return true;
    case OPTION_TIMEZONE:
        wish->timezone = optarg;
        return true;
    case OPTION_FORMAT:
        return take_format(wish, optarg, arguments);
    case OPTION_MIN:
        return take_min(wish, optarg, arguments);
    case OPTION_UPDATE:
        return wish->update = true;
    case OPTION_TERMS:
    case OPTION_OUTCOMES:
        return take_kind(wish, option, arguments);
    default:
        wish->query.only[option - OPTION_ADVERTISER] = am_view_of(optarg);
        return true;
    }
}

/* False where options do not go together. */
static bool check_wish(const struct wish *wish, struct am_cli_arguments *arguments) {
    bool terms = wish->query.kind == AM_REPORT_TERMS;
    if (terms && wish->has_by)
        am_cli_usage(arguments, "--terms are by term, keyword and ad: leave --by out");
    else if (terms && wish->timezone)
        am_cli_usage(arguments, "search terms are kept by days in UTC: leave --timezone out");
    else if (!terms && wish->has_min)
        am_cli_usage(arguments, "--min is for --terms");
    else
        return true;
    return false;
}

/* ---- times ---- */

/* The first second of a local date that is UTC's at `midnight`. */
static int64_t begin_of_day(const struct am_timezone *zone, int64_t midnight) {
    int64_t guess = midnight - am_timezone_offset(zone, midnight);
    return midnight - am_timezone_offset(zone, guess);
}

/* "2026-12-01": `after` days later, its beginning; or a time on the hour. */
static bool parse_time(const struct wish *wish, const char *text, int after, int64_t *time) {
    char whole[DATE_SIZE + sizeof "T00:00:00Z"];
    if (strlen(text) != DATE_SIZE)
        return am_time_parse(am_view_of(text), time, NULL) == AM_OK && *time % HOUR_SECONDS == 0;
    stpcpy(stpcpy(whole, text), "T00:00:00Z");
    if (am_time_parse(am_view_of(whole), time, NULL) != AM_OK)
        return false;
    *time = begin_of_day(wish->query.zone, *time + (int64_t)after * DAY_SECONDS);
    return true;
}

static enum am_code
find_times(struct wish *wish, const struct am_timezones *zones, struct am_error *error) {
    struct am_report_query *query = &wish->query;
    bool terms = query->kind == AM_REPORT_TERMS;
    query->from = AM_TIME_MIN;
    query->to = AM_TIME_MAX;
    if (wish->timezone && !(query->zone = am_timezone_find(zones, am_view_of(wish->timezone))))
        return am_error_set(error, AM_E_INVALID, "--timezone is a name like Europe/Paris, not '%s'",
                            wish->timezone);
    if ((wish->from && !parse_time(wish, wish->from, 0, &query->from)) ||
        (wish->to && !parse_time(wish, wish->to, 1, &query->to)) ||
        (terms &&
         ((wish->from && query->from % DAY_SECONDS) || (wish->to && query->to % DAY_SECONDS))))
        return am_error_set(error, AM_E_INVALID, "--from and --to are dates like 2026-12-01%s",
                            terms ? "" : ", or times on the hour like 2026-12-01T10:00:00Z");
    if (query->from >= query->to)
        return am_error_set(error, AM_E_INVALID, "--from is not before --to");
    return AM_OK;
}

/* ---- the command ---- */

/* All that the log holds now: decisions to its end, and a round later the events that go with them.
 */
static enum am_code update(const char *folder, struct am_error *error) {
    struct am_report_rollup *rollup;
    struct am_report_round round = {.more = true};
    enum am_code code = am_report_rollup_open(folder, AM_REPORT_TERMS_DEFAULT, &rollup, error);
    for (bool ended = false; code == AM_OK && !ended && round.more;) {
        ended = round.ended;
        code = am_report_rollup_round(rollup, &round, error);
    }
    am_report_rollup_close(rollup);
    return code;
}

static bool write_text(void *output, struct am_view text) {
    return am_cli_output_text(output, text);
}

/* What a report cannot show. */
static enum am_code warn(struct am_report_reader *reader, struct am_error *error) {
    struct am_report_state state;
    enum am_code code = am_report_reader_state(reader, &state, error);
    if (code == AM_OK && state.gone)
        fprintf(stderr,
                "admatch: %lld files of the log were removed before they were counted to their "
                "ends\n",
                (long long)state.gone);
    if (code == AM_OK && state.unreadable)
        fprintf(stderr, "admatch: %lld lines of the log could not be read\n",
                (long long)state.unreadable);
    return code;
}

static enum am_code print(const struct wish *wish, struct am_error *error) {
    struct am_report_reader *reader;
    struct am_cli_output output;
    enum am_code code = am_report_reader_open(wish->folder, &reader, error);
    if (code == AM_OK)
        code = warn(reader, error);
    if (code == AM_OK)
        code = am_cli_output_open(NULL, &output, error);
    if (code == AM_OK) {
        code = am_report_print(reader, &wish->query, wish->format, write_text, &output, error);
        if (code == AM_OK || output.error) /* why nobody took it, or nothing when all is well */
            code = am_cli_output_close(&output, error);
    }
    am_report_reader_close(reader);
    return code;
}

static int obey(struct wish *wish) {
    struct am_error error;
    struct am_timezones *zones = am_timezones_load(NULL, &error);
    if (!zones)
        return am_cli_fail(&error);
    enum am_code code = find_times(wish, zones, &error);
    if (code == AM_OK && wish->update)
        code = update(wish->folder, &error);
    if (code == AM_OK)
        code = print(wish, &error);
    am_timezones_free(zones);
    return code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error);
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_report, argc, argv, AM_EXIT_UNDECIDED};
    struct wish wish = {.query = {.by = {AM_REPORT_BY_CAMPAIGN}, .by_count = 1}};
    int option;
    while ((option = am_cli_option(&arguments)) != -1)
        if (!take_option(&wish, option, &arguments))
            return arguments.status;
    wish.folder = am_cli_operand(&arguments, "LEDGER");
    if (!wish.folder || !check_wish(&wish, &arguments))
        return arguments.status;
    return obey(&wish);
}

const struct am_cli_command am_cli_command_report = {
    .name = "report",
    .synopsis = "[--by LIST] [--from TIME] [--to TIME] [--format FORMAT] [OPTIONS] LEDGER",
    .summary = "Shows what was delivered, by campaign, ad, keyword, hour and more",
    .details =
        "  --by LIST        of advertiser, campaign, ad, keyword, match, month, day, hour;\n"
        "                   with commas in between (campaign)\n"
        "  --from TIME      2026-12-01, or 2026-12-01T10:00:00Z; without it, from the beginning\n"
        "  --to TIME        up to that time; a date: to its end\n"
        "  --timezone ZONE  of dates, months, days and hours: Europe/Paris (UTC)\n"
        "  --format FORMAT  table, json or csv (table)\n"
        "  --advertiser ID  only of this advertiser\n"
        "  --campaign ID    only of this campaign\n"
        "  --ad ID          only of this ad\n"
        "  --terms          search terms, with keyword and ad, instead\n"
        "  --min N          with --terms: terms of fewer than N impressions become (rare)\n"
        "  --outcomes       events by outcome instead: what did not count, and why\n"
        "  --update         counts first what the log holds; a server does so by itself\n"
        "  -h, --help       show this help\n\n"
        "LEDGER is the folder of admatch-ledger. REPORTS.md describes the columns.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
