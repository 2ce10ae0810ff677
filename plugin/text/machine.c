/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <utf8proc.h>

static void append(struct am_text_machine *machine, int32_t code) {
    /* Below U+0300 nothing composes: no marks, no jamo. */
    machine->composes |= code >= 0x300;
    if (machine->count < AM_MACHINE_CHARACTERS)
        machine->characters[machine->count] = code;
    machine->count++;
}

/* Writes the word as NFC; size 0 when it is too long. */
static uint32_t encode(struct am_text_machine *machine, char *to) {
    if (machine->count >= AM_MACHINE_CHARACTERS)
        return 0;
    utf8proc_ssize_t count = (utf8proc_ssize_t)machine->count;
    if (machine->composes)
        count = utf8proc_normalize_utf32(machine->characters, count,
                                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    uint32_t size = 0;
    for (utf8proc_ssize_t i = 0; i < count; i++)
        if (machine->characters[i] < 0x80)
            to[size++] = (char)machine->characters[i];
        else
            size += (uint32_t)utf8proc_encode_char(machine->characters[i],
                                                   (utf8proc_uint8_t *)to + size);
    return size <= AM_WORD_MAX_BYTES ? size : 0;
}

static void end_word(struct am_text_machine *machine, struct am_text_word_output *output) {
    if (machine->base == AM_CHARACTER_OTHER)
        return;
    for (uint32_t i = 0; i < machine->tail_count && i < AM_COUNT_OF(machine->tail); i++) {
        append(machine, machine->tail[i].code);
        machine->end = machine->tail[i].end;
    }
    uint32_t size = encode(machine, output->at);
    output->words[output->count++] = (struct am_text_word){(uint32_t)(output->at - output->texts),
                                                           size, machine->begin, machine->end};
    output->at += size + AM_WORD_PADDING;
    machine->base = AM_CHARACTER_OTHER;
    machine->count = 0;
    machine->composes = false;
    machine->joiner = 0;
    machine->tail_count = 0;
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

/* A letter or digit of a spaced script. */
static void take_letter(struct am_text_machine *machine,
                        const struct am_text_character *character,
                        enum am_text_character_class class,
                        struct am_text_word_output *output) {
    bool joins = machine->joiner &&
                 class == (machine->joiner == '.' ? AM_CHARACTER_DIGIT : AM_CHARACTER_LETTER);
    if (machine->tail_count) {
        machine->tail_count = 0; /* a+b: no tail, so the run separates */
        end_word(machine, output);
    } else if (joins && machine->joiner != '\'') {
        append(machine, machine->joiner);
    } else if (machine->joiner && !joins) {
        end_word(machine, output);
    }
    machine->joiner = 0;
    add_to_word(machine, character, class);
}

static void take_separator(struct am_text_machine *machine,
                           const struct am_text_character *character,
                           struct am_text_word_output *output) {
    int32_t code = character->code == 0x2019 ? '\'' : character->code;
    bool tail = code == '+' || code == '#';
    bool word = machine->base != AM_CHARACTER_OTHER;
    bool spaced = machine->base == AM_CHARACTER_LETTER || machine->base == AM_CHARACTER_DIGIT;
    if (word && spaced && !machine->joiner && tail) {
        if (machine->tail_count < AM_COUNT_OF(machine->tail))
            machine->tail[machine->tail_count] = *character;
        machine->tail_count++;
        return;
    }
    bool joiner = ((code == '\'' || code == '&') && machine->base == AM_CHARACTER_LETTER) ||
                  (code == '.' && machine->base == AM_CHARACTER_DIGIT);
    if (joiner && !machine->joiner && !machine->tail_count)
        machine->joiner = code;
    else
        end_word(machine, output);
}

static void take(struct am_text_machine *machine,
                 const struct am_text_character *character,
                 struct am_text_word_output *output) {
    enum am_text_character_class class = am_text_character_class(character->code);
    switch (class) {
    case AM_CHARACTER_MARK:
        if (machine->base != AM_CHARACTER_OTHER && !machine->joiner && !machine->tail_count)
            add_to_word(machine, character, machine->base);
        else
            end_word(machine, output);
        break;
    case AM_CHARACTER_LETTER:
    case AM_CHARACTER_DIGIT:
        if (machine->base == AM_CHARACTER_UNSPACED)
            end_word(machine, output);
        take_letter(machine, character, class, output);
        break;
    case AM_CHARACTER_UNSPACED:
        end_word(machine, output);
        add_to_word(machine, character, class);
        break;
    default:
        take_separator(machine, character, output);
    }
}

static void give_marks(struct am_text_machine *machine, struct am_text_word_output *output) {
    for (size_t i = 0; i < machine->mark_count; i++)
        take(machine, &machine->marks[i], output);
    machine->mark_count = 0;
}

/* Canonical ordering (Unicode 3.11, D109): an insertion sort by combining class. A starter ends the
 * run. */
static void add(struct am_text_machine *machine,
                struct am_text_character character,
                struct am_text_word_output *output) {
    uint8_t class = character.code < 0x300
                        ? 0
                        : (uint8_t)utf8proc_get_property(character.code)->combining_class;
    if (class == 0 || machine->mark_count >= AM_MACHINE_MARKS)
        give_marks(machine, output);
    if (class == 0) {
        take(machine, &character, output);
        return;
    }
    size_t at = machine->mark_count++;
    for (; at > 0 && machine->mark_classes[at - 1] > class; at--) {
        machine->marks[at] = machine->marks[at - 1];
        machine->mark_classes[at] = machine->mark_classes[at - 1];
    }
    machine->marks[at] = character;
    machine->mark_classes[at] = class;
}

/* An accent that is dropped still belongs to the span of what it stands on. */
static void drop_accent(struct am_text_machine *machine, uint32_t end) {
    if (machine->mark_count)
        machine->marks[machine->mark_count - 1].end = end;
    else if (machine->base != AM_CHARACTER_OTHER && !machine->joiner && !machine->tail_count)
        machine->end = end;
}

static void take_ascii(struct am_text_machine *machine,
                       struct am_text_character source,
                       struct am_text_word_output *output) {
    if (source.code >= 'A' && source.code <= 'Z')
        source.code |= 0x20;
    add(machine, source, output);
}

void am_text_machine_take(struct am_text_machine *machine,
                          bool fold_accents,
                          struct am_text_character source,
                          struct am_text_word_output *output) {
    utf8proc_int32_t decomposed[AM_MACHINE_DECOMPOSITION];
    int boundary = 0;
    if (source.code < 0x80) {
        take_ascii(machine, source, output);
        return;
    }
    utf8proc_ssize_t count = utf8proc_decompose_char(
        source.code, decomposed, AM_MACHINE_DECOMPOSITION,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < AM_MACHINE_DECOMPOSITION; i++) {
        if (fold_accents && decomposed[i] >= 0x300 && decomposed[i] <= 0x36F)
            drop_accent(machine, source.end);
        else
            add(machine, (struct am_text_character){decomposed[i], source.begin, source.end},
                output);
    }
}

void am_text_machine_finish(struct am_text_machine *machine, struct am_text_word_output *output) {
    give_marks(machine, output);
    end_word(machine, output);
}

void am_text_machine_start(struct am_text_machine *machine) {
    machine->base = AM_CHARACTER_OTHER;
    machine->count = 0;
    machine->composes = false;
    machine->joiner = 0;
    machine->tail_count = 0;
    machine->mark_count = 0;
}
