/* SPDX-License-Identifier: Apache-2.0 */
#include "folding.h"

#include <utf8proc.h>

#include "characters.h"

enum { TATWEEL = 0x640 /* a letter that stretches a word */ };

static bool is_accent(int32_t code) {
    return code >= 0x300 && code <= 0x36F;
}

static bool is_cyrillic(int32_t code) {
    return (code >= 0x400 && code <= 0x52F) || (code >= 0xA640 && code <= 0xA69F);
}

/* ---- ornaments --------------------------------------------------------------------------------
 */

/* Marks of stress; an acute makes a letter of its own of U+0433 and U+043A. */
static bool is_stress(int32_t letter, int32_t code) {
    if (!is_cyrillic(letter))
        return false;
    return code == 0x300 || (code == 0x301 && letter != 0x433 && letter != 0x43A);
}

static bool is_ornament(int32_t letter, int32_t code) {
    if (is_accent(code))
        return is_stress(letter, code);
    if (code >= 0x591 && code <= 0x5C7) /* Hebrew points and accents */
        return true;
    return code == TATWEEL || (code >= 0x64B && code <= 0x652) || /* Arabic vowel points */
           (code >= 0x656 && code <= 0x65F) || code == 0x670;
}

static int class_of(int32_t code) {
    return code < 0x300 ? 0 : utf8proc_get_property(code)->combining_class;
}

/* Where a letter between marks has gone, canonical order is to be made anew; nothing moves further
 * than a run of marks of a sane length, so that no word costs more than others of its size. */
static void put_in_order(int32_t *characters, size_t count) {
    enum { FURTHEST = 64 };
    for (size_t i = 1; i < count; i++) {
        int32_t moved = characters[i];
        int class = class_of(moved);
        size_t at = i, first = i < FURTHEST ? 0 : i - FURTHEST;
        for (; class && at > first && class_of(characters[at - 1]) > class; at--)
            characters[at] = characters[at - 1];
        characters[at] = moved;
    }
}

size_t am_text_remove_ornaments(int32_t *characters, size_t count) {
    size_t kept = 0;
    int32_t letter = 0;
    bool lacks_letter = false;
    for (size_t i = 0; i < count; i++) {
        int32_t code = characters[i];
        if (code < 0x300 || am_text_character_class(code) != AM_CHARACTER_MARK)
            letter = code;
        lacks_letter |= code == TATWEEL;
        if (code < 0x300 || !is_ornament(letter, code))
            characters[kept++] = code;
    }
    if (lacks_letter)
        put_in_order(characters, kept);
    return kept;
}

/* ---- accents ----------------------------------------------------------------------------------
 */

/* The only Cyrillic letter that is written with its accent or without. */
static bool is_yo(int32_t letter, int32_t code) {
    return letter == 0x435 && code == 0x308;
}

static bool is_folded_away(int32_t letter, int32_t code) {
    if (is_accent(code))
        return !is_cyrillic(letter) || is_yo(letter, code);
    return code >= 0x653 && code <= 0x655; /* madda, and hamza above and below */
}

/* Decimal digits come in runs of ten, from zero to nine (Unicode 4.6), one run beside another. */
static int32_t digit_value(int32_t code) {
    int32_t steps = 0;
    while (utf8proc_category(code - steps - 1) == UTF8PROC_CATEGORY_ND)
        steps++;
    return steps % 10;
}

/* What a letter or a digit is compared as; two characters for a ligature. */
static size_t plain_of(const struct am_text_word_rules *rules, int32_t code, int32_t plain[2]) {
    plain[1] = 'e';
    switch (code) {
    case 0xE6: /* ae */
        plain[0] = rules->keeps_ligatures ? code : 'a';
        return rules->keeps_ligatures ? 1 : 2;
    case 0x153: /* oe */
        plain[0] = 'o';
        return 2;
    case 0xF8: /* o with a stroke */
        plain[0] = rules->keeps_ligatures ? code : 'o';
        return 1;
    case 0x111:
        plain[0] = 'd';
        return 1;
    case 0x127:
        plain[0] = 'h';
        return 1;
    case 0x131:
        plain[0] = 'i';
        return 1;
    case 0x142:
        plain[0] = 'l';
        return 1;
    case 0x167:
        plain[0] = 't';
        return 1;
    case 0x671: /* alef wasla */
        plain[0] = 0x627;
        return 1;
    case 0x649: /* alef maksura, and Farsi yeh */
    case 0x6CC:
        plain[0] = 0x64A;
        return 1;
    case 0x6A9: /* keheh */
        plain[0] = 0x643;
        return 1;
    default:
        plain[0] = code;
        if (code >= 0x660 && utf8proc_category(code) == UTF8PROC_CATEGORY_ND)
            plain[0] = '0' + digit_value(code);
        return 1;
    }
}

size_t am_text_fold_accents(const struct am_text_word_rules *rules,
                            const int32_t *characters,
                            size_t count,
                            int32_t *folded) {
    size_t size = 0;
    int32_t letter = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t code = characters[i];
        if (code < 0x80) {
            folded[size++] = letter = code;
            continue;
        }
        if (code >= 0x300 && am_text_character_class(code) == AM_CHARACTER_MARK) {
            if (!is_folded_away(letter, code))
                folded[size++] = code;
            continue;
        }
        int32_t plain[2];
        size_t plain_count = plain_of(rules, code, plain);
        memcpy(folded + size, plain, plain_count * sizeof *plain);
        size += plain_count;
        letter = code;
    }
    return size;
}

/* ---- whole words ------------------------------------------------------------------------------
 */

/* Below U+0300 are no marks and no jamo: nothing composes. */
static bool composes(const int32_t *characters, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (characters[i] >= 0x300)
            return true;
    return false;
}

uint32_t am_text_compose(int32_t *characters, size_t character_count, char *to) {
    utf8proc_ssize_t count = (utf8proc_ssize_t)character_count;
    if (composes(characters, character_count))
        count = utf8proc_normalize_utf32(characters, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    uint32_t size = 0;
    for (utf8proc_ssize_t i = 0; i < count && size <= AM_WORD_MAX_BYTES; i++)
        if (characters[i] < 0x80)
            to[size++] = (char)characters[i];
        else
            size += (uint32_t)utf8proc_encode_char(characters[i], (utf8proc_uint8_t *)to + size);
    return size <= AM_WORD_MAX_BYTES ? size : 0;
}

static bool is_ascii(struct am_view text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] & 0x80)
            return false;
    return true;
}

struct am_view am_text_fold_word(const struct am_text_word_rules *rules,
                                 struct am_view word,
                                 struct am_text_fold_memory *memory) {
    if (!rules->fold_accents || is_ascii(word))
        return word;
    utf8proc_ssize_t count = utf8proc_decompose(
        (const utf8proc_uint8_t *)word.data, (utf8proc_ssize_t)word.size, memory->characters,
        AM_COUNT_OF(memory->characters), UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    if (count < 0 || (size_t)count > AM_COUNT_OF(memory->characters))
        return word; /* ill-formed: no word of the splitter */
    size_t folded = am_text_fold_accents(rules, memory->characters, (size_t)count, memory->folded);
    uint32_t size = am_text_compose(memory->folded, folded, memory->text);
    return size ? (struct am_view){memory->text, size} : word;
}
