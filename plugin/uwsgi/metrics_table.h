/* The table of all metrics, for those who render or register them. */
#ifndef AM_UWSGI_METRICS_TABLE_H
#define AM_UWSGI_METRICS_TABLE_H

#include "metrics.h"

enum am_metrics_type { AM_METRIC_COUNTER, AM_METRIC_GAUGE, AM_METRIC_HISTOGRAM };

/* Where the value comes from. */
enum am_metrics_source {
    AM_SOURCE_ROWS,      /* struct am_metrics_counters at offset, summed over all cores */
    AM_SOURCE_REQUESTS,  /* the matrix of endpoints and statuses */
    AM_SOURCE_GAUGES,    /* struct am_metrics_gauge_values at offset */
    AM_SOURCE_AGE,       /* now minus the time in struct am_metrics_gauge_values at offset */
    AM_SOURCE_CPU_RATIO, /* CPU time per 1,000 requests */
    AM_SOURCE_LAGGING,   /* cores on an older generation */
};

struct am_metrics_metric {
    const char *name; /* Prometheus: admatch_NAME */
    const char *help;
    const char *unit; /* "seconds", "bytes", ... or "" */
    enum am_metrics_type type;
    enum am_metrics_source source;
    size_t offset;
    unsigned places; /* the value is an integer count of 10^-places */
    const char
        *label; /* NULL: none; else a row for each of `label_count` counters from offset on */
    const char *(*label_value)(unsigned index);
    unsigned label_count;
};

extern const struct am_metrics_metric am_metrics_table[];
extern const unsigned am_metrics_table_count;

/* The value of a metric without labels (with labels: the sum), `places` decimals. Not for
 * histograms. */
uint64_t am_metrics_value(const struct am_metrics_metric *metric, int64_t now);

/* The sum over all cores of the counter at that offset of struct am_metrics_counters. */
uint64_t am_metrics_sum(size_t offset);

#endif
