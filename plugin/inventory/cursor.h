/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: a text that is read from its start. */
#ifndef AM_INVENTORY_CURSOR_H
#define AM_INVENTORY_CURSOR_H

#include "../base/bytes.h"

#include <strings.h>

/* What is left to read. */
struct am_inventory_cursor {
    const char *at, *end;
};

static inline struct am_inventory_cursor am_inventory_cursor_of(struct am_view text) {
    return (struct am_inventory_cursor){text.data, am_view_end(text)};
}

/* Moves behind `text`, without regard to ASCII case. False, and nothing: it is not there. */
static inline bool am_inventory_skip(struct am_inventory_cursor *rest, const char *text) {
    size_t size = strlen(text);
    if ((size_t)(rest->end - rest->at) < size || strncasecmp(rest->at, text, size) != 0)
        return false;
    rest->at += size;
    return true;
}

#endif
