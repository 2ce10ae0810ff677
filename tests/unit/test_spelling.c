/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of misspelt words, against all words of a small alphabet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/text/spelling.h"

static struct am_text_letters letters_of(const char *word) {
    struct am_text_letters letters;
    assert_true(am_text_letters_of(am_view_of(word), 1, AM_SPELLING_LETTERS_MOST + 1, &letters));
    return letters;
}

/* Whether an edit of `word` is `meant`. */
static bool
has_edit(const char *word, const char *meant, const uint32_t *alphabet, uint32_t count) {
    struct am_text_letters letters = letters_of(word);
    struct am_text_edits edits;
    char text[AM_SPELLING_WORD_BYTES];
    bool found = false;
    am_text_edits_start(&edits, &letters, alphabet, count);
    for (uint32_t size; (size = am_text_edits_next(&edits, text)) > 0;) {
        assert_true(size <= sizeof text);
        found |= am_view_equal((struct am_view){text, size}, am_view_of(meant));
    }
    return found;
}

static const uint32_t latin[] = {'a', 'e', 'k', 'n', 'r', 's', 't', 0xE9, 0x3B1, 0x436};

static void one_slip_is_an_edit(void **state) {
    (void)state;
    static const struct {
        const char *word, *meant;
        bool is_edit;
    } cases[] = {
        {"snekers", "sneakers", true},   /* missing, of eight letters */
        {"sneakerss", "sneakers", true}, /* too many */
        {"snaekers", "sneakers", true},  /* changed places */
        {"sneakern", "sneakers", true},  /* wrong */
        {"tneakers", "sneakers", false}, /* the first letter */
        {"nseakers", "sneakers", false},     {"neakers", "sneakers", false},
        {"sneakers", "sneakers", false},                                    /* itself */
        {"sneker", "sneaker", false},                                       /* of seven letters */
        {"snaeker", "sneaker", true},        {"sneaaker", "sneaker", true}, /* a double letter */
        {"leter", "letter", true},           {"lettter", "letter", true},
        {"lette", "letter", false},          {"sneakers\u00e9", "sneakers", true},
        {"sneaker", "sneaker\u00e9", true}, /* a letter of its script */
        {"sneaker", "sneaker\u0436", false},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        if (has_edit(cases[i].word, cases[i].meant, latin, AM_COUNT_OF(latin)) != cases[i].is_edit)
            fail_msg("%s, %s: expected %d", cases[i].word, cases[i].meant, cases[i].is_edit);
}

static void no_letters_leave_what_needs_none(void **state) {
    (void)state;
    assert_true(has_edit("accomodation", "accommodation", NULL, 0) == false);
    assert_true(has_edit("accommodatoin", "accommodation", NULL, 0));
    assert_true(has_edit("accommmodation", "accommodation", NULL, 0));
}

static void words_of_one_script_are_corrected(void **state) {
    (void)state;
    struct am_text_letters letters;
    static const struct {
        const char *word;
        enum am_text_script script; /* OTHER: none */
    } cases[] = {
        {"sneakers", AM_SCRIPT_LATIN},
        {"\u00e9t\u00e9s\u00df", AM_SCRIPT_LATIN},
        {"\u03b1\u03b2\u03b3\u03b4\u03b5", AM_SCRIPT_GREEK},
        {"\u0430\u0431\u0432\u0433\u0434", AM_SCRIPT_CYRILLIC},
        {"abc\u0430\u0431", AM_SCRIPT_OTHER},
        {"abcd1", AM_SCRIPT_OTHER},
        {"abc&d", AM_SCRIPT_OTHER},
        {"abcd", AM_SCRIPT_OTHER},
        {"abcdefghijklmnopqrstu", AM_SCRIPT_OTHER},
        {"\u05d0\u05d1\u05d2\u05d3\u05d4", AM_SCRIPT_OTHER},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        bool fine = am_text_letters_of(am_view_of(cases[i].word), AM_SPELLING_LETTERS_LEAST,
                                       AM_SPELLING_LETTERS_MOST, &letters);
        assert_int_equal(fine, cases[i].script != AM_SCRIPT_OTHER);
        if (fine)
            assert_int_equal(letters.script, cases[i].script);
    }
}

/* Damerau-Levenshtein distance 1 by definition: one of the four edits of one makes the other. */
static bool is_one_edit(const char *a, const char *b) {
    size_t first = 0, a_size = strlen(a), b_size = strlen(b);
    while (first < a_size && a[first] == b[first])
        first++;
    const char *x = a + first, *y = b + first;
    if (a_size == b_size)
        return *x && (strcmp(x + 1, y + 1) == 0 ||
                      (x[1] && x[0] == y[1] && x[1] == y[0] && strcmp(x + 2, y + 2) == 0));
    return a_size > b_size ? strcmp(x + 1, y) == 0 : strcmp(x, y + 1) == 0;
}

static void all_words_at_distance_one_are_edits(void **state) {
    (void)state;
    static const uint32_t alphabet[] = {'a', 'b'};
    for (unsigned code = 0; code < 1U << 9; code++)
        for (int size = 8; size <= 9; size++) {
            char meant[10] = {0};
            for (int i = 0; i < size; i++)
                meant[i] = (char)('a' + (code >> i & 1));
            const char *word = "aababbab";
            if (meant[0] != word[0])
                continue;
            assert_int_equal(has_edit(word, meant, alphabet, 2), is_one_edit(word, meant));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_an_edit),
        cmocka_unit_test(no_letters_leave_what_needs_none),
        cmocka_unit_test(words_of_one_script_are_corrected),
        cmocka_unit_test(all_words_at_distance_one_are_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
