/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hooks.h"

static struct {
    struct am_loop_listener *all;
    unsigned count;
} listeners;

static bool speaks(const struct uwsgi_socket *socket, const char *protocol) {
    return strcmp(am_uwsgi_host_protocol(socket), protocol) == 0;
}

const char *am_loop_listener_refusal(const struct uwsgi_socket *socket) {
    if (speaks(socket, "http11") || speaks(socket, "http") || speaks(socket, "uwsgi"))
        return NULL;
    if (speaks(socket, "https") || speaks(socket, "suwsgi"))
        return "it does not speak TLS: terminate it in nginx or in uWSGI's https router, or remove "
               "loop = admatch";
    return "it speaks http11, http and uwsgi: use one of these, or remove loop = admatch";
}

/* Accepted connections inherit it. Answers to pipelined requests must not wait for the client's
 * acknowledgements. */
static void send_at_once(int fd, int family) {
    int one = 1;
    if (family == AF_INET || family == AF_INET6)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void take_socket(struct am_loop_listener *listener, const struct uwsgi_socket *socket) {
    *listener = (struct am_loop_listener){
        .inner = *socket,
        .blocking = *socket,
        .fd = socket->fd,
        .http = !speaks(socket, "uwsgi"),
        .persistent = speaks(socket, "http11"),
    };
    am_loop_hooks_set(&listener->inner);
    am_loop_hooks_set_blocking(&listener->blocking);
    send_at_once(socket->fd, socket->family);
}

bool am_loop_listeners_start(void) {
    unsigned count = 0;
    for (struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next)
        count += socket->fd >= 0;
    listeners.all = calloc(count ? count : 1, sizeof *listeners.all);
    if (!listeners.all)
        return false;
    for (struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next)
        if (socket->fd >= 0)
            take_socket(&listeners.all[listeners.count++], socket);
    return true;
}

unsigned am_loop_listeners_count(void) {
    return listeners.count;
}

struct am_loop_listener *am_loop_listener_at(unsigned index) {
    return &listeners.all[index];
}

struct am_loop_connection *am_loop_listener_accept(unsigned index) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    const struct am_loop_listener *listener = &listeners.all[index];
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct am_loop_connection *connection = am_loop_connection_new(fd);
    if (!connection) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    connection->listener = (uint8_t)index;
    connection->persistent = listener->persistent;
    if (size > 0 && size <= sizeof connection->address) {
        memcpy(&connection->address, &address, size);
        connection->address_size = (uint8_t)size;
    }
    return connection;
}
