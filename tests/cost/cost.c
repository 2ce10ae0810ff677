/* SPDX-License-Identifier: Apache-2.0 */
/* search FOLDER SECONDS [INVENTORY...]: climbs towards the request that takes most processor time
 * within default limits, and prints a table.
 *
 * Images are made where FOLDER has none, which is not counted. Then each inventory has
 * its share of the seconds: all seeds are tried, and the slowest ones are changed a little, again
 * and again; a change that costs more is kept. Time is that of this thread, of a context whose
 * memory has just been given back, so that touching it counts, too. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../plugin/index/builder.h"
#include "cost.h"

enum { NOW = 1795000000, REPEATS = 5, CLIMBS = 6, SHOWN = 3 };

static void require(enum am_code code, const struct am_error *error) {
    if (code == AM_OK)
        return;
    fprintf(stderr, "%s %s\n", error->where, error->message);
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- images ----------------------------------------------------------------------------------
 */

static void build(const char *from, const char *to) {
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    const struct am_inventory_load_options options = {.zones = zones};
    struct am_inventory_report report = {0};
    struct am_inventory *inventory;
    struct am_image_bytes bytes;
    struct am_error error;
    require(am_inventory_load(from, &options, &inventory, &report, &error), &error);
    require(am_build_image(inventory, zones, false, &bytes, &error), &error);
    require(am_image_write(&bytes, AT_FDCWD, to, &error), &error);
    am_image_bytes_free(&bytes);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    am_timezones_free(zones);
}

static struct am_image *open_image(const struct cost_inventory *inventory, const char *folder) {
    char lines[512], image[512];
    struct am_image *opened;
    struct am_error error;
    snprintf(lines, sizeof lines, "%s/%s.jsonl", folder, inventory->name);
    snprintf(image, sizeof image, "%s/%s.image", folder, inventory->name);
    if (access(image, F_OK) != 0) {
        FILE *file = fopen(lines, "w");
        if (!file) {
            perror(lines);
            exit(1);
        }
        inventory->write(file);
        fclose(file);
        build(lines, image);
        remove(lines);
    }
    require(am_image_open(image, &opened, &error), &error);
    return opened;
}

/* ---- measuring -------------------------------------------------------------------------------
 */

struct bench {
    const struct cost_inventory *inventory;
    struct am_api *api;
    struct cost_body body;
    uint64_t random;
    long resident_before; /* of anonymous memory, before any request */
};

struct result {
    struct cost_request request;
    double seconds;
    size_t bytes;
    uint64_t steps;
    bool truncated;
    unsigned status;
    long resident;
};

static long anonymous_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "RssAnon: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

static void answer(const struct bench *bench,
                   const struct cost_request *request,
                   struct am_api_response *response) {
    static const enum am_api_content contents[COST_KINDS] = {
        [COST_JSON] = AM_CONTENT_JSON,
        [COST_TEXT] = AM_CONTENT_TEXT,
        [COST_HTML] = AM_CONTENT_HTML,
        [COST_QUERY_STRING] = AM_CONTENT_QUERY_STRING,
        [COST_PREVIEW] = AM_CONTENT_QUERY_STRING,
        [COST_BIDS] = AM_CONTENT_OPENRTB};
    bool is_form = contents[request->kind] == AM_CONTENT_QUERY_STRING;
    const struct am_api_request asked = {.content = contents[request->kind],
                                         .charset = request->windows_1252 ? AM_CHARSET_WINDOWS_1252
                                                                          : AM_CHARSET_UTF8,
                                         .body = {bench->body.data, bench->body.size},
                                         .gzip = request->gzip && !is_form,
                                         .now = NOW};
    if (request->kind == COST_PREVIEW)
        am_api_preview(bench->api, &asked, response);
    else
        am_api_decide(bench->api, &asked, response);
}

/* The body is there already. */
static void measure_once(const struct bench *bench, struct result *result) {
    struct am_api_response response;
    double began = seconds(CLOCK_THREAD_CPUTIME_ID);
    answer(bench, &result->request, &response);
    result->seconds = seconds(CLOCK_THREAD_CPUTIME_ID) - began;
    result->bytes = bench->body.size;
    result->status = response.status;
    result->steps = response.decision ? response.decision->work : 0;
    result->truncated = response.decision && response.decision->truncated;
    am_api_settle(bench->api);
    result->resident = anonymous_kb() - bench->resident_before;
}

static void measure(struct bench *bench, struct result *result) {
    cost_request_write(&result->request, bench->inventory, &bench->body);
    measure_once(bench, result);
}

static int by_seconds(const void *a, const void *b) {
    double first = ((const struct result *)a)->seconds,
           second = ((const struct result *)b)->seconds;
    return (first < second) - (first > second);
}

/* The median of some. */
static void measure_well(struct bench *bench, struct result *result) {
    struct result repeats[REPEATS];
    cost_request_write(&result->request, bench->inventory, &bench->body);
    for (int i = 0; i < REPEATS; i++) {
        repeats[i] = *result;
        measure_once(bench, &repeats[i]);
    }
    qsort(repeats, REPEATS, sizeof *repeats, by_seconds);
    *result = repeats[REPEATS / 2];
}

/* ---- climbing --------------------------------------------------------------------------------
 */

/* What costs more is measured once more before it is believed: something else may have run. */
static bool is_slower(struct bench *bench, struct result *changed, const struct result *than) {
    measure(bench, changed);
    if (changed->seconds <= than->seconds)
        return false;
    struct result again = *changed;
    measure_once(bench, &again);
    if (again.seconds < changed->seconds)
        *changed = again;
    return changed->seconds > than->seconds;
}

static void climb(struct bench *bench, struct result *at, double until) {
    while (seconds(CLOCK_MONOTONIC) < until) {
        struct result changed = *at;
        cost_request_mutate(&changed.request, &bench->random);
        if (is_slower(bench, &changed, at))
            *at = changed;
    }
}

static void put_row(const struct bench *bench, const struct result *result, const char *name) {
    char text[512];
    cost_request_describe(&result->request, text, sizeof text);
    printf("| %s | %s%s | %zu | %u | %.1f | %lu | %s | %ld |\n", bench->inventory->name, name, text,
           result->bytes, result->status, result->seconds * 1e3, result->steps,
           result->truncated ? "yes" : "no", result->resident);
    fflush(stdout);
}

static void search(struct bench *bench, double share) {
    struct result results[64];
    double began = seconds(CLOCK_MONOTONIC);
    for (size_t i = 0; i < cost_seed_count; i++) {
        results[i] = (struct result){.request = cost_seeds[i]};
        measure(bench, &results[i]);
    }
    for (size_t i = 0; i < COST_KNOWN; i++)
        if (strcmp(bench->inventory->name, cost_known_inventories[i]) == 0) {
            struct result known = results[i];
            measure_well(bench, &known);
            put_row(bench, &known, "known: ");
        }
    qsort(results, cost_seed_count, sizeof *results, by_seconds);
    for (int i = 0; i < CLIMBS; i++)
        climb(bench, &results[i], began + share * (i + 1) / CLIMBS);
    qsort(results, CLIMBS, sizeof *results, by_seconds);
    for (int i = 0; i < SHOWN; i++) {
        measure_well(bench, &results[i]);
        put_row(bench, &results[i], "");
    }
}

/* Returns the seconds that it took, the making of the image apart. */
static double search_inventory(const struct cost_inventory *inventory,
                               const char *folder,
                               double share,
                               struct cost_body body) {
    const struct am_api_limits limits = AM_API_LIMITS_DEFAULT;
    struct am_error error;
    struct am_image *image = open_image(inventory, folder);
    struct bench bench = {
        .inventory = inventory, .api = am_api_new(&limits, &error), .body = body, .random = 1};
    if (!bench.api)
        require(error.code, &error);
    require(am_api_attach(bench.api, image, &error), &error);
    bench.resident_before = anonymous_kb();
    double began = seconds(CLOCK_MONOTONIC);
    search(&bench, share);
    double took = seconds(CLOCK_MONOTONIC) - began;
    am_api_free(bench.api);
    am_image_close(image);
    return took;
}

int main(int argument_count, char **arguments) {
    if (argument_count < 3) {
        fprintf(stderr, "usage: search FOLDER SECONDS [INVENTORY...]\n");
        return 2;
    }
    struct cost_body body = {.data = malloc(COST_BODY_ROOM), .plain = malloc(COST_BODY_ROOM)};
    size_t chosen = argument_count > 3 ? (size_t)argument_count - 3 : cost_inventory_count;
    double left = atof(arguments[2]);
    memset(body.data, 0, COST_BODY_ROOM); /* so that neither counts as memory that is kept */
    memset(body.plain, 0, COST_BODY_ROOM);
    printf("| inventory | request | bytes | status | ms | steps | truncated | kB kept |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < cost_inventory_count; i++) {
        bool wanted = argument_count == 3;
        for (int k = 3; k < argument_count; k++)
            wanted |= strcmp(arguments[k], cost_inventories[i].name) == 0;
        if (wanted)
            left -= search_inventory(&cost_inventories[i], arguments[1],
                                     left > 0 ? left / (double)chosen-- : 0, body);
    }
    free(body.data);
    free(body.plain);
    return 0;
}
