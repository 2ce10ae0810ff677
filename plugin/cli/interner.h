/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers distinct strings from 0, in order of appearance. */
#ifndef AM_CLI_INTERNER_H
#define AM_CLI_INTERNER_H

#include "../base/arena.h"

struct am_cli_interner {
    struct am_arena arena; /* the strings */
    struct am_view *texts; /* by number */
    uint32_t *slots;       /* hash table of numbers, UINT32_MAX: empty */
    uint32_t count;
    uint32_t slot_count; /* a power of two, or 0 before the first string */
};

/* The number of the string, which is copied when it is new. UINT32_MAX when memory runs out. */
uint32_t am_cli_interner_number(struct am_cli_interner *interner, struct am_view text);

void am_cli_interner_free(struct am_cli_interner *interner);

#endif
