/* SPDX-License-Identifier: Apache-2.0 */
/* Normalised characters to words. */
#include "machine.h"

#include "folding.h"

/* ---- a word that is over ----------------------------------------------------------------------
 */

static void
give(struct am_text_machine *machine, uint32_t size, struct am_text_word_output *output) {
    output->words[output->count++] = (struct am_text_word){(uint32_t)(output->at - output->texts),
                                                           size, machine->begin, machine->end};
    output->at += size + AM_WORD_PADDING;
}

/* The word as it was before its accents were folded, for stems. */
static void
give_written(struct am_text_machine *machine, size_t count, struct am_text_word_output *output) {
    uint32_t size = am_text_compose(machine->characters, count, output->at);
    if (size == 0)
        return;
    output->written[output->written_count++] = (struct am_text_written_form){
        (uint32_t)(output->count - 1), (uint32_t)(output->at - output->texts), size};
    output->at += size + AM_WORD_PADDING;
}

static void
give_folded(struct am_text_machine *machine, size_t count, struct am_text_word_output *output) {
    int32_t *folded = machine->folded;
    size_t folded_count = am_text_fold_accents(&machine->rules, machine->characters, count, folded);
    bool differs =
        folded_count != count || memcmp(folded, machine->characters, count * sizeof *folded) != 0;
    give(machine, am_text_compose(folded, folded_count, output->at), output);
    if (differs && output->written)
        give_written(machine, count, output);
}

/* A word of ornaments alone is none. */
static void give_word(struct am_text_machine *machine, struct am_text_word_output *output) {
    size_t count = machine->count;
    if (count > AM_MACHINE_CHARACTERS) {
        give(machine, 0, output);
        return;
    }
    if (machine->highest >= 0x300)
        count = am_text_remove_ornaments(machine->characters, count);
    if (count == 0)
        return;
    if (machine->rules.fold_accents && machine->highest >= 0x80)
        give_folded(machine, count, output);
    else
        give(machine, am_text_compose(machine->characters, count, output->at), output);
}

/* ---- the word being read ----------------------------------------------------------------------
 */

static void append(struct am_text_machine *machine, int32_t code) {
    if (code > machine->highest)
        machine->highest = code;
    if (machine->count < AM_MACHINE_CHARACTERS)
        machine->characters[machine->count] = code;
    machine->count++;
}

static void add_to_word(struct am_text_machine *machine,
                        const struct am_text_character *character,
                        enum am_text_character_class class) {
    if (machine->base == AM_CHARACTER_OTHER)
        machine->begin = character->begin;
    append(machine, character->code);
    /* Canonical order may have put a mark before one that stood earlier in the text. */
    if (machine->base == AM_CHARACTER_OTHER || character->end > machine->end)
        machine->end = character->end;
    machine->base = class;
}

static bool close_suffix(struct am_text_machine *machine);

void am_text_machine_end_word(struct am_text_machine *machine, struct am_text_word_output *output) {
    if (machine->base == AM_CHARACTER_OTHER)
        return;
    if (machine->suffix.open)
        close_suffix(machine);
    for (uint32_t i = 0; i < machine->tail_count && i < AM_COUNT_OF(machine->tail); i++) {
        append(machine, machine->tail[i].code);
        machine->end = machine->tail[i].end;
    }
    give_word(machine, output);
    machine->base = AM_CHARACTER_OTHER;
    machine->count = 0;
    machine->highest = 0;
    machine->joiner = 0;
    machine->tail_count = 0;
}

/* ---- suffixes after an apostrophe (Turkish, Azerbaijani) --------------------------------------
 */

/* The word holds two letters or a digit. */
static bool takes_suffix(const struct am_text_machine *machine) {
    size_t letters = 0;
    for (size_t i = 0; i < machine->count && i < AM_MACHINE_CHARACTERS; i++) {
        enum am_text_character_class class = am_text_character_class(machine->characters[i]);
        letters += class == AM_CHARACTER_LETTER;
        if (letters == 2 || class == AM_CHARACTER_DIGIT)
            return true;
    }
    return false;
}

static void open_suffix(struct am_text_machine *machine) {
    machine->suffix = (struct am_text_suffix){
        .open = true, .count = machine->count, .end = machine->end, .base = machine->base};
}

static void note_suffix_letter(struct am_text_suffix *suffix, int32_t code) {
    if (code >= 0x300 && code <= 0x36F)
        return;
    if (suffix->letter_count < AM_COUNT_OF(suffix->letters))
        suffix->letters[suffix->letter_count] = code;
    suffix->letter_count++;
}

/* "s" of foreign names, and "an" of Kur'an, belong to the word. */
static bool is_part_of_word(const struct am_text_suffix *suffix) {
    const int32_t *letters = suffix->letters;
    return (suffix->letter_count == 1 && letters[0] == 's') ||
           (suffix->letter_count == 2 && letters[0] == 'a' && letters[1] == 'n');
}

/* Takes the suffix off the word again and returns false, unless it is a part of it. */
static bool close_suffix(struct am_text_machine *machine) {
    struct am_text_suffix *suffix = &machine->suffix;
    suffix->open = false;
    if (is_part_of_word(suffix))
        return true;
    machine->count = suffix->count;
    machine->end = suffix->end;
    machine->base = suffix->base;
    return false;
}

/* ---- characters -------------------------------------------------------------------------------
 */

/* An apostrophe stands between the word and a letter. Returns whether the word goes on. */
static bool pass_apostrophe(struct am_text_machine *machine) {
    if (machine->rules.turkish) {
        if (takes_suffix(machine))
            open_suffix(machine);
        return machine->suffix.open || machine->base == AM_CHARACTER_LETTER;
    }
    return !machine->rules.elisions || machine->count > AM_MACHINE_CHARACTERS ||
           !am_text_is_elision((enum am_text_elisions)machine->rules.elisions, machine->characters,
                               machine->count);
}

static bool joins(struct am_text_machine *machine, enum am_text_character_class class) {
    if (machine->joiner == '.')
        return class == AM_CHARACTER_DIGIT;
    if (class != AM_CHARACTER_LETTER)
        return false;
    return machine->joiner == '&' || pass_apostrophe(machine);
}

/* A letter or digit of a spaced script. */
static void take_letter(struct am_text_machine *machine,
                        const struct am_text_character *character,
                        enum am_text_character_class class,
                        struct am_text_word_output *output) {
    if (machine->tail_count) {
        machine->tail_count = 0; /* a+b: no tail, so the run separates */
        am_text_machine_end_word(machine, output);
    } else if (machine->joiner) {
        if (!joins(machine, class))
            am_text_machine_end_word(machine, output);
        else if (machine->joiner != '\'')
            append(machine, machine->joiner);
    }
    machine->joiner = 0;
    add_to_word(machine, character, class);
    if (machine->suffix.open)
        note_suffix_letter(&machine->suffix, character->code);
}

/* What `base` may be joined by. */
static bool may_join(const struct am_text_machine *machine, int32_t code) {
    switch (code) {
    case '\'':
        return machine->base == AM_CHARACTER_LETTER ||
               (machine->base == AM_CHARACTER_DIGIT && machine->rules.turkish);
    case '&':
        return machine->base == AM_CHARACTER_LETTER;
    case '.':
        return machine->base == AM_CHARACTER_DIGIT;
    default:
        return false;
    }
}

static bool is_spaced(enum am_text_character_class class) {
    return class == AM_CHARACTER_LETTER || class == AM_CHARACTER_DIGIT;
}

static void take_separator(struct am_text_machine *machine,
                           const struct am_text_character *character,
                           struct am_text_word_output *output) {
    int32_t code = character->code;
    if ((code == '+' || code == '#') && is_spaced(machine->base) && !machine->joiner) {
        if (machine->tail_count < AM_COUNT_OF(machine->tail))
            machine->tail[machine->tail_count] = *character;
        machine->tail_count++;
        return;
    }
    if (may_join(machine, code) && am_text_machine_in_word(machine))
        machine->joiner = code;
    else
        am_text_machine_end_word(machine, output);
}

void am_text_machine_word(struct am_text_machine *machine,
                          const struct am_text_character *character,
                          struct am_text_word_output *output) {
    enum am_text_character_class class = am_text_character_class(character->code);
    bool ends_suffix = class == AM_CHARACTER_OTHER || class == AM_CHARACTER_UNSPACED;
    if (machine->suffix.open && ends_suffix && !close_suffix(machine))
        am_text_machine_end_word(machine, output);
    switch (class) {
    case AM_CHARACTER_MARK:
        if (am_text_machine_in_word(machine)) {
            add_to_word(machine, character, machine->base);
            if (machine->suffix.open)
                note_suffix_letter(&machine->suffix, character->code);
        } else {
            am_text_machine_end_word(machine, output);
        }
        break;
    case AM_CHARACTER_LETTER:
    case AM_CHARACTER_DIGIT:
        if (machine->base == AM_CHARACTER_UNSPACED)
            am_text_machine_end_word(machine, output);
        take_letter(machine, character, class, output);
        break;
    case AM_CHARACTER_UNSPACED:
        am_text_machine_end_word(machine, output);
        add_to_word(machine, character, class);
        break;
    default:
        take_separator(machine, character, output);
    }
}
