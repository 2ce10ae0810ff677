/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check of what readings of a text's words are made of. */
#include "faults.h"

static void
add_forms(struct image_writer *writer, uint32_t key, const uint32_t *words, uint32_t count) {
    struct am_image_forms forms = {.key = key, .second = image_writer_list(writer, words, count)};
    image_writer_add(writer, AM_SECTION_FORMS, &forms);
}

static void forms_of_two_keys(struct image_writer *writer) {
    add_forms(writer, 0, (const uint32_t[]){0, 1}, 2);
    add_forms(writer, 1, NULL, 0);
}

static void forms_of_no_word(struct image_writer *writer) {
    add_forms(writer, AM_NONE, NULL, 0);
}

static void forms_twice(struct image_writer *writer) {
    add_forms(writer, 1, NULL, 0);
    add_forms(writer, 1, NULL, 0);
}

static void forms_that_descend(struct image_writer *writer) {
    add_forms(writer, 0, (const uint32_t[]){1, 0}, 2);
}

static void forms_beyond_the_words(struct image_writer *writer) {
    add_forms(writer, 0, (const uint32_t[]){AM_NONE - 1}, 1);
}

static void too_many_forms(struct image_writer *writer) {
    uint32_t words[AM_IMAGE_FORMS_MOST + 1];
    for (uint32_t i = 0; i < AM_COUNT_OF(words); i++) {
        char text[] = {(char)('0' + i), 'w', 0};
        words[i] = image_writer_word(writer, am_view_of(text), 0);
    }
    add_forms(writer, 0, words, AM_COUNT_OF(words));
}

/* ---- spellings --------------------------------------------------------------------------------
 */

static void add_spelling(struct image_writer *writer, uint32_t word, struct am_view written) {
    struct am_image_spelling spelling = {word, image_writer_string(writer, written), 1};
    image_writer_add(writer, AM_SECTION_SPELLINGS, &spelling);
}

static void two_spellings(struct image_writer *writer) {
    add_spelling(writer, 0, AM_VIEW("a"));
    add_spelling(writer, 1, AM_VIEW("b"));
}

static void spelling_of_no_word(struct image_writer *writer) {
    add_spelling(writer, AM_NONE, AM_VIEW("a"));
}

static void spelling_twice(struct image_writer *writer) {
    add_spelling(writer, 1, AM_VIEW("a"));
    add_spelling(writer, 1, AM_VIEW("a"));
}

static void spelling_without_text(struct image_writer *writer) {
    add_spelling(writer, 0, AM_VIEW(""));
}

static void letters_that_descend(struct image_writer *writer) {
    writer->settings.spelling_letters = image_writer_list(writer, (const uint32_t[]){'b', 'a'}, 2);
}

static void too_many_letters(struct image_writer *writer) {
    static uint32_t letters[AM_IMAGE_LETTERS_MOST + 1];
    for (uint32_t i = 0; i < AM_COUNT_OF(letters); i++)
        letters[i] = i;
    writer->settings.spelling_letters = image_writer_list(writer, letters, AM_COUNT_OF(letters));
}

static const struct fault faults[] = {
    WRITER(forms_of_two_keys, SOUND),
    WRITER(forms_of_no_word, "its key is no word, or not in order"),
    WRITER(forms_twice, "its key is no word, or not in order"),
    WRITER(forms_that_descend, "its words are no ascending lists of words, or too many"),
    WRITER(forms_beyond_the_words, "its words are no ascending lists of words, or too many"),
    WRITER(too_many_forms, "its words are no ascending lists of words, or too many"),
    WRITER(two_spellings, SOUND),
    WRITER(spelling_of_no_word, "no such word, or not in order"),
    WRITER(spelling_twice, "no such word, or not in order"),
    WRITER(spelling_without_text, "it has no text, or a wrong one"),
    WRITER(letters_that_descend, "its spelling_letters are no ascending list"),
    WRITER(too_many_letters, "its spelling_letters are no ascending list"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
