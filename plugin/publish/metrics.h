/* SPDX-License-Identifier: Apache-2.0 */
/* Counters. Declared once, in the table of metrics_table.c; docs/METRICS.md lists the same.
 *
 * Each core of each worker has its own row of counters, in memory that all processes share, so that
 * counting is an addition to memory that no other core writes. Readers sum the rows. Rows outlive a
 * worker that dies; all start at zero when the server restarts or reloads. */
/* Runs in: the master before its first fork (new, set_serves, list_loop); a worker's thread, for
 * the row of its own core (counting); whoever publishes (gauges); any process and thread
 * (reading). */
#ifndef AM_PUBLISH_METRICS_H
#define AM_PUBLISH_METRICS_H

#include "../api/endpoints.h"
#include "../api/openrtb/members.h"
#include "../api/openrtb/no_bid.h"
#include "../base/buffer.h"
#include "../events/judge.h"
#include "../match/match.h"

/* Statuses of answers; the last one counts all others. */
enum { AM_METRICS_STATUSES = 14 };
/* "200", ..., "other". */
const char *am_metrics_status_name(unsigned index);
/* Index into the statuses. */
unsigned am_metrics_status_index(unsigned status);

enum { AM_METRICS_BUCKETS = 16 };
/* Upper bounds in nanoseconds; the last bucket has none. */
extern const uint64_t am_metrics_bucket_bounds[AM_METRICS_BUCKETS];

struct am_metrics_histogram {
    uint64_t buckets[AM_METRICS_BUCKETS]; /* not cumulative */
    uint64_t nanoseconds;                 /* sum */
};

/* Why the server closed a connection that its client would have kept. */
enum am_metrics_closed {
    AM_METRICS_CLOSED_IDLE, /* timeouts */
    AM_METRICS_CLOSED_HEAD,
    AM_METRICS_CLOSED_BODY,
    AM_METRICS_CLOSED_WRITE,
    AM_METRICS_CLOSED_EVICTED,   /* idle, and a new one needed its place */
    AM_METRICS_CLOSED_BALANCE,   /* its process had many more than others */
    AM_METRICS_CLOSED_STARVED,   /* the bound of buffered bytes */
    AM_METRICS_CLOSED_UNWATCHED, /* epoll takes no more */
    AM_METRICS_CLOSED_REASONS,
};

/* The connections of a process that serves them in a loop. */
struct am_metrics_loop {
    uint64_t connections, buffered_bytes, blocking; /* gauges */
    uint64_t accepted, handed_over, pauses;
    uint64_t closed[AM_METRICS_CLOSED_REASONS];
};

/* Events of browsers and advertisers: AM_JOURNAL_IMPRESSION to AM_JOURNAL_CONVERSION. */
enum { AM_METRICS_EVENTS = AM_JOURNAL_CONVERSION - AM_JOURNAL_IMPRESSION + 1 };

/* What the mule knows of the ledger; it alone writes. */
struct am_metrics_ledger {
    uint64_t holder; /* 1: this instance steps it */
    uint64_t stepped_at;
    uint64_t unsynced_bytes, lost_lines, full;
    uint64_t ring_seconds;
    uint64_t names_lost;
};

/* One core's counters. Invariant: only that core writes them, by am_metrics_count. */
struct am_metrics_counters {
    _Alignas(64) uint64_t requests[AM_ENDPOINTS][AM_METRICS_STATUSES];
    uint64_t decisions, truncated;
    uint64_t work;                           /* steps */
    uint64_t ads_placed, positions_unfilled; /* a slot has `count` positions */
    uint64_t candidates;
    uint64_t rejections[AM_GATES];
    uint64_t hits;
    uint64_t words, bytes;
    uint64_t body_bytes;
    uint64_t cpu_nanoseconds;
    uint64_t cpu_requests; /* over which cpu_nanoseconds were measured */
    struct am_metrics_histogram decide, request;
    uint64_t events[AM_METRICS_EVENTS][AM_EVENT_OUTCOMES];
    uint64_t odd[AM_OPENRTB_MEMBERS];    /* bid requests, by member */
    uint64_t no_bids[AM_NO_BID_REASONS]; /* by reason; [AM_NO_BID_NONE] stays 0 */
    struct am_metrics_loop loop;         /* of the core that is the loop */
};

/* What the publisher knows. Invariant: one process at a time writes: a child of the master at
 * start, then the mule. */
struct am_metrics_gauges {
    uint64_t publication, published_at;
    uint64_t ads, campaigns, keywords, image_bytes, image_huge_bytes;
    uint64_t build_nanoseconds; /* of the last image, found or built */
    uint64_t builds, found, swaps;
    uint64_t skipped_records;
    uint64_t refusals, last_refusal_at;
    uint64_t checked_at;
    uint64_t lags; /* inventories that were replaced again before they were published */
    uint64_t
        replaced_at; /* when the one that is served was read, if replaced since; 0: it was not */
    struct am_metrics_ledger ledger;
    char generation[AM_GENERATION_TEXT_SIZE]; /* of the publication; torn reads are harmless */
};

struct am_metrics;

/* Shares memory for workers 0 (the master, which answers nothing) to `workers`, each of `cores`
 * cores and as many contexts. NULL and AM_E_MEMORY when that fails. In the process that forks the
 * others, before it does. */
struct am_metrics *am_metrics_new(unsigned workers, unsigned cores, struct am_error *error);
/* Unmaps it in this process; NULL is fine. */
void am_metrics_free(struct am_metrics *metrics);

/* Which workers serve now; by default, all. Set once, before any reader. */
typedef bool am_metrics_serves(unsigned worker);
void am_metrics_set_serves(struct am_metrics *metrics, am_metrics_serves *serves);

/* Lists the metrics of a loop, of a ledger, too. Once, before any reader. */
void am_metrics_list_loop(struct am_metrics *metrics);
void am_metrics_list_ledger(struct am_metrics *metrics);

/* The row of a core. */
struct am_metrics_counters *
am_metrics_row(const struct am_metrics *metrics, unsigned worker, unsigned core);
struct am_metrics_gauges *am_metrics_gauges(const struct am_metrics *metrics);
/* The publication that a context last answered from; 0: it has not answered yet;
 * AM_METRICS_NOTHING: its process has nothing to serve, though something is published. Whoever
 * holds the context writes it, by am_metrics_set. */
#define AM_METRICS_NOTHING UINT64_MAX
uint64_t *
am_metrics_publication(const struct am_metrics *metrics, unsigned worker, unsigned context);

/* For the single writer of a counter; readers may look at any time. */
static inline void am_metrics_count(uint64_t *counter, uint64_t more) {
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + more, __ATOMIC_RELAXED);
}
static inline void am_metrics_set(uint64_t *gauge, uint64_t value) {
    __atomic_store_n(gauge, value, __ATOMIC_RELAXED);
}
void am_metrics_histogram_count(struct am_metrics_histogram *histogram, uint64_t nanoseconds);
/* Counts one decision in a core's row. */
void am_metrics_count_decision(struct am_metrics_counters *row,
                               const struct am_match_decision *decision,
                               const struct am_match_request *request);

/* Counts the members of a bid request that were odd. */
void am_metrics_count_odd(struct am_metrics_counters *row,
                          const struct am_openrtb_member_set *members);

/* Everything, in the text format of Prometheus. Any process and thread. */
void am_metrics_text(const struct am_metrics *metrics, struct am_buffer *out, int64_t now);

#endif
