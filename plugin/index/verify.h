/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the deep verification: its state, and its parts in the order in which they run.
 *
 * Every part is linear in the image, whatever the image holds. What many records may share (a
 * string, a list, the path to a node) is examined once, and a bit records that. Loops over records
 * with references to anywhere prefetch, or process many at a time, so that reads overlap. */
#ifndef AM_INDEX_VERIFY_H
#define AM_INDEX_VERIFY_H

#include "../base/json.h"
#include "image.h"
#include <assert.h>

enum am_image_verify_state {
    AM_VERIFY_UNREACHED, /* nothing leads to it so far */
    AM_VERIFY_REACHED,   /* an edge does */
    AM_VERIFY_SETTLED,   /* the whole path from a keyword's first word is sound */
};

/* A terminal or node, by its number. Other numbers stay unreached. */
struct am_image_verify_node {
    uint32_t above;     /* reached: the node that the edge leaves; settled: the place, see below */
    uint32_t word : 30; /* of that edge */
    uint32_t state : 2; /* enum am_image_verify_state */
};
static_assert(AM_MAX_WORDS <= 1 << 30, "word ids fit");

/* Match type and number of words of the keywords that end at a node, or would. */
static inline uint32_t am_image_verify_place(enum am_model_match_type match, uint32_t words) {
    return (uint32_t)match << 8 | words;
}

struct am_image_verifier {
    const struct am_image *image;
    struct am_error *error;
    bool twins;                         /* am_image_has_twins */
    uint64_t *string_starts;            /* bit by string reference: a string begins there */
    uint64_t *plain_strings;            /* it is UTF-8 without control characters */
    uint64_t *creatives;                /* it is a JSON object, and was found to be one */
    uint64_t *list_starts;              /* bit by list reference: a list begins there */
    uint64_t *ascending_lists;          /* its items ascend */
    uint64_t *seen_terms;               /* bit by term: it is in the term table */
    uint64_t *seen_negatives;           /* bit by negative id: a posting has it */
    uint64_t *seen_twins;               /* bit by negative id: a second posting has it */
    uint32_t *first_ads;                /* by campaign: its first ad, AM_NONE: none so far */
    uint8_t *word_flags;                /* by word */
    uint64_t *seen_words;               /* bit by word: it is in the vocabulary */
    struct am_image_verify_node *nodes; /* by number, to N */
    uint64_t probes;                    /* of searches for the items of the current hash table */
    struct am_json_node *json_nodes;    /* AM_CREATIVE_NODES */
};

/* Reports section, record and reason; always false. */
static inline bool am_image_verify_fail(struct am_image_verifier *verifier,
                                        const char *section,
                                        uint64_t record,
                                        const char *reason) {
    am_error_set(verifier->error, AM_E_CORRUPT, "corrupt image: section %s, record %llu: %s",
                 section, (unsigned long long)record, reason);
    return false;
}

/* Strings and lists. The functions below need it done. */
bool am_image_verify_pools(struct am_image_verifier *verifier);

/* Whether it refers to a string of `least` to `most` bytes, UTF-8 without control characters. */
bool am_image_verify_text(const struct am_image_verifier *verifier,
                          am_image_string_ref ref,
                          size_t least,
                          size_t most);
/* Whether it refers to a creative: a JSON object, or the empty string. */
bool am_image_verify_creative(struct am_image_verifier *verifier, am_image_string_ref ref);
bool am_image_verify_list(const struct am_image_verifier *verifier, am_image_list_ref ref);
/* Whether it refers to a list that ascends, with items below `limit`. */
bool am_image_verify_ascending(const struct am_image_verifier *verifier,
                               am_image_list_ref ref,
                               uint64_t limit);

bool am_image_verify_terms(struct am_image_verifier *verifier);
bool am_image_verify_zones(struct am_image_verifier *verifier);
/* Targeting trees, ads, campaigns. */
bool am_image_verify_records(struct am_image_verifier *verifier);
/* Budgets and frequency caps; ads and campaigns are sound. */
bool am_image_verify_limits(struct am_image_verifier *verifier);
/* Advertisers, and keys of all records. */
bool am_image_verify_keys(struct am_image_verifier *verifier);
/* The vocabulary. Settles the terminals that words name. */
bool am_image_verify_words(struct am_image_verifier *verifier);
/* What leads from keys to the words that have them. */
bool am_image_verify_forms(struct am_image_verifier *verifier);
bool am_image_verify_spellings(struct am_image_verifier *verifier);
/* The edges. Settles the nodes. */
bool am_image_verify_trie(struct am_image_verifier *verifier);
/* The lists of postings, and what the settings count. */
bool am_image_verify_postings(struct am_image_verifier *verifier);

static inline bool
am_image_verify_is_term(const struct am_image *image, uint32_t term, uint32_t kind) {
    return term < image->term_count && image->terms[term].kind == kind;
}

/* Whether a list of postings begins here. */
static inline bool am_image_verify_is_terminal(const struct am_image *image, uint32_t posting) {
    return posting == 0 || am_image_posting_is_last(&image->postings[posting - 1]);
}

static inline bool am_image_verify_bit(const uint64_t *bits, uint64_t at) {
    return bits[at / 64] >> at % 64 & 1;
}
static inline void am_image_verify_set_bit(uint64_t *bits, uint64_t at) {
    bits[at / 64] |= UINT64_C(1) << at % 64;
}
/* Sets the bit; false: it was set before. */
static inline bool am_image_verify_take_bit(uint64_t *bits, uint64_t at) {
    bool was = am_image_verify_bit(bits, at);
    am_image_verify_set_bit(bits, at);
    return !was;
}

#endif
