/* SPDX-License-Identifier: Apache-2.0 */
/* uWSGI itself. The only file that includes uwsgi.h, which does not declare these. */
/* Runs in: the worker's thread that serves the request (the shims). */
#ifndef AM_UWSGI_HOST_H
#define AM_UWSGI_HOST_H

#include <stdbool.h>
#include <uwsgi.h>

extern struct uwsgi_server uwsgi;
void uwsgi_heartbeat(void);
/* What the master does on a byte read from its FIFO. */
extern void (*uwsgi_fifo_table[256])(int);

/* ---- what depends on the inside of uWSGI 2.0.x: each shim names what it relies on ---------------
 */

/* Adds several header lines, separated by CR LF, as one header without a name, and counts them:
 * uWSGI writes a nameless header's value as it is (writer.c, uwsgi_response_add_header_do). */
static inline bool
am_uwsgi_host_add_lines(struct wsgi_request *request, char *lines, uint16_t size, uint16_t count) {
    if (uwsgi_response_add_header(request, NULL, 0, lines, size) != 0)
        return false;
    request->header_cnt += (uint16_t)(count - 1);
    return true;
}

/* The protocol of a socket: that of its option, else that of the option `protocol` (core/socket.c).
 */
static inline const char *am_uwsgi_host_protocol(const struct uwsgi_socket *socket) {
    const char *name = socket->proto_name ? socket->proto_name : uwsgi.protocol;
    return name ? name : "uwsgi";
}

/* Whether uWSGI may transform the answer (gzip:, chunked:), which then has another length. */
static inline bool am_uwsgi_host_may_transform(const struct wsgi_request *request) {
#ifdef UWSGI_ROUTING
    if (uwsgi.response_routes)
        return true;
#endif
    return request->transformations;
}

/* Runs the routes of answers, which uWSGI would run with the first byte of the body
 * (core/writer.c), so that it is known whether they transform it. False: a route has answered. */
static inline bool am_uwsgi_host_route_answer(struct wsgi_request *request) {
#ifdef UWSGI_ROUTING
    if (request->is_response_routing)
        return true;
    if (uwsgi_apply_response_routes(request) == UWSGI_ROUTE_BREAK) {
        request->ignore_body = 1;
        return false;
    }
    request->is_response_routing = 0;
#endif
    return true;
}

/* Answers as HTTP/1.1: uWSGI repeats whatever a client sends as its version (proto/base.c). */
static inline void am_uwsgi_host_name_version(struct wsgi_request *request) {
    static char version[] = "HTTP/1.1";
    request->protocol = version;
    request->protocol_len = sizeof version - 1;
}

/* Whether manage-script-name has cut the prefix off the path already: the name is then the app's
 * own (core/protocol.c), else a variable of the request. */
static inline bool am_uwsgi_host_has_cut(const struct wsgi_request *request) {
    for (int i = 0; i < uwsgi_apps_cnt; i++)
        if (request->script_name_len && request->script_name == uwsgi_apps[i].mountpoint)
            return true;
    return false;
}

/* Makes uWSGI close the connection after this request: http11 keeps one only while the parser's
 * status is set (proto/http.c), and after a write error never. */
static inline void am_uwsgi_host_close(struct wsgi_request *request, bool after_error) {
    request->proto_parser_status = 0;
    if (after_error)
        request->write_errors++;
}

#endif
