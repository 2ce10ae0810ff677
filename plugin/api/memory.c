/* SPDX-License-Identifier: Apache-2.0 */
/* Making, freeing and poisoning the working memory of one thread. */
#include "memory.h"

#include <assert.h>
#include <stdlib.h>

#include "../base/reserve.h"

enum {
    ANSWER_BYTES = 64 << 20, /* 256 ads with the largest creatives and URLs are a third of that */
    ALIGNMENT = 64,
    BODY_BYTES_MOST = 1 << 30, /* a text has at most three times as many, in 32 bits */
};

/* ---- making and freeing --------------------------------------------------------------------- */

/* Where the parts of the region lie. */
struct plan {
    size_t reader, nodes, text, url_places, places, body, unpacked, decoded, gzip, openrtb,
        creative_nodes, creative, placements, urls, splitter, answer, total;
    size_t packer, packed;
};

static size_t add_part(struct plan *plan, size_t size) {
    size_t offset = plan->total;
    plan->total += (size + AM_REDZONE + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return offset;
}

/* Sizes cannot wrap: see BODY_BYTES_MOST. */
static struct plan plan_region(size_t body_bytes) {
    struct plan plan = {0};
    plan.reader = add_part(&plan, sizeof(struct am_api_request_reader));
    plan.nodes = add_part(&plan, AM_REQUEST_MAX_NODES * sizeof(struct am_json_node));
    plan.text = add_part(&plan, am_api_request_text_size(body_bytes));
    plan.url_places = add_part(&plan, (body_bytes + 1) * sizeof(struct am_api_url_offset));
    plan.places = add_part(&plan, AM_API_PLACES_MOST * sizeof(am_api_place));
    plan.body = add_part(&plan, AM_POISONS ? body_bytes : 0);
    plan.unpacked = add_part(&plan, body_bytes + 1);
    plan.decoded = add_part(&plan, body_bytes);
    plan.gzip = add_part(&plan, AM_GZIP_MEMORY_SIZE);
    plan.packer = add_part(&plan, AM_GZIP_PACK_MEMORY_SIZE);
    plan.packed = add_part(&plan, AM_API_PACKED_BYTES);
    plan.openrtb = add_part(&plan, sizeof(struct am_openrtb));
    plan.creative_nodes = add_part(&plan, AM_CREATIVE_NODES * sizeof(struct am_json_node));
    plan.creative = add_part(&plan, AM_CREATIVE_MAX_BYTES);
    plan.placements = add_part(&plan, AM_MAX_ADS_PER_REQUEST * sizeof(struct am_event_decided_ad));
    plan.urls = add_part(&plan, AM_PLACEMENT_MEMORY);
    plan.splitter = add_part(&plan, am_text_splitter_memory_size(AM_PLACEMENT_QUERY_BYTES));
    plan.answer = add_part(&plan, ANSWER_BYTES);
    return plan;
}

/* All parts are poisoned (poison.h) until a request needs them, but for these. */
static void open_parts(const struct am_api *api, const struct plan *plan) {
    const char *region = api->region;
    am_poison_region(region, plan->total);
    am_poison_clear(region + plan->reader, sizeof(struct am_api_request_reader));
    am_poison_clear(region + plan->openrtb, sizeof(struct am_openrtb));
    am_poison_clear(region + plan->gzip, AM_GZIP_MEMORY_SIZE);
    am_poison_clear(region + plan->packer, AM_GZIP_PACK_MEMORY_SIZE);
}

static enum am_code make_region(struct am_api *api, struct am_error *error) {
    struct plan plan = plan_region(api->limits.body_bytes);
    char *region = am_memory_reserve(plan.total);
    if (!region)
        return am_error_set(error, AM_E_MEMORY,
                            "out of memory: address space for requests of %zu bytes",
                            api->limits.body_bytes);
    api->region = region;
    api->region_size = plan.total;
    open_parts(api, &plan);
    api->reader = (struct am_api_request_reader *)(region + plan.reader);
    api->reader->nodes = (struct am_json_node *)(region + plan.nodes);
    api->reader->text = region + plan.text;
    api->reader->url_places = (struct am_api_url_offset *)(region + plan.url_places);
    api->reader->places = (am_api_place *)(region + plan.places);
    api->reader->body_limit = api->limits.body_bytes;
    api->body = region + plan.body;
    api->unpacked = region + plan.unpacked;
    api->decoded = region + plan.decoded;
    api->packer.memory =
        (struct am_api_gzip_memory){region + plan.packer, AM_GZIP_PACK_MEMORY_SIZE, 0};
    api->packed = region + plan.packed;
    api->openrtb = (struct am_openrtb *)(region + plan.openrtb);
    api->creatives.nodes = (struct am_json_node *)(region + plan.creative_nodes);
    api->creatives.text = region + plan.creative;
    api->openrtb->creatives = &api->creatives;
    api->placements.ads = (struct am_event_decided_ad *)(region + plan.placements);
    api->placements.url_memory = region + plan.urls;
    api->placements.splitter = (struct am_text_splitter_memory){
        region + plan.splitter, am_text_splitter_memory_size(AM_PLACEMENT_QUERY_BYTES)};
    api->answer = am_buffer_guard(region + plan.answer, ANSWER_BYTES);
    return am_api_gzip_start(&api->gzip, region + plan.gzip, error);
}

struct am_api *am_api_new(const struct am_api_limits *limits, struct am_error *error) {
    if (limits->body_bytes > BODY_BYTES_MOST) {
        am_error_set(error, AM_E_LIMIT, "a limit of %zu bytes a request: expected at most 1 GiB",
                     limits->body_bytes);
        return NULL;
    }
    struct am_api *api = calloc(1, sizeof *api);
    if (!api) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    api->limits = *limits;
    if (api->limits.memory == 0)
        api->limits.memory = AM_API_MEMORY_DEFAULT;
    const struct am_matcher_limits matcher_limits = {
        am_api_request_searched_size(limits->body_bytes), limits->words, limits->work};
    if (make_region(api, error) == AM_OK)
        api->matcher = am_matcher_new(&matcher_limits, error);
    if (api->matcher)
        return api;
    am_api_free(api);
    return NULL;
}

void am_api_free(struct am_api *api) {
    if (!api)
        return;
    am_client_geo_close(&api->geo);
    am_api_delivery_end(&api->delivery);
    am_matcher_free(api->matcher);
    am_memory_release(api->region, api->region_size);
    free(api);
}

/* ---- between requests ------------------------------------------------------------------------ */

/* At most so many bytes of memory: per byte of a body (its nodes, its decoded text, its words), per
 * step of a decision, and per byte of a creative (a node for each two bytes). */
enum { BYTES_A_BODY_BYTE = 16, BYTES_A_STEP = 16, BYTES_A_CREATIVE_BYTE = 11 };
static_assert(BYTES_A_CREATIVE_BYTE >= sizeof(struct am_json_node) / 2 + 1, "nodes and text");

static void raise_to(size_t *most, size_t now) {
    if (*most < now)
        *most = now;
}

/* Different requests use different parts, all of which stay. A packed answer is no longer than the
 * plain one. */
static size_t most_used(struct am_api *api) {
    raise_to(&api->most.body_size, api->body_size);
    raise_to(&api->most.work, (size_t)api->decision.work);
    raise_to(&api->most.answer, api->answer.size);
    return api->most.body_size * BYTES_A_BODY_BYTE + api->most.work * BYTES_A_STEP +
           api->most.answer * (api->packer.started ? 2 : 1) +
           api->creatives.most * BYTES_A_CREATIVE_BYTE;
}

/* All but the small parts that are not fresh to whoever uses them next: the reader, and zlib's. */
void am_api_settle(struct am_api *api) {
    if (most_used(api) <= api->limits.memory)
        return;
    am_api_forget(api);
    const char *nodes = (const char *)api->reader->nodes;
    const char *creatives = (const char *)api->creatives.nodes;
    const char *parts_end = api->placements.splitter.memory + api->placements.splitter.size;
    am_memory_trim(api->reader->nodes, (size_t)(api->decoded + api->limits.body_bytes - nodes));
    am_memory_trim(api->creatives.nodes, (size_t)(parts_end - creatives));
    am_memory_trim(api->answer.data, ANSWER_BYTES);
    am_memory_trim(api->packed, AM_API_PACKED_BYTES);
    am_matcher_trim(api->matcher);
    api->body_size = 0;
    api->decision.work = 0;
    memset(&api->most, 0, sizeof api->most);
    api->creatives.most = 0;
}

void am_api_forget(struct am_api *api) {
    const struct am_api_request_reader *reader = api->reader;
    am_poison_region(reader->text, reader->text_used);
    AM_POISON_ITEMS(reader->nodes, 0, AM_REQUEST_MAX_NODES);
    AM_POISON_ITEMS(api->creatives.nodes, 0, AM_CREATIVE_NODES);
    am_poison_region(api->body, api->limits.body_bytes);
    am_poison_region(api->unpacked, api->limits.body_bytes + 1);
    am_poison_region(api->decoded, api->limits.body_bytes);
    am_poison_region(api->creatives.text, AM_CREATIVE_MAX_BYTES);
    AM_POISON_ITEMS(api->placements.ads, 0, AM_MAX_ADS_PER_REQUEST);
    am_poison_region(api->placements.url_memory, AM_PLACEMENT_MEMORY);
    am_poison_region(api->placements.splitter.memory, api->placements.splitter.size);
    am_buffer_cut(&api->answer, 0);
}

struct am_view am_api_set_apart(const struct am_api *api, struct am_view body) {
    if (!AM_POISONS || body.size == 0 || body.size > api->limits.body_bytes)
        return body;
    am_poison_clear(api->body, body.size);
    return (struct am_view){memcpy(api->body, body.data, body.size), body.size};
}
