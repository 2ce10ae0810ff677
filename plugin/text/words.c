/* SPDX-License-Identifier: Apache-2.0 */
/* The splitter: blocks of plain ASCII by bit masks, all else by the machine. */
#include "words.h"

#include "../base/poison.h"
#include "machine.h"

enum {
    TEXTS_SIZE = 64 << 10,   /* normalised words of one am_text_splitter_next */
    LAST_END = AM_BLOCK - 2, /* of a word: whether it ends there takes two bytes more to tell */
};

/* What a splitter keeps from call to call, and the texts of one call's words. In the caller's
 * memory. */
struct state {
    struct am_text_machine machine;
    struct am_text_written_form written[AM_MACHINE_WRITTEN];
    char texts[TEXTS_SIZE];
};

/* ---- blocks of ASCII --------------------------------------------------------------------------
 *
 * In plain ASCII, bytes and their neighbours show what is a word, so 64 bytes are classified at
 * once. In each block all words are given up to the first that may need more than that:
 * one beside a byte of 0x80 or above, or before + or #. */

struct words_of_block {
    uint64_t starts, ends; /* bit i: a word's first byte; the byte after a word */
    uint64_t apostrophes;  /* inside words, where they vanish */
    unsigned limit;        /* the words that end before are certain */
    bool stopped;          /* the machine has to go on there */
};

AM_WRAPS static uint64_t between(uint64_t joiners, uint64_t sides) {
    return joiners & sides << 1 & sides >> 1;
}

/* `elisions`: all bits where an apostrophe may separate, too. */
AM_WRAPS static struct words_of_block find_words(const struct am_text_block *block,
                                                 uint64_t elisions) {
    uint64_t plain = block->letter | block->digit;
    uint64_t joiners = block->apostrophe | block->period | block->ampersand;
    uint64_t apostrophes = between(block->apostrophe, block->letter);
    uint64_t inside = plain | apostrophes | between(block->ampersand, block->letter) |
                      between(block->period, block->digit);
    uint64_t stops = block->high | (block->tail & plain << 1) |
                     (joiners & plain << 1 & block->high >> 1) | (apostrophes & elisions);
    struct words_of_block found = {inside & ~(inside << 1), ~inside & inside << 1, apostrophes,
                                   LAST_END + 1, false};
    if (stops && (unsigned)__builtin_ctzll(stops) <= LAST_END) {
        found.limit = (unsigned)__builtin_ctzll(stops);
        found.stopped = true;
    }
    found.ends &= (UINT64_C(1) << found.limit) - 1;
    return found;
}

/* Takes the apostrophes out of the words that have some, into copies behind the block. Returns
 * where these end. */
AM_WRAPS static char *drop_apostrophes(uint64_t apostrophes,
                                       uint32_t begin,
                                       size_t count,
                                       struct am_text_word_output *output) {
    const char *folded = output->at;
    char *aside = output->at + AM_BLOCK + AM_WORD_PADDING;
    for (struct am_text_word *word = output->words + output->count; count > 0; count--, word++) {
        uint32_t first = word->begin - begin;
        if (!(apostrophes >> first << (AM_BLOCK - word->size)))
            continue;
        uint32_t size = 0;
        for (uint32_t i = first; i < first + word->size; i++) {
            aside[size] = folded[i];
            size += !(apostrophes >> i & 1);
        }
        word->text = (uint32_t)(aside - output->texts);
        word->size = size;
        aside += size + AM_WORD_PADDING;
    }
    return aside;
}

/* Gives the block's certain words; returns how far into the block the splitter has come. The texts
 * are the folded block itself, of which only what holds words is kept. */
static unsigned give_words(const struct am_text_block_kernel *kernel,
                           struct words_of_block found,
                           uint32_t begin,
                           struct am_text_word_output *output) {
    uint64_t certain = (UINT64_C(1) << found.limit) - 1;
    unsigned end = found.ends ? AM_BLOCK - (unsigned)__builtin_clzll(found.ends) - 1 : 0;
    const struct am_text_word block = {(uint32_t)(output->at - output->texts), 0, begin, begin};
    uint32_t count = kernel->list(found.starts, found.ends, &block, output->words + output->count);
    if (__builtin_expect((found.apostrophes & certain) != 0, 0))
        output->at = drop_apostrophes(found.apostrophes, begin, count, output);
    else
        output->at += end;
    output->count += count;
    /* A start after the last end is of the word that reaches the limit and is not certain. */
    uint64_t uncertain = found.starts & certain & ~((UINT64_C(1) << end) - 1);
    return uncertain ? (unsigned)__builtin_ctzll(uncertain) : found.limit;
}

/* Far enough for a page to be here before it is read; it may reach past the text's end. */
static void fetch_text(const struct am_text_splitter *splitter) {
    enum { AHEAD = 8 * AM_BLOCK };
    uintptr_t text = (uintptr_t)splitter->text.data;
    __builtin_prefetch((const void *)(text + splitter->at + AHEAD));
}

/* Stops where the machine has to go on, or where there is no room. */
static void split_blocks(struct am_text_splitter *splitter, struct am_text_word_output *output) {
    struct am_text_block block;
    uint64_t elisions = splitter->ends_at_apostrophes ? UINT64_MAX : 0;
    while (splitter->at < splitter->text.size && am_text_machine_room(output)) {
        size_t left = splitter->text.size - splitter->at;
        fetch_text(splitter);
        splitter->kernel->read(splitter->text.data + splitter->at,
                               left < AM_BLOCK ? left : AM_BLOCK, output->at, &block);
        struct words_of_block found = find_words(&block, elisions);
        unsigned rest = give_words(splitter->kernel, found, (uint32_t)splitter->at, output);
        splitter->at = rest < left ? splitter->at + rest : splitter->text.size;
        /* A word that fills the block is for the machine, too. */
        if (found.stopped || rest == 0)
            return;
    }
}

/* ---- both -------------------------------------------------------------------------------------
 */

size_t am_text_splitter_memory_size(size_t text_size) {
    (void)text_size;
    return sizeof(struct state);
}

void am_text_splitter_start(struct am_text_splitter *splitter,
                            struct am_view text,
                            const struct am_text_word_rules *rules,
                            struct am_text_splitter_memory memory) {
    struct state *state = memory.memory;
    /* Not as a whole: compilers clear structs of this size by a loop of the processor's own, which
     * takes longer to start than all of this. */
    splitter->text = text;
    splitter->at = 0;
    splitter->kernel = rules->turkish ? NULL : am_text_block_best();
    splitter->ends_at_apostrophes = rules->elisions != AM_ELISIONS_NONE;
    splitter->over = text.size == 0;
    splitter->characters = 0;
    splitter->wants_written = false;
    splitter->state = state;
    splitter->texts = state->texts;
    splitter->written = state->written;
    splitter->written_count = 0;
    am_text_machine_start(&state->machine, rules);
}

/* Moves past plain letters and digits of a word that is too long whatever they are, and so costs
 * no more than plain text does. */
static void skip_beyond(struct am_text_splitter *splitter) {
    struct state *state = splitter->state;
    struct am_text_machine *machine = &state->machine;
    while (splitter->at < splitter->text.size) {
        unsigned char byte = (unsigned char)splitter->text.data[splitter->at];
        enum am_text_character_class class =
            byte < 0x80 ? am_text_character_class(byte) : AM_CHARACTER_OTHER;
        if (class == AM_CHARACTER_OTHER)
            return;
        machine->base = class;
        machine->end = (uint32_t)++splitter->at;
    }
}

static void take_character(struct am_text_splitter *splitter, struct am_text_word_output *output) {
    struct state *state = splitter->state;
    size_t begin = splitter->at;
    int32_t code = am_text_character_read(splitter->text, &splitter->at);
    splitter->characters++;
    am_text_machine_take(&state->machine,
                         (struct am_text_character){code, (uint32_t)begin, (uint32_t)splitter->at},
                         output);
}

size_t am_text_splitter_next(struct am_text_splitter *splitter,
                             struct am_text_word *words,
                             size_t capacity) {
    struct state *state = splitter->state;
    struct am_text_word_output output = {.words = words,
                                         .capacity = capacity,
                                         .texts = state->texts,
                                         .at = state->texts,
                                         .end = state->texts + sizeof state->texts,
                                         .written =
                                             splitter->wants_written ? state->written : NULL};
    am_poison_clear(state->texts, sizeof state->texts);
    while (splitter->at < splitter->text.size && am_text_machine_room(&output)) {
        if (splitter->kernel && am_text_machine_idle(&state->machine)) {
            split_blocks(splitter, &output);
            if (splitter->at == splitter->text.size || !am_text_machine_room(&output))
                break;
        }
        take_character(splitter, &output);
        if (__builtin_expect(splitter->kernel && am_text_machine_is_beyond(&state->machine), 0))
            skip_beyond(splitter);
    }
    if (splitter->at == splitter->text.size && am_text_machine_room(&output)) {
        if (!am_text_machine_idle(&state->machine))
            am_text_machine_finish(&state->machine, &output);
        splitter->over = true;
    }
    splitter->written_count = output.written_count;
    char *readable = output.at + AM_WORD_PADDING;
    am_poison_region(readable, (size_t)(output.end - readable));
    return output.count;
}

/* Bytes at the start of a text that are ASCII. */
static size_t ascii_size(const char *text, size_t size) {
    const uint64_t high = UINT64_C(0x8080808080808080);
    size_t at = 0;
    for (; size - at >= 32; at += 32) {
        const char *block = text + at;
        if ((am_bytes_load_u64(block) | am_bytes_load_u64(block + 8) |
             am_bytes_load_u64(block + 16) | am_bytes_load_u64(block + 24)) &
            high)
            break;
    }
    while (size - at >= 8 && !(am_bytes_load_u64(text + at) & high))
        at += 8;
    while (at < size && !(text[at] & 0x80))
        at++;
    return at;
}

uint32_t am_text_utf16_length(const char *text, size_t size) {
    uint32_t units = 0;
    struct am_view view = {text, size};
    for (size_t at = 0; at < size;) {
        size_t ascii = ascii_size(text + at, size - at);
        at += ascii;
        units += (uint32_t)ascii;
        if (at < size) {
            units += am_text_character_read(view, &at) > 0xFFFF;
            units++;
        }
    }
    return units;
}
