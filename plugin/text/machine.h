/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the text room: the general way to words, a character at a time.
 *
 *   source character --normalise.c--> normalised characters --machine.c--> words
 *
 * The first stage knows what a character of the text means; the second where words begin and
 * end. */
#ifndef AM_TEXT_MACHINE_H
#define AM_TEXT_MACHINE_H

#include "characters.h"
#include "words.h"

enum {
    AM_MACHINE_MARKS = 64,         /* in one run that is reordered; further ones start a new run */
    AM_MACHINE_DECOMPOSITION = 64, /* code points of one; U+FDFA gives 18 */
    /* Of one word, decomposed. A letter of four bytes has at most three accents. */
    AM_MACHINE_CHARACTERS = 4 * AM_WORD_MAX_BYTES + 1,
    AM_MACHINE_WRITTEN = 512, /* words of one batch that accents make different */
    /* Bytes of a word in both its forms, and the one beyond that makes it too long. */
    AM_MACHINE_WORD_SPACE = 2 * (AM_WORD_MAX_BYTES + 4 + AM_WORD_PADDING),
    /* Bytes that one source character can give: the word before it, however long, and all that it
     * can give itself. */
    AM_MACHINE_SPACE = AM_MACHINE_WORD_SPACE +
                       (AM_MACHINE_MARKS + AM_MACHINE_DECOMPOSITION) * 2 * (4 + AM_WORD_PADDING),
};

/* Where words go: the caller's array, and memory for their texts. */
struct am_text_word_output {
    struct am_text_word *words;
    size_t count, capacity;
    const char *texts; /* begin of that memory */
    char *at, *end;
    struct am_text_written_form *written; /* AM_MACHINE_WRITTEN of them; NULL: nobody asks */
    size_t written_count;
};

/* A normalised character and the source bytes that it comes from. */
struct am_text_character {
    int32_t code;
    uint32_t begin, end;
};

/* What follows an apostrophe in Turkish and Azerbaijani: a suffix that is ignored, unless it is one
 * of the two that belong to the word (docs/DECISION.md section 1). */
struct am_text_suffix {
    bool open;
    int32_t letters[2]; /* the first ones, without accents */
    uint32_t letter_count;
    /* The word before the apostrophe. */
    size_t count;
    uint32_t end;
    enum am_text_character_class base;
};

/* What is set for every text comes first, in two cache lines: a query has few words. */
struct am_text_machine {
    struct am_text_word_rules rules;

    /* The word being read, and what may or may not belong to it, depending on what follows. */
    enum am_text_character_class base; /* of the last letter or digit; OTHER: no word is open */
    uint32_t begin, end;
    uint32_t tail_count; /* of a run of + and # */
    size_t count;        /* of characters; beyond the array they are only counted */
    int32_t highest;     /* of characters */
    int32_t joiner;      /* ' . or & after `base`, waiting for what follows; 0: none */

    uint32_t superscript_count;           /* of a run of superscript digits */
    uint32_t mark_count;                  /* of marks */
    struct am_text_character capital_i;   /* Turkish: waiting for a dot above; code 0: none */
    bool superscript_drops;               /* the run follows a letter or digit */
    struct am_text_character superscript; /* its first, as a plain digit, while it may be dropped */
    struct am_text_suffix suffix;
    struct am_text_character tail[2]; /* the first two of a run of + and # */

    /* Marks that wait until their run is over, to be put in canonical order. */
    struct am_text_character marks[AM_MACHINE_MARKS + AM_MACHINE_DECOMPOSITION];
    uint8_t mark_classes[AM_MACHINE_MARKS + AM_MACHINE_DECOMPOSITION];
    int32_t characters[AM_MACHINE_CHARACTERS];
    int32_t folded[2 * AM_MACHINE_CHARACTERS]; /* scratch */
};

static inline void am_text_machine_start(struct am_text_machine *machine,
                                         const struct am_text_word_rules *rules) {
    machine->rules = *rules;
    machine->base = AM_CHARACTER_OTHER;
    machine->count = 0;
    machine->highest = 0;
    machine->joiner = 0;
    machine->tail_count = 0;
    machine->suffix.open = false;
    machine->mark_count = 0;
    machine->superscript_count = 0;
    machine->capital_i.code = 0;
}

/* No word is open and nothing waits: what was read has no bearing on what follows. */
static inline bool am_text_machine_idle(const struct am_text_machine *machine) {
    return machine->base == AM_CHARACTER_OTHER && machine->mark_count == 0 &&
           machine->capital_i.code == 0;
}

/* The word is too long already, and plain letters and digits would change nothing but its end. */
static inline bool am_text_machine_is_beyond(const struct am_text_machine *machine) {
    return machine->count > AM_MACHINE_CHARACTERS && machine->mark_count == 0 &&
           machine->superscript_count == 0 && !machine->joiner && !machine->tail_count &&
           (machine->base == AM_CHARACTER_LETTER || machine->base == AM_CHARACTER_DIGIT);
}

/* Room for the words that one more source character can complete. */
static inline bool am_text_machine_room(const struct am_text_word_output *output) {
    return output->capacity - output->count >= AM_WORDS_LEAST &&
           AM_MACHINE_WRITTEN - output->written_count >= AM_WORDS_LEAST &&
           output->end - output->at >= AM_MACHINE_SPACE;
}

/* ---- normalise.c ----------------------------------------------------------------------------- */

/* Takes the code point of the source bytes [begin, end). */
void am_text_machine_take(struct am_text_machine *machine,
                          struct am_text_character source,
                          struct am_text_word_output *output);

/* The text is over: gives what is left. */
void am_text_machine_finish(struct am_text_machine *machine, struct am_text_word_output *output);

/* ---- machine.c ------------------------------------------------------------------------------- */

/* Takes a normalised character, in canonical order. */
void am_text_machine_word(struct am_text_machine *machine,
                          const struct am_text_character *character,
                          struct am_text_word_output *output);
void am_text_machine_end_word(struct am_text_machine *machine, struct am_text_word_output *output);

/* A word is open, and its last character is a letter or digit with its marks. */
static inline bool am_text_machine_in_word(const struct am_text_machine *machine) {
    return machine->base != AM_CHARACTER_OTHER && !machine->joiner && !machine->tail_count;
}

#endif
