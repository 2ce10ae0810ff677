/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "metrics_table.h"

const uint64_t am_metrics_bucket_bounds[AM_METRICS_BUCKETS] = {
    5000,    10000,   25000,    50000,    100000,   250000,    500000,     1000000,
    2500000, 5000000, 10000000, 25000000, 50000000, 100000000, 1000000000, UINT64_MAX};

struct am_metrics {
    unsigned workers, cores;
    am_metrics_serves *serves; /* NULL: every worker does */
    bool lists_loop, lists_ledger;
    /* Shared by all processes. */
    struct am_metrics_gauges *gauges;
    struct am_metrics_counters *rows; /* worker by worker, a row a core */
    uint64_t *publications;           /* worker by worker, one a context */
};

static size_t row_count(const struct am_metrics *metrics) {
    return (size_t)(metrics->workers + 1) * metrics->cores;
}

static void *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void give_back(void *memory, size_t size) {
    if (memory)
        munmap(memory, size);
}

struct am_metrics *am_metrics_new(unsigned workers, unsigned cores, struct am_error *error) {
    struct am_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics) {
        metrics->workers = workers;
        metrics->cores = cores;
        metrics->rows = share(row_count(metrics) * sizeof *metrics->rows);
        metrics->publications = share(row_count(metrics) * sizeof *metrics->publications);
        metrics->gauges = share(sizeof *metrics->gauges);
    }
    if (metrics && metrics->rows && metrics->publications && metrics->gauges)
        return metrics;
    am_error_set_errno(error, AM_E_MEMORY, "cannot share memory for metrics");
    am_metrics_free(metrics);
    return NULL;
}

void am_metrics_free(struct am_metrics *metrics) {
    if (!metrics)
        return;
    give_back(metrics->rows, row_count(metrics) * sizeof *metrics->rows);
    give_back(metrics->publications, row_count(metrics) * sizeof *metrics->publications);
    give_back(metrics->gauges, sizeof *metrics->gauges);
    free(metrics);
}

void am_metrics_set_serves(struct am_metrics *metrics, am_metrics_serves *serves) {
    metrics->serves = serves;
}

void am_metrics_list_loop(struct am_metrics *metrics) {
    metrics->lists_loop = true;
}

void am_metrics_list_ledger(struct am_metrics *metrics) {
    metrics->lists_ledger = true;
}

bool am_metrics_lists(const struct am_metrics *metrics, unsigned index) {
    switch (am_metrics_table[index].part) {
    case AM_METRICS_OF_LEDGER:
        return metrics->lists_ledger;
    case AM_METRICS_OF_LOOP:
        return metrics->lists_loop;
    default:
        return true;
    }
}

struct am_metrics_counters *
am_metrics_row(const struct am_metrics *metrics, unsigned worker, unsigned core) {
    return &metrics->rows[(size_t)worker * metrics->cores + core];
}

uint64_t *
am_metrics_publication(const struct am_metrics *metrics, unsigned worker, unsigned context) {
    return &metrics->publications[(size_t)worker * metrics->cores + context];
}

struct am_metrics_gauges *am_metrics_gauges(const struct am_metrics *metrics) {
    return metrics->gauges;
}

/* ---- counting ---------------------------------------------------------------------------------
 */

void am_metrics_histogram_count(struct am_metrics_histogram *histogram, uint64_t nanoseconds) {
    unsigned bucket = 0;
    while (nanoseconds > am_metrics_bucket_bounds[bucket])
        bucket++;
    am_metrics_count(&histogram->buckets[bucket], 1);
    am_metrics_count(&histogram->nanoseconds, nanoseconds);
}

void am_metrics_count_decision(struct am_metrics_counters *row,
                               const struct am_match_decision *decision,
                               const struct am_match_request *request) {
    uint64_t positions = 0;
    for (uint32_t i = 0; i < request->slot_count; i++)
        positions += request->slots[i].count;
    am_metrics_count(&row->decisions, 1);
    am_metrics_count(&row->truncated, decision->truncated);
    am_metrics_count(&row->work, decision->work);
    am_metrics_count(&row->ads_placed, decision->ad_count);
    am_metrics_count(&row->positions_unfilled, positions - decision->ad_count);
    am_metrics_count(&row->candidates, decision->candidates);
    am_metrics_count(&row->hits, decision->hits);
    am_metrics_count(&row->words, decision->words);
    am_metrics_count(&row->bytes, decision->bytes);
    for (unsigned gate = 0; gate < AM_GATES; gate++)
        if (decision->rejected_by[gate])
            am_metrics_count(&row->rejections[gate], decision->rejected_by[gate]);
}

void am_metrics_count_odd(struct am_metrics_counters *row,
                          const struct am_openrtb_member_set *members) {
    for (size_t i = 0; i < AM_COUNT_OF(members->words); i++)
        for (uint64_t rest = members->words[i]; rest; rest &= rest - 1)
            am_metrics_count(&row->odd[64 * i + (unsigned)__builtin_ctzll(rest)], 1);
}

static const unsigned statuses[] = {200, 204, 302, 400, 404, 405, 410,
                                    411, 413, 415, 422, 500, 503};
_Static_assert(AM_COUNT_OF(statuses) == AM_METRICS_STATUSES - 1, "the last is any other");

unsigned am_metrics_status_index(unsigned status) {
    unsigned index = 0;
    while (index < AM_COUNT_OF(statuses) && statuses[index] != status)
        index++;
    return index;
}

const char *am_metrics_status_name(unsigned index) {
    static const char *const names[] = {"200", "204", "302", "400", "404", "405", "410",
                                        "411", "413", "415", "422", "500", "503", "other"};
    _Static_assert(AM_COUNT_OF(names) == AM_METRICS_STATUSES, "a name for each status");
    return names[index];
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static uint64_t load(const void *base, size_t offset) {
    return __atomic_load_n((const uint64_t *)((const char *)base + offset), __ATOMIC_RELAXED);
}

uint64_t am_metrics_sum(const struct am_metrics *metrics, size_t offset) {
    uint64_t sum = 0;
    for (size_t row = 0; row < row_count(metrics); row++)
        sum += load(&metrics->rows[row], offset);
    return sum;
}

static uint64_t sum_of(const struct am_metrics *metrics, size_t offset, unsigned count) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += am_metrics_sum(metrics, offset + i * sizeof(uint64_t));
    return sum;
}

static uint64_t cpu_per_thousand(const struct am_metrics *metrics) {
    uint64_t requests = am_metrics_sum(metrics, offsetof(struct am_metrics_counters, cpu_requests));
    uint64_t nanoseconds =
        am_metrics_sum(metrics, offsetof(struct am_metrics_counters, cpu_nanoseconds));
    return requests ? (uint64_t)((unsigned __int128)nanoseconds * 1000 / requests) : 0;
}

/* Skips workers that are dead or cheaped: they never catch up. */
static uint64_t lagging_contexts(const struct am_metrics *metrics) {
    uint64_t count = 0;
    uint64_t published = load(metrics->gauges, offsetof(struct am_metrics_gauges, publication));
    for (unsigned worker = 1; worker <= metrics->workers; worker++) {
        if (metrics->serves && !metrics->serves(worker))
            continue;
        for (unsigned context = 0; context < metrics->cores; context++) {
            uint64_t answered = load(am_metrics_publication(metrics, worker, context), 0);
            count += answered == AM_METRICS_NOTHING || (answered != 0 && answered < published);
        }
    }
    return count;
}

static uint64_t age(const struct am_metrics *metrics, size_t offset, int64_t now) {
    uint64_t since = load(metrics->gauges, offset);
    return since && (uint64_t)now > since ? (uint64_t)now - since : 0;
}

uint64_t am_metrics_value(const struct am_metrics *metrics,
                          const struct am_metrics_metric *metric,
                          int64_t now) {
    switch (metric->origin) {
    case AM_METRICS_ROWS:
    case AM_METRICS_SEEN_ROWS:
        return sum_of(metrics, metric->offset, metric->label ? metric->label_count : 1);
    case AM_METRICS_REQUESTS:
        return sum_of(metrics, offsetof(struct am_metrics_counters, requests),
                      AM_ENDPOINTS * AM_METRICS_STATUSES);
    case AM_METRICS_EVENT_MATRIX:
        return sum_of(metrics, metric->offset, AM_METRICS_EVENTS * AM_EVENT_OUTCOMES);
    case AM_METRICS_GAUGES:
        return load(metrics->gauges, metric->offset);
    case AM_METRICS_CPU_RATIO:
        return cpu_per_thousand(metrics);
    case AM_METRICS_LAGGING:
        return lagging_contexts(metrics);
    case AM_METRICS_AGE:
        return age(metrics, metric->offset, now);
    case AM_METRICS_INFO:
        return 1;
    }
    return 0;
}
