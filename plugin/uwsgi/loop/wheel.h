/* Deadlines of connections, to the second: a hashed timer wheel (Varghese and Lauck, "Hashed and
 * Hierarchical Timing Wheels", SOSP 1987, scheme 6).
 *
 * The wheel has a slot for each of the next seconds. A slot lists the timers to look at when its
 * second comes: those that are due then, and those that have been put off since, which move on to
 * another slot. So putting off a deadline, as each request on a kept connection does, stores one
 * number and touches no list; only a deadline that comes nearer is linked anew.
 *
 * One thread at a time. Seconds are of any clock that does not go back. */
#ifndef AM_UWSGI_LOOP_WHEEL_H
#define AM_UWSGI_LOOP_WHEEL_H

#include <stdint.h>

enum { AM_LOOP_WHEEL_SLOTS = 256 }; /* a power of two */

/* Part of what it is the deadline of. All zero: not set. */
struct am_loop_timer {
    struct am_loop_timer *next, *previous; /* in its slot, a ring; NULL: not set */
    int64_t deadline;
    int64_t listed; /* the second of its slot; at most `deadline` */
};

struct am_loop_wheel {
    struct am_loop_timer slots[AM_LOOP_WHEEL_SLOTS]; /* the rings' heads */
    int64_t now;                                     /* all slots before it are empty */
};

void am_loop_wheel_start(struct am_loop_wheel *wheel, int64_t now);

/* Sets the timer, or moves it. A deadline that has passed is due at the next look. */
void am_loop_wheel_set(struct am_loop_wheel *wheel, struct am_loop_timer *timer, int64_t deadline);

/* Does nothing when the timer is not set. */
void am_loop_wheel_cancel(struct am_loop_timer *timer);

/* A timer whose deadline is `now` or before, no longer set; NULL when there is none. */
struct am_loop_timer *am_loop_wheel_expire(struct am_loop_wheel *wheel, int64_t now);

#endif
