#include "api.h"

#include <stdlib.h>

#include "../base/reserve.h"
#include "gzip.h"
#include "openrtb.h"
#include "preview.h"
#include "render.h"
#include "request.h"

enum {
    ANSWER_BYTES = 64 << 20, /* 256 ads with the largest creatives and URLs are a third of that */
    ALIGNMENT = 64,
};

struct am_api {
    struct am_api_limits limits;
    struct am_matcher *matcher;
    const struct am_timezones *zones;
    void *region; /* all of what follows lies in it, but for the decision's contents */
    size_t region_size;
    struct am_api_request_reader *reader;
    char *unpacked; /* limits.body_bytes + 1 */
    char *decoded;  /* limits.body_bytes, for a value of the preview's form */
    struct am_buffer answer;
    struct am_api_gzip gzip;
    struct am_openrtb *openrtb;
    struct am_match_decision decision;
    struct am_error error;
};

/* ---- making and freeing --------------------------------------------------------------------- */

/* Where the parts of the region lie. */
struct plan {
    size_t reader, nodes, text, url_places, unpacked, decoded, gzip, openrtb, creative_nodes,
        answer, total;
};

static size_t add_part(struct plan *plan, size_t size) {
    size_t offset = plan->total;
    plan->total += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return offset;
}

/* Sizes cannot wrap: the body limit is below 4 GiB. */
static struct plan plan_region(size_t body_bytes) {
    struct plan plan = {0};
    plan.reader = add_part(&plan, sizeof(struct am_api_request_reader));
    plan.nodes = add_part(&plan, AM_REQUEST_MAX_NODES * sizeof(struct am_json_node));
    plan.text = add_part(&plan, am_api_request_text_size(body_bytes));
    plan.url_places = add_part(&plan, (body_bytes + 1) * sizeof(struct am_api_url_offset));
    plan.unpacked = add_part(&plan, body_bytes + 1);
    plan.decoded = add_part(&plan, body_bytes);
    plan.gzip = add_part(&plan, AM_GZIP_MEMORY_SIZE);
    plan.openrtb = add_part(&plan, sizeof(struct am_openrtb));
    plan.creative_nodes = add_part(&plan, AM_CREATIVE_NODES * sizeof(struct am_json_node));
    plan.answer = add_part(&plan, ANSWER_BYTES);
    return plan;
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
    api->reader = (struct am_api_request_reader *)(region + plan.reader);
    api->reader->nodes = (struct am_json_node *)(region + plan.nodes);
    api->reader->text = region + plan.text;
    api->reader->url_places = (struct am_api_url_offset *)(region + plan.url_places);
    api->reader->body_limit = api->limits.body_bytes;
    api->unpacked = region + plan.unpacked;
    api->decoded = region + plan.decoded;
    api->openrtb = (struct am_openrtb *)(region + plan.openrtb);
    api->openrtb->creative_nodes = (struct am_json_node *)(region + plan.creative_nodes);
    api->answer = am_buffer_over(region + plan.answer, ANSWER_BYTES);
    return am_api_gzip_start(&api->gzip, region + plan.gzip, error);
}

struct am_api *am_api_new(const struct am_api_limits *limits, struct am_error *error) {
    if (limits->body_bytes >= UINT32_MAX) {
        am_error_set(error, AM_E_LIMIT, "a limit of %zu bytes a request: expected less than 4 GiB",
                     limits->body_bytes);
        return NULL;
    }
    struct am_api *api = calloc(1, sizeof *api);
    if (!api) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    api->limits = *limits;
    const struct am_matcher_limits matcher_limits = {limits->body_bytes, limits->words};
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
    am_matcher_free(api->matcher);
    am_memory_release(api->region, api->region_size);
    free(api);
}

enum am_code am_api_attach(struct am_api *api,
                           const struct am_image *image,
                           const struct am_timezones *zones,
                           struct am_error *error) {
    enum am_code code = am_matcher_attach(api->matcher, image, zones, error);
    if (code == AM_OK)
        api->zones = zones;
    return code;
}

const struct am_image *am_api_image(const struct am_api *api) {
    return am_matcher_image(api->matcher);
}

/* ---- answering ------------------------------------------------------------------------------ */

void am_api_error(struct am_api *api,
                  unsigned status,
                  struct am_view reason,
                  struct am_view where,
                  struct am_api_response *response) {
    api->answer.size = 0;
    api->answer.overflowed = false;
    am_api_render_error(&api->answer, status, reason, where);
    *response = (struct am_api_response){.status = status, .body = am_buffer_view(&api->answer)};
}

static unsigned status_of(enum am_code code) {
    switch (code) {
    case AM_E_LIMIT:
        return 413;
    case AM_E_STATE:
        return 422;
    default:
        return 400;
    }
}

static enum am_code unpack(struct am_api *api, struct am_view *body) {
    enum am_code code = am_api_request_check_size(api->reader, *body, &api->error);
    size_t size = 0;
    if (code == AM_OK)
        code = am_api_gzip_unpack(&api->gzip, *body, api->unpacked, api->limits.body_bytes, &size,
                                  &api->error);
    *body = (struct am_view){api->unpacked, size};
    return code;
}

static enum am_code read_request(struct am_api *api, const struct am_api_request *request) {
    struct am_view body = request->body;
    if (request->gzip) {
        enum am_code code = unpack(api, &body);
        if (code != AM_OK)
            return code;
    }
    am_api_request_start(api->reader, api->zones, request->now, request->test);
    switch (request->content) {
    case AM_CONTENT_TEXT:
        return am_api_request_read_text(api->reader, body, &api->error);
    case AM_CONTENT_QUERY_STRING:
        return am_api_request_read_query_string(api->reader, body, &api->error);
    case AM_CONTENT_OPENRTB:
        return am_openrtb_read(api->openrtb, api->reader, am_api_image(api), body, &api->error);
    case AM_CONTENT_JSON:
        break;
    }
    return am_api_request_read_json(api->reader, body, &api->error);
}

static bool stands_in_url(const struct am_match_request *request,
                          const struct am_match_winner *placed) {
    return placed->field != AM_NONE && request->fields[placed->field].kind == AM_FIELD_URL;
}

/* The matcher saw the decoded path and query string; spans are told in the URL as it was given. The
 * places are looked up once a request, since many ads may stand in a long URL. */
static void show_url_as_given(const struct am_api_request_reader *reader,
                              const struct am_match_decision *decision) {
    const struct am_api_url_offset *places = NULL;
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        struct am_match_winner *placed = &decision->ads[i];
        if (!stands_in_url(&reader->request, placed))
            continue;
        if (!places) {
            am_api_url_offsets(reader->url, reader->url_places);
            places = reader->url_places;
        }
        for (uint32_t k = 0; k < placed->span_count; k++) {
            const struct am_match_span span = placed->spans[k];
            placed->spans[k] =
                (struct am_match_span){places[span.begin].byte, places[span.end].byte,
                                       places[span.begin].utf16, places[span.end].utf16};
        }
    }
}

/* Whether there is something to decide: a bid request may forbid any bid. */
static bool is_open(const struct am_api *api, const struct am_api_request *request) {
    return request->content != AM_CONTENT_OPENRTB || api->openrtb->no_bid == AM_NO_BID_NONE;
}

static enum am_code decide(struct am_api *api, bool for_bids) {
    const struct am_match_request *read = &api->reader->request;
    enum am_code code;
    do
        code = am_match_decide(api->matcher, read, &api->decision, &api->error);
    while (code == AM_OK && for_bids &&
           am_openrtb_bar_winners(api->openrtb, api->reader, &api->decision));
    return code;
}

static void render(struct am_api *api,
                   const struct am_api_request *request,
                   const struct am_match_decision *decision) {
    const struct am_match_request *read = &api->reader->request;
    api->answer.size = 0;
    api->answer.overflowed = false;
    if (request->content == AM_CONTENT_OPENRTB) {
        am_openrtb_render(&api->answer, api->openrtb, read, decision);
    } else {
        show_url_as_given(api->reader, decision);
        am_api_render_decision(&api->answer, am_api_image(api), read, decision);
    }
}

void am_api_decide(struct am_api *api,
                   const struct am_api_request *request,
                   struct am_api_response *response) {
    if (!am_api_image(api)) {
        am_api_error(api, 503, AM_VIEW("no inventory is loaded yet"), AM_VIEW(""), response);
        return;
    }
    const struct am_match_request *read = &api->reader->request;
    const struct am_match_decision *decision = NULL;
    enum am_code code = read_request(api, request);
    if (code == AM_OK && is_open(api, request)) {
        code = decide(api, request->content == AM_CONTENT_OPENRTB);
        decision = &api->decision;
    }
    if (code != AM_OK) {
        am_api_error(api, status_of(code), am_view_of(api->error.message),
                     am_view_of(api->error.where), response);
        return;
    }
    render(api, request, decision);
    if (api->answer.overflowed) {
        am_api_error(api, 500, AM_VIEW("answer too large"), AM_VIEW(""), response);
        return;
    }
    *response = (struct am_api_response){api->answer.size ? 200 : 204, am_buffer_view(&api->answer),
                                         decision, decision ? read : NULL};
}

/* ---- the preview ----------------------------------------------------------------------------- */

static enum am_code
preview(struct am_api *api, const struct am_api_request *request, struct am_preview *page) {
    struct am_api_request_reader *reader = api->reader;
    enum am_code code = am_api_request_check_size(reader, request->body, &api->error);
    if (code != AM_OK)
        return code;
    page->question = am_preview_question(request->body, api->unpacked);
    if (page->question.size == 0)
        return AM_OK;
    am_api_request_start(reader, api->zones, request->now, request->test);
    code = am_api_request_read_query_string(reader, page->question, &api->error);
    reader->request.explain = true;
    if (code == AM_OK)
        code = decide(api, false);
    if (code != AM_OK)
        return code;
    show_url_as_given(reader, &api->decision);
    page->request = &reader->request;
    page->decision = &api->decision;
    page->url = reader->url;
    return AM_OK;
}

void am_api_preview(struct am_api *api,
                    const struct am_api_request *request,
                    struct am_api_response *response) {
    struct am_preview page = {.image = am_api_image(api),
                              .question = {"", 0},
                              .memory = api->decoded,
                              .creative_nodes = api->openrtb->creative_nodes,
                              .status = 200};
    enum am_code code;
    if (!page.image) {
        page.status = 503;
        page.reason = AM_VIEW("no inventory is loaded yet");
    } else if ((code = preview(api, request, &page)) != AM_OK) {
        page.status = status_of(code);
        page.reason = am_view_of(api->error.message);
        page.where = am_view_of(api->error.where);
    }
    api->answer.size = 0;
    api->answer.overflowed = false;
    am_preview_render(&api->answer, &page);
    if (api->answer.overflowed)
        am_api_error(api, 500, AM_VIEW("answer too large"), AM_VIEW(""), response);
    else
        *response = (struct am_api_response){page.status, am_buffer_view(&api->answer),
                                             page.decision, page.request};
}
