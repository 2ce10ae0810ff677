/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: what a tracking URL carries, and what proves that this server wrote it.
 *
 * A token names one placement of one ad and holds nothing of the user or the query. It is 45 bytes,
 * 60 characters of base64url (RFC 4648 section 5; a multiple of three bytes, so there is no
 * padding and each token has one spelling):
 *
 *      0     1     3      5         10     14      22        26      33     34    35         45
 *      +-----+-----+------+---------+------+-------+---------+-------+------+-----+----------+
 *      |vk 1 |host |epoch |sequence | time | ad 8  |keyword  |price  |flags |pos  | MAC 10   |
 *      |     | 2   | 2    | 5       | 4    |       | 4       | 7     | 1    | 1   |          |
 *      +-----+-----+------+---------+------+-------+---------+-------+------+-----+----------+
 *       \________________ clear ___________________/\____ masked ____/
 *
 *   vk        version (1) in the high half, tag of the key in the low half
 *   sequence  number of the placement on its host, in its epoch
 *   time      of the decision (of the click, in a conversion token), seconds since 1970, unsigned
 *   ad        am_model_key of the ad's id;  keyword: hash of match type and keyword
 *   price     of the event that is billed, in nanos of the currency
 *   flags     bits 0-1 pricing, bit 2 placed by a bid; the others are zero
 *
 * Integers are little-endian. Everything is SipHash-2-4 with 128 bits (base/siphash.h). Its input
 * begins with a word of 8 bytes that says what the output is for, so no output serves two purposes:
 *
 *   mask  = SipHash(key, "mask    " | clear)            bytes 22..32 are xored with it
 *   MAC   = SipHash(key, word | body as masked | u)     the first 10 bytes; u only for clicks
 *
 * The clear bytes hold the sequence number, which never repeats, so no mask is used for two
 * contents. Masking before signing lets a click and an impression token share one masked body: an
 * ad with both URLs costs three calls. */
#ifndef AM_EVENTS_TOKEN_H
#define AM_EVENTS_TOKEN_H

#include "../base/bytes.h"
#include "../base/error.h"
#include "../model/money.h"

enum {
    AM_TOKEN_BODY_SIZE = 35,
    AM_TOKEN_MAC_SIZE = 10,
    AM_TOKEN_SIZE = AM_TOKEN_BODY_SIZE + AM_TOKEN_MAC_SIZE,
    AM_TOKEN_TEXT_SIZE = 60, /* not NUL-terminated */
};
#define AM_TOKEN_SEQUENCE_END (UINT64_C(1) << 40)
#define AM_TOKEN_PRICE_END (UINT64_C(1) << 56)

/* What a token is good for. Impressions, views and custom events share one, since a page that may
 * report one may report all. */
enum am_token_kind { AM_TOKEN_SHOWN, AM_TOKEN_CLICK, AM_TOKEN_CONVERSION, AM_TOKEN_KINDS };

struct am_token {
    uint16_t host;
    uint16_t epoch;
    uint32_t time;
    uint64_t sequence; /* below AM_TOKEN_SEQUENCE_END */
    uint64_t ad;
    uint64_t price; /* below AM_TOKEN_PRICE_END */
    uint32_t keyword;
    uint8_t pricing; /* enum am_model_pricing */
    bool bid;
    uint8_t position;
};

/* A secret, and a tag made from it by which a reader finds the key of a token. */
struct am_token_key {
    uint8_t secret[16];
    uint8_t tag; /* 0..15 */
};

enum { AM_TOKEN_MAX_KEYS = 2 };
struct am_token_keys {
    struct am_token_key items[AM_TOKEN_MAX_KEYS]; /* the first signs */
    uint32_t count;                               /* at least 1 wherever tokens are used */
};

/* Fills in the key's tag from its secret. */
void am_token_key_tag(struct am_token_key *key);

/* Keyed hash of some bytes, for this room's other needs: SipHash-2-4 with 128 bits of a word of 8
 * bytes, which says what for, and two pieces. */
enum { AM_TOKEN_HASH_SIZE = 16 };
void am_token_hash(const uint8_t secret[16],
                   const char *word,
                   struct am_view first,
                   struct am_view second,
                   uint8_t output[AM_TOKEN_HASH_SIZE]);

/* A token but for its MAC: filled in, and masked. */
struct am_token_body {
    uint8_t bytes[AM_TOKEN_BODY_SIZE];
};

/* Writes a body with the key that will sign it. */
void am_token_seal(const struct am_token_key *key,
                   const struct am_token *token,
                   struct am_token_body *body);

/* Writes the token's 60 characters. `url` is the landing page of a click, byte for byte as it will
 * be asked for, and empty for the other kinds. */
void am_token_sign(const struct am_token_key *key,
                   enum am_token_kind kind,
                   const struct am_token_body *body,
                   struct am_view url,
                   char text[AM_TOKEN_TEXT_SIZE]);

/* Reads and verifies. False for whatever this server, or another with the same keys, has not
 * signed for that kind and `url`; *token then holds nothing. */
bool am_token_open(const struct am_token_keys *keys,
                   enum am_token_kind kind,
                   struct am_view text,
                   struct am_view url,
                   struct am_token *token);

#endif
