/* SPDX-License-Identifier: Apache-2.0 */
/* The splitter against the table of docs/WORDS.md, and its ways against one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/text/stem.h"
#include "../../plugin/text/words.h"

/* The machine alone, and then the machine with each way of reading blocks. */
enum { MACHINE_ALONE = -1 };

/* Every word of the text as "word[begin,end) ". The text lies at the end of its memory, so that
 * sanitizers and valgrind see a read past it. */
static void split(const char *text, size_t size, bool fold_accents, int way, char *out) {
    struct am_text_splitter_memory memory = {NULL, am_text_splitter_memory_size(size)};
    struct am_text_splitter splitter;
    struct am_text_word words[AM_WORDS_LEAST];
    size_t count;
    char *copy = malloc(size ? size : 1);
    memory.memory = malloc(memory.size);
    assert_non_null(copy);
    assert_non_null(memory.memory);
    memcpy(copy, text, size);
    am_text_splitter_start(&splitter, (struct am_view){copy, size}, fold_accents, memory);
    splitter.way =
        way == MACHINE_ALONE ? NULL : am_text_block_kernel((enum am_text_block_kernel_name)way);
    *out = '\0';
    while ((count = am_text_splitter_next(&splitter, words, AM_WORDS_LEAST)) > 0)
        for (size_t i = 0; i < count; i++)
            out += sprintf(out, "%.*s[%u,%u) ", (int)words[i].size,
                           am_text_word_text(&splitter, &words[i]), words[i].begin, words[i].end);
    free(memory.memory);
    free(copy);
}

/* Ways that this machine does not have are left out. */
static bool have(int way) {
    return way == MACHINE_ALONE ||
           am_text_block_kernel((enum am_text_block_kernel_name)way) != NULL;
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
        {"C++\u5165\u9580", "c++[0,3) \u5165[3,6) \u9580[6,9) "},
        {"a\xff"
         "b",
         "a[0,1) b[2,3) "},
        {"a\xe6\x9d"
         "b",
         "a[0,1) b[3,4) "},
    };
    char found[1024];
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        for (int way = MACHINE_ALONE; way < AM_TEXT_BLOCK_KERNELS; way++)
            if (have(way)) {
                split(cases[i].text, strlen(cases[i].text), true, way, found);
                assert_string_equal(found, cases[i].words);
            }
    }
}

static void accents_stay_without_fold_accents(void **state) {
    (void)state;
    char found[256];
    split("Cafe\u0301", 6, false, AM_BLOCK_PORTABLE, found);
    assert_string_equal(found, "caf\u00e9[0,6) ");
}

static const char *const pieces[] = {"a",      "Bc",       "7",      "42",      "'",
                                     ".",      "&",        "+",      "#",       " ",
                                     "-",      "\n",       "word",   "Zebra's", "\u00e9",
                                     "\u0301", "\u2019",   "\u201c", "\u6771",  "\u0e01\u0e31",
                                     "\xff",   "\xe6\x9d", "\u00ad", "\ufdfa",  "\u212b"};

static size_t append(char *text, size_t size, const char *piece) {
    memcpy(text + size, piece, strlen(piece));
    return size + strlen(piece);
}

static void every_way_gives_the_same_words(const char *text, size_t size, bool fold_accents) {
    static char found[2][1 << 16];
    split(text, size, fold_accents, MACHINE_ALONE, found[0]);
    for (int way = 0; way < AM_TEXT_BLOCK_KERNELS; way++) {
        if (!have(way))
            continue;
        split(text, size, fold_accents, way, found[1]);
        if (strcmp(found[0], found[1]) != 0)
            fail_msg("\"%.*s\", way %d: %s, the machine: %s", (int)size, text, way, found[1],
                     found[0]);
    }
}

static void every_way_splits_random_text_alike(void **state) {
    (void)state;
    unsigned seed = 20260101;
    for (int round = 0; round < 60000; round++) {
        char text[512];
        size_t size = 0;
        for (int count = rand_r(&seed) % 40; count > 0; count--)
            size = append(text, size, pieces[(unsigned)rand_r(&seed) % AM_COUNT_OF(pieces)]);
        every_way_gives_the_same_words(text, size, round % 2);
    }
}

/* What matters at the edge of a block is two bytes to either side. */
static void every_way_splits_alike_wherever_blocks_end(void **state) {
    (void)state;
    for (size_t offset = 0; offset <= 2 * AM_BLOCK + 2; offset++)
        for (size_t first = 0; first < AM_COUNT_OF(pieces); first++)
            for (size_t second = 0; second < AM_COUNT_OF(pieces); second++) {
                char text[512];
                size_t size = offset;
                memset(text, offset % 2 ? ' ' : 'x', offset);
                size = append(text, size, pieces[first]);
                size = append(text, size, pieces[second]);
                size = append(text, size, "a b");
                every_way_gives_the_same_words(text, size, true);
            }
}

static void long_stretches_without_words_do_not_end_a_text(void **state) {
    (void)state;
    enum { LENGTH = 200000 };
    char *text = malloc(LENGTH), found[64];
    memset(text, '-', LENGTH);
    memcpy(text + LENGTH - 3, "end", 3);
    for (int way = MACHINE_ALONE; way < AM_TEXT_BLOCK_KERNELS; way++)
        if (have(way)) {
            split(text, LENGTH, true, way, found);
            assert_string_equal(found, "end[199997,200000) ");
        }
    free(text);
}

static void a_word_that_is_too_long_holds_its_place(void **state) {
    (void)state;
    char text[AM_WORD_MAX_BYTES + 8], found[256];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 3, " ok", 3);
    for (int way = MACHINE_ALONE; way < AM_TEXT_BLOCK_KERNELS; way++)
        if (have(way)) {
            split(text, sizeof text, true, way, found);
            assert_string_equal(found, "[0,1005) ok[1006,1008) ");
        }
}

static void utf16_units_count_as_in_javascript(void **state) {
    (void)state;
    assert_int_equal(am_text_utf16_length("a\u00e9\U0001f600", 7), 4);
    assert_int_equal(am_text_utf16_length("\xff\xe6\x9d!", 4), 3);
}

static void stems_are_snowballs(void **state) {
    (void)state;
    struct am_error error;
    static const char words[][32] = {"running", "shoes", "c++", "mp3s"};
    static const char *const stems[] = {"run", "shoe", "c++", "mp3s"};
    struct am_text_stemmer *stemmer = am_text_stemmer_new(AM_VIEW("EN"), &error);
    assert_non_null(stemmer);
    for (int round = 0; round < 2; round++) /* the second from the cache */
        for (size_t i = 0; i < AM_COUNT_OF(words); i++) {
            struct am_view stem = am_text_stem(stemmer, am_view_of(words[i]));
            assert_true(am_view_equal(stem, am_view_of(stems[i])));
        }
    am_text_stemmer_free(stemmer);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("English")), AM_OK);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("klingon")), AM_E_INVALID);
    assert_null(am_text_stemmer_new(AM_VIEW("klingon"), &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_spans_are_those_of_the_table),
        cmocka_unit_test(accents_stay_without_fold_accents),
        cmocka_unit_test(every_way_splits_random_text_alike),
        cmocka_unit_test(every_way_splits_alike_wherever_blocks_end),
        cmocka_unit_test(long_stretches_without_words_do_not_end_a_text),
        cmocka_unit_test(a_word_that_is_too_long_holds_its_place),
        cmocka_unit_test(utf16_units_count_as_in_javascript),
        cmocka_unit_test(stems_are_snowballs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
