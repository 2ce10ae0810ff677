/* SPDX-License-Identifier: Apache-2.0 */
#include "pending.h"

#include <stdlib.h>

enum { LEAST_ROOM = 512 };

static size_t limit_of_all, kept;

void am_loop_pending_limit(size_t limit) {
    limit_of_all = limit;
}

size_t am_loop_pending_total(void) {
    return kept;
}

/* Whether `more` bytes are within the bound; then they count. */
static bool count(size_t more) {
    size_t sum;
    if (!am_checked_add(kept, more, &sum) || sum > limit_of_all)
        return false;
    kept = sum;
    return true;
}

bool am_loop_pending_reserve(struct am_loop_pending *bytes, size_t room) {
    if (room <= bytes->room)
        return true;
    if (!count(room - bytes->room))
        return false;
    char *data = realloc(bytes->data, room);
    if (!data) {
        kept -= room - bytes->room;
        return false;
    }
    bytes->data = data;
    bytes->room = room;
    return true;
}

bool am_loop_pending_append(struct am_loop_pending *bytes, const char *data, size_t size) {
    size_t needed;
    if (size == 0)
        return true;
    if (!am_checked_add(bytes->size, size, &needed))
        return false;
    if (needed > bytes->room &&
        !am_loop_pending_reserve(bytes, needed < LEAST_ROOM ? LEAST_ROOM : needed))
        return false;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size = needed;
    return true;
}

void am_loop_pending_consume(struct am_loop_pending *bytes, size_t size) {
    if (size >= bytes->size) {
        am_loop_pending_free(bytes);
        return;
    }
    memmove(bytes->data, bytes->data + size, bytes->size - size);
    bytes->size -= size;
}

void am_loop_pending_free(struct am_loop_pending *bytes) {
    free(bytes->data);
    kept -= bytes->room;
    *bytes = (struct am_loop_pending){NULL, 0, 0};
}
