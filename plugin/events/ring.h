/* SPDX-License-Identifier: Apache-2.0 */
/* Single use: four bits for each placement, in a ring by sequence number, in shared memory.
 *
 * Exact: a placement's bit is found by its number, so there is no hash and no false positive.
 * fetch_or tells the first event of a kind from its repeats.
 *
 *     sequence    oldest ............................ next .... cleared
 *     word        | 16 placements of 4 bits | 16 placements of 4 bits | ...     64 bits each
 *     block       64 KiB: 131,072 placements, cleared and saved as a whole
 *
 * Numbers from `cleared` minus the ring's size on are in the ring; the block that is cleared next
 * counts as expired already, so a claim under way never meets its clearing.
 *
 * Thread rule: am_event_ring_claim and am_event_ring_is_claimed by any thread of any process;
 * am_event_ring_advance too (it never waits); the rest by the ledger's holder. */
#ifndef AM_EVENTS_RING_H
#define AM_EVENTS_RING_H

#include <pthread.h>
#include <stdatomic.h>

#include "../base/error.h"
#include "journal.h"

enum {
    AM_EVENT_RING_BLOCK_BYTES = AM_BUFFER_SIZE(64 << 10, 64),
    AM_EVENT_RING_BLOCK = 2 * AM_EVENT_RING_BLOCK_BYTES, /* placements */
    AM_EVENT_RING_MIN_BLOCKS = 4,
    AM_EVENT_RING_MAX_BLOCKS = 1 << 16,
};

/* What happens to a placement once at most. */
enum am_event_ring_bit {
    AM_EVENT_RING_IMPRESSION,
    AM_EVENT_RING_CLICK,
    AM_EVENT_RING_VIEW,
    AM_EVENT_RING_BILL,
};

struct am_event_ring_block {
    _Atomic uint64_t first;   /* number of its first placement */
    _Atomic int64_t cleared;  /* seconds since 1970 */
    _Atomic uint32_t changed; /* since it was saved */
};

struct am_event_ring {
    uint64_t block_count;
    _Atomic uint64_t begin;                /* numbers below it are of no use: nobody knows them */
    _Atomic uint32_t saving;               /* a save has begun and has not come to its end */
    _Alignas(64) _Atomic uint64_t cleared; /* the first number that is not in the ring yet */
    _Alignas(64) pthread_mutex_t clearing; /* robust */
    struct am_event_ring_block blocks[];   /* then the words, from the next multiple of 4,096 on */
};

/* Bytes of shared memory of a ring that holds `bytes` bytes of bits, rounded down to blocks.
 * 0: fewer than AM_EVENT_RING_MIN_BLOCKS, or more than the maximum. */
size_t am_event_ring_size(uint64_t bytes);

/* Fills in new shared memory (zeroed). `next` is the number of the first placement to come; those
 * before it are outside until am_event_ring_load knows about them. */
void am_event_ring_start(struct am_event_ring *ring, uint64_t bytes, uint64_t next, int64_t now);

enum am_event_claim {
    AM_EVENT_FIRST,
    AM_EVENT_REPEAT,
    AM_EVENT_OUTSIDE, /* no longer, or not yet, in the ring */
};

/* Claims a bit; exactly one caller learns that it is the first. */
enum am_event_claim
am_event_ring_claim(struct am_event_ring *ring, uint64_t sequence, enum am_event_ring_bit bit);

/* The same without claiming: AM_EVENT_FIRST when nobody has. */
enum am_event_claim
am_event_ring_look(struct am_event_ring *ring, uint64_t sequence, enum am_event_ring_bit bit);

/* Clears ahead, so that the ring has room for the next `wanted` placements behind `next` (at least
 * for a block; never so much that more than a quarter of the ring is empty). The holder calls it
 * each second; a worker that has taken a number calls it with `wanted` 0, which costs one load
 * unless the holder is late. Returns whether there is room for `next`. */
bool am_event_ring_advance(struct am_event_ring *ring, uint64_t next, uint64_t wanted, int64_t now);

/* How far back repeated events are recognised. */
int64_t am_event_ring_seconds(const struct am_event_ring *ring, int64_t now);

/* ---- across a reboot ----------------------------------------------------------------------------
 *
 *     DIR/ring        the blocks' bits, two places for each
 *     DIR/ring-index  which placements each block of that file is of, in which of its places, with
 *                     a checksum; and how far each lane of the log had come. Replaced as a whole,
 *                     by rename, when all blocks are on the disk
 *
 * What came after the save is set again from the log. */

/* Saves the blocks that changed since the last call. `lanes` are the log's lanes as they were
 * before any bit is copied. AM_E_IO; the last save then stays good. */
enum am_code am_event_ring_save(struct am_event_ring *ring,
                                int folder,
                                const struct am_journal_position *lanes,
                                uint32_t lane_count,
                                struct am_error *error);

struct am_event_ring_loaded {
    struct am_journal_position *lanes; /* the caller's: from where the log must be replayed, by
                                          am_event_ring_restore; zeroed for those that the save does
                                          not know */
    uint32_t lane_count;
    uint64_t damaged; /* blocks; placements up to the last one's end are outside: expired */
};

/* Loads what was saved into a ring that was just started. A block whose checksum is wrong leaves
 * its placements, and all before them, outside: an event may be refused, none is counted twice.
 * Before the first placement there may be no save. AM_E_IO, AM_E_MEMORY, AM_E_NOT_FOUND;
 * AM_E_CORRUPT, AM_E_VERSION for an index that is damaged or of another version: then all older
 * placements stay outside. */
enum am_code am_event_ring_load(struct am_event_ring *ring,
                                int folder,
                                struct am_event_ring_loaded *loaded,
                                struct am_error *error);

/* Sets a bit that a line of the log tells of; numbers outside of the ring are passed over. */
void am_event_ring_restore(struct am_event_ring *ring,
                           uint64_t sequence,
                           enum am_event_ring_bit bit);

/* Removes what is saved of the ring: it is another account's. False: there was nothing. */
bool am_event_ring_forget(int folder);

#endif
