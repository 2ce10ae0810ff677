/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzz targets that send requests: an inventory that uses every kind of rule, the table of
 * endpoints that answers in this process as it does in a server, and what must hold of any answer.
 */
#ifndef AM_TESTS_FUZZ_API_TARGET_H
#define AM_TESTS_FUZZ_API_TARGET_H

#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/api/http.h"
#include "../../plugin/api/memory.h"
#include "../../plugin/base/json.h"
#include "../unit/api_inventory.h"

static const char fuzz_inventory[] =
    "{\"type\":\"inventory\",\"language\":\"en\",\"broad_window\":3}\n"
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\",\"priority\":1,"
    "\"negative_keywords\":[\"free\"],\"labels\":[\"l\"],\"exclude_labels\":[\"l\"]}\n"
    "{\"id\":\"a1\",\"campaign\":\"c1\",\"bid\":1,\"keywords\":[\"a b\",\"\\\"a b "
    "c\\\"\",\"[a]\"],"
    "\"creative\":{\"title\":\"<b>\\u0022\",\"text\":\"t\",\"image\":\"https://a.b/"
    "c\",\"cta\":\"<\"}}\n"
    "{\"id\":\"a2\",\"campaign\":\"c1\",\"bid\":1,\"keywords\":[\"b\",\"-x\"],\"sizes\":[\"1x1\"],"
    "\"creative\":{\"adm\":\"<a href='x'><LINK>\\\"</iframe><iframe><\"}}\n"
    "{\"id\":\"a3\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],\"categories\":[\"IAB7-3\"]"
    ","
    "\"targeting\":{\"not\":{\"country\":[\"US\"]},\"any\":[{\"kv\":{\"k\":[\"v\"]}},{\"hour\":[1]}"
    "]}}\n"
    "{\"id\":\"a4\",\"advertiser\":\"c\",\"bid\":2,\"keywords\":[\"*\",\"caf\xc3\xa9\"],"
    "\"domain\":\"a.b\",\"creative\":{\"a\":\"\\u00e9\"},\"url\":\"https://a.b/\"}\n"
    "{\"id\":\"a5\",\"advertiser\":\"d\",\"bid\":3,\"keywords\":[\"1/2 a\",\"\\\"51 2\\\"\","
    "\"\xe3\x82\xad\xe3\x83\xad\",\"\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3\"]}\n";

static struct am_api *fuzz_api(void) {
    static struct served served;
    struct am_error error = {0};
    static const struct am_api_limits limits = {1 << 16, 1000, 0, 0};
    if (!served.api && !start_serving(&served, am_view_of(fuzz_inventory), &limits, &error)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return served.api;
}

static void fuzz_require(bool holds) {
    if (!holds)
        abort();
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* Spans of every placed ad are ascending, disjoint, and inside the text as it was given. */
static inline void fuzz_check_spans(const struct am_api *api,
                                    const struct am_api_http_response *response) {
    const struct am_match_decision *decision = response->decision;
    for (uint32_t i = 0; decision && i < decision->ad_count; i++) {
        const struct am_match_winner *placed = &decision->ads[i];
        uint32_t byte = 0, unit = 0;
        for (uint32_t k = 0; k < placed->span_count; k++) {
            const struct am_match_span *span = &placed->spans[k];
            fuzz_require(span->begin >= byte && span->end > span->begin);
            fuzz_require(span->utf16_begin >= unit && span->utf16_end > span->utf16_begin);
            byte = span->end;
            unit = span->utf16_end;
        }
        if (placed->field == AM_NONE)
            continue;
        const struct am_match_field *field = &response->request->fields[placed->field];
        fuzz_require(byte <= am_api_texts_given(api->reader, field).size);
    }
}

static inline bool fuzz_is_printable(const char *text) {
    while (*text >= 0x20 && *text < 0x7F)
        text++;
    return *text == '\0';
}

/* Whatever is asked: headers are lines, a body has a type, and what was refused decided nothing. */
static inline void fuzz_check_response(const struct am_api_http_response *response) {
    fuzz_require(response->endpoint < AM_ENDPOINTS);
    fuzz_require(response->header_count <= AM_API_HTTP_HEADERS);
    for (unsigned i = 0; i < response->header_count; i++)
        fuzz_require(fuzz_is_printable(response->headers[i].name) &&
                     fuzz_is_printable(response->headers[i].value));
    fuzz_require(response->type && fuzz_is_printable(response->type));
    fuzz_require(response->status == 200 || response->status == 204 ||
                 (response->status >= 400 && response->status < 500));
    fuzz_require((response->status == 204) == (response->body.size == 0));
    fuzz_require(!response->decision == !response->request);
    fuzz_require(!response->decision || response->status == 200 || response->status == 204);
    fuzz_check_spans(fuzz_api(), response);
}

static inline void fuzz_metrics(const void *context, struct am_buffer *out, int64_t now) {
    (void)context;
    (void)now;
    am_buffer_literal(out, "admatch_ads 5\n");
}

/* Answers by the table of endpoints. To be freed by am_api_http_response_free. */
static inline struct am_api_http_response fuzz_answer(const struct am_api_http_request *request,
                                                      bool test) {
    const struct am_api_http_settings settings = {
        .test = test, .preview = true, .metrics = fuzz_metrics};
    struct am_api_http_response response;
    am_api_http_answer(fuzz_api(), &settings, request, &response);
    fuzz_check_response(&response);
    return response;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

struct fuzz_headers {
    const char *type;
    bool gzip;
};

static inline struct am_view fuzz_header(const void *context, const char *name) {
    const struct fuzz_headers *headers = context;
    if (strcmp(name, "Content-Type") == 0)
        return am_view_of(headers->type);
    if (strcmp(name, "Content-Encoding") == 0 && headers->gzip)
        return AM_VIEW("gzip");
    return AM_VIEW("");
}

static const int64_t fuzz_now = 1792497600;

/* POST; the headers must outlive the request. */
static inline struct am_api_http_request
fuzz_post(const char *path, const struct fuzz_headers *headers, struct am_view body) {
    return (struct am_api_http_request){
        .method = AM_VIEW("POST"),
        .path = am_view_of(path),
        .query = AM_VIEW(""),
        .body = body,
        .has_length = true,
        .now = fuzz_now,
        .header = fuzz_header,
        .header_context = headers,
    };
}

/* Decides, and holds the answer to what is promised of every answer. */
static inline void fuzz_decide(const struct am_api_http_request *request, bool test) {
    enum { NODES = 1 << 18 };
    static struct am_json_node nodes[NODES];
    struct am_api_http_response response = fuzz_answer(request, test);
    struct am_json json;
    fuzz_require(response.endpoint == AM_ENDPOINT_DECIDE);
    fuzz_require(am_json_parse(response.body, nodes, NODES, &json, NULL) == AM_OK);
    fuzz_require(!am_json_duplicate_key(&json));
    const struct am_json_node *error = am_json_member(&json, json.nodes, "error");
    const struct am_json_node *slots = am_json_member(&json, json.nodes, "slots");
    if (response.status == 200)
        fuzz_require(!error && slots && slots->children == response.request->slot_count);
    else
        fuzz_require(error && !slots &&
                     (response.status == 400 || response.status == 413 || response.status == 422));
    am_api_http_response_free(&response);
}

#endif
