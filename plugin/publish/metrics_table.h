/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all metrics, for those who render or register them. */
/* Runs in: any process and thread; nothing here writes. */
#ifndef AM_PUBLISH_METRICS_TABLE_H
#define AM_PUBLISH_METRICS_TABLE_H

#include "metrics.h"

enum am_metrics_type { AM_METRICS_COUNTER, AM_METRICS_GAUGE, AM_METRICS_HISTOGRAM };

/* Where the value comes from. */
enum am_metrics_origin {
    AM_METRICS_ROWS,         /* struct am_metrics_counters at offset, summed over all cores */
    AM_METRICS_SEEN_ROWS,    /* the same with a label; those that never counted are left out */
    AM_METRICS_REQUESTS,     /* the matrix of endpoints and statuses */
    AM_METRICS_EVENT_MATRIX, /* of events and outcomes */
    AM_METRICS_GAUGES,       /* struct am_metrics_gauges at offset */
    AM_METRICS_AGE,          /* now minus the time in struct am_metrics_gauges at offset */
    AM_METRICS_CPU_RATIO,    /* CPU time per 1,000 requests */
    AM_METRICS_LAGGING,      /* contexts on an older publication */
    AM_METRICS_INFO,         /* 1, with the generation as its label */
};

/* What must be there for a metric to be listed. */
enum am_metrics_part { AM_METRICS_OF_ALL, AM_METRICS_OF_LEDGER, AM_METRICS_OF_LOOP };

struct am_metrics_metric {
    const char *name; /* Prometheus: admatch_NAME */
    const char *help;
    const char *unit; /* "seconds", "bytes", ... or "" */
    enum am_metrics_type type;
    enum am_metrics_origin origin;
    size_t offset;
    unsigned decimals; /* the value is an integer count of 10^-decimals */
    const char
        *label; /* NULL: none; else a row for each of `label_count` counters from offset on */
    const char *(*label_value)(unsigned index);
    unsigned label_count;
    enum am_metrics_part part;
};

extern const struct am_metrics_metric am_metrics_table[];
unsigned am_metrics_table_count(void);
/* Whether a metric of the table is listed. */
bool am_metrics_lists(const struct am_metrics *metrics, unsigned index);

/* The value of a metric without labels (with labels: the sum), `decimals` decimals. Not for
 * histograms. */
uint64_t am_metrics_value(const struct am_metrics *metrics,
                          const struct am_metrics_metric *metric,
                          int64_t now);

/* The sum over all cores of the counter at that offset of struct am_metrics_counters. */
uint64_t am_metrics_sum(const struct am_metrics *metrics, size_t offset);

#endif
