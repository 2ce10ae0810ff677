/* SPDX-License-Identifier: Apache-2.0 */
/* The events of one ledger, put together: log, ring, rates, names, keys, robots.
 *
 *     DIR/log/       the event log                         journal.h
 *     DIR/names/     who ads were                          names.h
 *     DIR/ring, DIR/ring-index                             ring.h
 *     DIR/key        where the owner names no keys file    keys.h
 *     TMPFS/events   lanes, ring, rates: shared by all processes of all instances
 *
 * What runs where:
 *
 *     master, before the first fork   am_event_service_open (recovers after a reboot)
 *     each worker thread              am_event_worker_new, once; then am_event_* of handle.h
 *     a thread of each worker         am_event_worker_flush for each of the process's workers,
 *                                     each 100 ms
 *     a mule of each instance         am_event_service_second, each second
 *     the ledger's holder             am_event_hold_* of holder.h */
#ifndef AM_EVENTS_SERVICE_H
#define AM_EVENTS_SERVICE_H

#include "../delivery/delivery.h"
#include "walk.h"

#define AM_EVENT_RING_DEFAULT_BYTES (UINT64_C(16) << 20)
#define AM_EVENT_RATES_DEFAULT_BYTES (UINT64_C(4) << 20)

struct am_event_options {
    const char *folder;       /* DIR: the ledger's */
    const char *tmpfs;        /* the ledger's folder on the tmpfs */
    struct am_ledger *ledger; /* outlives the service */
    uint32_t slots;           /* of the ledger: lanes of the log */
    uint64_t ring_bytes;      /* 0: the default; of a new shared file only, here and below */
    uint64_t rates_bytes;     /* 0: the default */
    uint32_t ads;             /* of the first inventory: sizes the tables of names */
    const char *keys;         /* path of the keys file; NULL: DIR/key */
    const char *robots;       /* path of more robots; NULL: the built-in list */
    const char *click_rates;  /* NULL: AM_EVENT_RATES_DEFAULT */
    bool click_first;         /* clicks count without an impression */
    uint32_t reserve;         /* seconds of admatch-reserve; 0: 60 */
    uint32_t reserve_bids;    /* seconds of admatch-reserve-bids; 0: 120 */
    int64_t (*clock)(void);   /* microseconds since 1970; NULL: the system's */
};

struct am_event_service; /* a process's view; children of a fork use their parent's */

/* What a recovery found. */
struct am_event_recovered {
    bool recovered;     /* the shared file was made anew from what is on the disk */
    uint64_t lines;     /* of the log, read again */
    uint64_t bad_lines; /* that could not be read */
    struct am_journal_walk_report walked; /* of that reading: torn and missing lines */
    int64_t last;                         /* time of the last line, in microseconds; 0: none */
    bool ring_lost; /* DIR/ring could not be loaded: events of older placements are expired */
    struct am_error ring_error; /* why */
    bool ring_doubted;          /* lines of the log are missing or damaged: the same */
    bool begun_anew; /* no snapshot was left: a new account, and all older placements are expired */
    bool unsaved;    /* the disk takes no snapshot: limited ads stop until it does */
    struct am_error save_error;
    uint64_t ring_damaged; /* blocks of DIR/ring; placements up to the newest one are expired */
};

/* Opens or makes everything. Where TMPFS/events is missing (a first start, a reboot) it is made,
 * the ring is loaded, and the log replayed, into the ledger too while that is recovering
 * (am_ledger_recovered is called). Before the first fork, or in the holder. The messages of errors
 * say what to do. AM_E_IO, AM_E_MEMORY, AM_E_INVALID (keys, robots, rates), AM_E_LIMIT (sizes, or
 * no room on the tmpfs), AM_E_VERSION and AM_E_CORRUPT (a shared file of another version or
 * damaged: nothing is changed). */
enum am_code am_event_service_open(const struct am_event_options *options,
                                   struct am_event_service **service,
                                   struct am_event_recovered *recovered,
                                   struct am_error *error);
void am_event_service_close(struct am_event_service *service); /* NULL is fine */

/* Bytes of tmpfs that the shared file takes, without the tables of names: for the line that a start
 * logs. */
uint64_t am_event_service_bytes(const struct am_event_options *options);

/* How many placements its ring holds. */
uint64_t am_event_service_placements(const struct am_event_options *options);

/* How far back repeated events are recognised, seconds; and names of ads that this process
 * could not keep. */
int64_t am_event_service_ring_seconds(const struct am_event_service *service);
uint64_t am_event_service_names_lost(const struct am_event_service *service);

struct am_journal *am_event_service_journal(struct am_event_service *service);

/* A mule of each instance, each second: rereads the keys file when it has changed. The keys in use
 * stay where the new file is bad: AM_E_IO, AM_E_INVALID, AM_E_LIMIT, once for each change. */
enum am_code am_event_service_second(struct am_event_service *service, struct am_error *error);

/* ---- workers ------------------------------------------------------------------------------------
 */

struct am_event_worker;

/* For one thread, with its slot of the ledger, which must outlive it. AM_E_IO, AM_E_MEMORY. */
enum am_code am_event_worker_new(struct am_event_service *service,
                                 struct am_ledger_worker *ledger_worker,
                                 struct am_event_worker **worker,
                                 struct am_error *error);
void am_event_worker_free(struct am_event_worker *worker); /* flushes; NULL is fine */

/* Writes lines and names that wait. Any thread of the process. */
void am_event_worker_flush(struct am_event_worker *worker);

/* What a decision needs of the ledger, and for how many seconds it reserves a placement. */
struct am_ledger *am_event_worker_ledger(const struct am_event_worker *worker);
struct am_ledger_worker *am_event_worker_of_ledger(const struct am_event_worker *worker);
uint32_t am_event_worker_reserve(const struct am_event_worker *worker, bool bids);

/* The same for lines alone, in a process that ends, where the calling thread may have been
 * interrupted while it had the writer: gives up after a tenth of a second. */
void am_event_worker_flush_at_end(struct am_event_worker *worker);

/* For lines of other rooms (am_journal_begin .. am_journal_end). */
struct am_journal_writer *am_event_worker_writer(struct am_event_worker *worker);

#endif
