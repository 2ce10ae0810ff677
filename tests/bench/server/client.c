/* SPDX-License-Identifier: Apache-2.0 */
/* A client for comparisons: client PORT REQUESTS CONNECTIONS COUNT. REQUESTS has a target a line
 * ("/v1/decide?query=a"). Each pass (../passes.h) sends COUNT of them by GET over connections that
 * stay open, a new request on each as soon as its answer is there; short passes let several servers
 * take turns many times a second. Ends with 1 when a connection breaks or an answer is not 200. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../passes.h"

enum { ANSWER_SIZE = 1 << 20, MOST_CONNECTIONS = 256 };

struct connection {
    int fd;
    size_t size; /* of the answer so far */
    char answer[ANSWER_SIZE + 1];
};

static struct {
    struct lines requests; /* whole heads */
    size_t next;           /* request to be sent */
    struct connection *connections;
    int connection_count, epoll;
    size_t wanted, sent, answered; /* of this pass */
    size_t bytes;
} client;

static void die(const char *what) {
    fprintf(stderr, "client: %s\n", what);
    exit(1);
}

static char *make_head(const char *target, size_t *size) {
    char *head = NULL;
    int length = asprintf(&head, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    if (length < 0)
        die("out of memory");
    *size = (size_t)length;
    return head;
}

static void send_next(struct connection *connection) {
    size_t at = client.next++ % client.requests.count;
    connection->size = 0;
    client.sent++;
    if (send(connection->fd, client.requests.text[at], client.requests.size[at], MSG_NOSIGNAL) !=
        (ssize_t)client.requests.size[at])
        die("a request could not be sent whole");
}

/* The size of the whole answer; 0: its head is not there yet. */
static size_t answer_size(const struct connection *connection) {
    const char *end = strstr(connection->answer, "\r\n\r\n");
    const char *length = strcasestr(connection->answer, "\r\nContent-Length:");
    if (!end)
        return 0;
    if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0 || !length || length > end)
        die("an answer is not 200 with a length");
    return (size_t)(end + 4 - connection->answer) + strtoul(length + 17, NULL, 10);
}

static void receive(struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->answer + connection->size,
                       ANSWER_SIZE - connection->size, 0);
    if (got <= 0)
        die("a connection was closed");
    connection->size += (size_t)got;
    connection->answer[connection->size] = '\0';
    size_t size = answer_size(connection);
    if (size == 0 || connection->size < size)
        return;
    client.answered++;
    client.bytes += size;
    if (client.sent < client.wanted)
        send_next(connection);
}

static void open_connection(struct connection *connection, int port) {
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        epoll_ctl(client.epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("no connection to the server");
}

static void pass(void) {
    struct epoll_event events[MOST_CONNECTIONS];
    client.sent = client.answered = client.bytes = 0;
    for (int i = 0; i < client.connection_count && client.sent < client.wanted; i++)
        send_next(&client.connections[i]);
    while (client.answered < client.wanted) {
        int count = epoll_wait(client.epoll, events, MOST_CONNECTIONS, 10000);
        if (count <= 0)
            die("no answer within 10 seconds");
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr);
    }
}

int main(int argument_count, char **arguments) {
    if (argument_count != 5) {
        fprintf(stderr, "usage: client PORT REQUESTS CONNECTIONS COUNT\n");
        return 2;
    }
    client.requests = read_lines(arguments[2]);
    for (size_t i = 0; i < client.requests.count; i++)
        client.requests.text[i] = make_head(client.requests.text[i], &client.requests.size[i]);
    client.connection_count = atoi(arguments[3]);
    client.wanted = strtoul(arguments[4], NULL, 10);
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    client.connections =
        checked(calloc((size_t)client.connection_count, sizeof *client.connections));
    for (int i = 0; i < client.connection_count; i++)
        open_connection(&client.connections[i], atoi(arguments[1]));
    say_ready(0, resident_kb());
    while (next_pass()) {
        double began = seconds_now();
        pass();
        say_pass(seconds_now() - began, client.answered, client.bytes);
    }
    return 0;
}
