/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks through which uWSGI reads and writes a connection while a request runs.
 *
 * uWSGI calls the functions in struct uwsgi_socket. A request in the loop uses a copy of that
 * structure whose functions never block: they read the body from memory, and buffer what the kernel
 * does not take at once. A request in a blocking thread uses a copy in which only the end of the
 * request is ours, so that the connection returns to the loop. */
/* Runs in: a worker, the main thread (start, set, set_blocking), the thread of the core (begin),
 * the loop's thread (flush). */
#ifndef AM_UWSGI_LOOP_HOOKS_H
#define AM_UWSGI_LOOP_HOOKS_H

#include "../host.h"
#include "connection.h"

/* wsgi_request.proto_parser_status once the HTTP parser has found the end of a head. Only then is a
 * connection kept; am_uwsgi_host_close resets it. */
enum { AM_LOOP_HEAD_WHOLE = 3 };

/* Allocates the state of each core. False: out of memory. Once in each process. */
bool am_loop_hooks_start(unsigned cores);

/* Before a core runs a request of that connection. `rest`: bytes received after the request, in the
 * loop; valid until the request ends. The core's thread. */
void am_loop_hooks_begin(const struct wsgi_request *request,
                         struct am_loop_connection *connection,
                         struct am_view rest);

/* Sets the hooks in a copy of a socket's structure: for the loop, for blocking threads. */
void am_loop_hooks_set(struct uwsgi_socket *socket);

void am_loop_hooks_set_blocking(struct uwsgi_socket *socket);

/* Sends buffered output. False: the client is gone. The loop's thread. */
bool am_loop_hooks_flush(struct am_loop_connection *connection);

#endif
