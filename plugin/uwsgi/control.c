#include "control.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct am_publish_channel {
    _Atomic uint32_t number;
    struct am_publish_publication slots[2]; /* number n lies in slots[n % 2] */
};

struct am_publish_channel *am_publish_channel_new(struct am_error *error) {
    struct am_publish_channel *control =
        mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (control == MAP_FAILED) {
        am_error_set_errno(error, AM_E_MEMORY, "cannot share %zu bytes of memory", sizeof *control);
        return NULL;
    }
    return control;
}

void am_publish_channel_publish(struct am_publish_channel *control, const char *path, int64_t now) {
    uint32_t number = atomic_load(&control->number) + 1;
    struct am_publish_publication *slot = &control->slots[number % 2];
    slot->number = number;
    slot->published_at = now;
    snprintf(slot->path, sizeof slot->path, "%s", path);
    atomic_store(&control->number, number);
    syscall(SYS_futex, &control->number, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t am_publish_channel_number(const struct am_publish_channel *control) {
    return atomic_load_explicit(&control->number, memory_order_acquire);
}

/* The slot of the number read is rewritten only after the next number has been raised, so an
 * unchanged number proves the copy whole. */
void am_publish_channel_read(const struct am_publish_channel *control,
                             struct am_publish_publication *publication) {
    uint32_t number;
    do {
        number = am_publish_channel_number(control);
        memcpy(publication, &control->slots[number % 2], sizeof *publication);
        atomic_thread_fence(memory_order_acquire);
    } while (am_publish_channel_number(control) != number);
    publication->number = number;
}

void am_publish_channel_wait(struct am_publish_channel *control,
                             uint32_t number,
                             unsigned milliseconds) {
    struct timespec timeout = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    syscall(SYS_futex, &control->number, FUTEX_WAIT, number, &timeout, NULL, 0);
}
