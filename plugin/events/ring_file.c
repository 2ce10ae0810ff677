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

enum { VERSION = 2, PLACES = 2 };

/*      0       8         16      24            32           40
 *      +-------+---------+-------+-------------+------------+---------------+------------------+
 *      | magic | version | begin | block count | lane count | blocks        | lanes: number,   |
 *      |       |         |       |             |            | 32 bytes each | offset: 16 bytes |
 *      +-------+---------+-------+-------------+------------+---------------+------------------+
 *                                                           then XXH3-64 of all before it
 *
 * DIR/ring has two places for each block, side by side. A save writes the one that the index on the
 * disk does not name, so a crash in the middle of it leaves every checksum right. */
struct index_head {
    uint64_t magic, version, begin, block_count, lane_count;
};
struct index_block {
    uint64_t first;
    int64_t cleared;
    uint64_t check; /* XXH3-64 of the bits */
    uint64_t place; /* 0 or 1 */
};

static size_t index_size(uint64_t blocks, uint64_t lanes) {
    return sizeof(struct index_head) + sizeof(struct index_block) * blocks +
           sizeof(struct am_journal_position) * lanes + sizeof(uint64_t);
}

static struct index_head head_of(const char *index) {
    struct index_head head;
    memcpy(&head, index, sizeof head);
    return head;
}

static struct index_block *blocks_of(char *index) {
    return (struct index_block *)(void *)(index + sizeof(struct index_head));
}

static off_t place_of(uint64_t block, uint64_t place) {
    return (off_t)((PLACES * block + place) * AM_EVENT_RING_BLOCK_BYTES);
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

/* ---- the index on the disk ---- */

static enum am_code check_index(const char *index, size_t size, struct am_error *error) {
    uint64_t check;
    if (size < sizeof(struct index_head) + sizeof check)
        return am_error_set(error, AM_E_CORRUPT, INDEX_FILE " is cut short");
    struct index_head head = head_of(index);
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

/* A sound index, which the caller frees. AM_E_NOT_FOUND: there is none. */
static enum am_code read_index(int folder, char **index, struct am_error *error) {
    size_t most = index_size(AM_EVENT_RING_MAX_BLOCKS, AM_JOURNAL_MAX_LANES) + 1;
    *index = NULL;
    int file = openat(folder, INDEX_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                  "cannot open " INDEX_FILE);
    char *bytes = malloc(most);
    ssize_t size = bytes ? pread(file, bytes, most, 0) : 0;
    enum am_code code;
    if (!bytes)
        code = am_error_set(error, AM_E_MEMORY, "no memory for " INDEX_FILE);
    else if (size < 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot read " INDEX_FILE);
    else
        code = check_index(bytes, (size_t)size, error);
    close(file);
    if (code == AM_OK)
        *index = bytes;
    else
        free(bytes);
    return code;
}

/* ---- saving ---- */

/* A copy, since others set bits meanwhile and a file wants plain bytes. */
static void copy_block(struct am_event_ring *ring, uint64_t block, uint64_t *copy) {
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)block_bytes(ring, block);
    for (size_t i = 0; i < AM_EVENT_RING_BLOCK_BYTES / 8; i++)
        copy[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
}

/* Writes a block that has changed to the place that `entry`, the last save's, does not name, and
 * describes it there. */
static bool
save_block(struct am_event_ring *ring, int file, uint64_t block, struct index_block *entry) {
    uint64_t copy[AM_EVENT_RING_BLOCK_BYTES / 8];
    struct am_event_ring_block *state = &ring->blocks[block];
    /* The mark is taken before the bits, so that a bit set meanwhile marks it anew. */
    if (!atomic_exchange(&state->changed, 0))
        return true;
    uint64_t place = 1 - entry->place;
    *entry = (struct index_block){.first = atomic_load(&state->first),
                                  .cleared = atomic_load(&state->cleared),
                                  .place = place};
    copy_block(ring, block, copy);
    /* Cleared meanwhile: the bits are of two laps, and of use for neither. */
    if (atomic_load(&state->first) != entry->first)
        memset(copy, 0, sizeof copy);
    entry->check = XXH3_64bits(copy, sizeof copy);
    return am_journal_pwrite(file, (struct am_view){(const char *)copy, sizeof copy},
                             (uint64_t)place_of(block, place));
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

/* Blocks that were never used have nothing to save. */
static void mark_all(struct am_event_ring *ring) {
    for (uint64_t block = 0; block < ring->block_count; block++)
        if (atomic_load(&ring->blocks[block].cleared))
            atomic_store(&ring->blocks[block].changed, 1);
}

/* The entries of blocks that have not changed are those of the last save. Where there is none of
 * this ring's size, or it did not come to its end, all blocks count as changed. */
static enum am_code
take_entries(struct am_event_ring *ring, int folder, char *index, struct am_error *error) {
    char *last;
    enum am_code code = read_index(folder, &last, error);
    if (code == AM_E_MEMORY)
        return code;
    bool known = code == AM_OK && head_of(last).block_count == ring->block_count;
    if (known)
        memcpy(blocks_of(index), blocks_of(last), ring->block_count * sizeof(struct index_block));
    if (!known || atomic_load(&ring->saving))
        mark_all(ring);
    free(last);
    return AM_OK;
}

static enum am_code new_index(struct am_event_ring *ring,
                              int folder,
                              const struct am_journal_position *lanes,
                              uint32_t lane_count,
                              char **index,
                              struct am_error *error) {
    struct index_head head = {MAGIC, VERSION, atomic_load(&ring->begin), ring->block_count,
                              lane_count};
    *index = calloc(1, index_size(ring->block_count, lane_count));
    if (!*index)
        return am_error_set(error, AM_E_MEMORY, "no memory for saving the ring");
    memcpy(*index, &head, sizeof head);
    if (lane_count)
        memcpy(lanes_of(*index, ring->block_count), lanes, lane_count * sizeof *lanes);
    return take_entries(ring, folder, *index, error);
}

static bool save_all(struct am_event_ring *ring, int folder, int file, char *index, size_t size) {
    for (uint64_t block = 0; block < ring->block_count; block++)
        if (!save_block(ring, file, block, &blocks_of(index)[block]))
            return false;
    uint64_t check = XXH3_64bits(index, size - sizeof check);
    memcpy(index + size - sizeof check, &check, sizeof check);
    return fdatasync(file) == 0 && save_index(folder, index, size);
}

enum am_code am_event_ring_save(struct am_event_ring *ring,
                                int folder,
                                const struct am_journal_position *lanes,
                                uint32_t lane_count,
                                struct am_error *error) {
    char *index;
    enum am_code code = new_index(ring, folder, lanes, lane_count, &index, error);
    if (code != AM_OK) {
        free(index);
        return code;
    }
    atomic_store(&ring->saving, 1);
    int file = openat(folder, RING_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool saved =
        file >= 0 && save_all(ring, folder, file, index, index_size(ring->block_count, lane_count));
    if (saved)
        atomic_store(&ring->saving, 0);
    else
        am_error_set_errno(error, AM_E_IO, "cannot save the ring of placements");
    if (file >= 0)
        close(file);
    free(index);
    return saved ? AM_OK : AM_E_IO;
}

/* ---- loading ---- */

/* Where the entry's bits belong in the ring; false: to no block of it, they are too old. */
static bool find_block(const struct am_event_ring *ring,
                       const struct index_block *entry,
                       uint64_t block,
                       uint64_t block_count,
                       uint64_t *to) {
    *to = entry->first / AM_EVENT_RING_BLOCK % ring->block_count;
    return entry->first % AM_EVENT_RING_BLOCK == 0 && entry->place < PLACES &&
           entry->first / AM_EVENT_RING_BLOCK % block_count == block &&
           atomic_load(&ring->blocks[*to].first) == entry->first;
}

/* False: the bits are not those that were saved; then none of them are set. */
static bool load_block(struct am_event_ring *ring,
                       int file,
                       uint64_t block,
                       const struct index_block *entry,
                       uint64_t to) {
    char *bytes = block_bytes(ring, to);
    ssize_t size = pread(file, bytes, AM_EVENT_RING_BLOCK_BYTES, place_of(block, entry->place));
    if (size == AM_EVENT_RING_BLOCK_BYTES &&
        XXH3_64bits(bytes, AM_EVENT_RING_BLOCK_BYTES) == entry->check) {
        atomic_store(&ring->blocks[to].cleared, entry->cleared);
        return true;
    }
    memset(bytes, 0, AM_EVENT_RING_BLOCK_BYTES);
    return false;
}

/* Which placements of a damaged block had their events nobody knows, so all up to its end have
 * expired. Those to come, which nobody has counted yet, are sound. */
static void load_blocks(struct am_event_ring *ring,
                        int file,
                        char *index,
                        struct am_event_ring_loaded *loaded) {
    struct index_head head = head_of(index);
    uint64_t next = atomic_load(&ring->begin), begin = head.begin;
    for (uint64_t block = 0; block < head.block_count; block++) {
        const struct index_block *entry = &blocks_of(index)[block];
        uint64_t to;
        if (!find_block(ring, entry, block, head.block_count, &to) ||
            load_block(ring, file, block, entry, to))
            continue;
        loaded->damaged++;
        if (begin < entry->first + AM_EVENT_RING_BLOCK)
            begin = entry->first + AM_EVENT_RING_BLOCK;
    }
    atomic_store(&ring->begin, begin < next ? begin : next);
}

static enum am_code load(struct am_event_ring *ring,
                         int folder,
                         char *index,
                         struct am_event_ring_loaded *loaded,
                         struct am_error *error) {
    struct index_head head = head_of(index);
    int file = openat(folder, RING_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open " RING_FILE);
    load_blocks(ring, file, index, loaded);
    close(file);
    uint64_t lanes = loaded->lane_count < head.lane_count ? loaded->lane_count : head.lane_count;
    if (lanes)
        memcpy(loaded->lanes, lanes_of(index, head.block_count), lanes * sizeof *loaded->lanes);
    return AM_OK;
}

enum am_code am_event_ring_load(struct am_event_ring *ring,
                                int folder,
                                struct am_event_ring_loaded *loaded,
                                struct am_error *error) {
    char *index;
    loaded->damaged = 0;
    if (loaded->lane_count)
        memset(loaded->lanes, 0, loaded->lane_count * sizeof *loaded->lanes);
    enum am_code code = read_index(folder, &index, error);
    if (code == AM_E_NOT_FOUND && atomic_load(&ring->begin) == 0)
        return AM_OK; /* there are no placements yet */
    if (code == AM_OK)
        code = load(ring, folder, index, loaded, error);
    free(index);
    return code;
}

bool am_event_ring_forget(int folder) {
    bool was_there = unlinkat(folder, INDEX_FILE, 0) == 0;
    unlinkat(folder, RING_FILE, 0);
    return was_there;
}
