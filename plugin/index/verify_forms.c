/* Deep verification of the forms: what readings of a text's words are made of. */
#include "verify.h"

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
