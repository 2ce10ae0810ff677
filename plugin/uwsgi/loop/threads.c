/* SPDX-License-Identifier: Apache-2.0 */
#include "threads.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "../host.h"
#include "../log.h"
#include "harakiri.h"
#include "hooks.h"
#include "listener.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t submitted;
    struct am_loop_connection *first, *last; /* wait for a thread */
    struct am_loop_connection *returned;     /* newest first */
    unsigned running;
    int wake;
} threads = {.lock = PTHREAD_MUTEX_INITIALIZER, .submitted = PTHREAD_COND_INITIALIZER};

/* ---- one request ------------------------------------------------------------------------------
 */

static void restore(struct wsgi_request *request, struct am_loop_connection *connection) {
    request->fd = connection->fd;
    request->c_len = connection->address_size;
    memcpy(&request->client_addr, &connection->address, connection->address_size);
    memcpy(request->uh, connection->head.data, connection->head.size);
    request->proto_parser_status = AM_LOOP_HEAD_WHOLE;
    request->proto_parser_remains_buf = connection->input.data;
    request->proto_parser_remains = connection->input.size;
    request->start_of_request = connection->began;
    request->start_of_request_in_sec = connection->began / 1000000;
}

static bool is_routed(struct wsgi_request *request) {
#ifdef UWSGI_ROUTING
    return uwsgi_apply_routes(request) == UWSGI_ROUTE_BREAK;
#else
    (void)request;
    return false;
#endif
}

/* Runs a request as uWSGI's own loop does after parsing its head (wsgi_req_recv). */
static void run(unsigned core, struct am_loop_connection *connection) {
    struct uwsgi_core *state = &uwsgi.workers[uwsgi.mywid].cores[core];
    struct wsgi_request *request = &state->req;
    wsgi_req_setup(request, (int)core, &am_loop_listener_at(connection->listener)->blocking);
    restore(request, connection);
    am_loop_hooks_begin(request, connection, AM_VIEW(""));
    state->in_request = 1;
    am_loop_harakiri_begin(core);
    if (!is_routed(request))
        request->async_status = uwsgi.p[request->uh->modifier1]->request(request);
    uwsgi_close_request(request);
    am_loop_harakiri_end(core);
}

/* ---- the threads ------------------------------------------------------------------------------
 */

static void return_connection(struct am_loop_connection *connection) {
    uint64_t one = 1;
    pthread_mutex_lock(&threads.lock);
    connection->queued = threads.returned;
    threads.returned = connection;
    pthread_mutex_unlock(&threads.lock);
    if (write(threads.wake, &one, sizeof one) < 0)
        return; /* the counter is full, so the loop wakes up anyway */
}

static struct am_loop_connection *next_connection(void) {
    pthread_mutex_lock(&threads.lock);
    while (!threads.first)
        pthread_cond_wait(&threads.submitted, &threads.lock);
    struct am_loop_connection *connection = threads.first;
    threads.first = connection->queued;
    pthread_mutex_unlock(&threads.lock);
    return connection;
}

static void *thread(void *argument) {
    long core = (long)argument;
    int before;
    uwsgi_setup_thread_req(core, &uwsgi.workers[uwsgi.mywid].cores[core].req);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
    for (;;) {
        struct am_loop_connection *connection = next_connection();
        run((unsigned)core, connection);
        return_connection(connection);
    }
    return NULL;
}

bool am_loop_threads_start(int wake) {
    threads.wake = wake;
    for (long core = 1; core < uwsgi.cores; core++) {
        pthread_t *id = &uwsgi.workers[uwsgi.mywid].cores[core].thread_id;
        int status = pthread_create(id, &uwsgi.threads_attr, thread, (void *)core);
        if (status != 0)
            am_publish_log(&am_uwsgi_log, "worker %d: cannot start blocking thread %ld: %s",
                           uwsgi.mywid, core, strerrordesc_np(status));
        threads.running += status == 0;
    }
    return threads.running || uwsgi.cores == 1;
}

bool am_loop_threads_running(void) {
    return threads.running;
}

void am_loop_threads_submit(struct am_loop_connection *connection) {
    if (!threads.running) {
        run(0, connection);
        return_connection(connection);
        return;
    }
    connection->queued = NULL;
    pthread_mutex_lock(&threads.lock);
    if (threads.first)
        threads.last->queued = connection;
    else
        threads.first = connection;
    threads.last = connection;
    pthread_cond_signal(&threads.submitted);
    pthread_mutex_unlock(&threads.lock);
}

struct am_loop_connection *am_loop_threads_collect(void) {
    pthread_mutex_lock(&threads.lock);
    struct am_loop_connection *returned = threads.returned;
    threads.returned = NULL;
    pthread_mutex_unlock(&threads.lock);
    return returned;
}
