/* SPDX-License-Identifier: Apache-2.0 */
/* Source characters to normalised ones: what the rules say of characters as they are written, then
 * NFKC_Casefold, decomposed, in canonical order. */
#include <utf8proc.h>

#include "machine.h"

/* ---- canonical order --------------------------------------------------------------------------
 */

static void give_marks(struct am_text_machine *machine, struct am_text_word_output *output) {
    for (uint32_t i = 0; i < machine->mark_count; i++)
        am_text_machine_word(machine, &machine->marks[i], output);
    machine->mark_count = 0;
}

/* Canonical ordering (Unicode 3.11, D109): an insertion sort by combining class. A starter ends the
 * run. */
static void add(struct am_text_machine *machine,
                struct am_text_character character,
                struct am_text_word_output *output) {
    uint8_t class = character.code < 0x300 || am_text_is_jamo(character.code)
                        ? 0
                        : (uint8_t)utf8proc_get_property(character.code)->combining_class;
    if (class == 0 || machine->mark_count >= AM_MACHINE_MARKS)
        give_marks(machine, output);
    if (class == 0) {
        am_text_machine_word(machine, &character, output);
        return;
    }
    uint32_t at = machine->mark_count++;
    for (; at > 0 && machine->mark_classes[at - 1] > class; at--) {
        machine->marks[at] = machine->marks[at - 1];
        machine->mark_classes[at] = machine->mark_classes[at - 1];
    }
    machine->marks[at] = character;
    machine->mark_classes[at] = class;
}

static void add_as(struct am_text_machine *machine,
                   int32_t code,
                   struct am_text_character source,
                   struct am_text_word_output *output) {
    source.code = code;
    add(machine, source, output);
}

/* ---- NFKC_Casefold ----------------------------------------------------------------------------
 */

static bool has_fraction_slash(const utf8proc_int32_t *codes, utf8proc_ssize_t count) {
    enum { FRACTION_SLASH = 0x2044 };
    for (utf8proc_ssize_t i = 0; i < count; i++)
        if (codes[i] == FRACTION_SLASH)
            return true;
    return false;
}

/* A Hangul syllable is its consonants and vowel by arithmetic (Unicode 3.12); Korean texts consist
 * of these. */
enum {
    SYLLABLES = 0xAC00,
    SYLLABLE_COUNT = 11172,
    LEADS = 0x1100,
    VOWELS = 0x1161,
    TAILS = 0x11A7
};

static bool is_syllable(int32_t code) {
    return code >= SYLLABLES && code < SYLLABLES + SYLLABLE_COUNT;
}

static void take_syllable(struct am_text_machine *machine,
                          struct am_text_character source,
                          struct am_text_word_output *output) {
    enum { VOWEL_COUNT = 21, TAIL_COUNT = 28 };
    int32_t index = source.code - SYLLABLES, tail = index % TAIL_COUNT;
    add_as(machine, LEADS + index / (VOWEL_COUNT * TAIL_COUNT), source, output);
    add_as(machine, VOWELS + index / TAIL_COUNT % VOWEL_COUNT, source, output);
    if (tail)
        add_as(machine, TAILS + tail, source, output);
}

/* A vulgar fraction stands apart from the digits beside it. */
static void normalise(struct am_text_machine *machine,
                      struct am_text_character source,
                      struct am_text_word_output *output) {
    utf8proc_int32_t decomposed[AM_MACHINE_DECOMPOSITION];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        source.code, decomposed, AM_MACHINE_DECOMPOSITION,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);
    if (count > AM_MACHINE_DECOMPOSITION)
        count = AM_MACHINE_DECOMPOSITION;
    bool fraction = count > 1 && has_fraction_slash(decomposed, count);
    if (fraction)
        add_as(machine, ' ', source, output);
    for (utf8proc_ssize_t i = 0; i < count; i++)
        add_as(machine, decomposed[i], source, output);
    if (fraction)
        add_as(machine, ' ', source, output);
}

/* ---- characters as they are written -----------------------------------------------------------
 */

static bool is_apostrophe(int32_t code) {
    switch (code) {
    case '\'':
    case '`':
    case 0xB4:   /* acute accent */
    case 0x2018: /* single quotation marks */
    case 0x2019:
    case 0x2BB: /* turned comma */
    case 0x2BC: /* modifier letter apostrophe */
    case 0xFF07:
        return true;
    default:
        return false;
    }
}

/* Signs beside a name that decompose to letters. */
static bool is_trade_sign(int32_t code) {
    return code == 0x2122 || code == 0x2120;
}

/* 0 to 9, or -1. */
static int superscript_value(int32_t code) {
    switch (code) {
    case 0xB9:
        return 1;
    case 0xB2:
        return 2;
    case 0xB3:
        return 3;
    default:
        return code == 0x2070 || (code >= 0x2074 && code <= 0x2079) ? code - 0x2070 : -1;
    }
}

/* A footnote's number, or an exponent, is no part of the word; the unit's square or cube is. Marks
 * that wait make no difference to whether a word is open. */
static void take_superscript(struct am_text_machine *machine,
                             struct am_text_character digit,
                             struct am_text_word_output *output) {
    if (machine->superscript_count++ == 0) {
        machine->superscript_drops = am_text_machine_in_word(machine);
        machine->superscript = digit;
    }
    if (!machine->superscript_drops)
        add(machine, digit, output);
}

static void end_superscripts(struct am_text_machine *machine, struct am_text_word_output *output) {
    const struct am_text_character *digit = &machine->superscript;
    bool alone = machine->superscript_count == 1;
    machine->superscript_count = 0;
    if (machine->superscript_drops && alone && machine->base != AM_CHARACTER_DIGIT &&
        (digit->code == '2' || digit->code == '3'))
        add(machine, *digit, output);
}

static void take_character(struct am_text_machine *machine,
                           struct am_text_character source,
                           struct am_text_word_output *output) {
    int superscript = source.code < 0x80 ? -1 : superscript_value(source.code);
    if (superscript >= 0) {
        source.code = '0' + superscript;
        take_superscript(machine, source, output);
        return;
    }
    if (machine->superscript_count)
        end_superscripts(machine, output);
    if (is_apostrophe(source.code))
        add_as(machine, '\'', source, output);
    else if (source.code < 0x80)
        add_as(machine, source.code >= 'A' && source.code <= 'Z' ? source.code | 0x20 : source.code,
               source, output);
    else if (is_syllable(source.code))
        take_syllable(machine, source, output);
    else if (is_trade_sign(source.code))
        add_as(machine, ' ', source, output);
    else
        normalise(machine, source, output);
}

/* ---- Turkish I --------------------------------------------------------------------------------
 */

enum { DOTTED_CAPITAL_I = 0x130, DOTLESS_I = 0x131, DOT_ABOVE = 0x307 };

/* Lower case as Turkish and Azerbaijani have it (Unicode, SpecialCasing.txt). */
static void take_turkish(struct am_text_machine *machine,
                         struct am_text_character source,
                         struct am_text_word_output *output) {
    struct am_text_character waiting = machine->capital_i;
    machine->capital_i.code = 0;
    if (waiting.code) {
        bool dotted = source.code == DOT_ABOVE;
        waiting.code = dotted ? 'i' : DOTLESS_I;
        waiting.end = dotted ? source.end : waiting.end;
        take_character(machine, waiting, output);
        if (dotted)
            return;
    }
    if (source.code == 'I') {
        machine->capital_i = source;
        return;
    }
    if (source.code == DOTTED_CAPITAL_I)
        source.code = 'i';
    take_character(machine, source, output);
}

void am_text_machine_take(struct am_text_machine *machine,
                          struct am_text_character source,
                          struct am_text_word_output *output) {
    if (__builtin_expect(machine->rules.turkish, 0))
        take_turkish(machine, source, output);
    else
        take_character(machine, source, output);
}

void am_text_machine_finish(struct am_text_machine *machine, struct am_text_word_output *output) {
    if (machine->capital_i.code)
        take_character(
            machine,
            (struct am_text_character){DOTLESS_I, machine->capital_i.begin, machine->capital_i.end},
            output);
    machine->capital_i.code = 0;
    if (machine->superscript_count)
        end_superscripts(machine, output);
    give_marks(machine, output);
    am_text_machine_end_word(machine, output);
}
