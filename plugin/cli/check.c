/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch check`: every problem of an inventory, and what is in it. */
#include "command.h"
#include "idle.h"
#include "interner.h"
#include "source.h"

#include <stdlib.h>
#include <time.h>

enum { OPTION_SKIP = 256, OPTION_NOW };

static const struct option options[] = {
    {"skip", no_argument, NULL, OPTION_SKIP},
    {"now", required_argument, NULL, OPTION_NOW},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct keyword_counts {
    uint64_t positive[AM_MATCH_TYPES];
    uint64_t negative;
    uint64_t all;
};

static struct keyword_counts count_keywords(const struct am_inventory *inventory) {
    struct keyword_counts counts = {{0}, 0, 0};
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        counts.negative += inventory->campaigns[i].rules.negative_count;
    for (uint32_t i = 0; i < inventory->ad_count; i++) {
        const struct am_inventory_ad *ad = &inventory->ads[i];
        counts.negative += ad->rules.negative_count;
        counts.all += ad->keyword_count;
        for (uint32_t k = 0; k < ad->keyword_count; k++)
            counts.positive[ad->keywords[k].match]++;
    }
    return counts;
}

/* False when memory runs out. */
static bool count_advertisers(const struct am_inventory *inventory, uint64_t *count) {
    struct am_cli_interner names = {.arena = AM_ARENA_EMPTY};
    bool counted = true;
    for (uint32_t i = 0; i < inventory->ad_count && counted; i++)
        counted = am_cli_interner_number(&names, inventory->ads[i].advertiser) != UINT32_MAX;
    for (uint32_t i = 0; i < inventory->campaign_count && counted; i++)
        counted = am_cli_interner_number(&names, inventory->campaigns[i].advertiser) != UINT32_MAX;
    *count = names.count;
    am_cli_interner_free(&names);
    return counted;
}

static void
print_idle_keyword(const struct am_cli_idle_keyword *found, uint32_t window, const char *path) {
    char reason[AM_KEYWORD_MAX_BYTES + 96];
    if (found->reason == AM_IDLE_TOO_WIDE)
        snprintf(reason, sizeof reason, "it has more words than broad_window (%u)", window);
    else
        snprintf(reason, sizeof reason, "the negative %s keyword \"%.*s\" matches wherever it does",
                 am_model_match_type_name((enum am_model_match_type)found->negative->match),
                 AM_VIEW_ARGUMENTS(found->negative->text));
    am_cli_print_line(stdout, "%s:%u: warning: ad %.*s: the keyword \"%.*s\" can never win: %s",
                      path, found->ad->rules.line, AM_VIEW_ARGUMENTS(found->ad->id),
                      AM_VIEW_ARGUMENTS(found->keyword->text), reason);
}

static void print_idle_keywords(const struct am_cli_idle_summary *idle,
                                const struct am_inventory *inventory,
                                const char *path) {
    for (uint32_t i = 0; i < idle->listed_count; i++)
        print_idle_keyword(&idle->listed[i], inventory->broad_window, path);
    uint64_t more = idle->counts[AM_IDLE_TOO_WIDE] + idle->counts[AM_IDLE_VETOED];
    if (more > idle->listed_count)
        am_cli_print_line(stdout, "%s: %llu more keywords that can never win are not listed", path,
                          (unsigned long long)(more - idle->listed_count));
}

static void print_line(const char *label, uint64_t value) {
    char number[AM_CLI_NUMBER_SIZE];
    printf("%-24s %14s\n", label, am_cli_number(value, number));
}

static void print_summary(const struct am_cli_loaded *loaded,
                          const struct am_cli_idle_summary *idle,
                          uint64_t advertisers) {
    const struct am_inventory *inventory = loaded->inventory;
    struct keyword_counts counts = count_keywords(inventory);
    uint64_t idle_total = 0;
    for (int reason = 0; reason < AM_IDLE_REASONS; reason++)
        idle_total += idle->counts[reason];
    print_line("ads", inventory->ad_count);
    print_line("campaigns", inventory->campaign_count);
    print_line("advertisers", advertisers);
    print_line("keywords", counts.all);
    for (int type = 0; type < AM_MATCH_TYPES; type++) {
        char label[32];
        snprintf(label, sizeof label, "  %s",
                 am_model_match_type_name((enum am_model_match_type)type));
        print_line(label, counts.positive[type]);
    }
    print_line("negative keywords", counts.negative);
    print_line("distinct words", idle->distinct_words);
    print_line("duplicates dropped", loaded->report.duplicate_keywords);
    print_line("records dropped", loaded->report.skipped);
    print_line("can never win", idle_total);
    for (int reason = 0; reason < AM_IDLE_REASONS; reason++) {
        char label[32];
        snprintf(label, sizeof label, "  %s",
                 am_cli_idle_reason_name((enum am_cli_idle_reason)reason));
        print_line(label, idle->counts[reason]);
    }
    am_cli_print_line(stdout, "%-24s %14.*s", "currency", AM_VIEW_ARGUMENTS(inventory->currency));
    struct am_view language = inventory->language.size ? inventory->language : AM_VIEW("none");
    am_cli_print_line(stdout, "%-24s %14.*s", "language", AM_VIEW_ARGUMENTS(language));
    printf("%-24s %14s\n", "stems", inventory->stem ? "yes" : "none");
}

/* The summary is large for a stack, so it is made on the heap. */
static enum am_code describe(const struct am_cli_loaded *loaded,
                             const char *path,
                             int64_t now,
                             struct am_error *error) {
    uint64_t advertisers;
    struct am_cli_idle_summary *idle = malloc(sizeof *idle);
    if (!idle || !count_advertisers(loaded->inventory, &advertisers)) {
        free(idle);
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the summary");
    }
    enum am_code code = am_cli_idle_find(loaded->inventory, now, idle, error);
    if (code == AM_OK) {
        print_idle_keywords(idle, loaded->inventory, am_cli_name_of(path));
        print_summary(loaded, idle, advertisers);
    }
    free(idle);
    return code;
}

static int check(const char *path, bool skip, int64_t now) {
    struct am_error error;
    struct am_cli_loaded loaded;
    struct am_cli_progress progress;
    am_cli_progress_start(&progress);
    enum am_code code = am_cli_loaded_open(path, skip, &progress, &loaded, &error);
    am_cli_progress_stage(&progress, "");
    am_cli_loaded_print_problems(&loaded, path, stdout);
    if (code == AM_OK)
        code = describe(&loaded, path, now, &error);
    am_cli_loaded_free(&loaded);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_check, argc, argv, AM_EXIT_UNDECIDED};
    struct am_error error;
    int64_t now = time(NULL);
    bool skip = false;
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_SKIP)
            skip = true;
        else if (am_time_parse(am_view_of(optarg), &now, &error) != AM_OK)
            return am_cli_usage(&arguments, "--now: %s", error.message);
    }
    const char *path = am_cli_operand(&arguments, "INVENTORY");
    return path ? check(path, skip, now) : arguments.status;
}

const struct am_cli_command am_cli_command_check = {
    .name = "check",
    .synopsis = "[--skip] [--now TIME] INVENTORY",
    .summary = "Tells every problem of an inventory, and what is in it",
    .details =
        "      --skip      drop bad records, as a server with admatch-on-error = skip does\n"
        "      --now TIME  count what has ended at this time (2026-11-01T00:00:00Z), not now\n"
        "  -h, --help      show this help\n\n"
        "Problems are lines FILE:LINE: error|warning: TEXT on standard output; a summary follows "
        "when\n"
        "the inventory is good. Exit code 0 when a server would take it, else 1.\n\n"
        "A keyword can never win, and is counted as such, when its ad or campaign is paused or "
        "has\n"
        "ended, when the times of both have no moment in common, when it is broad and has more\n"
        "distinct words than broad_window, or when a negative keyword of its ad or campaign "
        "matches\n"
        "every text that it matches. The last two are listed as warnings.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
