/* SPDX-License-Identifier: Apache-2.0 */
/* Interning tables stay fast whatever is put into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <xxhash.h>

#include "../../plugin/base/hash.h"
#include "../../plugin/base/intern.h"

enum { KEYS = 4000, PLACES = 1 << 16, FEW_PLACES = 64 };

/* With random places, at most two thirds of them taken, no key of this many is half so far away. */
enum { FARTHEST = 400 };

static char texts[KEYS][16];
static uint64_t numbers[KEYS];

static bool text_equal(const void *context, uint32_t id, const void *key) {
    (void)context;
    return am_view_equal(am_view_of(texts[id]), *(const struct am_view *)key);
}

static bool number_equal(const void *context, uint32_t id, const void *key) {
    (void)context;
    return numbers[id] == *(const uint64_t *)key;
}

/* The longest way from where a search begins to what it finds. */
AM_WRAPS static size_t farthest(const struct am_intern *table) {
    size_t most = 0;
    for (size_t at = 0; at < table->capacity; at++) {
        if (table->slots[at].id == UINT32_MAX)
            continue;
        size_t way = (at - table->slots[at].hash) & (table->capacity - 1);
        most = way > most ? way : most;
    }
    return most;
}

static void put(struct am_intern *table,
                struct am_keyed_hash hash,
                am_intern_equal *equal,
                const void *key,
                uint32_t id) {
    struct am_intern_slot *slot = am_intern_find(table, hash, equal, NULL, key);
    assert_non_null(slot);
    assert_int_equal(slot->id, UINT32_MAX);
    slot->id = id;
}

static void texts_chosen_to_collide_do_not(void **state) {
    (void)state;
    struct am_intern table = {0};
    for (uint32_t n = 0, found = 0; found < KEYS; n++) {
        int size = snprintf(texts[found], sizeof texts[found], "%x", n);
        if (XXH3_64bits(texts[found], (size_t)size) % PLACES >= FEW_PLACES)
            continue;
        struct am_view text = am_view_of(texts[found]);
        put(&table, am_keyed_hash(text), text_equal, &text, found++);
    }
    assert_true(farthest(&table) < FARTHEST);
    am_intern_free(&table);
}

static void numbers_chosen_to_collide_do_not(void **state) {
    (void)state;
    struct am_intern table = {0};
    uint32_t found = 0;
    for (uint64_t n = 0; found < KEYS; n++) {
        if (am_hash_mix(am_hash_mix(n, 0), 0) % PLACES >= FEW_PLACES)
            continue;
        numbers[found] = n;
        put(&table, am_keyed_hash_pair(n, 0), number_equal, &numbers[found], found);
        found++;
    }
    assert_true(farthest(&table) < FARTHEST);
    am_intern_free(&table);
}

/* Numbers that the mixer, without a key, makes the same of: one of its factors is 0. */
static void no_number_makes_the_others_the_same(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 100; n++) {
        assert_int_equal(am_hash_mix(AM_MIX_A, n), am_hash_mix(AM_MIX_A, 0));
        assert_true(am_keyed_hash_pair(AM_MIX_A, n).value != am_keyed_hash_pair(AM_MIX_A, 0).value);
        assert_true(am_keyed_hash_pair(n, AM_MIX_B).value != am_keyed_hash_pair(0, AM_MIX_B).value);
    }
}

static const char *program;

/* What another process makes of the same text. */
static uint64_t hash_elsewhere(void) {
    char command[512], line[32] = "";
    snprintf(command, sizeof command, "'%s' hash", program);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    assert_int_equal(pclose(output), 0);
    return strtoull(line, NULL, 16);
}

static void every_process_has_its_own_secret(void **state) {
    (void)state;
    uint64_t here = am_keyed_hash(AM_VIEW("text")).value, there = hash_elsewhere();
    assert_true(here != there);
    assert_true(there != hash_elsewhere());
    assert_int_equal(here, am_keyed_hash(AM_VIEW("text")).value);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1) {
        printf("%llx\n", (unsigned long long)am_keyed_hash(AM_VIEW("text")).value);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_chosen_to_collide_do_not),
        cmocka_unit_test(numbers_chosen_to_collide_do_not),
        cmocka_unit_test(no_number_makes_the_others_the_same),
        cmocka_unit_test(every_process_has_its_own_secret),
    };
    return cmocka_run_group_tests_name("intern", tests, NULL, NULL);
}
