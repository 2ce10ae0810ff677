/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../connection.h"
#include "../framing.h"
#include "balance.h"
#include "stop.h"

/* The request that a core runs. */
struct exchange {
    struct am_loop_connection *connection;
    struct am_view rest; /* see am_loop_hooks_begin */
};

static struct exchange *exchanges;

bool am_loop_hooks_start(unsigned cores) {
    exchanges = calloc(cores, sizeof *exchanges);
    return exchanges;
}

void am_loop_hooks_begin(const struct wsgi_request *request,
                         struct am_loop_connection *connection,
                         struct am_view rest) {
    exchanges[request->async_id] = (struct exchange){connection, rest};
    connection->closed = true; /* unless uWSGI calls our close hook */
    connection->last = true;   /* unless it writes a head */
    connection->keep = connection->unread = connection->broken = false;
}

static struct am_loop_connection *connection_of(const struct wsgi_request *request) {
    return exchanges[request->async_id].connection;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Bytes that the kernel took; -1: the client is gone. */
static ssize_t send_some(int fd, struct iovec *parts, size_t count) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return sent;
}

static bool
buffer_rest(struct am_loop_connection *connection, struct iovec *parts, size_t count, size_t sent) {
    for (size_t i = 0; i < count; i++) {
        size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        sent -= skip;
        if (!am_loop_pending_append(&connection->output, (char *)parts[i].iov_base + skip,
                                    parts[i].iov_len - skip))
            return false;
    }
    return true;
}

/* UWSGI_OK: all has been sent or buffered. -1, with errno. */
static int
send_or_buffer(struct am_loop_connection *connection, struct iovec *parts, size_t count) {
    ssize_t sent = 0;
    if (connection->output.size == 0)
        sent = send_some(connection->fd, parts, count);
    if (sent >= 0 && buffer_rest(connection, parts, count, (size_t)sent))
        return UWSGI_OK;
    if (sent >= 0)
        errno = ENOBUFS;
    connection->broken = true;
    return -1;
}

static int hook_write(struct wsgi_request *request, char *data, size_t size) {
    struct iovec part = {data + request->write_pos, size - request->write_pos};
    request->write_pos = size;
    return send_or_buffer(connection_of(request), &part, 1);
}

static int hook_writev(struct wsgi_request *request, struct iovec *parts, size_t *count) {
    for (size_t i = 0; i < *count; i++)
        request->write_pos += parts[i].iov_len;
    return send_or_buffer(connection_of(request), parts, *count);
}

bool am_loop_hooks_flush(struct am_loop_connection *connection) {
    struct iovec part = {connection->output.data, connection->output.size};
    ssize_t sent = send_some(connection->fd, &part, 1);
    if (sent > 0)
        am_loop_pending_consume(&connection->output, (size_t)sent);
    return sent >= 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* The whole body is in memory, unless the rest will not come: then it ends early. */
static ssize_t hook_read_body(struct wsgi_request *request, char *to, size_t size) {
    size_t taken = size < request->proto_parser_remains ? size : request->proto_parser_remains;
    if (taken == 0)
        return 0;
    memcpy(to, request->proto_parser_remains_buf, taken);
    request->proto_parser_remains_buf = (char *)request->proto_parser_remains_buf + taken;
    request->proto_parser_remains -= taken;
    return (ssize_t)taken;
}

/* ---- keep-alive -------------------------------------------------------------------------------
 */

static bool has_line(const struct uwsgi_buffer *headers, const char *line) {
    size_t size = strlen(line);
    for (size_t i = 0; i + size <= headers->pos; i++)
        if (strncasecmp(headers->buf + i, line, size) == 0)
            return true;
    return false;
}

/* Such an answer ends with the connection (RFC 9112, section 6.3). */
static bool lacks_length(const struct wsgi_request *request) {
    bool empty = request->status < 200 || request->status == 204 || request->status == 304;
    return !empty && !has_line(request->headers, "\r\nContent-Length:") &&
           !has_line(request->headers, "\r\nTransfer-Encoding:");
}

/* Requests that are buffered already are answered first. Our own answers have a length. */
static bool is_last(struct wsgi_request *request) {
    const struct exchange *exchange = &exchanges[request->async_id];
    bool blocking = exchange->connection->state == AM_LOOP_BLOCKING;
    bool more = blocking ? request->proto_parser_remains : exchange->rest.size;
    if (am_uwsgi_connection_asks_to_close(request) || am_uwsgi_connection_is_http10(request) ||
        (blocking && lacks_length(request)))
        return true;
    return !more && (am_loop_stopping() || (!blocking && am_loop_balance_take()));
}

/* Announces the end of a connection, so that the client does not lose a request on it. */
static int hook_fix_headers(struct wsgi_request *request) {
    static char header[] = "Connection: close\r\n";
    struct am_loop_connection *connection = connection_of(request);
    connection->last = connection->persistent && is_last(request);
    if (connection->last && !has_line(request->headers, "\r\nConnection: close\r\n") &&
        uwsgi_buffer_append(request->headers, header, sizeof header - 1) != 0)
        return -1;
    return uwsgi_proto_base_fix_headers(request);
}

/* Keeps a connection when uWSGI's http11 protocol does, and also when the next request is buffered
 * already. Not after a Transfer-Encoding or an unsound head: the plugin may have left part of the
 * body unread, which would be taken for a request. A refused body counts as a write error
 * (am_uwsgi_host_close). */
static void record_outcome(struct wsgi_request *request) {
    struct am_loop_connection *connection = connection_of(request);
    bool read = request->post_pos >= request->post_cl && !request->write_errors;
    connection->closed = false;
    connection->unread = !read;
    connection->keep = connection->persistent && read && !connection->last && !connection->coded &&
                       request->proto_parser_status == AM_LOOP_HEAD_WHOLE &&
                       request->via != UWSGI_VIA_OFFLOAD && !am_uwsgi_connection_is_http10(request);
}

/* Takes the place of closing. uWSGI frees its buffers next, so this saves what was received after
 * the request, unless the connection has it already. */
static void hook_close(struct wsgi_request *request) {
    const struct exchange *exchange = &exchanges[request->async_id];
    struct am_loop_connection *connection = exchange->connection;
    struct am_view rest = exchange->rest;
    record_outcome(request);
    connection->consumed = 0;
    if (connection->input.size)
        connection->consumed = connection->input.size - rest.size;
    else if (!am_loop_pending_append(&connection->input, rest.data, rest.size))
        connection->keep = false;
}

static void hook_close_blocking(struct wsgi_request *request) {
    struct am_loop_connection *connection = connection_of(request);
    struct am_uwsgi_framing framing = am_uwsgi_framing_of(request);
    connection->coded = framing.chunked || framing.reason;
    record_outcome(request);
    connection->consumed = connection->input.size - request->proto_parser_remains;
}

/* ---- setting the hooks ------------------------------------------------------------------------
 */

void am_loop_hooks_set(struct uwsgi_socket *socket) {
    socket->proto_write = hook_write;
    socket->proto_write_headers = hook_write;
    socket->proto_writev = hook_writev;
    socket->proto_read_body = hook_read_body;
    socket->proto_fix_headers = hook_fix_headers;
    socket->proto_close = hook_close;
}

void am_loop_hooks_set_blocking(struct uwsgi_socket *socket) {
    socket->proto_fix_headers = hook_fix_headers;
    socket->proto_close = hook_close_blocking;
}
