/* SPDX-License-Identifier: Apache-2.0 */
/* Many kept connections at a fixed rate: each asks the next request of a file when its turn comes,
 * whether the others have been answered or not. Latencies count from when a request was due.
 *
 *   herd PORT CONNECTIONS RATE SECONDS < TARGETS
 *
 * Connects all first, at most CONNECTING at a time, and prints "connected" when all are; begins
 * with the first line of standard input after the targets, which an empty line ends, or at their
 * end. Prints one JSON object: rates, latencies in microseconds, and what was lost. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTING = 64, EVENTS = 512, ROOM = 16 << 10, WARM_UP = 1 };

struct connection {
    int fd;
    bool connected, waiting;
    uint64_t due;   /* of the request that waits */
    size_t missing; /* bytes of the answer; 0: its head is not whole */
    size_t size;    /* of the head so far */
    char head[1024];
};

static struct {
    struct sockaddr_in address;
    char **requests;
    size_t request_count, next_request;
    struct connection *connections;
    unsigned count, connecting, connected;
    int queue, timer;
    uint64_t began, rate, scheduled, measured_from;
} herd;

static struct {
    uint64_t sent, answered, late, dropped, other;
    uint32_t *latencies; /* microseconds */
    size_t latency_count, latency_room;
} seen;

static void die(const char *what) {
    perror(what);
    exit(2);
}

static uint64_t nanoseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- connecting -------------------------------------------------------------------------------
 */

static void watch(struct connection *connection, int change, uint32_t events) {
    struct epoll_event event = {events, {.ptr = connection}};
    if (epoll_ctl(herd.queue, change, connection->fd, &event) != 0)
        die("epoll_ctl");
}

static void start_connecting(struct connection *connection) {
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        die("socket");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(connection->fd, (struct sockaddr *)&herd.address, sizeof herd.address) != 0 &&
        errno != EINPROGRESS)
        die("connect");
    watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
    herd.connecting++;
}

static void end_connecting(struct connection *connection) {
    int status = 0;
    socklen_t size = sizeof status;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &status, &size);
    herd.connecting--;
    if (status) {
        errno = status;
        die("connect");
    }
    connection->connected = true;
    herd.connected++;
    watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

static void connect_all(void) {
    struct epoll_event events[EVENTS];
    unsigned started = 0;
    while (herd.connected < herd.count) {
        while (started < herd.count && herd.connecting < CONNECTING)
            start_connecting(&herd.connections[started++]);
        int count = epoll_wait(herd.queue, events, EVENTS, 1000);
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr)
                end_connecting(events[i].data.ptr);
    }
}

/* ---- requests and answers ---------------------------------------------------------------------
 */

static void drop(struct connection *connection) {
    if (connection->fd >= 0) {
        close(connection->fd);
        seen.dropped++;
    }
    connection->fd = -1;
    connection->waiting = false;
}

static void ask(struct connection *connection, uint64_t due) {
    const char *request = herd.requests[herd.next_request++ % herd.request_count];
    size_t size = strlen(request);
    connection->due = due;
    connection->size = connection->missing = 0;
    connection->waiting = true;
    seen.sent++;
    if (send(connection->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
        drop(connection);
}

static void note_latency(uint64_t due) {
    if (due < herd.measured_from)
        return;
    if (seen.latency_count == seen.latency_room) {
        seen.latency_room = seen.latency_room ? 2 * seen.latency_room : 1 << 20;
        seen.latencies = realloc(seen.latencies, seen.latency_room * sizeof *seen.latencies);
        if (!seen.latencies)
            die("herd");
    }
    seen.latencies[seen.latency_count++] = (uint32_t)((nanoseconds_now() - due) / 1000);
}

static void end_answer(struct connection *connection) {
    connection->waiting = false;
    seen.answered++;
    seen.other += strncmp(connection->head, "HTTP/1.1 200", 12) != 0;
    note_latency(connection->due);
}

/* Bytes of an answer that are still to come, once its head is whole. */
static bool read_head(struct connection *connection, const char *data, size_t size) {
    size_t room = sizeof connection->head - 1 - connection->size;
    size_t taken = size < room ? size : room;
    memcpy(connection->head + connection->size, data, taken);
    connection->head[connection->size + taken] = '\0';
    char *end = strstr(connection->head, "\r\n\r\n");
    char *length = strcasestr(connection->head, "\r\nContent-Length:");
    size_t before = connection->size;
    connection->size += taken;
    if (!end || !length || length > end)
        return false;
    size_t whole = (size_t)(end + 4 - connection->head) + strtoul(length + 17, NULL, 10);
    connection->missing = whole > before + size ? whole - before - size : 0;
    return true;
}

static void receive(struct connection *connection) {
    static char data[ROOM];
    ssize_t size = recv(connection->fd, data, sizeof data, 0);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0 || !connection->waiting) {
        drop(connection);
        return;
    }
    if (!connection->missing) {
        if (read_head(connection, data, (size_t)size) && !connection->missing)
            end_answer(connection);
        return;
    }
    connection->missing -= (size_t)size < connection->missing ? (size_t)size : connection->missing;
    if (!connection->missing)
        end_answer(connection);
}

/* ---- time -------------------------------------------------------------------------------------
 */

static void keep_rate(void) {
    uint64_t now = nanoseconds_now(), due;
    while ((due = herd.began + herd.scheduled * 1000000000 / herd.rate) <= now) {
        struct connection *connection = &herd.connections[herd.scheduled++ % herd.count];
        if (connection->fd < 0)
            continue;
        if (connection->waiting)
            seen.late++; /* its last answer is not here yet */
        else
            ask(connection, due);
    }
    struct itimerspec at = {.it_value = {(time_t)(due / 1000000000), (long)(due % 1000000000)}};
    if (timerfd_settime(herd.timer, TFD_TIMER_ABSTIME, &at, NULL) != 0)
        die("timer");
}

static void run(double seconds) {
    struct epoll_event events[EVENTS];
    uint64_t end;
    herd.began = nanoseconds_now();
    herd.measured_from = herd.began + (uint64_t)WARM_UP * 1000000000;
    end = herd.measured_from + (uint64_t)(seconds * 1e9);
    while (nanoseconds_now() < end) {
        keep_rate();
        int count = epoll_wait(herd.queue, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            uint64_t expirations;
            if (events[i].data.ptr)
                receive(events[i].data.ptr);
            else if (read(herd.timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
                die("timer");
        }
    }
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t percentile(double share) {
    size_t at = (size_t)(share * (double)seen.latency_count);
    return seen.latency_count ? seen.latencies[at < seen.latency_count ? at : at - 1] : 0;
}

static void print(double seconds) {
    qsort(seen.latencies, seen.latency_count, sizeof *seen.latencies, compare);
    printf("{\"rate\":%.1f,\"p50\":%u,\"p99\":%u,\"p999\":%u,\"longest\":%u,\"answered\":%llu,"
           "\"late\":%llu,\"dropped\":%llu,\"other\":%llu}\n",
           (double)seen.latency_count / seconds, percentile(0.5), percentile(0.99),
           percentile(0.999), percentile(1), (unsigned long long)seen.answered,
           (unsigned long long)seen.late, (unsigned long long)seen.dropped,
           (unsigned long long)seen.other);
}

static bool read_targets(void) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0 && line[0] != '\n') {
        line[strcspn(line, "\n")] = '\0';
        herd.requests = reallocarray(herd.requests, herd.request_count + 1, sizeof *herd.requests);
        if (!herd.requests || asprintf(&herd.requests[herd.request_count++],
                                       "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", line) < 0)
            die("herd");
    }
    free(line);
    return herd.request_count;
}

static void open_files(unsigned count) {
    struct rlimit limit = {count + 64, count + 64}, had;
    if (getrlimit(RLIMIT_NOFILE, &had) != 0)
        die("getrlimit");
    limit.rlim_max = had.rlim_max;
    if (had.rlim_cur < limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit");
}

int main(int count, char **arguments) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (count != 5 || !read_targets()) {
        fprintf(stderr, "usage: herd PORT CONNECTIONS RATE SECONDS < TARGETS\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    herd.address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)atoi(arguments[1])),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    herd.count = (unsigned)atoi(arguments[2]);
    herd.rate = strtoull(arguments[3], NULL, 10);
    herd.connections = calloc(herd.count, sizeof *herd.connections);
    herd.queue = epoll_create1(EPOLL_CLOEXEC);
    herd.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!herd.connections || herd.queue < 0 || herd.timer < 0 ||
        epoll_ctl(herd.queue, EPOLL_CTL_ADD, herd.timer, &event) != 0)
        die("herd");
    open_files(herd.count);
    connect_all();
    printf("connected\n");
    fflush(stdout);
    while (getchar() != EOF && !feof(stdin))
        break;
    run(atof(arguments[4]));
    print(atof(arguments[4]));
    return 0;
}
