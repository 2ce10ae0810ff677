/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 with 128 bits, beside libcrypto's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "../../plugin/base/siphash.h"
#include "xorshift.h"

enum { SAMPLES = 20000, MOST = 300 };

static EVP_MAC_CTX *reference;
static uint64_t seed = XORSHIFT64_SEED;

static int set_up(void **state) {
    unsigned size = AM_SIPHASH_SIZE;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_end()};
    EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    (void)state;
    reference = siphash ? EVP_MAC_CTX_new(siphash) : NULL;
    EVP_MAC_free(siphash);
    return reference && EVP_MAC_CTX_set_params(reference, parameters) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    EVP_MAC_CTX_free(reference);
    return 0;
}

static void assert_as_reference(const uint8_t *key, const uint8_t *bytes, size_t size, size_t cut) {
    uint8_t wanted[AM_SIPHASH_SIZE], found[AM_SIPHASH_SIZE];
    size_t written = 0;
    assert_true(EVP_MAC_init(reference, key, AM_SIPHASH_KEY, NULL));
    assert_true(EVP_MAC_update(reference, bytes, size));
    assert_true(EVP_MAC_final(reference, wanted, &written, sizeof wanted));
    assert_int_equal(written, sizeof wanted);
    struct am_siphash hash = am_siphash_start(key);
    am_siphash_add(&hash, bytes, cut);
    am_siphash_add(&hash, bytes + cut, size - cut);
    am_siphash_end(hash, found);
    assert_memory_equal(found, wanted, sizeof wanted);
}

static void fill(uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)xorshift64(&seed);
}

static void every_length_hashes_as_by_libcrypto(void **state) {
    uint8_t key[AM_SIPHASH_KEY], bytes[MOST];
    (void)state;
    fill(key, sizeof key);
    fill(bytes, sizeof bytes);
    for (size_t size = 0; size <= MOST; size++)
        assert_as_reference(key, bytes, size, 0);
}

static void pieces_hash_as_the_whole(void **state) {
    uint8_t key[AM_SIPHASH_KEY], bytes[MOST];
    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        size_t size = xorshift64(&seed) % (MOST + 1);
        fill(key, sizeof key);
        fill(bytes, 16);
        assert_as_reference(key, bytes, size, xorshift64(&seed) % (size + 1));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_hashes_as_by_libcrypto),
        cmocka_unit_test(pieces_hash_as_the_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
