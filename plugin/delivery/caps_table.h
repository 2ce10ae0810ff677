/* The memory of the table of frequency caps. Private to the room. */
#ifndef AM_DELIVERY_CAPS_TABLE_H
#define AM_DELIVERY_CAPS_TABLE_H

#include "caps.h"

enum { AM_CAPS_FORMAT_VERSION = 1, AM_CAPS_MIN_BYTES = 4096 };

/* Begins an empty table in zeroed memory, cache-line aligned, of at least AM_CAPS_MIN_BYTES. */
struct am_caps *am_caps_start(void *memory, size_t size);

/* The table in memory where one was begun; NULL: there is none, or one of another version. */
struct am_caps *am_caps_over(void *memory, size_t size);

#endif
