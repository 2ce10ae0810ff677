/* SPDX-License-Identifier: Apache-2.0 */
#include "harakiri.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "../host.h"

static struct {
    _Atomic int64_t *deadlines; /* seconds since the epoch; 0: no request */
    unsigned count;
} cores;

bool am_loop_harakiri_start(unsigned count) {
    cores.count = count;
    cores.deadlines = calloc(count, sizeof *cores.deadlines);
    return cores.deadlines;
}

static int64_t earliest(void) {
    int64_t earliest = 0;
    for (unsigned i = 0; i < cores.count; i++) {
        int64_t deadline = atomic_load(&cores.deadlines[i]);
        if (deadline && (!earliest || deadline < earliest))
            earliest = deadline;
    }
    return earliest;
}

/* Without a master, uWSGI relies on alarm(2), which set_harakiri calls. */
static void set_worker(void) {
    __atomic_store_n(&uwsgi.workers[uwsgi.mywid].harakiri, earliest(), __ATOMIC_RELAXED);
}

void am_loop_harakiri_begin(unsigned core) {
    int seconds = uwsgi.harakiri_options.workers;
    if (seconds <= 0)
        return;
    atomic_store(&cores.deadlines[core], uwsgi_now() + seconds);
    set_harakiri(seconds);
    if (cores.count > 1)
        set_worker();
}

void am_loop_harakiri_end(unsigned core) {
    if (uwsgi.harakiri_options.workers <= 0)
        return;
    atomic_store(&cores.deadlines[core], 0);
    if (cores.count > 1)
        set_worker();
}
