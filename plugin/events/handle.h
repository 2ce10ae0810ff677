/* SPDX-License-Identifier: Apache-2.0 */
/* Placements and their events: what a worker thread calls. Everything runs on the thread's own
 * worker, in any process, takes no lock of other threads, and makes one system call for each
 * event: the write of its line.
 *
 * An event that counts goes this way, and a kill anywhere leaves it counted once or not at all:
 *
 *     judge            facts alone: token, request, ring                        (judge.h)
 *     rate             clicks: one is taken from each rate                      (rates.h)
 *     claim            its bit in the ring; of two at once, one is first        (ring.h)
 *     charge           noted in the ledger, and given room under its budgets    (delivery.h)
 *     line             written to the lane's file                               (journal.h)
 *     count            added to the counters                                    (ledger.h)
 *     answer
 *
 * From the note on, whoever finds the worker dead writes the line, unless it is there, and counts:
 * am_event_hold_finish. */
#ifndef AM_EVENTS_HANDLE_H
#define AM_EVENTS_HANDLE_H

#include "../base/address.h"
#include "judge.h"
#include "names.h"
#include "service.h"

/* ---- placements ---------------------------------------------------------------------------------
 */

/* Begins a decision that may place ads: counts it for the traffic curve. `now` is in seconds. */
void am_event_decide(struct am_event_worker *worker, int64_t now);

/* The next placement's number; it has a place in the ring of bits unless the ring is all ahead of
 * its holder, and then its events are expired. `now` is in seconds. No lock, no system call. */
uint64_t am_event_sequence(struct am_event_worker *worker, int64_t now);

/* Hashes by the ledger's own key, am_caps_mac: of users' keys, and of the state that they carry.
 * `context` is the worker. */
void am_event_user_mac(void *context, const void *bytes, size_t size, uint8_t mac[16]);

/* Writes a placement's body: `token` but for host and epoch, which are the ledger's. */
void am_event_seal(struct am_event_worker *worker,
                   struct am_token *token,
                   struct am_token_body *body);

/* The token of a body that am_event_seal wrote in the same request. */
void am_event_sign(struct am_event_worker *worker,
                   enum am_token_kind kind,
                   const struct am_token_body *body,
                   struct am_view url,
                   char text[AM_TOKEN_TEXT_SIZE]);

/* Writes a placement's id, "7-3-184467": host, epoch, number. Returns its length. */
enum { AM_EVENT_ID_SIZE = 32 };
size_t am_event_id(struct am_event_worker *worker, uint64_t sequence, char id[AM_EVENT_ID_SIZE]);

/* ---- decisions in the log -----------------------------------------------------------------------
 */

struct am_event_decided_ad {
    uint64_t sequence;
    uint64_t ad;      /* its key */
    uint32_t keyword; /* am_event_keyword_hash */
    struct am_event_ad_names names;
    struct am_view slot;
    struct am_view field; /* in which the keyword was found, "query" */
    struct am_view pace;  /* "line", "lead"; empty where nothing limits the ad */
    int64_t price;        /* of the event that is billed, nanos */
    uint8_t pricing;      /* enum am_model_pricing */
    uint8_t position;
};

struct am_event_decided_slot {
    struct am_view id;
    uint32_t count, filled;
};

struct am_event_decision {
    struct am_view request; /* the request's id */
    struct am_view query;   /* as admatch-log-query says; empty: none. Cut to 1,000 bytes */
    const struct am_event_decided_slot *slots;
    const struct am_event_decided_ad *ads;
    uint32_t slot_count, ad_count;
    uint64_t generation;
};

/* Prefetches what am_event_log_decision looks up of an ad that is placed. */
void am_event_prefetch(struct am_event_worker *worker, int64_t now, uint64_t ad, uint32_t keyword);

/* Logs a decision, and notes the names of its ads, which are on file when it returns: an event may
 * follow at once. The line waits for am_event_worker_flush. So no system call is made but for the
 * first placement of an ad by a keyword on a day, and where a megabyte waits. */
void am_event_log_decision(struct am_event_worker *worker,
                           const struct am_event_decision *decision);

/* ---- events -------------------------------------------------------------------------------------
 */

/* The ad of a token, for the line and the counters. */
struct am_event_target {
    struct am_event_ad_memory memory; /* names, here or elsewhere while the event is handled */
    uint32_t cells[AM_LEDGER_KINDS];  /* am_ledger_find */
};

/* Finds the names of an ad in the image that is served; their views outlive the event. False: it is
 * not in there. The keyword's view stays empty where it is not known. */
typedef bool am_event_resolve(const void *context,
                              uint64_t ad,
                              uint32_t keyword,
                              struct am_event_ad_names *names);

struct am_event_request {
    enum am_journal_kind kind; /* IMPRESSION, CLICK, VIEW, EVENT, CONVERSION */
    struct am_view token;
    struct am_view url;  /* a click's u, byte for byte after percent-decoding */
    struct am_view name; /* EVENT: one of admatch-events */
    bool has_value;      /* CONVERSION */
    int64_t value;       /* nanos of the currency */
    struct am_event_headers headers;
    struct am_address client;  /* am_address_client */
    uint64_t generation;       /* that is served; 0: none */
    am_event_resolve *resolve; /* asked where no name was noted; NULL: nobody */
    const void *context;
};

struct am_event_answer {
    enum am_event_outcome outcome;
    bool redirect;  /* a click: to its URL; otherwise 410 */
    bool has_click; /* a click that was counted: its conversion token is in `click` */
    bool late;      /* it counted after its placement's reservation had expired */
    char click[AM_TOKEN_TEXT_SIZE];
};

/* Handles one event from its request to its counters, and logs it, whatever its outcome. */
void am_event_handle(struct am_event_worker *worker,
                     const struct am_event_request *request,
                     struct am_event_answer *answer);

/* A conversion's value: a decimal from 0 on, with at most 9 decimals. */
bool am_event_value_parse(struct am_view text, int64_t *nanos);

/* ---- other lines --------------------------------------------------------------------------------
 */

/* `cell`: a record was made or freed. In am_ledger_notify, of MADE and FREED. */
void am_event_log_record(struct am_event_worker *worker, const struct am_ledger_notice *notice);

struct am_event_control {
    enum am_ledger_kind kind;
    struct am_view id, change, before, after, who, reason;
    int64_t until; /* seconds; INT64_MAX: none */
};

/* Logs what an operator has changed. The worker's thread, or another of its process. */
void am_event_log_control(struct am_event_worker *worker, const struct am_event_control *control);

/* `gap`: lines are missing, or may be. `reason` is "restart" (a crash may have lost up to the last
 * second), "missing" (so are files that were to be read again) or "full" (no room on the disk);
 * `from` is the time of the last line before, in microseconds, or 0, `lines` how many are known to
 * be lost. False: this line is lost, too. */
bool am_event_log_gap(struct am_event_worker *worker,
                      const char *reason,
                      int64_t from,
                      uint64_t lines);

/* The gap that a recovery found, where it found one. */
void am_event_log_recovered(struct am_event_worker *worker,
                            const struct am_event_recovered *recovered);

#endif
