/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of the vocabulary, and of the terminals that words name without an edge. */
#include "probes.h"
#include "verify.h"
#include "vocabulary.h"

/* The key as the matcher makes it, which reads AM_WORD_PADDING bytes of a short word. */
static struct am_image_word_key key_of(struct am_view text) {
    char padded[AM_WORD_PADDING] = {0};
    if (text.size > sizeof padded)
        return am_image_word_key(text.data, (uint32_t)text.size);
    memcpy(padded, text.data, text.size);
    return am_image_word_key(padded, (uint32_t)text.size);
}

/* Whether the first place with that key that a search meets is the given one. Every search ends. */
static bool is_found_at(struct am_image_verifier *verifier,
                        struct am_image_word_key key,
                        const struct am_image_vocabulary_bucket *place,
                        int place_lane) {
    const struct am_image *image = verifier->image;
    uint64_t hash = am_image_word_key_hash(key);
    uint64_t at = am_image_bucket(hash, image->vocabulary_buckets);
    for (;;) {
        const struct am_image_vocabulary_bucket *bucket = &image->vocabulary[at];
        verifier->probes++;
        for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++)
            if (am_image_word_key_is_in(bucket, lane, key))
                return bucket == place && lane == place_lane;
        if (!(bucket->displaced & am_image_overflow_word(hash)))
            return false;
        at = at + 1 < image->vocabulary_buckets ? at + 1 : 0;
    }
}

/* A terminal below S belongs to one word, or to "*". */
static bool settle_terminal(struct am_image_verifier *verifier, uint32_t terminal, uint32_t place) {
    struct am_image_verify_node *node = &verifier->nodes[terminal];
    if (terminal >= verifier->image->settings->first_node ||
        !am_image_verify_is_terminal(verifier->image, terminal) ||
        node->state != AM_VERIFY_UNREACHED)
        return false;
    *node = (struct am_image_verify_node){.above = place, .state = AM_VERIFY_SETTLED};
    return true;
}

static bool settle_if(struct am_image_verifier *verifier,
                      bool flag,
                      uint32_t terminal,
                      enum am_model_match_type match) {
    return flag ? settle_terminal(verifier, terminal, am_image_verify_place(match, 1))
                : terminal == AM_NONE;
}

static const char *lane_problem(struct am_image_verifier *verifier,
                                const struct am_image_vocabulary_bucket *bucket,
                                int lane) {
    const struct am_image *image = verifier->image;
    uint32_t id = bucket->word[lane];
    uint8_t flags = bucket->flags[lane];
    if (id >= image->settings->word_count)
        return "no such word";
    if (!am_image_verify_take_bit(verifier->seen_words, id))
        return "its word is in another place, too";
    const struct am_image_word *word = &image->words[id];
    if (!am_image_verify_text(verifier, word->text, 1, AM_IMAGE_WORD_MAX_BYTES))
        return "its word has no text, or a wrong one";
    struct am_image_word_key key = key_of(am_image_string(image, word->text));
    if (!am_image_word_key_is_in(bucket, lane, key))
        return "its key is not that of its word";
    if (!is_found_at(verifier, key, bucket, lane))
        return "no search finds its word";
    if (!am_image_probes_are_few(verifier->probes,
                                 image->vocabulary_buckets * AM_IMAGE_VOCABULARY_LANES))
        return "too many searches in it are long";
    if (!settle_if(verifier, flags & AM_WORD_IS_PHRASE, word->phrase_terminal, AM_MATCH_PHRASE) ||
        !settle_if(verifier, flags & AM_WORD_IS_BROAD, word->broad_terminal, AM_MATCH_BROAD))
        return "its word's terminals are not its own, or contradict its flags";
    verifier->word_flags[id] = flags;
    return NULL;
}

static bool is_empty(const struct am_image_vocabulary_bucket *bucket, int lane) {
    const struct am_image_word_key none = {0, 0};
    return bucket->word[lane] == AM_NONE && bucket->flags[lane] == 0 &&
           am_image_word_key_is_in(bucket, lane, none);
}

static bool verify_any(struct am_image_verifier *verifier) {
    uint32_t terminal = verifier->image->settings->any_terminal;
    return terminal == AM_NONE ||
           settle_terminal(verifier, terminal, am_image_verify_place(AM_MATCH_ANY, 0)) ||
           am_image_verify_fail(verifier, "settings", 0, "the terminal of \"*\" is not its own");
}

bool am_image_verify_words(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t used = 0;
    verifier->probes = 0;
    if (!am_image_word_probes_end(image->vocabulary, image->vocabulary_buckets))
        return am_image_verify_fail(verifier, "vocabulary", 0, "a search in it is too long");
    for (uint64_t i = 0; i < image->vocabulary_buckets; i++)
        for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++) {
            if (is_empty(&image->vocabulary[i], lane))
                continue;
            const char *problem = lane_problem(verifier, &image->vocabulary[i], lane);
            if (problem)
                return am_image_verify_fail(verifier, "vocabulary", i, problem);
            used++;
        }
    if (used != image->settings->word_count)
        return am_image_verify_fail(verifier, "vocabulary", 0, "it lacks a word");
    return verify_any(verifier);
}
