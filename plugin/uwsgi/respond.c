#include "respond.h"

#include <stdio.h>

#include "host.h"

bool am_method_is(const struct wsgi_request *request, const char *method) {
    return request->method_len == strlen(method) &&
           memcmp(request->method, method, request->method_len) == 0;
}

/* uWSGI's functions take char *, and leave it as it is. */
static bool add_header(struct wsgi_request *request, const char *name, const char *value) {
    return uwsgi_response_add_header(request, (char *)(uintptr_t)name, (uint16_t)strlen(name),
                                     (char *)(uintptr_t)value, (uint16_t)strlen(value)) == 0;
}

static bool write_status(struct wsgi_request *request, unsigned status) {
    static char ok[] = "200 OK"; /* given whole, uWSGI need not look it up and put it together */
    if (status == 200)
        return uwsgi_response_prepare_headers(request, ok, sizeof ok - 1) == 0;
    return uwsgi_response_prepare_headers_int(request, (int)status) == 0;
}

static bool write_content_headers(struct wsgi_request *request, const struct am_answer *answer) {
    char length[24];
    if (answer->status == 204)
        return true;
    snprintf(length, sizeof length, "%zu", answer->body.size);
    return add_header(request, "Content-Type", answer->type) &&
           add_header(request, "Content-Length", length);
}

static bool write_more_headers(struct wsgi_request *request, const struct am_header *headers) {
    for (; headers && headers->name; headers++)
        if (!add_header(request, headers->name, headers->value))
            return false;
    return true;
}

static bool write_headers(struct wsgi_request *request, const struct am_answer *answer) {
    return write_status(request, answer->status) && write_content_headers(request, answer) &&
           write_more_headers(request, answer->headers) &&
           (!answer->generation ||
            add_header(request, "X-Admatch-Generation", answer->generation)) &&
           (!answer->allow || add_header(request, "Allow", answer->allow)) &&
           (!answer->close || add_header(request, "Connection", "close"));
}

bool am_respond(struct wsgi_request *request, const struct am_answer *answer) {
    if (!write_headers(request, answer))
        return false;
    if (am_method_is(request, "HEAD") || answer->body.size == 0)
        return uwsgi_response_write_headers_do(request) == UWSGI_OK;
    char *body = (char *)(uintptr_t)answer->body.data;
    return uwsgi_response_write_body_do(request, body, answer->body.size) == UWSGI_OK;
}
