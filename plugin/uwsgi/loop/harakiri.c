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

static int64_t nearest(void) {
    int64_t nearest = 0;
    for (unsigned i = 0; i < cores.count; i++) {
        int64_t deadline = atomic_load(&cores.deadlines[i]);
        if (deadline && (!nearest || deadline < nearest))
            nearest = deadline;
    }
    return nearest;
}

/* Without a master uWSGI has the kernel's alarm, which set_harakiri sets. */
static void set_worker(void) {
    __atomic_store_n(&uwsgi.workers[uwsgi.mywid].harakiri, nearest(), __ATOMIC_RELAXED);
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
