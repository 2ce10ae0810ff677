/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../base/clock.h"
#include "../host.h"
#include "../log.h"
#include "../settings.h"
#include "dispatch.h"
#include "harakiri.h"
#include "hooks.h"
#include "listener.h"
#include "serve.h"
#include "stop.h"
#include "threads.h"

enum {
    EVENTS = 128,
    IDLE_WAIT = 1000,   /* milliseconds: the tick */
    STOPPING_WAIT = 20, /* milliseconds */
    DRAIN_TIME = 1000,  /* milliseconds, for answers to announce the end */
};

/* File descriptors for everything but connections. */
static const uint64_t spare_descriptors = 128;

/* Keys in the epoll set, besides those of sockets (SPECIAL | index) and of connections, which are
 * below SPECIAL. */
#define SPECIAL (UINT64_C(1) << 63)
#define KEY_WAKE (SPECIAL | 0x100)
#define KEY_SIGNAL (SPECIAL | 0x200)     /* of any worker */
#define KEY_OWN_SIGNAL (SPECIAL | 0x300) /* of this one */

static struct am_metrics *shared; /* counters of all workers; NULL: there is no inventory */

static struct {
    int queue, wake;
    int64_t now;        /* milliseconds of CLOCK_MONOTONIC, of this turn */
    int64_t ticked;     /* the second of the last tick */
    int64_t stopped_at; /* 0: not stopping */
    bool closed_idle;   /* idle connections have been closed */
    bool has_ready;     /* some connections have their next request buffered */
} loop;

/* ---- events -----------------------------------------------------------------------------------
 */

static void clear_wake(void) {
    uint64_t count;
    if (read(loop.wake, &count, sizeof count) < 0)
        return; /* nobody has written */
    am_loop_dispatch_collect();
}

static void handle(const struct epoll_event *event, bool alone) {
    uint64_t key = event->data.u64;
    static char role[] = "worker";
    if (key == KEY_WAKE)
        clear_wake();
    else if (key == KEY_SIGNAL)
        uwsgi_receive_signal(uwsgi.signal_socket, role, uwsgi.mywid);
    else if (key == KEY_OWN_SIGNAL)
        uwsgi_receive_signal(uwsgi.my_signal_socket, role, uwsgi.mywid);
    else if (key & SPECIAL)
        am_loop_dispatch_accept((unsigned)(key & 0xFF), alone);
    else
        am_loop_dispatch_event(key, event->events);
}

static void set_time(void) {
    loop.now = am_clock_milliseconds(CLOCK_MONOTONIC);
    am_loop_dispatch_set_time(loop.now);
}

static int wait_time(void) {
    if (loop.has_ready)
        return 0;
    return loop.stopped_at ? STOPPING_WAIT : IDLE_WAIT;
}

/* A pause (SIGTSTP) also holds back accepting; wsgi_req_setup holds back requests only. */
static void wait_while_suspended(void) {
    while (uwsgi.workers[uwsgi.mywid].suspended && !am_loop_stopping())
        usleep(STOPPING_WAIT * 1000);
}

static void tick(void) {
    if (loop.ticked == loop.now / 1000)
        return;
    loop.ticked = loop.now / 1000;
    am_loop_dispatch_tick();
    if (uwsgi.has_emperor && uwsgi.heartbeat)
        uwsgi_heartbeat();
}

/* Core 0 counts as in a request while the loop does not wait: cheaper samples that. */
static void turn(void) {
    struct epoll_event events[EVENTS];
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = loop.has_ready;
    int count = epoll_wait(loop.queue, events, EVENTS, wait_time());
    uwsgi.workers[uwsgi.mywid].cores[0].in_request = count > 0;
    wait_while_suspended();
    set_time();
    for (int i = 0; i < count; i++)
        handle(&events[i], count == 1);
    loop.has_ready = am_loop_dispatch_ready();
    tick();
    am_loop_dispatch_end_turn();
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static void begin_to_stop(void) {
    am_loop_stop_begin();
    am_loop_dispatch_listen(false);
    loop.stopped_at = loop.now;
}

/* For DRAIN_TIME, answers on idle connections may still announce the end; then idle connections are
 * closed. Others have admatch-grace, and blocking threads until worker-reload-mercy. */
static bool is_over(void) {
    bool brutal = am_loop_stop_is_brutal();
    if (!loop.stopped_at)
        begin_to_stop();
    int64_t passed = loop.now - loop.stopped_at;
    if ((brutal || passed >= DRAIN_TIME) && !loop.closed_idle) {
        am_loop_dispatch_close_idle();
        loop.closed_idle = true;
    }
    if (am_loop_connections_count() == 0)
        return true;
    if (passed < (int64_t)am_uwsgi_settings.loop.grace * 1000)
        return false;
    return brutal || am_loop_dispatch_blocking() == 0;
}

/* ---- the beginning ----------------------------------------------------------------------------
 */

static void must(bool done, const char *what) {
    if (done)
        return;
    am_publish_log(&am_uwsgi_log, "worker %d cannot start its loop: %s: %s", uwsgi.mywid, what,
                   strerrordesc_np(errno));
    exit(1);
}

static void add(int fd, uint64_t key) {
    struct epoll_event wanted = {EPOLLIN, {.u64 = key}};
    must(epoll_ctl(loop.queue, EPOLL_CTL_ADD, fd, &wanted) == 0, "epoll_ctl");
}

/* Raises the limit of open files towards `wanted`, and returns it; `wanted` when a seccomp filter
 * forbids to ask. */
static uint64_t raise_open_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    struct rlimit raised = {wanted < limit.rlim_max ? wanted : limit.rlim_max, limit.rlim_max};
    bool helps = raised.rlim_cur > limit.rlim_cur;
    return helps && setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

/* admatch-connections, or fewer where the limit of open files is too low. */
static uint32_t find_capacity(void) {
    uint64_t wanted = am_uwsgi_settings.loop.connections;
    uint64_t files = raise_open_files(wanted + spare_descriptors);
    if (files >= wanted + spare_descriptors)
        return (uint32_t)wanted;
    uint64_t capacity = files > 2 * spare_descriptors ? files - spare_descriptors : files / 2 + 1;
    if (capacity >= wanted)
        return (uint32_t)wanted;
    am_publish_log(&am_uwsgi_log,
                   "worker %d: %llu connections instead of the %llu of admatch-connections, since "
                   "the limit of open files is %llu (max-fd, LimitNOFILE)",
                   uwsgi.mywid, (unsigned long long)capacity, (unsigned long long)wanted,
                   (unsigned long long)files);
    return (uint32_t)capacity;
}

static void start_parts(void) {
    unsigned cores = (unsigned)uwsgi.cores;
    set_time();
    am_loop_pending_limit(am_uwsgi_settings.loop.memory);
    must(am_loop_dispatch_start(loop.queue, find_capacity(), loop.now, shared), "connections");
    must(am_loop_hooks_start(cores) && am_loop_harakiri_start(cores), "cores");
    must(am_loop_listeners_start(), "sockets");
    must(am_loop_serve_start(), "a pair of sockets");
    must(am_loop_threads_start(loop.wake), "blocking threads");
}

static void start(void) {
    loop.queue = epoll_create1(EPOLL_CLOEXEC);
    loop.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(loop.queue >= 0 && loop.wake >= 0, "epoll and eventfd");
    if (uwsgi.threads > 1)
        pthread_setspecific(uwsgi.tur_key, &uwsgi.workers[uwsgi.mywid].cores[0].req);
    start_parts();
    add(loop.wake, KEY_WAKE);
    if (uwsgi.signal_socket >= 0) {
        add(uwsgi.signal_socket, KEY_SIGNAL);
        add(uwsgi.my_signal_socket, KEY_OWN_SIGNAL);
    }
    am_loop_stop_start(loop.wake);
    am_loop_dispatch_listen(true);
}

static void run(void) {
    start();
    while (!am_loop_stopping() || !is_over())
        turn();
    am_loop_dispatch_stop();
    am_loop_stop_finish();
}

/* ---- uWSGI ------------------------------------------------------------------------------------
 */

void am_loop_register(void) {
    uwsgi_register_loop(am_uwsgi_loop_name, run);
}

void am_loop_count_in(struct am_metrics *metrics) {
    am_metrics_list_loop(metrics);
    shared = metrics;
}

static void log_blocking(void) {
    if (!am_loop_serve_may_block())
        return;
    am_publish_log(
        &am_uwsgi_log,
        "loop = admatch: routes, static files, post-buffering or a cache are configured, "
        "so each request may block");
    if (uwsgi.threads > 1)
        am_publish_log(&am_uwsgi_log, "%d blocking threads a process will run them",
                       uwsgi.threads - 1);
    else
        am_publish_log(&am_uwsgi_log,
                       "and will hold up all others of its process: set threads = 2 or more");
}

static void check_grace(void) {
    uint64_t grace = am_uwsgi_settings.loop.grace;
    if (grace >= (uint64_t)uwsgi.worker_reload_mercy)
        am_publish_log(&am_uwsgi_log,
                       "admatch-grace = %llu: worker-reload-mercy = %d kills a process that takes "
                       "so long to end: expected fewer seconds",
                       (unsigned long long)grace, uwsgi.worker_reload_mercy);
}

void am_loop_check(void) {
    log_blocking();
    check_grace();
    if (uwsgi.async > 1)
        am_uwsgi_log_and_exit("loop = admatch does not go with async = %d: leave that out",
                              uwsgi.async);
    unsigned count = 0;
    for (struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next) {
        if (++count > AM_LOOP_LISTENERS)
            am_uwsgi_log_and_exit("loop = admatch serves at most %d sockets", AM_LOOP_LISTENERS);
        const char *refusal = socket->fd >= 0 ? am_loop_listener_refusal(socket) : NULL;
        if (refusal)
            am_uwsgi_log_and_exit("loop = admatch cannot serve socket %s: %s",
                                  socket->name ? socket->name : "", refusal);
    }
}
