/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch match`: decisions as the server makes them, without a server. */
#include "command.h"
#include "decide.h"
#include "request.h"
#include "source.h"

#include "../base/decimal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    OPTION_QUERY = 256,
    OPTION_KEYWORD,
    OPTION_TITLE,
    OPTION_TEXT,
    OPTION_HTML,
    OPTION_URL,
    OPTION_ID,
    OPTION_CONTEXT,
    OPTION_COUNT,
    OPTION_SIZE,
    OPTION_FLOOR,
    OPTION_UNIQUE,
    OPTION_BLOCK,
    OPTION_SPELLING,
    OPTION_JSON,
    OPTION_EXPLAIN,
    OPTION_WHY,
    OPTION_REQUEST,
    OPTION_BATCH,
    OPTION_OPENRTB,
    OPTION_OPENRTB_BATCH,
    OPTION_NOW,
    OPTION_TEST,
    OPTION_STATE,
    OPTION_SKIP,
};

static const struct option options[] = {
    {"query", required_argument, NULL, OPTION_QUERY},
    {"keyword", required_argument, NULL, OPTION_KEYWORD},
    {"title", required_argument, NULL, OPTION_TITLE},
    {"text", required_argument, NULL, OPTION_TEXT},
    {"html", required_argument, NULL, OPTION_HTML},
    {"url", required_argument, NULL, OPTION_URL},
    {"id", required_argument, NULL, OPTION_ID},
    {"context", required_argument, NULL, OPTION_CONTEXT},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"size", required_argument, NULL, OPTION_SIZE},
    {"floor", required_argument, NULL, OPTION_FLOOR},
    {"unique", required_argument, NULL, OPTION_UNIQUE},
    {"block", required_argument, NULL, OPTION_BLOCK},
    {"spelling", no_argument, NULL, OPTION_SPELLING},
    {"json", no_argument, NULL, OPTION_JSON},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"why", required_argument, NULL, OPTION_WHY},
    {"request", required_argument, NULL, OPTION_REQUEST},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"openrtb", required_argument, NULL, OPTION_OPENRTB},
    {"openrtb-batch", required_argument, NULL, OPTION_OPENRTB_BATCH},
    {"output", required_argument, NULL, 'o'},
    {"now", required_argument, NULL, OPTION_NOW},
    {"test", no_argument, NULL, OPTION_TEST},
    {"state", required_argument, NULL, OPTION_STATE},
    {"skip", no_argument, NULL, OPTION_SKIP},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What the command line asks for. */
struct plan {
    const char *source;
    const char *text_file, *request_file, *batch_file, *state_file; /* NULL: not given */
    const char *written; /* the option that gave one of the last two, or NULL */
    const char *output;
    bool made_of_options; /* something of the request itself was given as an option */
    bool json;            /* also on a terminal */
    struct am_cli_source_options source_options;
    struct am_cli_request_options request;
    struct am_cli_decide_options decide;
};

/* ---- the command line ------------------------------------------------------------------------ */

static int read_count(struct am_cli_arguments *arguments, unsigned long *count) {
    char *end;
    errno = 0;
    *count = strtoul(optarg, &end, 10);
    if (*optarg < '1' || *optarg > '9' || *end || errno)
        return am_cli_usage(arguments, "--count: expected a number from 1, found '%s'", optarg);
    return AM_EXIT_UNDECIDED;
}

/* It goes into the request as it is written. */
static int read_floor(struct am_cli_arguments *arguments, const char **floor) {
    int64_t micros;
    if (am_decimal_parse_text(am_view_of(optarg), 6, &micros) != AM_OK || micros < 0)
        return am_cli_usage(arguments, "--floor: expected an amount like 0.5, found '%s'", optarg);
    *floor = optarg;
    return AM_EXIT_UNDECIDED;
}

static int read_now(struct am_cli_arguments *arguments, struct am_cli_decide_options *decide) {
    struct am_error error;
    if (am_time_parse(am_view_of(optarg), &decide->now, &error) != AM_OK)
        return am_cli_usage(arguments, "--now: %s", error.message);
    decide->has_now = true;
    return AM_EXIT_UNDECIDED;
}

static int read_context(struct am_cli_arguments *arguments, struct am_cli_options *context) {
    if (!strchr(optarg, '=') || *optarg == '=')
        return am_cli_usage(arguments, "--context: expected KEY=VALUE, found '%s'", optarg);
    context->items[context->count++] = optarg;
    return AM_EXIT_UNDECIDED;
}

static int read_text_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    const char *member = option == OPTION_HTML ? "html" : "text";
    if (plan->text_file && strcmp(plan->request.text_member, member) != 0)
        return am_cli_usage(arguments, "--text and --html exclude one another");
    plan->request.text_member = member;
    plan->text_file = optarg;
    return AM_EXIT_UNDECIDED;
}

static int read_blocked(struct am_cli_arguments *arguments, struct am_cli_options *blocked) {
    static const char *const kinds[] = {"advertiser=", "category=", "domain="};
    for (size_t i = 0; i < AM_COUNT_OF(kinds); i++)
        if (strncmp(optarg, kinds[i], strlen(kinds[i])) == 0) {
            blocked->items[blocked->count++] = optarg;
            return AM_EXIT_UNDECIDED;
        }
    return am_cli_usage(arguments,
                        "--block: expected advertiser=NAME, category=NAME or domain=NAME, found "
                        "'%s'",
                        optarg);
}

/* An option about the request's slot, or about what may be placed in it. False for other options.
 */
static bool read_slot_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    struct am_cli_request_options *request = &plan->request;
    switch (option) {
    case OPTION_COUNT:
        arguments->status = read_count(arguments, &request->count);
        break;
    case OPTION_SIZE:
        request->sizes.items[request->sizes.count++] = optarg;
        break;
    case OPTION_FLOOR:
        arguments->status = read_floor(arguments, &request->floor);
        break;
    case OPTION_UNIQUE:
        request->unique = optarg;
        break;
    case OPTION_BLOCK:
        arguments->status = read_blocked(arguments, &request->blocked);
        break;
    default:
        return false;
    }
    plan->made_of_options = true;
    return true;
}

/* An option that is a part of the request. False when it is none of these. */
static bool read_request_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    struct am_cli_request_options *request = &plan->request;
    switch (option) {
    case OPTION_QUERY:
        request->query = optarg;
        break;
    case OPTION_KEYWORD:
        request->keywords.items[request->keywords.count++] = optarg;
        break;
    case OPTION_TITLE:
        request->title = optarg;
        break;
    case OPTION_TEXT:
    case OPTION_HTML:
        arguments->status = read_text_option(arguments, option, plan);
        break;
    case OPTION_URL:
        request->url = optarg;
        break;
    case OPTION_ID:
        request->id = optarg;
        break;
    case OPTION_CONTEXT:
        arguments->status = read_context(arguments, &request->context);
        break;
    case OPTION_EXPLAIN:
        request->explain = plan->decide.explain = true;
        return true;
    case OPTION_WHY:
        request->why = optarg;
        break;
    default:
        return false;
    }
    plan->made_of_options = true;
    return true;
}

/* An option that names a file of requests. False when it is none of these. */
static bool read_file_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    static const struct {
        int option;
        const char *name;
        bool batch, openrtb;
    } kinds[] = {
        {OPTION_REQUEST, "--request", false, false},
        {OPTION_BATCH, "--batch", true, false},
        {OPTION_OPENRTB, "--openrtb", false, true},
        {OPTION_OPENRTB_BATCH, "--openrtb-batch", true, true},
    };
    size_t i = 0;
    while (i < AM_COUNT_OF(kinds) && kinds[i].option != option)
        i++;
    if (i == AM_COUNT_OF(kinds))
        return false;
    if (plan->written && strcmp(plan->written, kinds[i].name) != 0)
        arguments->status =
            am_cli_usage(arguments, "%s and %s exclude one another", plan->written, kinds[i].name);
    plan->written = kinds[i].name;
    plan->decide.openrtb = kinds[i].openrtb;
    *(kinds[i].batch ? &plan->batch_file : &plan->request_file) = optarg;
    return true;
}

static void read_other_option(struct am_cli_arguments *arguments, int option, struct plan *plan) {
    switch (option) {
    case OPTION_NOW:
        arguments->status = read_now(arguments, &plan->decide);
        break;
    case OPTION_TEST:
        plan->decide.test = true;
        break;
    case OPTION_STATE:
        plan->state_file = optarg;
        break;
    case OPTION_SKIP:
        plan->source_options.skip = true;
        break;
    case OPTION_SPELLING:
        plan->source_options.spelling = true;
        break;
    case OPTION_JSON:
        plan->json = true;
        break;
    default:
        plan->output = optarg;
    }
}

/* The files that a decision reads; the output must be none of them, for it is emptied first. */
static int check_output(struct am_cli_arguments *arguments, const struct plan *plan) {
    const char *const inputs[] = {plan->source, plan->text_file, plan->request_file,
                                  plan->batch_file, plan->state_file};
    for (size_t i = 0; plan->output && i < AM_COUNT_OF(inputs); i++)
        if (inputs[i] && am_cli_is_same_file(inputs[i], plan->output))
            return am_cli_usage(arguments, "'%s' would be written over", inputs[i]);
    return AM_EXIT_UNDECIDED;
}

static int check_plan(struct am_cli_arguments *arguments, const struct plan *plan) {
    bool made = plan->made_of_options || (plan->request.explain && !plan->decide.openrtb);
    if (plan->written && made)
        return am_cli_usage(arguments,
                            "%s takes requests as they are: put everything else into "
                            "them",
                            plan->written);
    if (!plan->written && !plan->made_of_options)
        return am_cli_usage(arguments, "there is no request: give --query, --text, --request, "
                                       "--batch or another");
    return check_output(arguments, plan);
}

static int read_plan(struct am_cli_arguments *arguments, struct plan *plan) {
    for (int option; (option = am_cli_option(arguments)) != -1;) {
        if (!read_request_option(arguments, option, plan) &&
            !read_slot_option(arguments, option, plan) &&
            !read_file_option(arguments, option, plan))
            read_other_option(arguments, option, plan);
        if (arguments->status != AM_EXIT_UNDECIDED)
            return arguments->status;
    }
    plan->source = am_cli_operand(arguments, "INVENTORY or IMAGE");
    return plan->source ? check_plan(arguments, plan) : arguments->status;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static size_t body_limit(void) {
    return AM_API_LIMITS_DEFAULT.body_bytes;
}

static enum am_code read_whole(const char *path,
                               struct am_cli_input **input,
                               struct am_view *text,
                               struct am_error *error) {
    enum am_code code = am_cli_input_open(path, body_limit(), input, error);
    return code == AM_OK ? am_cli_input_whole(*input, text, error) : code;
}

static enum am_code answer_request(struct am_api *api,
                                   const struct plan *plan,
                                   struct am_cli_output *output,
                                   bool *served,
                                   struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_view body;
    enum am_code code = read_whole(plan->request_file, &input, &body, error);
    if (code == AM_OK)
        am_cli_decide_one(api, &plan->decide, body, output, served);
    am_cli_input_close(input);
    return code;
}

static enum am_code answer_options(struct am_api *api,
                                   struct plan *plan,
                                   struct am_cli_output *output,
                                   bool *served,
                                   struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_buffer body = {0};
    enum am_code code = AM_OK;
    if (plan->text_file)
        code = read_whole(plan->text_file, &input, &plan->request.text, error);
    if (code == AM_OK)
        code = am_cli_request_body(&plan->request, &body, error);
    if (code == AM_OK)
        am_cli_decide_one(api, &plan->decide, am_buffer_view(&body), output, served);
    free(body.data);
    am_cli_input_close(input);
    return code;
}

static enum am_code answer_batch(struct am_api *api,
                                 const struct plan *plan,
                                 struct am_cli_output *output,
                                 bool *served,
                                 struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_cli_batch_totals totals = {0, 0, 0};
    enum am_code code = am_cli_input_open(plan->batch_file, body_limit(), &input, error);
    if (code == AM_OK)
        code = am_cli_decide_batch(api, &plan->decide, input, output, &totals, error);
    am_cli_input_close(input);
    *served = totals.refused == 0;
    if (!*served)
        fprintf(stderr, "admatch: %s: %llu of %llu requests were refused, the first in line %llu\n",
                am_cli_name_of(plan->batch_file), (unsigned long long)totals.refused,
                (unsigned long long)totals.requests, (unsigned long long)totals.first_refused);
    return code;
}

static enum am_code
answer_all(struct am_api *api, struct plan *plan, bool *served, struct am_error *error) {
    struct am_cli_output output;
    enum am_code code = am_cli_output_open(plan->output, &output, error);
    if (code != AM_OK)
        return code;
    plan->decide.for_people =
        !plan->json && !plan->decide.openrtb && !plan->batch_file && isatty(fileno(output.stream));
    if (plan->batch_file)
        code = answer_batch(api, plan, &output, served, error);
    else if (plan->request_file)
        code = answer_request(api, plan, &output, served, error);
    else
        code = answer_options(api, plan, &output, served, error);
    enum am_code closed = am_cli_output_close(&output, code == AM_OK ? error : NULL);
    return code == AM_OK ? closed : code;
}

static enum am_code
answer(struct am_api *api, struct plan *plan, bool *served, struct am_error *error) {
    struct am_cli_input *state = NULL;
    enum am_code code = AM_OK;
    if (plan->state_file)
        code = read_whole(plan->state_file, &state, &plan->decide.state, error);
    if (code == AM_OK)
        code = answer_all(api, plan, served, error);
    am_cli_input_close(state);
    return code;
}

static int match(struct plan *plan) {
    struct am_error error;
    struct am_cli_source source = {0};
    struct am_api *api = NULL;
    bool served = false;
    enum am_code code = am_cli_source_open(plan->source, &plan->source_options, &source, &error);
    if (code == AM_OK && !(api = am_api_new(&AM_API_LIMITS_DEFAULT, &error)))
        code = error.code;
    if (code == AM_OK)
        code = am_api_attach(api, source.image, &error);
    if (code == AM_OK)
        code = answer(api, plan, &served, &error);
    am_api_free(api);
    am_cli_source_close(&source);
    if (code != AM_OK)
        return am_cli_fail(&error);
    return served ? AM_EXIT_OK : AM_EXIT_PROBLEM;
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_match, argc, argv, AM_EXIT_UNDECIDED};
    struct plan plan = {0};
    struct am_cli_options *const lists[] = {&plan.request.keywords, &plan.request.context,
                                            &plan.request.sizes, &plan.request.blocked};
    const char **items = calloc(AM_COUNT_OF(lists) * (size_t)argc, sizeof(char *));
    int status;
    for (size_t i = 0; items && i < AM_COUNT_OF(lists); i++)
        lists[i]->items = items + i * (size_t)argc;
    if (items) {
        status = read_plan(&arguments, &plan);
        if (status == AM_EXIT_UNDECIDED)
            status = match(&plan);
    } else {
        struct am_error error;
        am_error_set(&error, AM_E_MEMORY, "not enough memory");
        status = am_cli_fail(&error);
    }
    free(items);
    return status;
}

const struct am_cli_command am_cli_command_match = {
    .name = "match",
    .synopsis = "INVENTORY|IMAGE OPTIONS",
    .summary = "Decides which ads a request gets, byte for byte as the server does",
    .details =
        "one request, made of options:\n"
        "      --query TEXT         what was searched for\n"
        "      --keyword TEXT       an item of the request's keywords; may be repeated\n"
        "      --title TEXT         the page's title\n"
        "      --text FILE          the page's text; - is standard input\n"
        "      --html FILE          the page itself, in HTML, in place of its text\n"
        "      --url URL            the page's address\n"
        "      --id ID              the request's id, which decides between equal ads\n"
        "      --context KEY=VALUE  country=US, device=mobile, kv.sport=running ...; repeatable\n"
        "      --count N            how many ads\n"
        "      --size WxH           of the place for ads; may be repeated\n"
        "      --floor AMOUNT       the least eCPM\n"
        "      --block KIND=NAME    advertiser=acme, category=IAB7, domain=bad.example; "
        "repeatable\n"
        "      --unique WHAT        advertiser, campaign, ad or none\n"
        "      --explain            tell why other ads were not chosen\n"
        "      --why AD             what every gate says of one ad, or which words it lacks\n"
        "requests as they are sent to POST /v1/decide:\n"
        "      --request FILE       one JSON body\n"
        "      --batch FILE         a JSON body a line; answers are lines in the same order\n"
        "bid requests as they are sent to POST /openrtb2/bid; no bid is an empty line:\n"
        "      --openrtb FILE       one bid request\n"
        "      --openrtb-batch FILE a bid request a line\n"
        "      --explain            tell why ads did not bid, also where none did\n"
        "all:\n"
        "  -o, --output FILE        write answers there, not to standard output\n"
        "      --now TIME           decide at this time (2026-11-01T00:00:00Z)\n"
        "      --test               a request's own \"now\" and \"state\" count, as with\n"
        "                           admatch-test\n"
        "      --state FILE         what is used of budgets, and seen by the user, in JSON;\n"
        "                           without it budgets and frequency caps are ignored\n"
        "      --skip               drop bad records of the inventory\n"
        "      --spelling           correct misspelt words, whatever the inventory says\n"
        "      --json               JSON also on a terminal, which else gets words\n"
        "  -h, --help               show this help\n\n"
        "Files may be gzip; - is standard input. A request that is refused is answered with its "
        "error\n"
        "object, and the exit code is then 1. Answers are buffered: a batch is no conversation.\n",
    .letters = ":ho:",
    .options = options,
    .paths = (const char *const[]){"text", "html", "request", "batch", "openrtb", "openrtb-batch",
                                   "output", NULL},
    .run = run,
};
