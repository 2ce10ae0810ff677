/* Time as the plugin needs it. */
#ifndef AM_UWSGI_CLOCK_H
#define AM_UWSGI_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds on that clock (clock_gettime). */
static inline uint64_t am_uwsgi_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline int64_t am_uwsgi_clock_milliseconds(clockid_t clock) {
    return (int64_t)(am_uwsgi_clock(clock) / 1000000);
}

#endif
