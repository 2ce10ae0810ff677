/* SPDX-License-Identifier: Apache-2.0 */
/* Korean particles, which are written at the end of the word before them. */
#ifndef AM_TEXT_PARTICLES_H
#define AM_TEXT_PARTICLES_H

#include "../base/bytes.h"

enum { AM_PARTICLES_MOST = 4 /* that one word may end with: one for each length */ };

/* What is left of a composed word without a particle of a closed list (docs/WORDS.md), for each
 * that it ends with; returns how many. */
uint32_t am_text_without_particle(struct am_view word, struct am_view *rests);

#endif
