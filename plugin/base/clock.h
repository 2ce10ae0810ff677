/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks as integers. */
#ifndef AM_BASE_CLOCK_H
#define AM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds on that clock (clock_gettime). Any thread. */
static inline uint64_t am_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline int64_t am_clock_milliseconds(clockid_t clock) {
    return (int64_t)(am_clock(clock) / 1000000);
}

/* Seconds since the epoch. */
static inline int64_t am_clock_seconds(void) {
    return (int64_t)time(NULL);
}

#endif
