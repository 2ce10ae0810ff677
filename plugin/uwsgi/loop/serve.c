#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../request.h"
#include "../settings.h"
#include "exchange.h"
#include "harakiri.h"
#include "listener.h"
#include "threads.h"

enum {
    BODY_STEP = 16 << 10,  /* the first room for a body in pieces; it doubles */
    HEAVY_BODY = 64 << 10, /* takes milliseconds: not in the loop, where there is a thread for it */
    CHUNKED_TIMES = 8,     /* of the limit: a body of one byte a chunk, six bytes each */
    MODIFIERS = 256,
};

static struct {
    bool quick[MODIFIERS]; /* plugins whose requests never block */
    int feed[2];           /* a pair of sockets, see parse_input */
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
        serve.quick[i] = !blocks && (uwsgi.p[i]->request == am_uwsgi_request_serve ||
                                     am_uwsgi_settings.loop.modifier == (uint64_t)i);
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, serve.feed) == 0;
}

/* ---- a request of uWSGI, for as long as the loop is at it -------------------------------------
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

/* Ends it without an answer; the connection stays open. */
static void set_aside(struct wsgi_request *request) {
    request->fd_closed = 1;
    uwsgi_destroy_request(request);
}

/* ---- heads in pieces --------------------------------------------------------------------------
 */

static bool is_http(const struct am_loop_connection *connection) {
    return am_loop_listener_at(connection->listener)->http;
}

/* Where the parser collects a head: for HTTP in a buffer of buffer-size bytes that it makes and
 * uWSGI frees after the request, for uWSGI's packets in the core's. Between two turns only the
 * bytes that have come are kept. */
static void restore_head(struct am_loop_connection *connection, struct wsgi_request *request) {
    char *buffer = (char *)request->uh;
    if (is_http(connection))
        request->proto_parser_buf = buffer = uwsgi_malloc(uwsgi.buffer_size);
    memcpy(buffer, connection->head.data, connection->head.size);
    request->proto_parser_pos = connection->head.size;
    request->proto_parser_status = connection->head_status;
    am_loop_bytes_free(&connection->head);
}

static bool save_head(struct am_loop_connection *connection, const struct wsgi_request *request) {
    const char *buffer = is_http(connection) ? request->proto_parser_buf : (char *)request->uh;
    connection->head_status = request->proto_parser_status;
    connection->began = request->start_of_request;
    return am_loop_bytes_append(&connection->head, buffer, request->proto_parser_pos);
}

static enum am_loop_next wait_for_head(struct am_loop_connection *connection,
                                       struct wsgi_request *request) {
    bool saved = true;
    connection->state = request->proto_parser_pos ? AM_LOOP_HEAD : AM_LOOP_IDLE;
    if (connection->state == AM_LOOP_HEAD)
        saved = save_head(connection, request);
    set_aside(request);
    return saved ? AM_LOOP_READ : AM_LOOP_STARVED;
}

/* ---- parsing ----------------------------------------------------------------------------------
 */

/* Only a connection's first bytes may say who is behind the proxy. */
static int parse_connection(struct am_loop_connection *connection, struct wsgi_request *request) {
    int enabled = uwsgi.enable_proxy_protocol;
    uwsgi.enable_proxy_protocol = enabled && connection->requests == 0;
    int status = request->socket->proto(request);
    uwsgi.enable_proxy_protocol = enabled;
    return status;
}

static bool feed(const struct am_loop_bytes *input) {
    char dropped[4096];
    ssize_t fed = write(serve.feed[1], input->data, input->size);
    if (fed >= 0 && (size_t)fed == input->size)
        return true;
    while (fed > 0 && read(serve.feed[0], dropped, sizeof dropped) > 0)
        continue;
    return false;
}

/* uWSGI's parsers read from a descriptor. What came together with the request before, at most
 * buffer-size bytes, goes to them through a pair of sockets. */
static int parse_input(struct am_loop_connection *connection, struct wsgi_request *request) {
    if (!feed(&connection->input))
        return -1;
    am_loop_bytes_free(&connection->input);
    request->fd = serve.feed[0];
    int status = parse_connection(connection, request);
    request->fd = connection->fd;
    return status;
}

static int parse(struct am_loop_connection *connection, struct wsgi_request *request) {
    if (connection->input.size)
        return parse_input(connection, request);
    if (connection->state == AM_LOOP_HEAD)
        restore_head(connection, request);
    return parse_connection(connection, request);
}

/* What the PROXY protocol says of a connection holds for all its requests. */
static void learn_address(struct am_loop_connection *connection,
                          const struct wsgi_request *request) {
    char text[INET6_ADDRSTRLEN] = "";
    if (!uwsgi.enable_proxy_protocol || connection->requests > 1)
        return;
    if (request->remote_addr_len < sizeof text && request->remote_addr)
        memcpy(text, request->remote_addr, request->remote_addr_len);
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        connection->address.v4 = v4;
        connection->address_size = sizeof v4;
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        connection->address.v6 = v6;
        connection->address_size = sizeof v6;
    }
}

/* ---- bodies -----------------------------------------------------------------------------------
 */

static struct am_view variable(struct wsgi_request *request, char *name) {
    uint16_t size = 0;
    const char *value = uwsgi_get_var(request, name, (uint16_t)strlen(name), &size);
    return (struct am_view){value, value ? size : 0};
}

/* How much to wait for. Nothing, where the body will be refused for its head (body.c). */
static void expect_body(struct am_loop_connection *connection, struct wsgi_request *request) {
    static char coding[] = "HTTP_TRANSFER_ENCODING", length[] = "CONTENT_LENGTH";
    struct am_view given = variable(request, coding);
    connection->chunks = (struct am_loop_chunks){0};
    connection->chunked = given.size == strlen("chunked") &&
                          strncasecmp(given.data, "chunked", given.size) == 0 &&
                          !variable(request, length).size;
    connection->body = 0;
    if (!given.size && request->post_cl <= am_uwsgi_settings.limit_body)
        connection->body = request->post_cl;
}

/* Whether all of the body is in `bytes`, which begin with it, or more of it would not help. */
static bool is_whole(struct am_loop_connection *connection, struct am_view bytes) {
    if (!connection->chunked)
        return bytes.size >= connection->body;
    enum am_loop_chunks_end end = am_loop_chunks_scan(&connection->chunks, bytes.data, bytes.size);
    if (end == AM_LOOP_CHUNKS_MORE && bytes.size < am_uwsgi_settings.limit_body * CHUNKED_TIMES)
        return false;
    connection->body = end == AM_LOOP_CHUNKS_WHOLE ? connection->chunks.at : bytes.size;
    return true;
}

/* The parsed head as the packet that uWSGI has made of it, and what came after it. */
static bool save_request(struct am_loop_connection *connection, struct wsgi_request *request) {
    size_t packet = sizeof *request->uh + request->uh->pktsize;
    connection->began = request->start_of_request;
    return am_loop_bytes_append(&connection->head, (char *)request->uh, packet) &&
           am_loop_bytes_append(&connection->input, request->proto_parser_remains_buf,
                                request->proto_parser_remains);
}

static void encourage(const struct am_loop_connection *connection, struct wsgi_request *request) {
    static char expect[] = "HTTP_EXPECT";
    static const char answer[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (is_http(connection) && connection->input.size == 0 &&
        am_view_equal(variable(request, expect), AM_VIEW("100-continue")))
        send(connection->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static enum am_loop_next wait_for_body(struct am_loop_connection *connection,
                                       struct wsgi_request *request) {
    bool saved = save_request(connection, request);
    encourage(connection, request);
    set_aside(request);
    connection->state = AM_LOOP_BODY;
    return saved ? AM_LOOP_READ : AM_LOOP_STARVED;
}

static bool make_room(struct am_loop_connection *connection) {
    struct am_loop_bytes *input = &connection->input;
    size_t room = input->room * 2 < BODY_STEP ? BODY_STEP : input->room * 2;
    if (input->size < input->room)
        return true;
    if (!connection->chunked && room > connection->body)
        room = connection->body;
    return am_loop_bytes_reserve(input, room);
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
    am_loop_bytes_free(&connection->head);
    if (connection->consumed)
        am_loop_bytes_consume(&connection->input, connection->consumed);
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

enum am_loop_next am_loop_serve_back(struct am_loop_connection *connection) {
    return after_request(connection);
}

/* As uWSGI's own loop does (wsgi_req_recv, uwsgi_close_request), with `body` bytes of `bytes` for
 * the request. `status`: what uwsgi_parse_vars has said; a request may have been answered by it. */
static enum am_loop_next run(struct am_loop_connection *connection,
                             struct wsgi_request *request,
                             int status,
                             struct am_view bytes) {
    size_t body = connection->body < bytes.size ? connection->body : bytes.size;
    struct am_view rest = {bytes.data + body, bytes.size - body};
    request->proto_parser_remains_buf = (char *)(uintptr_t)bytes.data;
    request->proto_parser_remains = body;
    am_loop_exchange_begin(request, connection, rest);
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = 1;
    am_loop_harakiri_begin(0);
    if (status == 0)
        request->async_status = uwsgi.p[request->uh->modifier1]->request(request);
    uwsgi_close_request(request);
    am_loop_harakiri_end(0);
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = 1; /* until the turn ends */
    return after_request(connection);
}

/* The head, and all that is to be had of the body, are kept. */
static enum am_loop_next resume(struct am_loop_connection *connection) {
    struct wsgi_request *request = begin(connection);
    memcpy(request->uh, connection->head.data, connection->head.size);
    request->proto_parser_status = AM_LOOP_HEAD_WHOLE;
    int status = uwsgi_parse_vars(request);
    return run(connection, request, status,
               (struct am_view){connection->input.data, connection->input.size});
}

static enum am_loop_next give(struct am_loop_connection *connection, struct wsgi_request *request) {
    bool saved = save_request(connection, request);
    set_aside(request);
    connection->state = AM_LOOP_AWAY;
    return saved ? AM_LOOP_GIVE : AM_LOOP_STARVED;
}

/* A page with every ad that was looked at. */
static bool is_heavy(const struct wsgi_request *request) {
    struct am_view path = {request->path_info, request->path_info_len};
    return am_loop_threads_running() && am_view_equal(path, AM_VIEW("/preview"));
}

static enum am_loop_next serve_head(struct am_loop_connection *connection) {
    struct wsgi_request *request = begin(connection);
    int status = parse(connection, request);
    if (status == UWSGI_AGAIN)
        return wait_for_head(connection, request);
    if (status != UWSGI_OK) {
        set_aside(request);
        return AM_LOOP_CLOSE;
    }
    connection->requests++;
    if (!serve.quick[request->uh->modifier1])
        return give(connection, request);
    status = uwsgi_parse_vars(request);
    if (is_heavy(request))
        return give(connection, request);
    learn_address(connection, request);
    expect_body(connection, request);
    struct am_view bytes = {request->proto_parser_remains_buf, request->proto_parser_remains};
    if (status == 0 && !is_whole(connection, bytes))
        return wait_for_body(connection, request);
    return run(connection, request, status, bytes);
}

static enum am_loop_next serve_body(struct am_loop_connection *connection) {
    struct am_loop_bytes *input = &connection->input;
    if (!make_room(connection))
        return AM_LOOP_STARVED;
    ssize_t size =
        recv(connection->fd, input->data + input->size, input->room - input->size, MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? AM_LOOP_READ
                                                                         : AM_LOOP_CLOSE;
    input->size += (size_t)size;
    if (size == 0)
        return am_loop_serve_cut(connection);
    if (!is_whole(connection, (struct am_view){input->data, input->size}))
        return AM_LOOP_READ;
    if (input->size <= HEAVY_BODY || !am_loop_threads_running())
        return resume(connection);
    connection->state = AM_LOOP_AWAY;
    return AM_LOOP_GIVE;
}

enum am_loop_next am_loop_serve(struct am_loop_connection *connection) {
    return connection->state == AM_LOOP_BODY ? serve_body(connection) : serve_head(connection);
}

enum am_loop_next am_loop_serve_cut(struct am_loop_connection *connection) {
    if (connection->chunked)
        connection->body = connection->input.size;
    return resume(connection);
}

enum am_loop_next am_loop_serve_flush(struct am_loop_connection *connection) {
    if (!am_loop_exchange_flush(connection))
        return AM_LOOP_CLOSE;
    return connection->output.size ? AM_LOOP_WRITE : after_answer(connection);
}
