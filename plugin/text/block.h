/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes of text at a time: which of them are letters, digits and so on, as bit masks,
 * the same bytes in lower case, and the words between two masks. */
#ifndef AM_TEXT_BLOCK_H
#define AM_TEXT_BLOCK_H

#include "../base/bytes.h"

enum { AM_BLOCK = 64, AM_BLOCK_WORDS = 32 /* the most in one */ };

struct am_text_word {
    uint32_t text;  /* where its normalised UTF-8 is, see am_text_word_text */
    uint32_t size;  /* bytes of text; 0 when longer than AM_WORD_MAX_BYTES */
    uint32_t begin; /* span in the original text, bytes, [begin, end): everything from the word's
                       first source */
    uint32_t end;   /* character to its last, inner joiners, marks and a tail of + or # included */
};

/* Bit i is about byte i. */
struct am_text_block {
    uint64_t letter;     /* A to Z, a to z */
    uint64_t digit;      /* 0 to 9 */
    uint64_t high;       /* 0x80 and above */
    uint64_t apostrophe; /* ' and ` */
    uint64_t period, ampersand;
    uint64_t tail; /* + and # */
};

struct am_text_block_kernel {
    /* Reads `size` bytes, 1 to AM_BLOCK; those after them count as spaces. Writes AM_BLOCK bytes to
     * `folded`: ASCII letters in lower case, all else as it is. */
    void (*read)(const char *bytes, size_t size, char *folded, struct am_text_block *block);
    /* Writes a word for each bit of `ends`, the byte after it, and returns how many; `starts` has
     * the bits of their first bytes. `block`: text, size 0, begin and end of a word where bit 0
     * stands. `words` has room for AM_BLOCK_WORDS, whatever their number. */
    uint32_t (*list)(uint64_t starts,
                     uint64_t ends,
                     const struct am_text_word *block,
                     struct am_text_word *words);
};

/* The kernels, best last; all give identical results. */
enum am_text_block_kernel_name {
    AM_BLOCK_PORTABLE,
    AM_BLOCK_AVX2,
    AM_BLOCK_AVX512,
    AM_BLOCK_VBMI2,
    AM_TEXT_BLOCK_KERNELS,
};

/* NULL where this machine has no such instructions. */
const struct am_text_block_kernel *am_text_block_kernel(enum am_text_block_kernel_name name);
/* The best that this machine has. */
const struct am_text_block_kernel *am_text_block_best(void);

#endif
