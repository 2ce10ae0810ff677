/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus, version 0.0.4, in which a line "# UNIT" is a comment for readers.
 */
#include <string.h>

#include "metrics_table.h"

static void append(struct am_buffer *buffer, const char *text) {
    am_buffer_append(buffer, text, strlen(text));
}

static void write_head(struct am_buffer *buffer, const struct am_metrics_metric *metric) {
    static const char *const types[] = {
        [AM_METRICS_COUNTER] = "counter",
        [AM_METRICS_GAUGE] = "gauge",
        [AM_METRICS_HISTOGRAM] = "histogram",
    };
    append(buffer, "# HELP admatch_");
    append(buffer, metric->name);
    append(buffer, " ");
    append(buffer, metric->help);
    append(buffer, "\n# TYPE admatch_");
    append(buffer, metric->name);
    append(buffer, " ");
    append(buffer, types[metric->type]);
    append(buffer, "\n");
    if (!metric->unit[0])
        return;
    append(buffer, "# UNIT admatch_");
    append(buffer, metric->name);
    append(buffer, " ");
    append(buffer, metric->unit);
    append(buffer, "\n");
}

static void
write_name(struct am_buffer *buffer, const struct am_metrics_metric *metric, const char *suffix) {
    append(buffer, "admatch_");
    append(buffer, metric->name);
    append(buffer, suffix);
}

static void write_value(struct am_buffer *buffer, uint64_t value, unsigned decimals) {
    append(buffer, " ");
    am_buffer_decimal(buffer, (int64_t)value, decimals);
    append(buffer, "\n");
}

static void write_labelled(struct am_buffer *buffer,
                           const struct am_metrics *metrics,
                           const struct am_metrics_metric *metric) {
    for (unsigned i = 0; i < metric->label_count; i++) {
        uint64_t value = am_metrics_sum(metrics, metric->offset + i * sizeof(uint64_t));
        if (value == 0 && metric->origin == AM_METRICS_SEEN_ROWS)
            continue;
        write_name(buffer, metric, "{");
        append(buffer, metric->label);
        append(buffer, "=\"");
        append(buffer, metric->label_value(i));
        append(buffer, "\"}");
        write_value(buffer, value, metric->decimals);
    }
}

/* Combinations that never occurred are omitted, except those that every dashboard graphs. */
static void write_requests(struct am_buffer *buffer,
                           const struct am_metrics *metrics,
                           const struct am_metrics_metric *metric) {
    for (unsigned endpoint = 0; endpoint < AM_ENDPOINTS; endpoint++)
        for (unsigned status = 0; status < AM_METRICS_STATUSES; status++) {
            size_t index = (size_t)endpoint * AM_METRICS_STATUSES + status;
            uint64_t value = am_metrics_sum(
                metrics, offsetof(struct am_metrics_counters, requests) + index * sizeof(uint64_t));
            if (!value && !(status == 0 && endpoint < AM_ENDPOINT_IMPRESSION))
                continue;
            write_name(buffer, metric, "{endpoint=\"");
            append(buffer, am_api_endpoint_name((enum am_api_endpoint)endpoint));
            append(buffer, "\",status=\"");
            append(buffer, am_metrics_status_name(status));
            append(buffer, "\"}");
            write_value(buffer, value, 0);
        }
}

/* What never happened is left out, but for events that counted. */
static void write_events(struct am_buffer *buffer,
                         const struct am_metrics *metrics,
                         const struct am_metrics_metric *metric) {
    for (unsigned event = 0; event < AM_METRICS_EVENTS; event++)
        for (unsigned outcome = 0; outcome < AM_EVENT_OUTCOMES; outcome++) {
            size_t index = (size_t)event * AM_EVENT_OUTCOMES + outcome;
            uint64_t value = am_metrics_sum(metrics, metric->offset + index * sizeof(uint64_t));
            if (!value && outcome != AM_EVENT_COUNTED)
                continue;
            write_name(buffer, metric, "{event=\"");
            am_buffer_view_append(buffer, am_journal_kind_name((enum am_journal_kind)(
                                              AM_JOURNAL_IMPRESSION + event)));
            append(buffer, "\",outcome=\"");
            am_buffer_view_append(buffer, am_event_outcome_name((enum am_event_outcome)outcome));
            append(buffer, "\"}");
            write_value(buffer, value, 0);
        }
}

static void write_histogram(struct am_buffer *buffer,
                            const struct am_metrics *metrics,
                            const struct am_metrics_metric *metric) {
    uint64_t count = 0;
    for (unsigned i = 0; i < AM_METRICS_BUCKETS; i++) {
        count += am_metrics_sum(metrics, metric->offset +
                                             offsetof(struct am_metrics_histogram, buckets) +
                                             i * sizeof(uint64_t));
        write_name(buffer, metric, "_bucket{le=\"");
        if (i + 1 < AM_METRICS_BUCKETS)
            am_buffer_decimal(buffer, (int64_t)am_metrics_bucket_bounds[i], metric->decimals);
        else
            append(buffer, "+Inf");
        append(buffer, "\"}");
        write_value(buffer, count, 0);
    }
    write_name(buffer, metric, "_sum");
    write_value(buffer,
                am_metrics_sum(metrics,
                               metric->offset + offsetof(struct am_metrics_histogram, nanoseconds)),
                metric->decimals);
    write_name(buffer, metric, "_count");
    write_value(buffer, count, 0);
}

/* A label instead of a value: joins on it name the generation in graphs. */
static void write_info(struct am_buffer *buffer,
                       const struct am_metrics *metrics,
                       const struct am_metrics_metric *metric) {
    const char *generation = am_metrics_gauges(metrics)->generation;
    write_name(buffer, metric, "{");
    append(buffer, metric->label);
    append(buffer, "=\"");
    am_buffer_append(buffer, generation, strnlen(generation, AM_GENERATION_TEXT_SIZE - 1));
    append(buffer, "\"}");
    write_value(buffer, 1, 0);
}

static void write_metric(struct am_buffer *buffer,
                         const struct am_metrics *metrics,
                         const struct am_metrics_metric *metric,
                         int64_t now) {
    write_head(buffer, metric);
    if (metric->type == AM_METRICS_HISTOGRAM) {
        write_histogram(buffer, metrics, metric);
    } else if (metric->origin == AM_METRICS_REQUESTS) {
        write_requests(buffer, metrics, metric);
    } else if (metric->origin == AM_METRICS_EVENT_MATRIX) {
        write_events(buffer, metrics, metric);
    } else if (metric->origin == AM_METRICS_INFO) {
        write_info(buffer, metrics, metric);
    } else if (metric->label) {
        write_labelled(buffer, metrics, metric);
    } else {
        write_name(buffer, metric, "");
        write_value(buffer, am_metrics_value(metrics, metric, now), metric->decimals);
    }
}

void am_metrics_text(const struct am_metrics *metrics, struct am_buffer *buffer, int64_t now) {
    for (unsigned i = 0; i < am_metrics_table_count(); i++)
        if (am_metrics_lists(metrics, i))
            write_metric(buffer, metrics, &am_metrics_table[i], now);
}
