/* SPDX-License-Identifier: Apache-2.0 */
#include "priority.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    NICENESS = 10,
    LONG_SLICE = 100000000, /* nanoseconds, the longest that Linux grants */
    OFFER_NANOSECONDS = 100000,
    OFFER_SIGNAL = SIGURG,
};

/* The kernel's struct sched_attr, first version, under a name that no C library has. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* On Linux a thread has a niceness of its own. A thread with another policy keeps it. */
void am_publish_priority_background(void) {
    struct scheduling wanted = {.size = sizeof wanted,
                                .policy = SCHED_OTHER,
                                .nice = getpriority(PRIO_PROCESS, 0) + NICENESS,
                                .runtime = LONG_SLICE};
    if (sched_getscheduler(0) == SCHED_OTHER)
        (void)syscall(SYS_sched_setattr, 0, &wanted, 0);
}

/* ---- offers -----------------------------------------------------------------------------------
 */

static timer_t offers;
static bool offering;

static void offer(int unused) {
    (void)unused;
    sched_yield();
}

void am_publish_priority_begin_yielding(void) {
    const struct itimerspec often = {{0, OFFER_NANOSECONDS}, {0, OFFER_NANOSECONDS}};
    const struct sigaction action = {.sa_handler = offer, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = OFFER_SIGNAL};
    offering = sigaction(OFFER_SIGNAL, &action, NULL) == 0 &&
               timer_create(CLOCK_MONOTONIC, &event, &offers) == 0;
    if (offering)
        timer_settime(offers, 0, &often, NULL);
}

void am_publish_priority_end_yielding(void) {
    if (offering)
        timer_delete(offers);
    offering = false;
}
