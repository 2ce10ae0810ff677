/* SPDX-License-Identifier: Apache-2.0 */
/* The ring across a reboot: DIR/ring and DIR/ring-index. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "lane.h"
#include "ring.h"

#define RING_FILE "ring"
#define INDEX_FILE "ring-index"
#define INDEX_TEMPORARY "ring-index.new"
#define MAGIC UINT64_C(0x474E49524D44410A) /* "\nADMRING" */

enum { VERSION = 1 };

/*      0       8         16      24            32           40
 *      +-------+---------+-------+-------------+------------+-------------------+------------------+
 *      | magic | version | begin | block count | lane count | blocks: first and | lanes: number, |
 *      |       |         |       |             |            | time of clearing  | offset |
 *      +-------+---------+-------+-------------+------------+-------------------+------------------+
 *                                                   16 bytes each, then XXH3-64 of all before them
 */
struct index_head {
    uint64_t magic, version, begin, block_count, lane_count;
};
struct index_block {
    uint64_t first;
    int64_t cleared;
};

static size_t index_size(uint64_t blocks, uint64_t lanes) {
    return sizeof(struct index_head) + sizeof(struct index_block) * blocks +
           sizeof(struct am_journal_position) * lanes + sizeof(uint64_t);
}

static struct index_block *blocks_of(char *index) {
    return (struct index_block *)(void *)(index + sizeof(struct index_head));
}

static struct am_journal_position *lanes_of(char *index, uint64_t blocks) {
    return (struct am_journal_position *)(void *)(blocks_of(index) + blocks);
}

static char *block_bytes(struct am_event_ring *ring, uint64_t block) {
    uint64_t blocks = ring->block_count;
    uint64_t head =
        am_event_ring_size(blocks * AM_EVENT_RING_BLOCK_BYTES) - blocks * AM_EVENT_RING_BLOCK_BYTES;
    return (char *)ring + head + block * AM_EVENT_RING_BLOCK_BYTES;
}

/* ---- saving ---- */

/* A copy, since others set bits meanwhile and a file wants plain bytes. */
static void copy_block(struct am_event_ring *ring, uint64_t block, uint64_t *copy) {
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)block_bytes(ring, block);
    for (size_t i = 0; i < AM_EVENT_RING_BLOCK_BYTES / 8; i++)
        copy[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
}

static struct index_block describe(const struct am_event_ring *ring, uint64_t block) {
    return (struct index_block){atomic_load(&ring->blocks[block].first),
                                atomic_load(&ring->blocks[block].cleared)};
}

static bool
save_block(struct am_event_ring *ring, int file, uint64_t block, struct index_block *entry) {
    uint64_t copy[AM_EVENT_RING_BLOCK_BYTES / 8];
    /* The mark is taken before the bits, so that a bit set meanwhile marks it anew. */
    if (!atomic_exchange(&ring->blocks[block].changed, 0))
        return true;
    *entry = describe(ring, block);
    copy_block(ring, block, copy);
    /* Cleared meanwhile: the bits are of two laps, and of use for neither. */
    if (atomic_load(&ring->blocks[block].first) != entry->first)
        memset(copy, 0, sizeof copy);
    if (am_journal_pwrite(file, (struct am_view){(const char *)copy, sizeof copy},
                          block * AM_EVENT_RING_BLOCK_BYTES))
        return true;
    atomic_store(&ring->blocks[block].changed, 1);
    return false;
}

static bool save_index(int folder, const char *index, size_t size) {
    int file = openat(folder, INDEX_TEMPORARY,
                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return false;
    bool saved = am_journal_pwrite(file, (struct am_view){index, size}, 0) && fsync(file) == 0 &&
                 renameat(folder, INDEX_TEMPORARY, folder, INDEX_FILE) == 0 && fsync(folder) == 0;
    int error = errno;
    close(file);
    errno = error;
    return saved;
}

static char *new_index(const struct am_event_ring *ring,
                       const struct am_journal_position *lanes,
                       uint32_t lane_count) {
    struct index_head head = {MAGIC, VERSION, atomic_load(&ring->begin), ring->block_count,
                              lane_count};
    char *index = calloc(1, index_size(ring->block_count, lane_count));
    if (!index)
        return NULL;
    memcpy(index, &head, sizeof head);
    for (uint64_t block = 0; block < ring->block_count; block++)
        blocks_of(index)[block] = describe(ring, block);
    if (lane_count)
        memcpy(lanes_of(index, ring->block_count), lanes, lane_count * sizeof *lanes);
    return index;
}

static bool save_all(struct am_event_ring *ring, int folder, int file, char *index, size_t size) {
    for (uint64_t block = 0; block < ring->block_count; block++)
        if (!save_block(ring, file, block, &blocks_of(index)[block]))
            return false;
    uint64_t check = XXH3_64bits(index, size - sizeof check);
    memcpy(index + size - sizeof check, &check, sizeof check);
    return fdatasync(file) == 0 && save_index(folder, index, size);
}

/* After a failure all blocks are to be saved again: some may be on their way to the disk. */
static void mark_all(struct am_event_ring *ring) {
    for (uint64_t block = 0; block < ring->block_count; block++)
        atomic_store(&ring->blocks[block].changed, 1);
}

enum am_code am_event_ring_save(struct am_event_ring *ring,
                                int folder,
                                const struct am_journal_position *lanes,
                                uint32_t lane_count,
                                struct am_error *error) {
    char *index = new_index(ring, lanes, lane_count);
    if (!index)
        return am_error_set(error, AM_E_MEMORY, "no memory for saving the ring");
    int file = openat(folder, RING_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool saved =
        file >= 0 && save_all(ring, folder, file, index, index_size(ring->block_count, lane_count));
    if (!saved) {
        am_error_set_errno(error, AM_E_IO, "cannot save the ring of placements");
        mark_all(ring);
    }
    if (file >= 0)
        close(file);
    free(index);
    return saved ? AM_OK : AM_E_IO;
}

/* ---- loading ---- */

static enum am_code check_index(const char *index, size_t size, struct am_error *error) {
    struct index_head head;
    uint64_t check;
    if (size < sizeof head + sizeof check)
        return am_error_set(error, AM_E_CORRUPT, INDEX_FILE " is cut short");
    memcpy(&head, index, sizeof head);
    if (head.magic != MAGIC)
        return am_error_set(error, AM_E_CORRUPT, INDEX_FILE " is no index of a ring");
    if (head.version != VERSION)
        return am_error_set(error, AM_E_VERSION, INDEX_FILE " has version %llu: expected %d",
                            (unsigned long long)head.version, VERSION);
    memcpy(&check, index + size - sizeof check, sizeof check);
    if (head.block_count > AM_EVENT_RING_MAX_BLOCKS || head.lane_count > AM_JOURNAL_MAX_LANES ||
        size != index_size(head.block_count, head.lane_count) ||
        check != XXH3_64bits(index, size - sizeof check))
        return am_error_set(error, AM_E_CORRUPT, INDEX_FILE " is damaged");
    return AM_OK;
}

/* A block counts when it is of the placements that the ring's block is of. */
static enum am_code
load_blocks(struct am_event_ring *ring, int file, char *index, struct am_error *error) {
    struct index_head head;
    memcpy(&head, index, sizeof head);
    for (uint64_t block = 0; block < head.block_count; block++) {
        struct index_block entry = blocks_of(index)[block];
        uint64_t to = entry.first / AM_EVENT_RING_BLOCK % ring->block_count;
        if (entry.first % AM_EVENT_RING_BLOCK ||
            entry.first / AM_EVENT_RING_BLOCK % head.block_count != block ||
            atomic_load(&ring->blocks[to].first) != entry.first)
            continue;
        atomic_store(&ring->blocks[to].cleared, entry.cleared);
        char *bytes = block_bytes(ring, to);
        ssize_t size = pread(file, bytes, AM_EVENT_RING_BLOCK_BYTES,
                             (off_t)(block * AM_EVENT_RING_BLOCK_BYTES));
        if (size != AM_EVENT_RING_BLOCK_BYTES) {
            memset(bytes, 0, AM_EVENT_RING_BLOCK_BYTES);
            return am_error_set_errno(error, AM_E_IO, "cannot read " RING_FILE);
        }
    }
    return AM_OK;
}

static enum am_code load(struct am_event_ring *ring,
                         int folder,
                         char *index,
                         size_t size,
                         struct am_journal_position *lanes,
                         uint32_t lane_count,
                         struct am_error *error) {
    struct index_head head;
    enum am_code code = check_index(index, size, error);
    if (code != AM_OK)
        return code;
    int file = openat(folder, RING_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open " RING_FILE);
    code = load_blocks(ring, file, index, error);
    close(file);
    if (code != AM_OK)
        return code;
    memcpy(&head, index, sizeof head);
    atomic_store(&ring->begin, head.begin);
    if (lane_count)
        memcpy(lanes, lanes_of(index, head.block_count),
               (lane_count < head.lane_count ? lane_count : head.lane_count) * sizeof *lanes);
    return AM_OK;
}

enum am_code am_event_ring_load(struct am_event_ring *ring,
                                int folder,
                                struct am_journal_position *lanes,
                                uint32_t lane_count,
                                struct am_error *error) {
    size_t most = index_size(AM_EVENT_RING_MAX_BLOCKS, AM_JOURNAL_MAX_LANES) + 1;
    if (lane_count)
        memset(lanes, 0, lane_count * sizeof *lanes);
    int file = openat(folder, INDEX_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        return AM_OK;
    char *index = malloc(most);
    ssize_t size = file >= 0 && index ? pread(file, index, most, 0) : -1;
    enum am_code code =
        size < 0
            ? am_error_set_errno(error, index ? AM_E_IO : AM_E_MEMORY, "cannot read " INDEX_FILE)
            : load(ring, folder, index, (size_t)size, lanes, lane_count, error);
    if (file >= 0)
        close(file);
    free(index);
    return code;
}
