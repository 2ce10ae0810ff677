/* SPDX-License-Identifier: Apache-2.0 */
/* Character references of HTML: the 252 names of HTML 4 (section 24), "apos", and numbers. */
#ifndef AM_TEXT_ENTITIES_H
#define AM_TEXT_ENTITIES_H

#include "../base/bytes.h"

struct am_text_entity {
    int32_t code;
    size_t size; /* bytes of its source, from & on */
};

/* Reads the reference at text.data, where a & stands. False where there is none. In `html`, numbers
 * and the names that browsers know without a ; need none. */
bool am_text_entity_read(struct am_view text, bool html, struct am_text_entity *entity);

#endif
