/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the publish room: what an account consists of. */
/* Runs in: the process that account.h says of each. */
#ifndef AM_PUBLISH_ACCOUNT_PARTS_H
#define AM_PUBLISH_ACCOUNT_PARTS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "../delivery/map.h"
#include "account.h"

struct tending;
struct flusher;

struct am_account {
    const struct am_account_options *options;
    struct am_metrics *metrics;
    const struct am_publish_sink *sink;
    struct am_timezones *zones; /* for days */
    struct am_ledger *ledger;   /* NULL: not open */
    struct am_event_service *service;
    struct am_delivery_map *map;     /* of what this process has published last */
    pid_t opener;                    /* the process that opened them; its children share its keys */
    struct tending *_Atomic tending; /* am_account_tend; NULL: not in this process */
    struct flusher *_Atomic flusher; /* am_account_work; likewise */
    struct am_account_worker publisher; /* of the process that publishes: for its log lines */
};

/* Registers the process, after its fork; in a thread that lives as long as it. */
enum am_code am_account_join(struct am_account *account, struct am_error *error);

enum am_code am_account_worker_new(struct am_account *account,
                                   struct am_account_worker *worker,
                                   struct am_error *error);
void am_account_worker_free(struct am_account_worker *worker);

/* The worker of this thread, by which records that it makes or frees are logged. */
extern _Thread_local struct am_event_worker *am_account_thread_worker;

#endif
