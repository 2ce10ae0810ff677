/* Counters. Declared once, in the table of metrics_table.c; docs/METRICS.md lists the same.
 *
 * Each core of each worker has a row of counters of its own, in memory shared by all processes
 * since before the first fork, so that counting is an addition to memory that no other core writes.
 * Rows are summed when somebody reads. Rows outlive a worker that dies; all start at zero when
 * uWSGI is executed anew. */
#ifndef AM_UWSGI_METRICS_H
#define AM_UWSGI_METRICS_H

#include "../base/buffer.h"
#include "../match/match.h"

enum am_metrics_endpoint {
    AM_ENDPOINT_DECIDE,
    AM_ENDPOINT_OPENRTB,
    AM_ENDPOINT_PREVIEW,
    AM_ENDPOINT_HEALTHZ,
    AM_ENDPOINT_READYZ,
    AM_ENDPOINT_METRICS,
    AM_ENDPOINT_OTHER,
    AM_ENDPOINTS,
};
extern const char *const am_metrics_endpoint_names[AM_ENDPOINTS];

/* Statuses that are answered; the last stands for any other. */
enum { AM_STATUSES = 11 };
extern const char *const am_metrics_status_names[AM_STATUSES];

enum { AM_BUCKETS = 16 };
/* Upper bounds in nanoseconds; the last is without bound. */
extern const uint64_t am_metrics_bucket_bounds[AM_BUCKETS];

struct am_metrics_histogram {
    uint64_t buckets[AM_BUCKETS]; /* not cumulative */
    uint64_t nanoseconds;         /* sum */
};

/* One core's counters. */
struct am_metrics_counters {
    _Alignas(64) uint64_t requests[AM_ENDPOINTS][AM_STATUSES];
    uint64_t decisions;
    uint64_t slots_filled, slots_unfilled; /* places, not slots: a slot has `count` of them */
    uint64_t candidates;
    uint64_t rejections[AM_GATES];
    uint64_t hits;
    uint64_t words, bytes;
    uint64_t body_bytes;
    uint64_t cpu_nanoseconds;
    uint64_t cpu_requests; /* over which cpu_nanoseconds were measured */
    uint64_t generation;   /* the number that the core, having answered, is on; 0: no answer yet */
    struct am_metrics_histogram decide, request;
};

/* What the master and the mule know; one writer at a time. */
struct am_metrics_gauge_values {
    uint64_t generation, published_at;
    uint64_t ads, campaigns, keywords, image_bytes;
    uint64_t build_nanoseconds; /* of the last image made, found or built */
    uint64_t builds, found, swaps;
    uint64_t skipped_records;
    uint64_t refusals, last_refusal_at;
    uint64_t checked_at;
};

/* Makes the memory. Rows: workers 1..workers, cores 0..cores-1. Once, before the first fork. */
enum am_code am_metrics_start(unsigned workers, unsigned cores, struct am_error *error);

/* The row of a core. Only that core writes it, by am_metrics_count. */
struct am_metrics_counters *am_metrics_row(unsigned worker, unsigned core);
struct am_metrics_gauge_values *am_metrics_gauges(void);

/* For the single writer of a counter; readers may look at any time. */
static inline void am_metrics_count(uint64_t *counter, uint64_t more) {
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
}
static inline void am_metrics_gauge_set(uint64_t *gauge, uint64_t value) {
    __atomic_store_n(gauge, value, __ATOMIC_RELAXED);
}
void am_metrics_histogram_count(struct am_metrics_histogram *histogram, uint64_t nanoseconds);

/* Index into the statuses. */
unsigned am_metrics_status_index(unsigned status);

/* Registers the table's counters and gauges with uWSGI's metrics (stats server, pushers). In init
 * or post_init. */
void am_metrics_register(void);

/* Everything, in the text format of Prometheus. */
void am_metrics_write(struct am_buffer *buffer, int64_t now);

#endif
