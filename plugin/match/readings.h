/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: the readings of a text's words, which are the words of broad keywords
 * that each counts as (docs/DECISION.md section 1).
 *
 * Most words have one reading or none. They are kept in a cache: Snowball takes far longer than a
 * probe of it, and the words of pages and queries repeat. */
#ifndef AM_MATCH_READINGS_H
#define AM_MATCH_READINGS_H

#include "../text/stem.h"
#include "kernels/kernels.h"
#include "memory.h"
#include "work.h"

struct am_match_reading {
    uint32_t id;
    uint8_t flags; /* enum am_image_word_flags */
};

enum { AM_READINGS_MOST = 2 * (1 + AM_IMAGE_FORMS_MOST) + AM_PARTICLES_MOST };

struct am_match_reading_list {
    struct am_match_reading items[AM_READINGS_MOST];
    uint32_t count;
};

/* The readings of a request's words beside the first one of each, by word. */
struct am_match_further {
    struct am_match_further_reading {
        uint32_t word; /* index of the word; ascending */
        struct am_match_reading reading;
    } * items;
    uint32_t count, room;
};

/* The index of the first item of word `word` or a later one; `count` when there is none. */
static inline uint32_t
am_match_further_from(const struct am_match_further_reading *items, uint32_t count, uint32_t word) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (items[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last word of a bucket of the cache that a request has taken steps for. */
struct am_match_paid {
    struct am_image_word_key key;
    uint32_t request;
};

/* A bucket of the cache is laid out as one of the vocabulary, with the reading's id and flags
 * beside the key of the word as the text has it; `displaced` is the lane to be replaced next.
 * Zeroed memory is an empty cache, since no word has a key of zeros. The cache changes no answer.
 */
struct am_match_readings {
    const struct am_image *image;
    const struct am_text_word_rules *rules;
    struct am_match_work *work;
    struct am_text_stemmer *stemmer; /* NULL: no stemming, or no broad keyword to stem for */
    struct am_image_vocabulary_bucket *cache; /* NULL: words count as themselves only */
    struct am_match_reading *kept; /* lists of several, each after an item with their count as id */
    uint32_t kept_count;
    struct am_match_paid
        *paid;        /* a bucket's word whose readings this request has taken steps for */
    uint32_t request; /* never 0 after am_match_readings_start */
};

/* Whether words may count as others. */
static inline bool am_match_readings_are_used(const struct am_image *image,
                                              const struct am_text_word_rules *rules) {
    return (image->settings->stem || rules->korean) && image->settings->broad_terminals;
}

void am_match_readings_size(struct am_match_readings *readings,
                            const struct am_image *image,
                            const struct am_text_word_rules *rules,
                            struct am_match_memory *memory);

/* Begins a request, whose words are paid for anew. */
void am_match_readings_start(struct am_match_readings *readings);

/* All readings of a word in both its forms, each with AM_WORD_PADDING readable bytes after it. */
void am_match_readings_find(const struct am_match_readings *readings,
                            struct am_view written,
                            struct am_view folded,
                            struct am_match_reading_list *list);

/* The words of a batch, as the splitter gave and the vocabulary found them. */
struct am_match_found_batch {
    const struct am_search_word_batch *batch;
    const struct am_image_word_key *keys;
    const uint32_t *ids;
    const uint8_t *flags;
    const struct am_text_written_form *written;
    size_t written_count;
    uint32_t first; /* index of the first word among the request's */
};

/* Writes the first reading of each word to `ids` and `flags`, AM_NONE and 0 where it has none or
 * the budget ends, and adds the others to `further`. False: there is no room for them. */
bool am_match_readings_of_batch(struct am_match_readings *readings,
                                const struct am_match_found_batch *found,
                                uint32_t *ids,
                                uint8_t *flags,
                                struct am_match_further *further);

/* Adds the readings beside the first one to a word that had none. False: there is no room. */
bool am_match_further_insert(struct am_match_further *further,
                             uint32_t word,
                             const struct am_match_reading_list *list);

#endif
