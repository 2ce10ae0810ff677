/* Private to the deep verification: its state, and its two halves. */
#ifndef AM_INDEX_VERIFY_H
#define AM_INDEX_VERIFY_H

#include "image.h"

struct am_image_verifier {
    const struct am_image *image;
    struct am_error *error;
    uint64_t *string_starts; /* bit per 4 bytes of the strings: a string begins here */
    uint64_t *set_starts;    /* bit per u32 of the sets: a list begins here */
    uint32_t *parents;       /* by node: its parent, AM_NONE: not seen yet */
    uint64_t broad_terminals, broad_words; /* seen so far */
};

/* Reports section, record and reason; always false. */
bool am_image_verify_fail(struct am_image_verifier *verifier,
                          const char *section,
                          uint64_t record,
                          const char *reason);

bool am_image_verify_string(const struct am_image_verifier *verifier, am_image_string_ref ref);

/* Strings, lists, terms, trees, ads, campaigns. */
bool am_image_verify_records(struct am_image_verifier *verifier);

static inline bool am_build_bit_get(const uint64_t *bits, uint64_t at) {
    return bits[at / 64] >> at % 64 & 1;
}
static inline void am_build_bit_set(uint64_t *bits, uint64_t at) {
    bits[at / 64] |= UINT64_C(1) << at % 64;
}

#endif
