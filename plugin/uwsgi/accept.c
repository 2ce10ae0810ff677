/* SPDX-License-Identifier: Apache-2.0 */
/* A signal that ends a worker gently (SIGHUP, a reload, cheaper) ends it at once when its core is
 * not in a request (core/uwsgi.c, gracefully_kill). uWSGI notes that a core is in a request only
 * when it begins to read it (core/utils.c, wsgi_req_recv), so a connection that was accepted a
 * moment before would be closed without an answer. Here the core is in a request from before
 * accept(2) on. */
#include "accept.h"

#include <stdlib.h>

#include "host.h"
#include "log.h"

struct original {
    const struct uwsgi_socket *socket;
    int (*accept)(struct wsgi_request *, int);
};

static struct original *originals; /* one for each of uWSGI's sockets */

/* The sockets are few. */
static int accept_as_before(struct wsgi_request *request, int fd) {
    const struct original *original = originals;
    while (original->socket != request->socket)
        original++;
    return original->accept(request, fd);
}

/* On a kept connection, uWSGI waits here for its next request: that is idle time. */
static int accept_in_request(struct wsgi_request *request, int fd) {
    const struct uwsgi_socket *socket = request->socket;
    struct uwsgi_core *core = &uwsgi.workers[uwsgi.mywid].cores[request->async_id];
    if (socket->retry && socket->retry[request->async_id])
        return accept_as_before(request, fd);
    core->in_request = 1;
    int accepted = accept_as_before(request, fd);
    if (accepted < 0)
        core->in_request = 0;
    return accepted;
}

void am_uwsgi_accept_start(void) {
    size_t count = 0;
    for (struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next)
        count++;
    originals = calloc(count + 1, sizeof *originals);
    if (!originals) {
        am_publish_log(&am_uwsgi_log, "worker %d: out of memory: a reload may lose a connection",
                       uwsgi.mywid);
        return;
    }
    count = 0;
    for (struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next) {
        originals[count++] = (struct original){socket, socket->proto_accept};
        socket->proto_accept = accept_in_request;
    }
}
