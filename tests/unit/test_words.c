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

static const struct am_text_word_rules plain = {.fold_accents = true};

/* Every word of the text as "word[begin,end) ". The text lies at the end of its memory, so that
 * sanitizers and valgrind see a read past it. Returns how many characters were read one by one. */
static size_t
split(const char *text, size_t size, struct am_text_word_rules rules, int way, char *out) {
    struct am_text_splitter_memory memory = {NULL, am_text_splitter_memory_size(size)};
    struct am_text_splitter splitter;
    struct am_text_word words[AM_WORDS_LEAST];
    size_t count;
    char *copy = malloc(size ? size : 1);
    memory.memory = malloc(memory.size);
    assert_non_null(copy);
    assert_non_null(memory.memory);
    memcpy(copy, text, size);
    am_text_splitter_start(&splitter, (struct am_view){copy, size}, &rules, memory);
    if (splitter.kernel)
        splitter.kernel =
            way == MACHINE_ALONE ? NULL : am_text_block_kernel((enum am_text_block_kernel_name)way);
    *out = '\0';
    while ((count = am_text_splitter_next(&splitter, words, AM_WORDS_LEAST)) > 0)
        for (size_t i = 0; i < count; i++)
            out += sprintf(out, "%.*s[%u,%u) ", (int)words[i].size,
                           am_text_word_text(&splitter, &words[i]), words[i].begin, words[i].end);
    free(memory.memory);
    free(copy);
    return splitter.characters;
}

/* Ways that this machine does not have are left out. */
static bool have(int way) {
    return way == MACHINE_ALONE ||
           am_text_block_kernel((enum am_text_block_kernel_name)way) != NULL;
}

struct split_case {
    const char *text, *words;
};

static void expect(const struct split_case *cases, size_t count, struct am_text_word_rules rules) {
    char found[1024];
    for (size_t i = 0; i < count; i++)
        for (int way = MACHINE_ALONE; way < AM_TEXT_BLOCK_KERNELS; way++)
            if (have(way)) {
                split(cases[i].text, strlen(cases[i].text), rules, way, found);
                assert_string_equal(found, cases[i].words);
            }
}

#define EXPECT(cases, language, fold_accents)                                                      \
    expect(cases, AM_COUNT_OF(cases), am_text_word_rules_of(am_view_of(language), fold_accents))

static void words_and_spans_are_those_of_the_table(void **state) {
    (void)state;
    static const struct split_case cases[] = {
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
    EXPECT(cases, "", true);
}

static void apostrophes_are_one_character(void **state) {
    (void)state;
    static const struct split_case cases[] = {
        {"a'b", "ab[0,3) "},          {"a`b", "ab[0,3) "},      {"a\u00b4b", "ab[0,4) "},
        {"a\u2018b", "ab[0,5) "},     {"a\u2019b", "ab[0,5) "}, {"a\u02bbb", "ab[0,4) "},
        {"a\u02bcb", "ab[0,4) "},     {"a\uff07b", "ab[0,5) "}, {"90's", "90[0,2) s[3,4) "},
        {"dogs\u02bc", "dogs[0,4) "}, {"``a''", "a[2,3) "},     {"a''b", "a[0,1) b[3,4) "},
    };
    EXPECT(cases, "", true);
}

static void elisions_separate(void **state) {
    (void)state;
    static const struct split_case french[] = {
        {"L'H\u00d4TEL", "l[0,1) hotel[2,8) "},
        {"de l\u2019alcool", "de[0,2) l[3,4) alcool[7,13) "},
        {"qu'il", "qu[0,2) il[3,5) "},
        {"d'aujourd'hui", "d[0,1) aujourdhui[2,13) "},
        {"presqu'\u00eele O'Neil", "presquile[0,11) oneil[12,18) "},
        {"rock'n'roll", "rocknroll[0,11) "},
        {"l'1 l' 3l'a", "l[0,1) 1[2,3) l[4,5) 3la[7,11) "},
        {"\uff2c'a", "l[0,3) a[4,5) "},
        {"Qu\u0308'a", "qu[0,4) a[5,6) "},
    };
    static const struct split_case italian[] = {
        {"dell'acqua", "dell[0,4) acqua[5,10) "},
        {"l'aujourd'hui", "l[0,1) aujourdhui[2,13) "},
        {"qu'il", "quil[0,5) "},
    };
    static const struct split_case catalan[] = {{"l'aigua", "l[0,1) aigua[2,7) "},
                                                {"c'a", "ca[0,3) "}};
    static const struct split_case english[] = {{"l'eau", "leau[0,5) "}};
    EXPECT(french, "fr", true);
    EXPECT(french, "French", true);
    EXPECT(italian, "it-CH", true);
    EXPECT(catalan, "ca", true);
    EXPECT(english, "en", true);
}

static void turkish_has_letters_and_suffixes_of_its_own(void **state) {
    (void)state;
    static const struct split_case cases[] = {
        {"KI\u015e k\u0131\u015f kis", "k\u0131\u015f[0,4) k\u0131\u015f[5,10) kis[11,14) "},
        {"\u0130ZM\u0130R I\u0307zmir", "izmir[0,7) izmir[8,15) "},
        {"\u0130stanbul'da 2010'da", "istanbul[0,9) 2010[13,17) "},
        {"Levi's Kur'an'da Kur'\u00e2n", "levis[0,6) kuran[7,13) kur\u00e2n[17,24) "},
        {"X'e O'Neil", "xe[0,3) oneil[4,10) "},
        {"AT&T'nin 3G'de A4'e", "at&t[0,4) 3g[9,11) a4[15,17) "},
        {"90's 90'12", "90s[0,4) 90[5,7) 12[8,10) "},
        {"Ali'ye2. Ali'nin+ Levi's+", "ali[0,3) ali[9,12) levis+[18,25) "},
        {"Ali'\u6771", "ali[0,3) \u6771[4,7) "},
        {"I", "\u0131[0,1) "},
    };
    static const struct split_case folded[] = {
        {"KI\u015e k\u0131\u015f kis", "kis[0,4) kis[5,10) kis[11,14) "}};
    EXPECT(cases, "tr", false);
    EXPECT(cases, "az_AZ", false);
    EXPECT(folded, "turkish", true);
}

static void signs_superscripts_and_fractions_are_no_letters(void **state) {
    (void)state;
    static const struct split_case cases[] = {
        {"NorthPeak\u2122 a\u2120b", "northpeak[0,9) a[13,14) b[17,18) "},
        {"x\u00aey", "x[0,1) y[3,4) "},
        {"rate\u00b9\u00b2 10\u2075", "rate[0,4) 10[9,11) "},
        {"m\u00b2 m\u00b3 m\u2074 m\u00b2\u00b3", "m2[0,3) m3[4,7) m[8,9) m[13,14) "},
        {"10\u00b2 (\u00b2) \u00b9\u2070", "10[0,2) 2[6,8) 10[10,15) "},
        {"c++\u00b2 a'\u00b2", "c[0,1) 2[3,5) a[6,7) 2[8,10) "},
        {"rate\u00b9's", "rates[0,8) "},
        {"\u6771\u00b9\u4eac\u00b2", "\u6771[0,3) \u4eac[5,8) 2[8,10) "},
        {"5\u00bd a\u00bdb", "5[0,1) 1[1,3) 2[1,3) a[4,5) 1[5,7) 2[5,7) b[7,8) "},
    };
    EXPECT(cases, "", true);
}

static void ornaments_never_count(void **state) {
    (void)state;
    static const struct split_case cases[] = {
        {"\u0437\u0430\u0301\u043c\u043e\u043a", "\u0437\u0430\u043c\u043e\u043a[0,12) "},
        {"\u0433\u0301 \u045d", "\u0453[0,4) \u0438[5,7) "},
        {"\u0643\u0640\u062a\u0640\u0627\u0628", "\u0643\u062a\u0627\u0628[0,12) "},
        {"\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f", "\u0645\u062d\u0645\u062f[0,16) "},
        {"\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd\u05be\u05d0",
         "\u05e9\u05dc\u05d5\u05dd[0,14) \u05d0[16,18) "},
        {"a \u0640 b", "a[0,1) b[5,6) "},
    };
    EXPECT(cases, "", true);
    EXPECT(cases, "", false);
}

static void accents_fold(void **state) {
    (void)state;
    static const struct split_case folded[] = {
        {"\u0439\u0451\u0457", "\u0439\u0435\u0457[0,6) "},
        {"\u0623\u0625\u0622\u0671", "\u0627\u0627\u0627\u0627[0,8) "},
        {"\u0649\u06cc\u06a9", "\u064a\u064a\u0643[0,6) "},
        {"\u0142\u00f8\u0111\u0127\u0167\u00e6\u0153\u0131", "lodhtaeoei[0,16) "},
        {"\u0663\u096a\U0001d7d9\U0001e953", "3413[0,13) "},
    };
    static const struct split_case danish[] = {
        {"sm\u00f8rrebr\u00f8d \u00e6\u00e5 \u0153",
         "sm\u00f8rrebr\u00f8d[0,12) \u00e6a[13,17) oe[18,20) "}};
    static const struct split_case kept[] = {
        {"Cafe\u0301 \u0142\u0663", "caf\u00e9[0,6) \u0142\u0663[7,11) "},
        {"\u0623", "\u0623[0,2) "},
    };
    EXPECT(folded, "", true);
    EXPECT(danish, "da", true);
    EXPECT(danish, "nb-NO", true);
    EXPECT(kept, "", false);
}

/* What stems are made of. */
static void the_written_form_is_there_for_who_asks(void **state) {
    (void)state;
    struct am_text_splitter_memory memory = {malloc(am_text_splitter_memory_size(64)),
                                             am_text_splitter_memory_size(64)};
    const struct am_text_word_rules rules = am_text_word_rules_of(AM_VIEW("es"), true);
    struct am_text_splitter splitter;
    struct am_text_word words[64];
    am_text_splitter_start(&splitter, AM_VIEW("la Habitacio\u0301n y el an\u0303o"), &rules,
                           memory);
    splitter.wants_written = true;
    assert_int_equal(am_text_splitter_next(&splitter, words, 64), 5);
    assert_int_equal(splitter.written_count, 2);
    assert_int_equal(splitter.written[0].word, 1);
    assert_true(am_view_equal(
        (struct am_view){splitter.texts + splitter.written[0].text, splitter.written[0].size},
        AM_VIEW("habitaci\u00f3n")));
    assert_int_equal(splitter.written[1].word, 4);
    assert_int_equal(am_text_splitter_next(&splitter, words, 64), 0);
    assert_int_equal(splitter.written_count, 0);
    free(memory.memory);
}

static const char *const pieces[] = {
    "a",      "Bc",          "7",      "42",           "'",      ".",        "&",      "+",
    "#",      " ",           "-",      "\n",           "word",   "Zebra's",  "\u00e9", "\u0301",
    "\u2019", "\u201c",      "\u6771", "\u0e01\u0e31", "\xff",   "\xe6\x9d", "\u00ad", "\ufdfa",
    "\u212b", "`",           "l'",     "qu",           "\u00b2", "\u00b9",   "\u00bd", "\u2122",
    "\u0640", "\u0639\u0651"};

static size_t append(char *text, size_t size, const char *piece) {
    memcpy(text + size, piece, strlen(piece));
    return size + strlen(piece);
}

static void
every_way_gives_the_same_words(const char *text, size_t size, struct am_text_word_rules rules) {
    static char found[2][1 << 16];
    size_t characters = SIZE_MAX; /* steps of a decision are taken for these */
    split(text, size, rules, MACHINE_ALONE, found[0]);
    for (int way = 0; way < AM_TEXT_BLOCK_KERNELS; way++) {
        if (!have(way))
            continue;
        size_t read = split(text, size, rules, way, found[1]);
        characters = characters == SIZE_MAX ? read : characters;
        assert_int_equal(read, characters);
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
        every_way_gives_the_same_words(
            text, size,
            am_text_word_rules_of(round % 4 < 2 ? AM_VIEW("") : AM_VIEW("fr"), round % 2));
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
                every_way_gives_the_same_words(text, size,
                                               am_text_word_rules_of(AM_VIEW("it"), true));
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
            split(text, LENGTH, plain, way, found);
            assert_string_equal(found, "end[199997,200000) ");
        }
    free(text);
}

/* By arithmetic, and composed again by utf8proc. */
static void every_hangul_syllable_is_itself(void **state) {
    (void)state;
    char text[16], found[64], expected[64];
    for (unsigned code = 0xAC00; code <= 0xD7A3; code++) {
        sprintf(text, "%c%c%c", 0xE0 | code >> 12, 0x80 | (code >> 6 & 63), 0x80 | (code & 63));
        sprintf(expected, "%s[0,3) ", text);
        split(text, 3, plain, 0, found);
        assert_string_equal(found, expected);
    }
}

static void a_word_that_is_too_long_holds_its_place(void **state) {
    (void)state;
    char text[AM_WORD_MAX_BYTES + 8], found[256];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 3, " ok", 3);
    for (int way = MACHINE_ALONE; way < AM_TEXT_BLOCK_KERNELS; way++)
        if (have(way)) {
            split(text, sizeof text, plain, way, found);
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
    assert_int_equal(am_text_stemmer_check(AM_VIEW("pt-BR")), AM_OK);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("nb")), AM_OK);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("porter")), AM_OK);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("pl")), AM_E_INVALID);
    assert_int_equal(am_text_stemmer_check(AM_VIEW("klingon")), AM_E_INVALID);
    assert_null(am_text_stemmer_new(AM_VIEW("klingon"), &error));
}

static void languages_have_one_name(void **state) {
    (void)state;
    static const char *const names[][2] = {
        {"en", "en"},    {"en-US", "en"}, {"PT_br", "pt"}, {"Norwegian", "no"}, {"nn", "no"},
        {"nb-NO", "no"}, {"tur", "tr"},   {"vi", "vi"},    {"zh-Hant", "zh"},   {"romanian", "ro"},
    };
    for (size_t i = 0; i < AM_COUNT_OF(names); i++) {
        struct am_text_language language = am_text_language_of(am_view_of(names[i][0]));
        assert_string_equal(language.code, names[i][1]);
        assert_true(language.listed);
    }
    assert_false(am_text_language_of(AM_VIEW("klingon")).listed);
    assert_false(am_text_language_of(AM_VIEW("e")).listed);
    assert_false(am_text_language_of(AM_VIEW("")).listed);
    assert_false(am_text_language_of(AM_VIEW("a language of a name that nothing has")).listed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_spans_are_those_of_the_table),
        cmocka_unit_test(apostrophes_are_one_character),
        cmocka_unit_test(elisions_separate),
        cmocka_unit_test(turkish_has_letters_and_suffixes_of_its_own),
        cmocka_unit_test(signs_superscripts_and_fractions_are_no_letters),
        cmocka_unit_test(ornaments_never_count),
        cmocka_unit_test(accents_fold),
        cmocka_unit_test(the_written_form_is_there_for_who_asks),
        cmocka_unit_test(every_way_splits_random_text_alike),
        cmocka_unit_test(every_way_splits_alike_wherever_blocks_end),
        cmocka_unit_test(long_stretches_without_words_do_not_end_a_text),
        cmocka_unit_test(a_word_that_is_too_long_holds_its_place),
        cmocka_unit_test(every_hangul_syllable_is_itself),
        cmocka_unit_test(utf16_units_count_as_in_javascript),
        cmocka_unit_test(stems_are_snowballs),
        cmocka_unit_test(languages_have_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
