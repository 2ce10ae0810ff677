#include "control.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct am_control {
    _Atomic uint32_t number;
    struct am_publication slots[2]; /* number n lies in slots[n % 2] */
};

struct am_control *am_control_new(struct am_error *error) {
    struct am_control *control =
        mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (control == MAP_FAILED) {
        am_error_set_errno(error, AM_E_MEMORY, "cannot share %zu bytes of memory", sizeof *control);
        return NULL;
    }
    return control;
}

void am_control_publish(struct am_control *control, const char *image, int64_t now) {
    uint32_t number = atomic_load(&control->number) + 1;
    struct am_publication *slot = &control->slots[number % 2];
    slot->number = number;
    slot->published_at = now;
    snprintf(slot->image, sizeof slot->image, "%s", image);
    atomic_store(&control->number, number);
    syscall(SYS_futex, &control->number, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t am_control_number(const struct am_control *control) {
    return atomic_load_explicit(&control->number, memory_order_acquire);
}

/* The slot of the number read is rewritten only after the next number has been raised, so an
 * unchanged number proves the copy whole. */
void am_control_read(const struct am_control *control, struct am_publication *publication) {
    uint32_t number;
    do {
        number = am_control_number(control);
        memcpy(publication, &control->slots[number % 2], sizeof *publication);
        atomic_thread_fence(memory_order_acquire);
    } while (am_control_number(control) != number);
    publication->number = number;
}

void am_control_wait(struct am_control *control, uint32_t number, unsigned milliseconds) {
    struct timespec timeout = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    syscall(SYS_futex, &control->number, FUTEX_WAIT, number, &timeout, NULL, 0);
}
