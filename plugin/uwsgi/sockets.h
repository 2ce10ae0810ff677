/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that anybody may reach: admatch-public. */
/* Runs in: the master before its first fork (add, find); a worker's threads (is_public). */
#ifndef AM_UWSGI_SOCKETS_H
#define AM_UWSGI_SOCKETS_H

#include <stdbool.h>

struct uwsgi_socket;

/* An option's addresses, each as the option of the socket has it; separated by white space. */
void am_uwsgi_sockets_add_public(char *option, char *value, void *unused);

/* Finds them among uWSGI's sockets. Logs and exits where there is none of that address. In
 * post_init. */
void am_uwsgi_sockets_find_public(void);

/* Any thread of a worker. */
bool am_uwsgi_socket_is_public(const struct uwsgi_socket *socket);

#endif
