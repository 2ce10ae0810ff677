/* SPDX-License-Identifier: Apache-2.0 */
/* A request plugin that reads a request as admatch does, body included, and answers five constant
 * bytes: what the server costs without the ads. */
#include <uwsgi.h>

extern struct uwsgi_server uwsgi;

static int constant_request(struct wsgi_request *request) {
    ssize_t size = 0;
    if (uwsgi_parse_vars(request))
        return -1;
    if (request->post_cl > 0 && !uwsgi_request_body_read(request, 0, &size))
        return -1;
    if (uwsgi_response_prepare_headers(request, "200 OK", 6) ||
        uwsgi_response_add_content_type(request, "application/json", 16) ||
        uwsgi_response_add_content_length(request, 5) ||
        uwsgi_response_write_body_do(request, "12345", 5))
        return -1;
    return UWSGI_OK;
}

static void constant_after(struct wsgi_request *request) {
    log_request(request);
}

struct uwsgi_plugin constant_plugin = {.name = "constant",
                                       .modifier1 = 0,
                                       .request = constant_request,
                                       .after_request = constant_after};
