/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: one thread's working memory. */
#ifndef AM_API_MEMORY_H
#define AM_API_MEMORY_H

#include "../client/geo.h"
#include "api.h"
#include "delivery.h"
#include "gzip.h"
#include "openrtb/openrtb.h"
#include "placements.h"
#include "request.h"

/* An answer that would be longer when packed is sent as it is. */
enum { AM_API_PACKED_BYTES = 16 << 20 };

struct am_api {
    struct am_api_limits limits;
    size_t body_size; /* of the last request, unpacked */
    /* The most that any request since the memory was fresh had of each. */
    struct {
        size_t body_size, work, answer;
    } most;
    struct am_matcher *matcher;
    void *region; /* contains all that follows, except the decision's contents */
    size_t region_size;
    struct am_api_request_reader *reader;
    char *body; /* limits.body_bytes in builds that poison, else nothing: see am_api_set_apart */
    char *unpacked; /* limits.body_bytes + 1 */
    char *decoded;  /* limits.body_bytes, for a value of the preview's form */
    struct am_buffer answer;
    struct am_api_gzip gzip;
    struct am_api_gzip_packer packer;
    char *packed; /* AM_API_PACKED_BYTES */
    struct am_openrtb *openrtb;
    struct am_api_creatives creatives;
    struct am_api_placements placements;
    struct am_api_delivery delivery;
    struct am_match_decision decision;
    struct am_client_geo_handle geo;
    struct am_error error;
};

/* Before each request: what the last one left is not for this one to read. */
void am_api_forget(struct am_api *api);

/* The bytes of a request. A body or query string comes in memory that has other things of the
 * server's around it; builds that poison (poison.h) read it from a copy that has none. */
struct am_view am_api_set_apart(const struct am_api *api, struct am_view body);

#endif
