/* SPDX-License-Identifier: Apache-2.0 */
/* Sends requests over kept and one-shot connections, checks every answer, and prints what it saw as
 * JSON.
 *
 *   load PORT SECONDS KEPT ONCE RATE LEAST < BODIES
 *
 * KEPT connections stay open, ONCE connections are made anew for each request. RATE requests a
 * second, or with 0 as many as are answered. LEAST: how many marks an answer must have. Ends early
 * on SIGTERM. BODIES: requests, one a line, sent in turn, each as
 *
 *   JSON                        the body of a decision's request
 *   GET TARGET
 *   POST TARGET TYPE BODY
 *
 * A kept connection that the server closes between two requests is opened again, as HTTP clients
 * do, and counted; the request is sent once more. With a RATE, latencies count from when a request
 * was due, so that a stalled server cannot hide behind requests that were not sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum {
    MOST_CONNECTIONS = 512,
    ANSWER_SIZE = 256 << 10,
    TIMEOUT_SECONDS = 10,
    PAUSE_NANOSECONDS = 5000000, /* after a connection that could not be made */
    EVENTS = 64,
};

enum state { IDLE, CONNECTING, WAITING, PAUSED };

struct connection {
    enum state state;
    int fd; /* -1: closed */
    bool kept;
    bool used;      /* has brought an answer */
    uint64_t due;   /* when the request should have been sent, or the pause is over */
    uint64_t since; /* when it was sent */
    size_t request; /* which one */
    size_t size;    /* of the answer so far */
    char answer[ANSWER_SIZE];
};

struct text {
    char *data;
    size_t size;
};

static struct {
    struct sockaddr_in address;
    struct text *requests[2]; /* by `kept` */
    size_t request_count, next_request;
    struct connection *connections;
    unsigned connection_count, least;
    uint64_t began, rate, scheduled;
    int epoll, timer;
} load;

static struct tally tally;
static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static uint64_t nanoseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(2);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static struct text make_post(const char *target, const char *type, const char *body, bool kept) {
    struct text text = {NULL, 0};
    int size = asprintf(&text.data,
                        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
                        "Content-Length: %zu\r\n%s\r\n%s",
                        target, type, strlen(body), kept ? "" : "Connection: close\r\n", body);
    if (size < 0)
        die("load");
    text.size = (size_t)size;
    return text;
}

static struct text make_get(const char *target, bool kept) {
    struct text text = {NULL, 0};
    int size = asprintf(&text.data, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target,
                        kept ? "" : "Connection: close\r\n");
    if (size < 0)
        die("load");
    text.size = (size_t)size;
    return text;
}

static struct text make_request(const char *line, bool kept) {
    char target[512], type[64];
    int read = 0;
    if (strncmp(line, "GET ", 4) == 0)
        return make_get(line + 4, kept);
    if (sscanf(line, "POST %511s %63s %n", target, type, &read) == 2 && read)
        return make_post(target, type, line + read, kept);
    return make_post("/v1/decide", "application/json", line, kept);
}

static void read_requests(void) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        for (int kept = 0; kept < 2; kept++) {
            load.requests[kept] = reallocarray(load.requests[kept], load.request_count + 1,
                                               sizeof *load.requests[kept]);
            if (!load.requests[kept])
                die("load");
            load.requests[kept][load.request_count] = make_request(line, kept);
        }
        load.request_count++;
    }
    free(line);
    if (!load.request_count) {
        fprintf(stderr, "load: expected requests on standard input\n");
        exit(2);
    }
    tally.request_count = load.request_count;
}

/* ---- connections ------------------------------------------------------------------------------
 */

static void disconnect(struct connection *connection) {
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

static void pause_connection(struct connection *connection) {
    disconnect(connection);
    connection->state = PAUSED;
    connection->due = nanoseconds_now() + PAUSE_NANOSECONDS;
}

static void fail(struct connection *connection, enum failure failure, const char *why) {
    tally_failure(&tally, failure, why, strlen(why));
    pause_connection(connection);
}

static void connect_to_server(struct connection *connection) {
    int one = 1;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = connection};
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        die("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection->used = false;
    connection->state = CONNECTING;
    if (connect(connection->fd, (struct sockaddr *)&load.address, sizeof load.address) != 0 &&
        errno != EINPROGRESS)
        fail(connection, FAILED_CONNECT, strerror(errno));
    else if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll_ctl");
}

/* The connection brought no byte of an answer. A kept one may be closed by the server at any time
 * between two requests. */
static void lose(struct connection *connection, const char *why) {
    if (!connection->used || connection->size) {
        fail(connection, FAILED_CLOSED, why);
        return;
    }
    tally.reopened++;
    disconnect(connection);
    connect_to_server(connection);
}

static void send_request(struct connection *connection) {
    const struct text *request = &load.requests[connection->kept][connection->request];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    connection->size = 0;
    connection->since = nanoseconds_now();
    if (!load.rate)
        connection->due = connection->since;
    connection->state = WAITING;
    ssize_t sent = send(connection->fd, request->data, request->size, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        lose(connection, "closed while sending");
    else if (sent != (ssize_t)request->size)
        fail(connection, FAILED_CLOSED, "could not send the whole request");
    else if (epoll_ctl(load.epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        die("epoll_ctl");
}

static void start_request(struct connection *connection, uint64_t due) {
    connection->due = due;
    connection->request = load.next_request++ % load.request_count;
    if (connection->fd < 0)
        connect_to_server(connection);
    else
        send_request(connection);
}

static void finish(struct connection *connection, size_t size, size_t body) {
    tally_latency(&tally, nanoseconds_now() - connection->due);
    answer_check(&tally, connection->answer, size, body, connection->request, load.least);
    connection->used = true;
    connection->state = IDLE;
    if (!connection->kept)
        disconnect(connection);
    if (!load.rate)
        start_request(connection, 0);
}

static void receive(struct connection *connection) {
    size_t body = 0;
    ssize_t got = recv(connection->fd, connection->answer + connection->size,
                       ANSWER_SIZE - connection->size, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        const char *when = connection->size ? "closed in the middle of an answer"
                                            : "a new connection, closed before any answer";
        lose(connection, got ? strerror(errno) : when);
        return;
    }
    connection->size += (size_t)got;
    long size = answer_size(connection->answer, connection->size, &body);
    if (size < 0 || (size == 0 && connection->size == ANSWER_SIZE) ||
        (size > 0 && (size_t)size != connection->size))
        fail(connection, FAILED_SHAPE, connection->answer);
    else if (size > 0)
        finish(connection, (size_t)size, body);
}

static void handle(struct connection *connection) {
    int status = 0;
    socklen_t size = sizeof status;
    if (connection->state == WAITING) {
        receive(connection);
    } else if (connection->state == CONNECTING) {
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &status, &size);
        if (status)
            fail(connection, FAILED_CONNECT, strerror(status));
        else
            send_request(connection);
    } else {
        /* an idle connection that the server has closed: seen when it is used next */
        struct epoll_event event = {.events = 0, .data.ptr = connection};
        epoll_ctl(load.epoll, EPOLL_CTL_DEL, connection->fd, &event);
        tally.reopened++;
        disconnect(connection);
    }
}

/* ---- time -------------------------------------------------------------------------------------
 */

static struct connection *find_idle(void) {
    static unsigned turn;
    for (unsigned i = 0; i < load.connection_count; i++) {
        struct connection *connection = &load.connections[turn++ % load.connection_count];
        if (connection->state == IDLE)
            return connection;
    }
    return NULL;
}

static void wake_at(uint64_t due) {
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000), (long)(due % 1000000000)}};
    if (timerfd_settime(load.timer, TFD_TIMER_ABSTIME, &at, NULL) != 0)
        die("timer");
}

/* Sends what is due and has a connection that is free. */
static void keep_rate(uint64_t now) {
    struct connection *connection;
    uint64_t due;
    while ((due = load.began + load.scheduled * 1000000000 / load.rate) <= now &&
           (connection = find_idle())) {
        load.scheduled++;
        start_request(connection, due);
    }
    if (due > now)
        wake_at(due);
}

static void look_after(struct connection *connection, uint64_t now) {
    if (connection->state == PAUSED && now >= connection->due) {
        connection->state = IDLE;
        if (!load.rate)
            start_request(connection, 0);
    } else if (connection->state == WAITING &&
               now - connection->since > (uint64_t)TIMEOUT_SECONDS * 1000000000) {
        fail(connection, FAILED_TIMEOUT, "no answer");
    }
}

static void set_timer(void) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (load.epoll < 0 || load.timer < 0 ||
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, load.timer, &event) != 0)
        die("timer");
}

static void run(double seconds) {
    uint64_t end = load.began + (uint64_t)(seconds * 1e9), looked = load.began, now;
    struct epoll_event events[EVENTS];
    while (!stopped && (now = nanoseconds_now()) < end) {
        int count = epoll_wait(load.epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            uint64_t expirations;
            if (events[i].data.ptr)
                handle(events[i].data.ptr);
            else if (read(load.timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
                die("timer");
        }
        if (load.rate)
            keep_rate(nanoseconds_now());
        now = nanoseconds_now();
        if (now - looked < 1000000)
            continue;
        looked = now;
        for (unsigned i = 0; i < load.connection_count; i++)
            look_after(&load.connections[i], now);
    }
}

int main(int count, char **arguments) {
    if (count != 7) {
        fprintf(stderr, "usage: load PORT SECONDS KEPT ONCE RATE LEAST < BODIES\n");
        return 2;
    }
    unsigned kept = (unsigned)atoi(arguments[3]), once = (unsigned)atoi(arguments[4]);
    load.address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(arguments[1])),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    load.rate = strtoull(arguments[5], NULL, 10);
    load.least = (unsigned)atoi(arguments[6]);
    load.connection_count = kept + once;
    load.connections = calloc(kept + once, sizeof *load.connections);
    if (!load.connections || kept + once > MOST_CONNECTIONS)
        die("load");
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would read what it prints */
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    read_requests();
    set_timer();
    load.began = nanoseconds_now();
    for (unsigned i = 0; i < load.connection_count; i++) {
        load.connections[i].fd = -1;
        load.connections[i].kept = i < kept;
        if (!load.rate)
            start_request(&load.connections[i], 0);
    }
    if (load.rate)
        wake_at(load.began + 1);
    run(atof(arguments[2]));
    tally_print(&tally, (double)(nanoseconds_now() - load.began) / 1e9);
    return 0;
}
