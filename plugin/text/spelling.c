/* SPDX-License-Identifier: Apache-2.0 */
#include "spelling.h"

#include <utf8proc.h>

#include "characters.h"

/* ---- scripts ----------------------------------------------------------------------------------
 */

static bool is_in(int32_t code, int32_t first, int32_t last) {
    return code >= first && code <= last;
}

enum am_text_script am_text_script_of(int32_t code) {
    if (is_in(code, 'a', 'z') || is_in(code, 0xC0, 0x2AF) || is_in(code, 0x1E00, 0x1EFF) ||
        is_in(code, 0x2C60, 0x2C7F) || is_in(code, 0xA720, 0xA7FF) || is_in(code, 0xAB30, 0xAB6F))
        return AM_SCRIPT_LATIN;
    if (is_in(code, 0x370, 0x3FF) || is_in(code, 0x1F00, 0x1FFF))
        return AM_SCRIPT_GREEK;
    if (is_in(code, 0x400, 0x52F) || is_in(code, 0x1C80, 0x1C8F) || is_in(code, 0xA640, 0xA69F))
        return AM_SCRIPT_CYRILLIC;
    return AM_SCRIPT_OTHER;
}

bool am_text_letters_of(struct am_view word,
                        uint32_t least,
                        uint32_t most,
                        struct am_text_letters *letters) {
    letters->count = 0;
    for (size_t at = 0; at < word.size;) {
        int32_t code = am_text_character_read(word, &at);
        enum am_text_script script = am_text_script_of(code);
        if (letters->count == most || script == AM_SCRIPT_OTHER ||
            am_text_character_class(code) != AM_CHARACTER_LETTER ||
            (letters->count && script != letters->script))
            return false;
        letters->script = script;
        letters->letters[letters->count++] = code;
    }
    return letters->count >= least;
}

/* ---- edits ------------------------------------------------------------------------------------
 */

enum edit { SWAP, DROP, DOUBLE, REPLACE, INSERT, EDITS };

void am_text_edits_start(struct am_text_edits *edits,
                         const struct am_text_letters *word,
                         const uint32_t *alphabet,
                         uint32_t alphabet_count) {
    *edits = (struct am_text_edits){
        .word = word, .alphabet = alphabet, .alphabet_count = alphabet_count, .at = 1};
}

/* Whether any letter may be wrong in what the edit makes. */
static bool is_free(const struct am_text_edits *edits) {
    uint32_t count = edits->word->count;
    if (edits->kind == DROP)
        count--;
    else if (edits->kind == DOUBLE || edits->kind == INSERT)
        count++;
    return count >= AM_SPELLING_FREE_LETTERS;
}

/* The first letter stays. Places are those of the letter that goes, comes or changes; a new letter
 * may come at the end, too. */
static bool is_past_end(const struct am_text_edits *edits) {
    uint32_t count = edits->word->count;
    switch ((enum edit)edits->kind) {
    case SWAP:
        return edits->at + 1 >= count;
    case DOUBLE:
    case INSERT:
        return edits->at > count;
    default:
        return edits->at >= count;
    }
}

/* Whether the edit makes another word that counts. */
static bool is_possible(const struct am_text_edits *edits) {
    const int32_t *letters = edits->word->letters;
    uint32_t at = edits->at;
    switch ((enum edit)edits->kind) {
    case SWAP:
        return letters[at] != letters[at + 1];
    case DROP:
        return is_free(edits) || letters[at] == letters[at - 1];
    case DOUBLE:
        return !is_free(edits); /* else it is an INSERT */
    default:
        return is_free(edits) &&
               am_text_script_of((int32_t)edits->alphabet[edits->letter]) == edits->word->script &&
               (edits->kind == INSERT || (int32_t)edits->alphabet[edits->letter] != letters[at]);
    }
}

static void advance(struct am_text_edits *edits) {
    bool has_letters = edits->kind == REPLACE || edits->kind == INSERT;
    if (has_letters && ++edits->letter < edits->alphabet_count)
        return;
    edits->letter = 0;
    edits->at++;
}

/* Writes the letters with the edit. */
static uint32_t write_edit(const struct am_text_edits *edits, char *text) {
    const struct am_text_letters *word = edits->word;
    enum edit kind = (enum edit)edits->kind;
    uint32_t size = 0;
    for (uint32_t i = 0; i <= word->count; i++) {
        utf8proc_uint8_t *to = (utf8proc_uint8_t *)text;
        if (i == edits->at && kind >= DOUBLE)
            size += (uint32_t)utf8proc_encode_char(
                kind == DOUBLE ? word->letters[i - 1] : (int32_t)edits->alphabet[edits->letter],
                to + size);
        if (i == word->count || (i == edits->at && (kind == DROP || kind == REPLACE)))
            continue;
        uint32_t from = i;
        if (kind == SWAP && (i == edits->at || i == edits->at + 1))
            from = i == edits->at ? i + 1 : i - 1;
        size += (uint32_t)utf8proc_encode_char(word->letters[from], to + size);
    }
    return size;
}

uint32_t am_text_edits_next(struct am_text_edits *edits, char *text) {
    while (edits->kind < EDITS) {
        bool has_letters = edits->kind == REPLACE || edits->kind == INSERT;
        if (is_past_end(edits) || (has_letters && !(is_free(edits) && edits->alphabet_count))) {
            edits->kind++;
            edits->at = 1;
            continue;
        }
        bool possible = is_possible(edits);
        uint32_t size = possible ? write_edit(edits, text) : 0;
        advance(edits);
        if (possible)
            return size;
    }
    return 0;
}
