/* SPDX-License-Identifier: Apache-2.0 */
/* What the word rules want to know of a code point, and how bytes become code points. */
#ifndef AM_TEXT_CHARACTERS_H
#define AM_TEXT_CHARACTERS_H

#include "../base/bytes.h"

enum am_text_character_class {
    AM_CHARACTER_OTHER,    /* separates */
    AM_CHARACTER_LETTER,   /* L*, of a spaced script */
    AM_CHARACTER_DIGIT,    /* N* */
    AM_CHARACTER_MARK,     /* M* */
    AM_CHARACTER_UNSPACED, /* a letter that is a word of its own */
};

enum am_text_character_class am_text_character_class(int32_t character);

bool am_text_is_lower(int32_t character);

/* The consonants and vowels that Hangul syllables decompose to: letters of combining class 0. */
static inline bool am_text_is_jamo(int32_t character) {
    return character >= 0x1100 && character <= 0x11FF;
}

enum { AM_REPLACEMENT_CHARACTER = 0xFFFD };

/* Reads one code point at text[*at] (*at < text.size) and moves past it; AM_REPLACEMENT_CHARACTER,
 * past one maximal subpart, where the bytes are ill-formed (Unicode, "U+FFFD Substitution of
 * Maximal Subparts"). */
int32_t am_text_character_read(struct am_view text, size_t *at);

/* Without the white space (White_Space) and what shows nothing (Default_Ignorable_Code_Point: marks
 * of direction, byte order marks, zero-width spaces, soft hyphens) at both ends. */
struct am_view am_text_trimmed(struct am_view text);

/* Pieces of text between white space: ASCII's, or any Unicode space separator. */
uint32_t am_text_count_written_words(struct am_view text);

#endif
