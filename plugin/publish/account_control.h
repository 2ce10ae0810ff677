/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the publish room: what operators change while the server runs (control/). */
/* Runs in: the mule, a thread of its own; am_account_control_apply in the process that publishes.
 */
#ifndef AM_PUBLISH_ACCOUNT_CONTROL_H
#define AM_PUBLISH_ACCOUNT_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>

#include "account_parts.h"

struct am_account_control {
    struct am_account *account;
    const _Atomic bool *holds;              /* whether this process holds the ledger */
    const struct am_account_worker *worker; /* of the holder, set while it holds */
    pthread_mutex_t *maps;                  /* for am_delivery_maps_refresh */
    void (*complain)(void *context, const struct am_error *error);
    void *context; /* of `complain` */
    bool settled;  /* no pause of the ledger lacks its override; of the control thread */
};

/* Waits for requests of `admatch control`, obeys them, and lifts pauses that have ended. */
void am_account_control_run(struct am_account_control *control) __attribute__((noreturn));

/* Pauses in the ledger what DIR/overrides.json has. AM_E_CORRUPT: it is damaged; AM_E_IO,
 * AM_E_MEMORY. */
enum am_code am_account_control_apply(struct am_account *account, struct am_error *error);

#endif
