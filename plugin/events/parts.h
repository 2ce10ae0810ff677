/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the events room: what a service and a worker consist of. */
#ifndef AM_EVENTS_PARTS_H
#define AM_EVENTS_PARTS_H

#include "keys.h"
#include "names.h"
#include "rates.h"
#include "ring.h"
#include "robots.h"
#include "service.h"

struct am_event_service {
    struct am_ledger *ledger;
    struct am_journal journal;
    struct am_event_ring *ring;
    struct am_event_rates *rates;
    struct am_event_names *names;
    struct am_event_robots *robots;
    struct am_event_rate_limits rate_limits;
    bool click_first;
    uint32_t reserve, reserve_bids; /* seconds */

    struct am_token_keyring *keyring; /* shared by the processes of this instance */
    struct am_token_keys_stamp keys_stamp;
    const char *keys_path;
    uint8_t own_secret[16]; /* the ledger's own key, which never changes: users are hashed by it */

    int folder;   /* DIR */
    void *shared; /* the mapping of TMPFS/events */
    size_t shared_size;
    char log_path[4096]; /* the journal's name */
};

struct am_event_worker {
    struct am_event_service *service;
    struct am_ledger_worker *ledger_worker;
    struct am_journal_writer *writer;
    struct am_token_keys_copy keys;
};

/* The shared file's parts, after its head: offsets from its begin. */
struct am_event_shared_places {
    uint64_t journal, rates, ring, size;
};

/* Makes or maps TMPFS/events. *made: this process made it; then it has no name yet, and
 * am_event_shared_name gives it one when it is recovered. */
enum am_code am_event_shared_open(const struct am_event_options *options,
                                  struct am_event_service *service,
                                  bool *made,
                                  struct am_error *error);
/* AM_E_CHANGED: another process was faster; map again. */
enum am_code am_event_shared_name(const struct am_event_options *options, struct am_error *error);
void am_event_shared_close(struct am_event_service *service);
uint64_t am_event_shared_bytes(const struct am_event_options *options);

/* Saves the ring. [holder] AM_E_IO, AM_E_MEMORY. */
enum am_code am_event_save_ring(struct am_event_service *service, struct am_error *error);

/* Loads the ring where it is new, replays the log into it and into a ledger that is recovering. */
enum am_code am_event_recover(struct am_event_service *service,
                              bool ring_is_new,
                              struct am_event_recovered *recovered,
                              struct am_error *error);

#endif
