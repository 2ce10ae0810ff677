/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of the terms and of their hash table. */
#include <string.h>

#include "probes.h"
#include "terms.h"
#include "verify.h"

/* ---- terms ------------------------------------------------------------------------------------
 */

/* The parent domain is what follows the first period, so the path up ends. */
static bool is_domain_key(const struct am_image *image, const struct am_image_term *term) {
    struct am_view text = am_image_string(image, term->text);
    const char *period = text.size ? memchr(text.data, '.', text.size) : NULL;
    if (!period)
        return term->key == AM_NONE;
    struct am_view above = {period + 1, (size_t)(text.data + text.size - period - 1)};
    return am_image_verify_is_term(image, term->key, AM_TERM_DOMAIN) &&
           am_view_equal(am_image_string(image, image->terms[term->key].text), above);
}

static bool is_key(const struct am_image *image, const struct am_image_term *term) {
    if (term->kind == AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_KV)
        return am_image_verify_is_term(image, term->key, AM_TERM_KEY);
    if (term->kind == AM_TERM_DOMAIN)
        return is_domain_key(image, term);
    return term->key == AM_NONE;
}

static bool is_kind(uint32_t kind) {
    return (kind >= AM_TERM_KEY && kind <= AM_TERM_APP) ||
           (kind < AM_TERM_ATTRIBUTE + AM_ATTRIBUTES &&
            kind != AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_HOUR);
}

static bool verify_records(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->term_count; i++) {
        if (!am_image_verify_text(verifier, image->terms[i].text, 0, AM_ID_MAX_BYTES))
            return am_image_verify_fail(verifier, "terms", i, "its text is no name");
        if (!is_kind(image->terms[i].kind))
            return am_image_verify_fail(verifier, "terms", i, "unknown kind");
    }
    for (uint64_t i = 0; i < image->term_count; i++)
        if (!is_key(image, &image->terms[i]))
            return am_image_verify_fail(verifier, "terms", i, "its key does not fit its kind");
    return true;
}

/* ---- the table --------------------------------------------------------------------------------
 */

/* The hashes of the terms since the last empty slot. A search for one of them passes over some of
 * the others. */
struct run {
    uint64_t hashes[AM_MAX_PROBES];
    uint32_t length;
};

/* Every search of the table ends, so that a run has room in `run`. */
static const char *
slot_problem(struct am_image_verifier *verifier, uint64_t slot, struct run *run) {
    const struct am_image *image = verifier->image;
    uint32_t id = image->term_table[slot];
    if (id >= image->term_count)
        return "no such term";
    if (!am_image_verify_take_bit(verifier->seen_terms, id))
        return "its term is in another slot, too";
    const struct am_image_term *term = &image->terms[id];
    uint32_t key = term->kind == AM_TERM_DOMAIN ? AM_NONE : term->key;
    uint64_t hash = am_image_term_hash(term->kind, key, am_image_string(image, term->text));
    uint64_t home = am_image_bucket(hash, image->term_slots);
    uint64_t distance = slot >= home ? slot - home : slot + image->term_slots - home;
    if (distance > run->length)
        return "no search finds its term";
    verifier->probes += distance + 1;
    if (!am_image_probes_are_few(verifier->probes, image->term_slots))
        return "too many searches in it are long";
    for (uint32_t i = run->length - (uint32_t)distance; i < run->length; i++)
        if (run->hashes[i] == hash)
            return "two terms have the same hash";
    run->hashes[run->length++] = hash;
    return NULL;
}

/* The n-th slot after `first`, around the end. */
static uint64_t slot_after(const struct am_image *image, uint64_t first, uint64_t n) {
    return first + n < image->term_slots ? first + n : first + n - image->term_slots;
}

/* From an empty slot once around, so that each run is seen from its beginning. */
static bool verify_table(struct am_image_verifier *verifier) {
    enum { AHEAD = 16 }; /* the terms of neighbouring slots are scattered in memory */
    const struct am_image *image = verifier->image;
    struct run run = {.length = 0};
    uint64_t first = 0, used = 0;
    verifier->probes = 0;
    if (!am_image_term_probes_end(image->term_table, image->term_slots))
        return am_image_verify_fail(verifier, "term table", 0, "a search in it is too long");
    while (image->term_table[first] != AM_NONE)
        first++;
    for (uint64_t i = 0; i < image->term_slots; i++) {
        uint64_t slot = slot_after(image, first, i);
        uint64_t ahead = i + AHEAD < image->term_slots ? i + AHEAD : i;
        uint32_t later = image->term_table[slot_after(image, first, ahead)];
        if (later < image->term_count)
            __builtin_prefetch(&image->terms[later]);
        if (image->term_table[slot] == AM_NONE) {
            run.length = 0;
            continue;
        }
        const char *problem = slot_problem(verifier, slot, &run);
        if (problem)
            return am_image_verify_fail(verifier, "term table", slot, problem);
        used++;
    }
    return used == image->term_count ||
           am_image_verify_fail(verifier, "term table", 0, "it lacks a term");
}

bool am_image_verify_terms(struct am_image_verifier *verifier) {
    return verify_records(verifier) && verify_table(verifier);
}
