/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include "../base/base64url.h"
#include "../base/siphash.h"

/* Where the fields of a body begin; token.h draws them. */
enum {
    AT_VERSION = 0,
    AT_HOST = 1,
    AT_EPOCH = 3,
    AT_SEQUENCE = 5,
    AT_TIME = 10,
    AT_AD = 14,
    AT_KEYWORD = 22,
    AT_PRICE = 26,
    AT_FLAGS = 33,
    AT_POSITION = 34,
    CLEAR_SIZE = AT_KEYWORD,
    MASKED_SIZE = AT_FLAGS - AT_KEYWORD,
};
enum { VERSION = 1, TAG_BITS = 4, TAG_MASK = 15, PRICING_MASK = 3, FLAG_BID = 4 };
enum { HASH_SIZE = AM_TOKEN_HASH_SIZE, SECRET_SIZE = AM_SIPHASH_KEY, WORD_SIZE = 8 };

static const char kind_words[AM_TOKEN_KINDS][WORD_SIZE + 1] = {"shown   ", "click   ", "convert "};

void am_token_hash(const uint8_t secret[SECRET_SIZE],
                   const char *word,
                   struct am_view first,
                   struct am_view second,
                   uint8_t output[HASH_SIZE]) {
    struct am_siphash hash = am_siphash_start(secret);
    am_siphash_add(&hash, word, WORD_SIZE);
    am_siphash_add(&hash, first.data, first.size);
    am_siphash_add(&hash, second.data, second.size);
    am_siphash_end(hash, output);
}

void am_token_key_tag(struct am_token_key *key) {
    uint8_t output[HASH_SIZE];
    am_token_hash(key->secret, "key tag ", (struct am_view){NULL, 0}, (struct am_view){NULL, 0},
                  output);
    key->tag = output[0] & TAG_MASK;
}

static void mask(const struct am_token_key *key, struct am_token_body *body) {
    uint8_t stream[HASH_SIZE];
    am_token_hash(key->secret, "mask    ", (struct am_view){(const char *)body->bytes, CLEAR_SIZE},
                  (struct am_view){NULL, 0}, stream);
    for (size_t i = 0; i < MASKED_SIZE; i++)
        body->bytes[AT_KEYWORD + i] ^= stream[i];
}

static void put(struct am_token_body *body, size_t at, size_t size, uint64_t value) {
    memcpy(body->bytes + at, &value, size);
}

static uint64_t get(const struct am_token_body *body, size_t at, size_t size) {
    uint64_t value = 0;
    memcpy(&value, body->bytes + at, size);
    return value;
}

void am_token_seal(const struct am_token_key *key,
                   const struct am_token *token,
                   struct am_token_body *body) {
    put(body, AT_VERSION, 1, VERSION << TAG_BITS | key->tag);
    put(body, AT_HOST, 2, token->host);
    put(body, AT_EPOCH, 2, token->epoch);
    put(body, AT_SEQUENCE, 5, token->sequence);
    put(body, AT_TIME, 4, token->time);
    put(body, AT_AD, 8, token->ad);
    put(body, AT_KEYWORD, 4, token->keyword);
    put(body, AT_PRICE, 7, token->price);
    put(body, AT_FLAGS, 1, token->pricing | (token->bid ? FLAG_BID : 0));
    put(body, AT_POSITION, 1, token->position);
    mask(key, body);
}

static void
unseal(const struct am_token_key *key, struct am_token_body *body, struct am_token *token) {
    mask(key, body);
    uint8_t flags = (uint8_t)get(body, AT_FLAGS, 1);
    *token = (struct am_token){
        .host = (uint16_t)get(body, AT_HOST, 2),
        .epoch = (uint16_t)get(body, AT_EPOCH, 2),
        .time = (uint32_t)get(body, AT_TIME, 4),
        .sequence = get(body, AT_SEQUENCE, 5),
        .ad = get(body, AT_AD, 8),
        .price = get(body, AT_PRICE, 7),
        .keyword = (uint32_t)get(body, AT_KEYWORD, 4),
        .pricing = flags & PRICING_MASK,
        .bid = (flags & FLAG_BID) != 0,
        .position = (uint8_t)get(body, AT_POSITION, 1),
    };
}

/* The first AM_TOKEN_MAC_SIZE bytes of the output are the MAC. */
static void sign(const struct am_token_key *key,
                 enum am_token_kind kind,
                 const struct am_token_body *body,
                 struct am_view url,
                 uint8_t output[HASH_SIZE]) {
    struct am_view bytes = {(const char *)body->bytes, sizeof body->bytes};
    am_token_hash(key->secret, kind_words[kind], bytes, url, output);
}

void am_token_sign(const struct am_token_key *key,
                   enum am_token_kind kind,
                   const struct am_token_body *body,
                   struct am_view url,
                   char text[AM_TOKEN_TEXT_SIZE]) {
    uint8_t bytes[AM_TOKEN_SIZE], output[HASH_SIZE];
    sign(key, kind, body, url, output);
    memcpy(bytes, body->bytes, AM_TOKEN_BODY_SIZE);
    memcpy(bytes + AM_TOKEN_BODY_SIZE, output, AM_TOKEN_MAC_SIZE);
    am_base64url_encode(bytes, sizeof bytes, text);
}

bool am_token_open(const struct am_token_keys *keys,
                   enum am_token_kind kind,
                   struct am_view text,
                   struct am_view url,
                   struct am_token *token) {
    uint8_t bytes[AM_TOKEN_SIZE], output[HASH_SIZE];
    if (text.size != AM_TOKEN_TEXT_SIZE ||
        am_base64url_decode(text, bytes, sizeof bytes) != sizeof bytes)
        return false;
    struct am_token_body body;
    memcpy(body.bytes, bytes, sizeof body.bytes);
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct am_token_key *key = &keys->items[i];
        if (body.bytes[AT_VERSION] != (VERSION << TAG_BITS | key->tag))
            continue;
        sign(key, kind, &body, url, output);
        if (am_siphash_is_mac(output, bytes + AM_TOKEN_BODY_SIZE, AM_TOKEN_MAC_SIZE)) {
            unseal(key, &body, token);
            return true;
        }
    }
    return false;
}
