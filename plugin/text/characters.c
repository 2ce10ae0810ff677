/* SPDX-License-Identifier: Apache-2.0 */
#include "characters.h"

#include <utf8proc.h>

#include "../base/utf8.h"

struct range {
    int32_t first, last;
};

/* Scripts written without spaces between words: letters and letter-like signs of Han, Hiragana,
 * Katakana, Thai, Lao, Khmer and Myanmar. Ascending. docs/WORDS.md lists them. */
static const struct range unspaced[] = {
    {0x0E00, 0x0E7F},   /* Thai */
    {0x0E80, 0x0EFF},   /* Lao */
    {0x1000, 0x109F},   /* Myanmar */
    {0x1780, 0x17FF},   /* Khmer */
    {0x2E80, 0x2FDF},   /* Han radicals */
    {0x3005, 0x3007},   /* Han iteration mark, closing mark, zero */
    {0x3021, 0x3029},   /* Hangzhou numerals */
    {0x3038, 0x303B},   /* Hangzhou numerals, Han vertical iteration mark */
    {0x3041, 0x309F},   /* Hiragana */
    {0x30A1, 0x30FF},   /* Katakana, prolonged sound mark */
    {0x31F0, 0x31FF},   /* Katakana phonetic extensions */
    {0x3400, 0x4DBF},   /* Han extension A */
    {0x4E00, 0x9FFF},   /* Han */
    {0xA9E0, 0xA9FF},   /* Myanmar extended B */
    {0xAA60, 0xAA7F},   /* Myanmar extended A */
    {0xF900, 0xFAFF},   /* Han compatibility */
    {0xFF66, 0xFF9D},   /* half-width Katakana */
    {0x1AFF0, 0x1AFFF}, /* Kana extended B */
    {0x1B000, 0x1B16F}, /* Kana supplement and extensions */
    {0x20000, 0x3FFFF}, /* Han extensions B and later */
};

static bool is_within(const struct range *ranges, size_t count, int32_t character) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && character >= ranges[low].first;
}

static bool is_unspaced(int32_t character) {
    return is_within(unspaced, AM_COUNT_OF(unspaced), character);
}

enum am_text_character_class am_text_character_class(int32_t character) {
    if (character < 0x80) {
        if ((character | 0x20) >= 'a' && (character | 0x20) <= 'z')
            return AM_CHARACTER_LETTER;
        return character >= '0' && character <= '9' ? AM_CHARACTER_DIGIT : AM_CHARACTER_OTHER;
    }
    if (am_text_is_jamo(character))
        return AM_CHARACTER_LETTER;
    switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return is_unspaced(character) ? AM_CHARACTER_UNSPACED : AM_CHARACTER_LETTER;
    case UTF8PROC_CATEGORY_NL: /* U+3007, the Han zero, and the Hangzhou numerals are of Han script
                                */
        return is_unspaced(character) ? AM_CHARACTER_UNSPACED : AM_CHARACTER_DIGIT;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NO:
        return AM_CHARACTER_DIGIT;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return AM_CHARACTER_MARK;
    default:
        return AM_CHARACTER_OTHER;
    }
}

bool am_text_is_lower(int32_t character) {
    return utf8proc_category(character) == UTF8PROC_CATEGORY_LL;
}

int32_t am_text_character_read(struct am_view text, size_t *at) {
    const char *first = text.data + *at;
    unsigned char lead = (unsigned char)*first;
    if (lead < 0x80) {
        ++*at;
        return lead;
    }
    struct am_utf8_step step = am_utf8_step(first, am_view_end(text));
    *at += step.size;
    if (!step.valid)
        return AM_REPLACEMENT_CHARACTER;
    int32_t character = lead & (0x7F >> step.size);
    for (uint32_t i = 1; i < step.size; i++)
        character = character << 6 | (first[i] & 0x3F);
    return character;
}

/* White_Space and Default_Ignorable_Code_Point of Unicode 15, ascending: utf8proc has no property
 * of the first, and of the second only what NFKC_Casefold drops. */
static const struct range blank[] = {
    {0x09, 0x0D},       {0x20, 0x20},       {0x85, 0x85},       {0xA0, 0xA0},     {0xAD, 0xAD},
    {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160},   {0x1680, 0x1680}, {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x2000, 0x200F},   {0x2028, 0x202F},   {0x205F, 0x206F}, {0x3000, 0x3000},
    {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_blank(int32_t character) {
    return is_within(blank, AM_COUNT_OF(blank), character);
}

/* Where the character that ends before `end` begins. */
static size_t before(struct am_view text, size_t end) {
    do
        end--;
    while (end > 0 && ((unsigned char)text.data[end] & 0xC0) == 0x80);
    return end;
}

struct am_view am_text_trimmed(struct am_view text) {
    for (size_t at = 0; text.size && is_blank(am_text_character_read(text, &at)); at = 0)
        text = (struct am_view){text.data + at, text.size - at};
    while (text.size) {
        size_t last = before(text, text.size), at = last;
        if (!is_blank(am_text_character_read(text, &at)))
            break;
        text.size = last;
    }
    return text;
}

uint32_t am_text_count_written_words(struct am_view text) {
    uint32_t count = 0;
    bool inside = false;
    for (size_t at = 0; at < text.size;) {
        int32_t character = am_text_character_read(text, &at);
        bool space = character == ' ' || (character >= '\t' && character <= '\r') ||
                     (character >= 0x80 && utf8proc_category(character) == UTF8PROC_CATEGORY_ZS);
        count += !space && !inside;
        inside = !space;
    }
    return count;
}
