/* SPDX-License-Identifier: Apache-2.0 */
/* What counts, and why not: the buckets of events, decided by a pure function of facts.
 * docs/EVENTS.md says what each bucket is for, with its sources. */
#ifndef AM_EVENTS_JUDGE_H
#define AM_EVENTS_JUDGE_H

#include "line.h"
#include "ring.h"
#include "robots.h"
#include "token.h"

enum am_event_outcome {
    AM_EVENT_COUNTED,
    AM_EVENT_BAD_SIGNATURE,
    AM_EVENT_IGNORED,
    AM_EVENT_PREFETCH,
    AM_EVENT_HEAD,
    AM_EVENT_ROBOT,
    AM_EVENT_EXPIRED,
    AM_EVENT_DUPLICATE,
    AM_EVENT_NO_IMPRESSION,
    AM_EVENT_RATE,
    AM_EVENT_BUDGET,
    AM_EVENT_OUTCOMES,
};
/* "counted", "bad_signature", ...: the log's reasons and the metric's outcomes. */
struct am_view am_event_outcome_name(enum am_event_outcome outcome);

/* Seconds for which a token is good, from its time on: impressions, views and custom events an
 * hour, clicks a day, conversions 30 days. */
int64_t am_event_valid_seconds(enum am_journal_kind kind);

/* What a request shows of itself. Views may be empty. */
struct am_event_headers {
    struct am_view agent;
    struct am_view sec_purpose, purpose, x_moz, x_purpose;
    bool head;    /* the method is HEAD */
    bool ignored; /* the uWSGI variable ADMATCH_IGNORE is not empty */
};

/* Whether the headers say that a browser fetches ahead of the user's wish: a word prefetch,
 * prerender or preview in one of them (HTML's Sec-Purpose; Purpose, X-Moz, X-Purpose of older
 * browsers). */
bool am_event_is_prefetch(const struct am_event_headers *headers);

/* All that the outcome of an event depends on, but for what only one caller can have: the claim of
 * its bit, a rate, a budget. */
struct am_event_facts {
    enum am_journal_kind kind; /* IMPRESSION, CLICK, VIEW, EVENT or CONVERSION */
    bool verified;             /* the token is ours, for this kind and URL; else all below of it is
                                  nothing */
    bool current;              /* of this host and epoch */
    bool known;                /* the ad, or its names, were found */
    int64_t age;               /* now less the token's time; negative after a step of the clock */
    enum am_event_claim own;   /* am_event_ring_look of its own bit; FIRST for kinds without one */
    enum am_event_claim impression; /* of a click: of the placement's impression */
    bool click_first;               /* admatch-click-first: clicks need no impression */
    bool ignored, prefetch, head, robot;
};

/* AM_EVENT_COUNTED when nothing speaks against it so far. What a request is comes before what its
 * placement has seen, so that a robot's repeat is a robot's. Conversions come from servers: of
 * their request only `ignored` is asked. */
enum am_event_outcome am_event_judge(const struct am_event_facts *facts);

#endif
