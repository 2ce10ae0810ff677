/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch recount`: the counters of a ledger as sums of its log, and whether they agree. */
#include "../events/recount.h"
#include "../base/decimal.h"
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { OPTION_CHECK = 256, OPTION_ALL, OPTION_FROM, OPTION_TMPFS };

static const struct option options[] = {
    {"check", no_argument, NULL, OPTION_CHECK},
    {"all", no_argument, NULL, OPTION_ALL},
    {"from", required_argument, NULL, OPTION_FROM},
    {"tmpfs", required_argument, NULL, OPTION_TMPFS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct wish {
    const char *folder, *tmpfs;
    char log[4096];
    bool check, all, has_from;
    int64_t from; /* microseconds */
};

/* ---- output ---- */

static void print_text(struct am_view text) {
    char memory[6 * AM_LEDGER_ID_MAX_BYTES + 2];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_json_string(&buffer, text);
    fwrite(buffer.data, 1, buffer.size, stdout);
}

static void print_counts(const int64_t counts[AM_LEDGER_UNITS]) {
    char spend[AM_DECIMAL_TEXT_SIZE];
    int size = (int)am_decimal_write(counts[AM_LEDGER_MONEY], 9, spend);
    printf("\"spend\":%.*s,\"impressions\":%lld,\"clicks\":%lld", size, spend,
           (long long)counts[AM_LEDGER_IMPRESSIONS], (long long)counts[AM_LEDGER_CLICKS]);
}

static void print_sum(const struct am_journal_sum *sum, int64_t now) {
    int64_t today[AM_LEDGER_UNITS];
    am_journal_sum_of_day(sum, am_journal_day(sum->zone, now), today);
    printf("{\"kind\":\"%s\",\"id\":", am_ledger_kind_name(sum->kind));
    print_text(sum->id);
    putchar(',');
    print_counts(sum->total);
    fputs(",\"today\":{", stdout);
    print_counts(today);
    fputs("}}", stdout);
}

static void print_outcomes(const uint64_t outcomes[AM_EVENT_OUTCOMES]) {
    bool first = true;
    for (int i = 0; i < AM_EVENT_OUTCOMES; i++) {
        struct am_view name = am_event_outcome_name((enum am_event_outcome)i);
        if (!outcomes[i])
            continue;
        printf("%s\"%.*s\":%llu", first ? "" : ",", AM_VIEW_ARGUMENTS(name),
               (unsigned long long)outcomes[i]);
        first = false;
    }
}

static bool has_events(const uint64_t outcomes[AM_EVENT_OUTCOMES]) {
    for (int i = 0; i < AM_EVENT_OUTCOMES; i++)
        if (outcomes[i])
            return true;
    return false;
}

static void print_events(const struct am_journal_recount *recount) {
    bool first = true;
    for (int kind = 0; kind < AM_JOURNAL_KINDS; kind++) {
        struct am_view name = am_journal_kind_name((enum am_journal_kind)kind);
        if (!has_events(recount->events[kind]))
            continue;
        printf("%s\"%.*s\":{", first ? "" : ",", AM_VIEW_ARGUMENTS(name));
        print_outcomes(recount->events[kind]);
        putchar('}');
        first = false;
    }
}

static void print_recount(const struct am_journal_recount *recount) {
    int64_t now = (int64_t)time(NULL);
    fputs("{\"from\":", stdout);
    if (recount->set.found)
        printf("\"%.*s\"", AM_JOURNAL_TIME_SIZE, recount->set.cut);
    else
        fputs("null", stdout);
    printf(",\"lines\":%llu,\"missing\":%llu,\"unreadable\":%llu,\"misplaced\":%llu,\"torn\":%llu,"
           "\"cells\":[",
           (unsigned long long)recount->report.lines, (unsigned long long)recount->report.missing,
           (unsigned long long)recount->unreadable, (unsigned long long)recount->misplaced,
           (unsigned long long)recount->report.torn);
    for (size_t i = 0; i < recount->sums.count; i++) {
        if (i)
            putchar(',');
        print_sum(AM_VECTOR_AT(&recount->sums, struct am_journal_sum, i), now);
    }
    fputs("],\"events\":{", stdout);
    print_events(recount);
    fputs("}}\n", stdout);
}

/* ---- comparing with the ledger ---- */

/* One side of a difference, as text. */
struct side {
    char spend[AM_DECIMAL_TEXT_SIZE], today[AM_DECIMAL_TEXT_SIZE];
    long long impressions, clicks;
};

static void write_money(int64_t nanos, char text[AM_DECIMAL_TEXT_SIZE]) {
    text[am_decimal_write(nanos, 9, text)] = '\0';
}

static struct side side_of(const int64_t total[AM_LEDGER_UNITS], int64_t spent_today) {
    struct side side = {.impressions = total[AM_LEDGER_IMPRESSIONS],
                        .clicks = total[AM_LEDGER_CLICKS]};
    write_money(total[AM_LEDGER_MONEY], side.spend);
    write_money(spent_today, side.today);
    return side;
}

static void
complain(void *context, const struct am_ledger_count_of *shown, const struct am_journal_sum *sum) {
    static const int64_t nothing[AM_LEDGER_UNITS];
    int64_t today[AM_LEDGER_UNITS] = {0};
    enum am_ledger_kind kind = AM_LEDGER_ADVERTISER;
    struct am_view id = {NULL, 0};
    struct side ledger = side_of(nothing, 0), log = side_of(nothing, 0);
    (void)context;
    if (sum) {
        kind = sum->kind;
        id = sum->id;
        am_journal_sum_of_day(sum, shown ? shown->day : sum->day, today);
        log = side_of(sum->total, today[AM_LEDGER_MONEY]);
    }
    if (shown) {
        kind = shown->kind;
        id = shown->id;
        ledger = side_of(shown->total, shown->today[AM_LEDGER_MONEY]);
    }
    fprintf(stderr,
            "admatch: %s %.*s: the ledger has spend %s (today %s), %lld impressions, %lld clicks; "
            "the log %s (today %s), %lld, %lld\n",
            am_ledger_kind_name(kind), AM_VIEW_ARGUMENTS(id), ledger.spend, ledger.today,
            ledger.impressions, ledger.clicks, log.spend, log.today, log.impressions, log.clicks);
}

/* What a ledger shows at one moment. */
struct shown {
    struct am_ledger *ledger;
    struct am_ledger_counts counts;
};

/* The ledger must exist, so that reading it creates nothing. */
static enum am_code look(const struct wish *wish,
                         const struct am_timezones *zones,
                         struct shown *shown,
                         struct am_error *error) {
    struct am_ledger_options ledger_options = {
        .folder = wish->folder, .tmpfs = wish->tmpfs, .zones = zones};
    enum am_code code = am_ledger_is_live(wish->folder, wish->tmpfs, error);
    if (code == AM_OK)
        code = am_ledger_open(&ledger_options, &shown->ledger, error);
    if (code != AM_OK)
        return code;
    code = am_ledger_counts_take(shown->ledger, &shown->counts, error);
    if (code != AM_OK)
        am_ledger_close(shown->ledger);
    return code;
}

/* ---- the command ---- */

static enum am_code
find_start(const struct wish *wish, struct am_journal_set *set, struct am_error *error) {
    enum am_code code = am_journal_find_set(wish->log, wish->from, set, error);
    if (code == AM_OK && !set->found)
        code = am_error_set(error, AM_E_NOT_FOUND,
                            "the log has no counters of that time or before: leave --from out, or "
                            "use --all");
    return code;
}

/* Says what the log lacks, without which its sums are too low. */
static bool is_whole(const struct am_journal_recount *recount) {
    const struct am_journal_walk_report *report = &recount->report;
    char text[AM_JOURNAL_LACK_TEXT_SIZE];
    uint64_t unreadable = recount->unreadable + report->bad;
    for (uint64_t i = 0; i < report->missing && i < AM_JOURNAL_LACKS; i++) {
        am_journal_lack_write(&report->lacks[i], text);
        fprintf(stderr, "admatch: the log lacks %s\n", text);
    }
    if (report->missing > AM_JOURNAL_LACKS)
        fprintf(stderr, "admatch: the log lacks %llu more runs of lines\n",
                (unsigned long long)(report->missing - AM_JOURNAL_LACKS));
    if (unreadable)
        fprintf(stderr, "admatch: %llu lines of the log cannot be read\n",
                (unsigned long long)unreadable);
    if (recount->misplaced)
        fprintf(stderr, "admatch: %llu lines of the log are not where they were written\n",
                (unsigned long long)recount->misplaced);
    return !report->missing && !unreadable && !recount->misplaced;
}

static int
run_recount(const struct wish *wish, const struct am_timezones *zones, const struct shown *shown) {
    struct am_journal_recount recount;
    struct am_journal_set start = {.found = false};
    struct am_journal_recount_options recount_options = {
        .folder = wish->log, .whole = wish->all, .zones = zones};
    struct am_error error;
    uint64_t differing = 0;
    if (shown) {
        recount_options.until = &shown->counts;
        recount_options.ledger = shown->ledger;
    }
    if (wish->has_from) {
        if (find_start(wish, &start, &error) != AM_OK)
            return am_cli_fail(&error);
        recount_options.start = &start;
    }
    enum am_code code = am_journal_recount(&recount_options, &recount, &error);
    bool whole = true;
    if (code == AM_OK) {
        print_recount(&recount);
        whole = is_whole(&recount);
    }
    if (code == AM_OK && shown)
        differing = am_journal_recount_compare(&recount, &shown->counts, complain, NULL);
    am_journal_recount_free(&recount);
    if (code != AM_OK)
        return am_cli_fail(&error);
    return am_cli_finish(differing || !whole ? AM_EXIT_PROBLEM : AM_EXIT_OK);
}

static int obey(const struct wish *wish) {
    struct am_error error;
    struct shown shown;
    struct am_timezones *zones = am_timezones_load(NULL, &error);
    if (!zones)
        return am_cli_fail(&error);
    int status;
    if (!wish->check) {
        status = run_recount(wish, zones, NULL);
    } else if (look(wish, zones, &shown, &error) == AM_OK) {
        status = run_recount(wish, zones, &shown);
        am_ledger_counts_free(&shown.counts);
        am_ledger_close(shown.ledger);
    } else {
        status = am_cli_fail(&error);
    }
    am_timezones_free(zones);
    return status;
}

/* False when the value of an option is none. */
static bool take_option(struct wish *wish, int option, struct am_cli_arguments *arguments) {
    if (option == OPTION_CHECK)
        wish->check = true;
    else if (option == OPTION_ALL)
        wish->all = true;
    else if (option == OPTION_TMPFS)
        wish->tmpfs = optarg;
    else if (am_time_parse(am_view_of(optarg), &wish->from, NULL) != AM_OK) {
        am_cli_usage(arguments, "--from is a time like 2026-12-01T10:00:00Z, not '%s'", optarg);
        return false;
    } else {
        wish->from = (wish->from + 1) * AM_JOURNAL_SECOND - 1; /* that second, too */
        wish->has_from = true;
    }
    return true;
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_recount, argc, argv, AM_EXIT_UNDECIDED};
    struct wish wish = {.folder = NULL};
    int option;
    while ((option = am_cli_option(&arguments)) != -1)
        if (!take_option(&wish, option, &arguments))
            return arguments.status;
    wish.folder = am_cli_operand(&arguments, "LEDGER");
    if (!wish.folder)
        return arguments.status;
    if (wish.all && wish.has_from)
        return am_cli_usage(&arguments, "--all and --from exclude each other");
    if (snprintf(wish.log, sizeof wish.log, "%s/log", wish.folder) >= (int)sizeof wish.log)
        return am_cli_usage(&arguments, "the path of the ledger is too long");
    return obey(&wish);
}

const struct am_cli_command am_cli_command_recount = {
    .name = "recount",
    .synopsis = "[--check] [--all | --from TIME] LEDGER",
    .summary = "Adds up a ledger's event log, and compares the sums with its counters",
    .details =
        "  --check       compares with the live counters of the ledger, up to what they hold;\n"
        "                each that differs is named on standard error\n"
        "  --all         adds up the whole log, instead of starting from its newest counters\n"
        "  --from TIME   starts from the last counters at or before 2026-12-01T10:00:00Z\n"
        "  --tmpfs PATH  where the ledger's live file is (/dev/shm)\n"
        "  -h, --help    show this help\n\n"
        "LEDGER is the folder of admatch-ledger. Prints one JSON object: cells with their\n"
        "counts, and events by outcome, of the lines that were read. Exit code 1: a counter\n"
        "differs, or lines of the log are missing or damaged, which standard error names.\n",
    .letters = ":h",
    .options = options,
    .paths = (const char *const[]){"tmpfs", NULL},
    .run = run,
};
