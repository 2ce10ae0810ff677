/* SPDX-License-Identifier: Apache-2.0 */
/* What decisions and events ask of the ledger: gates, reservations, charges.
 *
 * An ad that is placed takes its holds under every limit of its advertiser, its campaign and
 * itself, or under none, by compare-and-swap. Its events then use the holds up, or the step gives
 * them back when the placement expires.
 *
 * Thread rule: every function runs on the calling thread's own worker, in any process that has
 * joined. None locks, allocates, or calls the system, but am_delivery_charge, which may sleep for
 * some 100 microseconds at a time while the holder repairs what a killed process left. */
#ifndef AM_DELIVERY_DELIVERY_H
#define AM_DELIVERY_DELIVERY_H

#include "../base/buffer.h"
#include "caps.h"
#include "ledger.h"
#include "map.h"

/* What one placement of an ad costs. */
struct am_delivery_ask {
    int64_t price; /* of one event, am_pace_price: of an impression, or with per_click of a click */
    uint32_t ctr;  /* millionths; 0 where the ad has none */
    bool per_click;
};

enum am_delivery_verdict {
    AM_DELIVERY_LINE,   /* on its line, or without any limit: may be placed */
    AM_DELIVERY_LEAD,   /* only its lead lets it through: may be placed where a place stays empty */
    AM_DELIVERY_PACING, /* stopped by the gate `pacing` */
    AM_DELIVERY_BUDGET, /* stopped by the gate `budget` */
    AM_DELIVERY_CAP,    /* stopped by the gate `frequency_cap`; am_delivery_reserve only */
};

enum am_delivery_reason {
    AM_DELIVERY_FREE,        /* nothing stops it */
    AM_DELIVERY_ABOVE_LIMIT, /* used + hold > L, or counted + price > L */
    AM_DELIVERY_ABOVE_LINE,  /* used + hold > what the line allows */
    AM_DELIVERY_NO_CELL,     /* it has a limit, and the ledger had no room for it */
    AM_DELIVERY_STALE, /* the last step is too old, the ledger recovers, repairs, is lost or unsaved
                        */
    AM_DELIVERY_FULL,  /* no room for another placement in flight */
    AM_DELIVERY_UNCONFIRMED, /* too many placements of this caller are in flight */
    AM_DELIVERY_UNBILLED,    /* nobody would report what is placed: bids without notices */
};

/* Why, for explain. */
struct am_delivery_detail {
    enum am_delivery_reason reason;
    enum am_ledger_kind kind; /* of the limit that stops, here and below */
    enum am_ledger_unit unit;
    bool daily;      /* ABOVE_LIMIT: the day's limit, not the total */
    int64_t used;    /* counted, reserved and expected: of the day or in total; of the window for
                        ABOVE_LINE */
    int64_t limit;   /* ABOVE_LIMIT: the limit of that day or in total */
    int64_t allowed; /* ABOVE_LINE: min(L, line + slack) */
    int64_t at;      /* ABOVE_LINE: the second of the line, in local time of the record (seconds
                        since its local 1970-01-01T00:00:00) */
};

/* "campaign daily 199.99 of 200", "ad total clicks 9 of 9", "campaign 41.2 used, 40.75 allowed by
 * 10:31:07", "unconfirmed"... */
void am_delivery_detail_write(const struct am_delivery_detail *detail, struct am_buffer *buffer);

/* "campaign 3 in 1d", "ad 1 in 30m", "advertiser 5 in lifetime"; or "no room". */
void am_caps_detail_write(enum am_ledger_kind kind,
                          const struct am_caps_cap *cap,
                          enum am_caps_answer answer,
                          struct am_buffer *buffer);

/* Begins a decision: counts it for the traffic curve, and notes whether the ledger can be used now.
 * `clock` is the server's clock, not a time that the request gives. */
void am_delivery_begin(struct am_ledger_worker *worker, int64_t clock);
/* The same for one that nobody is shown, which is not counted. */
void am_delivery_try(struct am_ledger_worker *worker, int64_t clock);

/* The gates `budget` and `pacing` of one ad. `detail` may be NULL. Reads one cache line for the ad,
 * one for its chain, and one for each of its limits. */
enum am_delivery_verdict am_delivery_gate(const struct am_ledger_worker *worker,
                                          const struct am_delivery_map *map,
                                          uint32_t ad,
                                          const struct am_delivery_ask *ask,
                                          struct am_delivery_detail *detail);

/* How far the limits of an ad are used: of the gate `budget` and of `pacing` the limit of which the
 * largest part is, whether it stops the ad or not. FREE: nothing limits it, nothing paces it. */
struct am_delivery_use {
    struct am_delivery_detail budget, pacing;
};

/* For explanations. Any thread that may ask am_delivery_gate. */
void am_delivery_use_of(const struct am_delivery_map *map,
                        uint32_t ad,
                        const struct am_delivery_ask *ask,
                        struct am_delivery_use *use);

/* A placement to reserve. */
struct am_delivery_placement {
    uint64_t sequence;              /* am_ledger_sequence */
    int64_t now;                    /* of the decision */
    uint32_t seconds;               /* admatch-reserve or admatch-reserve-bids; 1 to 86,400 */
    bool lead;                      /* in the second round: its lead may let it through */
    uint64_t user;                  /* am_caps_user; 0: none, no cap is counted */
    uint64_t ad_key;                /* am_model_key of the ad, for its caps */
    const struct am_caps_cap *caps; /* of all its records; counted with it */
    uint32_t cap_count;
    uint32_t caller; /* hash of a public caller's network, see AM_DELIVERY_CALLER_MAX; 0: none */
};

/* Placements in flight that one caller of a public socket may have. */
enum { AM_DELIVERY_CALLER_MAX = 64 };

/* Takes the holds and counts the caps, all or none. LINE or LEAD: placed; an ad without limit and
 * caps takes nothing. */
enum am_delivery_verdict am_delivery_reserve(struct am_ledger_worker *worker,
                                             const struct am_delivery_map *map,
                                             uint32_t ad,
                                             const struct am_delivery_ask *ask,
                                             const struct am_delivery_placement *placement,
                                             struct am_delivery_detail *detail);

/* Gives a placement's holds and caps back: a winner dropped after all, a lost auction. False: it is
 * not in flight (any more). */
bool am_delivery_release(struct am_ledger_worker *worker, uint64_t sequence, int64_t now);

/* The records that count an ad's events, by kind: an ad that is in the map. For an ad that is gone,
 * am_ledger_find each id that its names tell. */
void am_delivery_cells(const struct am_delivery_map *map,
                       uint32_t ad,
                       uint32_t cells[AM_LEDGER_KINDS]);

/* Decides whether an event is billed: uses up the hold of its placement, or, where that is gone,
 * takes room under every limit or none. Notes the event and `note` (at most AM_LEDGER_NOTE_BYTES)
 * in shared memory: from the return on, it will be counted, by am_ledger_count or by whoever takes
 * over from this process. *late (may be NULL): no hold was found.
 * event->time is raised to the beginning of a record's day that has begun since: log that time, so
 * that a sum of the log by day is the counter. */
enum am_ledger_outcome am_delivery_charge(struct am_ledger_worker *worker,
                                          struct am_ledger_event *event,
                                          const void *note,
                                          size_t note_size,
                                          bool *late);

#endif
