/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <errno.h>

enum { PAGE = 4096, PLACEMENTS_OF_WORD = 16, BITS = 4 };
enum { WORDS_OF_BLOCK = AM_EVENT_RING_BLOCK_BYTES / 8 };

static size_t head_size(uint64_t blocks) {
    size_t size = sizeof(struct am_event_ring) + blocks * sizeof(struct am_event_ring_block);
    return (size + PAGE - 1) / PAGE * PAGE;
}

static uint64_t blocks_of(uint64_t bytes) {
    uint64_t blocks = bytes / AM_EVENT_RING_BLOCK_BYTES;
    return blocks < AM_EVENT_RING_MIN_BLOCKS || blocks > AM_EVENT_RING_MAX_BLOCKS ? 0 : blocks;
}

size_t am_event_ring_size(uint64_t bytes) {
    uint64_t blocks = blocks_of(bytes);
    return blocks ? head_size(blocks) + blocks * AM_EVENT_RING_BLOCK_BYTES : 0;
}

static uint64_t placements(const struct am_event_ring *ring) {
    return ring->block_count * AM_EVENT_RING_BLOCK;
}

static _Atomic uint64_t *words_of(const struct am_event_ring *ring) {
    return (_Atomic uint64_t *)((uintptr_t)ring + head_size(ring->block_count));
}

static struct am_event_ring_block *block_of(struct am_event_ring *ring, uint64_t sequence) {
    return &ring->blocks[sequence / AM_EVENT_RING_BLOCK % ring->block_count];
}

void am_event_ring_start(struct am_event_ring *ring, uint64_t bytes, uint64_t next, int64_t now) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&ring->clearing, &attributes);
    pthread_mutexattr_destroy(&attributes);
    ring->block_count = blocks_of(bytes);
    if (ring->block_count == 0)
        return;
    /* The block of `next` and one ahead; behind them whatever was placed before, but for the block
     * that is cleared next. */
    uint64_t end = next / AM_EVENT_RING_BLOCK + 2;
    uint64_t first = end < ring->block_count ? 0 : end - ring->block_count + 1;
    for (; first < end; first++) {
        struct am_event_ring_block *block = &ring->blocks[first % ring->block_count];
        atomic_store(&block->first, first * AM_EVENT_RING_BLOCK);
        atomic_store(&block->cleared, now);
        atomic_store(&block->changed, 1);
    }
    atomic_store(&ring->begin, next);
    atomic_store(&ring->cleared, end * AM_EVENT_RING_BLOCK);
}

/* ---- claims ---- */

static bool is_inside(const struct am_event_ring *ring, uint64_t sequence) {
    uint64_t cleared = atomic_load_explicit(&ring->cleared, memory_order_acquire);
    /* Written so that no difference wraps. */
    return sequence < cleared && cleared - sequence <= placements(ring) - AM_EVENT_RING_BLOCK &&
           sequence >= atomic_load_explicit(&ring->begin, memory_order_relaxed);
}

static _Atomic uint64_t *
word_of(struct am_event_ring *ring, uint64_t sequence, unsigned bit, uint64_t *mask) {
    uint64_t index = sequence % placements(ring);
    *mask = UINT64_C(1) << (index % PLACEMENTS_OF_WORD * BITS + bit);
    return words_of(ring) + index / PLACEMENTS_OF_WORD;
}

enum am_event_claim
am_event_ring_claim(struct am_event_ring *ring, uint64_t sequence, enum am_event_ring_bit bit) {
    uint64_t mask;
    _Atomic uint64_t *word = word_of(ring, sequence, bit, &mask);
    if (!is_inside(ring, sequence))
        return AM_EVENT_OUTSIDE;
    if (atomic_fetch_or(word, mask) & mask)
        return AM_EVENT_REPEAT;
    struct am_event_ring_block *block = block_of(ring, sequence);
    if (!atomic_load_explicit(&block->changed, memory_order_relaxed))
        atomic_store(&block->changed, 1);
    /* A thread that slept through a whole block's clearing has set a bit of a later placement. */
    if (is_inside(ring, sequence))
        return AM_EVENT_FIRST;
    atomic_fetch_and(word, ~mask);
    return AM_EVENT_OUTSIDE;
}

enum am_event_claim
am_event_ring_look(struct am_event_ring *ring, uint64_t sequence, enum am_event_ring_bit bit) {
    uint64_t mask;
    _Atomic uint64_t *word = word_of(ring, sequence, bit, &mask);
    if (!is_inside(ring, sequence))
        return AM_EVENT_OUTSIDE;
    return (atomic_load(word) & mask) ? AM_EVENT_REPEAT : AM_EVENT_FIRST;
}

void am_event_ring_restore(struct am_event_ring *ring,
                           uint64_t sequence,
                           enum am_event_ring_bit bit) {
    (void)am_event_ring_claim(ring, sequence, bit);
}

/* ---- clearing ---- */

/* The caller has the mutex. A clearing that a kill interrupted is done again from its begin: no
 * number of that block was given out. */
static void clear_block(struct am_event_ring *ring, int64_t now) {
    uint64_t first = atomic_load(&ring->cleared);
    struct am_event_ring_block *block = block_of(ring, first);
    _Atomic uint64_t *word = words_of(ring) + first % placements(ring) / PLACEMENTS_OF_WORD;
    for (size_t i = 0; i < WORDS_OF_BLOCK; i++)
        atomic_store_explicit(&word[i], 0, memory_order_relaxed);
    atomic_store(&block->first, first);
    atomic_store(&block->cleared, now);
    atomic_store(&block->changed, 1);
    atomic_store_explicit(&ring->cleared, first + AM_EVENT_RING_BLOCK, memory_order_release);
}

bool am_event_ring_advance(struct am_event_ring *ring,
                           uint64_t next,
                           uint64_t wanted,
                           int64_t now) {
    uint64_t most = placements(ring) / 4;
    uint64_t end = next + (wanted < AM_EVENT_RING_BLOCK ? AM_EVENT_RING_BLOCK
                           : wanted > most              ? most
                                                        : wanted);
    if (__builtin_expect(atomic_load(&ring->cleared) >= end, 1))
        return true;
    int locked = pthread_mutex_trylock(&ring->clearing);
    if (locked == EOWNERDEAD)
        locked = pthread_mutex_consistent(&ring->clearing);
    if (locked == 0) {
        while (atomic_load(&ring->cleared) < end)
            clear_block(ring, now);
        pthread_mutex_unlock(&ring->clearing);
    }
    return next < atomic_load(&ring->cleared);
}

int64_t am_event_ring_seconds(const struct am_event_ring *ring, int64_t now) {
    uint64_t cleared = atomic_load(&ring->cleared), begin = atomic_load(&ring->begin);
    uint64_t kept = placements(ring) - AM_EVENT_RING_BLOCK;
    uint64_t oldest = cleared > kept && cleared - kept > begin ? cleared - kept : begin;
    const struct am_event_ring_block *block =
        &ring->blocks[oldest / AM_EVENT_RING_BLOCK % ring->block_count];
    int64_t since = atomic_load(&block->cleared);
    return since < now ? now - since : 0;
}
