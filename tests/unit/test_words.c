/* The splitter against the table of docs/WORDS.md, and its short way against its general one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/text/stem.h"
#include "../../plugin/text/words.h"

/* Every word of the text as "word[begin,end) ". */
static void split(const char *text, size_t size, bool fold_accents, bool general_only, char *out) {
    struct am_splitter_memory memory = {NULL, am_splitter_memory_size(size)};
    struct am_splitter splitter;
    struct am_word words[AM_WORDS_LEAST];
    size_t count;
    memory.memory = malloc(memory.size);
    assert_non_null(memory.memory);
    am_splitter_start(&splitter, (struct am_view){text, size}, fold_accents, memory);
    splitter.general_only = general_only;
    *out = '\0';
    while ((count = am_splitter_next(&splitter, words, AM_WORDS_LEAST)) > 0)
        for (size_t i = 0; i < count; i++)
            out += sprintf(out, "%.*s[%u,%u) ", (int)words[i].size, words[i].text, words[i].begin,
                           words[i].end);
    free(memory.memory);
}

static void words_and_spans_are_those_of_the_table(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", ""},
        {"Women's T-Shirts", "womens[0,7) t[8,9) shirts[10,16) "},
        {"Women\u2019s", "womens[0,9) "},
        {"AT&T: 3.5 GHz, 100%", "at&t[0,4) 3.5[6,9) ghz[10,13) 100[15,18) "},
        {"C++ C# C+++ a+b +1", "c++[0,3) c#[4,6) c++[7,10) a[12,13) b[14,15) 1[17,18) "},
        {"Cr\u00e8me br\u00fbl\u00e9e", "creme[0,6) brulee[7,15) "},
        {"\u6771\u4eac3", "\u6771[0,3) \u4eac[3,6) 3[6,7) "},
        {"co\u00adop", "coop[0,6) "},
        {"\uff21\uff22", "ab[0,6) "},
        {"a.b 1.b 1.2.", "a[0,1) b[2,3) 1[4,5) b[6,7) 1.2[8,11) "},
        {"rock'n'roll 'tis", "rocknroll[0,11) tis[13,16) "},
        {"Stra\u00dfe", "strasse[0,7) "},
        {"a\xff"
         "b",
         "a[0,1) b[2,3) "},
        {"a\xe6\x9d"
         "b",
         "a[0,1) b[3,4) "},
    };
    char found[1024];
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        split(cases[i].text, strlen(cases[i].text), true, false, found);
        assert_string_equal(found, cases[i].words);
        split(cases[i].text, strlen(cases[i].text), true, true, found);
        assert_string_equal(found, cases[i].words);
    }
}

static void accents_stay_without_fold_accents(void **state) {
    (void)state;
    char found[256];
    split("Cafe\u0301", 6, false, false, found);
    assert_string_equal(found, "caf\u00e9[0,6) ");
}

static void the_short_way_for_ascii_gives_the_same_words(void **state) {
    (void)state;
    static const char *const pieces[] = {"a",
                                         "Bc",
                                         "7",
                                         "42",
                                         "'",
                                         ".",
                                         "&",
                                         "+",
                                         "#",
                                         " ",
                                         "-",
                                         "\n",
                                         "\u00e9",
                                         "\u0301",
                                         "\u2019",
                                         "\u6771",
                                         "\u0e01\u0e31",
                                         "\xff",
                                         "\xe6\x9d",
                                         "\u00ad",
                                         "\ufdfa"};
    unsigned seed = 20260101;
    char *found[2] = {malloc(1 << 16), malloc(1 << 16)};
    for (int round = 0; round < 100000; round++) {
        char text[128];
        size_t size = 0;
        for (int count = rand_r(&seed) % 16; count > 0; count--) {
            const char *piece = pieces[(unsigned)rand_r(&seed) % AM_COUNT_OF(pieces)];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        split(text, size, round % 2, false, found[0]);
        split(text, size, round % 2, true, found[1]);
        if (strcmp(found[0], found[1]) != 0)
            fail_msg("\"%.*s\": %s, generally %s", (int)size, text, found[0], found[1]);
    }
    free(found[0]);
    free(found[1]);
}

static void a_word_that_is_too_long_holds_its_place(void **state) {
    (void)state;
    char text[AM_WORD_MAX_BYTES + 8], found[256];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 3, " ok", 3);
    for (int general = 0; general < 2; general++) {
        split(text, sizeof text, true, general, found);
        assert_string_equal(found, "[0,1005) ok[1006,1008) ");
    }
}

static void utf16_units_count_as_in_javascript(void **state) {
    (void)state;
    assert_int_equal(am_utf16_length("a\u00e9\U0001f600", 7), 4);
    assert_int_equal(am_utf16_length("\xff\xe6\x9d!", 4), 3);
}

static void stems_are_snowballs(void **state) {
    (void)state;
    struct am_error error;
    static const char words[][32] = {"running", "shoes", "c++", "mp3s"};
    static const char *const stems[] = {"run", "shoe", "c++", "mp3s"};
    struct am_stemmer *stemmer = am_stemmer_new(AM_VIEW("EN"), &error);
    assert_non_null(stemmer);
    for (int round = 0; round < 2; round++) /* the second from the cache */
        for (size_t i = 0; i < AM_COUNT_OF(words); i++) {
            struct am_view stem = am_stem(stemmer, am_view_of(words[i]));
            assert_true(am_view_equal(stem, am_view_of(stems[i])));
        }
    am_stemmer_free(stemmer);
    assert_false(am_stemmer_knows(AM_VIEW("klingon")));
    assert_null(am_stemmer_new(AM_VIEW("klingon"), &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_spans_are_those_of_the_table),
        cmocka_unit_test(accents_stay_without_fold_accents),
        cmocka_unit_test(the_short_way_for_ascii_gives_the_same_words),
        cmocka_unit_test(a_word_that_is_too_long_holds_its_place),
        cmocka_unit_test(utf16_units_count_as_in_javascript),
        cmocka_unit_test(stems_are_snowballs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
