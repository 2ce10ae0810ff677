/* SPDX-License-Identifier: Apache-2.0 */
#include "wheel.h"

#include <stddef.h>

static struct am_loop_timer *slot_of(struct am_loop_wheel *wheel, int64_t second) {
    return &wheel->slots[(uint64_t)second % AM_LOOP_WHEEL_SLOTS];
}

void am_loop_wheel_start(struct am_loop_wheel *wheel, int64_t now) {
    wheel->now = now;
    for (unsigned i = 0; i < AM_LOOP_WHEEL_SLOTS; i++)
        wheel->slots[i] = (struct am_loop_timer){&wheel->slots[i], &wheel->slots[i], 0, 0};
}

/* A deadline beyond the last slot is checked there, and moves on. */
static void link_timer(struct am_loop_wheel *wheel, struct am_loop_timer *timer) {
    int64_t last = wheel->now + AM_LOOP_WHEEL_SLOTS - 1;
    int64_t second = timer->deadline < last ? timer->deadline : last;
    timer->listed = second > wheel->now ? second : wheel->now;
    struct am_loop_timer *head = slot_of(wheel, timer->listed);
    timer->next = head;
    timer->previous = head->previous;
    head->previous->next = timer;
    head->previous = timer;
}

void am_loop_wheel_set(struct am_loop_wheel *wheel, struct am_loop_timer *timer, int64_t deadline) {
    timer->deadline = deadline;
    if (timer->next && timer->listed <= deadline)
        return;
    am_loop_wheel_cancel(timer);
    link_timer(wheel, timer);
}

void am_loop_wheel_cancel(struct am_loop_timer *timer) {
    if (!timer->next)
        return;
    timer->next->previous = timer->previous;
    timer->previous->next = timer->next;
    timer->next = timer->previous = NULL;
}

struct am_loop_timer *am_loop_wheel_expire(struct am_loop_wheel *wheel, int64_t now) {
    for (;;) {
        struct am_loop_timer *head = slot_of(wheel, wheel->now), *timer = head->next;
        if (timer == head) {
            if (wheel->now >= now)
                return NULL;
            wheel->now++;
            continue;
        }
        am_loop_wheel_cancel(timer);
        if (timer->deadline <= now)
            return timer;
        link_timer(wheel, timer);
    }
}
