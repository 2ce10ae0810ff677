/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests to any path: the first line is METHOD PATH?QUERY, lines NAME: VALUE follow, an
 * empty line ends them, the rest is the body. Read leniently: what a server would refuse reaches
 * the endpoints here. */
#include "api_target.h"

#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes what is before the first `mark` off the front, and the mark. All of it where there is none.
 */
static struct am_view take(struct am_view *rest, char mark) {
    const char *at = rest->size ? memchr(rest->data, mark, rest->size) : NULL;
    struct am_view taken = {rest->data, at ? (size_t)(at - rest->data) : rest->size};
    size_t skipped = taken.size + (at ? 1 : 0);
    *rest = (struct am_view){rest->data + skipped, rest->size - skipped};
    return taken;
}

static bool is_name(struct am_view text, const char *name) {
    return text.size == strlen(name) && strncasecmp(text.data, name, text.size) == 0;
}

static struct am_view find_header(const void *context, const char *name) {
    struct am_view lines = *(const struct am_view *)context;
    while (lines.size) {
        struct am_view value = take(&lines, '\n');
        if (is_name(take(&value, ':'), name)) {
            while (value.size && value.data[0] == ' ')
                take(&value, ' ');
            return value;
        }
    }
    return AM_VIEW("");
}

/* Takes the lines up to an empty one. */
static struct am_view take_headers(struct am_view *rest) {
    struct am_view headers = {rest->data, 0};
    while (rest->size && take(rest, '\n').size)
        headers.size = (size_t)(rest->data - headers.data);
    return headers;
}

static unsigned refused_with(const struct am_view *headers) {
    return find_header(headers, "X-Refused").size ? 413 : 0;
}

/* What the table of endpoints promises beside what holds of every answer. */
static void check(const struct am_api_http_request *request,
                  const struct am_api_http_response *response) {
    const char *wanted = am_api_endpoint_name(response->endpoint);
    fuzz_require(wanted && *wanted);
    if (request->refused)
        fuzz_require(response->status == request->refused);
    else if (response->endpoint == AM_ENDPOINT_OTHER)
        fuzz_require(response->status == 404);
    if (response->status == 405)
        fuzz_require(strcmp(response->headers[0].name, "Allow") == 0);
    fuzz_require(!response->owned || response->endpoint == AM_ENDPOINT_METRICS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct am_view rest = {(const char *)data, size};
    struct am_view target = take(&rest, '\n'), headers = take_headers(&rest);
    struct am_api_http_request request = {
        .method = take(&target, ' '),
        .path = take(&target, '?'),
        .query = target,
        .body = rest,
        .has_length = find_header(&headers, "Content-Length").size > 0,
        .refused = refused_with(&headers),
        .reason = "a body of more than 65536 bytes",
        .now = fuzz_now,
        .header = find_header,
        .header_context = &headers,
    };
    struct am_api_http_response response =
        fuzz_answer(&request, find_header(&headers, "X-Test").size > 0);
    check(&request, &response);
    am_api_http_response_free(&response);
    return 0;
}
