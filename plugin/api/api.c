/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as bytes to answers as bytes. */
#include "api.h"

#include "counting.h"
#include "memory.h"
#include "preview/preview.h"
#include "render.h"

enum am_code
am_api_attach(struct am_api *api, const struct am_image *image, struct am_error *error) {
    enum am_code code = am_matcher_attach(api->matcher, image, error);
    if (code == AM_OK)
        api->delivery.map = NULL;
    return code;
}

void am_api_deliver(struct am_api *api, const struct am_delivery_map *map) {
    api->delivery.map = map;
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
    am_buffer_cut(&api->answer, 0);
    am_api_render_error(&api->answer, status, reason, where);
    *response = (struct am_api_response){.status = status, .body = am_buffer_view(&api->answer)};
}

bool am_api_pack(struct am_api *api, struct am_view plain, struct am_view *packed) {
    am_poison_clear(api->packed, AM_API_PACKED_BYTES);
    size_t size = am_api_gzip_pack(&api->packer, plain, api->packed, AM_API_PACKED_BYTES);
    am_poison_region(api->packed + size, AM_API_PACKED_BYTES - size);
    *packed = (struct am_view){api->packed, size};
    return size;
}

static unsigned status_of(enum am_code code) {
    switch (code) {
    case AM_E_LIMIT:
        return 413;
    case AM_E_IMPOSSIBLE:
        return 422;
    default:
        return 400;
    }
}

static enum am_code unpack(struct am_api *api, struct am_view *body) {
    enum am_code code = am_api_request_check_size(api->reader, *body, &api->error);
    size_t size = 0, room = api->limits.body_bytes + 1;
    am_poison_clear(api->unpacked, room);
    if (code == AM_OK)
        code = am_api_gzip_unpack(&api->gzip, *body, api->unpacked, api->limits.body_bytes, &size,
                                  &api->error);
    am_poison_region(api->unpacked + size, room - size);
    *body = (struct am_view){api->unpacked, size};
    return code;
}

static enum am_code
read_bid_request(struct am_api *api, const struct am_api_request *request, struct am_view body) {
    struct am_openrtb *openrtb = api->openrtb;
    enum am_code code = am_openrtb_read(openrtb, api->reader, am_api_image(api), body, &api->error);
    openrtb->explains |= request->explain;
    api->reader->request.explain = openrtb->explains || openrtb->test;
    return code;
}

static enum am_code read_request(struct am_api *api, const struct am_api_request *request) {
    struct am_view body = am_api_set_apart(api, request->body);
    if (request->gzip) {
        enum am_code code = unpack(api, &body);
        api->body_size = body.size;
        if (code != AM_OK)
            return code;
    }
    api->body_size = body.size;
    am_api_request_start(api->reader, am_api_image(api), request->now, request->test);
    api->reader->is_public = request->is_public;
    switch (request->content) {
    case AM_CONTENT_TEXT:
        return am_api_request_read_text(api->reader, body, AM_MARKUP_ENTITIES, request->charset,
                                        &api->error);
    case AM_CONTENT_HTML:
        return am_api_request_read_text(api->reader, body, AM_MARKUP_HTML, request->charset,
                                        &api->error);
    case AM_CONTENT_QUERY_STRING:
        return am_api_request_read_query_string(api->reader, body, &api->error);
    case AM_CONTENT_OPENRTB:
        return read_bid_request(api, request, body);
    case AM_CONTENT_JSON:
        break;
    }
    return am_api_request_read_json(api->reader, body, &api->error);
}

void am_api_prepare(struct am_api *api, const struct am_api_deriving *deriving) {
    if (deriving && deriving->geo)
        am_client_geo_open(&api->geo, deriving->geo);
}

static void derive(struct am_api *api, const struct am_api_request *request) {
    const bool bids = request->content == AM_CONTENT_OPENRTB;
    if (request->visitor.deriving)
        am_api_visitor_derive(api->reader, &api->geo, &request->visitor, bids,
                              bids && api->openrtb->user_is_private);
}

/* Whether there is something to decide: a bid request may forbid any bid. */
static bool is_open(const struct am_api *api, const struct am_api_request *request) {
    return request->content != AM_CONTENT_OPENRTB || api->openrtb->no_bid == AM_NO_BID_NONE;
}

static enum am_code decide(struct am_api *api, const struct am_api_request *request) {
    enum am_code code = am_api_delivery_begin(&api->delivery, request, api->reader,
                                              api->placements.worker, &api->error);
    if (code != AM_OK)
        return code;
    return am_match_decide(api->matcher, &api->reader->request, &api->decision, &api->error);
}

static enum am_code decide_ads(struct am_api *api,
                               const struct am_api_request *request,
                               const struct am_match_decision **decision) {
    enum am_code code = decide(api, request);
    if (code == AM_OK)
        *decision = &api->decision;
    return code;
}

/* More text than can be searched is no bid, not an error. */
static enum am_code decide_bids(struct am_api *api,
                                const struct am_api_request *request,
                                const struct am_match_decision **decision) {
    enum am_code code = decide_ads(api, request, decision);
    if (code == AM_E_LIMIT)
        api->openrtb->no_bid = AM_NO_BID_LIMIT;
    return code == AM_E_LIMIT ? AM_OK : code;
}

/* Whether what is decided is counted: numbered, given URLs, logged. */
static bool counts(const struct am_api *api, const struct am_api_request *request) {
    return request->places && api->placements.counting && !api->delivery.given &&
           request->content != AM_CONTENT_OPENRTB;
}

static void render_placements(struct am_api *api,
                              const struct am_api_request *request,
                              const struct am_match_decision *decision) {
    const struct am_match_request *read = &api->reader->request;
    struct am_api_placements *placements = &api->placements;
    am_api_placements_begin(placements, am_api_image(api), read, request->now);
    am_api_render_decision(&api->answer, am_api_image(api), read, decision, placements,
                           &api->delivery, !request->is_public);
    if (!api->answer.overflowed)
        am_api_placements_log(placements, decision);
}

static void render(struct am_api *api,
                   const struct am_api_request *request,
                   const struct am_match_decision *decision) {
    const struct am_match_request *read = &api->reader->request;
    am_buffer_cut(&api->answer, 0);
    if (request->content == AM_CONTENT_OPENRTB) {
        am_openrtb_render(&api->answer, api->openrtb, read, decision);
        return;
    }
    am_api_texts_place_spans(api->reader, decision);
    if (counts(api, request))
        render_placements(api, request, decision);
    else
        am_api_render_decision(&api->answer, am_api_image(api), read, decision, NULL,
                               &api->delivery, !request->is_public);
}

void am_api_decide(struct am_api *api,
                   const struct am_api_request *request,
                   struct am_api_response *response) {
    am_api_forget(api);
    am_api_delivery_end(&api->delivery);
    if (!am_api_image(api)) {
        am_api_error(api, 503, AM_VIEW("no inventory is loaded yet"), AM_VIEW(""), response);
        return;
    }
    if (counts(api, request) && !api->placements.worker) {
        am_api_error(api, 503, AM_VIEW("the ledger is not ready"), AM_VIEW(""), response);
        return;
    }
    const struct am_match_request *read = &api->reader->request;
    const struct am_match_decision *decision = NULL;
    api->decision.work = 0;
    enum am_code code = read_request(api, request);
    if (code == AM_OK && is_open(api, request)) {
        derive(api, request);
        code = request->content == AM_CONTENT_OPENRTB ? decide_bids(api, request, &decision)
                                                      : decide_ads(api, request, &decision);
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
    *response = (struct am_api_response){.status = api->answer.size ? 200 : 204,
                                         .body = am_buffer_view(&api->answer),
                                         .decision = decision,
                                         .request = decision ? read : NULL};
    if (request->content == AM_CONTENT_OPENRTB) {
        response->no_bid = api->openrtb->no_bid;
        response->odd = &api->openrtb->odd;
    }
}

/* ---- the preview ----------------------------------------------------------------------------- */

/* Reads what the form brought; empty when it asks for nothing. */
static enum am_code
read_question(struct am_api *api, const struct am_api_request *request, struct am_view *question) {
    size_t limit = api->limits.body_bytes;
    enum am_code code = am_api_request_check_size(api->reader, request->body, &api->error);
    if (code != AM_OK)
        return code;
    am_poison_clear(api->unpacked, limit);
    code = am_preview_question(am_api_set_apart(api, request->body), api->unpacked, limit, question,
                               &api->error);
    am_poison_region(api->unpacked + question->size, limit - question->size);
    am_poison_clear(api->decoded, question->size);
    return code;
}

static enum am_code
preview(struct am_api *api, const struct am_api_request *request, struct am_preview *page) {
    struct am_api_request_reader *reader = api->reader;
    enum am_code code = read_question(api, request, &page->question);
    api->body_size = request->body.size;
    if (code != AM_OK || page->question.size == 0)
        return code;
    am_api_request_start(reader, am_api_image(api), request->now, true);
    code = am_api_request_read_query_string(reader, page->question, &api->error);
    reader->request.explain = true;
    if (code == AM_OK)
        code = decide(api, request);
    if (code != AM_OK)
        return code;
    am_api_texts_place_spans(reader, &api->decision);
    page->request = &reader->request;
    page->decision = &api->decision;
    page->reader = reader;
    return AM_OK;
}

void am_api_preview(struct am_api *api,
                    const struct am_api_request *request,
                    struct am_api_response *response) {
    struct am_preview page = {.image = am_api_image(api),
                              .question = {"", 0},
                              .memory = api->decoded,
                              .creatives = &api->creatives,
                              .time_is_allowed = request->test,
                              .status = 200};
    enum am_code code;
    am_api_forget(api);
    api->decision.work = 0;
    if (!page.image) {
        page.status = 503;
        page.reason = AM_VIEW("no inventory is loaded yet");
    } else if ((code = preview(api, request, &page)) != AM_OK) {
        page.status = status_of(code);
        page.reason = am_view_of(api->error.message);
        page.where = am_view_of(api->error.where);
    }
    am_preview_render(&api->answer, &page);
    if (api->answer.overflowed)
        am_api_error(api, 500, AM_VIEW("answer too large"), AM_VIEW(""), response);
    else
        *response = (struct am_api_response){.status = page.status,
                                             .body = am_buffer_view(&api->answer),
                                             .decision = page.decision,
                                             .request = page.request};
}
