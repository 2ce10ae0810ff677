/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: memory for reading creatives, one at a time. */
#ifndef AM_API_CREATIVE_H
#define AM_API_CREATIVE_H

#include "../base/json.h"
#include "../model/limits.h"

struct am_api_creatives {
    struct am_json_node *nodes; /* AM_CREATIVE_NODES */
    char *text;                 /* AM_CREATIVE_MAX_BYTES, for a string of a creative */
    size_t most;                /* bytes of the largest one read since the memory was fresh */
};

/* False: it is not JSON. Valid until the next one is read. */
static inline bool am_api_creative_read(struct am_api_creatives *creatives,
                                        struct am_view text,
                                        struct am_json *creative) {
    if (creatives->most < text.size)
        creatives->most = text.size;
    return am_json_parse_guarded(text, creatives->nodes, AM_CREATIVE_NODES, creative, NULL) ==
           AM_OK;
}

#endif
