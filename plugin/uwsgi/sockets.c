/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"

#include "host.h"
#include "log.h"

enum { MOST = 64 };

static const char *addresses[MOST];
static const struct uwsgi_socket *sockets[MOST];
static unsigned count;

void am_uwsgi_sockets_add_public(char *option, char *value, void *unused) {
    (void)unused;
    char *rest = NULL, *copy = strdup(value ? value : "");
    for (char *at = copy ? strtok_r(copy, " \t", &rest) : NULL; at;
         at = strtok_r(NULL, " \t", &rest)) {
        if (count == MOST)
            am_uwsgi_log_and_exit("%s: at most %d addresses", option, MOST);
        addresses[count++] = at; /* of the copy, which lives as long as the process */
    }
}

void am_uwsgi_sockets_find_public(void) {
    for (unsigned i = 0; i < count; i++) {
        for (const struct uwsgi_socket *socket = uwsgi.sockets; socket; socket = socket->next)
            if (strcmp(socket->name, addresses[i]) == 0)
                sockets[i] = socket;
        if (!sockets[i])
            am_uwsgi_log_and_exit("admatch-public = %s: expected the address of a socket, as "
                                  "http11-socket or socket has it",
                                  addresses[i]);
    }
}

bool am_uwsgi_socket_is_public(const struct uwsgi_socket *socket) {
    for (unsigned i = 0; i < count; i++)
        if (sockets[i] == socket)
            return true;
    return false;
}
