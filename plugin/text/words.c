/* The splitter: blocks of plain ASCII by bit masks, all else by the machine. */
#include "words.h"

#include "machine.h"

enum {
    TEXTS_SIZE = 64 << 10,   /* normalised words of one am_splitter_next */
    LAST_END = AM_BLOCK - 2, /* of a word: whether it ends there takes two bytes more to tell */
};

/* What a splitter keeps from call to call, and the texts of one call's words. Lies in the caller's
 * memory. */
struct state {
    struct am_machine machine;
    char texts[TEXTS_SIZE];
};

/* ---- blocks of ASCII --------------------------------------------------------------------------
 *
 * What is a word in plain ASCII can be told from bytes and their neighbours, so it can be told for
 * 64 bytes at once. In each block all words are given up to the first that may need more than that:
 * one beside a byte of 0x80 or above, or before + or #. Measured on English pages: 13 times as fast
 * as the machine. */

struct words_of_block {
    uint64_t starts, ends; /* bit i: a word's first byte; the byte after a word */
    uint64_t apostrophes;  /* inside words, where they vanish */
    unsigned limit;        /* the words that end before are certain */
    bool stopped;          /* the machine has to go on there */
};

static uint64_t between(uint64_t joiners, uint64_t sides) {
    return joiners & sides << 1 & sides >> 1;
}

static struct words_of_block find_words(const struct am_block *block) {
    uint64_t plain = block->letter | block->digit;
    uint64_t joiners = block->apostrophe | block->period | block->ampersand;
    uint64_t apostrophes = between(block->apostrophe, block->letter);
    uint64_t inside = plain | apostrophes | between(block->ampersand, block->letter) |
                      between(block->period, block->digit);
    uint64_t stops =
        block->high | (block->tail & plain << 1) | (joiners & plain << 1 & block->high >> 1);
    struct words_of_block found = {inside & ~(inside << 1), ~inside & inside << 1, apostrophes,
                                   LAST_END + 1, false};
    if (stops && (unsigned)__builtin_ctzll(stops) <= LAST_END) {
        found.limit = (unsigned)__builtin_ctzll(stops);
        found.stopped = true;
    }
    found.ends &= (UINT64_C(1) << found.limit) - 1;
    return found;
}

/* Without the apostrophes of the word [first, end). */
static uint32_t
copy_without(const char *text, uint64_t apostrophes, unsigned first, unsigned end, char *to) {
    uint32_t size = 0;
    for (unsigned i = first; i < end; i++) {
        to[size] = text[i];
        size += !(apostrophes >> i & 1);
    }
    return size;
}

/* Gives the block's certain words; returns how far into the block the splitter has come. The texts
 * are the folded block itself, of which only what holds words is kept. */
static unsigned
give_words(struct words_of_block found, uint32_t begin, struct am_word_output *output) {
    unsigned end = 0;
    const char *folded = output->at;
    char *aside = output->at + AM_BLOCK + AM_WORD_PADDING;
    struct am_word *word = output->words + output->count;
    for (; found.ends; found.ends &= found.ends - 1, found.starts &= found.starts - 1, word++) {
        unsigned first = (unsigned)__builtin_ctzll(found.starts);
        end = (unsigned)__builtin_ctzll(found.ends);
        *word = (struct am_word){folded + first, end - first, begin + first, begin + end};
        if (__builtin_expect(found.apostrophes >> first << (AM_BLOCK - (end - first)) != 0, 0)) {
            word->size = copy_without(folded, found.apostrophes, first, end, aside);
            word->text = aside;
            aside += word->size + AM_WORD_PADDING;
        }
    }
    output->count = (size_t)(word - output->words);
    output->at = aside == folded + AM_BLOCK + AM_WORD_PADDING ? output->at + end : aside;
    /* What is left of the starts is the word that reaches the limit and is not certain, if there is
     * one, and what lies beyond. */
    uint64_t uncertain = found.starts & ((UINT64_C(1) << found.limit) - 1);
    return uncertain ? (unsigned)__builtin_ctzll(uncertain) : found.limit;
}

/* The block at `at`; past the text's end it is spaces. */
static const char *block_at(struct am_view text, size_t at, char padded[AM_BLOCK]) {
    if (text.size - at >= AM_BLOCK)
        return text.data + at;
    memset(padded, ' ', AM_BLOCK);
    memcpy(padded, text.data + at, text.size - at);
    return padded;
}

/* Stops where the machine has to go on, or where there is no room. */
static void split_blocks(struct am_splitter *splitter, struct am_word_output *output) {
    char padded[AM_BLOCK];
    struct am_block block;
    while (splitter->at < splitter->text.size && am_machine_room(output)) {
        __builtin_prefetch(splitter->text.data + splitter->at + 512);
        splitter->classify(block_at(splitter->text, splitter->at, padded), output->at, &block);
        struct words_of_block found = find_words(&block);
        unsigned rest = give_words(found, (uint32_t)splitter->at, output);
        splitter->at += rest;
        if (splitter->at > splitter->text.size)
            splitter->at = splitter->text.size;
        /* A word that fills the block is for the machine, too. */
        if (found.stopped || rest == 0)
            return;
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
    *splitter = (struct am_splitter){
        .text = text, .fold_accents = fold_accents, .classify = am_block_best(), .state = state};
    am_machine_start(&state->machine);
}

static void take_character(struct am_splitter *splitter, struct am_word_output *output) {
    struct state *state = splitter->state;
    size_t begin = splitter->at;
    int32_t code = am_character_read(splitter->text, &splitter->at);
    am_machine_take(&state->machine, splitter->fold_accents,
                    (struct am_character){code, (uint32_t)begin, (uint32_t)splitter->at}, output);
}

size_t am_splitter_next(struct am_splitter *splitter, struct am_word *words, size_t capacity) {
    struct state *state = splitter->state;
    struct am_word_output output = {words, 0, capacity, state->texts,
                                    state->texts + sizeof state->texts};
    while (splitter->at < splitter->text.size && am_machine_room(&output)) {
        if (splitter->classify && am_machine_idle(&state->machine)) {
            split_blocks(splitter, &output);
            if (splitter->at == splitter->text.size || !am_machine_room(&output))
                break;
        }
        take_character(splitter, &output);
    }
    if (splitter->at == splitter->text.size && am_machine_room(&output))
        am_machine_finish(&state->machine, &output);
    return output.count;
}

uint32_t am_utf16_length(const char *text, size_t size) {
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint32_t units = 0;
    struct am_view view = {text, size};
    for (size_t at = 0; at < size;) {
        while (size - at >= 8 && !(am_load_u64(text + at) & high)) {
            at += 8;
            units += 8;
        }
        if (at < size) {
            units += am_character_read(view, &at) > 0xFFFF;
            units++;
        }
    }
    return units;
}
