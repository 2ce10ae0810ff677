/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and the keys they are signed with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugin/events/keys.h"
#include "xorshift.h"

static uint64_t mutations = 200000; /* EVENTS_TOKENS in the environment: more */

static struct am_token_keys keys;
static char folder[] = "/tmp/admatch-test-token-XXXXXX";

static const struct am_token example = {
    .host = 7,
    .epoch = 3,
    .time = 1796121067,
    .sequence = UINT64_C(0x0102030405),
    .ad = UINT64_C(0x1122334455667788),
    .price = UINT64_C(1250000),
    .keyword = 0xCAFEF00D,
    .pricing = AM_PRICING_CPC,
    .bid = true,
    .position = 255,
};

static void set_secret(struct am_token_key *key, uint8_t first) {
    for (size_t i = 0; i < sizeof key->secret; i++)
        key->secret[i] = (uint8_t)(first + i);
    am_token_key_tag(key);
}

static int set_up(void **state) {
    (void)state;
    set_secret(&keys.items[0], 0);
    keys.count = 1;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void
write_token(const struct am_token *token, enum am_token_kind kind, const char *url, char *text) {
    struct am_token_body body;
    am_token_seal(&keys.items[0], token, &body);
    am_token_sign(&keys.items[0], kind, &body, am_view_of(url), text);
}

static bool
open_token(const char *text, enum am_token_kind kind, const char *url, struct am_token *token) {
    return am_token_open(&keys, kind, (struct am_view){text, AM_TOKEN_TEXT_SIZE}, am_view_of(url),
                         token);
}

static void assert_equal_tokens(const struct am_token *a, const struct am_token *b) {
    assert_int_equal(a->host, b->host);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->ad, b->ad);
    assert_int_equal(a->price, b->price);
    assert_int_equal(a->keyword, b->keyword);
    assert_int_equal(a->pricing, b->pricing);
    assert_int_equal(a->bid, b->bid);
    assert_int_equal(a->position, b->position);
}

static void what_was_signed_comes_back(void **state) {
    static const struct am_token largest = {UINT16_MAX, UINT16_MAX,
                                            UINT32_MAX, AM_TOKEN_SEQUENCE_END - 1,
                                            UINT64_MAX, AM_TOKEN_PRICE_END - 1,
                                            UINT32_MAX, AM_PRICING_CPC,
                                            true,       255};
    static const struct am_token smallest = {.pricing = AM_PRICING_CPM};
    const struct am_token *tokens[] = {&example, &largest, &smallest};
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(tokens); i++) {
        char text[AM_TOKEN_TEXT_SIZE];
        struct am_token read;
        write_token(tokens[i], AM_TOKEN_SHOWN, "", text);
        assert_true(open_token(text, AM_TOKEN_SHOWN, "", &read));
        assert_equal_tokens(&read, tokens[i]);
    }
}

/* The bytes that token.h draws, made by hand; the MAC and mask by an independent SipHash in
 * Python. */
static void the_bytes_are_those_of_the_contract(void **state) {
    static const char shown[] = "GAcAAwAFBAMCAeuhDmuId2ZVRDMiEWF4dwHKDi-G8LhWBf9Fxkxk4YHaBO4L";
    static const char click[] = "GAcAAwAFBAMCAeuhDmuId2ZVRDMiEWF4dwHKDi-G8LhWBf9pOHf0wmh6lZ_1";
    char text[AM_TOKEN_TEXT_SIZE];
    (void)state;
    write_token(&example, AM_TOKEN_SHOWN, "", text);
    assert_memory_equal(text, shown, sizeof text);
    write_token(&example, AM_TOKEN_CLICK, "https://shop.example/?q=a%20b", text);
    assert_memory_equal(text, click, sizeof text);
}

static void a_token_is_good_for_its_kind_and_url_only(void **state) {
    static const char *const urls[] = {"",
                                       "https://shop.example/",
                                       "https://shop.example/?",
                                       "https://shop.example",
                                       "https://evil.example/",
                                       "HTTPS://shop.example/"};
    (void)state;
    for (int signed_as = 0; signed_as < AM_TOKEN_KINDS; signed_as++)
        for (size_t from = 0; from < AM_COUNT_OF(urls); from++) {
            char text[AM_TOKEN_TEXT_SIZE];
            struct am_token token;
            write_token(&example, (enum am_token_kind)signed_as, urls[from], text);
            for (int asked = 0; asked < AM_TOKEN_KINDS; asked++)
                for (size_t to = 0; to < AM_COUNT_OF(urls); to++)
                    assert_int_equal(open_token(text, (enum am_token_kind)asked, urls[to], &token),
                                     signed_as == asked && from == to);
        }
}

static uint64_t random_state = XORSHIFT64_SEED;

static uint64_t random_number(void) {
    return xorshift64(&random_state);
}

/* Replaces, swaps, or moves characters, or joins two good tokens. */
static void mutate(char *text, const char *other) {
    size_t at = random_number() % AM_TOKEN_TEXT_SIZE, from = random_number() % AM_TOKEN_TEXT_SIZE;
    char kept = text[at];
    switch (random_number() % 5) {
    case 0:
        text[at] = (char)random_number();
        break;
    case 1:
        text[at] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random_number() %
                                                                               64];
        break;
    case 2:
        text[at] = text[from];
        text[from] = kept;
        break;
    case 3:
        memcpy(text + at, other + at, AM_TOKEN_TEXT_SIZE - at);
        break;
    default:
        text[at] = (char)(text[at] ^ 1 << random_number() % 7);
    }
}

static void no_mutated_token_is_accepted(void **state) {
    struct am_token tokens[64], read;
    char texts[64][AM_TOKEN_TEXT_SIZE];
    uint64_t accepted = 0, changed = 0;
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(tokens); i++) {
        tokens[i] = example;
        tokens[i].sequence += i;
        write_token(&tokens[i], AM_TOKEN_SHOWN, "", texts[i]);
    }
    while (changed < mutations) {
        char text[AM_TOKEN_TEXT_SIZE];
        const char *original = texts[random_number() % 64];
        memcpy(text, original, sizeof text);
        for (uint64_t times = 1 + random_number() % 3; times; times--)
            mutate(text, texts[random_number() % 64]);
        bool is_original = false;
        for (size_t i = 0; i < AM_COUNT_OF(texts) && !is_original; i++)
            is_original = memcmp(text, texts[i], sizeof text) == 0;
        changed += !is_original;
        accepted += !is_original && open_token(text, AM_TOKEN_SHOWN, "", &read);
    }
    assert_int_equal(accepted, 0);
}

static void tokens_of_another_length_are_refused(void **state) {
    char text[AM_TOKEN_TEXT_SIZE + 4] = {0};
    struct am_token token;
    (void)state;
    write_token(&example, AM_TOKEN_SHOWN, "", text);
    memcpy(text + AM_TOKEN_TEXT_SIZE, "AAAA", 4);
    for (size_t size = 0; size <= sizeof text; size++)
        assert_int_equal(am_token_open(&keys, AM_TOKEN_SHOWN, (struct am_view){text, size},
                                       am_view_of(""), &token),
                         size == AM_TOKEN_TEXT_SIZE);
}

static void price_and_keyword_are_masked_anew_in_each_placement(void **state) {
    struct am_token token = example;
    struct am_token_body first, second;
    (void)state;
    am_token_seal(&keys.items[0], &token, &first);
    token.sequence++;
    am_token_seal(&keys.items[0], &token, &second);
    size_t equal = 0;
    for (size_t i = 22; i < 33; i++)
        equal += first.bytes[i] == second.bytes[i];
    assert_true(equal < 4);
    uint64_t price = 0;
    memcpy(&price, first.bytes + 26, 7);
    assert_int_not_equal(price, example.price);
}

static void both_live_keys_verify_and_the_first_signs(void **state) {
    char old[AM_TOKEN_TEXT_SIZE], text[AM_TOKEN_TEXT_SIZE];
    struct am_token token;
    struct am_token_keys saved = keys;
    (void)state;
    write_token(&example, AM_TOKEN_SHOWN, "", old);
    keys.items[1] = keys.items[0];
    set_secret(&keys.items[0], 100);
    keys.count = 2;
    write_token(&example, AM_TOKEN_SHOWN, "", text);
    assert_memory_not_equal(text, old, sizeof text);
    assert_true(open_token(text, AM_TOKEN_SHOWN, "", &token));
    assert_true(open_token(old, AM_TOKEN_SHOWN, "", &token));
    keys.count = 1;
    assert_false(open_token(old, AM_TOKEN_SHOWN, "", &token));
    keys = saved;
}

static void keys_with_equal_tags_are_both_tried(void **state) {
    char text[AM_TOKEN_TEXT_SIZE];
    struct am_token token;
    struct am_token_keys saved = keys;
    (void)state;
    write_token(&example, AM_TOKEN_SHOWN, "", text);
    keys.items[1] = keys.items[0];
    keys.count = 2;
    for (uint8_t first = 1; keys.items[0].tag != keys.items[1].tag || first == 1; first++)
        set_secret(&keys.items[0], first);
    assert_memory_not_equal(keys.items[0].secret, keys.items[1].secret, 16);
    assert_true(open_token(text, AM_TOKEN_SHOWN, "", &token));
    keys = saved;
}

/* ---- files of keys ---- */

static const char *put_file(const char *name, const char *text, mode_t mode) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

#define KEY_A "000102030405060708090a0b0c0d0e0f"
#define KEY_B "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"

static void a_keys_file_holds_one_or_two_keys(void **state) {
    struct am_token_keys read;
    struct am_error error;
    (void)state;
    const char *path = put_file("keys", "# made in May\r\n\r\n" KEY_A " \r\n\n" KEY_B, 0600);
    assert_int_equal(am_token_keys_read(path, &read, &error), AM_OK);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.items[0].secret[15], 15);
    assert_int_equal(read.items[1].secret[0], 0xF0);
    assert_memory_equal(&read.items[0], &keys.items[0], sizeof read.items[0]);
    path = put_file("keys", KEY_B "\n", 0440);
    assert_int_equal(am_token_keys_read(path, &read, &error), AM_OK);
    assert_int_equal(read.count, 1);
}

static void assert_refused(const char *text, mode_t mode, enum am_code code, const char *message) {
    struct am_token_keys read;
    struct am_error error;
    const char *path = put_file("keys", text, mode);
    assert_int_equal(am_token_keys_read(path, &read, &error), code);
    char wanted[AM_ERROR_MESSAGE_SIZE];
    snprintf(wanted, sizeof wanted, "%s%s", path, message);
    assert_string_equal(error.message, wanted);
}

static void bad_keys_files_are_refused_and_never_quoted(void **state) {
    (void)state;
    assert_refused("", 0600, AM_E_INVALID,
                   " has no key: expected one or two, 32 hexadecimal digits each (openssl rand "
                   "-hex 16 makes one)");
    assert_refused("# nothing\n", 0600, AM_E_INVALID,
                   " has no key: expected one or two, 32 hexadecimal digits each (openssl rand "
                   "-hex 16 makes one)");
    assert_refused(KEY_A "\nsecret\n", 0600, AM_E_INVALID,
                   ":2: expected a key of 32 hexadecimal digits, not all alike (openssl rand "
                   "-hex 16 makes one), found 6 characters");
    assert_refused(KEY_A "0\n", 0600, AM_E_INVALID,
                   ":1: expected a key of 32 hexadecimal digits, not all alike (openssl rand "
                   "-hex 16 makes one), found 33 characters");
    assert_refused("g" KEY_A "\n", 0600, AM_E_INVALID,
                   ":1: expected a key of 32 hexadecimal digits, not all alike (openssl rand "
                   "-hex 16 makes one), found 33 characters");
    assert_refused("00000000000000000000000000000000\n", 0600, AM_E_INVALID,
                   ":1: expected a key of 32 hexadecimal digits, not all alike (openssl rand "
                   "-hex 16 makes one), found 32 characters");
    assert_refused(KEY_A "\n" KEY_B "\n" KEY_A "\n", 0600, AM_E_LIMIT,
                   ":3: a third key: expected two at most, of which the first signs");
    assert_refused(KEY_A "\n", 0644, AM_E_INVALID,
                   " has mode 0644, so others may read or write the keys: expected 0600, or "
                   "0640 where a group must read it");
    assert_refused(KEY_A "\n", 0660, AM_E_INVALID,
                   " has mode 0660, so others may read or write the keys: expected 0600, or "
                   "0640 where a group must read it");
}

static void what_is_no_file_is_refused(void **state) {
    struct am_token_keys read;
    struct am_error error;
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/none", folder);
    assert_int_equal(am_token_keys_read(path, &read, &error), AM_E_IO);
    assert_non_null(strstr(error.message, "No such file"));
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(am_token_keys_read(path, &read, &error), AM_E_INVALID);
    assert_non_null(strstr(error.message, "expected a regular file"));
    assert_int_equal(am_token_keys_read(folder, &read, &error), AM_E_INVALID);
}

static void a_file_of_another_user_is_refused(void **state) {
    struct am_token_keys read;
    struct am_error error;
    (void)state;
    const char *path = put_file("keys", KEY_A "\n", 0600);
    if (chown(path, 12345, 12345) != 0)
        skip(); /* only root can make such a file */
    assert_int_equal(am_token_keys_read(path, &read, &error), AM_E_INVALID);
    assert_non_null(strstr(error.message, " belongs to user 12345: expected root or user 0"));
}

static void a_ledger_makes_its_key_once(void **state) {
    struct am_token_keys first, second;
    struct am_error error;
    struct stat status;
    int at = open(folder, O_RDONLY | O_DIRECTORY);
    (void)state;
    assert_int_equal(am_token_keys_make(at, folder, &first, &error), AM_OK);
    assert_int_equal(am_token_keys_make(at, folder, &second, &error), AM_OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(first.count, 1);
    assert_int_equal(fstatat(at, "key", &status, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(fchmodat(at, "key", 0604, 0), 0);
    assert_int_equal(am_token_keys_make(at, folder, &second, &error), AM_E_INVALID);
    assert_int_equal(unlinkat(at, "key", 0), 0);
    assert_int_equal(symlinkat("/dev/zero", at, "key"), 0);
    assert_int_equal(am_token_keys_make(at, folder, &second, &error), AM_E_IO);
    assert_int_equal(unlinkat(at, "key", 0), 0);
    close(at);
}

static void a_changed_file_is_noticed_once(void **state) {
    struct am_token_keys_stamp stamp = {0};
    (void)state;
    const char *path = put_file("keys", KEY_A "\n", 0600);
    assert_true(am_token_keys_changed(path, &stamp));
    assert_false(am_token_keys_changed(path, &stamp));
    put_file("keys", KEY_B "\n", 0600);
    assert_true(am_token_keys_changed(path, &stamp));
    assert_false(am_token_keys_changed(path, &stamp));
    unlink(path);
    assert_false(am_token_keys_changed(path, &stamp));
}

/* ---- keys that processes share ---- */

static struct am_token_keyring keyring;
static _Atomic bool publishing;

/* Both keys of a version are the same byte, so that a torn read shows. */
static void *read_keyring(void *argument) {
    struct am_token_keys_copy copy = {.version = 0};
    uint64_t torn = 0;
    (void)argument;
    while (atomic_load(&publishing)) {
        const struct am_token_keys *now = am_token_keyring_read(&keyring, &copy);
        for (uint32_t i = 0; i < now->count; i++)
            for (size_t byte = 0; byte < 16; byte++)
                torn += now->items[i].secret[byte] != now->items[0].secret[0];
        torn += now->count && now->items[0].tag != (now->items[0].secret[0] & 15);
    }
    return torn ? &keyring : NULL;
}

static void readers_of_shared_keys_see_whole_versions(void **state) {
    pthread_t threads[2];
    void *torn[2];
    struct am_token_keys_copy copy = {.version = 0};
    (void)state;
    assert_int_equal(am_token_keyring_read(&keyring, &copy)->count, 0);
    atomic_store(&publishing, true);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        (void)pthread_create(&threads[i], NULL, read_keyring, NULL);
    for (int version = 0; version < 20000; version++) {
        struct am_token_keys next = {.count = 2};
        for (size_t i = 0; i < 2; i++) {
            memset(next.items[i].secret, version & 0xFF, 16);
            next.items[i].tag = version & 15;
        }
        am_token_keyring_publish(&keyring, &next);
    }
    atomic_store(&publishing, false);
    for (size_t i = 0; i < AM_COUNT_OF(threads); i++)
        pthread_join(threads[i], &torn[i]);
    assert_null(torn[0]);
    assert_null(torn[1]);
    assert_int_equal(am_token_keyring_read(&keyring, &copy)->items[0].secret[0], 19999 & 0xFF);
}

static void assert_keys(const struct am_token_keys *read, const struct am_token_keys *wanted) {
    assert_int_equal(read->count, wanted->count);
    assert_int_equal(read->items[0].tag, wanted->items[0].tag);
    assert_memory_equal(read->items[0].secret, wanted->items[0].secret, 16);
}

static void a_publisher_that_was_killed_is_taken_over(void **state) {
    struct am_token_keys_copy copy = {.version = 0};
    (void)state;
    am_token_keyring_publish(&keyring, &keys);
    am_token_keyring_read(&keyring, &copy);
    keyring.version++; /* it was killed while it wrote */
    assert_keys(am_token_keyring_read(&keyring, &copy), &keys);
    struct am_token_keys next = keys;
    set_secret(&next.items[0], 50);
    am_token_keyring_publish(&keyring, &next);
    assert_keys(am_token_keyring_read(&keyring, &copy), &next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_comes_back),
        cmocka_unit_test(the_bytes_are_those_of_the_contract),
        cmocka_unit_test(a_token_is_good_for_its_kind_and_url_only),
        cmocka_unit_test(no_mutated_token_is_accepted),
        cmocka_unit_test(tokens_of_another_length_are_refused),
        cmocka_unit_test(price_and_keyword_are_masked_anew_in_each_placement),
        cmocka_unit_test(both_live_keys_verify_and_the_first_signs),
        cmocka_unit_test(keys_with_equal_tags_are_both_tried),
        cmocka_unit_test(a_keys_file_holds_one_or_two_keys),
        cmocka_unit_test(bad_keys_files_are_refused_and_never_quoted),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_file_of_another_user_is_refused),
        cmocka_unit_test(a_ledger_makes_its_key_once),
        cmocka_unit_test(a_changed_file_is_noticed_once),
        cmocka_unit_test(readers_of_shared_keys_see_whole_versions),
        cmocka_unit_test(a_publisher_that_was_killed_is_taken_over),
    };
    const char *wanted = getenv("EVENTS_TOKENS");
    if (wanted)
        mutations = strtoull(wanted, NULL, 10);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
