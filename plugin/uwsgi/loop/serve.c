/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../api/headers.h"
#include "../framing.h"
#include "../connection.h"
#include "../request.h"
#include "../settings.h"
#include "../variable.h"
#include "harakiri.h"
#include "hooks.h"
#include "listener.h"
#include "threads.h"

enum {
    BODY_STEP = 16 << 10,  /* first room for an incomplete body; it doubles */
    HEAVY_BODY = 64 << 10, /* above it, a request takes milliseconds: for a blocking thread */
    MODIFIERS = 256,
};

static struct {
    bool nonblocking[MODIFIERS]; /* plugins whose requests the loop may run */
    int replay[2];               /* connected sockets, see parse_input */
} serve;

/* ---- what may run here ------------------------------------------------------------------------
 */

bool am_loop_serve_may_block(void) {
#ifdef UWSGI_ROUTING
    if (uwsgi.routes || uwsgi.final_routes || uwsgi.error_routes || uwsgi.response_routes)
        return true;
#endif
    return uwsgi.post_buffering || uwsgi.check_static || uwsgi.static_maps || uwsgi.static_maps2 ||
           uwsgi.check_static_docroot || uwsgi.check_cache;
}

bool am_loop_serve_start(void) {
    bool blocks = am_loop_serve_may_block();
    for (int i = 0; i < MODIFIERS; i++)
        serve.nonblocking[i] = !blocks && (uwsgi.p[i]->request == am_uwsgi_request_serve ||
                                           am_uwsgi_settings.loop.modifier == (uint64_t)i);
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, serve.replay) == 0;
}

/* ---- core 0's wsgi_request --------------------------------------------------------------------
 */

static struct wsgi_request *begin(const struct am_loop_connection *connection) {
    struct wsgi_request *request = &uwsgi.workers[uwsgi.mywid].cores[0].req;
    wsgi_req_setup(request, 0, &am_loop_listener_at(connection->listener)->inner);
    request->fd = connection->fd;
    request->c_len = connection->address_size;
    memcpy(&request->client_addr, &connection->address, connection->address_size);
    request->start_of_request = connection->began ? connection->began : uwsgi_micros();
    request->start_of_request_in_sec = request->start_of_request / 1000000;
    return request;
}

/* Resets the request without an answer; the connection stays open. */
static void abandon(struct wsgi_request *request) {
    request->fd_closed = 1;
    uwsgi_destroy_request(request);
}

/* ---- incomplete heads -------------------------------------------------------------------------
 */

static bool is_http(const struct am_loop_connection *connection) {
    return am_loop_listener_at(connection->listener)->http;
}

/* The HTTP parser collects a head in a buffer of buffer-size bytes, which uWSGI frees after the
 * request; the packet parser uses the core's buffer. Between two turns the connection keeps only
 * the bytes received so far, and the parser's state. */
static void restore_head(struct am_loop_connection *connection, struct wsgi_request *request) {
    char *buffer = (char *)request->uh;
    if (is_http(connection))
        request->proto_parser_buf = buffer = uwsgi_malloc(uwsgi.buffer_size);
    memcpy(buffer, connection->head.data, connection->head.size);
    request->proto_parser_pos = connection->head.size;
    request->proto_parser_status = connection->head_status;
    am_loop_pending_free(&connection->head);
}

static bool save_head(struct am_loop_connection *connection, const struct wsgi_request *request) {
    const char *buffer = is_http(connection) ? request->proto_parser_buf : (char *)request->uh;
    connection->head_status = request->proto_parser_status;
    connection->began = request->start_of_request;
    return am_loop_pending_append(&connection->head, buffer, request->proto_parser_pos);
}

static enum am_loop_next wait_for_head(struct am_loop_connection *connection,
                                       struct wsgi_request *request) {
    bool saved = true;
    connection->state = request->proto_parser_pos ? AM_LOOP_HEAD : AM_LOOP_IDLE;
    if (connection->state == AM_LOOP_HEAD)
        saved = save_head(connection, request);
    abandon(request);
    return saved ? AM_LOOP_READ : AM_LOOP_NO_MEMORY;
}

/* ---- parsing ----------------------------------------------------------------------------------
 */

/* Only the first bytes of a connection may carry a PROXY line: later ones are the client's. */
static int parse_connection(struct am_loop_connection *connection, struct wsgi_request *request) {
    int enabled = uwsgi.enable_proxy_protocol;
    uwsgi.enable_proxy_protocol = enabled && connection->requests == 0;
    int status = request->socket->proto(request);
    uwsgi.enable_proxy_protocol = enabled;
    return status;
}

/* Drops what the parser has left, which would become part of the next connection's request. False:
 * it had left something. */
static bool drain_replay(void) {
    char dropped[4096];
    bool empty = true;
    while (read(serve.replay[0], dropped, sizeof dropped) > 0)
        empty = false;
    return empty;
}

/* Parses what was received together with the last request, at most buffer-size bytes. uWSGI's
 * parsers read from a descriptor, so the bytes go through a pair of sockets. */
static int parse_input(struct am_loop_connection *connection, struct wsgi_request *request) {
    ssize_t size = write(serve.replay[1], connection->input.data, connection->input.size);
    bool whole = size >= 0 && (size_t)size == connection->input.size;
    int status = -1;
    am_loop_pending_free(&connection->input);
    request->fd = serve.replay[0];
    if (whole)
        status = parse_connection(connection, request);
    request->fd = connection->fd;
    return drain_replay() ? status : -1;
}

static int parse(struct am_loop_connection *connection, struct wsgi_request *request) {
    if (connection->input.size)
        return parse_input(connection, request);
    if (connection->state == AM_LOOP_HEAD)
        restore_head(connection, request);
    return parse_connection(connection, request);
}

/* For uwsgi_hooked_parse: a variable of a packet. */
static void
learn_variable(char *name, uint16_t name_size, char *value, uint16_t size, void *context) {
    struct am_loop_connection *connection = context;
    char text[INET6_ADDRSTRLEN] = "";
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (!am_view_equal((struct am_view){name, name_size}, AM_VIEW("REMOTE_ADDR")) ||
        size >= sizeof text)
        return;
    memcpy(text, value, size);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        connection->address.v4 = v4;
        connection->address_size = sizeof v4;
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        connection->address.v6 = v6;
        connection->address_size = sizeof v6;
    }
}

/* The address in a PROXY line holds for all requests of the connection. */
static void learn_address(struct am_loop_connection *connection, struct wsgi_request *request) {
    if (uwsgi.enable_proxy_protocol && connection->requests == 1 && is_http(connection))
        uwsgi_hooked_parse(request->buffer, request->uh->pktsize, learn_variable, connection);
}

/* ---- bodies -----------------------------------------------------------------------------------
 */

/* How many bytes to wait for: none of a body that will be refused because of its head (body.c). */
static void expect_body(struct am_loop_connection *connection, struct wsgi_request *request) {
    struct am_uwsgi_framing framing = {0};
    if (am_uwsgi_framing_is_given(request))
        framing = am_uwsgi_framing_of(request);
    connection->chunks = (struct am_api_chunked){0};
    connection->coded = framing.chunked;
    connection->chunked = framing.chunked && !framing.reason;
    connection->body = 0;
    if (!framing.chunked && !framing.reason && request->post_cl <= am_uwsgi_settings.limit_body)
        connection->body = request->post_cl;
}

/* Whether `bytes`, which begin with the body, have all of it, or more of it would not help. */
static bool is_whole(struct am_loop_connection *connection, struct am_view bytes) {
    if (!connection->chunked)
        return bytes.size >= connection->body;
    size_t seen = connection->chunks.size + connection->chunks.framing;
    struct am_view rest = {bytes.data + seen, bytes.size - seen};
    enum am_api_chunked_end end =
        am_api_chunked_decode(&connection->chunks, am_uwsgi_settings.limit_body, &rest, NULL);
    connection->body = end == AM_API_CHUNKED_WHOLE ? bytes.size - rest.size : bytes.size;
    return end != AM_API_CHUNKED_MORE;
}

/* Keeps the parsed head, as the packet that uWSGI made of it, and what followed. */
static bool save_request(struct am_loop_connection *connection, struct wsgi_request *request) {
    size_t packet = sizeof *request->uh + request->uh->pktsize;
    connection->began = request->start_of_request;
    return am_loop_pending_append(&connection->head, (char *)request->uh, packet) &&
           am_loop_pending_append(&connection->input, request->proto_parser_remains_buf,
                                  request->proto_parser_remains);
}

static void send_continue(const struct am_loop_connection *connection,
                          struct wsgi_request *request) {
    static const char answer[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (am_uwsgi_connection_expects(request))
        send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static enum am_loop_next wait_for_body(struct am_loop_connection *connection,
                                       struct wsgi_request *request) {
    bool saved = save_request(connection, request);
    send_continue(connection, request);
    abandon(request);
    connection->state = AM_LOOP_BODY;
    return saved ? AM_LOOP_READ : AM_LOOP_NO_MEMORY;
}

static bool make_room(struct am_loop_connection *connection) {
    struct am_loop_pending *input = &connection->input;
    size_t room = input->room * 2 < BODY_STEP ? BODY_STEP : input->room * 2;
    if (input->size < input->room)
        return true;
    if (!connection->chunked && room > connection->body)
        room = connection->body;
    return am_loop_pending_reserve(input, room);
}

/* ---- running ----------------------------------------------------------------------------------
 */

static enum am_loop_next after_answer(struct am_loop_connection *connection) {
    connection->state = AM_LOOP_IDLE;
    if (connection->keep)
        return connection->input.size ? AM_LOOP_SERVE : AM_LOOP_READ;
    if (!connection->unread && !connection->input.size)
        return AM_LOOP_CLOSE;
    connection->state = AM_LOOP_LINGERING;
    connection->dropped = 0;
    return AM_LOOP_LINGER;
}

static enum am_loop_next after_request(struct am_loop_connection *connection) {
    am_loop_pending_free(&connection->head);
    if (connection->consumed)
        am_loop_pending_consume(&connection->input, connection->consumed);
    connection->began = 0;
    if (connection->closed)
        return AM_LOOP_FORGET;
    if (connection->broken)
        return AM_LOOP_CLOSE;
    if (connection->output.size == 0)
        return after_answer(connection);
    connection->state = AM_LOOP_WRITING;
    return AM_LOOP_WRITE;
}

enum am_loop_next am_loop_serve_returned(struct am_loop_connection *connection) {
    return after_request(connection);
}

/* Runs a request as uWSGI's own loop does (wsgi_req_recv, uwsgi_close_request). `bytes` follow the
 * head: the body, and what belongs to the next request. `status`: the result of uwsgi_parse_vars.
 */
static enum am_loop_next run(struct am_loop_connection *connection,
                             struct wsgi_request *request,
                             int status,
                             struct am_view bytes) {
    size_t body = connection->body < bytes.size ? connection->body : bytes.size;
    struct am_view rest = {bytes.data + body, bytes.size - body};
    request->proto_parser_remains_buf = (char *)(uintptr_t)bytes.data;
    request->proto_parser_remains = body;
    am_loop_hooks_begin(request, connection, rest);
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = 1;
    am_loop_harakiri_begin(0);
    if (status == 0)
        request->async_status = uwsgi.p[request->uh->modifier1]->request(request);
    uwsgi_close_request(request);
    am_loop_harakiri_end(0);
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = 1; /* until the turn ends (loop.c) */
    return after_request(connection);
}

/* Runs a request whose head and body the connection has kept. */
static enum am_loop_next resume(struct am_loop_connection *connection) {
    struct wsgi_request *request = begin(connection);
    memcpy(request->uh, connection->head.data, connection->head.size);
    request->proto_parser_status = AM_LOOP_HEAD_WHOLE;
    int status = uwsgi_parse_vars(request);
    return run(connection, request, status,
               (struct am_view){connection->input.data, connection->input.size});
}

static enum am_loop_next hand_over(struct am_loop_connection *connection,
                                   struct wsgi_request *request) {
    bool saved = save_request(connection, request);
    abandon(request);
    connection->state = AM_LOOP_BLOCKING;
    return saved ? AM_LOOP_HAND_OVER : AM_LOOP_NO_MEMORY;
}

/* /preview explains every candidate. A thread gets it when its body is whole. */
static bool is_heavy(const struct wsgi_request *request) {
    struct am_view path = am_uwsgi_request_path(request);
    return am_uwsgi_settings.preview &&
           (am_view_equal(path, AM_VIEW("/preview")) || am_view_equal(path, AM_VIEW("/preview/")));
}

static enum am_loop_next serve_head(struct am_loop_connection *connection) {
    struct wsgi_request *request = begin(connection);
    int status = parse(connection, request);
    if (status == UWSGI_AGAIN)
        return wait_for_head(connection, request);
    if (status != UWSGI_OK) {
        abandon(request);
        return AM_LOOP_CLOSE;
    }
    connection->requests++;
    learn_address(connection, request);
    if (!serve.nonblocking[request->uh->modifier1])
        return hand_over(connection, request);
    status = uwsgi_parse_vars(request);
    connection->heavy = is_heavy(request);
    expect_body(connection, request);
    struct am_view bytes = {request->proto_parser_remains_buf, request->proto_parser_remains};
    if (status == 0 && !is_whole(connection, bytes))
        return wait_for_body(connection, request);
    if (connection->heavy && am_loop_threads_running())
        return hand_over(connection, request);
    return run(connection, request, status, bytes);
}

static enum am_loop_next serve_body(struct am_loop_connection *connection) {
    struct am_loop_pending *input = &connection->input;
    if (!make_room(connection))
        return AM_LOOP_NO_MEMORY;
    ssize_t size =
        recv(connection->fd, input->data + input->size, input->room - input->size, MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? AM_LOOP_READ
                                                                         : AM_LOOP_CLOSE;
    input->size += (size_t)size;
    if (size == 0)
        return am_loop_serve_truncated(connection);
    if (!is_whole(connection, (struct am_view){input->data, input->size}))
        return AM_LOOP_READ;
    if ((input->size <= HEAVY_BODY && !connection->heavy) || !am_loop_threads_running())
        return resume(connection);
    connection->state = AM_LOOP_BLOCKING;
    return AM_LOOP_HAND_OVER;
}

enum am_loop_next am_loop_serve(struct am_loop_connection *connection) {
    return connection->state == AM_LOOP_BODY ? serve_body(connection) : serve_head(connection);
}

enum am_loop_next am_loop_serve_truncated(struct am_loop_connection *connection) {
    if (connection->chunked)
        connection->body = connection->input.size;
    return resume(connection);
}

enum am_loop_next am_loop_serve_flush(struct am_loop_connection *connection) {
    if (!am_loop_hooks_flush(connection))
        return AM_LOOP_CLOSE;
    return connection->output.size ? AM_LOOP_WRITE : after_answer(connection);
}
