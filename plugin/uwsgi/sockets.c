/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"

#include "../base/bytes.h"
#include "host.h"
#include "log.h"

enum { MOST = 64 };

static struct am_view addresses[MOST];
static int sockets[MOST]; /* descriptors: the loop serves from copies of uWSGI's structures */
static unsigned count;

void am_uwsgi_sockets_add_public(char *option, char *value, void *unused) {
    static const char separators[] = " \t";
    (void)unused;
    for (const char *at = value; at && *(at += strspn(at, separators));) {
        if (count == MOST)
            am_uwsgi_log_and_exit("%s: at most %d addresses", option, MOST);
        addresses[count] = (struct am_view){at, strcspn(at, separators)};
        at += addresses[count++].size;
    }
}

void am_uwsgi_sockets_find_public(void) {
    for (unsigned i = 0; i < count; i++) {
        sockets[i] = -1;
        for (const struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next)
            if (am_view_equal(am_view_of(socket->name), addresses[i]))
                sockets[i] = socket->fd;
        if (sockets[i] < 0)
            am_uwsgi_log_and_exit("admatch-public = %.*s: expected the address of a socket, as "
                                  "http11-socket or socket has it",
                                  AM_VIEW_ARGUMENTS(addresses[i]));
    }
}

bool am_uwsgi_socket_is_public(const struct uwsgi_socket *socket) {
    for (unsigned i = 0; i < count; i++)
        if (sockets[i] == socket->fd)
            return true;
    return false;
}
