#include "metrics.h"

#include <stdio.h>
#include <sys/mman.h>

#include "host.h"
#include "metrics_table.h"

const uint64_t am_metrics_bucket_bounds[AM_BUCKETS] = {
    5000,    10000,   25000,    50000,    100000,   250000,    500000,     1000000,
    2500000, 5000000, 10000000, 25000000, 50000000, 100000000, 1000000000, UINT64_MAX};

static struct {
    struct am_metrics_gauge_values *gauges;
    struct am_metrics_counters *rows;
    unsigned workers, cores;
} shared;

static void *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* There is a row too many for each core: worker 0 is the master, which answers nothing but may be
 * asked for its row. */
enum am_code am_metrics_start(unsigned workers, unsigned cores, struct am_error *error) {
    shared.workers = workers;
    shared.cores = cores;
    shared.rows = share((size_t)(workers + 1) * cores * sizeof *shared.rows);
    shared.gauges = share(sizeof *shared.gauges);
    if (!shared.rows || !shared.gauges)
        return am_error_set_errno(error, AM_E_MEMORY, "cannot share memory for metrics");
    return AM_OK;
}

struct am_metrics_counters *am_metrics_row(unsigned worker, unsigned core) {
    return &shared.rows[(size_t)worker * shared.cores + core];
}

struct am_metrics_gauge_values *am_metrics_gauges(void) {
    return shared.gauges;
}

void am_metrics_histogram_count(struct am_metrics_histogram *histogram, uint64_t nanoseconds) {
    unsigned bucket = 0;
    while (nanoseconds > am_metrics_bucket_bounds[bucket])
        bucket++;
    am_metrics_count(&histogram->buckets[bucket], 1);
    am_metrics_count(&histogram->nanoseconds, nanoseconds);
}

unsigned am_metrics_status_index(unsigned status) {
    static const unsigned statuses[] = {200, 204, 400, 404, 405, 411, 413, 415, 422, 503};
    _Static_assert(AM_COUNT_OF(statuses) == AM_STATUSES - 1, "a name for each status");
    unsigned index = 0;
    while (index < AM_COUNT_OF(statuses) && statuses[index] != status)
        index++;
    return index;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static uint64_t load(const void *base, size_t offset) {
    return __atomic_load_n((const uint64_t *)((const char *)base + offset), __ATOMIC_RELAXED);
}

uint64_t am_metrics_sum(size_t offset) {
    uint64_t sum = 0;
    for (size_t row = 0; row < (size_t)(shared.workers + 1) * shared.cores; row++)
        sum += load(&shared.rows[row], offset);
    return sum;
}

static uint64_t sum_of(size_t offset, unsigned count) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += am_metrics_sum(offset + i * sizeof(uint64_t));
    return sum;
}

static uint64_t cpu_per_thousand(void) {
    uint64_t requests = am_metrics_sum(offsetof(struct am_metrics_counters, cpu_requests));
    uint64_t nanoseconds = am_metrics_sum(offsetof(struct am_metrics_counters, cpu_nanoseconds));
    return requests ? (uint64_t)((unsigned __int128)nanoseconds * 1000 / requests) : 0;
}

/* Rows of workers that are no more, or cheaped, lag for ever, and mean nothing. */
static uint64_t lagging_cores(void) {
    uint64_t count = 0;
    uint64_t published = load(shared.gauges, offsetof(struct am_metrics_gauge_values, generation));
    for (unsigned worker = 1; worker <= shared.workers; worker++) {
        if (uwsgi.workers[worker].cheaped || uwsgi.workers[worker].pid <= 0)
            continue;
        for (unsigned core = 0; core < shared.cores; core++) {
            uint64_t answered = load(am_metrics_row(worker, core),
                                     offsetof(struct am_metrics_counters, generation));
            count += answered != 0 && answered < published;
        }
    }
    return count;
}

uint64_t am_metrics_value(const struct am_metrics_metric *metric, int64_t now) {
    switch (metric->source) {
    case AM_SOURCE_ROWS:
        return sum_of(metric->offset, metric->label ? metric->label_count : 1);
    case AM_SOURCE_REQUESTS:
        return sum_of(offsetof(struct am_metrics_counters, requests), AM_ENDPOINTS * AM_STATUSES);
    case AM_SOURCE_GAUGES:
        return load(shared.gauges, metric->offset);
    case AM_SOURCE_CPU_RATIO:
        return cpu_per_thousand();
    case AM_SOURCE_LAGGING:
        return lagging_cores();
    case AM_SOURCE_AGE: {
        uint64_t since = load(shared.gauges, metric->offset);
        return since && (uint64_t)now > since ? (uint64_t)now - since : 0;
    }
    }
    return 0;
}

/* ---- uWSGI's own metrics ----------------------------------------------------------------------
 */

/* uWSGI's values are integers, so times become microseconds there. */
static int64_t collect(struct uwsgi_metric *registered) {
    const struct am_metrics_metric *metric = registered->custom;
    uint64_t value = am_metrics_value(metric, (int64_t)time(NULL));
    return (int64_t)(metric->places ? value / 1000 : value);
}

void am_metrics_register(void) {
    if (!uwsgi.has_metrics)
        return;
    uwsgi_register_metric_collector("admatch", collect);
    for (unsigned i = 0; i < am_metrics_table_count; i++) {
        const struct am_metrics_metric *metric = &am_metrics_table[i];
        char name[128];
        if (metric->type == AM_METRIC_HISTOGRAM)
            continue;
        const char *seconds = metric->places ? strstr(metric->name, "seconds") : NULL;
        if (seconds)
            snprintf(name, sizeof name, "admatch.%.*smicroseconds%s", (int)(seconds - metric->name),
                     metric->name, seconds + strlen("seconds"));
        else
            snprintf(name, sizeof name, "admatch.%s", metric->name);
        uint8_t type =
            metric->type == AM_METRIC_COUNTER ? UWSGI_METRIC_COUNTER : UWSGI_METRIC_GAUGE;
        uwsgi_register_metric(name, NULL, type, "admatch", NULL, 0, (void *)(uintptr_t)metric);
    }
}
