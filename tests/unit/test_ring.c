/* SPDX-License-Identifier: Apache-2.0 */
/* Single use: the ring of bits, its clearing, and its way across a reboot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/events/ring.h"

enum { BLOCKS = 6 };
#define BYTES ((uint64_t)BLOCKS * AM_EVENT_RING_BLOCK_BYTES)
#define BLOCK ((uint64_t)AM_EVENT_RING_BLOCK)

static struct am_event_ring *ring;
static char folder_name[64];
static int folder;

static struct am_event_ring *new_ring(uint64_t next, int64_t now) {
    struct am_event_ring *made = mmap(NULL, am_event_ring_size(BYTES), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(made != MAP_FAILED);
    am_event_ring_start(made, BYTES, next, now);
    return made;
}

static void free_ring(struct am_event_ring *old) {
    munmap(old, am_event_ring_size(BYTES));
}

static int set_up(void **state) {
    (void)state;
    strcpy(folder_name, "/tmp/admatch-test-ring-XXXXXX");
    ring = new_ring(0, 1000);
    if (!mkdtemp(folder_name))
        return -1;
    folder = open(folder_name, O_RDONLY | O_DIRECTORY);
    return 0;
}

static int tear_down(void **state) {
    char command[96];
    (void)state;
    free_ring(ring);
    close(folder);
    snprintf(command, sizeof command, "rm -rf %s", folder_name);
    return system(command);
}

static enum am_event_claim claim(uint64_t sequence) {
    return am_event_ring_claim(ring, sequence, AM_EVENT_RING_IMPRESSION);
}

static void sizes_are_whole_blocks_within_bounds(void **state) {
    (void)state;
    assert_int_equal(am_event_ring_size(0), 0);
    assert_int_equal(am_event_ring_size(UINT64_C(4) * AM_EVENT_RING_BLOCK_BYTES - 1), 0);
    assert_true(am_event_ring_size(UINT64_C(4) * AM_EVENT_RING_BLOCK_BYTES) >
                UINT64_C(4) * AM_EVENT_RING_BLOCK_BYTES);
    assert_int_equal(
        am_event_ring_size((uint64_t)(AM_EVENT_RING_MAX_BLOCKS + 1) * AM_EVENT_RING_BLOCK_BYTES),
        0);
}

static void each_bit_is_claimed_once(void **state) {
    (void)state;
    for (uint64_t sequence = 0; sequence < 100; sequence++)
        for (int bit = 0; bit < 4; bit++) {
            enum am_event_ring_bit which = (enum am_event_ring_bit)bit;
            assert_int_equal(am_event_ring_look(ring, sequence, which), AM_EVENT_FIRST);
            assert_int_equal(am_event_ring_claim(ring, sequence, which), AM_EVENT_FIRST);
            assert_int_equal(am_event_ring_claim(ring, sequence, which), AM_EVENT_REPEAT);
            assert_int_equal(am_event_ring_look(ring, sequence, which), AM_EVENT_REPEAT);
        }
}

static void numbers_that_were_not_given_out_are_outside(void **state) {
    (void)state;
    assert_int_equal(claim(2 * BLOCK - 1), AM_EVENT_FIRST);
    assert_int_equal(claim(2 * BLOCK), AM_EVENT_OUTSIDE);
    assert_int_equal(claim(UINT64_MAX), AM_EVENT_OUTSIDE);
    assert_int_equal(claim((UINT64_C(1) << 40) - 1), AM_EVENT_OUTSIDE);
}

static void numbers_before_the_ring_began_are_outside(void **state) {
    (void)state;
    free_ring(ring);
    ring = new_ring(3 * BLOCK + 5, 1000);
    assert_int_equal(claim(3 * BLOCK + 4), AM_EVENT_OUTSIDE);
    assert_int_equal(claim(3 * BLOCK + 5), AM_EVENT_FIRST);
    assert_int_equal(claim(0), AM_EVENT_OUTSIDE);
}

static void old_numbers_expire_as_the_ring_goes_on(void **state) {
    (void)state;
    uint64_t next = 0;
    for (; next < 40 * BLOCK; next += BLOCK / 4) {
        assert_true(am_event_ring_advance(ring, next, 0, 1000));
        assert_int_equal(claim(next), AM_EVENT_FIRST);
        assert_int_equal(claim(next), AM_EVENT_REPEAT);
        /* A third of the ring back, everything is still known. */
        if (next >= 2 * BLOCK)
            assert_int_equal(claim(next - 2 * BLOCK), AM_EVENT_REPEAT);
        if (next >= BLOCKS * BLOCK)
            assert_int_equal(claim(next - BLOCKS * BLOCK), AM_EVENT_OUTSIDE);
    }
}

static void clearing_ahead_leaves_most_of_the_ring(void **state) {
    (void)state;
    assert_true(am_event_ring_advance(ring, 10 * BLOCK, UINT64_MAX / 2, 1000));
    assert_int_equal(claim(10 * BLOCK), AM_EVENT_FIRST);
    assert_int_equal(claim(8 * BLOCK), AM_EVENT_FIRST);
    assert_int_equal(claim(10 * BLOCK + BLOCKS * BLOCK / 4 + BLOCK), AM_EVENT_OUTSIDE);
}

static void the_ring_says_how_far_back_it_knows(void **state) {
    (void)state;
    assert_int_equal(am_event_ring_seconds(ring, 1500), 500);
    for (uint64_t block = 0; block < 20; block++)
        am_event_ring_advance(ring, block * BLOCK, 0, 2000 + (int64_t)block);
    /* Cleared up to block 20 (a block ahead of 19), so the oldest that is known is block 16. */
    assert_int_equal(am_event_ring_seconds(ring, 2100), 2100 - 2015);
    assert_int_equal(am_event_ring_seconds(ring, 0), 0);
}

static void die_while_clearing(void) {
    if (fork() == 0) {
        pthread_mutex_lock(&ring->clearing);
        kill(getpid(), SIGKILL);
    }
    wait(NULL);
}

static void a_clearing_that_a_kill_interrupted_is_done_again(void **state) {
    (void)state;
    die_while_clearing();
    assert_true(am_event_ring_advance(ring, 7 * BLOCK, 0, 1000));
    assert_int_equal(claim(7 * BLOCK), AM_EVENT_FIRST);
    die_while_clearing();
    assert_true(am_event_ring_advance(ring, 9 * BLOCK, 0, 1000));
}

static void while_somebody_clears_nobody_waits(void **state) {
    (void)state;
    pthread_mutex_lock(&ring->clearing);
    assert_true(am_event_ring_advance(ring, 2 * BLOCK - 1, 0, 1000));
    assert_false(am_event_ring_advance(ring, 2 * BLOCK, 0, 1000));
    pthread_mutex_unlock(&ring->clearing);
}

/* ---- many threads of many processes ---- */

enum { RACERS = 4, RACED = 200000 };

struct race {
    _Atomic uint64_t won[RACERS];
    _Atomic uint32_t ready;
};

static void race_for_all(struct race *race, int racer) {
    uint64_t won = 0;
    atomic_fetch_add(&race->ready, 1);
    while (atomic_load(&race->ready) < RACERS)
        continue;
    for (uint64_t i = 0; i < RACED; i++)
        won += claim((i * 7919 + (uint64_t)racer * 13) % RACED) == AM_EVENT_FIRST;
    atomic_store(&race->won[racer], won);
}

static void of_many_processes_one_is_the_first(void **state) {
    struct race *race =
        mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t won = 0;
    (void)state;
    for (int racer = 0; racer < RACERS; racer++)
        if (fork() == 0) {
            race_for_all(race, racer);
            _exit(0);
        }
    while (wait(NULL) > 0)
        continue;
    for (int racer = 0; racer < RACERS; racer++)
        won += race->won[racer];
    assert_int_equal(won, RACED);
    munmap(race, sizeof *race);
}

/* ---- across a reboot ---- */

static struct am_journal_position lanes[3] = {{10, 100}, {0, 0}, {11, 7}};

static void save(void) {
    struct am_error error;
    if (am_event_ring_save(ring, folder, lanes, 3, &error) != AM_OK)
        fail_msg("%s", error.message);
}

/* A new ring, whose next number lies as far behind the last as the ledger's does. */
static void reboot(uint64_t next) {
    struct am_journal_position read[4];
    struct am_event_ring_loaded loaded = {read, 4, 0};
    struct am_error error;
    free_ring(ring);
    ring = new_ring(next, 5000);
    if (am_event_ring_load(ring, folder, &loaded, &error) != AM_OK)
        fail_msg("%s", error.message);
    assert_int_equal(loaded.damaged, 0);
    assert_memory_equal(read, lanes, sizeof lanes);
    assert_int_equal(read[3].number, 0);
}

static void what_was_claimed_stays_claimed_across_a_reboot(void **state) {
    (void)state;
    uint64_t last = 9 * BLOCK + 77;
    am_event_ring_advance(ring, last, 0, 2000);
    for (uint64_t sequence = 7 * BLOCK; sequence <= last; sequence += 3)
        assert_int_equal(claim(sequence), AM_EVENT_FIRST);
    save();
    reboot(last + BLOCK);
    for (uint64_t sequence = 7 * BLOCK; sequence <= last; sequence++)
        assert_int_equal(claim(sequence),
                         (sequence - 7 * BLOCK) % 3 ? AM_EVENT_FIRST : AM_EVENT_REPEAT);
    assert_int_equal(am_event_ring_seconds(ring, 2600), 600);
}

static void a_second_save_writes_what_has_changed(void **state) {
    (void)state;
    claim(5);
    save();
    claim(6);
    am_event_ring_claim(ring, 5, AM_EVENT_RING_CLICK);
    save();
    reboot(100);
    assert_int_equal(claim(5), AM_EVENT_REPEAT);
    assert_int_equal(claim(6), AM_EVENT_REPEAT);
    assert_int_equal(claim(7), AM_EVENT_FIRST);
    assert_int_equal(am_event_ring_look(ring, 5, AM_EVENT_RING_CLICK), AM_EVENT_REPEAT);
}

static void after_the_save_the_log_sets_bits_again(void **state) {
    (void)state;
    save();
    reboot(4 * BLOCK);
    am_event_ring_restore(ring, BLOCK, AM_EVENT_RING_VIEW);
    am_event_ring_restore(ring, 40 * BLOCK, AM_EVENT_RING_VIEW); /* outside: passed over */
    assert_int_equal(am_event_ring_claim(ring, BLOCK, AM_EVENT_RING_VIEW), AM_EVENT_REPEAT);
}

/* The bits of a lap that was overwritten must not come back as those of a later one. */
static void blocks_of_an_earlier_lap_are_not_loaded(void **state) {
    (void)state;
    for (uint64_t sequence = 0; sequence < 2 * BLOCK; sequence++)
        claim(sequence);
    save();
    reboot(BLOCKS * BLOCK + 5);
    for (uint64_t sequence = BLOCKS * BLOCK; sequence < (BLOCKS + 1) * BLOCK; sequence++)
        assert_int_equal(claim(sequence), AM_EVENT_FIRST);
}

/* A kill between the marks and the index must not make the next save leave these blocks out. */
static void a_save_that_a_kill_interrupted_is_made_up_for(void **state) {
    (void)state;
    save();
    claim(5);
    atomic_store(&ring->saving, 1);
    atomic_store(&ring->blocks[0].changed, 0);
    save();
    assert_int_equal(atomic_load(&ring->saving), 0);
    reboot(100);
    assert_int_equal(claim(5), AM_EVENT_REPEAT);
}

/* A crash in the middle of a save: new bits, and the index of before. */
static void a_save_that_a_crash_cut_short_leaves_the_last_one_good(void **state) {
    char index[4096];
    (void)state;
    claim(5);
    save();
    int file = openat(folder, "ring-index", O_RDONLY);
    ssize_t size = pread(file, index, sizeof index, 0);
    close(file);
    claim(6);
    save();
    file = openat(folder, "ring-index", O_WRONLY | O_TRUNC);
    assert_int_equal(pwrite(file, index, (size_t)size, 0), size);
    close(file);
    reboot(100);
    assert_int_equal(claim(5), AM_EVENT_REPEAT);
}

static enum am_code load_anew(uint64_t next, struct am_error *error, uint64_t *damaged) {
    struct am_journal_position read[3];
    struct am_event_ring_loaded loaded = {read, 3, 0};
    free_ring(ring);
    ring = new_ring(next, 1);
    enum am_code code = am_event_ring_load(ring, folder, &loaded, error);
    *damaged = loaded.damaged;
    return code;
}

static void without_a_save_older_placements_are_outside(void **state) {
    struct am_error error;
    uint64_t damaged;
    (void)state;
    assert_int_equal(load_anew(0, &error, &damaged), AM_OK);
    assert_int_equal(load_anew(BLOCK, &error, &damaged), AM_E_NOT_FOUND);
    assert_string_equal(error.message, "cannot open ring-index: No such file or directory");
    assert_int_equal(claim(BLOCK - 1), AM_EVENT_OUTSIDE);
}

static void spoil(const char *name, off_t at, const void *bytes, size_t size) {
    int file = openat(folder, name, O_WRONLY);
    assert_int_equal(pwrite(file, bytes, size, at), (ssize_t)size);
    close(file);
}

static void assert_load_fails(enum am_code code, const char *message) {
    struct am_error error;
    uint64_t damaged;
    assert_int_equal(load_anew(BLOCK, &error, &damaged), code);
    assert_string_equal(error.message, message);
    assert_int_equal(claim(5), AM_EVENT_OUTSIDE);
}

static void damaged_saves_are_refused_and_nothing_old_is_counted(void **state) {
    (void)state;
    uint64_t version = 7;
    claim(5);
    save();
    spoil("ring-index", 8, &version, sizeof version);
    assert_load_fails(AM_E_VERSION, "ring-index has version 7: expected 2");
    save();
    spoil("ring-index", 17, "x", 1);
    assert_load_fails(AM_E_CORRUPT, "ring-index is damaged");
    save();
    spoil("ring-index", 0, "x", 1);
    assert_load_fails(AM_E_CORRUPT, "ring-index is no index of a ring");
    save();
    assert_int_equal(truncate((strcat(folder_name, "/ring-index"), folder_name), 20), 0);
    *strrchr(folder_name, '/') = '\0';
    assert_load_fails(AM_E_CORRUPT, "ring-index is cut short");
    save();
    assert_int_equal(unlinkat(folder, "ring", 0), 0);
    assert_load_fails(AM_E_IO, "cannot open ring: No such file or directory");
}

/* The ring is saved with placements of its blocks 7 to 9; then DIR/ring is spoilt by `spoiler`. */
static void save_and_spoil(void (*spoiler)(int file)) {
    am_event_ring_advance(ring, 9 * BLOCK + 77, 0, 2000);
    for (uint64_t sequence = 7 * BLOCK; sequence < 9 * BLOCK + 77; sequence++)
        claim(sequence);
    save();
    int file = openat(folder, "ring", O_RDWR);
    spoiler(file);
    close(file);
}

static void zero_it(int file) {
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(ftruncate(file, status.st_size), 0);
}

static void empty_it(int file) {
    assert_int_equal(ftruncate(file, 0), 0);
}

static void cut_it(int file) {
    assert_int_equal(ftruncate(file, 100), 0);
}

/* The eighth block in the ring's order, whichever of its places counts. */
static void spoil_one_block(int file) {
    uint64_t block = 8 % BLOCKS;
    for (uint64_t place = 0; place < 2; place++)
        assert_int_equal(pwrite(file, "\0\1\2", 3,
                                (off_t)((2 * block + place) * AM_EVENT_RING_BLOCK_BYTES + 4711)),
                         3);
}

static void of_a_spoilt_ring_nothing_counts_twice(void **state) {
    void (*const spoilers[])(int) = {zero_it, empty_it, cut_it};
    struct am_error error;
    uint64_t damaged;
    for (size_t i = 0; i < AM_COUNT_OF(spoilers); i++) {
        tear_down(state);
        set_up(state);
        save_and_spoil(spoilers[i]);
        assert_int_equal(load_anew(10 * BLOCK, &error, &damaged), AM_OK);
        assert_true(damaged > 0);
        for (uint64_t sequence = 7 * BLOCK; sequence < 9 * BLOCK + 77; sequence++)
            assert_int_equal(claim(sequence), AM_EVENT_OUTSIDE);
        assert_int_equal(claim(10 * BLOCK), AM_EVENT_FIRST);
    }
}

static void of_one_spoilt_block_later_placements_stay(void **state) {
    struct am_error error;
    uint64_t damaged;
    (void)state;
    save_and_spoil(spoil_one_block);
    assert_int_equal(load_anew(9 * BLOCK + 500, &error, &damaged), AM_OK);
    assert_int_equal(damaged, 1);
    assert_int_equal(claim(7 * BLOCK), AM_EVENT_OUTSIDE);
    assert_int_equal(claim(9 * BLOCK - 1), AM_EVENT_OUTSIDE);
    assert_int_equal(claim(9 * BLOCK), AM_EVENT_REPEAT);
    assert_int_equal(claim(9 * BLOCK + 100), AM_EVENT_FIRST);
}

static void every_cut_of_an_index_is_refused(void **state) {
    char index[4096];
    struct am_journal_position read[3];
    struct am_event_ring_loaded loaded = {read, 3, 0};
    struct am_error error;
    (void)state;
    save();
    int file = openat(folder, "ring-index", O_RDWR);
    ssize_t size = pread(file, index, sizeof index, 0);
    assert_true(size > 0 && size < (ssize_t)sizeof index);
    for (ssize_t cut = size - 1; cut > 0; cut--) {
        assert_int_equal(ftruncate(file, cut), 0);
        assert_int_equal(am_event_ring_load(ring, folder, &loaded, &error), AM_E_CORRUPT);
    }
    close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(sizes_are_whole_blocks_within_bounds),
        TEST(each_bit_is_claimed_once),
        TEST(numbers_that_were_not_given_out_are_outside),
        TEST(numbers_before_the_ring_began_are_outside),
        TEST(old_numbers_expire_as_the_ring_goes_on),
        TEST(clearing_ahead_leaves_most_of_the_ring),
        TEST(the_ring_says_how_far_back_it_knows),
        TEST(a_clearing_that_a_kill_interrupted_is_done_again),
        TEST(while_somebody_clears_nobody_waits),
        TEST(of_many_processes_one_is_the_first),
        TEST(what_was_claimed_stays_claimed_across_a_reboot),
        TEST(a_second_save_writes_what_has_changed),
        TEST(after_the_save_the_log_sets_bits_again),
        TEST(blocks_of_an_earlier_lap_are_not_loaded),
        TEST(without_a_save_older_placements_are_outside),
        TEST(a_save_that_a_kill_interrupted_is_made_up_for),
        TEST(a_save_that_a_crash_cut_short_leaves_the_last_one_good),
        TEST(of_a_spoilt_ring_nothing_counts_twice),
        TEST(of_one_spoilt_block_later_placements_stay),
        TEST(damaged_saves_are_refused_and_nothing_old_is_counted),
        TEST(every_cut_of_an_index_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
