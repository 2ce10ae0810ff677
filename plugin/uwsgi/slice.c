#include "slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SLICE_NANOSECONDS = 100000, WORST_NICENESS = 19 };

/* The kernel's struct sched_attr, first version, under a name that no C library has. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

bool am_slice_idle(void) {
    const struct sched_param none = {.sched_priority = 0};
    return sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

bool am_slice_short(int less) {
    int nice = getpriority(PRIO_PROCESS, 0) + less;
    if (nice > WORST_NICENESS)
        nice = WORST_NICENESS;
    struct scheduling wanted = {
        .size = sizeof wanted, .policy = SCHED_OTHER, .nice = nice, .runtime = SLICE_NANOSECONDS};
    return syscall(SYS_sched_setattr, 0, &wanted, 0) == 0 ||
           setpriority(PRIO_PROCESS, 0, nice) == 0;
}
