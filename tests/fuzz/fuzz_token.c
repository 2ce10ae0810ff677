/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a token, as the fields of one, and as a keys file. What opens was signed; what is
 * signed opens, for its kind and URL alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugin/events/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct am_token_keys keys;
static char path[] = "/dev/shm/admatch-fuzz-keys-XXXXXX";

static void require(bool holds) {
    if (!holds)
        abort();
}

static void remove_file(void) {
    unlink(path);
}

static void start(void) {
    if (keys.count)
        return;
    int file = mkstemp(path);
    require(file >= 0 && fchmod(file, 0600) == 0);
    close(file);
    atexit(remove_file);
    for (uint8_t i = 0; i < 2; i++) {
        memset(keys.items[i].secret, i + 1, sizeof keys.items[i].secret);
        am_token_key_tag(&keys.items[i]);
    }
    keys.count = 2;
}

static void sign_again(enum am_token_kind kind,
                       const char *text,
                       struct am_view url,
                       const struct am_token *token) {
    char again[2][AM_TOKEN_TEXT_SIZE];
    for (int i = 0; i < 2; i++) {
        struct am_token_body body;
        am_token_seal(&keys.items[i], token, &body);
        am_token_sign(&keys.items[i], kind, &body, url, again[i]);
    }
    require(memcmp(again[0], text, AM_TOKEN_TEXT_SIZE) == 0 ||
            memcmp(again[1], text, AM_TOKEN_TEXT_SIZE) == 0);
}

/* The first bytes are the token, the others the URL. */
static void open_token(const uint8_t *data, size_t size) {
    size_t text_size = size < AM_TOKEN_TEXT_SIZE ? size : AM_TOKEN_TEXT_SIZE;
    struct am_view text = {(const char *)data, text_size};
    struct am_view url = {(const char *)data + text_size, size - text_size};
    for (int kind = 0; kind < AM_TOKEN_KINDS; kind++) {
        struct am_token token;
        if (am_token_open(&keys, (enum am_token_kind)kind, text, url, &token))
            sign_again((enum am_token_kind)kind, text.data, url, &token);
    }
}

static void sign_fields(const uint8_t *data, size_t size) {
    struct am_token token, read;
    struct am_token_body body;
    char text[AM_TOKEN_TEXT_SIZE];
    uint64_t words[5];
    if (size < sizeof words)
        return;
    memcpy(words, data, sizeof words);
    token = (struct am_token){.host = (uint16_t)words[0],
                              .epoch = (uint16_t)(words[0] >> 16),
                              .time = (uint32_t)(words[0] >> 32),
                              .sequence = words[1] % AM_TOKEN_SEQUENCE_END,
                              .ad = words[2],
                              .price = words[3] % AM_TOKEN_PRICE_END,
                              .keyword = (uint32_t)words[4],
                              .pricing = words[4] >> 32 & 3,
                              .bid = words[4] >> 34 & 1,
                              .position = (uint8_t)(words[4] >> 40)};
    am_token_seal(&keys.items[0], &token, &body);
    am_token_sign(&keys.items[0], AM_TOKEN_CLICK, &body, AM_VIEW("u"), text);
    struct am_view whole = {text, sizeof text};
    require(am_token_open(&keys, AM_TOKEN_CLICK, whole, AM_VIEW("u"), &read));
    require(read.host == token.host && read.epoch == token.epoch && read.time == token.time &&
            read.sequence == token.sequence && read.ad == token.ad && read.price == token.price &&
            read.keyword == token.keyword && read.pricing == token.pricing &&
            read.bid == token.bid && read.position == token.position);
    require(!am_token_open(&keys, AM_TOKEN_SHOWN, whole, AM_VIEW("u"), &read));
    require(!am_token_open(&keys, AM_TOKEN_CLICK, whole, AM_VIEW(""), &read));
}

static void read_keys(const uint8_t *data, size_t size) {
    struct am_token_keys read;
    struct am_error error = {0};
    FILE *file = fopen(path, "wb");
    require(file && fwrite(data, 1, size, file) == size);
    require(fclose(file) == 0);
    if (am_token_keys_read(path, &read, &error) == AM_OK)
        require(read.count == 1 || read.count == 2);
    else
        require(error.message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    start();
    open_token(data, size);
    sign_fields(data, size);
    read_keys(data, size);
    return 0;
}
