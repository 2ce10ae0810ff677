/* Sixty-four bytes of text at a time: which of them are letters, digits and so on, as bit masks,
 * and the same bytes in lower case. */
#ifndef AM_TEXT_BLOCK_H
#define AM_TEXT_BLOCK_H

#include "../base/bytes.h"

enum { AM_BLOCK = 64 };

/* Bit i is about byte i. */
struct am_block {
    uint64_t letter; /* A to Z, a to z */
    uint64_t digit;  /* 0 to 9 */
    uint64_t high;   /* 0x80 and above */
    uint64_t apostrophe, period, ampersand;
    uint64_t tail; /* + and # */
};

/* Reads AM_BLOCK bytes, writes as many to `folded`: ASCII letters in lower case, all else as it is.
 */
typedef void am_block_function(const char *bytes, char *folded, struct am_block *block);

/* The ways there are, best last; each gives the same. */
enum am_block_way {
    AM_BLOCK_PORTABLE,
    AM_BLOCK_AVX2,
    AM_BLOCK_AVX512,
    AM_BLOCK_WAYS,
};

/* NULL where this machine has no such instructions. */
am_block_function *am_block_way(enum am_block_way way);
/* The best that this machine has. */
am_block_function *am_block_best(void);

#endif
