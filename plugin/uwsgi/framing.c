/* SPDX-License-Identifier: Apache-2.0 */
/* uWSGI's parser (proto/http.c) takes up to a colon for a name, whatever is in it, keeps the line
 * ends of folded values, joins values of equal names by ", ", and turns "-" into "_". */
#include "framing.h"

#include "../api/headers.h"
#include "connection.h"
#include "variable.h"

enum { PREFIX = sizeof "HTTP_" - 1 };

static bool is_prefixed(struct am_view name) {
    return name.size >= PREFIX && memcmp(name.data, "HTTP_", PREFIX) == 0;
}

/* Of the variable `i`, a name and a value. */
static bool is_sound(const struct wsgi_request *request, int i) {
    struct am_view name = {request->hvec[i].iov_base, request->hvec[i].iov_len};
    struct am_view value = {request->hvec[i + 1].iov_base, request->hvec[i + 1].iov_len};
    if (!is_prefixed(name))
        return true;
    name = (struct am_view){name.data + PREFIX, name.size - PREFIX};
    return am_api_header_is_name(name) && am_api_header_is_one_line(value);
}

static bool has_sound_headers(const struct wsgi_request *request) {
    struct am_view type = {request->content_type, request->content_type_len};
    for (int i = 0; i + 1 < request->var_cnt; i += 2)
        if (!is_sound(request, i))
            return false;
    return am_api_header_is_one_line(type);
}

/* A token, HTTP/1 and a digit, and nothing that an answer or a log must not repeat. */
static bool has_sound_line(const struct wsgi_request *request) {
    static const char version[] = "HTTP/1.";
    struct am_view method = {request->method, request->method_len};
    struct am_view target = {request->uri, request->uri_len};
    return am_api_header_is_name(method) && request->protocol_len == sizeof version &&
           memcmp(request->protocol, version, sizeof version - 1) == 0 &&
           request->protocol[sizeof version - 1] >= '0' &&
           request->protocol[sizeof version - 1] <= '9' && am_api_header_is_one_line(target);
}

/* HTTP/1.1 needs one; uWSGI joins several by a comma, which no host has. */
static bool has_one_host(struct wsgi_request *request) {
    struct am_view host = am_uwsgi_variable(request, "HTTP_HOST");
    return (host.data || am_uwsgi_connection_is_http10(request)) &&
           !memchr(host.data ? host.data : "", ',', host.size);
}

/* uWSGI's own parser reads "5, 7" as 5 and lets numbers wrap. */
static bool is_length(struct am_view text, size_t parsed) {
    size_t value = 0;
    text = am_api_header_trim(text);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || !am_checked_multiply(value, 10, &value) ||
            !am_checked_add(value, (size_t)(text.data[i] - '0'), &value))
            return false;
    }
    return text.size && value == parsed;
}

/* A proxy that speaks the uwsgi protocol sends empty ones, too, for requests without a body. */
static struct am_view given(struct wsgi_request *request, bool http, const char *name) {
    struct am_view value = am_uwsgi_variable(request, name);
    return http || value.size ? value : (struct am_view){NULL, 0};
}

bool am_uwsgi_framing_is_given(struct wsgi_request *request) {
    return am_uwsgi_variable(request, "CONTENT_LENGTH").data ||
           am_uwsgi_variable(request, "HTTP_TRANSFER_ENCODING").data;
}

static const char *
find_fault(struct wsgi_request *request, bool http, struct am_view length, struct am_view coding) {
    if (http && !has_sound_line(request))
        return "expected a request line like GET /path HTTP/1.1";
    if (http && !has_sound_headers(request))
        return "expected headers like Name: value, each in one line";
    if (http && !has_one_host(request))
        return "Host: expected one";
    if (coding.data && length.data)
        return "both Content-Length and Transfer-Encoding";
    if (coding.data && http && am_uwsgi_connection_is_http10(request))
        return "Transfer-Encoding: HTTP/1.0 has none";
    if (coding.data && !am_api_header_is(am_api_header_trim(coding), "chunked"))
        return "Transfer-Encoding: expected chunked";
    if (length.data && !is_length(length, request->post_cl))
        return "Content-Length: expected one whole number";
    return NULL;
}

/* In the uwsgi protocol only CONTENT_LENGTH frames a body. A proxy that has put the client's chunks
 * together (nginx) may leave their header among the variables. */
struct am_uwsgi_framing am_uwsgi_framing_of(struct wsgi_request *request) {
    bool http = am_uwsgi_connection_is_http(request);
    struct am_view length = given(request, http, "CONTENT_LENGTH");
    struct am_view coding = given(request, http, "HTTP_TRANSFER_ENCODING");
    if (!http && length.data)
        coding.data = NULL;
    return (struct am_uwsgi_framing){
        .has_length = length.data || coding.data,
        .chunked = coding.data,
        .reason = find_fault(request, http, length, coding),
    };
}
