/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch diff`: what has changed between two inventories, and which answers change with it. */
#include "changes.h"
#include "command.h"
#include "decide.h"
#include "source.h"

#include <stdlib.h>
#include <time.h>

enum { OPTION_REQUESTS = 256, OPTION_NOW };

static const struct option options[] = {
    {"requests", required_argument, NULL, OPTION_REQUESTS},
    {"now", required_argument, NULL, OPTION_NOW},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* One of the two inventories. */
struct side {
    const char *path;
    struct am_cli_loaded loaded;
    struct am_image_bytes bytes;
    struct am_image *image;
    struct am_api *api;
};

static enum am_code load_side(struct side *side, struct am_error *error) {
    enum am_code code = am_cli_loaded_open(side->path, false, NULL, &side->loaded, error);
    am_cli_loaded_print_problems(&side->loaded, side->path, stderr);
    return code;
}

static enum am_code serve_side(struct side *side, struct am_error *error) {
    enum am_code code = am_cli_build(&side->loaded, false, &side->bytes, &side->image, error);
    if (code == AM_OK && !(side->api = am_api_new(&AM_API_LIMITS_DEFAULT, error)))
        code = error->code;
    return code == AM_OK ? am_api_attach(side->api, side->image, error) : code;
}

static void close_side(struct side *side) {
    am_api_free(side->api);
    am_image_close(side->image);
    am_image_bytes_free(&side->bytes);
    am_cli_loaded_free(&side->loaded);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* The ads of an answer, in order; what decides whether two answers are the same. */
static void put_ads(const struct side *side, const struct am_api_response *response) {
    const struct am_match_decision *decision = response->decision;
    if (!decision) {
        printf("refused (%u)", response->status);
        return;
    }
    putchar('[');
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        struct am_view id =
            am_image_string(side->image, side->image->details[decision->ads[i].ad].id);
        printf("%s%.*s", i ? " " : "", AM_VIEW_ARGUMENTS(id));
    }
    putchar(']');
}

static bool is_same_ad(const struct side *sides,
                       const struct am_match_winner *a,
                       const struct am_match_winner *b) {
    const struct am_image *before = sides[0].image, *after = sides[1].image;
    const struct am_image_keyword *left = &before->keywords[a->keyword];
    const struct am_image_keyword *right = &after->keywords[b->keyword];
    return am_view_equal(am_image_string(before, before->details[a->ad].id),
                         am_image_string(after, after->details[b->ad].id)) &&
           am_view_equal(am_image_string(before, left->text),
                         am_image_string(after, right->text)) &&
           left->bid == right->bid;
}

static bool is_same(const struct side *sides, const struct am_api_response *responses) {
    const struct am_match_decision *a = responses[0].decision, *b = responses[1].decision;
    if (!a || !b)
        return responses[0].status == responses[1].status;
    bool same = a->ad_count == b->ad_count;
    for (uint32_t i = 0; same && i < a->ad_count; i++)
        same = is_same_ad(sides, &a->ads[i], &b->ads[i]);
    return same;
}

struct comparison {
    uint64_t lines, differ, refused; /* of the requests; refused by both sides */
};

static void
compare_answers(struct side *sides, struct am_view body, int64_t now, struct comparison *compared) {
    const struct am_api_request request = {
        .content = AM_CONTENT_JSON, .body = body, .now = now, .test = true};
    struct am_api_response responses[2];
    for (int i = 0; i < 2; i++)
        am_api_decide(sides[i].api, &request, &responses[i]);
    compared->lines++;
    if (!responses[0].decision && !responses[1].decision) {
        compared->refused++;
        fprintf(stderr, "admatch: request %llu: %.*s\n", (unsigned long long)compared->lines,
                AM_VIEW_ARGUMENTS(responses[1].body));
    }
    if (is_same(sides, responses))
        return;
    compared->differ++;
    printf("request %llu: ", (unsigned long long)compared->lines);
    put_ads(&sides[0], &responses[0]);
    fputs(" -> ", stdout);
    put_ads(&sides[1], &responses[1]);
    putchar('\n');
}

static enum am_code
compare_requests(struct side *sides, const char *path, int64_t now, struct am_error *error) {
    struct am_cli_input *input = NULL;
    struct am_view line;
    struct comparison compared = {0};
    enum am_code code = serve_side(&sides[0], error);
    if (code == AM_OK)
        code = serve_side(&sides[1], error);
    if (code == AM_OK)
        code = am_cli_input_open(path, AM_API_LIMITS_DEFAULT.body_bytes, &input, error);
    while (code == AM_OK && (code = am_cli_input_line(input, &line, error)) == AM_OK && line.data)
        compare_answers(sides, line, now, &compared);
    am_cli_input_close(input);
    if (code != AM_OK)
        return code;
    printf("answers: %llu of %llu changed\n", (unsigned long long)compared.differ,
           (unsigned long long)(compared.lines - compared.refused));
    if (compared.refused)
        return am_error_set(error, AM_E_INVALID,
                            "%llu of %llu requests were refused by both inventories: expected a "
                            "JSON body a line",
                            (unsigned long long)compared.refused,
                            (unsigned long long)compared.lines);
    return AM_OK;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static void print_counts(const char *what, const struct am_cli_change_counts *counts) {
    printf("%s: %llu added, %llu removed, %llu changed\n", what, (unsigned long long)counts->added,
           (unsigned long long)counts->removed, (unsigned long long)counts->changed);
}

static enum am_code
diff(struct side *sides, const char *requests, int64_t now, struct am_error *error) {
    struct am_cli_changes changes;
    enum am_code code = load_side(&sides[0], error);
    if (code == AM_OK)
        code = load_side(&sides[1], error);
    if (code == AM_OK)
        code = am_cli_changes_print(sides[0].loaded.inventory, sides[1].loaded.inventory, &changes,
                                    error);
    if (code != AM_OK)
        return code;
    print_counts("advertisers", &changes.advertisers);
    print_counts("campaigns", &changes.campaigns);
    print_counts("ads", &changes.ads);
    print_counts("keywords", &changes.keywords);
    return requests ? compare_requests(sides, requests, now, error) : AM_OK;
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_diff, argc, argv, AM_EXIT_UNDECIDED};
    struct side sides[2] = {{0}};
    struct am_error error;
    const char *requests = NULL;
    int64_t now = time(NULL);
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_REQUESTS)
            requests = optarg;
        else if (am_time_parse(am_view_of(optarg), &now, &error) != AM_OK)
            return am_cli_usage(&arguments, "--now: %s", error.message);
    }
    if (arguments.status != AM_EXIT_UNDECIDED)
        return arguments.status;
    if (argc - optind != 2)
        return am_cli_usage(&arguments, "expected two inventories, OLD and NEW");
    sides[0].path = argv[optind];
    sides[1].path = argv[optind + 1];
    enum am_code code = diff(sides, requests, now, &error);
    close_side(&sides[0]);
    close_side(&sides[1]);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

const struct am_cli_command am_cli_command_diff = {
    .name = "diff",
    .synopsis = "[--requests FILE] [--now TIME] OLD NEW",
    .summary = "Shows what has changed between two inventories",
    .details =
        "      --requests FILE  also which of these requests, a JSON body a line, get other ads\n"
        "      --now TIME       decide at this time (2026-11-01T00:00:00Z), not now\n"
        "  -h, --help           show this help\n\n"
        "A line for the settings of the inventory, and for each record of an advertiser, campaign\n"
        "and ad: + added, - removed, ~ changed, and what has changed of it; then how many. A\n"
        "request's own \"now\" counts.\n",
    .letters = ":h",
    .options = options,
    .paths = (const char *const[]){"requests", NULL},
    .run = run,
};
