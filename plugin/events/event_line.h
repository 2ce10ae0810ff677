/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: what is noted of an event in the ledger, and its line. */
#ifndef AM_EVENTS_EVENT_LINE_H
#define AM_EVENTS_EVENT_LINE_H

#include "handle.h"

/* Kept in shared memory from the charge until the event is counted: enough to write its line
 * again. */
struct am_event_note {
    int64_t time; /* of the line, microseconds */
    uint64_t sequence;
    uint64_t ad;
    int64_t price;
    uint64_t generation;
    uint32_t decided; /* the token's time */
    uint32_t keyword;
    uint16_t host, epoch;
    uint8_t kind; /* enum am_journal_kind */
    uint8_t position;
    uint8_t pricing; /* enum am_model_pricing */
    uint8_t limited; /* the ad has a record of its own */
    uint8_t bid;     /* placed by a bid */
};
_Static_assert(sizeof(struct am_event_note) <= AM_LEDGER_NOTE_BYTES, "a note fits its room");

/* What the event costs: impressions by cpm, clicks by cpc. */
int64_t am_event_spend(const struct am_event_note *note);

/* The time of the event's line: the noted one, or the one to which the ledger has raised it. */
int64_t am_event_noted_time(const struct am_event_note *note, const struct am_ledger_event *event);

/* Whether it comes after the time for which its placement was reserved. */
bool am_event_is_late(const struct am_event_service *service, const struct am_event_note *note);

struct am_event_line {
    const struct am_event_note *note;      /* NULL: the token is not ours */
    const struct am_event_ad_names *names; /* NULL: not known */
    enum am_event_outcome outcome;
    bool late;
    bool from_server;    /* a server reported it, not a browser */
    struct am_view name; /* of a custom event; empty: none */
    bool has_value;
    int64_t value;
};

/* The members behind the line's head. */
void am_event_put_line(struct am_buffer *text, const struct am_event_line *line);

/* The records of an ad whose names are known. */
void am_event_find_cells(const struct am_event_service *service, struct am_event_target *target);

/* The ad by its noted names, and its records by their ids. */
bool am_event_find_gone(struct am_event_service *service,
                        int64_t time,
                        uint64_t ad,
                        uint32_t keyword,
                        struct am_event_target *target);

#endif
