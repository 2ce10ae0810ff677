/* SPDX-License-Identifier: Apache-2.0 */
#include "keyed.h"

#include <stdatomic.h>
#include <sys/auxv.h>
#include <xxhash.h>

#include "hash.h"

/* The kernel gives every program 16 random bytes when it starts (getauxval(3)). The C library makes
 * its canaries of them; no hash leaves the process that could give them away. */
static uint64_t make_secret(void) {
    const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    uint64_t secret = random ? XXH3_64bits(random, 16) : 0;
    return secret ? secret : 1;
}

/* Threads that come first at the same time store the same number. */
uint64_t am_keyed_secret(void) {
    static _Atomic uint64_t kept;
    uint64_t secret = atomic_load_explicit(&kept, memory_order_relaxed);
    if (!secret) {
        secret = make_secret();
        atomic_store_explicit(&kept, secret, memory_order_relaxed);
    }
    return secret;
}

struct am_keyed_hash am_keyed_hash(struct am_view text) {
    return (struct am_keyed_hash){XXH3_64bits_withSeed(text.data, text.size, am_keyed_secret())};
}

struct am_keyed_hash am_keyed_hash_pair(uint64_t first, uint64_t second) {
    uint64_t secret = am_keyed_secret();
    return (struct am_keyed_hash){am_hash_mix(am_hash_mix(first, secret), second ^ secret)};
}
