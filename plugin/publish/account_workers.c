/* SPDX-License-Identifier: Apache-2.0 */
/* The workers of a process that serves, and the thread that writes out their lines of decisions,
 * ten times a second. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "account_parts.h"

enum { SLOT_TRIES = 100 }; /* a tenth of a second each */

static const struct timespec tenth = {0, 100000000};

enum { TENTHS = 10 };

struct flusher {
    struct am_account *account;
    struct am_account_worker *workers;
    unsigned count;
};

static void *flush(void *context) {
    const struct flusher *flusher = context;
    struct am_error error;
    bool own_keys = flusher->account->opener == getpid();
    for (unsigned round = 1;; round++) {
        nanosleep(&tenth, NULL);
        if (own_keys && round % TENTHS == 0)
            (void)am_event_service_second(flusher->account->service,
                                          &error); /* the mule complains */
        for (unsigned i = 0; i < flusher->count; i++)
            if (flusher->workers[i].events)
                am_event_worker_flush(flusher->workers[i].events);
    }
    return NULL;
}

static enum am_code start_flusher(struct am_account *account,
                                  struct am_account_worker *workers,
                                  unsigned count,
                                  struct am_error *error) {
    sigset_t all, before;
    pthread_t thread;
    struct flusher *flusher = malloc(sizeof *flusher);
    if (!flusher)
        return am_error_set(error, AM_E_MEMORY, "out of memory");
    *flusher = (struct flusher){account, workers, count};
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int status = pthread_create(&thread, NULL, flush, flusher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0) {
        atomic_store(&account->flusher, flusher);
        return AM_OK;
    }
    free(flusher);
    return am_error_set(error, AM_E_IO, "no thread to write the log of decisions");
}

/* Slots of processes that have just ended come back with the holder's next step. */
static enum am_code make_workers(struct am_account *account,
                                 struct am_account_worker *workers,
                                 unsigned count,
                                 struct am_error *error) {
    enum am_code code = AM_OK;
    unsigned made = 0;
    for (int try = 0; made < count && try < SLOT_TRIES;) {
        code = am_account_worker_new(account, &workers[made], error);
        if (code == AM_OK) {
            made++;
            continue;
        }
        if (code != AM_E_LIMIT)
            break;
        nanosleep(&tenth, NULL);
        try++;
    }
    return code;
}

enum am_code am_account_work(struct am_account *account,
                             struct am_account_worker *workers,
                             unsigned count,
                             struct am_error *error) {
    enum am_code code = am_account_open(account, NULL, error);
    if (code == AM_OK)
        code = am_account_join(account, error);
    if (code == AM_OK)
        code = make_workers(account, workers, count, error);
    if (code == AM_OK)
        code = start_flusher(account, workers, count, error);
    return code;
}

void am_account_flush(struct am_account *account) {
    const struct flusher *flusher = atomic_load(&account->flusher);
    for (unsigned i = 0; flusher && i < flusher->count; i++)
        if (flusher->workers[i].events)
            am_event_worker_flush_at_end(flusher->workers[i].events);
}
