/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of connections, to the second: a hashed timer wheel (Varghese and Lauck, "Hashed and
 * Hierarchical Timing Wheels", SOSP 1987, scheme 6).
 *
 * The wheel has a slot for each of the next seconds. A slot lists the timers to check in its
 * second: those due then, and those postponed since, which move to a later slot. So postponing a
 * deadline, as each request of a kept connection does, stores one number and touches no list; only
 * an earlier deadline moves the timer at once.
 *
 * Any monotonic clock, in seconds. */
/* Runs in: a worker, the loop's thread. */
#ifndef AM_UWSGI_LOOP_WHEEL_H
#define AM_UWSGI_LOOP_WHEEL_H

#include <stdint.h>

enum { AM_LOOP_WHEEL_SLOTS = 256 }; /* a power of two */

/* Embedded in what it times. All zero: not set. */
struct am_loop_timer {
    struct am_loop_timer *next, *previous; /* the ring of its slot; NULL: not set */
    int64_t deadline;
    int64_t listed; /* the second of its slot; not after `deadline` */
};

struct am_loop_wheel {
    struct am_loop_timer slots[AM_LOOP_WHEEL_SLOTS]; /* the rings' heads */
    int64_t now;                                     /* all slots before it are empty */
};

void am_loop_wheel_start(struct am_loop_wheel *wheel, int64_t now);

/* Sets or moves a timer. A deadline in the past expires next. */
void am_loop_wheel_set(struct am_loop_wheel *wheel, struct am_loop_timer *timer, int64_t deadline);

/* Does nothing when the timer is not set. */
void am_loop_wheel_cancel(struct am_loop_timer *timer);

/* Unsets and returns a timer whose deadline is not after `now`; NULL: none. */
struct am_loop_timer *am_loop_wheel_expire(struct am_loop_wheel *wheel, int64_t now);

#endif
