#include "crowd.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log.h"
#include "../settings.h"
#include "balance.h"
#include "listener.h"
#include "serve.h"
#include "threads.h"

enum {
    ACCEPTS = 8,            /* connections of one socket in a turn that has other work */
    ACCEPTS_IN_A_ROW = 16,  /* before another process is woken first */
    REQUESTS = 16,          /* of one connection in a turn, when they have come together */
    LINGER_SECONDS = 5,     /* for a client to notice that it has been answered */
    LINGER_TIMES = 4,       /* of the limit of a body: what a client may go on sending */
    EVICTABLE_SECONDS = 1,  /* of rest, before a connection has to make room for another */
    COMPLAINT_SECONDS = 60, /* between log lines about a shortage */
};

static struct {
    int queue;
    int64_t now; /* seconds */
    struct am_loop_wheel wheel;
    struct am_loop_connection *first, **end; /* whose next request has come already; by `queued` */
    bool wants_to_listen, listening;
    bool cannot_accept; /* until the next tick */
    uint32_t away;
    struct am_metrics *shared;       /* where all processes count; NULL: nowhere */
    struct am_metrics_loop *metrics; /* what this one counts */
} crowd;

static struct am_metrics_loop *counters_of(unsigned worker) {
    static struct am_metrics_loop unread;
    return crowd.shared ? &am_metrics_row(crowd.shared, worker, 0)->loop : &unread;
}

static void publish_count(void) {
    am_metrics_set(&crowd.metrics->connections, am_loop_connections_count());
}

bool am_loop_crowd_start(int queue, uint32_t capacity, int64_t now, struct am_metrics *metrics) {
    crowd.queue = queue;
    crowd.end = &crowd.first;
    crowd.shared = metrics;
    crowd.metrics = counters_of((unsigned)uwsgi.mywid);
    am_loop_crowd_set_time(now);
    am_loop_wheel_start(&crowd.wheel, crowd.now);
    if (!am_loop_connections_start(capacity))
        return false;
    publish_count(); /* instead of what a worker that was killed has left */
    am_loop_crowd_settle();
    return true;
}

uint32_t am_loop_crowd_away(void) {
    return crowd.away;
}

static void count_closed(enum am_metrics_closed reason) {
    am_metrics_count(&crowd.metrics->closed[reason], 1);
}

enum shortage { CONNECTIONS, DESCRIPTORS, MEMORY, SOCKETS, SHORTAGES };

/* A line for the first, and then once a minute: every connection notices a shortage. */
static void complain(enum shortage shortage, const char *what, const char *remedy) {
    static int64_t complained_at[SHORTAGES];
    if (complained_at[shortage] && crowd.now < complained_at[shortage] + COMPLAINT_SECONDS)
        return;
    complained_at[shortage] = crowd.now;
    am_publish_log(&am_uwsgi_log, "worker %d, %u connections: %s (%s)", uwsgi.mywid,
                   am_loop_connections_count(), what, remedy);
}

/* ---- the epoll set ----------------------------------------------------------------------------
 */

static void ignore(struct am_loop_connection *connection) {
    if (connection->registered)
        epoll_ctl(crowd.queue, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->registered = false;
}

static void forget(struct am_loop_connection *connection) {
    ignore(connection);
    am_loop_connection_free(connection);
    publish_count();
}

/* Closing alone would leave it in the epoll set for as long as a child that was forked has it. */
static void drop(struct am_loop_connection *connection) {
    int fd = connection->fd;
    forget(connection);
    close(fd);
}

/* False: the kernel has no memory for it. */
static bool watch(struct am_loop_connection *connection, uint32_t events) {
    struct epoll_event wanted = {events, {.u64 = am_loop_connection_key(connection)}};
    if (connection->registered && connection->events == events)
        return true;
    int change = connection->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(crowd.queue, change, connection->fd, &wanted) != 0)
        return false;
    connection->registered = true;
    connection->events = events;
    return true;
}

/* ---- timeouts ---------------------------------------------------------------------------------
 */

static int64_t timeout_of(enum am_loop_state state) {
    switch (state) {
    case AM_LOOP_HEAD:
        return (int64_t)am_uwsgi_settings.loop.head_timeout;
    case AM_LOOP_BODY:
        return (int64_t)am_uwsgi_settings.loop.body_timeout;
    case AM_LOOP_WRITING:
        return (int64_t)am_uwsgi_settings.loop.write_timeout;
    case AM_LOOP_LINGERING:
        return LINGER_SECONDS;
    default:
        return (int64_t)am_uwsgi_settings.loop.idle_timeout;
    }
}

/* A state's time runs from when it began, not from the last byte: a byte now and then does not hold
 * a connection. `before`: its last state, or FREE when a request has ended since. */
static void set_timer(struct am_loop_connection *connection, enum am_loop_state before) {
    if (connection->state != before || connection->state == AM_LOOP_IDLE)
        am_loop_wheel_set(&crowd.wheel, &connection->timer,
                          crowd.now + 1 + timeout_of(connection->state));
}

/* ---- what is next for a connection ------------------------------------------------------------
 */

static void wait_for_turn(struct am_loop_connection *connection) {
    connection->queued = NULL;
    *crowd.end = connection;
    crowd.end = &connection->queued;
}

static void give(struct am_loop_connection *connection) {
    ignore(connection);
    am_loop_wheel_cancel(&connection->timer);
    am_metrics_count(&crowd.metrics->handed_over, 1);
    crowd.away++;
    am_loop_threads_give(connection);
}

static void starve(struct am_loop_connection *connection) {
    complain(MEMORY, "some are closed, to keep within admatch-connection-memory",
             "incomplete requests and unsent answers fill it");
    count_closed(AM_METRICS_CLOSED_STARVED);
    drop(connection);
}

static void
act(struct am_loop_connection *connection, enum am_loop_next next, enum am_loop_state before) {
    uint32_t events = next == AM_LOOP_WRITE ? EPOLLOUT : EPOLLIN;
    switch (next) {
    case AM_LOOP_LINGER:
        shutdown(connection->fd, SHUT_WR);
        /* fallthrough */
    case AM_LOOP_READ:
    case AM_LOOP_WRITE:
        if (watch(connection, events))
            set_timer(connection, before);
        else
            drop(connection);
        return;
    case AM_LOOP_SERVE:
        wait_for_turn(connection);
        return;
    case AM_LOOP_GIVE:
        give(connection);
        return;
    case AM_LOOP_STARVED:
        starve(connection);
        return;
    case AM_LOOP_CLOSE:
        drop(connection);
        return;
    case AM_LOOP_FORGET:
        forget(connection);
        return;
    }
}

static void proceed(struct am_loop_connection *connection) {
    enum am_loop_state before = connection->state;
    enum am_loop_next next = am_loop_serve(connection);
    for (unsigned i = 1; i < REQUESTS && next == AM_LOOP_SERVE; i++) {
        before = AM_LOOP_FREE;
        next = am_loop_serve(connection);
    }
    act(connection, next, before);
}

/* What a client sends that nobody will read. Without reading it, the kernel would answer it with a
 * reset, which can overtake the answer (RFC 9112, section 9.6). */
static void drain(struct am_loop_connection *connection) {
    char dropped[16 << 10];
    ssize_t size = recv(connection->fd, dropped, sizeof dropped, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    connection->dropped += size > 0 ? (size_t)size : 0;
    if (size <= 0 || connection->dropped > am_uwsgi_settings.limit_body * LINGER_TIMES)
        drop(connection);
}

void am_loop_crowd_event(uint64_t key, uint32_t events) {
    struct am_loop_connection *connection = am_loop_connection_of_key(key);
    if (!connection)
        return; /* closed by an event before this one */
    if (events & EPOLLERR) {
        drop(connection); /* the client has reset it: uWSGI's parser would log that */
        return;
    }
    switch ((enum am_loop_state)connection->state) {
    case AM_LOOP_IDLE:
        if (connection->input.size)
            return; /* it waits for its turn */
        /* fallthrough */
    case AM_LOOP_HEAD:
    case AM_LOOP_BODY:
        proceed(connection);
        return;
    case AM_LOOP_WRITING:
        act(connection, am_loop_serve_flush(connection), AM_LOOP_WRITING);
        return;
    case AM_LOOP_LINGERING:
        drain(connection);
        return;
    case AM_LOOP_AWAY:
    case AM_LOOP_FREE:
        return;
    }
}

bool am_loop_crowd_go_on(void) {
    struct am_loop_connection *connection = crowd.first;
    crowd.first = NULL;
    crowd.end = &crowd.first;
    while (connection) {
        struct am_loop_connection *next = connection->queued;
        proceed(connection);
        connection = next;
    }
    return crowd.first;
}

void am_loop_crowd_take_back(void) {
    struct am_loop_connection *connection = am_loop_threads_take_back();
    while (connection) {
        struct am_loop_connection *next = connection->queued;
        crowd.away--;
        act(connection, am_loop_serve_back(connection), AM_LOOP_AWAY);
        connection = next;
    }
}

/* ---- accepting --------------------------------------------------------------------------------
 */

static void set_listener(unsigned index, bool listen) {
    struct epoll_event wanted = {EPOLLIN | EPOLLEXCLUSIVE, {.u64 = UINT64_C(1) << 63 | index}};
    int change = listen ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (epoll_ctl(crowd.queue, change, am_loop_listener_at(index)->fd, &wanted) != 0)
        am_publish_log(&am_uwsgi_log, "worker %d: epoll_ctl of a socket: %s", uwsgi.mywid,
                       strerrordesc_np(errno));
}

static void set_listening(bool listen) {
    if (crowd.listening == listen)
        return;
    crowd.listening = listen;
    for (unsigned i = 0; i < am_loop_listeners_count(); i++)
        set_listener(i, listen);
}

void am_loop_crowd_listen(bool listen) {
    crowd.wants_to_listen = listen;
    set_listening(listen);
}

/* Connections wait in the kernel, or go to another process. */
static void pause_listening(enum shortage shortage, const char *what, const char *remedy) {
    complain(shortage, what, remedy);
    am_metrics_count(&crowd.metrics->pauses, 1);
    set_listening(false);
}

/* As long as somebody rests, a new connection need not wait. */
static bool evict(void) {
    int64_t rested = crowd.now + 1 + timeout_of(AM_LOOP_IDLE) - EVICTABLE_SECONDS;
    struct am_loop_connection *idlest = am_loop_connection_idlest(rested);
    if (!idlest)
        return false;
    count_closed(AM_METRICS_CLOSED_EVICTED);
    drop(idlest);
    return true;
}

static bool make_room(void) {
    if (!am_loop_connections_full() || evict())
        return true;
    pause_listening(CONNECTIONS, "no more are accepted for now", "admatch-connections is reached");
    return false;
}

/* Errors of a connection that was given up before it was accepted (accept(2)). */
static bool is_of_connection(int error) {
    static const int errors[] = {ECONNABORTED, EINTR,       EPERM,      EPROTO,
                                 ENETDOWN,     ENOPROTOOPT, EHOSTDOWN,  ENONET,
                                 EHOSTUNREACH, EOPNOTSUPP,  ENETUNREACH};
    for (size_t i = 0; i < AM_COUNT_OF(errors); i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* Other errors would come again at once. */
static void stop_accepting(int error) {
    bool descriptors = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    crowd.cannot_accept = !descriptors || !evict();
    if (descriptors)
        pause_listening(DESCRIPTORS, strerrordesc_np(error),
                        "max-fd, or less in admatch-connections");
    else
        pause_listening(SOCKETS, strerrordesc_np(error), "accept4");
}

/* False: no connection waits, or none can be had. */
static bool accept_one(unsigned listener) {
    struct am_loop_connection *connection = am_loop_listener_accept(listener);
    if (connection) {
        am_metrics_count(&crowd.metrics->accepted, 1);
        publish_count();
        proceed(connection);
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return false;
    if (is_of_connection(errno))
        return true;
    stop_accepting(errno);
    return false;
}

/* To the end of the line of those whom the kernel wakes. */
static void give_precedence(unsigned listener) {
    set_listener(listener, false);
    set_listener(listener, true);
}

/* Alone, one connection a turn saves the call that finds no other. */
void am_loop_crowd_accept(unsigned listener, bool alone) {
    static unsigned in_a_row;
    unsigned accepts = alone ? 1 : ACCEPTS;
    for (unsigned i = 0; i < accepts && crowd.listening && make_room(); i++) {
        if (!accept_one(listener))
            return;
        if (++in_a_row % ACCEPTS_IN_A_ROW == 0 && crowd.listening)
            give_precedence(listener);
    }
}

/* ---- once a second ----------------------------------------------------------------------------
 */

void am_loop_crowd_set_time(int64_t now) {
    crowd.now = now / 1000;
}

static void expire(struct am_loop_connection *connection) {
    static const enum am_metrics_closed reasons[] = {
        [AM_LOOP_IDLE] = AM_METRICS_CLOSED_IDLE,
        [AM_LOOP_HEAD] = AM_METRICS_CLOSED_HEAD,
        [AM_LOOP_BODY] = AM_METRICS_CLOSED_BODY,
        [AM_LOOP_WRITING] = AM_METRICS_CLOSED_WRITE,
    };
    if (connection->state == AM_LOOP_IDLE && connection->input.size)
        return; /* it waits for its turn */
    if (connection->state != AM_LOOP_LINGERING)
        count_closed(reasons[connection->state]);
    if (connection->state == AM_LOOP_BODY)
        act(connection, am_loop_serve_cut(connection), AM_LOOP_BODY);
    else
        drop(connection);
}

/* Workers that serve, this one included, and their connections. */
static void compare_with_others(void) {
    uint64_t all = 0;
    unsigned processes = 0;
    for (int worker = 1; worker <= uwsgi.numproc; worker++) {
        const struct uwsgi_worker *other = &uwsgi.workers[worker];
        if (other->pid <= 0 || other->cheaped || !other->accepting || !other->manage_next_request)
            continue;
        all += __atomic_load_n(&counters_of((unsigned)worker)->connections, __ATOMIC_RELAXED);
        processes++;
    }
    am_loop_balance_set(am_loop_connections_count(), all, processes);
    am_metrics_count(&crowd.metrics->closed[AM_METRICS_CLOSED_BALANCE], am_loop_balance_taken());
}

/* A connection can be overlooked: the kernel has woken this process for it, and another that was
 * woken died, or had no room. Listening anew finds it. */
void am_loop_crowd_tick(void) {
    struct am_loop_timer *timer;
    while ((timer = am_loop_wheel_expire(&crowd.wheel, crowd.now)))
        expire((struct am_loop_connection *)timer);
    crowd.cannot_accept = false;
    if (crowd.wants_to_listen) {
        set_listening(false);
        set_listening(!am_loop_connections_full() || evict());
    }
    compare_with_others();
}

void am_loop_crowd_settle(void) {
    if (crowd.wants_to_listen && !crowd.cannot_accept && !am_loop_connections_full())
        set_listening(true);
    am_metrics_set(&crowd.metrics->buffered_bytes, am_loop_bytes_kept());
    am_metrics_set(&crowd.metrics->blocking, crowd.away);
}

void am_loop_crowd_leave(void) {
    am_metrics_set(&crowd.metrics->connections, 0);
    am_metrics_set(&crowd.metrics->buffered_bytes, 0);
    am_metrics_set(&crowd.metrics->blocking, 0);
}

void am_loop_crowd_dismiss(void) {
    struct am_loop_connection *connection = NULL;
    while ((connection = am_loop_connection_next(connection))) {
        if (!am_loop_connection_rests(connection))
            continue;
        uint64_t key = am_loop_connection_key(connection);
        proceed(connection);
        if (am_loop_connection_of_key(key) && am_loop_connection_rests(connection))
            drop(connection);
    }
}
