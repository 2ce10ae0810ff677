/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../host.h"

/* In order of precedence. */
enum reason {
    NOT_STOPPING,
    CHEAPED,  /* the master cleared manage_next_request: cheaper, max-worker-lifetime */
    RECYCLED, /* max-requests, reload-on-as, reload-on-rss */
    RELOADED, /* SIGHUP */
    ENDED,    /* SIGINT, SIGTERM */
};

static struct {
    atomic_int reason;
    int wake;
} stop;

static void raise_reason(enum reason reason) {
    int before = atomic_load(&stop.reason);
    while (before < (int)reason)
        if (atomic_compare_exchange_weak(&stop.reason, &before, (int)reason))
            break;
}

/* Also ends a pause (SIGTSTP), in which wsgi_req_setup would go on waiting. Async-signal-safe. */
static void wake_up(void) {
    uint64_t one = 1;
    uwsgi.workers[uwsgi.mywid].suspended = 0;
    if (write(stop.wake, &one, sizeof one) < 0)
        return; /* the counter is full, so the loop wakes up anyway */
}

static void on_signal(int number) {
    static volatile sig_atomic_t ending;
    if (number != SIGHUP && ending++)
        end_me(number); /* the second time */
    raise_reason(number == SIGHUP ? RELOADED : ENDED);
    wake_up();
}

static void on_wakeup(int number) {
    (void)number;
    if (!uwsgi.workers[uwsgi.mywid].manage_next_request)
        wake_up();
}

/* uWSGI calls it at the end of a request, in its thread. */
static void on_recycling(void) {
    raise_reason(RECYCLED);
    wake_up();
}

void am_loop_stop_start(int wake) {
    stop.wake = wake;
    uwsgi.gbcw_hook = on_recycling;
    uwsgi_unix_signal(SIGHUP, on_signal);
    uwsgi_unix_signal(SIGINT, on_signal);
    uwsgi_unix_signal(SIGTERM, on_signal);
    uwsgi_unix_signal(SIGWINCH, on_wakeup);
}

bool am_loop_stopping(void) {
    if (atomic_load_explicit(&stop.reason, memory_order_relaxed) != NOT_STOPPING)
        return true;
    return !uwsgi.workers[uwsgi.mywid].manage_next_request;
}

bool am_loop_stop_is_brutal(void) {
    return atomic_load(&stop.reason) == ENDED;
}

void am_loop_stop_begin(void) {
    enum reason reason = (enum reason)atomic_load(&stop.reason);
    if (reason == RELOADED || reason == RECYCLED)
        uwsgi.workers[uwsgi.mywid].manage_next_request = 0;
    if (reason == RELOADED)
        uwsgi_log("Gracefully killing worker %d (pid: %d)...\n", uwsgi.mywid, (int)uwsgi.mypid);
}

/* For requests with the variable UWSGI_TOUCH_RELOAD, as simple_loop_run does. */
static void pass_touch_on(void) {
    const struct uwsgi_worker *worker = &uwsgi.workers[uwsgi.mywid];
    if (!worker->destroy || uwsgi.workers[0].pid <= 0)
        return;
    if (!uwsgi.propagate_touch)
        exit(UWSGI_RELOAD_CODE);
    kill(uwsgi.workers[0].pid, SIGHUP);
}

void am_loop_stop_finish(void) {
    enum reason reason = (enum reason)atomic_load(&stop.reason);
    if (reason < RECYCLED || reason == RELOADED)
        if (uwsgi.workers[uwsgi.mywid].shutdown_sockets)
            uwsgi_shutdown_all_sockets();
    if (reason < RECYCLED)
        pass_touch_on();
    if (reason == RELOADED)
        exit(UWSGI_RELOAD_CODE);
    if (reason == RECYCLED) {
        uwsgi_log("...The work of process %d is done. Seeya!\n", (int)uwsgi.mypid);
        exit(0);
    }
    end_me(0);
    abort(); /* end_me does not return */
}
