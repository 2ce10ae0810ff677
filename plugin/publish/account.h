/* SPDX-License-Identifier: Apache-2.0 */
/* The account of an instance: its ledger, and the events on top of it (admatch-ledger).
 *
 *     a child of the master, at start   am_account_open, am_account_publish: makes what is missing,
 *                                       recovers after a reboot, with the rights of the workers
 *     master, before it forks           am_account_open: maps what is there now, unless the master
 *                                       has other rights than its workers: then they open it
 *     each worker, after its fork       am_account_work
 *     mule                              am_account_tend; am_account_publish before each
 *                                       publication
 *
 * When the live file is removed, the instance must start anew: am_account_options.lost. */
/* Runs in: as listed above; open and publish in one thread of a process at a time. */
#ifndef AM_PUBLISH_ACCOUNT_H
#define AM_PUBLISH_ACCOUNT_H

#include "../api/counting.h"
#include "../delivery/map.h"
#include "metrics.h"
#include "sink.h"

struct am_account_options {
    const char *folder;    /* absolute: DIR */
    const char *inventory; /* absolute: the path that DIR belongs to */
    const char *keys;      /* a keys file; NULL: the ledger's own key */
    const char *robots;    /* more robots; NULL: the built-in list */
    const char *click_rates;
    bool click_first;
    uint32_t cells;      /* 0: twice what the first inventory needs; of a new live file only */
    uint32_t placements; /* in flight; 0: the default; likewise, as the next two */
    uint64_t caps_bytes; /* of the table of frequency caps */
    uint64_t ring_bytes;
    uint32_t reserve, reserve_bids; /* seconds; 0: the defaults */
    uint32_t log_keep;              /* days; 0: for ever */
    uint32_t terms;    /* search terms of a day in the reports; the rest is "(other)" */
    uint32_t contexts; /* of all workers: a new ledger has slots for twice as many */
    const struct am_api_counting *counting;
    /* Called once when the live file was removed: the instance must start anew, soon. In the mule,
     * any thread, as the next two. */
    void (*lost)(void);
    bool (*serving)(void); /* whether workers of this instance are about to end, and have not yet */
    void (*ended)(void);   /* called once after am_account_end: ends the process */
};

struct am_account;

/* Nothing is opened yet. `options` and what they point to outlive it. NULL: AM_E_MEMORY. */
struct am_account *am_account_new(const struct am_account_options *options,
                                  struct am_metrics *metrics,
                                  const struct am_publish_sink *sink,
                                  struct am_error *error);
void am_account_free(struct am_account *account); /* NULL is fine */

/* Opens ledger and events where they are not open yet; waits for another process that makes or
 * recovers them, for up to half a minute. `image` may be NULL; a new ledger takes its currency and
 * its size from it. Logs what a recovery found, and in the process that makes the ledger how much
 * shared memory it takes. Codes as am_ledger_open and am_event_service_open have them. */
enum am_code
am_account_open(struct am_account *account, const struct am_image *image, struct am_error *error);

/* Has every campaign and advertiser of an image counted from now on. `noticed` is when this version
 * of the inventory was first seen. AM_E_INVALID: the image is in
 * another currency, or an id has the key of another one's. AM_E_LIMIT: no room for more records. */
enum am_code am_account_publish(struct am_account *account,
                                const struct am_image *image,
                                int64_t noticed,
                                struct am_error *error);

/* The map of a published image's ads to their budgets, in the calling process, which closes it
 * (delivery/map.h); NULL where the account is not open. AM_E_NOT_FOUND: it is not there (yet).
 * AM_E_CORRUPT, AM_E_IO, AM_E_MEMORY. */
enum am_code am_account_open_map(struct am_account *account,
                                 const struct am_image *image,
                                 struct am_delivery_map **map,
                                 struct am_error *error);
/* Keeps the map of what is published from being removed, by having it open in this process; makes
 * it where it is gone. In the mule, which publishes. */
enum am_code am_account_keep_map(struct am_account *account,
                                 const struct am_image *image,
                                 struct am_error *error);

/* What one context counts by; NULL where there is none. */
struct am_account_worker {
    struct am_ledger_worker *ledger;
    struct am_event_worker *events;
};

/* In a process that serves, after its fork, in a thread that lives as long as it: makes `count`
 * workers, and a thread that writes out what waits in them. Waits up to ten seconds for slots.
 * AM_E_LIMIT, AM_E_IO, AM_E_MEMORY, AM_E_CHANGED: what was made stays in use. */
enum am_code am_account_work(struct am_account *account,
                             struct am_account_worker *workers,
                             unsigned count,
                             struct am_error *error);

/* In a process that has opened it for a moment: gives back what am_account_publish has taken. */
void am_account_leave(struct am_account *account);

/* Starts the threads that step the ledger, write to its disk and roll up its log while this process
 * holds it. In the
 * mule, before it lowers its priority. Returns at once; they run until the process ends. */
enum am_code am_account_tend(struct am_account *account, struct am_error *error);

/* In the same process, which is to end, any thread, also in a signal handler: has them wait for the
 * workers' end, ten seconds at most, save what this process holds, and call
 * am_account_options.ended. False: am_account_tend was not called, end at once. */
bool am_account_end(struct am_account *account);

/* In a process that serves and is about to end, any thread: writes lines of decisions that wait,
 * unless the thread was interrupted at that very work, within a tenth of a second. */
void am_account_flush(struct am_account *account);

#endif
