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

static const char *member_label(unsigned index) {
    return am_openrtb_member_label((enum am_openrtb_member_id)index);
}

static const char *no_bid_label(unsigned index) {
    return am_openrtb_no_bid_number((enum am_openrtb_no_bid)(index + 1));
}

#define ROWS(field) AM_METRICS_ROWS, offsetof(struct am_metrics_counters, field)
#define GAUGES(field) AM_METRICS_GAUGES, offsetof(struct am_metrics_gauges, field)
#define COUNTER AM_METRICS_COUNTER
#define GAUGE AM_METRICS_GAUGE
#define HISTOGRAM AM_METRICS_HISTOGRAM
enum { WHOLE = 0, NANOSECONDS = 9 };

/* name, help, unit, type, source, decimals, labels, part */
const struct am_metrics_metric am_metrics_table[] = {
    {"requests_total", "Requests answered, by endpoint and status.", "", COUNTER,
     AM_METRICS_REQUESTS, 0, WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"decisions_total", "Decisions made, for /v1/decide or for bids.", "", COUNTER, ROWS(decisions),
     WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"decisions_truncated_total",
     "Decisions that admatch-limit-work ended: they have what was found until then.", "", COUNTER,
     ROWS(truncated), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"work_steps_total", "Steps of work that decisions took, as admatch-limit-work counts them.",
     "", COUNTER, ROWS(work), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"ads_placed_total", "Ads placed.", "", COUNTER, ROWS(ads_placed), WHOLE, NULL, NULL, 0,
     AM_METRICS_OF_ALL},
    {"positions_unfilled_total", "Ad positions asked for that stayed empty.", "", COUNTER,
     ROWS(positions_unfilled), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"candidates_total", "Ads considered by decisions.", "", COUNTER, ROWS(candidates), WHOLE, NULL,
     NULL, 0, AM_METRICS_OF_ALL},
    {"rejections_total", "Candidates that were not placed, by the gate that stopped them.", "",
     COUNTER, ROWS(rejections), WHOLE, "gate", gate_label, AM_GATES, AM_METRICS_OF_ALL},
    {"openrtb_no_bids_total", "Bid requests without a bid, by the reason (nbr).", "", COUNTER,
     ROWS(no_bids[1]), WHOLE, "nbr", no_bid_label, AM_NO_BID_REASONS - 1, AM_METRICS_OF_ALL},
    {"openrtb_oddities_total",
     "Bid requests in which a member was not as OpenRTB has it, by that member.", "", COUNTER,
     AM_METRICS_SEEN_ROWS, offsetof(struct am_metrics_counters, odd), WHOLE, "member", member_label,
     AM_OPENRTB_MEMBERS, AM_METRICS_OF_ALL},
    {"hits_total",
     "Keyword hits, negative keywords included; a broad keyword counts once a request. Decisions "
     "that end in the top tier search no further.",
     "", COUNTER, ROWS(hits), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"words_total", "Words read in requests.", "", COUNTER, ROWS(words), WHOLE, NULL, NULL, 0,
     AM_METRICS_OF_ALL},
    {"text_bytes_total", "Bytes of text searched for keywords.", "bytes", COUNTER, ROWS(bytes),
     WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"body_bytes_total", "Bytes of request bodies read.", "bytes", COUNTER, ROWS(body_bytes), WHOLE,
     NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"cpu_seconds_total", "CPU time of the cores that answer requests, updated every 64 requests.",
     "seconds", COUNTER, ROWS(cpu_nanoseconds), NANOSECONDS, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"cpu_seconds_per_1000_requests", "CPU time of 1,000 requests, on average since the start.",
     "seconds", GAUGE, AM_METRICS_CPU_RATIO, 0, NANOSECONDS, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"decide_seconds", "Time to read, decide and render a request that is in memory.", "seconds",
     HISTOGRAM, ROWS(decide), NANOSECONDS, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"request_seconds", "Time of whole requests to all endpoints, reading and writing included.",
     "seconds", HISTOGRAM, ROWS(request), NANOSECONDS, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"publication", "Number of the last publication, counted from 1 at each start.", "", GAUGE,
     GAUGES(publication), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"generation_info", "The generation published last, as a label; the value is 1.", "", GAUGE,
     AM_METRICS_INFO, 0, WHOLE, "generation", NULL, 0, AM_METRICS_OF_ALL},
    {"generation_age_seconds", "Time since that generation was published.", "seconds", GAUGE,
     AM_METRICS_AGE, offsetof(struct am_metrics_gauges, published_at), WHOLE, NULL, NULL, 0,
     AM_METRICS_OF_ALL},
    {"lagging_cores",
     "Cores that have answered and still serve an older generation, and those of workers that can "
     "open none.",
     "", GAUGE, AM_METRICS_LAGGING, 0, WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"ads", "Ads in that generation.", "", GAUGE, GAUGES(ads), WHOLE, NULL, NULL, 0,
     AM_METRICS_OF_ALL},
    {"campaigns", "Campaigns in that generation.", "", GAUGE, GAUGES(campaigns), WHOLE, NULL, NULL,
     0, AM_METRICS_OF_ALL},
    {"keywords", "Keywords in that generation, negative ones included.", "", GAUGE,
     GAUGES(keywords), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"image_bytes", "Size of its image, of which all instances of a user on a host hold one copy.",
     "bytes", GAUGE, GAUGES(image_bytes), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"image_huge_bytes", "Of these, in huge pages.", "bytes", GAUGE, GAUGES(image_huge_bytes),
     WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"build_seconds", "Time to find or build that image, checks included.", "seconds", GAUGE,
     GAUGES(build_nanoseconds), NANOSECONDS, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"builds_total", "Images built from an inventory.", "", COUNTER, GAUGES(builds), WHOLE, NULL,
     NULL, 0, AM_METRICS_OF_ALL},
    {"found_total", "Images found ready in the state folder.", "", COUNTER, GAUGES(found), WHOLE,
     NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"swaps_total", "New generations published while serving.", "", COUNTER, GAUGES(swaps), WHOLE,
     NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"skipped_records", "Bad records left out of that generation.", "", GAUGE,
     GAUGES(skipped_records), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"refusals_total", "Inventories refused; the log has the reasons.", "", COUNTER,
     GAUGES(refusals), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"last_refusal_timestamp_seconds", "When the last one was refused; 0: never.", "seconds", GAUGE,
     GAUGES(last_refusal_at), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"last_check_timestamp_seconds", "When the inventory was last checked for changes.", "seconds",
     GAUGE, GAUGES(checked_at), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"inventory_lags_total",
     "Inventories that were replaced again before they were published or refused.", "", COUNTER,
     GAUGES(lags), WHOLE, NULL, NULL, 0, AM_METRICS_OF_ALL},
    {"inventory_lag_seconds",
     "Time since the inventory that is served was read, when another has replaced it meanwhile; 0: "
     "it is the newest.",
     "seconds", GAUGE, AM_METRICS_AGE, offsetof(struct am_metrics_gauges, replaced_at), WHOLE, NULL,
     NULL, 0, AM_METRICS_OF_ALL},
    {"events_total", "Events of browsers and advertisers, by what became of them.", "", COUNTER,
     AM_METRICS_EVENT_MATRIX, offsetof(struct am_metrics_counters, events), WHOLE, NULL, NULL, 0,
     AM_METRICS_OF_LEDGER},
    {"ledger_holder", "1: this instance steps the ledger; another one does: 0.", "", GAUGE,
     GAUGES(ledger.holder), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"ledger_step_age_seconds", "Time since the ledger was stepped, by whichever instance.",
     "seconds", GAUGE, AM_METRICS_AGE, offsetof(struct am_metrics_gauges, ledger.stepped_at), WHOLE,
     NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"log_unsynced_bytes", "Bytes of the event log that a crash of the machine would lose.",
     "bytes", GAUGE, GAUGES(ledger.unsynced_bytes), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"log_lost_total", "Lines that could not be written to the event log, by all instances.", "",
     COUNTER, GAUGES(ledger.lost_lines), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"log_full", "1: lines of the event log were lost in the last minute.", "", GAUGE,
     GAUGES(ledger.full), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"ring_seconds", "Time for which repeated events are recognised (admatch-ring).", "seconds",
     GAUGE, GAUGES(ledger.ring_seconds), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LEDGER},
    {"loop_connections", "Open connections.", "", GAUGE, ROWS(loop.connections), WHOLE, NULL, NULL,
     0, AM_METRICS_OF_LOOP},
    {"loop_buffered_bytes", "Bytes buffered for incomplete requests and unsent answers.", "bytes",
     GAUGE, ROWS(loop.buffered_bytes), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LOOP},
    {"loop_blocking_requests", "Requests that blocking threads run, or that wait for one.", "",
     GAUGE, ROWS(loop.blocking), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LOOP},
    {"loop_accepted_total", "Connections accepted.", "", COUNTER, ROWS(loop.accepted), WHOLE, NULL,
     NULL, 0, AM_METRICS_OF_LOOP},
    {"loop_handed_over_total", "Requests handed over to blocking threads.", "", COUNTER,
     ROWS(loop.handed_over), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LOOP},
    {"loop_pauses_total",
     "Times that a process stopped accepting, at admatch-connections, or without file descriptors "
     "or epoll watches.",
     "", COUNTER, ROWS(loop.pauses), WHOLE, NULL, NULL, 0, AM_METRICS_OF_LOOP},
    {"loop_closed_total", "Connections that the server closed, by reason.", "", COUNTER,
     ROWS(loop.closed), WHOLE, "reason", reason_label, AM_METRICS_CLOSED_REASONS,
     AM_METRICS_OF_LOOP},
};

unsigned am_metrics_table_count(void) {
    return AM_COUNT_OF(am_metrics_table);
}
