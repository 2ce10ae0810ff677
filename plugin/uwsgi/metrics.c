/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <stdio.h>

#include "../base/clock.h"
#include "../publish/metrics_table.h"
#include "host.h"

static struct am_metrics *registered_metrics; /* uWSGI's collectors take no user argument */

/* uWSGI's values are integers, so times become microseconds there. */
static int64_t collect(struct uwsgi_metric *registered) {
    const struct am_metrics_metric *metric = registered->custom;
    uint64_t value = am_metrics_value(registered_metrics, metric, am_clock_seconds());
    return (int64_t)(metric->decimals ? value / 1000 : value);
}

static bool serves(unsigned worker) {
    return !uwsgi.workers[worker].cheaped && uwsgi.workers[worker].pid > 0;
}

void am_uwsgi_metrics_register(struct am_metrics *metrics) {
    am_metrics_set_serves(metrics, serves);
    registered_metrics = metrics;
    if (!uwsgi.has_metrics)
        return;
    uwsgi_register_metric_collector("admatch", collect);
    for (unsigned i = 0; i < am_metrics_table_count(); i++) {
        const struct am_metrics_metric *metric = &am_metrics_table[i];
        char name[128];
        if (!am_metrics_lists(metrics, i) || metric->type == AM_METRICS_HISTOGRAM ||
            metric->origin == AM_METRICS_INFO)
            continue;
        const char *seconds = metric->decimals ? strstr(metric->name, "seconds") : NULL;
        if (seconds)
            snprintf(name, sizeof name, "admatch.%.*smicroseconds%s", (int)(seconds - metric->name),
                     metric->name, seconds + strlen("seconds"));
        else
            snprintf(name, sizeof name, "admatch.%s", metric->name);
        /* Totals are gauges, too: uWSGI would push a counter's total to StatsD as an increment. */
        uwsgi_register_metric(name, NULL, UWSGI_METRIC_GAUGE, "admatch", NULL, 0,
                              (void *)(uintptr_t)metric);
    }
}
