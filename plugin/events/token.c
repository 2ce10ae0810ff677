/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

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

/* ---- base64url ---- */

/* A digit's value plus one; 0: no digit. */
static const uint8_t values[256] = {
    ['-'] = 63, ['_'] = 64, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58,
    ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,
    ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
    ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20,
    ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52,
};

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* 1 in each byte that is at least `least`; all are below 64. */
static uint64_t at_least(uint64_t values_of_bytes, uint64_t least) {
    return (values_of_bytes + (0x80 - least) * EACH_BYTE) >> 7 & EACH_BYTE;
}

/* The digits of eight values, a byte each, all at once: 'A' + value, and so much more, or less,
 * from 26 ('a'), 52 ('0'), 62 ('-') and 63 ('_') on. No byte carries into the next. */
AM_WRAPS static uint64_t digits_of(uint64_t eight) {
    uint64_t more = eight + 'A' * EACH_BYTE + at_least(eight, 26) * ('a' - 'A' - 26) +
                    at_least(eight, 63) * ('_' - '-' - 1);
    return more - at_least(eight, 52) * ('a' + 26 - '0') - at_least(eight, 62) * ('0' + 10 - '-');
}

/* The values of the digits of six bytes: halves of halves of halves, the first one lowest. */
static uint64_t values_of(const uint8_t *six) {
    uint64_t bits = __builtin_bswap64(am_bytes_load_u64(six)) >> 16;
    bits = bits >> 24 | (bits & 0xFFFFFF) << 32;
    bits = (bits >> 12 & UINT64_C(0xFFF00000FFF)) | (bits & UINT64_C(0xFFF00000FFF)) << 16;
    return (bits >> 6 & UINT64_C(0x3F003F003F003F)) | (bits & UINT64_C(0x3F003F003F003F)) << 8;
}

static void encode(const uint8_t bytes[AM_TOKEN_SIZE], char text[AM_TOKEN_TEXT_SIZE]) {
    enum { GROUPS = (AM_TOKEN_SIZE + 5) / 6 };
    uint8_t padded[GROUPS * 6 + 2] = {0};
    uint64_t digits[GROUPS];
    memcpy(padded, bytes, AM_TOKEN_SIZE);
    for (size_t i = 0; i < GROUPS; i++)
        digits[i] = digits_of(values_of(padded + 6 * i));
    memcpy(text, digits, AM_TOKEN_TEXT_SIZE);
}

/* False when a character is no digit of base64url. */
static bool decode(const char *text, uint8_t bytes[AM_TOKEN_SIZE]) {
    bool good = true;
    for (size_t i = 0; i < AM_TOKEN_SIZE / 3; i++) {
        uint32_t three = 0;
        for (size_t digit = 0; digit < 4; digit++) {
            uint8_t value = values[(uint8_t)text[4 * i + digit]];
            good &= value != 0;
            three = three << 6 | ((value + 63U) & 63);
        }
        bytes[3 * i] = (uint8_t)(three >> 16);
        bytes[3 * i + 1] = (uint8_t)(three >> 8);
        bytes[3 * i + 2] = (uint8_t)three;
    }
    return good;
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
    encode(bytes, text);
}

/* Takes as long for any bytes, so that nobody can guess a MAC byte by byte. */
static bool is_equal(const uint8_t *one, const uint8_t *other) {
    uint8_t differs = 0;
    for (size_t i = 0; i < AM_TOKEN_MAC_SIZE; i++)
        differs |= one[i] ^ other[i];
    return differs == 0;
}

bool am_token_open(const struct am_token_keys *keys,
                   enum am_token_kind kind,
                   struct am_view text,
                   struct am_view url,
                   struct am_token *token) {
    uint8_t bytes[AM_TOKEN_SIZE], output[HASH_SIZE];
    if (text.size != AM_TOKEN_TEXT_SIZE || !decode(text.data, bytes))
        return false;
    struct am_token_body body;
    memcpy(body.bytes, bytes, sizeof body.bytes);
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct am_token_key *key = &keys->items[i];
        if (body.bytes[AT_VERSION] != (VERSION << TAG_BITS | key->tag))
            continue;
        sign(key, kind, &body, url, output);
        if (is_equal(output, bytes + AM_TOKEN_BODY_SIZE)) {
            unseal(key, &body, token);
            return true;
        }
    }
    return false;
}
