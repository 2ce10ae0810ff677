/* /preview: the page for people. */
#include <time.h>

#include "exchange.h"
#include "host.h"
#include "settings.h"

/* The page tells bids and how they are chosen, so nobody else is to keep it or to frame it. */
static const struct am_uwsgi_header headers[] = {
    {"Content-Security-Policy", am_preview_policy},
    {"Cache-Control", "no-store"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {NULL, NULL},
};

void am_uwsgi_preview_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    struct wsgi_request *request = exchange->request;
    struct am_api_request asked = {
        .content = AM_CONTENT_QUERY_STRING, .now = time(NULL), .test = am_uwsgi_settings.test};
    struct am_view type = {request->content_type, request->content_type_len};
    struct am_api_response response;
    if (!am_uwsgi_method_is(request, "POST")) {
        asked.body = (struct am_view){request->query_string, request->query_string_len};
    } else if (am_uwsgi_media_type_is(type, "application/x-www-form-urlencoded")) {
        asked.body = exchange->body.bytes;
    } else {
        am_uwsgi_error_answer(exchange, 415,
                              "Content-Type: expected application/x-www-form-urlencoded", answer);
        return;
    }
    am_api_preview(exchange->seat->api, &asked, &response);
    answer->status = response.status;
    answer->type = "text/html; charset=utf-8";
    answer->headers = headers;
    answer->body = response.body;
}
