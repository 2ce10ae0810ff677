/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the slowest request: inventories that make a decision expensive, requests made of
 * a few numbers, and a climb towards those that take most processor time (cost.c). */
#ifndef ADMATCH_COST_H
#define ADMATCH_COST_H

#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/api/api.h"

/* ---- numbers ---------------------------------------------------------------------------------
 */

/* SplitMix64: the same seed gives the same requests. */
static inline AM_WRAPS uint64_t cost_mix(uint64_t value) {
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static inline uint32_t cost_random(uint64_t *state, uint32_t below) {
    *state = cost_mix(*state);
    return (uint32_t)(*state % below);
}

/* ---- inventories -----------------------------------------------------------------------------
 */

enum { COST_WORD_BYTES = 256 };

/* Names in all of them: advertisers a0, a1, ..., domains d0.example, ..., labels l0, ..., values of
 * attributes v0, ...; categories are cost_category. */
struct cost_inventory {
    const char *name;
    void (*write)(FILE *file);
    /* Writes a word of its keywords, NUL-terminated. */
    void (*word)(char *word, uint32_t index);
    uint32_t words;
};

extern const struct cost_inventory cost_inventories[];
extern const size_t cost_inventory_count;

/* C-1-1-...-INDEX: the longest that a name may be, with most categories above it. */
void cost_category(char *text, uint32_t index);

/* ---- requests --------------------------------------------------------------------------------
 */

enum cost_kind {
    COST_JSON,
    COST_TEXT,
    COST_HTML,
    COST_QUERY_STRING,
    COST_BIDS,
    COST_PREVIEW,
    COST_KINDS
};

enum cost_pattern {
    COST_NOTHING,
    COST_CYCLE,    /* the first words of the inventory, over and over */
    COST_DRAWN,    /* words drawn from those */
    COST_DISTINCT, /* words with endings that stand in no keyword */
    COST_MISSPELT, /* words of the inventory with a letter too many */
    COST_LETTER,
    COST_LIGATURES, /* one character is several words */
    COST_FRACTIONS,
    COST_CYRILLIC,
    COST_THAI,
    COST_HANGUL,
    COST_MARKS,
    COST_MARKUP, /* broken, nested */
    COST_REFERENCES,
    COST_SUPERSCRIPTS,
    COST_SCRIPT,
    COST_PERCENT,
    COST_PATTERNS
};

enum cost_field { COST_QUERY, COST_KEYWORDS, COST_TITLE, COST_CONTENT, COST_URL, COST_FIELDS };

struct cost_text {
    enum cost_pattern pattern;
    uint32_t bytes;   /* at most */
    uint32_t words;   /* at most */
    uint32_t variety; /* of words drawn, 1.. */
};

/* A request in numbers; cost_request_write makes its body. */
struct cost_request {
    enum cost_kind kind;
    bool gzip, windows_1252, html, explain, high_floor, secure;
    bool ends_in_keywords; /* texts end in words of the inventory as references */
    struct cost_text texts[COST_FIELDS];
    uint32_t keywords; /* items of them */
    uint32_t slots, count, sizes, unique;
    uint32_t advertisers, categories, domains, seats; /* blocked, allowed */
    uint32_t values, keys;
    bool long_keys; /* escaped, and alike but for their ends */
    uint64_t seed;
};

struct cost_body {
    char *data;
    char *plain; /* for what is packed */
    size_t size;
};

extern const char *const cost_unique_names[4];

enum { COST_BODY_ROOM = 8 << 20 };

/* Known to be expensive, or to have been: where climbs begin. Each of the first COST_KNOWN has the
 * inventory that it was found with. */
extern const struct cost_request cost_seeds[];
enum { COST_KNOWN = 5 };
extern const char *const cost_known_inventories[COST_KNOWN];
extern const size_t cost_seed_count;

/* Writes the body. Both of its memories have COST_BODY_ROOM bytes. */
void cost_request_write(const struct cost_request *request,
                        const struct cost_inventory *inventory,
                        struct cost_body *body);
/* Changes one thing or a few. */
void cost_request_mutate(struct cost_request *request, uint64_t *random);
/* Says in some words what the request is. */
void cost_request_describe(const struct cost_request *request, char *text, size_t size);

#endif
