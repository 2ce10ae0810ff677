/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the text room: the general way to words, a character at a time. */
#ifndef AM_TEXT_MACHINE_H
#define AM_TEXT_MACHINE_H

#include "characters.h"
#include "words.h"

enum {
    AM_MACHINE_MARKS = 64,         /* in one run that is reordered; further ones start a new run */
    AM_MACHINE_DECOMPOSITION = 64, /* code points of one; U+FDFA gives 18 */
    AM_MACHINE_CHARACTERS = AM_WORD_MAX_BYTES + 1,
    /* Bytes that one source character can give: the word before it, however long, and all that it
     * can give itself. */
    AM_MACHINE_SPACE = 4 * AM_MACHINE_CHARACTERS + AM_MACHINE_MARKS * (4 + AM_WORD_PADDING) +
                       AM_MACHINE_DECOMPOSITION * (4 + AM_WORD_PADDING),
};

/* Where words go: the caller's array, and memory for their texts. */
struct am_text_word_output {
    struct am_text_word *words;
    size_t count, capacity;
    const char *texts; /* begin of that memory */
    char *at, *end;
};

/* A normalised character and the source bytes that it comes from. */
struct am_text_character {
    int32_t code;
    uint32_t begin, end;
};

struct am_text_machine {
    /* The word being read, and what may or may not belong to it, depending on what follows. */
    int32_t characters[AM_MACHINE_CHARACTERS];
    size_t count; /* of characters; beyond the array they are only counted */
    uint32_t begin, end;
    bool composes;                     /* some character may be composed with another */
    enum am_text_character_class base; /* of the last letter or digit; OTHER: no word is open */
    int32_t joiner;                   /* ' . or & after `base`, waiting for what follows; 0: none */
    struct am_text_character tail[2]; /* the first two of a run of + and # */
    uint32_t tail_count;              /* of the whole run */

    /* Marks that wait until their run is over, to be put in canonical order. */
    struct am_text_character marks[AM_MACHINE_MARKS + AM_MACHINE_DECOMPOSITION];
    uint8_t mark_classes[AM_MACHINE_MARKS + AM_MACHINE_DECOMPOSITION];
    size_t mark_count;
};

void am_text_machine_start(struct am_text_machine *machine);

/* No word is open and nothing waits: what was read has no bearing on what follows. */
static inline bool am_text_machine_idle(const struct am_text_machine *machine) {
    return machine->base == AM_CHARACTER_OTHER && machine->mark_count == 0;
}

/* Room for the words that one more source character can complete. */
static inline bool am_text_machine_room(const struct am_text_word_output *output) {
    return output->capacity - output->count >= AM_WORDS_LEAST &&
           output->end - output->at >= AM_MACHINE_SPACE;
}

/* Takes the code point of the source bytes [begin, end). */
void am_text_machine_take(struct am_text_machine *machine,
                          bool fold_accents,
                          struct am_text_character source,
                          struct am_text_word_output *output);

/* The text is over: gives what is left. */
void am_text_machine_finish(struct am_text_machine *machine, struct am_text_word_output *output);

#endif
