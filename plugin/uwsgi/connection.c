/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <sys/socket.h>

#include "../api/headers.h"
#include "host.h"
#include "settings.h"
#include "variable.h"

enum { DROP_STEP = 16 << 10, DROPS = 64 };

bool am_uwsgi_connection_is_http(const struct wsgi_request *request) {
    return strncmp(am_uwsgi_host_protocol(request->socket), "http", 4) == 0;
}

static bool is_persistent(const struct wsgi_request *request) {
    return strcmp(am_uwsgi_host_protocol(request->socket), "http11") == 0;
}

bool am_uwsgi_connection_is_http10(const struct wsgi_request *request) {
    return am_view_equal((struct am_view){request->protocol, request->protocol_len},
                         AM_VIEW("HTTP/1.0"));
}

bool am_uwsgi_connection_asks_to_close(struct wsgi_request *request) {
    return am_api_header_lists(am_uwsgi_variable(request, "HTTP_CONNECTION"), "close");
}

/* The loop has reasons of its own (loop/hooks.c). uWSGI's threads close when a worker leaves, and
 * when more has come than this request, such as the next one: their parser cannot go on with it. */
bool am_uwsgi_connection_ends(struct wsgi_request *request) {
    if (!am_uwsgi_connection_is_http(request))
        return false;
    if (!is_persistent(request) || am_uwsgi_connection_is_http10(request) ||
        am_uwsgi_connection_asks_to_close(request))
        return true;
    return !am_uwsgi_loop_is_chosen() &&
           (!uwsgi.workers[uwsgi.mywid].manage_next_request || request->proto_parser_remains > 0);
}

/* Whoever has begun to send the body waits for nothing. */
bool am_uwsgi_connection_expects(struct wsgi_request *request) {
    return am_uwsgi_connection_is_http(request) && request->proto_parser_remains == 0 &&
           am_view_equal((struct am_view){request->protocol, request->protocol_len},
                         AM_VIEW("HTTP/1.1")) &&
           am_api_header_is(am_uwsgi_variable(request, "HTTP_EXPECT"), "100-continue");
}

/* On an error, so will reading the body be. */
void am_uwsgi_connection_continue(struct wsgi_request *request) {
    static char answer[] = "HTTP/1.1 100 Continue\r\n\r\n";
    while (request->socket->proto_write(request, answer, sizeof answer - 1) == UWSGI_AGAIN) {
        int ready = uwsgi_wait_write_req(request);
        if (ready <= 0)
            break;
    }
    request->write_pos = 0;
}

/* Under TLS the bytes belong to OpenSSL; the loop lingers instead. */
void am_uwsgi_connection_drain(const struct wsgi_request *request) {
    char dropped[DROP_STEP];
    if (am_uwsgi_loop_is_chosen() || !am_uwsgi_connection_is_http(request) ||
        strcmp(am_uwsgi_host_protocol(request->socket), "https") == 0)
        return;
    for (int i = 0; i < DROPS; i++)
        if (recv(request->fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0)
            return;
}
