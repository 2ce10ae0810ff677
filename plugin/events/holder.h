/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's holder does for the events: each function names its interval and the kind of
 * thread it may run in. One holder a ledger, so none of them runs twice at a time. */
#ifndef AM_EVENTS_HOLDER_H
#define AM_EVENTS_HOLDER_H

#include "handle.h"

struct am_event_holder {
    struct am_event_service *service;
    struct am_event_worker *worker; /* of the thread that calls am_event_hold_second */
    _Atomic int64_t steady_since;   /* by the boot clock, microseconds: no jump since then */
    int64_t ahead;                  /* of the wall clock before the boot clock, microseconds */
    uint64_t sequence;              /* a second ago */
    uint64_t told_lost;             /* lines that a gap line has told of */
    int64_t lost_since;             /* microseconds; 0: nothing is lost */
    int64_t try_again;              /* to say so, microseconds */
    int64_t counters_hour;          /* in which counters were logged last */
    _Atomic bool counters_due;
};

/* After am_ledger_hold. `worker` is the calling thread's; `recovered` is what am_event_service_open
 * found in this process, and is reported in the log; NULL: nothing to report. */
void am_event_hold(struct am_event_holder *holder,
                   struct am_event_service *service,
                   struct am_event_worker *worker,
                   const struct am_event_recovered *recovered);

/* Each second, in the thread of the step: clears the ring ahead, renews the salt of click rates,
 * closes idle files, and says in the log what could not be written, once there is room again. Takes
 * microseconds, but where the line must be written. AM_E_IO. */
enum am_code am_event_hold_second(struct am_event_holder *holder, struct am_error *error);

/* Whether lines of counters should be logged: an hour has begun, the clock was put back, or lines
 * were lost and there is room again. Any thread. */
bool am_event_hold_counters_due(const struct am_event_holder *holder);

/* Logs the counters of now, when they are due. In a thread that may wait for a
 * disk: takes some microseconds a record. AM_E_MEMORY; AM_E_IO: the log has no room. */
enum am_code am_event_hold_counters(struct am_event_holder *holder, struct am_error *error);

/* After a step that reports `unfinished`, in the same thread: writes the lines that killed workers
 * did not, and has the ledger count their events. */
void am_event_hold_finish(struct am_event_holder *holder);

/* Each minute, before am_ledger_snapshot, in a thread that may wait for a disk: saves the ring.
 * AM_E_IO, AM_E_MEMORY. */
enum am_code am_event_hold_save(struct am_event_holder *holder, struct am_error *error);

/* Each minute, in a thread that may wait for a disk, at low priority: compresses files of the log
 * for about ten seconds, indexes names, and removes what is older than `keep_days` (0: nothing) or
 * AM_EVENT_NAMES_DAYS. AM_E_IO, AM_E_MEMORY: the first that failed; the others are done. */
enum am_code am_event_hold_tidy(struct am_event_holder *holder,
                                uint32_t keep_days,
                                struct am_journal_tidied *tidied,
                                struct am_error *error);

/* Whether the wall clock has gone evenly for an hour. A clock that has just jumped may be wrong,
 * and by a wrong clock all files are old. */
bool am_event_hold_is_steady(const struct am_event_holder *holder);

#endif
