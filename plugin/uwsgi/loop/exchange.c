#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "balance.h"
#include "stop.h"

/* What a core runs. */
struct exchange {
    struct am_loop_connection *connection;
    struct am_view rest;
};

static struct exchange *exchanges;

bool am_loop_exchanges_start(unsigned cores) {
    exchanges = calloc(cores, sizeof *exchanges);
    return exchanges;
}

void am_loop_exchange_begin(const struct wsgi_request *request,
                            struct am_loop_connection *connection,
                            struct am_view rest) {
    exchanges[request->async_id] = (struct exchange){connection, rest};
    connection->closed = true; /* unless uWSGI leaves it to us, below */
    connection->last = true;   /* unless it is answered, below */
    connection->keep = connection->unread = connection->broken = false;
}

static struct am_loop_connection *connection_of(const struct wsgi_request *request) {
    return exchanges[request->async_id].connection;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* What the kernel takes at once. -1: the client is gone. */
static ssize_t send_some(int fd, struct iovec *parts, size_t count) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return sent;
}

static bool
keep_parts(struct am_loop_connection *connection, struct iovec *parts, size_t count, size_t sent) {
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        sent -= skip;
        if (!am_loop_bytes_append(&connection->output, (char *)parts[i].iov_base + skip,
                                  parts[i].iov_len - skip))
            return false;
    }
    return true;
}

/* Sends, and keeps what is left. UWSGI_OK as if all had been sent, or -1. */
static int send_or_keep(struct am_loop_connection *connection, struct iovec *parts, size_t count) {
    ssize_t sent = 0;
    if (connection->output.size == 0)
        sent = send_some(connection->fd, parts, count);
    if (sent >= 0 && keep_parts(connection, parts, count, (size_t)sent))
        return UWSGI_OK;
    if (sent >= 0)
        errno = ENOBUFS;
    connection->broken = true;
    return -1;
}

static int hook_write(struct wsgi_request *request, char *data, size_t size) {
    struct iovec part = {data + request->write_pos, size - request->write_pos};
    request->write_pos = size;
    return send_or_keep(connection_of(request), &part, 1);
}

static int hook_writev(struct wsgi_request *request, struct iovec *parts, size_t *count) {
    for (size_t i = 0; i < *count; i++)
        request->write_pos += parts[i].iov_len;
    return send_or_keep(connection_of(request), parts, *count);
}

bool am_loop_exchange_flush(struct am_loop_connection *connection) {
    struct iovec part = {connection->output.data, connection->output.size};
    ssize_t sent = send_some(connection->fd, &part, 1);
    if (sent > 0)
        am_loop_bytes_consume(&connection->output, (size_t)sent);
    return sent >= 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* The body is in memory, or will never come: its end is the end of what there is. */
static ssize_t hook_read_body(struct wsgi_request *request, char *to, size_t size) {
    size_t taken = size < request->proto_parser_remains ? size : request->proto_parser_remains;
    if (taken == 0)
        return 0;
    memcpy(to, request->proto_parser_remains_buf, taken);
    request->proto_parser_remains_buf = (char *)request->proto_parser_remains_buf + taken;
    request->proto_parser_remains -= taken;
    return (ssize_t)taken;
}

/* ---- the end of an answer's head, and of a request --------------------------------------------
 */

static bool says(const struct uwsgi_buffer *headers, const char *line) {
    size_t size = strlen(line);
    for (size_t i = 0; i + size <= headers->pos; i++)
        if (strncasecmp(headers->buf + i, line, size) == 0)
            return true;
    return false;
}

/* Without a length, only the end of the connection ends the answer (RFC 9112, section 6.3). */
static bool lacks_length(const struct wsgi_request *request) {
    bool empty = request->status < 200 || request->status == 204 || request->status == 304;
    return !empty && !says(request->headers, "\r\nContent-Length:") &&
           !says(request->headers, "\r\nTransfer-Encoding:");
}

/* uWSGI does not heed it, and would let such clients wait for the end of the connection. */
static bool asks_to_close(struct wsgi_request *request) {
    static char name[] = "HTTP_CONNECTION";
    static const char close[] = "close";
    uint16_t size = 0;
    const char *value = uwsgi_get_var(request, name, sizeof name - 1, &size);
    for (size_t i = 0; value && i + sizeof close - 1 <= size; i++)
        if (strncasecmp(value + i, close, sizeof close - 1) == 0)
            return true;
    return false;
}

/* A client that is told need not find out by a request that fails. */
static int hook_fix_headers(struct wsgi_request *request) {
    static char header[] = "Connection: close\r\n";
    struct am_loop_connection *connection = connection_of(request);
    bool ours = connection->state != AM_LOOP_AWAY; /* with its length */
    connection->last =
        am_loop_stopping() || asks_to_close(request) ||
        (ours ? connection->persistent && am_loop_balance_take() : lacks_length(request));
    if (connection->persistent && connection->last &&
        !says(request->headers, "\r\nConnection: close\r\n") &&
        uwsgi_buffer_append(request->headers, header, sizeof header - 1) != 0)
        return -1;
    return uwsgi_proto_base_fix_headers(request);
}

static bool is_http10(const struct wsgi_request *request) {
    return request->protocol_len == 8 && memcmp(request->protocol, "HTTP/1.0", 8) == 0;
}

/* Keeps a connection where uWSGI's http11 protocol would, and also where the next request has come
 * already. A refused body counts as a write error (body.c). */
static void note_end(struct wsgi_request *request) {
    struct am_loop_connection *connection = connection_of(request);
    bool read = request->post_pos >= request->post_cl && !request->write_errors;
    connection->closed = false;
    connection->unread = !read;
    connection->keep = connection->persistent && read && !connection->last &&
                       request->proto_parser_status == AM_LOOP_HEAD_WHOLE &&
                       request->via != UWSGI_VIA_OFFLOAD && !is_http10(request);
}

/* In place of closing. uWSGI frees next what it has read, so what came after the request is saved,
 * unless it is in the connection's own memory. */
static void hook_close(struct wsgi_request *request) {
    const struct exchange *exchange = &exchanges[request->async_id];
    struct am_loop_connection *connection = exchange->connection;
    struct am_view rest = exchange->rest;
    note_end(request);
    connection->consumed = 0;
    if (connection->input.size)
        connection->consumed = connection->input.size - rest.size;
    else if (!am_loop_bytes_append(&connection->input, rest.data, rest.size))
        connection->keep = false;
}

static void hook_close_blocking(struct wsgi_request *request) {
    struct am_loop_connection *connection = connection_of(request);
    note_end(request);
    connection->consumed = connection->input.size - request->proto_parser_remains;
}

/* ---- hooking ----------------------------------------------------------------------------------
 */

void am_loop_exchange_hook(struct uwsgi_socket *socket) {
    socket->proto_write = hook_write;
    socket->proto_write_headers = hook_write;
    socket->proto_writev = hook_writev;
    socket->proto_read_body = hook_read_body;
    socket->proto_fix_headers = hook_fix_headers;
    socket->proto_close = hook_close;
}

void am_loop_exchange_hook_blocking(struct uwsgi_socket *socket) {
    socket->proto_fix_headers = hook_fix_headers;
    socket->proto_close = hook_close_blocking;
}
