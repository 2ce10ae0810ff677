/* SPDX-License-Identifier: Apache-2.0 */
/* A growable array, for building. */
#ifndef AM_BASE_VECTOR_H
#define AM_BASE_VECTOR_H

#include <stdlib.h>

#include "bytes.h"
#include "large.h"
#include "poison.h"

/* Items beyond `count` are poisoned (poison.h). */
struct am_vector {
    void *data;
    size_t count;
    size_t capacity;
    size_t item_size; /* set before first use */
};

#define AM_VECTOR_OF(type) ((struct am_vector){NULL, 0, 0, sizeof(type)})
#define AM_VECTOR_AT(vector, type, index) (((type *)(vector)->data) + (index))

/* Reserves room for `capacity` items in all. False when memory runs out. */
static inline bool am_vector_reserve(struct am_vector *vector, size_t capacity) {
    size_t bytes;
    if (capacity <= vector->capacity)
        return true;
    if (!am_checked_multiply(capacity, vector->item_size, &bytes))
        return false;
    void *data = am_memory_reallocate(vector->data, vector->count * vector->item_size, bytes);
    if (!data)
        return false;
    vector->data = data;
    vector->capacity = capacity;
    size_t used = vector->count * vector->item_size;
    am_poison_region((char *)data + used, bytes - used);
    return true;
}

/* Room for `more` items at the end; their first, uninitialised; NULL when memory runs out, and
 * where there is no item at all. Counts them in. */
static inline void *am_vector_extend(struct am_vector *vector, size_t more) {
    size_t needed, capacity = vector->capacity ? vector->capacity : 64;
    if (!am_checked_add(vector->count, more, &needed))
        return NULL;
    while (capacity < needed)
        if (!am_checked_multiply(capacity, 2, &capacity))
            return NULL;
    if (needed && !am_vector_reserve(vector, capacity))
        return NULL;
    if (!vector->data)
        return NULL;
    char *first = (char *)vector->data + vector->count * vector->item_size;
    vector->count = needed;
    am_poison_clear(first, more * vector->item_size);
    return first;
}

static inline bool am_vector_push(struct am_vector *vector, const void *item) {
    void *place = am_vector_extend(vector, 1);
    if (place)
        memcpy(place, item, vector->item_size);
    return place != NULL;
}

static inline void am_vector_free(struct am_vector *vector) {
    free(vector->data);
    vector->data = NULL;
    vector->count = vector->capacity = 0;
}

#endif
