/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_table.h"

static const char *gate_label(unsigned index) {
    return am_gate_name((enum am_gate)index);
}

static const char *reason_label(unsigned index) {
    static const char *const names[AM_METRICS_CLOSED_REASONS] = {
        "idle_timeout", "head_timeout", "body_timeout", "write_timeout",
        "evicted",      "balance",      "memory",       "epoll"};
    return names[index];
}

#define ROWS(field) AM_METRICS_ROWS, offsetof(struct am_metrics_counters, field)
#define GAUGES(field) AM_METRICS_GAUGES, offsetof(struct am_metrics_gauges, field)
#define COUNTER AM_METRICS_COUNTER
#define GAUGE AM_METRICS_GAUGE
#define HISTOGRAM AM_METRICS_HISTOGRAM
enum { WHOLE = 0, NANOSECONDS = 9 };

/* name, help, unit, type, source, decimals, labels */
const struct am_metrics_metric am_metrics_table[] = {
    {"requests_total", "Requests answered, by endpoint and status.", "", COUNTER,
     AM_METRICS_REQUESTS, 0, WHOLE, NULL, NULL, 0},
    {"decisions_total", "Decisions made, for /v1/decide or for bids.", "", COUNTER, ROWS(decisions),
     WHOLE, NULL, NULL, 0},
    {"decisions_truncated_total",
     "Decisions that admatch-limit-work ended: they have what was found until then.", "", COUNTER,
     ROWS(truncated), WHOLE, NULL, NULL, 0},
    {"work_steps_total", "Steps of work that decisions took, as admatch-limit-work counts them.",
     "", COUNTER, ROWS(work), WHOLE, NULL, NULL, 0},
    {"ads_placed_total", "Ads placed.", "", COUNTER, ROWS(ads_placed), WHOLE, NULL, NULL, 0},
    {"positions_unfilled_total", "Ad positions asked for that stayed empty.", "", COUNTER,
     ROWS(positions_unfilled), WHOLE, NULL, NULL, 0},
    {"candidates_total", "Ads considered by decisions.", "", COUNTER, ROWS(candidates), WHOLE, NULL,
     NULL, 0},
    {"rejections_total", "Candidates that were not placed, by the gate that stopped them.", "",
     COUNTER, ROWS(rejections), WHOLE, "gate", gate_label, AM_GATES},
    {"hits_total",
     "Keyword hits, negative keywords included; a broad keyword counts once a request. Decisions "
     "that end in the top tier search no further.",
     "", COUNTER, ROWS(hits), WHOLE, NULL, NULL, 0},
    {"words_total", "Words read in requests.", "", COUNTER, ROWS(words), WHOLE, NULL, NULL, 0},
    {"text_bytes_total", "Bytes of text searched for keywords.", "bytes", COUNTER, ROWS(bytes),
     WHOLE, NULL, NULL, 0},
    {"body_bytes_total", "Bytes of request bodies read.", "bytes", COUNTER, ROWS(body_bytes), WHOLE,
     NULL, NULL, 0},
    {"cpu_seconds_total", "CPU time of the cores that answer requests, updated every 64 requests.",
     "seconds", COUNTER, ROWS(cpu_nanoseconds), NANOSECONDS, NULL, NULL, 0},
    {"cpu_seconds_per_1000_requests", "CPU time of 1,000 requests, on average since the start.",
     "seconds", GAUGE, AM_METRICS_CPU_RATIO, 0, NANOSECONDS, NULL, NULL, 0},
    {"decide_seconds", "Time to read, decide and render a request that is in memory.", "seconds",
     HISTOGRAM, ROWS(decide), NANOSECONDS, NULL, NULL, 0},
    {"request_seconds", "Time of whole requests to all endpoints, reading and writing included.",
     "seconds", HISTOGRAM, ROWS(request), NANOSECONDS, NULL, NULL, 0},
    {"publication", "Number of the last publication, counted from 1 at each start.", "", GAUGE,
     GAUGES(publication), WHOLE, NULL, NULL, 0},
    {"generation_info", "The generation published last, as a label; the value is 1.", "", GAUGE,
     AM_METRICS_INFO, 0, WHOLE, "generation", NULL, 0},
    {"generation_age_seconds", "Time since that generation was published.", "seconds", GAUGE,
     AM_METRICS_AGE, offsetof(struct am_metrics_gauges, published_at), WHOLE, NULL, NULL, 0},
    {"lagging_cores", "Cores that have answered and still serve an older generation.", "", GAUGE,
     AM_METRICS_LAGGING, 0, WHOLE, NULL, NULL, 0},
    {"ads", "Ads in that generation.", "", GAUGE, GAUGES(ads), WHOLE, NULL, NULL, 0},
    {"campaigns", "Campaigns in that generation.", "", GAUGE, GAUGES(campaigns), WHOLE, NULL, NULL,
     0},
    {"keywords", "Keywords in that generation, negative ones included.", "", GAUGE,
     GAUGES(keywords), WHOLE, NULL, NULL, 0},
    {"image_bytes", "Size of its image, of which all instances of a user on a host hold one copy.",
     "bytes", GAUGE, GAUGES(image_bytes), WHOLE, NULL, NULL, 0},
    {"build_seconds", "Time to find or build that image, checks included.", "seconds", GAUGE,
     GAUGES(build_nanoseconds), NANOSECONDS, NULL, NULL, 0},
    {"builds_total", "Images built from an inventory.", "", COUNTER, GAUGES(builds), WHOLE, NULL,
     NULL, 0},
    {"found_total", "Images found ready in the state folder.", "", COUNTER, GAUGES(found), WHOLE,
     NULL, NULL, 0},
    {"swaps_total", "New generations published while serving.", "", COUNTER, GAUGES(swaps), WHOLE,
     NULL, NULL, 0},
    {"skipped_records", "Bad records left out of that generation.", "", GAUGE,
     GAUGES(skipped_records), WHOLE, NULL, NULL, 0},
    {"refusals_total", "Inventories refused; the log has the reasons.", "", COUNTER,
     GAUGES(refusals), WHOLE, NULL, NULL, 0},
    {"last_refusal_timestamp_seconds", "When the last one was refused; 0: never.", "seconds", GAUGE,
     GAUGES(last_refusal_at), WHOLE, NULL, NULL, 0},
    {"last_check_timestamp_seconds", "When the inventory was last checked for changes.", "seconds",
     GAUGE, GAUGES(checked_at), WHOLE, NULL, NULL, 0},
    {"inventory_lags_total",
     "Inventories that were replaced again before they were published or refused.", "", COUNTER,
     GAUGES(lags), WHOLE, NULL, NULL, 0},
    {"inventory_lag_seconds",
     "Time since the inventory that is served was read, when another has replaced it meanwhile; 0: "
     "it is the newest.",
     "seconds", GAUGE, AM_METRICS_AGE, offsetof(struct am_metrics_gauges, replaced_at), WHOLE, NULL,
     NULL, 0},
    /* with a loop only */
    {"loop_connections", "Open connections.", "", GAUGE, ROWS(loop.connections), WHOLE, NULL, NULL,
     0},
    {"loop_buffered_bytes", "Bytes buffered for incomplete requests and unsent answers.", "bytes",
     GAUGE, ROWS(loop.buffered_bytes), WHOLE, NULL, NULL, 0},
    {"loop_blocking_requests", "Requests that blocking threads run, or that wait for one.", "",
     GAUGE, ROWS(loop.blocking), WHOLE, NULL, NULL, 0},
    {"loop_accepted_total", "Connections accepted.", "", COUNTER, ROWS(loop.accepted), WHOLE, NULL,
     NULL, 0},
    {"loop_handed_over_total", "Requests handed over to blocking threads.", "", COUNTER,
     ROWS(loop.handed_over), WHOLE, NULL, NULL, 0},
    {"loop_pauses_total",
     "Times that a process stopped accepting, at admatch-connections, or without file descriptors "
     "or epoll watches.",
     "", COUNTER, ROWS(loop.pauses), WHOLE, NULL, NULL, 0},
    {"loop_closed_total", "Connections that the server closed, by reason.", "", COUNTER,
     ROWS(loop.closed), WHOLE, "reason", reason_label, AM_METRICS_CLOSED_REASONS},
};

unsigned am_metrics_table_count(bool loop) {
    enum { LOOP_METRICS = 7 };
    return AM_COUNT_OF(am_metrics_table) - (loop ? 0 : LOOP_METRICS);
}
