/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

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
    ACCEPTS = 8,           /* connections accepted from a socket in a turn with other events */
    ACCEPTS_IN_A_ROW = 16, /* before another process is woken first */
    REQUESTS = 16,         /* pipelined requests of a connection in a turn */
    LINGER_SECONDS = 5,    /* that a client may go on sending after its last answer */
    LINGER_TIMES = 4,      /* of admatch-limit-body: bytes it may send meanwhile */
    EVICTABLE_SECONDS = 1, /* idle time before a connection makes room for another */
    LOG_SECONDS = 60,      /* between log lines about one shortage */
};

static struct {
    int queue;
    int64_t now; /* seconds */
    struct am_loop_wheel wheel;
    struct am_loop_connections ready; /* their next request is buffered already */
    unsigned ready_count;
    bool wants_to_listen, listening;
    bool cannot_accept;              /* until the next tick */
    uint32_t blocking;               /* connections handed over to blocking threads */
    struct am_metrics *shared;       /* counters of all workers; NULL: none */
    struct am_metrics_loop *metrics; /* this worker's */
} dispatch;

static struct am_metrics_loop *counters_of(unsigned worker) {
    static struct am_metrics_loop unread;
    return dispatch.shared ? &am_metrics_row(dispatch.shared, worker, 0)->loop : &unread;
}

static void publish_count(void) {
    am_metrics_set(&dispatch.metrics->connections, am_loop_connections_count());
}

bool am_loop_dispatch_start(int queue, uint32_t capacity, int64_t now, struct am_metrics *metrics) {
    dispatch.queue = queue;
    TAILQ_INIT(&dispatch.ready);
    dispatch.shared = metrics;
    dispatch.metrics = counters_of((unsigned)uwsgi.mywid);
    am_loop_dispatch_set_time(now);
    am_loop_wheel_start(&dispatch.wheel, dispatch.now);
    if (!am_loop_connections_start(capacity))
        return false;
    publish_count(); /* a worker that was killed has left its count */
    am_loop_dispatch_end_turn();
    return true;
}

uint32_t am_loop_dispatch_blocking(void) {
    return dispatch.blocking;
}

static void count_closed(enum am_metrics_closed reason) {
    am_metrics_count(&dispatch.metrics->closed[reason], 1);
}

enum shortage { CONNECTIONS, DESCRIPTORS, MEMORY, SOCKETS, WATCHES, SHORTAGES };

/* At once, then once a minute: under a shortage every connection would log a line. */
static void log_shortage(enum shortage shortage, const char *what, const char *remedy) {
    static int64_t logged_at[SHORTAGES];
    if (logged_at[shortage] && dispatch.now < logged_at[shortage] + LOG_SECONDS)
        return;
    logged_at[shortage] = dispatch.now;
    am_publish_log(&am_uwsgi_log, "worker %d, %u connections: %s (%s)", uwsgi.mywid,
                   am_loop_connections_count(), what, remedy);
}

static const char *epoll_remedy(int error) {
    return error == ENOSPC ? "epoll_ctl: raise fs.epoll.max_user_watches, or lower "
                             "admatch-connections"
                           : "epoll_ctl: the kernel is out of memory";
}

/* ---- the ready list ---------------------------------------------------------------------------
 */

static void list_ready(struct am_loop_connection *connection) {
    connection->ready = true;
    TAILQ_INSERT_TAIL(&dispatch.ready, connection, ready_link);
    dispatch.ready_count++;
}

static void unlist_ready(struct am_loop_connection *connection) {
    if (!connection->ready)
        return;
    connection->ready = false;
    TAILQ_REMOVE(&dispatch.ready, connection, ready_link);
    dispatch.ready_count--;
}

/* ---- the epoll set ----------------------------------------------------------------------------
 */

static void ignore(struct am_loop_connection *connection) {
    if (connection->registered)
        epoll_ctl(dispatch.queue, EPOLL_CTL_DEL, connection->fd, NULL);
    connection->registered = false;
}

static void forget(struct am_loop_connection *connection) {
    ignore(connection);
    unlist_ready(connection);
    am_loop_connection_free(connection);
    publish_count();
}

/* Closing alone would leave it in the epoll set while a forked child still holds a copy. */
static void drop(struct am_loop_connection *connection) {
    int fd = connection->fd;
    forget(connection);
    close(fd);
}

/* False, with errno: ENOSPC, ENOMEM. */
static bool watch(struct am_loop_connection *connection, uint32_t events) {
    struct epoll_event wanted = {events, {.u64 = am_loop_connection_key(connection)}};
    if (connection->registered && connection->events == events)
        return true;
    int change = connection->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(dispatch.queue, change, connection->fd, &wanted) != 0)
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

/* A timeout runs from the beginning of a state, not from the last byte, so that a client cannot
 * prolong it byte by byte. `before`: the last state, or FREE when a request has ended since. */
static void set_timer(struct am_loop_connection *connection, enum am_loop_state before) {
    if (connection->state != before || connection->state == AM_LOOP_IDLE)
        am_loop_wheel_set(&dispatch.wheel, &connection->timer,
                          dispatch.now + 1 + timeout_of(connection->state));
}

/* ---- listening --------------------------------------------------------------------------------
 */

/* Without a watch, the socket accepts nothing until the next tick tries again. */
static void set_listener(unsigned index, bool listen) {
    struct epoll_event wanted = {EPOLLIN | EPOLLEXCLUSIVE, {.u64 = UINT64_C(1) << 63 | index}};
    int change = listen ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (epoll_ctl(dispatch.queue, change, am_loop_listener_at(index)->fd, &wanted) != 0 && listen)
        log_shortage(WATCHES, "a socket accepts nothing for a second", epoll_remedy(errno));
}

static void set_listening(bool listen) {
    if (dispatch.listening == listen)
        return;
    dispatch.listening = listen;
    for (unsigned i = 0; i < am_loop_listeners_count(); i++)
        set_listener(i, listen);
}

void am_loop_dispatch_listen(bool listen) {
    dispatch.wants_to_listen = listen;
    set_listening(listen);
}

/* New connections wait in the kernel, or another process accepts them. */
static void pause_listening(enum shortage shortage, const char *what, const char *remedy) {
    log_shortage(shortage, what, remedy);
    am_metrics_count(&dispatch.metrics->pauses, 1);
    set_listening(false);
}

/* ---- what is next for a connection ------------------------------------------------------------
 */

static void hand_over(struct am_loop_connection *connection) {
    ignore(connection);
    am_loop_wheel_cancel(&connection->timer);
    am_metrics_count(&dispatch.metrics->handed_over, 1);
    dispatch.blocking++;
    am_loop_threads_submit(connection);
}

static void close_over_limit(struct am_loop_connection *connection) {
    log_shortage(MEMORY, "some are closed, to keep within admatch-connection-memory",
                 "incomplete requests and unsent answers fill it");
    count_closed(AM_METRICS_CLOSED_STARVED);
    drop(connection);
}

/* Without a watch, no event would ever come. New connections would fare no better before the next
 * tick, so they wait in the kernel. */
static void close_unwatched(struct am_loop_connection *connection) {
    const char *remedy = epoll_remedy(errno);
    count_closed(AM_METRICS_CLOSED_UNWATCHED);
    drop(connection);
    dispatch.cannot_accept = true;
    pause_listening(WATCHES, "some are closed, and accepting pauses", remedy);
}

static void
apply(struct am_loop_connection *connection, enum am_loop_next next, enum am_loop_state before) {
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
            close_unwatched(connection);
        return;
    case AM_LOOP_SERVE:
        list_ready(connection);
        return;
    case AM_LOOP_HAND_OVER:
        hand_over(connection);
        return;
    case AM_LOOP_NO_MEMORY:
        close_over_limit(connection);
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
    apply(connection, next, before);
}

/* Drops what a client still sends. The kernel answers unread data with a reset, which can overtake
 * the answer (RFC 9112, section 9.6). */
static void drop_input(struct am_loop_connection *connection) {
    char dropped[16 << 10];
    ssize_t size = recv(connection->fd, dropped, sizeof dropped, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    connection->dropped += size > 0 ? (size_t)size : 0;
    if (size <= 0 || connection->dropped > am_uwsgi_settings.limit_body * LINGER_TIMES)
        drop(connection);
}

void am_loop_dispatch_event(uint64_t key, uint32_t events) {
    struct am_loop_connection *connection = am_loop_connection_of_key(key);
    if (!connection || connection->state == AM_LOOP_BLOCKING)
        return; /* an earlier event of this turn has closed it or handed it over */
    if (events & EPOLLERR) {
        drop(connection); /* reset by the client; uWSGI's parser would log it */
        return;
    }
    switch ((enum am_loop_state)connection->state) {
    case AM_LOOP_IDLE:
        if (connection->ready)
            return; /* served at the end of the turn */
        /* fallthrough */
    case AM_LOOP_HEAD:
    case AM_LOOP_BODY:
        proceed(connection);
        return;
    case AM_LOOP_WRITING:
        apply(connection, am_loop_serve_flush(connection), AM_LOOP_WRITING);
        return;
    case AM_LOOP_LINGERING:
        drop_input(connection);
        return;
    case AM_LOOP_BLOCKING:
    case AM_LOOP_FREE:
        return;
    }
}

/* Those that become ready again meanwhile wait for the next turn. */
bool am_loop_dispatch_ready(void) {
    for (unsigned left = dispatch.ready_count; left && dispatch.ready_count; left--) {
        struct am_loop_connection *connection = TAILQ_FIRST(&dispatch.ready);
        unlist_ready(connection);
        proceed(connection);
    }
    return dispatch.ready_count;
}

void am_loop_dispatch_collect(void) {
    struct am_loop_connection *connection = am_loop_threads_collect();
    while (connection) {
        struct am_loop_connection *next = connection->queued;
        dispatch.blocking--;
        apply(connection, am_loop_serve_returned(connection), AM_LOOP_BLOCKING);
        connection = next;
    }
}

/* ---- accepting --------------------------------------------------------------------------------
 */

/* Closes an idle connection to make room for a new one. False: none is idle. */
static bool evict(void) {
    int64_t deadline = dispatch.now + 1 + timeout_of(AM_LOOP_IDLE) - EVICTABLE_SECONDS;
    struct am_loop_connection *victim = am_loop_connection_least_recent(deadline);
    if (!victim)
        return false;
    count_closed(AM_METRICS_CLOSED_EVICTED);
    drop(victim);
    return true;
}

static bool make_room(void) {
    if (!am_loop_connections_full() || evict())
        return true;
    pause_listening(CONNECTIONS, "accepting pauses",
                    "admatch-connections is reached, and none is idle");
    return false;
}

/* Errors of one connection, which its client gave up before it was accepted (accept(2)). */
static bool is_of_connection(int error) {
    static const int errors[] = {ECONNABORTED, EINTR,       EPERM,      EPROTO,
                                 ENETDOWN,     ENOPROTOOPT, EHOSTDOWN,  ENONET,
                                 EHOSTUNREACH, EOPNOTSUPP,  ENETUNREACH};
    for (size_t i = 0; i < AM_COUNT_OF(errors); i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* Any other error would recur in the next turn. */
static void stop_accepting(int error) {
    bool descriptors = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    dispatch.cannot_accept = !descriptors || !evict();
    if (descriptors)
        pause_listening(DESCRIPTORS, strerrordesc_np(error),
                        "raise max-fd, or lower admatch-connections");
    else
        pause_listening(SOCKETS, strerrordesc_np(error), "accept4");
}

/* False: there is none to accept, or accepting has paused. */
static bool accept_one(unsigned listener) {
    struct am_loop_connection *connection = am_loop_listener_accept(listener);
    if (connection) {
        am_metrics_count(&dispatch.metrics->accepted, 1);
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

/* Moves this process to the end of the socket's wait queue. */
static void yield_listening(unsigned listener) {
    set_listener(listener, false);
    set_listener(listener, true);
}

/* With no other event, one accept a turn saves the second call, which usually finds nothing. */
void am_loop_dispatch_accept(unsigned listener, bool alone) {
    static unsigned in_a_row;
    unsigned accepts = alone ? 1 : ACCEPTS;
    for (unsigned i = 0; i < accepts && dispatch.listening && make_room(); i++) {
        if (!accept_one(listener))
            return;
        if (++in_a_row % ACCEPTS_IN_A_ROW == 0 && dispatch.listening)
            yield_listening(listener);
    }
}

/* ---- once a second ----------------------------------------------------------------------------
 */

void am_loop_dispatch_set_time(int64_t now) {
    dispatch.now = now / 1000;
}

static void expire(struct am_loop_connection *connection) {
    static const enum am_metrics_closed reasons[] = {
        [AM_LOOP_IDLE] = AM_METRICS_CLOSED_IDLE,
        [AM_LOOP_HEAD] = AM_METRICS_CLOSED_HEAD,
        [AM_LOOP_BODY] = AM_METRICS_CLOSED_BODY,
        [AM_LOOP_WRITING] = AM_METRICS_CLOSED_WRITE,
    };
    if (connection->ready)
        return; /* its next request has arrived in time */
    if (connection->state != AM_LOOP_LINGERING)
        count_closed(reasons[connection->state]);
    if (connection->state == AM_LOOP_BODY)
        apply(connection, am_loop_serve_truncated(connection), AM_LOOP_BODY);
    else
        drop(connection);
}

static void balance_with_others(void) {
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
    am_metrics_count(&dispatch.metrics->closed[AM_METRICS_CLOSED_BALANCE], am_loop_balance_taken());
}

/* Listening anew finds connections that no process was woken for: the one that was has died, or had
 * no room. */
void am_loop_dispatch_tick(void) {
    struct am_loop_timer *timer;
    while ((timer = am_loop_wheel_expire(&dispatch.wheel, dispatch.now)))
        expire((struct am_loop_connection *)timer);
    dispatch.cannot_accept = false;
    if (dispatch.wants_to_listen) {
        set_listening(false);
        set_listening(true);
    }
    balance_with_others();
}

void am_loop_dispatch_end_turn(void) {
    if (dispatch.wants_to_listen && !dispatch.cannot_accept && !am_loop_connections_full())
        set_listening(true);
    am_metrics_set(&dispatch.metrics->buffered_bytes, am_loop_pending_total());
    am_metrics_set(&dispatch.metrics->blocking, dispatch.blocking);
}

void am_loop_dispatch_stop(void) {
    am_metrics_set(&dispatch.metrics->connections, 0);
    am_metrics_set(&dispatch.metrics->buffered_bytes, 0);
    am_metrics_set(&dispatch.metrics->blocking, 0);
}

void am_loop_dispatch_close_idle(void) {
    struct am_loop_connection *connection = NULL;
    while ((connection = am_loop_connection_next(connection))) {
        if (!am_loop_connection_is_idle(connection))
            continue;
        uint64_t key = am_loop_connection_key(connection);
        proceed(connection);
        if (am_loop_connection_of_key(key) && am_loop_connection_is_idle(connection))
            drop(connection);
    }
}
