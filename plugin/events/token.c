/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

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
enum { HASH_SIZE = AM_TOKEN_HASH_SIZE, SECRET_SIZE = 16, WORD_SIZE = 8 };

static const char kind_words[AM_TOKEN_KINDS][WORD_SIZE + 1] = {"shown   ", "click   ", "convert "};

struct am_token_signer {
    EVP_MAC_CTX *context;
};

struct am_token_signer *am_token_signer_new(struct am_error *error) {
    struct am_token_signer *signer = calloc(1, sizeof *signer);
    EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    unsigned size = HASH_SIZE;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_end()};
    bool ready = signer && siphash && (signer->context = EVP_MAC_CTX_new(siphash)) &&
                 EVP_MAC_CTX_set_params(signer->context, parameters);
    if (!ready)
        am_error_set(error, siphash ? AM_E_MEMORY : AM_E_IMPOSSIBLE,
                     siphash ? "no memory for signing tokens"
                             : "libcrypto has no SipHash: expected OpenSSL's default provider");
    EVP_MAC_free(siphash);
    if (ready)
        return signer;
    am_token_signer_free(signer);
    return NULL;
}

void am_token_signer_free(struct am_token_signer *signer) {
    if (signer)
        EVP_MAC_CTX_free(signer->context);
    free(signer);
}

/* The word and a first piece of up to a body in one update: each is a call through several layers.
 */
enum { FIRST_MOST = AM_TOKEN_BODY_SIZE };

static bool update_with_first(EVP_MAC_CTX *context, const char *word, struct am_view first) {
    uint8_t joined[WORD_SIZE + FIRST_MOST];
    memcpy(joined, word, WORD_SIZE);
    if (first.size > FIRST_MOST)
        return EVP_MAC_update(context, joined, WORD_SIZE) &&
               EVP_MAC_update(context, (const uint8_t *)first.data, first.size);
    if (first.size)
        memcpy(joined + WORD_SIZE, first.data, first.size);
    return EVP_MAC_update(context, joined, WORD_SIZE + first.size);
}

/* libcrypto cannot fail here but for want of its own state, and then nothing may be signed or
 * accepted. */
void am_token_hash(struct am_token_signer *signer,
                   const uint8_t secret[16],
                   const char *word,
                   struct am_view first,
                   struct am_view second,
                   uint8_t output[HASH_SIZE]) {
    size_t size = 0;
    if (!EVP_MAC_init(signer->context, secret, SECRET_SIZE, NULL) ||
        !update_with_first(signer->context, word, first) ||
        (second.size &&
         !EVP_MAC_update(signer->context, (const uint8_t *)second.data, second.size)) ||
        !EVP_MAC_final(signer->context, output, &size, HASH_SIZE) || size != HASH_SIZE)
        abort();
}

void am_token_key_tag(struct am_token_signer *signer, struct am_token_key *key) {
    uint8_t output[HASH_SIZE];
    am_token_hash(signer, key->secret, "key tag ", (struct am_view){NULL, 0},
                  (struct am_view){NULL, 0}, output);
    key->tag = output[0] & TAG_MASK;
}

static void
mask(struct am_token_signer *signer, const struct am_token_key *key, struct am_token_body *body) {
    uint8_t stream[HASH_SIZE];
    am_token_hash(signer, key->secret, "mask    ",
                  (struct am_view){(const char *)body->bytes, CLEAR_SIZE},
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

void am_token_seal(struct am_token_signer *signer,
                   const struct am_token_key *key,
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
    mask(signer, key, body);
}

static void unseal(struct am_token_signer *signer,
                   const struct am_token_key *key,
                   struct am_token_body *body,
                   struct am_token *token) {
    mask(signer, key, body);
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
static void sign(struct am_token_signer *signer,
                 const struct am_token_key *key,
                 enum am_token_kind kind,
                 const struct am_token_body *body,
                 struct am_view url,
                 uint8_t output[HASH_SIZE]) {
    struct am_view bytes = {(const char *)body->bytes, sizeof body->bytes};
    am_token_hash(signer, key->secret, kind_words[kind], bytes, url, output);
}

/* ---- base64url ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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

static void encode(const uint8_t bytes[AM_TOKEN_SIZE], char text[AM_TOKEN_TEXT_SIZE]) {
    for (size_t i = 0; i < AM_TOKEN_SIZE / 3; i++) {
        const uint8_t *from = bytes + 3 * i;
        uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        for (size_t digit = 0; digit < 4; digit++)
            text[4 * i + digit] = digits[three >> (18 - 6 * digit) & 63];
    }
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

void am_token_sign(struct am_token_signer *signer,
                   const struct am_token_key *key,
                   enum am_token_kind kind,
                   const struct am_token_body *body,
                   struct am_view url,
                   char text[AM_TOKEN_TEXT_SIZE]) {
    uint8_t bytes[AM_TOKEN_SIZE], output[HASH_SIZE];
    sign(signer, key, kind, body, url, output);
    memcpy(bytes, body->bytes, AM_TOKEN_BODY_SIZE);
    memcpy(bytes + AM_TOKEN_BODY_SIZE, output, AM_TOKEN_MAC_SIZE);
    encode(bytes, text);
}

bool am_token_open(struct am_token_signer *signer,
                   const struct am_token_keys *keys,
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
        sign(signer, key, kind, &body, url, output);
        if (CRYPTO_memcmp(output, bytes + AM_TOKEN_BODY_SIZE, AM_TOKEN_MAC_SIZE) == 0) {
            unseal(signer, key, &body, token);
            return true;
        }
    }
    return false;
}
