/* The splitter: a state machine over normalised characters, with a short way for words of plain
 * ASCII. */
#include "words.h"

#include <utf8proc.h>

#include "characters.h"

enum {
    TEXTS_SIZE = 64 << 10,  /* normalised words of one am_splitter_next */
    MAX_DECOMPOSITION = 64, /* code points of one; U+FDFA gives 18 */
    MAX_MARKS = 64,         /* in one run that is reordered; further ones start a new run */
    MAX_WORD_CHARACTERS = AM_WORD_MAX_BYTES + 1,
    /* The word before it, however long; and all that it can give itself. */
    SPACE_FOR_CHARACTER = 4 * MAX_WORD_CHARACTERS + MAX_MARKS * (4 + AM_WORD_PADDING) +
                          MAX_DECOMPOSITION * (4 + AM_WORD_PADDING),
};

/* ---- the general way --------------------------------------------------------------------------
 */

/* A normalised character and the source bytes that it comes from. */
struct character {
    int32_t code;
    uint32_t begin, end;
};

/* Where words go: the caller's array, and memory for their texts. */
struct output {
    struct am_word *words;
    size_t count, capacity;
    char *at, *end;
};

/* The word being read, and what may or may not belong to it, depending on what follows. */
struct machine {
    struct output *output;
    int32_t characters[MAX_WORD_CHARACTERS];
    size_t count; /* of characters; beyond the array they are only counted */
    uint32_t begin, end;
    enum am_character_class base; /* of the last letter or digit; OTHER: no word is open */
    int32_t joiner;               /* ' . or & after `base`, waiting for what follows; 0: none */
    struct character tail[2];     /* the first two of a run of + and # */
    uint32_t tail_count;          /* of the whole run */
};

static void append(struct machine *machine, int32_t code) {
    if (machine->count < MAX_WORD_CHARACTERS)
        machine->characters[machine->count] = code;
    machine->count++;
}

/* Writes the word as NFC; size 0 when it is too long. */
static uint32_t encode(struct machine *machine, char *to) {
    if (machine->count >= MAX_WORD_CHARACTERS)
        return 0;
    utf8proc_ssize_t count = utf8proc_normalize_utf32(
        machine->characters, (utf8proc_ssize_t)machine->count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    uint32_t size = 0;
    for (utf8proc_ssize_t i = 0; i < count; i++)
        size +=
            (uint32_t)utf8proc_encode_char(machine->characters[i], (utf8proc_uint8_t *)to + size);
    return size <= AM_WORD_MAX_BYTES ? size : 0;
}

static void end_word(struct machine *machine) {
    struct output *output = machine->output;
    if (machine->base == AM_CHARACTER_OTHER)
        return;
    for (uint32_t i = 0; i < machine->tail_count && i < AM_COUNT_OF(machine->tail); i++) {
        append(machine, machine->tail[i].code);
        machine->end = machine->tail[i].end;
    }
    uint32_t size = encode(machine, output->at);
    output->words[output->count++] =
        (struct am_word){output->at, size, machine->begin, machine->end};
    output->at += size + AM_WORD_PADDING;
    machine->base = AM_CHARACTER_OTHER;
    machine->count = 0;
    machine->joiner = 0;
    machine->tail_count = 0;
}

static void add_to_word(struct machine *machine,
                        const struct character *character,
                        enum am_character_class class) {
    if (machine->base == AM_CHARACTER_OTHER)
        machine->begin = character->begin;
    append(machine, character->code);
    /* Canonical order may have put a mark before one that stood earlier in the text. */
    if (machine->base == AM_CHARACTER_OTHER || character->end > machine->end)
        machine->end = character->end;
    machine->base = class;
}

/* A letter or digit of a spaced script. */
static void take_letter(struct machine *machine,
                        const struct character *character,
                        enum am_character_class class) {
    bool joins = machine->joiner &&
                 class == (machine->joiner == '.' ? AM_CHARACTER_DIGIT : AM_CHARACTER_LETTER);
    if (machine->tail_count) {
        machine->tail_count = 0; /* a+b: no tail, so the run separates */
        end_word(machine);
    } else if (joins && machine->joiner != '\'') {
        append(machine, machine->joiner);
    } else if (machine->joiner && !joins) {
        end_word(machine);
    }
    machine->joiner = 0;
    add_to_word(machine, character, class);
}

static void take_separator(struct machine *machine, const struct character *character) {
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
        end_word(machine);
}

static void take(struct machine *machine, const struct character *character) {
    enum am_character_class class = am_character_class(character->code);
    switch (class) {
    case AM_CHARACTER_MARK:
        if (machine->base != AM_CHARACTER_OTHER && !machine->joiner && !machine->tail_count)
            add_to_word(machine, character, machine->base);
        else
            end_word(machine);
        break;
    case AM_CHARACTER_LETTER:
    case AM_CHARACTER_DIGIT:
        if (machine->base == AM_CHARACTER_UNSPACED)
            end_word(machine);
        take_letter(machine, character, class);
        break;
    case AM_CHARACTER_UNSPACED:
        /* A run of + and # before it is followed by a letter, and separates. */
        machine->tail_count = 0;
        end_word(machine);
        add_to_word(machine, character, class);
        break;
    default:
        take_separator(machine, character);
    }
}

/* Marks that wait until their run is over, to be put in canonical order. */
struct run {
    struct character characters[MAX_MARKS + MAX_DECOMPOSITION];
    uint8_t classes[MAX_MARKS + MAX_DECOMPOSITION];
    size_t count;
};

static void give_run(struct run *run, struct machine *machine) {
    for (size_t i = 0; i < run->count; i++)
        take(machine, &run->characters[i]);
    run->count = 0;
}

/* Canonical ordering (Unicode 3.11, D109): an insertion sort by combining class that starters stop.
 */
static void add_to_run(struct run *run, struct character character, struct machine *machine) {
    uint8_t class = (uint8_t)utf8proc_get_property(character.code)->combining_class;
    if (class == 0 || run->count >= MAX_MARKS)
        give_run(run, machine);
    size_t at = run->count++;
    for (; at > 0 && class != 0 && run->classes[at - 1] > class; at--) {
        run->characters[at] = run->characters[at - 1];
        run->classes[at] = run->classes[at - 1];
    }
    run->characters[at] = character;
    run->classes[at] = class;
}

/* What a splitter keeps from call to call, and the texts of one call's words. Lies in the caller's
 * memory. */
struct state {
    struct machine machine;
    struct run run;
    char texts[TEXTS_SIZE];
};

static bool is_idle(const struct state *state) {
    return state->machine.base == AM_CHARACTER_OTHER && state->run.count == 0;
}

/* Room for the words that one more source character can complete. */
static bool room_left(const struct output *output) {
    return output->capacity - output->count >= AM_WORDS_LEAST &&
           output->end - output->at >= SPACE_FOR_CHARACTER;
}

/* An accent that is dropped still belongs to its letter's span. */
static void drop_accent(struct run *run, uint32_t end) {
    struct character *last = run->count ? &run->characters[run->count - 1] : NULL;
    if (last && am_character_class(last->code) != AM_CHARACTER_OTHER)
        last->end = end;
}

/* Normalises one source character into the run. */
static void normalise(struct am_splitter *splitter,
                      int32_t code,
                      uint32_t begin,
                      uint32_t end,
                      struct run *run,
                      struct machine *machine) {
    utf8proc_int32_t decomposed[MAX_DECOMPOSITION];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char(
        code, decomposed, MAX_DECOMPOSITION,
        UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);
    for (utf8proc_ssize_t i = 0; i < count && i < MAX_DECOMPOSITION; i++) {
        if (splitter->fold_accents && decomposed[i] >= 0x300 && decomposed[i] <= 0x36F)
            drop_accent(run, end);
        else
            add_to_run(run, (struct character){decomposed[i], begin, end}, machine);
    }
}

/* ---- words of plain ASCII ---------------------------------------------------------------------
 */

static bool is_ascii_word_byte(unsigned char byte) {
    return (unsigned char)((byte | 0x20) - 'a') < 26 || (unsigned char)(byte - '0') < 10;
}

static bool is_ascii_letter(unsigned char byte) {
    return (unsigned char)((byte | 0x20) - 'a') < 26;
}

/* Whether the byte after an ASCII word surely separates it from what follows. */
static bool separates(struct am_view text, size_t at) {
    if (at == text.size)
        return true;
    unsigned char byte = (unsigned char)text.data[at];
    unsigned char before = (unsigned char)text.data[at - 1];
    switch (byte) {
    case '+':
    case '#':
        return false;
    case '.':
        return is_ascii_letter(before);
    case '\'':
    case '&':
        return at + 1 == text.size || ((unsigned char)text.data[at + 1] < 0x80 &&
                                       !is_ascii_letter((unsigned char)text.data[at + 1]));
    default:
        return byte < 0x80;
    }
}

/* Gives words as long as they are plain ASCII between plain ASCII separators. Stops before the
 * first that is not. */
static void split_ascii(struct am_splitter *splitter, struct output *output) {
    struct am_view text = splitter->text;
    size_t at = splitter->at;
    while (room_left(output)) {
        while (at < text.size && (unsigned char)text.data[at] < 0x80 &&
               !is_ascii_word_byte((unsigned char)text.data[at]))
            at++;
        splitter->at = at;
        if (at == text.size || (unsigned char)text.data[at] >= 0x80)
            return;
        char *to = output->at;
        for (; at < text.size && is_ascii_word_byte((unsigned char)text.data[at]); at++)
            if (at - splitter->at <= AM_WORD_MAX_BYTES) {
                unsigned char byte = (unsigned char)text.data[at];
                *to++ = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
            }
        if (!separates(text, at))
            return;
        size_t size = at - splitter->at <= AM_WORD_MAX_BYTES ? at - splitter->at : 0;
        output->words[output->count++] =
            (struct am_word){output->at, (uint32_t)size, (uint32_t)splitter->at, (uint32_t)at};
        output->at += size + AM_WORD_PADDING;
        splitter->at = at;
    }
}

/* ---- both -------------------------------------------------------------------------------------
 */

size_t am_splitter_memory_size(size_t text_size) {
    (void)text_size;
    return sizeof(struct state);
}

void am_splitter_start(struct am_splitter *splitter,
                       struct am_view text,
                       bool fold_accents,
                       struct am_splitter_memory memory) {
    struct state *state = memory.memory;
    *splitter = (struct am_splitter){.text = text, .fold_accents = fold_accents, .state = state};
    state->machine.base = AM_CHARACTER_OTHER;
    state->machine.count = 0;
    state->machine.joiner = 0;
    state->machine.tail_count = 0;
    state->run.count = 0;
}

size_t am_splitter_next(struct am_splitter *splitter, struct am_word *words, size_t capacity) {
    struct state *state = splitter->state;
    struct output output = {words, 0, capacity, state->texts, state->texts + sizeof state->texts};
    state->machine.output = &output;
    while (splitter->at < splitter->text.size && room_left(&output)) {
        if (is_idle(state) && !splitter->general_only) {
            split_ascii(splitter, &output);
            if (splitter->at == splitter->text.size || !room_left(&output))
                break;
        }
        size_t begin = splitter->at;
        int32_t code = am_character_read(splitter->text, &splitter->at);
        normalise(splitter, code, (uint32_t)begin, (uint32_t)splitter->at, &state->run,
                  &state->machine);
    }
    if (splitter->at == splitter->text.size && room_left(&output)) {
        give_run(&state->run, &state->machine);
        end_word(&state->machine);
    }
    return output.count;
}

uint32_t am_utf16_length(const char *text, size_t size) {
    uint32_t units = 0;
    struct am_view view = {text, size};
    for (size_t at = 0; at < size; units++)
        if ((unsigned char)text[at] < 0x80)
            at++;
        else
            units += am_character_read(view, &at) > 0xFFFF;
    return units;
}
