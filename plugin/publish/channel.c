/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct am_publish_channel {
    _Atomic uint32_t number;
    struct am_publish_publication slots[2]; /* publication n is in slots[n % 2] */
};

_Static_assert(sizeof(struct am_publish_publication) % sizeof(uint64_t) == 0, "copied by words");

/* Copied by atomic words: a writer that overtakes a reader is no data race. */
static void store_publication(struct am_publish_publication *to,
                              const struct am_publish_publication *from) {
    const uint64_t *words = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *words; i++)
        __atomic_store_n((uint64_t *)to + i, words[i], __ATOMIC_RELAXED);
}

static void load_publication(struct am_publish_publication *to,
                             const struct am_publish_publication *from) {
    const uint64_t *words = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *to / sizeof *words; i++)
        ((uint64_t *)to)[i] = __atomic_load_n(words + i, __ATOMIC_RELAXED);
}

struct am_publish_channel *am_publish_channel_new(struct am_error *error) {
    struct am_publish_channel *channel =
        mmap(NULL, sizeof *channel, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (channel == MAP_FAILED) {
        am_error_set_errno(error, AM_E_MEMORY, "cannot share %zu bytes of memory", sizeof *channel);
        return NULL;
    }
    return channel;
}

void am_publish_channel_free(struct am_publish_channel *channel) {
    if (channel)
        munmap(channel, sizeof *channel);
}

void am_publish_channel_publish(struct am_publish_channel *channel,
                                const char *image,
                                int64_t now) {
    uint32_t number = atomic_load(&channel->number) + 1;
    struct am_publish_publication publication = {.number = number, .published_at = now};
    snprintf(publication.image, sizeof publication.image, "%s", image);
    store_publication(&channel->slots[number % 2], &publication);
    atomic_store(&channel->number, number);
    am_publish_channel_wake(channel);
}

void am_publish_channel_wake(struct am_publish_channel *channel) {
    syscall(SYS_futex, &channel->number, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t am_publish_channel_number(const struct am_publish_channel *channel) {
    return atomic_load_explicit(&channel->number, memory_order_acquire);
}

/* The slot of number n is rewritten only after n + 1 has been published, so an unchanged number
 * proves that the copy is whole. */
void am_publish_channel_read(const struct am_publish_channel *channel,
                             struct am_publish_publication *publication) {
    uint32_t number;
    do {
        number = am_publish_channel_number(channel);
        load_publication(publication, &channel->slots[number % 2]);
        atomic_thread_fence(memory_order_acquire);
    } while (am_publish_channel_number(channel) != number);
    publication->number = number;
}

void am_publish_channel_wait(struct am_publish_channel *channel,
                             uint32_t number,
                             unsigned milliseconds) {
    struct timespec timeout = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000};
    syscall(SYS_futex, &channel->number, FUTEX_WAIT, number, &timeout, NULL, 0);
}
