/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of what readings of a text's words are made of: the forms, the spellings. */
#include "verify.h"
#include "vocabulary.h"

static bool list_fine(const struct am_image_verifier *verifier, am_image_list_ref ref) {
    return am_image_verify_ascending(verifier, ref, verifier->image->settings->word_count) &&
           am_image_list_at(verifier->image, ref).count <= AM_IMAGE_FORMS_MOST;
}

bool am_image_verify_forms(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->form_count; i++) {
        const struct am_image_forms *forms = &image->forms[i];
        if (forms->key >= image->settings->word_count || (i && forms->key <= forms[-1].key))
            return am_image_verify_fail(verifier, "forms", i,
                                        "its key is no word, or not in order");
        if (!list_fine(verifier, forms->first) || !list_fine(verifier, forms->second))
            return am_image_verify_fail(verifier, "forms", i,
                                        "its words are no ascending lists of words, or too many");
    }
    return true;
}

/* Each is tried at each place of a misspelt word. */
static bool letters_fine(const struct am_image_verifier *verifier) {
    am_image_list_ref letters = verifier->image->settings->spelling_letters;
    return am_image_verify_ascending(verifier, letters, 0x110000) &&
           am_image_list_at(verifier->image, letters).count <= AM_IMAGE_LETTERS_MOST;
}

bool am_image_verify_spellings(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    if (!letters_fine(verifier))
        return am_image_verify_fail(verifier, "settings", 0,
                                    "its spelling_letters are no ascending list of code points");
    for (uint64_t i = 0; i < image->spelling_count; i++) {
        const struct am_image_spelling *spelling = &image->spellings[i];
        if (spelling->word >= image->settings->word_count ||
            (i && spelling->word <= spelling[-1].word))
            return am_image_verify_fail(verifier, "spellings", i, "no such word, or not in order");
        if (!am_image_verify_text(verifier, spelling->written, 1, AM_WORD_MAX_BYTES))
            return am_image_verify_fail(verifier, "spellings", i, "it has no text, or a wrong one");
    }
    return true;
}
