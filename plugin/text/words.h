/* SPDX-License-Identifier: Apache-2.0 */
/* Words: the one splitter that keywords and requests share (docs/DESIGN.md "Words").
 *
 * Text goes in as any bytes; words come out in order, normalised (NFKC, full case folding,
 * default-ignorables removed, accents dropped when asked), each with its span in the original
 * bytes. Words of plain ASCII take a short path that yields the same words as the general one;
 * tests hold the two against each other. */
#ifndef AM_TEXT_WORDS_H
#define AM_TEXT_WORDS_H

#include "../base/bytes.h"
#include "block.h"

/* Raised by any change that makes some text split or normalise differently; stands in every image.
 */
enum { AM_WORD_RULES_VERSION = 1 };

enum {
    AM_WORD_MAX_BYTES = 1000, /* normalised; a longer word is given with size 0: it holds its place,
                                 and matches nothing */
    AM_WORDS_LEAST =
        AM_BLOCK_WORDS,   /* room for words that a caller of am_text_splitter_next must give */
    AM_WORD_PADDING = 16, /* readable bytes after every word's text (their values mean nothing) */
};

/* Working memory of a splitter; owned by the caller, reusable for one text after the other, not
 * shared between threads. */
struct am_text_splitter_memory {
    void *memory;
    size_t size;
};

/* Bytes of memory that a splitter needs for texts of up to `text_size` bytes (below 4 GiB). A
 * constant at present. */
size_t am_text_splitter_memory_size(size_t text_size);

struct am_text_splitter {
    struct am_view text;
    bool fold_accents;
    size_t at;                              /* bytes of text consumed */
    const struct am_text_block_kernel *way; /* the best of this machine; a test may set another
                                       after am_text_splitter_start, or NULL: no blocks at all */
    void *state;
    const char *texts; /* of words, in the caller's memory */
};

/* The text of a word, word->size bytes; valid until the next am_text_splitter_next on the splitter.
 */
static inline const char *am_text_word_text(const struct am_text_splitter *splitter,
                                            const struct am_text_word *word) {
    return splitter->texts + word->text;
}

/* Starts on a text. `memory` must be at least am_text_splitter_memory_size(text.size) and stays in
 * use until the last am_text_splitter_next. Cannot fail: ill-formed UTF-8 splits like U+FFFD. */
void am_text_splitter_start(struct am_text_splitter *splitter,
                            struct am_view text,
                            bool fold_accents,
                            struct am_text_splitter_memory memory);

/* Writes up to `capacity` (at least AM_WORDS_LEAST) next words and returns how many; 0 at the end.
 * May return fewer than capacity before the end. The texts of the returned words stay valid until
 * the next call. Allocates nothing, takes no lock, makes no system call. */
size_t am_text_splitter_next(struct am_text_splitter *splitter,
                             struct am_text_word *words,
                             size_t capacity);

/* UTF-16 units of the first `size` bytes of text, decoded as the splitter does: ill-formed bytes
 * count one unit (U+FFFD) per maximal subpart, code points above U+FFFF two. */
uint32_t am_text_utf16_length(const char *text, size_t size);

#endif
