/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch simulate`: what a day of requests would deliver. */
#include "simulate_report.h"
#include "simulate_series.h"

#include "../base/decimal.h"
#include "command.h"
#include "input.h"
#include "source.h"

#include <errno.h>

enum {
    OPTION_REQUESTS = 256,
    OPTION_RENDER,
    OPTION_DELAY,
    OPTION_SEED,
    OPTION_RESERVE,
    OPTION_ASAP,
    OPTION_REPORT,
    OPTION_SERIES,
    OPTION_SKIP,
};

enum {
    PLACEMENTS_FIRST = 1 << 14, /* room in flight; each step looks at all of it */
    PLACEMENTS_PIPED = 1 << 18, /* of requests that cannot be read again */
    PLACEMENTS_MOST = 1 << 24,
    PLACEMENTS_GROWTH = 4,
    RESERVE_DEFAULT = 60,
    RESERVE_MOST = 86400,
};
#define RENDER_DEFAULT 0.85
#define DELAY_DEFAULT 1.5
#define DELAY_MOST 86400.0

static const struct option options[] = {
    {"requests", required_argument, NULL, OPTION_REQUESTS},
    {"render", required_argument, NULL, OPTION_RENDER},
    {"delay", required_argument, NULL, OPTION_DELAY},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"reserve", required_argument, NULL, OPTION_RESERVE},
    {"asap", no_argument, NULL, OPTION_ASAP},
    {"report", required_argument, NULL, OPTION_REPORT},
    {"series", required_argument, NULL, OPTION_SERIES},
    {"skip", no_argument, NULL, OPTION_SKIP},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct plan {
    const char *source, *requests, *report, *series;
    struct am_cli_source_options source_options;
    struct am_cli_simulation_options simulation;
};

/* ---- the command line -------------------------------------------------------------------------
 */

static int
read_number(struct am_cli_arguments *arguments, const char *name, double most, double *value) {
    char *end;
    errno = 0;
    *value = strtod(optarg, &end);
    if (end > optarg && !*end && !errno && *value >= 0 && *value <= most)
        return AM_EXIT_UNDECIDED;
    return am_cli_usage(arguments, "%s is a number from 0 to %g, not '%s'", name, most, optarg);
}

/* Whole numbers from `least` to `most`. */
static int read_whole(struct am_cli_arguments *arguments,
                      const char *name,
                      uint64_t least,
                      uint64_t most,
                      uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(optarg, &end, 10);
    if (optarg[0] >= '0' && optarg[0] <= '9' && !*end && !errno && *value >= least &&
        *value <= most)
        return AM_EXIT_UNDECIDED;
    return am_cli_usage(arguments, "%s is a whole number from %llu to %llu, not '%s'", name,
                        (unsigned long long)least, (unsigned long long)most, optarg);
}

static int read_reserve(struct am_cli_arguments *arguments, struct plan *plan) {
    uint64_t seconds;
    int status = read_whole(arguments, "--reserve", 1, RESERVE_MOST, &seconds);
    plan->simulation.reserve = (uint32_t)seconds;
    return status;
}

static void read_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    struct am_cli_chance *chance = &plan->simulation.chance;
    switch (option) {
    case OPTION_REQUESTS:
        plan->requests = optarg;
        break;
    case OPTION_RENDER:
        arguments->status = read_number(arguments, "--render", 1, &chance->render);
        break;
    case OPTION_DELAY:
        arguments->status = read_number(arguments, "--delay", DELAY_MOST, &chance->delay);
        break;
    case OPTION_SEED:
        arguments->status = read_whole(arguments, "--seed", 0, UINT64_MAX, &chance->seed);
        break;
    case OPTION_RESERVE:
        arguments->status = read_reserve(arguments, plan);
        break;
    case OPTION_ASAP:
        plan->simulation.asap = true;
        break;
    case OPTION_REPORT:
        plan->report = optarg;
        break;
    case OPTION_SERIES:
        plan->series = optarg;
        break;
    default:
        plan->source_options.skip = true;
    }
}

static int check_plan(struct am_cli_arguments *arguments, const struct plan *plan) {
    if (!plan->requests)
        return am_cli_usage(arguments, "--requests is missing");
    const char *const written[] = {plan->report, plan->series};
    for (size_t i = 0; i < AM_COUNT_OF(written); i++)
        if (written[i] && (am_cli_is_same_file(written[i], plan->requests) ||
                           am_cli_is_same_file(written[i], plan->source)))
            return am_cli_usage(arguments, "'%s' would be written over", written[i]);
    return AM_EXIT_UNDECIDED;
}

static int read_plan(struct am_cli_arguments *arguments, struct plan *plan) {
    for (int option; (option = am_cli_option(arguments)) != -1;) {
        read_option(arguments, option, plan);
        if (arguments->status != AM_EXIT_UNDECIDED)
            return arguments->status;
    }
    plan->source = am_cli_operand(arguments, "INVENTORY or IMAGE");
    return plan->source ? check_plan(arguments, plan) : arguments->status;
}

/* ---- simulations ------------------------------------------------------------------------------
 */

/* Decides all requests. The error says in which line. */
static enum am_code
request_all(struct am_cli_simulation *simulation, const char *path, struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_view line = {0};
    uint64_t number = 0;
    enum am_code code = am_cli_input_open(path, AM_API_LIMITS_DEFAULT.body_bytes, &input, error);
    while (code == AM_OK && (code = am_cli_input_line(input, &line, error)) == AM_OK && line.data) {
        number++;
        code = am_cli_simulation_request(simulation, line, error);
        if (code != AM_OK)
            am_error_at(error, "%s, line %llu", am_cli_name_of(path), (unsigned long long)number);
    }
    am_cli_input_close(input);
    return code;
}

/* All requests, with what the series shows of them. */
static enum am_code
run_day(struct am_cli_simulation *simulation, const struct plan *plan, struct am_error *error) {
    struct am_cli_series series;
    enum am_code code = AM_OK;
    if (plan->series) {
        code = am_cli_series_open(&series, plan->series, error);
        simulation->options.watch = am_cli_series_write;
        simulation->options.watcher = &series;
    }
    if (code != AM_OK)
        return code;
    code = request_all(simulation, plan->requests, error);
    if (code == AM_OK)
        code = am_cli_simulation_finish(simulation, error);
    enum am_code closed =
        plan->series ? am_cli_series_close(&series, code == AM_OK ? error : NULL) : AM_OK;
    return code == AM_OK ? closed : code;
}

static enum am_code
run_once(struct am_cli_simulation *simulation, const struct plan *plan, struct am_error *error) {
    enum am_code code = run_day(simulation, plan, error);
    if (code == AM_OK && (!plan->report || strcmp(plan->report, "-") != 0))
        am_cli_simulation_summary(simulation, stdout);
    if (code == AM_OK && plan->report)
        code = am_cli_simulation_report(simulation, plan->report, error);
    return code;
}

/* With room for more in flight, from the beginning, when there was too little: what is found does
 * not depend on the room, and little room steps fast. */
static enum am_code
run_all(const struct am_image *image, struct plan *plan, struct am_error *error) {
    struct am_cli_simulation_options *wanted = &plan->simulation;
    bool piped = am_cli_is_no_file(plan->requests) || strcmp(plan->requests, "-") == 0;
    wanted->placements = piped ? PLACEMENTS_PIPED : PLACEMENTS_FIRST;
    for (;;) {
        struct am_cli_simulation simulation;
        enum am_code code = am_cli_simulation_open(&simulation, image, wanted, error);
        if (code == AM_OK)
            code = run_once(&simulation, plan, error);
        bool again = simulation.full && !piped && wanted->placements < PLACEMENTS_MOST;
        am_cli_simulation_close(&simulation);
        if (!again)
            return code;
        wanted->placements *= PLACEMENTS_GROWTH;
    }
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_simulate, argc, argv, AM_EXIT_UNDECIDED};
    struct plan plan = {
        .simulation = {.chance = {1, RENDER_DEFAULT, DELAY_DEFAULT}, .reserve = RESERVE_DEFAULT}};
    struct am_cli_source source = {0};
    struct am_error error;
    int status = read_plan(&arguments, &plan);
    if (status != AM_EXIT_UNDECIDED)
        return status;
    enum am_code code = am_cli_source_open(plan.source, &plan.source_options, &source, &error);
    if (code == AM_OK)
        code = run_all(source.image, &plan, &error);
    am_cli_source_close(&source);
    return code == AM_OK ? am_cli_finish(AM_EXIT_OK) : am_cli_fail(&error);
}

const struct am_cli_command am_cli_command_simulate = {
    .name = "simulate",
    .synopsis = "--requests FILE [OPTIONS] INVENTORY|IMAGE",
    .summary = "Shows what requests would deliver under budgets, pacing and caps",
    .details =
        "  --requests FILE  JSON bodies as of POST /v1/decide, one a line, each with \"now\",\n"
        "                   ascending\n"
        "  --render SHARE   of placements that are shown (0.85)\n"
        "  --delay SECONDS  from decision to impression, median (1.5)\n"
        "  --seed N         of chance: the same seed gives the same day (1)\n"
        "  --reserve N      seconds that a placement is reserved, as admatch-reserve (60)\n"
        "  --asap           every budget is spent as soon as possible\n"
        "  --report FILE    write all that was found, in JSON; - is standard output\n"
        "  --series FILE    write what every budget used, and its line, each quarter of an hour, "
        "in\n"
        "                   CSV\n"
        "  --skip           drop bad records of the inventory\n"
        "  -h, --help       show this help\n\n"
        "Time is simulated; nothing is served, and no ledger is touched. PACING.md describes the\n"
        "report.\n",
    .letters = ":h",
    .options = options,
    .paths = (const char *const[]){"requests", "report", "series", NULL},
    .run = run,
};
