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

static const struct fault faults[] = {
    WRITER(forms_of_two_keys, SOUND),
    WRITER(forms_of_no_word, "its key is no word, or not in order"),
    WRITER(forms_twice, "its key is no word, or not in order"),
    WRITER(forms_that_descend, "its words are no ascending lists of words, or too many"),
    WRITER(forms_beyond_the_words, "its words are no ascending lists of words, or too many"),
    WRITER(too_many_forms, "its words are no ascending lists of words, or too many"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
