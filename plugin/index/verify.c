/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification: the settings, the memory, and the way through all parts. */
#include "verify.h"

#include <stdlib.h>

#include "../base/large.h"
#include "../text/stem.h"

static const char *settings_problem(const struct am_image_verifier *verifier) {
    const struct am_image_settings *settings = verifier->image->settings;
    if (!am_image_verify_text(verifier, settings->currency, 0, AM_ID_MAX_BYTES) ||
        !am_image_verify_text(verifier, settings->language, 0, AM_ID_MAX_BYTES))
        return "its currency or language is no name";
    if (settings->fold_accents > 1 || settings->stem > 1)
        return "fold_accents and stem must be 0 or 1";
    if (settings->broad_window < 1 || settings->broad_window > AM_BROAD_WINDOW_MAX)
        return "broad_window is out of range";
    if (settings->unique >= AM_UNIQUES)
        return "unique is out of range";
    if (!am_image_verify_text(verifier, settings->timezone, 0, AM_ID_MAX_BYTES))
        return "its time zone is no name";
    for (int i = 0; i < AM_MATCH_TYPES; i++)
        if (settings->match_weight[i] > AM_PER_MILLE_MAX)
            return "a match weight is above the limit";
    return NULL;
}

static bool verify_language(struct am_image_verifier *verifier) {
    const struct am_image_settings *settings = verifier->image->settings;
    if (!settings->stem)
        return true;
    enum am_code code = am_text_stemmer_check(am_image_string(verifier->image, settings->language));
    if (code == AM_E_MEMORY)
        am_error_set(verifier->error, code, "out of memory while verifying an image");
    else if (code != AM_OK)
        am_image_verify_fail(verifier, "settings", 0,
                             "it stems in a language that Snowball does not know");
    return code == AM_OK;
}

static bool verify_settings(struct am_image_verifier *verifier) {
    const char *problem = settings_problem(verifier);
    if (problem)
        return am_image_verify_fail(verifier, "settings", 0, problem);
    verifier->twins = am_image_has_twins(verifier->image);
    return verify_language(verifier);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

static uint64_t *make_bits(uint64_t count) {
    return calloc(count / 64 + 1, sizeof(uint64_t));
}

static void *make_large(uint64_t count, size_t item_size, int byte) {
    void *memory = am_memory_allocate((count + 1) * item_size);
    if (memory)
        memset(memory, byte, (count + 1) * item_size);
    return memory;
}

/* All counts were checked against the size of the image when it was opened. Edges need the most
 * memory per byte of image: 40 bytes for each bucket of 64. */
static bool make_memory(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    verifier->string_starts = make_bits(image->strings_size / 4);
    verifier->plain_strings = make_bits(image->strings_size / 4);
    verifier->creatives = make_bits(image->strings_size / 4);
    verifier->list_starts = make_bits(image->set_count);
    verifier->ascending_lists = make_bits(image->set_count);
    verifier->seen_terms = make_bits(image->term_count);
    verifier->seen_negatives = make_bits(settings->negative_count);
    verifier->seen_twins = make_bits(settings->negative_count);
    verifier->seen_words = make_bits(settings->word_count);
    verifier->word_flags = calloc((size_t)settings->word_count + 1, 1);
    verifier->first_ads = make_large(settings->campaign_count, sizeof *verifier->first_ads, 0xFF);
    verifier->nodes = make_large(settings->node_end, sizeof *verifier->nodes, 0);
    verifier->json_nodes = malloc(AM_CREATIVE_NODES * sizeof *verifier->json_nodes);
    return verifier->string_starts && verifier->plain_strings && verifier->creatives &&
           verifier->list_starts && verifier->ascending_lists && verifier->seen_terms &&
           verifier->seen_negatives && verifier->seen_twins && verifier->seen_words &&
           verifier->word_flags && verifier->first_ads && verifier->nodes && verifier->json_nodes;
}

static void free_memory(struct am_image_verifier *verifier) {
    void *const pieces[] = {
        verifier->string_starts,  verifier->plain_strings,   verifier->creatives,
        verifier->list_starts,    verifier->ascending_lists, verifier->seen_terms,
        verifier->seen_negatives, verifier->seen_twins,      verifier->seen_words,
        verifier->word_flags,     verifier->first_ads,       verifier->nodes,
        verifier->json_nodes,
    };
    for (size_t i = 0; i < AM_COUNT_OF(pieces); i++)
        free(pieces[i]);
}

enum am_code am_image_verify(const struct am_image *image, struct am_error *error) {
    struct am_error local;
    struct am_image_verifier verifier = {.image = image, .error = error ? error : &local};
    enum am_code code = AM_OK;
    if (!make_memory(&verifier))
        code = am_error_set(error, AM_E_MEMORY, "out of memory while verifying an image");
    else if (!am_image_verify_pools(&verifier) || !verify_settings(&verifier) ||
             !am_image_verify_terms(&verifier) || !am_image_verify_zones(&verifier) ||
             !am_image_verify_records(&verifier) || !am_image_verify_limits(&verifier) ||
             !am_image_verify_keys(&verifier) || !am_image_verify_words(&verifier) ||
             !am_image_verify_forms(&verifier) || !am_image_verify_spellings(&verifier) ||
             !am_image_verify_trie(&verifier) || !am_image_verify_postings(&verifier))
        code = verifier.error->code;
    free_memory(&verifier);
    return code;
}
