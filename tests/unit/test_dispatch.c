/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's dispatcher, with what it calls replaced: requests are served as a test says, and epoll
 * takes connections or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../plugin/uwsgi/log.h"
#include "../../plugin/uwsgi/loop/dispatch.h"
#include "../../plugin/uwsgi/loop/listener.h"
#include "../../plugin/uwsgi/loop/serve.h"
#include "../../plugin/uwsgi/loop/threads.h"
#include "../../plugin/uwsgi/settings.h"

enum { CAPACITY = 8, NOW = 1000000, SECOND = 1000 };

/* ---- what the dispatcher calls ----------------------------------------------------------------
 */

struct uwsgi_server uwsgi;
struct am_uwsgi_settings am_uwsgi_settings = {
    .limit_body = 1024,
    .loop = {.idle_timeout = 100, .head_timeout = 100, .body_timeout = 100, .write_timeout = 100}};

static char logged[8][256];
static unsigned lines;

static void log_line(void *unused, const char *line) {
    (void)unused;
    if (lines < AM_COUNT_OF(logged))
        snprintf(logged[lines++], sizeof logged[0], "%s", line);
}

const struct am_publish_sink am_uwsgi_log = {.log = log_line};

/* A buffered byte is a request. */
static unsigned served;

static enum am_loop_next outcome(struct am_loop_connection *connection) {
    connection->state = AM_LOOP_IDLE;
    if (connection->input.size == 0)
        return AM_LOOP_READ;
    am_loop_pending_consume(&connection->input, 1);
    served++;
    return connection->input.size ? AM_LOOP_SERVE : AM_LOOP_READ;
}

enum am_loop_next am_loop_serve(struct am_loop_connection *connection) {
    assert_int_equal(connection->state, AM_LOOP_IDLE);
    return outcome(connection);
}

enum am_loop_next am_loop_serve_truncated(struct am_loop_connection *connection) {
    return outcome(connection);
}

enum am_loop_next am_loop_serve_returned(struct am_loop_connection *connection) {
    return outcome(connection);
}

enum am_loop_next am_loop_serve_flush(struct am_loop_connection *connection) {
    return outcome(connection);
}

void am_loop_threads_submit(struct am_loop_connection *connection) {
    fail_msg("connection %d has nothing that blocks", connection->fd);
}

struct am_loop_connection *am_loop_threads_collect(void) {
    return NULL;
}

static struct am_loop_listener listener;

unsigned am_loop_listeners_count(void) {
    return 1;
}

struct am_loop_listener *am_loop_listener_at(unsigned index) {
    assert_int_equal(index, 0);
    return &listener;
}

/* Each accepted connection has `pipelined` requests buffered; its client is `client`. */
static unsigned pipelined;
static int client = -1;

struct am_loop_connection *am_loop_listener_accept(unsigned index) {
    static const char requests[200];
    int ends[2];
    assert_int_equal(index, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client = ends[0];
    struct am_loop_connection *connection = am_loop_connection_new(ends[1]);
    assert_true(am_loop_pending_append(&connection->input, requests, pipelined));
    return connection;
}

/* ---- epoll, which fails on demand -------------------------------------------------------------
 */

static int failure; /* of EPOLL_CTL_ADD; 0: none */

int __real_epoll_ctl(int queue, int change, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int queue, int change, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int queue, int change, int fd, struct epoll_event *event) {
    if (failure && change == EPOLL_CTL_ADD) {
        errno = failure;
        return -1;
    }
    return __real_epoll_ctl(queue, change, fd, event);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static struct am_metrics *metrics;

static struct am_metrics_loop *counters(void) {
    return &am_metrics_row(metrics, 1, 0)->loop;
}

static int set_up(void **state) {
    static int64_t now = NOW;
    static struct uwsgi_worker workers[2];
    (void)state;
    uwsgi.mywid = 1;
    uwsgi.workers = workers;
    lines = served = pipelined = 0;
    failure = 0;
    metrics = am_metrics_new(1, 1, NULL);
    am_loop_pending_limit(1 << 20);
    listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    now += INT64_C(1000) * SECOND; /* lines are logged anew */
    assert_true(am_loop_dispatch_start(epoll_create1(EPOLL_CLOEXEC), CAPACITY, now, metrics));
    am_loop_dispatch_listen(true);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    am_loop_dispatch_listen(false);
    am_loop_dispatch_close_idle();
    assert_int_equal(am_loop_connections_count(), 0);
    am_metrics_free(metrics);
    close(listener.fd);
    return 0;
}

static struct am_loop_connection *nth(unsigned index) {
    struct am_loop_connection *connection = NULL;
    do
        connection = am_loop_connection_next(connection);
    while (index--);
    return connection;
}

/* Three connections that are due again, of which the client of number `reset` resets its own. */
static void drop_a_ready_one(unsigned reset) {
    pipelined = 40;
    for (unsigned i = 0; i < 3; i++)
        am_loop_dispatch_accept(0, true);
    assert_int_equal(am_loop_connections_count(), 3);
    uint64_t key = am_loop_connection_key(nth(reset));
    am_loop_dispatch_event(key, EPOLLIN | EPOLLERR);
    assert_null(am_loop_connection_of_key(key));
    am_loop_dispatch_accept(0, true); /* takes the entry over */
    served = 0;
    unsigned turns = 1;
    for (; am_loop_dispatch_ready(); turns++)
        assert_true(turns < 10);
    assert_int_equal(turns, 2);
    assert_int_equal(served, 2 * (40 - 16) + (40 - 16));
    assert_int_equal(am_loop_connections_count(), 3);
}

static void the_first_of_the_ready_ones_may_be_reset(void **state) {
    (void)state;
    drop_a_ready_one(0);
}

static void one_among_the_ready_ones_may_be_reset(void **state) {
    (void)state;
    drop_a_ready_one(1);
}

static void the_last_of_the_ready_ones_may_be_reset(void **state) {
    (void)state;
    drop_a_ready_one(2);
}

static void a_ready_connection_is_served_once_a_turn(void **state) {
    (void)state;
    pipelined = 40;
    am_loop_dispatch_accept(0, true);
    assert_int_equal(served, 16);
    am_loop_dispatch_event(am_loop_connection_key(nth(0)), EPOLLIN);
    assert_int_equal(served, 16);
    assert_true(am_loop_dispatch_ready());
    assert_int_equal(served, 32);
    assert_false(am_loop_dispatch_ready());
    assert_int_equal(served, 40);
}

static void a_connection_that_epoll_does_not_take_is_closed_logged_and_counted(void **state) {
    (void)state;
    char byte;
    failure = ENOSPC;
    am_loop_dispatch_accept(0, true);
    assert_int_equal(am_loop_connections_count(), 0);
    assert_int_equal(recv(client, &byte, 1, 0), 0);
    assert_int_equal(counters()->closed[AM_METRICS_CLOSED_UNWATCHED], 1);
    assert_int_equal(counters()->pauses, 1);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(logged[0], "fs.epoll.max_user_watches"));
}

static void without_watches_accepting_pauses_until_the_next_tick(void **state) {
    (void)state;
    failure = ENOMEM;
    am_loop_dispatch_accept(0, true);
    am_loop_dispatch_end_turn();
    failure = 0;
    am_loop_dispatch_accept(0, true);
    assert_int_equal(counters()->accepted, 1);
    am_loop_dispatch_tick();
    am_loop_dispatch_accept(0, true);
    assert_int_equal(counters()->accepted, 2);
    assert_int_equal(am_loop_connections_count(), 1);
}

static void a_socket_that_epoll_does_not_take_is_logged_once_a_minute(void **state) {
    (void)state;
    failure = ENOSPC;
    for (int i = 0; i < 5; i++)
        am_loop_dispatch_tick();
    assert_int_equal(lines, 1);
    failure = 0;
    am_loop_dispatch_tick();
    am_loop_dispatch_accept(0, true);
    assert_int_equal(am_loop_connections_count(), 1);
    assert_int_equal(lines, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_of_the_ready_ones_may_be_reset),
        TEST(one_among_the_ready_ones_may_be_reset),
        TEST(the_last_of_the_ready_ones_may_be_reset),
        TEST(a_ready_connection_is_served_once_a_turn),
        TEST(a_connection_that_epoll_does_not_take_is_closed_logged_and_counted),
        TEST(without_watches_accepting_pauses_until_the_next_tick),
        TEST(a_socket_that_epoll_does_not_take_is_logged_once_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
