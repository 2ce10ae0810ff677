/* SPDX-License-Identifier: Apache-2.0 */
/* Words: the one splitter that keywords and requests share (docs/WORDS.md).
 *
 * Text goes in as any bytes; words come out in order, normalised (NFKC, full case folding,
 * default-ignorables and ornaments removed, accents folded when asked), each with its span in the
 * original bytes. Words of plain ASCII take a short path that yields the same words as the general
 * one, but in Turkish and Azerbaijani; tests hold the two against each other. */
#ifndef AM_TEXT_WORDS_H
#define AM_TEXT_WORDS_H

#include "../base/bytes.h"
#include "block.h"
#include "language.h"

/* Raised by any change that makes some text split or normalise differently; stands in every image.
 */
enum { AM_WORD_RULES_VERSION = 2 };

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

/* A word as it was before its accents were folded, beside the folded one: what stems are made of.
 */
struct am_text_written_form {
    uint32_t word; /* its index among the words of one am_text_splitter_next */
    uint32_t text; /* as in struct am_text_word; has AM_WORD_PADDING readable bytes after it */
    uint32_t size;
};

/* Bytes of memory that a splitter needs for texts of up to `text_size` bytes (below 4 GiB). A
 * constant at present. */
size_t am_text_splitter_memory_size(size_t text_size);

struct am_text_splitter {
    struct am_view text;
    size_t at;                                 /* bytes of text consumed */
    const struct am_text_block_kernel *kernel; /* the best of this machine; a test may set another
                                       after am_text_splitter_start, or NULL: no blocks at all */
    bool ends_at_apostrophes;                  /* blocks leave apostrophes to the machine */
    bool over;                                 /* there are no more words */
    size_t characters;  /* of those consumed, those that no block has given: read one by one */
    bool wants_written; /* a caller that stems sets it after am_text_splitter_start */
    void *state;
    const char *texts; /* of words, in the caller's memory */
    /* Of the words that the last am_text_splitter_next gave, those that accents make different, in
     * order; a longer one than AM_WORD_MAX_BYTES is left out. */
    const struct am_text_written_form *written;
    size_t written_count;
};

/* The text of a word, word->size bytes; valid until the next am_text_splitter_next on the splitter.
 */
static inline const char *am_text_word_text(const struct am_text_splitter *splitter,
                                            const struct am_text_word *word) {
    return splitter->texts + word->text;
}

/* Starts on a text. `rules` is copied. `memory` must be at least
 * am_text_splitter_memory_size(text.size) and stays in use until the last am_text_splitter_next.
 * Cannot fail: ill-formed UTF-8 splits like U+FFFD. */
void am_text_splitter_start(struct am_text_splitter *splitter,
                            struct am_view text,
                            const struct am_text_word_rules *rules,
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
