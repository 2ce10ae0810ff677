/* SPDX-License-Identifier: Apache-2.0 */
#include "respond.h"

#include "../base/buffer.h"
#include "connection.h"
#include "host.h"

enum { HEADERS_BYTES = 2048 };

bool am_uwsgi_method_is(const struct wsgi_request *request, const char *method) {
    return request->method_len == strlen(method) &&
           memcmp(request->method, method, request->method_len) == 0;
}

static bool write_status(struct wsgi_request *request, unsigned status) {
    static char ok[] = "200 OK"; /* with a whole status line, uWSGI need not look up the reason */
    if (status == 200)
        return uwsgi_response_prepare_headers(request, ok, sizeof ok - 1) == 0;
    return uwsgi_response_prepare_headers_int(request, (int)status) == 0;
}

/* ---- headers ----------------------------------------------------------------------------------
 */

/* Adds a header to a request, or to lines. */
typedef bool put_header(void *to, const char *name, const char *value);

static bool put_own(const struct am_api_http_response *response, void *to, put_header *put) {
    if (response->status != 204 && !put(to, "Content-Type", response->type))
        return false;
    for (unsigned i = 0; i < response->header_count; i++)
        if (!put(to, response->headers[i].name, response->headers[i].value))
            return false;
    return true;
}

static bool put_length(const struct am_api_http_response *response, void *to, put_header *put) {
    char digits[24];
    struct am_buffer length = am_buffer_over(digits, sizeof digits);
    am_buffer_unsigned(&length, response->body.size);
    am_buffer_literal(&length, "\0");
    return response->status == 204 || put(to, "Content-Length", digits);
}

static bool put_close(bool close, void *to, put_header *put) {
    return !close || put(to, "Connection", "close");
}

/* uWSGI's functions take char *, but do not write to it. */
static bool put_into_request(void *request, const char *name, const char *value) {
    return uwsgi_response_add_header(request, (char *)(uintptr_t)name, (uint16_t)strlen(name),
                                     (char *)(uintptr_t)value, (uint16_t)strlen(value)) == 0;
}

struct lines {
    struct am_buffer text;
    uint16_t count;
};

static bool put_into_lines(void *to, const char *name, const char *value) {
    struct lines *lines = to;
    if (lines->count++)
        am_buffer_literal(&lines->text, "\r\n");
    am_buffer_view_append(&lines->text, am_view_of(name));
    am_buffer_literal(&lines->text, ": ");
    am_buffer_view_append(&lines->text, am_view_of(value));
    return !lines->text.overflowed;
}

/* Whether uWSGI is to see each header by its name: to remove some, or to take variables from them.
 */
static bool wants_names(const struct wsgi_request *request) {
    return uwsgi.remove_headers || request->remove_headers || uwsgi.collect_headers ||
           uwsgi.pull_headers || am_uwsgi_host_may_transform(request);
}

/* What transforms an answer changes its length, so that the end of the connection must be its end.
 */
static bool write_named_headers(struct wsgi_request *request,
                                const struct am_api_http_response *response,
                                bool close) {
    if (!put_own(response, request, put_into_request) || !am_uwsgi_host_route_answer(request))
        return false;
    if (!request->transformations)
        return put_length(response, request, put_into_request) &&
               put_close(close, request, put_into_request);
    am_uwsgi_host_close(request, false);
    return put_close(am_uwsgi_connection_is_http(request), request, put_into_request);
}

/* uWSGI allocates and frees a buffer for each header. So, where nothing asks for names, all go as
 * one header without a name, whose value uWSGI writes as it is (am_uwsgi_host_add_lines). */
static bool write_headers(struct wsgi_request *request,
                          const struct am_api_http_response *response,
                          bool close) {
    char memory[HEADERS_BYTES];
    struct lines lines = {.text = am_buffer_over(memory, sizeof memory)};
    if (wants_names(request) || !put_own(response, &lines, put_into_lines) ||
        !put_length(response, &lines, put_into_lines) || !put_close(close, &lines, put_into_lines))
        return write_named_headers(request, response, close);
    return lines.count == 0 ||
           am_uwsgi_host_add_lines(request, memory, (uint16_t)lines.text.size, lines.count);
}

bool am_uwsgi_respond(struct wsgi_request *request,
                      const struct am_api_http_response *response,
                      bool close) {
    if (!write_status(request, response->status) || !write_headers(request, response, close))
        return false;
    if (am_uwsgi_method_is(request, "HEAD") || response->body.size == 0)
        return uwsgi_response_write_headers_do(request) == UWSGI_OK;
    char *body = (char *)(uintptr_t)response->body.data;
    return uwsgi_response_write_body_do(request, body, response->body.size) == UWSGI_OK;
}
